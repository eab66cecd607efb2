"""Limits on dry runs: per vendor, counted in the database, and per server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from onboarding.storage.audit_log import record_action
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.auth import Principal
from onboarding.web.database import DatabasePool
from onboarding.web.errors import Problem
from onboarding.web.request_log import logger

SERVER_LIMIT = 3
"""Simultaneous dry runs on one server; additional ones wait. A function on AWS answers one request at a time."""

VENDOR_LIMIT = 2
"""Simultaneous dry runs of one vendor on all servers: fewer than `SERVER_LIMIT`."""

VENDOR_HOURLY_LIMIT = 300
WINDOW = timedelta(hours=1)

WAIT_SECONDS = 20
"""How long a dry run waits for a slot."""

MAX_DURATION = timedelta(minutes=2)
"""An older dry run counts as ended, because its server stopped without recording the end."""


@asynccontextmanager
async def limit_dry_run(request: Request, principal: Principal, pool: DatabasePool) -> AsyncIterator[dict[str, Any]]:
    """Run the block as a dry run within the limits, and log it with the details that the block sets.

    Raises the problem `too-many-requests`. The request's body must be read before, so that a slow connection occupies
    no slot.
    """
    dry_run_id = await run_in_threadpool(_begin, principal, pool)
    details: dict[str, Any] = {"outcome": "not finished"}
    slots: asyncio.Semaphore = request.app.state.dry_run_slots
    try:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await slots.acquire()
        except TimeoutError:
            raise build_busy_problem() from None
        try:
            yield details
        finally:
            slots.release()
    finally:
        await run_in_threadpool(_end, principal, pool, dry_run_id, details)


def build_busy_problem() -> Problem:
    """Return the problem for a server without a free slot."""
    detail = "The server is too busy for a dry run. Try again later, or upload the file without a dry run."
    return Problem("unavailable", detail, headers={"Retry-After": "30"})


def _begin(principal: Principal, pool: DatabasePool) -> int:
    parameters = {"vendor_id": principal.vendor_id, "window": WINDOW, "max_duration": MAX_DURATION}

    def work(connection: Connection) -> int:
        connection.execute(query("lock_dry_runs"), parameters)
        [(running_count, recent_count, seconds)] = connection.execute(query("count_dry_runs"), parameters).fetchall()
        if running_count >= VENDOR_LIMIT:
            raise _build_problem(
                f"You have {running_count} dry runs in progress; the limit is {VENDOR_LIMIT} at a time", 5
            )
        if recent_count >= VENDOR_HOURLY_LIMIT:
            raise _build_problem(
                f"You started {recent_count} dry runs within an hour; the limit is {VENDOR_HOURLY_LIMIT}", seconds
            )
        [(dry_run_id,)] = connection.execute(query("insert_dry_run"), parameters).fetchall()
        return int(dry_run_id)

    return principal.run(pool, work)


def _build_problem(reason: str, seconds: int) -> Problem:
    return Problem("too-many-requests", f"{reason}. Try again later.", headers={"Retry-After": str(max(1, seconds))})


def _end(principal: Principal, pool: DatabasePool, dry_run_id: int, details: dict[str, Any]) -> None:
    def work(connection: Connection) -> None:
        connection.execute(query("end_dry_run"), {"dry_run_id": dry_run_id})
        record_action(connection, principal.audit_actor, "dry_run", str(dry_run_id), **details)

    principal.run(pool, work)
    logger.info("dry run", extra={"actor": principal.actor, "vendor_id": principal.vendor_id, **details})
