"""Figures: measured values with median, spread and target."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. The median should not exceed the target `limit`."""

    part: str
    name: str
    unit: str
    values: Sequence[float]
    limit: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    @property
    def met(self) -> bool | None:
        return None if self.limit is None else self.median <= self.limit

    def as_dict(self) -> dict[str, Any]:
        summary = {"median": self.median, "low": self.low, "high": self.high, "met": self.met}
        return {**asdict(self), "values": list(self.values), **summary}


@dataclass
class Report:
    """The figures of one run in the order of measurement."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, part: str, name: str, unit: str, values: Sequence[float], limit: float | None = None) -> None:
        """Add a line of the table."""
        self.figures.append(Figure(part, name, unit, tuple(values), limit))

    def ratio(
        self, part: str, name: str, values: Sequence[float], of: Sequence[float], limit: float | None = None
    ) -> None:
        """Add the ratio of `values` to `of`, round by round, since a disturbance affects both values of a round."""
        self.add(part, name, "x", [value / base for value, base in zip(values, of, strict=True)], limit)


class Stopwatch:
    """Wall clock and processor time of this process in seconds."""

    elapsed: float = 0.0
    cpu: float = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """Time the block; the stopwatch has the result after it."""
    watch = Stopwatch()
    cpu, elapsed = time.process_time(), time.perf_counter()
    try:
        yield watch
    finally:
        watch.elapsed, watch.cpu = time.perf_counter() - elapsed, time.process_time() - cpu
