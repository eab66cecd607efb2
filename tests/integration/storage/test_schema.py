"""The schema matches the contract, and PostgreSQL accepts every row that the rules accept."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from onboarding.aws import staging_table
from onboarding.domain.column_types import TextColumn
from onboarding.domain.models import FileRejection, Row, RowError
from onboarding.domain.product_schema import (
    CHOICES,
    COLUMNS,
    MAX_LENGTHS,
    NUMBER_COLUMNS,
    PRODUCT_SCHEMA,
    REPORT_COLUMNS,
)
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.parser import parse
from onboarding.storage import products, uploads, validation_errors
from onboarding.storage.database import Connection, Database
from onboarding.storage.uploads import NewUpload
from tests.support.paths import CORPUS
from tests.support.postgres_fixtures import UPLOADED_AT, fetch, make_row, open_upload, tuples_of

CATEGORIES = (
    *("Electronics", "Computer Accessories", "Audio Equipment", "Mobile Accessories", "Computer Storage"),
    *("Clothing", "Men's Clothing", "Women's Clothing", "Accessories", "Home & Garden", "Kitchen", "Bedroom"),
    *("Bathroom", "Living Room", "Garden", "Sports & Outdoors", "Books", "Toys & Games", "Health & Beauty"),
    "Food & Beverage",
)

# The columns of the contract: type, whether it is not null, default (None: not checked).
CONTRACT: dict[str, dict[str, tuple[str, bool, str | None]]] = {
    "vendors": {
        "vendor_id": ("varchar(50)", True, None),
        "vendor_name": ("varchar(200)", True, None),
        "email": ("varchar(255)", True, None),
        "phone": ("varchar(20)", False, None),
        "status": ("varchar(20)", True, "active"),
        "created_at": ("timestamp with time zone", True, "now()"),
    },
    "product_categories": {
        "category_id": ("bigint", True, None),
        "category_name": ("varchar(100)", True, None),
        "description": ("text", False, None),
        "is_active": ("boolean", True, "true"),
        "created_at": ("timestamp with time zone", True, "now()"),
    },
    "products": {
        "product_id": ("bigint", True, None),
        "vendor_id": ("varchar(50)", True, None),
        "vendor_product_id": ("varchar(100)", True, None),
        "product_name": ("varchar(200)", True, None),
        "category": ("varchar(100)", True, None),
        "subcategory": ("varchar(100)", False, None),
        "description": ("text", False, None),
        "sku": ("varchar(100)", True, None),
        "brand": ("varchar(100)", False, None),
        "price": ("numeric(10,2)", True, None),
        "compare_at_price": ("numeric(10,2)", False, None),
        "stock_quantity": ("integer", True, None),
        "unit": ("varchar(20)", True, "piece"),
        "weight_kg": ("numeric(10,3)", False, None),
        "dimensions_cm": ("varchar(50)", False, None),
        "image_url": ("text", False, None),
        "upload_id": ("varchar(50)", True, None),
        "status": ("varchar(20)", True, "active"),
        "created_at": ("timestamp with time zone", True, "now()"),
        "updated_at": ("timestamp with time zone", True, "now()"),
    },
    "upload_history": {
        "upload_id": ("varchar(50)", True, None),
        "vendor_id": ("varchar(50)", True, None),
        "file_name": ("varchar(255)", True, None),
        "s3_key": ("text", True, None),
        "file_size_bytes": ("bigint", True, None),
        "total_records": ("integer", True, None),
        "valid_records": ("integer", True, "0"),
        "error_records": ("integer", True, "0"),
        "status": ("varchar(20)", True, "processing"),
        "error_file_s3_key": ("varchar(500)", False, None),
        "upload_timestamp": ("timestamp with time zone", True, None),
        "processing_started_at": ("timestamp with time zone", True, "now()"),
        "processing_completed_at": ("timestamp with time zone", False, None),
    },
    "validation_errors": {
        "error_id": ("bigint", True, None),
        "upload_id": ("varchar(50)", True, None),
        "vendor_id": ("varchar(50)", True, None),
        "row_number": ("integer", True, None),
        "vendor_product_id": ("varchar(100)", False, None),
        "error_type": ("varchar(50)", True, None),
        "error_field": ("varchar(100)", True, None),
        "error_message": ("text", True, None),
        "original_data": ("jsonb", True, None),
        "created_at": ("timestamp with time zone", True, "now()"),
    },
}


def column_types(database: Database, table: str) -> dict[str, tuple[str, bool, str | None]]:
    return {
        name: (kind.replace("character varying", "varchar"), required, default)
        for name, kind, required, default in fetch(
            database,
            "select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid) "
            "from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum "
            "where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped",
            table,
        )
    }


def constraints(database: Database, table: str, kind: str) -> dict[str, str]:
    query = (
        "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and contype = %s"
    )
    return dict(fetch(database, query, table, kind))


# The contract's tables


@pytest.mark.parametrize("table", CONTRACT)
def test_tables_have_the_columns_of_the_contract(database: Database, table: str) -> None:
    columns = column_types(database, table)
    for column, (kind, required, default) in CONTRACT[table].items():
        assert columns[column][:2] == (kind, required), column
        if default is not None:
            assert default in (columns[column][2] or ""), column


def test_seeds_are_the_categories_and_vendors_of_the_contract(database: Database) -> None:
    names = fetch(database, "select category_name, is_active from product_categories order by category_id")
    assert names == [(name, True) for name in CATEGORIES]
    assert fetch(database, "select vendor_id, vendor_name, email, status from vendors order by vendor_id") == [
        ("VEND001", "TechGear", "contact@techgear.com", "active"),
        ("VEND002", "StyleWear", "sales@stylewear.com", "active"),
        ("VEND003", "HomeEssentials", "info@homeess.com", "active"),
    ]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("products", "(vendor_id"),
        ("products", "(sku"),
        ("products", "(category"),
        ("products", "(upload_id"),
        ("upload_history", "(vendor_id, upload_timestamp DESC)"),
        ("upload_history", "(status)"),
        ("validation_errors", "(upload_id"),
        ("validation_errors", "(error_type)"),
    ],
)
def test_searched_columns_have_an_index(database: Database, table: str, columns: str) -> None:
    indexes = fetch(database, "select indexdef from pg_indexes where tablename = %s", table)
    assert [index for (index,) in indexes if columns in index] != []


def test_unique_constraints_are_those_of_the_contract(database: Database) -> None:
    assert set(constraints(database, "products", "u").values()) >= {
        "UNIQUE (sku)",
        "UNIQUE (vendor_id, vendor_product_id)",
    }
    assert "UNIQUE (category_name)" in constraints(database, "product_categories", "u").values()


def test_tables_with_rows_of_vendors_reference_the_vendor(database: Database) -> None:
    for table in ("products", "upload_history", "validation_errors"):
        assert "FOREIGN KEY (vendor_id) REFERENCES vendors(vendor_id)" in constraints(database, table, "f").values()


# Schema and rules


def test_products_table_agrees_with_the_product_schema(database: Database) -> None:
    columns = fetch(
        database,
        "select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable "
        "from information_schema.columns where table_name = 'products' and column_name = any(%s)",
        list(COLUMNS),
    )
    assert {name for name, *_ in columns} == set(COLUMNS)
    for name, kind, length, precision, scale, nullable in columns:
        column = PRODUCT_SCHEMA[name]
        assert (nullable == "YES") == column.is_nullable, name
        if isinstance(column, TextColumn):
            assert (kind, length) in {("character varying", column.max_length), ("text", None)}, name
            continue
        assert kind == column.sql_type, name
        assert scale == column.decimals, name
        largest = Decimal(10) ** (precision - scale) if kind == "numeric" else 2**31
        assert max(abs(column.minimum), abs(column.maximum)) < largest, name


def test_products_constraints_are_those_with_a_rule(database: Database) -> None:
    """A new constraint needs a rule with the same condition."""
    assert constraints(database, "products", "c").keys() == {
        "products_price_positive",
        "products_compare_at_price_not_negative",
        "products_stock_not_negative",
        "products_weight_not_negative",
        "products_status_known",
    }
    assert constraints(database, "products", "u").keys() == {
        "products_sku_key",
        "products_vendor_product_key",
        "products_upload_row_key",
    }
    assert constraints(database, "products", "f").keys() == {"products_vendor_fk"}
    assert constraints(database, "products", "x") == {}
    triggers = fetch(
        database, "select tgname from pg_trigger where tgrelid = 'products'::regclass and not tgisinternal"
    )
    # They set `updated_at` and insert events for the change feed, and reject nothing.
    events = {f"products_{operation}_events" for operation in ("insert", "update", "delete")}
    assert {name for (name,) in triggers} == {"products_set_updated_at"} | events


class RolledBack(Exception):
    """Rolls back the transaction of a test."""


def insert_and_roll_back(database: Database, rows: list[Row]) -> set[int]:
    """Insert the products of rows, roll back, and return the numbers of the inserted rows."""
    numbers: set[int] = set()

    def work(connection: Connection) -> None:
        numbers.update(number for _, number in products.insert_products(connection, rows))
        raise RolledBack

    with pytest.raises(RolledBack):
        database.run(work)
    return numbers


@pytest.mark.parametrize("column", NUMBER_COLUMNS)
@pytest.mark.parametrize("bound", ["minimum", "maximum"])
def test_insert_products_number_at_its_limit_is_stored_exactly(database: Database, column: str, bound: str) -> None:
    value = getattr(NUMBER_COLUMNS[column], bound)
    row = make_row(**{column: str(value)})
    assert validate_row(row, ValidationContext({"Computer Accessories"}, set(), set())) == []

    def work(connection: Connection) -> None:
        products.insert_products(connection, [row])
        query = psycopg.sql.SQL("select {} from products").format(psycopg.sql.Identifier(column))
        assert connection.execute(query).fetchall() == [(value,)]
        raise RolledBack

    with pytest.raises(RolledBack):
        database.run(work)


def test_insert_products_numbers_of_a_file_are_stored_exactly(database: Database) -> None:
    content = (CORPUS / "numbers-of-a-database.csv").read_bytes()
    parsed = parse(content, "UPLOAD_1", "VEND001")
    assert not isinstance(parsed, FileRejection)

    def work(connection: Connection) -> None:
        products.insert_products(
            connection, [staging_table.from_item(staging_table.to_item(row)) for row in parsed.rows[:2]]
        )
        stored = connection.execute("select price, stock_quantity, weight_kg from products order by sku").fetchall()
        written = [["24.000000", "10.0000", "0.500000"], ["19.9900", "5.000", "1.2500"]]
        assert [list(row) for row in stored] == [[Decimal(text) for text in row] for row in written]
        raise RolledBack

    with pytest.raises(RolledBack):
        database.run(work)


@pytest.mark.parametrize("column", [column for column in MAX_LENGTHS if column not in CHOICES])
@pytest.mark.parametrize("character", ["x", "\N{PILE OF POO}", "\u00e9", "\\", '"', "\u4e2d"])
def test_insert_products_text_at_its_limit_is_inserted(database: Database, column: str, character: str) -> None:
    text = ("https://a.example/" if column == "image_url" else "").ljust(MAX_LENGTHS[column], character)
    if column == "image_url" and character in '\\"':
        text = text.replace(character, "x")
    row = make_row(**{column: text})
    assert validate_row(row, ValidationContext({row.cells["category"]}, set(), set())) == []
    assert insert_and_roll_back(database, [row]) == {1}


def test_insert_products_row_with_all_columns_is_stored_unchanged(database: Database) -> None:
    numbers = {"price": "0019.9", "compare_at_price": "24", "stock_quantity": "0150", "weight_kg": "0.25"}
    row = make_row(**{name: column.example for name, column in PRODUCT_SCHEMA.items()} | numbers | {"unit": None})

    def work(connection: Connection) -> None:
        products.insert_products(connection, [row])
        with connection.cursor(row_factory=dict_row) as cursor:
            [product] = cursor.execute("select * from products").fetchall()
        texts = {name: text for name, text in row.cells.items() if name not in numbers}
        assert {name: product[name] for name in COLUMNS} == texts | {
            "price": Decimal("19.90"),
            "compare_at_price": Decimal("24.00"),
            "stock_quantity": 150,
            "unit": "piece",
            "weight_kg": Decimal("0.250"),
        }
        assert [product[name] for name in ("vendor_id", "upload_id", "row_number", "status")] == [
            "VEND001",
            "UPLOAD_1",
            1,
            "active",
        ]
        raise RolledBack

    with pytest.raises(RolledBack):
        database.run(work)


# All characters of UTF-8, with a preference for those that often cause failures.
characters = st.characters(codec="utf-8") | st.sampled_from(
    "\0\x01\t\n\r\x1b\x7f\x85\u00a0\u200b\u202e\u2028\ufeff\ufffe\uffff\ufdd0\U0001f4a9\U0010ffff'\"\\%{}[],"
)
texts = st.text(characters, min_size=1, max_size=30).map(str.strip).filter(bool)
long_texts = st.builds(lambda c, n: c * n, st.sampled_from("x\u00e9\N{PILE OF POO}"), st.integers(15, 2_100))


def number_texts(column: str) -> st.SearchStrategy[str]:
    limits = NUMBER_COLUMNS[column]
    near_limits = st.builds(
        lambda limit, step: str(limit + step * Decimal(1).scaleb(-limits.decimals)),
        st.sampled_from((limits.minimum, limits.maximum)),
        st.integers(-1, 1),
    )
    plain_numbers = st.from_regex(r"-?0{0,3}[0-9]{1,9}(\.[0-9]{1,4})?", fullmatch=True)
    long_numbers = st.sampled_from(
        ["0" * 2_000 + "1", "9" * 500, "0." + "0" * 400, "-0", "-0.00", "0.001", "NaN", "1e3", "\uff15"]
    )
    return near_limits | plain_numbers | long_numbers | texts


def cells_of(column: str) -> st.SearchStrategy[str]:
    if column in NUMBER_COLUMNS:
        return number_texts(column)
    if column == "category":
        return st.sampled_from(CATEGORIES) | texts
    if column == "image_url":
        return texts.map(lambda text: f"https://{text}") | texts
    return texts | texts | long_texts


def changes_of(columns: Sequence[str], max_size: int) -> st.SearchStrategy[dict[str, str]]:
    """Generate cells for up to `max_size` of these columns."""
    names = st.lists(st.sampled_from(columns), max_size=max_size, unique=True)
    return names.flatmap(lambda names: st.fixed_dictionaries({name: cells_of(name) for name in names}))


def numbered_rows(cells: list[dict[str, str]]) -> list[Row]:
    return [Row("UPLOAD_1", "VEND001", number, row_cells) for number, row_cells in enumerate(cells, 1)]


def test_insert_products_any_valid_rows_are_inserted(database: Database) -> None:
    accepted = 0

    @settings(deadline=None, max_examples=100)
    @given(st.lists(changes_of(COLUMNS, 4), min_size=1, max_size=20))
    def check(changes: list[dict[str, str]]) -> None:
        nonlocal accepted
        rows = [
            make_row(number, **{"sku": f"S{number}", "vendor_product_id": f"P{number}", **cells})
            for number, cells in enumerate(changes, 1)
        ]
        valid = [row for row in rows if not validate_row(row, ValidationContext(CATEGORIES, set(), set()))]
        skus = [row.cells["sku"] for row in valid]
        ids = [row.cells["vendor_product_id"] for row in valid]
        distinct = [row for i, row in enumerate(valid) if row.cells["sku"] not in skus[:i]]
        distinct = [row for row in distinct if ids.count(row.cells["vendor_product_id"]) == 1]
        assert insert_and_roll_back(database, distinct) == {row.row_number for row in distinct}
        accepted += len(distinct)

    check()
    assert accepted > 100, "the generated rows must often be valid"


@pytest.mark.parametrize("column", [*MAX_LENGTHS, *NUMBER_COLUMNS])
def test_insert_products_any_valid_cell_is_inserted(database: Database, column: str) -> None:
    """All other cells are valid, so only this column decides whether a row is valid."""

    @settings(deadline=None, max_examples=40)
    @given(st.lists(cells_of(column), min_size=1, max_size=20))
    def check(texts: list[str]) -> None:
        rows = [
            make_row(number, **{"sku": f"S{number}", "vendor_product_id": f"P{number}", column: text})
            for number, text in enumerate(dict.fromkeys(texts), 1)
        ]
        valid = [row for row in rows if not validate_row(row, ValidationContext(CATEGORIES, set(), set()))]
        assert insert_and_roll_back(database, valid) == {row.row_number for row in valid}

    check()


def test_insert_errors_any_errors_are_read_back(database: Database) -> None:
    open_upload(database, "UPLOAD_1", 100)

    @settings(deadline=None, max_examples=75)
    @given(st.lists(changes_of(COLUMNS, len(COLUMNS)), min_size=1, max_size=10))
    def check(cells: list[dict[str, str]]) -> None:
        rows = numbered_rows(cells)

        def work(connection: Connection) -> None:
            context = products.load_validation_context(connection, rows)
            errors = {products.row_key(row): validate_row(row, context) for row in rows}
            validation_errors.insert_errors(connection, rows, errors)
            lines = list(validation_errors.stream_report_rows(connection, "UPLOAD_1"))
            assert [(line.row_number, *tuples_of([line.error])) for line in lines] == [
                (row.row_number, error) for row in rows for error in tuples_of(errors[products.row_key(row)])
            ]
            expected = {
                row.row_number: {column: text.replace("\0", "\ufffd") for column, text in row.cells.items()}
                for row in rows
            }
            for line in lines:
                assert line.cells == {
                    column: expected[line.row_number].get(column) for column in REPORT_COLUMNS.values()
                }
            stored = connection.execute("select row_number, original_data from validation_errors")
            assert all(cells == expected[row_number] for row_number, cells in stored)
            raise RolledBack

        with pytest.raises(RolledBack):
            database.run(work)

    check()


def test_insert_errors_row_with_lone_surrogates_is_read_back(database: Database) -> None:
    """UTF-8 files cannot contain them, but readers of other formats may return them."""
    open_upload(database, "UPLOAD_1", 1)
    row = make_row(sku="a\ud800", vendor_product_id="\udfff", category="\ud800", description="x\udc00", price="\ud800")

    def work(connection: Connection) -> list[RowError]:
        errors = validate_row(row, products.load_validation_context(connection, [row]))
        validation_errors.insert_errors(connection, [row], {products.row_key(row): errors})
        return errors

    errors = database.run(work)
    stored = database.run(lambda c: list(validation_errors.stream_report_rows(c, "UPLOAD_1")))
    assert tuples_of([line.error for line in stored]) == tuples_of(errors)
    assert {error.error_type for error in errors} == {"INVALID_CHARACTER", "INVALID_PRICE"}


# Upload history


def rejected_upload(**changes: Any) -> NewUpload:
    fields: dict[str, Any] = {
        "upload_id": "UPLOAD_1",
        "vendor_id": "VEND001",
        "file_name": "a.csv",
        "s3_key": "uploads/VEND001/a.csv",
        "s3_version_id": "v1",
        "file_size_bytes": 10**12,
        "upload_timestamp": UPLOADED_AT,
        "total_records": 0,
        "rejection": FileRejection("EMPTY_FILE", "The file is empty"),
    }
    return NewUpload(**{**fields, **changes})


def test_open_upload_rejected_file_is_failed(database: Database) -> None:
    assert database.run(lambda c: uploads.open_upload(c, rejected_upload()))
    upload = database.run(lambda c: uploads.get_upload(c, "UPLOAD_1"))
    assert upload is not None
    assert (upload.status, upload.failure_code, upload.failure_reason) == ("failed", "EMPTY_FILE", "The file is empty")
    assert upload.processing_completed_at is not None
    assert not database.run(lambda c: uploads.open_upload(c, rejected_upload()))


def test_open_upload_any_file_name_is_stored(database: Database) -> None:
    name = "\N{PILE OF POO}" * 300
    assert database.run(lambda c: uploads.open_upload(c, rejected_upload(file_name=name)))
    assert database.run(
        lambda c: uploads.open_upload(c, rejected_upload(upload_id="UPLOAD_2", s3_key="k", file_name="a\0b"))
    )
    names = fetch(database, "select file_name from upload_history order by upload_id")
    assert names == [(name[:255],), ("a\ufffdb",)]


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'completed'", "upload_history_completed_when_finished"),
        ("status = 'completed', processing_completed_at = now()", "upload_history_no_loss"),
        ("valid_records = 2, created_records = 2, error_records = 2", "upload_history_no_surplus"),
        ("status = 'done', processing_completed_at = now(), error_records = 3", "upload_history_status_known"),
        ("valid_records = 1", "upload_history_outcomes_add_up"),
        ("held_records = 4", "upload_history_held_within"),
    ],
)
def test_upload_history_change_against_an_invariant_is_rejected(
    database: Database, change: str, constraint: str
) -> None:
    open_upload(database, "UPLOAD_1", 3)
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        fetch(database, f"update upload_history set {change} returning 1")  # noqa: S608
    assert caught.value.diag.constraint_name == constraint
