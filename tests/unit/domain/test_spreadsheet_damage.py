"""Detection of damage by spreadsheets, and values that resemble it."""

from __future__ import annotations

import pytest

from onboarding.domain.models import RowError
from onboarding.domain.spreadsheet_damage import FORMULA_CHECKED_COLUMNS, describe_damage
from onboarding.domain.validation import validate_row
from tests.support.postgres_fixtures import EMPTY_CATALOG, make_row


@pytest.mark.parametrize(
    ("value", "damage"),
    [
        ("8.71E+12", "shortened"),
        ("8,71E+12", "shortened"),
        ("1E-05", "shortened"),
        ("1.23456789012346E+15", "shortened"),
        ("12-Mar", "date"),
        ("3-Mar", "date"),
        ("Mar-24", "date"),
        ("01-Dec-2024", "date"),
        ("1. Mrz", "date"),
        ("01. Mrz 24", "date"),
        ("12-janv.", "date"),
        ("12-dic", "date"),
        ("01.03.2024", "date"),
        ("3/14/2024", "date"),
        ("14/3/2024", "date"),
        ("2024-03-01", "date"),
        ("2024-03-01 00:00:00", "date"),
        ("2024-03-01T00:00:00Z", "date"),
        ("TRUE", "truth"),
        ("False", "truth"),
        ("WAHR", "truth"),
        ("#REF!", "error"),
        ("#N/A", "error"),
        ("#BEZUG!", "error"),
        ("#¡VALOR!", "error"),
        ("########", "error"),
        ("=A1", "formula"),
        ('="00123"', "formula"),
        ("=SUM(A1:A9)", "formula"),
        ("=Sheet1!$A$1&'x'!B2", "formula"),
        ("=-A1", "formula"),
        ("=2*3", "formula"),
        ("=?", "formula"),
    ],
)
def test_describe_damage_damaged_identifier_names_the_damage(value: str, damage: str) -> None:
    assert damage in describe_damage(value)


@pytest.mark.parametrize(
    "value",
    [
        "A1", "007", "90.750", "1E5", "12E4", "5e10", "3-MAR", "12-2024", "12-08-04", "2024", "2024-13-01",
        "32.13.2024", "MAR1", "MAY", "TRUE-1", "T", "#", "#4", "##", "# REF", "#REF", "=", "==", "= 5", "=====", "-",
        "-5", "1-2-3", "ABC=1", "12/8/40", "Jan", "May-be", "e+10",
    ],
)  # fmt: skip
def test_describe_damage_undamaged_identifier_is_blank(value: str) -> None:
    assert describe_damage(value) == ""


@pytest.mark.parametrize("column", ["sku", "vendor_product_id"])
def test_validate_row_damaged_identifier_is_one_error_with_cause(column: str) -> None:
    (error,) = validate_row(make_row(**{column: "8.71E+12"}), EMPTY_CATALOG)
    assert error == RowError(
        "DAMAGED_IDENTIFIER",
        column,
        f"{column} '8.71E+12' cannot be taken as it is: it is a number that a spreadsheet shortened, and digits are "
        "lost",
    )
    assert (error.value, error.expected) == ("8.71E+12", "the identifier as text, in full")
    assert error.hint == "Format the column as text, then enter the value"


def test_validate_row_identifier_in_formula_suggests_the_text() -> None:
    (error,) = validate_row(make_row(sku='="00123"'), EMPTY_CATALOG)
    assert error.hint == "Did you mean '00123'?"


@pytest.mark.parametrize("column", FORMULA_CHECKED_COLUMNS)
def test_validate_row_formula_and_formula_error_are_errors(column: str) -> None:
    (formula_error,) = validate_row(make_row(**{column: "#N/A"}), EMPTY_CATALOG)
    assert (formula_error.error_type, formula_error.field) == ("SPREADSHEET_ERROR", column)
    (formula,) = validate_row(make_row(**{column: "=A1+B1"}), EMPTY_CATALOG)
    assert (formula.error_type, formula.field) == ("SPREADSHEET_FORMULA", column)
    assert validate_row(make_row(**{column: "= 5 #REF! 3-Mar"}), EMPTY_CATALOG) == []


@pytest.mark.parametrize(
    ("column", "error_type"),
    [
        ("category", "INVALID_CATEGORY"),
        ("price", "INVALID_PRICE"),
        ("compare_at_price", "INVALID_PRICE"),
        ("stock_quantity", "INVALID_STOCK_QUANTITY"),
        ("weight_kg", "INVALID_WEIGHT"),
        ("image_url", "INVALID_IMAGE_URL"),
    ],
)
def test_validate_row_formula_error_in_column_with_own_rule_is_one_error(column: str, error_type: str) -> None:
    assert [error.error_type for error in validate_row(make_row(**{column: "#REF!"}), EMPTY_CATALOG)] == [error_type]
