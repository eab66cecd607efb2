"""Decimal commas: recognised for each column, and replaced by points."""

from __future__ import annotations

import pytest

from onboarding.files.decimal_commas import Commas, commas_in, signs_in, with_point


@pytest.mark.parametrize(
    ("values", "commas"),
    [
        (["1", "2"], Commas.NONE),
        (["1.50", "2"], Commas.NONE),
        (["1,50", "2"], Commas.DECIMAL),
        (["1,5"], Commas.DECIMAL),
        (["0,250"], Commas.DECIMAL),
        (["1234,567"], Commas.DECIMAL),
        (["1.234,56"], Commas.DECIMAL),
        (["1,2345"], Commas.DECIMAL),
        (["-1,50"], Commas.DECIMAL),
        (["1,50", "free", ""], Commas.DECIMAL),
        (["1,50", "1,234"], Commas.DECIMAL),
        (["1,50", "1.50"], Commas.MIXED),
        (["1,50", "1.234"], Commas.DECIMAL),
        (["1,50", "1.234.567"], Commas.DECIMAL),
        (["1,50", "0.234"], Commas.MIXED),
        (["1,50", "1234.567"], Commas.MIXED),
        (["1,50", "1.2345"], Commas.MIXED),
        (["1.234"], Commas.NONE),
        (["1,50", "1,234.50"], Commas.MIXED),
        (["1,50", "1,234,567"], Commas.MIXED),
        (["1,234"], Commas.UNCLEAR),
        (["1,234", "1.50"], Commas.UNCLEAR),
        (["1,234.50"], Commas.NONE),
        (["€ 1,50"], Commas.NONE),
    ],
)
def test_commas_in_column_are_classified(values: list[str], commas: Commas) -> None:
    assert commas_in(values) is commas
    assert commas_in(reversed(values)) is commas


@pytest.mark.parametrize(
    ("value", "places", "read"),
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
def test_with_point_decimal_comma_becomes_a_point(value: str, places: int, read: str) -> None:
    assert with_point(value, places) == read


@pytest.mark.parametrize(
    ("columns", "decimal", "doubtful"),
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
def test_signs_in_unclear_columns_follow_the_other_columns(
    columns: dict[str, list[str]], decimal: set[str], doubtful: set[str]
) -> None:
    signs = signs_in(columns, ())
    assert {column for column, found in signs.commas.items() if found is Commas.DECIMAL} == decimal
    assert set(signs.doubtful) == doubtful


def test_signs_in_workbook_columns_are_independent() -> None:
    signs = signs_in({"price": ["19,90"], "weight_kg": ["1.250"], "compare_at_price": ["1,250"]}, (), is_text=False)
    assert signs.commas == {
        "price": Commas.DECIMAL,
        "weight_kg": Commas.NONE,
        "compare_at_price": Commas.UNCLEAR,
    }
    assert set(signs.doubtful) == {"price", "compare_at_price"}
