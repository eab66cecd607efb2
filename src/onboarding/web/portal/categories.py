"""Operators: the categories that products may be in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.web.api import operators
from onboarding.web.api.operators import CategoryChange, CategoryRequest
from onboarding.web.auth import Caller, OperatorAdmin, OperatorHere
from onboarding.web.database import Desk, DeskHere
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
    request: Request, caller: OperatorHere, desk: DeskHere, notice: Literal["added", "enabled", "disabled", ""] = ""
) -> Response:
    return _page(request, caller, desk, notice=notice)


@router.post("")
def add(
    request: Request, caller: OperatorAdmin, desk: DeskHere, category_name: Text = "", description: Text = ""
) -> Response:
    given = {"category_name": category_name, "description": description}
    faults = faults_of_new(CategoryRequest, HELP_TEXTS, given, lambda new: operators.create_category(new, caller, desk))
    if faults:
        return _page(request, caller, desk, status=422, given=given, faults=faults)
    return RedirectResponse("/operator/categories?notice=added", status_code=303)


@router.post("/{category_id}")
def switch(
    category_id: Annotated[int, Path(ge=1, lt=2**31)], caller: OperatorAdmin, desk: DeskHere, is_active: Text = ""
) -> Response:
    wanted, faults = filled(CategoryChange, HELP_TEXTS, is_active=is_active)
    if wanted is None:
        raise Problem("bad-request", faults["is_active"])
    operators.change_category(category_id, wanted, caller, desk)
    return RedirectResponse(
        f"/operator/categories?notice={'enabled' if wanted.is_active else 'disabled'}", status_code=303
    )


def _page(
    request: Request,
    caller: Caller,
    desk: Desk,
    *,
    status: int = 200,
    notice: str = "",
    given: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    return page(
        "categories.html",
        request,
        caller,
        status=status,
        notice=notice,
        categories=operators.list_categories(caller, desk).items,
        values=given or {},
        field_errors=faults or {},
        help_texts=HELP_TEXTS,
    )
