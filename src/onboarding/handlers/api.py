"""api: started by the HTTP API for every request but those of mailed links; the app of `onboarding.api`."""

from __future__ import annotations

from functools import cache
from typing import Any

from mangum import Mangum

from onboarding.api.app import create_app
from onboarding.context import context


@cache
def _adapter() -> Mangum:
    # A container answers one request at a time; what the app would do at its end, the container's end does.
    return Mangum(create_app(context()), lifespan="off")


def handler(event: dict[str, Any], called: Any) -> dict[str, Any]:
    return _adapter()(event, called)
