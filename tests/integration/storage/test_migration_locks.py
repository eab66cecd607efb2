"""Migrations of a database in use: waits for locks, waits of other writers, concurrent indexes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psycopg
import pytest

from onboarding.storage import migrate as runner
from onboarding.storage.database import Connection, open_connection
from onboarding.storage.migrate import NO_TRANSACTION, Migration, MigrationError, load_migrations, migrate
from tests.infra.test_templates import of_type
from tests.support.postgres_fixtures import create_database
from tests.support.running_pipeline import wait_until

ADD_COLUMNS = Migration(
    9001,
    "add_columns",
    "alter table product_categories add column added integer; alter table vendors add column added integer",
)

INSERT_VENDOR = "insert into vendors (vendor_id, vendor_name, email) values (%s, 'Vendor', 'vendor@vendors.example')"


def list_waiting_sessions(connection: Connection) -> list[int]:
    query = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return [pid for (pid,) in connection.execute(query).fetchall()]


@pytest.fixture
def url(request: pytest.FixtureRequest, database_url: str) -> str:
    """Return the address of a migrated database for one test."""
    url = create_database(database_url, f"locks_{abs(hash(request.node.name))}")
    with open_connection(url) as connection:
        migrate(connection)
    return url


@pytest.fixture
def writer(url: str) -> Iterator[Connection]:
    """Yield a session whose transaction has written to `vendors`."""
    with open_connection(url, application_name="writer") as connection, connection.transaction(force_rollback=True):
        connection.execute(INSERT_VENDOR, ("WRITER",))
        yield connection


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Shorten the waits for locks, and replace the pauses between them by a list of their seconds."""
    seconds: list[float] = []
    monkeypatch.setattr(runner, "time", SimpleNamespace(sleep=seconds.append))
    monkeypatch.setattr(runner, "LOCK_SECONDS", 0.05)
    return seconds


@pytest.fixture
def added(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a migration that `url` does not have yet."""
    monkeypatch.setattr(runner, "load_migrations", lambda: [*load_migrations(), ADD_COLUMNS])


@pytest.mark.usefixtures("added")
def test_migrate_table_that_stays_locked_raises_with_the_sessions(
    url: str, writer: Connection, pauses: list[float]
) -> None:
    with open_connection(url) as connection, open_connection(url) as idle:
        with pytest.raises(MigrationError) as caught:
            migrate(connection)
        assert "9001_add_columns.sql did not get its locks in 10 attempts" in str(caught.value)
        assert f"process {writer.info.backend_pid} of onboarding (idle in transaction, " in str(caught.value)
        assert "insert into vendors" in str(caught.value)
        assert str(idle.info.backend_pid) not in str(caught.value)
        assert pauses == [0.05] * 9
        columns = "select table_name from information_schema.columns where column_name = 'added'"
        assert connection.execute(columns).fetchall() == []
        assert connection.execute("select from schema_migrations where name = 'add_columns'").fetchall() == []
        settings = "select current_setting('lock_timeout'), current_setting('statement_timeout')"
        assert connection.execute(settings).fetchone() == ("0", "1min")


@pytest.mark.usefixtures("added", "pauses")
def test_migrate_table_locked_temporarily_lets_writers_continue_and_succeeds(
    url: str, writer: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer waits behind the migration, and continues when the first attempt of the migration ends."""
    monkeypatch.setattr(runner, "LOCK_SECONDS", 5)
    writer_ended = threading.Event()

    def pause(_: float) -> None:
        assert writer_ended.wait(30)
        writer.execute("rollback")

    def write() -> None:
        with open_connection(url) as other_connection:
            other_connection.execute(INSERT_VENDOR, ("OTHER",))
        writer_ended.set()

    monkeypatch.setattr(runner, "time", SimpleNamespace(sleep=pause))
    with open_connection(url) as connection, open_connection(url) as observer, ThreadPoolExecutor(2) as pool:
        migrated = pool.submit(migrate, connection)
        wait_until(lambda: list_waiting_sessions(observer) == [connection.info.backend_pid], "the migration to wait")
        write_result = pool.submit(write)
        wait_until(lambda: len(list_waiting_sessions(observer)) == 2, "the writer to wait behind it")
        assert migrated.result() == ["9001_add_columns.sql"]
        write_result.result()
        assert observer.execute("select count(*) from vendors where vendor_id = 'OTHER'").fetchone() == (1,)


@pytest.mark.usefixtures("pauses")
def test_migrate_deadlock_with_a_writer_is_retried(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    deadlock = (
        "do $$ begin if nextval('attempts') = 1 then raise exception using errcode = '40P01'; end if; end $$; "
        "create table after_deadlock ()"
    )
    monkeypatch.setattr(runner, "load_migrations", lambda: [*load_migrations(), Migration(9001, "deadlock", deadlock)])
    with open_connection(url) as connection:
        connection.execute("create sequence attempts")
        assert migrate(connection) == ["9001_deadlock.sql"]
        assert connection.execute("select last_value from attempts").fetchone() == (2,)


def test_migrate_statement_that_takes_too_long_raises_and_is_rolled_back(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_migration = Migration(9001, "slow", "create table half (); select pg_sleep(600)")
    monkeypatch.setattr(runner, "load_migrations", lambda: [*load_migrations(), slow_migration])
    monkeypatch.setattr(runner, "MIGRATION_SECONDS", 1)
    with open_connection(url) as connection:
        with pytest.raises(MigrationError, match=r"A statement of 9001_slow\.sql took longer than 1 s"):
            migrate(connection)
        assert connection.execute("select to_regclass('half')").fetchone() == (None,)


def test_admin_timeout_exceeds_that_of_a_migration_statement() -> None:
    [admin] = of_type("database", "AWS::Lambda::Function").values()
    assert admin["Timeout"] > runner.MIGRATION_SECONDS
    assert runner.LOCK_ATTEMPTS * 2 * runner.LOCK_SECONDS > 60, "PostgreSQL ends an idle transaction after a minute"


# Migrations outside a transaction

INDEX = f"""{NO_TRANSACTION}-- An index on a table that is written to.
drop index concurrently if exists vendors_phone;
create unique index concurrently vendors_phone on vendors (phone);
"""


@pytest.fixture
def index(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a migration that creates an index."""
    monkeypatch.setattr(runner, "load_migrations", lambda: [*load_migrations(), Migration(9001, "index", INDEX)])


def valid_indexes(connection: Connection) -> list[bool]:
    query = "select indisvalid from pg_index where indexrelid = to_regclass('vendors_phone')"
    return [valid for (valid,) in connection.execute(query).fetchall()]


@pytest.mark.usefixtures("index")
def test_migrate_concurrent_index_does_not_block_writers(url: str, writer: Connection) -> None:
    """The index waits for the first writer's transaction; a second one writes in the meantime."""
    with open_connection(url) as connection, open_connection(url) as observer, ThreadPoolExecutor(1) as pool:
        migrated = pool.submit(migrate, connection)
        wait_until(lambda: list_waiting_sessions(observer) == [connection.info.backend_pid], "the index to wait")
        observer.execute(INSERT_VENDOR, ("OTHER",))
        writer.execute("rollback")
        assert migrated.result() == ["9001_index.sql"]
        assert valid_indexes(connection) == [True]
        assert migrate(connection) == []


@pytest.mark.usefixtures("index")
def test_migrate_index_that_failed_is_created_again(url: str) -> None:
    with open_connection(url) as connection:
        connection.execute("update vendors set phone = '1'")
        with pytest.raises(psycopg.errors.UniqueViolation):
            migrate(connection)
        assert valid_indexes(connection) == [False]
        connection.execute("update vendors set phone = vendor_id")
        assert migrate(connection) == ["9001_index.sql"]
        assert valid_indexes(connection) == [True]


@pytest.mark.usefixtures("index")
def test_migrate_concurrent_runs_create_the_index_once(url: str, writer: Connection) -> None:
    with (
        open_connection(url) as first,
        open_connection(url) as second,
        open_connection(url) as observer,
        ThreadPoolExecutor(2) as pool,
    ):
        first_run = pool.submit(migrate, first)
        wait_until(lambda: list_waiting_sessions(observer) == [first.info.backend_pid], "the index to wait")
        second_run = pool.submit(migrate, second)
        has_tried = "select query from pg_stat_activity where pid = %s and query like '%%pg_try_advisory_lock%%'"
        wait_until(lambda: observer.execute(has_tried, (second.info.backend_pid,)).fetchone(), "the second to try")
        writer.execute("rollback")
        assert [first_run.result(), second_run.result()] == [["9001_index.sql"], []]
