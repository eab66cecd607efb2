"""report-link: started by the HTTP API for the link in the mail; leads on to a fresh short-lived address of S3."""

from __future__ import annotations

from typing import Any

from onboarding.context import context
from onboarding.handlers.telemetry import logger
from onboarding.link import DAYS_VALID, REDIRECT_SECONDS, LinkExpired, LinkInvalid, report_of_token


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    ctx = context()
    token = (event.get("pathParameters") or {}).get("token", "")
    try:
        key = report_of_token(token, ctx.secret(ctx.settings.link_secret))
    except LinkExpired:
        logger.info("link expired")
        return _text(
            410, f"This link has expired: it worked for {DAYS_VALID} days. Your upload history has the report."
        )
    except LinkInvalid:
        logger.info("link invalid")
        return _text(404, "This link is not valid. Please copy it from the e-mail in full.")
    logger.info("link followed", extra={"s3_key": key})
    address = ctx.s3.generate_presigned_url(
        "get_object", Params={"Bucket": ctx.settings.bucket, "Key": key}, ExpiresIn=REDIRECT_SECONDS
    )
    return {"statusCode": 302, "headers": {"location": address, "cache-control": "no-store"}, "body": ""}


def _text(status: int, text: str) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "text/plain; charset=utf-8"}, "body": text + "\n"}
