"""From the object in the bucket to the e-mail on the local stack, beside the same flow with bare handlers.

Two local stacks run at the same time and take turns, so that a disturbance affects both. The first file measures the
cold pipeline; a file of 1,000 rows after it warms up and is not counted.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import files
from bench.measure import Report
from onboarding.domain.resource_names import resource_name
from onboarding.local.emulator_patches import MAX_PROCESSED_ITEMS
from onboarding.local.stack import LocalStack
from onboarding.storage.database import open_connection

PART = "end to end"
TIMEOUT = 300.0
FUNCTIONS = ("csv-parser", "product-validator", "error-processor", "mailer", "webhook")
"""The functions that an upload uses, all replaced by bare handlers to measure the emulator's share."""

MAX_SECONDS = {1_000: 2.0, 10_000: 8.0}
MAX_RATIO = {10_000: 1.5}
MAX_MANY_SECONDS = 90.0


def measure(report: Report, *, quick: bool) -> None:
    rounds = {31: 1} if quick else {31: 5, 1_000: 5, 10_000: 3}
    with _start_flow(bare=False) as real, _start_flow(bare=True) as bare:
        first = [flow.run([files.csv_file(31, "first")]) for flow in (real, bare)]
        report.add(PART, "31 rows, first file", "s", first[:1])
        if not quick:
            for flow in (real, bare):
                flow.run([files.csv_file(1_000, "warm")])
        for rows, times in rounds.items():
            _take_turns(report, real, bare, rows, times)
        if not quick:
            _measure_many(report, real, bare)
        for flow in (real, bare):
            flow.check_staged()
        real.check_validated()


def _take_turns(report: Report, real: Flow, bare: Flow, rows: int, times: int) -> None:
    seconds, share = [], []
    for turn in range(times):
        content = files.csv_file(rows, f"w{rows}-{turn}")
        seconds.append(real.run([content]))
        share.append(bare.run([content]))
    report.add(PART, f"{rows:,} rows", "s", seconds, MAX_SECONDS.get(rows))
    report.add(PART, f"{rows:,} rows, bare handlers", "s", share)
    report.ratio(PART, f"{rows:,} rows / bare handlers", seconds, share, MAX_RATIO.get(rows))


def _measure_many(report: Report, real: Flow, bare: Flow, count: int = 100, rows: int = 1_000) -> None:
    contents = [files.csv_file(rows, f"m{number}") for number in range(count)]
    seconds = real.run(contents)
    share = bare.run(contents)
    report.add(PART, f"{count} files of {rows:,} rows at once", "s", [seconds], MAX_MANY_SECONDS)
    report.add(PART, f"{count} files of {rows:,} rows at once, bare handlers", "s", [share])
    report.ratio(PART, f"{count} files of {rows:,} rows at once / bare handlers", [seconds], [share])


@dataclass
class Flow:
    """One local stack as a vendor uses it."""

    local_stack: LocalStack
    s3: Any
    number: int = 0
    rows: int = 0

    def run(self, contents: Sequence[bytes]) -> float:
        """Upload files and return the seconds until the last e-mail."""
        endpoints = self.local_stack.endpoints
        inbox = Path(endpoints.inbox_dir)
        expected = len(_list_emails(inbox)) + len(contents)
        started = time.perf_counter()
        for content in contents:
            self.number += 1
            self.rows += content.count(b"\n") - 1
            key = f"uploads/{_vendor(self.number)}/bench-{self.number}.csv"
            self.s3.put_object(Bucket=endpoints.bucket, Key=key, Body=content)
        while len(_list_emails(inbox)) < expected:
            if time.perf_counter() > started + TIMEOUT:
                raise TimeoutError(f"{len(_list_emails(inbox))} of {expected} e-mails after {TIMEOUT:g} s")
            time.sleep(0.005)
        return time.perf_counter() - started

    def check_staged(self) -> None:
        """Raise RuntimeError unless every row was staged; the local stack stores only the items of the newest rows."""
        endpoints = self.local_stack.endpoints
        staged = endpoints.client("dynamodb").describe_table(TableName=endpoints.table)["Table"]["ItemCount"]
        if staged != min(self.rows, MAX_PROCESSED_ITEMS):
            raise RuntimeError(f"{staged} items of {self.rows} rows")

    def check_validated(self) -> None:
        """Raise RuntimeError unless every upload is finished and every row has an outcome."""
        with open_connection(self.local_stack.endpoints.database_url) as connection:
            counts = connection.execute(
                "select count(*), count(*) filter (where status <> 'partial' or notified_at is null), "
                "sum(valid_records) - (select count(*) from products), "
                "sum(error_records) - (select count(distinct (upload_id, row_number)) from validation_errors) "
                "from upload_history"
            ).fetchone()
        if counts != (self.number, 0, 0, 0):
            raise RuntimeError(f"{self.number} files: {counts}")


def _vendor(number: int) -> str:
    return f"BENCH{number % 100:03d}"


def _list_emails(inbox: Path) -> list[Path]:
    return list(inbox.glob("[!.]*.eml"))


@contextmanager
def _start_flow(*, bare: bool) -> Iterator[Flow]:
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])} if bare else None
        with LocalStack(Path(directory), environment=environment) as local_stack:
            endpoints = local_stack.endpoints
            with open_connection(endpoints.database_url) as connection:
                connection.execute(
                    "insert into vendors (vendor_id, vendor_name, email) "
                    "select 'BENCH' || lpad(n::text, 3, '0'), 'Vendor ' || n, 'bench' || n || '@vendors.example' "
                    "from generate_series(0, 99) as n"
                )
            if bare:
                lambdas = endpoints.client("lambda")
                for function in FUNCTIONS:
                    handler = f"bench.bare_handlers.{function.replace('-', '_')}"
                    lambdas.update_function_configuration(FunctionName=resource_name(function), Handler=handler)
            yield Flow(local_stack, endpoints.client("s3"))
