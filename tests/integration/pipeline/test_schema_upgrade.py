"""The handlers on a schema without what they need: their events come again until it is there, and nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import invariants, stored_state
from tests.faults.enumeration import as_a_whole, changes, fresh, undisturbed_run, whole_way
from tests.faults.lambda_runtime import Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import undisturbed

SCENARIOS = {"whole way": whole_way, "as a whole": as_a_whole, "changes": changes}


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "upgrade_schema") as installed:
        yield installed


@pytest.fixture(scope="module")
def expected(runtime: Runtime) -> dict[str, stored_state.State]:
    """How each scenario ends by itself."""
    return {name: undisturbed_run(runtime, name)[0] for name in SCENARIOS}


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
        ("product_validator", "column products.weight_kg"),
        ("product_validator", "column validation_errors.hint"),
        ("error_processor", "table upload_warnings"),
    ],
)
def test_handlers_without_a_part_of_the_schema_end_as_with_it_once_it_is_there(
    runtime: Runtime, expected: dict[str, stored_state.State], function: str, part: str
) -> None:
    kind, name = part.split()
    table, _, column = name.partition(".")
    faults: set[str] = set()
    for scenario, play in SCENARIOS.items():
        world = fresh(runtime)
        if kind == "table":
            add, remove = f"alter table later rename to {table}", f"alter table {table} rename to later"
        else:
            add, remove = (f"alter table {table} rename {a} to {b}" for a, b in (("later", column), (column, "later")))
        runtime.ask(remove)
        try:
            play(world, undisturbed)
        finally:
            runtime.ask(add)
        faults |= {error.split(":")[0] for error in world.errors}
        world.settle()
        invariants.check(world)
        assert stored_state.differences(expected[scenario], stored_state.state_of(world)) == []
    assert faults == {function}, "another function needs it, or none"
