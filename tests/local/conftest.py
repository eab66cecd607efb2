"""A state directory for each test that wants one, a running engine for each module, and a look at what processes run."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from onboarding.local.up import LocalEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 30


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; fail if it does not for a long time."""
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"waited {PATIENCE} s in vain: {what}")
        time.sleep(0.01)


def processes_of(state: Path) -> dict[int, str]:
    """The processes that belong to a state directory, by what they were called with or where they keep things."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
            environment = (process / "environ").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        if str(state).encode() in command + environment:
            found[int(process.name)] = command.decode()
    return found


def new_state() -> Path:
    # Not pytest's own directory: as root PostgreSQL runs as another user, who must reach it, and every pytest that
    # starts on the machine closes that directory again.
    return Path(tempfile.mkdtemp(prefix="onboarding-test-"))


@pytest.fixture
def state() -> Iterator[Path]:
    directory = new_state()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def local() -> Iterator[LocalEngine]:
    directory = new_state()
    with LocalEngine(directory) as engine:
        yield engine
    shutil.rmtree(directory)
