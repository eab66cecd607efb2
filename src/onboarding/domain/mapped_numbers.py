"""Notation of a vendor's numbers, as a mapping describes it, and their conversion to plain numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

DECIMAL_SIGNS = (".", ",")
THOUSANDS_SEPARATORS = ("", ".", ",", " ", "'")
FACTORS = ("1", "0.001", "0.01")
"""Factors of numbers: none, g to kg, and cents to a currency's unit. Others would round."""

_SPACES = "[ \u00a0\u2009\u202f]"
_APOSTROPHES = "['\u2019]"


@dataclass(frozen=True, slots=True)
class MappedNumberFormat:
    """Notation of the numbers under a header.

    `remove` is a currency or unit before or after the number. The number is multiplied by `factor`.
    """

    decimal_sign: str = "."
    thousands_separator: str = ""
    remove: str = ""
    factor: str = "1"

    def convert(self, text: str) -> str | None:
        """Return the plain number of a text in this notation, otherwise None."""
        match = _compile_number(self).fullmatch(text.strip())
        if match is None:
            return None
        sign, integer, decimals = match["sign"] or "", match["integer"], match["decimals"]
        digits = "".join(character for character in integer if character.isdecimal())
        number = f"{sign}{digits}{f'.{decimals}' if decimals else ''}"
        if self.factor == "1":
            return number
        product = format(Decimal(number) * Decimal(self.factor), "f")
        return product.rstrip("0").rstrip(".") if "." in product else product


@lru_cache(256)
def _compile_number(number_format: MappedNumberFormat) -> re.Pattern[str]:
    separator = {" ": _SPACES, "'": _APOSTROPHES}.get(
        number_format.thousands_separator, re.escape(number_format.thousands_separator)
    )
    grouped = f"[0-9]{{1,3}}(?:{separator}[0-9]{{3}})+|" if separator else ""
    unit = rf"(?:{re.escape(number_format.remove)})?" if number_format.remove else ""
    decimals = rf"(?:{re.escape(number_format.decimal_sign)}(?P<decimals>[0-9]{{1,20}}))?"
    return re.compile(
        rf"{unit}\s*(?P<sign>-)?(?P<integer>{grouped}[0-9]{{1,20}}){decimals}\s*{unit}", re.IGNORECASE | re.ASCII
    )
