"""Routes for operators to manage vendors, their API keys and sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from onboarding.storage import vendors
from onboarding.storage.database import Connection
from onboarding.storage.input_validation import PLAIN_TEXT
from onboarding.storage.vendors import VENDOR_ID, VendorStatus
from onboarding.web.api import api_keys, sign_in
from onboarding.web.auth import CurrentOperator, OperatorAdmin
from onboarding.web.database import PoolDep, fetch_models
from onboarding.web.errors import not_found, problem_responses
from onboarding.web.pagination import (
    Cursor,
    Limit,
    Page,
    build_page,
    decode_name_cursor,
    encode_cursor,
)
from onboarding.web.request_parameters import Email, KeyId, Name, VendorId

router = APIRouter(
    prefix="/v1/operator/vendors",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)

Phone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=vendors.PHONE_LENGTH, pattern=PLAIN_TEXT)]


class VendorResponse(BaseModel):
    """A vendor, with the quality of its files."""

    vendor_id: str
    vendor_name: str
    email: str
    phone: str | None
    status: VendorStatus
    created_at: datetime
    products: int
    uploads: int
    rows: int = Field(description="Rows of the last 90 days, without those of uploads that correct others")
    valid_rows: int
    fixed_rows: int = Field(description="Rejected rows that other uploads have accepted since")
    quality: float | None = Field(description="First-pass quality: percentage of valid rows; null without rows")
    quality_after_fixing: float | None = Field(description="Percentage of valid and fixed rows; null without rows")
    last_upload_at: datetime | None


class VendorRequest(BaseModel):
    """A new vendor."""

    vendor_id: Annotated[str, StringConstraints(pattern=VENDOR_ID)] = Field(examples=["VEND004"])
    vendor_name: Name
    email: Email
    phone: Phone | None = None


class VendorUpdate(BaseModel):
    """New values of a vendor. Fields that are left out do not change."""

    vendor_name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    status: VendorStatus | None = Field(
        None, description="A suspended vendor can view past uploads but cannot upload or change anything"
    )


Search = Annotated[
    str | None, Query(max_length=200, pattern=PLAIN_TEXT, description="Part of the id, name or e-mail address")
]


def _query_vendors(connection: Connection, **conditions: str | int | None) -> list[VendorResponse]:
    parameters = {"vendor_id": None, "search": None, "after": None, "limit": 1, **conditions}
    return fetch_models(connection, VendorResponse, "list_vendors_with_quality", parameters)


@router.get("")
def list_vendors(
    principal: CurrentOperator, pool: PoolDep, search: Search = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[VendorResponse]:
    """List the vendors with the quality of their files, by id."""
    conditions = {"search": search, "after": decode_name_cursor(cursor), "limit": limit + 1}
    items = principal.run(pool, lambda connection: _query_vendors(connection, **conditions))
    return build_page(items, limit, [encode_cursor(vendor.vendor_id) for vendor in items])


@router.get("/{vendor_id}")
def show_vendor(vendor_id: VendorId, principal: CurrentOperator, pool: PoolDep) -> VendorResponse:
    """Return a vendor with the quality of its files."""
    return principal.run(pool, lambda connection: get_vendor(connection, vendor_id))


def get_vendor(connection: Connection, vendor_id: str) -> VendorResponse:
    """Return a vendor. Raises the problem `not-found`."""
    items = _query_vendors(connection, vendor_id=vendor_id)
    if not items:
        raise not_found("vendor")
    return items[0]


@router.post("", status_code=201, responses=problem_responses("conflict"))
def create_vendor(body: VendorRequest, principal: OperatorAdmin, pool: PoolDep) -> VendorResponse:
    """Add a vendor, who may sign in and upload from now on."""

    def work(connection: Connection) -> VendorResponse:
        vendors.add_vendor(connection, principal.audit_actor, **body.model_dump())
        return get_vendor(connection, body.vendor_id)

    return principal.run(pool, work)


@router.patch("/{vendor_id}")
def update_vendor(vendor_id: VendorId, body: VendorUpdate, principal: OperatorAdmin, pool: PoolDep) -> VendorResponse:
    """Update or suspend a vendor. A new e-mail address ends all sessions of the vendor."""

    def work(connection: Connection) -> VendorResponse:
        vendors.update_vendor(connection, principal.audit_actor, vendor_id, **body.model_dump())
        return get_vendor(connection, vendor_id)

    return principal.run(pool, work)


@router.get("/{vendor_id}/keys")
def list_keys(vendor_id: VendorId, principal: CurrentOperator, pool: PoolDep) -> api_keys.KeyList:
    """List all API keys of a vendor, the newest first, without their secrets."""

    def work(connection: Connection) -> api_keys.KeyList:
        vendors.require_vendor(connection, vendor_id)
        return api_keys.get_keys(connection, vendor_id)

    return principal.run(pool, work)


@router.delete("/{vendor_id}/keys/{key_id}", status_code=204)
def revoke_key(vendor_id: VendorId, key_id: KeyId, principal: OperatorAdmin, pool: PoolDep) -> None:
    """Revoke a vendor's key immediately and permanently, for example one that leaked."""
    api_keys.revoke(principal, pool, vendor_id, key_id)


@router.delete("/{vendor_id}/sessions", status_code=204)
def sign_out_vendor(vendor_id: VendorId, principal: OperatorAdmin, pool: PoolDep) -> None:
    """Sign a vendor out everywhere: its sessions and unused sign-in links end. Its API keys stay valid."""
    sign_in.sign_out_vendor(principal, pool, vendor_id)
