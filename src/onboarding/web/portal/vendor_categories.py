"""Page of the categories for vendors: the active ones, and the vendor's own values for them."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.storage import categories, value_mappings
from onboarding.storage.database import Connection
from onboarding.web.api.value_mappings import delete_value, list_page
from onboarding.web.auth import CurrentVendor, Principal, VendorWriter
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.pagination import LongCursor
from onboarding.web.portal.forms import FormState, Text, render_form_page
from onboarding.web.portal.rendering import page_links
from onboarding.web.portal.saved_mappings import VALUES_PER_PAGE, set_value
from onboarding.web.request_parameters import ValueMappingId

router = APIRouter(prefix="/categories", include_in_schema=False)


@router.get("")
def show_categories(
    request: Request,
    principal: CurrentVendor,
    pool: PoolDep,
    notice: Literal["saved", "replaced", "removed", ""] = "",
    cursor: LongCursor = None,
) -> Response:
    """Show the active categories, the vendor's value mappings and the category aliases."""
    return _render_categories(request, principal, pool, FormState(notice=notice), cursor)


@router.post("")
def save_value(
    request: Request, principal: VendorWriter, pool: PoolDep, vendor_value: Text = "", target: Text = ""
) -> Response:
    """Add a value mapping, or change that of the same value."""
    fields = {"vendor_value": vendor_value, "target": target}
    field_errors, is_replaced = set_value(principal, pool, principal.vendor_id, vendor_value, target)
    if field_errors:
        return _render_categories(request, principal, pool, FormState(fields, field_errors))
    return RedirectResponse(f"/categories?notice={'replaced' if is_replaced else 'saved'}", status_code=303)


@router.post("/{value_mapping_id}/remove")
def remove_value(value_mapping_id: ValueMappingId, principal: VendorWriter, pool: PoolDep) -> Response:
    """Remove a value mapping."""
    delete_value(principal, pool, principal.vendor_id, value_mapping_id)
    return RedirectResponse("/categories?notice=removed", status_code=303)


def _render_categories(
    request: Request, principal: Principal, pool: DatabasePool, form: FormState, cursor: str | None = None
) -> Response:
    def work(connection: Connection) -> dict[str, Any]:
        active_categories = [item for item in categories.list_categories(connection) if item["is_active"]]
        return {
            "categories": active_categories,
            "category_names": [item["category_name"] for item in active_categories],
            "aliases": value_mappings.list_value_mappings(connection, None),
        }

    own_values = list_page(principal, pool, principal.vendor_id, cursor, VALUES_PER_PAGE)
    return render_form_page(
        "vendor_categories.html",
        request,
        principal,
        form,
        {},
        value_mappings=own_values.items,
        **page_links("/categories", {}, cursor, own_values.next),
        **principal.run(pool, work),
    )
