"""Portal pages of the local inbox, where links in e-mails can be followed.

They need no sign-in: like the APIs of the local stack, they are only reachable from this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from onboarding.local.delivered_emails import read_email, read_emails
from onboarding.web.auth import OptionalPrincipal
from onboarding.web.errors import not_found
from onboarding.web.portal.rendering import render_page

if TYPE_CHECKING:
    from pathlib import Path

MAX_EMAILS = 100
"""The number of e-mails on the page, the newest."""


def inbox_pages(directory: Path) -> APIRouter:
    """Return the pages for the e-mails in `directory`."""
    router = APIRouter(prefix="/inbox", include_in_schema=False)

    @router.get("")
    def show_inbox(request: Request, principal: OptionalPrincipal) -> Response:
        return render_page("inbox.html", request, principal, emails=read_emails(directory, MAX_EMAILS)[::-1])

    @router.get("/{name}")
    def show_email(name: str, request: Request, principal: OptionalPrincipal) -> Response:
        email = read_email(directory, name)
        if email is None:
            raise not_found("email")
        return render_page("email.html", request, principal, email=email)

    return router
