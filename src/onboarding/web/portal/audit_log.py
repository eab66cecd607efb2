"""Page of the audit log, for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from onboarding.storage.vendors import VENDOR_ID
from onboarding.web.api import audit_log
from onboarding.web.auth import CurrentOperator
from onboarding.web.database import PoolDep
from onboarding.web.pagination import Cursor
from onboarding.web.portal.rendering import page_links, render_page

router = APIRouter(prefix="/operator/audit-log", include_in_schema=False)

ENTRIES_PER_PAGE = 50


@router.get("")
def show_audit_log(
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    vendor_id: Annotated[str, Query(pattern=rf"{VENDOR_ID}|^$")] = "",
    cursor: Cursor = None,
) -> Response:
    """Show a page of the audit log, of one vendor or of all."""
    entries = audit_log.list_entries(principal, pool, vendor_id or None, cursor, ENTRIES_PER_PAGE)
    conditions = {"vendor_id": vendor_id} if vendor_id else {}
    return render_page(
        "audit_log.html",
        request,
        principal,
        entries=entries,
        vendor_id=vendor_id,
        **page_links("/operator/audit-log", conditions, cursor, entries.next),
    )
