"""Runner of the schema migrations."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, LiteralString

from psycopg.errors import (
    DeadlockDetected,
    DuplicateColumn,
    DuplicateObject,
    DuplicateTable,
    LockNotAvailable,
    QueryCanceled,
)
from psycopg.rows import dict_row

from onboarding.storage.database import Connection
from onboarding.storage.queries import query

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FOLDER = files("onboarding.storage") / "migrations"

MIGRATION_LOCK = 7_166_001

MIGRATION_SECONDS = 840
"""Timeout of a migration's statement. It is shorter than that of the function `admin`: the server would not notice that
the function has ended, and continue."""

LOCK_SECONDS = 5
"""How long a migration waits for a lock. All writers of the table wait behind it."""

LOCK_ATTEMPTS = 10
"""Attempts of a migration to get its locks. Together they take longer than the minute after which PostgreSQL ends an
idle transaction."""

NO_TRANSACTION = "-- no transaction\n"
"""First line of a migration that runs outside a transaction, for `create index concurrently`."""


class MigrationError(Exception):
    """The database does not match the migrations of this version; the message names the difference."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A change of the schema. The name identifies it; the number is its order, which may change before a release."""

    number: int
    name: str
    text: LiteralString

    @property
    def file_name(self) -> str:
        return f"{self.number:04d}_{self.name}.sql"

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text, which is independent of the line endings of a checkout."""
        return sha256("\n".join(self.text.splitlines()).encode()).hexdigest()


def load_migrations(folder: Traversable = FOLDER) -> list[Migration]:
    """Return the migrations of a folder, by number. Raises ValueError if two have the same name."""
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    migrations = []
    for file in files:
        number, name = file.name.removesuffix(".sql").split("_", 1)
        migrations.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    names = [migration.name for migration in migrations]
    if len(set(names)) < len(names):
        raise ValueError(f"two migrations have the same name: {', '.join(names)}")
    return migrations


def migrate(connection: Connection) -> list[str]:
    """Apply the migrations that the database does not have; return their file names.

    A lock prevents concurrent runs. Each migration and its record are one transaction. Migrations of a later version
    that the database has are ignored. Raises MigrationError for a database that was migrated with other files than
    these, and for a migration that does not get its locks or takes too long.
    """
    file_names = []
    connection.execute(f"set statement_timeout = '{MIGRATION_SECONDS}s'")
    # Not pg_advisory_lock: `create index concurrently` waits for all running statements, blocked ones included.
    while connection.execute("select pg_try_advisory_lock(%s)", (MIGRATION_LOCK,)).fetchone() == (False,):
        time.sleep(0.2)
    try:
        checksums = _get_checksums(connection)
        for migration in load_migrations():
            if migration.name in checksums:
                _check_content(migration, checksums[migration.name])
                continue
            _apply(connection, migration)
            file_names.append(migration.file_name)
        if file_names:
            # Without statistics the first prepared look-ups get a plan that scans whole tables, and keep it.
            connection.execute("analyze products, upload_history, validation_errors")
    finally:
        connection.execute("select pg_advisory_unlock(%s)", (MIGRATION_LOCK,))
        connection.execute("reset statement_timeout")
    return file_names


def _get_checksums(connection: Connection) -> dict[str, str]:
    """Return the checksums of the migrations that the database has, by name."""
    connection.execute(query("create_schema_migrations"))
    return dict(connection.execute("select name, checksum from schema_migrations").fetchall())


def _check_content(migration: Migration, checksum: str) -> None:
    if checksum != migration.checksum:
        raise MigrationError(
            f"The database was migrated with another {migration.file_name} than this version has: its SHA-256 is "
            f"{checksum}, here it is {migration.checksum}. Start the version that created this database, or restore "
            "the original file; an applied migration is never edited"
        )


def _apply(connection: Connection, migration: Migration) -> None:
    run = _run_without_transaction if migration.text.startswith(NO_TRANSACTION) else _run_in_transaction
    try:
        run(connection, migration)
    except QueryCanceled as error:
        raise MigrationError(
            f"A statement of {migration.file_name} took longer than {MIGRATION_SECONDS} s and was cancelled. Split the "
            "migration into smaller ones"
        ) from error
    except (DuplicateColumn, DuplicateObject, DuplicateTable) as error:
        raise MigrationError(
            f"{migration.file_name} does not fit this database: {error.diag.message_primary}, although the table "
            f"schema_migrations has no migration named {migration.name}. A version with other migrations created this "
            "database; start that version, or start with an empty database"
        ) from error


def _run_in_transaction(connection: Connection, migration: Migration) -> None:
    """Run a migration and record it in one transaction. Retry after a pause while other sessions hold its locks."""
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
                    f"changed nothing. {_describe_lock_holders(connection)}. Run the migrations again later"
                ) from error
            # Let the writers continue that waited behind this migration.
            time.sleep(LOCK_SECONDS)
        else:
            return


def _run_without_transaction(connection: Connection, migration: Migration) -> None:
    """Run each statement of a migration by itself. After a failure all of them run again the next time."""
    for text in migration.text.split(";\n"):
        connection.execute(text)
    _record(connection, migration)


def _record(connection: Connection, migration: Migration) -> None:
    params = {"name": migration.name, "number": migration.number, "checksum": migration.checksum}
    connection.execute(query("insert_migration"), params)


def _describe_lock_holders(connection: Connection) -> str:
    """Return a sentence that lists the sessions whose transactions hold locks on tables."""
    cursor = connection.cursor(row_factory=dict_row)
    sessions = [
        "process {pid} of {role} ({state}, {seconds} s): {query}".format(**session)
        for session in cursor.execute(query("list_lock_holders"), {"seconds": LOCK_SECONDS})
    ]
    return f"Sessions that hold locks: {'; '.join(sessions)}" if sessions else "No session holds a lock any longer"
