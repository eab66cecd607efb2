"""Pages of one vendor's mappings and value mappings, for operators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.domain.mappings import SavedMapping
from onboarding.storage import mappings
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, InvalidInput
from onboarding.web.api import mappings as mappings_api
from onboarding.web.api import value_mappings as value_mappings_api
from onboarding.web.api.categories import list_active_categories
from onboarding.web.api.vendors import get_vendor, show_vendor
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.pagination import LongCursor
from onboarding.web.portal.forms import FormState, Text, render_form_page
from onboarding.web.portal.mapping_forms import FormFields, MappingForm, build_mapping_form
from onboarding.web.portal.rendering import page_links, render_page
from onboarding.web.portal.saved_mappings import (
    VALUES_PER_PAGE,
    list_mapping_items,
    load_mapping,
    save_mapping_form,
    sentence,
    set_value,
)
from onboarding.web.request_parameters import MappingId, ValueMappingId, VendorId

router = APIRouter(prefix="/operator/vendors/{vendor_id}", include_in_schema=False)


@router.get("/mappings")
def show_mappings(
    vendor_id: VendorId,
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    notice: Literal["deleted", ""] = "",
) -> Response:
    """Show the list of the vendor's mappings."""

    def work(connection: Connection) -> dict[str, Any]:
        return {"vendor": get_vendor(connection, vendor_id), "mappings": list_mapping_items(connection, vendor_id)}

    return render_page("vendor_mappings.html", request, principal, notice=notice, **principal.run(pool, work))


@router.get("/mappings/{mapping_id}")
def show_mapping(
    vendor_id: VendorId,
    mapping_id: MappingId,
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    *,
    notice: Literal["saved", ""] = "",
) -> Response:
    """Show a mapping with the forms to change it and to publish it as a preset."""
    mapping = load_mapping(principal, pool, vendor_id, mapping_id)
    return _render_mapping(vendor_id, request, principal, pool, mapping, notice=notice)


@router.post("/mappings/{mapping_id}")
def save_mapping(
    vendor_id: VendorId,
    mapping_id: MappingId,
    request: Request,
    principal: OperatorAdmin,
    pool: PoolDep,
    *,
    fields: FormFields,
) -> Response:
    """Save the name and a new version of the document; later uploads use them."""
    invalid_form = save_mapping_form(principal, pool, vendor_id, mapping_id, fields)
    if invalid_form:
        mapping = load_mapping(principal, pool, vendor_id, mapping_id)
        return _render_mapping(vendor_id, request, principal, pool, mapping, form=invalid_form)
    return RedirectResponse(f"/operator/vendors/{vendor_id}/mappings/{mapping_id}?notice=saved", status_code=303)


@router.post("/mappings/{mapping_id}/delete")
def delete_mapping(vendor_id: VendorId, mapping_id: MappingId, principal: OperatorAdmin, pool: PoolDep) -> Response:
    """Delete a mapping; uploads that used it keep it."""
    mappings_api.delete_saved_mapping(principal, pool, vendor_id, mapping_id)
    return RedirectResponse(f"/operator/vendors/{vendor_id}/mappings?notice=deleted", status_code=303)


@router.post("/mappings/{mapping_id}/publish")
def publish_preset(
    vendor_id: VendorId,
    mapping_id: MappingId,
    request: Request,
    principal: OperatorAdmin,
    pool: PoolDep,
    *,
    preset_name: Text = "",
) -> Response:
    """Publish the columns of a mapping as a preset. Constants and categories are the vendor's own and stay with it."""
    mapping = load_mapping(principal, pool, vendor_id, mapping_id)
    document = replace(mapping.document.without_remembered_values(), constants={})
    actor = principal.audit_actor
    try:
        preset = principal.run(pool, lambda c: mappings.save_mapping(c, actor, None, document, name=preset_name))
    except (AlreadyExists, InvalidInput) as error:
        publish_form = FormState({"preset_name": preset_name}, {"preset_name": sentence(error)})
        return _render_mapping(vendor_id, request, principal, pool, mapping, publish_form=publish_form)
    return RedirectResponse(f"/operator/presets/{preset.mapping_id}?notice=published", status_code=303)


def _render_mapping(
    vendor_id: str,
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    mapping: SavedMapping,
    *,
    form: MappingForm | None = None,
    publish_form: FormState | None = None,
    notice: str = "",
) -> Response:
    form = form or build_mapping_form(mapping)
    publish_form = publish_form or FormState({"preset_name": mapping.name})
    return render_page(
        "vendor_mapping.html",
        request,
        principal,
        status=422 if form.error or form.name_error or publish_form.field_errors else 200,
        vendor=show_vendor(vendor_id, principal, pool),
        mapping=mapping,
        form=form,
        values=publish_form.values,
        field_errors=publish_form.field_errors,
        notice=notice,
    )


@router.get("/value-mappings")
def show_values(
    vendor_id: VendorId,
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    *,
    cursor: LongCursor = None,
    notice: Literal["saved", "replaced", "removed", ""] = "",
) -> Response:
    """Show a page of the vendor's value mappings."""
    return _render_values(vendor_id, request, principal, pool, FormState(notice=notice), cursor=cursor)


@router.post("/value-mappings")
def save_value(
    vendor_id: VendorId,
    request: Request,
    principal: OperatorAdmin,
    pool: PoolDep,
    *,
    vendor_value: Text = "",
    target: Text = "",
) -> Response:
    """Add a value mapping, or change that of the same value."""
    field_errors, is_replaced = set_value(principal, pool, vendor_id, vendor_value, target)
    if field_errors:
        form = FormState({"vendor_value": vendor_value, "target": target}, field_errors)
        return _render_values(vendor_id, request, principal, pool, form)
    return RedirectResponse(
        f"/operator/vendors/{vendor_id}/value-mappings?notice={'replaced' if is_replaced else 'saved'}", status_code=303
    )


@router.post("/value-mappings/{value_mapping_id}/remove")
def remove_value(
    vendor_id: VendorId, value_mapping_id: ValueMappingId, principal: OperatorAdmin, pool: PoolDep
) -> Response:
    """Remove a value mapping."""
    value_mappings_api.delete_value(principal, pool, vendor_id, value_mapping_id)
    return RedirectResponse(f"/operator/vendors/{vendor_id}/value-mappings?notice=removed", status_code=303)


def _render_values(
    vendor_id: str,
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    form: FormState,
    *,
    cursor: str | None = None,
) -> Response:
    value_page = value_mappings_api.list_page(principal, pool, vendor_id, cursor, VALUES_PER_PAGE)
    return render_form_page(
        "vendor_values.html",
        request,
        principal,
        form,
        {},
        vendor=show_vendor(vendor_id, principal, pool),
        value_mappings=value_page.items,
        category_names=list_active_categories(principal, pool).items,
        **page_links(f"/operator/vendors/{vendor_id}/value-mappings", {}, cursor, value_page.next),
    )
