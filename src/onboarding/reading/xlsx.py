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
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from onboarding.reading.found import MAX_COLUMNS, FileWarning, Grid, Refusal, one_line
from onboarding.reading.shown import text_of

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

DAMAGED = Refusal(
    "UNREADABLE_XLSX",
    "The workbook is damaged and cannot be read; open it in a spreadsheet program and save it anew as .xlsx",
)

MAX_UNPACKED = 100 * 1024 * 1024
"""Bytes that a workbook's parts may come to: a small file can unpack to more than any memory holds."""

MAX_STRINGS = 500_000
"""Different texts in a workbook; a full file of ours has 140,000."""

MAX_LINES = 9_999_999
"""Where reading a sheet ends; a spreadsheet ends at 1,048,576."""

# What openpyxl and the standard library raise about damaged or forged workbooks. They check as they go, not first.
_RAISED = (
    zipfile.BadZipFile, zlib.error, ParseError, InvalidFileException, OSError, EOFError, AssertionError,
    ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError,
)  # fmt: skip

# A row whose number is no number, or one that no sheet has: openpyxl would count up to it.
_ROW_BEYOND = re.compile(rb"<(?:\w+:)?row\s[^>]*?\br\s*=\s*[\"'](?![0-9]{1,7}[\"'])")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_STRING = re.compile(rb"<(?:\w+:)?si[\s>/]")
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
            sheets = [
                name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")
            ]
            if any(_ROW_BEYOND.search(archive.read(name)) for name in sheets):
                return DAMAGED
            has_formulas = any(_FORMULA.search(archive.read(name)) for name in sheets)
        with warnings.catch_warnings():
            # openpyxl warns of what it does not keep; we only read.
            warnings.simplefilter("ignore")
            return _read(content, most_lines, has_formulas=has_formulas)
    except _RAISED:
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
    texts = [info for name, info in parts.items() if name.endswith((".xml", ".rels"))]
    strings = parts.get("xl/sharedStrings.xml")
    if sum(info.file_size for info in texts) > MAX_UNPACKED or (strings and _count(archive, strings) > MAX_STRINGS):
        reason = "The workbook is too large when unpacked; keep the products alone, in one sheet, or upload a CSV file"
        return Refusal("WORKBOOK_TOO_LARGE", reason)
    return None


def _count(archive: zipfile.ZipFile, strings: zipfile.ZipInfo) -> int:
    return sum(1 for _ in _STRING.finditer(archive.read(strings)))


def _read(content: bytes, most_lines: int, *, has_formulas: bool) -> Sheet | Refusal:
    workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        names = [sheet.title for sheet in workbook.worksheets if _is_data(sheet) and _has_values(sheet)]
        if not names:
            return Refusal("EMPTY_FILE", "The workbook has no visible sheet with anything in it")
        formulas: Iterable[Sequence[Any]] = repeat(())
        if has_formulas:
            # Values and formulas cannot be had of one reading.
            with_formulas = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
            formulas = _rows(with_formulas, names[0])
        grid = _grid(_rows(workbook, names[0]), formulas, most_lines)
    finally:
        workbook.close()
    if isinstance(grid, Refusal):
        return grid
    return Sheet(grid, names[0], tuple(_others(names)))


def _others(names: Sequence[str]) -> Iterator[FileWarning]:
    if len(names) > 1:
        others = ", ".join(f"'{one_line(name)}'" for name in names[1:6])
        message = (
            f"Only the sheet '{one_line(names[0])}' was read; the workbook has others with something in them: {others}"
        )
        yield FileWarning("OTHER_SHEETS", message)


def _is_data(sheet: Any) -> bool:
    # A sheet whose name begins with `_` is for those who fill the workbook in, as such a column is.
    return sheet.sheet_state == "visible" and not sheet.title.startswith("_")


def _has_values(sheet: Any) -> bool:
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_row=MAX_LINES)
    return any(cell.value is not None or cell.data_type == "f" for row in rows for cell in row)


def _rows(workbook: Workbook, name: str) -> Iterator[Sequence[Any]]:
    sheet: Any = workbook[name]
    # What a sheet says of its size may be wrong by a million empty rows.
    sheet.reset_dimensions()
    rows: Iterator[Sequence[Any]] = sheet.iter_rows(max_row=MAX_LINES)
    return rows


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
