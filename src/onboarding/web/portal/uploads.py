"""Pages of the upload history and of one upload: progress, result and errors."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BeforeValidator

from onboarding.domain.models import Outcome, Upload, UploadStatus
from onboarding.storage.database import Connection
from onboarding.storage.errors import NotFound
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.storage.mappings import get_mapping
from onboarding.storage.upload_sessions import UploadPurpose, get_upload_purpose
from onboarding.web import schemas, upload_queries
from onboarding.web.api import upload_actions
from onboarding.web.api.uploads import find_other_format
from onboarding.web.auth import Reader, Writer
from onboarding.web.database import PoolDep
from onboarding.web.errors import Problem
from onboarding.web.mapping_schemas import MappingReference
from onboarding.web.pagination import Cursor
from onboarding.web.portal.corrections import CorrectionNotice, load_work_list
from onboarding.web.portal.file_details import get_spreadsheet_row_function, list_details
from onboarding.web.portal.rendering import page_links, render_page
from onboarding.web.request_parameters import UploadId
from onboarding.web.upload_queries import UploadFilter

router = APIRouter(prefix="/uploads", include_in_schema=False)

UPLOADS_PER_PAGE = 25
FIRST_PRODUCTS = 10

Blank = Annotated[str, Query(pattern=r"^$")]
"""The value that a form sends for an empty field."""


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
    vendor_id: Annotated[str, BeforeValidator(str.strip), Query(max_length=50, pattern=PLAIN_TEXT)] = "",
    cursor: Cursor = None,
) -> Response:
    """Show a page of the upload history."""
    time_zone = _parse_time_zone(zone)
    conditions = UploadFilter(
        vendor_id or None,
        status if isinstance(status, UploadStatus) else None,
        _midnight(since, time_zone) if isinstance(since, date) else None,
        _midnight(until, time_zone, days=1) if isinstance(until, date) else None,
    )
    filters = {"status": str(status), "since": str(since), "until": str(until), "zone": zone, "vendor_id": vendor_id}
    active_filters = {name: value for name, value in filters.items() if value}
    uploads = principal.run(
        pool, lambda c: upload_queries.list_uploads(c, principal, conditions, cursor=cursor, limit=UPLOADS_PER_PAGE)
    )
    return render_page(
        "history.html",
        request,
        principal,
        uploads=uploads,
        filters=filters,
        is_filtered=bool(active_filters.keys() - {"zone"}),
        **page_links("/uploads", active_filters, cursor, uploads.next),
    )


def _parse_time_zone(name: str) -> tzinfo:
    """Return the time zone of the dates; UTC for an unknown one."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


def _midnight(day: date, time_zone: tzinfo, *, days: int = 0) -> datetime:
    try:
        return datetime.combine(day + timedelta(days=days), time(), time_zone).astimezone(UTC)
    except OverflowError as error:
        raise Problem("bad-request", "Enter a valid date.") from error


@router.get("/{upload_id}")
def show_upload(
    upload_id: UploadId,
    request: Request,
    principal: Reader,
    pool: PoolDep,
    *,
    notice: Literal["cancelled", "undone", "revoked", "resumed"] | CorrectionNotice = "",
    rows: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> Response:
    """Show an upload with its errors, to correct them, and the first products that it created or changed."""

    def work(connection: Connection) -> tuple[Upload, dict[str, Any]]:
        upload = upload_queries.get_visible_upload(connection, principal, upload_id)
        file_details = upload_queries.get_file_details(connection, principal, upload_id)
        is_edit = get_upload_purpose(connection, upload.s3_key) is UploadPurpose.EDIT
        return upload, {
            "upload": schemas.upload_response(upload),
            # The vendor has not made the file of an edit.
            "details": [] if is_edit else list_details(file_details),
            "spreadsheet_row": get_spreadsheet_row_function(file_details),
            "file_details": file_details,
            "is_mapping_deleted": _is_mapping_deleted(connection, upload.vendor_id, file_details.mapping),
            "changes": upload_queries.list_changes(
                connection,
                principal,
                upload_id,
                (Outcome.CREATED, Outcome.UPDATED),
                cursor=None,
                limit=FIRST_PRODUCTS,
            ),
            "links": upload_actions.get_links(connection, principal, upload_id),
        }

    upload, values = principal.run(pool, work)
    is_correctable = values["upload"].phase == "done" and values["upload"].error_records
    values |= load_work_list(pool, principal, upload_id) if is_correctable else {"corrections": None}
    return render_page(
        "upload.html",
        request,
        principal,
        notice=notice,
        correction_notice=notice,
        notice_rows=rows,
        other_fix_format=find_other_format(pool, upload),
        **values,
    )


def _is_mapping_deleted(connection: Connection, vendor_id: str, mapping: MappingReference | None) -> bool:
    """Return whether the mapping that an upload used has no page any more."""
    if mapping is None or mapping.name is None:
        return False
    try:
        get_mapping(connection, vendor_id, mapping.mapping_id)
    except NotFound:
        return True
    return False


@router.post("/{upload_id}/cancel")
def cancel_upload(upload_id: UploadId, principal: Writer, pool: PoolDep) -> Response:
    upload_actions.cancel_upload(upload_id, principal, pool)
    return _redirect(upload_id, "cancelled")


@router.post("/{upload_id}/undo")
def undo_upload(upload_id: UploadId, principal: Writer, pool: PoolDep) -> Response:
    result = upload_actions.undo_upload(upload_id, principal, pool)
    return _redirect(upload_id, "undone", rows=len(result.skipped))


@router.post("/{upload_id}/revoke")
def revoke_links(upload_id: UploadId, principal: Writer, pool: PoolDep) -> Response:
    upload_actions.revoke_links(upload_id, principal, pool)
    return _redirect(upload_id, "revoked")


def _redirect(upload_id: str, notice: str, *, rows: int = 0) -> Response:
    parameters = {"notice": notice, **({"rows": rows} if rows else {})}
    return RedirectResponse(f"/uploads/{upload_id}?{urlencode(parameters)}", status_code=303)
