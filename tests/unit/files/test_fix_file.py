"""Fix file: rejected rows, which parse to the rows of the uploaded file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain.models import FileRejection, ReportedRow, RowError
from onboarding.domain.product_schema import COLUMNS
from onboarding.files.fix_file import (
    CsvFixFile,
    FixFileFormat,
    FixFileSource,
    fix_file_key,
    fix_file_name,
    list_fix_lines,
)
from onboarding.files.fix_workbook import FixWorkbook
from onboarding.files.formula_escaping import escape_formula, unescape_formula
from onboarding.files.models import Table
from onboarding.files.parser import parse, parse_table
from tests.support.paths import OUTCOMES
from tests.support.postgres_fixtures import make_upload
from tests.support.running_pipeline import csv_of, product

PRICE = RowError("INVALID_PRICE", "price", "Price must be at least 0.01", "0", "a number", "")
CATEGORY = RowError("INVALID_CATEGORY", "category", "Invalid category: Gardn", "Gardn", "", "Did you mean 'Garden'?")
SKU = RowError("DUPLICATE_SKU", "sku", "Duplicate SKU: S", "S", "another", "Row 1 has the same SKU")


def make_errors(row_number: int, *errors: RowError) -> list[ReportedRow]:
    return [ReportedRow(row_number, error, {}) for error in errors or (PRICE,)]


UPLOAD_ID = "UPLOAD_20241221_103045_0a1b2c3d"


def build_fix_file(
    table: Table,
    errors: Iterable[ReportedRow],
    decimal_commas: Sequence[str] = (),
    delimiter: str | None = None,
    decimal_points: Sequence[str] = (),
) -> bytes:
    file = io.BytesIO()
    source = FixFileSource(UPLOAD_ID, table, {}, decimal_commas, decimal_points, delimiter)
    writer = CsvFixFile(file, source)
    for line in list_fix_lines(source, errors):
        writer.write(line)
    writer.close()
    return file.getvalue()


def build_fix_workbook(
    table: Table,
    errors: Iterable[ReportedRow],
    decimal_commas: Sequence[str] = (),
    _: str | None = None,
    decimal_points: Sequence[str] = (),
) -> bytes:
    return write_workbook(FixFileSource(UPLOAD_ID, table, {}, decimal_commas, decimal_points), errors)


def write_workbook(source: FixFileSource, errors: Iterable[ReportedRow]) -> bytes:
    file = io.BytesIO()
    with closing(FixWorkbook(file, source)) as workbook:
        for line in list_fix_lines(source, errors):
            workbook.write(line)
    return file.getvalue()


def read_table(content: bytes) -> Table:
    table = parse_table(content)
    assert not isinstance(table, FileRejection), table
    return table


def read_lines(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def test_fix_file_key_is_beside_the_report() -> None:
    assert [fix_file_key(make_upload(), file_format) for file_format in FixFileFormat] == [
        f"errors/VEND001/{UPLOAD_ID}_fix.csv",
        f"errors/VEND001/{UPLOAD_ID}_fix.xlsx",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("spring-collection.xlsx", "spring-collection – fixes"),
        ("spring-collection – fixes.xlsx", "spring-collection – fixes"),
        ("spring-collection – fixes (2).csv", "spring-collection – fixes"),
        ("spring-collection - fixes.csv", "spring-collection – fixes"),
        ("spring-collection_fixes.csv", "spring-collection – fixes"),
        ("prefixes.csv", "prefixes – fixes"),
        ("fixes.csv", "fixes – fixes"),
        ("v1.2", "v1 – fixes"),
        ("products", "products – fixes"),
    ],
)
def test_fix_file_name_is_that_of_the_original(name: str, expected: str) -> None:
    upload = replace(make_upload(), file_name=name)
    assert [fix_file_name(upload, file_format) for file_format in FixFileFormat] == [
        f"{expected}.csv",
        f"{expected}.xlsx",
    ]


def test_write_fix_file_rejected_rows_have_their_errors() -> None:
    table = Table(("Shelf", "SKU", "Remark"), [("A", "S-1", ""), ("B", " S-2 ", "-1.50"), ("C", "", "=1")], (2, 3, 4))
    content = build_fix_file(table, [*make_errors(2), *make_errors(3, CATEGORY, PRICE, SKU)])
    assert content.startswith(b"\xef\xbb\xbf")
    assert read_lines(content) == [
        ["_upload", "_row", "_errors", "_hint", "Shelf", "SKU", "Remark"],
        [UPLOAD_ID, "3", "Price must be at least 0.01", "", "B", " S-2 ", "-1.50"],
        [
            UPLOAD_ID,
            "4",
            "Invalid category: Gardn; Price must be at least 0.01; Duplicate SKU: S",
            "Did you mean 'Garden'?; Row 1 has the same SKU",
            "C",
            "",
            "'=1",
        ],
    ]


def test_fix_file_messages_with_column_names_are_not_the_header() -> None:
    table = Table(("vendor_product_id", "sku"), [("P1", "")], (2,))
    message = "Missing required fields: product_name, category, sku, price, stock_quantity"
    error = RowError("MISSING_REQUIRED_FIELDS", "sku", message)
    for delimiter in ("semicolon", "tab", "pipe", "comma"):
        content = build_fix_file(table, make_errors(1, error), (), delimiter)
        assert (read_table(content).header, read_table(content).rows) == (list(table.header), [["P1", ""]])


@pytest.mark.parametrize(("delimiter", "character"), [("semicolon", ";"), ("tab", "\t"), ("comma", ","), (None, ",")])
def test_fix_file_of_any_delimiter_uses_that_delimiter(delimiter: str | None, character: str) -> None:
    table = Table(("vendor_product_id", "price"), [("P;1,\t", "-1,50")], (2,))
    content = build_fix_file(table, make_errors(1), ("price",), delimiter).decode("utf-8-sig")
    assert content.splitlines()[0] == character.join(
        ["_upload", "_row", "_errors", "_hint", "_decimal_comma", *table.header]
    )
    assert list(csv.reader(io.StringIO(content, newline=""), delimiter=character))[1][-2:] == ["P;1,\t", "-1,50"]
    second = parse(content.encode(), "UPLOAD_1", "VEND001", required=())
    assert not isinstance(second, FileRejection)
    assert second.table.rows == [["P;1,\t", "-1,50"]]


def test_fix_file_row_of_another_width_keeps_its_width() -> None:
    table = Table(("a", "b"), [("1", "2", "3"), ("4",)], (2, 3))
    assert [line[4:] for line in read_lines(build_fix_file(table, make_errors(1) + make_errors(2)))] == [
        ["a", "b"],
        ["1", "2", "3"],
        ["4"],
    ]


def test_write_fix_file_missing_row_is_omitted() -> None:
    """The version of the package that validated the file may have read more rows from it."""
    table = Table(("a", "b"), [("1", "2"), ("3", "4")], (2, 3))
    lines = read_lines(build_fix_file(table, [*make_errors(2), *make_errors(3), *make_errors(9)]))
    assert [line[1] for line in lines] == ["_row", "3"]


@pytest.mark.parametrize("path", OUTCOMES, ids=lambda path: path.stem)
def test_fix_file_of_corpus_file_parses_to_the_same_rows(path: Path) -> None:
    """The fix file is CSV in UTF-8; the format of the uploaded file makes no difference."""
    content = path.with_suffix("").read_bytes()
    before = parse(content, "UPLOAD_1", "VEND001")
    if isinstance(before, FileRejection):
        return
    errors = [line for row in before.rows for line in make_errors(row.row_number)]
    details = before.file_details
    options = details.decimal_commas, details.delimiter, details.decimal_points
    fix_file = build_fix_file(before.table, errors, *options)
    after = parse(fix_file, "UPLOAD_1", "VEND001")
    assert not isinstance(after, FileRejection), after
    assert (after.table.header, after.table.rows) == (before.table.header, before.table.rows)
    # Row numbers differ, and so do those of the earlier rows in `duplicate_of`.
    assert [(row.cells, row.unclear, row.duplicate_of.keys()) for row in after.rows] == [
        (row.cells, row.unclear, row.duplicate_of.keys()) for row in before.rows
    ]
    # A vendor who corrects some of the errors uploads the fix file of a fix file.
    second = parse(build_fix_file(read_table(fix_file), errors, *options), "UPLOAD_1", "VEND001")
    assert not isinstance(second, FileRejection), second
    assert (second.table, second.rows) == (after.table, after.rows)
    # Short rows are filled up in a workbook, as spreadsheet programs do.
    if any(row.surplus_fields for row in before.rows):
        return
    workbook = parse(build_fix_workbook(before.table, errors, *options), "UPLOAD_1", "VEND001")
    assert not isinstance(workbook, FileRejection), workbook
    assert workbook.rows == after.rows


def test_fix_file_decimal_comma_is_unchanged() -> None:
    rows = [product("1", price="1,50", weight_kg="0,5"), product("2", price="0", weight_kg="1,250")]
    before = parse(csv_of(rows), "UPLOAD_1", "VEND001")
    assert not isinstance(before, FileRejection)
    assert before.rows[1].cells["weight_kg"] == "1.250"
    fix_file = build_fix_file(before.table, make_errors(2), before.file_details.decimal_commas)
    assert [line[4] for line in read_lines(fix_file)] == ["_decimal_comma", "price, weight_kg"]
    after = parse(fix_file, "UPLOAD_1", "VEND001")
    assert not isinstance(after, FileRejection)
    assert after.rows[0].cells == before.rows[1].cells
    assert after.file_details.decimal_commas == ["price", "weight_kg"]
    # Without that column the commas are unclear.
    without_column = parse(fix_file.replace(b"_decimal_comma", b"_"), "UPLOAD_1", "VEND001")
    assert not isinstance(without_column, FileRejection)
    assert without_column.rows[0].cells["weight_kg"] == "1,250"
    assert [warning.code for warning in without_column.warnings] == ["UNKNOWN_COLUMN", "UNCLEAR_COMMAS"]


values = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\ufeff") | st.sampled_from("=+-@'\t\r\n\";,| "), max_size=12
)


@settings(deadline=None)
@given(st.lists(st.tuples(values, values, values), min_size=1, max_size=5))
def test_fix_file_unchanged_cells_are_equal(rows: list[tuple[str, str, str]]) -> None:
    columns = ("Remark", *COLUMNS, "Shelf")
    products = [
        product(str(n)) | {"Remark": remark, "Shelf": f"x{shelf}", "description": f"d{description}"}
        for n, (remark, shelf, description) in enumerate(rows)
    ]
    table = read_table(csv_of(products, columns))
    assert [list(row) for row in table.rows] == [[row[column] for column in columns] for row in products]
    errors = [line for n in range(1, len(rows) + 1) for line in make_errors(n)]
    for content in (build_fix_file(table, errors), build_fix_workbook(table, errors)):
        copy = read_table(content)
        assert (copy.header, copy.rows) == (table.header, table.rows)


@given(st.text())
def test_unescape_formula_escaped_text_is_restored(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text
    assert not escape_formula(text).startswith(("=", "@", "\t", "\r"))


def test_escape_formula_numbers_are_unchanged_and_apostrophes_doubled() -> None:
    assert [escape_formula(text) for text in ("-10.00", "-1.234,50", "+5", "-a", "'a")] == [
        "-10.00",
        "-1.234,50",
        "+5",
        "'-a",
        "''a",
    ]
    assert [unescape_formula(text) for text in ("'a", "'", "''a", "'=1")] == ["'a", "'", "'a", "=1"]
