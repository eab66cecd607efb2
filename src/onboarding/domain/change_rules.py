"""Rules for rows that change products which are in the catalog."""

from __future__ import annotations

from collections.abc import Iterable

from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Mode, Row, RowError
from onboarding.domain.product_schema import CHANGEABLE
from onboarding.domain.text import printable
from onboarding.domain.validation_context import ValidationContext, product_key

MAX_NAMED_COLUMNS = 3
"""Columns that a message names."""


def validate_product_exists(row: Row, facts: ValidationContext) -> Iterable[RowError]:
    if facts.mode is not Mode.UPDATE:
        return ()
    name = row.cells.get("vendor_product_id")
    if name is None or not facts.catalog_known or product_key(row) in facts.taken_ids:
        return ()
    message = f"Unknown vendor product ID: {printable(name)} is none of your products, and update creates none"
    hint = "To create what is not there, upload in the mode upsert"
    return [
        RowError(
            RowErrorCode.UNKNOWN_PRODUCT, "vendor_product_id", message, name, "the ID of one of your products", hint
        )
    ]


def list_set_columns(row: Row) -> list[str]:
    """Return the columns that a row sets if its product is there: blank cells keep what it has."""
    return [column for column in CHANGEABLE if column in row.cells]


def validate_row_is_current(row: Row, facts: ValidationContext) -> Iterable[RowError]:
    """Reject a row that sets a column which a later upload has already set: uploads are validated in no fixed order."""
    if facts.mode is Mode.CREATE:
        return ()
    product = facts.products.get(product_key(row))
    outdated = [column for column in list_set_columns(row) if column in product.later_uploads] if product else []
    if product is None or not outdated:
        return ()
    upload_id = max(product.later_uploads[column] for column in outdated)
    columns = ", ".join(outdated) if len(outdated) <= MAX_NAMED_COLUMNS else f"{len(outdated)} columns"
    name = row.cells["vendor_product_id"]
    message = f"Outdated row: your later upload {upload_id} has already set {columns} of the product {printable(name)}"
    hint = "Leave this row out if the later upload is right; if not, upload this row again"
    return [RowError(RowErrorCode.OUTDATED_ROW, "vendor_product_id", message, name, "a row of the latest upload", hint)]
