"""product-validator: started by the stream of `UploadRecords` with batches of new items.

A fault of ours escapes and brings the whole batch again; what is wrong with the data never does.
"""

from __future__ import annotations

from typing import Any

from onboarding.context import context
from onboarding.handlers.telemetry import count, logger, measured
from onboarding.judge import judge


def handler(event: dict[str, Any], _: object) -> None:
    with measured("ValidationProcessingTime") as metrics:
        judgement = judge(context(), [record["dynamodb"]["NewImage"] for record in event["Records"]])
        rejected = sum(1 for errors in judgement.errors.values() if errors)
        validated = len(judgement.errors) - rejected
        said = {
            "upload_ids": sorted({upload_id for upload_id, _ in judgement.errors}),
            "vendor_ids": sorted({record["dynamodb"]["NewImage"]["vendor_id"]["S"] for record in event["Records"]}),
        }
        for name, value in said.items():
            metrics.add_metadata(name, value)
        count(metrics, "ProductsValidated", validated)
        count(metrics, "ProductsRejected", rejected)
        logger.info(
            "batch judged",
            extra={**said, "validated": validated, "rejected": rejected, "finished": list(judgement.finished)},
        )
