"""Workbooks (.xlsx) to lines of values, each value as the workbook shows it."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from onboarding.reading.found import MAX_COLUMNS, Grid, Refusal, one_line
from onboarding.reading.header import LINES_SEARCHED, column_of, known_in, place_of
from onboarding.reading.parts import ForgedError, TooLargeError, look_through
from onboarding.reading.shown import text_of

DAMAGED = Refusal(
    "UNREADABLE_XLSX",
    "The workbook is damaged and cannot be read; open it in a spreadsheet program and save it anew as .xlsx",
)

TOO_LARGE = Refusal(
    "WORKBOOK_TOO_LARGE",
    "The workbook is too large when unpacked; keep the products alone, in one sheet, or upload a CSV file",
)
STRICT = Refusal(
    "NOT_A_TABLE",
    "The workbook is saved as 'Strict Open XML Spreadsheet'; save it as 'Excel Workbook (.xlsx)' and upload that",
)

MAX_LINES = 9_999_999
"""Where reading a sheet ends; a spreadsheet ends at 1,048,576."""

MAX_PLACES = 50_000_000
"""Places for values that reading passes, most of them blank: one value far to the right makes a wide row."""

# What openpyxl and the standard library raise about damaged or forged workbooks. They check as they go, not first.
_RAISED = (
    zipfile.BadZipFile, zlib.error, ParseError, InvalidFileException, OSError, EOFError, AssertionError,
    ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError,
)  # fmt: skip

_ID = "vendor_product_id"

# How a workbook writes a character that XML cannot hold. Halves of surrogate pairs are no characters.
_ESCAPED = re.compile(r"_x(?![dD][89a-fA-F])([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet's lines, its name, and the names of the others with anything in them."""

    grid: Grid
    name: str
    others: Sequence[str]

    @property
    def choice(self) -> str:
        """Which sheet was read and which were not, as the end of a sentence; blank if there is but one."""
        if not self.others:
            return ""
        others = ", ".join(f"'{one_line(name)}'" for name in self.others[:5])
        return f"the sheet '{one_line(self.name)}' was read; the workbook has others with something in them: {others}"


def read(content: bytes, most_lines: int) -> Sheet | Refusal:
    """The visible sheet that has the products; of more than `most_lines` lines the rest is only counted."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            refusal = _refused(archive)
            if refusal is not None:
                return refusal
            found = look_through(archive)
        if found.strict:
            return STRICT
        with warnings.catch_warnings():
            # openpyxl warns of what it does not keep; we only read.
            warnings.simplefilter("ignore")
            return _read(content, most_lines, has_formulas=found.formulas)
    except TooLargeError:
        return TOO_LARGE
    except (ForgedError, *_RAISED):
        return DAMAGED


def _refused(archive: zipfile.ZipFile) -> Refusal | None:
    parts = {info.filename: info for info in archive.infolist()}
    if "xl/workbook.bin" in parts:
        return Refusal("NOT_A_TABLE", "The file is a binary Excel workbook (.xlsb); save it as .xlsx or as 'CSV UTF-8'")
    if "xl/workbook.xml" not in parts and not any(name.startswith("xl/") for name in parts):
        if "content.xml" in parts:
            kind = "an OpenDocument file (.ods)"
        elif any(name.startswith("word/") for name in parts):
            kind = "a Word document"
        elif any(name.startswith("ppt/") for name in parts):
            kind = "a PowerPoint presentation"
        elif any(name.endswith(".iwa") for name in parts):
            kind = "a document of Apple Numbers, Pages or Keynote"
        else:
            kind = "a ZIP archive without a workbook in it"
        return Refusal("NOT_A_TABLE", f"The file is {kind}; save the table as .xlsx or as 'CSV UTF-8' and upload that")
    if any(info.flag_bits & 1 for info in parts.values()):
        reason = "The workbook is protected with a password; save it without one and upload it again"
        return Refusal("ENCRYPTED_WORKBOOK", reason)
    return None


def _read(content: bytes, most_lines: int, *, has_formulas: bool) -> Sheet | Refusal:
    workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        book = _Book()
        heads = {place: book.head(sheet) for place, sheet in enumerate(workbook.worksheets) if _is_data(sheet)}
        filled = {place: lines for place, lines in heads.items() if lines}
        if not filled:
            return Refusal("EMPTY_FILE", "The workbook has no visible sheet with anything in it")
        chosen = _with_products(filled)
        formulas: Iterable[Sequence[Any]] = repeat(())
        if has_formulas:
            # Values and formulas cannot be had of one reading.
            with_formulas = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
            formulas = book.rows(with_formulas.worksheets[chosen])
        grid = _grid(book.rows(workbook.worksheets[chosen]), formulas, most_lines)
        name = workbook.worksheets[chosen].title
        others = [workbook.worksheets[place].title for place in filled if place != chosen]
    finally:
        workbook.close()
    if isinstance(grid, Refusal):
        return grid
    return Sheet(grid, name, others)


def _with_products(heads: Mapping[int, Sequence[Sequence[str]]]) -> int:
    """The first sheet whose header names the products' ids, as every table of ours does, and another column; if there
    is none, the one that names most columns."""
    headers = {place: lines[place_of(lines)] for place, lines in heads.items()}
    known = {place: known_in(header) for place, header in headers.items()}
    tables = [place for place, header in headers.items() if known[place] > 1 and _ID in map(column_of, header)]
    return tables[0] if tables else max(known, key=lambda place: known[place])


@dataclass(slots=True)
class _Book:
    """A workbook as far as it was read, sheet by sheet, until there are too many places for values in it."""

    places: int = 0

    def rows(self, sheet: Any) -> Iterator[Sequence[Any]]:
        # What a sheet says of its size may be wrong by a million empty rows.
        sheet.reset_dimensions()
        for row in sheet.iter_rows(max_row=MAX_LINES):
            self.places += 1 + len(row)
            if self.places > MAX_PLACES:
                raise TooLargeError
            yield row

    def head(self, sheet: Any) -> list[list[str]]:
        """The first lines of a sheet that have anything in them."""
        lines = ([_text(cell).strip() for cell in cells[:MAX_COLUMNS]] for cells in self.rows(sheet))
        return list(islice(filter(any, lines), LINES_SEARCHED))


def _is_data(sheet: Any) -> bool:
    # A sheet whose name begins with `_` is for those who fill the workbook in.
    return sheet.sheet_state == "visible" and not sheet.title.startswith("_")


def _grid(rows: Iterator[Sequence[Any]], formulas: Iterable[Sequence[Any]], most_lines: int) -> Grid | Refusal:
    grid = Grid()
    count = 0
    for number, (cells, beneath) in enumerate(zip(rows, formulas, strict=False), 1):
        if not cells:
            continue
        values = [_text(cell) for cell in cells]
        for place, cell in enumerate(islice(beneath, len(values))):
            if cell.data_type == "f" and cells[place].value is None and cells[place].data_type != "str":
                values[place] = _formula(cell.value)
        while values and not values[-1].strip():
            values.pop()
        if not values:
            continue
        if len(values) > MAX_COLUMNS:
            reason = f"Row {number} has a value in column {len(values):,}; the limit is {MAX_COLUMNS:,} columns"
            return Refusal("TOO_MANY_COLUMNS", reason)
        count += 1
        if count <= most_lines:
            grid.lines.append(values)
            grid.numbers.append(number)
    grid.total = count
    return grid


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return _ESCAPED.sub(_character, value) if "_x" in value else value
    return text_of(value, cell.number_format)


def _character(escaped: re.Match[str]) -> str:
    return chr(int(escaped[1], 16))


def _formula(value: Any) -> str:
    """The text of a formula of which the workbook has no result; a rule tells the vendor."""
    text = value if isinstance(value, str) else getattr(value, "text", None)
    return text if isinstance(text, str) and text.startswith("=") else "=?"
