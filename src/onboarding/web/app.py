"""The FastAPI application of the portal: the API and the pages."""

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


def create_app(ctx: AppContext, *, connections: int = 1, trial: rendering.LocalDemo | None = None) -> FastAPI:
    """Return the application with API and portal, and a number of database connections."""
    app = api.create_app(ctx, connections=connections, pages=(*PAGES, trial.inbox) if trial else PAGES)
    app.state.trial = trial
    for kind, handler in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _as_page(handler))  # type: ignore[arg-type]
    return app


def _as_page(handler: _Handler) -> _Handler:
    """Answer the errors of pages with a page; addresses of the API keep their problem documents."""

    async def handle(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        if request.url.path.startswith("/v1/") or not response.body:
            return response
        problem = json.loads(bytes(response.body))
        # Only a browser that opens a page is redirected to sign in; scripts and programs get the problem.
        opens_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if problem["type"] == "/problems/unauthenticated" and opens_page:
            return RedirectResponse("/sign-in", status_code=303)
        headers = {name: value for name, value in response.headers.items() if name in {"retry-after", "allow"}}
        principal = getattr(request.state, "principal", None)
        return rendering.page(
            "error.html", request, principal, status=response.status_code, headers=headers, problem=problem
        )

    return handle
