"""Rows of exports: only cells that differ from the product are validated and set, unless the product has changed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from onboarding.domain.models import Mode, Outcome, Product, Row, RowError
from onboarding.domain.product_changes import VERSION, format_version, predict_outcome
from onboarding.domain.product_schema import COLUMNS
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from tests.support.postgres_fixtures import UPLOADED_AT

CURRENT = format_version(UPLOADED_AT)
KEY = ("VEND001", "P-1")
VALUES: dict[str, object] = {
    **dict.fromkeys(COLUMNS),
    "vendor_product_id": "P-1",
    "product_name": "=A1+B1",
    "category": "Disabled",
    "description": "a\r\nb",
    "sku": "3-Mar",
    "brand": "(clear)",
    "price": Decimal("10.00"),
    "stock_quantity": 5,
    "unit": "piece",
    "status": "blocked",
}
"""Values of which rules reject many today."""


def prepare(mode: Mode, cells: dict[str, str]) -> tuple[Row, ValidationContext]:
    exported = {column: str(value) for column, value in VALUES.items() if value is not None}
    row_cells = {column: text for column, text in {**exported, VERSION: CURRENT, **cells}.items() if text}
    products = {KEY: Product(1, UPLOADED_AT, {}, VALUES)}
    context = ValidationContext({"Electronics"}, {"3-Mar"}, {KEY}, {("VEND001", "3-Mar"): "P-1"}, mode, products)
    return Row("U", "VEND001", 1, row_cells), context


def list_errors(**cells: str) -> list[RowError]:
    return validate_row(*prepare(Mode.UPDATE, cells))


def check(mode: Mode = Mode.UPDATE, /, **cells: str) -> tuple[list[RowError], Outcome]:
    row, context = prepare(mode, cells)
    return validate_row(row, context), predict_outcome(row, context)


@pytest.mark.parametrize("mode", [Mode.UPDATE, Mode.UPSERT])
@pytest.mark.parametrize("version", [CURRENT, "v1"])
def test_validate_row_of_an_unchanged_export_is_valid_whatever_the_rules_say(mode: Mode, version: str) -> None:
    assert check(mode, **{VERSION: version}) == ([], Outcome.UNCHANGED)
    # Spreadsheet programs change line breaks and zeros.
    assert check(mode, **{VERSION: version, "description": "a\nb", "price": "10"}) == ([], Outcome.UNCHANGED)


def test_validate_row_of_an_export_without_version_has_the_errors_of_all_cells() -> None:
    assert [error.error_type for error in list_errors(**{VERSION: ""})] == [
        "DAMAGED_IDENTIFIER",
        "SPREADSHEET_FORMULA",
    ]


def test_validate_row_of_an_export_has_the_errors_of_changed_cells_only() -> None:
    assert check(price="12.50") == ([], Outcome.UPDATED)
    assert check(brand="") == ([], Outcome.UNCHANGED)
    assert [(e.error_type, e.field) for e in list_errors(price="free", category="Gadgets")] == [
        ("INVALID_PRICE", "price"),
        ("INVALID_CATEGORY", "category"),
    ]
    assert [(e.error_type, e.field) for e in list_errors(product_name="(clear)")] == [
        ("CANNOT_BE_CLEARED", "product_name")
    ]
    assert [e.error_type for e in list_errors(status="active")] == ["PRODUCT_BLOCKED"]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ({"price": "12.50"}, "price 10.00"),
        ({"price": "free"}, "price 10.00"),
        ({"price": "1e9999999"}, "price 10.00"),
        ({"weight_kg": "1.5", "description": "c"}, "description 'a<U+000D><U+000A>b', weight_kg blank"),
        ({"description": "(clear)"}, "description 'a<U+000D><U+000A>b'"),
        (
            {"price": "1", "stock_quantity": "1", "unit": "box", "weight_kg": "1", "brand": "Acme"},
            "brand '(clear)', price 10.00, stock_quantity 5 and 2 other values",
        ),
    ],
)
def test_validate_row_of_an_export_whose_product_changed_since_is_stale(cells: dict[str, str], values: str) -> None:
    errors = list_errors(**{VERSION: "v1"}, **cells)
    [stale] = [error for error in errors if error.error_type == "STALE_ROW"]
    assert stale.field == VERSION
    assert stale.message == f"Stale row: the product P-1 has changed since it was exported; it has {values} now"
