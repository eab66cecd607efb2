"""Catalog data that validation rules use beside their row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from onboarding.domain.models import Mode, Product, Row


@dataclass(frozen=True, slots=True)
class ValidationContext:
    """Catalog data about a batch of rows of one mode.

    - `categories`: active categories of the rows; all active categories if a row has another one, for hints.
    - `taken_skus`: SKUs of the rows that products of any vendor have.
    - `taken_ids`: product keys (see `product_key`) of the rows that exist.
    - `own_skus`: vendor product ID by vendor ID and SKU, for SKUs that the rows' own vendors have.
    - `products`: existing products by product key, if the mode can change them.
    - `catalog_known`: false if there is no database to ask, as in an offline dry run.

    Rows that create products are first validated with `categories` only, because unique keys of the table exclude taken
    SKUs and IDs. A rule that needs other catalog data must load it before that: see docs/extending.md.
    """

    categories: Collection[str]
    taken_skus: Collection[str]
    taken_ids: Collection[tuple[str, str]]
    own_skus: Mapping[tuple[str, str], str] = field(default_factory=dict)
    mode: Mode = Mode.CREATE
    products: Mapping[tuple[str, str], Product] = field(default_factory=dict)
    catalog_known: bool = True

    def changes_a_product(self, row: Row) -> bool:
        """Return whether the row changes an existing product; assumed in mode `upsert` if the catalog is unknown."""
        if self.mode is Mode.UPSERT:
            return not self.catalog_known or product_key(row) in self.taken_ids
        return self.mode is Mode.UPDATE


def product_key(row: Row) -> tuple[str, str]:
    """Return the permanent key of a row's product: vendor ID and vendor product ID."""
    return row.vendor_id, row.cells.get("vendor_product_id", "")


def find_product(row: Row, context: ValidationContext) -> Product | None:
    """Return the existing product that the row changes, or None."""
    return None if context.mode is Mode.CREATE else context.products.get(product_key(row))
