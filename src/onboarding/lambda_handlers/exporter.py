"""Handler of exporter, invoked by the API and by the watchdog with the id of an export."""

from __future__ import annotations

from typing import Any

from onboarding.lambda_handlers.telemetry import log_failures, logger
from onboarding.pipeline.export_products import export_products
from onboarding.runtime import get_context


def handler(event: dict[str, Any], _: object) -> None:
    """Write the file of the export."""
    ids = {"export_id": event["export_id"]}
    with log_failures(**ids):
        export = export_products(get_context(), event["export_id"])
    logger.info("export completed" if export else "no export to write", extra=ids)
