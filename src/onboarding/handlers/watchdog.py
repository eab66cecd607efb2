"""watchdog: started by a schedule every few minutes, and once a day with `{"sweep": true}`; by operators as well.

Whoever calls it may say after how many seconds without a move an upload is stuck (`{"patience": 0}`), and is told what
was driven on. The API starts it with `{"redrive": queue}`, to have the events of a failure queue tried again.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from onboarding.context import context
from onboarding.failures import redrive
from onboarding.handlers.telemetry import count, logger, measured
from onboarding.watchdog import PATIENCE, drive, sweep

REDRIVE_SECONDS = 200
"""How long one call tries events again; what is left then waits for the next."""


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    if "redrive" in event:
        _redrive(event["redrive"])
        return {"driven": []}
    still = timedelta(seconds=event.get("patience", PATIENCE.total_seconds()))
    with measured("WatchdogTime") as metrics:
        run = sweep if event.get("sweep") else drive
        driven = []
        try:
            for upload in run(context(), patience=still):
                said = {"upload_id": upload.upload_id, "vendor_id": upload.vendor_id, "s3_key": upload.s3_key}
                logger.warning(f"upload {upload.outcome}", extra=said)
                driven.append(asdict(upload))
        finally:
            # An alarm looks at it: uploads that have to be driven on again and again are stuck.
            count(metrics, "UploadsDrivenOn", len(driven))
            logger.info("watchdog ran", extra={"driven": len(driven)})
    return {"driven": driven}


def _redrive(queue: str) -> None:
    started = time.monotonic()
    for tried in redrive(context(), queue):
        said = {"queue": queue, "about": tried.about, "error": tried.error}
        logger.info("failure tried again", extra=said)
        if time.monotonic() - started > REDRIVE_SECONDS:
            break
