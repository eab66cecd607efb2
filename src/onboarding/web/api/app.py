"""The FastAPI application of the REST API, the same on one machine and on AWS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp

from onboarding import __version__
from onboarding.aws.dead_letter_queues import MessageCounts
from onboarding.runtime import AppContext
from onboarding.web import errors
from onboarding.web.api import (
    api_keys,
    dry_runs,
    operations,
    operators,
    sign_in,
    upload_actions,
    upload_sessions,
    uploads,
    webhooks,
)
from onboarding.web.database import DatabasePool
from onboarding.web.dry_run_limits import SERVER_AT_ONCE
from onboarding.web.middleware import SecurityMiddleware

ROUTERS: tuple[APIRouter, ...] = (
    upload_sessions.router,
    uploads.router,
    upload_actions.router,
    dry_runs.router,
    api_keys.router,
    webhooks.router,
    sign_in.router,
    operators.router,
    operations.router,
)
"""The routers of the API, in the order of its description."""

OPENAPI = "/v1/openapi.json"

DESCRIPTION = """\
Vendors upload product files, follow their progress and download error reports. Operators see every vendor.

Times are ISO 8601 in UTC. Lists are paginated: `next` is the `cursor` of the next page, null on the last page.
Errors are `application/problem+json` (RFC 9457). Resources of other vendors return `404`, like missing ones.
"""


class App(FastAPI):
    """An application whose outermost layer is `security`.

    The framework answers unhandled exceptions outside of all layers that `add_middleware` adds.
    """

    def __init__(self, *, security: Callable[[ASGIApp], ASGIApp], **options: Any) -> None:
        self._security = security
        super().__init__(**options)

    def build_middleware_stack(self) -> ASGIApp:
        return self._security(super().build_middleware_stack())


def create_app(ctx: AppContext, *, connections: int = 1, pages: Iterable[APIRouter] = ()) -> FastAPI:
    """Return the application with a number of database connections; the routers `pages` come first."""
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
        openapi_url=OPENAPI,
        # The interactive pages load their scripts from a third party.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        # A redirect would repeat the host of the request.
        redirect_slashes=False,
    )
    app.state.pool = pool
    app.state.message_counts = MessageCounts(ctx)
    app.state.dry_run_slots = asyncio.Semaphore(SERVER_AT_ONCE)
    for router in (*pages, *ROUTERS):
        app.include_router(router)
    errors.add_exception_handlers(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def bucket_origin(ctx: AppContext) -> str:
    """Return the origin of the bucket's upload forms."""
    form = ctx.s3.generate_presigned_post(ctx.settings.bucket, "uploads/")
    parts = urlsplit(form["url"])
    return f"{parts.scheme}://{parts.netloc}"


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document with our problem documents instead of the framework's errors."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        problem = {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
        for methods in document["paths"].values():
            for operation in methods.values():
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        answer["content"] = {errors.MEDIA_TYPE: problem}
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        app.openapi_schema = document
    return app.openapi_schema
