"""error-processor: an upload of 10,000 invalid rows to its files and notification; AWS calls return at once."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench import files, validation
from bench.harness import Harness, discard_output, finished_message, start_harness
from bench.measure import Report, timed

PART = "error report"
ROOT = Path(__file__).resolve().parents[1]

MAX_MEMORY = 192
"""MB; the function has 256."""


def measure(report: Report, *, quick: bool) -> None:
    """Measure time and memory of the report."""
    rounds, rows = (1, 200) if quick else (5, 10_000)
    content = files.csv_file(rows, "report", invalid=1.0)
    upload_id = "REPORT"
    with start_harness() as harness:
        harness.objects[f"uploads/{files.VENDOR}/{upload_id}.csv"] = content
        validation.validate_upload(harness, content, upload_id, 1_000)
        measured = [finalize_once(harness, upload_id) for _ in range(rounds)]
        count = harness.count_errors()
    report.add(PART, f"{rows:,} invalid rows, {count:,} errors", "s", [elapsed for elapsed, _ in measured])
    report.add(PART, "the same, Python's part", "s", [cpu for _, cpu in measured])
    report.add(PART, "each error", "us", [1e6 * elapsed / count for elapsed, _ in measured])
    _measure_memory(report, rounds, rows)


def _measure_memory(report: Report, rounds: int, rows: int) -> None:
    content = files.invalid_file(rows)
    upload_id = "INVALID"
    with start_harness() as harness:
        validation.validate_upload(harness, content, upload_id, 1_000)
        count = harness.count_errors()
        peaks = [measure_peak_memory(harness.url, upload_id, content) for _ in range(rounds)]
    report.add(PART, f"memory, {len(content) / 1e6:.0f} MB and {count:,} errors", "MB", peaks, MAX_MEMORY)


def measure_peak_memory(url: str, upload_id: str, content: bytes) -> float:
    """Return the peak memory in MB of a process that finalizes one upload with this uploaded content."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        command = [sys.executable, "-m", "bench.memory", url, upload_id, file.name]
        result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return float(result.stdout)


def finalize_once(harness: Harness, upload_id: str) -> tuple[float, float]:
    """Run the handler for a complete upload; return wall clock and processor time in seconds."""
    with harness.connect() as connection:
        connection.execute("update upload_history set notified_at = null where upload_id = %s", (upload_id,))
    with discard_output():
        from onboarding.lambda_handlers.error_processor import handler  # noqa: PLC0415 - its logger keeps this output

        event = files.queue_event(finished_message(upload_id, files.VENDOR))
        with timed() as watch:
            response = handler(event, None)
    if response["batchItemFailures"]:
        raise RuntimeError("error-processor failed")
    return watch.elapsed, watch.cpu
