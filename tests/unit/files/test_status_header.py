"""Headers named like our column `status`: it is our column, or that of another system."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest

from onboarding.domain.error_codes import WarningCode
from onboarding.domain.mappings import HeaderMapping, HeaderSource, MappingChoice, MappingDocument, SavedMapping
from onboarding.domain.models import FileRejection, RowError
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.fix_file import CsvFixFile, FixFileSource, FixLine
from onboarding.files.parser import ParsedFile, parse
from tests.support.workbook_builder import row as build_row
from tests.support.workbook_builder import workbook

REQUIRED_NAMES = ["vendor_product_id", "product_name", "category", "sku", "price", "stock_quantity"]


def list_lines(statuses: Sequence[str], *names: str) -> list[list[str]]:
    """Return a header with these names after the required columns, and a row for each value under all of them."""
    rows = [
        [f"P-{n}", "Mug", "Kitchen", f"S-{n}", "9.50", "3", *[status] * len(names)] for n, status in enumerate(statuses)
    ]
    return [[*REQUIRED_NAMES, *names], *rows]


def build_csv(lines: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def parse_statuses(*statuses: str, name: str = "Status", document: MappingDocument | None = None) -> ParsedFile:
    fixed = SavedMapping("M1", 1, document) if document is not None else None
    content = build_csv(list_lines(statuses, name))
    result = parse(content, "UPLOAD_1", "VEND001", choice=MappingChoice(fixed))
    assert not isinstance(result, FileRejection), result
    return result


def list_cells(parsed: ParsedFile) -> list[str | None]:
    return [row.cells.get("status") for row in parsed.rows]


def list_messages(parsed: ParsedFile) -> list[str]:
    return [warning.message for warning in parsed.warnings if warning.code == WarningCode.UNKNOWN_COLUMN]


@pytest.mark.parametrize("name", ["status", "Status", "STATUS", '="Status"', "Status (optional)"])
@pytest.mark.parametrize("statuses", [["active", "draft"], ["INACTIVE", "1"], ["x", "", "Blocked"]])
def test_parse_status_with_one_of_our_values_is_our_column(name: str, statuses: list[str]) -> None:
    parsed = parse_statuses(*statuses, name=name)
    own_values = {"active", "inactive", "blocked"}
    expected = [status.casefold() if status.casefold() in own_values else status or None for status in statuses]
    assert list_cells(parsed) == expected
    assert list_messages(parsed) == []
    assert list(parsed.file_details.columns.values())[-1] == "status"


@pytest.mark.parametrize("statuses", [["draft"], ["1", "0"], ["", "in stock"], ["inactive since May"], ["activ"]])
def test_parse_status_without_our_values_is_ignored_with_a_warning(statuses: list[str]) -> None:
    parsed = parse_statuses(*statuses)
    assert list_cells(parsed) == [None] * len(statuses)
    [message] = list_messages(parsed)
    assert message == (
        "The column 'Status' was not read: none of its values is active, inactive or blocked. To import them, map the "
        "column and its values to status"
    )
    assert parsed.file_details.unknown == ["Status"]
    [header] = [header for header in parsed.headers if header.name == "Status"]
    assert (header.columns, header.source) == ((), HeaderSource.UNKNOWN)
    context = ValidationContext({"Kitchen"}, set(), set())
    assert [validate_row(row, context) for row in parsed.rows] == [[]] * len(statuses)


def test_parse_status_without_values_has_no_warning() -> None:
    parsed = parse_statuses("", "")
    assert (list_cells(parsed), list_messages(parsed)) == ([None, None], [])


def test_parse_status_of_a_workbook_without_our_values_is_ignored() -> None:
    parsed = parse(
        workbook("".join(build_row(*line) for line in list_lines(["draft", "live"], "Status"))), "UPLOAD_1", "VEND001"
    )
    assert isinstance(parsed, ParsedFile)
    assert (list_cells(parsed), len(list_messages(parsed))) == ([None, None], 1)


def test_parse_status_that_a_mapping_feeds_is_followed() -> None:
    parsed = parse_statuses("draft", document=MappingDocument({"Status": HeaderMapping(("status",))}))
    assert (list_cells(parsed), list_messages(parsed)) == (["draft"], [])


def test_parse_status_that_a_mapping_ignores_is_ignored() -> None:
    parsed = parse_statuses("active", document=MappingDocument({"Status": HeaderMapping(())}))
    assert (list_cells(parsed), list_messages(parsed)) == ([None], [])


def test_parse_status_with_values_that_a_mapping_translates_is_our_column() -> None:
    parsed = parse_statuses("DRAFT", document=MappingDocument(values={"status": {"draft": "inactive"}}))
    assert (list_cells(parsed), list_messages(parsed)) == (["DRAFT"], [])


def test_parse_status_of_an_export_is_our_column() -> None:
    lines = list_lines(["hidden"], "status", "_version")
    parsed = parse(build_csv(lines), "UPLOAD_1", "VEND001")
    assert isinstance(parsed, ParsedFile)
    assert (list_cells(parsed), list_messages(parsed)) == (["hidden"], [])


def test_parse_several_statuses_one_with_our_values_reads_it() -> None:
    lines = list_lines(["active", "inactive"], "Status", "status")
    lines = [lines[0], *([*line[:-1], "paid"] for line in lines[1:])]
    parsed = parse(build_csv(lines), "UPLOAD_1", "VEND001")
    assert isinstance(parsed, ParsedFile)
    assert list_cells(parsed) == ["active", "inactive"]
    assert list_messages(parsed) == ["The column 'status' was not read, because the header also has 'Status'"]


def test_parse_several_statuses_with_our_values_is_rejected() -> None:
    result = parse(build_csv(list_lines(["active"], "Status", "status")), "UPLOAD_1", "VEND001")
    assert isinstance(result, FileRejection)
    assert (result.code, result.reason) == (
        "DUPLICATE_COLUMNS",
        "The header line names a column more than once: status (as 'Status' and 'status')",
    )
    assert [header.name for header in result.headers][-2:] == ["Status", "status"]


def test_parse_several_statuses_without_our_values_are_ignored() -> None:
    parsed = parse(build_csv(list_lines(["paid"], "Status", "status")), "UPLOAD_1", "VEND001")
    assert isinstance(parsed, ParsedFile)
    assert (list_cells(parsed), len(list_messages(parsed))) == ([None], 2)


def build_fix_file(statuses: Sequence[str], errors: Sequence[Sequence[RowError]]) -> bytes:
    """Return the fix file of an upload with these statuses, all of whose rows were rejected."""
    parsed = parse_statuses("active", *statuses)
    source = FixFileSource("UPLOAD_1", parsed.table, parsed.file_details.columns)
    file = io.BytesIO()
    fix_file = CsvFixFile(file, source)
    for number, (values, row_errors) in enumerate(zip(parsed.table.rows[1:], errors, strict=True), 2):
        messages = "; ".join(error.message for error in row_errors)
        fix_file.write(FixLine(("UPLOAD_1", str(number), messages, ""), values, row_errors))
    fix_file.close()
    return file.getvalue()


def test_parse_fix_file_of_rows_with_a_wrong_status_reads_them_again() -> None:
    context = ValidationContext({"Kitchen"}, set(), set())
    errors = [validate_row(row, context) for row in parse_statuses("active", "draft", "hidden").rows[1:]]
    assert [[error.error_type for error in row_errors] for row_errors in errors] == [["INVALID_STATUS"]] * 2
    parsed = parse(build_fix_file(["draft", "hidden"], errors), "UPLOAD_2", "VEND001")
    assert isinstance(parsed, ParsedFile)
    assert (list_cells(parsed), list_messages(parsed)) == (["draft", "hidden"], [])


def test_parse_fix_file_of_rows_with_other_errors_ignores_a_foreign_status() -> None:
    error: Any = RowError("INVALID_PRICE", "price", "Price must be at least 0.01", "0", "a price")
    parsed = parse(build_fix_file(["draft"], [[error]]), "UPLOAD_2", "VEND001")
    assert isinstance(parsed, ParsedFile)
    assert (list_cells(parsed), len(list_messages(parsed))) == ([None], 1)
