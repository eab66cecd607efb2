"""Dates of a workbook: which number formats make a date of a number, and its text."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

_NOT_SHOWN = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]?', re.IGNORECASE | re.DOTALL)
_PART_OF_A_DATE = re.compile(r"[dmyhs]", re.IGNORECASE)
_TOKEN = re.compile(
    r"yyyy|yy|mmmm?|mm?|dddd?|dd?|hh?|ss?|am/pm|a/p|[-./:, ]|\"[^\"]*\"|\\.|\[\$?-?[^\]]*\]|;.*|@", re.IGNORECASE
)
_PARTS = {
    "yyyy": "%Y", "yy": "%y", "mmmm": "%B", "mmm": "%b", "mm": "%m", "m": "%m",
    "dddd": "%A", "ddd": "%a", "dd": "%d", "d": "%d",
}  # fmt: skip
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
# What a spreadsheet program makes of something typed that looks like a date.
_AUTOMATIC = frozenset({"d-mmm", "d-mmm-yy", "mmm-yy", "dd-mmm", "dd-mmm-yy"})

_SECONDS = 24 * 60 * 60
_LAST = 2_958_466
"""The day behind the last one, 31 December 9999."""

_OUTSIDE = "#VALUE!"


def is_date_code(code: str) -> bool:
    """Whether a number format shows a number as a date, a time or a length of time."""
    return _PART_OF_A_DATE.search(_NOT_SHOWN.sub("", code.partition(";")[0])) is not None


def is_automatic(code: str) -> bool:
    """Whether it is a format that a spreadsheet program gives by itself to what looks like a date."""
    return code.partition(";")[0].replace("\\", "") in _AUTOMATIC


def serial_of(text: str) -> float:
    """The number that means a date since 1900; `ValueError` if the text is no date or time in ISO's form."""
    try:
        value = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        at = time.fromisoformat(text)
        return (at.hour * 3600 + at.minute * 60 + at.second) / _SECONDS
    since = value - datetime(1899, 12, 30)  # noqa: DTZ001 - a cell has no time zone
    return since.total_seconds() / _SECONDS


def iso_text(number: Decimal, *, since_1904: bool) -> str:
    """The date that a number means, in ISO's form; a number below 1 is a time."""
    value = _calendar(number, since_1904=since_1904)
    return value if isinstance(value, str) else _iso(value)


def date_text(number: Decimal, code: str, *, since_1904: bool) -> str:
    """The date that a number means under a number format, in English; in ISO's form where that leaves it open."""
    if _ELAPSED.search(code) and 0 <= number < _LAST:
        seconds = round(number * _SECONDS)
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    value = _calendar(number, since_1904=since_1904)
    return value if isinstance(value, str) else _formatted(value, code)


def _calendar(number: Decimal, *, since_1904: bool) -> datetime | time | str:
    if not 0 <= number < _LAST:
        return _OUTSIDE
    days, part = divmod(number, 1)
    after_midnight = timedelta(milliseconds=round(part * _SECONDS * 1000))
    first = date(1904, 1, 1) if since_1904 else date(1899, 12, 30)
    if not days and after_midnight < timedelta(days=1):
        return (datetime(1900, 1, 1) + after_midnight).time()  # noqa: DTZ001 - a cell has no time zone
    if not since_1904 and days == 60:
        # A day that never was, kept by Excel for the sake of older programs.
        return "1900-02-29"
    day_before = 1 if not since_1904 and 0 < days < 60 else 0
    try:
        return datetime.combine(first + timedelta(days=int(days) + day_before), time()) + after_midnight
    except OverflowError:
        return _OUTSIDE


def _formatted(value: datetime | time, number_format: str) -> str:
    code = number_format.split(";", 1)[0]
    left_to_the_computer = number_format == "mm-dd-yy" or "[$-F" in number_format
    if left_to_the_computer or isinstance(value, time) or _TOKEN.sub("", code):
        return _iso(value)
    out = []
    hours_before = False
    for token in _TOKEN.findall(code):
        lower = token.lower()
        if lower in {"m", "mm"} and hours_before:
            out.append(f"{value.minute:0{len(lower)}d}")
        elif lower.startswith("h"):
            out.append(f"{value.hour:0{len(lower)}d}")
        elif lower.startswith("s"):
            out.append(f"{value.second:0{len(lower)}d}")
        elif lower in _PARTS:
            part = value.strftime(_PARTS[lower])
            out.append(part.lstrip("0") if lower in {"d", "m"} else part)
        elif lower in {"am/pm", "a/p"}:
            return _iso(value)
        elif not lower.startswith(("[", ";", "@")):
            out.append(token.strip('"').lstrip("\\"))
        if lower.strip("yd") == "" and lower.strip():
            hours_before = False
        elif lower.startswith("h"):
            hours_before = True
    return "".join(out).strip()


def _iso(value: datetime | time) -> str:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
