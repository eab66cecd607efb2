"""`python -m tests.chaos`: every fault, every law. Ends with 1 at the first law that is broken, and says how to see it
again."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from onboarding.local.stack import LocalStack
from tests.faults import double_contract, load, outages, process_kills
from tests.faults.enumeration import Case, Enumeration
from tests.faults.mutation_testing import MUTATIONS
from tests.faults.runtime_pool import postgres_at, run_cases, run_hunts, run_seeds, runtime_on, spread
from tests.faults.schedules import run_seed, schedules_of_hypothesis
from tests.faults.simulation import LawBroken

COMMAND = "python -m tests.chaos"


@dataclass
class Plan:
    """What is asked for."""

    only: Sequence[str]
    case: str | None
    seed: int | None
    schedules: int
    examples: int
    first_seed: int
    uploads: int
    rounds: int


class Failed(Exception):
    """A law is broken; the message says which, and how to see it again."""


def say(text: str) -> None:
    print(text, flush=True)


def enumeration(url: str, plan: Plan) -> None:
    """The table of functions and faults, all places summed up in it; the places themselves on request."""
    with runtime_on(url, "chaos_enumeration") as runtime:
        found = Enumeration.of(runtime)
        if found.missed:
            raise Failed(f"no scenario reaches the points {', '.join(sorted(found.missed))}")
        cases = [case for case in found.cases if plan.case is None or plan.case in str(case)]
        if plan.case is not None:
            for result in found.run(runtime, cases):
                say(f"{'BROKEN' if result.broken else 'pass'}  {result.case}  {result.broken or ''}")
                if result.broken:
                    raise Failed(result.broken)
            return
    passed: dict[str, Counter[str]] = defaultdict(Counter)
    for result in spread(url, run_cases, cases):
        if result.broken or not result.fallen:
            raise Failed(f"{result.broken or 'the fault did not fall'}\n  {COMMAND} --case '{result.case}'")
        passed[_line(result.case)][result.case.fault] += 1
    faults = sorted({case.fault for case in cases})
    width = max(map(len, passed)) + 2
    say(f"{'function, place':{width}}" + "  ".join(faults))
    for line, counts in sorted(passed.items()):
        cells = ((f"pass {counts[fault]}" if counts[fault] else "-").center(len(fault)) for fault in faults)
        say(f"{line:{width}}" + "  ".join(cells))
    say(f"{len(cases)} cases, every one ends as an undisturbed run does")


def _line(case: Case) -> str:
    """Named points each have a line of the table; statements and calls go by their service."""
    when, name = case.place.split(" ", 1)
    kind = name if when == "at" else f"{when} {name.split('.')[0]}"
    return f"{case.function} {kind}"


def schedules(url: str, plan: Plan) -> None:
    if plan.seed is not None:
        with runtime_on(url, "chaos_seed") as runtime:
            ended = run_seed(runtime, plan.seed)
        say(f"seed {plan.seed}: {ended.uploads} uploads, faults {ended.faults}: {ended.broken or 'every law holds'}")
        if ended.broken:
            raise Failed(ended.broken)
        return
    seeds = range(plan.first_seed, plan.first_seed + plan.schedules)
    ran, free, uploads, faults = 0, 0, 0, 0
    for ended in spread(url, run_seeds, seeds):
        if ended.broken:
            raise Failed(f"{ended.broken}\n  faults: {ended.faults}\n  {COMMAND} --seed {ended.seed}")
        ran, free, uploads, faults = ran + 1, free + ended.free, uploads + ended.uploads, faults + len(ended.faults)
    with runtime_on(url, "chaos_hypothesis") as runtime:
        try:
            schedules_of_hypothesis(runtime, plan.examples)()
        except LawBroken as law:
            # Cut down to what it takes, and kept in .hypothesis: the next run begins with it.
            notes = "\n".join(law.__notes__ if hasattr(law, "__notes__") else [])
            raise Failed(f"{law}\n{notes}\n  {COMMAND} --only schedules --schedules 0") from law
    say(f"{plan.examples} schedules planned by Hypothesis: every law holds")
    say(f"{ran} schedules ({free} at full speed), {uploads} uploads, {faults} faults: every law holds")


def mutations(url: str, _: Plan) -> None:
    missed = []
    for caught in spread(url, run_hunts, range(len(MUTATIONS)), chunk=1):
        say(f"  {'caught' if caught.by else 'MISSED'}  {caught.mutation}: {caught.by} {(caught.law or '')[:110]}")
        if not caught.by:
            missed.append(caught.mutation)
    if missed:
        raise Failed(f"planted bugs that no law saw: {', '.join(missed)}\n  {COMMAND} --only mutations")
    say(f"{len(MUTATIONS)} planted bugs, each caught")


def run_contract(url: str, _: Plan) -> None:
    state = Path(tempfile.mkdtemp(prefix="chaos-contract-"))
    try:
        with runtime_on(url, "chaos_contract") as runtime, LocalStack(state) as local:
            different = double_contract.compare(runtime, local.endpoints)
    finally:
        shutil.rmtree(state, ignore_errors=True)
    if different:
        raise Failed("the doubles are not as the engine is: " + "; ".join(different))
    say("the doubles answer as the engine does")


def run_dependencies(_: str, __: Plan) -> None:
    state = Path(tempfile.mkdtemp(prefix="chaos-postgres-"))
    try:
        # A server of its own: it is stopped, and its password changed.
        with postgres_at(state) as postgres, runtime_on(postgres.url, "chaos_dependencies") as runtime:
            for trial in outages.trials(runtime, postgres):
                say(f"  {'BROKEN' if trial.broken else 'pass'}  {trial.name}")
                if trial.broken:
                    raise Failed(f"{trial.broken}\n  {COMMAND} --only dependencies")
    finally:
        shutil.rmtree(state, ignore_errors=True)


def run_load(_: str, plan: Plan) -> None:
    _on_engine("load", lambda state: load.run(state, plan.uploads, 1_000, 10_000, say))


def run_kills(_: str, plan: Plan) -> None:
    _on_engine("kills", lambda state: process_kills.run(state, plan.rounds, plan.first_seed, say))


def _on_engine(name: str, work: Callable[[Path], None]) -> None:
    state = Path(tempfile.mkdtemp(prefix=f"chaos-{name}-"))
    try:
        work(state)
    except LawBroken as law:
        raise Failed(f"{law}\n  {COMMAND} --only {name}") from law
    finally:
        shutil.rmtree(state, ignore_errors=True)


PARTS: dict[str, Callable[[str, Plan], None]] = {
    "contract": run_contract,
    "enumeration": enumeration,
    "dependencies": run_dependencies,
    "mutations": mutations,
    "schedules": schedules,
    "kills": run_kills,
    "load": run_load,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="these parts alone")
    parser.add_argument("--case", help="the cases of the enumeration that have this text in their name")
    parser.add_argument("--seed", type=int, help="one schedule")
    parser.add_argument("--schedules", type=int, default=2_000, help="how many random schedules")
    parser.add_argument("--examples", type=int, default=100, help="how many schedules Hypothesis plans")
    parser.add_argument("--first-seed", type=int, default=1, help="where their seeds begin")
    parser.add_argument("--uploads", type=int, default=100, help="uploads of the load")
    parser.add_argument("--rounds", type=int, default=2, help="kills of each kind")
    plan = Plan(**vars(parser.parse_args()))
    if plan.case is not None:
        plan.only = ["enumeration"]
    if plan.seed is not None:
        plan.only = ["schedules"]
    state = Path(tempfile.mkdtemp(prefix="chaos-"))
    began = time.monotonic()
    try:
        with postgres_at(state) as postgres:
            for name in plan.only:
                say(f"== {name}")
                started = time.monotonic()
                PARTS[name](postgres.url, plan)
                say(f"   {time.monotonic() - started:.0f} s\n")
    except Failed as failed:
        say(f"BROKEN: {failed}")
        return 1
    finally:
        shutil.rmtree(state, ignore_errors=True)
    say(f"All in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
