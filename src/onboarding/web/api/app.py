"""The app: the same locally and on AWS."""

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
"""Everything that the API answers, in the order in which it is described."""

OPENAPI = "/v1/openapi.json"

DESCRIPTION = """\
Vendors upload product files, watch them being checked, and fetch what to fix; operators see everything.

Times are ISO 8601 in UTC. Lists come in pages: `next` is the `cursor` of the following page, null on the last one.
Errors are `application/problem+json` (RFC 9457). What belongs to somebody else is `404`, like what does not exist.
"""


class App(FastAPI):
    """Every answer passes the guards, that to a fault of ours among them: the framework makes that one outside of all
    that `add_middleware` adds."""

    def __init__(self, *, guards: Callable[[ASGIApp], ASGIApp], **options: Any) -> None:
        self._guards = guards
        super().__init__(**options)

    def build_middleware_stack(self) -> ASGIApp:
        return self._guards(super().build_middleware_stack())


def create_app(ctx: AppContext, *, seats: int = 1, pages: Iterable[APIRouter] = ()) -> FastAPI:
    """The app on a context; `seats` is how many database connections it may have. `pages` come first."""
    pool = DatabasePool(ctx, seats)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        pool.close()

    app = App(
        guards=partial(SecurityMiddleware, portal_url=ctx.settings.portal_url, bucket_origin=bucket_origin(ctx)),
        title="Product onboarding",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=OPENAPI,
        # The interactive pages load their scripts from a third party.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        # An address with a slash too many does not exist; a redirect would repeat the host that was asked for.
        redirect_slashes=False,
    )
    app.state.pool = pool
    app.state.dry_run_slots = asyncio.Semaphore(SERVER_AT_ONCE)
    for router in (*pages, *ROUTERS):
        app.include_router(router)
    errors.add_exception_handlers(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def bucket_origin(ctx: AppContext) -> str:
    """Where a browser sends a file: the origin of the bucket's forms."""
    form = ctx.s3.generate_presigned_post(ctx.settings.bucket, "uploads/")
    parts = urlsplit(form["url"])
    return f"{parts.scheme}://{parts.netloc}"


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with our problems in place of the framework's own."""
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
