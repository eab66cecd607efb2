"""Pages of a vendor's mappings: the list, and one mapping to change, rename or delete."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.domain.mappings import SavedMapping
from onboarding.web.api import mappings
from onboarding.web.auth import CurrentVendor, Principal, VendorWriter
from onboarding.web.database import PoolDep
from onboarding.web.portal.mapping_forms import FormFields, MappingForm, build_mapping_form
from onboarding.web.portal.rendering import render_page
from onboarding.web.portal.saved_mappings import list_mapping_items, load_mapping, save_mapping_form
from onboarding.web.request_parameters import MappingId

router = APIRouter(prefix="/mappings", include_in_schema=False)


@router.get("")
def show_mappings(
    request: Request, principal: CurrentVendor, pool: PoolDep, notice: Literal["deleted", ""] = ""
) -> Response:
    """Show the list of the vendor's mappings."""
    items = principal.run(pool, lambda c: list_mapping_items(c, principal.vendor_id))
    return render_page("mappings.html", request, principal, mappings=items, notice=notice)


@router.get("/{mapping_id}")
def show_mapping(
    mapping_id: MappingId,
    request: Request,
    principal: CurrentVendor,
    pool: PoolDep,
    notice: Literal["saved", ""] = "",
) -> Response:
    """Show a mapping with the form to change it."""
    mapping = load_mapping(principal, pool, principal.vendor_id, mapping_id)
    return _render_mapping(request, principal, mapping, build_mapping_form(mapping), notice=notice)


@router.post("/{mapping_id}")
def save_mapping(
    mapping_id: MappingId, request: Request, principal: VendorWriter, pool: PoolDep, fields: FormFields
) -> Response:
    """Save the name and a new version of the document; later uploads use them."""
    invalid_form = save_mapping_form(principal, pool, principal.vendor_id, mapping_id, fields)
    if invalid_form:
        mapping = load_mapping(principal, pool, principal.vendor_id, mapping_id)
        return _render_mapping(request, principal, mapping, invalid_form)
    return RedirectResponse(f"/mappings/{mapping_id}?notice=saved", status_code=303)


@router.post("/{mapping_id}/delete")
def delete_mapping(mapping_id: MappingId, principal: VendorWriter, pool: PoolDep) -> Response:
    """Delete a mapping; uploads that used it keep it."""
    mappings.delete_saved_mapping(principal, pool, principal.vendor_id, mapping_id)
    return RedirectResponse("/mappings?notice=deleted", status_code=303)


def _render_mapping(
    request: Request, principal: Principal, mapping: SavedMapping, form: MappingForm, *, notice: str = ""
) -> Response:
    status = 422 if form.error or form.name_error else 200
    return render_page("mapping.html", request, principal, status=status, mapping=mapping, form=form, notice=notice)
