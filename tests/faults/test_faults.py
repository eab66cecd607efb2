"""A fixed part of the fault tests; `make chaos` runs all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onboarding.local.stack import LocalStack
from tests.faults import double_contract
from tests.faults.enumeration import Case, Enumeration
from tests.faults.lambda_runtime import Runtime
from tests.faults.mutation_testing import MUTANTS, Mutant, find_violation
from tests.faults.outages import hour_without_database
from tests.faults.runtime_pool import runtime_on
from tests.faults.schedules import is_unsynchronized, run_seed, schedules_of_hypothesis

QUICK_MUTANTS = [mutant for mutant in MUTANTS if mutant.likely_cases]


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "chaos_slice") as installed:
        yield installed


@pytest.fixture(scope="module")
def enumeration(runtime: Runtime) -> Enumeration:
    return Enumeration.of(runtime)


def test_enumeration_scenarios_reach_every_named_failpoint(enumeration: Enumeration) -> None:
    assert enumeration.missed == set()


def test_enumeration_fault_at_any_named_failpoint_ends_as_without_faults(
    runtime: Runtime, enumeration: Enumeration
) -> None:
    """Crash and duplicate at the first time of each named injection point; elsewhere every twentieth case."""

    def is_in_slice(number: int, case: Case) -> bool:
        if case.point.startswith("at "):
            return case.nth == 1 and case.fault in {"crash", "duplicate"}
        return number % 20 == 0

    cases = [case for number, case in enumerate(enumeration.cases) if is_in_slice(number, case)]
    results = list(enumeration.run(runtime, cases))
    assert [(str(result.case), result.violation) for result in results if result.violation] == []
    assert all(result.injected for result in results)


def test_outage_hour_without_database_needs_no_operator(runtime: Runtime) -> None:
    assert hour_without_database(runtime).violation is None


def test_schedules_of_some_seeds_keep_every_invariant(runtime: Runtime) -> None:
    seeds = [seed for seed in range(1, 60) if not is_unsynchronized(seed)][:20]
    seeds += [seed for seed in range(1, 60) if is_unsynchronized(seed)][:2]
    ended = [run_seed(runtime, seed) for seed in seeds]
    assert [(some.seed, some.violation) for some in ended if some.violation] == []


def test_schedules_of_hypothesis_keep_every_invariant(runtime: Runtime) -> None:
    schedules_of_hypothesis(runtime, 15, derandomize=True, database=None)()


@pytest.mark.parametrize("mutant", QUICK_MUTANTS, ids=[mutant.name for mutant in QUICK_MUTANTS])
def test_mutant_violates_an_invariant(runtime: Runtime, enumeration: Enumeration, mutant: Mutant) -> None:
    assert find_violation(runtime, mutant, enumeration, range(1, 30)).found_by is not None


def test_doubles_respond_as_the_emulator(runtime: Runtime, engine: LocalStack) -> None:
    try:
        assert double_contract.find_differences(runtime, engine.endpoints) == []
    finally:
        runtime.reset()
