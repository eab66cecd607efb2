"""Parts of a fix file's workbook, as XML, except the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from onboarding.files.xlsx_cells import column_letters
from onboarding.files.xlsx_workbook import SPREADSHEET_NS

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument"

_COMMENT_WIDTH, _LINE_HEIGHT, _CHARACTERS_A_LINE = 320, 18, 45

SHEET_START = (
    f'{_HEAD}<worksheet xmlns="{SPREADSHEET_NS}" xmlns:r="{_OFFICE}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft"/>'
    "</sheetView></sheetViews>"
)

# Styles 1 to 3: text (format 49 is `@`), a bold name, and a wrong value. Black has a contrast of 14:1 on this red.
STYLES = (
    f'{_HEAD}<styleSheet xmlns="{SPREADSHEET_NS}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFFFC7CE"/></patternFill></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="2" borderId="0" xfId="0" applyNumberFormat="1" applyFill="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)

# The parser skips sheets whose name begins with `_`.
_WORKBOOK = (
    f'{_HEAD}<workbook xmlns="{SPREADSHEET_NS}" xmlns:r="{_OFFICE}"><sheets><sheet name="Products" sheetId="1"'
    ' r:id="rId1"/><sheet name="_Categories" sheetId="2" r:id="rId2"/></sheets></workbook>'
)


@dataclass(frozen=True, slots=True)
class Comment:
    """Comment on a cell, with its text as XML. Rows are numbered from 1, columns from 0."""

    row: int
    column: int
    text: str


def build_text(text: str) -> str:
    """Return the element of a text, which is XML already; programs ignore white space at its ends without a mark."""
    return f"<t>{text}</t>" if text == text.strip() else f'<t xml:space="preserve">{text}</t>'


def build_list_validation(cells: str, category_count: int) -> str:
    """Return the XML of a list of the categories to choose from, for a range of cells."""
    return (
        f'<dataValidations count="1"><dataValidation type="list" allowBlank="1" sqref="{cells}">'
        f"<formula1>_Categories!$A$1:$A${category_count}</formula1></dataValidation></dataValidations>"
    )


def build_sheet_end(*, has_comments: bool) -> str:
    """Return the end of the sheet. Excel must not offer to convert text to numbers: zeros would be lost."""
    drawing = '<legacyDrawing r:id="rId2"/>' if has_comments else ""
    warnings = '<ignoredErrors><ignoredError sqref="A1:XFD1048576" numberStoredAsText="1"/></ignoredErrors>'
    return f"{warnings}{drawing}</worksheet>"


def list_parts(categories: Sequence[str], comments: Sequence[Comment]) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield the name and the pieces of each other part of the workbook."""
    sheets = ["worksheets/sheet1.xml", "worksheets/sheet2.xml"]
    yield "xl/worksheets/sheet2.xml", _write_categories(categories)
    yield "xl/styles.xml", [STYLES]
    yield "xl/workbook.xml", [_WORKBOOK]
    targets = [("worksheet", sheets[0]), ("worksheet", sheets[1]), ("styles", "styles.xml")]
    yield "xl/_rels/workbook.xml.rels", [_build_relationships(targets)]
    yield "_rels/.rels", [_build_relationships([("officeDocument", "xl/workbook.xml")])]
    types = {"workbook": "sheet.main", "styles": "styles"} | dict.fromkeys(
        (s.removesuffix(".xml") for s in sheets), "worksheet"
    )
    if comments:
        types["comments1"] = "comments"
        targets = [("comments", "../comments1.xml"), ("vmlDrawing", "../drawings/vmlDrawing1.vml")]
        yield "xl/worksheets/_rels/sheet1.xml.rels", [_build_relationships(targets)]
        yield "xl/comments1.xml", _write_comments(comments)
        yield "xl/drawings/vmlDrawing1.vml", _write_shapes(comments)
    overrides = (
        f'<Override PartName="/xl/{name}.xml" ContentType="{_TYPE}.spreadsheetml.{kind}+xml"/>'
        for name, kind in types.items()
    )
    yield (
        "[Content_Types].xml",
        [
            f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>',
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>',
            f'<Default Extension="vml" ContentType="{_TYPE}.vmlDrawing"/>',
            *overrides,
            "</Types>",
        ],
    )


def _build_relationships(targets: Sequence[tuple[str, str]]) -> str:
    """Return the relationships to parts; each target is the type and the path of a part."""
    relationships = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{path}"/>'
        for number, (kind, path) in enumerate(targets, 1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{relationships}</Relationships>'


def _write_categories(categories: Sequence[str]) -> Iterator[str]:
    yield f'{_HEAD}<worksheet xmlns="{SPREADSHEET_NS}"><sheetData>'
    for number, name in enumerate(categories, 1):
        yield f'<row r="{number}"><c r="A{number}" s="1" t="inlineStr"><is>{build_text(escape(name))}</is></c></row>'
    yield "</sheetData></worksheet>"


def _write_comments(comments: Sequence[Comment]) -> Iterator[str]:
    yield f'{_HEAD}<comments xmlns="{SPREADSHEET_NS}"><authors><author>Product onboarding</author></authors>'
    yield "<commentList>"
    for comment in comments:
        reference = f"{column_letters(comment.column)}{comment.row}"
        yield f'<comment ref="{reference}" authorId="0"><text>{build_text(comment.text)}</text></comment>'
    yield "</commentList></comments>"


def _write_shapes(comments: Sequence[Comment]) -> Iterator[str]:
    """Yield the shapes in which Excel shows the comments. A group of identifiers has 1,024 shapes."""
    groups = ",".join(str(number) for number in range(1, len(comments) // 1024 + 2))
    yield (
        '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
        ' xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit">'
        f'<o:idmap v:ext="edit" data="{groups}"/></o:shapelayout><v:shapetype id="_x0000_t202" coordsize="21600,21600"'
        ' o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
        '<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
    )
    for number, comment in enumerate(comments, 1025):
        line_count = 1 + sum(len(line) // _CHARACTERS_A_LINE + 1 for line in comment.text.splitlines())
        yield (
            f'<v:shape id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;margin-left:59.25pt;'
            f"margin-top:1.5pt;width:{_COMMENT_WIDTH}px;height:{line_count * _LINE_HEIGHT}px;z-index:1;"
            'visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/>'
            '<v:shadow color="black" obscured="t"/><v:path o:connecttype="none"/>'
            '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"/></v:textbox>'
            '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:AutoFill>False</x:AutoFill>'
            f"<x:Row>{comment.row - 1}</x:Row><x:Column>{comment.column}</x:Column></x:ClientData></v:shape>"
        )
    yield "</xml>"
