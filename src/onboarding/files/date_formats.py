"""Date formats of a workbook, and the text of dates."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

_LITERAL = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]?', re.IGNORECASE | re.DOTALL)
_DATE_LETTER = re.compile(r"[dmyhs]", re.IGNORECASE)
_TOKEN = re.compile(
    r"yyyy|yy|mmmm?|mm?|dddd?|dd?|hh?|ss?|am/pm|a/p|[-./:, ]|\"[^\"]*\"|\\.|\[\$?-?[^\]]*\]|;.*|@", re.IGNORECASE
)
_PARTS = {
    "yyyy": "%Y", "yy": "%y", "mmmm": "%B", "mmm": "%b", "mm": "%m", "m": "%m",
    "dddd": "%A", "ddd": "%a", "dd": "%d", "d": "%d",
}  # fmt: skip
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
# Formats that a spreadsheet program applies to typed text that looks like a date.
_AUTOMATIC = frozenset({"d-mmm", "d-mmm-yy", "mmm-yy", "dd-mmm", "dd-mmm-yy"})

_SECONDS_PER_DAY = 24 * 60 * 60
_MAX_SERIAL = 2_958_466
"""First serial number after the last date, 31 December 9999."""

_OUT_OF_RANGE = "#VALUE!"


def is_date_code(code: str) -> bool:
    """Return whether a number format displays dates, times or durations."""
    return _DATE_LETTER.search(_LITERAL.sub("", code.partition(";")[0])) is not None


def is_automatic_format(code: str) -> bool:
    """Return whether spreadsheet programs apply a format by themselves to text that looks like a date."""
    return code.partition(";")[0].replace("\\", "") in _AUTOMATIC


def iso_to_serial(text: str) -> float:
    """Return the serial number of an ISO date or time in the 1900 date system; raise `ValueError` for other text."""
    try:
        value = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        clock = time.fromisoformat(text)
        return (clock.hour * 3600 + clock.minute * 60 + clock.second) / _SECONDS_PER_DAY
    since_epoch = value - datetime(1899, 12, 30)  # noqa: DTZ001 - a cell has no time zone
    return since_epoch.total_seconds() / _SECONDS_PER_DAY


def format_iso_date(number: Decimal, *, uses_1904_epoch: bool) -> str:
    """Return the date of a serial number in ISO format; numbers below 1 are times."""
    value = _to_datetime(number, uses_1904_epoch=uses_1904_epoch)
    return value if isinstance(value, str) else _format_iso(value)


def format_date(number: Decimal, code: str, *, uses_1904_epoch: bool) -> str:
    """Return the date of a serial number in a number format, with English names.

    In ISO format if the number format depends on the computer, or is for times.
    """
    if _ELAPSED.search(code) and 0 <= number < _MAX_SERIAL:
        seconds = round(number * _SECONDS_PER_DAY)
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    value = _to_datetime(number, uses_1904_epoch=uses_1904_epoch)
    return value if isinstance(value, str) else _format_date(value, code)


def _to_datetime(number: Decimal, *, uses_1904_epoch: bool) -> datetime | time | str:
    if not 0 <= number < _MAX_SERIAL:
        return _OUT_OF_RANGE
    days, fraction = divmod(number, 1)
    time_of_day = timedelta(milliseconds=round(fraction * _SECONDS_PER_DAY * 1000))
    epoch = date(1904, 1, 1) if uses_1904_epoch else date(1899, 12, 30)
    if not days and time_of_day < timedelta(days=1):
        return (datetime(1900, 1, 1) + time_of_day).time()  # noqa: DTZ001 - a cell has no time zone
    if not uses_1904_epoch and days == 60:
        # Excel has a 29 February 1900, for compatibility with Lotus 1-2-3.
        return "1900-02-29"
    # Dates before that day have a serial number that is one lower.
    offset = 1 if not uses_1904_epoch and 0 < days < 60 else 0
    try:
        return datetime.combine(epoch + timedelta(days=int(days) + offset), time()) + time_of_day
    except OverflowError:
        return _OUT_OF_RANGE


def _format_date(value: datetime | time, number_format: str) -> str:
    code = number_format.split(";", 1)[0]
    depends_on_locale = number_format == "mm-dd-yy" or "[$-F" in number_format
    if depends_on_locale or isinstance(value, time) or _TOKEN.sub("", code):
        return _format_iso(value)
    parts = []
    follows_hours = False
    for token in _TOKEN.findall(code):
        lower = token.lower()
        if lower in {"m", "mm"} and follows_hours:
            parts.append(f"{value.minute:0{len(lower)}d}")
        elif lower.startswith("h"):
            parts.append(f"{value.hour:0{len(lower)}d}")
        elif lower.startswith("s"):
            parts.append(f"{value.second:0{len(lower)}d}")
        elif lower in _PARTS:
            part = value.strftime(_PARTS[lower])
            parts.append(part.lstrip("0") if lower in {"d", "m"} else part)
        elif lower in {"am/pm", "a/p"}:
            return _format_iso(value)
        elif not lower.startswith(("[", ";", "@")):
            parts.append(token.strip('"').lstrip("\\"))
        if lower.strip("yd") == "" and lower.strip():
            follows_hours = False
        elif lower.startswith("h"):
            follows_hours = True
    return "".join(parts).strip()


def _format_iso(value: datetime | time) -> str:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
