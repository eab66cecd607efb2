"""Cells that a spreadsheet would run as a formula, made harmless so that it can be taken back. Pure."""

from __future__ import annotations

import re
import unicodedata

from onboarding.domain.text import INVISIBLE_START

# With a decimal comma or a point; a spreadsheet that reads it in another way still has nothing to run.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)(?:[.,][0-9]+)?")
_RUNS_AS_FORMULA = ("=", "+", "-", "@")
_SEPARATES_CELLS = ("\t", "\r", "\n")


def escape_formula(value: str) -> str:
    """`value` as a spreadsheet shows it and does not run it: an apostrophe before what would start a formula.

    A number keeps its minus. A leading apostrophe is doubled, so that taking one away always gives the value back.
    """
    # Nearly every value begins with an ASCII letter or digit.
    if (value[:1].isalnum() and value[0].isascii()) or not _may_run(value):
        return value
    return f"'{value}"


def unescape_formula(value: str) -> str:
    """The value that `inert` made harmless; any other as it is."""
    return value[1:] if value.startswith("'") and escape_formula(value[1:]) == value else value


def _may_run(value: str) -> bool:
    """Whether a spreadsheet may take the value for a formula, or the value begins with an apostrophe.

    Programs drop white space and invisible characters before a formula, and read full-width signs as plain ones.
    """
    if value.startswith(("'", *_SEPARATES_CELLS)):
        return True
    for spelling in (value, unicodedata.normalize("NFKC", value)):
        start = INVISIBLE_START.match(spelling)
        text = spelling[start.end() :] if start else spelling
        if text.startswith(_RUNS_AS_FORMULA) and not _NUMBER.fullmatch(text):
            return True
    return False
