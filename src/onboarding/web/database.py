"""Database work for a request: restricted to one vendor by row-level security, or unrestricted for operators."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import LifoQueue
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from onboarding.runtime import AppContext
from onboarding.storage.database import Connection
from onboarding.storage.queries import query

Result = TypeVar("Result")
Work = Callable[[Connection], Result]

OPERATOR_ROLE = "onboarding_operator"
"""The database role that sees the rows of all vendors."""


class DatabasePool:
    """A few contexts for the threads that answer requests: each has a database connection, all share the AWS clients.

    A function on AWS answers one request at a time and has one.
    """

    def __init__(self, ctx: AppContext, seats: int = 1) -> None:
        self.ctx = ctx
        self.settings = ctx.settings
        self._free: LifoQueue[AppContext] = LifoQueue()
        self._seats = [ctx, *(self._beside(ctx) for _ in range(seats - 1))]
        for seat in reversed(self._seats):
            self._free.put(seat)

    @staticmethod
    def _beside(ctx: AppContext) -> AppContext:
        # Clients may be shared between threads once they are made, and not while they are.
        _ = ctx.s3, ctx.sqs, ctx.sns, ctx.lambdas, ctx.dynamodb
        other = copy.copy(ctx)
        other.__dict__.pop("database", None)
        return other

    @contextmanager
    def context(self) -> Iterator[AppContext]:
        """A context for the length of a piece of work; waits for one where all are in use."""
        seat = self._free.get()
        try:
            yield seat
        finally:
            self._free.put(seat)

    def as_vendor(self, vendor_id: str, work: Work[Result]) -> Result:
        """Run `work` in a transaction that sees this vendor's rows and no others."""

        def behind_the_wall(connection: Connection) -> Result:
            connection.execute(query("restrict_to_vendor"), {"vendor_id": vendor_id})
            return work(connection)

        with self.context() as ctx:
            return ctx.database.run(behind_the_wall)

    def as_operator(self, work: Work[Result]) -> Result:
        """Run `work` in a transaction that sees the rows of all vendors."""
        with self.context() as ctx:
            return ctx.database.acting_as(OPERATOR_ROLE).run(work)

    @contextmanager
    def operator_context(self) -> Iterator[AppContext]:
        """A context whose database sees the rows of all vendors, for steps that open their transactions themselves."""
        with self.context() as ctx:
            acting = copy.copy(ctx)
            acting.__dict__["database"] = ctx.database.acting_as(OPERATOR_ROLE)
            yield acting

    def run(self, work: Work[Result]) -> Result:
        """Run `work` as the API's own role: it knows keys, sessions and sign-in links, and nothing of the catalog."""
        with self.context() as ctx:
            return ctx.database.run(work)

    def close(self) -> None:
        for seat in self._seats:
            seat.close()


def _desk(request: Request) -> DatabasePool:
    pool: DatabasePool = request.app.state.pool
    return pool


PoolDep = Annotated[DatabasePool, Depends(_desk)]
"""The pool, as a route's parameter."""
