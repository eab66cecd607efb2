"""What a row makes of a product that is there. Pure: the same for the real run and for the dry one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from onboarding.domain.models import Outcome, Product, Row
from onboarding.domain.product_schema import DEFAULTS, NUMBER_COLUMNS
from onboarding.domain.validation import CLEAR, cleared_columns
from onboarding.domain.validation_context import ValidationContext, product_key


def apply_changes(row: Row, product: Product) -> Mapping[str, object]:
    """The product's values after the row, which passed every rule: blank keeps, `CLEAR` empties, the rest replaces."""
    after = dict(product.values)
    for column, text in row.cells.items():
        if text.casefold() == CLEAR:
            after[column] = DEFAULTS.get(column)
        else:
            # Decimal("10.0") equals 10.00 and 10: only a different number is a change.
            after[column] = Decimal(text) if column in NUMBER_COLUMNS else text
    return after


def drop_cleared_cells(row: Row) -> Row:
    """The row of a new product: to clear a column there means to leave it blank."""
    cleared = cleared_columns(row)
    if not cleared:
        return row
    return replace(row, cells={column: text for column, text in row.cells.items() if column not in cleared})


def predict_outcome(row: Row, facts: ValidationContext) -> Outcome:
    """What a row that passed every rule will do to the catalog."""
    product = facts.products.get(product_key(row)) if facts.changes_a_product(row) else None
    if product is None:
        return Outcome.UPDATED if facts.changes_a_product(row) else Outcome.CREATED
    return Outcome.UNCHANGED if apply_changes(row, product) == product.values else Outcome.UPDATED
