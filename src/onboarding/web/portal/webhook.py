"""Page of the webhook of a vendor or the marketplace: configuration, test message and deliveries."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.web.api import webhooks
from onboarding.web.api.webhooks import WebhookRequest, WebhookResponse
from onboarding.web.auth import OperatorAdmin, Principal, VendorAdmin
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.forms import FormState, Text, render_form_page, validate_form

router = APIRouter(prefix="/webhook", include_in_schema=False)
operator_router = APIRouter(prefix="/operator/webhook", include_in_schema=False)

HELP_TEXTS = {"url": "Public URL that begins with https://, without spaces."}

Notice = Literal["saved", "removed", "tested", ""]


@router.get("")
def show_webhook(request: Request, principal: VendorAdmin, pool: PoolDep, notice: Notice = "") -> Response:
    return _render_webhook(request, principal, pool, FormState(notice=notice))


@operator_router.get("")
def show_marketplace_webhook(
    request: Request, principal: OperatorAdmin, pool: PoolDep, notice: Notice = ""
) -> Response:
    return _render_webhook(request, principal, pool, FormState(notice=notice))


@router.post("")
def save_webhook(
    request: Request, principal: VendorAdmin, pool: PoolDep, url: Text = "", new_secret: Text = ""
) -> Response:
    """Set the webhook, and return the page that shows a new secret once."""
    return _save_webhook(request, principal, pool, url, new_secret)


@operator_router.post("")
def save_marketplace_webhook(
    request: Request, principal: OperatorAdmin, pool: PoolDep, url: Text = "", new_secret: Text = ""
) -> Response:
    """Set the webhook of the marketplace, and return the page that shows a new secret once."""
    return _save_webhook(request, principal, pool, url, new_secret)


def _save_webhook(request: Request, principal: Principal, pool: DatabasePool, url: str, new_secret: str) -> Response:
    values = {"url": url, "new_secret": bool(new_secret)}
    body, field_errors = validate_form(WebhookRequest, HELP_TEXTS, **values)
    if body is None:
        return _render_webhook(request, principal, pool, FormState(values, field_errors))
    try:
        webhook = webhooks.save_webhook(body, principal, pool)
    except Problem as problem:
        if problem.kind != "bad-request":
            raise
        return _render_webhook(request, principal, pool, FormState(values, {"url": problem.detail}))
    if webhook.secret is None:
        return _redirect(principal, "saved")
    return _render_webhook(request, principal, pool, FormState(), webhook.secret)


@router.post("/remove")
def remove_webhook(principal: VendorAdmin, pool: PoolDep) -> Response:
    webhooks.delete_webhook(principal, pool)
    return _redirect(principal, "removed")


@operator_router.post("/remove")
def remove_marketplace_webhook(principal: OperatorAdmin, pool: PoolDep) -> Response:
    webhooks.delete_webhook(principal, pool)
    return _redirect(principal, "removed")


@router.post("/test")
def send_test(principal: VendorAdmin, pool: PoolDep) -> Response:
    webhooks.start_test(principal, pool)
    return _redirect(principal, "tested")


@operator_router.post("/test")
def send_marketplace_test(principal: OperatorAdmin, pool: PoolDep) -> Response:
    webhooks.start_test(principal, pool)
    return _redirect(principal, "tested")


def _get_page_url(principal: Principal) -> str:
    return operator_router.prefix if principal.is_operator else router.prefix


def _redirect(principal: Principal, notice: Notice) -> Response:
    return RedirectResponse(f"{_get_page_url(principal)}?notice={notice}", status_code=303)


def _render_webhook(
    request: Request, principal: Principal, pool: DatabasePool, form: FormState, secret: str | None = None
) -> Response:
    webhook = _find_webhook(principal, pool)
    return render_form_page(
        "webhook.html",
        request,
        principal,
        form,
        HELP_TEXTS,
        page_url=_get_page_url(principal),
        webhook=webhook,
        values=form.values or {"url": webhook.url if webhook else "", "new_secret": False},
        secret=secret,
        deliveries=webhooks.get_deliveries(principal, pool).items,
    )


def _find_webhook(principal: Principal, pool: DatabasePool) -> WebhookResponse | None:
    try:
        return webhooks.get_webhook(principal, pool)
    except Problem as problem:
        if problem.kind != "not-found":
            raise
        return None
