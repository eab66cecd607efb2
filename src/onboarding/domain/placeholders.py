"""Rules for placeholders of exports (`NULL`, `N/A`) and for the sample row of the template.

A placeholder counts as a blank value. In a required column it is an error; in an optional column the value is left out,
and a warning names the rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from onboarding.domain.column_types import ColumnType
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Row, RowError
from onboarding.domain.product_changes import VERSION
from onboarding.domain.product_schema import PRODUCT_SCHEMA, REQUIRED, columns_of_type
from onboarding.domain.text import quoted

PLACEHOLDER_WORDS = (
    "NULL", "(null)", "[null]", "<null>", r"\N", "nil", "None", "(none)", "NaN", "NaT", "NA", "<NA>", "N/A", "N.A.",
    "n.a", r"n\a", "undefined", "[object Object]", "not available", "not applicable", "(blank)", "(empty)", "(leer)",
    "(vide)", "TBD", "TBA", "t.b.d.", "k.A.", "-", "--", "---", "\u2013", "\u2014", "...", "…", "n/d", "n.d.", "s/d",
    "n.v.t.", "keine Angabe", "?", ".", "_", "*", '"', '""', "\u3003", "\u2033", "\u201d",
)  # fmt: skip
"""Placeholders; each also counts in upper case, in lower case, and capitalized."""

PLACEHOLDERS = frozenset(
    spelling for word in PLACEHOLDER_WORDS for spelling in (word, word.upper(), word.lower(), word.capitalize())
) - {r"\n"}

SAMPLE = {name: PRODUCT_SCHEMA[name].example for name in ("vendor_product_id", "sku", "description")}
"""Values that identify the sample row of the template, even if its other values were changed."""

_SAMPLE_SKU = SAMPLE["sku"]

# The rules for numbers and categories check placeholders themselves.
_TEXTS = tuple(column for column in REQUIRED if column in columns_of_type(ColumnType.IDENTIFIER, ColumnType.WORDS))


def build_placeholder_error(column: str, value: str) -> RowError:
    """Return the error of a placeholder in a required column."""
    message = f"{column} is the placeholder {quoted(value)}, not a value"
    return RowError(RowErrorCode.PLACEHOLDER_VALUE, column, message, value, f"a value for {column}")


def validate_no_placeholders(row: Row, _: object) -> Iterator[RowError] | tuple[()]:
    """Return an error for each required text column that has a placeholder."""
    cells = row.cells
    for column in _TEXTS:
        if cells.get(column) in PLACEHOLDERS:
            return _list_placeholder_errors(row)
    return ()


def _list_placeholder_errors(row: Row) -> Iterator[RowError]:
    for column in _TEXTS:
        value = row.cells.get(column, "")
        if value in PLACEHOLDERS:
            yield build_placeholder_error(column, value)


def validate_not_sample_row(row: Row, _: object) -> tuple[RowError, ...]:
    """Return an error if the row is the sample row of the template."""
    cells = row.cells
    if (
        cells.get("sku") != _SAMPLE_SKU
        or VERSION in cells
        or any(cells.get(column) != value for column, value in SAMPLE.items())
    ):
        return ()
    message = "This row is the sample row of the template, not one of your products"
    expected = "only your own products"
    return (RowError(RowErrorCode.SAMPLE_ROW, "row", message, SAMPLE["sku"], expected, "Delete the row from the file"),)
