"""Interpretation of numbers in other notations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain.number_interpretation import is_number_range, list_possible_numbers, strip_trailing_zeros
from onboarding.domain.product_schema import NUMBER_COLUMNS


@pytest.mark.parametrize(
    ("text", "decimals", "numbers"),
    [
        ("$19.99", 2, ["19.99"]),
        ("19.99 EUR", 2, ["19.99"]),
        ("€ 1,234.50", 2, ["1234.50"]),
        ("1,234,567", 2, ["1234567"]),
        ("19,99", 2, ["19.99"]),
        ("-5,5 €", 2, ["-5.5"]),
        ("-$5", 2, ["-5"]),
        ("1.234,50", 2, ["1234.50"]),
        ("1,234", 2, ["1234", "1.234"]),
        ("1,250 kg", 3, ["1250", "1.250"]),
        ("1,234", 0, ["1234"]),
        ("0,234", 3, ["0.234"]),
        ("0.25 kg", 3, ["0.25"]),
        ("150 pcs", 0, ["150"]),
        ("10,0", 0, ["10"]),
        ("+5", 0, ["5"]),
        ("1\u202f234\u202f567,5", 2, ["1234567.5"]),
        ("1'000", 0, ["1000"]),
        ("12,34,567.50", 2, ["1234567.50"]),
        ("'19.99", 2, ["19.99"]),
        ('="1.50"', 2, ["1.50"]),
        ("1.299,-", 2, ["1299"]),
        ("19.--", 2, ["19"]),
        ("1.5 pcs", 0, []),
        ("$1.999", 2, []),
        ("250 g", 3, []),
        ("(5.00)", 2, []),
        ("5-", 2, []),
        ("12,34,5", 2, []),
        ("1e3", 2, []),
        ("free", 2, []),
        ("1" * 61, 2, []),
        ("", 2, []),
    ],
)
def test_list_possible_numbers_number_with_currency_unit_or_separators(
    text: str, decimals: int, numbers: list[str]
) -> None:
    assert list_possible_numbers(text, decimals) == numbers


def test_list_possible_numbers_point_in_column_with_decimal_commas_is_ambiguous() -> None:
    assert list_possible_numbers("1.234 €", 2, decimal_comma=True) == ["1234", "1.234"]
    assert list_possible_numbers("1.234 €", 2) == []


@pytest.mark.parametrize("text", ["19.99-24.99", "19.99 \u2013 24.99", "5 to 10", "$5 - $10"])
def test_is_number_range_two_numbers_is_true(text: str) -> None:
    assert is_number_range(text)


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 8), st.sampled_from(sorted(NUMBER_COLUMNS)))
def test_strip_trailing_zeros_any_number_keeps_its_value(units: int, zeros: int, column: str) -> None:
    decimals = NUMBER_COLUMNS[column].decimals
    digits = str(units).rjust(decimals + 1, "0")
    number = f"{digits[: len(digits) - decimals]}.{digits[len(digits) - decimals :]}" if decimals else f"{digits}."
    result = strip_trailing_zeros(number + "0" * zeros, decimals)
    assert result == (number.rstrip(".") if zeros or decimals else number)


@pytest.mark.parametrize("text", ["19.999", "1.50001", "1e3.0", "--1.0", ".0", "x.000", "1.2.0000", "10", "1,0"])
def test_strip_trailing_zeros_other_text_is_unchanged(text: str) -> None:
    assert strip_trailing_zeros(text, 0 if text == "10" else 2) == text
