"""Every place at which a fault can fall, times every fault: the end is that of an undisturbed run."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import onboarding
from onboarding.domain.models import Mode
from tests.faults import invariants, stored_state
from tests.faults.fault_plans import COLD, Once, faults_at
from tests.faults.interleaving import Task
from tests.faults.lambda_runtime import FUNCTIONS, Call, Place, Runtime
from tests.faults.simulation import Control, Delivery, LawBroken, World, undisturbed
from tests.faults.upload_files import File, file_of

DELIVERY = ("duplicate", "reordered")


@dataclass(frozen=True)
class Case:
    """One fault at one place of one function, the `nth` time that it gets there."""

    scenario: str
    function: str
    place: Place
    nth: int
    fault: str

    def __str__(self) -> str:
        return f"{self.scenario}/{self.function}/{self.place}/{self.nth}/{self.fault}"


@dataclass
class Result:
    case: Case
    broken: str | None
    fallen: bool
    is_law: bool


def named_points() -> set[str]:
    """Every name that a step can pass, from the source: the texts of a module that begin with its own name."""
    found = set()
    root = Path(onboarding.__file__).parent
    for path in root.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        if any(isinstance(node, ast.Name) and node.id == "passed" for node in ast.walk(tree)):
            found |= {text for text in texts if re.fullmatch(rf"{path.stem}\.[a-z_]+", text)}
            found |= {
                node.args[0].value
                for node in ast.walk(tree)
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "passed"
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, str)
            }
    return found


# The scenarios. No two of their rows want the same SKU, so that any order of events has the same end.


def whole_way(world: World, control: Control) -> None:
    """Files of every kind, from the bucket to the mail."""
    world.batch = 28
    names = [f"way-{n}" for n in range(30)]
    mixed = file_of("VEND001", names, {number: number % 5 for number in range(3, 27, 2)})
    # The last row repeats the first: who is first in the file wins, whatever comes first to the validator.
    repeated = File("VEND001", [*mixed.rows[:-1], {**mixed.rows[-1], "sku": mixed.rows[0]["sku"]}], mixed.faults)
    world.put("uploads/VEND001/mixed.csv", repeated)
    world.put("uploads/VEND002/clean.csv", file_of("VEND002", ["clean-1", "clean-2"]))
    world.put("uploads/VEND003/columns.csv", File("VEND003", mixed.rows[:1], refused="MISSING_COLUMNS"))
    world.put("uploads/NOBODY/file.csv", File("NOBODY", mixed.rows[:1], known=False))
    world.quiet(control)


def after_restart(world: World, control: Control) -> None:
    """The engine lost all it knew: one upload half judged, one with its file removed, one untold, one unheard of."""
    half = world.put("uploads/VEND001/half.csv", file_of("VEND001", [f"half-{n}" for n in range(4)], {2: 0}))
    gone = file_of("VEND002", ["gone-1", "gone-2"])
    world.put("uploads/VEND002/gone.csv", replace(gone, ends=invariants.NOT_PROCESSED))
    world.put("uploads/VEND003/untold.csv", file_of("VEND003", ["untold-1"]))
    for _ in range(3):
        world.handle(world.waiting.pop(0))
    world.batch = 2
    world.collect()
    for delivery in (world.waiting[0], world.waiting[-1]):
        world.handle(delivery)
    world.forget()
    world.put("uploads/VEND002/unheard.csv", file_of("VEND002", ["unheard-1"]))
    world.waiting.clear()
    del world.runtime.aws.objects["uploads/VEND002/gone.csv"]
    assert half in world.uploads
    for event in ({}, {"sweep": True}):
        world.handle(Delivery("watchdog", event), control)
    world.quiet()


def as_a_whole(world: World, control: Control) -> None:
    """Files whose rows enter all together: one that does, and one whose first row is bad."""
    world.batch = 3
    for vendor, broken in (("VEND001", {}), ("VEND002", {1: 0})):
        file = file_of(vendor, [f"whole-{vendor}-{n}" for n in range(7)], broken)
        world.put(f"uploads/{vendor}/whole.csv", replace(file, whole=True))
    world.quiet(control)


def changes(world: World, control: Control) -> None:
    """Products that are there, and a file that changes some, finds some as they shall be, and brings new ones."""
    first = file_of("VEND001", [f"change-{n}" for n in range(6)])
    world.put("uploads/VEND001/first.csv", first)
    world.quiet()
    world.batch = 5
    second = file_of("VEND001", [f"change-{n}" for n in range(8)], {4: 0})
    for number, cells in {1: {"price": "7.50"}, 2: {"product_name": "Renamed"}, 3: {"sku": "SKU-changed"}}.items():
        second.rows[number - 1].update(cells)
    world.put("uploads/VEND001/second.csv", replace(second, mode=Mode.UPSERT))
    world.quiet(control)


def garbage(world: World, control: Control) -> None:
    """Items that are no rows, between the rows of a file: they are kept, and the rows get in."""
    world.batch = 9
    upload_id = world.put("uploads/VEND001/littered.csv", file_of("VEND001", [f"litter-{n}" for n in range(9)], {4: 0}))
    world.handle(world.waiting.pop(0))
    world.litter(upload_id)
    world.quiet(control)


def deadly(world: World, control: Control) -> None:
    """A file that ended every function that read it: the next one rejects it without reading it."""
    file = file_of("VEND001", ["deadly-1", "deadly-2"])
    world.put("uploads/VEND001/deadly.csv", replace(file, refused="READING_FAILED"))
    [stored] = world.runtime.aws.objects["uploads/VEND001/deadly.csv"]
    attempts = (
        "insert into read_attempts (s3_key, s3_version_id, attempts, started_at) "
        "values ('uploads/VEND001/deadly.csv', %s, 3, now() - interval '1 hour')"
    )
    world.runtime.ask(attempts, (stored.version_id,))
    world.quiet(control)


SCENARIOS: dict[str, tuple[Callable[[World, Control], None], Sequence[str]]] = {
    "whole way": (whole_way, [name for name in FUNCTIONS if name != "watchdog"]),
    "as a whole": (as_a_whole, ["product_validator", "error_processor"]),
    "changes": (changes, ["product_validator"]),
    "garbage": (garbage, ["product_validator"]),
    "deadly": (deadly, ["csv_parser"]),
    "after a restart": (after_restart, ["watchdog"]),
}
"""Each with the functions that faults fall on."""


class Meanwhile:
    """A control: at the place, other deliveries are handled while the call there stands still."""

    def __init__(self, world: World, case: Case) -> None:
        self.fallen = False
        self._world = world
        self._once = Once(case.function, case.place, case.nth, case.fault)
        self._others = self._same if case.fault == "duplicate" else self._rest
        self._tasks: list[Task] = []

    def __call__(self, call: Call, place: Place) -> str | None:
        if self._once.due(call, place):
            self.fallen = True
            for delivery in self._others(call):
                self._tasks.append(Task(self._world, delivery, undisturbed))
                self._take_on()
            for task in self._tasks:
                task.release()
        return None

    def _same(self, call: Call) -> list[Delivery]:
        return [call.delivery.copy()]

    def _rest(self, _: Call) -> list[Delivery]:
        self._world.collect()
        rest, self._world.waiting = self._world.waiting[::-1], []
        return rest

    def _take_on(self) -> None:
        """Everyone as far as they get: to the end, or to a lock that the call standing still holds."""
        for task in self._tasks:
            while task.parked:
                task.advance()

    def end(self) -> None:
        """The call that stood still has gone on, and so the others could."""
        for task in self._tasks:
            task.join()


def run_case(runtime: Runtime, case: Case, expected: stored_state.State) -> Result:
    """Run a scenario with one fault; what law it broke, if any."""
    world = fresh(runtime)
    if case.place in COLD:
        runtime.cool_down()
    scenario, _ = SCENARIOS[case.scenario]
    control: Once | Meanwhile
    if case.fault in DELIVERY:
        control = Meanwhile(world, case)
    else:
        control = Once(case.function, case.place, case.nth, case.fault)
    broken, is_law = None, False
    try:
        scenario(world, control)
        if isinstance(control, Meanwhile):
            control.end()
        world.settle(lambda: invariants.check(world))
        invariants.check(world)
        invariants.check_equal("the end is that of an undisturbed run", expected, stored_state.state_of(world))
    except Exception as law:  # noqa: BLE001 - a broken law, or a harness that is: neither passes
        broken, is_law = f"{type(law).__name__}: {law} | faults met: {world.errors[-4:]}", isinstance(law, LawBroken)
        runtime.cool_down()
    return Result(case, broken, control.fallen, is_law)


def fresh(runtime: Runtime) -> World:
    stored_state.empty(runtime)
    return World(runtime)


def undisturbed_run(runtime: Runtime, name: str) -> tuple[stored_state.State, dict[str, Counter[Place]]]:
    """How a scenario ends by itself, and how often each function reaches each place."""
    world = fresh(runtime)
    places: dict[str, Counter[Place]] = {function: Counter() for function in FUNCTIONS}

    def note(call: Call, place: Place) -> None:
        places[call.function][place] += 1

    # Warm containers do not connect, so the first ones are to be new.
    runtime.cool_down()
    scenario, _ = SCENARIOS[name]
    scenario(world, note)
    world.settle()
    invariants.check(world)
    if world.errors:
        raise LawBroken("an undisturbed run meets no fault", world.errors)
    return stored_state.state_of(world), places


def cases_of(name: str, places: dict[str, Counter[Place]]) -> Iterator[Case]:
    """Every place at its first, middle and last time, every fault; statements and calls at their first and last."""
    _, functions = SCENARIOS[name]
    for function in functions:
        for place, count in sorted(places[function].items()):
            times = {1, count} | ({(count + 1) // 2} if place.startswith("at ") else set())
            faults = [*faults_at(place), *(DELIVERY if function != "watchdog" else DELIVERY[:1])]
            for nth in sorted(times):
                for fault in faults:
                    # A place inside a statement's round trip is no other moment for whoever comes in between.
                    if fault not in DELIVERY or not place.startswith("after "):
                        yield Case(name, function, place, nth, fault)


@dataclass
class Enumeration:
    """The cases, with the ends that they are to have."""

    cases: list[Case]
    expected: dict[str, stored_state.State]
    missed: set[str]

    @classmethod
    def of(cls, runtime: Runtime) -> Enumeration:
        cases: list[Case] = []
        expected = {}
        reached: set[str] = set()
        for name in SCENARIOS:
            expected[name], places = undisturbed_run(runtime, name)
            cases += cases_of(name, places)
            reached |= {place.removeprefix("at ") for counts in places.values() for place in counts}
        return cls(cases, expected, named_points() - reached)

    def run(self, runtime: Runtime, cases: Sequence[Case]) -> Iterator[Result]:
        for case in cases:
            yield run_case(runtime, case, self.expected[case.scenario])
