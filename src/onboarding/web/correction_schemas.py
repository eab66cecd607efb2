"""Request and response models of corrections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from onboarding.domain.corrections import CorrectionState, RejectedRow
from onboarding.domain.models import RowError, UploadStatus
from onboarding.domain.product_changes import VERSION
from onboarding.domain.product_schema import COLUMNS
from onboarding.domain.suggestions import find_suggestion
from onboarding.pipeline.corrections import CorrectionContext
from onboarding.storage.corrections import CorrectingUpload
from onboarding.web.schemas import RowErrorResponse, header_function

MAX_ROWS = 200
"""Maximum number of rows of a page and of a request."""

MAX_TEXT = 3_000
"""Maximum length of an edited cell. Shorter texts that are too long for their column are errors of their row."""

EDITABLE_COLUMNS = (*COLUMNS, VERSION)
"""Columns that an edit may set; a blank version overwrites the product."""

ColumnName = Literal[EDITABLE_COLUMNS]  # type: ignore[valid-type]

WITHOUT_NUL = r"^[^\x00]*$"
"""PostgreSQL cannot store NUL."""

CellText = Annotated[str, StringConstraints(max_length=MAX_TEXT, pattern=WITHOUT_NUL)]

Version = Annotated[
    Annotated[str, StringConstraints(max_length=100)] | None,
    Field(description="The last known `version`; if another one is current, nothing is changed. Null: any"),
]

RowNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]


class CorrectionErrorResponse(RowErrorResponse):
    """An error of a rejected row, or of its draft."""

    suggestion: str = Field(description="The value that the hint suggests; blank if there is none")


class CorrectionRowResponse(BaseModel):
    """A rejected row with the draft of its correction."""

    row_number: int = Field(description="Data row; the first one below the header is 1")
    spreadsheet_row: int = Field(description="The row number in a spreadsheet")
    state: CorrectionState = Field(
        description="`open`, `importing`, `fixed` by another upload, or `rejected_again` by another upload"
    )
    correcting_upload_id: str | None = Field(description="The upload that imports, has fixed or has rejected the row")
    is_valid: bool = Field(description="A valid row of a file that was rejected as a whole")
    is_editable: bool = Field(description="False: the row can be corrected by a fix file only")
    cells: dict[str, str] = Field(description="The values in the file by column, without blank ones")
    edited_cells: dict[str, str] = Field(description="The edited values of the draft, as you write them in the file")
    revision: int = Field(description="Changes whenever the draft changes; 0: there is no draft")
    updated_by: str | None
    updated_at: datetime | None
    errors: list[CorrectionErrorResponse] = Field(
        description="Of an open row with a draft, the errors that an upload of it would find"
    )


class CorrectingUploadResponse(BaseModel):
    """An upload that corrects rows of another one."""

    upload_id: str
    file_name: str
    status: UploadStatus
    undone_at: datetime | None
    rows: int = Field(description="Rejected rows of the other upload that this one contains")
    accepted: int = Field(description="Those of these rows that it has accepted")


class ReadyRowsResponse(BaseModel):
    """The rows of an upload that a submission would import now."""

    ready: int = Field(description="Number of open rows that a submission would import")
    is_submittable: bool = Field(description="Of an all-or-nothing file: whether all rows are ready")
    version: str = Field(description="Changes with every change of a draft of the upload")


class CorrectionSummaryResponse(ReadyRowsResponse):
    """Numbers of rejected rows by the state of their correction."""

    open: int
    importing: int
    fixed: int
    rejected_again: int
    drafts: int = Field(description="Open rows with a draft")
    valid: int = Field(description="Open valid rows of a file that was rejected as a whole")
    not_editable: int = Field(description="Open rows that can be corrected by a fix file only")
    submitted: int = Field(
        description="Rows of a submission from which no upload exists yet; to submit again continues it"
    )
    uploads: list[CorrectingUploadResponse] = Field(description="Uploads that correct this one, the oldest first")


class CorrectionEditFields(BaseModel):
    """Edited cells of a row. They replace the draft of the row."""

    row_number: RowNumber
    cells: dict[ColumnName, CellText] = Field(
        description="Values by column, as you write them in the file; none: the row is imported unchanged",
        examples=[{"price": "12.50"}],
    )
    revision: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        None, description="The last known `revision` of the row; null replaces any draft"
    )


class CorrectionsRequest(BaseModel):
    """Edited rows, each once."""

    rows: Annotated[list[CorrectionEditFields], Field(min_length=1, max_length=MAX_ROWS)]


class CheckedRowResponse(BaseModel):
    """The errors that an upload of an edited row would find; none: the row is ready."""

    row_number: int
    revision: int
    errors: list[CorrectionErrorResponse]


class CorrectionsResponse(ReadyRowsResponse):
    """The result of saved or checked edits."""

    rows: list[CheckedRowResponse]
    conflicts: list[CorrectionRowResponse] = Field(
        description="Rows whose draft has another `revision`, as they are now; their edits were not saved"
    )
    closed: list[CorrectionRowResponse] = Field(
        description="Rows that are not open or not editable, as they are now; their edits were not saved"
    )


class FillRequest(BaseModel):
    """A value for all open rows of a group of errors."""

    group: Annotated[int, Field(ge=1, le=2**63 - 1)] = Field(description="`id` of the group in the summary of errors")
    column: ColumnName
    value: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT, pattern=WITHOUT_NUL)]
        | None
    ) = Field(None, description="The value for all rows; null: the suggestion of each row")
    remember: bool = Field(False, description="Also store a value mapping of the value of the group, for later uploads")
    version: Version = None


class SubmitRequest(BaseModel):
    """What to submit."""

    version: Version = None


class FillResponse(ReadyRowsResponse):
    """The result of a filled group."""

    rows: int = Field(description="Rows whose draft has the value now")


class SubmissionResponse(BaseModel):
    """A submission of corrections, which is imported like an uploaded file."""

    rows: int
    file_name: str
    upload_session_id: str
    status_url: str = Field(description="Returns the upload once processing has started")
    is_new: bool = Field(description="False: an earlier submission, which was not finished, was continued")


def correcting_upload_response(upload: CorrectingUpload) -> CorrectingUploadResponse:
    """Return the response for an upload that corrects rows of another one."""
    return CorrectingUploadResponse.model_validate(upload, from_attributes=True)


def row_response(context: CorrectionContext, row: RejectedRow, errors: Sequence[RowError]) -> CorrectionRowResponse:
    """Return the response for a rejected row with these errors."""
    draft = row.draft
    return CorrectionRowResponse(
        row_number=row.row_number,
        spreadsheet_row=context.details.line_of(row.row_number),
        state=row.state,
        correcting_upload_id=row.correcting_upload_id,
        is_valid=row.is_valid,
        is_editable=row.is_editable,
        cells={
            column: context.notation.show_value(row, column)
            for column in EDITABLE_COLUMNS
            if column in row.values_in_file
        },
        edited_cells=dict(row.edited_cells),
        revision=draft.revision if draft else 0,
        updated_by=draft.updated_by if draft else None,
        updated_at=draft.updated_at if draft else None,
        errors=error_responses(context, row, errors),
    )


def error_responses(
    context: CorrectionContext, row: RejectedRow, errors: Sequence[RowError]
) -> list[CorrectionErrorResponse]:
    """Return the responses for errors of a rejected row."""
    get_header = header_function(context.details)
    return [
        CorrectionErrorResponse(
            row_number=row.row_number,
            spreadsheet_row=context.details.line_of(row.row_number),
            error_type=error.error_type,
            column=error.field,
            header=get_header(error.field),
            message=error.message,
            value=error.value,
            expected=error.expected,
            hint=error.hint,
            suggestion=find_suggestion(error.hint),
        )
        for error in errors
    ]
