"""Random schedules: several uploads that want the same products, calls that run at the same time, duplicates, reorders,
faults, uploads that are cancelled or taken back, and events that come long after all was over.

A seed makes a schedule, and makes it again. Most run one step at a time, as the seed says; some let their calls run
freely side by side, to meet the locks of the database at full speed (these need not go the same way twice). Hypothesis
may plan instead of a seed: then a schedule that breaks a law is cut down to what it takes.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onboarding.domain.models import Mode
from tests.faults import invariants, stored_state
from tests.faults.fault_plans import COLD, befall, faults_at
from tests.faults.interleaving import Task, look_at_blocked
from tests.faults.lambda_runtime import Call, Place, Runtime
from tests.faults.simulation import Delivery, LawBroken, World, happens
from tests.faults.upload_files import FAULTS, File
from tests.support.running_pipeline import product

VENDORS = ("VEND001", "VEND002", "VEND003")
STEPS = 6_000
MEETING = 0.03
"""Seconds that a free call waits for another one to meet."""

FREE = 6
"""Percent of schedules whose calls run side by side; they have more rows, so that their transactions meet."""

PLACES = 500
"""Faults fall on one of the first so many places of a schedule."""


def is_free(seed: int) -> bool:
    """What the first decision of a seed's schedule is."""
    return happens(random.Random(seed), FREE)  # noqa: S311 - to be the same again is the point


@dataclass
class Ended:
    """How a schedule went: the law that it broke, if any, and what happened on the way.

    `is_law` tells a broken law from a harness that is.
    """

    seed: int | None
    free: bool
    broken: str | None
    is_law: bool
    faults: list[str]
    uploads: int


@dataclass
class Schedule:
    """One run. What is to happen comes from `chance`, before anything does; in which order it does, from `order`."""

    world: World
    chance: random.Random
    free: bool
    order: random.Random = field(init=False)
    running: list[Task] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = self.chance
        self.order = random.Random(chance.randint(0, 2**31))  # noqa: S311 - to be the same again is the point
        self.at_once = chance.choice([1, 2, 2, 3, 4])
        number = 0 if self.free else chance.choice([0, 1, 1, 2, 3, 5])
        # At which place a fault falls, and which of those that can fall there.
        self.coming = {chance.randint(1, PLACES): chance.randint(0, 59) for _ in range(number)}
        self.places = 0
        self.copies_left = chance.choice([0, 2, 4])
        self.watches_left = chance.choice([0, 0, 0, 1, 2])
        self.cancels_left = 0 if self.free else chance.choice([0, 0, 0, 1, 2])
        self.undoes_left = 0 if self.free else chance.choice([0, 0, 0, 1, 2])
        self.late = chance.choice([0, 0, 2, 5])
        self.forget_at = chance.randint(5, 200) if not self.free and happens(chance, 8) else None
        self.world.batch = chance.choice([75, 150]) if self.free else chance.choice([1, 2, 3, 5, 8])
        # Whether there are files whose batches are judged as several sets, each with its own order of SKUs.
        self.mixes = not self.free or happens(chance, 30)
        self.gate = threading.Barrier(2)
        if self.free:
            self.at_once = 4
            self.world.shuffles = False
        self.fill()

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
                if happens(chance, 15):
                    error_type, cells = chance.choice(FAULTS)
                    row.update(cells)
                    faults[row_number] = frozenset({error_type})
            vendor = VENDORS[number % 3] if self.free else chance.choice(VENDORS)
            kind = chance.randint(1, 100)
            if kind <= 6:
                file = File(vendor, rows, refused="MISSING_COLUMNS")
            elif kind <= 10:
                file = File("NOBODY", rows, known=False)
            else:
                # A row without a name is faulty only where it makes a product, which depends on who is first.
                named = not any("MISSING_REQUIRED_FIELDS" in found for found in faults.values())
                upserts = not self.free and named and happens(chance, 20)
                mode = Mode.UPSERT if upserts else Mode.CREATE
                file = File(vendor, rows, faults, whole=self.mixes and happens(chance, 15), mode=mode)
            # Sometimes under the name of another upload: a new version of the object, and an upload of its own.
            self.world.put(f"uploads/{file.vendor_id}/file{number % 3}.csv", file)

    def act(self, call: Call, place: Place) -> str | None:
        """What befalls a call where it is: mostly nothing. Whether a container is new is no matter of the schedule."""
        if place in COLD:
            return None
        self.places += 1
        which = self.coming.pop(self.places, None)
        if which is None:
            return None
        possible = faults_at(place)
        fault = possible[which % len(possible)]
        self.faults.append(f"{call.function}: {fault} {place}")
        return befall(call, place, fault)

    def run(self) -> None:
        for step in range(STEPS):
            self.running = [task for task in self.running if not task.done]
            if self.forget_at is not None and step >= self.forget_at and not self.running:
                self.world.forget()
                self.forget_at = None
            self.world.collect(self.order)
            startable = self.startable()
            ready = [task for task in self.running if task.parked]
            if not self.running and not startable:
                return
            if startable and len(self.running) < self.at_once and (not ready or happens(self.order, 30)):
                self.start(startable)
            elif ready:
                self.order.choice(ready).advance()
            else:
                self.running[0].wait()
            look_at_blocked(self.running)
        raise LawBroken(f"everything comes to rest | {self.world.errors[-3:]}")

    def run_freely(self) -> None:
        for _ in range(STEPS):
            self.world.collect(self.order)
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
        chance, world = self.order, self.world
        delivery = self.from_outside()
        if delivery is None:
            delivery = chance.choice(startable)
            if self.copies_left and happens(chance, 25):
                self.copies_left -= 1
                world.waiting.append(delivery.copy())
            world.waiting.remove(delivery)
        self.running.append(Task(world, delivery, self.meet if self.free else self.act, free=self.free))

    def from_outside(self) -> Delivery | None:
        """What no event brings about: the watchdog's time has come, or a vendor wants an upload ended or taken back."""
        chance, world = self.order, self.world
        if self.watches_left and happens(chance, 10):
            self.watches_left -= 1
            return Delivery("watchdog", chance.choice([{}, {"sweep": True}]))
        known = sorted(upload_id for upload_id, file in world.uploads.items() if file.known)
        if self.cancels_left and known and happens(chance, 10):
            self.cancels_left -= 1
            upload_id = chance.choice(known)
            world.uploads[upload_id] = replace(world.uploads[upload_id], ends=invariants.CANCELLED)
            return Delivery("cancel", {"upload_id": upload_id})
        if self.undoes_left and known and happens(chance, 5):
            self.undoes_left -= 1
            upload_id = chance.choice(known)
            world.uploads[upload_id] = replace(world.uploads[upload_id], undone=True)
            return Delivery("undo", {"upload_id": upload_id})
        return None

    def meet(self, _: Call, place: Place) -> None:
        """Batches of two vendors go into the catalog at the same moment, if there are two."""
        if place == "before sql.insert_products":
            try:
                self.gate.wait(MEETING)
            except threading.BrokenBarrierError:
                self.gate.reset()

    def come_late(self) -> None:
        """Some of what was delivered comes once more when all is over: nothing changes, and each says only its own."""
        world = self.world
        late = [self.order.choice(world.handled) for _ in range(self.late if world.handled else 0)]
        if not late:
            return
        before, said = stored_state.state_of(world), len(world.runtime.aws.sent)
        own = invariants.rows_in(late)
        world.waiting += [delivery.copy() for delivery in late]
        world.quiet()
        invariants.check(world)
        after = stored_state.state_of(world)
        if world.forgetful or any(file.ends for file in world.uploads.values()):
            # Staged anew in part, or not told of yet: then a late batch has something to say.
            for name in ("UploadRecords", "messages", "held_rows"):
                del before[name], after[name]
        elif (
            strange := {
                (body["upload_id"], body["row_number"])
                for body in world.runtime.aws.sent[said:]
                if "row_number" in body
            }
            - own
        ):
            raise invariants.broken("what comes late tells of its own rows alone", strange)
        invariants.check_equal("what comes late changes nothing", before, after)


def run_seed(runtime: Runtime, seed: int) -> Ended:
    """Run the schedule of a seed."""
    chance = random.Random(seed)  # noqa: S311 - to be the same again is the point
    return run_schedule(runtime, chance, free=happens(chance, FREE), seed=seed)


def run_schedule(runtime: Runtime, chance: random.Random, *, free: bool, seed: int | None = None) -> Ended:
    """Run a schedule, let it settle, and hold the end against the laws."""
    stored_state.empty(runtime)
    schedule = Schedule(World(runtime), chance, free)
    world = schedule.world
    broken, is_law, came_to_an_end = None, False, False
    try:
        if free:
            schedule.run_freely()
        else:
            schedule.run()
        world.settle(lambda: invariants.check(world))
        invariants.check(world)
        schedule.come_late()
        invariants.check_deadlocks(world)
        came_to_an_end = True
    except Exception as law:  # noqa: BLE001 - a broken law, or a harness that is: neither passes
        broken, is_law = f"{type(law).__name__}: {law} | faults met: {world.errors[-4:]}", isinstance(law, LawBroken)
    finally:
        if not came_to_an_end:
            for task in schedule.running:
                task.release()
            runtime.cool_down()
    return Ended(seed, free, broken, is_law, schedule.faults, len(world.uploads))


def schedules_of_hypothesis(runtime: Runtime, examples: int, **how: Any) -> Callable[[], None]:
    """A test that looks for a schedule that breaks a law, cuts it down, and says how to see it again."""

    @settings(max_examples=examples, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck), **how)
    @given(st.randoms(use_true_random=False))
    def every_law_holds(chance: random.Random) -> None:
        ended = run_schedule(runtime, chance, free=False)
        if ended.broken:
            raise LawBroken(f"{ended.broken} | faults: {ended.faults}")

    return every_law_holds
