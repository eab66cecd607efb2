"""Fix file as a workbook: cells, comments, the list of categories, and values that XML cannot have."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from contextlib import closing

from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from onboarding.domain.models import FileRejection, ReportedRow, RowError
from onboarding.files.fix_file import FixFileSource, list_fix_lines
from onboarding.files.fix_workbook import MAX_COMMENTS, FixWorkbook
from onboarding.files.models import MAX_COLUMNS, Table
from onboarding.files.parser import parse, parse_table
from onboarding.files.xlsx_cells import MAX_COLUMN
from tests.support.running_pipeline import csv_of, product

UPLOAD_ID = "UPLOAD_20241221_103045_0a1b2c3d"
PRICE = RowError("INVALID_PRICE", "price", "Price must be at least 0.01")
CATEGORY = RowError("INVALID_CATEGORY", "category", "Invalid category: Gardn", "Gardn", "", "Did you mean 'Garden'?")
WIDTH = RowError("WRONG_FIELD_COUNT", "row", "The row has 3 of 2 fields")


def write_workbook(source: FixFileSource, errors: Iterable[tuple[int, RowError]]) -> bytes:
    file = io.BytesIO()
    with closing(FixWorkbook(file, source)) as workbook:
        for line in list_fix_lines(source, [ReportedRow(number, error, {}) for number, error in errors]):
            workbook.write(line)
    return file.getvalue()


def make_source(
    header: Sequence[str], rows: Sequence[Sequence[str]], columns: dict[str, str], categories: Sequence[str] = ()
) -> FixFileSource:
    return FixFileSource(UPLOAD_ID, Table(header, rows, range(2, len(rows) + 2)), columns, categories=categories)


def open_workbook(content: bytes) -> Workbook:
    return load_workbook(io.BytesIO(content))


def test_write_wrong_cells_are_coloured_and_explained() -> None:
    columns = {"Art": "vendor_product_id, sku", "Preis": "price", "Gruppe": "category"}
    sku = RowError("DUPLICATE_SKU", "sku", "Duplicate SKU: 0012", "", "", "Row 1 has the same SKU")
    source = make_source(["Art", "Preis", "Gruppe"], [["0012", "", "Gardn"]], columns, ["Garden", "Women's & Men's"])
    book = open_workbook(write_workbook(source, [(1, PRICE), (1, CATEGORY), (1, sku), (1, WIDTH)]))
    sheet, categories = book["Products"], book["_Categories"]
    assert [cell.value for cell in sheet[1]] == ["_upload", "_row", "_errors", "_hint", "Art", "Preis", "Gruppe"]
    assert [cell.value for cell in sheet[2]][:2] + [cell.value for cell in sheet[2]][4:] == [
        UPLOAD_ID, "2", "0012", None, "Gardn",
    ]  # fmt: skip
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert {cell.number_format for row in sheet.iter_rows() for cell in row if cell.value} == {"@"}
    formats = {
        n: d.number_format for d in sheet.column_dimensions.values() for n in range(d.min or 0, (d.max or 0) + 1)
    }
    assert formats == dict.fromkeys(range(1, 8), "@")
    comments = {cell.coordinate: cell.comment.text for cell in sheet[2] if cell.comment is not None}
    assert comments == {
        "E2": "Duplicate SKU: 0012. Row 1 has the same SKU",
        "F2": "Price must be at least 0.01",
        "G2": "Invalid category: Gardn. Did you mean 'Garden'?",
    }
    assert {cell.coordinate for cell in sheet[2] if cell.fill.fgColor.rgb == "FFFFC7CE"} == comments.keys()
    [validation] = sheet.data_validations.dataValidation
    assert (str(validation.sqref), validation.formula1) == ("G2:G10001", "_Categories!$A$1:$A$2")
    assert [cell.value for cell in categories["A"]] == ["Garden", "Women's & Men's"]


def test_write_equal_content_results_in_equal_files() -> None:
    source = make_source(["SKU", "Price"], [["S-1", ""]], {"SKU": "sku", "Price": "price"})
    contents = [write_workbook(source, [(1, PRICE)]) for _ in range(2)]
    assert contents[0] == contents[1]
    properties = open_workbook(contents[0]).properties
    assert {str(properties.created), str(properties.modified)} == {"2000-01-01 00:00:00"}, "not the time of writing"


def test_write_file_with_status_has_a_list_of_our_statuses() -> None:
    source = make_source(["State", "Price"], [["hidden", "0"]], {"State": "status", "Price": "price"})
    [validation] = open_workbook(write_workbook(source, [(1, PRICE)]))["Products"].data_validations.dataValidation
    assert (str(validation.sqref), validation.formula1) == ("E2:E10001", '"active,inactive"')


def test_write_file_without_category_has_no_list() -> None:
    book = open_workbook(write_workbook(make_source(["sku"], [["1"]], {"sku": "sku"}, ["Garden"]), [(1, PRICE)]))
    assert book["Products"].data_validations.dataValidation == []
    assert book["Products"]["E2"].comment is None


def test_write_many_wrong_cells_are_coloured_without_comments() -> None:
    row_count = MAX_COMMENTS + 1
    source = make_source(["price"], [["0"]] * row_count, {"price": "price"})
    sheet = open_workbook(write_workbook(source, [(number, PRICE) for number in range(1, row_count + 1)]))["Products"]
    cells = [cell for (cell,) in sheet.iter_rows(min_row=2, min_col=5)]
    assert [cell.comment is not None for cell in cells] == [True] * MAX_COMMENTS + [False]
    assert {cell.fill.fgColor.rgb for cell in cells} == {"FFFFC7CE"}


def test_write_row_with_more_values_than_a_file_has_columns_is_shortened() -> None:
    source = make_source(["sku", "price"], [["1", "2", *["x"] * MAX_COLUMN]], {"sku": "sku", "price": "price"})
    content = write_workbook(source, [(1, WIDTH)])
    assert open_workbook(content)["Products"].max_column == MAX_COLUMNS
    assert not isinstance(parse_table(content), FileRejection)


def test_write_escaping_is_visible_only_where_reading_needs_it() -> None:
    values = ["=A1", "'a", "'=1", "+49 30", "@x", "#N/A", "0012", "8710398500012"]
    source = make_source(["a", "b", "c", "d", "e", "f", "g", "h"], [values], {})
    content = write_workbook(source, [(1, PRICE)])
    cells = open_workbook(content)["Products"][2][4:]
    assert [cell.value for cell in cells] == ["=A1", "'a", "''=1", "+49 30", "@x", "#N/A", "0012", "8710398500012"]
    table = parse_table(content)
    assert not isinstance(table, FileRejection)
    assert table.rows == [values]


texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("_x0041\r\n\t<&>\"'=\x01\ufffe"), max_size=20
)


@settings(deadline=None)
@example(["_x0041_x000D_", "_xD800_", "\x00\x1f\r\n", "]]>", " a ", "\ufffe"])
@given(st.lists(texts, min_size=1, max_size=8))
def test_write_any_text_is_read_unchanged_or_with_a_character_that_is_an_error(values: list[str]) -> None:
    header = ["sku", *(f"c{number}" for number in range(len(values))), "end"]
    table = parse_table(write_workbook(make_source(header, [["1", *values, "2"]], {}), [(1, PRICE)]))
    assert not isinstance(table, FileRejection)
    assert list(table.header) == header
    for value, text in zip(values, table.rows[0][1:-1], strict=True):
        is_writable = re.search("[\ufffe\uffff]|_x[0-9A-Fa-f]{4}_x[0-9A-Fa-f]{4}_", value) is None
        assert text == value if is_writable else "\ufffb" in text


def test_write_text_beyond_the_limit_of_a_cell_is_shortened() -> None:
    content = write_workbook(make_source(["sku", "Remark"], [["1", "😀" * 20_000]], {}), [(1, PRICE)])
    assert open_workbook(content)["Products"]["F2"].value == "😀" * 16_383


def test_parse_numbers_entered_into_the_workbook_are_read() -> None:
    """A spreadsheet program may make a number of an entered text."""
    before = parse(csv_of([product("1", price="x", stock_quantity="y")]), "UPLOAD_1", "VEND001")
    assert not isinstance(before, FileRejection)
    source = FixFileSource(UPLOAD_ID, before.table, before.file_details.columns)
    book = open_workbook(write_workbook(source, [(1, PRICE)]))
    sheet = book["Products"]
    cells = {name.value: cell for name, cell in zip(sheet[1], sheet[2], strict=True)}
    cells["price"].value, cells["stock_quantity"].value = 12.5, 3
    file = io.BytesIO()
    book.save(file)
    after = parse(file.getvalue(), "UPLOAD_2", "VEND001")
    assert not isinstance(after, FileRejection)
    [row] = after.rows
    assert (row.cells["price"], row.cells["stock_quantity"]) == ("12.5", "3")
    assert {**before.rows[0].cells, "price": "12.5", "stock_quantity": "3"} == row.cells
