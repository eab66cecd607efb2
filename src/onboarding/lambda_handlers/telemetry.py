"""Logs and metrics as every function writes them: JSON lines, and CloudWatch's embedded metric format.

Metrics have the service as their only dimension; upload and vendor are properties of the line, to be searched for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

# Service and namespace come from the environment that the template sets.
logger = Logger(utc=True)


@contextmanager
def measured(duration_metric: str) -> Iterator[Metrics]:
    """Metrics that are written at the end of the block, with the time that the block took."""
    metrics = Metrics()
    started = time.perf_counter()
    try:
        yield metrics
    finally:
        metrics.add_metric(duration_metric, MetricUnit.Milliseconds, (time.perf_counter() - started) * 1000)
        metrics.flush_metrics()


def count(metrics: Metrics, name: str, value: int) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)


@contextmanager
def naming(**ids: object) -> Iterator[None]:
    """Log whatever escapes from the block with these ids beside it; it escapes all the same."""
    try:
        yield
    except Exception:
        logger.exception("call failed", extra=ids)
        raise
