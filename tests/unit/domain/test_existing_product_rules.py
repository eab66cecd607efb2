"""Rules for products that exist: their status, the version of an export, and their own category."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from onboarding.domain.models import Mode, Product, Row
from onboarding.domain.product_changes import CLEAR, VERSION, format_version
from onboarding.domain.product_schema import COLUMNS, NUMBER_COLUMNS
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext, product_key
from tests.support.postgres_fixtures import EMPTY_CATALOG, VALID_CELLS, make_row, tuples_of

CHANGING_MODES = [Mode.UPDATE, Mode.UPSERT]
CHANGED_AT = datetime(2026, 11, 29, 1, 30, tzinfo=UTC)


def context_of(mode: Mode, **changes: object) -> ValidationContext:
    """Return a catalog in which the product of `make_row` exists, with these changes of its values."""
    cells = {column: Decimal(text) if column in NUMBER_COLUMNS else text for column, text in VALID_CELLS.items()}
    values = {**dict.fromkeys(COLUMNS), "status": "active", **cells, **changes}
    key = product_key(make_row())
    own_skus = {(key[0], VALID_CELLS["sku"]): key[1]}
    product = Product(1, CHANGED_AT, {}, values)
    return ValidationContext(EMPTY_CATALOG.categories, {VALID_CELLS["sku"]}, {key}, own_skus, mode, {key: product})


def list_codes(row: Row, context: ValidationContext) -> list[str]:
    return [error.error_type for error in validate_row(row, context)]


# Status


@pytest.mark.parametrize("status", [None, "active", "inactive"])
def test_validate_status_of_a_new_product_is_active_or_inactive(status: str | None) -> None:
    assert validate_row(make_row(status=status), EMPTY_CATALOG) == []


@pytest.mark.parametrize("status", ["draft", "blocked", "0", "Active", "on sale"])
def test_validate_status_that_a_file_cannot_set_is_an_error(status: str) -> None:
    for context in (EMPTY_CATALOG, context_of(Mode.UPDATE), context_of(Mode.UPSERT)):
        [error] = validate_row(make_row(status=status), context)
        assert (error.error_type, error.field, error.value) == ("INVALID_STATUS", "status", status)
        assert error.message == f"Status must be active or inactive; found '{status}'"
        assert error.expected == "active or inactive"


def test_validate_status_longer_than_its_limit_is_one_error() -> None:
    assert list_codes(make_row(status="x" * 21), EMPTY_CATALOG) == ["FIELD_LENGTH_EXCEEDED"]


@pytest.mark.parametrize("mode", CHANGING_MODES)
@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (None, []),
        ("blocked", []),
        ("active", ["PRODUCT_BLOCKED"]),
        ("inactive", ["PRODUCT_BLOCKED"]),
        ("draft", ["INVALID_STATUS"]),
    ],
)
def test_validate_status_of_a_blocked_product_cannot_be_changed(
    mode: Mode, status: str | None, codes: list[str]
) -> None:
    row = make_row(status=status, price="5.00")
    assert list_codes(row, context_of(mode, status="blocked")) == codes


@pytest.mark.parametrize("status", ["active", "inactive", "blocked"])
@pytest.mark.parametrize("mode", CHANGING_MODES)
def test_validate_status_cleared_is_an_error(mode: Mode, status: str) -> None:
    errors = validate_row(make_row(status=CLEAR), context_of(mode, status=status))
    assert tuples_of(errors) == [("CANNOT_BE_CLEARED", "status", "status cannot be cleared: every product has it")]


def test_validate_status_cleared_in_a_row_of_a_new_product_is_no_error() -> None:
    context = ValidationContext(EMPTY_CATALOG.categories, set(), set(), mode=Mode.UPSERT)
    assert validate_row(make_row(status=CLEAR), context) == []


# Version of an export


def row_of_export(**changes: str | None) -> Row:
    """Return a row of an export that is older than the last change of the product."""
    return make_row(**{VERSION: format_version(CHANGED_AT - timedelta(microseconds=1)), **changes})


@pytest.mark.parametrize("mode", CHANGING_MODES)
@pytest.mark.parametrize("changes", [{"price": "5.00"}, {"brand": CLEAR}, {"status": "inactive"}])
def test_validate_version_change_of_a_product_that_has_changed_since_is_an_error(
    mode: Mode, changes: dict[str, str]
) -> None:
    [error] = validate_row(row_of_export(**changes), context_of(mode))
    assert (error.error_type, error.field) == ("STALE_ROW", VERSION)
    assert error.message.startswith("Stale row: the product PROD0001 has changed since it was exported; it has ")


@pytest.mark.parametrize("mode", CHANGING_MODES)
@pytest.mark.parametrize("changes", [{}, {"compare_at_price": CLEAR}, {"unit": CLEAR}])
def test_validate_version_row_that_changes_nothing_is_valid(mode: Mode, changes: dict[str, str]) -> None:
    assert validate_row(row_of_export(**changes), context_of(mode)) == []


@pytest.mark.parametrize("version", [None, format_version(CHANGED_AT)])
@pytest.mark.parametrize("mode", CHANGING_MODES)
def test_validate_version_of_the_present_product_or_none_is_valid(mode: Mode, version: str | None) -> None:
    row = row_of_export(**{VERSION: version, "price": "5.00", "brand": CLEAR})
    assert validate_row(row, context_of(mode)) == []


def test_validate_version_with_a_change_and_a_cleared_cell_is_one_error() -> None:
    assert list_codes(row_of_export(price="5.00", brand=CLEAR), context_of(Mode.UPDATE)) == ["STALE_ROW"]


def test_validate_version_in_mode_create_has_no_effect() -> None:
    assert validate_row(row_of_export(price="5.00"), EMPTY_CATALOG) == []


# Category that was disabled


@pytest.mark.parametrize("mode", CHANGING_MODES)
def test_validate_category_disabled_since_is_valid_for_its_products_only(mode: Mode) -> None:
    row = make_row(category="Disabled", price="5.00")
    assert validate_row(row, context_of(mode, category="Disabled")) == []
    assert list_codes(row, context_of(mode)) == ["INVALID_CATEGORY"]
    assert list_codes(row, EMPTY_CATALOG) == ["INVALID_CATEGORY"]


def test_validate_category_disabled_since_of_another_product_is_an_error() -> None:
    row = make_row(category="Disabled", vendor_product_id="PROD0002", sku="CA-VEND001-0002")
    assert list_codes(row, context_of(Mode.UPSERT, category="Disabled")) == ["INVALID_CATEGORY"]
