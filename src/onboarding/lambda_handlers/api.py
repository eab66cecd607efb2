"""Handler of api, invoked by the HTTP API for every request except report links: the web application."""

from __future__ import annotations

from functools import cache
from typing import Any

from mangum import Mangum

from onboarding.runtime import get_context
from onboarding.web.app import create_app


@cache
def _adapter() -> Mangum:
    # A container handles one request at a time and needs no shutdown of the application.
    return Mangum(create_app(get_context()), lifespan="off")


def handler(event: dict[str, Any], called: Any) -> dict[str, Any]:
    return _adapter()(event, called)
