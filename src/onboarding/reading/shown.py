"""A workbook's values as text, as the workbook shows them.

Signs of a currency and commas between thousands are left out: they dress a number up and are no part of it. Leading
zeros, decimals and words that a format adds are kept.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

_CODE = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]|(?P<general>general)|(?P<power>E[+-])|(?P<sign>.)',
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"[<>=]")
_DATE_CODE = re.compile(
    r"yyyy|yy|mmmm?|mm?|dddd?|dd?|hh?|ss?|am/pm|a/p|[-./:, ]|\"[^\"]*\"|\\.|\[\$?-?[^\]]*\]|;.*|@", re.IGNORECASE
)
_DIGITS = "0#?"
_THOUSANDS = " '\u00a0\u202f\u2019"

# Excel keeps fifteen digits, and rounds for show with halves away from zero.
_FIFTEEN = Context(prec=15, rounding=ROUND_HALF_UP)
_LARGEST_PLAIN = Decimal(10) ** 15
_SMALLEST_PLAIN = Decimal(10) ** -10
_MOST_DECIMALS = 30


@dataclass(frozen=True, slots=True)
class _Section:
    """One part of a number format: what stands before and after the digits, and how many digits there are."""

    prefix: str
    suffix: str
    # The places for digits before the point, from left to right, with the text between them.
    whole: tuple[str, ...]
    least_decimals: int
    most_decimals: int
    shift: int
    exponent: bool


def text_of(value: object, number_format: str) -> str:
    """The text of a cell's value under the cell's format."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, number_format)
    if isinstance(value, datetime | date | time):
        return _date(value, number_format)
    # Only a length of time is left.
    return str(value) if isinstance(value, timedelta) else ""


def _number(value: float, number_format: str) -> str:
    number = Decimal(value)
    if not number.is_finite():
        return "#NUM!"
    number = _FIFTEEN.plus(number)
    sections = _sections(number_format)
    # Of a longer number digits are lost, whatever the format would show in their place.
    if not sections or abs(number) >= _LARGEST_PLAIN:
        return _general(number)
    if number < 0:
        if len(sections) > 1:
            return _formatted(-number, sections[1])
        formatted = _formatted(-number, sections[0])
        return f"-{formatted}" if formatted.strip("0.,%E+- ") else formatted
    return _formatted(number, sections[2] if not number and len(sections) > 2 else sections[0])


def _general(number: Decimal) -> str:
    """A number without a format: in full as far as its digits are known, as 1.5E+20 where Excel has no more of them."""
    if not number:
        return "0"
    if _SMALLEST_PLAIN <= abs(number) < _LARGEST_PLAIN:
        plain = format(number, "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return _scientific(number, 0, 14)


def _scientific(number: Decimal, least: int, most: int) -> str:
    mantissa, exponent = f"{number:.{most}E}".split("E")
    return f"{_trimmed(mantissa, least)}E{int(exponent):+03d}"


def _trimmed(digits: str, least_decimals: int) -> str:
    """A number's digits without needless zeros at the end, but for the decimals that it must have."""
    if "." not in digits:
        return digits
    whole, decimals = digits.split(".")
    kept = decimals[:least_decimals] + decimals[least_decimals:].rstrip("0")
    return f"{whole}.{kept}" if kept else whole


def _formatted(number: Decimal, section: _Section | None) -> str:
    if section is None:
        return _general(number)
    shifted = number.scaleb(section.shift)
    if section.exponent:
        body = _scientific(shifted, section.least_decimals, section.most_decimals)
    elif not section.whole and not section.most_decimals:
        body = ""
    else:
        exact = format(shifted.quantize(Decimal(1).scaleb(-section.most_decimals), ROUND_HALF_UP, _WIDE), "f")
        whole, _, decimals = _trimmed(exact, section.least_decimals).partition(".")
        body = _placed(whole, section.whole) + (f".{decimals}" if decimals else "")
    shown = f"{section.prefix}{body}{section.suffix}".strip()
    # A format may show a dash for zero, or nothing at all.
    return shown if any(c.isdecimal() for c in shown) else _general(number)


# Wide enough for every number that a cell can hold, with all its decimals.
_WIDE = Context(prec=700)


def _placed(digits: str, places: tuple[str, ...]) -> str:
    """Digits put into a format's places from the right; more digits than places go before the first."""
    left = list(digits.lstrip("0"))
    out: list[str] = []
    for index, place in enumerate(reversed(places)):
        if place not in _DIGITS:
            out.append(place)
        elif left:
            out.append(left.pop())
        elif place == "0":
            out.append("0")
        if index == len(places) - 1:
            out.extend(reversed(left))
    return "".join(reversed(out))


@lru_cache(maxsize=256)
def _sections(number_format: str) -> tuple[_Section | None, ...]:
    """A format's parts for positive numbers, negative ones and zero; None where a number is shown as it is.

    Empty for formats that cannot be followed (conditions, fractions): a plain number is truer than a wrong one.
    """
    parts: list[list[re.Match[str]]] = [[]]
    for token in _CODE.finditer(number_format):
        if token["bracket"] is not None and _CONDITION.match(token["bracket"]):
            return ()
        if token["sign"] == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    sections = tuple(_section(tokens) for tokens in parts[:3])
    # A format without a place for a digit would hide the number or put a word in its place.
    return sections if any(section is not None for section in sections) else ()


def _section(tokens: list[re.Match[str]]) -> _Section | None:
    prefix = between = suffix = decimals = ""
    whole: list[str] = []
    shift = thousands = 0
    after_point = exponent = False
    for token in tokens:
        sign = token["sign"]
        if token["general"] or sign in {"@", "/"}:
            return None
        if token["power"]:
            exponent = True
        elif sign is None or sign not in "0#?.,":
            shift += 2 * (sign == "%")
            if exponent or after_point:
                suffix += _literal(token)
            elif whole:
                between += _literal(token)
            else:
                prefix += _literal(token)
        elif sign == ".":
            after_point = True
        elif sign == ",":
            # Before further places it stands between thousands; behind the last one it divides by a thousand.
            thousands += bool(whole)
        elif after_point:
            decimals += "" if exponent else sign
        elif not exponent:
            # What stands between two places is part of the number's shape (000-000), unless it parts thousands.
            whole += [sign] if "#" in whole and not between.strip(_THOUSANDS) else [*between, sign]
            between, thousands = "", 0
    if not whole and not decimals:
        return None
    least = len(decimals.rstrip("#?"))
    most = min(len(decimals), _MOST_DECIMALS)
    return _Section(prefix, between + suffix, tuple(whole), least, most, shift - 3 * thousands, exponent)


def _literal(token: re.Match[str]) -> str:
    text = token["quoted"] or token["escaped"] or token["sign"] or ""
    return "".join(c for c in text if unicodedata.category(c) != "Sc")


def _date(value: datetime | date | time, number_format: str) -> str:
    """A date under its format, in English; in ISO's form where the format leaves it to each computer."""
    code = number_format.split(";", 1)[0]
    left_to_the_computer = number_format == "mm-dd-yy" or "[$-F" in number_format
    if left_to_the_computer or isinstance(value, time) or _DATE_CODE.sub("", code):
        return _iso(value)
    out = []
    hours_before = False
    for token in _DATE_CODE.findall(code):
        lower = token.lower()
        if lower in {"m", "mm"} and hours_before:
            out.append(_clock(value, "minute", len(lower)))
        elif lower.startswith("h"):
            out.append(_clock(value, "hour", len(lower)))
        elif lower.startswith("s"):
            out.append(_clock(value, "second", len(lower)))
        elif lower in _DATE_PARTS:
            part = value.strftime(_DATE_PARTS[lower])
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


_DATE_PARTS = {
    "yyyy": "%Y", "yy": "%y", "mmmm": "%B", "mmm": "%b", "mm": "%m", "m": "%m",
    "dddd": "%A", "ddd": "%a", "dd": "%d", "d": "%d",
}  # fmt: skip


def _clock(value: date, part: str, digits: int) -> str:
    return f"{getattr(value, part, 0):0{digits}d}"


def _iso(value: datetime | date | time) -> str:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
