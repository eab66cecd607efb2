"""Page of the API keys of the marketplace's own systems, for operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.storage.api_keys import CATALOG
from onboarding.web.api import api_keys
from onboarding.web.api.api_keys import MarketplaceKeyRequest
from onboarding.web.auth import CurrentOperator, OperatorAdmin, Principal
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.api_keys import build_key_values
from onboarding.web.portal.forms import FormState, Text, render_form_page, validate_form
from onboarding.web.request_parameters import KeyId

router = APIRouter(prefix="/operator/keys", include_in_schema=False)

SCOPE_LABELS: Mapping[str, str] = {CATALOG: "View the products of all vendors"}

HELP_TEXTS = {
    "name": "Purpose of the key, such as Search index. Up to 100 characters.",
    "days": "Up to 365 days.",
}

DEFAULT_VALUES: dict[str, Any] = {"name": "", "days": "90"}


@router.get("")
def show_keys(
    request: Request, principal: CurrentOperator, pool: PoolDep, notice: Literal["created", "revoked", ""] = ""
) -> Response:
    return _render_keys(request, principal, pool, FormState(notice=notice))


@router.post("")
def create_key(
    request: Request,
    principal: OperatorAdmin,
    pool: PoolDep,
    *,
    name: Text = "",
    days: Text = "",
    idempotency_key: Text = "",
) -> Response:
    """Create a key, and return the page that shows it once."""
    values = {"name": name, "days": days}
    body, field_errors = validate_form(MarketplaceKeyRequest, HELP_TEXTS, **values)
    if body is None:
        return _render_keys(request, principal, pool, FormState(values, field_errors))
    try:
        new_key = api_keys.create_marketplace_key(body, principal, pool, idempotency_key or None)
    except Problem as problem:
        if problem.kind != "conflict":
            raise
        # The form was sent twice, for example by a reload.
        return RedirectResponse("/operator/keys?notice=created", status_code=303)
    response = _render_keys(request, principal, pool, FormState(), new_key)
    response.status_code = 201
    return response


@router.post("/{key_id}/revoke")
def revoke_key(key_id: KeyId, principal: OperatorAdmin, pool: PoolDep) -> Response:
    api_keys.revoke_marketplace_key(key_id, principal, pool)
    return RedirectResponse("/operator/keys?notice=revoked", status_code=303)


def _render_keys(
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    form: FormState,
    new_key: api_keys.NewKeyResponse | None = None,
) -> Response:
    return render_form_page(
        "marketplace_keys.html",
        request,
        principal,
        form,
        HELP_TEXTS,
        values=form.values or DEFAULT_VALUES,
        new_key=new_key,
        scope_labels=SCOPE_LABELS,
        **build_key_values(api_keys.list_marketplace_keys(principal, pool).items),
    )
