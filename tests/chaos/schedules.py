"""Random schedules: several uploads that want the same products, calls at the same time, duplicates, reorders, faults.

A seed makes a schedule, and makes it again. Most run one step at a time, as the seed says; some let their calls run
freely side by side, to meet the locks of the database at full speed (these need not go the same way twice).
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

from onboarding.model import Mode
from tests.chaos import laws, state
from tests.chaos.files import FAULTS, File
from tests.chaos.interleave import Task, look_at_blocked
from tests.chaos.plans import COLD, befall, faults_at
from tests.chaos.runtime import Call, Place, Runtime
from tests.chaos.world import Delivery, LawBroken, World
from tests.pipeline import product

VENDORS = ("VEND001", "VEND002", "VEND003")
STEPS = 6_000
MEETING = 0.03
"""Seconds that a free call waits for another one to meet."""

FREE = 0.06
"""The share of schedules whose calls run side by side; they have more rows, so that their transactions meet."""


def is_free(seed: int) -> bool:
    """What the first decision of a seed's schedule is."""
    return random.Random(seed).random() < FREE  # noqa: S311 - to be the same again is the point


@dataclass
class Ended:
    """How a schedule went: the law that it broke, if any, and what happened on the way."""

    seed: int
    free: bool
    broken: str | None
    faults: list[str]
    uploads: int
    deadlocks: int


@dataclass
class Schedule:
    """One run. Every decision comes from `chance`."""

    world: World
    chance: random.Random
    running: list[Task] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = self.chance
        self.free = chance.random() < FREE
        self.at_once = chance.choice([1, 2, 2, 3, 4])
        self.faults_left = 0 if self.free else chance.choice([0, 1, 1, 2, 3, 5])
        self.copies_left = chance.choice([0, 2, 4])
        self.watches_left = chance.choice([0, 0, 0, 1, 2])
        self.forgets = not self.free and chance.random() < 0.08
        self.world.batch = chance.choice([75, 150]) if self.free else chance.choice([1, 2, 3, 5, 8])
        self.gate = threading.Barrier(2)
        if self.free:
            self.at_once = 4
            self.world.shuffles = False

    def fill(self) -> None:
        """Vendors put files that want each other's products, and their own twice."""
        chance = self.chance
        names = [f"p{number}" for number in range(250 if self.free else chance.choice([3, 6, 12]))]
        for number in range(chance.randint(3, 6) if self.free else chance.randint(1, 4)):
            rows = [
                dict(product(chance.choice(names), vendor_product_id=f"ID-{chance.choice(names)}"))
                for _ in range(150 if self.free else chance.randint(1, 10))
            ]
            # Two files are never the same: the second would be refused as sent before.
            rows[0]["description"] = f"File {number}"
            faults = {}
            for row_number, row in enumerate(rows, 1):
                if chance.random() < 0.15:
                    error_type, cells = chance.choice(FAULTS)
                    row.update(cells)
                    faults[row_number] = frozenset({error_type})
            vendor = VENDORS[number % 3] if self.free else chance.choice(VENDORS)
            kind = chance.random()
            if kind < 0.06:
                file = File(vendor, rows, refused="MISSING_COLUMNS")
            elif kind < 0.1:
                file = File("NOBODY", rows, known=False)
            else:
                # A row without a name is faulty only where it makes a product, which depends on who is first.
                named = not any("MISSING_REQUIRED_FIELDS" in found for found in faults.values())
                upserts = not self.free and named and chance.random() < 0.2
                mode = Mode.UPSERT if upserts else Mode.CREATE
                file = File(vendor, rows, faults, whole=chance.random() < 0.15, mode=mode)
            # Sometimes under the name of another upload: a new version of the object, and an upload of its own.
            self.world.put(f"uploads/{file.vendor_id}/file{number % 3}.csv", file)

    def act(self, call: Call, place: Place) -> str | None:
        """What befalls a call where it is: mostly nothing. Whether a container is new is no matter of the seed."""
        if place in COLD or not self.faults_left or self.chance.random() >= 0.012:
            return None
        fault = self.chance.choice(faults_at(place))
        self.faults_left -= 1
        self.faults.append(f"{call.function}: {fault} {place}")
        return befall(call, place, fault)

    def run(self) -> None:
        self.fill()
        forget_at = self.chance.randint(5, 200) if self.forgets else None
        for step in range(STEPS):
            self.running = [task for task in self.running if not task.done]
            if forget_at is not None and step >= forget_at and not self.running:
                self.world.forget()
                forget_at = None
            self.world.collect(self.chance)
            startable = self.startable()
            ready = [task for task in self.running if task.parked]
            if not self.running and not startable:
                return
            if startable and len(self.running) < self.at_once and (not ready or self.chance.random() < 0.3):
                self.start(startable)
            elif ready:
                self.chance.choice(ready).advance()
            else:
                self.running[0].wait()
            look_at_blocked(self.running)
        raise LawBroken(f"deliveries never end; the last faults: {self.world.errors[-3:]}")

    def run_freely(self) -> None:
        self.fill()
        for _ in range(STEPS):
            self.world.collect(self.chance)
            if not self.world.waiting:
                return
            self.running = []
            while len(self.running) < self.at_once and (startable := self.startable()):
                self.start(startable)
            for task in self.running:
                task.join()

    def startable(self) -> list[Delivery]:
        """What may be delivered now. A mail is tried again after a minute, when no earlier try can be at it still."""
        mailing = any(task.delivery.function == "mailer" for task in self.running)
        return [d for d in self.world.waiting if not (mailing and d.function == "mailer" and d.attempts)]

    def start(self, startable: list[Delivery]) -> None:
        chance, world = self.chance, self.world
        if self.watches_left and chance.random() < 0.1:
            self.watches_left -= 1
            delivery = Delivery("watchdog", chance.choice([{}, {"sweep": True}]))
        else:
            delivery = chance.choice(startable)
            if self.copies_left and chance.random() < 0.25:
                self.copies_left -= 1
                world.waiting.append(delivery.copy())
            world.waiting.remove(delivery)
        self.running.append(Task(world, delivery, self.meet if self.free else self.act, free=self.free))

    def meet(self, _: Call, place: Place) -> None:
        """Batches of two vendors go into the catalog at the same moment, if there are two."""
        if place == "before sql.insert_products":
            try:
                self.gate.wait(MEETING)
            except threading.BrokenBarrierError:
                self.gate.reset()


def run_schedule(runtime: Runtime, seed: int) -> Ended:
    """Run the schedule of a seed, let it settle, and hold the end against the laws."""
    state.empty(runtime)
    schedule = Schedule(World(runtime), random.Random(seed))  # noqa: S311 - to be the same again is the point
    broken = None
    try:
        if schedule.free:
            schedule.run_freely()
        else:
            schedule.run()
        schedule.world.settle(lambda: laws.check(schedule.world))
        laws.check(schedule.world)
        # Sorted inserts and a lock for each vendor leave none to be retried.
        broken = f"no deadlock arises | {runtime.deadlocks}" if runtime.deadlocks else None
    except Exception as law:  # noqa: BLE001 - what the product raises once faults have stopped is a broken law too
        broken = f"{type(law).__name__}: {law} | faults met: {schedule.world.errors[-4:]}"
        for task in schedule.running:
            task.release()
        runtime.cool_down()
    return Ended(seed, schedule.free, broken, schedule.faults, len(schedule.world.uploads), runtime.deadlocks)
