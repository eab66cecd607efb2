"""Pages of the vendors and of one vendor, for operators: add, change and suspend them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.storage.database import Connection
from onboarding.web import schemas
from onboarding.web.api import api_keys, operators
from onboarding.web.api.operators import VendorChange, VendorRequest
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.pagination import Cursor, KeyId, VendorId
from onboarding.web.portal.api_keys import SCOPE_LABELS, state
from onboarding.web.portal.forms import Text, faults_of_new, filled
from onboarding.web.portal.rendering import page, paging
from onboarding.web.schemas import UploadFilter

router = APIRouter(prefix="/operator/vendors", include_in_schema=False)

RECENT = 5
PER_PAGE = 50
LATEST_ACTIONS = 8

HELP_TEXTS = {
    "vendor_id": "Letters, digits, - and _, up to 50 characters. Can't be changed later.",
    "vendor_name": "Up to 200 characters.",
    "email": "Receives results and sign-in links, such as name@company.com.",
    "phone": "Optional. Up to 20 characters.",
    "status": "Must be active or suspended.",
}


@router.get("")
def show_all(
    request: Request, principal: CurrentOperator, pool: PoolDep, search: operators.Search = None, cursor: Cursor = None
) -> Response:
    return _all(request, principal, pool, search=search or "", cursor=cursor)


@router.post("")
def add(
    request: Request,
    principal: OperatorAdmin,
    pool: PoolDep,
    *,
    vendor_id: Text = "",
    vendor_name: Text = "",
    email: Text = "",
    phone: Text = "",
) -> Response:
    given = {"vendor_id": vendor_id.strip(), "vendor_name": vendor_name, "email": email, "phone": phone}
    faults = faults_of_new(VendorRequest, HELP_TEXTS, given, lambda new: operators.create_vendor(new, principal, pool))
    if faults:
        return _all(request, principal, pool, status=422, given=given, faults=faults)
    return RedirectResponse(f"/operator/vendors/{given['vendor_id']}?notice=added", status_code=303)


def _all(
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    *,
    status: int = 200,
    search: str = "",
    cursor: str | None = None,
    given: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    vendors = operators.list_vendors(principal, pool, search.strip() or None, cursor, PER_PAGE)
    conditions = {"search": search} if search else {}
    return page(
        "vendors.html",
        request,
        principal,
        status=status,
        vendors=vendors.items,
        search=search,
        **paging("/operator/vendors", conditions, cursor, vendors.next),
        values=given or {},
        field_errors=faults or {},
        help_texts=HELP_TEXTS,
    )


@router.get("/{vendor_id}")
def show(
    vendor_id: VendorId,
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    notice: Literal["added", "changed", "suspended", "active", "revoked", "signed-out", ""] = "",
) -> Response:
    return _one(vendor_id, request, principal, pool, notice=notice)


@router.post("/{vendor_id}")
def change(
    vendor_id: VendorId,
    request: Request,
    principal: OperatorAdmin,
    pool: PoolDep,
    *,
    vendor_name: Text = "",
    email: Text = "",
    phone: Text = "",
) -> Response:
    given = {"vendor_name": vendor_name, "email": email, "phone": phone}
    body, faults = filled(VendorChange, HELP_TEXTS, **given)
    if body is None:
        return _one(vendor_id, request, principal, pool, status=422, given=given, faults=faults)
    operators.change_vendor(vendor_id, body, principal, pool)
    return RedirectResponse(f"/operator/vendors/{vendor_id}?notice=changed", status_code=303)


@router.post("/{vendor_id}/status")
def set_status(vendor_id: VendorId, principal: OperatorAdmin, pool: PoolDep, status: Text = "") -> Response:
    body, faults = filled(VendorChange, HELP_TEXTS, status=status)
    if body is None:
        raise Problem("bad-request", faults["status"])
    operators.change_vendor(vendor_id, body, principal, pool)
    return RedirectResponse(f"/operator/vendors/{vendor_id}?notice={status}", status_code=303)


@router.post("/{vendor_id}/keys/{key_id}/revoke")
def revoke_key(vendor_id: VendorId, key_id: KeyId, principal: OperatorAdmin, pool: PoolDep) -> Response:
    operators.revoke_key_of_vendor(vendor_id, key_id, principal, pool)
    return RedirectResponse(f"/operator/vendors/{vendor_id}?notice=revoked", status_code=303)


@router.post("/{vendor_id}/sign-out")
def sign_out(vendor_id: VendorId, principal: OperatorAdmin, pool: PoolDep) -> Response:
    operators.sign_vendor_out(vendor_id, principal, pool)
    return RedirectResponse(f"/operator/vendors/{vendor_id}?notice=signed-out", status_code=303)


def _one(
    vendor_id: str,
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    *,
    status: int = 200,
    notice: str = "",
    given: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:

    def work(connection: Connection) -> dict[str, Any]:
        vendor_keys = api_keys.list_keys_of(connection, vendor_id).items
        uploads = UploadFilter(vendor_id)
        return {
            "vendor": operators.get_vendor(connection, vendor_id),
            "keys": [key for key in vendor_keys if state(key) == "good"],
            "recent": schemas.list_uploads(connection, principal, uploads, cursor=None, limit=RECENT),
            "actions": operators.find_actions(connection, vendor_id, None, LATEST_ACTIONS).items,
        }

    values = principal.run(pool, work)
    vendor = values["vendor"]
    return page(
        "vendor.html",
        request,
        principal,
        status=status,
        notice=notice,
        scope_labels=SCOPE_LABELS,
        **values,
        values=given or {"vendor_name": vendor.vendor_name, "email": vendor.email, "phone": vendor.phone or ""},
        field_errors=faults or {},
        help_texts=HELP_TEXTS,
    )
