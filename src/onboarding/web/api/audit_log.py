"""Route for the audit log, for operators."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from onboarding.storage.database import Connection
from onboarding.web.auth import CurrentOperator
from onboarding.web.database import PoolDep, fetch_models
from onboarding.web.errors import problem_responses
from onboarding.web.pagination import (
    Cursor,
    Limit,
    Page,
    build_page,
    decode_number_cursor,
    encode_cursor,
)
from onboarding.web.request_parameters import VendorFilter

router = APIRouter(
    prefix="/v1/operator/audit-log",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)


class AuditEntryResponse(BaseModel):
    """An entry of the audit log."""

    at: datetime
    actor: str
    vendor_id: str | None
    action: str
    subject: str
    ip: str
    detail: dict[str, Any]


class _AuditEntry(AuditEntryResponse):
    entry_id: int


@router.get("")
def list_entries(
    principal: CurrentOperator,
    pool: PoolDep,
    vendor_id: VendorFilter = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[AuditEntryResponse]:
    """List the entries of the audit log, the latest first."""
    return principal.run(pool, lambda connection: list_vendor_entries(connection, vendor_id, cursor, limit))


def list_vendor_entries(
    connection: Connection, vendor_id: str | None, cursor: str | None, limit: int
) -> Page[AuditEntryResponse]:
    """Return a page of the audit log, of one vendor or of all. The first page starts at the largest bigint."""
    [before] = (*decode_number_cursor(cursor), 2**63 - 1)[:1]
    parameters = {"vendor_id": vendor_id, "before": before, "limit": limit + 1}
    entries = fetch_models(connection, _AuditEntry, "list_audit_entries", parameters)
    return build_page(list[AuditEntryResponse](entries), limit, [encode_cursor(entry.entry_id) for entry in entries])
