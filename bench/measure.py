"""Figures: how often something was measured, its median and spread, and what it should come to."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `most` is the target: the median should not be over it."""

    part: str
    name: str
    unit: str
    values: Sequence[float]
    most: float | None = None

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
        return None if self.most is None else self.median <= self.most

    def as_dict(self) -> dict[str, Any]:
        summary = {"median": self.median, "low": self.low, "high": self.high, "met": self.met}
        return {**asdict(self), "values": list(self.values), **summary}


@dataclass
class Report:
    """The figures of one run, in the order in which they were found."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, part: str, name: str, unit: str, values: Sequence[float], most: float | None = None) -> None:
        self.figures.append(Figure(part, name, unit, tuple(values), most))

    def ratio(
        self, part: str, name: str, values: Sequence[float], of: Sequence[float], most: float | None = None
    ) -> None:
        """How many times `of` these are, round by round: what disturbed one of a pair disturbed the other too."""
        self.add(part, name, "x", [value / base for value, base in zip(values, of, strict=True)], most)


class Stopwatch:
    """Wall clock and this process's CPU, both in seconds."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """Time the block; the stopwatch holds the result after it."""
    watch = Stopwatch()
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        yield watch
    finally:
        watch.wall, watch.cpu = time.perf_counter() - wall, time.process_time() - cpu
