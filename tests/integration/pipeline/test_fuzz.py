"""Any bytes and cells: the upload ends with a reason, or with products and row errors.

The cases are a fixed sequence. A test run takes `CASES` of them; `ONBOARDING_FUZZ=20000` takes as many as it says. Each
is read by itself; then some at a time are uploads of one database, through the functions, to the reports and mails.
"""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Collection, Iterator
from functools import partial

import pytest

from onboarding.aws.staging_table import from_item, to_item
from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection, Mode, Row
from onboarding.domain.product_schema import COLUMNS, DEFAULT_CATEGORIES
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.formula_escaping import unescape_formula
from onboarding.files.parser import MAX_CELL, MAX_ROWS, ParsedFile, parse, table_of
from tests.faults import invariants, stored_state
from tests.faults.invariants import Outcome
from tests.faults.lambda_runtime import Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import Simulation
from tests.support.fuzz_cases import Case, case

CASES = 200
AT_ONCE = 50
"""Cases that are uploads of one database: their products and SKUs get into each other's way."""

FACTS = [
    ValidationContext(DEFAULT_CATEGORIES, {"S-1"}, {("VEND001", "P-1")}, mode=mode, catalog_known=False)
    for mode in Mode
]


def bundles() -> list[range]:
    """The numbers of the cases, some at a time."""
    cases = int(os.environ.get("ONBOARDING_FUZZ", CASES))
    return [range(first, min(first + AT_ONCE, cases)) for first in range(0, cases, AT_ONCE)]


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "fuzz") as installed:
        yield installed


@pytest.mark.parametrize("numbers", bundles(), ids=lambda numbers: f"{numbers.start}-{numbers.stop - 1}")
def test_upload_any_file_has_a_reason_or_an_outcome_for_each_row(runtime: Runtime, numbers: range) -> None:
    cases = [case(number) for number in numbers]
    read = {some.number: check_reading(some) for some in cases}
    stored_state.empty(runtime)
    simulation = Simulation(runtime, batch=(1 + numbers.start) % 97 + 4)
    uploads = {simulation.put(f"uploads/{some.vendor_id}/{some.number}/{some.name}", some): some for some in cases}
    # The watchdog comes too, and finds nothing to do.
    simulation.recover()
    assert (simulation.errors, simulation.failures) == ([], [])
    outcome = invariants.outcome_of(partial(invariants.table, simulation))
    unnamed = {upload_id for upload_id, some in uploads.items() if "\0" in some.name}
    assert outcome.history.keys() == uploads.keys() - unnamed
    assert runtime.ask("select count(*) from quarantined_objects") == [(len(unnamed),)]
    for upload_id in outcome.history:
        some = uploads[upload_id]
        try:
            check_upload(simulation, outcome, upload_id, read[some.number])
            invariants.check_notifications(simulation, outcome, upload_id)
        except AssertionError as error:
            error.add_note(f"case {some.number}: {some.options}: {some.data[:200]!r}")
            raise


def check_reading(some: Case) -> ParsedFile | FileRejection:
    """Read a file and judge its rows, without AWS or a database."""
    try:
        return _read(some)
    except Exception as error:
        error.add_note(f"case {some.number}: {some.data[:200]!r}")
        raise


def _read(some: Case) -> ParsedFile | FileRejection:
    found = parse(some.data, "UPLOAD_1", some.vendor_id, required=some.required)
    if isinstance(found, FileRejection):
        assert found.code in set(RejectionCode)
        assert_one_line(found.reason)
        assert len(found.reason) < 1_500
        return found
    assert 0 < len(found.rows) <= MAX_ROWS
    assert [row.row_number for row in found.rows] == list(range(1, len(found.rows) + 1))
    lines = [row.line or 0 for row in found.rows]
    assert lines == sorted(set(lines))
    assert lines == [found.detected.line_of(row.row_number) for row in found.rows]
    assert lines[0] > found.detected.header_line
    assert table_of(some.data) == found.table
    assert len(found.table.rows) == len(found.rows)
    assert_one_line(found.detected.sentence())
    for warning in found.warnings:
        assert warning.code.isupper()
        assert_one_line(warning.message)
    for row in found.rows:
        assert set(row.cells) <= set(COLUMNS)
        assert all(0 < len(text) <= MAX_CELL and text.strip() for text in row.cells.values())
        for facts in FACTS:
            for error in validate_row(row, facts):
                assert error.error_type.isupper()
                assert_one_line(error.message)
        "".join(row.cells.values()).encode()
        assert from_item(to_item(row)) == row
    return found


def assert_one_line(text: str) -> None:
    """What goes into mails, logs and terminals, and into PostgreSQL."""
    assert text
    assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]


def check_upload(simulation: Simulation, outcome: Outcome, upload_id: str, read: ParsedFile | FileRejection) -> None:
    """One upload's history, products, errors and files."""
    row, products, errors = outcome.history[upload_id], outcome.products[upload_id], outcome.errors[upload_id]
    total, valid = row["total_records"], row["valid_records"]
    if row["failure_code"]:
        assert row["failure_code"] in {"ALREADY_UPLOADED", isinstance(read, FileRejection) and read.code}
        assert_one_line(row["failure_reason"])
        assert (row["status"], total, len(products), len(errors)) == ("failed", 0, 0, 0)
        return
    assert not isinstance(read, FileRejection)
    assert total == len(read.rows) == valid + row["error_records"]
    assert (valid, row["error_records"]) == (len(products), len(errors))
    assert sorted([*products, *errors]) == list(range(1, total + 1))
    assert row["status"] == ("completed" if not errors else "partial" if valid else "failed")
    assert not (row["on_error"] == "reject_file" and valid and errors)
    if errors:
        content = {
            name: simulation.runtime.aws.objects[row[f"{name}_file_s3_key"]][-1].content for name in ("error", "fix")
        }
        told = [
            (int(line["Row Number"]), line["Error Type"], unescape_formula(line["Error Message"]))
            for line in csv.DictReader(io.StringIO(content["error"].decode("utf-8-sig"), newline=""), strict=True)
        ]
        assert told == [(n, e["error_type"], e["error_message"]) for n in sorted(errors) for e in errors[n]]
        # The fix file can be read, and has the rejected rows with every value as it was.
        rejected = table_of(content["fix"])
        assert not isinstance(rejected, FileRejection), rejected
        assert rejected.header == read.table.header
        assert list(rejected.rows) == [read.table.rows[number - 1] for number in sorted(errors)]
        # And they read as before; in a column of both commas and points, they may read better by themselves.
        mixed = {warning.column for warning in read.warnings if warning.code == "MIXED_DECIMALS"}
        again = parse(content["fix"], upload_id, row["vendor_id"], required=())
        assert not isinstance(again, FileRejection), again
        assert [without(mixed, found) for found in again.rows] == [
            without(mixed, read.rows[number - 1]) for number in sorted(errors)
        ]


def without(columns: Collection[str | None], row: Row) -> dict[str, str]:
    return {column: text for column, text in row.cells.items() if column not in columns}


def test_fuzz_cases_reach_every_outcome(runtime: Runtime) -> None:
    stored_state.empty(runtime)
    simulation = Simulation(runtime, batch=100)
    for number in range(300):
        some = case(number)
        simulation.put(f"uploads/{some.vendor_id}/{number}.csv", some)
    simulation.deliver_all()
    history = invariants.outcome_of(partial(invariants.table, simulation)).history.values()
    assert {row["status"] for row in history} == {"completed", "partial", "failed"}
    assert {"MISSING_COLUMNS", "UNKNOWN_ENCODING", "UNREADABLE_CSV", "UNREADABLE_XLSX", "NO_ROWS"} <= {
        row["failure_code"] for row in history
    }
    for kind in ("created", "updated", "unchanged", "error"):
        assert sum(row[f"{kind}_records"] for row in history) > 10, (
            kind,
            sum(row[f"{kind}_records"] for row in history),
        )
