"""Page of the product categories, for operators."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.web.api import categories
from onboarding.web.api.categories import CategoryRequest, CategoryUpdate
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.forms import FormState, Text, create_from_form, render_form_page, validate_form
from onboarding.web.request_parameters import CategoryId

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
    notice: Literal["added", "enabled", "disabled", ""] = "",
) -> Response:
    return _render_categories(request, principal, pool, FormState(notice=notice))


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


@router.post("/{category_id}")
def set_active(category_id: CategoryId, principal: OperatorAdmin, pool: PoolDep, is_active: Text = "") -> Response:
    body, field_errors = validate_form(CategoryUpdate, HELP_TEXTS, is_active=is_active)
    if body is None:
        raise Problem("bad-request", field_errors["is_active"])
    categories.update_category(category_id, body, principal, pool)
    return RedirectResponse(
        f"/operator/categories?notice={'enabled' if body.is_active else 'disabled'}", status_code=303
    )


def _render_categories(request: Request, principal: Principal, pool: DatabasePool, form: FormState) -> Response:
    return render_form_page(
        "categories.html",
        request,
        principal,
        form,
        HELP_TEXTS,
        categories=categories.list_categories(principal, pool).items,
    )
