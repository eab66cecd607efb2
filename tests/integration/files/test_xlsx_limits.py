"""Workbook limits: oversized workbooks are rejected before they use memory."""

from __future__ import annotations

import pytest

from onboarding.domain.models import FileRejection
from onboarding.files import xlsx_limits, xlsx_sheet, xlsx_workbook
from onboarding.files.parser import ParsedFile, parse
from tests.support.workbook_builder import PARTS, TABLE, pack, workbook, workbook_at


def rejection_code(content: bytes) -> str:
    result = parse(content, "UPLOAD_1", "VEND001")
    assert isinstance(result, FileRejection), result.file_details
    return result.code


@pytest.mark.parametrize(
    "content",
    [
        workbook(f"<row>{'<c/>' * 3_000_000}</row>"),
        workbook(f"<row>{'<other/>' * (xlsx_limits.MAX_TAGS + 1)}</row>"),
        workbook("<row/>" * (xlsx_sheet.MAX_ROW + 1)),
        workbook(f"<row>{'<c><v>1</v></c>' * 1_000}</row>" * 2_501),
        workbook(book=("</sheets>", '<sheet name="x" sheetId="2" r:id="r1"/>' * 200 + "</sheets>")),
        workbook(styles=("<xf/>", "<xf/>" * 400_000)),
        workbook(TABLE + f"<row>{'<c/>' * 900}<c><v>1</v></c></row>" * 3_000),
    ],
    ids=["cells", "other elements", "rows", "cells of all rows", "sheets", "styles", "cell positions"],
)
def test_parse_workbook_over_a_limit_is_rejected(content: bytes) -> None:
    assert len(content) < 100_000
    assert rejection_code(content) == "WORKBOOK_TOO_LARGE"


def test_parse_workbook_with_too_many_texts_is_rejected() -> None:
    contents = {name: part.replace("ROWS", TABLE) for name, part in PARTS.items()}
    texts = "<si/>" * (xlsx_workbook.MAX_STRINGS + 1)
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rels = "xl/_rels/workbook.xml.rels"
    link = '<Relationship Id="t" Type="x/sharedStrings" Target="texts"/></Relationships>'
    contents[rels] = contents[rels].replace("</Relationships>", link)
    assert (
        rejection_code(pack({**contents, "xl/texts": f'<sst xmlns="{namespace}">{texts}</sst>'}))
        == "WORKBOOK_TOO_LARGE"
    )


def test_parse_sheet_part_of_another_name_over_a_limit_is_rejected() -> None:
    assert isinstance(parse(workbook_at(TABLE), "UPLOAD_1", "VEND001"), ParsedFile)
    assert rejection_code(workbook_at(f"<row>{'<c/>' * 400_000}</row>")) == "WORKBOOK_TOO_LARGE"
    assert rejection_code(workbook_at(TABLE.replace("<row>", '<row r="99999999">'))) == "UNREADABLE_XLSX"
    assert rejection_code(workbook_at(" " * (xlsx_limits.MAX_UNPACKED + 1))) == "WORKBOOK_TOO_LARGE"
    assert (
        rejection_code(workbook_at(" " * (xlsx_limits.MAX_UNPACKED + 1), "xl/media/image1.png")) == "WORKBOOK_TOO_LARGE"
    )
