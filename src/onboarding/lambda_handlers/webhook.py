"""Handler of webhook.

The topic invokes it for each finished upload, the API for a test message and after products were changed otherwise.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from onboarding.lambda_handlers.telemetry import logger
from onboarding.notifications.webhook import MARKETPLACE, DeliveryFailed, deliver
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
    """Deliver each finished upload, a test message, or the news that products have changed.

    Raises DeliveryFailed if a vendor's server does not accept a finished upload: Lambda then retries.
    """
    if "test" in event:
        owner, subject = event["test"]["vendor_id"], event["test"]["id"]
        data = {} if owner == MARKETPLACE else {"upload": {"vendor_id": owner}}
        # Tests are not retried: the portal lists the failed delivery.
        with suppress(DeliveryFailed):
            deliver(get_context(), owner, "test", subject, data)
        logger.info("webhook tested", extra={"vendor_id": owner})
        return
    if "products_changed" in event:
        _deliver_news(event["products_changed"]["cursor"])
        return
    for record in event["Records"]:
        result = json.loads(record["Sns"]["Message"])
        upload_id, vendor_id = result["upload_id"], result["vendor_id"]
        # First, because a failed delivery to the vendor ends this call.
        if result.get("cursor"):
            _deliver_news(result["cursor"])
        data = {"upload": {name: result.get(name) for name in UPLOAD_FIELDS}}
        was_delivered = deliver(get_context(), vendor_id, "upload.finished", upload_id, data)
        ids = {"upload_id": upload_id, "vendor_id": vendor_id}
        logger.info("webhook delivered" if was_delivered else "no webhook", extra=ids)


def _deliver_news(cursor: str) -> None:
    """Notify the marketplace that products have changed.

    A failed delivery is not retried: the next one has the same effect, and a retry would repeat the vendor's message.
    """
    with suppress(DeliveryFailed):
        deliver(get_context(), MARKETPLACE, "products.changed", cursor, {"cursor": cursor})
    logger.info("change of products notified", extra={"cursor": cursor})
