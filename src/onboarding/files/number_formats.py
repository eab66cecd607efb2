"""Parser of the number formats of a workbook."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from onboarding.files.currencies import detect_currency
from onboarding.files.date_formats import is_date_code

MAX_FORMAT_CODE = 255
"""Maximum length of a format code, as in Excel."""

MAX_DECIMALS = 30
"""Maximum number of decimals that are displayed."""

BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "mm-dd-yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "m/d/yy h:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mmss.0", 48: "##0.0E+0", 49: "@",
    67: "0%", 68: "0.00%",
    # Formats in the currency of the computer, which the workbook does not name.
    **dict.fromkeys((5, 6, 37, 38, 41, 42), "#,##0_);(#,##0)"),
    **dict.fromkeys((7, 8, 39, 40, 43, 44), "#,##0.00_);(#,##0.00)"),
    # Date formats of the East Asian and Thai editions of Excel.
    **dict.fromkeys((*range(27, 37), *range(50, 59), *range(71, 82)), "mm-dd-yy"),
}  # fmt: skip
"""Format codes of the built-in format numbers; any other number is General."""

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]|(?P<general>general)|(?P<power>E[+-])|(?P<sign>.)',
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[0-9]+(?:\.[0-9]+)?)")
_PLACEHOLDERS = "0#?"
_THOUSANDS = " '\u00a0\u202f\u2019"


@dataclass(frozen=True, slots=True)
class Section:
    """Section of a number format.

    Without digit placeholders (`whole` and `max_decimals`) it shows a number as General does.
    """

    prefix: str
    suffix: str
    # Currency in brackets ([$kr-41D]); a currency in plain text is part of `prefix` or `suffix`.
    currency: str
    # Digit placeholders before the point, with the text between them.
    whole: str
    min_decimals: int
    max_decimals: int
    # Number of `%` signs, each multiplies by 100, and of commas after the digits, each divides by 1,000.
    percents: int
    thousands: int
    exponent: bool
    condition: tuple[str, Decimal] | None
    # Indexes of the placeholders in `whole` if it has text between them.
    placeholders: tuple[int, ...] = ()

    @property
    def shift(self) -> int:
        """Return the power of ten by which the displayed number differs from the value."""
        return 2 * self.percents - 3 * self.thousands

    @property
    def has_placeholders(self) -> bool:
        return bool(self.whole or self.max_decimals)

    def matches(self, number: Decimal) -> bool:
        """Return whether a number meets the condition of the section."""
        if self.condition is None:
            return True
        sign, bound = self.condition
        return (
            ("<" in sign and number < bound)
            or (">" in sign and number > bound)
            or (sign in {"=", "<=", ">="} and number == bound)
        )


_GENERAL = Section("", "", "", "", 0, 0, 0, 0, exponent=False, condition=None)


@dataclass(frozen=True, slots=True, eq=False)
class NumberFormat:
    """Parsed number format; compared by identity, since the cache has one for each code."""

    code: str
    is_date: bool
    sections: tuple[Section, ...]
    # Whether numbers are displayed as by General, and whether a section has a condition.
    is_general: bool
    has_conditions: bool

    def select_section(self, number: Decimal) -> tuple[Section, Decimal]:
        """Return the section for a number, and the number to display; a section for negatives displays it unsigned."""
        if self.has_conditions:
            return next((s for s in self.sections if s.matches(number)), _GENERAL), number
        if number < 0 and len(self.sections) > 1:
            return self.sections[1], -number
        return self.sections[2 if not number and len(self.sections) > 2 else 0], number


@lru_cache(maxsize=1024)
def parse_number_format(code: str) -> NumberFormat:
    """Parse a format code of at most `MAX_FORMAT_CODE` characters."""
    parts: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(code):
        if token["sign"] == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    is_date = is_date_code(code)
    sections = tuple(_parse_section(tokens) for tokens in parts[:3])
    is_general = not is_date and sections == (_GENERAL,)
    return NumberFormat(code, is_date, sections, is_general, any(section.condition for section in sections))


def _parse_section(tokens: list[re.Match[str]]) -> Section:
    # Text before, between and after the digits.
    texts = ["", "", ""]
    decimals = currency = ""
    integer_part: list[str] = []
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
            literal, token_currency, token_condition = _parse_literal(token)
            texts[2 if exponent or after_point or is_general else 1 if integer_part else 0] += literal
            currency, condition = currency or token_currency, condition or token_condition
            percents += sign == "%"
        elif sign == ".":
            after_point = True
        elif sign == ",":
            # A comma before further placeholders separates thousands; after the last one it divides by 1,000.
            thousands += bool(integer_part)
        elif after_point:
            decimals += "" if exponent else sign
        elif not exponent:
            # Text between two placeholders is part of the number (000-000), unless it separates thousands.
            integer_part += [sign] if "#" in integer_part and not texts[1].strip(_THOUSANDS) else [*texts[1], sign]
            texts[1], thousands = "", 0
    if not is_general and not integer_part and not decimals:
        # A format without placeholders would hide the number or replace it with text.
        return replace(_GENERAL, condition=condition)
    section = replace(_GENERAL, prefix=texts[0], suffix=texts[1] + texts[2], currency=currency, percents=percents)
    section = replace(section, condition=condition)
    if is_general:
        return section
    positions = tuple(index for index, sign in enumerate(integer_part) if sign in _PLACEHOLDERS)
    return replace(
        section,
        whole="".join(integer_part),
        placeholders=() if len(positions) == len(integer_part) else positions,
        min_decimals=len(decimals.rstrip("#?")),
        max_decimals=min(len(decimals), MAX_DECIMALS),
        thousands=thousands,
        exponent=exponent,
    )


def _parse_literal(token: re.Match[str]) -> tuple[str, str, tuple[str, Decimal] | None]:
    """Return the text of a token, its currency, and its condition."""
    bracket = token["bracket"]
    if bracket is None:
        return token["quoted"] or token["escaped"] or token["sign"] or "", "", None
    if match := _CONDITION.fullmatch(bracket.strip()):
        return "", "", (match[1], Decimal(match[2]))
    name, is_currency = _parse_bracket(bracket)
    return ("", name, None) if is_currency else (name, "", None)


def _parse_bracket(text: str) -> tuple[str, bool]:
    """Return the name in a bracket such as `[$zł-415]`, and whether it is a currency; blank for colours and locales."""
    if not text.startswith("$"):
        return "", False
    name, language, _ = text[1:].partition("-")
    currency = detect_currency(name)
    return (currency or name.strip(), bool(language or currency)) if name else ("", False)
