"""Fix file: rejected rows of the vendor, which parse to the same rows except for corrections."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain.models import FileRejection, ReportedRow, RowError
from onboarding.domain.product_schema import COLUMNS
from onboarding.files.fix_file import fix_file_key, write_fix_file
from onboarding.files.formula_escaping import escape_formula, unescape_formula
from onboarding.files.models import Table
from onboarding.files.parser import parse, table_of
from tests.support.paths import OUTCOMES
from tests.support.postgres_fixtures import make_upload
from tests.support.running_pipeline import csv_of, product

PRICE = RowError("INVALID_PRICE", "price", "Price must be at least 0.01", "0", "a number", "")
CATEGORY = RowError("INVALID_CATEGORY", "category", "Invalid category: Gardn", "Gardn", "", "Did you mean 'Garden'?")
SKU = RowError("DUPLICATE_SKU", "sku", "Duplicate SKU: S", "S", "another", "Row 1 has the same SKU")


def reported(row_number: int, *errors: RowError) -> list[ReportedRow]:
    return [ReportedRow(row_number, error, {}) for error in errors or (PRICE,)]


def fix_file_of(
    table: Table, errors: Iterable[ReportedRow], decimal_commas: Sequence[str] = (), delimiter: str | None = None
) -> bytes:
    file = io.BytesIO()
    write_fix_file(file, table, errors, decimal_commas, delimiter)
    return file.getvalue()


def table_read(content: bytes) -> Table:
    table = table_of(content)
    assert not isinstance(table, FileRejection), table
    return table


def lines_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def test_fix_file_key_is_beside_the_report() -> None:
    assert fix_file_key(make_upload()) == "errors/VEND001/UPLOAD_20241221_103045_0a1b2c3d_fix.csv"


def test_fix_file_has_rejected_rows_with_their_errors() -> None:
    table = Table(("Shelf", "SKU", "Remark"), [("A", "S-1", ""), ("B", " S-2 ", "-1.50"), ("C", "", "=1")], (2, 3, 4))
    content = fix_file_of(table, [*reported(2), *reported(3, CATEGORY, PRICE, SKU)])
    assert content.startswith(b"\xef\xbb\xbf")
    assert lines_of(content) == [
        ["_row", "_errors", "_hint", "Shelf", "SKU", "Remark"],
        ["3", "Price must be at least 0.01", "", "B", " S-2 ", "-1.50"],
        [
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
    missing = "Missing required fields: product_name, category, sku, price, stock_quantity"
    error = RowError("MISSING_REQUIRED_FIELDS", "sku", missing)
    for delimiter in ("semicolon", "tab", "pipe", "comma"):
        content = fix_file_of(table, reported(1, error), (), delimiter)
        assert (table_read(content).header, table_read(content).rows) == (list(table.header), [["P1", ""]])


@pytest.mark.parametrize(("delimiter", "mark"), [("semicolon", ";"), ("tab", "\t"), ("comma", ","), (None, ",")])
def test_fix_file_uses_the_delimiter_of_the_vendor(delimiter: str | None, mark: str) -> None:
    table = Table(("vendor_product_id", "price"), [("P;1,\t", "-1,50")], (2,))
    content = fix_file_of(table, reported(1), ("price",), delimiter).decode("utf-8-sig")
    assert content.splitlines()[0] == mark.join(["_row", "_errors", "_hint", "_decimal_comma", *table.header])
    assert list(csv.reader(io.StringIO(content, newline=""), delimiter=mark))[1][-2:] == ["P;1,\t", "-1,50"]
    again = parse(content.encode(), "UPLOAD_1", "VEND001", required=())
    assert not isinstance(again, FileRejection)
    assert again.table.rows == [["P;1,\t", "-1,50"]]


def test_fix_file_row_of_another_width_keeps_its_width() -> None:
    table = Table(("a", "b"), [("1", "2", "3"), ("4",)], (2, 3))
    assert [line[3:] for line in lines_of(fix_file_of(table, reported(1) + reported(2)))] == [
        ["a", "b"],
        ["1", "2", "3"],
        ["4"],
    ]


def test_fix_file_missing_rows_are_left_out() -> None:
    """Another version of this package may have read more of them, and the report has them all."""
    table = Table(("a", "b"), [("1", "2"), ("3", "4")], (2, 3))
    lines = lines_of(fix_file_of(table, [*reported(2), *reported(3), *reported(9)]))
    assert [line[0] for line in lines] == ["_row", "3"]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda path: path.stem)
def test_fix_file_of_corpus_file_parses_to_the_same_rows(outcome: Path) -> None:
    """Whatever it was, workbook or Windows-1252: the same header, the same values, the same rows."""
    content = outcome.with_suffix("").read_bytes()
    before = parse(content, "UPLOAD_1", "VEND001")
    if isinstance(before, FileRejection):
        return
    errors = [line for row in before.rows for line in reported(row.row_number)]
    how = before.detected.decimal_commas, before.detected.delimiter
    fix_file = fix_file_of(before.table, errors, *how)
    after = parse(fix_file, "UPLOAD_1", "VEND001")
    assert not isinstance(after, FileRejection), after
    assert (after.table.header, after.table.rows) == (before.table.header, before.table.rows)
    # Rows may stand elsewhere than in the file, and so may the earlier rows that they repeat.
    assert [(row.cells, row.duplicate_of.keys()) for row in after.rows] == [
        (row.cells, row.duplicate_of.keys()) for row in before.rows
    ]
    # And a second time, as a vendor does who fixes one error of two.
    again = parse(fix_file_of(table_read(fix_file), errors, *how), "UPLOAD_1", "VEND001")
    assert not isinstance(again, FileRejection), again
    assert (again.table, again.rows) == (after.table, after.rows)


def test_fix_file_decimal_comma_is_kept() -> None:
    rows = [product("1", price="1,50", weight_kg="0,5"), product("2", price="0", weight_kg="1,250")]
    before = parse(csv_of(rows), "UPLOAD_1", "VEND001")
    assert not isinstance(before, FileRejection)
    assert before.rows[1].cells["weight_kg"] == "1.250"
    fix_file = fix_file_of(before.table, reported(2), before.detected.decimal_commas)
    assert [line[3] for line in lines_of(fix_file)] == ["_decimal_comma", "price, weight_kg"]
    after = parse(fix_file, "UPLOAD_1", "VEND001")
    assert not isinstance(after, FileRejection)
    assert after.rows[0].cells == before.rows[1].cells
    assert after.detected.decimal_commas == ["price", "weight_kg"]
    # Without that column nobody could tell.
    bare = parse(fix_file.replace(b"_decimal_comma", b"_"), "UPLOAD_1", "VEND001")
    assert not isinstance(bare, FileRejection)
    assert bare.rows[0].cells["weight_kg"] == "1,250"
    assert [warning.code for warning in bare.warnings] == ["UNKNOWN_COLUMN", "UNCLEAR_COMMAS"]


value = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\ufeff") | st.sampled_from("=+-@'\t\r\n\";,| "), max_size=12
)


@settings(deadline=None)
@given(st.lists(st.tuples(value, value, value), min_size=1, max_size=5))
def test_fix_file_unchanged_cells_are_equal_byte_for_byte(rows: list[tuple[str, str, str]]) -> None:
    columns = ("Remark", *COLUMNS, "Shelf")
    written = [
        product(str(n)) | {"Remark": remark, "Shelf": f"x{shelf}", "description": f"d{description}"}
        for n, (remark, shelf, description) in enumerate(rows)
    ]
    table = table_read(csv_of(written, columns))
    assert [list(row) for row in table.rows] == [[row[column] for column in columns] for row in written]
    errors = [line for n in range(1, len(rows) + 1) for line in reported(n)]
    again = table_read(fix_file_of(table, errors))
    assert (again.header, again.rows) == (table.header, table.rows)


@given(st.text())
def test_fix_file_escaped_formula_is_restored(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text
    assert not escape_formula(text).startswith(("=", "@", "\t", "\r"))


def test_fix_file_numbers_and_apostrophes_are_not_escaped() -> None:
    assert [escape_formula(text) for text in ("-10.00", "-1.234,50", "+5", "-a", "'a")] == [
        "-10.00",
        "-1.234,50",
        "+5",
        "'-a",
        "''a",
    ]
    assert [unescape_formula(text) for text in ("'a", "'", "''a", "'=1")] == ["'a", "'", "'a", "=1"]
