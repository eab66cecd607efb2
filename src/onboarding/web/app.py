"""The FastAPI application: REST API and portal, the same on one machine and on AWS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from onboarding import __version__
from onboarding.aws.dead_letter_queues import MessageCounts
from onboarding.runtime import AppContext
from onboarding.web import errors
from onboarding.web.api import (
    api_keys,
    audit_log,
    categories,
    corrections,
    dry_runs,
    exports,
    mappings,
    operations,
    product_changes,
    products,
    sign_in,
    templates,
    upload_actions,
    upload_sessions,
    uploads,
    value_mappings,
    vendors,
    webhooks,
)
from onboarding.web.database import DatabasePool
from onboarding.web.dry_run_limits import SERVER_LIMIT
from onboarding.web.middleware import SecurityMiddleware
from onboarding.web.portal import api_keys as api_keys_page
from onboarding.web.portal import audit_log as audit_log_page
from onboarding.web.portal import categories as categories_page
from onboarding.web.portal import corrections as correction_pages
from onboarding.web.portal import exports as exports_page
from onboarding.web.portal import home as home_page
from onboarding.web.portal import issues as issues_page
from onboarding.web.portal import mapping_presets as preset_pages
from onboarding.web.portal import mappings as mapping_pages
from onboarding.web.portal import marketplace_keys as marketplace_keys_page
from onboarding.web.portal import overview as overview_page
from onboarding.web.portal import product_details as product_page
from onboarding.web.portal import products as products_page
from onboarding.web.portal import sign_in as sign_in_pages
from onboarding.web.portal import static_files
from onboarding.web.portal import uploads as upload_pages
from onboarding.web.portal import vendor_categories as vendor_categories_page
from onboarding.web.portal import vendor_mappings as vendor_mapping_pages
from onboarding.web.portal import vendors as vendor_pages
from onboarding.web.portal import webhook as webhook_page
from onboarding.web.portal.rendering import LocalDemo, render_page

API_ROUTERS: tuple[APIRouter, ...] = (
    upload_sessions.router,
    uploads.router,
    upload_actions.router,
    exports.router,
    corrections.router,
    products.router,
    categories.router,
    templates.router,
    dry_runs.router,
    mappings.router,
    mappings.presets_router,
    value_mappings.router,
    api_keys.router,
    webhooks.router,
    sign_in.router,
    vendors.router,
    products.operator_router,
    api_keys.operator_router,
    webhooks.operator_router,
    product_changes.router,
    categories.operator_router,
    mappings.operator_router,
    mappings.operator_presets_router,
    value_mappings.operator_router,
    value_mappings.aliases_router,
    audit_log.router,
    operations.router,
)
"""The routers of the API, in the order of its description."""

PAGE_ROUTERS: tuple[APIRouter, ...] = (
    sign_in_pages.router,
    home_page.router,
    upload_pages.router,
    correction_pages.router,
    products_page.router,
    product_page.router,
    product_page.operator_router,
    exports_page.router,
    mapping_pages.router,
    vendor_categories_page.router,
    api_keys_page.router,
    webhook_page.router,
    overview_page.router,
    vendor_pages.router,
    vendor_mapping_pages.router,
    preset_pages.router,
    categories_page.router,
    marketplace_keys_page.router,
    webhook_page.operator_router,
    issues_page.router,
    audit_log_page.router,
    static_files.router,
)

OPENAPI_PATH = "/v1/openapi.json"

DESCRIPTION = """\
Vendors upload product files, follow their progress, download error reports and manage their products. Operators see
every vendor.

Times are ISO 8601 in UTC. Lists are paginated: `next` is the `cursor` of the next page, null on the last page.
Errors are `application/problem+json` (RFC 9457). Resources of other vendors return `404`, like missing ones.
"""

_Handler = Callable[[Request, Any], Awaitable[Response]]


class App(FastAPI):
    """An application whose outermost layer is `security`.

    The framework responds to unhandled exceptions outside of all layers that `add_middleware` adds.
    """

    def __init__(self, *, security: Callable[[ASGIApp], ASGIApp], **options: Any) -> None:
        self._security = security
        super().__init__(**options)

    def build_middleware_stack(self) -> ASGIApp:
        return self._security(super().build_middleware_stack())


def create_app(ctx: AppContext, *, connections: int = 1, demo: LocalDemo | None = None) -> FastAPI:
    """Return the application with a number of database connections; `demo` adds the pages of the local stack."""
    pool = DatabasePool(ctx, connections)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        pool.close()

    app = App(
        security=partial(SecurityMiddleware, portal_url=ctx.settings.portal_url, bucket_origin=bucket_origin(ctx)),
        title="Product onboarding",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=OPENAPI_PATH,
        # The interactive pages load their scripts from a third party.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        # A redirect would repeat the host of the request.
        redirect_slashes=False,
    )
    app.state.pool = pool
    app.state.demo = demo
    app.state.message_counts = MessageCounts(ctx)
    app.state.dry_run_slots = asyncio.Semaphore(SERVER_LIMIT)
    for router in (*PAGE_ROUTERS, *([demo.inbox] if demo else []), *API_ROUTERS):
        app.include_router(router)
    errors.add_exception_handlers(app)
    for exception, handler in list(app.exception_handlers.items()):
        app.add_exception_handler(exception, _with_error_page(handler))  # type: ignore[arg-type]
    app.openapi = lambda: _build_openapi(app)  # type: ignore[method-assign]
    return app


def bucket_origin(ctx: AppContext) -> str:
    """Return the origin of the bucket's upload forms."""
    form = ctx.s3.generate_presigned_post(ctx.settings.bucket, "uploads/")
    parts = urlsplit(form["url"])
    return f"{parts.scheme}://{parts.netloc}"


def _with_error_page(handler: _Handler) -> _Handler:
    """Return a handler whose problem documents become pages, except for requests of the API.

    A browser that opens a link to a file of the API, such as an export, is redirected to sign in too.
    """

    async def handle(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        if not response.body:
            return response
        problem = json.loads(bytes(response.body))
        is_signed_out = problem["type"] == "/problems/unauthenticated"
        # Only a browser that opens a page is redirected to sign in; scripts and programs get the problem.
        opens_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if is_signed_out and opens_page:
            return RedirectResponse("/sign-in", status_code=303)
        if request.url.path.startswith("/v1/"):
            return response
        if is_signed_out:
            problem["detail"] = "You are signed out, and nothing was saved. Sign in, then enter your changes again."
        headers = {name: value for name, value in response.headers.items() if name in {"retry-after", "allow"}}
        principal = getattr(request.state, "principal", None)
        return render_page(
            "error.html", request, principal, status=response.status_code, headers=headers, problem=problem
        )

    return handle


def _build_openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document with our problem documents instead of the framework's errors."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        problem = {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
        for methods in document["paths"].values():
            for operation in methods.values():
                for status, response in operation["responses"].items():
                    if int(status) >= 400:
                        response["content"] = {errors.MEDIA_TYPE: problem}
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        app.openapi_schema = document
    return app.openapi_schema
