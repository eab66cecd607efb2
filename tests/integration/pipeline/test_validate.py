"""Validation of batches on PostgreSQL: one outcome for each row, counted once, however often it is delivered."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain import validation
from onboarding.domain.models import Row, RowError
from onboarding.storage import products as products_repository
from onboarding.storage.database import Connection, Database
from tests.support.postgres_fixtures import (
    clean_database,
    counts_of,
    fetch,
    get_upload,
    list_skus,
    open_database,
    open_upload,
    product_row,
    record_rows,
    tuples_of,
    types_by_row,
)

FIRST, SECOND, THIRD = "UPLOAD_1", "UPLOAD_2", "UPLOAD_3"


def valid_rows(count: int, *, prefix: str = "", first: int = 1, **changes: Any) -> list[Row]:
    return [product_row(f"{prefix}{number}", number, **changes) for number in range(first, first + count)]


def read_state(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that validation writes, except times and serial numbers."""
    return {
        "uploads": fetch(
            database,
            "select upload_id, total_records, valid_records, error_records, status, processing_completed_at is null "
            "from upload_history order by upload_id",
        ),
        "products": fetch(database, "select upload_id, row_number, vendor_id, sku from products order by 1, 2"),
        "errors": fetch(
            database,
            "select upload_id, row_number, error_type, error_field, error_message, original_data "
            "from validation_errors order by 1, 2, error_id",
        ),
    }


def assert_invariants(database: Database) -> None:
    """Assert that each row has a product or errors, not both, and that the counts of uploads equal their numbers."""
    for upload_id, total, valid, error, status in fetch(
        database, "select upload_id, total_records, valid_records, error_records, status from upload_history"
    ):
        products = fetch(database, "select row_number from products where upload_id = %s", upload_id)
        errors = fetch(database, "select distinct row_number from validation_errors where upload_id = %s", upload_id)
        assert (valid, error) == (len(products), len(errors))
        assert not set(products) & set(errors)
        if valid + error < total:
            assert status == "processing"
        else:
            assert status == ("completed" if not error else "partial" if valid else "failed")


# Single batches


def test_record_outcomes_valid_rows_are_accepted(database: Database) -> None:
    open_upload(database, FIRST, 3)
    result = record_rows(database, *valid_rows(3))
    assert types_by_row(result) == {(FIRST, 1): [], (FIRST, 2): [], (FIRST, 3): []}
    assert result.finished == [FIRST]
    assert list_skus(database) == ["S-1", "S-2", "S-3"]
    assert counts_of(database, FIRST) == (3, 3, 0, "completed")
    assert fetch(database, "select * from validation_errors") == []
    assert_invariants(database)


def test_record_outcomes_without_rows_has_empty_result(database: Database) -> None:
    result = record_rows(database)
    assert (result.errors, result.finished) == ({}, [])


@pytest.mark.parametrize(
    ("changes", "kind", "field", "message"),
    [
        ({"sku": None, "price": None}, "MISSING_REQUIRED_FIELDS", "sku, price", "Missing required fields: sku, price"),
        ({"price": "0"}, "INVALID_PRICE", "price", "Price must be at least 0.01"),
        ({"stock_quantity": "-1"}, "INVALID_STOCK_QUANTITY", "stock_quantity", "Stock quantity must be at least 0"),
        ({"unit": "u" * 21}, "FIELD_LENGTH_EXCEEDED", "unit", "unit is 21 characters long; the limit is 20"),
        ({"category": "Elektronics"}, "INVALID_CATEGORY", "category", "Invalid category: Elektronics"),
        ({"sku": "S-old"}, "DUPLICATE_SKU", "sku", "Duplicate SKU: S-old already exists"),
        (
            {"vendor_product_id": "P-old"},
            "DUPLICATE_VENDOR_PRODUCT_ID",
            "vendor_product_id",
            "Duplicate vendor product ID: P-old is already one of your products",
        ),
        ({"weight_kg": "-1"}, "INVALID_WEIGHT", "weight_kg", "Weight must be at least 0"),
        ({"description": "\0"}, "INVALID_CHARACTER", "description", None),
        ({"image_url": "nowhere"}, "INVALID_IMAGE_URL", "image_url", None),
        ({"surplus_fields": 1}, "FIELD_COUNT_MISMATCH", "row", None),
    ],
)
def test_record_outcomes_invalid_row_is_rejected_and_others_are_accepted(
    database: Database, changes: dict[str, Any], kind: str, field: str, message: str | None
) -> None:
    open_upload(database, "UPLOAD_0", 1)
    record_rows(database, product_row("old", upload_id="UPLOAD_0"))
    open_upload(database, FIRST, 3)
    result = record_rows(database, product_row("1", 1), product_row("2", 2, **changes), product_row("3", 3))
    (error,) = result.errors[FIRST, 2]
    assert (error.error_type, error.field) == (kind, field)
    assert message is None or error.message == message
    assert list_skus(database) == ["S-1", "S-3", "S-old"]
    assert counts_of(database, FIRST) == (3, 2, 1, "partial")
    assert fetch(database, "select row_number, error_type, error_field, error_message from validation_errors") == [
        (2, error.error_type, error.field, error.message)
    ]
    assert_invariants(database)


def test_record_outcomes_row_with_many_errors_is_counted_once(database: Database) -> None:
    open_upload(database, FIRST, 1)
    row = product_row("1", price="0", stock_quantity="x", category="None such", sku=None, brand="b" * 101)
    result = record_rows(database, row)
    assert types_by_row(result)[FIRST, 1] == [
        "MISSING_REQUIRED_FIELDS",
        "INVALID_PRICE",
        "INVALID_STOCK_QUANTITY",
        "FIELD_LENGTH_EXCEEDED",
        "INVALID_CATEGORY",
    ]
    stored = fetch(database, "select error_type from validation_errors order by error_id")
    assert [kind for (kind,) in stored] == types_by_row(result)[FIRST, 1]
    assert counts_of(database, FIRST) == (1, 0, 1, "failed")


def test_record_outcomes_rejected_row_has_its_original_data(database: Database) -> None:
    open_upload(database, FIRST, 1)
    row = product_row("1", price="010.000", sku="00\07", vendor_product_id="P" * 150)
    record_rows(database, row)
    stored = fetch(database, "select distinct vendor_product_id, original_data from validation_errors")
    expected = {column: text.replace("\0", "\ufffd") for column, text in row.cells.items()}
    assert stored == [("P" * 100, expected)]


def test_record_outcomes_inactive_category_is_rejected(database: Database) -> None:
    insert = "insert into product_categories (category_name, is_active) values ('Fax Machines', false) returning 1"
    fetch(database, insert)
    open_upload(database, FIRST, 1)
    result = record_rows(database, product_row("1", category="Fax Machines"))
    assert tuples_of(result.errors[FIRST, 1]) == [("INVALID_CATEGORY", "category", "Invalid category: Fax Machines")]


def test_record_outcomes_rows_of_no_upload_are_unprocessable_and_others_are_accepted(database: Database) -> None:
    open_upload(database, FIRST, 2)
    result = record_rows(
        database,
        product_row("1"),
        product_row("2", 2, upload_id=SECOND),
        product_row("3", 3),
        product_row("0", 0),
        product_row("big", 2**31 - 1),
        product_row("2", 2),
    )
    assert result.unprocessable == {
        (SECOND, 2): "there is no upload UPLOAD_2",
        (FIRST, 3): "the upload UPLOAD_1 has 2 rows, and no row 3",
        (FIRST, 0): "the upload UPLOAD_1 has 2 rows, and no row 0",
        (FIRST, 2**31 - 1): "the upload UPLOAD_1 has 2 rows, and no row 2,147,483,647",
    }
    assert types_by_row(result) == {(FIRST, 1): [], (FIRST, 2): []}
    assert list_skus(database) == ["S-1", "S-2"]
    assert counts_of(database, FIRST) == (2, 2, 0, "completed")


def test_record_outcomes_row_of_another_vendors_upload_is_unprocessable(database: Database) -> None:
    open_upload(database, FIRST, 1)
    result = record_rows(database, product_row("1", vendor_id="VEND002"))
    assert result.unprocessable == {(FIRST, 1): "the upload UPLOAD_1 is not the vendor's"}
    assert counts_of(database, FIRST) == (1, 0, 0, "processing")


def test_record_outcomes_row_beyond_a_finished_upload_changes_nothing(database: Database) -> None:
    open_upload(database, FIRST, 1)
    record_rows(database, *valid_rows(1))
    before = read_state(database)
    result = record_rows(database, product_row("2", 2))
    assert list(result.unprocessable) == [(FIRST, 2)]
    assert (result.errors, result.finished) == ({}, [])
    assert read_state(database) == before


def test_record_outcomes_redelivered_row_with_deleted_product_changes_nothing(database: Database) -> None:
    open_upload(database, FIRST, 2)
    record_rows(database, *valid_rows(2))
    fetch(database, "delete from products where sku = 'S-1' returning 1")
    before = read_state(database)
    assert types_by_row(record_rows(database, *valid_rows(2))) == {(FIRST, 1): [], (FIRST, 2): []}
    assert read_state(database) == before


# Completion


@pytest.mark.parametrize(
    ("invalid", "status"), [((), "completed"), ((2,), "partial"), ((1, 3), "partial"), ((1, 2, 3), "failed")]
)
def test_record_outcomes_last_row_finishes_the_upload(database: Database, invalid: Sequence[int], status: str) -> None:
    open_upload(database, FIRST, 3)
    rows = [product_row(str(n), n, price="0" if n in invalid else "1") for n in (1, 2, 3)]
    for row in rows[:2]:
        assert record_rows(database, row).finished == []
        assert counts_of(database, FIRST)[3] == "processing"
        assert get_upload(database, FIRST).processing_completed_at is None
    assert record_rows(database, rows[2]).finished == [FIRST]
    assert counts_of(database, FIRST) == (3, 3 - len(invalid), len(invalid), status)
    assert get_upload(database, FIRST).processing_completed_at is not None
    assert_invariants(database)


def test_record_outcomes_batch_of_several_uploads_counts_each_upload(database: Database) -> None:
    open_upload(database, FIRST, 2, vendor_id="VEND001")
    open_upload(database, SECOND, 2, vendor_id="VEND002")
    open_upload(database, THIRD, 3, vendor_id="VEND001")
    result = record_rows(
        database,
        product_row("a", 1),
        product_row("b", 1, upload_id=SECOND, vendor_id="VEND002"),
        product_row("c", 1, upload_id=THIRD),
        product_row("d", 2, price="0"),
        product_row("e", 2, upload_id=SECOND, vendor_id="VEND002"),
        product_row("f", 2, upload_id=THIRD, stock_quantity="0"),
    )
    assert types_by_row(result) == {
        (FIRST, 1): [],
        (SECOND, 1): [],
        (THIRD, 1): [],
        (FIRST, 2): ["INVALID_PRICE"],
        (SECOND, 2): [],
        (THIRD, 2): [],
    }
    assert sorted(result.finished) == [FIRST, SECOND]
    assert counts_of(database, FIRST) == (2, 1, 1, "partial")
    assert counts_of(database, SECOND) == (2, 2, 0, "completed")
    assert counts_of(database, THIRD) == (3, 2, 0, "processing")
    assert_invariants(database)


# Duplicates


def test_record_outcomes_sku_of_another_vendor_is_rejected_without_details(database: Database) -> None:
    open_upload(database, FIRST, 1, vendor_id="VEND002")
    record_rows(database, product_row("1", vendor_id="VEND002", sku="SHARED", product_name="Secret", brand="Hidden"))
    open_upload(database, SECOND, 1)
    result = record_rows(database, product_row("2", upload_id=SECOND, sku="SHARED"))
    assert tuples_of(result.errors[SECOND, 1]) == [("DUPLICATE_SKU", "sku", "Duplicate SKU: SHARED already exists")]
    (stored,) = fetch(database, "select error_message, original_data::text from validation_errors")
    for detail in ("VEND002", "StyleWear", "Secret", "Hidden", FIRST, "P-1"):
        assert detail not in " ".join(stored)


def test_record_outcomes_vendor_product_id_of_another_vendor_is_accepted(database: Database) -> None:
    open_upload(database, FIRST, 1, vendor_id="VEND002")
    record_rows(database, product_row("1", vendor_id="VEND002", vendor_product_id="P"))
    open_upload(database, SECOND, 1)
    record_rows(database, product_row("2", upload_id=SECOND, vendor_product_id="P"))
    assert list_skus(database) == ["S-1", "S-2"]


def test_record_outcomes_file_uploaded_again_has_only_duplicates(database: Database) -> None:
    open_upload(database, FIRST, 3)
    record_rows(database, *valid_rows(3))
    open_upload(database, SECOND, 3)
    result = record_rows(database, *valid_rows(3, upload_id=SECOND))
    assert types_by_row(result) == {
        (SECOND, number): ["DUPLICATE_SKU", "DUPLICATE_VENDOR_PRODUCT_ID"] for number in (1, 2, 3)
    }
    assert counts_of(database, SECOND) == (3, 0, 3, "failed")
    assert counts_of(database, FIRST) == (3, 3, 0, "completed")


def test_record_outcomes_invalid_duplicate_row_has_all_errors(database: Database) -> None:
    open_upload(database, FIRST, 1)
    record_rows(database, product_row("1"))
    open_upload(database, SECOND, 1)
    result = record_rows(database, product_row("1", upload_id=SECOND, price="0"))
    assert types_by_row(result) == {(SECOND, 1): ["INVALID_PRICE", "DUPLICATE_SKU", "DUPLICATE_VENDOR_PRODUCT_ID"]}


def test_record_outcomes_equal_skus_in_one_batch_accept_one_row(database: Database) -> None:
    open_upload(database, FIRST, 2)
    open_upload(database, SECOND, 2, vendor_id="VEND002")
    result = record_rows(
        database,
        product_row("a", 1, sku="SHARED"),
        product_row("b", 1, upload_id=SECOND, vendor_id="VEND002", sku="SHARED"),
        product_row("c", 2),
        product_row("d", 2, upload_id=SECOND, vendor_id="VEND002"),
    )
    outcome = types_by_row(result)
    assert sorted([outcome[FIRST, 1], outcome[SECOND, 1]]) == [[], ["DUPLICATE_SKU"]]
    assert (outcome[FIRST, 2], outcome[SECOND, 2]) == ([], [])
    assert list_skus(database) == ["S-c", "S-d", "SHARED"]
    assert_invariants(database)


def test_record_outcomes_equal_vendor_product_ids_in_one_batch_accept_one_row(database: Database) -> None:
    open_upload(database, FIRST, 1)
    open_upload(database, SECOND, 1)
    result = record_rows(
        database,
        product_row("a", 1, vendor_product_id="SAME"),
        product_row("b", 1, upload_id=SECOND, vendor_product_id="SAME"),
    )
    assert sorted(types_by_row(result).values()) == [[], ["DUPLICATE_VENDOR_PRODUCT_ID"]]
    assert_invariants(database)


@pytest.mark.parametrize("reverse", [False, True])
def test_record_outcomes_duplicate_rows_in_any_order_accept_the_first_row(database: Database, reverse: bool) -> None:
    open_upload(database, FIRST, 2)
    rows = [product_row("1", 1, sku="SAME"), product_row("2", 2, sku="SAME", duplicate_of={"sku": 1})]
    outcome: dict[tuple[str, int], list[str]] = {}
    for row in reversed(rows) if reverse else rows:
        outcome |= types_by_row(record_rows(database, row))
    assert outcome == {(FIRST, 1): [], (FIRST, 2): ["DUPLICATE_SKU"]}
    assert fetch(database, "select row_number, error_message from validation_errors") == [
        (2, "Duplicate SKU: SAME already exists in row 1 of this file")
    ]


# Redelivery


def mixed_rows() -> list[Row]:
    """Return six rows; the even ones are invalid, the second has two errors."""
    return [
        product_row("1", 1),
        product_row("2", 2, price="0", category="None such"),
        product_row("3", 3),
        product_row("4", 4, sku="S-1", duplicate_of={"sku": 1}),
        product_row("5", 5),
        product_row("6", 6, category="None such"),
    ]


def test_record_outcomes_redelivered_batch_changes_nothing(database: Database) -> None:
    open_upload(database, FIRST, 6)
    first = record_rows(database, *mixed_rows())
    before = read_state(database)
    completed_at = get_upload(database, FIRST).processing_completed_at
    for _ in range(2):
        redelivered = record_rows(database, *mixed_rows())
        assert redelivered.errors == first.errors
        assert list(redelivered.finished) == list(first.finished) == [FIRST]
    assert read_state(database) == before
    assert get_upload(database, FIRST).processing_completed_at == completed_at
    assert_invariants(database)


def test_record_outcomes_overlapping_batches_count_each_row_once(database: Database) -> None:
    open_upload(database, FIRST, 6)
    rows = mixed_rows()
    assert record_rows(database, *rows[:4]).finished == []
    second = record_rows(database, *rows[2:])
    assert second.finished == [FIRST]
    assert types_by_row(second)[FIRST, 4] == ["DUPLICATE_SKU"]
    assert counts_of(database, FIRST) == (6, 3, 3, "partial")
    assert_invariants(database)


def test_record_outcomes_redelivered_first_batch_does_not_finish_the_upload(database: Database) -> None:
    open_upload(database, FIRST, 6)
    rows = mixed_rows()
    record_rows(database, *rows[:3])
    assert record_rows(database, *rows[:3]).finished == []
    assert counts_of(database, FIRST) == (6, 2, 1, "processing")


def test_record_outcomes_new_rows_around_validated_ones_are_validated(database: Database) -> None:
    open_upload(database, FIRST, 6)
    rows = mixed_rows()
    record_rows(database, rows[2], rows[3])
    result = record_rows(database, rows[0], rows[5])
    assert result.errors.keys() == {(FIRST, 1), (FIRST, 6)}
    assert counts_of(database, FIRST) == (6, 2, 2, "processing")


def test_record_outcomes_redelivered_row_with_released_sku_keeps_its_outcome(database: Database) -> None:
    open_upload(database, FIRST, 1, vendor_id="VEND002")
    record_rows(database, product_row("1", vendor_id="VEND002", sku="SHARED"))
    open_upload(database, SECOND, 1)
    row = product_row("2", upload_id=SECOND, sku="SHARED")
    first = record_rows(database, row)
    fetch(database, "delete from products where sku = 'SHARED' returning 1")
    assert record_rows(database, row).errors == first.errors != {(SECOND, 1): []}
    assert list_skus(database) == []
    assert counts_of(database, SECOND) == (1, 0, 1, "failed")


def test_record_outcomes_redelivered_row_with_disabled_category_keeps_its_outcome(database: Database) -> None:
    open_upload(database, FIRST, 1)
    record_rows(database, product_row("1", category="Garden"))
    fetch(database, "update product_categories set is_active = false where category_name = 'Garden' returning 1")
    try:
        assert types_by_row(record_rows(database, product_row("1", category="Garden"))) == {(FIRST, 1): []}
    finally:
        fetch(database, "update product_categories set is_active = true where category_name = 'Garden' returning 1")


def test_record_outcomes_batches_in_any_order_and_repetition_have_one_result(database_url: str) -> None:
    """Compare with one batch of all rows, which belong to two independent uploads."""
    all_rows = [*mixed_rows(), *valid_rows(3, prefix="x", upload_id=SECOND, vendor_id="VEND002")]

    def open_uploads(database: Database) -> None:
        open_upload(database, FIRST, 6)
        open_upload(database, SECOND, 3, vendor_id="VEND002")

    with clean_database(database_url) as database:
        open_uploads(database)
        single_batch = record_rows(database, *all_rows)
        expected = read_state(database)

    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.sets(st.sampled_from(range(9)), min_size=1).flatmap(lambda s: st.permutations(sorted(s)))))
    def check(batches: list[list[int]]) -> None:
        with clean_database(database_url) as database:
            open_uploads(database)
            for batch in [*batches, list(range(8, -1, -1))]:
                result = record_rows(database, *(all_rows[index] for index in batch))
                assert result.errors == {
                    key: single_batch.errors[key]
                    for key in (products_repository.row_key(all_rows[index]) for index in batch)
                }
                assert_invariants(database)
            assert read_state(database) == expected

    check()


# Values that the rules accept and the database schema rejects


def disable_rule(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    remaining = tuple((name, check) for name, check in validation.RULES if name != rule)
    assert len(remaining) == len(validation.RULES) - 1
    monkeypatch.setattr(validation, "RULES", remaining)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("price in range", {"price": "0"}),
        ("price in range", {"price": "Infinity"}),
        ("price in range", {"price": "1e20"}),
        ("price in range", {"price": "expensive"}),
        ("stock in range", {"stock_quantity": "-1"}),
        ("stock in range", {"stock_quantity": "99999999999"}),
        ("weight in range", {"weight_kg": "-1"}),
        ("field lengths", {"sku": "s" * 101}),
        ("required fields present", {"product_name": None}),
        ("text without control characters, identifiers without invisible ones", {"description": "\0"}),
    ],
)
def test_record_outcomes_value_against_the_schema_is_an_error_of_its_row(
    database: Database, monkeypatch: pytest.MonkeyPatch, rule: str, changes: dict[str, Any]
) -> None:
    disable_rule(rule, monkeypatch)
    open_upload(database, FIRST, 100)
    rows = valid_rows(100)
    rows[36] = product_row("37", 37, **changes)
    result = record_rows(database, *rows)
    rejected = {key: errors for key, errors in result.errors.items() if errors}
    (error,) = rejected.pop((FIRST, 37))
    assert rejected == {}
    assert (error.error_type, error.field) == ("REJECTED_BY_CATALOG", "row")
    assert error.message.startswith("The catalog cannot store this row: ")
    assert counts_of(database, FIRST) == (100, 99, 1, "partial")
    assert len(list_skus(database)) == 99
    assert_invariants(database)
    before = read_state(database)
    assert record_rows(database, *rows).errors == result.errors
    assert read_state(database) == before


def test_record_outcomes_several_rows_against_the_schema_are_rejected_individually(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    disable_rule("price in range", monkeypatch)
    open_upload(database, FIRST, 8)
    rows = valid_rows(8)
    rows[0] = product_row("1", 1, price="0")
    rows[1] = product_row("2", 2, price="x")
    rows[4] = product_row("5", 5, category="None such")
    rows[6] = product_row("7", 7, sku="S-8")
    rows[7] = product_row("8", 8, price="-1", duplicate_of={"sku": 7})
    assert types_by_row(record_rows(database, *rows)) == {
        (FIRST, 1): ["REJECTED_BY_CATALOG"],
        (FIRST, 2): ["REJECTED_BY_CATALOG"],
        (FIRST, 3): [],
        (FIRST, 4): [],
        (FIRST, 5): ["INVALID_CATEGORY"],
        (FIRST, 6): [],
        (FIRST, 7): [],
        (FIRST, 8): ["DUPLICATE_SKU"],
    }
    assert counts_of(database, FIRST) == (8, 4, 4, "partial")
    assert_invariants(database)


def test_record_outcomes_database_error_raises_and_rejects_no_row(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is no error of a row: the exception is raised, and the batch is redelivered."""

    def full_disk(connection: Connection, rows: Sequence[Row]) -> set[tuple[str, int]]:
        attempts.append(len(rows))
        connection.execute("do $$ begin raise exception using errcode = '53100'; end $$")
        # In pipeline mode the error is raised when a result is read.
        connection.execute("select").fetchall()
        raise AssertionError("PostgreSQL raised nothing")

    attempts: list[int] = []
    open_upload(database, FIRST, 1)
    with monkeypatch.context() as patch:
        patch.setattr(products_repository, "insert_products", full_disk)
        with pytest.raises(psycopg.errors.DiskFull):
            record_rows(database, product_row("1"))
    assert attempts == [1]
    assert counts_of(database, FIRST) == (1, 0, 0, "processing")
    assert record_rows(database, product_row("1")).finished == [FIRST]


def test_record_outcomes_exhausted_sequence_raises_and_rejects_no_row(database: Database) -> None:
    """Its SQLSTATE has the same class as that of an invalid value."""
    [(limit,)] = fetch(database, "select seqmax from pg_sequence where seqrelid = 'products_product_id_seq'::regclass")
    [(last,)] = fetch(database, "select nextval('products_product_id_seq')")
    fetch(database, "select setval('products_product_id_seq', %s)", limit)
    open_upload(database, FIRST, 2)
    try:
        with pytest.raises(psycopg.errors.SequenceGeneratorLimitExceeded):
            record_rows(database, *valid_rows(2))
        assert counts_of(database, FIRST) == (2, 0, 0, "processing")
    finally:
        fetch(database, "select setval('products_product_id_seq', %s)", last)
    assert record_rows(database, *valid_rows(2)).finished == [FIRST]


def test_record_outcomes_sku_inserted_concurrently_is_a_duplicate(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch of the other vendor commits before the insert."""
    open_upload(database, FIRST, 2)
    open_upload(database, SECOND, 1, vendor_id="VEND002")
    insert = products_repository.insert_products
    pending = [product_row("b", 1, upload_id=SECOND, vendor_id="VEND002", sku="SHARED")]

    def insert_after_other(connection: Connection, rows: Sequence[Row]) -> set[tuple[str, int]]:
        if pending:
            other_database = open_database(database_url)
            assert types_by_row(record_rows(other_database, pending.pop())) == {(SECOND, 1): []}
            other_database.close()
        return insert(connection, rows)

    monkeypatch.setattr(products_repository, "insert_products", insert_after_other)
    result = record_rows(database, product_row("a", 1, sku="SHARED"), product_row("c", 2))
    assert types_by_row(result) == {(FIRST, 1): ["DUPLICATE_SKU"], (FIRST, 2): []}
    assert_invariants(database)


def test_record_outcomes_duplicate_deleted_concurrently_is_accepted_on_retry(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row was not inserted, and no product has its SKU: the transaction is retried, and accepts the row."""
    open_upload(database, FIRST, 1)
    insert = products_repository.insert_products
    attempts: list[int] = []

    def insert_nothing_once(connection: Connection, rows: Sequence[Row]) -> set[tuple[str, int]]:
        attempts.append(len(rows))
        return set() if len(attempts) == 1 else insert(connection, rows)

    monkeypatch.setattr(products_repository, "insert_products", insert_nothing_once)
    assert types_by_row(record_rows(database, product_row("1"))) == {(FIRST, 1): []}
    assert attempts == [1, 1]
    assert counts_of(database, FIRST) == (1, 1, 0, "completed")


# Concurrency


def test_record_outcomes_products_are_inserted_in_the_order_of_their_skus(database: Database) -> None:
    """The order prevents deadlocks between batches of different vendors."""
    open_upload(database, FIRST, 50)
    record_rows(database, *[product_row(str(n), n, sku=f"S{n * 37 % 50:03d}") for n in range(1, 51)])
    assert fetch(database, "select sku from products order by product_id") == [(f"S{n:03d}",) for n in range(50)]


def run_concurrently(database_url: str, batches: Sequence[Sequence[Row]]) -> dict[tuple[str, int], list[RowError]]:
    """Validate each list of rows in batches of 20, on its own thread and connection; return the errors of each row."""
    start = threading.Barrier(len(batches), timeout=60)

    def validate_all(rows: Sequence[Row]) -> dict[tuple[str, int], list[RowError]]:
        database = open_database(database_url)
        outcome: dict[tuple[str, int], list[RowError]] = {}
        try:
            database.run(lambda connection: connection.info.backend_pid)
            start.wait()
            for start_index in range(0, len(rows), 20):
                result = record_rows(database, *rows[start_index : start_index + 20])
                outcome |= {key: list(errors) for key, errors in result.errors.items()}
        finally:
            database.close()
        return outcome

    with ThreadPoolExecutor(len(batches)) as pool:
        return {key: errors for outcome in pool.map(validate_all, batches) for key, errors in outcome.items()}


@pytest.mark.parametrize("one_vendor", [True, False])
def test_record_outcomes_concurrent_duplicates_accept_one_row_and_reject_the_others(
    database: Database, database_url: str, one_vendor: bool
) -> None:
    uploads, size = 6, 60
    batches = []
    for index in range(uploads):
        upload_id = f"UPLOAD_{index}"
        vendor_id = "VEND001" if one_vendor else f"VEND00{index % 3 + 1}"
        open_upload(database, upload_id, size, vendor_id=vendor_id)
        rows = []
        for number in range(1, size + 1):
            # Half of the keys are shared, in a different order in each upload.
            key = (number * (7 if index % 2 else 11) + index) % size
            sku = f"SHARED-{key}" if key % 2 else f"{upload_id}-{key}"
            name = f"P-{(key * 3) % size}" if key % 4 < 2 else f"P-{upload_id}-{key}"
            rows.append(
                product_row(str(key), number, upload_id=upload_id, vendor_id=vendor_id, sku=sku, vendor_product_id=name)
            )
        # Mark duplicates within the file, as the parser does.
        seen: dict[tuple[str, str], int] = {}
        for row in rows:
            for column in ("sku", "vendor_product_id"):
                earlier = seen.setdefault((column, row.cells[column]), row.row_number)
                if earlier != row.row_number:
                    row.duplicate_of[column] = earlier
        batches.append(rows)

    outcome = run_concurrently(database_url, batches)

    assert_invariants(database)
    assert len(outcome) == uploads * size
    assert fetch(database, "select count(*) from upload_history where status = 'processing'") == [(0,)]
    catalog = fetch(database, "select sku, vendor_id, vendor_product_id, upload_id, row_number from products")
    sku_holders = {sku: (upload_id, number) for sku, _, _, upload_id, number in catalog}
    id_holders = {(vendor, name): (upload_id, number) for _, vendor, name, upload_id, number in catalog}
    rejected = 0
    for row in (row for rows in batches for row in rows):
        row_key = products_repository.row_key(row)
        by_sku = sku_holders.get(row.cells["sku"])
        by_id = id_holders.get((row.vendor_id, row.cells["vendor_product_id"]))
        if not outcome[row_key]:
            assert by_sku == by_id == row_key
            continue
        rejected += 1
        for error in outcome[row_key]:
            # A rejected row has a duplicate: another accepted row, or an earlier row of its file.
            if error.error_type == "DUPLICATE_SKU":
                assert "sku" in row.duplicate_of or (by_sku is not None and by_sku != row_key)
            else:
                assert error.error_type == "DUPLICATE_VENDOR_PRODUCT_ID"
                assert "vendor_product_id" in row.duplicate_of or (by_id is not None and by_id != row_key)
    assert rejected > uploads
    # Every key that a row could have has a product.
    for row in (row for rows in batches for row in rows):
        if not row.duplicate_of and row.cells["sku"] not in sku_holders:
            assert (row.vendor_id, row.cells["vendor_product_id"]) in id_holders


def test_record_outcomes_concurrent_equal_batches_are_counted_once(database: Database, database_url: str) -> None:
    open_upload(database, FIRST, 40)
    rows = [product_row(str(n), n, price="0" if n % 5 == 0 else "1") for n in range(1, 41)]
    run_concurrently(database_url, [rows] * 4)
    assert counts_of(database, FIRST) == (40, 32, 8, "partial")
    assert_invariants(database)
