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
from onboarding.web.portal.forms import Text, filled
from onboarding.web.portal.rendering import page

router = APIRouter(prefix="/webhook", include_in_schema=False)

HELP_TEXTS = {"url": "Public URL that begins with https://"}

Notice = Literal["saved", "removed", "tested", ""]


@router.get("")
def show(request: Request, principal: VendorAdmin, pool: PoolDep, notice: Notice = "") -> Response:
    return _page(request, principal, pool, notice=notice)


@router.post("")
def save(request: Request, principal: VendorAdmin, pool: PoolDep, url: Text = "", new_secret: Text = "") -> Response:
    """Set the webhook, and return the page that shows a new secret once."""
    body, faults = filled(WebhookRequest, HELP_TEXTS, url=url, generate_secret=bool(new_secret))
    if body is None:
        return _page(request, principal, pool, status=422, url=url, fault=faults["url"])
    try:
        webhook = webhooks.set_webhook(body, principal, pool)
    except Problem as problem:
        if problem.kind != "bad-request":
            raise
        return _page(request, principal, pool, status=422, url=url, fault=problem.detail)
    if webhook.secret is None:
        return RedirectResponse("/webhook?notice=saved", status_code=303)
    return _page(request, principal, pool, secret=webhook.secret)


@router.post("/remove")
def remove(principal: VendorAdmin, pool: PoolDep) -> Response:
    webhooks.remove_webhook(principal, pool)
    return RedirectResponse("/webhook?notice=removed", status_code=303)


@router.post("/test")
def test(principal: VendorAdmin, pool: PoolDep) -> Response:
    webhooks.send_test(principal, pool)
    return RedirectResponse("/webhook?notice=tested", status_code=303)


def _page(
    request: Request,
    principal: Principal,
    pool: DatabasePool,
    *,
    status: int = 200,
    notice: str = "",
    url: str | None = None,
    fault: str = "",
    secret: str | None = None,
) -> Response:
    hook = _hook(principal, pool)
    return page(
        "webhook.html",
        request,
        principal,
        status=status,
        notice=notice,
        webhook=hook,
        url=url if url is not None else hook.url if hook else "",
        field_errors={"url": fault} if fault else {},
        help_texts=HELP_TEXTS,
        secret=secret,
        deliveries=webhooks.list_deliveries(principal, pool).items,
    )


def _hook(principal: Principal, pool: DatabasePool) -> WebhookResponse | None:
    try:
        return webhooks.show_webhook(principal, pool)
    except Problem as problem:
        if problem.kind != "not-found":
            raise
        return None
