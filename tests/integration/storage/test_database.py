"""Connection to PostgreSQL: transactions, failures, credentials, migrations."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from onboarding.storage.database import ATTEMPTS, Connection, Database, open_connection
from onboarding.storage.migrate import Migration, MigrationError, load_migrations, migrate
from tests.support.postgres_fixtures import create_database, open_database
from tests.support.running_pipeline import wait_until
from tests.support.tcp_relay import Relay


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the pauses by a list of their seconds."""
    seconds: list[float] = []
    monkeypatch.setattr(
        "onboarding.storage.database.time", SimpleNamespace(sleep=seconds.append, monotonic=time.monotonic)
    )
    return seconds


def backend(connection: Connection) -> int:
    return connection.info.backend_pid


def fail_with(connection: Connection, code: str) -> None:
    """Make PostgreSQL raise an error with this code."""
    assert code.isalnum()
    connection.execute(f"do $$ begin raise exception using errcode = '{code}', message = 'planted'; end $$")


def terminate(url: str, pid: int) -> None:
    with open_connection(url) as other:
        row = other.execute("select pg_terminate_backend(%s, 5000)", (pid,)).fetchone()
        assert row == (True,)


def is_sleeping(url: str, pid: int) -> bool:
    with open_connection(url) as other:
        activity = "select state = 'active' and query like '%%pg_sleep%%' from pg_stat_activity where pid = %s"
        return other.execute(activity, (pid,)).fetchall() == [(True,)]


# Transactions


def test_run_work_that_returns_is_committed(database: Database, database_url: str) -> None:
    def work(connection: Connection) -> str:
        connection.execute("insert into quarantined_objects values ('k', 'v', 'why')")
        return "done"

    assert database.run(work) == "done"
    with open_connection(database_url) as other:
        assert other.execute("select reason from quarantined_objects").fetchall() == [("why",)]


def test_run_work_that_raises_is_rolled_back(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute("insert into quarantined_objects values ('k', 'v', 'why')")
        raise LookupError("planted")

    with pytest.raises(LookupError):
        database.run(work)
    assert database.run(lambda c: c.execute("select count(*) from quarantined_objects").fetchone()) == (0,)


@pytest.mark.parametrize("fails", [False, True])
def test_run_ended_work_leaves_the_connection_idle(database: Database, database_url: str, fails: bool) -> None:
    connections: list[Connection] = []

    def work(connection: Connection) -> None:
        connections.append(connection)
        connection.execute("select 1 from vendors for update")
        assert connection.info.transaction_status is TransactionStatus.INTRANS
        if fails:
            connection.execute("select 1 / 0")

    if fails:
        with pytest.raises(psycopg.errors.DivisionByZero):
            database.run(work)
    else:
        database.run(work)
    assert connections[0].info.transaction_status is TransactionStatus.IDLE
    with open_connection(database_url) as other:
        activity = "select state, xact_start from pg_stat_activity where pid = %s"
        assert other.execute(activity, (backend(connections[0]),)).fetchall() == [("idle", None)]


def test_run_repeated_uses_one_connection(database: Database) -> None:
    assert database.run(backend) == database.run(backend)


def test_open_connection_sets_utc_and_timeouts(database: Database) -> None:
    names = ("TimeZone", "statement_timeout", "idle_in_transaction_session_timeout")
    assert [database.run(lambda c: c.execute("select current_setting(%s)", (name,)).fetchone()) for name in names] == [  # noqa: B023
        ("UTC",),
        ("1min",),
        ("1min",),
    ]


# Failures


def test_run_after_lost_connection_opens_another(database: Database, database_url: str) -> None:
    first = database.run(backend)
    terminate(database_url, first)
    second = database.run(lambda c: (backend(c), c.execute("select 1").fetchone()))
    assert second[0] != first
    assert second[1] == (1,)


def test_run_connection_lost_during_work_is_retried_and_committed_once(
    database: Database, database_url: str, pauses: list[float]
) -> None:
    backends: list[int] = []

    def work(connection: Connection) -> None:
        connection.execute("insert into quarantined_objects values ('k', 'v', 'why')")
        backends.append(backend(connection))
        if len(backends) == 1:
            terminate(database_url, backends[0])
        connection.execute("select 1")

    database.run(work)
    assert len(backends) == len(set(backends)) == 2
    assert database.run(lambda c: c.execute("select count(*) from quarantined_objects").fetchone()) == (1,)
    assert len(pauses) == 1


def test_run_connection_lost_in_every_attempt_raises(
    database: Database, database_url: str, pauses: list[float]
) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> None:
        attempts.append(backend(connection))
        terminate(database_url, attempts[-1])
        connection.execute("select 1")

    with pytest.raises(psycopg.OperationalError):
        database.run(work)
    assert len(set(attempts)) == ATTEMPTS
    assert len(pauses) == ATTEMPTS - 1
    assert database.run(lambda c: c.execute("select 1").fetchone()) == (1,)


@pytest.mark.parametrize("code", ["40P01", "40001"])
def test_run_deadlock_or_serialization_failure_is_retried(database: Database, pauses: list[float], code: str) -> None:
    attempts: list[TransactionStatus] = []

    def work(connection: Connection) -> str:
        connection.execute("insert into quarantined_objects values ('k', 'v', 'why')")
        attempts.append(connection.info.transaction_status)
        if len(attempts) < ATTEMPTS:
            fail_with(connection, code)
        return "done"

    assert database.run(work) == "done"
    assert len(attempts) == ATTEMPTS
    assert database.run(lambda c: c.execute("select count(*) from quarantined_objects").fetchone()) == (1,)
    # The range of each random pause is above that of the previous one.
    assert pauses == sorted(pauses)


def test_run_deadlock_in_every_attempt_raises(database: Database, pauses: list[float]) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> None:
        attempts.append(1)
        fail_with(connection, "40P01")

    with pytest.raises(psycopg.errors.DeadlockDetected):
        database.run(work)
    assert (len(attempts), len(pauses)) == (ATTEMPTS, ATTEMPTS - 1)


def test_run_two_deadlocked_sessions_both_succeed(database_url: str) -> None:
    barrier = threading.Barrier(2, timeout=30)
    attempts: list[str] = []

    def work(first_vendor: str, second_vendor: str) -> None:
        def update(connection: Connection) -> None:
            attempts.append(first_vendor)
            connection.execute("update vendors set phone = %s where vendor_id = %s", (first_vendor, first_vendor))
            if attempts.count(first_vendor) == 1:
                barrier.wait()
            connection.execute("update vendors set phone = %s where vendor_id = %s", (first_vendor, second_vendor))

        database = open_database(database_url)
        database.run(update)
        database.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, ("VEND001", "VEND002"), ("VEND002", "VEND001")))
    assert len(attempts) > 2
    with open_connection(database_url) as connection:
        phones = connection.execute("select distinct phone from vendors where vendor_id < 'VEND003'").fetchall()
    # The later transaction wrote both rows.
    assert len(phones) == 1


@pytest.mark.parametrize("code", ["53100", "53200", "23505", "22P02", "25006"])
def test_run_other_error_is_not_retried(database: Database, pauses: list[float], code: str) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> None:
        attempts.append(1)
        fail_with(connection, code)

    with pytest.raises(psycopg.Error) as caught:
        database.run(work)
    assert caught.value.sqlstate == code
    assert (len(attempts), pauses) == (1, [])
    assert database.run(lambda c: c.execute("select 1").fetchone()) == (1,)


# Failover


def test_read_only_connection_is_replaced_for_the_next_work(database: Database) -> None:
    first = database.run(backend)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        database.run(lambda c: fail_with(c, "25006"))
    assert database.run(backend) != first


def test_open_connection_sets_the_bounds_for_a_dead_peer(database_url: str) -> None:
    with open_connection(database_url) as connection, socket.socket(fileno=os.dup(connection.fileno())) as tcp:
        options = {
            "user timeout (ms)": tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            "keepalive": tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            "idle": tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
            "interval": tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
            "count": tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
        }
    assert options == {"user timeout (ms)": 10_000, "keepalive": 1, "idle": 5, "interval": 2, "count": 3}


@pytest.mark.parametrize("dies", ["while idle", "while working"])
def test_run_server_that_drops_packets_is_replaced(database_url: str, dies: str) -> None:
    port = int(psycopg.conninfo.conninfo_to_dict(database_url)["port"] or 5432)
    with Relay(port) as relay:
        database = open_database(psycopg.conninfo.make_conninfo(database_url, port=relay.port))
        first = database.run(backend)

        def work(connection: Connection) -> int:
            if dies == "while working" and backend(connection) == first:
                connection.execute("select pg_sleep(600)")
            connection.execute("select 1")
            return backend(connection)

        if dies == "while idle":
            relay.drop_packets()
        with ThreadPoolExecutor(1) as pool:
            result = pool.submit(database.run, work)
            try:
                if dies == "while working":
                    wait_until(lambda: is_sleeping(database_url, first), "the statement")
                    relay.drop_packets()
                # Without these settings the kernel would retry for 15 minutes.
                assert result.result(timeout=60) != first
            finally:
                relay.close()
        database.close()


def test_run_server_that_never_responds_raises(
    database_url: str, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The minimum of libpq is 2 seconds.
    monkeypatch.setattr("onboarding.storage.database.CONNECT_SECONDS", 2)
    monkeypatch.setattr("onboarding.storage.database.LAST_CONNECT_SECONDS", 3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = open_database(psycopg.conninfo.make_conninfo(database_url, port=silent.getsockname()[1]))
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            database.run(backend)
    assert len(pauses) == 1, "the second attempt is the last one"


def test_run_server_with_a_new_address_is_reached_by_a_later_attempt(
    database_url: str, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failover of RDS, the host name has another address."""
    resolve, addresses = socket.getaddrinfo, ["127.0.0.2", "127.0.0.1"]

    def resolve_next(host: str, *arguments: Any, **options: Any) -> Any:
        assert host == "ecommerce-db.example"
        return resolve(addresses.pop(0), *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_next)
    database = open_database(psycopg.conninfo.make_conninfo(database_url, host="ecommerce-db.example"))
    assert database.run(lambda c: c.execute("select 1").fetchone()) == (1,)
    assert (addresses, len(pauses)) == ([], 1)
    database.close()


# Credentials


class Secret:
    """Cached credentials; a request that bypasses the cache returns `current`."""

    def __init__(self, cached: str, current: str) -> None:
        self.cached, self.current = cached, current
        self.requests: list[bool] = []

    def __call__(self, *, fresh: bool = False) -> dict[str, Any]:
        self.requests.append(fresh)
        if fresh:
            self.cached = self.current
        return {"conninfo": self.cached}


def with_wrong_password(url: str) -> str:
    return psycopg.conninfo.make_conninfo(url, password="rotated")


def test_credentials_are_requested_only_to_connect(database_url: str) -> None:
    secret = Secret(database_url, database_url)
    database = Database(secret)
    assert secret.requests == []
    database.run(backend)
    database.run(backend)
    assert secret.requests == [False]
    database.close()


def test_credentials_rotated_before_connecting_are_fetched_once(database_url: str, pauses: list[float]) -> None:
    secret = Secret(with_wrong_password(database_url), database_url)
    database = Database(secret)
    assert database.run(lambda c: c.execute("select 1").fetchone()) == (1,)
    assert secret.requests == [False, True]
    assert pauses == []
    database.close()


def test_credentials_rotated_while_connected_are_fetched_after_the_connection_is_lost(
    database_url: str, pauses: list[float]
) -> None:
    secret = Secret(database_url, database_url)
    database = Database(secret)
    pid = database.run(backend)
    secret.cached = with_wrong_password(database_url)
    terminate(database_url, pid)
    assert database.run(backend) != pid
    assert secret.requests == [False, False, True]
    assert len(pauses) == 1
    database.close()


def test_credentials_that_stay_wrong_raise(database_url: str, pauses: list[float]) -> None:
    secret = Secret(with_wrong_password(database_url), with_wrong_password(database_url))
    database = Database(secret)
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            database.run(backend)
        assert secret.requests == [False, True, *[False] * (ATTEMPTS - 1)], "once for each work unit"
        secret.requests.clear()
    assert len(pauses) == 2 * (ATTEMPTS - 1)


def test_credentials_are_not_fetched_for_an_unreachable_server(database_url: str, pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        unreachable = psycopg.conninfo.make_conninfo(database_url, port=server.getsockname()[1])
    secret = Secret(unreachable, database_url)
    with pytest.raises(psycopg.OperationalError):
        Database(secret).run(backend)
    assert secret.requests == [False] * ATTEMPTS


# Migrations


def test_migrate_repeated_runs_nothing(database_url: str) -> None:
    names = [migration.file_name for migration in load_migrations()]
    with open_connection(create_database(database_url, "migrated_twice")) as connection:
        assert migrate(connection) == names
        before = connection.execute("select * from schema_migrations order by number").fetchall()
        assert migrate(connection) == []
        assert connection.execute("select * from schema_migrations order by number").fetchall() == before
        recorded = [(number, name, checksum) for name, number, checksum, _ in before]
        assert recorded == [(migration.number, migration.name, migration.checksum) for migration in load_migrations()]


def test_migrate_statement_has_a_longer_timeout(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Migration(9999, "notes", "create table noted as select current_setting('statement_timeout') as timeout")
    monkeypatch.setattr("onboarding.storage.migrate.load_migrations", lambda: [*load_migrations(), notes])
    with open_connection(create_database(database_url, "migrated_slowly")) as connection:
        migrate(connection)
        assert connection.execute("select timeout from noted").fetchone() == ("14min",)
        assert connection.execute("show statement_timeout").fetchone() == ("1min",)


def test_migrate_concurrent_runs_once(database_url: str) -> None:
    url = create_database(database_url, "migrated_at_once")
    start = threading.Barrier(4, timeout=30)

    def run(_: int) -> list[str]:
        with open_connection(url) as connection:
            start.wait()
            return migrate(connection)

    with ThreadPoolExecutor(4) as pool:
        ran = sorted(pool.map(run, range(4)))
    assert ran == [[], [], [], [migration.file_name for migration in load_migrations()]]


def test_migrate_failed_migration_is_rolled_back_and_releases_the_lock(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    valid = Migration(1, "good", "create table good (id integer)")
    failing = Migration(2, "bad", "create table half (id integer); select 1 / 0")
    monkeypatch.setattr("onboarding.storage.migrate.load_migrations", lambda: [valid, failing])
    url = create_database(database_url, "migrated_badly")
    with open_connection(url) as connection, open_connection(url) as other:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(connection)
        assert connection.execute("select number from schema_migrations").fetchall() == [(1,)]
        assert connection.execute("select to_regclass('good') is null, to_regclass('half') is null").fetchone() == (
            False,
            True,
        )
        other.execute("set statement_timeout = '5s'")
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(other)


def test_load_migrations_folder_with_several_returns_them_in_order(tmp_path: Path) -> None:
    for name in ("0010_third.sql", "0001_first.sql", "0002_second_table.sql", "notes.txt"):
        (tmp_path / name).write_text(f"-- {name}")
    assert [(migration.number, migration.name, migration.text) for migration in load_migrations(tmp_path)] == [
        (1, "first", "-- 0001_first.sql"),
        (2, "second_table", "-- 0002_second_table.sql"),
        (10, "third", "-- 0010_third.sql"),
    ]


def test_load_migrations_folder_with_one_name_twice_is_an_error(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"000{number}_same.sql").touch()
    with pytest.raises(ValueError, match="same"):
        load_migrations(tmp_path)


def test_migrate_renumbered_migration_is_not_run_again(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Migration(1, "one", "create table one ()"), Migration(2, "two", "create table two ()")
    monkeypatch.setattr("onboarding.storage.migrate.load_migrations", lambda: [first])
    with open_connection(create_database(database_url, "migrated_renumbered")) as connection:
        connection.execute(
            "create table products (); create table upload_history (); create table validation_errors ()"
        )
        assert migrate(connection) == ["0001_one.sql"]
        renumbered = replace(first, number=2)
        monkeypatch.setattr(
            "onboarding.storage.migrate.load_migrations", lambda: [replace(second, number=1), renumbered]
        )
        assert migrate(connection) == ["0001_two.sql"]


def test_migrate_edited_migration_is_an_error_that_names_it(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    edited = [replace(migration, text=f"{migration.text}\n-- edited") for migration in load_migrations()]
    with open_connection(create_database(database_url, "migrated_edited")) as connection:
        migrate(connection)
        monkeypatch.setattr("onboarding.storage.migrate.load_migrations", lambda: edited)
        with pytest.raises(MigrationError, match=r"another 0001_initial\.sql than this version has"):
            migrate(connection)


def test_migrate_line_ends_of_a_checkout_are_no_change() -> None:
    windows = replace(load_migrations()[0], text=load_migrations()[0].text.replace("\n", "\r\n"))
    assert windows.checksum == load_migrations()[0].checksum


def test_migrate_database_with_tables_and_no_record_is_an_error_that_names_both(database_url: str) -> None:
    with open_connection(create_database(database_url, "migrated_unknown")) as connection:
        connection.execute("create table vendors ()")
        with pytest.raises(MigrationError, match=r'0001_initial\.sql does not fit .* relation "vendors" already'):
            migrate(connection)
