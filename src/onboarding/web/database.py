"""Database work for a request: restricted to one vendor by row-level security, or unrestricted for operators."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import LifoQueue
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from psycopg.rows import dict_row
from pydantic import BaseModel

from onboarding.runtime import AppContext
from onboarding.storage.database import Connection
from onboarding.storage.database_roles import OPERATOR_ROLE
from onboarding.storage.queries import query

Result = TypeVar("Result")
Model = TypeVar("Model", bound=BaseModel)
Work = Callable[[Connection], Result]


class DatabasePool:
    """Pool of contexts for concurrent requests: each has its own database connection, all share the AWS clients.

    A function on AWS handles one request at a time and needs one context.
    """

    def __init__(self, ctx: AppContext, connections: int = 1) -> None:
        self.ctx = ctx
        self.settings = ctx.settings
        self._contexts = [ctx, *(self._copy(ctx) for _ in range(connections - 1))]
        # Last in, first out: a server with little traffic uses one connection.
        self._free: LifoQueue[AppContext] = LifoQueue()
        for context in reversed(self._contexts):
            self._free.put(context)

    @staticmethod
    def _copy(ctx: AppContext) -> AppContext:
        """Return a context with the same clients and a database connection of its own."""
        # Threads may share an AWS client but must not create it concurrently: create all of them now.
        _ = ctx.s3, ctx.sqs, ctx.sns, ctx.lambdas, ctx.dynamodb
        duplicate = copy.copy(ctx)
        duplicate.__dict__.pop("database", None)
        return duplicate

    @contextmanager
    def _context(self) -> Iterator[AppContext]:
        """Lend a context for the duration of the block; wait while all are in use."""
        ctx = self._free.get()
        try:
            yield ctx
        finally:
            self._free.put(ctx)

    def run(self, work: Work[Result]) -> Result:
        """Run `work` in a transaction with the API's own role, which sees accounts, keys and sessions only."""
        with self._context() as ctx:
            return ctx.database.run(work)

    def run_as_vendor(self, vendor_id: str, work: Work[Result]) -> Result:
        """Run `work` in a transaction that sees the rows of this vendor only."""

        def run_restricted(connection: Connection) -> Result:
            connection.execute(query("restrict_to_vendor"), {"vendor_id": vendor_id})
            return work(connection)

        return self.run(run_restricted)

    def run_unrestricted(self, work: Work[Result]) -> Result:
        """Run `work` in a transaction that sees the rows of all vendors."""
        with self._context() as ctx:
            return ctx.database.acting_as(OPERATOR_ROLE).run(work)

    @contextmanager
    def unrestricted_context(self) -> Iterator[AppContext]:
        """Lend a context whose database sees the rows of all vendors, for steps that open their own transactions."""
        with self._context() as ctx:
            context = copy.copy(ctx)
            context.__dict__["database"] = ctx.database.acting_as(OPERATOR_ROLE)
            yield context

    def close(self) -> None:
        """Close all connections. The next `run` opens new ones."""
        for ctx in self._contexts:
            ctx.close()


def _get_pool(request: Request) -> DatabasePool:
    pool: DatabasePool = request.app.state.pool
    return pool


PoolDep = Annotated[DatabasePool, Depends(_get_pool)]
"""The connection pool, as a route's parameter."""


def fetch_models(
    connection: Connection, model: type[Model], name: str, parameters: Mapping[str, Any] | None = None
) -> list[Model]:
    """Run the query `name`; return each row as a model, whose fields are columns of the query."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [model.model_validate(row) for row in cursor.execute(query(name), parameters)]
