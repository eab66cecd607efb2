"""admin: called by operators, to migrate the database and to do what `onboarding.lambda_handlers.admin_actions` offers, inside the VPC."""

from __future__ import annotations

from typing import Any

from onboarding.lambda_handlers.admin_actions import COMMAND, AdminError, Answer, carry_out
from onboarding.lambda_handlers.telemetry import logger
from onboarding.runtime import AppContext, get_context
from onboarding.storage.audit_log import Actor
from onboarding.storage.database_roles import set_logins


def handler(event: dict[str, Any], _: object) -> Answer:
    """`{"action": …, "arguments": {…}, "actor": …}` to its answer, or to `{"refused": why}`."""
    name: str = event["action"]
    arguments: dict[str, Any] = event.get("arguments", {})
    said: dict[str, Any] = {
        key: arguments[key] for key in ("vendor_id", "category_name", "upload_id") if key in arguments
    }
    logger.info("admin action", extra={"action": name, **said})
    ctx = get_context()
    try:
        answer = carry_out(ctx.database, name, arguments, Actor(event.get("actor", COMMAND.name)))
    except AdminError as error:
        return {"refused": str(error)}
    if name == "migrate":
        _set_logins(ctx)
    return answer


def _set_logins(ctx: AppContext) -> None:
    """Let the other functions log in: a migration may have made a role, or a snapshot have brought other passwords."""
    own = ctx.secret(ctx.settings.database_secret)
    server = {name: own[name] for name in ("host", "port", "dbname")}
    set_logins(ctx.database, ctx.secretsmanager, server, ctx.settings.name_prefix)
