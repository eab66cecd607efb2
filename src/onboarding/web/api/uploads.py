"""Routes of uploads: the history, one upload's progress, its errors, products and files."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from onboarding.domain.models import Upload, UploadStatus
from onboarding.notifications.report_links import REDIRECT_SECONDS
from onboarding.storage.administration import PLAIN
from onboarding.storage.error_summary import MAX_GROUPS
from onboarding.web import schemas
from onboarding.web.audit import note
from onboarding.web.auth import Caller, Reader
from onboarding.web.database import Desk, DeskHere
from onboarding.web.errors import Problem, Responses, documented
from onboarding.web.pagination import Cursor, Limit, Page, Since, Until, UploadId, WantedVendor
from onboarding.web.schemas import ErrorShown, ProductShown, ReadingShown, SummaryShown, UploadShown, Wanted

router = APIRouter(
    prefix="/v1/uploads",
    tags=["Uploads"],
    responses=documented("unauthenticated", "forbidden", "invalid-request", "bad-request"),
)
missing = documented("not-found")

LOOK_AGAIN = 0.4
"""Seconds between two looks while a request waits for something to move."""

Condition = Annotated[str | None, Query(max_length=200, pattern=PLAIN)]


@router.get("")
def list_uploads(
    caller: Reader,
    desk: DeskHere,
    *,
    status: UploadStatus | None = None,
    since: Since = None,
    until: Until = None,
    vendor_id: WantedVendor = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[UploadShown]:
    """The history, newest first, by status and date."""
    wanted = Wanted(vendor_id, status, since, until)
    return schemas.uploads_page(desk, caller, wanted, cursor=cursor, limit=limit)


@router.get("/{upload_id}", responses=missing)
async def show_upload(
    upload_id: UploadId,
    caller: Reader,
    desk: DeskHere,
    wait: Annotated[
        float,
        Query(ge=0, le=20, description="Seconds to wait for a change; the response is sent as soon as there is one"),
    ] = 0,
    version: Annotated[
        str | None, Query(max_length=200, description="The last known `version`; another one is returned at once")
    ] = None,
) -> UploadShown:
    """One upload as it stands. With `wait` the answer comes when it has moved on, or is done, or the time is up.

    On AWS it comes at once: pause between two questions.
    """
    deadline = time.monotonic() + min(wait, desk.settings.longest_wait)
    found = await run_in_threadpool(schemas.upload_of, desk, caller, upload_id)
    known = version or schemas.version_of(found)
    while schemas.phase_of(found) != "done" and schemas.version_of(found) == known:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        await asyncio.sleep(min(LOOK_AGAIN, left))
        found = await run_in_threadpool(schemas.upload_of, desk, caller, upload_id)
    return schemas.shown(found)


@router.get("/{upload_id}/errors", responses=missing)
def list_errors(
    upload_id: UploadId,
    caller: Reader,
    desk: DeskHere,
    *,
    error_type: Condition = None,
    column: Condition = None,
    value: Annotated[str | None, Query(max_length=3000, pattern=PLAIN)] = None,
    group: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="Only errors of the group with this `id` in the summary")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[ErrorShown]:
    """The errors of an upload's rows, by row; of one type, about one column, with one value, of one group."""
    conditions = {"error_type": error_type, "column": column, "value": value, "like": group}
    return schemas.errors_page(desk, caller, upload_id, conditions, cursor=cursor, limit=limit)


@router.get("/{upload_id}/file-details", responses=missing)
def show_reading(upload_id: UploadId, caller: Reader, desk: DeskHere) -> ReadingShown:
    """How the file was read: its format, which header is which column, and what was odd about it."""
    return schemas.reading(desk, caller, upload_id)


@router.get("/{upload_id}/summary", responses=missing)
def show_summary(
    upload_id: UploadId, caller: Reader, desk: DeskHere, top: Annotated[int, Query(ge=1, le=200)] = MAX_GROUPS
) -> SummaryShown:
    """What is wrong in an upload: equal mistakes together, the most frequent first."""
    return schemas.summary(desk, caller, upload_id, top)


@router.get("/{upload_id}/products", responses=missing)
def list_products(
    upload_id: UploadId, caller: Reader, desk: DeskHere, cursor: Cursor = None, limit: Limit = 100
) -> Page[ProductShown]:
    """The products that an upload put into the catalog, by row."""
    return schemas.products_page(desk, caller, upload_id, cursor=cursor, limit=limit)


LEADS_ON: Responses = {
    303: {
        "description": "`Location` is a link to the file that works for a few minutes",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}, "required": True}},
    }
}


@router.get("/{upload_id}/report", status_code=303, response_class=RedirectResponse, responses={**LEADS_ON, **missing})
def fetch_report(upload_id: UploadId, caller: Reader, desk: DeskHere) -> RedirectResponse:
    """The error report, as CSV."""
    upload = schemas.upload_of(desk, caller, upload_id)
    return _to_file(desk, caller, upload, upload.error_file_s3_key, "report")


@router.get(
    "/{upload_id}/fix-file", status_code=303, response_class=RedirectResponse, responses={**LEADS_ON, **missing}
)
def fetch_fix_file(upload_id: UploadId, caller: Reader, desk: DeskHere) -> RedirectResponse:
    """The rejected rows as they were in the file, each with what is wrong: to be mended and uploaded again."""
    upload = schemas.upload_of(desk, caller, upload_id)
    return _to_file(desk, caller, upload, upload.fix_file_s3_key, "fix file")


def _to_file(desk: Desk, caller: Caller, upload: Upload, key: str | None, what: str) -> RedirectResponse:
    if key is None:
        raise Problem("not-found", f"There is no {what}: the upload is not finished, or no row was rejected.")
    address = desk.ctx.s3.generate_presigned_url(
        "get_object", Params={"Bucket": desk.settings.bucket, "Key": key}, ExpiresIn=REDIRECT_SECONDS
    )
    action = f"fetched_{what.replace(' ', '_')}"
    caller.run(desk, lambda c: note(c, caller, action, upload.upload_id, vendor_id=upload.vendor_id))
    return RedirectResponse(address, status_code=303)
