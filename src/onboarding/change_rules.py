"""Rules for rows that change products which are in the catalog."""

from __future__ import annotations

from collections.abc import Iterable

from onboarding.model import Mode, Row, RowError
from onboarding.quotes import printable
from onboarding.validation_context import Facts, identity


def product_is_there(row: Row, facts: Facts) -> Iterable[RowError]:
    if facts.mode is not Mode.UPDATE:
        return ()
    name = row.cells.get("vendor_product_id")
    if name is None or not facts.catalog_known or identity(row) in facts.taken_ids:
        return ()
    message = f"Unknown vendor product ID: {printable(name)} is none of your products, and update creates none"
    hint = "To create what is not there, upload in the mode upsert"
    return [RowError("UNKNOWN_PRODUCT", "vendor_product_id", message, name, "the ID of one of your products", hint)]


def change_is_not_outdated(row: Row, facts: Facts) -> Iterable[RowError]:
    """Reject a row whose product a later upload has already set: uploads are validated in no fixed order."""
    if facts.mode is Mode.CREATE:
        return ()
    product = facts.products.get(identity(row))
    if product is None or product.later_upload is None:
        return ()
    name = row.cells["vendor_product_id"]
    message = f"Outdated row: your later upload {product.later_upload} has already set the product {printable(name)}"
    hint = "Leave this row out if the later upload is right; if not, upload this row again"
    return [RowError("OUTDATED_ROW", "vendor_product_id", message, name, "a row of the latest upload", hint)]
