"""Replacements that the harness patches in: clock, metrics, thread pool; and the names of statements."""

from __future__ import annotations

import threading
import time as real_time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from onboarding.storage import product_queries
from onboarding.storage.queries import all_queries


class Clock:
    """Double of the module `time`: `sleep` hardly waits, and the time advances on request."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._lock = threading.Lock()

    def time(self) -> float:
        return real_time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._ahead += seconds

    @staticmethod
    def sleep(_: float) -> None:
        # A short pause prevents a busy loop between two real retries.
        real_time.sleep(0.001)

    perf_counter = staticmethod(real_time.perf_counter)
    monotonic = staticmethod(real_time.monotonic)


class NoMetrics:
    """Double of `Metrics` that discards everything. Powertools has one set of metrics per process, and here several
    functions share a process."""

    def add_metric(self, *_: Any) -> None:
        return

    def add_metadata(self, *_: Any) -> None:
        return

    def flush_metrics(self) -> None:
        return


class InlineExecutor:
    """Executor that runs each call on the calling thread, so that a seed reproduces its run."""

    def __init__(self, *_: Any, **__: Any) -> None:
        return

    @staticmethod
    def submit(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(function(*arguments))
        return done

    def shutdown(self, **_: Any) -> None:
        return


def names_of_queries() -> dict[str, str]:
    """Return the name of every query of the package by its text."""
    composed = {text: f"sql.{name.lower()}" for name, text in vars(product_queries).items() if isinstance(text, str)}
    return composed | {text: f"sql.{name}" for name, text in all_queries().items()}


@contextmanager
def apply_patches(changes: Iterable[tuple[Any, str, Any]]) -> Iterator[None]:
    """Replace attributes and restore them at the end; a missing attribute raises AttributeError."""
    before: list[tuple[Any, str, Any]] = []
    try:
        for owner, name, value in changes:
            before.append((owner, name, getattr(owner, name)))
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)
