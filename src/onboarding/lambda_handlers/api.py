"""Handler of api, invoked by the HTTP API for every request except report links."""

from __future__ import annotations

from functools import cache
from typing import Any

from mangum import Mangum

from onboarding.runtime import get_context
from onboarding.web.app import create_app


@cache
def _get_adapter() -> Mangum:
    # A Lambda container is frozen, not shut down, so the application's shutdown handlers would never run.
    return Mangum(create_app(get_context()), lifespan="off")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return the response of the web application."""
    return _get_adapter()(event, context)
