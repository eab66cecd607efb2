"""Who spends the processor's time: the local stack's processes, by what they are there for."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from onboarding.local.stack import LocalStack

TICK = os.sysconf("SC_CLK_TCK")
DRIVER = "the bench itself, with the inbox"
_FUNCTION = re.compile(rb"(?:^|\0)POWERTOOLS_SERVICE_NAME=([^\0]+)")


def cpu_seconds(local: LocalStack) -> Mapping[str, float]:
    """The CPU that each part of a running engine has used so far, in seconds; and this process's."""
    assert local.emulator is not None, "it runs"  # noqa: S101
    assert local.emulator.process is not None, "it runs"  # noqa: S101
    assert local.postgres is not None, "it runs"  # noqa: S101
    assert local.postgres.process is not None, "it runs"  # noqa: S101
    spent: defaultdict[str, float] = defaultdict(float)
    engine, postgres = local.emulator.process.pid, local.postgres.process.pid
    parents = _parents()
    for process in parents:
        ancestors = _ancestors(process, parents)
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            if engine in ancestors:
                spent[_function(process)] += _seconds(process)
            elif postgres in {process, *ancestors}:
                # A connection that was closed is counted by its parent.
                spent["PostgreSQL"] += _seconds(process, ended=process == postgres)
            elif process == engine:
                spent["the engine"] += _seconds(process)
    spent[DRIVER] = sum(os.times()[:2])
    return spent


def _parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found[int(entry.name)] = int(_stat(int(entry.name))[1])
    return found


def _ancestors(process: int, parents: dict[int, int]) -> set[int]:
    found = set()
    while (process := parents.get(process, 0)) > 1:
        found.add(process)
    return found


def _stat(process: int) -> list[str]:
    """The kernel's line on a process, from its state on: its name before that may have blanks in it."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()


def _seconds(process: int, *, ended: bool = False) -> float:
    """User and system time; with that of its children that have ended."""
    return sum(map(int, _stat(process)[11 : 15 if ended else 13])) / TICK


def _function(process: int) -> str:
    found = _FUNCTION.search(Path(f"/proc/{process}/environ").read_bytes())
    return found[1].decode() if found else "other functions"
