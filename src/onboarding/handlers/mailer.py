"""mailer: started by the topic for each finished upload, and by the API for a sign-in link."""

from __future__ import annotations

import json
from typing import Any

from onboarding.context import context
from onboarding.handlers.telemetry import logger, naming
from onboarding.mail import Result, send
from onboarding.sign_in_mail import SignInMail, send_sign_in_mail


def handler(event: dict[str, Any], _: object) -> None:
    if "sign_in" in event:
        sent = send_sign_in_mail(context(), SignInMail(**event["sign_in"]))
        logger.info("sign-in mail sent" if sent else "no sign-in mail to send")
        return
    for record in event["Records"]:
        result = Result.from_message(json.loads(record["Sns"]["Message"]))
        said = {"upload_id": result.upload_id, "vendor_id": result.vendor_id}
        with naming(**said):
            sent = send(context(), result)
        logger.info("mail sent" if sent else "mail was sent before", extra=said)
