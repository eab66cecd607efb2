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
from onboarding.web.auth import OperatorAdmin, OperatorHere
from onboarding.web.database import DeskHere
from onboarding.web.errors import Problem, documented, not_found
from onboarding.web.pagination import (
    Cursor,
    KeyId,
    Limit,
    Name,
    Page,
    VendorId,
    WantedVendor,
    cursor_at,
    name_cursor,
    number_cursor,
    page,
    shaped,
)

router = APIRouter(
    prefix="/v1/operator",
    tags=["Operators"],
    responses=documented("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)

VendorStatus = Literal["active", "suspended"]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20, pattern=PLAIN)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000, pattern=PLAIN)]
CategoryName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=PLAIN)]


class VendorShown(BaseModel):
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
    quality: float | None = Field(description="Percentage of valid rows in the last 90 days; null without rows")
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
        None, description="A suspended vendor can view past uploads but cannot upload or change anything"
    )


class CategoryShown(BaseModel):
    category_id: int
    category_name: str
    description: str | None
    is_active: bool
    products: int


class CategoryList(BaseModel):
    items: list[CategoryShown]


class CategoryRequest(BaseModel):
    category_name: CategoryName
    description: Description | None = None


class CategoryChange(BaseModel):
    """What is left out stays. Products keep their category when it is no longer active."""

    description: Description | None = None
    is_active: bool | None = None


class ActionShown(BaseModel):
    """What somebody did."""

    at: datetime
    actor: str
    vendor_id: str | None
    action: str
    subject: str
    ip: str
    detail: dict[str, Any]


Search = Annotated[
    str | None, Query(max_length=200, pattern=PLAIN, description="Part of the id, name or email address")
]


def _vendors(connection: Connection, **wanted: str | int | None) -> list[VendorShown]:
    parameters = {"vendor_id": None, "search": None, "after": None, "limit": 1, **wanted}
    return shaped(VendorShown, connection.execute(query("list_vendors_with_quality"), parameters))


@router.get("/vendors")
def list_vendors(
    caller: OperatorHere, desk: DeskHere, search: Search = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[VendorShown]:
    """The vendors with the quality of their files, by id."""
    wanted = {"search": search, "after": name_cursor(cursor), "limit": limit + 1}
    found = caller.run(desk, lambda connection: _vendors(connection, **wanted))
    return page(found, limit, [cursor_at(vendor.vendor_id) for vendor in found])


@router.get("/vendors/{vendor_id}")
def show_vendor(vendor_id: VendorId, caller: OperatorHere, desk: DeskHere) -> VendorShown:
    return caller.run(desk, lambda connection: _vendor(connection, vendor_id))


def _vendor(connection: Connection, vendor_id: str) -> VendorShown:
    found = _vendors(connection, vendor_id=vendor_id)
    if not found:
        raise not_found("vendor")
    return found[0]


def _must_be_there(connection: Connection, vendor_id: str) -> None:
    if uploads_repository.get_vendor_status(connection, vendor_id) is None:
        raise not_found("vendor")


@router.post("/vendors", status_code=201, responses=documented("conflict"))
def create_vendor(wanted: VendorRequest, caller: OperatorAdmin, desk: DeskHere) -> VendorShown:
    """Take on a vendor, who may sign in and upload from now on."""

    def work(connection: Connection) -> VendorShown:
        administration.add_vendor(connection, caller.recorded, **wanted.model_dump())
        return _vendor(connection, wanted.vendor_id)

    try:
        return caller.run(desk, work)
    except AlreadyExists as error:
        raise Problem("conflict", str(error)) from error


@router.patch("/vendors/{vendor_id}")
def change_vendor(vendor_id: VendorId, wanted: VendorChange, caller: OperatorAdmin, desk: DeskHere) -> VendorShown:
    """Change a vendor, or suspend it. A new e-mail address signs out whoever signed in by the old one."""

    def work(connection: Connection) -> VendorShown:
        administration.change_vendor(connection, caller.recorded, vendor_id, **wanted.model_dump())
        return _vendor(connection, vendor_id)

    try:
        return caller.run(desk, work)
    except NotFound as error:
        raise not_found("vendor") from error


@router.get("/vendors/{vendor_id}/keys")
def list_keys_of_vendor(vendor_id: VendorId, caller: OperatorHere, desk: DeskHere) -> api_keys.Keys:
    """All API keys of a vendor, the newest first; without the keys themselves, which nobody has."""
    caller.run(desk, lambda connection: _must_be_there(connection, vendor_id))
    return api_keys.keys_of(caller, desk, vendor_id)


@router.delete("/vendors/{vendor_id}/keys/{key_id}", status_code=204)
def revoke_key_of_vendor(vendor_id: VendorId, key_id: KeyId, caller: OperatorAdmin, desk: DeskHere) -> None:
    """End a vendor's key at once and for good, such as one that became known to somebody."""
    api_keys.revoke(caller, desk, vendor_id, key_id)


@router.delete("/vendors/{vendor_id}/sessions", status_code=204)
def sign_vendor_out(vendor_id: VendorId, caller: OperatorAdmin, desk: DeskHere) -> None:
    """Sign a vendor out everywhere; links that it was mailed and has not used sign nobody in. Its keys stay."""
    caller.run(desk, lambda connection: _must_be_there(connection, vendor_id))
    sign_in.sign_out(caller, desk, vendor_id)


@router.get("/categories")
def list_categories(caller: OperatorHere, desk: DeskHere) -> CategoryList:
    """All categories, the inactive ones among them."""
    return CategoryList(items=caller.run(desk, _categories))


def _categories(connection: Connection, category_id: int | None = None) -> list[CategoryShown]:
    return shaped(CategoryShown, connection.execute(query("list_categories_with_counts"), {"category_id": category_id}))


@router.post("/categories", status_code=201, responses=documented("conflict"))
def create_category(wanted: CategoryRequest, caller: OperatorAdmin, desk: DeskHere) -> CategoryShown:
    """Add a category, which products may be in from now on."""

    def work(connection: Connection) -> CategoryShown:
        category_id = administration.add_category(connection, caller.recorded, **wanted.model_dump())
        return _categories(connection, category_id)[0]

    try:
        return caller.run(desk, work)
    except AlreadyExists as error:
        raise Problem("conflict", str(error)) from error


@router.patch("/categories/{category_id}")
def change_category(
    category_id: Annotated[int, Path(ge=1, lt=2**31)], wanted: CategoryChange, caller: OperatorAdmin, desk: DeskHere
) -> CategoryShown:
    """Change the description of a category, or disable it."""

    def work(connection: Connection) -> CategoryShown:
        administration.change_category(connection, caller.recorded, category_id, **wanted.model_dump())
        return _categories(connection, category_id)[0]

    try:
        return caller.run(desk, work)
    except NotFound as error:
        raise not_found("category") from error


@router.get("/audit-log")
def list_actions(
    caller: OperatorHere, desk: DeskHere, vendor_id: WantedVendor = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[ActionShown]:
    """Who did what, the latest first."""
    [before] = (*number_cursor(cursor), 2**31 - 1)[:1]
    parameters = {"vendor_id": vendor_id, "before": before, "limit": limit + 1}
    found = caller.run(desk, lambda connection: connection.execute(query("list_audit_entries"), parameters).fetchall())
    return page(shaped(ActionShown, (row[1:] for row in found)), limit, [cursor_at(row[0]) for row in found])
