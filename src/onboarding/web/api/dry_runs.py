"""Routes for preparing a file: categories, templates and dry runs."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from onboarding.domain.error_summary import MAX_GROUPS, summarize_errors
from onboarding.domain.models import Mode, OnError, Outcome, UploadStatus
from onboarding.domain.upload_options import Options
from onboarding.files import product_template
from onboarding.files.parser import MAX_BYTES
from onboarding.pipeline import dry_run as dry
from onboarding.pipeline.parser_process import ParserTimeout
from onboarding.storage.categories import list_active_category_names
from onboarding.web import dry_run_limits
from onboarding.web.auth import CurrentVendor, Principal, Reader
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, Responses, problem_responses
from onboarding.web.schemas import (
    FileDetailsResponse,
    SummaryResponse,
    file_details_response,
    spreadsheet_rows,
    summary_response,
)

router = APIRouter(
    prefix="/v1",
    tags=["Templates and dry runs"],
    responses=problem_responses("unauthenticated", "forbidden", "invalid-request", "bad-request"),
)

SHOWN_ERRORS = 200
SHOWN_ROWS = 20


class Categories(BaseModel):
    """The names that the column `category` may have."""

    items: list[str]


class DryError(BaseModel):
    row_number: int
    spreadsheet_row: int
    error_type: str
    column: str
    message: str
    value: str
    expected: str
    hint: str


class DryRow(BaseModel):
    """A row of the file."""

    row_number: int
    spreadsheet_row: int
    cells: dict[str, str]
    outcome: Outcome | None = Field(description="What the row would do; null for a row with errors")


class DryRunResponse(BaseModel):
    """The result that an upload of the file would have. Nothing was written."""

    status: UploadStatus
    failure_code: str | None
    failure_reason: str | None
    total_records: int
    valid_records: int
    error_records: int
    created_records: int
    updated_records: int
    unchanged_records: int
    errors: list[DryError] = Field(description=f"The first {SHOWN_ERRORS}")
    error_types: dict[str, int] = Field(description="Number of errors by type")
    summary: SummaryResponse
    file_details: FileDetailsResponse
    rows: list[DryRow] = Field(description=f"The first {SHOWN_ROWS} rows")


@router.get("/categories")
def list_categories(principal: Reader, pool: PoolDep) -> Categories:
    """List the active categories."""
    return Categories(items=pool.run_unrestricted(list_active_category_names))


CSV: Responses = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The file"}}
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSX: Responses = {
    200: {"content": {XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}}}, "description": "The file"}
}


@router.get("/template.csv", response_class=Response, responses=CSV)
def fetch_template(principal: Reader, pool: PoolDep) -> Response:
    """Download a template with every column and one example row."""
    return _attachment(
        product_template.as_csv(pool.run_unrestricted(list_active_category_names)),
        "products.csv",
        "text/csv; charset=utf-8",
    )


@router.get("/template.xlsx", response_class=Response, responses=XLSX)
def fetch_workbook(principal: Reader, pool: PoolDep) -> Response:
    """Download the template as an Excel workbook, with a list of the categories."""
    return _attachment(
        product_template.as_xlsx(pool.run_unrestricted(list_active_category_names)), "products.xlsx", XLSX_TYPE
    )


def _attachment(content: bytes, name: str, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself, or a form with the file as `file`",
        "content": {
            "text/csv": {"schema": {}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


@router.post(
    "/dry-runs",
    responses=problem_responses("too-large", "csrf-failed", "too-many-requests", "unavailable"),
    openapi_extra=_BODY,
)
async def dry_run(
    request: Request,
    principal: CurrentVendor,
    pool: PoolDep,
    *,
    mode: Annotated[Mode, Query()] = Mode.CREATE,
    on_error: Annotated[OnError, Query()] = OnError.REJECT_ROWS,
    force: Annotated[bool, Query(description="Accept a file that was uploaded before")] = False,
) -> DryRunResponse:
    """Return what an upload of the file would do, row by row, and write nothing. On AWS, files may have up to 4 MB."""
    return await run_dry_run(request, principal, pool, Options(mode, on_error, force))


async def run_dry_run(request: Request, principal: Principal, pool: DatabasePool, options: Options) -> DryRunResponse:
    """Return the dry run of the file in a vendor's request; the page and the API share this."""
    vendor_id = principal.vendor_id
    assert vendor_id is not None, "the routes require a vendor"  # noqa: S101
    content = await _content(request, pool.settings.dry_run_bytes)
    async with dry_run_limits.limited(request, principal, pool) as details:
        details["file_size_bytes"] = len(content)
        try:
            # Unrestricted: the result tells any vendor whether a SKU exists, and nothing else of other vendors.
            run = await run_in_threadpool(dry.dry_run, pool.run_unrestricted, content, vendor_id, options)
        except ParserTimeout as error:
            raise dry_run_limits.busy() from error
        details |= {"outcome": run.status, "failure_code": run.rejection and run.rejection.code, "rows": len(run.rows)}
        return dry_run_response(run)


async def _content(request: Request, limit: int) -> bytes:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Problem("bad-request", "The form has no file in the field `file`.")
            content = await file.read()
    else:
        content = await request.body()
    if len(content) > limit:
        raise Problem(
            "too-large", f"A dry run accepts files up to {limit:,} bytes; an upload, up to {MAX_BYTES:,} bytes."
        )
    return content


def dry_run_response(run: dry.DryRun) -> DryRunResponse:
    """Return a dry run as the API shows it."""
    listed = [(number, error) for number, errors in sorted(run.errors.items()) for error in errors]
    line_of = spreadsheet_rows(run.detected)
    return DryRunResponse(
        status=run.status,
        failure_code=run.rejection.code if run.rejection else None,
        failure_reason=run.rejection.reason if run.rejection else None,
        total_records=len(run.rows),
        valid_records=len(run.outcomes),
        error_records=len(run.errors),
        created_records=run.count(Outcome.CREATED),
        updated_records=run.count(Outcome.UPDATED),
        unchanged_records=run.count(Outcome.UNCHANGED),
        errors=[
            DryError(
                row_number=number,
                spreadsheet_row=line_of(number),
                error_type=error.error_type,
                column=error.field,
                message=error.message,
                value=error.value,
                expected=error.expected,
                hint=error.hint,
            )
            for number, error in listed[:SHOWN_ERRORS]
        ],
        error_types=dict(Counter(error.error_type for _, error in listed)),
        summary=summary_response(summarize_errors(listed, MAX_GROUPS, line_of)),
        file_details=file_details_response(run.detected, run.warnings),
        rows=[
            DryRow(
                row_number=row.row_number,
                spreadsheet_row=line_of(row.row_number),
                cells=dict(row.cells),
                outcome=run.outcomes.get(row.row_number),
            )
            for row in run.rows[:SHOWN_ROWS]
        ],
    )
