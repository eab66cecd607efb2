"""Builder of workbooks from XML, for contents that no library writes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from onboarding.domain.product_schema import REQUIRED

_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PART = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_PART}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_PART}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_PART}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Products" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_SHEETS}"><fonts><font/></fonts><fills><fill><patternFill/></fill></fills>'
    "<borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs>"
    '<cellXfs><xf/><xf numFmtId="14"/><xf numFmtId="4"/></cellXfs></styleSheet>',
    "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_SHEETS}"><sheetData>ROWS</sheetData></worksheet>',
}
"""Parts of the smallest workbook, with ROWS as placeholder; style 1 is a date, style 2 a number with two decimals."""

SHEET = "xl/worksheets/sheet1.xml"
VALID = ("P1", "Mug", "Books", "S1", "1.50", "5")


def cells(*texts: str) -> str:
    """Return the XML of text cells."""
    return "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)


def row(*texts: str) -> str:
    """Return the XML of a row of text cells."""
    return f"<row>{cells(*texts)}</row>"


TABLE = row(*REQUIRED) + row(*VALID)


def pack(contents: Mapping[str, str]) -> bytes:
    """Return a ZIP archive of parts by name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in contents.items():
            archive.writestr(name, part)
    return content.getvalue()


def workbook(rows: str = TABLE, **changes: tuple[str, str]) -> bytes:
    """Build a workbook; `changes` replace text in the part `sheet`, `book` or `styles`."""
    names = {"sheet": SHEET, "book": "xl/workbook.xml", "styles": "xl/styles.xml"}
    contents = {name: part.replace("ROWS", rows) for name, part in PARTS.items()}
    for name, (old, new) in changes.items():
        assert old in contents[names[name]]
        contents[names[name]] = contents[names[name]].replace(old, new)
    return pack(contents)


def workbook_at(rows: str, name: str = "xl/sheets/first.part") -> bytes:
    """Build a workbook whose sheet is the part `name`."""
    contents = {name: part.replace("ROWS", rows) for name, part in PARTS.items()}
    contents[name] = contents.pop(SHEET)
    rels = "xl/_rels/workbook.xml.rels"
    contents[rels] = contents[rels].replace("worksheets/sheet1.xml", f"/{name}")
    return pack(contents)
