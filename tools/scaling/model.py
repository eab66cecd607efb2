"""Queueing model of the pipeline on AWS: measured service times, AWS's published limits, many uploads.

    python -m tools.scaling.model

prints the table of docs/scaling.md and draws its plots. Each upload is one csv-parser call that writes its rows to one
partition of the staging table and one of its index. The partition's shard passes batches to product-validator, several
at a time; each batch writes its statuses. After the last batch the queue starts error-processor, and the topic mailer.
Functions compute and write at the same time. The model includes cold starts and the limits of partitions, index and
concurrency, but no failures and retries.
"""

from __future__ import annotations

import math
import random
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import simpy

from onboarding.deploy.cost.bill import estimate_seconds, load_usage
from tools.scaling.plot import Series, draw

DOCS = Path(__file__).parents[2] / "docs"

# Published limits: DynamoDB, Lambda, SQS.
PARTITION_WRITES = 1_000
"""Write units a second for one partition of a table or an index."""
NEW_TABLE_PARTITIONS = 4
"""Partitions of a new on-demand table; each has one shard in the stream."""
STREAM_POLL = 0.25
"""Seconds between Lambda's polls of a shard."""
WINDOW = 1.0
"""Batching window of the stream and of the queue in the template, in seconds."""
# Assumptions: the upper end of commonly observed values.
S3_EVENT = 0.5
"""Seconds from the object's creation to the call of csv-parser."""
COLD_START = 1.5
"""Seconds of a container's start: image, imports and connections."""
TOPIC = 0.3
"""Seconds from the topic to the call of mailer, and to the e-mail service's response."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The template's parameters and the number of shards."""

    parsers: int = 8
    validators: int = 8
    processors: int = 2
    shards: int = NEW_TABLE_PARTITIONS
    parallelization: int = 2
    batch: int = 100
    warm: bool = True
    """Whether one container of each function is running; further ones start cold."""


@dataclass(frozen=True, slots=True)
class Load:
    """Uploads: their arrival times in seconds, their rows, and the number of vendors that share them."""

    name: str
    arrivals: tuple[float, ...]
    rows: int
    vendors: int


@dataclass
class Outcome:
    """Seconds from object to e-mail for each upload, and the utilisation of each part."""

    seconds: list[float] = field(default_factory=list)
    busy: dict[str, float] = field(default_factory=dict)
    end: float = 0.0

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share of the uploads is done."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

    @property
    def bottleneck(self) -> str:
        """Return the part with the highest utilisation."""
        return max(self.busy, key=lambda name: self.busy[name])


def service(function: str, rows: int, *, first: bool = True) -> float:
    """Return the seconds of a call on AWS for this number of rows; `first` adds the fixed time of an upload."""

    def of(measured: Mapping[str, float]) -> float:
        return (measured["per_upload"] if first else 0.0) + rows * measured["per_row"]

    return estimate_seconds(
        function, of(load_usage()["milliseconds"][function]), of(load_usage()["cpu_milliseconds"][function])
    )


class Part:
    """A resource with a capacity and its busy time."""

    def __init__(self, env: simpy.Environment, capacity: int) -> None:
        self._env = env
        self.capacity = capacity
        self.resource = simpy.Resource(env, capacity)
        self.worked = 0.0

    def work(self, seconds: float) -> Generator[Any, Any, None]:
        """Occupy one unit for these seconds."""
        with self.resource.request() as request:
            yield request
            self.worked += seconds
            yield self._env.timeout(seconds)


class Function(Part):
    """A function with its concurrency. Containers keep running once started."""

    def __init__(self, env: simpy.Environment, capacity: int, *, warm: bool) -> None:
        super().__init__(env, capacity)
        self._containers = 1 if warm else 0

    def call(self, work: Generator[Any, Any, None]) -> Generator[Any, Any, None]:
        """Run `work` in a container, starting one if all are busy."""
        with self.resource.request() as request:
            yield request
            started = self._env.now
            if self.resource.count > self._containers:
                self._containers += 1
                yield self._env.timeout(COLD_START)
            yield from work
            self.worked += self._env.now - started


class Model:
    """The pipeline: functions, shards, partitions and one process for each upload."""

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
        """Simulate one upload from object to e-mail."""
        yield self.env.timeout(arrival + S3_EVENT)
        shard_id = self._rng.randrange(self.setting.shards)
        index = self.index[vendor % len(self.index)]
        pending: list[simpy.Process] = []
        yield from self.parsers.call(self._parse(shard_id, index, rows, pending))
        yield self.env.all_of(pending)
        yield self.env.timeout(WINDOW)
        yield from self.processors.call(self._compute("error-processor", rows))
        yield self.env.timeout(TOPIC)
        yield from self.mailers.call(self._compute("mailer", rows))
        self.outcome.seconds.append(self.env.now - arrival)

    def _parse(self, shard_id: int, index: Part, rows: int, pending: list[simpy.Process]) -> Generator[Any, Any, None]:
        """Stage the rows; each batch is validated as soon as it is written."""
        for at in range(0, rows, self.setting.batch):
            size = min(self.setting.batch, rows - at)
            yield from self._compute_and_write("csv-parser", shard_id, index, size, first=at == 0)
            pending.append(self.env.process(self._validate(shard_id, index, size, first=at == 0)))

    def _validate(self, shard_id: int, index: Part, size: int, *, first: bool) -> Generator[Any, Any, None]:
        yield self.env.timeout(STREAM_POLL + (WINDOW if size < self.setting.batch else 0))
        shard = self.shards[shard_id]
        with shard.resource.request() as request:
            yield request
            started = self.env.now
            yield from self.validators.call(
                self._compute_and_write("product-validator", shard_id, index, size, first=first)
            )
            shard.worked += self.env.now - started

    def _compute(self, function: str, rows: int) -> Generator[Any, Any, None]:
        yield self.env.timeout(service(function, rows))

    def _compute_and_write(
        self, function: str, shard_id: int, index: Part, size: int, *, first: bool
    ) -> Generator[Any, Any, None]:
        """Compute and write at the same time, to the table and its index."""
        written = size / PARTITION_WRITES
        yield self.env.all_of(
            [
                self.env.timeout(service(function, size, first=first)),
                self.env.process(self.partitions[shard_id].work(written)),
                self.env.process(index.work(written)),
            ]
        )

    def run(self, load: Load) -> Outcome:
        """Simulate all uploads."""
        for number, arrival in enumerate(load.arrivals):
            self.env.process(self.upload(arrival, load.rows, number % load.vendors))
        self.env.run()
        self.outcome.end = self.env.now

        def share(parts: Iterable[Part]) -> float:
            return max(part.worked / (part.capacity * self.env.now) for part in parts)

        self.outcome.busy = {
            "csv-parser": share([self.parsers]),
            "product-validator": share([self.validators]),
            "error-processor": share([self.processors]),
            "stream shards": share(self.shards),
            "table partition": share(self.partitions),
            "index partition": share(self.index),
        }
        return self.outcome


def simulate(load: Load, setting: Setting, seed: int = 1) -> Outcome:
    """Simulate a load with a setting."""
    return Model(setting, load.vendors, random.Random(seed)).run(load)  # noqa: S311 - no secret


def poisson(per_hour: float, hours: float, seed: int = 1) -> tuple[float, ...]:
    """Return random arrival times in seconds at this rate."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    times: list[float] = []
    now = 0.0
    while (now := now + rng.expovariate(per_hour / 3600)) < hours * 3600:
        times.append(now)
    return tuple(times)


ONE = Load("1 file of 1,000 rows", (0.0,), 1_000, 1)
LOADS = [
    ONE,
    Load("1 file of 10,000 rows", (0.0,), 10_000, 1),
    Load("100 files of 1,000 rows, 100 vendors", (0.0,) * 100, 1_000, 100),
    Load("100 files of 1,000 rows, one vendor", (0.0,) * 100, 1_000, 1),
    Load("600 files of 1,000 rows in an hour", poisson(600, 1), 1_000, 300),
    Load("1,000 files of 200 rows an hour", poisson(1_000, 2), 200, 10_000),
]
DEFAULT = Setting()
COLD = replace(DEFAULT, warm=False)
GROWN = replace(DEFAULT, shards=16, parsers=16, validators=32)
"""A table that DynamoDB has split or that was prepared for a peak, and functions to match."""


SETTINGS = {"default": DEFAULT, "16 partitions": GROWN}


def table() -> str:
    """Return the table of docs/scaling.md: single uploads also cold, several uploads also with more partitions."""
    lines = [
        "| load | setting | median, s | p95, s | all done, s | busiest |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for load in LOADS:
        settings = SETTINGS if len(load.arrivals) > 1 else {"default": DEFAULT, "cold": COLD}
        for name, setting in settings.items():
            outcome = simulate(load, setting)
            figures = " | ".join(f"{outcome.percentile(share):.0f}" for share in (0.5, 0.95))
            busiest = f"{outcome.bottleneck} ({outcome.busy[outcome.bottleneck]:.0%})"
            lines.append(f"| {load.name} | {name} | {figures} | {outcome.end:.0f} | {busiest} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table and draw the plots."""
    print(table())
    burst = LOADS[2]
    shares = [number / 100 for number in range(1, 101)]
    draw(
        DOCS / "scaling-burst.svg",
        "100 uploads of 1,000 rows at once: share of uploads done by",
        "seconds",
        [
            Series(name, [(simulate(burst, setting).percentile(share), share) for share in shares])
            for name, setting in SETTINGS.items()
        ],
    )
    rates = [60, 120, 240, 360, 480, 600, 720, 900]
    draw(
        DOCS / "scaling-rate.svg",
        "Seconds from object to e-mail (p95), by uploads of 1,000 rows an hour",
        "uploads an hour",
        [
            Series(
                name,
                [(rate, simulate(Load("", poisson(rate, 1), 1_000, 300), setting).percentile(0.95)) for rate in rates],
            )
            for name, setting in SETTINGS.items()
        ],
    )


if __name__ == "__main__":
    main()
