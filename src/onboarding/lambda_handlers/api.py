"""api: started by the HTTP API for every request but those of mailed links; the app of `onboarding.web.portal`."""

from __future__ import annotations

from functools import cache
from typing import Any

from mangum import Mangum

from onboarding.runtime import get_context
from onboarding.web.app import create_app


@cache
def _adapter() -> Mangum:
    # A container answers one request at a time; what the app would do at its end, the container's end does.
    return Mangum(create_app(get_context()), lifespan="off")


def handler(event: dict[str, Any], called: Any) -> dict[str, Any]:
    return _adapter()(event, called)
