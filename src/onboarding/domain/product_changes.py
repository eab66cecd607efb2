"""Effect of valid rows on existing products, the same for uploads and dry runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from onboarding.domain.models import Outcome, Product, Row
from onboarding.domain.product_schema import CHANGEABLE, DEFAULTS, NUMBER_COLUMNS
from onboarding.domain.validation_context import ValidationContext, product_key

CLEAR = "(clear)"
"""Cell that clears an optional column of an existing product; a blank cell leaves the column unchanged."""

VERSION = "_version"
"""Column of exports with the version of each product, see `format_version`; it is no column of the product schema."""

_CHANGEABLE = frozenset(CHANGEABLE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def format_version(updated_at: datetime) -> str:
    """Return the version of a product that was changed last at this time, such as `v62a2e8c5d1b40`.

    The letter keeps spreadsheet programs from reading it as a number.
    """
    return f"v{(updated_at - _EPOCH) // timedelta(microseconds=1):x}"


def drop_unchanged_cells(row: Row, product: Product | None) -> Row:
    """Return a row of an export without the cells that have the values of its product.

    Exports have all columns. The remaining cells are those that somebody has changed since, in the file or in the
    catalog: only they are validated and set. A value may be one that the rules reject today, or `CLEAR`. Rows without a
    version are returned unchanged.
    """
    if product is None or VERSION not in row.cells:
        return row
    cells = {
        column: text
        for column, text in row.cells.items()
        # The error of a repeated SKU names it.
        if column not in _CHANGEABLE or column in row.duplicate_of or not _is_value(column, text, product)
    }
    return replace(row, cells=cells)


def _is_value(column: str, text: str, product: Product) -> bool:
    value = product.values[column]
    if column in NUMBER_COLUMNS:
        return value is not None and NUMBER_COLUMNS[column].is_number(text) and Decimal(text) == value
    # Spreadsheet programs change line breaks.
    return text == value or (isinstance(value, str) and "\n" in text and _join_lines(text) == _join_lines(value))


def _join_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def list_cleared_columns(row: Row) -> tuple[str, ...]:
    """Return the columns that the row clears; in mode `create`, `CLEAR` has no special meaning."""
    cleared_names = tuple(column for column, text in row.cells.items() if text.casefold() == CLEAR)
    if not cleared_names or VERSION not in row.cells:
        return cleared_names
    # An export has the vendor product ID of each product as it is.
    return tuple(column for column in cleared_names if column in _CHANGEABLE)


def apply_changes(row: Row, product: Product) -> Mapping[str, object]:
    """Return the values of a product after a valid row.

    A blank cell keeps the value, `CLEAR` removes it, and any other cell replaces it.
    """
    values = dict(product.values)
    for column, text in drop_unchanged_cells(row, product).cells.items():
        if column not in _CHANGEABLE:
            continue
        if text.casefold() == CLEAR:
            values[column] = DEFAULTS.get(column)
        else:
            # Decimal("10.0") equals 10.00 and 10: only a different number is a change.
            values[column] = Decimal(text) if column in NUMBER_COLUMNS else text
    return values


def list_changes(values: Mapping[str, object], product: Product) -> dict[str, object]:
    """Return those of a product's new values that differ from the present ones, by column."""
    return {column: values[column] for column in CHANGEABLE if values[column] != product.values[column]}


def drop_cleared_cells(row: Row) -> Row:
    """Return the row of a new product without the cells with `CLEAR`: a new product has no value to remove."""
    cleared_names = list_cleared_columns(row)
    if not cleared_names:
        return row
    return replace(row, cells={column: text for column, text in row.cells.items() if column not in cleared_names})


def predict_outcome(row: Row, context: ValidationContext) -> Outcome:
    """Return the effect that a valid row will have on its product."""
    product = context.products.get(product_key(row)) if context.changes_a_product(row) else None
    if product is None:
        return Outcome.UPDATED if context.changes_a_product(row) else Outcome.CREATED
    return Outcome.UNCHANGED if apply_changes(row, product) == product.values else Outcome.UPDATED
