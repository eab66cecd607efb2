"""Notation of a vendor's numbers, as a mapping describes it, and their conversion to plain numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache

DECIMAL_SIGNS = (".", ",")
THOUSANDS_SEPARATORS = ("", ".", ",", " ", "'")
FACTORS = ("1", "0.001", "0.01")
"""Factors of numbers: none, g to kg, and cents to a currency's unit. Others would round."""

MAX_REMOVED_TEXT = 20

_MULTIPLES = frozenset(("k", "m", "mn", "mio", "mrd", "bn", "tsd", "thousand", "million", "dz", "doz", "dozen"))
_EXACT = Context(prec=60)
_SPACES = "[ \u00a0\u2009\u202f]"
_APOSTROPHES = "['\u2019]"


def is_removable(text: str) -> bool:
    """Return whether a text may be removed from numbers: a currency or unit that does not change their meaning."""
    return (
        len(text) <= MAX_REMOVED_TEXT
        and all(unicodedata.category(c)[0] == "L" or unicodedata.category(c) == "Sc" or c in "./ " for c in text)
        and text.casefold().strip(". ") not in _MULTIPLES
    )


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
        """Return the plain number of a text in this notation, without spaces around it, otherwise None."""
        return self.build_converter()(text)

    def build_converter(self) -> Callable[[str], str | None]:
        """Return `convert` as a function, which is faster for many texts."""
        fullmatch = _compile_pattern(self).fullmatch
        factor = None if self.factor == "1" else Decimal(self.factor)

        def convert(text: str) -> str | None:
            match = fullmatch(text)
            if match is None:
                return None
            sign, integer, decimals = match.groups()
            if not integer.isdigit():
                integer = "".join(filter(str.isdigit, integer))
            number = f"{sign}{integer}.{decimals}" if decimals else f"{sign}{integer}"
            if factor is None:
                return number
            product = format(_EXACT.multiply(Decimal(number), factor), "f")
            return product.rstrip("0").rstrip(".") if "." in product else product

        return convert


@lru_cache(256)
def _compile_pattern(number_format: MappedNumberFormat) -> re.Pattern[str]:
    """Return the pattern of the numbers, with groups for the sign, the whole part and the decimals."""
    separator = {" ": _SPACES, "'": _APOSTROPHES}.get(
        number_format.thousands_separator, re.escape(number_format.thousands_separator)
    )
    grouped = f"[0-9]{{1,3}}(?:{separator}[0-9]{{3}})+|" if separator else ""
    unit = rf"(?:{re.escape(number_format.remove)})?" if number_format.remove else ""
    decimals = rf"(?:{re.escape(number_format.decimal_sign)}([0-9]{{1,20}}))?"
    return re.compile(rf"{unit}\s*(-?)({grouped}[0-9]{{1,20}}){decimals}\s*{unit}", re.IGNORECASE)
