"""`kill -9` of the engine, of a function's worker and of PostgreSQL in the middle of a load."""

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
from tests.faults.invariants import broken
from tests.faults.stack_runs import Load, children, files, processor_time, vendors_of, watch
from tests.support.running_pipeline import until

Print = Callable[[str], None]

UPLOADS, ROWS = 10, 300
VICTIMS = ("engine", "worker", "PostgreSQL")
MOMENT = 0.03
"""Seconds over which a process must have used the processor to count as at work."""

STILL = 8.0
"""Seconds without progress after which the watchdog is asked; its own patience is minutes."""


MAILS_AT_MOST = {"engine": 2, "worker": 2, "PostgreSQL": 1}
"""A mail that a killed mailer had sent and not marked goes out again, and a killed engine forgets its marks."""

RETRIES_SOON = {"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1"}
"""A killed mailer is called again after a second, and not after a minute: nothing moves meanwhile."""

ATTEMPTS = 6
"""How often a kill that fell on nobody at work is tried again, each time sooner."""


def run(state: Path, rounds: int, seed: int, say: Print) -> None:
    """Some rounds for each victim on one state directory; raises LawBroken when one ends otherwise than it should."""
    chance = random.Random(seed)  # noqa: S311 - to be the same again is the point
    for number in range(rounds):
        for victim in VICTIMS:
            # In the first seconds, or when some are told already.
            moment = Moment(chance.randint(0, UPLOADS - 4) if number else 0, chance.uniform(0.0, 1.5))
            for attempt in range(ATTEMPTS):
                said = _round(state, f"KILL{number}{victim[0].upper()}{attempt}", victim, moment)
                if said is not None:
                    say(said)
                    break
                moment = Moment(moment.told // 2, moment.seconds / 2)
            else:
                raise broken("a kill falls into the middle of the work", victim, moment)


@dataclass(frozen=True)
class Moment:
    """When the kill falls: so many seconds after so many uploads were told."""

    told: int
    seconds: float


def _round(state: Path, name: str, victim: str, moment: Moment) -> str | None:
    """What came of it, or None if there was nobody at work to be killed."""
    some = files(UPLOADS, ROWS, 3, name)
    local = LocalStack(state, environment=RETRIES_SOON)
    local.start()
    try:
        with Load(local) as load:
            vendors_of(load, some)
            load.put(some)
            until(lambda: load.told() >= moment.told, "uploads to be told")
            time.sleep(moment.seconds)
            at, mailed = load.told(), load.mailed()
            busy: list[int] = []
            while not busy:
                if load.told() == UPLOADS:
                    return None
                busy = _busy(local, load, victim)
            _kill(local, victim, busy)
        if victim == "engine":
            local.stop()
            local = LocalStack(state, environment=RETRIES_SOON)
            local.start()
        with Load(local, load.uploads) as load:
            driven = _bring_to_an_end(local, load)
            # The engine forgets its staging table when it ends.
            load.check(mails_at_most=MAILS_AT_MOST[victim], staged=victim != "engine")
            twice = load.mailed_twice()
        return (
            f"{victim} killed with {at} of {UPLOADS} uploads told, {mailed} mails out, {len(busy)} at work: "
            f"the watchdog drove {driven} on, every law holds, {twice} mails came twice"
        )
    finally:
        local.stop()


def _busy(local: LocalStack, load: Load, victim: str) -> list[int]:
    """The processes of its kind that are at work just now: in a transaction, or using the processor."""
    if victim == "PostgreSQL":
        query = "select pid from pg_stat_activity where xact_start is not null and pid <> pg_backend_pid()"
        return [pid for (pid,) in load.pipeline.connection.execute(query)]
    assert local.emulator is not None
    assert local.emulator.process is not None
    engine = local.emulator.process.pid
    candidates = [engine] if victim == "engine" else children(engine)
    before = {pid: processor_time(pid) for pid in candidates}
    time.sleep(MOMENT)
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


def _bring_to_an_end(local: LocalStack, load: Load) -> int:
    """Wait as long as something moves, then let the watchdog look after the rest."""
    driven = 0
    for attempt in range(6):
        if attempt or local.emulator is None:
            driven += watch(local)
        if load.wait(120, progress=STILL):
            return driven
    raise broken(
        "every upload ends and is told, and has mail", f"{load.told()} told and {load.mailed()} mailed of {UPLOADS}"
    )
