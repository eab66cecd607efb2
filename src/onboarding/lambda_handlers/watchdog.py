"""Handler of watchdog, invoked by schedules, by operators and by the API.

- `{}`, every few minutes: resume stalled uploads and redrive failed upload events.
- `{"sweep": true}`, once a day: ingest missed objects, and delete replaced events of the change feed.
- `{"redrive": queue}`, from the API: redrive a failure queue.

`patience` in the event is the number of seconds after which an upload without progress is stalled.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from onboarding.aws.dead_letter_queues import RedriveResult, redrive, redrive_uploads
from onboarding.lambda_handlers.telemetry import Metric, add_count, logger, record_metrics
from onboarding.pipeline.recovery import (
    PATIENCE,
    RecoveryAction,
    delete_replaced_events,
    ingest_missed_objects,
    resume_stalled_uploads,
)
from onboarding.runtime import get_context

LAST_REDRIVE_SECONDS = 200
"""How many seconds after its start a call begins to redrive another event; the next call continues."""


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    """Recover uploads or redrive events; return the recovered uploads."""
    started_at = time.monotonic()
    if "redrive" in event:
        _redrive(redrive(get_context(), event["redrive"]), started_at)
        return {"recovered": []}
    patience = timedelta(seconds=event.get("patience", PATIENCE.total_seconds()))
    if event.get("sweep"):
        try:
            return {"recovered": _recover(ingest_missed_objects(get_context(), patience=patience))}
        finally:
            deleted = delete_replaced_events(get_context())
            logger.info("replaced events deleted", extra={"deleted": deleted})
    try:
        recovered_uploads = _recover(resume_stalled_uploads(get_context(), patience=patience))
    except ExceptionGroup:
        # Some uploads could not be resumed, but the database is available.
        _redrive(redrive_uploads(get_context()), started_at)
        raise
    _redrive(redrive_uploads(get_context()), started_at)
    return {"recovered": recovered_uploads}


def _recover(actions: Iterable[RecoveryAction]) -> list[dict[str, Any]]:
    recovered_uploads = []
    with record_metrics(Metric.WATCHDOG_TIME) as metrics:
        try:
            for action in actions:
                ids = {"upload_id": action.upload_id, "vendor_id": action.vendor_id, "s3_key": action.s3_key}
                logger.warning(f"upload {action.outcome}", extra=ids)
                recovered_uploads.append(asdict(action))
        finally:
            # For an alarm: it goes off if every run resumes uploads.
            add_count(metrics, Metric.UPLOADS_RESUMED, len(recovered_uploads))
            logger.info("watchdog ran", extra={"recovered": len(recovered_uploads)})
    return recovered_uploads


def _redrive(results: Iterator[RedriveResult], started_at: float) -> None:
    # The iterator redrives an event when its result is requested.
    while time.monotonic() - started_at < LAST_REDRIVE_SECONDS and (result := next(results, None)):
        ids = {"queue": result.queue, "subject": result.subject, "error": result.error}
        logger.info("event redriven", extra=ids)
