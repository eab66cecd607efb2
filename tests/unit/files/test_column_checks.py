"""Checks of whole columns, and the rows and warnings that result from them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onboarding.aws.staging_table import from_item, to_item
from onboarding.domain.models import Row
from onboarding.domain.placeholders import PLACEHOLDERS, SAMPLE
from onboarding.domain.spreadsheet_damage import describe_damage
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.column_checks import MAX_SUGGESTED_CATEGORIES, check_columns
from tests.support.postgres_fixtures import EMPTY_CATALOG, make_row


def make_rows(column: str, *values: str) -> list[Row]:
    """Return valid rows with different identifiers and these values in one column."""
    return [
        make_row(n, **{"sku": f"S-{n}", "vendor_product_id": f"P-{n}", column: value})
        for n, value in enumerate(values, 1)
    ]


def list_error_types(row: Row) -> list[str]:
    return [error.error_type for error in validate_row(row, EMPTY_CATALOG)]


def test_check_columns_warning_names_at_most_ten_rows() -> None:
    (warning,) = check_columns(make_rows("brand", *["N/A"] * 5_000), fix_file=False)
    assert (warning.code, warning.row_number, warning.column) == ("PLACEHOLDER_VALUE", 1, "brand")
    assert "rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 4,990 more" in warning.message
    assert len(warning.message) < 200


def test_check_columns_warning_shortens_long_identifiers() -> None:
    values = [f"{'x' * 90},{'y' * 5}{n}" for n in range(100)]
    (warning,) = check_columns(make_rows("sku", *values), fix_file=False)
    assert warning.code == "SEVERAL_IDENTIFIERS"
    assert len(warning.message) < 1_000


def test_check_columns_column_damage_is_a_row_error_after_staging() -> None:
    file = make_rows("sku", "1.0", "2.0")
    assert check_columns(file, fix_file=False) == []
    staged = [from_item(to_item(row)) for row in file]
    assert [list_error_types(row) for row in staged] == [["DAMAGED_IDENTIFIER"]] * 2
    (error, _) = (validate_row(row, EMPTY_CATALOG)[0] for row in staged)
    assert error.hint == "Did you mean '1'?"


def test_check_columns_rows_of_another_width_are_not_part_of_the_column() -> None:
    file = make_rows("sku", "1.0", "2.0", "3")
    file[2].surplus_fields = 1
    check_columns(file, fix_file=False)
    assert [dict(row.damaged) for row in file] == [{"sku": "decimals"}] * 2 + [{}]


def test_check_columns_damaged_number_with_too_many_digits_has_no_suggestion() -> None:
    file = make_rows("sku", "1234567890123456.0", "2.0")
    check_columns(file, fix_file=False)
    assert "Did you mean" not in validate_row(file[0], EMPTY_CATALOG)[0].hint


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
@example("??", "??")
def test_check_columns_identifiers_are_duplicates_exactly_if_canonically_equivalent(first: str, second: str) -> None:
    first, second = (f"S{text.strip()}" for text in (first, second))
    file = make_rows("sku", first, second)
    check_columns(file, fix_file=False)
    equal = unicodedata.normalize("NFD", first) == unicodedata.normalize("NFD", second)
    # Damaged values may have been different.
    damaged = "sku" in file[1].damaged or describe_damage(file[1].cells["sku"])
    assert file[1].duplicate_of == ({"sku": 1} if equal and not damaged else {})


def test_check_columns_decomposed_identifier_is_a_duplicate_of_the_composed_one() -> None:
    (row,) = make_rows("sku", "CAFE\u0301-1")
    check_columns([row], fix_file=False)
    context = ValidationContext(EMPTY_CATALOG.categories, {"CAF\u00c9-1"}, set())
    assert [error.error_type for error in validate_row(row, context)] == ["DUPLICATE_SKU"]


def test_check_columns_only_identifiers_are_composed() -> None:
    (row,) = make_rows("product_name", "Cafe\u0301")
    check_columns([row], fix_file=False)
    assert row.cells["product_name"] == "Cafe\u0301"


@pytest.mark.parametrize("column", ["sku", "vendor_product_id", "product_name", "category", "price", "stock_quantity"])
def test_check_columns_placeholder_in_required_column_is_one_error(column: str) -> None:
    for text in PLACEHOLDERS:
        file = make_rows(column, text)
        assert check_columns(file, fix_file=False) == []
        assert list_error_types(file[0]) == ["PLACEHOLDER_VALUE"]


@pytest.mark.parametrize("column", ["brand", "description", "unit", "weight_kg", "compare_at_price", "image_url"])
def test_check_columns_placeholder_in_optional_column_is_blank_with_a_warning(column: str) -> None:
    file = make_rows(column, *sorted(PLACEHOLDERS))
    (warning,) = check_columns(file, fix_file=False)
    assert warning.code == "PLACEHOLDER_VALUE"
    assert not any(column in row.cells for row in file)
    assert not any(map(list_error_types, file))


def test_validate_row_sample_row_is_identified_by_id_sku_and_description() -> None:
    assert list_error_types(make_row(**SAMPLE, category="Computer Accessories", price="5")) == ["SAMPLE_ROW"]
    for column in SAMPLE:
        assert list_error_types(make_row(**{**SAMPLE, column: "mine"})) == []


def test_check_columns_more_than_200_categories_have_no_suggestion() -> None:
    names = ["Computer Acessories", *(f"Items {n}" for n in range(1, MAX_SUGGESTED_CATEGORIES))]
    file = make_rows("category", *names, "Computer Accesories", names[0])
    check_columns(file, fix_file=False)
    assert [row.row_number for row in file if row.many_categories] == [MAX_SUGGESTED_CATEGORIES + 1]
    hints = [validate_row(from_item(to_item(row)), EMPTY_CATALOG)[0].hint for row in file[-2:]]
    assert hints == ["", "Did you mean 'Computer Accessories'?"]


def test_check_columns_point_before_three_zeros_is_unclear_without_another_decimal_number() -> None:
    unclear = make_rows("stock_quantity", "5.000", "7")
    check_columns(unclear, fix_file=False)
    (error,) = validate_row(from_item(to_item(unclear[0])), EMPTY_CATALOG)
    assert (error.error_type, error.hint) == ("INVALID_STOCK_QUANTITY", "Did you mean 5000 or 5?")
    clear = make_rows("stock_quantity", "5.000", "7.0")
    check_columns(clear, fix_file=False)
    assert [row.cells["stock_quantity"] for row in clear] == ["5", "7"]
