"""Workbook reader: cell types, renamed parts, damage, and several sheets."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import REQUIRED
from onboarding.files import xlsx_reader
from onboarding.files.parser import ParsedFile, parse, parse_table
from tests.support.workbook_builder import PARTS, SHEET, TABLE, VALID, pack, row, workbook, workbook_at


def parse_content(content: bytes) -> ParsedFile | FileRejection:
    return parse(content, "UPLOAD_1", "VEND001")


def rejection_code(content: bytes) -> str:
    result = parse_content(content)
    assert isinstance(result, FileRejection), result.file_details
    return result.code


def test_read_smallest_workbook_returns_its_row() -> None:
    result = parse_content(workbook())
    assert isinstance(result, ParsedFile)
    assert result.rows[0].cells == dict(zip(REQUIRED, VALID, strict=True))


def test_read_formula_without_result_in_part_of_another_name_is_returned() -> None:
    result = parse_content(
        workbook_at(row(*REQUIRED) + row(*VALID[:3]).replace("</row>", '<c><f>"S-"&amp;1</f></c></row>'))
    )
    assert isinstance(result, ParsedFile)
    assert result.rows[0].cells["sku"] == '="S-"&1'


def test_read_document_type_is_rejected() -> None:
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><worksheet '
    assert rejection_code(workbook(TABLE.replace("Mug", "&a;"), sheet=("<worksheet ", entities))) == "UNREADABLE_XLSX"


def test_read_strict_workbook_is_rejected_with_instruction() -> None:
    transitional, strict = (
        "http://schemas.openxmlformats.org/spreadsheetml/2006/",
        "http://purl.oclc.org/ooxml/spreadsheetml/",
    )
    result = parse_content(
        workbook(sheet=(transitional, strict), book=(transitional, strict), styles=(transitional, strict))
    )
    assert isinstance(result, FileRejection)
    assert result.code == "NOT_A_TABLE"
    assert "save it as 'Excel Workbook (.xlsx)'" in result.reason


# Cells


def read_cells(cells: str, **changes: tuple[str, str]) -> list[str]:
    """Return the values of a row with these cells that are not blank."""
    # A single value at the end of a sheet is a note: add a product below it.
    product = row("S-2", "1")
    result = parse_table(workbook(row("sku", "price", *"abcdefgh") + f"<row>{cells}</row>" + product, **changes))
    assert not isinstance(result, FileRejection), result
    return [value for value in result.rows[0] if value]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ('<c t="inlineStr"><is><r><t>Blue </t></r><r><t>mug</t></r><rPh><t>x</t></rPh></is></c>', ["Blue mug"]),
        ('<c t="inlineStr"><is><t>a_x000D_b</t></is></c>', ["a\rb"]),
        ('<c t="b"><v>1</v></c><c t="b"><v>0</v></c>', ["TRUE", "FALSE"]),
        ('<c t="e"><v>#REF!</v></c>', ["#REF!"]),
        ('<c t="str"><f>A1</f><v>x</v></c>', ["x"]),
        ('<c t="str"><f>A1</f></c><c><v>1</v></c>', ["1"]),
        ("<c><f>A1+1</f></c>", ["=A1+1"]),
        ('<c><f t="shared" si="0"/></c>', ["=?"]),
        ("<c><f>A1</f><v>2</v></c>", ["2"]),
        ('<c/><c/><c t="d"><v>2024-03-12</v></c><c t="d"><v>2024-03-12T10:00:00Z</v></c>',
         ["2024-03-12", "2024-03-12 10:00:00"]),
        ('<c/><c/><c s="1"><v>45363</v></c>', ["2024-03-12"]),
        ('<c/><c/><c s="01"><v>45363</v></c>', ["2024-03-12"]),
        ("<c><v> 7 </v></c><c><v>7.0</v></c><c><v>19.989999999999998</v></c>", ["7", "7", "19.99"]),
        ('<c r="B2"><v>1</v></c><c><v>2</v></c>', ["1", "2"]),
        ('<c r="C2"><v>3</v></c><c r="A2"><v>1</v></c>', ["1", "3"]),
        ('<c r="$A$2"><v>1</v></c>', []),
    ],
)  # fmt: skip
def test_read_cell_of_each_type_has_its_value(cells: str, values: list[str]) -> None:
    if not values:
        assert rejection_code(workbook(TABLE + f"<row>{cells}</row>")) == "UNREADABLE_XLSX"
        return
    assert read_cells(cells) == values


def test_read_dates_in_the_1904_date_system_are_shifted() -> None:
    date_system = ("<sheets>", '<workbookPr date1904="true"/><sheets>')
    assert (
        read_cells('<c/><c/><c s="1"><v>43901</v></c><c t="d"><v>2024-03-12</v></c>', book=date_system)
        == ["2024-03-12"] * 2
    )


@pytest.mark.parametrize(
    "cells",
    [
        '<c t="s"><v>0</v></c>',
        '<c t="b"><v>x</v></c>',
        '<c t="d"><v>soon</v></c>',
        '<c t="other"><v>1</v></c>',
        "<c><v>abc</v></c>",
        '<c r="A3"><v>1</v></c><c r="A4"><v>1</v></c>',
        '<c r="A3"><v>1</v></c><c r="A3"><v>2</v></c>',
        '<c r="XFE3"><v>1</v></c>',
        '<c r="Ä3"><v>1</v></c>',
        '<c r="3"><v>1</v></c>',
        '<c r="A"><v>1</v></c>',
    ],
)
def test_read_invalid_cell_is_rejected_as_damaged(cells: str) -> None:
    assert rejection_code(workbook(TABLE + f"<row>{cells}</row>")) == "UNREADABLE_XLSX"


def test_read_two_parts_with_the_same_name_are_rejected_as_damaged() -> None:
    contents = {name: part.replace("ROWS", TABLE) for name, part in PARTS.items()}
    assert rejection_code(pack({**contents, "XL/Worksheets/Sheet1.xml": contents[SHEET]})) == "UNREADABLE_XLSX"


def test_read_row_without_number_is_numbered_by_its_cells() -> None:
    cells = "".join(
        f'<c r="{letter}7" t="inlineStr"><is><t>{value}</t></is></c>'
        for letter, value in zip("ABCDEF", VALID, strict=True)
    )
    result = parse_content(workbook(row(*REQUIRED) + f"<row>{cells}</row>"))
    assert isinstance(result, ParsedFile)
    assert [row.line for row in result.rows] == [7]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=30)


@settings(max_examples=40)
@given(st.lists(st.lists(TEXTS, min_size=1, max_size=5), min_size=1, max_size=5))
def test_read_workbook_texts_written_by_openpyxl_are_unchanged(lines: list[list[str]]) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    # `_x0041_` is an escape in workbooks.
    lines = [[text.replace("_x", "").strip() for text in line] for line in lines]
    for number, line in enumerate(lines, 1):
        for column_number, text in enumerate(line, 1):
            if text:
                cell = sheet.cell(number, column_number, text)
                cell.data_type = "s"
    content = io.BytesIO()
    book.save(content)
    result = xlsx_reader.read_workbook(content.getvalue(), 100)
    if not any(map(any, lines)):
        assert isinstance(result, FileRejection)
        return
    assert isinstance(result, xlsx_reader.Sheet)
    width = max(map(len, lines))
    read_lines = dict(zip(result.table.numbers, result.table.lines, strict=True))
    for number, line in enumerate(lines, 1):
        texts = [text.strip() for text in read_lines.get(number, [])]
        assert texts + [""] * (width - len(texts)) == line + [""] * (width - len(line))


# Several sheets


def make_workbook_of(**sheets: str) -> bytes:
    """Build a workbook of sheets by name."""
    contents = {name: part for name, part in PARTS.items() if name != SHEET}
    named = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="s{n}"/>' for n, name in enumerate(sheets, 1))
    book, rels = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
    contents[book] = re.sub("<sheet .*?/>", named, contents[book])
    kind = re.search('Type="([^"]*/worksheet)"', contents[rels])
    assert kind
    for n, rows in enumerate(sheets.values(), 1):
        contents[f"xl/worksheets/sheet{n}.xml"] = PARTS[SHEET].replace("ROWS", rows)
        link = f'<Relationship Id="s{n}" Type="{kind[1]}" Target="worksheets/sheet{n}.xml"/>'
        contents[rels] = contents[rels].replace("</Relationships>", f"{link}</Relationships>")
    return pack(contents)


NOTES = row("How to fill this in") + row("Column", "Name", "Description", "Unit") + row("sku", "yours", "text", "-")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (make_workbook_of(Products=TABLE, Old=row(*REQUIRED)), "Products"),
        (make_workbook_of(Old=row(*REQUIRED), Products=TABLE), "Products"),
        (make_workbook_of(Read=NOTES, Products=TABLE), "Products"),
        (make_workbook_of(Read=NOTES, Title=row("Price list") + TABLE, Old=row("sku")), "Title"),
        (make_workbook_of(Blank=row(" "), Few=row("vendor_product_id", "price") + row("P1", "1"), Other=NOTES), "Few"),
        (make_workbook_of(_Products=TABLE, Read=NOTES, Old=NOTES), "_Products"),
        (make_workbook_of(Read=row("x"), Some=row("sku", "price"), More=row("sku", "price", "brand")), "More"),
        (make_workbook_of(Read=row("x"), Other=row("y")), "Read"),
    ],
)
def test_read_workbook_of_several_sheets_selects_the_product_sheet(content: bytes, name: str) -> None:
    result = parse(content, "UPLOAD_1", "VEND001", required=())
    if isinstance(result, FileRejection):
        assert f"only the sheet '{name}' was read" in result.reason
        return
    assert result.file_details.sheet == name
    assert f"Only the sheet '{name}' was read; the workbook has other sheets" in result.warnings[0].message
    assert parse_table(content) == result.table


@pytest.mark.parametrize(
    "content",
    [
        make_workbook_of(Kitchen=TABLE, Notes=NOTES, Garden=TABLE),
        make_workbook_of(_Kitchen=TABLE, Notes=NOTES, _Garden=TABLE),
        make_workbook_of(
            Kitchen=TABLE, Garden=row("Prices of 2024") + row("vendor_product_id", "price") + row("P1", "1")
        ),
    ],
)
def test_read_two_sheets_with_products_are_rejected_with_their_names(content: bytes) -> None:
    result = parse_content(content)
    assert isinstance(result, FileRejection)
    assert result.code == "SEVERAL_PRODUCT_SHEETS"
    assert "Kitchen', '" in result.reason
    assert "Garden'" in result.reason
    assert parse_table(content) == result


def test_read_rejected_sheet_names_the_others() -> None:
    result = parse_content(
        make_workbook_of(Read=NOTES, Products=row("vendor_product_id", "price") + row("P1", "1"), Old=row("x"))
    )
    assert isinstance(result, FileRejection)
    assert result.code == "MISSING_COLUMNS"
    assert result.reason.endswith(
        "; only the sheet 'Products' was read; the workbook has other sheets with content: 'Read', 'Old'"
    )
