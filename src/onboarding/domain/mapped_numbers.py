"""Notation of a vendor's numbers, as a mapping describes it, and their conversion to plain numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
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
            product = format(Decimal(number) * factor, "f")
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
    return re.compile(rf"\s*{unit}\s*(-?)({grouped}[0-9]{{1,20}}){decimals}\s*{unit}\s*", re.IGNORECASE)
