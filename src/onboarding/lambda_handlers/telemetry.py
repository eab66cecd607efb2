"""Logs and metrics of the functions: JSON lines, and the embedded metric format of CloudWatch.

The service is the only dimension of the metrics. Upload and vendor ids are properties of the log lines.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit


class Metric(StrEnum):
    """Names of the custom metrics."""

    CSV_PROCESSING_TIME = "CSVProcessingTime"
    CSV_RECORDS_PROCESSED = "CSVRecordsProcessed"
    CSV_RECORDS_SUCCESSFUL = "CSVRecordsSuccessful"
    VALIDATION_PROCESSING_TIME = "ValidationProcessingTime"
    PRODUCTS_VALIDATED = "ProductsValidated"
    PRODUCTS_REJECTED = "ProductsRejected"
    ERROR_PROCESSING_TIME = "ErrorProcessingTime"
    ERRORS_PROCESSED = "ErrorsProcessed"
    WATCHDOG_TIME = "WatchdogTime"
    UPLOADS_RESUMED = "UploadsResumed"


# The template sets the service and the namespace in the environment.
logger = Logger(utc=True)


@contextmanager
def record_metrics(duration_metric: Metric) -> Iterator[Metrics]:
    """Yield metrics that are written at the end of the block, with its duration."""
    metrics = Metrics()
    started = time.perf_counter()
    try:
        yield metrics
    finally:
        metrics.add_metric(duration_metric, MetricUnit.Milliseconds, (time.perf_counter() - started) * 1000)
        metrics.flush_metrics()


def add_count(metrics: Metrics, name: Metric, value: int) -> None:
    """Add a count to the metrics."""
    metrics.add_metric(name, MetricUnit.Count, value)


@contextmanager
def log_failures(**ids: object) -> Iterator[None]:
    """Log an exception of the block with these ids, and re-raise it."""
    try:
        yield
    except Exception:
        logger.exception("call failed", extra=ids)
        raise
