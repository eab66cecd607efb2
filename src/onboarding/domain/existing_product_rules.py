"""Validation rules for rows that change existing products."""

from __future__ import annotations

from collections.abc import Iterable

from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Mode, Row, RowError
from onboarding.domain.product_schema import CHANGEABLE
from onboarding.domain.text import printable
from onboarding.domain.validation_context import ValidationContext, product_key

MAX_NAMED_COLUMNS = 3
"""Number of columns up to which a message lists their names."""


def validate_product_exists(row: Row, context: ValidationContext) -> Iterable[RowError]:
    """Return an error if mode `update` names a product that the vendor does not have."""
    if context.mode is not Mode.UPDATE:
        return ()
    product_id = row.cells.get("vendor_product_id")
    if product_id is None or not context.catalog_known or product_key(row) in context.taken_ids:
        return ()
    message = (
        f"Unknown vendor product ID: {printable(product_id)} was not found among your products; "
        "mode update does not create products"
    )
    hint = "To create new products, upload the file in mode upsert"
    expected = "the ID of one of your products"
    return [RowError(RowErrorCode.UNKNOWN_PRODUCT, "vendor_product_id", message, product_id, expected, hint)]


def list_set_columns(row: Row) -> list[str]:
    """Return the columns that a row sets in an existing product; blank cells leave a column unchanged."""
    return [column for column in CHANGEABLE if column in row.cells]


def validate_row_is_current(row: Row, context: ValidationContext) -> Iterable[RowError]:
    """Return an error if a later upload has already set a column that the row sets.

    Uploads are validated in no fixed order: without this rule, old values could replace newer ones.
    """
    if context.mode is Mode.CREATE:
        return ()
    product = context.products.get(product_key(row))
    outdated_columns = (
        [column for column in list_set_columns(row) if column in product.later_uploads] if product else []
    )
    if product is None or not outdated_columns:
        return ()
    upload_id = max(product.later_uploads[column] for column in outdated_columns)
    columns = (
        ", ".join(outdated_columns)
        if len(outdated_columns) <= MAX_NAMED_COLUMNS
        else f"{len(outdated_columns)} columns"
    )
    product_id = row.cells["vendor_product_id"]
    message = (
        f"Outdated row: your later upload {upload_id} has already set {columns} of the product {printable(product_id)}"
    )
    expected = "a row of the latest upload"
    hint = "Leave this row out if the later upload is right; if not, upload this row again"
    return [RowError(RowErrorCode.OUTDATED_ROW, "vendor_product_id", message, product_id, expected, hint)]
