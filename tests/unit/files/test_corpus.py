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
from onboarding.files.header_names import kept_text
from onboarding.files.parser import ParsedFile, parse, table_of
from tests.support.paths import CORPUS, OUTCOMES

OFFLINE = ValidationContext(DEFAULT_CATEGORIES, set(), set(), catalog_known=False)


def expected_of(outcome: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads(outcome.read_text(encoding="utf-8"))
    return expected


def content_of(outcome: Path) -> bytes:
    return outcome.with_suffix("").read_bytes()


def accepted() -> list[Path]:
    return [outcome for outcome in OUTCOMES if "rows" in expected_of(outcome)]


def read(outcome: Path) -> ParsedFile:
    found = parse(content_of(outcome), "UPLOAD_1", "VEND001")
    assert not isinstance(found, FileRejection), found
    return found


def test_corpus_every_file_has_an_expected_outcome() -> None:
    beside = {outcome.with_suffix("").name for outcome in OUTCOMES}
    files = {path.name for path in CORPUS.iterdir() if path.is_file() and path.suffix not in {".json", ".py"}}
    assert files == beside
    assert len(files) >= 60


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda path: path.stem)
def test_parse_corpus_file_has_expected_outcome(outcome: Path) -> None:
    expected = expected_of(outcome)
    found = parse(content_of(outcome), "UPLOAD_1", "VEND001")
    if "refusal" in expected:
        assert isinstance(found, FileRejection), found.detected
        assert found.code == expected["refusal"], found
        for words in expected.get("says", []):
            assert words in found.reason
        return
    assert not isinstance(found, FileRejection), found
    assert len(found.rows) == expected["rows"]
    errors = {str(row.row_number): [error.error_type for error in validate_row(row, OFFLINE)] for row in found.rows}
    assert {row: types for row, types in errors.items() if types} == expected.get("errors", {})
    assert [warning.code for warning in found.warnings] == expected.get("warnings", [])
    for words in expected.get("warns", []):
        assert any(words in warning.message for warning in found.warnings), found.warnings
    for row_number, hints in expected.get("hints", {}).items():
        assert [error.hint for error in validate_row(found.rows[int(row_number) - 1], OFFLINE)] == hints
    detected = found.detected.as_json()
    assert {part: detected[part] for part in expected.get("detected", {})} == expected.get("detected", {})
    for row_number, cells in expected.get("cells", {}).items():
        row = found.rows[int(row_number) - 1]
        assert {column: row.cells.get(column) for column in cells} == cells
    assert [found.detected.line_of(row.row_number) for row in found.rows] == [row.line for row in found.rows]
    if "lines" in expected:
        assert [row.line for row in found.rows] == expected["lines"]


@pytest.mark.parametrize("outcome", accepted(), ids=lambda path: path.stem)
def test_table_of_corpus_file_keeps_values_as_written(outcome: Path) -> None:
    found = read(outcome)
    table = table_of(content_of(outcome))
    assert table == found.table
    assert len(table.rows) == len(found.rows)
    columns = {found.detected.columns.get(name.strip()): place for place, name in enumerate(table.header)}
    for row, values in zip(found.rows, table.rows, strict=True):
        for column, text in row.cells.items():
            # Names with line breaks in them are shown on one line.
            if column in columns and column not in row.cut and column not in found.detected.decimal_commas:
                # Where the header stands in ="…", the values are read without it.
                written = values[columns[column]].strip()
                written = written if written == text else kept_text(written).strip()
                if column in NUMBER_COLUMNS and written != text:
                    assert Decimal(written) == Decimal(text)
                else:
                    assert (normalize_identifier(written) if column in IDENTIFIERS else written) == text


@pytest.mark.parametrize("outcome", accepted(), ids=lambda path: path.stem)
def test_file_details_of_corpus_file_survive_json(outcome: Path) -> None:
    detected = read(outcome).detected
    again = json.loads(json.dumps(detected.as_json()))
    assert type(detected).from_json(again).as_json() == detected.as_json()
    assert f"header in line {detected.header_line}" in detected.sentence()
    assert "\n" not in detected.sentence()
