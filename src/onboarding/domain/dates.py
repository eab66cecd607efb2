"""Detection of dates and times in the forms that spreadsheet programs write, in many languages."""

from __future__ import annotations

import re

from onboarding.domain.spreadsheet_words import list_words

_MONTHS = list_words("months")
_WORDS = list_words("month_words")
MONTH_PREFIXES = frozenset(month[:3] for month in _MONTHS)
"""First three letters of every month name: a cheap check that excludes most texts."""

MONTH_WORD_PREFIXES = frozenset(word[:3] for word in _WORDS)
"""First three letters of the month names that are also common words."""

_DAY = "(?:0?[1-9]|[12][0-9]|3[01])"
_MONTH = "(?:0?[1-9]|1[0-2])"
_YEAR = "(?:19|20)[0-9]{2}"
_TIME = "[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[AaPp][Mm])?"
_NUMERIC = re.compile(
    rf"(?:{_DAY}[./-]{_MONTH}|{_MONTH}[./-]{_DAY})[./-]{_YEAR}\.?(?:,? {_TIME})?"
    rf"|{_YEAR}[-/.]{_MONTH}[-/.]{_DAY}\.?(?:[ T]{_TIME}Z?)?"
    rf"|(?:{_YEAR} ?[年년] ?)?{_MONTH} ?[月월] ?{_DAY} ?[日일]|{_YEAR} ?[年년] ?{_MONTH} ?[月월]"
    # A time, or a duration from a workbook cell.
    r"|[0-9]{1,8}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?: ?[AaPp][Mm])?"
)
# Day (0 in a workbook is day 0), month name and often a year; or month name and year.
_NAMED = re.compile(
    rf"(?:{_DAY}|00?)(?:-|/|\. ?| )(?P<month>[^\W\d_]+)(?:[-./ ]+(?:[0-9]{{4}}|[0-9]{{2}}))?\.?(?:,? {_TIME})?"
    rf"|(?P<first>[^\W\d_]+)(?:[-./ ]+(?:[0-9]{{4}}|[0-9]{{2}})|[-./ ]+{_DAY}, ?[0-9]{{4}})"
)
_SHORT = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{2})")
_LATEST_SHORT_YEAR = 39
_MONTHS_IN_YEAR, _DAYS_IN_MONTH = 12, 31


def is_date(text: str) -> bool:
    """Return whether a text is a date or a time, in a form that codes and names do not have."""
    return _NUMERIC.fullmatch(text) is not None or _get_month(text) in _MONTHS


def may_be_date(text: str) -> bool:
    """Return whether a text can be a date or a code: a year of two digits, or a month name that is also a word."""
    return is_short_date(text) or _get_month(text) in _WORDS


def has_short_date_form(text: str) -> bool:
    """Return whether a text has the form of a date with a year of two digits, such as `01.03.24` or `12.99.40`."""
    return _SHORT.fullmatch(text) is not None


def is_short_date(text: str) -> bool:
    """Return whether a text is a date with a year of two digits, up to 2039: `01.03.24`, `3/14/24`, `24-03-01`."""
    match = _SHORT.fullmatch(text)
    if match is None:
        return False
    first, middle, last = (int(match[group]) for group in (1, 3, 4))
    orders = ((last, middle, first), (last, first, middle), (first, middle, last))
    return any(
        year <= _LATEST_SHORT_YEAR and 1 <= month <= _MONTHS_IN_YEAR and 1 <= day <= _DAYS_IN_MONTH
        for year, month, day in orders
    )


def _get_month(text: str) -> str:
    """Return the month name in a date, or an empty string."""
    match = _NAMED.fullmatch(text)
    return (match["month"] or match["first"]) if match else ""
