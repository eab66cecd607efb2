"""Response models of uploads, their errors and products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from onboarding.domain.column_types import NumberColumn, TextColumn
from onboarding.domain.error_summary import ErrorSummary
from onboarding.domain.models import FileWarning, Mode, OnError, Upload, UploadStatus
from onboarding.domain.product_schema import PRODUCT_SCHEMA
from onboarding.files.models import FileDetails
from onboarding.web.mapping_schemas import MappingReference, MissingColumnResponse, UsedValueResponse

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
    fixed_records: int = Field(description="Rejected rows that other uploads have accepted since")
    open_records: int = Field(description="The other rejected rows")
    parent_upload_id: str | None = Field(description="The upload whose rejected rows this one corrects")
    parent_file_name: str | None
    failure_code: str | None = Field(description="Code of the reason why the whole file was rejected")
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


class RowErrorResponse(BaseModel):
    """An error of a row."""

    row_number: int = Field(description="Data row; the first one below the header is 1")
    spreadsheet_row: int = Field(description="The row number in a spreadsheet")
    error_type: str
    column: str = Field(description="The column or comma-separated columns; `row` for the row as a whole")
    header: str = Field(description="The header of the column in the file; blank if it has the column's name or none")
    message: str
    value: str | None = Field(description="The value in the file")
    expected: str
    hint: str = Field(description="A suggested correction; often blank")


class ErrorResponse(RowErrorResponse):
    """An error of an upload, with its row."""

    vendor_product_id: str | None
    row: dict[str, str] = Field(description="The row as it is in the file")


class WarningResponse(BaseModel):
    """A warning about a file; it does not change data."""

    code: str
    message: str = Field(description="Uses the row numbers of a spreadsheet")
    row_number: int | None = Field(description="The first affected data row; the first one below the header is 1")
    spreadsheet_row: int | None = Field(description="The row number in a spreadsheet")
    column: str | None


class FileDetailsResponse(BaseModel):
    """How a file was read."""

    description: str | None = Field(description="The details in one sentence; null for a file that could not be read")
    details: dict[str, Any] | None = Field(description="Format, encoding, delimiter, column mapping …")
    warnings: list[WarningResponse]


class UploadFileDetailsResponse(FileDetailsResponse):
    """How the file of an upload was read, and what the upload used of mappings."""

    mapping: MappingReference | None = Field(description="The mapping that was applied")
    used_values: list[UsedValueResponse] = Field(description="The value mappings that were applied")
    missing_columns: list[MissingColumnResponse] = Field(description="The required columns that a rejected file lacks")


class ErrorGroupResponse(BaseModel):
    """Errors of a type and column: those with one value that several rows have, or all others."""

    error_type: str
    column: str
    header: str = Field(description="The header of the column in the file; blank if it has the column's name or none")
    value: str = Field(description="Blank if the values differ, like `expected` and `hint`")
    distinct_values: int = Field(description="Number of different values that are not blank")
    examples: list[str] = Field(description="The first different values")
    message: str = Field(description="The error type in words if the messages differ")
    expected: str
    hint: str
    rows: int
    first_row: int
    id: int | None = Field(description="Lists the errors of this group as `group` of the errors; null in a dry run")
    sentence: str


class SummaryResponse(BaseModel):
    """The errors of an upload in groups, the largest first; valid rows (`FILE_REJECTED`) are last, in addition."""

    groups: list[ErrorGroupResponse]
    more: int = Field(description="Number of further groups")


class _ProductRow(BaseModel):
    row_number: int


def product_field(column: TextColumn | NumberColumn) -> Any:
    """Return the type and description of a product column. Decimals are text, so that they stay exact."""
    field_type: Any = int if column.sql_type == "integer" else str
    return (field_type | None if column.is_nullable else field_type, Field(description=column.description))


ProductColumns = create_model(
    "ProductColumns", __base__=_ProductRow, **{name: product_field(column) for name, column in PRODUCT_SCHEMA.items()}
)


class ProductResponse(ProductColumns):  # type: ignore[valid-type, misc]
    """A product of the catalog, with the row of the file that added or changed it."""

    updated_at: datetime


def get_phase(upload: Upload) -> Phase:
    """Return the phase of an upload."""
    if upload.status is not UploadStatus.PROCESSING:
        return "done" if upload.notified_at else "reporting"
    return "checking" if upload.valid_records + upload.error_records else "reading"


def get_version(upload: Upload) -> str:
    """Return a text that changes with every progress of the upload: a change of its own counts sets `last_progress_at`.

    Other uploads change its `fixed_records`.
    """
    times = (upload.last_progress_at, upload.processing_completed_at, upload.notified_at, upload.undone_at)
    parts = [f"{time.timestamp() * 1e6:.0f}" if time else "" for time in times]
    return "-".join([*parts, str(upload.fixed_records)])


def upload_response(upload: Upload) -> UploadResponse:
    """Return the response for an upload."""
    values = {name: value for name, value in asdict(upload).items() if name in UploadResponse.model_fields}
    return UploadResponse(
        **values,
        phase=get_phase(upload),
        waiting_records=upload.total_records - upload.valid_records - upload.error_records,
        open_records=upload.error_records - upload.fixed_records,
        has_report=upload.error_file_s3_key is not None,
        has_fix_file=upload.fix_file_s3_key is not None,
        version=get_version(upload),
    )


def spreadsheet_row_function(details: FileDetails | None) -> Callable[[int], int]:
    """Return the function that converts a data row to its row in a spreadsheet.

    For a file that could not be read, which has no rows, it returns its argument.
    """
    return details.line_of if details else int


def header_function(details: FileDetails | None) -> Callable[[str], str]:
    """Return the function that converts a column, or comma-separated columns, to the headers in the file.

    It returns a blank text if the headers have the names of the columns, or if there are none.
    """
    headers = {
        column: header.strip()
        for header, columns in (details.columns if details else {}).items()
        for column in columns.split(", ")
    }

    def get_header(columns: str) -> str:
        names = dict.fromkeys(headers.get(column, column) for column in columns.split(", "))
        text = ", ".join(names)
        return text if text != columns else ""

    return get_header


def file_details_response(details: FileDetails | None, warnings: Sequence[FileWarning]) -> FileDetailsResponse:
    """Return the response for file details."""
    spreadsheet_row = spreadsheet_row_function(details)
    return FileDetailsResponse(
        description=details.sentence() if details else None,
        details=details.as_json() if details else None,
        warnings=[
            WarningResponse(
                code=warning.code,
                message=warning.message,
                row_number=warning.row_number,
                spreadsheet_row=spreadsheet_row(warning.row_number) if warning.row_number else None,
                column=warning.column,
            )
            for warning in warnings
        ],
    )


def parse_file_details(response: FileDetailsResponse) -> FileDetails | None:
    """Return the file details in a response; None for a file that could not be read."""
    return FileDetails.from_json(response.details) if response.details else None


def summary_response(summary: ErrorSummary, details: FileDetails | None) -> SummaryResponse:
    """Return the response for groups of errors in a file with these details."""
    get_header = header_function(details)
    groups = [
        ErrorGroupResponse(
            error_type=group.error_type,
            column=group.field,
            header=get_header(group.field),
            value=group.value,
            distinct_values=group.distinct_values,
            examples=list(group.examples),
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
