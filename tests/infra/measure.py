"""Measures the usage of an upload, for `onboarding cost` and for the scaling model.

    python -m tests.infra.measure

It uploads files of two sizes, with 5% invalid rows: usage that is equal in both is that of an upload, the difference
is that of its rows. A proxy counts the requests to the AWS emulator. Durations are measured without the proxy, as
wall-clock and CPU time: on AWS a function waits as long, and its CPU time depends on its memory.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from onboarding.domain.resource_names import PRODUCT, resource_name
from onboarding.local.processes import Ports
from onboarding.local.stack import LocalStack
from tests.infra.function_scenarios import link_event, outcome, reported
from tests.infra.request_counting import Counts, counting
from tests.support.http_scenarios import vendor
from tests.support.running_pipeline import Pipeline, csv_of, product

USAGE = Path(__file__).parents[2] / "src" / "onboarding" / "cost" / "usage.json"
SMALL, LARGE = 100, 1_000
REPEATS = 5
FUNCTIONS = ("csv-parser", "product-validator", "error-processor", "mailer", "webhook")
"""What every upload starts."""

Line = dict[str, float]
"""`per_upload` and `per_row`."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Of one upload, by function: how many calls, their wall clock and their processor's time; and what was logged."""

    calls: Counter[str]
    milliseconds: Counter[str]
    cpu_milliseconds: dict[str, float]
    log_bytes: int


def usage() -> dict[str, object]:
    counted, timed = {}, {}
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        port = Ports(state / "ports.json").choose("emulator")
        with (
            counting(port) as (address, counts),
            LocalStack(state, port, environment={"AWS_ENDPOINT_URL": address}) as engine,
            Pipeline(engine.endpoints) as run,
        ):
            run_once(run, SMALL)  # from here on every function has a process that is warm and holds its secrets
            for rows in (SMALL, LARGE):
                counted[rows] = requests_of(run, counts, rows)
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        with LocalStack(state) as engine, Pipeline(engine.endpoints) as run:
            run_once(run, SMALL)
            for rows in (SMALL, LARGE):
                timed[rows] = times_of(run, state, rows)
            alone = {name: one_call(run, state, name, call) for name, call in calls_by_people(run).items()}
    small, large = counted[SMALL], counted[LARGE]
    less, more = timed[SMALL], timed[LARGE]
    return {
        "measured": f"{SMALL} and {LARGE} rows, 5% bad, batches of 100, on the local stack",
        "requests": {name: line(small[0][name], large[0][name]) for name in sorted({*small[0], *large[0]})},
        "write_units": line(small[1], large[1]),
        "file_bytes": line(small[2], large[2]),
        "calls": {name: line(less.calls[name], more.calls[name]) for name in FUNCTIONS},
        "milliseconds": {name: line(less.milliseconds[name], more.milliseconds[name]) for name in FUNCTIONS},
        "cpu_milliseconds": {
            name: line(less.cpu_milliseconds[name], more.cpu_milliseconds[name]) for name in FUNCTIONS
        },
        "log_bytes": line(less.log_bytes, more.log_bytes),
        "one_call": alone,
    }


def line(less: float, more: float) -> Line:
    per_row = (more - less) / (LARGE - SMALL)
    return {"per_upload": round(max(0.0, less - SMALL * per_row), 3), "per_row": round(max(0.0, per_row), 5)}


def file_of(name: str, rows: int) -> bytes:
    """A file of which every twentieth row has a price that no rule lets pass."""
    return csv_of([product(f"{name}-{n}", price="-1" if n % 20 == 0 else "19.99") for n in range(1, rows + 1)])


def run_once(run: Pipeline, rows: int) -> int:
    """An upload to its end; how many bytes its file has."""
    content = file_of(f"cost-{rows}-{time.time_ns()}", rows)
    run.run("VEND001", f"cost-{rows}.csv", content)
    time.sleep(2)  # the last lines of the logs and the statuses of the last batch
    return len(content)


def requests_of(run: Pipeline, counts: Counts, rows: int) -> tuple[Counter[str], int, int]:
    """Requests by operation, DynamoDB's write units, and the file's bytes."""
    counts.reset()
    size = run_once(run, rows)
    return Counter(counts.requests), counts.write_units, size


def times_of(run: Pipeline, state: Path, rows: int) -> Timed:
    """Wall clock of the quickest of some uploads, since the machine does other things too; the rest on average."""
    before = cpu_milliseconds(state)
    wall: list[tuple[Counter[str], Counter[str], int]] = []
    for _ in range(REPEATS):
        since = int(time.time() * 1000)
        run_once(run, rows)
        durations = {name: durations_of(run, name, since) for name in FUNCTIONS}
        calls = Counter({name: len(found) for name, found in durations.items()})
        logged = sum(log_bytes_of(run, name, since) for name in FUNCTIONS)
        wall.append((calls, Counter({name: sum(found) for name, found in durations.items()}), logged))
    after = cpu_milliseconds(state)
    calls, milliseconds, logged = min(wall, key=lambda found: found[1].total())
    cpu = {name: (after[name] - before[name]) / REPEATS for name in FUNCTIONS}
    return Timed(calls, milliseconds, cpu, logged)


def calls_by_people(run: Pipeline) -> dict[str, Callable[[], object]]:
    """One call of each function that does not follow from an upload alone."""
    link = link_event(run, reported(run))
    return {
        "api": lambda: vendor(run).status("GET", "/v1/uploads"),
        "report-link": lambda: outcome(run, "report-link", link),
        "watchdog": lambda: outcome(run, "watchdog", {}),
    }


def one_call(run: Pipeline, state: Path, function: str, call: Callable[[], object]) -> dict[str, float]:
    call()  # the first call starts a process
    before, since, times = cpu_milliseconds(state)[function], int(time.time() * 1000), 20
    for _ in range(times):
        call()
    spent = cpu_milliseconds(state)[function] - before
    return {
        "milliseconds": sum(durations_of(run, function, since)) / times,
        "cpu_milliseconds": round(spent / times, 1),
    }


def durations_of(run: Pipeline, function: str, since: int) -> list[int]:
    """Of each call since a time (milliseconds), how many milliseconds it took."""
    return [
        int(found[1])
        for text in logged(run, function, since)
        if (found := re.match(r"REPORT .*?Duration: (\d+)", text))
    ]


def log_bytes_of(run: Pipeline, function: str, since: int) -> int:
    """What the function itself wrote, without Lambda's own lines."""
    platform = ("START ", "END ", "REPORT ")
    return sum(len(text.encode()) for text in logged(run, function, since) if not text.startswith(platform))


def logged(run: Pipeline, function: str, since: int) -> list[str]:
    """What stands in a function's log from a time on."""
    pages = run.endpoints.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=f"/aws/lambda/{resource_name(function)}", startTime=since)
    return [event["message"] for page in found for event in page["events"]]


def cpu_milliseconds(state: Path) -> Counter[str]:
    """The processor's time that each function's processes of this local stack have had."""
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    spent: Counter[str] = Counter()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(state).encode() not in (process / "cmdline").read_bytes():
                continue
            variables = (process / "environ").read_bytes().split(b"\0")
            names = [v.removeprefix(NAME).decode() for v in variables if v.startswith(NAME)]
            names = [name.removeprefix(f"{PRODUCT}-") for name in names]
            # After the name in brackets: user's and system's time are the 12th and 13th.
            fields = (process / "stat").read_text().rpartition(") ")[2].split()
        except OSError:  # it ended meanwhile
            continue
        for name in names:
            spent[name] += round((int(fields[11]) + int(fields[12])) * tick)
    return spent


NAME = b"AWS_LAMBDA_FUNCTION_NAME="

if __name__ == "__main__":
    USAGE.write_text(json.dumps(usage(), indent=2) + "\n")
    print(USAGE.read_text())
