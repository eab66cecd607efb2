"""Detection of decimal commas in columns, and their conversion to points."""

from __future__ import annotations

import pytest

from onboarding.files.decimal_commas import (
    CommaMeaning,
    classify_commas,
    convert_decimal_comma,
    detect_decimal_separators,
)


@pytest.mark.parametrize(
    ("values", "commas"),
    [
        (["1", "2"], CommaMeaning.NONE),
        (["1.50", "2"], CommaMeaning.NONE),
        (["1,50", "2"], CommaMeaning.DECIMAL),
        (["1,5"], CommaMeaning.DECIMAL),
        (["0,250"], CommaMeaning.DECIMAL),
        (["1234,567"], CommaMeaning.DECIMAL),
        (["1.234,56"], CommaMeaning.DECIMAL),
        (["1,2345"], CommaMeaning.DECIMAL),
        (["-1,50"], CommaMeaning.DECIMAL),
        (["1,50", "free", ""], CommaMeaning.DECIMAL),
        (["1,50", "1,234"], CommaMeaning.DECIMAL),
        (["1,50", "1.50"], CommaMeaning.MIXED),
        (["1,50", "1.234"], CommaMeaning.DECIMAL),
        (["1,50", "1.234.567"], CommaMeaning.DECIMAL),
        (["1,50", "0.234"], CommaMeaning.MIXED),
        (["1,50", "1234.567"], CommaMeaning.MIXED),
        (["1,50", "1.2345"], CommaMeaning.MIXED),
        (["1.234"], CommaMeaning.NONE),
        (["1,50", "1,234.50"], CommaMeaning.MIXED),
        (["1,50", "1,234,567"], CommaMeaning.MIXED),
        (["1,234"], CommaMeaning.UNCLEAR),
        (["1,234", "1.50"], CommaMeaning.UNCLEAR),
        (["1,234.50"], CommaMeaning.NONE),
        (["€ 1,50"], CommaMeaning.NONE),
    ],
)
def test_classify_commas_column_has_one_meaning(values: list[str], commas: CommaMeaning) -> None:
    assert classify_commas(values) is commas
    assert classify_commas(reversed(values)) is commas


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        ("19,99", 2, "19.99"),
        ("1.234,5", 2, "1234.5"),
        ("12.345.678,90", 2, "12345678.90"),
        ("0,250", 3, "0.250"),
        ("1,234", 3, "1.234"),
        ("1,234", 2, "1,234"),
        ("19,999", 2, "19,999"),
        ("5", 2, "5"),
        ("5,", 2, "5,"),
        (",5", 2, ",5"),
        ("1,2,3", 2, "1,2,3"),
        ("EUR 5,00", 2, "EUR 5,00"),
        ("+5,00", 2, "+5,00"),
        ("007,50", 2, "007.50"),
        ("24,000000", 2, "24.00"),
        ("1.234,5000", 2, "1234.50"),
        ("24,000", 2, "24,000"),
        ("24,0001", 2, "24,0001"),
    ],
)
def test_convert_decimal_comma_becomes_a_point(value: str, decimals: int, expected: str) -> None:
    assert convert_decimal_comma(value, decimals) == expected


@pytest.mark.parametrize(
    ("columns", "decimal", "uncertain"),
    [
        ({"price": ["19,90"], "weight_kg": ["1.250"]}, {"price"}, {"price", "weight_kg"}),
        ({"price": ["19,90"], "weight_kg": ["1.250", "0.5"]}, {"price"}, {"price"}),
        ({"price": ["19,90"], "weight_kg": ["1,250"]}, {"price", "weight_kg"}, {"price", "weight_kg"}),
        ({"price": ["19,90"], "weight_kg": ["1,250"], "compare_at_price": ["9.90"]}, {"price"}, {"price", "weight_kg"}),
        ({"price": ["19,90"], "weight_kg": ["1,250", "0.5"]}, {"price"}, {"price", "weight_kg"}),
        ({"price": ["19.90"], "weight_kg": ["1,250"]}, set(), {"weight_kg"}),
        ({"price": ["19.90"], "weight_kg": ["1.250"]}, set(), set()),
        ({"price": ["19"], "weight_kg": ["1.250"]}, set(), set()),
    ],
)
def test_detect_decimal_separators_unclear_columns_follow_other_columns(
    columns: dict[str, list[str]], decimal: set[str], uncertain: set[str]
) -> None:
    separators = detect_decimal_separators(columns, ())
    assert {column for column, meaning in separators.commas.items() if meaning is CommaMeaning.DECIMAL} == decimal
    assert set(separators.uncertain) == uncertain


def test_detect_decimal_separators_workbook_columns_are_independent() -> None:
    separators = detect_decimal_separators(
        {"price": ["19,90"], "weight_kg": ["1.250"], "compare_at_price": ["1,250"]}, (), is_text=False
    )
    assert separators.commas == {
        "price": CommaMeaning.DECIMAL,
        "weight_kg": CommaMeaning.NONE,
        "compare_at_price": CommaMeaning.UNCLEAR,
    }
    assert set(separators.uncertain) == {"price", "compare_at_price"}
