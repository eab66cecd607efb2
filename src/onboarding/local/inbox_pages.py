"""The local engine's inbox as pages of the portal, so that a mailed link is one click away.

Whoever reaches these pages may read every mail; so may whoever reaches the engine's APIs, on this machine alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from onboarding.local.delivered_emails import read_mail, read_mails
from onboarding.web.auth import OptionalPrincipal
from onboarding.web.errors import not_found
from onboarding.web.portal.rendering import page

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = 100


def inbox_pages(directory: Path) -> APIRouter:
    """The pages of the mails in `directory`."""
    router = APIRouter(prefix="/inbox", include_in_schema=False)

    @router.get("")
    def show_all(request: Request, principal: OptionalPrincipal) -> Response:
        return page("inbox.html", request, principal, mails=read_mails(directory, SHOWN)[::-1])

    @router.get("/{name}")
    def show(name: str, request: Request, principal: OptionalPrincipal) -> Response:
        mail = read_mail(directory, name)
        if mail is None:
            raise not_found("mail")
        return page("mail.html", request, principal, mail=mail)

    return router
