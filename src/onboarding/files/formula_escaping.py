"""Reversible escaping of cells that a spreadsheet would run as formulas."""

from __future__ import annotations

import re
import unicodedata

from onboarding.domain.text import INVISIBLE_START

# A number with a decimal comma or point: it is not a formula in any locale.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)(?:[.,][0-9]+)?")
_FORMULA_SIGNS = ("=", "+", "-", "@")
_CELL_SEPARATORS = ("\t", "\r", "\n")


def escape_formula(value: str) -> str:
    """Return the value with an apostrophe before it if a spreadsheet would run it as a formula.

    Negative numbers are not changed. A leading apostrophe is doubled, so that removing one always restores the value.
    """
    # Fast path: nearly every value begins with an ASCII letter or digit.
    if (value[:1].isalnum() and value[0].isascii()) or not _needs_escape(value):
        return value
    return f"'{value}"


def unescape_formula(value: str) -> str:
    """Return the value that `escape_formula` escaped; return other values unchanged."""
    return value[1:] if value.startswith("'") and escape_formula(value[1:]) == value else value


def _needs_escape(value: str) -> bool:
    """Return whether a spreadsheet may run the value as a formula, or the value begins with an apostrophe.

    Some programs ignore white space and invisible characters before a formula and read full-width signs as ASCII.
    """
    if value.startswith(("'", *_CELL_SEPARATORS)):
        return True
    for spelling in (value, unicodedata.normalize("NFKC", value)):
        start = INVISIBLE_START.match(spelling)
        text = spelling[start.end() :] if start else spelling
        if text.startswith(_FORMULA_SIGNS) and not _NUMBER.fullmatch(text):
            return True
    return False
