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
from tests.faults.simulation import violation
from tests.faults.stack_runs import StackRun, children, create_vendors, files, processor_time, run_watchdog
from tests.support.running_pipeline import wait_until

PrintLine = Callable[[str], None]

UPLOADS, ROWS = 10, 300
VICTIMS = ("emulator", "worker", "PostgreSQL")
SAMPLE_SECONDS = 0.03
"""Seconds in which a process must use CPU time to count as busy."""

STALLED_SECONDS = 8.0
"""Seconds without progress after which the watchdog runs; its schedule is minutes."""


MAX_EMAILS = {"emulator": 2, "worker": 2, "PostgreSQL": 1}
"""An e-mail that a killed mailer sent and did not mark is sent again; a killed emulator loses all marks."""

SHORT_RETRY_DELAY = {"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1"}
"""A killed mailer is retried after a second instead of a minute."""

ATTEMPTS = 6
"""How often a kill without a busy process is repeated, each time sooner."""


def run(state: Path, rounds: int, seed: int, print_line: PrintLine) -> None:
    """Run rounds for each victim on one state directory; raise InvariantViolated at the first violation."""
    chance = random.Random(seed)  # noqa: S311 - a seed must reproduce its run
    for number in range(rounds):
        for victim in VICTIMS:
            # In the first seconds, or when some uploads are notified already.
            moment = KillTime(chance.randint(0, UPLOADS - 4) if number else 0, chance.uniform(0.0, 1.5))
            for attempt in range(ATTEMPTS):
                description = _run_round(state, f"KILL{number}{victim[0].upper()}{attempt}", victim, moment)
                if description is not None:
                    print_line(description)
                    break
                moment = KillTime(moment.notified // 2, moment.seconds / 2)
            else:
                raise violation("a kill falls into the middle of the work", victim, moment)


@dataclass(frozen=True)
class KillTime:
    """Time of the kill: so many seconds after so many uploads are notified."""

    notified: int
    seconds: float


def _run_round(state: Path, name: str, victim: str, moment: KillTime) -> str | None:
    """Return a description of the round, or None if no process was busy."""
    keyed_files = files(UPLOADS, ROWS, 3, name)
    local_stack = LocalStack(state, environment=SHORT_RETRY_DELAY)
    local_stack.start()
    try:
        with StackRun(local_stack) as load:
            create_vendors(load, keyed_files)
            load.put(keyed_files)
            wait_until(lambda: load.count_notified() >= moment.notified, "uploads to be notified")
            time.sleep(moment.seconds)
            notified, sent = load.count_notified(), load.count_uploads_with_email()
            busy: list[int] = []
            while not busy:
                if load.count_notified() == UPLOADS:
                    return None
                busy = _list_busy_processes(local_stack, load, victim)
            _kill(local_stack, victim, busy)
        if victim == "emulator":
            local_stack.stop()
            local_stack = LocalStack(state, environment=SHORT_RETRY_DELAY)
            local_stack.start()
        with StackRun(local_stack, load.uploads) as load:
            resumed = _finish_uploads(local_stack, load)
            # The emulator loses its staging table when it ends.
            load.check(max_emails=MAX_EMAILS[victim], staged=victim != "emulator")
            twice = load.count_uploads_with_two_emails()
        return (
            f"{victim} killed: {notified} of {UPLOADS} uploads notified, {sent} e-mails sent, "
            f"{len(busy)} processes busy; "
            f"the watchdog resumed {resumed}, every invariant holds, {twice} e-mails were sent twice"
        )
    finally:
        local_stack.stop()


def _list_busy_processes(local_stack: LocalStack, load: StackRun, victim: str) -> list[int]:
    """Return the process ids of a victim's busy processes: in a transaction, or using CPU time."""
    if victim == "PostgreSQL":
        query = "select pid from pg_stat_activity where xact_start is not null and pid <> pg_backend_pid()"
        return [pid for (pid,) in load.pipeline.connection.execute(query)]
    assert local_stack.emulator is not None
    assert local_stack.emulator.process is not None
    emulator = local_stack.emulator.process.pid
    candidates = [emulator] if victim == "emulator" else children(emulator)
    before = {pid: processor_time(pid) for pid in candidates}
    time.sleep(SAMPLE_SECONDS)
    return [pid for pid in candidates if (now := processor_time(pid)) is not None and now != before[pid]]


def _kill(local_stack: LocalStack, victim: str, busy: Sequence[int]) -> None:
    assert local_stack.emulator is not None
    assert local_stack.emulator.process is not None
    assert local_stack.postgres is not None
    assert local_stack.postgres.process is not None
    match victim:
        case "emulator":
            local_stack.emulator.process.kill()
            local_stack.emulator.process.wait()
        case "worker":
            for pid in busy[:2]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        case _:
            os.killpg(local_stack.postgres.process.pid, signal.SIGKILL)
            local_stack.postgres.process.wait()
            local_stack.postgres.start(lambda: None)


def _finish_uploads(local_stack: LocalStack, load: StackRun) -> int:
    """Wait while there is progress, then let the watchdog resume the rest; return how many it resumed."""
    resumed = 0
    for attempt in range(6):
        if attempt or local_stack.emulator is None:
            resumed += run_watchdog(local_stack)
        if load.wait(120, progress=STALLED_SECONDS):
            return resumed
    raise violation(
        "every upload ends, is notified and has an e-mail",
        f"{load.count_notified()} notified, {load.count_uploads_with_email()} with an e-mail, of {UPLOADS}",
    )
