"""Uploads of the corpus files through all functions, from the bucket to PostgreSQL, report and e-mail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from onboarding.domain.product_schema import COLUMNS, DEFAULTS, NUMBER_COLUMNS
from onboarding.files.parser import ParsedFile, parse
from tests.faults import invariants, stored_state
from tests.faults.lambda_runtime import Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import Simulation
from tests.support.paths import OUTCOMES

KINDS = ("created", "updated", "unchanged")


@dataclass(frozen=True)
class CorpusFile:
    """A corpus file as the fault harness uploads one."""

    content: bytes
    vendor_id: str = "VEND001"
    metadata: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "corpus") as installed:
        yield installed


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda path: path.stem)
def test_upload_of_a_corpus_file_ends_as_expected(runtime: Runtime, outcome: Path) -> None:
    expected = json.loads(outcome.read_text(encoding="utf-8"))
    content = outcome.with_suffix("").read_bytes()
    stored_state.empty(runtime)
    simulation = Simulation(runtime, batch=7)
    upload_id = simulation.put(f"uploads/VEND001/{outcome.stem}", CorpusFile(content))  # type: ignore[arg-type]
    simulation.recover()
    assert (simulation.errors, simulation.failures) == ([], [])
    result = invariants.outcome_of(partial(invariants.table, simulation))
    invariants.check_notifications(simulation, result, upload_id)
    history = result.history[upload_id]
    assert history["failure_code"] == expected.get("rejection")
    if "rejection" in expected:
        assert (history["status"], history["total_records"]) == ("failed", 0)
        return
    errors = {
        str(number): [e["error_type"] for e in row_errors] for number, row_errors in result.errors[upload_id].items()
    }
    assert errors == expected.get("errors", {})
    assert history["total_records"] == expected["rows"] == len(errors) + len(result.products[upload_id])
    parsed = parse(content, upload_id, "VEND001")
    assert isinstance(parsed, ParsedFile)
    for number, product in result.products[upload_id].items():
        assert product is not None
        cells = {**DEFAULTS, **parsed.rows[number - 1].cells, **expected.get("cells", {}).get(str(number), {})}
        assert {column: _comparable(column, product[column]) for column in COLUMNS} == {
            column: _comparable(column, cells.get(column)) for column in COLUMNS
        }


def _comparable(column: str, value: Any) -> Any:
    return Decimal(str(value)) if value is not None and column in NUMBER_COLUMNS else value


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda path: path.stem)
def test_upload_of_a_corpus_file_again_changes_no_product(runtime: Runtime, outcome: Path) -> None:
    content = outcome.with_suffix("").read_bytes()
    stored_state.empty(runtime)
    simulation = Simulation(runtime, batch=7)
    for name in ("first", "second"):
        file = CorpusFile(content, metadata={"mode": "upsert", "force": "true"})
        simulation.put(f"uploads/VEND001/{name}-{outcome.stem}", file)  # type: ignore[arg-type]
        simulation.recover()
    history = sorted(
        invariants.table(simulation, "upload_history", "upload_timestamp, s3_key"), key=lambda row: row["s3_key"]
    )
    first, second = ({kind: row[f"{kind}_records"] for kind in KINDS} for row in history)
    assert second == {"created": 0, "updated": 0, "unchanged": first["created"]}
