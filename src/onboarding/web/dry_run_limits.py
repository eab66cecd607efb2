"""Limits on dry runs: how many each vendor may have, counted in the database, and how many run on one server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.audit import note
from onboarding.web.auth import Principal
from onboarding.web.database import DatabasePool
from onboarding.web.errors import Problem
from onboarding.web.request_log import logger

SERVER_AT_ONCE = 3
"""Dry runs that one server works on; further ones wait. A function on AWS answers one request at a time."""

VENDOR_AT_ONCE = 2
"""Dry runs that one vendor may have at once, on all servers: less than `SERVER_AT_ONCE`."""

VENDOR_PER_HOUR = 300
WINDOW = timedelta(hours=1)

WAIT_SECONDS = 20
"""How long a dry run waits for its turn."""

LONGEST = timedelta(minutes=2)
"""A dry run that began before this has ended, though its server did not say so."""


@asynccontextmanager
async def limited(request: Request, principal: Principal, pool: DatabasePool) -> AsyncIterator[dict[str, Any]]:
    """Let one dry run of a vendor happen, or raise the problem `too-many-requests`; log it, with what the principal puts
    into the dictionary.

    The request's body must be there already, so that a slow connection occupies no slot.
    """
    dry_run_id = await run_in_threadpool(_begin, principal, pool)
    details: dict[str, Any] = {"outcome": "not finished"}
    slots: asyncio.Semaphore = request.app.state.dry_run_slots
    try:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await slots.acquire()
        except TimeoutError:
            raise busy() from None
        try:
            yield details
        finally:
            slots.release()
    finally:
        await run_in_threadpool(_end, principal, pool, dry_run_id, details)


def busy() -> Problem:
    detail = "The server is too busy to read the file now. Try again later, or upload the file without a dry run."
    return Problem("unavailable", detail, headers={"Retry-After": "30"})


def _begin(principal: Principal, pool: DatabasePool) -> int:
    parameters = {"vendor_id": principal.vendor_id, "window": WINDOW, "longest": LONGEST}

    def work(connection: Connection) -> int:
        connection.execute(query("lock_dry_runs"), parameters)
        [(running, recent, seconds)] = connection.execute(query("count_dry_runs"), parameters).fetchall()
        if running >= VENDOR_AT_ONCE:
            raise _too_many(f"{running} dry runs of yours are running; at most {VENDOR_AT_ONCE} may run at once", 5)
        if recent >= VENDOR_PER_HOUR:
            raise _too_many(
                f"You made {recent} dry runs within the hour; at most {VENDOR_PER_HOUR} are allowed", seconds
            )
        [(dry_run_id,)] = connection.execute(query("insert_dry_run"), parameters).fetchall()
        return int(dry_run_id)

    return principal.run(pool, work)


def _too_many(what: str, seconds: int) -> Problem:
    return Problem(
        "too-many-requests", f"{what}. Please try again later.", headers={"Retry-After": str(max(1, seconds))}
    )


def _end(principal: Principal, pool: DatabasePool, dry_run_id: int, details: dict[str, Any]) -> None:
    def work(connection: Connection) -> None:
        connection.execute(query("end_dry_run"), {"dry_run_id": dry_run_id})
        note(connection, principal, "dry_run", str(dry_run_id), **details)

    principal.run(pool, work)
    logger.info("dry run", extra={"actor": principal.actor, "vendor_id": principal.vendor_id, **details})
