"""Handler of error-processor, invoked by the error queue with batches of messages from any uploads."""

from __future__ import annotations

import json
from typing import Any

from onboarding.aws.error_queue import retry_transient
from onboarding.lambda_handlers.telemetry import Metric, add_count, log_failures, logger, record_metrics
from onboarding.pipeline.finalize import finalize_upload
from onboarding.runtime import get_context


def handler(event: dict[str, Any], _: object) -> dict[str, list[dict[str, str]]]:
    """Finalize each upload of the messages; return the messages that failed. Raises RuntimeError if all failed."""
    with record_metrics(Metric.ERROR_PROCESSING_TIME) as metrics:
        messages: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
        failed_records: list[dict[str, Any]] = []
        for record in event["Records"]:
            try:
                body = json.loads(record["body"])
                messages.setdefault(body["upload_id"], []).append((record, body))
            except (ValueError, KeyError, TypeError):
                # Malformed message: SQS retries it three times, then moves it to the dead-letter queue.
                logger.exception("message without an upload", extra={"message_id": record["messageId"]})
                failed_records.append(record)
        row_count = 0
        for upload_id, upload_messages in messages.items():
            ids = {"upload_id": upload_id, "vendor_id": upload_messages[0][1].get("vendor_id")}
            try:
                upload = finalize_upload(get_context(), upload_id)
            except Exception:  # noqa: BLE001 - reported as failed: SQS redelivers these messages only
                logger.exception("upload not finalized", extra=ids)
                failed_records += [record for record, _ in upload_messages]
            else:
                # Messages without an error type report a complete upload, not a row.
                row_count += sum(1 for _, body in upload_messages if "error_type" in body)
                if upload is not None:
                    logger.info("upload finalized", extra={**ids, "status": upload.status.value})
        upload_ids = sorted(messages)
        if failed_records:
            with log_failures(upload_ids=upload_ids):
                retry_transient(get_context(), failed_records)
        metrics.add_metadata("upload_ids", upload_ids)
        add_count(metrics, Metric.ERRORS_PROCESSED, row_count)
        logger.info("messages processed", extra={"upload_ids": upload_ids, "failed": len(failed_records)})
    if failed_records and len(failed_records) == len(event["Records"]):
        # SQS redelivers the messages in either case, but only an exception counts for the error rate alarm.
        raise RuntimeError(f"none of {len(failed_records)} messages could be processed; see the log for the reasons")
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed_records]}
