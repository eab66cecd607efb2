"""Status of products: set by uploads, blocked by the marketplace, in the history, and restored by an undo."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.domain.catalog import ProductEventType, ValueChange
from onboarding.domain.models import Mode, Row
from onboarding.pipeline.undo import SkippedProduct, undo_upload
from onboarding.storage import catalog
from onboarding.storage.database import Database
from tests.support.postgres_fixtures import (
    ACTOR,
    UPLOADED_AT,
    fetch,
    open_upload,
    product_row,
    record_rows,
    types_by_row,
)

FIRST, SECOND, THIRD = "UPLOAD_1", "UPLOAD_2", "UPLOAD_3"
OPERATOR = ACTOR


def run(database: Database, upload_id: str, *rows: Row, mode: Mode = Mode.UPDATE, minutes: int = 0) -> list[list[str]]:
    """Record the rows of an upload; return the error types of each."""
    open_upload(database, upload_id, len(rows), mode=mode, uploaded_at=UPLOADED_AT + timedelta(minutes=minutes))
    return [list(types) for _, types in sorted(types_by_row(record_rows(database, *rows)).items())]


def change(upload_id: str, **cells: str) -> Row:
    return Row(upload_id, "VEND001", 1, {"vendor_product_id": "P-a", **cells})


@pytest.fixture
def product_id(database: Database) -> int:
    assert run(database, FIRST, product_row("a", upload_id=FIRST), mode=Mode.CREATE) == [[]]
    [(number,)] = fetch(database, "select product_id from products")
    return int(number)


def state(database: Database) -> tuple[str, str]:
    [values] = fetch(database, "select status, price::text from products")
    return values[0], values[1]


def block(database: Database, product_id: int) -> None:
    database.run(lambda c: catalog.block_product(c, OPERATOR, product_id, "Counterfeit"))


def unblock(database: Database, product_id: int) -> None:
    database.run(lambda c: catalog.unblock_product(c, OPERATOR, product_id))


def test_status_is_set_by_an_upload_and_restored_by_its_undo(database: Database, product_id: int) -> None:
    assert run(database, SECOND, change(SECOND, status="inactive")) == [[]]
    assert state(database) == ("inactive", "19.99")
    [event, _] = database.run(lambda c: catalog.list_history(c, product_id))
    assert (event.event_type, event.changes) == (
        ProductEventType.UPDATED,
        [ValueChange("status", "active", "inactive")],
    )
    undone = undo_upload(database, SECOND, ACTOR)
    assert (undone.restored, undone.skipped) == (1, [])
    assert state(database) == ("active", "19.99")
    events = database.run(lambda c: catalog.list_history(c, product_id))
    assert [event.event_type for event in events] == ["undone", "updated", "created"]
    assert events[0].changes == [ValueChange("status", "inactive", "active")]


def test_status_of_an_earlier_upload_is_outdated(database: Database, product_id: int) -> None:
    assert run(database, SECOND, change(SECOND, status="inactive"), minutes=2) == [[]]
    assert run(database, THIRD, change(THIRD, status="active"), minutes=1) == [["OUTDATED_ROW"]]
    assert run(database, "UPLOAD_4", change("UPLOAD_4", price="5"), minutes=1) == [[]]
    assert state(database) == ("inactive", "5.00")


@pytest.mark.parametrize("status", ["active", "inactive"])
def test_status_of_a_blocked_product_cannot_be_set(database: Database, product_id: int, status: str) -> None:
    block(database, product_id)
    assert run(database, SECOND, change(SECOND, status=status, price="5")) == [["PRODUCT_BLOCKED"]]
    assert state(database) == ("blocked", "19.99")


def test_upload_of_other_columns_of_a_blocked_product_is_accepted_and_it_stays_blocked(
    database: Database, product_id: int
) -> None:
    block(database, product_id)
    assert run(database, SECOND, change(SECOND, price="5")) == [[]]
    assert run(database, THIRD, change(THIRD, status="blocked", price="6"), minutes=1) == [[]]
    assert state(database) == ("blocked", "6.00")
    assert undo_upload(database, THIRD, ACTOR).restored == 1
    assert state(database) == ("blocked", "5.00")
    unblock(database, product_id)
    assert state(database) == ("active", "5.00")


def test_undo_of_an_upload_before_a_block_is_skipped_with_the_reason(database: Database, product_id: int) -> None:
    assert run(database, SECOND, change(SECOND, price="5", status="inactive")) == [[]]
    block(database, product_id)
    reason = "The marketplace has blocked it"
    assert undo_upload(database, SECOND, ACTOR).skipped == [SkippedProduct(1, "P-a", reason)]
    assert undo_upload(database, FIRST, ACTOR).skipped == [SkippedProduct(1, "P-a", reason)]
    assert state(database) == ("blocked", "5.00")


def test_undo_of_an_upload_after_its_product_was_unblocked_restores_it(database: Database, product_id: int) -> None:
    assert run(database, SECOND, change(SECOND, price="5", status="inactive")) == [[]]
    block(database, product_id)
    unblock(database, product_id)
    assert state(database) == ("inactive", "5.00")
    undone = undo_upload(database, SECOND, ACTOR)
    assert (undone.restored, undone.skipped) == (1, [])
    assert state(database) == ("active", "19.99")
    assert undo_upload(database, FIRST, ACTOR).removed == 1


def test_undo_of_an_upload_to_a_product_that_was_unblocked_since_is_skipped(
    database: Database, product_id: int
) -> None:
    block(database, product_id)
    assert run(database, SECOND, change(SECOND, price="5")) == [[]]
    unblock(database, product_id)
    # To restore the former values would block it again.
    assert undo_upload(database, SECOND, ACTOR).skipped == [SkippedProduct(1, "P-a", "It was changed since")]
    assert state(database) == ("active", "5.00")


def test_product_that_was_blocked_during_an_undo_stays_after_the_undo_of_another_upload(
    database: Database, product_id: int
) -> None:
    assert run(database, SECOND, change(SECOND, price="5")) == [[]]
    other = product_row("b", upload_id=THIRD)
    assert run(database, THIRD, other, mode=Mode.CREATE) == [[]]
    block(database, product_id)
    assert len(undo_upload(database, SECOND, ACTOR).skipped) == 1
    unblock(database, product_id)
    assert undo_upload(database, THIRD, ACTOR).removed == 1
    assert state(database) == ("active", "5.00")
    assert len(undo_upload(database, FIRST, ACTOR).skipped) == 1
    assert state(database) == ("active", "5.00")
