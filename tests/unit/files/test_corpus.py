"""Parser: every file of the corpus has its expected outcome."""

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
from onboarding.files.parser import ParsedFile, parse, parse_table
from tests.support.paths import CORPUS, OUTCOMES

OFFLINE = ValidationContext(DEFAULT_CATEGORIES, set(), set(), catalog_known=False)


def load_outcome(path: Path) -> dict[str, Any]:
    outcome: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return outcome


def read_content(path: Path) -> bytes:
    return path.with_suffix("").read_bytes()


ACCEPTED = [path for path in OUTCOMES if "rows" in load_outcome(path)]


def parse_file(path: Path) -> ParsedFile:
    result = parse(read_content(path), "UPLOAD_1", "VEND001")
    assert not isinstance(result, FileRejection), result
    return result


def test_corpus_every_file_has_an_expected_outcome() -> None:
    with_outcome = {path.with_suffix("").name for path in OUTCOMES}
    files = {path.name for path in CORPUS.iterdir() if path.is_file() and path.suffix not in {".json", ".py"}}
    assert files == with_outcome
    assert len(files) >= 60


@pytest.mark.parametrize("path", OUTCOMES, ids=lambda path: path.stem)
def test_parse_corpus_file_has_expected_outcome(path: Path) -> None:
    expected = load_outcome(path)
    result = parse(read_content(path), "UPLOAD_1", "VEND001")
    if "rejection" in expected:
        assert isinstance(result, FileRejection), result.file_details
        assert result.code == expected["rejection"], result
        for words in expected.get("reason_contains", []):
            assert words in result.reason
        return
    assert not isinstance(result, FileRejection), result
    assert len(result.rows) == expected["rows"]
    errors = {str(row.row_number): [error.error_type for error in validate_row(row, OFFLINE)] for row in result.rows}
    assert {row: types for row, types in errors.items() if types} == expected.get("errors", {})
    assert [warning.code for warning in result.warnings] == expected.get("warnings", [])
    for words in expected.get("warnings_contain", []):
        assert any(words in warning.message for warning in result.warnings), result.warnings
    for row_number, hints in expected.get("hints", {}).items():
        assert [error.hint for error in validate_row(result.rows[int(row_number) - 1], OFFLINE)] == hints
    detected = result.file_details.as_json()
    assert {part: detected[part] for part in expected.get("detected", {})} == expected.get("detected", {})
    for row_number, cells in expected.get("cells", {}).items():
        row = result.rows[int(row_number) - 1]
        assert {column: row.cells.get(column) for column in cells} == cells
    assert [result.file_details.line_of(row.row_number) for row in result.rows] == [row.line for row in result.rows]
    if "lines" in expected:
        assert [row.line for row in result.rows] == expected["lines"]


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_table_of_corpus_file_has_values_as_written(path: Path) -> None:
    result = parse_file(path)
    table = parse_table(read_content(path))
    assert table == result.table
    assert len(table.rows) == len(result.rows)
    columns = {result.file_details.columns.get(name.strip()): index for index, name in enumerate(table.header)}
    for row, values in zip(result.rows, table.rows, strict=True):
        for column, text in row.cells.items():
            # File details show names with line breaks on one line.
            if column in columns and column not in row.cut and column not in result.file_details.decimal_commas:
                # In a column whose header is written as ="…", so are the values.
                written = values[columns[column]].strip()
                written = written if written == text else unwrap_text_formula(written).strip()
                if column in NUMBER_COLUMNS and written != text:
                    assert Decimal(written) == Decimal(text)
                elif column == "status":
                    assert written.casefold() == text.casefold()
                else:
                    assert (normalize_identifier(written) if column in IDENTIFIERS else written) == text


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_file_details_from_json_of_corpus_file_are_equal(path: Path) -> None:
    detected = parse_file(path).file_details
    copy = json.loads(json.dumps(detected.as_json()))
    assert type(detected).from_json(copy).as_json() == detected.as_json()
    assert f"header in line {detected.header_line}" in detected.sentence()
    assert "\n" not in detected.sentence()
