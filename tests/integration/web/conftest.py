"""Two vendors who must know nothing of each other, and an operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.support.api_clients import OPERATOR, signed_in
from tests.support.running_pipeline import Pipeline


@pytest.fixture(scope="session")
def vendor_a(pipeline: Pipeline) -> Iterator[httpx.Client]:
    """VENDA's people, signed in."""
    with closing(signed_in(pipeline, pipeline.vendor("VENDA"))) as client:
        yield client


@pytest.fixture(scope="session")
def vendor_b(pipeline: Pipeline) -> Iterator[httpx.Client]:
    """VENDB's people, signed in."""
    with closing(signed_in(pipeline, pipeline.vendor("VENDB"))) as client:
        yield client


@pytest.fixture(scope="session")
def operator(pipeline: Pipeline) -> Iterator[httpx.Client]:
    """The sample operator, signed in."""
    with closing(signed_in(pipeline, OPERATOR)) as client:
        yield client
