"""Cells that a spreadsheet would run as a formula, made harmless so that it can be taken back. Pure."""

from __future__ import annotations

import re

# With a decimal comma or a point; a spreadsheet that reads it in another way still has nothing to run.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)(?:[.,][0-9]+)?")
_RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def inert(value: str) -> str:
    """`value` as a spreadsheet shows it and does not run it: an apostrophe before what would start a formula.

    A number keeps its minus. A leading apostrophe is doubled, so that taking one away always gives the value back.
    """
    if value.startswith("'") or (value.startswith(_RUNS_AS_FORMULA) and not _NUMBER.fullmatch(value)):
        return f"'{value}"
    return value


def restored(value: str) -> str:
    """The value that `inert` made harmless; any other as it is."""
    return value[1:] if value.startswith("'") and inert(value[1:]) == value else value
