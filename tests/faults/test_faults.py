"""A fixed slice of the fault harness; `make chaos` runs all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onboarding.local.stack import LocalStack
from tests.faults import double_contract
from tests.faults.enumeration import Case, Enumeration
from tests.faults.lambda_runtime import Runtime
from tests.faults.mutation_testing import MUTATIONS, Mutation, hunt
from tests.faults.outages import an_hour_without_database
from tests.faults.runtime_pool import runtime_on
from tests.faults.schedules import is_free, run_seed, schedules_of_hypothesis

QUICKLY_CAUGHT = [mutation for mutation in MUTATIONS if mutation.hunted_by]


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "chaos_slice") as installed:
        yield installed


@pytest.fixture(scope="module")
def enumeration(runtime: Runtime) -> Enumeration:
    return Enumeration.of(runtime)


def test_every_named_point_is_reached(enumeration: Enumeration) -> None:
    assert enumeration.missed == set()


def test_a_fault_at_any_named_point_changes_nothing(runtime: Runtime, enumeration: Enumeration) -> None:
    """The first time at each point, crash and duplicate; elsewhere every twentieth case."""

    def is_in_slice(number: int, case: Case) -> bool:
        if case.place.startswith("at "):
            return case.nth == 1 and case.fault in {"crash", "duplicate"}
        return number % 20 == 0

    cases = [case for number, case in enumerate(enumeration.cases) if is_in_slice(number, case)]
    results = list(enumeration.run(runtime, cases))
    assert [(str(result.case), result.broken) for result in results if result.broken] == []
    assert all(result.fallen for result in results)


def test_an_hour_without_database_needs_no_operator(runtime: Runtime) -> None:
    assert an_hour_without_database(runtime).broken is None


def test_some_schedules_keep_every_law(runtime: Runtime) -> None:
    seeds = [seed for seed in range(1, 60) if not is_free(seed)][:20]
    seeds += [seed for seed in range(1, 60) if is_free(seed)][:2]
    ended = [run_seed(runtime, seed) for seed in seeds]
    assert [(some.seed, some.broken) for some in ended if some.broken] == []


def test_no_schedule_is_found_that_breaks_a_law(runtime: Runtime) -> None:
    schedules_of_hypothesis(runtime, 15, derandomize=True, database=None)()


@pytest.mark.parametrize("mutation", QUICKLY_CAUGHT, ids=[mutation.name for mutation in QUICKLY_CAUGHT])
def test_planted_bug_breaks_a_law(runtime: Runtime, enumeration: Enumeration, mutation: Mutation) -> None:
    assert hunt(runtime, mutation, enumeration, range(1, 30)).by is not None


def test_doubles_answer_as_the_engine(runtime: Runtime, engine: LocalStack) -> None:
    try:
        assert double_contract.compare(runtime, engine.endpoints) == []
    finally:
        runtime.reset()
