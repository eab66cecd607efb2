"""The connection to PostgreSQL: opened once per process, reopened when lost, one transaction per piece of work."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg.errors import (
    DeadlockDetected,
    DuplicateColumn,
    DuplicateObject,
    DuplicateTable,
    LockNotAvailable,
    QueryCanceled,
    ReadOnlySqlTransaction,
    SerializationFailure,
)
from psycopg.rows import TupleRow

from onboarding.storage.queries import Migration, migrations, statement

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

MIGRATION_LOCK = 7_166_001

MIGRATION_SECONDS = 840
"""How long a statement of a migration may take. The function `admin` may take longer: the server would not notice its
end, and go on."""

LOCK_SECONDS = 5
"""How long a migration waits for a lock: every writer of that table waits behind it."""

LOCK_ATTEMPTS = 10
"""How often a migration tries to get its locks: for longer than the minute after which PostgreSQL ends an idle
transaction."""

NO_TRANSACTION = "-- no transaction\n"
"""First line of a migration that runs outside a transaction, for `create index concurrently`."""


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

    def migrate(self) -> list[str]:
        """Bring the schema up to date, in no transaction but the migrations' own; the names of those that ran."""
        return migrate(self._connect())

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
            connection.execute(statement("take_role"), {"role": self._role})
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


class MigrationError(Exception):
    """The database does not fit the migrations of this version; the message names what does not match."""


def migrate(connection: Connection) -> list[str]:
    """Bring the schema up to date; returns the file names of the migrations that ran.

    Safe to run twice and at the same time: one lock, and one transaction for each migration with its record. Migrations
    of a later version that the database has are left alone. Raises MigrationError for a database that was migrated with
    other files than these, and for a migration that does not get its locks or takes too long.
    """
    ran = []
    connection.execute(f"set statement_timeout = '{MIGRATION_SECONDS}s'")
    # Not pg_advisory_lock: `create index concurrently` waits for all running statements, blocked ones included.
    while connection.execute("select pg_try_advisory_lock(%s)", (MIGRATION_LOCK,)).fetchone() == (False,):
        time.sleep(0.2)
    try:
        applied = _applied(connection)
        for migration in migrations():
            if migration.name in applied:
                _check_content(migration, applied[migration.name])
                continue
            _apply(connection, migration)
            ran.append(migration.file_name)
        if ran:
            # Without statistics the first prepared look-ups get a plan that reads whole tables, and keep it.
            connection.execute("analyze products, upload_history, validation_errors")
    finally:
        connection.execute("select pg_advisory_unlock(%s)", (MIGRATION_LOCK,))
        connection.execute("reset statement_timeout")
    return ran


def _applied(connection: Connection) -> dict[str, str | None]:
    """Return the names of the migrations that the database has, with their checksums (None: not recorded)."""
    with connection.transaction():
        connection.execute(statement("make_schema_migrations"))
        has_checksums = connection.execute(statement("schema_migrations_have_checksums")).fetchone()
        if not has_checksums:
            # Identified by their numbers until now, which changed: 0009_patience.sql became 0008_patience.sql.
            connection.execute(statement("identify_migrations_by_name"))
    return dict(connection.execute("select name, checksum from schema_migrations").fetchall())


def _check_content(migration: Migration, checksum: str | None) -> None:
    if checksum is not None and checksum != migration.checksum:
        raise MigrationError(
            f"The database was migrated with another {migration.file_name} than this version has: its SHA-256 is "
            f"{checksum}, here it is {migration.checksum}. Start the version that made this database, or restore the "
            "file as it was; a migration that was applied is never edited"
        )


def _apply(connection: Connection, migration: Migration) -> None:
    run = _run_unlocked if migration.text.startswith(NO_TRANSACTION) else _run_in_transaction
    try:
        run(connection, migration)
    except QueryCanceled as error:
        raise MigrationError(
            f"A statement of {migration.file_name} took longer than {MIGRATION_SECONDS} s and was cancelled. Split the "
            "migration into smaller ones"
        ) from error
    except (DuplicateColumn, DuplicateObject, DuplicateTable) as error:
        raise MigrationError(
            f"{migration.file_name} does not fit this database: {error.diag.message_primary}, though the table "
            f"schema_migrations has no migration named {migration.name}. It was made by a version with other "
            "migrations; start that version, or begin with an empty database"
        ) from error


def _run_in_transaction(connection: Connection, migration: Migration) -> None:
    """Run a migration with its record in one transaction; again after a pause while other sessions hold its locks."""
    for attempt in range(1, LOCK_ATTEMPTS + 1):
        try:
            with connection.transaction():
                connection.execute(f"set local lock_timeout = '{LOCK_SECONDS}s'")
                connection.execute(migration.text)
                _record(connection, migration)
        except (DeadlockDetected, LockNotAvailable) as error:
            if attempt == LOCK_ATTEMPTS:
                raise MigrationError(
                    f"{migration.file_name} did not get its locks in {LOCK_ATTEMPTS} attempts of {LOCK_SECONDS} s, and "
                    f"changed nothing. {_lock_holders(connection)}. Run the migrations again later"
                ) from error
            # The writers that waited behind this migration go first.
            time.sleep(LOCK_SECONDS)
        else:
            return


def _run_unlocked(connection: Connection, migration: Migration) -> None:
    """Run each statement of a migration by itself. What it did before a failure stays, and it runs again as a whole."""
    for text in migration.text.split(";\n"):
        connection.execute(text)
    _record(connection, migration)


def _record(connection: Connection, migration: Migration) -> None:
    record = {"name": migration.name, "number": migration.number, "checksum": migration.checksum}
    connection.execute(statement("record_migration"), record)


def _lock_holders(connection: Connection) -> str:
    """Return a sentence that names the sessions whose transactions hold locks on tables."""
    rows = connection.execute(statement("lock_holders"), {"seconds": LOCK_SECONDS}).fetchall()
    sessions = [f"process {pid} of {role} ({state}, {seconds} s): {query}" for pid, role, state, seconds, query in rows]
    return f"Sessions that hold locks: {'; '.join(sessions)}" if sessions else "No session holds a lock any longer"
