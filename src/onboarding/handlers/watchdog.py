"""watchdog: started by a schedule every few minutes, and once a day with `{"sweep": true}`."""

from __future__ import annotations

from typing import Any

from onboarding.context import context
from onboarding.handlers.telemetry import count, logger, measured
from onboarding.watchdog import drive, sweep


def handler(event: dict[str, Any], _: object) -> None:
    with measured("WatchdogTime") as metrics:
        driven = 0
        try:
            for upload in sweep(context()) if event.get("sweep") else drive(context()):
                said = {"upload_id": upload.upload_id, "vendor_id": upload.vendor_id, "s3_key": upload.s3_key}
                logger.warning(f"upload {upload.outcome}", extra=said)
                driven += 1
        finally:
            # An alarm looks at it: uploads that have to be driven on again and again are stuck.
            count(metrics, "UploadsDrivenOn", driven)
            logger.info("watchdog ran", extra={"driven": driven})
