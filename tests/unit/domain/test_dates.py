"""Detection of dates, and codes that resemble dates."""

from __future__ import annotations

import pytest

from onboarding.domain.dates import is_date, is_short_date, may_be_date


@pytest.mark.parametrize(
    "text",
    ["01.03.2024", "3/14/2024 12:30 PM", "2024-03-01T00:00:00Z", "1-gen", "01-mai", "1/jan", "jan/24", "1. tammi 2024",
     "3\u67081\u65e5", "2024\ub1443\uc6d41\uc77c", "Mar 1, 2024", "12-janv.", "30 wrze\u015bnia 2024", "0:30:00"],
)  # fmt: skip
def test_is_date_forms_of_many_languages_are_dates(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize(
    "text", ["3-MAR", "MAR-24", "12-2024", "2024-13-01", "32.13.2024", "set-24", "12x8x4", "1-2-3", "May", "", "12:30"]
)
def test_is_date_codes_and_names_are_not_dates(text: str) -> None:
    assert not is_date(text)


def test_is_short_date_any_order_up_to_2039_is_true() -> None:
    assert all(map(is_short_date, ("01.03.24", "3/14/24", "14/3/24", "24-03-01")))
    assert not any(map(is_short_date, ("12/8/40", "13.13.13", "01.03-24", "1.3.2024", "010.03.24")))


def test_may_be_date_month_names_that_are_words_is_true() -> None:
    assert all(map(may_be_date, ("set-24", "1-out", "24-03-01")))
    assert not any(map(may_be_date, ("SET-24", "set-240", "reset-24")))
