"""Fault tests: a fixed selection of the cases; `make chaos` runs all of them."""

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


def test_enumeration_scenarios_reach_every_failpoint(enumeration: Enumeration) -> None:
    assert enumeration.missed == set()


def test_enumeration_fault_at_any_failpoint_has_the_result_without_faults(
    runtime: Runtime, enumeration: Enumeration
) -> None:
    """Run a crash and a duplicate at the first time of each failpoint, and every twentieth of the other cases."""

    def is_in_slice(number: int, case: Case) -> bool:
        if case.point.startswith("at "):
            return case.nth == 1 and case.fault in {"crash", "duplicate"}
        return number % 20 == 0

    cases = [case for number, case in enumerate(enumeration.cases) if is_in_slice(number, case)]
    results = list(enumeration.run(runtime, cases))
    assert [(str(result.case), result.violation) for result in results if result.violation] == []
    assert all(result.injected for result in results)


def test_outage_hour_without_database_recovers_without_an_operator(runtime: Runtime) -> None:
    assert hour_without_database(runtime).violation is None


def test_schedules_of_some_seeds_keep_every_invariant(runtime: Runtime) -> None:
    seeds = [seed for seed in range(1, 60) if not is_unsynchronized(seed)][:20]
    seeds += [seed for seed in range(1, 60) if is_unsynchronized(seed)][:2]
    results = [run_seed(runtime, seed) for seed in seeds]
    assert [(result.seed, result.violation) for result in results if result.violation] == []


def test_schedules_of_hypothesis_keep_every_invariant(runtime: Runtime) -> None:
    schedules_of_hypothesis(runtime, 15, derandomize=True, database=None)()


@pytest.mark.parametrize("mutant", QUICK_MUTANTS, ids=[mutant.name for mutant in QUICK_MUTANTS])
def test_mutant_in_likely_cases_violates_an_invariant(
    runtime: Runtime, enumeration: Enumeration, mutant: Mutant
) -> None:
    assert find_violation(runtime, mutant, enumeration, range(1, 30)).detected_by is not None


def test_doubles_same_calls_respond_as_the_emulator(runtime: Runtime, local_stack: LocalStack) -> None:
    try:
        assert double_contract.find_differences(runtime, local_stack.endpoints) == []
    finally:
        runtime.reset()
