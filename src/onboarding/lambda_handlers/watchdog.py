"""watchdog: started by a schedule every few minutes, and once a day with `{"sweep": true}`; by operators as well.

Whoever calls it may say after how many seconds without a move an upload is stuck (`{"patience": 0}`), and is told what
was driven on. The API starts it with `{"redrive": queue}`, to have the events of a failure queue tried again. Each run
but a sweep also tries upload events again that failed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from onboarding.aws.dead_letter_queues import RedriveResult, redrive, redrive_uploads
from onboarding.lambda_handlers.telemetry import Metric, add_count, logger, record_metrics
from onboarding.pipeline.recovery import PATIENCE, RecoveryAction, ingest_missed_objects, resume_stalled_uploads
from onboarding.runtime import get_context

LAST_REDRIVE_SECONDS = 200
"""No event is tried again later than this after the start of a call; what is left then waits for the next one."""


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    began = time.monotonic()
    if "redrive" in event:
        _redrive(redrive(get_context(), event["redrive"]), began)
        return {"driven": []}
    still = timedelta(seconds=event.get("patience", PATIENCE.total_seconds()))
    if event.get("sweep"):
        return {"driven": _drive(ingest_missed_objects(get_context(), patience=still))}
    try:
        driven = _drive(resume_stalled_uploads(get_context(), patience=still))
    except ExceptionGroup:
        # Some uploads could not be driven on, but the database answers.
        _redrive(redrive_uploads(get_context()), began)
        raise
    _redrive(redrive_uploads(get_context()), began)
    return {"driven": driven}


def _drive(uploads: Iterable[RecoveryAction]) -> list[dict[str, Any]]:
    driven = []
    with record_metrics(Metric.WATCHDOG_TIME) as metrics:
        try:
            for upload in uploads:
                said = {"upload_id": upload.upload_id, "vendor_id": upload.vendor_id, "s3_key": upload.s3_key}
                logger.warning(f"upload {upload.outcome}", extra=said)
                driven.append(asdict(upload))
        finally:
            # An alarm looks at it: uploads that have to be driven on again and again are stuck.
            add_count(metrics, Metric.UPLOADS_RESUMED, len(driven))
            logger.info("watchdog ran", extra={"driven": len(driven)})
    return driven


def _redrive(tries: Iterator[RedriveResult], began: float) -> None:
    # An iterator tries the next event when it is asked for the next result.
    while time.monotonic() - began < LAST_REDRIVE_SECONDS and (tried := next(tries, None)):
        said = {"queue": tried.queue, "about": tried.about, "error": tried.error}
        logger.info("failure tried again", extra=said)
