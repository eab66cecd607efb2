"""Pages of the vendors and of one vendor, for operators: add, update and suspend them."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.storage.database import Connection
from onboarding.web import upload_queries
from onboarding.web.api import api_keys, audit_log, vendors
from onboarding.web.api.vendors import VendorRequest, VendorUpdate
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.pagination import Cursor
from onboarding.web.portal.api_keys import SCOPE_LABELS, get_key_state
from onboarding.web.portal.forms import FormState, Text, create_from_form, render_form_page, validate_form
from onboarding.web.portal.rendering import page_links
from onboarding.web.portal.saved_mappings import list_mapping_items
from onboarding.web.request_parameters import KeyId, VendorId
from onboarding.web.upload_queries import UploadFilter

router = APIRouter(prefix="/operator/vendors", include_in_schema=False)

RECENT_UPLOADS = 5
VENDORS_PER_PAGE = 50
LATEST_ENTRIES = 8

HELP_TEXTS = {
    "vendor_id": "Letters, digits, - and _, up to 50 characters. Can't be changed later.",
    "vendor_name": "Up to 200 characters.",
    "email": "Address for results and sign-in links, such as name@company.com.",
    "phone": "Optional. Up to 20 characters.",
    "status": "Must be active or suspended.",
}


@router.get("")
def show_vendors(
    request: Request, principal: CurrentOperator, pool: PoolDep, search: vendors.Search = None, cursor: Cursor = None
) -> Response:
    return _render_vendors(request, principal, pool, FormState(), search=search or "", cursor=cursor)


@router.post("")
def add_vendor(
    request: Request,
    principal: OperatorAdmin,
    pool: PoolDep,
    *,
    vendor_id: Text = "",
    vendor_name: Text = "",
    email: Text = "",
    phone: Text = "",
) -> Response:
    fields = {"vendor_id": vendor_id.strip(), "vendor_name": vendor_name, "email": email, "phone": phone}
    field_errors = create_from_form(
        VendorRequest, HELP_TEXTS, fields, lambda body: vendors.create_vendor(body, principal, pool)
    )
    if field_errors:
        return _render_vendors(request, principal, pool, FormState(fields, field_errors))
    return RedirectResponse(f"/operator/vendors/{fields['vendor_id']}?notice=added", status_code=303)


def _render_vendors(
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    form: FormState,
    *,
    search: str = "",
    cursor: str | None = None,
) -> Response:
    vendor_page = vendors.list_vendors(principal, pool, search.strip() or None, cursor, VENDORS_PER_PAGE)
    conditions = {"search": search} if search else {}
    return render_form_page(
        "vendors.html",
        request,
        principal,
        form,
        HELP_TEXTS,
        vendors=vendor_page.items,
        search=search,
        **page_links("/operator/vendors", conditions, cursor, vendor_page.next),
    )


@router.get("/{vendor_id}")
def show_vendor(
    vendor_id: VendorId,
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    notice: Literal["added", "updated", "suspended", "active", "revoked", "signed-out", ""] = "",
) -> Response:
    return _render_vendor(vendor_id, request, principal, pool, FormState(notice=notice))


@router.post("/{vendor_id}")
def update_vendor(
    vendor_id: VendorId,
    request: Request,
    principal: OperatorAdmin,
    pool: PoolDep,
    *,
    vendor_name: Text = "",
    email: Text = "",
    phone: Text = "",
) -> Response:
    fields = {"vendor_name": vendor_name, "email": email, "phone": phone}
    body, field_errors = validate_form(VendorUpdate, HELP_TEXTS, **fields)
    if body is None:
        return _render_vendor(vendor_id, request, principal, pool, FormState(fields, field_errors))
    vendors.update_vendor(vendor_id, body, principal, pool)
    return RedirectResponse(f"/operator/vendors/{vendor_id}?notice=updated", status_code=303)


@router.post("/{vendor_id}/status")
def set_status(vendor_id: VendorId, principal: OperatorAdmin, pool: PoolDep, status: Text = "") -> Response:
    body, field_errors = validate_form(VendorUpdate, HELP_TEXTS, status=status)
    if body is None:
        raise Problem("bad-request", field_errors["status"])
    vendors.update_vendor(vendor_id, body, principal, pool)
    return RedirectResponse(f"/operator/vendors/{vendor_id}?notice={status}", status_code=303)


@router.post("/{vendor_id}/keys/{key_id}/revoke")
def revoke_key(vendor_id: VendorId, key_id: KeyId, principal: OperatorAdmin, pool: PoolDep) -> Response:
    vendors.revoke_key(vendor_id, key_id, principal, pool)
    return RedirectResponse(f"/operator/vendors/{vendor_id}?notice=revoked", status_code=303)


@router.post("/{vendor_id}/sign-out")
def sign_vendor_out(vendor_id: VendorId, principal: OperatorAdmin, pool: PoolDep) -> Response:
    vendors.sign_out_vendor(vendor_id, principal, pool)
    return RedirectResponse(f"/operator/vendors/{vendor_id}?notice=signed-out", status_code=303)


def _render_vendor(
    vendor_id: str, request: Request, principal: Principal, pool: DatabasePool, form: FormState
) -> Response:
    def work(connection: Connection) -> dict[str, Any]:
        keys = api_keys.get_keys(connection, vendor_id).items
        return {
            "vendor": vendors.get_vendor(connection, vendor_id),
            "active_keys": [key for key in keys if get_key_state(key) == "active"],
            "recent_uploads": upload_queries.list_uploads(
                connection, principal, UploadFilter(vendor_id), cursor=None, limit=RECENT_UPLOADS
            ),
            "mappings": list_mapping_items(connection, vendor_id),
            "audit_entries": audit_log.list_vendor_entries(connection, vendor_id, None, LATEST_ENTRIES).items,
        }

    data = principal.run(pool, work)
    vendor = data["vendor"]
    return render_form_page(
        "vendor.html",
        request,
        principal,
        form,
        HELP_TEXTS,
        values=form.values or {"vendor_name": vendor.vendor_name, "email": vendor.email, "phone": vendor.phone or ""},
        scope_labels=SCOPE_LABELS,
        **data,
    )
