"""Streaming reader of the cells of a sheet."""

from __future__ import annotations

import re

from onboarding.files.date_formats import iso_to_serial
from onboarding.files.models import MAX_COLUMNS
from onboarding.files.number_formats import NumberFormat, parse_number_format
from onboarding.files.numeric_cells import check_number, format_general
from onboarding.files.xlsx_cells import MAX_COLUMN, SheetCells, column_index, sort_rows
from onboarding.files.xlsx_limits import DamagedError, Package, TooLargeError, TooManyColumnsError
from onboarding.files.xlsx_ranges import MAX_RANGES, TRUE_VALUES, RangeHandler
from onboarding.files.xlsx_workbook import SPREADSHEET_NS, WorkbookMetadata, unescape

MAX_ROW = 1_048_576
"""Number of rows of a sheet."""

MAX_CELLS = 2_500_000
"""Maximum number of cells in the stored lines, blank ones included."""

MAX_CHARACTERS = 25_000_000
"""Maximum number of characters of all values of a sheet; a shared string counts each time it is used."""

MAX_LAYOUT_CELLS = 1_000_000
"""Maximum number of numeric cells in the distinct layouts of rows."""

_CELL, _VALUE, _ROW, _TEXT, _FORMULA, _PHONETIC = (
    f"{SPREADSHEET_NS} {name}" for name in ("c", "v", "row", "t", "f", "rPh")
)
_DIGITS = "0123456789"
_LINK_FORMULA = re.compile(r'(?:_xlfn\.)?(?:_xlws\.)?(?:HYPERLINK|IMAGE)\(\s*"([^"]*)"\s*[,)]', re.IGNORECASE)
_ISO_DATE = parse_number_format("mm-dd-yy")
_GENERAL = parse_number_format("General")
_MAX_UNCOUNTED = 64 * 1024


def read_sheet(
    package: Package, metadata: WorkbookMetadata, part: str, max_lines: int, *, is_preview: bool = False
) -> SheetCells:
    """Return the cells of a sheet. Lines after `max_lines` are counted, or with `is_preview` not read."""
    reader = _SheetHandler(package, metadata, max_lines, is_preview=is_preview)
    package.parse(part, reader)
    cells = reader.cells
    if reader.links and not is_preview:
        relationships = package.read_relationships(part)
        for cell, key in reader.links:
            if key in relationships and relationships[key].is_external:
                cells.hyperlinks.setdefault(cell, relationships[key].target)
    if cells.table.numbers != sorted(set(cells.table.numbers)):
        sort_rows(cells)
    return cells


class _SheetHandler(RangeHandler):
    """Collects the rows of a sheet. Its methods run for each element, so frequent cases come first."""

    __slots__ = (
        "_cell_count", "_characters", "_column", "_column_indexes", "_formats", "_formula", "_has_room", "_has_value",
        "_is_numbered", "_is_phonetic", "_is_preview", "_layout_cells", "_layouts", "_max_lines", "_metadata",
        "_package", "_row", "_row_digits", "_row_formats", "_row_number", "_runs", "_shared_strings", "_style", "_type",
        "_uncounted", "cells",
    )  # fmt: skip

    def __init__(self, package: Package, metadata: WorkbookMetadata, max_lines: int, *, is_preview: bool) -> None:
        super().__init__(package)
        self._metadata = metadata
        self._shared_strings = metadata.shared_strings
        self._formats = metadata.formats
        self._max_lines = max_lines
        self._is_preview = is_preview
        self._column_indexes: dict[str, int] = {}
        self._layouts: dict[tuple[tuple[int, NumberFormat], ...], tuple[tuple[int, NumberFormat], ...]] = {}
        self._cell_count = self._characters = self._uncounted = self._layout_cells = 0
        self._has_room = True
        # State of the current row and cell.
        self._row_number = 0
        self._row_digits = ""
        self._is_numbered = False
        self._row: list[str] = []
        self._row_formats: list[tuple[int, NumberFormat]] = []
        self._column = -1
        self._type = "n"
        self._style: str | None = None
        self._runs: list[str] = []
        self._formula: str | None = None
        self._has_value = False
        self._is_phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if name == _CELL:
            reference = attributes.get("r")
            if reference is None:
                self._column += 1
                if self._column >= MAX_COLUMN:
                    raise TooLargeError
            else:
                letters = reference.rstrip(_DIGITS)
                column = self._column_indexes.get(letters)
                self._column = self._parse_column(letters) if column is None else column
                if reference[len(letters) :] != self._row_digits:
                    self._set_row_number(reference[len(letters) :])
            self._type = attributes.get("t", "n")
            self._style = attributes.get("s")
            self._formula = None
            self._has_value = False
        elif name in (_VALUE, _TEXT, _FORMULA):
            self.pieces.clear()
            self.is_in_text = True
        elif name == _ROW:
            self._start_row(attributes)
        else:
            if name == _PHONETIC:
                self._is_phonetic = True
            self.start_range(name, attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        if name == _VALUE:
            self.is_in_text = False
            pieces = self.pieces
            self._set_value(pieces[0] if len(pieces) == 1 else "".join(pieces))
        elif name == _CELL:
            if self._runs:
                text = unescape("".join(self._runs))
                self._runs = []
                self._append(text)
            elif self._formula is not None and not self._has_value and self._type != "str":
                self._append_text(self._formula)
        elif name == _TEXT:
            self.is_in_text = False
            if not self._is_phonetic and self._type == "inlineStr":
                self._runs += self.pieces
                self._count_text(sum(map(len, self.pieces)))
        elif name == _ROW:
            self._end_row()
        elif name == _FORMULA:
            self.is_in_text = False
            self._end_formula("".join(self.pieces))
        elif name == _PHONETIC:
            self._is_phonetic = False

    def _set_value(self, value: str) -> None:
        """Store the value of a cell by the type of the cell."""
        cell_type = self._type
        if cell_type == "s":
            if value:
                number = int(value)
                if number < 0:
                    raise DamagedError
                # A shared string is in memory once, so its characters are not counted again.
                text = self._shared_strings[number]
                self._has_value = True
                self._append(text)
        elif cell_type == "n":
            value = value.strip()
            if value:
                self._set_number(value)
        elif cell_type == "str":
            self._has_value = True
            self._append_text(unescape(value))
        elif value:
            self._has_value = True
            if cell_type == "b":
                self._append_text("TRUE" if int(value) else "FALSE")
            elif cell_type == "e":
                self._append_text(value)
            elif cell_type == "d":
                self._set_date(value.strip())
            elif cell_type != "inlineStr":
                raise DamagedError

    def _set_number(self, value: str) -> None:
        self._has_value = True
        number_format = None if self._style is None else self._format_of(self._style)
        if number_format is not None:
            # Formatting needs the column, which is not known yet.
            check_number(value)
            self._row_formats.append((self._column, number_format))
        elif not (len(value) < 16 and value.isdecimal() and value.isascii() and value[0] != "0"):
            # Fast path: most numbers are short whole numbers, which need no formatting.
            value = format_general(value)
            if "." in value:
                self._row_formats.append((self._column, _GENERAL))
        self._uncounted += len(value)
        self._append(value)

    def _format_of(self, style: str) -> NumberFormat | None:
        if style in self._formats:
            return self._formats[style]
        # The index may have leading zeros; an unknown style has no format.
        return self._formats.get(str(int(style)))

    def _set_date(self, value: str) -> None:
        number_format = self._format_of(self._style or "0")
        serial = iso_to_serial(value) - (1462 if self._metadata.uses_1904_epoch else 0)
        self._row_formats.append(
            (self._column, number_format if number_format is not None and number_format.is_date else _ISO_DATE)
        )
        self._append(repr(serial))

    def _append_text(self, text: str) -> None:
        self._count_text(len(text))
        self._append(text)

    def _count_text(self, characters: int) -> None:
        """Count text while a row is read: one row can exceed the limit."""
        self._uncounted += characters
        if self._uncounted > _MAX_UNCOUNTED:
            self._package.count_text(self._uncounted)
            self._uncounted = 0

    def _append(self, text: str) -> None:
        row, column = self._row, self._column
        self._characters += len(text)
        if column == len(row):
            row.append(text)
            return
        if not text:
            return
        if column < len(row):
            if row[column]:
                # The cell has two values.
                raise DamagedError
            row[column] = text
            return
        if column >= MAX_COLUMNS:
            if self._is_preview or not text.strip():
                return
            raise TooManyColumnsError(self._row_number, column + 1)
        row.extend([""] * (column - len(row)))
        row.append(text)

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r")
        self._row_number = self._row_number + 1 if number is None else int(number)
        if not 0 < self._row_number <= MAX_ROW:
            raise DamagedError if number is not None else TooLargeError
        self._row_digits = str(self._row_number)
        if self._has_room and (attributes.get("hidden") in TRUE_VALUES or attributes.get("ht") == "0"):
            self.cells.hidden_rows.append(self._row_number)
        self._row = []
        self._row_formats = []
        self._column = -1
        self._is_numbered = number is not None

    def _set_row_number(self, digits: str) -> None:
        """Number a row without a number by its first cell; raise `DamagedError` for a cell of another row."""
        if self._is_numbered or self._row or not digits or not 0 < int(digits) <= MAX_ROW:
            raise DamagedError
        self._row_number, self._row_digits = int(digits), digits
        self._is_numbered = True

    def _end_row(self) -> None:
        row = self._row
        while row and (not row[-1] or row[-1].isspace()):
            row.pop()
        if not row:
            return
        if len(row) > MAX_COLUMNS:
            if not self._is_preview:
                raise TooManyColumnsError(self._row_number, len(row))
            del row[MAX_COLUMNS:]
        table = self.cells.table
        table.total += 1
        if not self._has_room:
            self.is_done = self._is_preview
            return
        self._has_room = table.total < self._max_lines
        self._package.count_text(self._uncounted)
        self._uncounted = 0
        self._cell_count += len(row)
        if self._cell_count > MAX_CELLS or self._characters > MAX_CHARACTERS:
            raise TooLargeError
        if self._row_formats:
            # Most rows have the same formats in the same columns: store each layout once.
            layout = tuple(self._row_formats)
            if layout not in self._layouts:
                self._layout_cells += len(layout)
                if self._layout_cells > MAX_LAYOUT_CELLS:
                    raise TooLargeError
            self.cells.number_formats[len(table.lines)] = self._layouts.setdefault(layout, layout)
        table.lines.append(row)
        table.numbers.append(self._row_number)

    def _end_formula(self, text: str) -> None:
        self.pieces.clear()
        if self._has_room and (match := _LINK_FORMULA.match(text)):
            self._package.count_text(len(match[1]))
            self.cells.hyperlinks[self._row_number, self._column] = match[1]
            if len(self.cells.hyperlinks) > MAX_RANGES:
                raise TooLargeError
        # Without text, the formula is part of a shared formula or an array formula.
        self._formula = f"={text}" if text else "=?"

    def _parse_column(self, letters: str) -> int:
        return self._column_indexes.setdefault(letters, column_index(letters))
