"""Load on the local stack: a hundred uploads at once, and a small file after a large one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from onboarding.local.stack import LocalStack
from tests.faults.simulation import violation
from tests.faults.stack_runs import MemoryMonitor, StackRun, create_vendors, files

PrintLine = Callable[[str], None]

SECONDS = 600
LIMITS = {"emulator": 3_500, "largest worker": 350, "harness and inbox": 1_500, "largest PostgreSQL process": 300}
"""Limits in MB, at least twice the observed values. The emulator keeps all items and stream records."""


def many(local_stack: LocalStack, uploads: int, rows: int, vendors: int, print_line: PrintLine) -> None:
    """Process many uploads; raise InvariantViolated if one is incomplete or a process exceeds its limit."""
    keyed_files = files(uploads, rows, vendors, "LOAD")
    with StackRun(local_stack) as load, MemoryMonitor(local_stack) as memory:
        create_vendors(load, keyed_files)
        started_at = time.monotonic()
        load.put(keyed_files)
        put_seconds = time.monotonic() - started_at
        if not load.wait(SECONDS):
            raise violation("every upload ends", f"{load.count_notified()} of {uploads} notified after {SECONDS} s")
        seconds = time.monotonic() - started_at
        load.check()
    total = uploads * rows
    print_line(
        f"{uploads} uploads of {rows:,} rows from {vendors} vendors: {seconds:.1f} s, {total / seconds:,.0f} rows/s"
    )
    print_line(f"  all put after {put_seconds:.1f} s; at most {memory.workers} worker processes; {uploads} e-mails")
    print_line("  peak memory: " + ", ".join(f"{kind} {peak:.0f} MB" for kind, peak in sorted(memory.peaks.items())))
    exceeded = {kind: peak for kind, peak in memory.peaks.items() if peak > LIMITS[kind]}
    if exceeded:
        raise violation("memory is bounded", exceeded)


def small_after_large(local_stack: LocalStack, rows: int, print_line: PrintLine) -> None:
    """Check that ten rows of a vendor wait only for the rows of another vendor that were staged before them."""
    seconds_alone = _seconds(local_stack, [("BESIDE-S1", 10)])["BESIDE-S1"]
    times = _seconds(local_stack, [("BESIDE-L", rows), ("BESIDE-S2", 10)])
    seconds_large, seconds_small = times["BESIDE-L"], times["BESIDE-S2"]
    print_line(
        f"10 rows alone: {seconds_alone:.2f} s; {rows:,} rows: {seconds_large:.2f} s; "
        f"10 rows put right after them: {seconds_small:.2f} s"
    )
    # The local stack has one reader of the stream. On AWS, shards and batches are processed in parallel.
    if seconds_small > seconds_large + seconds_alone + 2:
        raise violation("a large file delays a small one only for its own rows", seconds_small, seconds_large)


def _seconds(local_stack: LocalStack, sizes: list[tuple[str, int]]) -> dict[str, float]:
    """Put a file for each name; return the seconds from each put to its notification."""
    with StackRun(local_stack) as load:
        started_at = {}
        vendor_of = {}
        for name, rows in sizes:
            [(key, file)] = files(1, rows, 1, name)
            create_vendors(load, [(key, file)])
            content = file.content
            started_at[name] = time.monotonic()
            source = load.pipeline.put_key(key, content)
            upload_id = load.pipeline.upload_id(source)
            load.uploads[upload_id] = file
            vendor_of[upload_id] = name
        seconds: dict[str, float] = {}
        while len(seconds) < len(sizes):
            query = "select upload_id from upload_history where notified_at is not null and upload_id = any(%s)"
            for (upload_id,) in load.pipeline.connection.execute(query, (list(load.uploads),)):
                seconds.setdefault(vendor_of[upload_id], time.monotonic() - started_at[vendor_of[upload_id]])
            if time.monotonic() - min(started_at.values()) > SECONDS:
                raise violation("every upload ends", sizes)
            time.sleep(0.02)
        load.wait(30)
        load.check()
    return seconds


def run(state: Path, uploads: int, rows: int, large_rows: int, print_line: PrintLine) -> None:
    with LocalStack(state) as local_stack:
        small_after_large(local_stack, large_rows, print_line)
        many(local_stack, uploads, rows, 10, print_line)
