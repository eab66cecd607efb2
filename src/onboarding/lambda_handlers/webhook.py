"""Handler of webhook, invoked by the topic for each finished upload and by the API for a test message."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from onboarding.lambda_handlers.telemetry import logger
from onboarding.notifications.webhook import DeliveryFailed, deliver
from onboarding.runtime import get_context

UPLOAD_FIELDS = (
    "upload_id",
    "vendor_id",
    "file_name",
    "status",
    "total_records",
    "valid_records",
    "error_records",
    "failure_reason",
    "parent_upload_id",
)
"""Fields of an upload in a webhook message."""


def handler(event: dict[str, Any], _: object) -> None:
    """Deliver each finished upload, or a test message. Raises DeliveryFailed, except for tests: Lambda then retries."""
    if "test" in event:
        vendor_id, subject = event["test"]["vendor_id"], event["test"]["id"]
        # Tests are not retried: the portal lists the failed delivery.
        with suppress(DeliveryFailed):
            deliver(get_context(), vendor_id, "test", subject, {"upload": {"vendor_id": vendor_id}})
        logger.info("webhook tested", extra={"vendor_id": vendor_id})
        return
    for record in event["Records"]:
        result = json.loads(record["Sns"]["Message"])
        upload_id, vendor_id = result["upload_id"], result["vendor_id"]
        data = {"upload": {name: result.get(name) for name in UPLOAD_FIELDS}}
        was_delivered = deliver(get_context(), vendor_id, "upload.finished", upload_id, data)
        ids = {"upload_id": upload_id, "vendor_id": vendor_id}
        logger.info("webhook delivered" if was_delivered else "no webhook", extra=ids)
