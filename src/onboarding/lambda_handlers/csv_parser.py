"""Handler of csv-parser, invoked by S3 for each new object under `uploads/`."""

from __future__ import annotations

from typing import Any

from onboarding.lambda_handlers.telemetry import Metric, add_count, log_failures, logger, record_metrics
from onboarding.pipeline.ingest import S3ObjectVersion, ingest_object
from onboarding.runtime import get_context


def handler(event: dict[str, Any], _: object) -> None:
    """Ingest each object of the event."""
    # S3 sends a test event without records when the notification is set up.
    for record in event.get("Records", []):
        with record_metrics(Metric.CSV_PROCESSING_TIME) as metrics:
            source = S3ObjectVersion.from_event_record(record)
            with log_failures(s3_key=source.key, vendor_id=source.vendor_id):
                result = ingest_object(get_context(), source)
            ids = {"upload_id": result.upload_id, "vendor_id": result.vendor_id, "s3_key": source.key}
            for name, value in ids.items():
                metrics.add_metadata(name, value)
            add_count(metrics, Metric.CSV_RECORDS_PROCESSED, result.rows)
            add_count(metrics, Metric.CSV_RECORDS_SUCCESSFUL, result.staged)
            logger.info(f"object {result.outcome}", extra={**ids, "rows": result.rows, "staged": result.staged})
