"""Number formats of a workbook: the text of a numeric cell for a number, an identifier or a text column.

A number format changes what a cell shows, never what it holds. A number column takes the value, an identifier or a text
column what the cell shows, unless that hides digits. Excel keeps 15 significant digits of a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from onboarding.reading.currencies import currency_of, without_symbols
from onboarding.reading.date_formats import date_text, is_automatic, is_date_code, iso_text

MAX_CODE = 255
"""Characters of a number format; Excel takes no more."""

MAX_NUMBER = 64
"""Characters of a number as a workbook writes it; 17 digits, a point, a sign and an exponent are 24."""

BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "mm-dd-yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "m/d/yy h:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mmss.0", 48: "##0.0E+0", 49: "@",
    67: "0%", 68: "0.00%",
    # Their currency is the one of each computer, so none is known.
    **dict.fromkeys((5, 6, 37, 38, 41, 42), "#,##0_);(#,##0)"),
    **dict.fromkeys((7, 8, 39, 40, 43, 44), "#,##0.00_);(#,##0.00)"),
    # Dates of East Asian and Thai editions.
    **dict.fromkeys((*range(27, 37), *range(50, 59), *range(71, 82)), "mm-dd-yy"),
}  # fmt: skip
"""The formats that a workbook names by number alone; any other number is General."""

_NUMERIC = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]|(?P<general>general)|(?P<power>E[+-])|(?P<sign>.)',
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[0-9]+(?:\.[0-9]+)?)")
_DIGITS = "0#?"
_THOUSANDS = " '\u00a0\u202f\u2019"
# What surrounds a number to show its sign, or to align it.
_SIGNS = " \u00a0\u202f()+-\u2212"

# Excel keeps fifteen digits, and rounds for display with halves away from zero.
_FIFTEEN = Context(prec=15, rounding=ROUND_HALF_UP)
# Wide enough for every number that a cell can hold, with all its decimals.
_WIDE = Context(prec=700)
_LARGEST_PLAIN = Decimal(10) ** 15
_SMALLEST_PLAIN = Decimal(10) ** -10
_MOST_DECIMALS = 30


@dataclass(frozen=True, slots=True)
class NumberText:
    """A numeric cell in a number column: its text, its currency, and what the cell shows if that is another number."""

    text: str
    currency: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True)
class _Section:
    """One part of a number format: the text around the digits, and how many digits there are.

    Without places for digits (`whole` and `most_decimals`) it shows the number as General does.
    """

    prefix: str
    suffix: str
    # A currency that the format names as such ([$kr-41D]), not as plain text.
    currency: str
    # The places for digits before the point, from left to right, with the text between them.
    whole: tuple[str, ...]
    least_decimals: int
    most_decimals: int
    # Percents multiply what is shown, commas behind the digits divide it.
    percents: int
    thousands: int
    exponent: bool
    condition: tuple[str, Decimal] | None

    @property
    def shift(self) -> int:
        return 2 * self.percents - 3 * self.thousands

    @property
    def has_places(self) -> bool:
        return bool(self.whole or self.most_decimals)

    def takes(self, number: Decimal) -> bool:
        """Whether the section's condition holds."""
        if self.condition is None:
            return True
        sign, bound = self.condition
        return (
            ("<" in sign and number < bound)
            or (">" in sign and number > bound)
            or (sign in {"=", "<=", ">="} and number == bound)
        )


_GENERAL = _Section("", "", "", (), 0, 0, 0, 0, exponent=False, condition=None)


@dataclass(frozen=True, slots=True, eq=False)
class NumberFormat:
    """A number format, understood; there is one for each code."""

    code: str
    is_date: bool
    sections: tuple[_Section, ...]

    def section(self, number: Decimal) -> tuple[_Section, Decimal]:
        """The section for a number, and the number as that section shows it (without its sign, if it has its own)."""
        if any(section.condition for section in self.sections):
            return next((s for s in self.sections if s.takes(number)), _GENERAL), number
        if number < 0 and len(self.sections) > 1:
            return self.sections[1], -number
        return self.sections[2 if not number and len(self.sections) > 2 else 0], number


@lru_cache(maxsize=1024)
def number_format(code: str) -> NumberFormat:
    """A number format of at most `MAX_CODE` characters."""
    parts: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(code):
        if token["sign"] == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    return NumberFormat(code, is_date_code(code), tuple(_section(tokens) for tokens in parts[:3]))


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


def _section(tokens: list[re.Match[str]]) -> _Section:
    # The text before the digits, between them, and behind them.
    texts = ["", "", ""]
    decimals = currency = ""
    whole: list[str] = []
    percents = thousands = 0
    after_point = exponent = is_general = False
    condition = None
    for token in tokens:
        sign = token["sign"]
        if token["general"] or sign in {"@", "/"}:
            is_general = True
        elif token["power"]:
            exponent = True
        elif sign is None or sign not in "0#?.,":
            literal, named, found = _literal(token)
            texts[2 if exponent or after_point or is_general else 1 if whole else 0] += literal
            currency, condition = currency or named, condition or found
            percents += sign == "%"
        elif sign == ".":
            after_point = True
        elif sign == ",":
            # Before further places it separates thousands; behind the last one it divides by a thousand.
            thousands += bool(whole)
        elif after_point:
            decimals += "" if exponent else sign
        elif not exponent:
            # What stands between two places is part of the number's shape (000-000), unless it separates thousands.
            whole += [sign] if "#" in whole and not texts[1].strip(_THOUSANDS) else [*texts[1], sign]
            texts[1], thousands = "", 0
    if not is_general and not whole and not decimals:
        # A format without a place for a digit would hide the number or put a word in its place.
        return replace(_GENERAL, condition=condition)
    section = replace(_GENERAL, prefix=texts[0], suffix=texts[1] + texts[2], currency=currency, percents=percents)
    section = replace(section, condition=condition)
    if is_general:
        return section
    least, most = len(decimals.rstrip("#?")), min(len(decimals), _MOST_DECIMALS)
    return replace(
        section,
        whole=tuple(whole),
        least_decimals=least,
        most_decimals=most,
        thousands=thousands,
        exponent=exponent,
    )


def _literal(token: re.Match[str]) -> tuple[str, str, tuple[str, Decimal] | None]:
    """The text that a token shows, the currency that it names, and its condition."""
    bracket = token["bracket"]
    if bracket is None:
        return token["quoted"] or token["escaped"] or token["sign"] or "", "", None
    if found := _CONDITION.fullmatch(bracket.strip()):
        return "", "", (found[1], Decimal(found[2]))
    name, is_currency = _in_bracket(bracket)
    return ("", name, None) if is_currency else (name, "", None)


def _in_bracket(text: str) -> tuple[str, bool]:
    """What `[$zł-415]` names, and whether that is a currency; colours, conditions and languages name nothing."""
    if not text.startswith("$"):
        return "", False
    name, language, _ = text[1:].partition("-")
    currency = currency_of(name)
    return (currency or name.strip(), bool(language or currency)) if name else ("", False)


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


def _rounded(number: Decimal, section: _Section) -> Decimal | None:
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


def _formatted(number: Decimal, section: _Section) -> str:
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
