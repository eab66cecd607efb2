"""error-processor: an upload of 10,000 errors to its files and its notification; AWS answers at once here."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench import data, judging
from bench.measure import Report, timed
from bench.stand import Stand, finished_message, quiet, stand

PART = "error processor"
ROOT = Path(__file__).resolve().parents[1]

MOST_MEMORY = 192
"""MB; the function has 256."""


def measure(report: Report, *, quick: bool) -> None:
    rounds, rows = (1, 200) if quick else (5, 10_000)
    content = data.csv_file(rows, "report", bad=1.0)
    upload_id = "REPORT"
    with stand() as here:
        here.objects[f"uploads/{data.VENDOR}/{upload_id}.csv"] = content
        judging.judge_upload(here, content, upload_id, 1_000)
        seconds, cpu = [], []
        for _ in range(rounds):
            wall, own = finish_once(here, upload_id)
            seconds.append(wall)
            cpu.append(own)
        errors = here.connect().execute("select count(*) from validation_errors").fetchone()
    count = errors[0] if errors else 0
    report.add(PART, f"{rows:,} invalid rows, {count:,} errors", "s", seconds)
    report.add(PART, "the same, Python's part", "s", cpu)
    report.add(PART, "each error", "us", [1e6 * wall / count for wall in seconds])
    _measure_memory(report, rounds, rows)


def _measure_memory(report: Report, rounds: int, rows: int) -> None:
    content = data.hopeless_file(rows)
    upload_id = "HOPELESS"
    with stand() as here:
        judging.judge_upload(here, content, upload_id, 1_000)
        errors = here.connect().execute("select count(*) from validation_errors").fetchone()
        peaks = [peak_of_finish(here.url, upload_id, content) for _ in range(rounds)]
    count = errors[0] if errors else 0
    report.add(PART, f"memory, {len(content) / 1e6:.0f} MB and {count:,} errors", "MB", peaks, MOST_MEMORY)


def peak_of_finish(url: str, upload_id: str, content: bytes) -> float:
    """The most memory that a process takes, in MB, if it finishes this one upload; `content` is what was uploaded."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        command = [sys.executable, "-m", "bench.memory", url, upload_id, file.name]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return float(done.stdout)


def finish_once(here: Stand, upload_id: str) -> tuple[float, float]:
    with here.connect() as connection:
        connection.execute("update upload_history set notified_at = null where upload_id = %s", (upload_id,))
    with quiet():
        from onboarding.lambda_handlers.error_processor import handler  # noqa: PLC0415 - its logger writes where we say

        event = data.queue_event(finished_message(upload_id, data.VENDOR))
        with timed() as watch:
            answer = handler(event, None)
    if answer["batchItemFailures"]:
        raise RuntimeError("the error processor failed")
    return watch.wall, watch.cpu
