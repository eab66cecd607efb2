"""The text of a numeric cell, for a number column, an identifier and a text column.

A number format changes what a cell shows, never what it holds. A number column takes the value, an identifier or a text
column what the cell shows, unless that hides digits. Excel keeps 15 significant digits of a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from onboarding.files.currencies import currency_of, without_symbols
from onboarding.files.date_formats import date_text, is_automatic, iso_text
from onboarding.files.number_formats import NumberFormat, Section

MAX_NUMBER = 64
"""Characters of a number as a workbook writes it; 17 digits, a point, a sign and an exponent are 24."""

_NUMERIC = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DIGITS = "0#?"
# What surrounds a number to show its sign, or to align it.
_SIGNS = " \u00a0\u202f()+-\u2212"

# Excel keeps fifteen digits, and rounds for display with halves away from zero.
_FIFTEEN = Context(prec=15, rounding=ROUND_HALF_UP)
# Wide enough for every number that a cell can hold, with all its decimals.
_WIDE = Context(prec=700)
_LARGEST_PLAIN = Decimal(10) ** 15
_SMALLEST_PLAIN = Decimal(10) ** -10


@dataclass(frozen=True, slots=True)
class NumberText:
    """A numeric cell in a number column: its text, its currency, and what the cell shows if that is another number."""

    text: str
    currency: str = ""
    shown: str = ""


@lru_cache(maxsize=4096)
def general(raw: str) -> str:
    """The text of a number without a format; `ValueError` if it is none."""
    number = _decimal(raw)
    return "#NUM!" if number is None else _general(number)


@lru_cache(maxsize=4096)
def in_text_column(raw: str, form: NumberFormat, *, since_1904: bool) -> str:
    """A number as the workbook shows it, without symbols of a currency and without commas between thousands."""
    number = _decimal(raw)
    if number is None:
        return "#NUM!"
    return date_text(number, form.code, since_1904=since_1904) if form.is_date else _shown(number, form)


@lru_cache(maxsize=4096)
def in_number_column(raw: str, form: NumberFormat, unit: str, *, since_1904: bool) -> NumberText:
    """The value of a number, with the format's decimals; a currency and `unit` (kg) around it are dropped.

    What else a format adds changes the meaning, so it stays, and the text is no plain number. A date is given in ISO's
    form, so that no part of one passes for a number.
    """
    number = _decimal(raw)
    if number is None:
        return NumberText("#NUM!")
    if form.is_date:
        return NumberText(iso_text(number, since_1904=since_1904))
    section, _ = form.section(number)
    if abs(number) >= _LARGEST_PLAIN:
        return NumberText(_general(number))
    value = number.scaleb(2 * section.percents)
    text = _general(value)
    if section.has_places and not section.exponent and "E" not in text:
        text = _with_decimals(text, section.least_decimals)
    prefix, suffix = section.prefix.strip(_SIGNS), section.suffix.strip(_SIGNS)
    currency = section.currency or currency_of(prefix + suffix)
    if not section.currency and currency:
        prefix = suffix = ""
    if prefix or (suffix and suffix.casefold() != unit):
        text = f"{section.prefix if prefix else ''}{text}{section.suffix if suffix else ''}".strip()
    rounded = _rounded(number, section)
    shown = "" if rounded is None or rounded == value else format(rounded, "f")
    return NumberText(text, currency, shown)


@lru_cache(maxsize=4096)
def in_identifier_column(raw: str, form: NumberFormat, *, since_1904: bool) -> str:
    """An identifier as the workbook shows it, as long as all its digits are shown.

    Decimals, a currency and commas that only a format adds are dropped. A date is given so that a rule recognises it.
    """
    number = _decimal(raw)
    if number is None:
        return "#NUM!"
    if form.is_date:
        if is_automatic(form.code):
            return date_text(number, form.code, since_1904=since_1904)
        iso = iso_text(number, since_1904=since_1904)
        # Of another century it is no date that a rule would recognise.
        return "########" if "-" in iso and iso[:2] not in {"19", "20"} else iso
    section, _ = form.section(number)
    rounded = _rounded(number, section)
    if section.exponent or abs(number) >= _LARGEST_PLAIN:
        return _shown(number, form)
    if number < 0 or (rounded is not None and rounded != number.scaleb(section.shift)) or section.shift < 0:
        return _general(number)
    if number == number.to_integral_value() and not section.shift:
        return _formatted(number, replace(section, least_decimals=0, most_decimals=0))
    return _shown(number, form)


def _decimal(raw: str) -> Decimal | None:
    """A number's fifteen digits; None if it is too large for a cell."""
    if len(raw) > MAX_NUMBER or not _NUMERIC.fullmatch(raw):
        raise ValueError(raw[:MAX_NUMBER])
    value = float(raw)
    return None if value in {float("inf"), float("-inf")} else _FIFTEEN.plus(Decimal(value))


def _general(number: Decimal) -> str:
    """A number in full as far as its digits are known, as 1.5E+20 where Excel has no more of them."""
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


def _with_decimals(text: str, least: int) -> str:
    """A plain number with at least so many decimals."""
    whole, _, decimals = text.partition(".")
    decimals = decimals.ljust(least, "0")
    return f"{whole}.{decimals}" if decimals else whole


def _rounded(number: Decimal, section: Section) -> Decimal | None:
    """The number that a section shows; None if it shows it as General, or as a power."""
    if not section.has_places or section.exponent:
        return None
    return number.scaleb(section.shift).quantize(Decimal(1).scaleb(-section.most_decimals), ROUND_HALF_UP, _WIDE)


def _shown(number: Decimal, form: NumberFormat) -> str:
    # Of a longer number digits are lost, whatever the format would show in their place.
    if abs(number) >= _LARGEST_PLAIN:
        return _general(number)
    section, magnitude = form.section(number)
    if magnitude >= 0:
        return _formatted(magnitude, section)
    formatted = _formatted(-magnitude, section)
    return f"-{formatted}" if formatted.strip("0.,%E+- ") else formatted


def _formatted(number: Decimal, section: Section) -> str:
    rounded = _rounded(number, section)
    if section.exponent:
        body = _scientific(number.scaleb(section.shift), section.least_decimals, section.most_decimals)
    elif rounded is None:
        body = _general(number.scaleb(section.shift))
    else:
        whole, _, decimals = _trimmed(format(rounded, "f"), section.least_decimals).partition(".")
        body = _placed(whole, section.whole) + (f".{decimals}" if decimals else "")
    shown = f"{without_symbols(section.prefix)}{body}{without_symbols(section.suffix)}".strip()
    # A format may show a dash for zero, or nothing at all.
    return shown if any(c.isdecimal() for c in shown) else _general(number)


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
