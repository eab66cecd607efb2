"""Routes that cancel and undo an upload, and revoke the links to its files."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Upload, UploadStatus
from onboarding.files.error_report import report_key
from onboarding.files.fix_file import FixFileFormat, fix_file_key
from onboarding.pipeline import cancel, undo
from onboarding.storage.audit_log import record_action
from onboarding.storage.database import Connection
from onboarding.storage.product_feed import try_to_refresh_search
from onboarding.storage.queries import query
from onboarding.web import schemas, upload_queries
from onboarding.web.auth import Principal, Reader, Writer
from onboarding.web.database import PoolDep
from onboarding.web.errors import Problem, problem_responses
from onboarding.web.product_events import notify_products_changed
from onboarding.web.request_parameters import UploadId
from onboarding.web.schemas import UploadResponse

router = APIRouter(
    prefix="/v1/uploads/{upload_id}",
    tags=["Uploads"],
    responses=problem_responses(
        "unauthenticated", "forbidden", "account-suspended", "not-found", "invalid-request", "bad-request"
    ),
)


class SkippedProductResponse(BaseModel):
    """A product that the undo did not change, and the reason."""

    row_number: int
    spreadsheet_row: int | None
    vendor_product_id: str
    reason: str


class UndoResponse(BaseModel):
    """The result of an undo."""

    upload_id: str
    undone_at: datetime
    removed: int
    restored: int
    skipped: list[SkippedProductResponse]


class LinkClickResponse(BaseModel):
    """A click on an e-mailed link."""

    at: datetime
    file: str
    outcome: str
    ip: str
    user_agent: str


class ReportLinksResponse(BaseModel):
    """The links in the e-mail about an upload."""

    revoked_at: datetime | None
    clicks: list[LinkClickResponse]


@router.post("/cancel", responses=problem_responses("conflict"))
def cancel_upload(upload_id: UploadId, principal: Writer, pool: PoolDep) -> UploadResponse:
    """Cancel an upload in processing. Rows with an outcome keep it; the others get the error `CANCELLED`."""

    def get_upload(connection: Connection) -> Upload:
        return upload_queries.get_visible_upload(connection, principal, upload_id)

    upload = principal.run(pool, get_upload)
    cancelled_rows = 0
    if upload.status is UploadStatus.PROCESSING:
        with pool.unrestricted_context() as ctx:
            cancelled_rows = cancel.cancel_upload(ctx, upload_id, upload.vendor_id, principal.audit_actor)
    # The last row may have got its outcome after the query above.
    if not cancelled_rows and not principal.run(pool, lambda c: _has_cancelled_rows(c, principal, upload_id)):
        raise Problem("conflict", "The upload is finished and can no longer be cancelled. You can undo it instead.")
    return schemas.upload_response(principal.run(pool, get_upload))


def _has_cancelled_rows(connection: Connection, principal: Principal, upload_id: str) -> bool:
    conditions = {"error_type": RowErrorCode.CANCELLED}
    return bool(upload_queries.list_errors(connection, principal, upload_id, conditions, cursor=None, limit=1).items)


@router.post("/undo", responses=problem_responses("conflict"))
def undo_upload(upload_id: UploadId, principal: Writer, pool: PoolDep) -> UndoResponse:
    """Remove and restore what an upload changed in the catalog, except products that changed after the upload."""
    principal.run(pool, lambda connection: upload_queries.get_visible_upload(connection, principal, upload_id))
    try:
        with pool.unrestricted_context() as ctx:
            result = undo.undo_upload(ctx.database, upload_id, principal.audit_actor)
            try_to_refresh_search(ctx.database)
    except undo.NotUndoable as error:
        raise Problem("conflict", f"{error}.") from error
    if not result.is_repeated:
        notify_products_changed(pool)
    skipped = [
        SkippedProductResponse(
            row_number=product.row_number,
            spreadsheet_row=product.spreadsheet_row,
            vendor_product_id=product.vendor_product_id,
            reason=product.reason,
        )
        for product in result.skipped
    ]
    return UndoResponse(
        upload_id=upload_id,
        undone_at=result.undone_at,
        removed=result.removed,
        restored=result.restored,
        skipped=skipped,
    )


@router.get("/links")
def show_links(upload_id: UploadId, principal: Reader, pool: PoolDep) -> ReportLinksResponse:
    """Return whether the links in the e-mail are valid, and their last 100 clicks."""
    return principal.run(pool, lambda connection: get_links(connection, principal, upload_id))


def get_links(connection: Connection, principal: Principal, upload_id: str) -> ReportLinksResponse:
    """Return the revocation and the clicks of an upload's links."""
    keys = _file_keys(upload_queries.get_visible_upload(connection, principal, upload_id))
    revoked = connection.execute(query("get_report_link_revocation"), {"keys": keys}).fetchone()
    clicks = connection.execute(query("list_report_link_clicks"), {"keys": keys})
    return ReportLinksResponse(
        revoked_at=revoked[0] if revoked else None,
        clicks=[
            LinkClickResponse(at=at, file=key.rsplit("/", 1)[-1], outcome=outcome, ip=ip, user_agent=agent)
            for at, key, outcome, ip, agent in clicks
        ],
    )


@router.delete("/links", status_code=204)
def revoke_links(upload_id: UploadId, principal: Writer, pool: PoolDep) -> None:
    """Revoke the links in the e-mail immediately. Users who sign in can still download the files."""

    def work(connection: Connection) -> None:
        upload = upload_queries.get_visible_upload(connection, principal, upload_id)
        for key in _file_keys(upload):
            parameters = {"s3_key": key, "vendor_id": upload.vendor_id, "revoked_by": principal.actor}
            connection.execute(query("revoke_report_link"), parameters)
        record_action(connection, principal.audit_actor, "links_revoked", upload_id, vendor_id=upload.vendor_id)

    principal.run(pool, work)


def _file_keys(upload: Upload) -> list[str]:
    """Return the keys of the files that the e-mail links to. The files may not exist yet."""
    return [report_key(upload), *(fix_file_key(upload, file_format) for file_format in FixFileFormat)]
