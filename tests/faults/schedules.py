"""Random schedules: uploads that compete for products, fix files, concurrent calls, duplicates, reordering, faults,
cancelled and undone uploads, changed mappings, and late duplicates.

A seed reproduces its schedule. Most schedules run one step at a time; some run their calls without synchronization, to
test the database locks at full speed (these are not reproducible). Hypothesis can generate schedules instead of a seed,
and shrinks one that violates an invariant.
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
from tests.faults.fault_plans import COLD, faults_at, inject_fault
from tests.faults.interleaving import Task, advance_unblocked
from tests.faults.lambda_runtime import Call, InjectionPoint, Runtime
from tests.faults.mapped_files import CATEGORIES, TARGETS
from tests.faults.simulation import Delivery, InvariantViolated, Simulation, occurs, violation
from tests.faults.upload_files import FAULTS, File, FixFile
from tests.support.running_pipeline import product

VENDORS = ("VEND001", "VEND002", "VEND003")
STEPS = 6_000
MEETING_SECONDS = 0.03
"""Seconds that a free call waits for another one before its insert."""

UNSYNCHRONIZED_PERCENT = 6
"""Percent of schedules that run without synchronization; they have more rows, so that their transactions overlap."""

INJECTION_POINTS = 500
"""Faults are injected within this number of injection points from the start of a schedule."""


def is_unsynchronized(seed: int) -> bool:
    """Return whether the schedule of a seed runs without synchronization: its first decision."""
    return occurs(random.Random(seed), UNSYNCHRONIZED_PERCENT)  # noqa: S311 - a seed must reproduce its run


@dataclass
class ScheduleResult:
    """Result of a schedule: the violated invariant, if any, and the injected faults.

    `is_violation` is False for an error of the harness.
    """

    seed: int | None
    free: bool
    violation: str | None
    is_violation: bool
    faults: list[str]
    uploads: int


@dataclass
class Schedule:
    """One run. `chance` decides the events before the run, `order` their order during the run."""

    simulation: Simulation
    chance: random.Random
    free: bool
    order: random.Random = field(init=False)
    running: list[Task] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = self.chance
        self.order = random.Random(chance.randint(0, 2**31))  # noqa: S311 - a seed must reproduce its run
        self.at_once = chance.choice([1, 2, 2, 3, 4])
        number = 0 if self.free else chance.choice([0, 1, 1, 2, 3, 5])
        # The injection points of the faults, and the choice among the possible faults.
        self.coming = {chance.randint(1, INJECTION_POINTS): chance.randint(0, 59) for _ in range(number)}
        self.points = 0
        self.remaining_copies = chance.choice([0, 2, 4])
        self.remaining_watchdogs = chance.choice([0, 0, 0, 1, 2])
        self.remaining_cancels = 0 if self.free else chance.choice([0, 0, 0, 1, 2])
        self.remaining_undoes = 0 if self.free else chance.choice([0, 0, 0, 1, 2])
        self.late = chance.choice([0, 0, 2, 5])
        self.mapped_percent = chance.choice([0, 0, 60])
        self.remaining_changes = 0 if self.free or not self.mapped_percent else chance.choice([0, 1, 3, 6])
        self.lose_state_at = chance.randint(5, 200) if not self.free and occurs(chance, 8) else None
        self.simulation.batch = chance.choice([75, 150]) if self.free else chance.choice([1, 2, 3, 5, 8])
        # Whether some batches contain several kinds of uploads, each with its own order of SKUs.
        self.mixes = not self.free or occurs(chance, 30)
        self.gate = threading.Barrier(2)
        if self.free:
            self.at_once = 4
            self.simulation.shuffles = False
        self.fill()
        self.remaining_fixes = 0 if self.free else chance.choice([0, 0, 2, 4])

    def fill(self) -> None:
        """Put files that compete for products, with each other and within a file."""
        chance = self.chance
        names = [f"p{number}" for number in range(250 if self.free else chance.choice([3, 6, 12]))]
        for number in range(chance.randint(3, 6) if self.free else chance.randint(1, 4)):
            rows = [
                dict(product(chance.choice(names), vendor_product_id=f"ID-{chance.choice(names)}"))
                for _ in range(150 if self.free else chance.randint(1, 10))
            ]
            # All files differ: an equal one would be rejected as a repetition.
            rows[0]["description"] = f"File {number}"
            faults = {}
            for row_number, row in enumerate(rows, 1):
                if occurs(chance, 15):
                    error_type, cells = chance.choice(FAULTS)
                    row.update(cells)
                    faults[row_number] = frozenset({error_type})
            vendor = VENDORS[number % 3] if self.free else chance.choice(VENDORS)
            kind = chance.randint(1, 100)
            if kind <= 6:
                file = File(vendor, rows, rejection_code="MISSING_COLUMNS")
            elif kind <= 10:
                file = File("NOBODY", rows, known=False)
            else:
                # A row without a name is invalid only if it creates a product, which depends on the order.
                named = not any("MISSING_REQUIRED_FIELDS" in error_types for error_types in faults.values())
                upserts = not self.free and named and occurs(chance, 20)
                mode = Mode.UPSERT if upserts else Mode.CREATE
                file = File(vendor, rows, faults, all_or_nothing=self.mixes and occurs(chance, 15), mode=mode)
                if self.mapped_percent and occurs(chance, self.mapped_percent):
                    file = self.map_headers(file)
            # Some keys repeat: a new version of the object is another upload.
            self.simulation.put(f"uploads/{file.vendor_id}/file{number % 3}.csv", file)

    def map_headers(self, file: File) -> File:
        """Return the file with headers and categories that only mappings resolve, which the vendor has stored."""
        chance, mappings = self.chance, self.simulation.mappings
        family = chance.choice(["FA", "FB"])
        for row in file.rows:
            if occurs(chance, 60):
                row["category"] = chance.choice(CATEGORIES)
        remembered = mappings.remember(file.vendor_id, family)
        option = None
        match chance.randint(1, 6):
            case 1:
                option = remembered.name
            case 2:
                option = remembered.reference
            case 3:
                option = mappings.create_unnamed(file.vendor_id, family).reference
        return replace(file, family=family, mapping=option)

    def change_mappings(self) -> None:
        """Change a mapping or a value mapping of a vendor, if a change is due."""
        if not self.remaining_changes:
            return
        self.remaining_changes -= 1
        chance, mappings = self.order, self.simulation.mappings
        changeable = sorted(mappings.by_family)
        if not changeable:
            return
        vendor_id, family = chance.choice(changeable)
        match chance.randint(1, 8):
            case 1:
                mappings.delete(vendor_id, family)
            case 2:
                mappings.delete_values(vendor_id)
            case 3 | 4:
                mappings.map_value(vendor_id, chance.choice(CATEGORIES), chance.choice(TARGETS))
            case _:
                mappings.add_version(vendor_id, family)

    def put_fix_file(self) -> None:
        """Put a fix file of a finished upload, if one is due: right, wrong and other rows, perhaps of others."""
        if not self.remaining_fixes or not occurs(self.order, 20):
            return
        chance, simulation = self.order, self.simulation
        query = """
            select upload_id, array_agg(distinct row_number) from validation_errors
            where upload_id in (select upload_id from upload_history where status <> 'processing') group by 1 order by 1
        """
        # The order of the uploads, and not their ids, must reproduce a run.
        rejected = dict(simulation.runtime.fetch(query))
        candidates = [upload_id for upload_id in simulation.uploads if upload_id in rejected]
        if not candidates:
            return
        self.remaining_fixes -= 1
        upload_id = chance.choice(candidates)
        parent = simulation.uploads[upload_id]
        vendor = parent.vendor_id if occurs(chance, 80) else chance.choice(VENDORS)
        lines = [str(number + 1) for number in rejected[upload_id] if occurs(chance, 80)]
        lines += [chance.choice(["", "2", "99"])] * chance.randint(0, 1) or ["2"] * (not lines)
        rows, faults = [], {}
        for row_number, line in enumerate(lines, 1):
            rows.append(dict(product(f"fix{self.remaining_fixes}-{line}-{row_number}-{len(simulation.uploads)}")))
            if occurs(chance, 30):
                error_type, cells = chance.choice(FAULTS[:3])
                rows[-1].update(cells)
                faults[row_number] = frozenset({error_type})
        parents = [(upload_id if occurs(chance, 95) else "UPLOAD_UNKNOWN", line) for line in lines]
        is_whole = self.mixes and occurs(chance, 15)
        file = FixFile(vendor, rows, faults, all_or_nothing=is_whole, parents=parents)
        simulation.put(f"uploads/{vendor}/fix{self.remaining_fixes}.csv", file)

    def act(self, call: Call, point: InjectionPoint) -> str | None:
        """Control: inject the planned faults. Injection points of new containers do not count."""
        if point in COLD:
            return None
        self.points += 1
        which = self.coming.pop(self.points, None)
        if which is None:
            return None
        possible = faults_at(point)
        fault = possible[which % len(possible)]
        self.faults.append(f"{call.function}: {fault} {point}")
        return inject_fault(call, point, fault)

    def run(self) -> None:
        for step in range(STEPS):
            self.running = [task for task in self.running if not task.done]
            if self.lose_state_at is not None and step >= self.lose_state_at and not self.running:
                self.simulation.lose_state()
                self.lose_state_at = None
            self.simulation.collect(self.order)
            startable = self.startable()
            ready = [task for task in self.running if task.paused]
            if not self.running and not startable:
                return
            if startable and len(self.running) < self.at_once and (not ready or occurs(self.order, 30)):
                self.start(startable)
            elif ready:
                self.order.choice(ready).advance()
            else:
                self.running[0].wait()
            advance_unblocked(self.running)
        raise InvariantViolated(f"all deliveries end | {self.simulation.errors[-3:]}")

    def run_unsynchronized(self) -> None:
        for _ in range(STEPS):
            self.simulation.collect(self.order)
            if not self.simulation.pending:
                return
            self.running = []
            while len(self.running) < self.at_once and (startable := self.startable()):
                self.start(startable)
            for task in self.running:
                task.join()

    def startable(self) -> list[Delivery]:
        """Return the deliveries that may start now. An e-mail is retried when no earlier attempt still runs."""
        is_sending_email = any(task.delivery.function == "mailer" for task in self.running)
        return [d for d in self.simulation.pending if not (is_sending_email and d.function == "mailer" and d.attempts)]

    def start(self, startable: list[Delivery]) -> None:
        chance, simulation = self.order, self.simulation
        if self.remaining_changes and occurs(chance, 20):
            self.change_mappings()
        self.put_fix_file()
        delivery = self.external_event()
        if delivery is None:
            delivery = chance.choice(startable)
            if self.remaining_copies and occurs(chance, 25):
                self.remaining_copies -= 1
                simulation.pending.append(delivery.copy())
            simulation.pending.remove(delivery)
        self.running.append(Task(simulation, delivery, self.meet if self.free else self.act, free=self.free))

    def external_event(self) -> Delivery | None:
        """Return a call without an event, if one is due: the watchdog, a cancellation or an undo."""
        chance, simulation = self.order, self.simulation
        if self.remaining_watchdogs and occurs(chance, 10):
            self.remaining_watchdogs -= 1
            return Delivery("watchdog", chance.choice([{}, {"sweep": True}]))
        upload_ids = sorted(upload_id for upload_id, file in simulation.uploads.items() if file.known)
        if self.remaining_cancels and upload_ids and occurs(chance, 10):
            self.remaining_cancels -= 1
            upload_id = chance.choice(upload_ids)
            simulation.uploads[upload_id] = replace(simulation.uploads[upload_id], end_error=invariants.CANCELLED)
            return Delivery("cancel", {"upload_id": upload_id})
        if self.remaining_undoes and upload_ids and occurs(chance, 5):
            self.remaining_undoes -= 1
            upload_id = chance.choice(upload_ids)
            simulation.uploads[upload_id] = replace(simulation.uploads[upload_id], undone=True)
            return Delivery("undo", {"upload_id": upload_id})
        return None

    def meet(self, _: Call, point: InjectionPoint) -> None:
        """Control: let two batches insert their products at the same moment."""
        if point == "before sql.insert_products":
            try:
                self.gate.wait(MEETING_SECONDS)
            except threading.BrokenBarrierError:
                self.gate.reset()

    def deliver_late_duplicates(self) -> None:
        """Deliver random events again at the end; check that nothing changes and messages concern only their rows."""
        simulation = self.simulation
        duplicates = [self.order.choice(simulation.handled) for _ in range(self.late if simulation.handled else 0)]
        if not duplicates:
            return
        self.change_mappings()
        before, sent_before = stored_state.state_of(simulation), len(simulation.runtime.aws.sent)
        own_rows = invariants.rows_in(duplicates)
        simulation.pending += [delivery.copy() for delivery in duplicates]
        simulation.deliver_all()
        invariants.check(simulation)
        after = stored_state.state_of(simulation)
        if simulation.state_lost or any(file.end_error for file in simulation.uploads.values()):
            # Rows that were staged again or not yet reported: a late batch may send messages about them.
            for name in ("UploadRecords", "messages", "held_rows"):
                del before[name], after[name]
        elif (
            unexpected := {
                (body["upload_id"], body["row_number"])
                for body in simulation.runtime.aws.sent[sent_before:]
                if "row_number" in body
            }
            - own_rows
        ):
            raise violation("a late duplicate sends messages only about its own rows", unexpected)
        invariants.check_equal("a late duplicate changes nothing", before, after)


def run_seed(runtime: Runtime, seed: int) -> ScheduleResult:
    """Run the schedule of a seed."""
    chance = random.Random(seed)  # noqa: S311 - a seed must reproduce its run
    return run_schedule(runtime, chance, free=occurs(chance, UNSYNCHRONIZED_PERCENT), seed=seed)


def run_schedule(runtime: Runtime, chance: random.Random, *, free: bool, seed: int | None = None) -> ScheduleResult:
    """Run a schedule, recover, and check the invariants."""
    stored_state.empty(runtime)
    schedule = Schedule(Simulation(runtime), chance, free)
    simulation = schedule.simulation
    violation, is_violation, is_complete = None, False, False
    try:
        if free:
            schedule.run_unsynchronized()
        else:
            schedule.run()
        schedule.change_mappings()
        simulation.recover(lambda: invariants.check(simulation))
        invariants.check(simulation)
        schedule.deliver_late_duplicates()
        invariants.check_deadlocks(simulation)
        is_complete = True
    except Exception as error:  # noqa: BLE001 - a violation or an error of the harness: both fail
        violation, is_violation = (
            f"{type(error).__name__}: {error} | faults met: {simulation.errors[-4:]}",
            isinstance(error, InvariantViolated),
        )
    finally:
        if not is_complete:
            for task in schedule.running:
                task.release()
            runtime.cool_down()
    return ScheduleResult(seed, free, violation, is_violation, schedule.faults, len(simulation.uploads))


def schedules_of_hypothesis(runtime: Runtime, examples: int, **how: Any) -> Callable[[], None]:
    """Return a test that searches for a schedule that violates an invariant, and shrinks it."""

    @settings(max_examples=examples, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck), **how)
    @given(st.randoms(use_true_random=False))
    def check_invariants(chance: random.Random) -> None:
        result = run_schedule(runtime, chance, free=False)
        if result.violation:
            raise InvariantViolated(f"{result.violation} | faults: {result.faults}")

    return check_invariants
