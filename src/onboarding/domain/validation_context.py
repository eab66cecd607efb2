"""What a rule may know beside its row, and the key of a product."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from onboarding.domain.models import Mode, Product, Row


@dataclass(frozen=True, slots=True)
class ValidationContext:
    """What the database knows about a batch of rows of one mode.

    `categories` are the active ones among theirs, and all active ones if any of theirs is not: for the hints.
    `taken_skus` are the SKUs that products anywhere on the platform hold; `own_skus` are those of the vendor's own,
    with the vendor product id that has each. `taken_ids` are the vendor product ids of the vendor's own products, and
    `products` these products, where the mode may change them. Without a database at hand, `catalog_known` is false.

    New products are judged with the categories alone first: their keys keep out what is taken. No other fact has a key
    behind it; docs/extending.md says what a rule needs that reads one.
    """

    categories: Collection[str]
    taken_skus: Collection[str]
    taken_ids: Collection[tuple[str, str]]
    own_skus: Mapping[tuple[str, str], str] = field(default_factory=dict)
    mode: Mode = Mode.CREATE
    products: Mapping[tuple[str, str], Product] = field(default_factory=dict)
    catalog_known: bool = True

    def changes_a_product(self, row: Row) -> bool:
        """Whether the row is about a product that is there (as far as anybody knows), not about a new one."""
        if self.mode is Mode.UPSERT:
            return not self.catalog_known or product_key(row) in self.taken_ids
        return self.mode is Mode.UPDATE


def product_key(row: Row) -> tuple[str, str]:
    """What names a product for good: whose it is, and the vendor's own id of it."""
    return row.vendor_id, row.cells.get("vendor_product_id", "")
