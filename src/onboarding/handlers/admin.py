"""admin: called by operators, to migrate the database and to do what `onboarding.admin` offers, inside the VPC."""

from __future__ import annotations

from typing import Any

from onboarding.admin import AdminError, Answer, carry_out
from onboarding.context import context
from onboarding.handlers.telemetry import logger


def handler(event: dict[str, Any], _: object) -> Answer:
    """`{"action": …, "arguments": {…}}` to its answer, or to `{"refused": why}`."""
    name: str = event["action"]
    arguments: dict[str, Any] = event.get("arguments", {})
    said: dict[str, Any] = {
        key: arguments[key] for key in ("vendor_id", "category_name", "upload_id") if key in arguments
    }
    logger.info("admin action", extra={"action": name, **said})
    try:
        return carry_out(context().database, name, arguments)
    except AdminError as error:
        return {"refused": str(error)}
