"""Page of the categories for vendors: the active ones, and the vendor's own values for them."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.storage import categories, value_mappings
from onboarding.storage.database import Connection
from onboarding.storage.errors import InvalidInput
from onboarding.web.auth import CurrentVendor, Principal, VendorWriter
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.portal.forms import FormState, Text, render_form_page
from onboarding.web.request_parameters import ValueMappingId

router = APIRouter(prefix="/categories", include_in_schema=False)

VALUE_COLUMN = "category"


@router.get("")
def show_categories(
    request: Request, principal: CurrentVendor, pool: PoolDep, notice: Literal["saved", "removed", ""] = ""
) -> Response:
    """Show the active categories, the vendor's value mappings and the category aliases."""
    return _render_categories(request, principal, pool, FormState(notice=notice))


@router.post("")
def set_value(
    request: Request, principal: VendorWriter, pool: PoolDep, vendor_value: Text = "", target: Text = ""
) -> Response:
    """Add a value mapping, or change that of the same value."""
    fields = {"vendor_value": vendor_value, "target": target}
    field_errors = {} if vendor_value.strip() else {"vendor_value": "Enter a value."}
    field_errors |= {} if target else {"target": "Choose a category."}
    if not field_errors:
        try:
            principal.run(
                pool,
                lambda c: value_mappings.set_value_mappings(
                    c, principal.audit_actor, principal.vendor_id, VALUE_COLUMN, {vendor_value: target}
                ),
            )
        except InvalidInput as error:
            field_errors = {"vendor_value": str(error)}
    if field_errors:
        return _render_categories(request, principal, pool, FormState(fields, field_errors))
    return RedirectResponse("/categories?notice=saved", status_code=303)


@router.post("/{value_mapping_id}/remove")
def remove_value(value_mapping_id: ValueMappingId, principal: VendorWriter, pool: PoolDep) -> Response:
    """Remove a value mapping."""
    principal.run(
        pool,
        lambda c: value_mappings.delete_value_mapping(c, principal.audit_actor, principal.vendor_id, value_mapping_id),
    )
    return RedirectResponse("/categories?notice=removed", status_code=303)


def _render_categories(request: Request, principal: Principal, pool: DatabasePool, form: FormState) -> Response:
    def work(connection: Connection) -> dict[str, Any]:
        active_categories = [item for item in categories.list_categories(connection) if item["is_active"]]
        return {
            "categories": active_categories,
            "category_names": [item["category_name"] for item in active_categories],
            "value_mappings": value_mappings.list_value_mappings(connection, principal.vendor_id),
            "aliases": value_mappings.list_value_mappings(connection, None),
        }

    return render_form_page("vendor_categories.html", request, principal, form, {}, **principal.run(pool, work))
