"""What one file asks of AWS on its way through the three functions: calls, and DynamoDB's write units."""

from __future__ import annotations

from bench import data, judging, reading, reporting
from bench.measure import Report
from bench.stand import Stand, stand

PART = "calls"


def measure(report: Report, *, quick: bool) -> None:
    rows = 200 if quick else 10_000
    content = data.csv_file(rows, "calls")
    with stand() as here:
        here.weigh_writes()
        here.calls.clear()
        reading.parse_once(here, content, "v1")
        total = _add(report, here, "csv-parser", rows)
        here.empty()
        upload_id = "CALLS"
        judging.judge_upload(here, content, upload_id, 100)
        total += _add(report, here, "product-validator, batches of 100", rows)
        here.objects[f"uploads/{data.VENDOR}/{upload_id}.csv"] = content
        here.calls.clear()
        reporting.finish_once(here, upload_id)
        total += _add(report, here, "error-processor", rows)
    report.add(PART, "all three", "calls/row", [total / rows])


def _add(report: Report, here: Stand, function: str, rows: int) -> int:
    count = here.calls.made.total()
    report.add(PART, function, "calls/row", [count / rows])
    if here.calls.units:
        report.add(PART, f"{function}: DynamoDB", "write units/row", [sum(here.calls.units) / rows])
    return count
