"""Measures what an upload makes the pipeline do, and writes it down for `onboarding cost`.

    python -m tests.aws.measure

Two sizes of file, 5% of the rows bad; what is the same in both belongs to the upload, the rest to its rows.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from onboarding.local.processes import Ports
from onboarding.local.up import LocalEngine
from tests.aws.counting import Counts, counting
from tests.pipeline import Pipeline, csv_of, product

USAGE = Path(__file__).parents[2] / "src" / "onboarding" / "cost" / "usage.json"
SMALL, LARGE = 100, 1_000
REPEATS = 4
TIMES = {
    "csv-parser": "CSVProcessingTime",
    "product-validator": "ValidationProcessingTime",
    "error-processor": "ErrorProcessingTime",
}


@dataclass(frozen=True, slots=True)
class Measured:
    requests: Counter[str]
    write_units: int
    calls: Counter[str]
    milliseconds: Counter[str]
    log_bytes: int
    file_bytes: int


def file_of(name: str, rows: int) -> bytes:
    """A file of which every twentieth row has a price that no rule lets pass."""
    return csv_of([product(f"{name}-{n}", price="-1" if n % 20 == 0 else "19.99") for n in range(1, rows + 1)])


def measured(run: Pipeline, counts: Counts, rows: int) -> Measured:
    content = file_of(f"cost-{rows}-{time.time_ns()}", rows)
    since = int(time.time() * 1000)
    counts.reset()
    run.run("VEND001", f"cost-{rows}.csv", content)
    time.sleep(2)  # the last lines of the logs and the statuses of the last batch
    calls: Counter[str] = Counter()
    milliseconds: Counter[str] = Counter()
    log_bytes = 0
    for function, metric in TIMES.items():
        for line in logged(run, function, since):
            log_bytes += len(line.encode())
            if found := re.search(rf'"{metric}":\[([0-9.e]+)\]', line):
                calls[function] += 1
                milliseconds[function] += round(float(found[1]))
    return Measured(Counter(counts.requests), counts.write_units, calls, milliseconds, log_bytes, len(content))


def logged(run: Pipeline, function: str, since: int) -> list[str]:
    """What a function has written to its log from a time on."""
    pages = run.endpoints.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=f"/aws/lambda/{function}", startTime=since)
    return [event["message"] for page in found for event in page["events"]]


def usage() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        port = Ports(state / "ports.json").choose("engine")
        with (
            counting(port) as (address, counts),
            LocalEngine(state, port, environment={"AWS_ENDPOINT_URL": address}) as engine,
            Pipeline(engine.endpoints) as run,
        ):
            # The quickest of some: what else the machine does is not the pipeline's.
            small, large = (
                min((measured(run, counts, rows) for _ in range(REPEATS)), key=lambda m: m.milliseconds.total())
                for rows in (SMALL, LARGE)
            )
    difference = LARGE - SMALL

    def line(less: float, more: float) -> dict[str, float]:
        per_row = (more - less) / difference
        return {"per_upload": round(max(0.0, less - SMALL * per_row), 3), "per_row": round(max(0.0, per_row), 5)}

    names = sorted({*small.requests, *large.requests})
    return {
        "measured": f"{SMALL} and {LARGE} rows, 5% bad, batches of 100, on the local engine",
        "requests": {name: line(small.requests[name], large.requests[name]) for name in names},
        "write_units": line(small.write_units, large.write_units),
        "calls": {name: line(small.calls[name], large.calls[name]) for name in TIMES},
        "milliseconds": {name: line(small.milliseconds[name], large.milliseconds[name]) for name in TIMES},
        "log_bytes": line(small.log_bytes, large.log_bytes),
        "file_bytes": line(small.file_bytes, large.file_bytes),
    }


if __name__ == "__main__":
    USAGE.write_text(json.dumps(usage(), indent=2) + "\n")
    print(USAGE.read_text())
