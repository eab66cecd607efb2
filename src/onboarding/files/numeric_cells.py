"""Text of numeric cells for number, identifier and text columns.

A number column uses the value of a cell. An identifier or text column uses the displayed text, unless the number format
hides digits. Excel stores 15 significant digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from onboarding.files.currencies import detect_currency, remove_currency_symbols
from onboarding.files.date_formats import format_date, format_iso_date, is_automatic_format
from onboarding.files.number_formats import MAX_DECIMALS, NumberFormat, Section

MAX_NUMBER = 64
"""Maximum length of a number in a workbook; 17 digits, a point, a sign and an exponent have 24 characters."""

_NUMERIC = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# Numbers that General displays as they are, if they have less than `_SHORT` characters.
_PLAIN = re.compile(r"(?!-0\Z)-?(?:0|[1-9][0-9]*)(?:\.[0-9]{0,9}[1-9])?")
_SHORT = 16
_DIGIT = re.compile(r"\d")
_DROPPED_PLACEHOLDERS = str.maketrans("", "", "#?")
# Characters around a number that show its sign or align it.
_SIGNS_AND_SPACES = " \u00a0\u202f()+-\u2212"

# Excel stores 15 digits, and rounds halves away from zero for display.
_FIFTEEN_DIGITS = Context(prec=15, rounding=ROUND_HALF_UP)
# Precise enough for any number of a cell with all its decimals.
_WIDE = Context(prec=700)
_UNITS = tuple(Decimal(1).scaleb(-decimals) for decimals in range(MAX_DECIMALS + 1))
_LARGEST_PLAIN = Decimal(10) ** 15
_SMALLEST_PLAIN = Decimal(10) ** -10


@dataclass(frozen=True, slots=True)
class NumberText:
    """Text and currency of a cell in a number column; `displayed` is the displayed number if it differs."""

    text: str
    currency: str = ""
    displayed: str = ""


def check_number(raw: str) -> None:
    """Raise `ValueError` if a text is not a number."""
    if len(raw) > MAX_NUMBER or not _NUMERIC.fullmatch(raw):
        raise ValueError(raw[:MAX_NUMBER])


@lru_cache(maxsize=4096)
def format_general(raw: str) -> str:
    """Return the text of a number without a format; raise `ValueError` if it is not a number."""
    if len(raw) < _SHORT and _PLAIN.fullmatch(raw):
        return raw
    number = _parse_number(raw)
    return "#NUM!" if number is None else _format_general(number)


def format_for_text_column(raw: str, number_format: NumberFormat, *, uses_1904_epoch: bool) -> str:
    """Return the displayed text of a number, without currency symbols and thousands separators."""
    if number_format.is_general:
        return format_general(raw)
    return _format_for_text_column(raw, number_format, uses_1904_epoch=uses_1904_epoch)


@lru_cache(maxsize=4096)
def _format_for_text_column(raw: str, number_format: NumberFormat, *, uses_1904_epoch: bool) -> str:
    number = _parse_number(raw)
    if number is None:
        return "#NUM!"
    if number_format.is_date:
        return format_date(number, number_format.code, uses_1904_epoch=uses_1904_epoch)
    return _format_displayed(number, number_format)


@lru_cache(maxsize=4096)
def format_for_number_column(raw: str, number_format: NumberFormat, unit: str, *, uses_1904_epoch: bool) -> NumberText:
    """Return the value of a number with the decimals of the format, without its currency and `unit` (kg).

    Other text of the format changes the meaning: it stays, and the result is not a number. A date is in ISO format, so
    that no part of it is read as a number.
    """
    number = _parse_number(raw)
    if number is None:
        return NumberText("#NUM!")
    if number_format.is_date:
        return NumberText(format_iso_date(number, uses_1904_epoch=uses_1904_epoch))
    section, _ = number_format.select_section(number)
    if abs(number) >= _LARGEST_PLAIN:
        return NumberText(_format_general(number))
    value = number.scaleb(2 * section.percents)
    text = _format_general(value)
    if section.has_placeholders and not section.exponent and "E" not in text:
        text = _pad_decimals(text, section.min_decimals)
    prefix, suffix = section.prefix.strip(_SIGNS_AND_SPACES), section.suffix.strip(_SIGNS_AND_SPACES)
    currency = section.currency or detect_currency(prefix + suffix)
    if not section.currency and currency:
        prefix = suffix = ""
    if prefix or (suffix and suffix.casefold() != unit):
        text = f"{section.prefix if prefix else ''}{text}{section.suffix if suffix else ''}".strip()
    displayed_number = _round_for_display(number, section)
    displayed_text = "" if displayed_number is None or displayed_number == value else format(displayed_number, "f")
    return NumberText(text, currency, displayed_text)


@lru_cache(maxsize=4096)
def format_for_identifier_column(raw: str, number_format: NumberFormat, *, uses_1904_epoch: bool) -> str:
    """Return the displayed text of an identifier, or its value if the format hides digits.

    Decimals, a currency and commas of the format are dropped. Dates have a form that `spreadsheet_damage` recognizes.
    """
    number = _parse_number(raw)
    if number is None:
        return "#NUM!"
    if number_format.is_date:
        if is_automatic_format(number_format.code):
            return format_date(number, number_format.code, uses_1904_epoch=uses_1904_epoch)
        iso = format_iso_date(number, uses_1904_epoch=uses_1904_epoch)
        # The validation rules recognize dates of these two centuries only.
        return "########" if "-" in iso and iso[:2] not in {"19", "20"} else iso
    section, _ = number_format.select_section(number)
    displayed_number = _round_for_display(number, section)
    if section.exponent or abs(number) >= _LARGEST_PLAIN:
        return _format_displayed(number, number_format)
    if (
        number < 0
        or (displayed_number is not None and displayed_number != number.scaleb(section.shift))
        or section.shift < 0
    ):
        return _format_general(number)
    if number == number.to_integral_value() and not section.shift:
        return _format_section(number, replace(section, min_decimals=0, max_decimals=0))
    return _format_displayed(number, number_format)


def _parse_number(raw: str) -> Decimal | None:
    """Return a number rounded to 15 digits; None if it is too large for a cell."""
    check_number(raw)
    if len(raw) < _SHORT and "E" not in raw and "e" not in raw:
        # At most 15 digits: equal to its floating-point number rounded to 15 digits.
        return Decimal(raw) or Decimal(0)
    value = float(raw)
    return None if value in {float("inf"), float("-inf")} else _FIFTEEN_DIGITS.plus(Decimal(value))


def _format_general(number: Decimal) -> str:
    """Return a number in full, or as 1.5E+20 if it has more digits than Excel stores."""
    if not number:
        return "0"
    if _SMALLEST_PLAIN <= abs(number) < _LARGEST_PLAIN:
        digits = format(number, "f")
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    return _format_scientific(number, 0, 14)


def _format_scientific(number: Decimal, min_decimals: int, max_decimals: int) -> str:
    mantissa, exponent = f"{number:.{max_decimals}E}".split("E")
    return f"{_trim_zeros(mantissa, min_decimals)}E{int(exponent):+03d}"


def _trim_zeros(digits: str, min_decimals: int) -> str:
    """Remove zeros at the end of the decimals after the first `min_decimals`."""
    if "." not in digits:
        return digits
    integer, decimals = digits.split(".")
    trimmed_decimals = decimals[:min_decimals] + decimals[min_decimals:].rstrip("0")
    return f"{integer}.{trimmed_decimals}" if trimmed_decimals else integer


def _pad_decimals(text: str, min_decimals: int) -> str:
    """Append zeros to a plain number until it has at least `min_decimals`."""
    integer, _, decimals = text.partition(".")
    decimals = decimals.ljust(min_decimals, "0")
    return f"{integer}.{decimals}" if decimals else integer


def _round_for_display(number: Decimal, section: Section) -> Decimal | None:
    """Return the number that a section displays; None for General and scientific notation."""
    if not section.has_placeholders or section.exponent:
        return None
    return _scale(number, section).quantize(_UNITS[section.max_decimals], ROUND_HALF_UP, _WIDE)


def _scale(number: Decimal, section: Section) -> Decimal:
    """Return the number that a section displays, before rounding."""
    shift = section.shift
    return number.scaleb(shift) if shift else number


def _format_displayed(number: Decimal, number_format: NumberFormat) -> str:
    # Excel has lost digits of a longer number: show that, regardless of the format.
    if abs(number) >= _LARGEST_PLAIN:
        return _format_general(number)
    section, magnitude = number_format.select_section(number)
    if magnitude >= 0:
        return _format_section(magnitude, section)
    text = _format_section(-magnitude, section)
    return f"-{text}" if text.strip("0.,%E+- ") else text


def _format_section(number: Decimal, section: Section) -> str:
    displayed_number = _round_for_display(number, section)
    if section.exponent:
        body = _format_scientific(_scale(number, section), section.min_decimals, section.max_decimals)
    elif displayed_number is None:
        body = _format_general(_scale(number, section))
    else:
        integer, _, decimals = _trim_zeros(format(displayed_number, "f"), section.min_decimals).partition(".")
        # Excel displays the whole digits also if the format has no placeholder for them.
        body = _fill_placeholders(integer, section) + (f".{decimals}" if decimals else "")
    text = f"{remove_currency_symbols(section.prefix)}{body}{remove_currency_symbols(section.suffix)}".strip()
    # A format may display a dash for zero, or nothing.
    return text if _DIGIT.search(text) else _format_general(number)


def _fill_placeholders(digits: str, section: Section) -> str:
    """Insert digits into placeholders from the right; surplus digits precede the first placeholder."""
    digits, whole, positions = digits.lstrip("0"), section.whole, section.placeholders
    if not positions:
        return "0" * whole.count("0", 0, max(len(whole) - len(digits), 0)) + digits
    filled = positions[max(len(positions) - len(digits), 0) :]
    if not filled:
        return whole.translate(_DROPPED_PLACEHOLDERS)
    surplus = len(digits) - len(filled)
    # Each digit is followed by the text up to the next placeholder.
    ends = (*filled[1:], len(whole))
    pieces = [
        f"{digit}{whole[start + 1 : end]}" for digit, start, end in zip(digits[surplus:], filled, ends, strict=True)
    ]
    return f"{whole[: filled[0]].translate(_DROPPED_PLACEHOLDERS)}{digits[:surplus]}{''.join(pieces)}"
