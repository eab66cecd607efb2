"""Routes for operators: vendors, categories and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field, StringConstraints

from onboarding.storage import categories, vendors
from onboarding.storage.database import Connection
from onboarding.storage.input_rules import PLAIN_TEXT
from onboarding.storage.queries import query
from onboarding.storage.vendors import VENDOR_ID, VendorStatus
from onboarding.web.api import api_keys, sign_in
from onboarding.web.auth import CurrentOperator, OperatorAdmin
from onboarding.web.database import PoolDep
from onboarding.web.errors import not_found, problem_responses
from onboarding.web.pagination import (
    Cursor,
    Email,
    KeyId,
    Limit,
    Name,
    Page,
    VendorFilter,
    VendorId,
    decode_name_cursor,
    decode_number_cursor,
    encode_cursor,
    models_from_rows,
    page,
)

router = APIRouter(
    prefix="/v1/operator",
    tags=["Operators"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)

Phone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=vendors.PHONE_LENGTH, pattern=PLAIN_TEXT)]
Description = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=categories.DESCRIPTION_LENGTH, pattern=PLAIN_TEXT)
]
CategoryName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=categories.NAME_LENGTH, pattern=PLAIN_TEXT),
]


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
    rows: int
    valid_rows: int
    quality: float | None = Field(description="Percentage of valid rows in the last 90 days; null without rows")
    last_upload_at: datetime | None


class VendorRequest(BaseModel):
    vendor_id: Annotated[str, StringConstraints(pattern=VENDOR_ID)] = Field(examples=["VEND004"])
    vendor_name: Name
    email: Email
    phone: Phone | None = None


class VendorChange(BaseModel):
    """Changes to a vendor. Fields that are left out do not change."""

    vendor_name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    status: VendorStatus | None = Field(
        None, description="A suspended vendor can view past uploads but cannot upload or change anything"
    )


class CategoryResponse(BaseModel):
    category_id: int
    category_name: str
    description: str | None
    is_active: bool
    products: int


class CategoryList(BaseModel):
    items: list[CategoryResponse]


class CategoryRequest(BaseModel):
    category_name: CategoryName
    description: Description | None = None


class CategoryChange(BaseModel):
    """Changes to a category. Fields that are left out do not change. Products keep a category that is inactive."""

    description: Description | None = None
    is_active: bool | None = None


class ActionResponse(BaseModel):
    """An entry of the audit log."""

    at: datetime
    actor: str
    vendor_id: str | None
    action: str
    subject: str
    ip: str
    detail: dict[str, Any]


Search = Annotated[
    str | None, Query(max_length=200, pattern=PLAIN_TEXT, description="Part of the id, name or email address")
]


def _find_vendors(connection: Connection, **conditions: str | int | None) -> list[VendorResponse]:
    parameters = {"vendor_id": None, "search": None, "after": None, "limit": 1, **conditions}
    return models_from_rows(VendorResponse, connection.execute(query("list_vendors_with_quality"), parameters))


@router.get("/vendors")
def list_vendors(
    principal: CurrentOperator, pool: PoolDep, search: Search = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[VendorResponse]:
    """List the vendors with the quality of their files, by id."""
    conditions = {"search": search, "after": decode_name_cursor(cursor), "limit": limit + 1}
    items = principal.run(pool, lambda connection: _find_vendors(connection, **conditions))
    return page(items, limit, [encode_cursor(vendor.vendor_id) for vendor in items])


@router.get("/vendors/{vendor_id}")
def show_vendor(vendor_id: VendorId, principal: CurrentOperator, pool: PoolDep) -> VendorResponse:
    """Return a vendor with the quality of its files."""
    return principal.run(pool, lambda connection: get_vendor(connection, vendor_id))


def get_vendor(connection: Connection, vendor_id: str) -> VendorResponse:
    """Return a vendor. Raises the problem `not-found`."""
    items = _find_vendors(connection, vendor_id=vendor_id)
    if not items:
        raise not_found("vendor")
    return items[0]


@router.post("/vendors", status_code=201, responses=problem_responses("conflict"))
def create_vendor(body: VendorRequest, principal: OperatorAdmin, pool: PoolDep) -> VendorResponse:
    """Add a vendor, who may sign in and upload from now on."""

    def work(connection: Connection) -> VendorResponse:
        vendors.add_vendor(connection, principal.audit_actor, **body.model_dump())
        return get_vendor(connection, body.vendor_id)

    return principal.run(pool, work)


@router.patch("/vendors/{vendor_id}")
def change_vendor(vendor_id: VendorId, body: VendorChange, principal: OperatorAdmin, pool: PoolDep) -> VendorResponse:
    """Change or suspend a vendor. A new e-mail address ends all sessions of the vendor."""

    def work(connection: Connection) -> VendorResponse:
        vendors.change_vendor(connection, principal.audit_actor, vendor_id, **body.model_dump())
        return get_vendor(connection, vendor_id)

    return principal.run(pool, work)


@router.get("/vendors/{vendor_id}/keys")
def list_keys_of_vendor(vendor_id: VendorId, principal: CurrentOperator, pool: PoolDep) -> api_keys.Keys:
    """List all API keys of a vendor, the newest first, without their secrets."""

    def work(connection: Connection) -> api_keys.Keys:
        vendors.require_vendor(connection, vendor_id)
        return api_keys.list_keys_of(connection, vendor_id)

    return principal.run(pool, work)


@router.delete("/vendors/{vendor_id}/keys/{key_id}", status_code=204)
def revoke_key_of_vendor(vendor_id: VendorId, key_id: KeyId, principal: OperatorAdmin, pool: PoolDep) -> None:
    """Revoke a vendor's key immediately and permanently, for example one that leaked."""
    api_keys.revoke(principal, pool, vendor_id, key_id)


@router.delete("/vendors/{vendor_id}/sessions", status_code=204)
def sign_vendor_out(vendor_id: VendorId, principal: OperatorAdmin, pool: PoolDep) -> None:
    """Sign a vendor out everywhere: its sessions and unused sign-in links end. Its API keys stay valid."""
    sign_in.sign_out(principal, pool, vendor_id)


@router.get("/categories")
def list_categories(principal: CurrentOperator, pool: PoolDep) -> CategoryList:
    """List all categories, inactive ones included."""
    return CategoryList(items=principal.run(pool, _find_categories))


def _find_categories(connection: Connection, category_id: int | None = None) -> list[CategoryResponse]:
    rows = connection.execute(query("list_categories_with_counts"), {"category_id": category_id})
    return models_from_rows(CategoryResponse, rows)


@router.post("/categories", status_code=201, responses=problem_responses("conflict"))
def create_category(body: CategoryRequest, principal: OperatorAdmin, pool: PoolDep) -> CategoryResponse:
    """Add a category that products may have from now on."""

    def work(connection: Connection) -> CategoryResponse:
        category_id = categories.add_category(connection, principal.audit_actor, **body.model_dump())
        return _find_categories(connection, category_id)[0]

    return principal.run(pool, work)


@router.patch("/categories/{category_id}")
def change_category(
    category_id: Annotated[int, Path(ge=1, lt=2**31)], body: CategoryChange, principal: OperatorAdmin, pool: PoolDep
) -> CategoryResponse:
    """Change the description of a category, enable or disable it."""

    def work(connection: Connection) -> CategoryResponse:
        categories.change_category(connection, principal.audit_actor, category_id, **body.model_dump())
        return _find_categories(connection, category_id)[0]

    return principal.run(pool, work)


@router.get("/audit-log")
def list_actions(
    principal: CurrentOperator,
    pool: PoolDep,
    vendor_id: VendorFilter = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[ActionResponse]:
    """List the entries of the audit log, the latest first."""
    return principal.run(pool, lambda connection: find_actions(connection, vendor_id, cursor, limit))


def find_actions(connection: Connection, vendor_id: str | None, cursor: str | None, limit: int) -> Page[ActionResponse]:
    """Return a page of the audit log, of one vendor or of all."""
    [before] = (*decode_number_cursor(cursor), 2**63 - 1)[:1]
    parameters = {"vendor_id": vendor_id, "before": before, "limit": limit + 1}
    rows = connection.execute(query("list_audit_entries"), parameters).fetchall()
    items = models_from_rows(ActionResponse, (row[1:] for row in rows))
    return page(items, limit, [encode_cursor(row[0]) for row in rows])
