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
from onboarding.web.auth import Principal, Reader
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Responses, not_found, problem_responses
from onboarding.web.pagination import Cursor, Limit, Page, Since, Until, UploadId, VendorFilter
from onboarding.web.schemas import (
    ErrorResponse,
    FileDetailsResponse,
    ProductResponse,
    SummaryResponse,
    UploadFilter,
    UploadResponse,
)

router = APIRouter(
    prefix="/v1/uploads",
    tags=["Uploads"],
    responses=problem_responses("not-signed-in", "not-allowed", "invalid-request", "bad-request"),
)
missing = problem_responses("not-found")

POLL_SECONDS = 0.4
"""Seconds between two looks while a request waits for something to move."""

Condition = Annotated[str | None, Query(max_length=200, pattern=PLAIN)]


@router.get("")
def list_uploads(
    principal: Reader,
    pool: PoolDep,
    *,
    status: UploadStatus | None = None,
    since: Since = None,
    until: Until = None,
    vendor_id: VendorFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[UploadResponse]:
    """The history, newest first, by status and date."""
    wanted = UploadFilter(vendor_id, status, since, until)
    return schemas.list_uploads(pool, principal, wanted, cursor=cursor, limit=limit)


@router.get("/{upload_id}", responses=missing)
async def show_upload(
    upload_id: UploadId,
    principal: Reader,
    pool: PoolDep,
    wait: Annotated[
        float, Query(ge=0, le=20, description="Seconds to wait for something to move; the answer may come sooner")
    ] = 0,
    seen: Annotated[
        str | None, Query(max_length=200, description="The `version` that is known; any other is answered at once")
    ] = None,
) -> UploadResponse:
    """One upload as it stands. With `wait` the answer comes when it has moved on, or is done, or the time is up.

    On AWS it comes at once: pause between two questions.
    """
    deadline = time.monotonic() + min(wait, pool.settings.longest_wait)
    found = await run_in_threadpool(schemas.upload_of, pool, principal, upload_id)
    known = seen or schemas.version_of(found)
    while schemas.phase_of(found) != "done" and schemas.version_of(found) == known:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        await asyncio.sleep(min(POLL_SECONDS, left))
        found = await run_in_threadpool(schemas.upload_of, pool, principal, upload_id)
    return schemas.upload_response(found)


@router.get("/{upload_id}/errors", responses=missing)
def list_errors(
    upload_id: UploadId,
    principal: Reader,
    pool: PoolDep,
    *,
    error_type: Condition = None,
    column: Condition = None,
    value: Annotated[str | None, Query(max_length=3000, pattern=PLAIN)] = None,
    like: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="Only errors of the group that the summary gives this number")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[ErrorResponse]:
    """The errors of an upload's rows, by row; of one type, about one column, with one value, of one group."""
    conditions = {"error_type": error_type, "column": column, "value": value, "like": like}
    return schemas.list_errors(pool, principal, upload_id, conditions, cursor=cursor, limit=limit)


@router.get("/{upload_id}/reading", responses=missing)
def show_file_details(upload_id: UploadId, principal: Reader, pool: PoolDep) -> FileDetailsResponse:
    """How the file was read: its format, which header is which column, and what was odd about it."""
    return schemas.get_file_details(pool, principal, upload_id)


@router.get("/{upload_id}/summary", responses=missing)
def show_summary(
    upload_id: UploadId, principal: Reader, pool: PoolDep, top: Annotated[int, Query(ge=1, le=200)] = MAX_GROUPS
) -> SummaryResponse:
    """What is wrong in an upload: equal mistakes together, the most frequent first."""
    return schemas.get_summary(pool, principal, upload_id, top)


@router.get("/{upload_id}/products", responses=missing)
def list_products(
    upload_id: UploadId, principal: Reader, pool: PoolDep, cursor: Cursor = None, limit: Limit = 100
) -> Page[ProductResponse]:
    """The products that an upload put into the catalog, by row."""
    return schemas.list_products(pool, principal, upload_id, cursor=cursor, limit=limit)


REDIRECT: Responses = {
    303: {
        "description": "The file is at `Location`, for a few minutes",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}, "required": True}},
    }
}


@router.get("/{upload_id}/report", status_code=303, response_class=RedirectResponse, responses={**REDIRECT, **missing})
def fetch_report(upload_id: UploadId, principal: Reader, pool: PoolDep) -> RedirectResponse:
    """The error report, as CSV."""
    upload = schemas.upload_of(pool, principal, upload_id)
    return _redirect_to_file(pool, principal, upload, upload.error_file_s3_key, "report")


@router.get(
    "/{upload_id}/fix-file", status_code=303, response_class=RedirectResponse, responses={**REDIRECT, **missing}
)
def fetch_fix_file(upload_id: UploadId, principal: Reader, pool: PoolDep) -> RedirectResponse:
    """The rejected rows as they were in the file, each with what is wrong: to be mended and uploaded again."""
    upload = schemas.upload_of(pool, principal, upload_id)
    return _redirect_to_file(pool, principal, upload, upload.fix_file_s3_key, "fix file")


def _redirect_to_file(
    pool: DatabasePool, principal: Principal, upload: Upload, key: str | None, what: str
) -> RedirectResponse:
    if key is None:
        raise not_found(f"{what}: the upload is not finished, or no row was rejected")
    address = pool.ctx.s3.generate_presigned_url(
        "get_object", Params={"Bucket": pool.settings.bucket, "Key": key}, ExpiresIn=REDIRECT_SECONDS
    )
    action = f"fetched_{what.replace(' ', '_')}"
    principal.run(pool, lambda c: note(c, principal, action, upload.upload_id, vendor_id=upload.vendor_id))
    return RedirectResponse(address, status_code=303)
