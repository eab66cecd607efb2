"""error-processor: started by the error queue. How messages were batched says nothing; the uploads they name do."""

from __future__ import annotations

import json
from typing import Any

from onboarding.context import context
from onboarding.finish import finish
from onboarding.handlers.telemetry import count, logger, measured
from onboarding.notify import retry_soon


def handler(event: dict[str, Any], _: object) -> dict[str, list[dict[str, str]]]:
    with measured("ErrorProcessingTime") as metrics:
        messages: dict[str, list[dict[str, Any]]] = {}
        failed: list[dict[str, Any]] = []
        for record in event["Records"]:
            try:
                messages.setdefault(json.loads(record["body"])["upload_id"], []).append(record)
            except (ValueError, KeyError, TypeError):
                # Not a message of ours: it comes thrice, then lies in the dead-letter queue for an operator to see.
                logger.exception("message without an upload", extra={"message_id": record["messageId"]})
                failed.append(record)
        processed = 0
        for upload_id, records in messages.items():
            try:
                upload = finish(context(), upload_id)
            except Exception:  # noqa: BLE001 - reported as failed, so it comes again; its neighbours need not
                logger.exception("upload not finished", extra={"upload_id": upload_id})
                failed += records
            else:
                processed += len(records)
                if upload is not None:
                    said = {"upload_id": upload_id, "vendor_id": upload.vendor_id}
                    logger.info("upload finished", extra={**said, "status": upload.status.value})
        if failed:
            retry_soon(context(), failed)
        metrics.add_metadata("upload_ids", sorted(messages))
        count(metrics, "ErrorsProcessed", processed)
        logger.info("messages processed", extra={"upload_ids": sorted(messages), "failed": len(failed)})
    if failed and len(failed) == len(event["Records"]):
        # They come again either way; but a call that returns has not failed, and the alarm counts those that have.
        raise RuntimeError(f"none of {len(failed)} messages could be processed; the log says why")
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}
