"""`kill -9` of the emulator, of a function's worker and of PostgreSQL during a load."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from onboarding.local.stack import LocalStack
from tests.faults.invariants import violation
from tests.faults.stack_runs import StackRun, children, create_vendors, files, processor_time, watch
from tests.support.running_pipeline import wait_until

Print = Callable[[str], None]

UPLOADS, ROWS = 10, 300
VICTIMS = ("engine", "worker", "PostgreSQL")
SAMPLE_SECONDS = 0.03
"""Seconds in which a process must use CPU time to count as busy."""

STALLED_SECONDS = 8.0
"""Seconds without progress after which the watchdog runs; its schedule is minutes."""


MAILS_AT_MOST = {"engine": 2, "worker": 2, "PostgreSQL": 1}
"""A mail that a killed mailer has sent but not marked is sent again; a killed emulator loses its marks."""

RETRIES_SOON = {"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1"}
"""A killed mailer is called again after a second instead of a minute."""

ATTEMPTS = 6
"""How often a kill without a busy process is repeated, each time sooner."""


def run(state: Path, rounds: int, seed: int, say: Print) -> None:
    """Run some rounds for each victim on one state directory; raise InvariantViolated if one
    violates an invariant."""
    chance = random.Random(seed)  # noqa: S311 - a seed must reproduce its run
    for number in range(rounds):
        for victim in VICTIMS:
            # In the first seconds, or when some uploads are notified already.
            moment = KillTime(chance.randint(0, UPLOADS - 4) if number else 0, chance.uniform(0.0, 1.5))
            for attempt in range(ATTEMPTS):
                said = _round(state, f"KILL{number}{victim[0].upper()}{attempt}", victim, moment)
                if said is not None:
                    say(said)
                    break
                moment = KillTime(moment.notified // 2, moment.seconds / 2)
            else:
                raise violation("a kill falls into the middle of the work", victim, moment)


@dataclass(frozen=True)
class KillTime:
    """Time of the kill: so many seconds after so many uploads are notified."""

    notified: int
    seconds: float


def _round(state: Path, name: str, victim: str, moment: KillTime) -> str | None:
    """Return a description of the round, or None if no process was busy."""
    some = files(UPLOADS, ROWS, 3, name)
    local = LocalStack(state, environment=RETRIES_SOON)
    local.start()
    try:
        with StackRun(local) as load:
            create_vendors(load, some)
            load.put(some)
            wait_until(lambda: load.count_notified() >= moment.notified, "uploads to be told")
            time.sleep(moment.seconds)
            at, mailed = load.count_notified(), load.count_mailed()
            busy: list[int] = []
            while not busy:
                if load.count_notified() == UPLOADS:
                    return None
                busy = _busy(local, load, victim)
            _kill(local, victim, busy)
        if victim == "engine":
            local.stop()
            local = LocalStack(state, environment=RETRIES_SOON)
            local.start()
        with StackRun(local, load.uploads) as load:
            driven = _finish_uploads(local, load)
            # The emulator loses its staging table when it ends.
            load.check(mails_at_most=MAILS_AT_MOST[victim], staged=victim != "engine")
            twice = load.count_mailed_twice()
        return (
            f"{victim} killed: {at} of {UPLOADS} uploads notified, {mailed} mails sent, {len(busy)} processes busy; "
            f"the watchdog resumed {driven}, every invariant holds, {twice} mails were sent twice"
        )
    finally:
        local.stop()


def _busy(local: LocalStack, load: StackRun, victim: str) -> list[int]:
    """Return the busy processes of its kind: those in a transaction, or using CPU time."""
    if victim == "PostgreSQL":
        query = "select pid from pg_stat_activity where xact_start is not null and pid <> pg_backend_pid()"
        return [pid for (pid,) in load.pipeline.connection.execute(query)]
    assert local.emulator is not None
    assert local.emulator.process is not None
    engine = local.emulator.process.pid
    candidates = [engine] if victim == "engine" else children(engine)
    before = {pid: processor_time(pid) for pid in candidates}
    time.sleep(SAMPLE_SECONDS)
    return [pid for pid in candidates if (now := processor_time(pid)) is not None and now != before[pid]]


def _kill(local: LocalStack, victim: str, busy: Sequence[int]) -> None:
    assert local.emulator is not None
    assert local.emulator.process is not None
    assert local.postgres is not None
    assert local.postgres.process is not None
    match victim:
        case "engine":
            local.emulator.process.kill()
            local.emulator.process.wait()
        case "worker":
            for pid in busy[:2]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        case _:
            os.killpg(local.postgres.process.pid, signal.SIGKILL)
            local.postgres.process.wait()
            local.postgres.start(lambda: None)


def _finish_uploads(local: LocalStack, load: StackRun) -> int:
    """Wait while there is progress, then let the watchdog resume the rest; return how many it resumed."""
    driven = 0
    for attempt in range(6):
        if attempt or local.emulator is None:
            driven += watch(local)
        if load.wait(120, progress=STALLED_SECONDS):
            return driven
    raise violation(
        "every upload ends, is notified and has a mail",
        f"{load.count_notified()} notified and {load.count_mailed()} mailed of {UPLOADS}",
    )
