"""The page behind a mailed link: to open it changes nothing, its button signs in. Mail scanners only open."""

from __future__ import annotations

from html import escape

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from onboarding.api import sessions
from onboarding.api.desk import DeskHere
from onboarding.api.signin import begin

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in</title><meta name="viewport" content="width=device-width"></head>
<body><main><h1>Sign in</h1>{content}</main></body>
</html>
"""


@router.get("/sign-in/{token}")
def show(token: str, request: Request, desk: DeskHere) -> Response:
    if not sessions.link_is_good(desk, token):
        text = "This link was used, is older than 15 minutes, or was never ours. Please ask for a new one."
        return HTMLResponse(_PAGE.format(content=f"<p>{text}</p>"), status_code=410)
    action = escape(request.url.path, quote=True)
    form = f'<form method="post" action="{action}"><button type="submit">Sign in</button></form>'
    return HTMLResponse(_PAGE.format(content=form))


@router.post("/sign-in/{token}")
def use(token: str, request: Request, desk: DeskHere) -> Response:
    response = RedirectResponse("/", status_code=303)
    begin(token, request, response, desk)
    return response
