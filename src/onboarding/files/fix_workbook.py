"""Writer of the fix file as a workbook: text cells, with the wrong ones coloured and explained in comments.

The XML is written directly: openpyxl takes ten times as long, and error-processor has little CPU and memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import BinaryIO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from onboarding.domain.models import RowError
from onboarding.files import fix_workbook_parts as parts
from onboarding.files.fix_file import FixFileSource, FixLine
from onboarding.files.formula_escaping import escape_formula, unescape_formula
from onboarding.files.header import FIX_COLUMNS, list_names
from onboarding.files.models import MAX_COLUMNS
from onboarding.files.parser import MAX_ROWS
from onboarding.files.xlsx_cells import column_letters

MAX_COMMENTS = 2_000
"""Maximum number of comments: LibreOffice takes more than a minute to open a file with 10,000."""

_MAX_CELL_BYTES = 2 * 32_767
"""Maximum length of a cell in Excel, in bytes of UTF-16. The text of a known column is shorter, or has an error."""

_TEXT, _NAME, _WRONG = 1, 2, 3
"""Styles of cells: indexes in `parts.STYLES`."""

_WIDTHS = {"_upload": 9, "_row": 6, "_errors": 40, "_hint": 30}
_MIN_WIDTH, _MAX_WIDTH = 12, 40

# Characters that XML cannot have or changes, and text that looks like their escape.
_NOT_IN_XML = re.compile("[\0-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class FixWorkbook:
    """Fix file as a workbook, with the columns of the CSV file and a sheet of the categories.

    Values are not escaped, except those that reading would unescape. Equal content results in equal bytes.
    """

    def __init__(self, file: BinaryIO, source: FixFileSource) -> None:
        """Write the header."""
        additional_names = [*FIX_COLUMNS, *source.details]
        self._positions: dict[str, int] = {}
        for index, name in enumerate(list_names(source.table.header), len(additional_names)):
            if name in source.columns and index < MAX_COLUMNS:
                for column in source.columns[name].split(", "):
                    self._positions.setdefault(column, index)
        self._categories = source.categories
        self._comments: list[parts.Comment] = []
        self._archive = ZipFile(file, "w")
        self._sheet = self._archive.open(_build_entry("xl/worksheets/sheet1.xml"), "w")
        header = [*additional_names, *source.table.header][:MAX_COLUMNS]
        self._letters = [column_letters(index) for index in range(len(header))]
        self._write(parts.SHEET_START, "<cols>")
        for number, name in enumerate(header, 1):
            width = _WIDTHS.get(name) or min(max(len(name) + 2, _MIN_WIDTH), _MAX_WIDTH)
            # The style is also for values that are entered into blank cells.
            self._write(f'<col min="{number}" max="{number}" width="{width}" style="{_TEXT}" customWidth="1"/>')
        self._write("</cols><sheetData>")
        self._row_number = 0
        self._write_row(header, dict.fromkeys(range(len(header)), _NAME))

    def write(self, line: FixLine) -> None:
        """Write a line with all values in file order."""
        explanations = self._explain(line.errors)
        self._write_row((*line.additional_values, *line.values), dict.fromkeys(explanations, _WRONG))
        for index in sorted(explanations):
            if len(self._comments) < MAX_COMMENTS:
                text = "\n".join(map(_escape, explanations[index]))
                self._comments.append(parts.Comment(self._row_number, index, text))

    def close(self) -> None:
        """Write the end of the workbook; the file stays open."""
        self._write("</sheetData>")
        category_index = self._positions.get("category")
        if category_index is not None and self._categories:
            cells = f"{self._letters[category_index]}2:{self._letters[category_index]}{MAX_ROWS + 1}"
            # Other values are permitted: they may have a value mapping.
            self._write(parts.build_list_validation(cells, len(self._categories)))
        self._write(parts.build_sheet_end(has_comments=bool(self._comments)))
        self._sheet.close()
        for name, text in parts.list_parts(self._categories, self._comments):
            with self._archive.open(_build_entry(name), "w") as entry:
                for piece in text:
                    entry.write(piece.encode())
        self._archive.close()

    def _explain(self, errors: Sequence[RowError]) -> dict[int, list[str]]:
        """Return the message and hint of each error, by the indexes of its cells."""
        texts: dict[int, list[str]] = {}
        for error in errors:
            text = f"{error.message}. {error.hint}" if error.hint else error.message
            columns = map(str.strip, error.field.split(","))
            # An error of two columns may concern one cell.
            for index in {self._positions[column] for column in columns if column in self._positions}:
                texts.setdefault(index, []).append(text)
        return texts

    def _write_row(self, values: Sequence[str], styles: dict[int, int]) -> None:
        self._row_number = number = self._row_number + 1
        while len(self._letters) < min(len(values), MAX_COLUMNS):
            self._letters.append(column_letters(len(self._letters)))
        cells = [f'<row r="{number}">']
        # A blank cell has the style of its column, unless it has an error. A row may be shorter or longer than others.
        width = max(len(values), max(styles, default=-1) + 1)
        for index, letters in enumerate(self._letters[:width]):
            value = values[index] if index < len(values) else ""
            if value:
                text = parts.build_text(_escape(_escape_value(value)))
                style = styles.get(index, _TEXT)
                cells.append(f'<c r="{letters}{number}" s="{style}" t="inlineStr"><is>{text}</is></c>')
            elif index in styles:
                cells.append(f'<c r="{letters}{number}" s="{styles[index]}"/>')
        cells.append("</row>")
        self._write(*cells)

    def _write(self, *texts: str) -> None:
        self._sheet.write("".join(texts).encode())


def _build_entry(name: str) -> ZipInfo:
    """Return an entry of the archive with a constant time."""
    entry = ZipInfo(name)
    entry.compress_type = ZIP_DEFLATED
    return entry


def _escape_value(value: str) -> str:
    """Return a value as a cell has it: it is escaped like in the CSV file only if reading would unescape it."""
    if unescape_formula(value) != value:
        value = escape_formula(value)
    if 2 * len(value) > _MAX_CELL_BYTES // 2:
        value = value.encode("utf-16-le")[:_MAX_CELL_BYTES].decode("utf-16-le", "ignore")
    return value


def _escape(text: str) -> str:
    """Return a text as XML."""
    return escape(_NOT_IN_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text))
