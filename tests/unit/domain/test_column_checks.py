"""Checks of whole columns: damage, duplicates, placeholders."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.aws.staging_table import from_item, to_item
from onboarding.domain.identifiers import detect_column_damage, find_lost_digits, find_similar_pairs
from onboarding.domain.models import Row
from onboarding.domain.numbers import strip_trailing_zeros
from onboarding.domain.placeholders import PLACEHOLDERS, SAMPLE
from onboarding.domain.product_schema import NUMBER_COLUMNS
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.column_checks import MOST_CATEGORIES, examine
from tests.support.postgres_fixtures import EMPTY_CATALOG, make_row


def rows(column: str, *values: str) -> list[Row]:
    """Good rows with own identifiers, but for one column."""
    return [
        make_row(n, **{"sku": f"S-{n}", "vendor_product_id": f"P-{n}", column: value})
        for n, value in enumerate(values, 1)
    ]


def types(row: Row) -> list[str]:
    return [error.error_type for error in validate_row(row, EMPTY_CATALOG)]


def test_examine_names_ten_rows_of_a_column_at_most() -> None:
    (warning,) = examine(rows("brand", *["N/A"] * 5_000), fix_file=False)
    assert (warning.code, warning.row_number, warning.column) == ("PLACEHOLDER_VALUE", 1, "brand")
    assert "rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 4,990 more" in warning.message
    assert len(warning.message) < 200


def test_examine_long_identifiers_are_shortened_in_warnings() -> None:
    values = [f"{'x' * 90},{'y' * 5}{n}" for n in range(100)]
    (warning,) = examine(rows("sku", *values), fix_file=False)
    assert warning.code == "SEVERAL_IDENTIFIERS"
    assert len(warning.message) < 1_000


def test_examine_damage_of_a_column_reaches_the_rules_through_staging() -> None:
    file = rows("sku", "1.0", "2.0")
    assert examine(file, fix_file=False) == []
    staged = [from_item(to_item(row)) for row in file]
    assert [types(row) for row in staged] == [["DAMAGED_IDENTIFIER"]] * 2
    (error, _) = (validate_row(row, EMPTY_CATALOG)[0] for row in staged)
    assert error.hint == "Did you mean '1'?"


def test_examine_rows_of_another_width_have_no_say() -> None:
    file = rows("sku", "1.0", "2.0", "3")
    file[2].surplus_fields = 1
    examine(file, fix_file=False)
    assert [dict(row.damaged) for row in file] == [{"sku": "decimals"}] * 2 + [{}]


def test_damage_by_column_a_number_with_too_many_digits_gets_no_hint() -> None:
    file = rows("sku", "1234567890123456.0", "2.0")
    examine(file, fix_file=False)
    assert "Did you mean" not in validate_row(file[0], EMPTY_CATALOG)[0].hint


@pytest.mark.parametrize(
    "values", [("1.0",), ("1.0", "2"), ("1.0", "2.00"), ("1.5", "2.5"), ("01.03.24", "10.45.15"), ("01-03-24",), ()]
)
def test_damage_by_column_in_doubt_is_none(values: tuple[str, ...]) -> None:
    assert detect_column_damage(dict(enumerate(values, 1))) == ("", [])


def test_with_lost_digits_beyond_fifteen() -> None:
    assert find_lost_digits({1: "12345678901234500", 2: "12345678901234600", 3: "12345678901234567"}) == [1, 2]
    assert not find_lost_digits({1: "12345678901234500", 2: "12345678901234567", 3: "4006381333931"})


def test_similar_names_the_earlier_row() -> None:
    assert find_similar_pairs({1: "abc", 2: "ABC", 3: "x", 4: "\u0430bc", 5: "abc"}) == [(1, 2), (1, 4)]


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_examine_identifiers_are_duplicates_exactly_if_canonically_equivalent(one: str, other: str) -> None:
    one, other = (f"S{text.strip()}" for text in (one, other))
    file = rows("sku", one, other)
    examine(file, fix_file=False)
    equal = unicodedata.normalize("NFD", one) == unicodedata.normalize("NFD", other)
    assert file[1].duplicate_of == ({"sku": 1} if equal and "sku" not in file[1].damaged else {})


def test_examine_composed_identifier_meets_the_catalog() -> None:
    (row,) = rows("sku", "CAFE\u0301-1")
    examine([row], fix_file=False)
    facts = ValidationContext(EMPTY_CATALOG.categories, {"CAF\u00c9-1"}, set())
    assert [error.error_type for error in validate_row(row, facts)] == ["DUPLICATE_SKU"]


def test_examine_only_identifiers_are_composed() -> None:
    (row,) = rows("product_name", "Cafe\u0301")
    examine([row], fix_file=False)
    assert row.cells["product_name"] == "Cafe\u0301"


@pytest.mark.parametrize("column", ["sku", "vendor_product_id", "product_name", "category", "price", "stock_quantity"])
def test_placeholder_in_a_required_column_is_one_error(column: str) -> None:
    for text in PLACEHOLDERS:
        file = rows(column, text)
        assert examine(file, fix_file=False) == []
        assert types(file[0]) == ["PLACEHOLDER_VALUE"]


@pytest.mark.parametrize("column", ["brand", "description", "unit", "weight_kg", "compare_at_price", "image_url"])
def test_placeholder_in_an_optional_column_is_blank(column: str) -> None:
    file = rows(column, *sorted(PLACEHOLDERS))
    (warning,) = examine(file, fix_file=False)
    assert warning.code == "PLACEHOLDER_VALUE"
    assert not any(column in row.cells for row in file)
    assert not any(map(types, file))


def test_sample_row_is_recognised_by_id_sku_and_description() -> None:
    assert types(make_row(**SAMPLE, category="Computer Accessories", price="5")) == ["SAMPLE_ROW"]
    for column in SAMPLE:
        assert types(make_row(**{**SAMPLE, column: "mine"})) == []


def test_examine_no_more_than_200_categories_get_a_suggestion() -> None:
    names = ["Computer Acessories", *(f"Things {n}" for n in range(1, MOST_CATEGORIES))]
    file = rows("category", *names, "Computer Accesories", names[0])
    examine(file, fix_file=False)
    assert [row.row_number for row in file if row.many_categories] == [MOST_CATEGORIES + 1]
    hints = [validate_row(from_item(to_item(row)), EMPTY_CATALOG)[0].hint for row in file[-2:]]
    assert hints == ["", "Did you mean 'Computer Accessories'?"]


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 8), st.sampled_from(sorted(NUMBER_COLUMNS)))
def test_without_needless_zeros_is_the_same_number(units: int, zeros: int, column: str) -> None:
    places = NUMBER_COLUMNS[column].decimals
    digits = str(units).rjust(places + 1, "0")
    number = f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}" if places else f"{digits}."
    shorter = strip_trailing_zeros(number + "0" * zeros, places)
    assert shorter == (number.rstrip(".") if zeros or places else number)


@pytest.mark.parametrize("text", ["19.999", "1.50001", "1e3.0", "--1.0", ".0", "x.000", "1.2.0000", "10", "1,0"])
def test_without_needless_zeros_other_texts_stay(text: str) -> None:
    assert strip_trailing_zeros(text, 0 if text == "10" else 2) == text


def test_examine_point_before_three_zeros_needs_another_number_to_be_clear() -> None:
    unclear = rows("stock_quantity", "5.000", "7")
    examine(unclear, fix_file=False)
    (error,) = validate_row(from_item(to_item(unclear[0])), EMPTY_CATALOG)
    assert (error.error_type, error.hint) == ("INVALID_STOCK_QUANTITY", "Did you mean 5000 or 5?")
    clear = rows("stock_quantity", "5.000", "7.0")
    examine(clear, fix_file=False)
    assert [row.cells["stock_quantity"] for row in clear] == ["5", "7"]
