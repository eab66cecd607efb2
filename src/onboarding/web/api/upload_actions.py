"""Routes that change the course of an upload: cancel it, take it back, end the links to its files."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import RowError, Upload, UploadStatus
from onboarding.files.error_report import report_key
from onboarding.files.fix_file import fix_file_key
from onboarding.pipeline import recovery, undo
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web import schemas
from onboarding.web.audit import note
from onboarding.web.auth import Principal, Reader, Writer
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, problem_responses
from onboarding.web.pagination import UploadId
from onboarding.web.schemas import UploadResponse

router = APIRouter(
    prefix="/v1/uploads/{upload_id}",
    tags=["Uploads"],
    responses=problem_responses(
        "unauthenticated", "forbidden", "account-suspended", "not-found", "invalid-request", "bad-request"
    ),
)

CANCELLED = RowError(RowErrorCode.CANCELLED, "row", "The upload was cancelled before this row was checked")


class SkippedProductResponse(BaseModel):
    """A product that the undo left as it is, and why."""

    row_number: int
    spreadsheet_row: int | None
    vendor_product_id: str
    reason: str


class UndoResponse(BaseModel):
    upload_id: str
    undone_at: datetime
    removed: int
    restored: int
    skipped: list[SkippedProductResponse]


class LinkUse(BaseModel):
    """A use of a mailed link: when, from where, and what came of it."""

    at: datetime
    file: str
    outcome: str
    ip: str
    user_agent: str


class Links(BaseModel):
    """The links in the mail about an upload."""

    revoked_at: datetime | None
    uses: list[LinkUse]


@router.post("/cancel", responses=problem_responses("conflict"))
def cancel_upload(upload_id: UploadId, principal: Writer, pool: PoolDep) -> UploadResponse:
    """End an upload that is under way. Rows that were checked keep their outcome; the others are `CANCELLED`."""
    upload = schemas.upload_of(pool, principal, upload_id)
    ended = 0
    if upload.status is UploadStatus.PROCESSING:
        with pool.operator_context() as ctx:
            ended = recovery.end_upload(ctx, upload_id, upload.vendor_id, CANCELLED)
    # None, if the last row had its outcome in the meantime.
    if ended:
        _noted(pool, principal, "upload_cancelled", upload)
    elif not _was_cancelled(pool, principal, upload_id):
        raise Problem("conflict", "The upload is finished and can no longer be cancelled. You can undo it instead.")
    return schemas.upload_response(schemas.upload_of(pool, principal, upload_id))


def _was_cancelled(pool: DatabasePool, principal: Principal, upload_id: str) -> bool:
    conditions = {"error_type": CANCELLED.error_type, "column": None, "value": None}
    return bool(schemas.list_errors(pool, principal, upload_id, conditions, cursor=None, limit=1).items)


@router.post("/undo", responses=problem_responses("conflict"))
def undo_upload(upload_id: UploadId, principal: Writer, pool: PoolDep) -> UndoResponse:
    """Take back what an upload did to the catalog, as far as nothing else has touched it since."""
    upload = schemas.upload_of(pool, principal, upload_id)
    try:
        with pool.operator_context() as ctx:
            done = undo.undo_upload(ctx.database, upload_id)
    except undo.NotUndoable as error:
        raise Problem("conflict", f"{error}.") from error
    _noted(pool, principal, "upload_undone", upload)
    kept = [
        SkippedProductResponse(
            row_number=kept.row_number,
            spreadsheet_row=kept.spreadsheet_row,
            vendor_product_id=kept.vendor_product_id,
            reason=kept.reason,
        )
        for kept in done.kept
    ]
    return UndoResponse(
        upload_id=upload_id, undone_at=done.undone_at, removed=done.removed, restored=done.restored, skipped=kept
    )


@router.get("/links")
def show_links(upload_id: UploadId, principal: Reader, pool: PoolDep) -> Links:
    """Whether the links in the mail still work, and who used them: the last 100 uses."""

    def work(connection: Connection) -> Links:
        keys = _file_keys(schemas.get_visible_upload(connection, principal, upload_id))
        revoked = connection.execute(query("get_report_link_revocation"), {"keys": keys}).fetchone()
        uses = connection.execute(query("list_report_link_clicks"), {"keys": keys})
        return Links(
            revoked_at=revoked[0] if revoked else None,
            uses=[
                LinkUse(at=at, file=key.rsplit("/", 1)[-1], outcome=outcome, ip=ip, user_agent=agent)
                for at, key, outcome, ip, agent in uses
            ],
        )

    return principal.run(pool, work)


@router.delete("/links", status_code=204)
def revoke_links(upload_id: UploadId, principal: Writer, pool: PoolDep) -> None:
    """End the links in the mail about an upload at once. The files can still be fetched by whoever signs in."""

    def work(connection: Connection) -> None:
        upload = schemas.get_visible_upload(connection, principal, upload_id)
        for key in _file_keys(upload):
            parameters = {"s3_key": key, "vendor_id": upload.vendor_id, "revoked_by": principal.actor}
            connection.execute(query("revoke_report_link"), parameters)
        note(connection, principal, "links_revoked", upload_id, vendor_id=upload.vendor_id)

    principal.run(pool, work)


def _file_keys(upload: Upload) -> list[str]:
    """The files that a mail about the upload leads to, whether they are there already or not."""
    return [report_key(upload), fix_file_key(upload)]


def _noted(pool: DatabasePool, principal: Principal, action: str, upload: Upload) -> None:
    principal.run(pool, lambda c: note(c, principal, action, upload.upload_id, vendor_id=upload.vendor_id))
