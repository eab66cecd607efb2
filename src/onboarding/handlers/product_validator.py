"""product-validator: started by the stream of `UploadRecords` with batches of new items.

A fault of ours escapes and brings the whole batch again; what is wrong with the data never does.
"""

from __future__ import annotations

from typing import Any

from onboarding.context import context
from onboarding.handlers.telemetry import count, logger, measured, naming
from onboarding.judge import judge


def handler(event: dict[str, Any], _: object) -> None:
    with measured("ValidationProcessingTime") as metrics:
        images = [record["dynamodb"]["NewImage"] for record in event["Records"]]
        said = {
            "upload_ids": sorted({image["upload_id"]["S"] for image in images}),
            "vendor_ids": sorted({image["vendor_id"]["S"] for image in images}),
        }
        with naming(**said):
            judgement = judge(context(), images)
        rejected = sum(1 for errors in judgement.errors.values() if errors)
        validated = len(judgement.errors) - rejected
        for name, value in said.items():
            metrics.add_metadata(name, value)
        count(metrics, "ProductsValidated", validated)
        count(metrics, "ProductsRejected", rejected)
        logger.info(
            "batch judged",
            extra={**said, "validated": validated, "rejected": rejected, "finished": list(judgement.finished)},
        )
