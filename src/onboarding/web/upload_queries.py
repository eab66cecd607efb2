"""Queries of uploads, their errors and products, restricted to those that the principal may see."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from onboarding.domain.models import Outcome, Upload, UploadStatus
from onboarding.storage import file_details, uploads, validation_errors
from onboarding.storage.database import Connection
from onboarding.storage.mappings import get_applied_mapping
from onboarding.storage.products import list_upload_products
from onboarding.storage.upload_changes import list_upload_changes
from onboarding.web.auth import Principal
from onboarding.web.change_schemas import UploadChangeResponse, change_response
from onboarding.web.errors import not_found
from onboarding.web.mapping_schemas import mapping_reference, missing_column_responses, used_value_responses
from onboarding.web.pagination import Page, build_page, decode_number_cursor, decode_time_cursor, encode_cursor
from onboarding.web.schemas import (
    ErrorResponse,
    ProductResponse,
    SummaryResponse,
    UploadFileDetailsResponse,
    UploadResponse,
    file_details_response,
    header_function,
    spreadsheet_row_function,
    summary_response,
    upload_response,
)


def get_visible_upload(connection: Connection, principal: Principal, upload_id: str) -> Upload:
    """Return an upload that the principal may see. Raises the problem `not-found`.

    Row-level security hides the uploads of other vendors too; this check does not depend on it.
    """
    upload = uploads.get_upload(connection, upload_id)
    if upload is None or principal.vendor_id not in {None, upload.vendor_id}:
        raise not_found("upload")
    return upload


@dataclass(frozen=True, slots=True)
class UploadFilter:
    """Conditions for uploads; None matches all."""

    vendor_id: str | None = None
    status: UploadStatus | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_uploads(
    connection: Connection, principal: Principal, conditions: UploadFilter, *, cursor: str | None, limit: int
) -> Page[UploadResponse]:
    """Return a page of the upload history, the newest first."""
    parameters = {**asdict(conditions), "before": decode_time_cursor(cursor), "limit": limit + 1}
    if principal.vendor_id is not None:
        if conditions.vendor_id not in {None, principal.vendor_id}:
            return Page(items=[], next=None)
        parameters["vendor_id"] = principal.vendor_id
    history = uploads.list_uploads(connection, **parameters)
    cursors = [encode_cursor(upload.upload_timestamp.isoformat(), upload.upload_id) for upload in history]
    return build_page([upload_response(upload) for upload in history], limit, cursors)


def list_errors(
    connection: Connection,
    principal: Principal,
    upload_id: str,
    conditions: Mapping[str, Any],
    *,
    cursor: str | None,
    limit: int,
) -> Page[ErrorResponse]:
    """Return a page of an upload's errors, by row. `conditions`: those of `validation_errors.list_errors`."""
    get_visible_upload(connection, principal, upload_id)
    after_row, after_id = (*decode_number_cursor(cursor), 0, 0)[:2]
    position = {"after_row": after_row, "after_id": after_id, "limit": limit + 1}
    rows = validation_errors.list_errors(connection, upload_id, {**conditions, **position})
    details = file_details.get_file_details(connection, upload_id)
    spreadsheet_row, get_header = spreadsheet_row_function(details), header_function(details)
    items = [
        ErrorResponse(**row, spreadsheet_row=spreadsheet_row(row["row_number"]), header=get_header(row["column"]))
        for row in rows
    ]
    return build_page(items, limit, [encode_cursor(row["row_number"], row["error_id"]) for row in rows])


def get_file_details(connection: Connection, principal: Principal, upload_id: str) -> UploadFileDetailsResponse:
    """Return the file details and warnings of an upload, and what it used of mappings."""
    get_visible_upload(connection, principal, upload_id)
    response = file_details_response(
        file_details.get_file_details(connection, upload_id), file_details.list_warnings(connection, upload_id)
    )
    applied = get_applied_mapping(connection, upload_id)
    assert applied is not None, "the upload exists"  # noqa: S101
    return UploadFileDetailsResponse(
        **dict(response),
        mapping=mapping_reference(applied.mapping),
        used_values=used_value_responses(applied.used_values),
        missing_columns=missing_column_responses(applied.missing_columns),
    )


def get_summary(connection: Connection, principal: Principal, upload_id: str, top: int) -> SummaryResponse:
    """Return the `top` largest groups of errors of an upload."""
    get_visible_upload(connection, principal, upload_id)
    details = file_details.get_file_details(connection, upload_id)
    return summary_response(validation_errors.get_error_summary(connection, upload_id, top), details)


def list_products(
    connection: Connection, principal: Principal, upload_id: str, *, cursor: str | None, limit: int
) -> Page[ProductResponse]:
    """Return a page of the products that an upload added to the catalog or changed, by row."""
    get_visible_upload(connection, principal, upload_id)
    [after] = (*decode_number_cursor(cursor), 0)[:1]
    items = [
        ProductResponse(
            **{name: str(value) if isinstance(value, Decimal) else value for name, value in product.items()}
        )
        for product in list_upload_products(connection, upload_id, after, limit + 1)
    ]
    return build_page(items, limit, [encode_cursor(item.row_number) for item in items])


def list_changes(
    connection: Connection,
    principal: Principal,
    upload_id: str,
    change_types: Collection[Outcome],
    *,
    cursor: str | None,
    limit: int,
) -> Page[UploadChangeResponse]:
    """Return a page of what the rows of an upload did to products, by row."""
    get_visible_upload(connection, principal, upload_id)
    [after] = (*decode_number_cursor(cursor), 0)[:1]
    changes = list_upload_changes(
        connection, upload_id, change_types=change_types, after=min(after, 2**31 - 1), limit=limit + 1
    )
    spreadsheet_row = spreadsheet_row_function(file_details.get_file_details(connection, upload_id))
    items = [change_response(change, spreadsheet_row) for change in changes]
    return build_page(items, limit, [encode_cursor(item.row_number) for item in items])
