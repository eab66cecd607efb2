"""Enumeration of all faults at all injection points: each run must end as a run without faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote_plus

from onboarding.domain.models import Mode
from onboarding.failpoints import Failpoint
from tests.faults import invariants, stored_state
from tests.faults.fault_plans import COLD, SingleFault, faults_at
from tests.faults.interleaving import Task
from tests.faults.lambda_runtime import FUNCTIONS, Call, InjectionPoint, Runtime
from tests.faults.mapped_files import CATEGORIES
from tests.faults.simulation import Control, Delivery, InvariantViolated, Simulation, no_fault
from tests.faults.upload_files import File, FixFile, file_of

DELIVERY = ("duplicate", "reordered")

OF_REQUESTS = {
    Failpoint.CORRECTIONS_MARKED,
    Failpoint.CORRECTIONS_FILE_WRITTEN,
    Failpoint.EDIT_SESSION_OPENED,
    Failpoint.EDIT_FILE_WRITTEN,
    Failpoint.EXPORT_CLAIMED,
    Failpoint.EXPORT_PAGE_WRITTEN,
    Failpoint.EXPORT_FILE_WRITTEN,
    Failpoint.EXPORT_COMPLETED,
}
"""Failpoints that are reached only after requests to the API; their own tests inject faults there."""


@dataclass(frozen=True)
class Case:
    """One fault at the `nth` time that a function reaches an injection point."""

    scenario: str
    function: str
    point: InjectionPoint
    nth: int
    fault: str

    def __str__(self) -> str:
        return f"{self.scenario}/{self.function}/{self.point}/{self.nth}/{self.fault}"


@dataclass
class Result:
    case: Case
    violation: str | None
    injected: bool
    is_violation: bool


# Scenarios. No two rows of a scenario use the same SKU, so that the end does not depend on the order of events.


def all_file_kinds(simulation: Simulation, control: Control) -> None:
    """Process files of every kind, from the bucket to the e-mail."""
    simulation.batch = 28
    names = [f"way-{n}" for n in range(30)]
    mixed = file_of("VEND001", names, {number: number % 5 for number in range(3, 27, 2)})
    # The last row repeats the first: the first row of a file wins, whichever the validator receives first.
    repeated = File("VEND001", [*mixed.rows[:-1], {**mixed.rows[-1], "sku": mixed.rows[0]["sku"]}], mixed.faults)
    simulation.put("uploads/VEND001/mixed.csv", repeated)
    simulation.put("uploads/VEND002/clean.csv", file_of("VEND002", ["clean-1", "clean-2"]))
    simulation.put("uploads/VEND003/columns.csv", File("VEND003", mixed.rows[:1], rejection_code="MISSING_COLUMNS"))
    simulation.put("uploads/NOBODY/file.csv", File("NOBODY", mixed.rows[:1], known=False))
    simulation.deliver_all(control)


def after_restart(simulation: Simulation, control: Control) -> None:
    """Lose the state of the emulator with uploads half validated, without their file, not notified and not ingested."""
    half = simulation.put("uploads/VEND001/half.csv", file_of("VEND001", [f"half-{n}" for n in range(4)], {2: 0}))
    deleted_file = file_of("VEND002", ["gone-1", "gone-2"])
    simulation.put("uploads/VEND002/gone.csv", replace(deleted_file, end_error=invariants.NOT_PROCESSED))
    simulation.put("uploads/VEND003/unnotified.csv", file_of("VEND003", ["unnotified-1"]))
    for _ in range(3):
        simulation.handle(simulation.pending.pop(0))
    simulation.batch = 2
    simulation.collect()
    for delivery in (simulation.pending[0], simulation.pending[-1]):
        simulation.handle(delivery)
    simulation.lose_state()
    simulation.put("uploads/VEND002/missed.csv", file_of("VEND002", ["missed-1"]))
    simulation.pending.clear()
    del simulation.runtime.aws.objects["uploads/VEND002/gone.csv"]
    assert half in simulation.uploads
    for event in ({}, {"sweep": True}):
        simulation.handle(Delivery("watchdog", event), control)
    simulation.deliver_all()


def all_or_nothing(simulation: Simulation, control: Control) -> None:
    """Process all-or-nothing files: a valid one, and one whose first row is invalid."""
    simulation.batch = 3
    for vendor, invalid in (("VEND001", {}), ("VEND002", {1: 0})):
        file = file_of(vendor, [f"whole-{vendor}-{n}" for n in range(7)], invalid)
        simulation.put(f"uploads/{vendor}/whole.csv", replace(file, all_or_nothing=True))
    simulation.deliver_all(control)


def product_changes(simulation: Simulation, control: Control) -> None:
    """Process a file that updates, confirms and creates products."""
    first = file_of("VEND001", [f"change-{n}" for n in range(6)])
    simulation.put("uploads/VEND001/first.csv", first)
    simulation.deliver_all()
    simulation.batch = 5
    second = file_of("VEND001", [f"change-{n}" for n in range(8)], {4: 0})
    for number, cells in {1: {"price": "7.50"}, 2: {"product_name": "Renamed"}, 3: {"sku": "SKU-changed"}}.items():
        second.rows[number - 1].update(cells)
    simulation.put("uploads/VEND001/second.csv", replace(second, mode=Mode.UPSERT))
    simulation.deliver_all(control)


def mapped_files(simulation: Simulation, control: Control) -> None:
    """Process files with all kinds of mappings, which change as soon as the upload is open."""
    simulation.batch = 7
    mappings = simulation.mappings
    changes: dict[str, Callable[[], None]] = {}

    def put(vendor: str, family: str, option: str | None, *, all_or_nothing: bool = False) -> str:
        file = file_of(vendor, [f"{family}-{n}" for n in range(5)], {2: 0, 3: 3})
        for row, category in zip(file.rows, CATEGORIES, strict=False):
            row["category"] = category
        key = f"uploads/{vendor}/{family}.csv"
        simulation.put(key, replace(file, family=family, mapping=option, all_or_nothing=all_or_nothing))
        return quote_plus(key)

    def change(call: Call, point: InjectionPoint) -> None:
        if call.function == "csv_parser" and point == f"at {Failpoint.INGEST_HISTORY_OPENED}":
            key = call.event["Records"][0]["s3"]["object"]["key"]
            changes.pop(key, lambda: None)()

    mappings.remember("VEND001", "FA")
    changes[put("VEND001", "FA", None)] = lambda: mappings.add_version("VEND001", "FA")
    mappings.remember("VEND002", "FB")
    changes[put("VEND002", "FB", "Map FB", all_or_nothing=True)] = lambda: mappings.delete("VEND002", "FB")
    reference = mappings.remember("VEND003", "FC").reference
    mappings.add_version("VEND003", "FC")
    changes[put("VEND003", "FC", reference)] = lambda: mappings.delete_values("VEND003")
    put("VEND001", "FD", mappings.create_unnamed("VEND001", "FD").reference)
    simulation.watch = change
    simulation.deliver_all(control)
    # A file that another one overtook may not have been opened with its change watched.
    for remaining in list(changes.values()):
        remaining()


def corrections(simulation: Simulation, control: Control) -> None:
    """Process fix files of an upload, of a fix file and of a foreign upload, with wrong lines and ids; undo one."""
    simulation.batch = 6
    parent_file = file_of("VEND001", [f"corrected-{n}" for n in range(1, 7)], {2: 0, 3: 1, 4: 2, 5: 3})
    parent = simulation.put("uploads/VEND001/parent.csv", parent_file)
    simulation.deliver_all()

    def put(name: str, references: Sequence[tuple[str, str]], invalid: int = 0, vendor: str = "VEND001") -> str:
        file = file_of(vendor, [f"{name}-{n}" for n in range(len(references))], {invalid: 0} if invalid else {})
        fix_file = FixFile(vendor, file.rows, file.faults, parents=references)
        return simulation.put(f"uploads/{vendor}/{name}.csv", fix_file)

    # A spreadsheet wrote 4 as 4.0; line 99 is not in the parent, and line 2 was accepted.
    lines = ("3", "4.0", "5", "99", "2", "")
    first = put("first", [("", ""), *((parent, line) for line in lines), ("UPLOAD_OTHER", "6")], invalid=4)
    put("foreign", [(parent, "3")], vendor="VEND002")
    put("unknown", [("UPLOAD_UNKNOWN", "3"), (parent, "3")])
    simulation.deliver_all(control)
    # The first fix file's row 4, in line 5, was rejected again: its correction fixes the parent's row too.
    put("second", [(first, "5"), (first, "3"), (parent, "6")])
    again = put("again", [(parent, "3"), (parent, "3"), (parent, "6")])
    simulation.deliver_all(control)
    simulation.uploads[again] = replace(simulation.uploads[again], undone=True)
    simulation.handle(Delivery("undo", {"upload_id": again}))


def malformed_items(simulation: Simulation, control: Control) -> None:
    """Process malformed items between the rows of a file: the items are stored, and the rows are accepted."""
    simulation.batch = 9
    upload_id = simulation.put(
        "uploads/VEND001/malformed.csv", file_of("VEND001", [f"malformed-{n}" for n in range(9)], {4: 0})
    )
    simulation.handle(simulation.pending.pop(0))
    simulation.insert_malformed_items(upload_id)
    simulation.deliver_all(control)


def crashing_file(simulation: Simulation, control: Control) -> None:
    """Process a file that crashed every function that parsed it: the next one rejects it without parsing."""
    file = file_of("VEND001", ["crashing-1", "crashing-2"])
    simulation.put("uploads/VEND001/crashing.csv", replace(file, rejection_code="READING_FAILED"))
    [stored_object] = simulation.runtime.aws.objects["uploads/VEND001/crashing.csv"]
    attempts = (
        "insert into read_attempts (s3_key, s3_version_id, attempts, started_at) "
        "values ('uploads/VEND001/crashing.csv', %s, 3, now() - interval '1 hour')"
    )
    simulation.runtime.fetch(attempts, (stored_object.version_id,))
    simulation.deliver_all(control)


SCENARIOS: dict[str, tuple[Callable[[Simulation, Control], None], Sequence[str]]] = {
    "all file kinds": (all_file_kinds, [name for name in FUNCTIONS if name != "watchdog"]),
    "all or nothing": (all_or_nothing, ["product_validator", "error_processor"]),
    "product changes": (product_changes, ["product_validator"]),
    "mapped files": (mapped_files, ["csv_parser"]),
    "corrections": (corrections, ["csv_parser"]),
    "malformed items": (malformed_items, ["product_validator"]),
    "crashing file": (crashing_file, ["csv_parser"]),
    "after restart": (after_restart, ["watchdog"]),
}
"""Scenarios, with the functions into which faults are injected."""


class ConcurrentDelivery:
    """Control that handles other deliveries while the call is paused at the injection point."""

    def __init__(self, simulation: Simulation, case: Case) -> None:
        self.injected = False
        self._simulation = simulation
        self._once = SingleFault(case.function, case.point, case.nth, case.fault)
        self._others = self._copy_delivery if case.fault == "duplicate" else self._take_pending
        self._tasks: list[Task] = []

    def __call__(self, call: Call, point: InjectionPoint) -> str | None:
        if self._once.due(call, point):
            self.injected = True
            for delivery in self._others(call):
                self._tasks.append(Task(self._simulation, delivery, no_fault))
                self._advance_tasks()
            for task in self._tasks:
                task.release()
        return None

    def _copy_delivery(self, call: Call) -> list[Delivery]:
        return [call.delivery.copy()]

    def _take_pending(self, _: Call) -> list[Delivery]:
        self._simulation.collect()
        pending, self._simulation.pending = self._simulation.pending[::-1], []
        return pending

    def _advance_tasks(self) -> None:
        """Advance each task to its end, or to a lock that the paused call holds."""
        for task in self._tasks:
            while task.paused:
                task.advance()

    def end(self) -> None:
        """Wait for the other tasks after the paused call has ended."""
        for task in self._tasks:
            task.join()


def run_case(runtime: Runtime, case: Case, expected: stored_state.State) -> Result:
    """Run a scenario with one fault; the result names the violated invariant, if any."""
    simulation = new_simulation(runtime)
    if case.point in COLD:
        runtime.cool_down()
    scenario, _ = SCENARIOS[case.scenario]
    control: SingleFault | ConcurrentDelivery
    if case.fault in DELIVERY:
        control = ConcurrentDelivery(simulation, case)
    else:
        control = SingleFault(case.function, case.point, case.nth, case.fault)
    violation, is_violation = None, False
    try:
        scenario(simulation, control)
        if isinstance(control, ConcurrentDelivery):
            control.end()
        simulation.recover(lambda: invariants.check(simulation))
        invariants.check(simulation)
        invariants.check_equal(
            "the final state equals that of a run without faults", expected, stored_state.state_of(simulation)
        )
    except Exception as error:  # noqa: BLE001 - a violation or an error of the harness: both fail
        violation, is_violation = (
            f"{type(error).__name__}: {error} | faults met: {simulation.errors[-4:]}",
            isinstance(error, InvariantViolated),
        )
        runtime.cool_down()
    return Result(case, violation, control.injected, is_violation)


def new_simulation(runtime: Runtime) -> Simulation:
    stored_state.empty(runtime)
    return Simulation(runtime)


def run_without_faults(runtime: Runtime, name: str) -> tuple[stored_state.State, dict[str, Counter[InjectionPoint]]]:
    """Return the final state of a scenario, and how often each function reaches each injection point."""
    simulation = new_simulation(runtime)
    points: dict[str, Counter[InjectionPoint]] = {function: Counter() for function in FUNCTIONS}

    def record(call: Call, point: InjectionPoint) -> None:
        points[call.function][point] += 1

    # Reused containers do not connect, so the run starts with new ones.
    runtime.cool_down()
    scenario, _ = SCENARIOS[name]
    scenario(simulation, record)
    simulation.recover()
    invariants.check(simulation)
    if simulation.errors:
        raise InvariantViolated("a run without faults has no errors", simulation.errors)
    return stored_state.state_of(simulation), points


def cases_of(name: str, points: dict[str, Counter[InjectionPoint]]) -> Iterator[Case]:
    """Generate the cases: each injection point at its first and last time, a named one also at its middle time."""
    _, functions = SCENARIOS[name]
    for function in functions:
        for point, count in sorted(points[function].items()):
            times = {1, count} | ({(count + 1) // 2} if point.startswith("at ") else set())
            faults = [*faults_at(point), *(DELIVERY if function != "watchdog" else DELIVERY[:1])]
            for nth in sorted(times):
                for fault in faults:
                    # Concurrent deliveries see no difference between before and after a statement's round trip.
                    if fault not in DELIVERY or not point.startswith("after "):
                        yield Case(name, function, point, nth, fault)


@dataclass
class Enumeration:
    """The cases, the expected final states, and the injection points that no scenario reaches."""

    cases: list[Case]
    expected: dict[str, stored_state.State]
    missed: set[Failpoint]

    @classmethod
    def of(cls, runtime: Runtime) -> Enumeration:
        cases: list[Case] = []
        expected = {}
        reached: set[str] = set()
        for name in SCENARIOS:
            expected[name], points = run_without_faults(runtime, name)
            cases += cases_of(name, points)
            reached |= {point.removeprefix("at ") for counts in points.values() for point in counts}
        return cls(cases, expected, set(Failpoint) - OF_REQUESTS - reached)

    def run(self, runtime: Runtime, cases: Sequence[Case]) -> Iterator[Result]:
        for case in cases:
            yield run_case(runtime, case, self.expected[case.scenario])
