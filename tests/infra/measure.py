"""Measurement of the usage of an upload, for `onboarding cost` and for the scaling model.

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
from tests.infra.function_scenarios import insert_export, invoke_for_outcome, make_link_event, report_upload
from tests.infra.request_counting import Counts, count_requests
from tests.support.http_scenarios import vendor_client
from tests.support.paths import ROOT
from tests.support.running_pipeline import Pipeline, csv_of, product

USAGE = ROOT / "src" / "onboarding" / "deploy" / "cost" / "usage.json"
SMALL, LARGE = 100, 1_000
REPEATS = 5
EXPORTED_PRODUCTS = 10_000
FUNCTIONS = ("csv-parser", "product-validator", "error-processor", "mailer", "webhook")
"""Functions that every upload calls."""

Amount = dict[str, float]
"""Usage by `per_upload` and `per_row`."""


@dataclass(frozen=True, slots=True)
class TimedUsage:
    """Usage of one upload by function: calls, elapsed time and CPU time; and the logged bytes of all functions."""

    calls: Counter[str]
    milliseconds: Counter[str]
    cpu_milliseconds: dict[str, float]
    log_bytes: int


def measure_usage() -> dict[str, object]:
    """Return the content of usage.json."""
    counted, timed = {}, {}
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        port = Ports(state / "ports.json").choose("emulator")
        with (
            count_requests(port) as (address, counts),
            LocalStack(state, port, environment={"AWS_ENDPOINT_URL": address}) as stack,
            Pipeline(stack.endpoints) as run,
        ):
            process_file(run, SMALL)  # starts a process for each function, which caches its secrets
            for rows in (SMALL, LARGE):
                counted[rows] = measure_requests(run, counts, rows)
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        with LocalStack(state) as stack, Pipeline(stack.endpoints) as run:
            process_file(run, SMALL)
            for rows in (SMALL, LARGE):
                timed[rows] = measure_times(run, state, rows)
            single_calls = {name: measure_call(run, state, name, call) for name, call in make_single_calls(run).items()}
    small, large = counted[SMALL], counted[LARGE]
    low, high = timed[SMALL], timed[LARGE]
    return {
        "measured": f"{SMALL} and {LARGE} rows, 5% invalid, batches of 100, on the local stack",
        "requests": {name: split_amount(small[0][name], large[0][name]) for name in sorted({*small[0], *large[0]})},
        "write_units": split_amount(small[1], large[1]),
        "file_bytes": split_amount(small[2], large[2]),
        "calls": {name: split_amount(low.calls[name], high.calls[name]) for name in FUNCTIONS},
        "milliseconds": {name: split_amount(low.milliseconds[name], high.milliseconds[name]) for name in FUNCTIONS},
        "cpu_milliseconds": {
            name: split_amount(low.cpu_milliseconds[name], high.cpu_milliseconds[name]) for name in FUNCTIONS
        },
        "log_bytes": split_amount(low.log_bytes, high.log_bytes),
        "one_call": single_calls,
    }


def split_amount(small: float, large: float) -> Amount:
    """Return the fixed part and the part for each row of amounts that were measured for SMALL and LARGE rows."""
    per_row = (large - small) / (LARGE - SMALL)
    return {"per_upload": round(max(0.0, small - SMALL * per_row), 3), "per_row": round(max(0.0, per_row), 5)}


def make_file(name: str, rows: int) -> bytes:
    """Return a file in which every twentieth row has an invalid price."""
    return csv_of([product(f"{name}-{n}", price="-1" if n % 20 == 0 else "19.99") for n in range(1, rows + 1)])


def process_file(run: Pipeline, rows: int) -> int:
    """Process an upload with this number of rows, and return the size of its file in bytes."""
    content = make_file(f"cost-{rows}-{time.time_ns()}", rows)
    run.run("VEND001", f"cost-{rows}.csv", content)
    time.sleep(2)  # the last lines of the logs and the statuses of the last batch
    return len(content)


def measure_requests(run: Pipeline, counts: Counts, rows: int) -> tuple[Counter[str], int, int]:
    """Return the requests by operation, DynamoDB's write units, and the size of the file in bytes."""
    counts.reset()
    size = process_file(run, rows)
    return Counter(counts.requests), counts.write_units, size


def measure_times(run: Pipeline, state: Path, rows: int) -> TimedUsage:
    """Return the usage of the fastest of several uploads, with the average of their CPU times."""
    before = read_cpu_milliseconds(state)
    uploads: list[tuple[Counter[str], Counter[str], int]] = []
    for _ in range(REPEATS):
        since = int(time.time() * 1000)
        process_file(run, rows)
        durations = {name: list_durations(run, name, since) for name in FUNCTIONS}
        calls = Counter({name: len(values) for name, values in durations.items()})
        log_bytes = sum(count_log_bytes(run, name, since) for name in FUNCTIONS)
        uploads.append((calls, Counter({name: sum(values) for name, values in durations.items()}), log_bytes))
    after = read_cpu_milliseconds(state)
    calls, milliseconds, log_bytes = min(uploads, key=lambda upload: upload[1].total())
    cpu = {name: (after[name] - before[name]) / REPEATS for name in FUNCTIONS}
    return TimedUsage(calls, milliseconds, cpu, log_bytes)


def make_single_calls(run: Pipeline) -> dict[str, Callable[[], object]]:
    """Return a function for each Lambda function that an upload does not call; it makes one call."""
    link = make_link_event(run, report_upload(run))
    insert_products(run)
    return {
        "api": lambda: vendor_client(run).status("GET", "/v1/uploads"),
        "report-link": lambda: invoke_for_outcome(run, "report-link", link),
        "exporter": lambda: invoke_for_outcome(run, "exporter", {"export_id": insert_export(run)}),
        "watchdog": lambda: invoke_for_outcome(run, "watchdog", {}),
    }


def insert_products(run: Pipeline) -> None:
    """Insert so many products that an export of the vendor has EXPORTED_PRODUCTS."""
    run.connection.execute(
        "insert into products (vendor_id, vendor_product_id, product_name, category, description, sku, price, "
        "stock_quantity, upload_id, row_number) "
        "select vendor_id, 'export-' || n, product_name, category, description, 'export-' || n, price, "
        "stock_quantity, upload_id, 20000 + n "
        "from (select * from products where vendor_id = 'VEND001' order by product_id desc limit 1) as product, "
        "generate_series(1, %s - (select count(*) from products where vendor_id = 'VEND001')) as n",
        (EXPORTED_PRODUCTS,),
    )


def measure_call(run: Pipeline, state: Path, function: str, call: Callable[[], object]) -> dict[str, float]:
    call()  # the first call starts a process
    before, since, times = read_cpu_milliseconds(state)[function], int(time.time() * 1000), 20
    for _ in range(times):
        call()
    spent = read_cpu_milliseconds(state)[function] - before
    return {
        "milliseconds": sum(list_durations(run, function, since)) / times,
        "cpu_milliseconds": round(spent / times, 1),
    }


def list_durations(run: Pipeline, function: str, since: int) -> list[int]:
    """Return the duration of each call since a Unix time; both are in milliseconds."""
    return [
        int(match[1])
        for text in read_log(run, function, since)
        if (match := re.match(r"REPORT .*?Duration: (\d+)", text))
    ]


def count_log_bytes(run: Pipeline, function: str, since: int) -> int:
    """Return the size of the log lines that a function wrote, without those of Lambda."""
    platform = ("START ", "END ", "REPORT ")
    return sum(len(text.encode()) for text in read_log(run, function, since) if not text.startswith(platform))


def read_log(run: Pipeline, function: str, since: int) -> list[str]:
    """Return the log lines of a function since a time."""
    paginator = run.endpoints.client("logs").get_paginator("filter_log_events")
    pages = paginator.paginate(logGroupName=f"/aws/lambda/{resource_name(function)}", startTime=since)
    return [event["message"] for page in pages for event in page["events"]]


def read_cpu_milliseconds(state: Path) -> Counter[str]:
    """Return the CPU time of all processes of each function of this local stack."""
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    spent: Counter[str] = Counter()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(state).encode() not in (process / "cmdline").read_bytes():
                continue
            variables = (process / "environ").read_bytes().split(b"\0")
            names = [v.removeprefix(NAME).decode() for v in variables if v.startswith(NAME)]
            names = [name.removeprefix(f"{PRODUCT}-") for name in names]
            # After the name in brackets: user and system time are the fields 12 and 13.
            fields = (process / "stat").read_text().rpartition(") ")[2].split()
        except OSError:  # the process ended
            continue
        for name in names:
            spent[name] += round((int(fields[11]) + int(fields[12])) * tick)
    return spent


NAME = b"AWS_LAMBDA_FUNCTION_NAME="

if __name__ == "__main__":
    USAGE.write_text(json.dumps(measure_usage(), indent=2) + "\n")
    print(USAGE.read_text())
