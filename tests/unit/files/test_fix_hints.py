"""Hints and examples about numbers: exactly as written, they are accepted when the fix file comes back."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import pytest
from openpyxl import Workbook

from onboarding.domain.mapping_json import parse_document
from onboarding.domain.mappings import MappingChoice, SavedMapping
from onboarding.domain.models import FileRejection, ReportedRow, RowError
from onboarding.domain.product_schema import DEFAULT_CATEGORIES, NUMBER_COLUMNS
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.fix_file import CsvFixFile, FixFileFormat, FixFileSource, FixLine, list_fix_lines
from onboarding.files.fix_workbook import FixWorkbook
from onboarding.files.parser import ParsedFile, parse
from tests.support.running_pipeline import csv_of, product

CONTEXT = ValidationContext(categories=frozenset(DEFAULT_CATEGORIES), taken_skus=(), taken_ids=())
_NUMBER = r"[0-9][0-9.,]*[0-9]|[0-9]"

# The prices and weights of the rows of a file. Rows without an error are left out of the fix file.
CASES: Mapping[str, Sequence[tuple[object, object]]] = {
    "decimal points": [("19.99", "0.5"), ("$1,234.50", "1,234"), ("abc", "x"), ("1.234,50", "1.250 kg")],
    "decimal commas": [("19,99", "0,5"), ("1.234,50", "2"), ("$1,234.50", "1,234 kg"), ("abc", "x"), ("0", "1.234")],
    "commas in prices only": [("19,99", "0.5"), ("1.234,50", "1,234"), ("abc", "1.234"), ("5 EUR", "1.25 kg")],
    "unclear weights": [("19,99", "1.234"), ("1.234,50", "1.250"), ("x", "2")],
    "unclear prices": [("19,99", "0,5"), ("1.234", "0,25"), ("2.345", "1.234")],
    "mixed prices": [("19,99", "0.5"), ("21.99", "1.234"), ("1.234", "x")],
    "commas in texts": [(19.99, 1.234), ("1.234,50", 0.5), ("$1,234.50", 1.25), ("abc", "x"), ("0", "1,234 kg")],
    "one text": [(19.99, 1.234), ("€ 1.234,50", 1.25), ("abc", "1,234 kg")],
}
FORMATS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "none": {},
    "euro": {"price": {"decimal_sign": ",", "thousands_separator": ".", "remove": "EUR"}},
    "cents": {"price": {"factor": "0.01"}, "weight_kg": {"factor": "0.001", "remove": "g"}},
    "cents with comma": {
        "price": {"factor": "0.01", "decimal_sign": ","},
        "weight_kg": {"factor": "0.001", "decimal_sign": ",", "thousands_separator": "."},
    },
}


def make_workbook(rows: Sequence[Mapping[str, object]]) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def make_mapping(formats: Mapping[str, Mapping[str, str]]) -> SavedMapping | None:
    columns = {name: {"columns": [name], "number_format": number_format} for name, number_format in formats.items()}
    return SavedMapping("M1", 1, parse_document({"columns": columns}), "Mapping", None) if columns else None


def read(content: bytes, mapping: SavedMapping | None) -> ParsedFile:
    result = parse(content, "UPLOAD_1", "VEND001", choice=MappingChoice(mapping))
    assert not isinstance(result, FileRejection), result
    return result


def list_number_errors(parsed_file: ParsedFile) -> dict[int, list[RowError]]:
    """Return the errors of number columns, by row."""
    errors = {
        row.row_number: [error for error in validate_row(row, CONTEXT) if error.field in NUMBER_COLUMNS]
        for row in parsed_file.rows
    }
    return {row_number: row_errors for row_number, row_errors in errors.items() if row_errors}


def list_suggested_numbers(error: RowError) -> Iterator[str]:
    if hint := re.fullmatch(rf"Did you mean ({_NUMBER})(?: or ({_NUMBER}))?\?", error.hint):
        yield from filter(None, hint.groups())
    if example := re.search(rf", such as ({_NUMBER});", error.message):
        yield example[1]


def write_fix_file(
    before: ParsedFile, errors: Mapping[int, Sequence[RowError]], edit: tuple[int, str, str], file_format: FixFileFormat
) -> bytes:
    """Return the fix file with one edited cell: row, column and value."""
    details = before.file_details
    source = FixFileSource(
        "UPLOAD_1", before.table, details.columns, details.decimal_commas, details.decimal_points, details.delimiter
    )
    reported = [ReportedRow(number, error, {}) for number, row_errors in errors.items() for error in row_errors]
    row_number, column, value = edit
    file = io.BytesIO()
    with closing(CsvFixFile(file, source) if file_format is FixFileFormat.CSV else FixWorkbook(file, source)) as writer:
        for line in list_fix_lines(source, reported):
            values = list(line.values)
            if line.additional_values[1] == str(before.table.lines[row_number - 1]):
                values[list(before.table.header).index(column)] = value
            writer.write(FixLine(line.additional_values, values, line.errors))
    return file.getvalue()


@pytest.mark.parametrize("file_format", FixFileFormat)
@pytest.mark.parametrize("formats", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_hint_entered_exactly_is_accepted_when_the_fix_file_comes_back(
    case: str, formats: str, file_format: FixFileFormat
) -> None:
    rows: list[dict[str, object]] = [
        {**product(str(number)), "price": price, "weight_kg": weight}
        for number, (price, weight) in enumerate(CASES[case])
    ]
    is_workbook = any(isinstance(value, float) for values in CASES[case] for value in values)
    content = make_workbook(rows) if is_workbook else csv_of([{n: str(v) for n, v in row.items()} for row in rows])
    mapping = make_mapping(FORMATS[formats])
    before = read(content, mapping)
    errors = list_number_errors(before)
    numbers = list(errors)
    edits = [
        (row_number, error.field, number)
        for row_number, row_errors in errors.items()
        for error in row_errors
        for number in list_suggested_numbers(error)
    ]
    assert edits
    for edit in edits:
        after = read(write_fix_file(before, errors, edit, file_format), mapping)
        remaining = list_number_errors(after).get(numbers.index(edit[0]) + 1, [])
        assert [error for error in remaining if error.field == edit[1]] == [], edit


@pytest.mark.parametrize("file_format", FixFileFormat)
@pytest.mark.parametrize("case", CASES)
def test_valid_numbers_of_rejected_rows_stay_valid_in_the_fix_file(case: str, file_format: FixFileFormat) -> None:
    rows: list[dict[str, object]] = [
        {**product(str(number)), "price": price, "weight_kg": weight}
        for number, (price, weight) in enumerate(CASES[case])
    ]
    is_workbook = any(isinstance(value, float) for values in CASES[case] for value in values)
    content = make_workbook(rows) if is_workbook else csv_of([{n: str(v) for n, v in row.items()} for row in rows])
    before = read(content, None)
    errors = list_number_errors(before)
    for row in before.rows:
        name = RowError("INVALID_PRODUCT_NAME", "product_name", "x")
        after = read(
            write_fix_file(before, {row.row_number: [name]}, (row.row_number, "product_name", "y"), file_format), None
        )
        invalid_before = {error.field for error in errors.get(row.row_number, [])}
        invalid_after = {error.field for error in list_number_errors(after).get(1, [])}
        assert invalid_after <= invalid_before
        assert {c: after.rows[0].cells.get(c) for c in ("price", "weight_kg") if c not in invalid_before} == {
            c: row.cells.get(c) for c in ("price", "weight_kg") if c not in invalid_before
        }
