"""The vendor's first page: drop a file, see what would become of it, upload it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from onboarding import dry_run as dry
from onboarding.api import history
from onboarding.api.desk import DeskHere
from onboarding.api.history import Wanted
from onboarding.api.problems import Problem
from onboarding.api.who import SignedIn, VendorHere
from onboarding.intake import SUFFIXES
from onboarding.model import Mode, OnError, Outcome
from onboarding.options import Options
from onboarding.parse import MAX_BYTES, Detected
from onboarding.portal.pages import page
from onboarding.summary import summarised

router = APIRouter(include_in_schema=False)

RECENT = 5
SHOWN_GROUPS = 8
SHOWN_WARNINGS = 10


@router.get("/")
def home(
    request: Request,
    caller: SignedIn,
    desk: DeskHere,
    mode: Mode = Mode.CREATE,
    on_error: OnError = OnError.REJECT_ROWS,
) -> Response:
    if caller.is_operator:
        return RedirectResponse("/operator", status_code=303)
    recent = history.uploads_page(desk, caller, Wanted(), cursor=None, limit=RECENT)
    return page(
        "home.html",
        request,
        caller,
        recent=recent,
        mode=mode.value,
        on_error=on_error.value,
        suffixes=SUFFIXES,
        max_bytes=MAX_BYTES,
    )


@router.post("/preview")
async def preview(
    request: Request,
    caller: VendorHere,
    desk: DeskHere,
    *,
    mode: Mode = Mode.CREATE,
    on_error: OnError = OnError.REJECT_ROWS,
    force: bool = False,
) -> Response:
    """The API's dry run as a piece of the page. The body is the file."""
    content = await request.body()
    if len(content) > MAX_BYTES:
        raise Problem("too-large", f"A file may have {MAX_BYTES:,} bytes at most.")
    vendor_id = caller.vendor_id
    assert vendor_id is not None, "VendorHere has one"  # noqa: S101

    def judged() -> dry.DryRun:
        with desk.context() as ctx:
            return dry.dry_run(ctx.database, content, vendor_id, Options(mode, on_error, force))

    run = await run_in_threadpool(judged)
    return page(
        "preview.html",
        request,
        caller,
        run=run,
        facts=facts(run.detected) if run.detected else [],
        summary=summarised(((n, e) for n, errors in run.errors.items() for e in errors), SHOWN_GROUPS),
        warnings=list(run.warnings)[:SHOWN_WARNINGS],
        created=run.count(Outcome.CREATED),
        updated=run.count(Outcome.UPDATED),
        unchanged=run.count(Outcome.UNCHANGED),
        mode=mode.value,
        rejects_file=on_error is OnError.REJECT_FILE,
    )


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that reading found out."""

    name: str
    value: str


def facts(detected: Detected) -> list[Fact]:
    """How a file was read, for somebody who wants to check it at a glance."""
    renamed = [f"{header} → {column}" for header, column in detected.columns.items() if header.strip() != column]
    found = [
        Fact("Format", detected.format.upper()),
        Fact("Encoding", detected.encoding or ""),
        Fact("Separator", detected.delimiter or ""),
        Fact("Sheet", detected.sheet or ""),
        Fact("Header", f"line {detected.header_line}"),
        Fact("Columns", f"{len(detected.columns)} recognised"),
        Fact("Read as", ", ".join(renamed)),
        Fact("Ignored columns", ", ".join(detected.unknown)),
        Fact("Decimal comma", ", ".join(detected.decimal_commas)),
        Fact("Kind", "a fix file of ours" if detected.fix_file else ""),
    ]
    return [fact for fact in found if fact.value]
