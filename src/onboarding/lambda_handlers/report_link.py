"""Handler of report-link, invoked by the HTTP API for the link in the e-mail; redirects to a pre-signed S3 URL.

Every click on a link with a valid signature is recorded with its outcome.
"""

from __future__ import annotations

from typing import Any

from onboarding.lambda_handlers.telemetry import logger
from onboarding.notifications.report_links import (
    DAYS_VALID,
    REDIRECT_SECONDS,
    LinkExpired,
    LinkInvalid,
    verify_report_link,
)
from onboarding.runtime import AppContext, get_context
from onboarding.storage.database import DATABASE_UNAVAILABLE, Connection
from onboarding.storage.queries import query

_IN_HISTORY = "Sign in to download the report from your upload history."


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    """Return a redirect to the file of the link, or an error page as plain text."""
    try:
        return _respond(get_context(), event)
    except DATABASE_UNAVAILABLE:
        logger.exception("database unavailable")
        response = _build_text_response(
            503, "The report is temporarily unavailable. Follow the link again in a minute."
        )
        response["headers"]["retry-after"] = "60"
        return response


def _respond(ctx: AppContext, event: dict[str, Any]) -> dict[str, Any]:
    token = (event.get("pathParameters") or {}).get("token", "")
    try:
        key = verify_report_link(token, ctx.secret(ctx.settings.link_secret))
    except LinkExpired as expired:
        if expired.report_key is not None:
            _record_click(ctx, event, expired.report_key, "expired")
        logger.info("link expired")
        return _build_text_response(410, f"This link has expired: it was valid for {DAYS_VALID} days. {_IN_HISTORY}")
    except LinkInvalid:
        logger.info("link invalid")
        return _build_text_response(404, "This link is not valid. Copy the complete link from the e-mail.")
    outcome = _record_click(ctx, event, key, "followed")
    logger.info(f"link {outcome}", extra={"s3_key": key})
    if outcome == "revoked":
        return _build_text_response(410, f"This link was disabled. {_IN_HISTORY}")
    url = ctx.s3.generate_presigned_url(
        "get_object", Params={"Bucket": ctx.settings.bucket, "Key": key}, ExpiresIn=REDIRECT_SECONDS
    )
    return {"statusCode": 302, "headers": {"location": url, "cache-control": "no-store"}, "body": ""}


def _record_click(ctx: AppContext, event: dict[str, Any], key: str, outcome: str) -> str:
    """Record a click and return its outcome, which is `revoked` for a revoked link and otherwise `outcome`."""
    request = (event.get("requestContext") or {}).get("http") or {}

    def work(connection: Connection) -> str:
        [(is_revoked,)] = connection.execute(query("is_report_link_revoked"), {"s3_key": key}).fetchall()
        actual_outcome = "revoked" if is_revoked else outcome
        parameters = {
            "s3_key": key,
            # errors/<vendor>/<file>
            "vendor_id": key.split("/")[1],
            "outcome": actual_outcome,
            "ip": str(request.get("sourceIp", ""))[:50],
            "user_agent": str(request.get("userAgent", ""))[:300].replace("\x00", ""),
        }
        connection.execute(query("insert_report_link_click"), parameters)
        return actual_outcome

    return ctx.database.run(work)


def _build_text_response(status: int, text: str) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "text/plain; charset=utf-8"}, "body": text + "\n"}
