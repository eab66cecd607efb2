"""Page of a vendor's API keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.web.api import api_keys
from onboarding.web.api.api_keys import KeyRequest, KeyResponse
from onboarding.web.auth import Principal, VendorAdmin
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.forms import FormState, Text, render_form_page, validate_form
from onboarding.web.request_parameters import KeyId
from onboarding.web.tokens import generate_secret

router = APIRouter(prefix="/keys", include_in_schema=False)

DAYS = {30: "30 days", 90: "90 days", 180: "180 days", 365: "1 year"}

SCOPE_LABELS: Mapping[str, str] = {
    "uploads:read": "View uploads and results",
    "uploads:write": "Upload files, cancel and undo uploads",
    "admin": "Manage API keys and the webhook",
}

HELP_TEXTS = {
    "name": "Purpose of the key, such as Nightly export. Up to 100 characters.",
    "scopes": "Select at least one permission.",
    "days": "Up to 365 days.",
}

DEFAULT_VALUES: dict[str, Any] = {"name": "", "scopes": ["uploads:read", "uploads:write"], "days": "90"}


@router.get("")
def show_keys(
    request: Request, principal: VendorAdmin, pool: PoolDep, notice: Literal["created", "revoked", ""] = ""
) -> Response:
    return _render_keys(request, principal, pool, FormState(notice=notice))


@router.post("")
def create_key(
    request: Request,
    principal: VendorAdmin,
    pool: PoolDep,
    *,
    name: Text = "",
    scopes: Annotated[list[str], Form(default_factory=list)],
    days: Text = "",
    idempotency_key: Text = "",
) -> Response:
    """Create a key, and return the page that shows it once."""
    body, field_errors = validate_form(KeyRequest, HELP_TEXTS, name=name, scopes=scopes, days=days)
    if body is None:
        values = {"name": name, "scopes": scopes, "days": days}
        return _render_keys(request, principal, pool, FormState(values, field_errors))
    try:
        new_key = api_keys.create_key(body, principal, pool, idempotency_key or None)
    except Problem as problem:
        if problem.kind != "conflict":
            raise
        # The form was sent twice, for example by a reload.
        return RedirectResponse("/keys?notice=created", status_code=303)
    response = _render_keys(request, principal, pool, FormState(), new_key)
    response.status_code = 201
    return response


@router.post("/{key_id}/revoke")
def revoke_key(key_id: KeyId, principal: VendorAdmin, pool: PoolDep) -> Response:
    api_keys.revoke_key(key_id, principal, pool)
    return RedirectResponse("/keys?notice=revoked", status_code=303)


def _render_keys(
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    form: FormState,
    new_key: api_keys.NewKeyResponse | None = None,
) -> Response:
    return render_form_page(
        "api_keys.html",
        request,
        principal,
        form,
        HELP_TEXTS,
        values=form.values or DEFAULT_VALUES,
        new_key=new_key,
        scope_labels=SCOPE_LABELS,
        **build_key_values(api_keys.list_keys(principal, pool).items),
    )


def build_key_values(keys: Sequence[KeyResponse]) -> dict[str, Any]:
    """Return the values for a page that lists keys and has a form for another one."""
    states = [(key, get_key_state(key)) for key in keys]
    return {
        "active_keys": [key for key, state in states if state == "active"],
        "inactive_keys": [(key, state) for key, state in states if state != "active"],
        "days": DAYS,
        "idempotency_key": generate_secret()[:20],
    }


def get_key_state(key: KeyResponse) -> str:
    """Return `active`, `revoked` or `expired`."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at <= datetime.now(UTC) else "active"
