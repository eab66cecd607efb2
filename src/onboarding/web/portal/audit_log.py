"""Operators: the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from onboarding.storage.administration import VENDOR_ID
from onboarding.web.api import operators
from onboarding.web.auth import OperatorHere
from onboarding.web.database import DeskHere
from onboarding.web.pagination import Cursor
from onboarding.web.portal.rendering import page, paging

router = APIRouter(prefix="/operator/audit-log", include_in_schema=False)

PER_PAGE = 50


@router.get("")
def show(
    request: Request,
    caller: OperatorHere,
    desk: DeskHere,
    vendor_id: Annotated[str, Query(pattern=rf"{VENDOR_ID}|^$")] = "",
    cursor: Cursor = None,
) -> Response:
    found = operators.list_actions(caller, desk, vendor_id or None, cursor, PER_PAGE)
    given = {"vendor_id": vendor_id} if vendor_id else {}
    return page(
        "audit_log.html",
        request,
        caller,
        entries=found,
        vendor_id=vendor_id,
        **paging("/operator/audit-log", given, cursor, found.next),
    )
