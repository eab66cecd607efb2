"""Routes for operators: the whole marketplace at a glance, vendors, categories, and the record of who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field, StringConstraints

from onboarding.storage import administration
from onboarding.storage import uploads as uploads_repository
from onboarding.storage.administration import PLAIN, VENDOR_ID, AlreadyExists, NotFound
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.api import api_keys, sign_in
from onboarding.web.api.sign_in import Email
from onboarding.web.auth import CurrentOperator, OperatorAdmin
from onboarding.web.database import PoolDep
from onboarding.web.errors import Problem, not_found, problem_responses
from onboarding.web.pagination import (
    Cursor,
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
    responses=problem_responses("not-signed-in", "not-allowed", "not-found", "invalid-request", "bad-request"),
)

VendorStatus = Literal["active", "suspended"]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20, pattern=PLAIN)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=PLAIN)]
CategoryName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=PLAIN)]


class VendorResponse(BaseModel):
    """A vendor, and how good its files are."""

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
    quality: float | None = Field(description="Percent of rows that were valid in the last 90 days; null without rows")
    last_upload_at: datetime | None


class VendorRequest(BaseModel):
    vendor_id: Annotated[str, StringConstraints(pattern=VENDOR_ID)] = Field(examples=["VEND004"])
    vendor_name: Name
    email: Email
    phone: Phone | None = None


class VendorChange(BaseModel):
    """What is left out stays."""

    vendor_name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None
    status: VendorStatus | None = Field(
        None, description="A suspended vendor sees what was and changes nothing; its files are refused"
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
    """What is left out stays. Products keep their category when it is no longer active."""

    description: Description | None = None
    is_active: bool | None = None


class ActionResponse(BaseModel):
    """What somebody did."""

    at: datetime
    actor: str
    vendor_id: str | None
    action: str
    subject: str
    ip: str
    detail: dict[str, Any]


Search = Annotated[str | None, Query(max_length=200, pattern=PLAIN, description="A part of id, name or e-mail address")]


def _find_vendors(connection: Connection, **wanted: str | int | None) -> list[VendorResponse]:
    parameters = {"vendor_id": None, "search": None, "after": None, "limit": 1, **wanted}
    return models_from_rows(VendorResponse, connection.execute(query("list_vendors_with_quality"), parameters))


@router.get("/vendors")
def list_vendors(
    principal: CurrentOperator, pool: PoolDep, search: Search = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[VendorResponse]:
    """The vendors with the quality of their files, by id."""
    wanted = {"search": search, "after": decode_name_cursor(cursor), "limit": limit + 1}
    found = principal.run(pool, lambda connection: _find_vendors(connection, **wanted))
    return page(found, limit, [encode_cursor(vendor.vendor_id) for vendor in found])


@router.get("/vendors/{vendor_id}")
def show_vendor(vendor_id: VendorId, principal: CurrentOperator, pool: PoolDep) -> VendorResponse:
    return principal.run(pool, lambda connection: _vendor(connection, vendor_id))


def _vendor(connection: Connection, vendor_id: str) -> VendorResponse:
    found = _find_vendors(connection, vendor_id=vendor_id)
    if not found:
        raise not_found("vendor")
    return found[0]


def _must_be_there(connection: Connection, vendor_id: str) -> None:
    if uploads_repository.get_vendor_status(connection, vendor_id) is None:
        raise not_found("vendor")


@router.post("/vendors", status_code=201, responses=problem_responses("conflict"))
def create_vendor(wanted: VendorRequest, principal: OperatorAdmin, pool: PoolDep) -> VendorResponse:
    """Take on a vendor, who may sign in and upload from now on."""

    def work(connection: Connection) -> VendorResponse:
        administration.add_vendor(connection, principal.recorded, **wanted.model_dump())
        return _vendor(connection, wanted.vendor_id)

    try:
        return principal.run(pool, work)
    except AlreadyExists as error:
        raise Problem("conflict", str(error)) from error


@router.patch("/vendors/{vendor_id}")
def change_vendor(vendor_id: VendorId, wanted: VendorChange, principal: OperatorAdmin, pool: PoolDep) -> VendorResponse:
    """Change a vendor, or suspend it. A new e-mail address signs out whoever signed in by the old one."""

    def work(connection: Connection) -> VendorResponse:
        administration.change_vendor(connection, principal.recorded, vendor_id, **wanted.model_dump())
        return _vendor(connection, vendor_id)

    try:
        return principal.run(pool, work)
    except NotFound as error:
        raise not_found("vendor") from error


@router.get("/vendors/{vendor_id}/keys")
def list_keys_of_vendor(vendor_id: VendorId, principal: CurrentOperator, pool: PoolDep) -> api_keys.Keys:
    """All API keys of a vendor, the newest first; without the keys themselves, which nobody has."""
    principal.run(pool, lambda connection: _must_be_there(connection, vendor_id))
    return api_keys.list_keys_of(principal, pool, vendor_id)


@router.delete("/vendors/{vendor_id}/keys/{key_id}", status_code=204)
def revoke_key_of_vendor(vendor_id: VendorId, key_id: KeyId, principal: OperatorAdmin, pool: PoolDep) -> None:
    """End a vendor's key at once and for good, such as one that became known to somebody."""
    api_keys.revoke(principal, pool, vendor_id, key_id)


@router.delete("/vendors/{vendor_id}/sessions", status_code=204)
def sign_vendor_out(vendor_id: VendorId, principal: OperatorAdmin, pool: PoolDep) -> None:
    """Sign a vendor out everywhere; links that it was mailed and has not used sign nobody in. Its keys stay."""
    principal.run(pool, lambda connection: _must_be_there(connection, vendor_id))
    sign_in.sign_out(principal, pool, vendor_id)


@router.get("/categories")
def list_categories(principal: CurrentOperator, pool: PoolDep) -> CategoryList:
    """All categories, the inactive ones among them."""
    return CategoryList(items=principal.run(pool, _find_categories))


def _find_categories(connection: Connection, category_id: int | None = None) -> list[CategoryResponse]:
    return models_from_rows(
        CategoryResponse, connection.execute(query("list_categories_with_counts"), {"category_id": category_id})
    )


@router.post("/categories", status_code=201, responses=problem_responses("conflict"))
def create_category(wanted: CategoryRequest, principal: OperatorAdmin, pool: PoolDep) -> CategoryResponse:
    """Add a category, which products may be in from now on."""

    def work(connection: Connection) -> CategoryResponse:
        category_id = administration.add_category(connection, principal.recorded, **wanted.model_dump())
        return _find_categories(connection, category_id)[0]

    try:
        return principal.run(pool, work)
    except AlreadyExists as error:
        raise Problem("conflict", str(error)) from error


@router.patch("/categories/{category_id}")
def change_category(
    category_id: Annotated[int, Path(ge=1, lt=2**31)], wanted: CategoryChange, principal: OperatorAdmin, pool: PoolDep
) -> CategoryResponse:
    """Change the description of a category, or disable it."""

    def work(connection: Connection) -> CategoryResponse:
        administration.change_category(connection, principal.recorded, category_id, **wanted.model_dump())
        return _find_categories(connection, category_id)[0]

    try:
        return principal.run(pool, work)
    except NotFound as error:
        raise not_found("category") from error


@router.get("/actions")
def list_actions(
    principal: CurrentOperator, pool: PoolDep, vendor_id: VendorFilter = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[ActionResponse]:
    """Who did what, the latest first."""
    [before] = (*decode_number_cursor(cursor), 2**31 - 1)[:1]
    parameters = {"vendor_id": vendor_id, "before": before, "limit": limit + 1}
    found = principal.run(
        pool, lambda connection: connection.execute(query("list_audit_entries"), parameters).fetchall()
    )
    return page(
        models_from_rows(ActionResponse, (row[1:] for row in found)), limit, [encode_cursor(row[0]) for row in found]
    )
