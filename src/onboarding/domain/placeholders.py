"""Values that stand for no value: placeholders of exports (`NULL`, `N/A`), and the sample row of our template. Pure.

A placeholder counts as a blank value. In a column that every product needs it is an error; elsewhere the value is left
out, and a warning names the rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from onboarding.domain.models import Row, RowError
from onboarding.domain.text import quoted

WORDS = (
    "NULL", "(null)", "[null]", "<null>", r"\N", "nil", "None", "(none)", "NaN", "NaT", "NA", "<NA>", "N/A", "N.A.",
    "n.a", r"n\a", "undefined", "[object Object]", "not available", "not applicable", "(blank)", "(empty)", "(leer)",
    "(vide)", "TBD", "TBA", "t.b.d.", "k.A.", "-", "--", "---", "\u2013", "\u2014", "...", "…", "n/d", "n.d.", "s/d",
    "n.v.t.", "keine Angabe", "?", ".", "_", "*", '"', '""', "\u3003", "\u2033", "\u201d",
)  # fmt: skip
"""In capitals, in small letters, and with a capital first."""

PLACEHOLDERS = frozenset(
    spelling for word in WORDS for spelling in (word, word.upper(), word.lower(), word.capitalize())
) - {r"\n"}

SAMPLE = {
    "vendor_product_id": "PROD0001",
    "sku": "CA-VEND001-0001",
    "description": "Ergonomic wireless mouse, 18 months on one battery",
}
"""By what the sample row of our template is recognised, whatever else of it was changed."""

_SAMPLE_SKU = SAMPLE["sku"]

# The others are checked where a number or a category is.
_TEXTS = ("vendor_product_id", "product_name", "sku")


def placeholder(column: str, value: str) -> RowError:
    """The error of a placeholder in a column that every product needs."""
    message = f"{column} is the placeholder {quoted(value)}, not a value"
    return RowError("PLACEHOLDER_VALUE", column, message, value, f"a value for {column}")


def has_no_placeholders(row: Row, _: object) -> Iterator[RowError] | tuple[()]:
    cells = row.cells
    if (
        cells.get("sku") in PLACEHOLDERS
        or cells.get("product_name") in PLACEHOLDERS
        or cells.get("vendor_product_id") in PLACEHOLDERS
    ):
        return _placeholders(row)
    return ()


def _placeholders(row: Row) -> Iterator[RowError]:
    for column in _TEXTS:
        value = row.cells.get(column, "")
        if value in PLACEHOLDERS:
            yield placeholder(column, value)


def is_not_the_sample(row: Row, _: object) -> tuple[RowError, ...]:
    cells = row.cells
    if cells.get("sku") != _SAMPLE_SKU or any(cells.get(column) != value for column, value in SAMPLE.items()):
        return ()
    message = "This row is the sample row of the template, not a product of yours"
    expected = "your own products alone"
    return (RowError("SAMPLE_ROW", "row", message, SAMPLE["sku"], expected, "Delete the row from the file"),)
