"""Handler of product-validator, invoked by the stream of `UploadRecords` with batches of new items.

Exceptions of AWS and PostgreSQL are raised, and the whole batch is redelivered. Malformed data raises no exception: an
item that is not a row of an open upload is stored with the failed batches, and the other items are validated.
"""

from __future__ import annotations

from typing import Any

from onboarding.lambda_handlers.telemetry import Metric, add_count, log_failures, logger, record_metrics
from onboarding.pipeline.validate import validate_batch
from onboarding.runtime import get_context


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    """Validate the items; return the reason for each item that is not a row of an upload, for a redrive."""
    with record_metrics(Metric.VALIDATION_PROCESSING_TIME) as metrics:
        images = [record.get("dynamodb", {}).get("NewImage", {}) for record in event["Records"]]
        ids = {
            "upload_ids": _list_distinct_texts(images, "upload_id"),
            "vendor_ids": _list_distinct_texts(images, "vendor_id"),
        }
        with log_failures(**ids):
            result, unprocessable = validate_batch(get_context(), images)
        rejected_count = sum(1 for errors in result.errors.values() if errors)
        validated_count = len(result.errors) - rejected_count
        for name, value in ids.items():
            metrics.add_metadata(name, value)
        add_count(metrics, Metric.PRODUCTS_VALIDATED, validated_count)
        add_count(metrics, Metric.PRODUCTS_REJECTED, rejected_count)
        for item, reason in unprocessable:
            item_ids = {"upload_id": item.get("upload_id"), "record_id": item.get("record_id")}
            logger.error("unprocessable item stored", extra={**item_ids, "reason": reason})
        logger.info(
            "batch validated",
            extra={**ids, "validated": validated_count, "rejected": rejected_count, "finished": list(result.finished)},
        )
    return {"unprocessable": [reason for _, reason in unprocessable]}


def _list_distinct_texts(images: list[Any], name: str) -> list[str]:
    """Return the distinct values of a text attribute, sorted."""
    values = [image.get(name) for image in images]
    return sorted({text for value in values if isinstance(value, dict) and isinstance(text := value.get("S"), str)})
