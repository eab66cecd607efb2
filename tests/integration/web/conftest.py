"""Clients of two vendors whose data must stay separate, and of an operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.support.api_clients import OPERATOR, signed_in
from tests.support.running_pipeline import Pipeline


@pytest.fixture(scope="session")
def vendor_a(pipeline: Pipeline) -> Iterator[httpx.Client]:
    """Yield a signed-in client of the vendor VENDA."""
    with closing(signed_in(pipeline, pipeline.vendor("VENDA"))) as client:
        yield client


@pytest.fixture(scope="session")
def vendor_b(pipeline: Pipeline) -> Iterator[httpx.Client]:
    """Yield a signed-in client of the vendor VENDB."""
    with closing(signed_in(pipeline, pipeline.vendor("VENDB"))) as client:
        yield client


@pytest.fixture(scope="session")
def operator(pipeline: Pipeline) -> Iterator[httpx.Client]:
    """Yield a signed-in client of the sample operator."""
    with closing(signed_in(pipeline, OPERATOR)) as client:
        yield client
