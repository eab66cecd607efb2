"""Databases that earlier versions made: they start, are migrated, and finish their uploads in progress."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from onboarding.domain.models import UploadStatus
from onboarding.pipeline.undo import undo_upload
from onboarding.storage import uploads
from onboarding.storage.database import Database, migrate, open_connection
from onboarding.storage.queries import migrations
from tests.support.postgres_fixtures import ACTOR, database_at, fetch, judged, new_database, product_row, standing
from tests.support.released_databases.make import CHANGED, FOLDER, HALF, WHOLE

STATES = sorted(FOLDER.glob("*.sql"))

# What 0.1.0's development left in databases: numbers and file names of migrations, and what each had not run yet.
BOOKKEEPING = {
    "0009 became 0008": "update schema_migrations set number = 9, name = '0009_patience.sql' where number = 8",
    "numbers alone": "alter table schema_migrations drop column name",
    "numbers alone, 0009 became 0008": "alter table schema_migrations drop column name; "
    "update schema_migrations set number = 9 where number = 8",
}


def restored(database_url: str, name: str, path_number: int = 0) -> str:
    """Make a database of a release's state beside the one at `database_url`; returns its address."""
    url = new_database(database_url, name)
    with open_connection(url) as connection:
        connection.execute(STATES[path_number].read_text(encoding="utf-8"))
    return url


@pytest.fixture(params=range(len(STATES)), ids=[path.stem for path in STATES])
def state(request: pytest.FixtureRequest, database_url: str) -> Iterator[Database]:
    database = database_at(restored(database_url, f"state_{request.param}_{request.node.name[:20]}", request.param))
    yield database
    database.close()


def test_migrate_state_of_a_release_twice_runs_what_is_missing_once(state: Database) -> None:
    state.migrate()
    assert state.migrate() == []
    recorded = fetch(state, "select name from schema_migrations order by number")
    assert {name for (name,) in recorded} == {migration.name for migration in migrations()}


def test_decide_rows_left_in_a_state_of_a_release_finishes_its_uploads(state: Database) -> None:
    state.migrate()
    assert judged(state, *(product_row(f"half-{n}", n, upload_id=HALF) for n in (1, 2, 3, 4))).finished == [HALF]
    assert standing(state, HALF) == (4, 3, 1, UploadStatus.PARTIAL)
    reported = state.run(lambda connection: list(uploads.stream_report_rows(connection, HALF)))
    assert [(row.row_number, row.error.error_type) for row in reported] == [(2, "INVALID_PRICE")]

    judgement = judged(state, *(product_row(f"whole-{n}", n, upload_id=WHOLE) for n in (2, 3)))
    assert judgement.finished == [WHOLE]
    assert [row.row_number for row in judgement.released] == [1, 2, 3]
    assert standing(state, WHOLE) == (3, 3, 0, UploadStatus.COMPLETED)


def test_undo_upload_of_a_state_of_a_release_restores_its_product(state: Database) -> None:
    state.migrate()
    assert undo_upload(state, CHANGED, ACTOR).restored == 1
    assert fetch(state, "select price from products where vendor_product_id = 'P-1'") == [(Decimal("19.99"),)]


@pytest.mark.parametrize("number", range(len(BOOKKEEPING)), ids=BOOKKEEPING)
def test_migrate_bookkeeping_of_earlier_versions_is_understood(database_url: str, number: int) -> None:
    change = list(BOOKKEEPING.values())[number]
    url = restored(database_url, f"bookkeeping_{number}")
    with open_connection(url) as connection:
        connection.execute(change)
        assert "0008_patience.sql" not in migrate(connection)
        names = connection.execute("select name from schema_migrations where number <= 9").fetchall()
        assert ("patience",) in names
