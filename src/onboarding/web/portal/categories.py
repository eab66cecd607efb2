"""Page of the product categories, for operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.web.api import operators
from onboarding.web.api.operators import CategoryChange, CategoryRequest
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.forms import Text, faults_of_new, filled
from onboarding.web.portal.rendering import page

router = APIRouter(prefix="/operator/categories", include_in_schema=False)

HELP_TEXTS = {
    "category_name": "Exactly as vendors must write it. Up to 100 characters.",
    "description": "Optional. Up to 1,000 characters.",
    "is_active": "Yes or no.",
}


@router.get("")
def show(
    request: Request,
    principal: CurrentOperator,
    pool: PoolDep,
    notice: Literal["added", "enabled", "disabled", ""] = "",
) -> Response:
    return _page(request, principal, pool, notice=notice)


@router.post("")
def add(
    request: Request, principal: OperatorAdmin, pool: PoolDep, category_name: Text = "", description: Text = ""
) -> Response:
    given = {"category_name": category_name, "description": description}
    faults = faults_of_new(
        CategoryRequest, HELP_TEXTS, given, lambda new: operators.create_category(new, principal, pool)
    )
    if faults:
        return _page(request, principal, pool, status=422, given=given, faults=faults)
    return RedirectResponse("/operator/categories?notice=added", status_code=303)


@router.post("/{category_id}")
def switch(
    category_id: Annotated[int, Path(ge=1, lt=2**31)], principal: OperatorAdmin, pool: PoolDep, is_active: Text = ""
) -> Response:
    body, faults = filled(CategoryChange, HELP_TEXTS, is_active=is_active)
    if body is None:
        raise Problem("bad-request", faults["is_active"])
    operators.change_category(category_id, body, principal, pool)
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
    given: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    return page(
        "categories.html",
        request,
        principal,
        status=status,
        notice=notice,
        categories=operators.list_categories(principal, pool).items,
        values=given or {},
        field_errors=faults or {},
        help_texts=HELP_TEXTS,
    )
