"""Validation rules at and beyond their limits, and their messages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onboarding.domain.models import Mode, Product, Row
from onboarding.domain.placeholders import PLACEHOLDERS, SAMPLE
from onboarding.domain.product_changes import VERSION
from onboarding.domain.product_schema import COLUMNS, MAX_LENGTHS, NUMBER_COLUMNS, REQUIRED
from onboarding.domain.text import MAX_QUOTED_LENGTH, quoted
from onboarding.domain.validation import RULES, Check, validate_row
from onboarding.domain.validation_context import ValidationContext, product_key
from onboarding.files.row_builder import MAX_CELL
from tests.support.postgres_fixtures import EMPTY_CATALOG, VALID_CELLS, make_row, tuples_of
from tools.rule_examples import EXAMPLES, Example

DIGITS = frozenset("0123456789")
# Bounds of the contract in units of the last decimal place: cents, pieces, grams.
BOUNDS = {
    "price": (1, 99_999_999),
    "compare_at_price": (0, 9_999_999_999),
    "stock_quantity": (0, 1_000_000),
    "weight_kg": (0, 9_999_999_999),
}
DECIMALS = {"price": 2, "compare_at_price": 2, "stock_quantity": 0, "weight_kg": 3}
NUMBER_ERRORS = {
    "price": "INVALID_PRICE",
    "compare_at_price": "INVALID_PRICE",
    "stock_quantity": "INVALID_STOCK_QUANTITY",
    "weight_kg": "INVALID_WEIGHT",
}


def list_messages(row: Row, context: ValidationContext = EMPTY_CATALOG) -> list[str]:
    return [error.message for error in validate_row(row, context)]


def list_error_types(row: Row, context: ValidationContext = EMPTY_CATALOG) -> list[str]:
    return [error.error_type for error in validate_row(row, context)]


def parse_units(text: str, decimals: int) -> int | None:
    """Return a plain number in units of its last decimal place, None for other text; independent of the rules."""
    body = text[1:] if text[:1] == "-" else text
    whole, point, fraction = body.partition(".")
    if not whole or not DIGITS.issuperset(whole) or not DIGITS.issuperset(fraction):
        return None
    if point and not 1 <= len(fraction) <= decimals:
        return None
    value = int(whole + fraction.ljust(decimals, "0"))
    return -value if body != text else value


def number_texts(column: str) -> st.SearchStrategy[str]:
    """Generate numbers, numbers near a bound, and texts that resemble numbers."""
    minimum, maximum = BOUNDS[column]
    decimals = DECIMALS[column]

    def format_decimal(value: int, zeros: str) -> str:
        sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(decimals + 1, "0")
        whole, fraction = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
        return f"{sign}{zeros}{whole}" + (f".{fraction}" if fraction else "")

    near_bounds = st.builds(
        lambda bound, step, zeros: format_decimal(bound + step, zeros),
        st.sampled_from((minimum, maximum, 0)),
        st.integers(-2, 2),
        st.sampled_from(("", "0", "000")),
    )
    return st.one_of(
        near_bounds,
        st.builds(format_decimal, st.integers(-(10**12), 10**12), st.just("")),
        st.text("0123456789", min_size=1, max_size=12),
        st.from_regex(r"-?[0-9]{0,7}\.?[0-9]{0,4}", fullmatch=True).filter(bool),
        st.text("0123456789.-+eE_, $€NaIinfty\u0661\uff11\u00b2\u2212\n\t", min_size=1, max_size=8),
        st.text(min_size=1, max_size=10),
    )


def test_validate_row_sample_row_of_the_contract_is_valid() -> None:
    assert validate_row(make_row(), EMPTY_CATALOG) == []


def test_validate_row_only_required_columns_is_valid() -> None:
    optional = {column: None for column in COLUMNS if column not in REQUIRED}
    assert validate_row(make_row(**optional), EMPTY_CATALOG) == []


def test_rules_begin_with_the_seven_of_the_contract() -> None:
    assert [name for name, _ in RULES[:7]] == [
        "required fields present",
        "price in range",
        "stock in range",
        "field lengths",
        "category on the whitelist and active",
        "SKU unique across the platform",
        "vendor product ID unique for the vendor",
    ]


# Rule 1


@pytest.mark.parametrize("column", REQUIRED)
def test_validate_row_missing_required_field_is_an_error(column: str) -> None:
    assert tuples_of(validate_row(make_row(**{column: None}), EMPTY_CATALOG)) == [
        ("MISSING_REQUIRED_FIELDS", column, f"Missing required fields: {column}")
    ]


def test_validate_row_missing_fields_are_one_error() -> None:
    assert tuples_of(validate_row(make_row(sku=None, price=None), EMPTY_CATALOG)) == [
        ("MISSING_REQUIRED_FIELDS", "sku, price", "Missing required fields: sku, price")
    ]


def test_required_columns_are_those_of_the_contract() -> None:
    assert set(REQUIRED) == {"vendor_product_id", "product_name", "category", "sku", "price", "stock_quantity"}


# Rules 2 and 3, and weight


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("price", "0.00", "Price must be at least 0.01"),
        ("price", "0", "Price must be at least 0.01"),
        ("price", "-0.00", "Price must be at least 0.01"),
        ("price", "-10.00", "Price must be at least 0.01"),
        ("price", "1000000.00", "Price must be at most 999999.99"),
        ("price", "1000000", "Price must be at most 999999.99"),
        ("price", "9" * 2_000, "Price must be at most 999999.99"),
        ("compare_at_price", "-0.01", "Compare at price must be at least 0.00"),
        ("compare_at_price", "100000000", "Compare at price must be at most 99999999.99"),
        ("stock_quantity", "-1", "Stock quantity must be at least 0"),
        ("stock_quantity", "1000001", "Stock quantity must be at most 1000000"),
        ("weight_kg", "-0.001", "Weight must be at least 0"),
        ("weight_kg", "10000000", "Weight must be at most 9999999.999"),
    ],
)
def test_validate_row_number_beyond_its_bound_is_an_error(column: str, text: str, message: str) -> None:
    assert tuples_of(validate_row(make_row(**{column: text}), EMPTY_CATALOG)) == [
        (NUMBER_ERRORS[column], column, message)
    ]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("price", "0.01"),
        ("price", "999999.99"),
        ("price", "5"),
        ("price", "5.0"),
        ("price", "0005.10"),
        ("compare_at_price", "0"),
        ("compare_at_price", "0.01"),
        ("compare_at_price", "99999999.99"),
        ("stock_quantity", "0"),
        ("stock_quantity", "-0"),
        ("stock_quantity", "1000000"),
        ("stock_quantity", "0150"),
        ("weight_kg", "0"),
        ("weight_kg", "0.001"),
        ("weight_kg", "9999999.999"),
    ],
)
def test_validate_row_number_at_its_bound_is_valid(column: str, text: str) -> None:
    assert validate_row(make_row(**{column: text}), EMPTY_CATALOG) == []


OTHER_NOTATIONS = (
    "Infinity",
    "-inf",
    "1e3",
    "1E3",
    "1_000",
    "1,000",
    "5,00",
    "$5",
    "5 USD",
    "+5",
    " 5",
    "5 ",
    "5\n",
    "5.",
    ".5",
    "--5",
    "5-",
    "1.2.3",
    "0x10",
    "\uff15",
    "\u0665",
    "\u00b2",
    "\u22125",
    "5\0",
    "five",
)


@pytest.mark.parametrize("column", NUMBER_COLUMNS)
@pytest.mark.parametrize("text", OTHER_NOTATIONS)
def test_validate_row_number_in_other_notation_is_an_error(column: str, text: str) -> None:
    (error,) = validate_row(make_row(**{column: text}), EMPTY_CATALOG)
    assert (error.error_type, error.field) == (NUMBER_ERRORS[column], column)
    assert " must be a plain " in error.message
    assert error.message.endswith(f"; found {quoted(text)}")


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("price", "$5", "Price must be a plain number with at most two decimals, such as 19.99; found '$5'"),
        ("price", "1.999", "Price must be a plain number with at most two decimals, such as 19.99; found '1.999'"),
        (
            "compare_at_price",
            "1.999",
            "Compare at price must be a plain number with at most two decimals, such as 24.99; found '1.999'",
        ),
        ("stock_quantity", "1.5", "Stock quantity must be a plain whole number, such as 150; found '1.5'"),
        ("stock_quantity", "many", "Stock quantity must be a plain whole number, such as 150; found 'many'"),
        (
            "weight_kg",
            "0.2525",
            "Weight must be a plain number with at most three decimals, such as 0.25; found '0.2525'",
        ),
    ],
)
def test_validate_row_number_other_notation_message_has_an_example(column: str, text: str, message: str) -> None:
    assert list_messages(make_row(**{column: text})) == [message]


@pytest.mark.parametrize("column", NUMBER_COLUMNS)
def test_validate_row_number_is_valid_exactly_when_plain_and_in_range(column: str) -> None:
    minimum, maximum = BOUNDS[column]

    @settings(max_examples=150)
    @given(text=number_texts(column))
    @example(text="0" * 2_000 + "1")
    @example(text="9" * 2_400)
    def check(text: str) -> None:
        value = parse_units(text, DECIMALS[column])
        errors = validate_row(make_row(**{column: text}), EMPTY_CATALOG)
        if value is not None and minimum <= value <= maximum:
            assert errors == []
            return
        (error,) = errors
        if text in PLACEHOLDERS:
            assert (error.error_type, error.field) == ("PLACEHOLDER_VALUE", column)
            return
        assert (error.error_type, error.field) == (NUMBER_ERRORS[column], column)
        if value is None:
            assert " must be a plain " in error.message
        else:
            assert (" must be at least " if value < minimum else " must be at most ") in error.message

    check()


def test_number_columns_have_the_bounds_of_the_contract() -> None:
    for name, column in NUMBER_COLUMNS.items():
        scale = Decimal(10) ** DECIMALS[name]
        assert [column.minimum * scale, column.maximum * scale] == [Decimal(bound) for bound in BOUNDS[name]]
        assert column.decimals == DECIMALS[name]
        assert parse_units(column.example, column.decimals) is not None


@pytest.mark.parametrize("column", NUMBER_COLUMNS)
def test_validate_row_truncated_number_is_an_error(column: str) -> None:
    text = "0" * (MAX_CELL - 1) + "5"
    (error,) = validate_row(make_row(**{column: text}, cut={column: MAX_CELL + 1}), EMPTY_CATALOG)
    assert error.error_type == NUMBER_ERRORS[column]


# Rule 4


def make_text(column: str, length: int) -> tuple[str, ValidationContext]:
    """Return a text of a length that breaks no other rule, and a validation context for it."""
    text = "https://example.com/".ljust(length, "x") if column == "image_url" else "x" * length
    categories = {text} if column == "category" else EMPTY_CATALOG.categories
    return text, ValidationContext(categories, set(), set())


def test_text_columns_have_the_limits_of_the_contract() -> None:
    contract = {
        "vendor_product_id": 100,
        "product_name": 200,
        "category": 100,
        "subcategory": 100,
        "description": 2_000,
        "sku": 100,
        "brand": 100,
        "unit": 20,
        "dimensions_cm": 50,
    }
    assert {column: MAX_LENGTHS[column] for column in contract} == contract
    assert max(MAX_LENGTHS.values()) < MAX_CELL


@pytest.mark.parametrize("column", MAX_LENGTHS)
def test_validate_row_text_over_its_limit_is_an_error(column: str) -> None:
    limit = MAX_LENGTHS[column]
    text, context = make_text(column, limit)
    errors = validate_row(make_row(**{column: text}), context)
    assert [error.error_type for error in errors] == (["INVALID_STATUS"] if column == "status" else [])
    text, context = make_text(column, limit + 1)
    assert tuples_of(validate_row(make_row(**{column: text}), context)) == [
        ("FIELD_LENGTH_EXCEEDED", column, f"{column} is {limit + 1} characters long; the limit is {limit}")
    ]


@pytest.mark.parametrize("column", MAX_LENGTHS)
def test_validate_row_truncated_text_error_has_the_full_length(column: str) -> None:
    text, context = make_text(column, MAX_CELL)
    assert list_messages(make_row(**{column: text}, cut={column: 70_000}), context) == [
        f"{column} is 70000 characters long; the limit is {MAX_LENGTHS[column]}"
    ]


def test_validate_row_length_is_counted_in_characters() -> None:
    assert validate_row(make_row(sku="\N{PILE OF POO}" * 100), EMPTY_CATALOG) == []


# Rule 5


def test_validate_row_unknown_category_is_an_error() -> None:
    assert tuples_of(validate_row(make_row(category="Elektronics"), EMPTY_CATALOG)) == [
        ("INVALID_CATEGORY", "category", "Invalid category: Elektronics")
    ]


@pytest.mark.parametrize("name", ["computer accessories", "COMPUTER ACCESSORIES", "Computer  Accessories", "Computer"])
def test_validate_row_category_in_other_spelling_is_an_error(name: str) -> None:
    assert list_messages(make_row(category=name)) == [f"Invalid category: {name}"]


# Rules 6 and 7


def test_validate_row_sku_in_the_catalog_is_a_duplicate() -> None:
    context = ValidationContext(EMPTY_CATALOG.categories, {"CA-VEND001-0001"}, set())
    assert tuples_of(validate_row(make_row(), context)) == [
        ("DUPLICATE_SKU", "sku", "Duplicate SKU: CA-VEND001-0001 already exists")
    ]


def test_validate_row_sku_of_an_earlier_row_is_a_duplicate() -> None:
    assert tuples_of(validate_row(make_row(9, duplicate_of={"sku": 4}), EMPTY_CATALOG)) == [
        ("DUPLICATE_SKU", "sku", "Duplicate SKU: CA-VEND001-0001 already exists in row 4 of this file")
    ]


def test_validate_row_vendor_product_id_in_the_catalog_is_a_duplicate() -> None:
    context = ValidationContext(EMPTY_CATALOG.categories, set(), {("VEND001", "PROD0001")})
    (error,) = validate_row(make_row(), context)
    assert (error.error_type, error.field) == ("DUPLICATE_VENDOR_PRODUCT_ID", "vendor_product_id")
    assert error.message.startswith("Duplicate vendor product ID: PROD0001")


def test_validate_row_vendor_product_id_of_an_earlier_row_is_a_duplicate() -> None:
    (error,) = validate_row(make_row(9, duplicate_of={"vendor_product_id": 4}), EMPTY_CATALOG)
    assert error.error_type == "DUPLICATE_VENDOR_PRODUCT_ID"
    assert error.message == "Duplicate vendor product ID: PROD0001 is also in row 4 of this file"


def test_validate_row_vendor_product_id_of_another_vendor_is_valid() -> None:
    context = ValidationContext(EMPTY_CATALOG.categories, set(), {("VEND002", "PROD0001")})
    assert validate_row(make_row(), context) == []


def test_validate_row_duplicate_in_file_and_catalog_is_one_error() -> None:
    context = ValidationContext(EMPTY_CATALOG.categories, {"CA-VEND001-0001"}, {("VEND001", "PROD0001")})
    row = make_row(9, duplicate_of={"sku": 4, "vendor_product_id": 5})
    assert list_error_types(row, context) == ["DUPLICATE_SKU", "DUPLICATE_VENDOR_PRODUCT_ID"]


# Rules beyond the contract


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "https://images.example.com/mouse.jpg",
        "HTTPS://EXAMPLE.COM/A%20B?x=1&y=2#z",
        "https://ex.com/\u00e4",
    ],
)
def test_validate_row_web_address_is_valid(url: str) -> None:
    assert validate_row(make_row(image_url=url), EMPTY_CATALOG) == []


@pytest.mark.parametrize(
    "url",
    [
        "mouse.jpg",
        "ftp://example.com/a",
        "javascript:alert(1)",
        "https://",
        "https:///a.jpg",
        "https://example.com/a b",
        "https://example.com/<script>",
        'https://example.com/"onerror=',
        "data:image/png;base64,AAAA",
        "https://?x",
    ],
)
def test_validate_row_other_text_as_web_address_is_an_error(url: str) -> None:
    (error,) = validate_row(make_row(image_url=url), EMPTY_CATALOG)
    assert (error.error_type, error.field) == ("INVALID_IMAGE_URL", "image_url")
    expected = f"Image URL must be a web address, such as https://images.example.com/mouse.jpg; found {quoted(url)}"
    assert error.message.startswith(expected)


@pytest.mark.parametrize("character", ["\0", "\x01", "\x0b", "\x1b", "\x7f", "\ud800"])
@pytest.mark.parametrize("column", ["product_name", "description", "sku", "vendor_product_id", "unit"])
def test_validate_row_control_character_error_has_its_position(column: str, character: str) -> None:
    errors = validate_row(make_row(**{column: f"ab{character}c"}), EMPTY_CATALOG)
    assert tuples_of(errors) == [
        (
            "INVALID_CHARACTER",
            column,
            f"{column} has a character that is not text: U+{ord(character):04X} at position 3",
        )
    ]


@pytest.mark.parametrize(
    ("text", "character", "suggestion"),
    [
        ("A\u200b1", "U+200B (ZERO WIDTH SPACE) at position 2", "A1"),
        ("A1\u200b", "U+200B (ZERO WIDTH SPACE) at position 3", "A1"),
        ("A\u20601", "U+2060 (WORD JOINER) at position 2", "A1"),
        ("A\xad1", "U+00AD (SOFT HYPHEN) at position 2", "A1"),
        ("\ufeffA1", "U+FEFF (ZERO WIDTH NO-BREAK SPACE) at position 1", "A1"),
        ("A\u20281", "U+2028 (LINE SEPARATOR) at position 2", "A1"),
        ("A\x851", "U+0085 at position 2", "A1"),
        ("A\xa01", "U+00A0 (NO-BREAK SPACE) at position 2", "A 1"),
        ("A\u30001", "U+3000 (IDEOGRAPHIC SPACE) at position 2", "A 1"),
        ("A\u202e1", "U+202E (RIGHT-TO-LEFT OVERRIDE) at position 2", "A1"),
    ],
)
@pytest.mark.parametrize("column", ["sku", "vendor_product_id"])
def test_validate_row_identifier_with_invisible_character_is_an_error(
    column: str, text: str, character: str, suggestion: str
) -> None:
    (error,) = validate_row(make_row(**{column: text}), EMPTY_CATALOG)
    assert error.error_type == "INVALID_CHARACTER"
    assert error.message == f"{column} has a character that is not text: {character}"
    assert error.hint == f"Did you mean '{suggestion}'?"


@pytest.mark.parametrize("sku", ["A 1", "\u00c4-1", "\u6f22\u5b57", "\U0001f5b1", "e\u0301"])
def test_validate_row_identifier_with_visible_characters_is_valid(sku: str) -> None:
    assert validate_row(make_row(sku=sku), EMPTY_CATALOG) == []


def test_validate_row_other_text_with_invisible_characters_is_valid() -> None:
    assert validate_row(make_row(product_name="Caf\xe9\xa0au\u200blait"), EMPTY_CATALOG) == []
    assert list_messages(make_row(category="Books\u200b")) == ["Invalid category: Books<U+200B>"]
    assert list_messages(make_row(price="19.99\u200b"))[0].endswith("; found '19.99<U+200B>'")


def test_validate_row_line_break_is_valid_only_in_description() -> None:
    assert validate_row(make_row(description="a\nb\r\nc\td"), EMPTY_CATALOG) == []
    assert list_error_types(make_row(sku="a\nb", vendor_product_id="a\tb")) == [
        "INVALID_CHARACTER",
        "INVALID_CHARACTER",
    ]


# The row as a whole


def test_validate_row_errors_are_in_the_order_of_the_rules() -> None:
    context = ValidationContext(set(), {"S"}, {("VEND001", "P")})
    row = make_row(
        product_name=None,
        price="0",
        compare_at_price="x",
        stock_quantity="-1",
        unit="u" * 21,
        category="Elektronics",
        sku="S",
        vendor_product_id="P",
        weight_kg="heavy",
        image_url="mouse.jpg",
        description="\0",
    )
    assert [(error.error_type, error.field) for error in validate_row(row, context)] == [
        ("MISSING_REQUIRED_FIELDS", "product_name"),
        ("INVALID_PRICE", "price"),
        ("INVALID_PRICE", "compare_at_price"),
        ("INVALID_STOCK_QUANTITY", "stock_quantity"),
        ("FIELD_LENGTH_EXCEEDED", "unit"),
        ("INVALID_CATEGORY", "category"),
        ("DUPLICATE_SKU", "sku"),
        ("DUPLICATE_VENDOR_PRODUCT_ID", "vendor_product_id"),
        ("INVALID_WEIGHT", "weight_kg"),
        ("INVALID_IMAGE_URL", "image_url"),
        ("INVALID_CHARACTER", "description"),
    ]


DEFECTS: dict[str, tuple[dict[str, str | None], str]] = {
    "missing": ({"product_name": None}, "MISSING_REQUIRED_FIELDS"),
    "price": ({"price": "0"}, "INVALID_PRICE"),
    "stock": ({"stock_quantity": "1.5"}, "INVALID_STOCK_QUANTITY"),
    "length": ({"brand": "b" * 101}, "FIELD_LENGTH_EXCEEDED"),
    "category": ({"category": "None such"}, "INVALID_CATEGORY"),
    "sku": ({"sku": "TAKEN"}, "DUPLICATE_SKU"),
    "id": ({"vendor_product_id": "TAKEN"}, "DUPLICATE_VENDOR_PRODUCT_ID"),
    "weight": ({"weight_kg": "1e3"}, "INVALID_WEIGHT"),
    "image": ({"image_url": "nowhere"}, "INVALID_IMAGE_URL"),
    "status": ({"status": "draft"}, "INVALID_STATUS"),
    "characters": ({"description": "\x1b[2J"}, "INVALID_CHARACTER"),
    "formula": ({"dimensions_cm": "#REF!"}, "SPREADSHEET_ERROR"),
}


DEFECTS_IN_THE_SAME_COLUMNS: dict[str, tuple[dict[str, str | None], str]] = {
    "category": ({"category": "Books\x07"}, "INVALID_CHARACTER"),
    "image": ({"image_url": "no\x00where"}, "INVALID_CHARACTER"),
    "sku": ({"sku": "TAKEN\u200b"}, "INVALID_CHARACTER"),
    "id": ({"vendor_product_id": "TAKEN\xa01"}, "INVALID_CHARACTER"),
}


@given(st.sets(st.sampled_from(sorted(DEFECTS))))
def test_validate_row_each_defect_is_one_error(defects: set[str]) -> None:
    context = ValidationContext(EMPTY_CATALOG.categories, {"TAKEN"}, {("VEND001", "TAKEN")})
    for cases in (DEFECTS, DEFECTS | DEFECTS_IN_THE_SAME_COLUMNS):
        cells = {column: text for defect in defects for column, text in cases[defect][0].items()}
        assert sorted(list_error_types(make_row(**cells), context)) == sorted(cases[defect][1] for defect in defects)


@pytest.mark.parametrize("mode", [Mode.UPDATE, Mode.UPSERT])
def test_validate_row_cleared_identifier_in_two_rows_is_one_error_each(mode: Mode) -> None:
    context = ValidationContext(EMPTY_CATALOG.categories, set(), {("VEND001", "PROD0001")}, mode=mode)
    assert list_error_types(make_row(sku="(clear)", duplicate_of={"sku": 1}), context) == ["CANNOT_BE_CLEARED"]
    row = make_row(vendor_product_id="(clear)", duplicate_of={"vendor_product_id": 1})
    assert list_error_types(row, context) == ["MISSING_REQUIRED_FIELDS"]


@pytest.mark.parametrize(
    ("difference", "message"),
    [
        (1, "The row has 1 field more than the header; a comma inside a value needs quotes around the value"),
        (3, "The row has 3 fields more than the header; a comma inside a value needs quotes around the value"),
        (-1, "The row has 1 field fewer than the header; leave a field blank instead of omitting it"),
        (-2, "The row has 2 fields fewer than the header; leave a field blank instead of omitting it"),
    ],
)
def test_validate_row_another_width_is_the_only_error(difference: int, message: str) -> None:
    row = make_row(surplus_fields=difference, price="x", category="None such", sku=None)
    assert tuples_of(validate_row(row, EMPTY_CATALOG)) == [("FIELD_COUNT_MISMATCH", "row", message)]


# Context that rules read

LOADED_BEFORE_INSERT = {"categories", "mode", "catalog_known"}
"""Context with which `pipeline.validate` validates rows that create products."""

ENFORCED_BY_KEYS = {
    "validate_sku_uniqueness": {"taken_skus", "own_skus"},
    "validate_vendor_product_id_uniqueness": {"taken_ids"},
}
"""Further context by rule: unique keys exclude these rows, which are then validated with the complete context."""


class RecordingContext:
    """Validation context that records which attributes are read."""

    def __init__(self, context: ValidationContext) -> None:
        self._context = context
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self._context, name)

    def changes_a_product(self, row: Row) -> bool:
        return ValidationContext.changes_a_product(cast("ValidationContext", self), row)


@pytest.mark.parametrize("check", [check for _, check in RULES], ids=lambda check: check.__name__)
def test_rules_read_only_context_that_is_loaded_for_new_products(check: Check) -> None:
    """Otherwise an upload would accept rows that its dry run rejects: see docs/extending.md."""
    invalid = [Example(make_row(**cells), EMPTY_CATALOG) for cells, _ in DEFECTS.values()]
    for example_row in (*EXAMPLES, *invalid, Example(make_row(), EMPTY_CATALOG)):
        if example_row.facts.mode is Mode.CREATE:
            recording = RecordingContext(example_row.facts)
            list(check(example_row.row, cast("ValidationContext", recording)))
            assert recording.read <= LOADED_BEFORE_INSERT | ENFORCED_BY_KEYS.get(check.__name__, set())


# Content of messages

hostile_texts = st.text(
    st.characters(codec=None, categories=None) | st.sampled_from("\0\x01\t\n\r\x1b\x7f\x85\u2028\ufeff\ud800")
)
any_cells = st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, hostile_texts.filter(bool)))


def find_control_characters(text: str) -> list[str]:
    """Return the characters that break a line, control a terminal, or cannot be stored or sent."""
    return re.findall(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", text)


@settings(max_examples=150)
@given(any_cells, st.booleans())
def test_validate_row_any_message_is_one_line(cells: dict[str, str], taken: bool) -> None:
    row = Row("UPLOAD_1", "VEND001", 2, cells, {"sku": 1} if "sku" in cells else {})
    taken_skus = {cells.get("sku", "")} if taken else set()
    context = ValidationContext(
        set(), taken_skus, {("VEND001", cells.get("vendor_product_id", ""))} if taken else set()
    )
    for error in validate_row(row, context):
        assert find_control_characters(error.message) == []
        assert find_control_characters(error.field) == []


@given(any_cells)
def test_validate_row_messages_have_only_values_of_the_row(cells: dict[str, str]) -> None:
    secret = "\N{KEY}other-vendor"
    context = ValidationContext({secret}, {secret, cells.get("sku", "")}, {("VEND002", secret), (secret, "PROD0001")})
    row = Row("UPLOAD_1", "VEND001", 2, {column: text.replace("\N{KEY}", "") for column, text in cells.items()})
    for error in validate_row(row, context):
        assert "\N{KEY}" not in error.message
        assert "VEND002" not in error.message


@given(hostile_texts)
def test_quoted_long_value_is_shortened(value: str) -> None:
    quotation = quoted(value * 50)
    assert quotation.startswith("'")
    assert quotation.endswith(("'", "…'"))
    assert len(quotation) <= MAX_QUOTED_LENGTH + 3


@pytest.mark.parametrize(
    ("length", "ends"),
    [(MAX_QUOTED_LENGTH, f"{'9' * MAX_QUOTED_LENGTH}'"), (MAX_QUOTED_LENGTH + 1, f"{'9' * MAX_QUOTED_LENGTH}…'")],
)
def test_quoted_value_up_to_its_limit_is_complete(length: int, ends: str) -> None:
    assert quoted("9" * length) == f"'{ends}"


@given(any_cells, st.dictionaries(st.sampled_from(["sku", "vendor_product_id"]), st.integers(1, 9)))
def test_validate_row_is_deterministic_and_does_not_change_the_row(
    cells: dict[str, str], duplicates: dict[str, int]
) -> None:
    row = Row("UPLOAD_1", "VEND001", 10, dict(cells), dict(duplicates))
    first = validate_row(row, EMPTY_CATALOG)
    assert validate_row(row, EMPTY_CATALOG) == first
    assert row == Row("UPLOAD_1", "VEND001", 10, cells, duplicates)


def test_rules_each_reject_a_row() -> None:
    create = ValidationContext(EMPTY_CATALOG.categories, {"TAKEN"}, {("VEND001", "TAKEN")})
    update = ValidationContext(EMPTY_CATALOG.categories, set(), set(), mode=Mode.UPDATE)
    values = {**dict.fromkeys(COLUMNS), "status": "active"}
    product = Product(1, datetime(2024, 12, 21, tzinfo=UTC), {"price": "UPLOAD_2"}, values)
    outdated = replace(update, products={product_key(make_row()): product})

    def can_fail(check: Check) -> bool:
        rows = [
            make_row(sku="8.71E+12"),
            make_row(sku="N/A"),
            make_row(**SAMPLE),
            make_row(**{VERSION: "v1"}),
            *(make_row(**cells) for cells, _ in DEFECTS.values()),
        ]
        return any(list(check(row, context)) for row in rows for context in (create, update, outdated))

    assert [name for name, check in RULES if not can_fail(check)] == []
    assert set(VALID_CELLS) <= set(COLUMNS)
