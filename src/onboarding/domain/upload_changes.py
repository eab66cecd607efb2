"""What the rows of an upload did to products or would do, and descriptions of changed values for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from onboarding.domain.catalog import ValueChange
from onboarding.domain.models import Outcome
from onboarding.domain.product_schema import NUMBER_COLUMNS, PRODUCT_SCHEMA

MAX_PREVIEWED = 20
"""Number of changed products in the result of a dry run."""

_PRICE = "price"


@dataclass(frozen=True, slots=True)
class ProductChange:
    """Effect of a row on its product. `changes` are the changed columns; none of a new product.

    `set_columns` are the columns that the row set if their new values are not known: a version before 0009 of the
    database has stored the change. The names are None if the product is no longer in the catalog.
    """

    row_number: int
    change_type: Outcome
    product_id: int
    vendor_product_id: str | None
    product_name: str | None
    changes: Sequence[ValueChange] = ()
    set_columns: Sequence[str] = ()

    @property
    def price_move(self) -> Decimal | None:
        """Return the change of the price relative to the old one, such as 0.25; None if the price is the same."""
        change = next((change for change in self.changes if change.column == _PRICE), None)
        if change is None or change.old is None or change.new is None:
            return None
        return Decimal(change.new) / Decimal(change.old) - 1


def sort_changes(changes: Iterable[ProductChange]) -> list[ProductChange]:
    """Return the changes with the largest relative change of a price first, and those without one last, by row."""
    return sorted(changes, key=lambda change: (-abs(change.price_move or Decimal(0)), change.row_number))


def format_value(column: str, text: str | None) -> str:
    """Return a value for people: numbers with thousands separators, `blank` for no value."""
    if text is None:
        return "blank"
    return f"{Decimal(text):,}" if column in NUMBER_COLUMNS else text


def format_price_move(move: Decimal | float) -> str:
    """Return a relative change as a percentage, such as `+25 %`."""
    return f"{100 * move:+,.1f}".removesuffix(".0") + " %"


def describe_change(change: ValueChange) -> str:
    """Return a changed value with its label, such as `Price: 10.00 → 12.50`."""
    old, new = (format_value(change.column, text) for text in (change.old, change.new))
    return f"{PRODUCT_SCHEMA[change.column].label}: {old} → {new}"
