"""Undo: reverts the products of an upload, and lists those that were changed later."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from psycopg import DataError

from onboarding.domain.models import Mode, Row
from onboarding.pipeline.undo import NotUndoable, SkippedProduct, UndoResult, undo_upload
from onboarding.storage import product_queries, products
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection, Database
from tests.support.postgres_fixtures import (
    ACTOR,
    counts_of,
    fetch,
    list_skus,
    open_database,
    open_upload,
    product_row,
    record_rows,
    types_by_row,
)

FIRST, SECOND, THIRD = "UPLOAD_1", "UPLOAD_2", "UPLOAD_3"


def run(database: Database, upload_id: str, *rows: Row, mode: Mode = Mode.CREATE, vendor_id: str = "VEND001") -> None:
    open_upload(database, upload_id, len(rows), mode=mode, vendor_id=vendor_id)
    result = record_rows(database, *rows)
    assert not any(types_by_row(result).values())


def new_rows(upload_id: str, *names: str, **changes: Any) -> list[Row]:
    return [product_row(name, n, upload_id=upload_id, **changes) for n, name in enumerate(names, 1)]


def change_row(upload_id: str, name: str, row_number: int = 1, **cells: str) -> Row:
    return Row(upload_id, "VEND001", row_number, {"vendor_product_id": f"P-{name}", **cells})


def catalog_of(database: Database) -> list[tuple[Any, ...]]:
    return fetch(database, "select * from products order by vendor_product_id")


def test_undo_created_products_are_removed(database: Database) -> None:
    run(database, FIRST, *new_rows(FIRST, "a"))
    run(database, SECOND, *new_rows(SECOND, "b", "c"))
    undone = undo_upload(database, SECOND, ACTOR)
    assert (undone.removed, undone.restored, undone.skipped) == (2, 0, [])
    assert list_skus(database) == ["S-a"]
    assert counts_of(database, SECOND) == (2, 2, 0, "completed")


def test_undo_updated_products_have_their_previous_values(database: Database) -> None:
    run(database, FIRST, *new_rows(FIRST, "a", "b", "c"))
    before = catalog_of(database)
    rows = [
        change_row(SECOND, "a", 1, price="1.00", brand="(clear)", sku="S-x", stock_quantity="7", weight_kg="(clear)"),
        change_row(SECOND, "b", 2),
        product_row("new", 3, upload_id=SECOND),
    ]
    run(database, SECOND, *rows, mode=Mode.UPSERT)
    undone = undo_upload(database, SECOND, ACTOR)
    assert (undone.removed, undone.restored, undone.skipped) == (1, 1, [])
    assert catalog_of(database) == before


def test_undo_latest_upload_first_reverts_one_after_another(database: Database) -> None:
    run(database, FIRST, *new_rows(FIRST, "a"))
    run(database, SECOND, change_row(SECOND, "a", price="2.00"), mode=Mode.UPDATE)
    run(database, THIRD, change_row(THIRD, "a", price="3.00"), mode=Mode.UPDATE)
    assert undo_upload(database, THIRD, ACTOR).restored == 1
    assert fetch(database, "select price from products") == [(Decimal("2.00"),)]
    assert undo_upload(database, SECOND, ACTOR).restored == 1
    assert undo_upload(database, FIRST, ACTOR).removed == 1
    assert catalog_of(database) == []


def test_undo_products_changed_by_another_upload_are_skipped(database: Database) -> None:
    run(database, FIRST, *new_rows(FIRST, "a", "b", "c"))
    run(database, SECOND, change_row(SECOND, "b", price="2.00"), mode=Mode.UPDATE)
    run(database, THIRD, change_row(THIRD, "b", price="3.00"), mode=Mode.UPDATE)
    assert undo_upload(database, SECOND, ACTOR).skipped == [
        SkippedProduct(1, "P-b", f"It was changed since by the upload {THIRD}")
    ]
    undone = undo_upload(database, FIRST, ACTOR)
    assert (undone.removed, undone.skipped) == (
        2,
        [SkippedProduct(2, "P-b", f"It was changed since by the upload {THIRD}")],
    )
    assert fetch(database, "select vendor_product_id, price from products") == [("P-b", Decimal("3.00"))]


@pytest.mark.parametrize("order", list(permutations((FIRST, SECOND, THIRD))))
def test_undo_uploads_of_one_product_in_any_order_removes_all_their_changes(
    database: Database, order: tuple[str, ...]
) -> None:
    run(database, FIRST, *new_rows(FIRST, "a", "b"))
    run(database, SECOND, change_row(SECOND, "a", price="2.00"), *new_rows(SECOND, "c"), mode=Mode.UPSERT)
    run(database, THIRD, change_row(THIRD, "a", sku="S-x"), change_row(THIRD, "b", 2, price="3.00"), mode=Mode.UPDATE)
    for upload_id in order:
        undo_upload(database, upload_id, ACTOR)
        for removed, restored, skipped, changed in fetch(
            database,
            "select undo_removed, undo_restored, "
            "(select count(*) from undo_skipped s where s.upload_id = u.upload_id), "
            "created_records + updated_records from upload_history u where undone_at is not null",
        ):
            assert removed + restored + skipped == changed
    assert catalog_of(database) == []
    assert [undo_upload(database, upload_id, ACTOR).skipped for upload_id in order] == [[], [], []]


def test_undo_after_an_earlier_undo_adds_to_its_counts(database: Database) -> None:
    run(database, FIRST, *new_rows(FIRST, "a", "b"))
    run(database, SECOND, change_row(SECOND, "a", price="2.00"), mode=Mode.UPDATE)
    assert (undo_upload(database, FIRST, ACTOR).removed, len(undo_upload(database, FIRST, ACTOR).skipped)) == (1, 1)
    assert undo_upload(database, SECOND, ACTOR).restored == 1
    assert (undo_upload(database, FIRST, ACTOR).removed, undo_upload(database, FIRST, ACTOR).skipped) == (2, [])


def test_undo_products_changed_manually_are_skipped(database: Database) -> None:
    run(database, FIRST, *new_rows(FIRST, "a", "b", "c", "d"))
    run(
        database,
        SECOND,
        change_row(SECOND, "c", price="1.00"),
        change_row(SECOND, "d", 2, price="1.00"),
        mode=Mode.UPDATE,
    )
    fetch(database, "update products set stock_quantity = 1 where sku in ('S-a', 'S-c') returning 1")
    fetch(database, "delete from products where sku = 'S-d' returning 1")
    assert undo_upload(database, SECOND, ACTOR).skipped == [
        SkippedProduct(1, "P-c", "It was changed since"),
        SkippedProduct(2, "P-d", "It is no longer in the catalog"),
    ]
    assert undo_upload(database, FIRST, ACTOR).skipped == [
        SkippedProduct(1, "P-a", "It was changed since"),
        SkippedProduct(3, "P-c", "It was changed since"),
    ]
    assert list_skus(database) == ["S-a", "S-c"]


def test_undo_product_with_taken_previous_sku_is_skipped(database: Database) -> None:
    run(database, FIRST, *new_rows(FIRST, "a", "b"))
    run(
        database, SECOND, change_row(SECOND, "a", sku="S-x"), change_row(SECOND, "b", 2, price="1.00"), mode=Mode.UPDATE
    )
    run(database, THIRD, product_row("a", upload_id=THIRD, vendor_id="VEND002"), vendor_id="VEND002")
    undone = undo_upload(database, SECOND, ACTOR)
    assert (undone.restored, undone.skipped) == (
        1,
        [SkippedProduct(1, "P-a", "Another product has its former SKU now")],
    )


def test_undo_repeated_returns_the_same_result(database: Database) -> None:
    run(database, FIRST, *new_rows(FIRST, "a", "b"))
    fetch(database, "update products set stock_quantity = 1 where sku = 'S-a' returning 1")
    first = undo_upload(database, FIRST, ACTOR)
    run(database, SECOND, *new_rows(SECOND, "b"))
    assert undo_upload(database, FIRST, ACTOR) == first
    assert isinstance(first, UndoResult)
    assert list_skus(database) == ["S-a", "S-b"]


def test_undo_repeated_records_one_audit_entry(database: Database) -> None:
    run(database, FIRST, *new_rows(FIRST, "a"))
    undo_upload(database, FIRST, ACTOR)
    undo_upload(database, FIRST, ACTOR)
    entries = fetch(database, "select actor, action, subject, vendor_id from audit_log")
    assert entries == [(ACTOR.name, "upload_undone", FIRST, "VEND001")]


def test_undo_with_failing_audit_entry_changes_nothing(database: Database) -> None:
    run(database, FIRST, *new_rows(FIRST, "a"))
    with pytest.raises(DataError):
        undo_upload(database, FIRST, Actor("NUL \0 cannot be stored"))
    assert list_skus(database) == ["S-a"]
    assert undo_upload(database, FIRST, ACTOR).removed == 1


def test_undo_redelivered_batch_restores_nothing(database: Database) -> None:
    rows = new_rows(FIRST, "a", "b")
    run(database, FIRST, *rows)
    undo_upload(database, FIRST, ACTOR)
    redelivered = record_rows(database, *rows)
    assert (types_by_row(redelivered), redelivered.finished) == ({(FIRST, 1): [], (FIRST, 2): []}, [FIRST])
    assert list_skus(database) == []
    assert counts_of(database, FIRST) == (2, 2, 0, "completed")


def test_undo_processing_or_unknown_upload_is_rejected(database: Database) -> None:
    open_upload(database, FIRST, 2)
    record_rows(database, *new_rows(FIRST, "a"))
    with pytest.raises(NotUndoable, match=FIRST):
        undo_upload(database, FIRST, ACTOR)
    with pytest.raises(LookupError, match="UPLOAD_9"):
        undo_upload(database, "UPLOAD_9", ACTOR)
    assert list_skus(database) == ["S-a"]


def test_undo_sku_taken_concurrently_is_skipped(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(database, FIRST, *new_rows(FIRST, "a"))
    run(database, SECOND, change_row(SECOND, "a", sku="S-x"), mode=Mode.UPDATE)
    original = products.restore_products
    pending = [THIRD]

    def restore_after_other(connection: Connection, upload_id: str) -> int:
        if pending:
            other_database = open_database(database_url)
            run(
                other_database,
                pending.pop(),
                product_row("a", upload_id=THIRD, vendor_id="VEND002"),
                vendor_id="VEND002",
            )
            other_database.close()
            # Remove the condition, so that the query behaves as if the other transaction had not committed yet.
            query = product_queries.RESTORE_PRODUCTS
            with monkeypatch.context() as patch:
                patch.setattr(product_queries, "RESTORE_PRODUCTS", query[: query.index("and not exists")])
                return original(connection, upload_id)
        return original(connection, upload_id)

    monkeypatch.setattr("onboarding.pipeline.undo.restore_products", restore_after_other)
    undone = undo_upload(database, SECOND, ACTOR)
    assert (undone.restored, undone.skipped) == (
        0,
        [SkippedProduct(1, "P-a", "Another product has its former SKU now")],
    )
