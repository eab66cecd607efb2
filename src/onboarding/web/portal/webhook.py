"""Page of a vendor's webhook: configuration, test message and deliveries."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.web.api import webhooks
from onboarding.web.api.webhooks import WebhookRequest, WebhookResponse
from onboarding.web.auth import Principal, VendorAdmin
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem
from onboarding.web.portal.forms import FormState, Text, render_form_page, validate_form

router = APIRouter(prefix="/webhook", include_in_schema=False)

HELP_TEXTS = {"url": "Public URL that begins with https://, without spaces."}

Notice = Literal["saved", "removed", "tested", ""]


@router.get("")
def show_webhook(request: Request, principal: VendorAdmin, pool: PoolDep, notice: Notice = "") -> Response:
    return _render_webhook(request, principal, pool, FormState(notice=notice))


@router.post("")
def save_webhook(
    request: Request, principal: VendorAdmin, pool: PoolDep, url: Text = "", new_secret: Text = ""
) -> Response:
    """Set the webhook, and return the page that shows a new secret once."""
    values = {"url": url, "new_secret": bool(new_secret)}
    body, field_errors = validate_form(WebhookRequest, HELP_TEXTS, **values)
    if body is None:
        return _render_webhook(request, principal, pool, FormState(values, field_errors))
    try:
        webhook = webhooks.set_webhook(body, principal, pool)
    except Problem as problem:
        if problem.kind != "bad-request":
            raise
        return _render_webhook(request, principal, pool, FormState(values, {"url": problem.detail}))
    if webhook.secret is None:
        return RedirectResponse("/webhook?notice=saved", status_code=303)
    return _render_webhook(request, principal, pool, FormState(), webhook.secret)


@router.post("/remove")
def remove_webhook(principal: VendorAdmin, pool: PoolDep) -> Response:
    webhooks.remove_webhook(principal, pool)
    return RedirectResponse("/webhook?notice=removed", status_code=303)


@router.post("/test")
def send_test(principal: VendorAdmin, pool: PoolDep) -> Response:
    webhooks.send_test(principal, pool)
    return RedirectResponse("/webhook?notice=tested", status_code=303)


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
        webhook=webhook,
        values=form.values or {"url": webhook.url if webhook else "", "new_secret": False},
        secret=secret,
        deliveries=webhooks.list_deliveries(principal, pool).items,
    )


def _find_webhook(principal: Principal, pool: DatabasePool) -> WebhookResponse | None:
    try:
        return webhooks.show_webhook(principal, pool)
    except Problem as problem:
        if problem.kind != "not-found":
            raise
        return None
