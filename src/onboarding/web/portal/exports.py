"""Page of exports: requests, progress, and files to download."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.domain.exports import FILE_AGE, MAX_EXPORTED_PRODUCTS
from onboarding.domain.product_changes import CLEAR
from onboarding.files.parser import MAX_ROWS
from onboarding.storage import uploads
from onboarding.storage.database import Connection
from onboarding.web.api import exports
from onboarding.web.api.exports import ExportFilter, ExportRequest
from onboarding.web.auth import Principal, Reader
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.forms import Text, validate_form
from onboarding.web.portal.product_views import describe_value
from onboarding.web.portal.rendering import render_page

router = APIRouter(prefix="/exports", include_in_schema=False)

FILTER_LABELS: Mapping[str, str] = {
    "search": "Search",
    "category": "Category",
    "status": "Status",
    "upload_id": "Upload",
    "vendor_id": "Vendor",
}
"""Labels of the conditions, by field of `ExportFilter`."""


@router.get("")
def show_exports(
    request: Request,
    principal: Reader,
    pool: PoolDep,
    *,
    notice: Literal["created", ""] = "",
    search: str = "",
    category: str = "",
    status: str = "",
    upload_id: str = "",
    vendor_id: str = "",
) -> Response:
    """Show the last exports, and a form for another one with the conditions of the query."""
    filters = _drop_blank(search=search, category=category, status=status, upload_id=upload_id, vendor_id=vendor_id)
    conditions, _ = validate_form(ExportFilter, dict.fromkeys(FILTER_LABELS, ""), **filters)
    if conditions is None:
        raise Problem("bad-request", "These filters are not valid. Go back to your products and choose others.")
    return _render_exports(request, principal, pool, conditions, notice=notice)


@router.post("")
def create_export(
    request: Request,
    principal: Reader,
    pool: PoolDep,
    *,
    format: Text = "",  # noqa: A002 - the field of the API
    search: Text = "",
    category: Text = "",
    status: Text = "",
    upload_id: Text = "",
    vendor_id: Text = "",
) -> Response:
    """Create an export, and show its progress in the list."""
    filters = _drop_blank(search=search, category=category, status=status, upload_id=upload_id, vendor_id=vendor_id)
    body, _ = validate_form(ExportRequest, dict.fromkeys((*FILTER_LABELS, "format"), ""), format=format, **filters)
    if body is None:
        raise Problem("bad-request", "These filters are not valid. Go back to your products and choose others.")
    try:
        exports.create_export(body, principal, pool)
    except Problem as problem:
        if problem.kind != "too-many-requests":
            raise
        return _render_exports(request, principal, pool, body, error=problem.detail)
    return RedirectResponse(f"/exports?{urlencode({**filters, 'notice': 'created'})}", status_code=303)


def _drop_blank(**filters: str) -> dict[str, str]:
    return {name: value for name, value in filters.items() if value}


def _render_exports(
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    conditions: ExportFilter,
    *,
    notice: str = "",
    error: str = "",
) -> Response:
    items = exports.list_exports(principal, pool).items
    upload_ids = {item.upload_id for item in (conditions, *(export.filter for export in items)) if item.upload_id}
    names = principal.run(pool, lambda c: _get_upload_names(c, principal, upload_ids))
    return render_page(
        "exports.html",
        request,
        principal,
        status=429 if error else 200,
        notice=notice,
        error=error,
        exports=[(export, describe_filter(principal, export.filter, names)) for export in items],
        has_pending=any(export.completed_at is None for export in items),
        filters=list_filters(conditions),
        description=describe_filter(principal, conditions, names),
        max_products=MAX_EXPORTED_PRODUCTS,
        max_rows=MAX_ROWS,
        clear_text=CLEAR,
        file_days=FILE_AGE.days,
    )


def list_filters(conditions: ExportFilter) -> dict[str, str]:
    """Return the conditions that are set, as fields of a form."""
    return {name: str(getattr(conditions, name)) for name in FILTER_LABELS if getattr(conditions, name) is not None}


def _get_upload_names(connection: Connection, principal: Principal, upload_ids: Collection[str]) -> dict[str, str]:
    """Return the names of the files of the uploads that the principal may see, by upload."""
    results = (uploads.get_upload(connection, upload_id) for upload_id in upload_ids)
    return {
        upload.upload_id: upload.file_name
        for upload in results
        if upload is not None and principal.vendor_id in {None, upload.vendor_id}
    }


def describe_filter(principal: Principal, conditions: ExportFilter, upload_names: Mapping[str, str]) -> str:
    """Return the conditions in words, such as `Status: Off sale`; a vendor's exports always have its own products."""
    fields = list_filters(conditions)
    if "upload_id" in fields:
        fields["upload_id"] = upload_names.get(fields["upload_id"], fields["upload_id"])
    if not principal.is_operator:
        fields.pop("vendor_id", None)
    return (
        ", ".join(f"{FILTER_LABELS[name]}: {describe_value(name, value)}" for name, value in fields.items())
        or "All products"
    )
