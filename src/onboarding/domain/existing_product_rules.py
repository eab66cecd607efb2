"""Validation rules for rows that change existing products."""

from __future__ import annotations

from collections.abc import Iterable

from onboarding.domain.column_types import ProductStatus
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Mode, Row, RowError
from onboarding.domain.product_changes import CLEAR, VERSION, drop_unchanged_cells, format_version
from onboarding.domain.product_schema import CHANGEABLE, CHOICES, DEFAULTS, MAX_LENGTHS
from onboarding.domain.text import printable, quoted
from onboarding.domain.validation_context import ValidationContext, find_product, product_key

INVALID_STATUS = "Status must be"
"""Start of the message about a status that a file cannot set."""

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
    product = find_product(row, context)
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


def validate_status(row: Row, context: ValidationContext) -> Iterable[RowError]:
    """Return an error if a vendor cannot set the status: only the marketplace blocks products and ends blocks."""
    status = row.cells.get("status")
    if status is None:
        return ()
    product = find_product(row, context)
    is_blocked = product is not None and product.values["status"] == ProductStatus.BLOCKED
    choices = CHOICES["status"]
    if is_blocked and status in choices:
        message = "Status cannot be set: the marketplace has blocked this product"
        hint = "Contact the marketplace to end the block; in a file, leave the status blank"
        return [RowError(RowErrorCode.PRODUCT_BLOCKED, "status", message, status, "a blank status", hint)]
    if status in choices or (is_blocked and status == ProductStatus.BLOCKED) or len(status) > MAX_LENGTHS["status"]:
        return ()
    expected = " or ".join(choices)
    message = f"{INVALID_STATUS} {expected}; found {quoted(status)}"
    return [RowError(RowErrorCode.INVALID_STATUS, "status", message, status, expected)]


def validate_version(row: Row, context: ValidationContext) -> Iterable[RowError]:
    """Return an error if the row would change a product that has changed since the export that the row comes from."""
    version = row.cells.get(VERSION)
    product = find_product(row, context) if version is not None else None
    if version is None or product is None or version == format_version(product.updated_at):
        return ()
    columns = [
        column
        for column in list_set_columns(drop_unchanged_cells(row, product))
        if row.cells[column].casefold() != CLEAR or product.values[column] != DEFAULTS.get(column)
    ]
    if not columns:
        return ()
    values = ", ".join(f"{column} {_describe_value(product.values[column])}" for column in columns[:MAX_NAMED_COLUMNS])
    others = len(columns) - MAX_NAMED_COLUMNS
    more = f" and {others} other value{'s' if others > 1 else ''}" if others > 0 else ""
    product_id = printable(product_key(row)[1])
    message = f"Stale row: the product {product_id} has changed since it was exported; it has {values}{more} now"
    expected = f"{VERSION} {format_version(product.updated_at)}, which the product has now, or a blank {VERSION}"
    hint = f"Export the product again and change the new file, or leave {VERSION} blank to overwrite the product"
    # Without the version as its value: it means nothing to people.
    return [RowError(RowErrorCode.STALE_ROW, VERSION, message, "", expected, hint)]


def _describe_value(value: object) -> str:
    if value is None:
        return "blank"
    return quoted(value) if isinstance(value, str) else str(value)
