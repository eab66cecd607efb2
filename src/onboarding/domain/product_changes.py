"""Effect of valid rows on existing products, the same for uploads and dry runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from onboarding.domain.models import Outcome, Product, Row
from onboarding.domain.product_schema import DEFAULTS, NUMBER_COLUMNS
from onboarding.domain.validation import CLEAR, list_cleared_columns
from onboarding.domain.validation_context import ValidationContext, product_key


def apply_changes(row: Row, product: Product) -> Mapping[str, object]:
    """Return the values of a product after a valid row.

    A blank cell keeps the value, `CLEAR` removes it, and any other cell replaces it.
    """
    values = dict(product.values)
    for column, text in row.cells.items():
        if text.casefold() == CLEAR:
            values[column] = DEFAULTS.get(column)
        else:
            # Decimal("10.0") equals 10.00 and 10: only a different number is a change.
            values[column] = Decimal(text) if column in NUMBER_COLUMNS else text
    return values


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
