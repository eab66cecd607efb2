"""Number formats of a workbook: what a format code says, section by section."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from onboarding.files.currencies import currency_of
from onboarding.files.date_formats import is_date_code

MAX_CODE = 255
"""Characters of a number format; Excel takes no more."""

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

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]|(?P<general>general)|(?P<power>E[+-])|(?P<sign>.)',
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[0-9]+(?:\.[0-9]+)?)")
_THOUSANDS = " '\u00a0\u202f\u2019"
_MOST_DECIMALS = 30


@dataclass(frozen=True, slots=True)
class Section:
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


_GENERAL = Section("", "", "", (), 0, 0, 0, 0, exponent=False, condition=None)


@dataclass(frozen=True, slots=True, eq=False)
class NumberFormat:
    """A number format, understood; there is one for each code."""

    code: str
    is_date: bool
    sections: tuple[Section, ...]

    def section(self, number: Decimal) -> tuple[Section, Decimal]:
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


def _section(tokens: list[re.Match[str]]) -> Section:
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
