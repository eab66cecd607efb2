"""error-processor: started by the error queue. How messages were batched says nothing; the uploads they name do."""

from __future__ import annotations

import json
from typing import Any

from onboarding.context import context
from onboarding.finish import finish
from onboarding.handlers.telemetry import count, logger, measured


def handler(event: dict[str, Any], _: object) -> dict[str, list[dict[str, str]]]:
    with measured("ErrorProcessingTime") as metrics:
        messages: dict[str, list[str]] = {}
        failed: list[str] = []
        for record in event["Records"]:
            try:
                messages.setdefault(json.loads(record["body"])["upload_id"], []).append(record["messageId"])
            except (ValueError, KeyError, TypeError):
                # Not a message of ours: it comes thrice, then lies in the dead-letter queue for an operator to see.
                logger.exception("message without an upload", extra={"message_id": record["messageId"]})
                failed.append(record["messageId"])
        processed = 0
        for upload_id, message_ids in messages.items():
            try:
                upload = finish(context(), upload_id)
            except Exception:  # noqa: BLE001 - reported as failed, so it comes again; its neighbours need not
                logger.exception("upload not finished", extra={"upload_id": upload_id})
                failed += message_ids
            else:
                processed += len(message_ids)
                if upload is not None:
                    said = {"upload_id": upload_id, "vendor_id": upload.vendor_id}
                    logger.info("upload finished", extra={**said, "status": upload.status.value})
        metrics.add_metadata("upload_ids", sorted(messages))
        count(metrics, "ErrorsProcessed", processed)
        logger.info("messages processed", extra={"upload_ids": sorted(messages), "failed": len(failed)})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
