"""Load on the local stack: a hundred uploads at once, and a small file after a large one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from onboarding.local.stack import LocalStack
from tests.faults.invariants import violation
from tests.faults.stack_runs import MemoryMonitor, StackRun, create_vendors, files

Print = Callable[[str], None]

SECONDS = 600
LIMITS = {"engine": 3_500, "largest worker": 350, "harness and inbox": 1_500, "largest PostgreSQL process": 300}
"""Limits in MB, at least twice the observed values. The emulator keeps all items and stream records."""


def many(local: LocalStack, uploads: int, rows: int, vendors: int, say: Print) -> None:
    """Process many uploads; raise InvariantViolated if one is incomplete or a process exceeds its limit."""
    some = files(uploads, rows, vendors, "LOAD")
    with StackRun(local) as load, MemoryMonitor(local) as memory:
        create_vendors(load, some)
        began = time.monotonic()
        load.put(some)
        put = time.monotonic() - began
        if not load.wait(SECONDS):
            raise violation("every upload ends", f"{load.count_notified()} of {uploads} notified after {SECONDS} s")
        took = time.monotonic() - began
        load.check()
    total = uploads * rows
    say(f"{uploads} uploads of {rows:,} rows from {vendors} vendors: {took:.1f} s, {total / took:,.0f} rows/s")
    say(f"  all put after {put:.1f} s; {memory.workers} worker processes at most; {uploads} mails")
    say("  peak memory: " + ", ".join(f"{kind} {peak:.0f} MB" for kind, peak in sorted(memory.peaks.items())))
    grown = {kind: peak for kind, peak in memory.peaks.items() if peak > LIMITS[kind]}
    if grown:
        raise violation("memory is bounded", grown)


def small_beside_large(local: LocalStack, rows: int, say: Print) -> None:
    """Check that ten rows of a vendor wait only for the rows of another vendor that were staged before them."""
    alone = _seconds(local, [("BESIDE-S1", 10)])["BESIDE-S1"]
    times = _seconds(local, [("BESIDE-L", rows), ("BESIDE-S2", 10)])
    large, small = times["BESIDE-L"], times["BESIDE-S2"]
    say(f"10 rows alone: {alone:.2f} s; {rows:,} rows: {large:.2f} s; 10 rows put right after them: {small:.2f} s")
    # The stream has one reader here, in order. On AWS shards and batches are processed in parallel.
    if small > large + alone + 2:
        raise violation("a large file delays a small one only for its own rows", small, large)


def _seconds(local: LocalStack, wanted: list[tuple[str, int]]) -> dict[str, float]:
    """Put a file for each name; return the seconds from each put to its notification."""
    with StackRun(local) as load:
        began = {}
        vendor_of = {}
        for name, rows in wanted:
            [(key, file)] = files(1, rows, 1, name)
            create_vendors(load, [(key, file)])
            content = file.content
            began[name] = time.monotonic()
            source = load.pipeline.put_key(key, content)
            upload_id = load.pipeline.upload_id(source)
            load.uploads[upload_id] = file
            vendor_of[upload_id] = name
        took: dict[str, float] = {}
        while len(took) < len(wanted):
            query = "select upload_id from upload_history where notified_at is not null and upload_id = any(%s)"
            for (upload_id,) in load.pipeline.connection.execute(query, (list(load.uploads),)):
                took.setdefault(vendor_of[upload_id], time.monotonic() - began[vendor_of[upload_id]])
            if time.monotonic() - min(began.values()) > SECONDS:
                raise violation("every upload ends", wanted)
            time.sleep(0.02)
        load.wait(30)
        load.check()
    return took


def run(state: Path, uploads: int, rows: int, large: int, say: Print) -> None:
    with LocalStack(state) as local:
        small_beside_large(local, large, say)
        many(local, uploads, rows, 10, say)
