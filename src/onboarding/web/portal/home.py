"""Home page of a vendor: check a file, upload it, recent uploads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.aws.objects import SUFFIXES
from onboarding.domain.models import Mode, OnError
from onboarding.domain.upload_options import Options
from onboarding.files.models import FileDetails
from onboarding.files.parser import MAX_BYTES
from onboarding.web import schemas
from onboarding.web.api import dry_runs
from onboarding.web.auth import CurrentVendor, Reader
from onboarding.web.database import PoolDep
from onboarding.web.portal.rendering import page
from onboarding.web.schemas import FileDetailsResponse, UploadFilter

router = APIRouter(include_in_schema=False)

RECENT = 5


@router.get("/")
def home(
    request: Request,
    principal: Reader,
    pool: PoolDep,
    mode: Mode = Mode.CREATE,
    on_error: OnError = OnError.REJECT_ROWS,
) -> Response:
    """Show the home page; operators are redirected to theirs."""
    if principal.is_operator:
        return RedirectResponse("/operator", status_code=303)
    recent = principal.run(
        pool, lambda c: schemas.list_uploads(c, principal, UploadFilter(), cursor=None, limit=RECENT)
    )
    return page(
        "home.html",
        request,
        principal,
        recent_uploads=recent,
        mode=mode.value,
        on_error=on_error.value,
        suffixes=SUFFIXES,
        max_bytes=MAX_BYTES,
        preview_bytes=pool.settings.dry_run_bytes,
    )


@router.post("/preview")
async def preview(
    request: Request,
    principal: CurrentVendor,
    pool: PoolDep,
    *,
    mode: Mode = Mode.CREATE,
    on_error: OnError = OnError.REJECT_ROWS,
    force: bool = False,
) -> Response:
    """Return the dry run of the file in the body, as a part of the page."""
    run = await dry_runs.run_dry_run(request, principal, pool, Options(mode, on_error, force))
    rejects_file = on_error is OnError.REJECT_FILE
    return page(
        "preview.html",
        request,
        principal,
        dry_run=run,
        details=facts(run.file_details),
        spreadsheet_row=line_of(run.file_details),
        rejects_file=rejects_file,
    )


@dataclass(frozen=True, slots=True)
class Fact:
    """One detail of how a file was read."""

    name: str
    value: str


def line_of(reading: FileDetailsResponse) -> Callable[[int], int]:
    """Return the function from a data row to its row in a spreadsheet."""
    return schemas.spreadsheet_rows(FileDetails.from_json(reading.details) if reading.details else None)


def facts(reading: FileDetailsResponse) -> list[Fact]:
    """Return the file details to show; none for a file that could not be read."""
    if reading.details is None:
        return []
    detected = FileDetails.from_json(reading.details)
    renamed = [f"{header} → {column}" for header, column in detected.columns.items() if header.strip() != column]
    details = [
        Fact("Format", detected.format.upper()),
        Fact("Encoding", detected.encoding or ""),
        Fact("Delimiter", detected.delimiter or ""),
        Fact("Sheet", detected.sheet or ""),
        Fact("Header", f"line {detected.header_line}"),
        Fact("Columns", f"{len(detected.columns)} recognised"),
        Fact("Column mapping", ", ".join(renamed)),
        Fact("Ignored columns", ", ".join(detected.unknown)),
        Fact("Decimal comma", ", ".join(detected.decimal_commas)),
        Fact("File type", "Fix file" if detected.fix_file else ""),
    ]
    return [fact for fact in details if fact.value]
