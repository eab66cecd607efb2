"""Route for the audit log, for operators."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.auth import CurrentOperator
from onboarding.web.database import PoolDep
from onboarding.web.errors import problem_responses
from onboarding.web.pagination import (
    Cursor,
    Limit,
    Page,
    build_page,
    decode_number_cursor,
    encode_cursor,
    models_from_rows,
)
from onboarding.web.parameters import VendorFilter

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


@router.get("")
def list_entries(
    principal: CurrentOperator,
    pool: PoolDep,
    vendor_id: VendorFilter = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[AuditEntryResponse]:
    """List the entries of the audit log, the latest first."""
    return principal.run(pool, lambda connection: list_entries_of(connection, vendor_id, cursor, limit))


def list_entries_of(
    connection: Connection, vendor_id: str | None, cursor: str | None, limit: int
) -> Page[AuditEntryResponse]:
    """Return a page of the audit log, of one vendor or of all. The first page starts at the largest bigint."""
    [before] = (*decode_number_cursor(cursor), 2**63 - 1)[:1]
    parameters = {"vendor_id": vendor_id, "before": before, "limit": limit + 1}
    rows = connection.execute(query("list_audit_entries"), parameters).fetchall()
    items = models_from_rows(AuditEntryResponse, (row[1:] for row in rows))
    return build_page(items, limit, [encode_cursor(row[0]) for row in rows])
