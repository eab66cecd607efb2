"""Routes for uploads: the history, and the progress, errors, products and files of an upload."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from onboarding.aws.objects import has_object
from onboarding.domain.error_summary import MAX_GROUPS
from onboarding.domain.models import Outcome, Upload, UploadStatus
from onboarding.files.fix_file import FixFileFormat, fix_file_key, get_default_format
from onboarding.notifications.report_links import REDIRECT_SECONDS
from onboarding.storage.audit_log import record_action
from onboarding.storage.database import Connection
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.web import schemas, upload_queries
from onboarding.web.auth import Principal, Reader
from onboarding.web.change_schemas import UploadChangeResponse
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, Responses, problem_responses
from onboarding.web.pagination import Cursor, Limit, Page
from onboarding.web.request_parameters import Since, Until, UploadId, VendorFilter
from onboarding.web.schemas import (
    ErrorResponse,
    ProductResponse,
    SummaryResponse,
    UploadFileDetailsResponse,
    UploadResponse,
)
from onboarding.web.upload_queries import UploadFilter

router = APIRouter(
    prefix="/v1/uploads",
    tags=["Uploads"],
    responses=problem_responses("unauthenticated", "forbidden", "invalid-request", "bad-request"),
)
NOT_FOUND = problem_responses("not-found")

POLL_SECONDS = 0.4
"""Pause between two queries while a request waits for progress."""

Condition = Annotated[str | None, Query(max_length=200, pattern=PLAIN_TEXT)]


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
    """List uploads, the newest first, by status and date."""
    conditions = UploadFilter(vendor_id, status, since, until)
    return principal.run(
        pool, lambda c: upload_queries.list_uploads(c, principal, conditions, cursor=cursor, limit=limit)
    )


@router.get("/{upload_id}", responses=NOT_FOUND)
async def show_upload(
    upload_id: UploadId,
    principal: Reader,
    pool: PoolDep,
    wait: Annotated[
        float,
        Query(ge=0, le=20, description="Seconds to wait for a change; the response is sent at the first change"),
    ] = 0,
    version: Annotated[
        str | None,
        Query(max_length=200, description="The last known `version`; a different one is returned immediately"),
    ] = None,
) -> UploadResponse:
    """Return an upload. With `wait`, the response comes after progress, when it is done, or when the time has passed.

    On AWS the response comes immediately: pause between two requests.
    """
    deadline = time.monotonic() + min(wait, pool.settings.longest_wait)
    upload = await run_in_threadpool(_get_upload, pool, principal, upload_id)
    last_version = version or schemas.get_version(upload)
    while schemas.get_phase(upload) != "done" and schemas.get_version(upload) == last_version:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            break
        await asyncio.sleep(min(POLL_SECONDS, remaining))
        upload = await run_in_threadpool(_get_upload, pool, principal, upload_id)
    return schemas.upload_response(upload)


def _get_upload(pool: DatabasePool, principal: Principal, upload_id: str) -> Upload:
    return principal.run(pool, lambda connection: upload_queries.get_visible_upload(connection, principal, upload_id))


@router.get("/{upload_id}/errors", responses=NOT_FOUND)
def list_errors(
    upload_id: UploadId,
    principal: Reader,
    pool: PoolDep,
    *,
    error_type: Condition = None,
    column: Condition = None,
    value: Annotated[str | None, Query(max_length=3000, pattern=PLAIN_TEXT)] = None,
    group: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="Only errors of the group with this `id` in the summary")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[ErrorResponse]:
    """List the errors of an upload, by row; optionally of one type, column, value or group."""
    conditions = {"error_type": error_type, "column": column, "value": value, "group": group}

    def work(connection: Connection) -> Page[ErrorResponse]:
        return upload_queries.list_errors(connection, principal, upload_id, conditions, cursor=cursor, limit=limit)

    return principal.run(pool, work)


@router.get("/{upload_id}/file-details", responses=NOT_FOUND)
def show_file_details(upload_id: UploadId, principal: Reader, pool: PoolDep) -> UploadFileDetailsResponse:
    """Return how the file was read: its format, the column of each header, warnings, and the applied mapping."""
    return principal.run(pool, lambda connection: upload_queries.get_file_details(connection, principal, upload_id))


@router.get("/{upload_id}/summary", responses=NOT_FOUND)
def show_summary(
    upload_id: UploadId, principal: Reader, pool: PoolDep, top: Annotated[int, Query(ge=1, le=200)] = MAX_GROUPS
) -> SummaryResponse:
    """Return the errors of an upload in groups with the same cause, the largest first."""
    return principal.run(pool, lambda connection: upload_queries.get_summary(connection, principal, upload_id, top))


@router.get("/{upload_id}/products", responses=NOT_FOUND)
def list_products(
    upload_id: UploadId, principal: Reader, pool: PoolDep, cursor: Cursor = None, limit: Limit = 100
) -> Page[ProductResponse]:
    """List the products that an upload added to the catalog or changed, by row."""
    return principal.run(
        pool, lambda c: upload_queries.list_products(c, principal, upload_id, cursor=cursor, limit=limit)
    )


@router.get("/{upload_id}/changes", responses=NOT_FOUND)
def list_changes(
    upload_id: UploadId,
    principal: Reader,
    pool: PoolDep,
    *,
    change_type: Annotated[Outcome | None, Query(description="Only rows with this effect")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[UploadChangeResponse]:
    """List what the accepted rows of an upload did to products, with the old and new values, by row."""
    change_types = tuple(Outcome) if change_type is None else (change_type,)
    return principal.run(
        pool,
        lambda c: upload_queries.list_changes(c, principal, upload_id, change_types, cursor=cursor, limit=limit),
    )


REDIRECT_RESPONSE: Responses = {
    303: {
        "description": "`Location` is a link to the file that works for a few minutes",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}, "required": True}},
    }
}


@router.get(
    "/{upload_id}/report",
    status_code=303,
    response_class=RedirectResponse,
    responses={**REDIRECT_RESPONSE, **NOT_FOUND},
)
def download_report(upload_id: UploadId, principal: Reader, pool: PoolDep) -> RedirectResponse:
    """Download the error report as CSV."""
    return _redirect_to_file(pool, principal, upload_id, "report", lambda upload: upload.error_file_s3_key)


@router.get(
    "/{upload_id}/fix-file",
    status_code=303,
    response_class=RedirectResponse,
    responses={**REDIRECT_RESPONSE, **NOT_FOUND},
)
def download_fix_file(
    upload_id: UploadId,
    principal: Reader,
    pool: PoolDep,
    file_format: Annotated[
        FixFileFormat | None, Query(alias="format", description="Without it, the format of the uploaded file")
    ] = None,
) -> RedirectResponse:
    """Download the rejected rows of the file with their errors, to fix them and upload them again."""

    def get_key(upload: Upload) -> str | None:
        if upload.fix_file_s3_key is None or file_format in {None, get_default_format(upload)}:
            return upload.fix_file_s3_key
        if file_format is not find_other_format(pool, upload):
            raise Problem("not-found", "There is no fix file in this format. Download it without `format`.")
        return fix_file_key(upload, file_format)

    return _redirect_to_file(pool, principal, upload_id, "fix file", get_key)


def find_other_format(pool: DatabasePool, upload: Upload) -> FixFileFormat | None:
    """Return the format of an upload's second fix file; None if there is none: earlier versions wrote one."""
    default_format = get_default_format(upload)
    if default_format is None:
        return None
    other = FixFileFormat.CSV if default_format is FixFileFormat.XLSX else FixFileFormat.XLSX
    return other if has_object(pool.ctx, pool.settings.bucket, fix_file_key(upload, other)) else None


def _redirect_to_file(
    pool: DatabasePool, principal: Principal, upload_id: str, file: str, key_of: Callable[[Upload], str | None]
) -> RedirectResponse:
    def work(connection: Connection) -> str:
        upload = upload_queries.get_visible_upload(connection, principal, upload_id)
        key = key_of(upload)
        if key is None:
            detail = f"There is no {file}: the upload is not finished, or no row was rejected."
            raise Problem("not-found", detail)
        action = f"fetched_{file.replace(' ', '_')}"
        record_action(connection, principal.audit_actor, action, upload_id, vendor_id=upload.vendor_id)
        return key

    key = principal.run(pool, work)
    url = pool.ctx.s3.generate_presigned_url(
        "get_object", Params={"Bucket": pool.settings.bucket, "Key": key}, ExpiresIn=REDIRECT_SECONDS
    )
    return RedirectResponse(url, status_code=303)
