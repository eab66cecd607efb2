"""Upload modes and all-or-nothing files on PostgreSQL, in any order of rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain import validation
from onboarding.domain.models import Mode, OnError, Outcome, Row
from onboarding.domain.product_changes import CLEAR
from onboarding.domain.validation_context import ValidationContext
from onboarding.pipeline.undo import undo_upload
from onboarding.storage import products
from onboarding.storage.database import Connection, Database
from onboarding.storage.products import RowKey
from tests.support.postgres_fixtures import (
    ACTOR,
    UPLOADED_AT,
    clean_database,
    counts_of,
    fetch,
    get_upload,
    list_skus,
    make_row,
    open_database,
    open_upload,
    product_row,
    record_rows,
    types_by_row,
)

CREATED, CHANGED, OTHER = "UPLOAD_1", "UPLOAD_2", "UPLOAD_3"


def create_products(database: Database, count: int = 3, **changes: Any) -> None:
    """Create the products `1` to `count` of VEND001 with the upload `CREATED`."""
    open_upload(database, CREATED, count)
    record_rows(database, *(product_row(str(n), n, **changes) for n in range(1, count + 1)))


def change_row(
    name: str, row_number: int = 1, *, upload_id: str = CHANGED, vendor_id: str = "VEND001", **cells: str
) -> Row:
    """Return a row for the product `name` with no other values than `cells`."""
    return Row(upload_id, vendor_id, row_number, {"vendor_product_id": f"P-{name}", **cells})


def get_product(database: Database, name: str) -> dict[str, Any]:
    columns = ("product_name", "brand", "description", "sku", "price", "stock_quantity", "unit", "upload_id")
    query = f"select {', '.join(columns)} from products where vendor_product_id = %s"  # noqa: S608
    [values] = fetch(database, query, f"P-{name}")
    return dict(zip(columns, values, strict=True))


def get_counts(database: Database, upload_id: str = CHANGED) -> tuple[int, int, int, int, str]:
    upload = get_upload(database, upload_id)
    assert upload.valid_records == upload.created_records + upload.updated_records + upload.unchanged_records
    return (
        upload.created_records,
        upload.updated_records,
        upload.unchanged_records,
        upload.error_records,
        upload.status.value,
    )


# Update


def test_update_blank_cell_keeps_value_and_clear_token_clears_it(database: Database) -> None:
    create_products(database)
    before = get_product(database, "1")
    open_upload(database, CHANGED, 1, mode=Mode.UPDATE)
    row = change_row("1", price="5.5", brand=CLEAR, description="(Clear)", unit=CLEAR, stock_quantity="0")
    assert types_by_row(record_rows(database, row)) == {(CHANGED, 1): []}
    assert get_product(database, "1") == {
        **before,
        "price": Decimal("5.50"),
        "brand": None,
        "description": None,
        "stock_quantity": 0,
    }
    assert get_counts(database) == (0, 1, 0, 0, "completed")


def test_update_changed_and_equal_rows_are_recorded(database: Database) -> None:
    create_products(database)
    open_upload(database, CHANGED, 2, mode=Mode.UPDATE)
    record_rows(database, change_row("2", 1, product_name="New"), change_row("3", 2, price="19.990".rstrip("0")))
    assert get_product(database, "2")["upload_id"] == CREATED
    assert fetch(
        database,
        "select upload_id, row_number, change_type, previous_values ->> 'product_name' from product_changes order by 2",
    ) == [(CHANGED, 1, "updated", "Wireless Mouse - Model 651"), (CHANGED, 2, "unchanged", None)]


@pytest.mark.parametrize(
    "cells",
    [{}, {"price": "19.9900"[:5]}, {"stock_quantity": "0150"}, {"brand": "TechGear"}, {"compare_at_price": CLEAR}],
)
def test_update_equal_values_are_unchanged(database: Database, cells: dict[str, str]) -> None:
    create_products(database, 1)
    before = fetch(database, "select updated_at from products")
    open_upload(database, CHANGED, 1, mode=Mode.UPDATE)
    record_rows(database, change_row("1", 1, **cells))
    assert get_counts(database) == (0, 0, 1, 0, "completed")
    assert fetch(database, "select updated_at from products") == before


def test_update_unknown_product_is_rejected(database: Database) -> None:
    create_products(database, 1)
    open_upload(database, CHANGED, 2, mode=Mode.UPDATE)
    result = record_rows(database, product_row("new", 1, upload_id=CHANGED), change_row("1", 2, price="1.00"))
    assert types_by_row(result) == {(CHANGED, 1): ["UNKNOWN_PRODUCT"], (CHANGED, 2): []}
    assert list_skus(database) == ["S-1"]
    assert get_counts(database) == (0, 1, 0, 1, "partial")


def test_update_product_of_another_vendor_is_rejected(database: Database) -> None:
    create_products(database, 1)
    open_upload(database, CHANGED, 1, mode=Mode.UPDATE, vendor_id="VEND002")
    result = record_rows(database, change_row("1", vendor_id="VEND002", price="0.01"))
    assert types_by_row(result) == {(CHANGED, 1): ["UNKNOWN_PRODUCT"]}
    assert get_product(database, "1")["price"] == Decimal("19.99")


def test_update_clearing_a_required_column_is_rejected(database: Database) -> None:
    create_products(database, 1)
    open_upload(database, CHANGED, 1, mode=Mode.UPDATE)
    result = record_rows(database, change_row("1", price=CLEAR, sku=CLEAR, brand=CLEAR))
    assert [(e.error_type, e.field) for e in result.errors[CHANGED, 1]] == [
        ("CANNOT_BE_CLEARED", "price"),
        ("CANNOT_BE_CLEARED", "sku"),
    ]
    assert get_product(database, "1")["brand"] == "TechGear"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"sku": "S-1"}, []),
        ({"sku": "S-new"}, []),
        ({"sku": "S-2"}, ["DUPLICATE_SKU"]),
        ({"sku": "S-theirs"}, ["DUPLICATE_SKU"]),
        ({"price": "0"}, ["INVALID_PRICE"]),
        ({"category": "None such", "stock_quantity": "-1"}, ["INVALID_STOCK_QUANTITY", "INVALID_CATEGORY"]),
    ],
)
def test_update_applies_the_rules_to_non_blank_values(
    database: Database, cells: dict[str, str], expected: list[str]
) -> None:
    create_products(database, 2)
    open_upload(database, OTHER, 1, vendor_id="VEND002")
    record_rows(database, product_row("theirs", upload_id=OTHER, vendor_id="VEND002"))
    open_upload(database, CHANGED, 1, mode=Mode.UPDATE)
    assert types_by_row(record_rows(database, change_row("1", 1, **cells))) == {(CHANGED, 1): expected}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("at_once", [True, False])
def test_update_sku_released_by_the_same_file_stays_taken(
    database: Database, order: Sequence[int], at_once: bool
) -> None:
    """Otherwise the outcome would depend on the order of the batches."""
    create_products(database, 2)
    open_upload(database, CHANGED, 2, mode=Mode.UPDATE)
    rows = [change_row("1", 1, sku="S-free"), change_row("2", 2, sku="S-1")]
    outcome: dict[RowKey, list[str]] = {}
    for batch in [[rows[n] for n in order]] if at_once else [[rows[n]] for n in order]:
        outcome |= types_by_row(record_rows(database, *batch))
    assert outcome == {(CHANGED, 1): [], (CHANGED, 2): ["DUPLICATE_SKU"]}
    assert list_skus(database) == ["S-2", "S-free"]


# Upsert


def test_upsert_creates_updates_and_confirms(database: Database) -> None:
    create_products(database)
    open_upload(database, CHANGED, 5, mode=Mode.UPSERT)
    result = record_rows(
        database,
        change_row("1", 1, price="1.00"),
        change_row("2", 2),
        product_row("new", 3, upload_id=CHANGED, brand=CLEAR),
        change_row("none", 4, price="1.00"),
        product_row("3", 5, upload_id=CHANGED, sku="S-2"),
    )
    assert types_by_row(result) == {
        (CHANGED, 1): [],
        (CHANGED, 2): [],
        (CHANGED, 3): [],
        (CHANGED, 4): ["MISSING_REQUIRED_FIELDS"],
        (CHANGED, 5): ["DUPLICATE_SKU"],
    }
    assert result.errors[CHANGED, 4][0].field == "product_name, category, sku, stock_quantity"
    assert get_product(database, "new")["brand"] is None
    assert get_counts(database) == (1, 1, 1, 2, "partial")


# Any order and repetition


def change_rows() -> list[Row]:
    return [
        change_row("1", 1, price="1.00"),
        change_row("2", 2),
        product_row("new", 3, upload_id=CHANGED),
        change_row("none", 4, price="1.00"),
        product_row("3", 5, upload_id=CHANGED, sku="S-2"),
        change_row("4", 6, sku="S-moved", brand=CLEAR),
        change_row("5", 7, sku="S-4"),
        change_row("6", 8, stock_quantity="x"),
    ]


def read_state(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {
        "products": fetch(
            database, "select vendor_product_id, sku, price, brand, upload_id, row_number from products order by 1"
        ),
        "changes": fetch(
            database,
            "select row_number, change_type, previous_values ->> 'price', released_sku from product_changes "
            "where upload_id = %s order by 1",
            CHANGED,
        ),
        "errors": fetch(
            database,
            "select row_number, error_type, error_field, error_message, rejected_value, expected, hint "
            "from validation_errors where upload_id = %s order by row_number, error_id",
            CHANGED,
        ),
        "history": [get_counts(database)],
    }


@pytest.mark.parametrize("on_error", OnError)
def test_upsert_any_order_and_repetition_of_batches_has_one_result(database_url: str, on_error: OnError) -> None:
    rows = change_rows()

    def prepare(database: Database) -> None:
        create_products(database, 6)
        open_upload(database, CHANGED, len(rows), mode=Mode.UPSERT, on_error=on_error)

    with clean_database(database_url) as database:
        prepare(database)
        record_rows(database, *rows)
        expected = read_state(database)
        assert expected["history"] == [
            (1, 2, 1, 4, "partial") if on_error is OnError.REJECT_ROWS else (0, 0, 0, 8, "failed")
        ]

    @settings(deadline=None, max_examples=30)
    @given(st.lists(st.sets(st.sampled_from(range(8)), min_size=1).flatmap(lambda s: st.permutations(sorted(s)))))
    def check(batches: list[list[int]]) -> None:
        with clean_database(database_url) as database:
            prepare(database)
            for batch in [*batches, list(range(7, -1, -1))]:
                record_rows(database, *(rows[index] for index in batch))
            assert read_state(database) == expected

    check()


def test_update_two_uploads_of_one_product_in_one_batch_are_both_applied(database: Database) -> None:
    create_products(database, 1)
    open_upload(database, CHANGED, 1, mode=Mode.UPDATE)
    open_upload(database, OTHER, 1, mode=Mode.UPSERT)
    record_rows(database, change_row("1", price="1.00"), change_row("1", upload_id=OTHER, price="2.00"))
    assert get_product(database, "1")["price"] == Decimal("2.00")
    assert fetch(
        database, "select upload_id, (previous_values ->> 'price')::numeric from product_changes order by 1"
    ) == [
        (CHANGED, Decimal("19.99")),
        (OTHER, Decimal("1.00")),
    ]


# Two uploads of a vendor, validated in any order

LATER = UPLOADED_AT + timedelta(seconds=1)


def two_uploads(database: Database, *, mode: Mode = Mode.UPDATE, on_error: OnError = OnError.REJECT_ROWS) -> None:
    """Open the uploads `CHANGED` and `OTHER`; the file of `OTHER` was uploaded one second later."""
    open_upload(database, CHANGED, 2, mode=mode, on_error=on_error)
    open_upload(database, OTHER, 1, mode=mode, uploaded_at=LATER)


EARLIER_ROWS = (change_row("1", 1, price="1.00"), change_row("2", 2, price="1.00"))


@pytest.mark.parametrize("price", ["2.00", "19.99"], ids=["changed", "confirmed"])
def test_update_row_of_column_set_by_later_upload_is_outdated(database: Database, price: str) -> None:
    create_products(database, 2)
    two_uploads(database)
    record_rows(database, change_row("1", upload_id=OTHER, price=price))
    result = record_rows(database, *EARLIER_ROWS)
    assert types_by_row(result) == {(CHANGED, 1): ["OUTDATED_ROW"], (CHANGED, 2): []}
    assert OTHER in result.errors[CHANGED, 1][0].message
    assert [get_product(database, name)["price"] for name in "12"] == [Decimal(price), Decimal("1.00")]
    assert get_counts(database) == (0, 1, 0, 1, "partial")


@pytest.mark.parametrize(
    "cells", [{"stock_quantity": "7"}, {"stock_quantity": "150"}, {}], ids=["changed", "same", "none"]
)
def test_update_row_of_other_columns_than_later_upload_is_accepted(database: Database, cells: dict[str, str]) -> None:
    """One file has prices, the other has stock."""
    create_products(database, 2)
    two_uploads(database)
    record_rows(database, Row(OTHER, "VEND001", 1, {"vendor_product_id": "P-1", **cells}))
    assert types_by_row(record_rows(database, *EARLIER_ROWS)) == {(CHANGED, 1): [], (CHANGED, 2): []}
    assert get_product(database, "1")["price"] == Decimal("1.00")
    assert get_product(database, "1")["stock_quantity"] == int(cells.get("stock_quantity", 150))


def test_update_row_of_column_cleared_by_later_upload_is_outdated(database: Database) -> None:
    create_products(database, 1)
    two_uploads(database)
    record_rows(database, change_row("1", upload_id=OTHER, brand=CLEAR, stock_quantity="7"))
    result = record_rows(database, change_row("1", brand="Brand", price="1.00"))
    [error] = result.errors[CHANGED, 1]
    assert f"your later upload {OTHER} has already set brand of the product P-1" in error.message
    assert get_product(database, "1")["brand"] is None


def test_upsert_row_of_product_created_by_later_upload_is_outdated(database: Database) -> None:
    two_uploads(database, mode=Mode.UPSERT)
    record_rows(database, product_row("1", upload_id=OTHER))
    result = record_rows(
        database, product_row("1", 1, upload_id=CHANGED, price="1.00"), product_row("2", 2, upload_id=CHANGED)
    )
    assert types_by_row(result) == {(CHANGED, 1): ["OUTDATED_ROW"], (CHANGED, 2): []}
    assert get_product(database, "1")["price"] == Decimal("19.99")


def test_reject_file_outdated_row_rejects_all_rows(database: Database) -> None:
    create_products(database, 2)
    two_uploads(database, on_error=OnError.REJECT_FILE)
    record_rows(database, EARLIER_ROWS[0])
    record_rows(database, change_row("1", upload_id=OTHER, price="2.00"))
    assert types_by_row(record_rows(database, EARLIER_ROWS[1])) == {
        (CHANGED, 1): ["OUTDATED_ROW"],
        (CHANGED, 2): ["FILE_REJECTED"],
    }
    assert get_counts(database) == (0, 0, 0, 2, "failed")


@pytest.mark.parametrize("reason", ["undone", "invalid", "another vendor's"])
def test_update_row_after_later_upload_of_other_products_is_accepted(database: Database, reason: str) -> None:
    create_products(database, 2)
    two_uploads(database)
    record_rows(database, change_row("1", upload_id=OTHER, price="2.00" if reason == "undone" else "0"))
    if reason == "undone":
        undo_upload(database, OTHER, ACTOR)
    if reason == "another vendor's":
        fetch(database, "update upload_history set vendor_id = 'VEND002' where upload_id = %s returning 1", OTHER)
    assert types_by_row(record_rows(database, *EARLIER_ROWS)) == {(CHANGED, 1): [], (CHANGED, 2): []}
    assert get_product(database, "1")["price"] == Decimal("1.00")


@pytest.mark.parametrize("at_once", [True, False])
def test_update_uploads_in_any_order_keep_values_of_the_later_one(database_url: str, *, at_once: bool) -> None:
    rows = [*EARLIER_ROWS, change_row("1", upload_id=OTHER, price="2.00")]
    for order in permutations(rows):
        with clean_database(database_url) as database:
            create_products(database, 2)
            two_uploads(database)
            outcome: dict[RowKey, list[str]] = {}
            for batch in [order] if at_once else [[row] for row in order]:
                outcome |= types_by_row(record_rows(database, *batch))
            assert [get_product(database, name)["price"] for name in "12"] == [Decimal("2.00"), Decimal("1.00")]
            assert set(outcome) == {(CHANGED, 1), (CHANGED, 2), (OTHER, 1)}
            # A redelivery changes nothing.
            assert types_by_row(record_rows(database, *rows)) == outcome


def test_update_sku_taken_concurrently_is_a_duplicate(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_products(database, 2)
    open_upload(database, CHANGED, 2, mode=Mode.UPDATE)
    open_upload(database, OTHER, 1, vendor_id="VEND002")
    update = products.update_products
    pending = [product_row("x", upload_id=OTHER, vendor_id="VEND002", sku="SHARED")]

    def update_after_other(
        connection: Connection, rows: Sequence[Row], context: ValidationContext
    ) -> dict[RowKey, Outcome]:
        if pending:
            other_database = open_database(database_url)
            assert types_by_row(record_rows(other_database, pending.pop())) == {(OTHER, 1): []}
            other_database.close()
        return update(connection, rows, context)

    monkeypatch.setattr(products, "update_products", update_after_other)
    result = record_rows(database, change_row("1", 1, sku="SHARED"), change_row("2", 2, price="1.00"))
    assert types_by_row(result) == {(CHANGED, 1): ["DUPLICATE_SKU"], (CHANGED, 2): []}
    assert get_counts(database) == (0, 1, 0, 1, "partial")


def test_update_product_changed_concurrently_is_validated_again(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_products(database, 1)
    open_upload(database, CHANGED, 1, mode=Mode.UPDATE)
    update = products.update_products
    pending = ["update products set brand = 'Manual' returning 1"]

    def update_after_other(
        connection: Connection, rows: Sequence[Row], context: ValidationContext
    ) -> dict[RowKey, Outcome]:
        if pending:
            other_database = open_database(database_url)
            fetch(other_database, pending.pop())
            other_database.close()
        return update(connection, rows, context)

    monkeypatch.setattr(products, "update_products", update_after_other)
    record_rows(database, change_row("1", price="1.00"))
    assert (get_product(database, "1")["brand"], get_product(database, "1")["price"]) == ("Manual", Decimal("1.00"))
    assert fetch(database, "select previous_values ->> 'brand' from product_changes") == [("Manual",)]


def test_update_value_against_the_schema_is_an_error_of_its_row(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "RULES", tuple(rule for rule in validation.RULES if rule[0] != "price in range"))
    create_products(database, 4)
    open_upload(database, CHANGED, 4, mode=Mode.UPSERT)
    rows = [change_row(str(n), n, price="0" if n == 2 else "1.00") for n in range(1, 5)]
    assert types_by_row(record_rows(database, *rows)) == {
        (CHANGED, 1): [],
        (CHANGED, 2): ["REJECTED_BY_CATALOG"],
        (CHANGED, 3): [],
        (CHANGED, 4): [],
    }
    assert get_counts(database) == (0, 3, 0, 1, "partial")


# All or nothing


def open_all_or_nothing(database: Database, total: int, **changes: Any) -> None:
    open_upload(database, CHANGED, total, on_error=OnError.REJECT_FILE, **changes)


def valid_rows(count: int, first: int = 1, **changes: Any) -> list[Row]:
    return [product_row(str(n), n, upload_id=CHANGED, **changes) for n in range(first, first + count)]


def test_reject_file_valid_rows_are_released_with_the_last_batch(database: Database) -> None:
    open_all_or_nothing(database, 3)
    first = record_rows(database, *valid_rows(2))
    assert (first.errors, first.finished, first.released) == ({}, [], [])
    assert list_skus(database) == []
    assert get_upload(database, CHANGED).valid_records == 0
    last = record_rows(database, *valid_rows(1, first=3))
    assert types_by_row(last) == {(CHANGED, 1): [], (CHANGED, 2): [], (CHANGED, 3): []}
    assert (last.finished, [row.row_number for row in last.released]) == ([CHANGED], [1, 2, 3])
    assert list_skus(database) == ["S-1", "S-2", "S-3"]
    assert get_counts(database) == (3, 0, 0, 0, "completed")


@pytest.mark.parametrize("invalid", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3])
def test_reject_file_one_invalid_row_rejects_all_rows(database: Database, invalid: int, size: int) -> None:
    open_all_or_nothing(database, 3)
    rows = [product_row(str(n), n, upload_id=CHANGED, price="0" if n == invalid else "1") for n in (1, 2, 3)]
    errors: dict[RowKey, list[str]] = {}
    for start in range(0, 3, size):
        errors |= types_by_row(record_rows(database, *rows[start : start + size]))
    assert errors == {(CHANGED, n): ["INVALID_PRICE" if n == invalid else "FILE_REJECTED"] for n in (1, 2, 3)}
    assert list_skus(database) == []
    assert counts_of(database, CHANGED) == (3, 0, 3, "failed")


def test_reject_file_sku_taken_while_held_rejects_all_rows(database: Database) -> None:
    open_all_or_nothing(database, 3)
    record_rows(database, *valid_rows(2))
    open_upload(database, OTHER, 1, vendor_id="VEND002")
    record_rows(database, product_row("2", upload_id=OTHER, vendor_id="VEND002"))
    assert types_by_row(record_rows(database, *valid_rows(1, first=3))) == {
        (CHANGED, 1): ["FILE_REJECTED"],
        (CHANGED, 2): ["DUPLICATE_SKU"],
        (CHANGED, 3): ["FILE_REJECTED"],
    }
    assert fetch(database, "select vendor_id from products") == [("VEND002",)]
    assert counts_of(database, CHANGED) == (3, 0, 3, "failed")


def test_reject_file_row_against_the_schema_rejects_all_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "RULES", tuple(rule for rule in validation.RULES if rule[0] != "price in range"))
    open_all_or_nothing(database, 3)
    record_rows(database, *valid_rows(2, price="0"))
    assert types_by_row(record_rows(database, *valid_rows(1, first=3))) == {
        (CHANGED, 1): ["REJECTED_BY_CATALOG"],
        (CHANGED, 2): ["REJECTED_BY_CATALOG"],
        (CHANGED, 3): ["FILE_REJECTED"],
    }
    assert list_skus(database) == []


def test_reject_file_updates_are_released_together(database: Database) -> None:
    create_products(database, 2)
    open_all_or_nothing(database, 3, mode=Mode.UPSERT)
    record_rows(database, change_row("1", 1, price="1.00"), change_row("2", 2))
    assert get_product(database, "1")["price"] == Decimal("19.99")
    record_rows(database, product_row("new", 3, upload_id=CHANGED))
    assert get_product(database, "1")["price"] == Decimal("1.00")
    assert get_counts(database) == (1, 1, 1, 0, "completed")


def test_reject_file_redelivered_last_batch_has_the_same_result(database: Database) -> None:
    open_all_or_nothing(database, 3)
    rows = [*valid_rows(2), make_row(3, upload_id=CHANGED, price="0")]
    record_rows(database, *rows[:2])
    first = record_rows(database, rows[2])
    second = record_rows(database, rows[2])
    assert second.errors == first.errors
    assert (second.finished, second.released) == (first.finished, first.released)
