"""Home page of a vendor: preview of a file, upload form, recent uploads."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from onboarding.aws.objects import SUFFIXES
from onboarding.domain.models import Mode, OnError
from onboarding.domain.product_schema import NUMBER_COLUMNS
from onboarding.domain.upload_options import Options
from onboarding.files.parser import MAX_BYTES, MAX_ROWS
from onboarding.storage.categories import list_active_category_names
from onboarding.storage.database import Connection
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.storage.mappings import list_mappings
from onboarding.web import upload_queries
from onboarding.web.api import dry_runs
from onboarding.web.auth import CurrentVendor, Principal, Reader
from onboarding.web.database import PoolDep
from onboarding.web.portal.file_details import get_spreadsheet_row_function, list_details
from onboarding.web.portal.mapping_step import build_mapping_step
from onboarding.web.portal.rendering import may_write, render_page
from onboarding.web.upload_queries import UploadFilter

router = APIRouter(include_in_schema=False)

RECENT_UPLOADS = 5

FileName = Annotated[str, Query(max_length=255, pattern=PLAIN_TEXT)]


@router.get("/")
def show_home(
    request: Request,
    principal: Reader,
    pool: PoolDep,
    mode: Mode = Mode.CREATE,
    on_error: OnError = OnError.REJECT_ROWS,
) -> Response:
    """Show the home page; operators are redirected to theirs."""
    if principal.is_operator:
        return RedirectResponse("/operator", status_code=303)
    recent_uploads = principal.run(
        pool, lambda c: upload_queries.list_uploads(c, principal, UploadFilter(), cursor=None, limit=RECENT_UPLOADS)
    )
    return render_page(
        "home.html",
        request,
        principal,
        recent_uploads=recent_uploads,
        mode=mode.value,
        on_error=on_error.value,
        suffixes=SUFFIXES,
        max_bytes=MAX_BYTES,
        preview_bytes=pool.settings.dry_run_bytes,
    )


@router.post("/preview")
async def show_preview(
    request: Request,
    principal: CurrentVendor,
    pool: PoolDep,
    *,
    mode: Mode = Mode.CREATE,
    on_error: OnError = OnError.REJECT_ROWS,
    force: bool = False,
    file_name: FileName = "",
    declined_values: Annotated[int, Query(ge=0, le=MAX_ROWS)] = 0,
) -> Response:
    """Return the dry run of the file in the body, as a part of the home page.

    The body may be a form with the mapping that the vendor confirmed in the step. `declined_values` is the number of
    values that the step has shown and the vendor left without a category.
    """
    result, document = await dry_runs.run_dry_run(request, principal, pool, Options(mode, on_error, force))
    category_names, fingerprints = await run_in_threadpool(principal.run, pool, partial(_query_choices, principal))
    step = build_mapping_step(
        result,
        mode=mode,
        document=document,
        category_names=category_names,
        fingerprints=fingerprints,
        file_name=file_name,
        declined_values=declined_values,
    )
    dry_run = dry_runs.dry_run_response(result)
    return render_page(
        "preview.html",
        request,
        principal,
        dry_run=dry_run,
        step=step if may_write(principal) else None,
        mapping=dry_run.mapping if document is None else None,
        number_columns=list(NUMBER_COLUMNS),
        details=list_details(dry_run.file_details),
        spreadsheet_row=get_spreadsheet_row_function(dry_run.file_details),
        rejects_file=on_error is OnError.REJECT_FILE,
        suggests_update=mode is Mode.CREATE and result.file_details is not None and result.file_details.is_export,
    )


def _query_choices(principal: Principal, connection: Connection) -> tuple[list[str], dict[str, str | None]]:
    """Return the active categories, and the fingerprint of each of the vendor's mappings by its name."""
    fingerprints = {row["name"]: row["header_fingerprint"] for row in list_mappings(connection, principal.vendor_id)}
    return list_active_category_names(connection), fingerprints
