"""The connection to PostgreSQL: opened once per process, reopened when lost, one transaction per piece of work."""

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
"""How often a piece of work is tried before its fault escapes, and the event comes again."""

DATABASE_UNAVAILABLE = (psycopg.OperationalError, ReadOnlySqlTransaction)
"""Raised while the database is away or fails over: the same request can succeed later."""

CONNECT_SECONDS = 5

LAST_CONNECT_SECONDS = 18
"""A piece of work that cannot connect gives up after this time, or one attempt later: the API, which has 29 seconds,
can still answer that the database is away."""

DEAD_PEER_BOUNDS: Mapping[str, Any] = {
    "tcp_user_timeout": 10_000,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""Libpq's TCP settings: a server that disappears is noticed after about 10 seconds (Linux's own bound is 15 minutes).

The timeout (in milliseconds) is for data that was sent, the probes are for an answer that is awaited. A server that
works on a long statement is not cut off: its kernel acknowledges both. With the timeout set, Linux ignores the number
of probes; other systems use it."""


class Credentials(Protocol):
    """Where the connection's parameters come from; `fresh` asks past the cache."""

    def __call__(self, *, fresh: bool = False) -> dict[str, Any]: ...


class Database:
    """Runs work in transactions on one connection.

    Work is a function of a connection. It may run more than once (a lost connection, a deadlock) and so must leave the
    same state when it runs again: every statement of this package does.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._connection: Connection | None = None
        self._may_ask = True

    def run(self, work: Callable[[Connection], Result], *, pipelined: bool = False) -> Result:
        """Run `work` in a transaction of its own and return what it returns.

        `pipelined` work waits for PostgreSQL only where it reads an answer; until then a statement's fault is not seen.
        Raises what PostgreSQL raised once `ATTEMPTS` tries met a lost connection or a deadlock, or when none could be
        opened for `LAST_CONNECT_SECONDS`; anything else at once.
        """
        self._may_ask = True
        began = time.monotonic()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                connection = self._connect()
                with connection.pipeline() if pipelined else nullcontext(), connection.transaction():
                    return work(connection)
            except (DeadlockDetected, SerializationFailure):
                if attempt == ATTEMPTS:
                    raise
            except ReadOnlySqlTransaction:
                # After a failover the connection may lead to what is the primary no more: the event comes again, and
                # the next connection finds its successor.
                self.close()
                raise
            except psycopg.OperationalError:
                # A full disk is an OperationalError on a sound connection; only a lost one is worth another try here.
                if attempt == ATTEMPTS or (self._connection is not None and not self._connection.broken):
                    raise
                if self._connection is None and time.monotonic() - began >= LAST_CONNECT_SECONDS:
                    raise
                self.close()
            time.sleep(random.uniform(0.5, 1) * 0.05 * 2**attempt)  # noqa: S311 - jitter, not a secret
        raise AssertionError("the last attempt returns or raises")

    def acting_as(self, role: str) -> Database:
        """The same connection, with each piece of work run as another role, which its login must be a member of."""
        return _InRole(self._credentials, self, role)

    def connection(self) -> Connection:
        """Return the connection, opened if it is not, for work that starts its own transactions."""
        return self._connect()

    def close(self) -> None:
        """Let the connection go; the next piece of work opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        known = self._credentials()
        try:
            self._connection = open_connection(**known)
        except psycopg.OperationalError as error:
            if not (self._may_ask and _saw_password(error)):
                raise
            # It may have been rotated since it was cached: ask once for this work, and believe a different answer.
            self._may_ask = False
            fresh = self._credentials(fresh=True)
            if fresh == known:
                raise
            self._connection = open_connection(**fresh)
        return self._connection


class _InRole(Database):
    def __init__(self, credentials: Credentials, database: Database, role: str) -> None:
        super().__init__(credentials)
        self._database = database
        self._role = role

    def run(self, work: Callable[[Connection], Result], *, pipelined: bool = False) -> Result:
        def in_role(connection: Connection) -> Result:
            connection.execute(query("set_role"), {"role": self._role})
            return work(connection)

        return self._database.run(in_role, pipelined=pipelined)


def _saw_password(error: psycopg.OperationalError) -> bool:
    """Whether the server came as far as asking for the password; before that, another one would change nothing.

    libpq keeps no SQLSTATE of a failed connection, and the server's sentence may be in any language.
    """
    return error.pgconn is not None and error.pgconn.used_password


def open_connection(conninfo: str = "", **parameters: Any) -> Connection:
    """A connection as all of ours are: autocommit (transactions are explicit), UTC, a bound on waiting."""
    return psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        # A plan for every call: the general one that PostgreSQL keeps of a prepared statement reads whole tables where
        # nobody has analysed them since they grew, and planning anew costs next to nothing.
        options="-c TimeZone=UTC -c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000 "
        "-c plan_cache_mode=force_custom_plan",
        **DEAD_PEER_BOUNDS,
        **parameters,
    )
