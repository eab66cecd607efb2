"""Handlers on a database schema without a part that they need: events are retried until the part exists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import invariants, stored_state
from tests.faults.enumeration import all_file_kinds, all_or_nothing, new_simulation, product_changes, run_without_faults
from tests.faults.lambda_runtime import Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import no_fault

SCENARIOS = {"all file kinds": all_file_kinds, "all or nothing": all_or_nothing, "product changes": product_changes}


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "upgrade_schema") as installed:
        yield installed


@pytest.fixture(scope="module")
def expected(runtime: Runtime) -> dict[str, stored_state.State]:
    """Return the final state of each scenario without faults."""
    return {name: run_without_faults(runtime, name)[0] for name in SCENARIOS}


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("csv_parser", "table quarantined_objects"),
        ("csv_parser", "table read_attempts"),
        ("csv_parser", "column upload_history.file_details"),
        ("product_validator", "table held_rows"),
        ("product_validator", "table products"),
        ("product_validator", "column product_changes.released_sku"),
        ("product_validator", "column product_changes.set_columns"),
        ("product_validator", "column product_changes.new_values"),
        ("product_validator", "column products.weight_kg"),
        ("product_validator", "column validation_errors.hint"),
        ("error_processor", "table upload_warnings"),
    ],
)
def test_handlers_missing_schema_part_added_later_have_the_same_result(
    runtime: Runtime, expected: dict[str, stored_state.State], function: str, part: str
) -> None:
    kind, name = part.split()
    table, _, column = name.partition(".")
    faults: set[str] = set()
    for scenario, run in SCENARIOS.items():
        simulation = new_simulation(runtime)
        if kind == "table":
            add, remove = f"alter table later rename to {table}", f"alter table {table} rename to later"
        else:
            add, remove = (f"alter table {table} rename {a} to {b}" for a, b in (("later", column), (column, "later")))
        runtime.fetch(remove)
        try:
            run(simulation, no_fault)
        finally:
            runtime.fetch(add)
        faults |= {error.split(":")[0] for error in simulation.errors}
        simulation.recover()
        invariants.check(simulation)
        assert stored_state.differences(expected[scenario], stored_state.state_of(simulation)) == []
    assert faults == {function}, "exactly one function needs this part"
