"""product-validator's time for each row, Python and PostgreSQL, beside the SQL floor; AWS calls return at once."""

from __future__ import annotations

from collections.abc import Sequence

from bench import files
from bench.harness import Harness, discard_output, start_harness
from bench.measure import Report, timed
from bench.sql_floor import CREATE_INBOX, run_floor, to_copy_texts

PART = "validation"
MAX_RATIO = {100: 1.3, 1_000: 1.1}


def measure(report: Report, *, quick: bool) -> None:
    """Measure batches of 100 and of 1,000 rows."""
    rounds, rows = (1, 200) if quick else (5, 10_000)
    sizes = (100,) if quick else (100, 1_000)
    with start_harness() as harness:
        for size in sizes:
            _measure_size(report, harness, size, rows, rounds)


def _measure_size(report: Report, harness: Harness, size: int, rows: int, rounds: int) -> None:
    valid = files.csv_file(rows, "new")
    invalid = files.csv_file(rows, "invalid", invalid=1.0)
    figures: dict[str, list[float]] = {}

    def add(name: str, seconds: float) -> None:
        figures.setdefault(name, []).append(seconds * 1e6 / rows)

    for number in range(rounds):
        add("floor", measure_floor(harness, valid, size))
        harness.truncate()
        elapsed, cpu = validate_upload(harness, valid, "NEW", size)
        add("new products", elapsed)
        add("new products, Python's part", cpu)
        if number >= rounds // 2 + 1:
            continue
        add("redelivered", validate_upload(harness, valid, "NEW", size, again=True)[0])
        add("all duplicates", validate_upload(harness, valid, "DUPLICATES", size)[0])
        add("all invalid", validate_upload(harness, invalid, "INVALID", size)[0])
    for name, values in figures.items():
        report.add(PART, f"{name}, batches of {size}", "us/row", values)
    ratio = f"new products / floor, batches of {size}"
    report.ratio(PART, ratio, figures["new products"], figures["floor"], MAX_RATIO[size])


def measure_floor(harness: Harness, content: bytes, size: int) -> float:
    """Return the seconds of the floor for an upload of this file into an empty catalog."""
    harness.truncate()
    upload_id = "FLOOR"
    rows = files.parse_rows(content, upload_id)
    batches = to_copy_texts(rows, size)
    harness.open_upload(upload_id, len(rows), files.VENDOR)
    with harness.connect() as connection:
        connection.execute(CREATE_INBOX)
        with timed() as watch:
            run_floor(connection, batches, upload_id, files.VENDOR)
    check_outcomes(harness, upload_id, len(rows))
    return watch.elapsed


def validate_upload(
    harness: Harness, content: bytes, upload_id: str, size: int, *, again: bool = False
) -> tuple[float, float]:
    """Run all batches of an upload through the handler; return wall clock and processor time in seconds."""
    rows = files.parse_rows(content, upload_id)
    events = files.stream_events(rows, size)
    if not again:
        harness.open_upload(upload_id, len(rows), files.VENDOR)
    seconds = _handle(events)
    check_outcomes(harness, upload_id, len(rows))
    return seconds


def _handle(events: Sequence[files.Event]) -> tuple[float, float]:
    with discard_output():
        from onboarding.lambda_handlers.product_validator import handler  # noqa: PLC0415 - its logger keeps this output

        with timed() as watch:
            for event in events:
                handler(event, None)
    return watch.elapsed, watch.cpu


def check_outcomes(harness: Harness, upload_id: str, rows: int) -> None:
    """Raise RuntimeError unless every row has an outcome: the figures of a wrong run are worthless."""
    valid, invalid, status = harness.read_outcomes(upload_id)
    if valid + invalid != rows or status == "processing":
        raise RuntimeError(f"{upload_id}: {valid} + {invalid} of {rows} rows, {status}")
