"""Every file of the corpus has its expected outcome."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from onboarding.domain.identifiers import normalize_identifier
from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import DEFAULT_CATEGORIES, IDENTIFIERS, NUMBER_COLUMNS
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.header_names import unwrap_text_formula
from onboarding.files.parser import ParsedFile, parse, table_of
from tests.support.paths import CORPUS, OUTCOMES

OFFLINE = ValidationContext(DEFAULT_CATEGORIES, set(), set(), catalog_known=False)


def load_expected(outcome: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads(outcome.read_text(encoding="utf-8"))
    return expected


def load_content(outcome: Path) -> bytes:
    return outcome.with_suffix("").read_bytes()


def list_accepted() -> list[Path]:
    return [outcome for outcome in OUTCOMES if "rows" in load_expected(outcome)]


def parse_valid(outcome: Path) -> ParsedFile:
    result = parse(load_content(outcome), "UPLOAD_1", "VEND001")
    assert not isinstance(result, FileRejection), result
    return result


def test_corpus_every_file_has_expected_outcome() -> None:
    described = {outcome.with_suffix("").name for outcome in OUTCOMES}
    files = {path.name for path in CORPUS.iterdir() if path.is_file() and path.suffix not in {".json", ".py"}}
    assert files == described
    assert len(files) >= 60


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda path: path.stem)
def test_parse_corpus_file_has_expected_outcome(outcome: Path) -> None:
    expected = load_expected(outcome)
    result = parse(load_content(outcome), "UPLOAD_1", "VEND001")
    if "refusal" in expected:
        assert isinstance(result, FileRejection), result.detected
        assert result.code == expected["refusal"], result
        for excerpt in expected.get("says", []):
            assert excerpt in result.reason
        return
    assert not isinstance(result, FileRejection), result
    assert len(result.rows) == expected["rows"]
    errors = {str(row.row_number): [error.error_type for error in validate_row(row, OFFLINE)] for row in result.rows}
    assert {row: types for row, types in errors.items() if types} == expected.get("errors", {})
    assert [warning.code for warning in result.warnings] == expected.get("warnings", [])
    for excerpt in expected.get("warns", []):
        assert any(excerpt in warning.message for warning in result.warnings), result.warnings
    for row_number, hints in expected.get("hints", {}).items():
        assert [error.hint for error in validate_row(result.rows[int(row_number) - 1], OFFLINE)] == hints
    detected = result.detected.as_json()
    assert {part: detected[part] for part in expected.get("detected", {})} == expected.get("detected", {})
    for row_number, cells in expected.get("cells", {}).items():
        row = result.rows[int(row_number) - 1]
        assert {column: row.cells.get(column) for column in cells} == cells
    assert [result.detected.line_of(row.row_number) for row in result.rows] == [row.line for row in result.rows]
    if "lines" in expected:
        assert [row.line for row in result.rows] == expected["lines"]


@pytest.mark.parametrize("outcome", list_accepted(), ids=lambda path: path.stem)
def test_table_of_corpus_file_keeps_values_as_written(outcome: Path) -> None:
    result = parse_valid(outcome)
    table = table_of(load_content(outcome))
    assert table == result.table
    assert len(table.rows) == len(result.rows)
    columns = {result.detected.columns.get(name.strip()): index for index, name in enumerate(table.header)}
    for row, values in zip(result.rows, table.rows, strict=True):
        for column, text in row.cells.items():
            # Names with line breaks are stored on one line.
            if column in columns and column not in row.cut and column not in result.detected.decimal_commas:
                # If the header is in ="…", the values are read without it.
                written = values[columns[column]].strip()
                written = written if written == text else unwrap_text_formula(written).strip()
                if column in NUMBER_COLUMNS and written != text:
                    assert Decimal(written) == Decimal(text)
                else:
                    assert (normalize_identifier(written) if column in IDENTIFIERS else written) == text


@pytest.mark.parametrize("outcome", list_accepted(), ids=lambda path: path.stem)
def test_file_details_of_corpus_file_as_json_are_restored(outcome: Path) -> None:
    detected = parse_valid(outcome).detected
    stored = json.loads(json.dumps(detected.as_json()))
    assert type(detected).from_json(stored).as_json() == detected.as_json()
    assert f"header in line {detected.header_line}" in detected.sentence()
    assert "\n" not in detected.sentence()
