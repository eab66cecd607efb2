"""Handler of mailer, invoked by the topic for each finished upload and by the API for a sign-in link."""

from __future__ import annotations

import json
from typing import Any

from onboarding.domain.json_objects import from_json
from onboarding.lambda_handlers.telemetry import log_failures, logger
from onboarding.notifications.email import UploadResult, send_result_email
from onboarding.notifications.sign_in_email import SignInEmail, send_sign_in_email
from onboarding.runtime import get_context


def handler(event: dict[str, Any], _: object) -> None:
    """Send the e-mail of each finished upload, or a sign-in e-mail."""
    if "sign_in" in event:
        was_sent = send_sign_in_email(get_context(), from_json(SignInEmail, event["sign_in"]))
        logger.info("sign-in e-mail sent" if was_sent else "no sign-in e-mail to send")
        return
    for record in event["Records"]:
        result = UploadResult.from_message(json.loads(record["Sns"]["Message"]))
        ids = {"upload_id": result.upload_id, "vendor_id": result.vendor_id}
        if not result.needs_email:
            logger.info("no e-mail about accepted edits", extra=ids)
            continue
        with log_failures(**ids):
            was_sent = send_result_email(get_context(), result)
        logger.info("e-mail sent" if was_sent else "e-mail was sent before", extra=ids)
