"""The vendor's webhook: where its own server is told of finished uploads, and what became of that."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.web.api import webhooks
from onboarding.web.api.webhooks import WebhookRequest, WebhookShown
from onboarding.web.auth import Caller, VendorAdmin
from onboarding.web.database import Desk, DeskHere
from onboarding.web.errors import Problem
from onboarding.web.portal.forms import Text, filled
from onboarding.web.portal.rendering import page

router = APIRouter(prefix="/webhook", include_in_schema=False)

HELP_TEXTS = {"url": "Public URL that begins with https://"}

Notice = Literal["saved", "removed", "tested", ""]


@router.get("")
def show(request: Request, caller: VendorAdmin, desk: DeskHere, notice: Notice = "") -> Response:
    return _page(request, caller, desk, notice=notice)


@router.post("")
def save(request: Request, caller: VendorAdmin, desk: DeskHere, url: Text = "", new_secret: Text = "") -> Response:
    """The answer to a new secret is the page that shows it: there is no address under which to see it again."""
    wanted, faults = filled(WebhookRequest, HELP_TEXTS, url=url, new_secret=bool(new_secret))
    if wanted is None:
        return _page(request, caller, desk, status=422, url=url, fault=faults["url"])
    try:
        set_so = webhooks.set_webhook(wanted, caller, desk)
    except Problem as problem:
        if problem.kind != "bad-request":
            raise
        return _page(request, caller, desk, status=422, url=url, fault=problem.detail)
    if set_so.secret is None:
        return RedirectResponse("/webhook?notice=saved", status_code=303)
    return _page(request, caller, desk, secret=set_so.secret)


@router.post("/remove")
def remove(caller: VendorAdmin, desk: DeskHere) -> Response:
    webhooks.remove_webhook(caller, desk)
    return RedirectResponse("/webhook?notice=removed", status_code=303)


@router.post("/test")
def test(caller: VendorAdmin, desk: DeskHere) -> Response:
    webhooks.send_test(caller, desk)
    return RedirectResponse("/webhook?notice=tested", status_code=303)


def _page(
    request: Request,
    caller: Caller,
    desk: Desk,
    *,
    status: int = 200,
    notice: str = "",
    url: str | None = None,
    fault: str = "",
    secret: str | None = None,
) -> Response:
    hook = _hook(caller, desk)
    return page(
        "webhook.html",
        request,
        caller,
        status=status,
        notice=notice,
        webhook=hook,
        url=url if url is not None else hook.url if hook else "",
        field_errors={"url": fault} if fault else {},
        help_texts=HELP_TEXTS,
        secret=secret,
        deliveries=webhooks.list_deliveries(caller, desk).items,
    )


def _hook(caller: Caller, desk: Desk) -> WebhookShown | None:
    try:
        return webhooks.show_webhook(caller, desk)
    except Problem as problem:
        if problem.kind != "not-found":
            raise
        return None
