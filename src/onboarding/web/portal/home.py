"""Home page of a vendor: preview of a file, upload form, recent uploads."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.aws.objects import SUFFIXES
from onboarding.domain.models import Mode, OnError
from onboarding.domain.upload_options import Options
from onboarding.files.parser import MAX_BYTES
from onboarding.web import upload_queries
from onboarding.web.api import dry_runs
from onboarding.web.auth import CurrentVendor, Reader
from onboarding.web.database import PoolDep
from onboarding.web.portal.file_details import get_spreadsheet_row_function, list_details
from onboarding.web.portal.rendering import render_page
from onboarding.web.upload_queries import UploadFilter

router = APIRouter(include_in_schema=False)

RECENT_UPLOADS = 5


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
) -> Response:
    """Return the dry run of the file in the body, as a part of the home page."""
    dry_run = await dry_runs.run_dry_run(request, principal, pool, Options(mode, on_error, force))
    return render_page(
        "preview.html",
        request,
        principal,
        dry_run=dry_run,
        details=list_details(dry_run.file_details),
        spreadsheet_row=get_spreadsheet_row_function(dry_run.file_details),
        rejects_file=on_error is OnError.REJECT_FILE,
    )
