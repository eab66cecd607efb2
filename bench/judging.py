"""product-validator's own time and PostgreSQL's for it, beside the floor: AWS answers at once here."""

from __future__ import annotations

from collections.abc import Sequence

from bench import data
from bench.floor import INBOX, copy_batches, run_floor
from bench.measure import Report, timed
from bench.stand import Stand, quiet, stand

PART = "validator"
MOST = {100: 1.3, 1_000: 1.1}


def measure(report: Report, *, quick: bool) -> None:
    rounds, rows = (1, 200) if quick else (5, 10_000)
    sizes = (100,) if quick else (100, 1_000)
    with stand() as here:
        for size in sizes:
            _measure_size(report, here, size, rows, rounds)


def _measure_size(report: Report, here: Stand, size: int, rows: int, rounds: int) -> None:
    good = data.csv_file(rows, "fresh")
    bad = data.csv_file(rows, "broken", bad=1.0)
    found: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(seconds * 1e6 / rows)

    for number in range(rounds):
        note("floor", floor_seconds(here, good, size))
        here.empty()
        wall, cpu = judge_upload(here, good, "FRESH", size)
        note("fresh", wall)
        note("fresh, Python's part", cpu)
        if number >= rounds // 2 + 1:
            continue
        note("replayed", judge_upload(here, good, "FRESH", size, again=True)[0])
        note("all duplicates", judge_upload(here, good, "AGAIN", size)[0])
        note("all invalid", judge_upload(here, bad, "BROKEN", size)[0])
    for name in ("floor", "fresh", "fresh, Python's part", "replayed", "all duplicates", "all invalid"):
        report.add(PART, f"{name}, batches of {size}", "us/row", found[name])
    report.ratio(PART, f"fresh / floor, batches of {size}", found["fresh"], found["floor"], MOST[size])


def floor_seconds(here: Stand, content: bytes, size: int) -> float:
    """An upload of this file by the floor, into an empty catalog."""
    here.empty()
    upload_id = "FLOOR"
    rows = data.rows_of(content, upload_id)
    batches = copy_batches(rows, size)
    here.open_upload(upload_id, len(rows), data.VENDOR)
    with here.connect() as connection:
        connection.execute(INBOX)
        with timed() as watch:
            run_floor(connection, batches, upload_id, data.VENDOR)
    check(here, upload_id, len(rows))
    return watch.wall


def judge_upload(here: Stand, content: bytes, upload_id: str, size: int, *, again: bool = False) -> tuple[float, float]:
    """All batches of an upload through the handler: seconds, and this process's CPU among them."""
    rows = data.rows_of(content, upload_id)
    events = data.stream_events(rows, size)
    if not again:
        here.open_upload(upload_id, len(rows), data.VENDOR)
    watch = handle(events)
    check(here, upload_id, len(rows))
    return watch


def handle(events: Sequence[data.Event]) -> tuple[float, float]:
    with quiet():
        from onboarding.lambda_handlers.product_validator import handler  # noqa: PLC0415 - its logger writes where we say

        with timed() as watch:
            for event in events:
                handler(event, None)
    return watch.wall, watch.cpu


def check(here: Stand, upload_id: str, rows: int) -> None:
    """Fast and wrong counts for nothing."""
    valid, invalid, status = here.outcomes(upload_id)
    if valid + invalid != rows or status == "processing":
        raise RuntimeError(f"{upload_id}: {valid} + {invalid} of {rows} rows, {status}")
