"""Workbooks (.xlsx) to lines of values, each value as the workbook shows it."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from onboarding.reading.found import MAX_COLUMNS, FileWarning, Grid, Refusal, one_line
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

# How a workbook writes a character that XML cannot hold. Halves of surrogate pairs are no characters.
_ESCAPED = re.compile(r"_x(?![dD][89a-fA-F])([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet's lines, and its name."""

    grid: Grid
    name: str
    warnings: tuple[FileWarning, ...] = ()


def read(content: bytes, most_lines: int) -> Sheet | Refusal:
    """The first visible sheet that has anything in it; of more than `most_lines` lines the rest is only counted."""
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
        filled = [
            place for place, sheet in enumerate(workbook.worksheets) if _is_data(sheet) and book.has_values(sheet)
        ]
        if not filled:
            return Refusal("EMPTY_FILE", "The workbook has no visible sheet with anything in it")
        formulas: Iterable[Sequence[Any]] = repeat(())
        if has_formulas:
            # Values and formulas cannot be had of one reading.
            with_formulas = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
            formulas = book.rows(with_formulas.worksheets[filled[0]])
        grid = _grid(book.rows(workbook.worksheets[filled[0]]), formulas, most_lines)
        names = [workbook.worksheets[place].title for place in filled]
    finally:
        workbook.close()
    if isinstance(grid, Refusal):
        return grid
    return Sheet(grid, names[0], tuple(_others(names)))


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

    def has_values(self, sheet: Any) -> bool:
        return any(cell.value is not None or cell.data_type == "f" for row in self.rows(sheet) for cell in row)


def _others(names: Sequence[str]) -> Iterator[FileWarning]:
    if len(names) > 1:
        others = ", ".join(f"'{one_line(name)}'" for name in names[1:6])
        message = (
            f"Only the sheet '{one_line(names[0])}' was read; the workbook has others with something in them: {others}"
        )
        yield FileWarning("OTHER_SHEETS", message)


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
