"""Uploads, their errors and products, as far as the principal of a request may see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from onboarding.domain.column_types import NumberColumn, TextColumn
from onboarding.domain.error_summary import ErrorSummary
from onboarding.domain.models import FileWarning, Mode, OnError, Upload, UploadStatus
from onboarding.domain.product_schema import PRODUCT_SCHEMA
from onboarding.files.models import FileDetails
from onboarding.storage import file_details, uploads
from onboarding.storage.database import Connection
from onboarding.storage.products import list_upload_products
from onboarding.storage.queries import query
from onboarding.storage.validation_errors import get_error_summary
from onboarding.web.auth import Principal
from onboarding.web.errors import not_found
from onboarding.web.pagination import (
    Page,
    WarningResponse,
    decode_number_cursor,
    decode_time_cursor,
    encode_cursor,
    page,
)

Phase = Literal["reading", "checking", "reporting", "done"]


class UploadResponse(BaseModel):
    """The state of an upload. The counts are always exact: rows are counted when their outcome is final."""

    upload_id: str
    vendor_id: str
    vendor_name: str
    file_name: str
    file_size_bytes: int
    status: UploadStatus
    phase: Phase = Field(
        description="`reading` the file, `checking` its rows, `reporting` the result, or `done`: the vendor is notified"
    )
    mode: Mode
    on_error: OnError
    total_records: int
    valid_records: int
    error_records: int
    waiting_records: int = Field(description="Rows without an outcome yet")
    created_records: int
    updated_records: int
    unchanged_records: int
    failure_code: str | None = Field(description="Why the whole file was rejected, if it was")
    failure_reason: str | None
    has_report: bool
    has_fix_file: bool
    upload_timestamp: datetime
    processing_started_at: datetime
    processing_completed_at: datetime | None
    last_progress_at: datetime = Field(
        description="Time of the last progress; an upload without recent progress has stalled"
    )
    undone_at: datetime | None
    version: str = Field(
        description="Changes whenever a field above changes; see `version` of `GET /v1/uploads/{upload_id}`"
    )


class ErrorResponse(BaseModel):
    """An error of a row."""

    row_number: int = Field(description="Data row; the first one below the header is 1")
    spreadsheet_row: int = Field(description="The row number in a spreadsheet")
    vendor_product_id: str | None
    error_type: str
    column: str = Field(description="The column or comma-separated columns; `row` for the row as a whole")
    message: str
    value: str | None = Field(description="The value in the file")
    expected: str
    hint: str = Field(description="A suggested correction; often blank")
    row: dict[str, str] = Field(description="The row as it is in the file")


class FileDetailsResponse(BaseModel):
    """How a file was read."""

    description: str | None = Field(description="The details in one sentence; null for a file that could not be read")
    details: dict[str, Any] | None = Field(description="Format, encoding, delimiter, column mapping …")
    warnings: list[WarningResponse]


class ErrorGroupResponse(BaseModel):
    """Errors with the same cause."""

    error_type: str
    column: str
    value: str
    message: str
    expected: str
    hint: str
    rows: int
    first_row: int
    id: int | None = Field(description="Lists the errors of this group as `group` of the errors; null in a dry run")
    sentence: str


class SummaryResponse(BaseModel):
    """The errors of an upload in groups, the largest first."""

    groups: list[ErrorGroupResponse]
    more: int = Field(description="Number of further groups")


class _Numbered(BaseModel):
    row_number: int


def _field_of(column: TextColumn | NumberColumn) -> Any:
    """The type and description of a product column in the API. Decimals are text, as exact as they are stored."""
    value: Any = int if column.sql_type == "integer" else str
    return (value | None if column.is_nullable else value, Field(description=column.description))


_ProductColumns = create_model(
    "_ProductColumns", __base__=_Numbered, **{name: _field_of(column) for name, column in PRODUCT_SCHEMA.items()}
)


class ProductResponse(_ProductColumns):  # type: ignore[valid-type, misc]
    """A product of the catalog, with the row of the file that put it there."""

    updated_at: datetime


def phase_of(upload: Upload) -> Phase:
    """Return the phase of an upload."""
    if upload.status is not UploadStatus.PROCESSING:
        return "done" if upload.notified_at else "reporting"
    return "checking" if upload.valid_records + upload.error_records else "reading"


def version_of(upload: Upload) -> str:
    """Return a text that changes with every progress of the upload; each change of the counts sets its time."""
    moments = (upload.last_progress_at, upload.processing_completed_at, upload.notified_at, upload.undone_at)
    return "-".join(f"{moment.timestamp() * 1e6:.0f}" if moment else "" for moment in moments)


def upload_response(upload: Upload) -> UploadResponse:
    """Return an upload as the API shows it."""
    values = {name: value for name, value in asdict(upload).items() if name in UploadResponse.model_fields}
    return UploadResponse(
        **values,
        phase=phase_of(upload),
        waiting_records=upload.total_records - upload.valid_records - upload.error_records,
        has_report=upload.error_file_s3_key is not None,
        has_fix_file=upload.fix_file_s3_key is not None,
        version=version_of(upload),
    )


def get_visible_upload(connection: Connection, principal: Principal, upload_id: str) -> Upload:
    """Return an upload that the principal may see. Raises the problem `not-found`.

    This check comes before row-level security, which hides other vendors' uploads too.
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
    return page([upload_response(upload) for upload in history], limit, cursors)


def list_errors(
    connection: Connection,
    principal: Principal,
    upload_id: str,
    conditions: Mapping[str, Any],
    *,
    cursor: str | None,
    limit: int,
) -> Page[ErrorResponse]:
    """Return a page of an upload's errors, by row. `conditions`: error_type, column, value, like; each may be None."""
    get_visible_upload(connection, principal, upload_id)
    after_row, after_id = (*decode_number_cursor(cursor), 0, 0)[:2]
    position = {"upload_id": upload_id, "after_row": after_row, "after_id": after_id, "limit": limit + 1}
    rows = connection.execute(query("list_validation_errors"), {"like": None, **conditions, **position}).fetchall()
    line_of = spreadsheet_rows(file_details.get_file_details(connection, upload_id))
    items = [
        ErrorResponse(
            row_number=number,
            spreadsheet_row=line_of(number),
            vendor_product_id=product,
            error_type=error_type,
            column=column,
            message=message,
            value=value,
            expected=expected,
            hint=hint,
            row=cells,
        )
        for _, number, product, error_type, column, message, value, expected, hint, cells in rows
    ]
    return page(items, limit, [encode_cursor(row[1], row[0]) for row in rows])


def get_file_details(connection: Connection, principal: Principal, upload_id: str) -> FileDetailsResponse:
    """Return how the file of an upload was read."""
    get_visible_upload(connection, principal, upload_id)
    return file_details_response(
        file_details.get_file_details(connection, upload_id), file_details.list_warnings(connection, upload_id)
    )


def spreadsheet_rows(detected: FileDetails | None) -> Callable[[int], int]:
    """Return the function from a data row to its row in a spreadsheet; a file that could not be read has no rows."""
    return detected.line_of if detected else int


def file_details_response(detected: FileDetails | None, warnings: Sequence[FileWarning]) -> FileDetailsResponse:
    """Return file details as the API shows them."""
    line_of = spreadsheet_rows(detected)
    return FileDetailsResponse(
        description=detected.sentence() if detected else None,
        details=detected.as_json() if detected else None,
        warnings=[
            WarningResponse(
                code=w.code,
                message=w.message,
                row_number=w.row_number,
                spreadsheet_row=line_of(w.row_number) if w.row_number else None,
                column=w.column,
            )
            for w in warnings
        ],
    )


def get_summary(connection: Connection, principal: Principal, upload_id: str, top: int) -> SummaryResponse:
    """Return the `top` largest groups of errors of an upload."""
    get_visible_upload(connection, principal, upload_id)
    return summary_response(get_error_summary(connection, upload_id, top))


def summary_response(summary: ErrorSummary) -> SummaryResponse:
    """Return groups of errors as the API shows them."""
    groups = [
        ErrorGroupResponse(
            error_type=group.error_type,
            column=group.field,
            value=group.value,
            message=group.message,
            expected=group.expected,
            hint=group.hint,
            rows=group.rows,
            first_row=group.first_row,
            id=group.first_error,
            sentence=group.sentence,
        )
        for group in summary.groups
    ]
    return SummaryResponse(groups=groups, more=summary.more)


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
    return page(items, limit, [encode_cursor(item.row_number) for item in items])
