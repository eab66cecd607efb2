"""Page of the product categories, for operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.web.api import categories
from onboarding.web.api.categories import CategoryRequest, CategoryUpdate
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.forms import Text, create_from_form, validate_form
from onboarding.web.portal.rendering import render_page
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
    return _page(request, principal, pool, notice=notice)


@router.post("")
def add_category(
    request: Request, principal: OperatorAdmin, pool: PoolDep, category_name: Text = "", description: Text = ""
) -> Response:
    fields = {"category_name": category_name, "description": description}
    field_errors = create_from_form(
        CategoryRequest, HELP_TEXTS, fields, lambda body: categories.create_category(body, principal, pool)
    )
    if field_errors:
        return _page(request, principal, pool, status=422, values=fields, field_errors=field_errors)
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


def _page(
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    *,
    status: int = 200,
    notice: str = "",
    values: Mapping[str, str] | None = None,
    field_errors: Mapping[str, str] | None = None,
) -> Response:
    return render_page(
        "categories.html",
        request,
        principal,
        status=status,
        notice=notice,
        categories=categories.list_categories(principal, pool).items,
        values=values or {},
        field_errors=field_errors or {},
        help_texts=HELP_TEXTS,
    )
