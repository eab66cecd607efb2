"""How these tests wait, and see which processes run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PATIENCE = 30


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; fail if it does not for a long time."""
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"waited {PATIENCE} s in vain: {what}")
        time.sleep(0.01)


def list_processes(state: Path) -> dict[int, str]:
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


def make_state() -> Path:
    """A directory that stays as open as it is made; pytest closes its own whenever another pytest starts."""
    return Path(tempfile.mkdtemp(prefix="onboarding-test-"))
