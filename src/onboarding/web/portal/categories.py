"""Page of the product categories and the category aliases, for operators."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.web.api import categories, value_mappings
from onboarding.web.api.categories import CategoryRequest, CategoryUpdate
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.pagination import LongCursor
from onboarding.web.portal.forms import FormState, Text, create_from_form, render_form_page, validate_form
from onboarding.web.portal.rendering import page_links
from onboarding.web.portal.saved_mappings import VALUES_PER_PAGE, set_value
from onboarding.web.request_parameters import CategoryId, ValueMappingId

router = APIRouter(prefix="/operator/categories", include_in_schema=False)

HELP_TEXTS = {
    "category_name": "Exactly as vendors must write it. Up to 100 characters.",
    "description": "Optional. Up to 1,000 characters.",
    "is_active": "Yes or no.",
}


@router.get("")
def show_categories(
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    notice: Literal["added", "enabled", "disabled", "alias-saved", "alias-replaced", "alias-removed", ""] = "",
    cursor: LongCursor = None,
) -> Response:
    """Show the categories, and a page of the category aliases."""
    return _render_categories(request, principal, pool, FormState(notice=notice), cursor)


@router.post("")
def add_category(
    request: Request, principal: OperatorAdmin, pool: PoolDep, category_name: Text = "", description: Text = ""
) -> Response:
    fields = {"category_name": category_name, "description": description}
    field_errors = create_from_form(
        CategoryRequest, HELP_TEXTS, fields, lambda body: categories.create_category(body, principal, pool)
    )
    if field_errors:
        return _render_categories(request, principal, pool, FormState(fields, field_errors))
    return RedirectResponse("/operator/categories?notice=added", status_code=303)


@router.post("/aliases")
def save_alias(
    request: Request, principal: OperatorAdmin, pool: PoolDep, vendor_value: Text = "", target: Text = ""
) -> Response:
    """Add a category alias, or change that of the same value."""
    field_errors, is_replaced = set_value(principal, pool, None, vendor_value, target)
    if field_errors:
        form = FormState({"vendor_value": vendor_value, "target": target}, field_errors)
        return _render_categories(request, principal, pool, form)
    return RedirectResponse(
        f"/operator/categories?notice={'alias-replaced' if is_replaced else 'alias-saved'}", status_code=303
    )


@router.post("/aliases/{value_mapping_id}/remove")
def remove_alias(value_mapping_id: ValueMappingId, principal: OperatorAdmin, pool: PoolDep) -> Response:
    """Remove a category alias."""
    value_mappings.delete_value(principal, pool, None, value_mapping_id)
    return RedirectResponse("/operator/categories?notice=alias-removed", status_code=303)


@router.post("/{category_id}")
def set_active(category_id: CategoryId, principal: OperatorAdmin, pool: PoolDep, is_active: Text = "") -> Response:
    body, field_errors = validate_form(CategoryUpdate, HELP_TEXTS, is_active=is_active)
    if body is None:
        raise Problem("bad-request", field_errors["is_active"])
    categories.update_category(category_id, body, principal, pool)
    return RedirectResponse(
        f"/operator/categories?notice={'enabled' if body.is_active else 'disabled'}", status_code=303
    )


def _render_categories(
    request: Request, principal: Principal, pool: DatabasePool, form: FormState, cursor: str | None = None
) -> Response:
    items = categories.list_categories(principal, pool).items
    alias_page = value_mappings.list_page(principal, pool, None, cursor, VALUES_PER_PAGE)
    return render_form_page(
        "categories.html",
        request,
        principal,
        form,
        HELP_TEXTS,
        categories=items,
        category_names=sorted(item.category_name for item in items if item.is_active),
        aliases=alias_page.items,
        **page_links("/operator/categories", {}, cursor, alias_page.next),
    )
