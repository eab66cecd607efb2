"""Workbooks that are forged or larger than they look, and workbooks of several sheets."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from onboarding.parse import ParsedFile, Refusal, parse, table_of
from onboarding.reading import xlsx_book, xlsx_parts, xlsx_sheet
from onboarding.rules import REQUIRED
from tests.workbook_parts import PARTS

SHEET = "xl/worksheets/sheet1.xml"
GOOD = ("P1", "Mug", "Books", "S1", "1.50", "5")


def cells(*texts: str) -> str:
    return "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)


def row(*texts: str) -> str:
    return f"<row>{cells(*texts)}</row>"


TABLE = row(*REQUIRED) + row(*GOOD)


def packed(contents: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in contents.items():
            archive.writestr(name, part)
    return out.getvalue()


def workbook(rows: str = TABLE, **changes: tuple[str, str]) -> bytes:
    """A workbook with these rows; `changes` replace a text by another in the part of that name (`sheet`, `book` …)."""
    names = {"sheet": SHEET, "book": "xl/workbook.xml", "styles": "xl/styles.xml"}
    contents = {name: part.replace("ROWS", rows) for name, part in PARTS.items()}
    for name, (old, new) in changes.items():
        assert old in contents[names[name]]
        contents[names[name]] = contents[names[name]].replace(old, new)
    return packed(contents)


def read(content: bytes) -> ParsedFile | Refusal:
    return parse(content, "UPLOAD_1", "VEND001")


def code_of(content: bytes) -> str:
    found = read(content)
    assert isinstance(found, Refusal), found.detected
    return found.code


def test_the_least_of_a_workbook_is_read() -> None:
    found = read(workbook())
    assert isinstance(found, ParsedFile)
    assert found.rows[0].cells == dict(zip(REQUIRED, GOOD, strict=True))


def test_a_part_of_rows_that_never_begin_is_looked_through_once(tmp_path: Path) -> None:
    path = tmp_path / "forged.xlsx"
    path.write_bytes(workbook("<row " * 1_000_000))
    program = (
        "import sys; from onboarding.parse import parse; print(parse(open(sys.argv[1], 'rb').read(), 'U', 'V').code)"
    )
    # By itself, because what never ends cannot be interrupted here.
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "UNREADABLE_XLSX"


@pytest.mark.parametrize(
    "content",
    [
        workbook(f"<row>{'<c/>' * 3_000_000}</row>"),
        workbook(f"<row>{'<other/>' * (xlsx_parts.MAX_TAGS + 1)}</row>"),
        workbook("<row/>" * (xlsx_sheet.MAX_ROW + 1)),
        workbook(f"<row>{'<c><v>1</v></c>' * 1_000}</row>" * 2_501),
        workbook(book=("</sheets>", '<sheet name="x" sheetId="2" r:id="r1"/>' * 200 + "</sheets>")),
        workbook(styles=("<xf/>", "<xf/>" * 400_000)),
        workbook(TABLE + f"<row>{'<c/>' * 900}<c><v>1</v></c></row>" * 3_000),
    ],
    ids=["cells", "other elements", "rows", "cells of all rows", "sheets", "styles", "places"],
)
def test_a_workbook_that_unpacks_to_too_much_is_refused_before_that(content: bytes) -> None:
    assert len(content) < 100_000
    assert code_of(content) == "WORKBOOK_TOO_LARGE"


def test_too_many_texts_are_refused() -> None:
    contents = {name: part.replace("ROWS", TABLE) for name, part in PARTS.items()}
    texts = "<si/>" * (xlsx_book.MAX_STRINGS + 1)
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rels = "xl/_rels/workbook.xml.rels"
    link = '<Relationship Id="t" Type="x/sharedStrings" Target="texts"/></Relationships>'
    contents[rels] = contents[rels].replace("</Relationships>", link)
    assert code_of(packed({**contents, "xl/texts": f'<sst xmlns="{namespace}">{texts}</sst>'})) == "WORKBOOK_TOO_LARGE"


def elsewhere(rows: str, name: str = "xl/sheets/first.part") -> bytes:
    """A workbook whose sheet is a part of another name than usual."""
    contents = {name: part.replace("ROWS", rows) for name, part in PARTS.items()}
    contents[name] = contents.pop(SHEET)
    rels = "xl/_rels/workbook.xml.rels"
    contents[rels] = contents[rels].replace("worksheets/sheet1.xml", f"/{name}")
    return packed(contents)


def test_a_sheet_of_another_name_is_looked_through_as_well() -> None:
    assert isinstance(read(elsewhere(TABLE)), ParsedFile)
    assert code_of(elsewhere(f"<row>{'<c/>' * 400_000}</row>")) == "WORKBOOK_TOO_LARGE"
    assert code_of(elsewhere(TABLE.replace("<row>", '<row r="99999999">'))) == "UNREADABLE_XLSX"
    assert code_of(elsewhere(" " * (xlsx_parts.MAX_UNPACKED + 1))) == "WORKBOOK_TOO_LARGE"
    assert code_of(elsewhere(" " * (xlsx_parts.MAX_UNPACKED + 1), "xl/media/image1.png")) == "WORKBOOK_TOO_LARGE"


def test_a_formula_without_a_result_is_found_in_a_sheet_of_another_name() -> None:
    found = read(elsewhere(row(*REQUIRED) + row(*GOOD[:3]).replace("</row>", '<c><f>"S-"&amp;1</f></c></row>')))
    assert isinstance(found, ParsedFile)
    assert found.rows[0].cells["sku"] == '="S-"&1'


def test_a_document_type_is_refused() -> None:
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><worksheet '
    assert code_of(workbook(TABLE.replace("Mug", "&a;"), sheet=("<worksheet ", entities))) == "UNREADABLE_XLSX"


def test_the_other_kind_of_xlsx_is_named() -> None:
    transitional, strict = (
        "http://schemas.openxmlformats.org/spreadsheetml/2006/",
        "http://purl.oclc.org/ooxml/spreadsheetml/",
    )
    found = read(workbook(sheet=(transitional, strict), book=(transitional, strict), styles=(transitional, strict)))
    assert isinstance(found, Refusal)
    assert found.code == "NOT_A_TABLE"
    assert "save it as 'Excel Workbook (.xlsx)'" in found.reason


# Several sheets


def several(**sheets: str) -> bytes:
    """A workbook of these sheets, by name."""
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
    return packed(contents)


NOTES = row("How to fill this in") + row("Column", "Name", "Description", "Unit") + row("sku", "yours", "text", "-")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (several(Products=TABLE, Old=row(*REQUIRED)), "Products"),
        (several(Old=row(*REQUIRED), Products=TABLE), "Products"),
        (several(Read=NOTES, Products=TABLE), "Products"),
        (several(Read=NOTES, Title=row("Price list") + TABLE, Old=row("sku")), "Title"),
        (several(Blank=row(" "), Few=row("vendor_product_id", "price") + row("P1", "1"), Other=NOTES), "Few"),
        (several(_Products=TABLE, Read=NOTES, Old=NOTES), "_Products"),
        (several(Read=row("x"), Some=row("sku", "price"), More=row("sku", "price", "brand")), "More"),
        (several(Read=row("x"), Other=row("y")), "Read"),
    ],
)
def test_the_sheet_that_is_read(content: bytes, name: str) -> None:
    found = parse(content, "UPLOAD_1", "VEND001", required=())
    if isinstance(found, Refusal):
        assert f"only the sheet '{name}' was read" in found.reason
        return
    assert found.detected.sheet == name
    assert f"Only the sheet '{name}' was read; the workbook has others" in found.warnings[0].message
    assert table_of(content) == found.table


@pytest.mark.parametrize(
    "content",
    [
        several(Kitchen=TABLE, Notes=NOTES, Garden=TABLE),
        several(_Kitchen=TABLE, Notes=NOTES, _Garden=TABLE),
        several(Kitchen=TABLE, Garden=row("Prices of 2024") + row("vendor_product_id", "price") + row("P1", "1")),
    ],
)
def test_read_two_sheets_with_products_are_refused_by_name(content: bytes) -> None:
    found = read(content)
    assert isinstance(found, Refusal)
    assert found.code == "SEVERAL_PRODUCT_SHEETS"
    assert "Kitchen', '" in found.reason
    assert "Garden'" in found.reason
    assert table_of(content) == found


def test_a_refusal_names_the_sheet_and_the_others() -> None:
    found = read(several(Read=NOTES, Products=row("vendor_product_id", "price") + row("P1", "1"), Old=row("x")))
    assert isinstance(found, Refusal)
    assert found.code == "MISSING_COLUMNS"
    assert found.reason.endswith(
        "; only the sheet 'Products' was read; the workbook has others with something in them: 'Read', 'Old'"
    )
