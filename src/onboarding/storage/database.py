"""Connection to PostgreSQL: one per process, reopened after a failure, with a transaction for each work unit."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg.errors import DeadlockDetected, ReadOnlySqlTransaction, SerializationFailure
from psycopg.rows import TupleRow

from onboarding.storage.queries import query

Connection = psycopg.Connection[TupleRow]
Result = TypeVar("Result")

ATTEMPTS = 5
"""Attempts to run a work unit before its exception is raised."""

DATABASE_UNAVAILABLE = (psycopg.OperationalError, ReadOnlySqlTransaction)
"""Exceptions while the database is unavailable or fails over: the same request can succeed later."""

CONNECT_SECONDS = 5

LAST_CONNECT_SECONDS = 18
"""Seconds after which no further attempt to connect starts. With the last attempt, the API stays below its limit of 29
seconds, so that it can respond that the database is unavailable."""

DEAD_PEER_BOUNDS: Mapping[str, Any] = {
    "tcp_user_timeout": 10_000,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""TCP settings of libpq: the loss of a server is detected after about 10 seconds (Linux's default is 15 minutes).

The timeout (in milliseconds) applies to sent data, the probes apply while a response is awaited. A long statement is
not interrupted, since the server's kernel acknowledges both. Linux ignores the number of probes if the timeout is set;
other systems use it."""


class Credentials(Protocol):
    """Source of the connection parameters; `fresh` bypasses the cache."""

    def __call__(self, *, fresh: bool = False) -> dict[str, Any]: ...


class Database:
    """One connection, and the transactions of work units on it.

    A work unit is a function of a connection. It may run more than once, after a lost connection or a deadlock, so it
    must be idempotent.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._connection: Connection | None = None
        self._may_refresh = True

    def run(self, work: Callable[[Connection], Result], *, pipelined: bool = False) -> Result:
        """Run a work unit in its own transaction and return its result.

        With `pipelined`, statements are sent without waiting for their results, and the exception of a statement is
        raised where a result is read. A lost connection, a deadlock and a serialization failure are retried: up to
        `ATTEMPTS` attempts, and for up to `LAST_CONNECT_SECONDS` without a connection. Then, and at once for any other
        error, the exception of psycopg is raised.
        """
        self._may_refresh = True
        started_at = time.monotonic()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                connection = self._connect()
                with connection.pipeline() if pipelined else nullcontext(), connection.transaction():
                    return work(connection)
            except (DeadlockDetected, SerializationFailure):
                if attempt == ATTEMPTS:
                    raise
            except ReadOnlySqlTransaction:
                # After a failover this server may no longer be the primary. The caller retries, and the next connection
                # is to the new primary.
                self.close()
                raise
            except psycopg.OperationalError:
                # Only a lost connection is retried. Others, such as a full disk, leave the connection intact.
                if attempt == ATTEMPTS or (self._connection is not None and not self._connection.broken):
                    raise
                if self._connection is None and time.monotonic() - started_at >= LAST_CONNECT_SECONDS:
                    raise
                self.close()
            time.sleep(random.uniform(0.5, 1) * 0.05 * 2**attempt)  # noqa: S311 - jitter, not a secret
        raise AssertionError("the last attempt returns or raises")

    def acting_as(self, role: str) -> Database:
        """Return this database with each work unit run in a role, of which the login must be a member."""
        return _RoleDatabase(self._credentials, self, role)

    def connection(self) -> Connection:
        """Return the open connection, for callers that start their own transactions."""
        return self._connect()

    def close(self) -> None:
        """Close the connection; the next work unit opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        cached_credentials = self._credentials()
        try:
            self._connection = open_connection(**cached_credentials)
        except psycopg.OperationalError as error:
            if not (self._may_refresh and _is_password_used(error)):
                raise
            # The password may have been rotated since it was cached: fetch it once for each work unit.
            self._may_refresh = False
            fresh_credentials = self._credentials(fresh=True)
            if fresh_credentials == cached_credentials:
                raise
            self._connection = open_connection(**fresh_credentials)
        return self._connection


class _RoleDatabase(Database):
    def __init__(self, credentials: Credentials, database: Database, role: str) -> None:
        super().__init__(credentials)
        self._database = database
        self._role = role

    def run(self, work: Callable[[Connection], Result], *, pipelined: bool = False) -> Result:
        def in_role(connection: Connection) -> Result:
            connection.execute(query("set_role"), {"role": self._role})
            return work(connection)

        return self._database.run(in_role, pipelined=pipelined)


def _is_password_used(error: psycopg.OperationalError) -> bool:
    """Return whether the server requested the password; an earlier failure has another cause.

    libpq has no SQLSTATE for a failed connection, and the server's message may be in any language.
    """
    return error.pgconn is not None and error.pgconn.used_password


def open_connection(conninfo: str = "", **parameters: Any) -> Connection:
    """Open a connection with the settings of this project: autocommit, UTC, timeouts.

    Transactions are explicit. Statements and idle transactions end after 60 seconds.
    """
    return psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        # Plan each execution: a generic plan of a prepared statement scans whole tables if they have grown since they
        # were analyzed, and planning takes little time.
        options="-c TimeZone=UTC -c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000 "
        "-c plan_cache_mode=force_custom_plan",
        **DEAD_PEER_BOUNDS,
        **parameters,
    )
