"""error-processor: started by the error queue. How messages were batched says nothing; the uploads they name do."""

from __future__ import annotations

import json
from typing import Any

from onboarding.lambda_handlers.telemetry import Metric, add_count, log_failures, logger, record_metrics
from onboarding.notifications.events import retry_transient
from onboarding.pipeline.finalize import finalize_upload
from onboarding.runtime import get_context


def handler(event: dict[str, Any], _: object) -> dict[str, list[dict[str, str]]]:
    with record_metrics(Metric.ERROR_PROCESSING_TIME) as metrics:
        messages: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
        failed: list[dict[str, Any]] = []
        for record in event["Records"]:
            try:
                body = json.loads(record["body"])
                messages.setdefault(body["upload_id"], []).append((record, body))
            except (ValueError, KeyError, TypeError):
                # Not a message of ours: it comes thrice, then lies in the dead-letter queue for an operator to see.
                logger.exception("message without an upload", extra={"message_id": record["messageId"]})
                failed.append(record)
        processed = 0
        for upload_id, received in messages.items():
            said = {"upload_id": upload_id, "vendor_id": received[0][1].get("vendor_id")}
            try:
                upload = finalize_upload(get_context(), upload_id)
            except Exception:  # noqa: BLE001 - reported as failed, so it comes again; its neighbours need not
                logger.exception("upload not finished", extra=said)
                failed += [record for record, _ in received]
            else:
                # The others say that an upload is complete, and are about no row.
                processed += sum(1 for _, body in received if "error_type" in body)
                if upload is not None:
                    logger.info("upload finished", extra={**said, "status": upload.status.value})
        upload_ids = sorted(messages)
        if failed:
            with log_failures(upload_ids=upload_ids):
                retry_transient(get_context(), failed)
        metrics.add_metadata("upload_ids", upload_ids)
        add_count(metrics, Metric.ERRORS_PROCESSED, processed)
        logger.info("messages processed", extra={"upload_ids": upload_ids, "failed": len(failed)})
    if failed and len(failed) == len(event["Records"]):
        # They come again either way; but a call that returns has not failed, and the alarm counts those that have.
        raise RuntimeError(f"none of {len(failed)} messages could be processed; the log says why")
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}
