"""The history, and one upload: under way, its result, its errors, and what may be done about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.domain.models import UploadStatus
from onboarding.storage.administration import PLAIN, VENDOR_ID
from onboarding.web import schemas
from onboarding.web.api import upload_actions
from onboarding.web.auth import Reader, Writer
from onboarding.web.database import PoolDep
from onboarding.web.errors import Problem
from onboarding.web.pagination import Cursor, UploadId
from onboarding.web.portal.home import facts, line_of
from onboarding.web.portal.rendering import page, paging
from onboarding.web.schemas import UploadFilter

router = APIRouter(prefix="/uploads", include_in_schema=False)

PER_PAGE = 25
FIRST_ROWS = 10
ERRORS_PER_PAGE = 50
SHOWN_GROUPS = 10

Blank = Annotated[str, Query(pattern=r"^$")]
"""What a form sends for a field that was left empty."""
Condition = Annotated[str | None, Query(max_length=3000, pattern=PLAIN)]


@router.get("")
def show_history(
    request: Request,
    principal: Reader,
    pool: PoolDep,
    *,
    status: UploadStatus | Blank = "",
    since: date | Blank = "",
    until: date | Blank = "",
    zone: Annotated[str, Query(max_length=60)] = "",
    vendor_id: Annotated[str, Query(pattern=rf"{VENDOR_ID}|^$")] = "",
    cursor: Cursor = None,
) -> Response:
    where = _zone(zone)
    wanted = UploadFilter(
        vendor_id or None,
        status if isinstance(status, UploadStatus) else None,
        _midnight(since, where) if isinstance(since, date) else None,
        _midnight(until, where, days=1) if isinstance(until, date) else None,
    )
    chosen = {
        "status": str(status), "since": str(since), "until": str(until), "zone": zone, "vendor_id": vendor_id
    }  # fmt: skip
    given = {name: value for name, value in chosen.items() if value}
    found = schemas.list_uploads(pool, principal, wanted, cursor=cursor, limit=PER_PAGE)
    return page(
        "history.html",
        request,
        principal,
        found=found,
        chosen=chosen,
        filtered=bool(given.keys() - {"zone"}),
        **paging("/uploads", given, cursor, found.next),
    )


def _zone(name: str) -> tzinfo:
    """The zone whose days are meant; UTC for one that is not known here."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


def _midnight(day: date, where: tzinfo, *, days: int = 0) -> datetime:
    try:
        return datetime.combine(day + timedelta(days=days), time(), where).astimezone(UTC)
    except OverflowError as error:
        raise Problem("bad-request", "There is no such day.") from error


@router.get("/{upload_id}")
def show_upload(
    upload_id: UploadId,
    request: Request,
    principal: Reader,
    pool: PoolDep,
    said: Literal["cancelled", "undone", "revoked", "resumed", ""] = "",
) -> Response:
    upload = schemas.upload_response(schemas.upload_of(pool, principal, upload_id))
    none = dict.fromkeys(("error_type", "column", "value"))
    reading = schemas.get_file_details(pool, principal, upload_id)
    return page(
        "upload.html",
        request,
        principal,
        upload=upload,
        said=said,
        facts=facts(reading),
        line_of=line_of(reading),
        reading=reading,
        summary=schemas.get_summary(pool, principal, upload_id, SHOWN_GROUPS),
        rows=schemas.list_errors(pool, principal, upload_id, none, cursor=None, limit=FIRST_ROWS),
        products=schemas.list_products(pool, principal, upload_id, cursor=None, limit=5),
        links=upload_actions.show_links(upload_id, principal, pool),
    )


@router.get("/{upload_id}/errors")
def show_errors(
    upload_id: UploadId,
    request: Request,
    principal: Reader,
    pool: PoolDep,
    *,
    error_type: Condition = None,
    column: Condition = None,
    value: Condition = None,
    like: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    cursor: Cursor = None,
) -> Response:
    conditions = {"error_type": error_type or None, "column": column or None, "value": value or None, "like": like}
    upload = schemas.upload_response(schemas.upload_of(pool, principal, upload_id))
    found = schemas.list_errors(pool, principal, upload_id, conditions, cursor=cursor, limit=ERRORS_PER_PAGE)
    given = {name: str(text) for name, text in conditions.items() if text}
    shown = {name: text for name, text in given.items() if name != "like"}
    if like and found.items:
        first = found.items[0]
        shown |= {"error_type": first.error_type, "column": first.column}
        shown |= {"value": first.value} if first.value else {"message": first.message}
    return page(
        "errors.html",
        request,
        principal,
        upload=upload,
        found=found,
        conditions=shown,
        filtered=bool(given),
        **paging(f"/uploads/{upload_id}/errors", given, cursor, found.next),
    )


@router.post("/{upload_id}/cancel")
def cancel(upload_id: UploadId, principal: Writer, pool: PoolDep) -> Response:
    upload_actions.cancel_upload(upload_id, principal, pool)
    return _back(upload_id, "cancelled")


@router.post("/{upload_id}/undo")
def undo(upload_id: UploadId, principal: Writer, pool: PoolDep) -> Response:
    upload_actions.undo_upload(upload_id, principal, pool)
    return _back(upload_id, "undone")


@router.post("/{upload_id}/revoke")
def revoke(upload_id: UploadId, principal: Writer, pool: PoolDep) -> Response:
    upload_actions.revoke_links(upload_id, principal, pool)
    return _back(upload_id, "revoked")


def _back(upload_id: str, said: str) -> Response:
    return RedirectResponse(f"/uploads/{upload_id}?said={said}", status_code=303)
