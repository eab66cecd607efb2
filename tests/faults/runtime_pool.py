"""Pool of processes for many short runs, each with its own database on one PostgreSQL server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from onboarding.local.postgres import Postgres
from onboarding.local.processes import Ports
from onboarding.storage.database import open_connection
from onboarding.storage.migrate import migrate
from tests.faults.enumeration import Case, Enumeration, Result
from tests.faults.lambda_runtime import Runtime
from tests.faults.mutation_testing import MUTANTS, MutantResult, find_violation
from tests.faults.schedules import ScheduleResult, run_seed
from tests.support.postgres_fixtures import create_database

PROCESSES = 2
CHUNK = 10

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


@contextmanager
def postgres_at(state: Path) -> Iterator[Postgres]:
    """Start a server for the harness."""
    server = Postgres(state, Ports(state / "ports.json").choose("postgres"))
    server.start(lambda: None)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def runtime_on(url: str, name: str) -> Iterator[Runtime]:
    """Install a runtime with a new database on the server at `url`."""
    database = create_database(url, name)
    with open_connection(database) as connection:
        migrate(connection)
        # These runs do not test power loss: a commit need not reach the disk.
        connection.execute("alter role current_user set synchronous_commit = off")
    runtime = Runtime(database)
    try:
        with runtime.installed():
            yield runtime
    finally:
        runtime.close()


@dataclass
class _Process:
    """State of a pool process between jobs."""

    runtime: Runtime
    enumeration: Enumeration | None = None

    def cached_enumeration(self) -> Enumeration:
        if self.enumeration is None:
            self.enumeration = Enumeration.of(self.runtime)
        return self.enumeration


_processes: list[_Process] = []


def _open_runtime(url: str) -> None:
    # Never closed: the process ends with the pool, and its database with the server.
    holder = runtime_on(url, f"chaos_{os.getpid()}")
    _processes.append(_Process(holder.__enter__()))
    _open_runtimes.append(holder)


_open_runtimes: list[object] = []


def run_cases(cases: Sequence[Case]) -> list[Result]:
    [process] = _processes
    return list(process.cached_enumeration().run(process.runtime, cases))


def run_seeds(seeds: Sequence[int]) -> list[ScheduleResult]:
    [process] = _processes
    return [run_seed(process.runtime, seed) for seed in seeds]


def run_mutants(numbers: Sequence[int]) -> list[MutantResult]:
    [process] = _processes
    enumeration = process.cached_enumeration()
    return [find_violation(process.runtime, MUTANTS[number], enumeration, range(1, 1_500)) for number in numbers]


def run_in_pool(
    url: str, work: Callable[[Sequence[Job]], list[Outcome]], jobs: Sequence[Job], chunk: int = CHUNK
) -> Iterator[Outcome]:
    """Run the jobs in the pool; yield the outcomes as they arrive."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), _open_runtime, (url,)) as pool:
        futures = [pool.submit(work, jobs[start : start + chunk]) for start in range(0, len(jobs), chunk)]
        try:
            for future in as_completed(futures):
                yield from future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
