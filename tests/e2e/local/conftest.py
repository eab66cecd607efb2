"""Fixture of a state directory for one test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.local_processes import make_state


@pytest.fixture
def state() -> Iterator[Path]:
    """Yield an empty state directory."""
    directory = make_state()
    yield directory
    shutil.rmtree(directory)
