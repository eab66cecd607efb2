"""Page of a vendor's API keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.web.api import api_keys
from onboarding.web.api.api_keys import KeyRequest, KeyResponse
from onboarding.web.auth import Principal, VendorAdmin
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.pagination import KeyId
from onboarding.web.portal.forms import Text, filled
from onboarding.web.portal.rendering import page
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

BLANK: dict[str, Any] = {"name": "", "scopes": ["uploads:read", "uploads:write"], "days": "90"}


@router.get("")
def show(
    request: Request, principal: VendorAdmin, pool: PoolDep, notice: Literal["created", "revoked", ""] = ""
) -> Response:
    return _page(request, principal, pool, notice=notice)


@router.post("")
def create(
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
    body, faults = filled(KeyRequest, HELP_TEXTS, name=name, scopes=scopes, days=days)
    if body is None:
        given = {"name": name, "scopes": scopes, "days": days}
        return _page(request, principal, pool, status=422, given=given, faults=faults)
    try:
        made = api_keys.create_key(body, principal, pool, idempotency_key or None)
    except Problem as problem:
        if problem.kind != "conflict":
            raise
        # The form was sent twice, for example by a reload.
        return RedirectResponse("/keys?notice=created", status_code=303)
    return _page(request, principal, pool, status=201, made=made)


@router.post("/{key_id}/revoke")
def revoke(key_id: KeyId, principal: VendorAdmin, pool: PoolDep) -> Response:
    api_keys.revoke_key(key_id, principal, pool)
    return RedirectResponse("/keys?notice=revoked", status_code=303)


def _page(
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    *,
    status: int = 200,
    notice: str = "",
    made: api_keys.NewKey | None = None,
    given: Mapping[str, Any] = BLANK,
    faults: Mapping[str, str] | None = None,
) -> Response:
    listed = [(key, state(key)) for key in api_keys.list_keys(principal, pool).items]
    return page(
        "api_keys.html",
        request,
        principal,
        status=status,
        notice=notice,
        new_key=made,
        active_keys=[key for key, how in listed if how == "active"],
        inactive_keys=[(key, how) for key, how in listed if how != "active"],
        values=given,
        field_errors=faults or {},
        help_texts=HELP_TEXTS,
        scope_labels=SCOPE_LABELS,
        days=DAYS,
        idempotency_key=generate_secret()[:20],
    )


def state(key: KeyResponse) -> str:
    """Return `active`, `revoked` or `expired`."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at <= datetime.now(UTC) else "active"
