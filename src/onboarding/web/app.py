"""The app that is served: the API, and the pages on top of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.runtime import AppContext
from onboarding.web.api import app as api
from onboarding.web.portal import (
    api_keys,
    audit_log,
    categories,
    home,
    issues,
    overview,
    rendering,
    sign_in,
    static_files,
    uploads,
    vendors,
    webhook,
)

PAGES = (
    sign_in.router,
    home.router,
    uploads.router,
    api_keys.router,
    webhook.router,
    overview.router,
    vendors.router,
    categories.router,
    issues.router,
    audit_log.router,
    static_files.router,
)

_Handler = Callable[[Request, Any], Awaitable[Response]]


def create_app(ctx: AppContext, *, seats: int = 1, trial: rendering.LocalDemo | None = None) -> FastAPI:
    """API and portal on a context; `seats` is how many database connections they may have."""
    app = api.create_app(ctx, seats=seats, pages=(*PAGES, trial.inbox) if trial else PAGES)
    app.state.trial = trial
    for kind, handler in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _as_page(handler))  # type: ignore[arg-type]
    return app


def _as_page(handler: _Handler) -> _Handler:
    """Answer a page's fault with a page; the API's own addresses keep their problem documents."""

    async def handle(request: Request, error: Exception) -> Response:
        answer = await handler(request, error)
        if request.url.path.startswith("/v1/") or not answer.body:
            return answer
        problem = json.loads(bytes(answer.body))
        # Only a browser that opens a page is led to the sign-in; scripts and programs are told.
        browses = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if problem["type"] == "/problems/not-signed-in" and browses:
            return RedirectResponse("/sign-in", status_code=303)
        kept = {name: value for name, value in answer.headers.items() if name in {"retry-after", "allow"}}
        principal = getattr(request.state, "principal", None)
        return rendering.page(
            "problem.html", request, principal, status=answer.status_code, headers=kept, problem=problem
        )

    return handle
