"""Runner of the migrations, which make the schema."""

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
"""How long a statement of a migration may take. The function `admin` may take longer: the server would not notice its
end, and go on."""

LOCK_SECONDS = 5
"""How long a migration waits for a lock: every writer of that table waits behind it."""

LOCK_ATTEMPTS = 10
"""How often a migration tries to get its locks: for longer than the minute after which PostgreSQL ends an idle
transaction."""

NO_TRANSACTION = "-- no transaction\n"
"""First line of a migration that runs outside a transaction, for `create index concurrently`."""


class MigrationError(Exception):
    """The database does not match the migrations of this version; the message names the difference."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of the schema. Its name identifies it; its number gives the order and may change until a release."""

    number: int
    name: str
    text: LiteralString

    @property
    def file_name(self) -> str:
        return f"{self.number:04d}_{self.name}.sql"

    @property
    def checksum(self) -> str:
        """The SHA-256 of the text, the same for all line ends that a checkout may give it."""
        return sha256("\n".join(self.text.splitlines()).encode()).hexdigest()


def load_migrations(folder: Traversable = FOLDER) -> list[Migration]:
    """Return the migrations of a folder in order. Raises ValueError if two have the same name."""
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    migrations = []
    for file in files:
        number, name = file.name.removesuffix(".sql").split("_", 1)
        migrations.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    names = [migration.name for migration in migrations]
    if len(set(names)) < len(names):
        raise ValueError(f"two migrations have one name: {', '.join(names)}")
    return migrations


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
        for migration in load_migrations():
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


def _applied(connection: Connection) -> dict[str, str]:
    """Return the checksums of the migrations that the database has, by their names."""
    connection.execute(query("create_schema_migrations"))
    return dict(connection.execute("select name, checksum from schema_migrations").fetchall())


def _check_content(migration: Migration, checksum: str) -> None:
    if checksum != migration.checksum:
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
    connection.execute(query("insert_migration"), record)


def _lock_holders(connection: Connection) -> str:
    """Return a sentence that names the sessions whose transactions hold locks on tables."""
    cursor = connection.cursor(row_factory=dict_row)
    sessions = [
        "process {pid} of {role} ({state}, {seconds} s): {query}".format(**session)
        for session in cursor.execute(query("list_lock_holders"), {"seconds": LOCK_SECONDS})
    ]
    return f"Sessions that hold locks: {'; '.join(sessions)}" if sessions else "No session holds a lock any longer"
