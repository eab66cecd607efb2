"""Route for dry runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from onboarding.domain.error_summary import MAX_GROUPS, summarize_errors
from onboarding.domain.mappings import MappingDocument
from onboarding.domain.models import Mode, OnError, Outcome, UploadStatus
from onboarding.domain.upload_changes import MAX_PREVIEWED
from onboarding.domain.upload_options import Options
from onboarding.files.parser import MAX_BYTES
from onboarding.pipeline.dry_run import DryRun, dry_run
from onboarding.pipeline.parser_process import ParserTimeout
from onboarding.web import dry_run_limits
from onboarding.web.api.mappings import resolve_mapping
from onboarding.web.auth import CurrentVendor, Principal
from onboarding.web.change_schemas import UploadChangeResponse, change_response
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.dry_run_mappings import DryRunMappingFields, dry_run_mapping_fields
from onboarding.web.errors import Problem, problem_responses
from onboarding.web.mapping_schemas import DocumentFields
from onboarding.web.request_parameters import MAPPING_DESCRIPTION, MappingOption
from onboarding.web.schemas import (
    FileDetailsResponse,
    RowErrorResponse,
    SummaryResponse,
    file_details_response,
    header_function,
    spreadsheet_row_function,
    summary_response,
)

router = APIRouter(
    prefix="/v1",
    tags=["Templates and dry runs"],
    responses=problem_responses("unauthenticated", "forbidden", "invalid-request", "bad-request"),
)

MAX_ERRORS = 200
MAX_ROWS = 20


class DryRunRow(BaseModel):
    """A row of the file."""

    row_number: int
    spreadsheet_row: int
    cells: dict[str, str]
    outcome: Outcome | None = Field(description="What the row would do; null for a row with errors")


class DryRunResponse(DryRunMappingFields):
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
    errors: list[RowErrorResponse] = Field(description=f"The first {MAX_ERRORS}")
    error_types: dict[str, int] = Field(description="Number of errors by type")
    summary: SummaryResponse
    file_details: FileDetailsResponse
    rows: list[DryRunRow] = Field(description=f"The first {MAX_ROWS} rows")
    changed_products: int = Field(description="Number of products that would get other values")
    changes: list[UploadChangeResponse] = Field(
        description=f"At most {MAX_PREVIEWED} of these products, the largest relative changes of prices first"
    )


_REQUEST_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself, or a form with the file as `file`",
        "content": {
            "text/csv": {"schema": {}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "mapping": {
                            "type": "string",
                            "description": "A mapping document as JSON, which is applied instead of a stored mapping",
                        },
                    },
                }
            },
        },
    }
}


@router.post(
    "/dry-runs",
    responses=problem_responses("too-large", "csrf-failed", "too-many-requests", "unavailable"),
    openapi_extra=_REQUEST_BODY,
)
async def create_dry_run(
    request: Request,
    principal: CurrentVendor,
    pool: PoolDep,
    *,
    mode: Annotated[Mode, Query()] = Mode.CREATE,
    on_error: Annotated[OnError, Query()] = OnError.REJECT_ROWS,
    force: Annotated[bool, Query(description="Accept a file that was uploaded before")] = False,
    mapping: Annotated[MappingOption | None, Query(description=MAPPING_DESCRIPTION)] = None,
) -> DryRunResponse:
    """Return what an upload of the file would do, row by row, and write nothing. On AWS, files may have up to 4 MB."""
    result, _ = await run_dry_run(request, principal, pool, Options(mode, on_error, force, mapping))
    return dry_run_response(result)


async def run_dry_run(
    request: Request, principal: Principal, pool: DatabasePool, options: Options
) -> tuple[DryRun, MappingDocument | None]:
    """Return the dry run of the file in a vendor's request, and the document in it that was applied, if any.

    The page and the API route call it. The option `mapping` may be a name or id.
    """
    vendor_id = principal.vendor_id
    assert vendor_id is not None, "the routes require a vendor"  # noqa: S101
    content, document = await _read_content(request, pool.settings.dry_run_bytes)
    if document is not None and options.mapping is not None:
        raise Problem("invalid-request", "Send either the parameter `mapping` or the field `mapping`, not both.")
    if options.mapping is not None:
        resolve = partial(resolve_mapping, vendor_id=vendor_id, name_or_reference=options.mapping)
        options = replace(options, mapping=await run_in_threadpool(pool.run_as_vendor, vendor_id, resolve))
    async with dry_run_limits.limit_dry_run(request, principal, pool) as details:
        details["file_size_bytes"] = len(content)
        try:
            # Unrestricted: the result tells any vendor whether a SKU exists, and nothing else of other vendors.
            result = await run_in_threadpool(
                dry_run, pool.run_unrestricted, content, vendor_id, options, document=document
            )
        except ParserTimeout as error:
            raise dry_run_limits.build_busy_problem() from error
        details |= {
            "outcome": result.status,
            "failure_code": result.rejection and result.rejection.code,
            "rows": len(result.rows),
        }
        return result, document


async def _read_content(request: Request, limit: int) -> tuple[bytes, MappingDocument | None]:
    """Return the file in a request and, if it is a form with a mapping, the document."""
    document = None
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Problem("bad-request", "The form has no file in the field `file`.")
            content = await file.read()
            document = _parse_document(form.get("mapping"))
    else:
        content = await request.body()
    if len(content) > limit:
        raise Problem(
            "too-large", f"A dry run accepts files up to {limit:,} bytes; an upload, up to {MAX_BYTES:,} bytes."
        )
    return content, document


def _parse_document(value: UploadFile | str | None) -> MappingDocument | None:
    """Return the document in the field `mapping`; None if there is none or it is blank."""
    if not value:
        return None
    if not isinstance(value, str):
        raise Problem("bad-request", "The field `mapping` must be text, not a file.")
    try:
        return DocumentFields.model_validate_json(value).parse()
    except ValidationError as error:
        items = [{**item, "loc": ("body", "mapping", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(items) from error


def dry_run_response(result: DryRun) -> DryRunResponse:
    """Return the response for a dry run."""
    row_errors = [(number, error) for number, errors in sorted(result.errors.items()) for error in errors]
    spreadsheet_row = spreadsheet_row_function(result.file_details)
    get_header = header_function(result.file_details)
    return DryRunResponse(
        status=result.status,
        failure_code=result.rejection.code if result.rejection else None,
        failure_reason=result.rejection.reason if result.rejection else None,
        total_records=len(result.rows),
        valid_records=len(result.outcomes),
        error_records=len(result.errors),
        created_records=result.count(Outcome.CREATED),
        updated_records=result.count(Outcome.UPDATED),
        unchanged_records=result.count(Outcome.UNCHANGED),
        errors=[
            RowErrorResponse(
                row_number=number,
                spreadsheet_row=spreadsheet_row(number),
                error_type=error.error_type,
                column=error.field,
                header=get_header(error.field),
                message=error.message,
                value=error.value,
                expected=error.expected,
                hint=error.hint,
            )
            for number, error in row_errors[:MAX_ERRORS]
        ],
        error_types=dict(Counter(error.error_type for _, error in row_errors)),
        summary=summary_response(summarize_errors(row_errors, MAX_GROUPS, spreadsheet_row), result.file_details),
        file_details=file_details_response(result.file_details, result.warnings),
        rows=[
            DryRunRow(
                row_number=row.row_number,
                spreadsheet_row=spreadsheet_row(row.row_number),
                cells=dict(row.cells),
                outcome=result.outcomes.get(row.row_number),
            )
            for row in result.rows[:MAX_ROWS]
        ],
        changed_products=len(result.changes),
        changes=[change_response(change, spreadsheet_row) for change in result.changes[:MAX_PREVIEWED]],
        **dict(dry_run_mapping_fields(result)),
    )
