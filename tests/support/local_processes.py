"""Helpers for tests of local processes: waiting, listing, state directories."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

TIMEOUT = 30


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition is true. Fail the test after TIMEOUT seconds."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {TIMEOUT} s for {what}")
        time.sleep(0.01)


def list_processes(state: Path) -> dict[int, str]:
    """Return the commands, by process ID, of processes with the state directory in their command or environment."""
    commands = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
            environment = (process / "environ").read_bytes()
        except OSError:  # the process ended
            continue
        if str(state).encode() in command + environment:
            commands[int(process.name)] = command.decode()
    return commands


def make_state() -> Path:
    """Create a state directory outside pytest's, whose permissions another pytest process resets."""
    return Path(tempfile.mkdtemp(prefix="onboarding-test-"))
