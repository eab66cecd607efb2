"""From the file in the bucket to the vendor's mail, on the local stack; beside the same flow with bare handlers.

Two engines run side by side and take turns, so that what disturbs one disturbs the other. The first file of all is the
cold start of the whole pipeline; one of 1,000 rows after it warms up and is not counted.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import data
from bench.measure import Report
from bench.processes import cpu_seconds
from onboarding.domain.resource_names import resource_name
from onboarding.local.stack import LocalStack
from onboarding.storage.database import open_connection

PART = "end to end"
PATIENCE = 300.0
FUNCTIONS = ("csv-parser", "product-validator", "error-processor", "mailer", "webhook")
"""All that a file passes on its way: none of them may be the real one where the engine's own share is measured."""

MOST_SECONDS = {1_000: 2.0, 10_000: 8.0}
MOST_RATIO = {10_000: 1.5}
MOST_MANY = 90.0


def measure(report: Report, *, quick: bool) -> None:
    rounds = {31: 1} if quick else {31: 5, 1_000: 5, 10_000: 3}
    with _flow(bare=False) as whole, _flow(bare=True) as bare:
        first = [flow.run([data.csv_file(31, "first")]) for flow in (whole, bare)]
        report.add(PART, "31 rows, the very first file", "s", first[:1])
        if not quick:
            for flow in (whole, bare):
                flow.run([data.csv_file(1_000, "warm")])
        for rows, times in rounds.items():
            _take_turns(report, whole, bare, rows, times, shares=rows == max(rounds))
        if not quick:
            _many(report, whole, bare)
        for flow in (whole, bare):
            flow.check_staged()
        whole.check_judged()


def _take_turns(report: Report, whole: Flow, bare: Flow, rows: int, times: int, *, shares: bool) -> None:
    seconds, share = [], []
    spent: dict[str, list[float]] = {}
    for turn in range(times):
        content = data.csv_file(rows, f"w{rows}-{turn}")
        before = cpu_seconds(whole.engine)
        seconds.append(whole.run([content]))
        for who, after in cpu_seconds(whole.engine).items():
            spent.setdefault(who, []).append(after - before.get(who, 0.0))
        share.append(bare.run([content]))
    report.add(PART, f"{rows:,} rows", "s", seconds, MOST_SECONDS.get(rows))
    report.add(PART, f"{rows:,} rows, the engine's share", "s", share)
    report.ratio(PART, f"{rows:,} rows / the engine's share", seconds, share, MOST_RATIO.get(rows))
    if shares:
        for who, each in sorted(spent.items(), key=lambda found: -max(found[1])):
            report.add(PART, f"{rows:,} rows, CPU of {who}", "s", each)


def _many(report: Report, whole: Flow, bare: Flow, files: int = 100, rows: int = 1_000) -> None:
    contents = [data.csv_file(rows, f"m{number}") for number in range(files)]
    seconds = whole.run(contents)
    share = bare.run(contents)
    report.add(PART, f"{files} files of {rows:,} rows at once", "s", [seconds], MOST_MANY)
    report.add(PART, f"{files} files of {rows:,} rows at once, the engine's share", "s", [share])
    report.ratio(PART, f"{files} files of {rows:,} rows at once / the engine's share", [seconds], [share])


@dataclass
class Flow:
    """One engine, as a vendor sees it."""

    engine: LocalStack
    s3: Any
    number: int = 0
    rows: int = 0

    def run(self, contents: Sequence[bytes]) -> float:
        """Seconds from the first file's way into the bucket to the last mail."""
        endpoints = self.engine.endpoints
        inbox = Path(endpoints.inbox_dir)
        wanted = len(_mails(inbox)) + len(contents)
        started = time.perf_counter()
        for content in contents:
            self.number += 1
            self.rows += content.count(b"\n") - 1
            key = f"uploads/{_vendor(self.number)}/bench-{self.number}.csv"
            self.s3.put_object(Bucket=endpoints.bucket, Key=key, Body=content)
        while len(_mails(inbox)) < wanted:
            if time.perf_counter() > started + PATIENCE:
                raise TimeoutError(f"{len(_mails(inbox))} of {wanted} mails after {PATIENCE:g} s")
            time.sleep(0.005)
        return time.perf_counter() - started

    def check_staged(self) -> None:
        """Fast and wrong counts for nothing: every row was staged."""
        endpoints = self.engine.endpoints
        staged = endpoints.client("dynamodb").describe_table(TableName=endpoints.table)["Table"]["ItemCount"]
        if staged != self.rows:
            raise RuntimeError(f"{staged} items of {self.rows} rows")

    def check_judged(self) -> None:
        """Every file was judged, every row has its outcome."""
        with open_connection(self.engine.endpoints.database_url) as connection:
            found = connection.execute(
                "select count(*), count(*) filter (where status <> 'partial' or notified_at is null), "
                "sum(valid_records) - (select count(*) from products), "
                "sum(error_records) - (select count(distinct (upload_id, row_number)) from validation_errors) "
                "from upload_history"
            ).fetchone()
        if found != (self.number, 0, 0, 0):
            raise RuntimeError(f"{self.number} files came to {found}")


def _vendor(number: int) -> str:
    return f"BENCH{number % 100:03d}"


def _mails(inbox: Path) -> list[Path]:
    return list(inbox.glob("[!.]*.eml"))


@contextmanager
def _flow(*, bare: bool, parameters: dict[str, str] | None = None) -> Iterator[Flow]:
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])} if bare else None
        with LocalStack(Path(directory), environment=environment, parameters=parameters) as engine:
            endpoints = engine.endpoints
            with open_connection(endpoints.database_url) as connection:
                connection.execute(
                    "insert into vendors (vendor_id, vendor_name, email) "
                    "select 'BENCH' || lpad(n::text, 3, '0'), 'Vendor ' || n, 'bench' || n || '@vendors.example' "
                    "from generate_series(0, 99) as n"
                )
            if bare:
                lambdas = endpoints.client("lambda")
                for function in FUNCTIONS:
                    handler = f"bench.bare.{function.replace('-', '_')}"
                    lambdas.update_function_configuration(FunctionName=resource_name(function), Handler=handler)
            yield Flow(engine, endpoints.client("s3"))
