"""The pipeline on AWS as a queueing model: measured service times, AWS's published limits, many uploads.

    python -m tools.scaling.model

prints the table of docs/scaling.md and draws its plots. What is modelled: each upload is one csv-parser call that
writes its rows into one partition of the staging table and one of its index; the partition's shard hands batches to
product-validator, as many at once as it has lanes; each batch writes its statuses back; when the last one is done the
queue starts error-processor, and the topic mailer. A function that computes writes at the same time, as ours do. Cold
starts, throttling by partition, index and concurrency are in; failures and retries are not.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import simpy

from onboarding.deploy.cost.bill import seconds, usage
from tools.scaling.plot import Series, draw

DOCS = Path(__file__).parents[2] / "docs"

# Published limits: DynamoDB, Lambda, SQS.
PARTITION_WRITES = 1_000
"""Write units a second that one partition of a table or an index takes."""
NEW_TABLE_PARTITIONS = 4
"""An on-demand table begins with so many; each has one shard in the stream."""
STREAM_POLL = 0.25
"""Lambda asks a shard four times a second."""
WINDOW = 1.0
"""Seconds that a mapping may wait for a batch to fill, as the template says: the stream's and the queue's."""
# Not published as limits; taken from the upper side of what is usually seen.
S3_EVENT = 0.5
"""Seconds from the object to the call of csv-parser."""
COLD_START = 1.5
"""Seconds that the first call of a container waits for image, imports and connections."""
TOPIC = 0.3
"""Seconds from the topic to the call of mailer, and for the mail service to take the mail."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What can be turned: the template's parameters, and how many shards the stream has by now."""

    parsers: int = 8
    validators: int = 8
    processors: int = 2
    shards: int = NEW_TABLE_PARTITIONS
    parallelization: int = 2
    batch: int = 100
    warm: bool = True
    """Whether each function has a container that waits; those beyond it start cold in any case."""


@dataclass(frozen=True, slots=True)
class Load:
    """Uploads: when each comes (seconds), and how many rows it has; `vendors` share them."""

    name: str
    arrivals: tuple[float, ...]
    rows: int
    vendors: int


@dataclass
class Outcome:
    """Seconds from the object to the mail, for each upload, and how busy each part was."""

    seconds: list[float] = field(default_factory=list)
    busy: dict[str, float] = field(default_factory=dict)
    end: float = 0.0

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

    @property
    def bottleneck(self) -> str:
        return max(self.busy, key=lambda name: self.busy[name])


def service(function: str, rows: int, *, first: bool = True) -> float:
    """Seconds on AWS of a call about so many rows. What an upload costs whatever its rows belongs to its first call."""

    def of(measured: Mapping[str, float]) -> float:
        return (measured["per_upload"] if first else 0.0) + rows * measured["per_row"]

    return seconds(function, of(usage()["milliseconds"][function]), of(usage()["cpu_milliseconds"][function]))


class Part:
    """Something that serves so many at once, and how long it was at work."""

    def __init__(self, env: simpy.Environment, capacity: int) -> None:
        self._env = env
        self.capacity = capacity
        self.resource = simpy.Resource(env, capacity)
        self.worked = 0.0

    def work(self, seconds: float) -> Generator[Any, Any, None]:
        with self.resource.request() as turn:
            yield turn
            self.worked += seconds
            yield self._env.timeout(seconds)


class Function(Part):
    """A function with its concurrency. A container once started stays for the length of the model."""

    def __init__(self, env: simpy.Environment, capacity: int, *, warm: bool) -> None:
        super().__init__(env, capacity)
        self._containers = 1 if warm else 0

    def call(self, work: Generator[Any, Any, None]) -> Generator[Any, Any, None]:
        with self.resource.request() as turn:
            yield turn
            started = self._env.now
            if self.resource.count > self._containers:
                self._containers += 1
                yield self._env.timeout(COLD_START)
            yield from work
            self.worked += self._env.now - started


class Model:
    def __init__(self, setting: Setting, vendors: int, rng: random.Random) -> None:
        self.env = env = simpy.Environment()
        self.setting = setting
        self._rng = rng
        self.parsers = Function(env, setting.parsers, warm=setting.warm)
        self.validators = Function(env, setting.validators, warm=setting.warm)
        self.processors = Function(env, setting.processors, warm=setting.warm)
        self.mailers = Function(env, 1_000, warm=setting.warm)
        self.shards = [Part(env, setting.parallelization) for _ in range(setting.shards)]
        self.partitions = [Part(env, 1) for _ in range(setting.shards)]
        self.index = [Part(env, 1) for _ in range(min(vendors, setting.shards))]
        self.outcome = Outcome()

    def upload(self, arrival: float, rows: int, vendor: int) -> Generator[Any, Any, None]:
        yield self.env.timeout(arrival + S3_EVENT)
        place = self._rng.randrange(self.setting.shards)
        index = self.index[vendor % len(self.index)]
        pending: list[simpy.Process] = []
        yield from self.parsers.call(self._parse(place, index, rows, pending))
        yield self.env.all_of(pending)
        yield self.env.timeout(WINDOW)
        yield from self.processors.call(self._compute("error-processor", rows))
        yield self.env.timeout(TOPIC)
        yield from self.mailers.call(self._compute("mailer", rows))
        self.outcome.seconds.append(self.env.now - arrival)

    def _parse(self, place: int, index: Part, rows: int, pending: list[simpy.Process]) -> Generator[Any, Any, None]:
        """Each batch of rows goes on its way as soon as it is written."""
        for at in range(0, rows, self.setting.batch):
            size = min(self.setting.batch, rows - at)
            yield from self._compute_and_write("csv-parser", place, index, size, first=at == 0)
            pending.append(self.env.process(self._validate(place, index, size, first=at == 0)))

    def _validate(self, place: int, index: Part, size: int, *, first: bool) -> Generator[Any, Any, None]:
        yield self.env.timeout(STREAM_POLL + (WINDOW if size < self.setting.batch else 0))
        shard = self.shards[place]
        with shard.resource.request() as turn:
            yield turn
            started = self.env.now
            yield from self.validators.call(
                self._compute_and_write("product-validator", place, index, size, first=first)
            )
            shard.worked += self.env.now - started

    def _compute(self, function: str, rows: int) -> Generator[Any, Any, None]:
        yield self.env.timeout(service(function, rows))

    def _compute_and_write(
        self, function: str, place: int, index: Part, size: int, *, first: bool
    ) -> Generator[Any, Any, None]:
        """Rows are written while the next are computed, by the table and its index at the same time."""
        written = size / PARTITION_WRITES
        yield self.env.all_of(
            [
                self.env.timeout(service(function, size, first=first)),
                self.env.process(self.partitions[place].work(written)),
                self.env.process(index.work(written)),
            ]
        )

    def run(self, load: Load) -> Outcome:
        for number, arrival in enumerate(load.arrivals):
            self.env.process(self.upload(arrival, load.rows, number % load.vendors))
        self.env.run()
        self.outcome.end = self.env.now

        def share(parts: Iterable[Part]) -> float:
            return max(part.worked / (part.capacity * self.env.now) for part in parts)

        self.outcome.busy = {
            "csv-parser's concurrency": share([self.parsers]),
            "product-validator's concurrency": share([self.validators]),
            "error-processor's concurrency": share([self.processors]),
            "the stream's shards": share(self.shards),
            "a table partition's writes": share(self.partitions),
            "an index partition's writes": share(self.index),
        }
        return self.outcome


def simulate(load: Load, setting: Setting, seed: int = 1) -> Outcome:
    return Model(setting, load.vendors, random.Random(seed)).run(load)  # noqa: S311  chance, not a secret


def poisson(per_hour: float, hours: float, seed: int = 1) -> tuple[float, ...]:
    rng = random.Random(seed)  # noqa: S311
    times: list[float] = []
    now = 0.0
    while (now := now + rng.expovariate(per_hour / 3600)) < hours * 3600:
        times.append(now)
    return tuple(times)


ONE = Load("one upload of 1,000 rows", (0.0,), 1_000, 1)
LOADS = [
    ONE,
    Load("one upload of 10,000 rows", (0.0,), 10_000, 1),
    Load("100 at once, 1,000 rows, 100 vendors", (0.0,) * 100, 1_000, 100),
    Load("100 at once, 1,000 rows, one vendor", (0.0,) * 100, 1_000, 1),
    Load("holiday: 600 in an hour, 1,000 rows", poisson(600, 1), 1_000, 300),
    Load("10,000 vendors, one file a day in 10 hours, 200 rows", poisson(1_000, 2), 200, 10_000),
]
DEFAULT = Setting()
COLD = replace(DEFAULT, warm=False)
ONE_LANE = replace(DEFAULT, parallelization=1)
GROWN = replace(DEFAULT, shards=16, parsers=16, validators=32)
"""A table that DynamoDB has split, or that was made ready for a peak, and functions to match."""


def table(settings: dict[str, Setting]) -> str:
    lines = [
        "| load | setting | median | p95 | p99 | all done | busiest |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for load in LOADS:
        for name, setting in settings.items():
            if setting is COLD and len(load.arrivals) > 1:
                continue  # among many uploads the first ones' cold starts are nothing
            found = simulate(load, setting)
            figures = " | ".join(f"{found.percentile(share):.0f} s" for share in (0.5, 0.95, 0.99))
            busiest = f"{found.bottleneck} ({found.busy[found.bottleneck]:.0%})"
            lines.append(f"| {load.name} | {name} | {figures} | {found.end:.0f} s | {busiest} |")
    return "\n".join(lines)


def main(say: Callable[[str], None] = print) -> None:
    settings = {"default": DEFAULT, "one lane": ONE_LANE, "16 partitions": GROWN}
    say(table({**settings, "nothing warm": COLD}))
    burst = LOADS[2]
    shares = [number / 100 for number in range(1, 101)]
    draw(
        DOCS / "scaling-burst.svg",
        "100 uploads of 1,000 rows at once: share of uploads done by",
        "seconds",
        [
            Series(name, [(simulate(burst, setting).percentile(share), share) for share in shares])
            for name, setting in settings.items()
        ],
    )
    rates = [60, 120, 240, 360, 480, 600, 720, 900]
    draw(
        DOCS / "scaling-rate.svg",
        "Seconds from object to mail (p95), by uploads of 1,000 rows an hour",
        "uploads an hour",
        [
            Series(
                name,
                [(rate, simulate(Load("", poisson(rate, 1), 1_000, 300), setting).percentile(0.95)) for rate in rates],
            )
            for name, setting in settings.items()
        ],
    )


if __name__ == "__main__":
    main()
