"""Checks of identifier columns: damage, lost digits and similar identifiers."""

from __future__ import annotations

import pytest

from onboarding.domain.identifiers import detect_column_damage, find_lost_digits, find_lost_zeros, find_similar_pairs


def number_values(*values: str) -> dict[int, str]:
    """Return values by row number, from 1."""
    return dict(enumerate(values, 1))


@pytest.mark.parametrize(
    "values", [("1.0",), ("1.0", "2"), ("1.0", "2.00"), ("1.5", "2.5"), ("01.03.24", "10.45.15"), ("01-03-24",), ()]
)
def test_detect_column_damage_unclear_values_are_undamaged(values: tuple[str, ...]) -> None:
    assert detect_column_damage(number_values(*values)) == ("", [])


def test_find_lost_digits_half_of_the_long_codes_end_in_zeros_returns_their_number_values() -> None:
    assert find_lost_digits({1: "12345678901234500", 2: "12345678901234600", 3: "12345678901234567"}) == [1, 2]
    assert not find_lost_digits({1: "12345678901234500", 2: "12345678901234567", 3: "4006381333931"})


def test_find_similar_pairs_returns_the_earlier_row_first() -> None:
    assert find_similar_pairs({1: "abc", 2: "ABC", 3: "x", 4: "\u0430bc", 5: "abc"}) == [(1, 2), (1, 4)]


def test_find_lost_zeros_shorter_codes_among_equal_lengths_are_returned() -> None:
    assert find_lost_zeros(number_values("4006381333931", "12345678905", "4006381333948", "4006381333955")) == [2]
    assert find_lost_zeros(number_values("12345", "23456", "345", "34567", "4567")) == [3, 5]


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("12345",),
        ("01234", "12345", "2345"),  # with leading zeros
        ("1", "2", "10", "11", "12"),  # counts
        ("12345", "12346", "A1"),  # not only digits
        ("12345", "123", "1234", "12"),  # no common length
        ("12345", "12346", "123456"),  # longer, not shorter
    ],
)
def test_find_lost_zeros_other_columns_return_nothing(values: tuple[str, ...]) -> None:
    assert list(find_lost_zeros(number_values(*values))) == []
