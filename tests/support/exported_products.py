"""Catalogs that the rules accept, with values that files and spreadsheets may change, and their exports."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from onboarding.domain.catalog import CatalogProduct
from onboarding.domain.models import FileRejection, Mode, Outcome, Product, Row, RowError
from onboarding.domain.product_changes import predict_outcome
from onboarding.domain.product_schema import COLUMNS, DEFAULTS, IDENTIFIERS, NUMBER_COLUMNS, REQUIRED_TO_CHANGE
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.parser import parse
from onboarding.files.product_export import CsvExport, WorkbookExport

VENDOR = "VEND001"
CATEGORIES = ("Electronics", "Toys & Games", "-", "N/A", "price", "Total", "1.234", "=SUM(A1)", "(clear)", "Été; hiver")
UPDATED_AT = datetime(2026, 11, 29, 1, 2, 3, 456789, UTC)

TEXTS = (
    "(clear)", "(CLEAR)", "N/A", "-", "--", "TRUE", "FALSE", "0012", "1E5", "1e5", "3-Mar", "8710398500012", "1.234",
    "1,234", "12,5", "=1+1", "=SUM(A1:A2)", "'=1+1", "+49 30 1234", "-5 cm", "@home", "''quoted''", "'", "''", '"',
    'a "b" c', '"quoted"', '="0012"', "a\nb", "a\r\nb", "a\rb", "a\n\nb", "a\tb", "a,b;c|d", ', "b"', "héllo",
    "e\u0301", "😀👍🏽", "👩\u200d👩\u200d👧", "שלום", "مرحبا بالعالم", "日本語", "a\u00a0b", "a\u202fb", "a\u200bb",
    "_x0041_", "_x000D_", "_x0041_x0041_", "#REF", "# comment", "// comment", "-- comment", "; comment", "% comment",
    "Total", "Sum: 12", "SKU", "product_name", "price", "10-12-2004", "10x12", "1/2", "2004-12-10", "12:30", "50%",
    "$5", "https://images.example.com/a b.jpg", "sep=;", "NULL", "#N/A x", "????", "K_che", "Ã¼ber", "€ 5", "A" * 100,
    "<b>&amp;</b>", "&#10;", "a\u2028b", "\ufeffa", "{=1}", "v62a2e8c5d1b40", "_version", "1 234", "1'234",
    "a,b,c,d,e,f,g,1.00,,5,piece,,,,active\nb,b,c,d,e,f,g,1.00,,5,piece,,,,active",
)  # fmt: skip

LIKE_OTHER_LINES: Sequence[Mapping[str, str]] = (
    # The header, an instruction below it, rows in a value, a header with another delimiter, and values in quotes.
    {column: column for column in COLUMNS if column not in {*NUMBER_COLUMNS, "category", "image_url", "status"}},
    {"vendor_product_id": "required", "sku": "unique", "product_name": "text", "brand": "optional"},
    {"description": "\n".join(3 * ["a,b,c,d,e,f,g,1.00,2.00,5,piece,1.234,x,y,active,z"])},
    {"description": f"x;{';'.join(COLUMNS)};y"},
    {"vendor_product_id": "'A'", "product_name": "'B'", "sku": "'C'"},
)

NOT_WRITABLE = "_x0041_x0041_"
"""A text that a workbook cannot contain: its row is rejected, and nothing changes."""

_ANY_TEXT = st.one_of(
    st.sampled_from(TEXTS),
    st.text(max_size=20),
    st.text("0123456789.,-+=' \n\"/:;xE", max_size=12),
    st.builds("".join, st.lists(st.sampled_from(TEXTS), min_size=2, max_size=3)),
)
_IDENTIFIER = st.one_of(_ANY_TEXT, st.text("0123456789-.,E", min_size=1, max_size=14))
_OPTIONAL_TEXT = st.one_of(st.just(""), _ANY_TEXT)
_DIMENSIONS = st.one_of(_OPTIONAL_TEXT, st.sampled_from(["12x8x4", "10-12-2004", "1/2/3", "12"]))
_URLS = st.sampled_from(["", "https://images.example.com/a.jpg", "http://images.example.com/?a=1,2;3&b='x'"])


def _numbers(column: str) -> st.SearchStrategy[str]:
    item = NUMBER_COLUMNS[column]
    numbers = st.decimals(item.minimum, item.maximum, places=item.decimals)
    # Thousandths may be read as thousands.
    small = st.integers(1, 9_999).map(lambda n: Decimal(n).scaleb(-item.decimals)).filter(item.minimum.__le__)
    return st.one_of(numbers, small).map(lambda number: f"{number:.{item.decimals}f}")


CELLS = st.fixed_dictionaries(
    {
        "vendor_product_id": _IDENTIFIER,
        "product_name": _ANY_TEXT,
        "category": st.sampled_from(CATEGORIES),
        "subcategory": _OPTIONAL_TEXT,
        "description": st.one_of(_OPTIONAL_TEXT, st.text(min_size=1, max_size=1).map(lambda sign: sign * 1_999)),
        "sku": _IDENTIFIER,
        "brand": _OPTIONAL_TEXT,
        "price": _numbers("price"),
        "compare_at_price": st.one_of(st.just(""), _numbers("compare_at_price")),
        "stock_quantity": _numbers("stock_quantity"),
        "unit": _OPTIONAL_TEXT,
        "weight_kg": st.one_of(st.just(""), _numbers("weight_kg")),
        "dimensions_cm": _DIMENSIONS,
        "image_url": _URLS,
        "status": st.sampled_from(["active", "active", "inactive"]),
    }
)


def make_products(rows: Iterable[Mapping[str, str]]) -> list[CatalogProduct]:
    """Return the products of the rows that the rules accept, without repeated identifiers."""
    products: list[CatalogProduct] = []
    for cells in rows:
        values = {column: text for column in COLUMNS if (text := cells[column].strip())}
        values |= {
            column: unicodedata.normalize("NFC", values[column]).strip() for column in IDENTIFIERS if column in values
        }
        context = ValidationContext(
            CATEGORIES,
            {product.values["sku"] for product in products},  # type: ignore[misc]
            {(VENDOR, product.values["vendor_product_id"]) for product in products},  # type: ignore[misc]
        )
        if validate_row(Row("U", VENDOR, 1, values), context):
            continue
        number = len(products) + 1
        products.append(_make_product(number, values))
    return products


def _make_product(number: int, cells: Mapping[str, str]) -> CatalogProduct:
    values: dict[str, object] = {column: cells.get(column, DEFAULTS.get(column)) for column in COLUMNS}
    for column, item in NUMBER_COLUMNS.items():
        if column in cells:
            values[column] = Decimal(cells[column]) if item.decimals else int(cells[column])
    updated_at = UPDATED_AT + timedelta(microseconds=number)
    return CatalogProduct(number, VENDOR, "TechGear", "U0", number, UPDATED_AT, updated_at, None, values)


def build_context(products: Sequence[CatalogProduct], categories: Iterable[str] = CATEGORIES) -> ValidationContext:
    """Return the validation context of an upload in mode `update`."""
    by_key = {
        (VENDOR, str(product.values["vendor_product_id"])): Product(
            product.product_id, product.updated_at, {}, product.values
        )
        for product in products
    }
    skus = {str(product.values["sku"]): str(product.values["vendor_product_id"]) for product in products}
    return ValidationContext(
        set(categories),
        skus.keys(),
        by_key.keys(),
        {(VENDOR, sku): product_id for sku, product_id in skus.items()},
        Mode.UPDATE,
        by_key,
    )


def export_csv(products: Iterable[CatalogProduct]) -> bytes:
    """Return products as a CSV file."""
    file = io.BytesIO()
    with closing(CsvExport(file, has_vendors=False)) as export:
        for product in products:
            export.write(product)
    return file.getvalue()


def export_workbook(products: Iterable[CatalogProduct]) -> bytes:
    """Return products as a workbook."""
    file = io.BytesIO()
    with closing(WorkbookExport(file, has_vendors=False, categories=CATEGORIES)) as export:
        for product in products:
            export.write(product)
    return file.getvalue()


def list_products_of_all_texts() -> list[CatalogProduct]:
    """Return products whose rows look like other lines of a file, and one for each text that a column accepts."""
    columns = ("vendor_product_id", "product_name", "subcategory", "description", "sku", "brand", "unit")
    rows = [
        {**_make_cells(f"{column}-{number}"), column: text}
        for column in (*columns, "dimensions_cm")
        for number, text in enumerate(TEXTS)
        if NOT_WRITABLE not in text
    ]
    return make_products([{**_make_cells(f"line-{n}"), **cells} for n, cells in enumerate(LIKE_OTHER_LINES)] + rows)


def _make_cells(name: str) -> dict[str, str]:
    return {
        "vendor_product_id": f"P-{name}", "product_name": "Mouse", "category": "Electronics", "subcategory": "",
        "description": "", "sku": f"S-{name}", "brand": "", "price": "1.00", "compare_at_price": "",
        "stock_quantity": "5", "unit": "", "weight_kg": "1.234", "dimensions_cm": "", "image_url": "",
        "status": "active",
    }  # fmt: skip


def upload(
    content: bytes, products: Sequence[CatalogProduct], categories: Sequence[str] = ()
) -> tuple[list[Row], dict[int, list[RowError]], list[Outcome]]:
    """Return the rows of an export, their errors, and the outcomes of the valid ones; `categories` are the active ones.

    Without them, those of the products have been disabled.
    """
    parsed = parse(content, "U1", VENDOR, required=REQUIRED_TO_CHANGE)
    assert not isinstance(parsed, FileRejection), parsed
    context = build_context(products, categories)
    errors = {row.row_number: errors for row in parsed.rows if (errors := validate_row(row, context))}
    outcomes = [predict_outcome(row, context) for row in parsed.rows if row.row_number not in errors]
    return parsed.rows, errors, outcomes


def assert_nothing_changes(content: bytes, products: Sequence[CatalogProduct]) -> None:
    rows, errors, outcomes = upload(content, products)
    assert [row.cells["vendor_product_id"] for row in rows] == [item.values["vendor_product_id"] for item in products]
    assert errors == {}
    assert set(outcomes) == {Outcome.UNCHANGED}
