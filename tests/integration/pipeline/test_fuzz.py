"""Fuzz tests: an upload of any bytes and cells is rejected with a reason, or has an outcome for each row.

The cases are a fixed sequence. A test run uses the first `CASES`; `ONBOARDING_FUZZ=20000` uses the first 20,000. Each
case is parsed by itself, and then uploaded together with others through all functions, up to reports and e-mails.
"""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from functools import partial

import pytest

from onboarding.aws.staging_table import from_item, to_item
from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection, Mode, Row
from onboarding.domain.product_schema import COLUMNS, DEFAULT_CATEGORIES
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.formula_escaping import unescape_formula
from onboarding.files.parser import MAX_ROWS, ParsedFile, parse, parse_table
from onboarding.files.row_builder import MAX_CELL
from tests.faults import invariants, stored_state
from tests.faults.invariants import Outcome
from tests.faults.lambda_runtime import Runtime
from tests.faults.runtime_pool import runtime_on
from tests.faults.simulation import Simulation
from tests.support.fuzz_cases import Case, case

CASES = 200
BATCH_SIZE = 50
"""Number of cases that are uploaded to one database, where their products and SKUs conflict."""

CONTEXTS = [
    ValidationContext(DEFAULT_CATEGORIES, {"S-1"}, {("VEND001", "P-1")}, mode=mode, catalog_known=False)
    for mode in Mode
]


def list_batches() -> list[range]:
    """Return the numbers of the cases in batches."""
    cases = int(os.environ.get("ONBOARDING_FUZZ", CASES))
    return [range(first, min(first + BATCH_SIZE, cases)) for first in range(0, cases, BATCH_SIZE)]


@pytest.fixture(scope="module")
def runtime(database_url: str) -> Iterator[Runtime]:
    with runtime_on(database_url, "fuzz") as installed:
        yield installed


@pytest.mark.parametrize("numbers", list_batches(), ids=lambda numbers: f"{numbers.start}-{numbers.stop - 1}")
def test_upload_any_file_has_a_reason_or_an_outcome_for_each_row(runtime: Runtime, numbers: range) -> None:
    cases = [case(number) for number in numbers]
    parsed = {item.number: check_parsing(item) for item in cases}
    stored_state.empty(runtime)
    simulation = Simulation(runtime, batch=(1 + numbers.start) % 97 + 4)
    uploads = {simulation.put(f"uploads/{item.vendor_id}/{item.number}/{item.name}", item): item for item in cases}
    # The watchdog runs too and has nothing to recover.
    simulation.recover()
    assert (simulation.errors, simulation.failures) == ([], [])
    outcome = invariants.outcome_of(partial(invariants.table, simulation))
    unnamed = {upload_id for upload_id, item in uploads.items() if "\0" in item.name}
    assert outcome.history.keys() == uploads.keys() - unnamed
    assert runtime.fetch("select count(*) from quarantined_objects") == [(len(unnamed),)]
    for upload_id in outcome.history:
        item = uploads[upload_id]
        try:
            check_upload(simulation, outcome, upload_id, parsed[item.number])
            invariants.check_notifications(simulation, outcome, upload_id)
        except AssertionError as error:
            error.add_note(f"case {item.number}: {item.options}: {item.data[:200]!r}")
            raise


def check_parsing(item: Case) -> ParsedFile | FileRejection:
    """Parse a file and validate its rows, without AWS and database; return the result of `parse`."""
    try:
        return _parse(item)
    except Exception as error:
        error.add_note(f"case {item.number}: {item.data[:200]!r}")
        raise


def _parse(item: Case) -> ParsedFile | FileRejection:
    result = parse(item.data, "UPLOAD_1", item.vendor_id, required=item.required)
    if isinstance(result, FileRejection):
        assert result.code in set(RejectionCode)
        assert_one_line(result.reason)
        assert len(result.reason) < 1_500
        return result
    assert 0 < len(result.rows) <= MAX_ROWS
    assert [row.row_number for row in result.rows] == list(range(1, len(result.rows) + 1))
    lines = [row.line or 0 for row in result.rows]
    assert lines == sorted(set(lines))
    assert lines == [result.file_details.line_of(row.row_number) for row in result.rows]
    assert lines[0] > result.file_details.header_line
    assert parse_table(item.data) == result.table
    assert len(result.table.rows) == len(result.rows)
    assert_one_line(result.file_details.sentence())
    for warning in result.warnings:
        assert warning.code.isupper()
        assert_one_line(warning.message)
    for row in result.rows:
        assert set(row.cells) <= set(COLUMNS)
        assert all(0 < len(text) <= MAX_CELL and text.strip() for text in row.cells.values())
        for context in CONTEXTS:
            for error in validate_row(row, context):
                assert error.error_type.isupper()
                assert_one_line(error.message)
        "".join(row.cells.values()).encode()
        assert from_item(to_item(row)) == row
    return result


def assert_one_line(text: str) -> None:
    """Assert that a text can be used in e-mails, logs, terminals and PostgreSQL."""
    assert text
    assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]


def check_upload(simulation: Simulation, outcome: Outcome, upload_id: str, parsed: ParsedFile | FileRejection) -> None:
    """Check the history, products, errors and files of an upload."""
    row, products, errors = outcome.history[upload_id], outcome.products[upload_id], outcome.errors[upload_id]
    total, valid = row["total_records"], row["valid_records"]
    if row["failure_code"]:
        assert row["failure_code"] in {"ALREADY_UPLOADED", isinstance(parsed, FileRejection) and parsed.code}
        assert_one_line(row["failure_reason"])
        assert (row["status"], total, len(products), len(errors)) == ("failed", 0, 0, 0)
        return
    assert not isinstance(parsed, FileRejection)
    assert total == len(parsed.rows) == valid + row["error_records"]
    assert (valid, row["error_records"]) == (len(products), len(errors))
    assert sorted([*products, *errors]) == list(range(1, total + 1))
    assert row["status"] == ("completed" if not errors else "partial" if valid else "failed")
    assert not (row["on_error"] == "reject_file" and valid and errors)
    if errors:
        fix_key = row["fix_file_s3_key"].rpartition(".")[0]
        keys = {"error": row["error_file_s3_key"], "fix": f"{fix_key}.csv", "workbook": f"{fix_key}.xlsx"}
        content = {name: simulation.runtime.aws.objects[key][-1].content for name, key in keys.items()}
        reported = [
            (int(line["Row Number"]), line["Error Type"], unescape_formula(line["Error Message"]))
            for line in csv.DictReader(io.StringIO(content["error"].decode("utf-8-sig"), newline=""), strict=True)
        ]
        assert reported == [(n, e["error_type"], e["error_message"]) for n in sorted(errors) for e in errors[n]]
        # The fix file can be parsed, and has the rejected rows with unchanged values.
        rejected = parse_table(content["fix"])
        assert not isinstance(rejected, FileRejection), rejected
        assert rejected.header == parsed.table.header
        assert list(rejected.rows) == [parsed.table.rows[number - 1] for number in sorted(errors)]
        workbook = parse_table(content["workbook"])
        assert not isinstance(workbook, FileRejection), workbook
        assert list(map(in_workbook, workbook.rows)) == list(map(in_workbook, rejected.rows))
        # The rows are parsed as before, except that a column with both decimal commas and points may be less ambiguous
        # without the other rows.
        mixed = {warning.column for warning in parsed.warnings if warning.code == "MIXED_DECIMALS"}
        reparsed = parse(content["fix"], upload_id, row["vendor_id"], required=())
        assert not isinstance(reparsed, FileRejection), reparsed
        assert [without_columns(mixed, fixed) for fixed in reparsed.rows] == [
            without_columns(mixed, parsed.rows[number - 1]) for number in sorted(errors)
        ]


def in_workbook(values: Sequence[str]) -> list[str]:
    """Return a row's values as in a workbook: without a blank end, and without characters that XML cannot have."""
    length = max((index for index, value in enumerate(values, 1) if value.strip()), default=0)
    return [value.replace("\ufffe", "\ufffb").replace("\uffff", "\ufffb") for value in values[:length]]


def without_columns(columns: Collection[str | None], row: Row) -> dict[str, str]:
    return {column: text for column, text in row.cells.items() if column not in columns}


def test_fuzz_cases_reach_every_outcome(runtime: Runtime) -> None:
    stored_state.empty(runtime)
    simulation = Simulation(runtime, batch=100)
    for number in range(300):
        item = case(number)
        simulation.put(f"uploads/{item.vendor_id}/{number}.csv", item)
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
