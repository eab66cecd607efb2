"""The cells of one sheet, read in one pass and in one direction."""

from __future__ import annotations

import re

from onboarding.files.date_formats import serial_of
from onboarding.files.models import MAX_COLUMNS
from onboarding.files.number_formats import NumberFormat, number_format
from onboarding.files.numeric_cells import general
from onboarding.files.xlsx_cells import MAX_COLUMN, SheetCells, column_place, sort_lines
from onboarding.files.xlsx_limits import DamagedError, Package, TooLargeError, TooManyColumnsError
from onboarding.files.xlsx_ranges import HIDDEN, MAX_RANGES, RangeHandler
from onboarding.files.xlsx_workbook import SHEETS, Book, unescaped

MAX_ROW = 1_048_576
"""Where a sheet ends."""

MAX_PLACES = 2_500_000
"""Places for values in the lines that are kept, blank ones among them."""

MAX_CHARACTERS = 25_000_000
"""Characters of all values of a sheet, each counted as often as it is there."""

MAX_SHAPES = 1_000_000
"""Numeric cells in rows that have them in other places than the rows before."""

_CELL, _VALUE, _ROW, _TEXT, _FORMULA, _PHONETIC = (f"{SHEETS} {name}" for name in ("c", "v", "row", "t", "f", "rPh"))
_DIGITS = "0123456789"
_ADDRESS_OF_FORMULA = re.compile(r'(?:_xlfn\.)?(?:_xlws\.)?(?:HYPERLINK|IMAGE)\(\s*"([^"]*)"\s*[,)]', re.IGNORECASE)
_ISO_DATE = number_format("mm-dd-yy")
_GENERAL = number_format("General")
_FLUSH = 64 * 1024


def read_sheet(package: Package, book: Book, part: str, most_lines: int, *, only_the_first: bool = False) -> SheetCells:
    """Read a sheet. Of more than `most_lines` lines the rest is only counted or, of `only_the_first`, not read."""
    reader = _Reader(package, book, most_lines, only_the_first=only_the_first)
    package.parse(part, reader)
    cells = reader.cells
    if reader.links and not only_the_first:
        related = package.relationships(part)
        for place, key in reader.links:
            if key in related and related[key].is_external:
                cells.addresses.setdefault(place, related[key].target)
    if cells.grid.numbers != sorted(set(cells.grid.numbers)):
        sort_lines(cells)
    return cells


class _Reader(RangeHandler):
    """Collects rows of text. Called for each element of a sheet, so it does little, and the most frequent first."""

    __slots__ = (
        "_book", "_characters", "_columns", "_digits", "_formats", "_formula", "_has_room", "_in_shapes",
        "_is_numbered", "_is_phonetic", "_kept", "_kind", "_most_lines", "_number", "_only_the_first",
        "_package", "_place", "_places", "_row", "_row_formats", "_runs", "_shapes", "_style", "_texts",
        "_was_valued", "cells",
    )  # fmt: skip

    def __init__(self, package: Package, book: Book, most_lines: int, *, only_the_first: bool) -> None:
        super().__init__(package)
        self._book = book
        self._texts = book.texts
        self._formats = book.formats
        self._most_lines = most_lines
        self._only_the_first = only_the_first
        self._columns: dict[str, int] = {}
        self._shapes: dict[tuple[tuple[int, NumberFormat], ...], tuple[tuple[int, NumberFormat], ...]] = {}
        self._places = self._characters = self._kept = self._in_shapes = 0
        self._has_room = True
        # The row and the cell that are being read.
        self._number = 0
        self._digits = ""
        self._is_numbered = False
        self._row: list[str] = []
        self._row_formats: list[tuple[int, NumberFormat]] = []
        self._place = -1
        self._kind = "n"
        self._style: str | None = None
        self._runs: list[str] = []
        self._formula: str | None = None
        self._was_valued = False
        self._is_phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if name == _CELL:
            reference = attributes.get("r")
            if reference is None:
                self._place += 1
                if self._place >= MAX_COLUMN:
                    raise TooLargeError
            else:
                letters = reference.rstrip(_DIGITS)
                place = self._columns.get(letters)
                self._place = self._new_column(letters) if place is None else place
                if reference[len(letters) :] != self._digits:
                    self._move(reference[len(letters) :])
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s")
            self._formula = None
            self._was_valued = False
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
            self._set(pieces[0] if len(pieces) == 1 else "".join(pieces))
        elif name == _CELL:
            if self._runs:
                text = unescaped("".join(self._runs))
                self._runs = []
                self._put(text)
            elif self._formula is not None and not self._was_valued and self._kind != "str":
                self._keep(self._formula)
        elif name == _TEXT:
            self.is_in_text = False
            if not self._is_phonetic and self._kind == "inlineStr":
                self._runs += self.pieces
                self._count(sum(map(len, self.pieces)))
        elif name == _ROW:
            self._end_row()
        elif name == _FORMULA:
            self.is_in_text = False
            self._end_formula("".join(self.pieces))
        elif name == _PHONETIC:
            self._is_phonetic = False

    def _set(self, value: str) -> None:
        """Take the value of a cell, whatever type it is of."""
        kind = self._kind
        if kind == "s":
            if value:
                number = int(value)
                if number < 0:
                    raise DamagedError
                # Text that many cells share is kept once.
                text = self._texts[number]
                self._was_valued = True
                self._put(text)
        elif kind == "n":
            value = value.strip()
            if value:
                self._set_number(value)
        elif kind == "str":
            self._was_valued = True
            self._keep(unescaped(value))
        elif value:
            self._was_valued = True
            if kind == "b":
                self._keep("TRUE" if int(value) else "FALSE")
            elif kind == "e":
                self._keep(value)
            elif kind == "d":
                self._set_date(value.strip())
            elif kind != "inlineStr":
                raise DamagedError

    def _set_number(self, value: str) -> None:
        self._was_valued = True
        form = None if self._style is None else self._format_of(self._style)
        if form is not None:
            # Whether it is a number.
            general(value)
            self._row_formats.append((self._place, form))
        elif not (len(value) < 16 and value.isdecimal() and value.isascii() and value[0] != "0"):
            # Most numbers are short whole ones, which need no look.
            value = general(value)
            if "." in value:
                self._row_formats.append((self._place, _GENERAL))
        self._kept += len(value)
        self._put(value)

    def _format_of(self, style: str) -> NumberFormat | None:
        if style in self._formats:
            return self._formats[style]
        # A number in another spelling, or of no style.
        return self._formats.get(str(int(style)))

    def _set_date(self, value: str) -> None:
        form = self._format_of(self._style or "0")
        serial = serial_of(value) - (1462 if self._book.since_1904 else 0)
        self._row_formats.append((self._place, form if form is not None and form.is_date else _ISO_DATE))
        self._put(repr(serial))

    def _keep(self, text: str) -> None:
        self._count(len(text))
        self._put(text)

    def _count(self, characters: int) -> None:
        """Count text before there is too much of it in one row."""
        self._kept += characters
        if self._kept > _FLUSH:
            self._package.keep(self._kept)
            self._kept = 0

    def _put(self, text: str) -> None:
        row, place = self._row, self._place
        self._characters += len(text)
        if place == len(row):
            row.append(text)
            return
        if not text:
            return
        if place < len(row):
            if row[place]:
                # Two values for one cell.
                raise DamagedError
            row[place] = text
            return
        if place >= MAX_COLUMNS:
            if self._only_the_first or not text.strip():
                return
            raise TooManyColumnsError(self._number, place + 1)
        row.extend([""] * (place - len(row)))
        row.append(text)

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r")
        self._number = self._number + 1 if number is None else int(number)
        if not 0 < self._number <= MAX_ROW:
            raise DamagedError if number is not None else TooLargeError
        self._digits = str(self._number)
        if self._has_room and (attributes.get("hidden") in HIDDEN or attributes.get("ht") == "0"):
            self.cells.hidden_rows.append(self._number)
        self._row = []
        self._row_formats = []
        self._place = -1
        self._is_numbered = number is not None

    def _move(self, digits: str) -> None:
        """Take the number of a row from its first cell, if the row has none; a cell of another row is no cell of it."""
        if self._is_numbered or self._row or not digits or not 0 < int(digits) <= MAX_ROW:
            raise DamagedError
        self._number, self._digits = int(digits), digits
        self._is_numbered = True

    def _end_row(self) -> None:
        row = self._row
        while row and (not row[-1] or row[-1].isspace()):
            row.pop()
        if not row:
            return
        if len(row) > MAX_COLUMNS:
            if not self._only_the_first:
                raise TooManyColumnsError(self._number, len(row))
            del row[MAX_COLUMNS:]
        grid = self.cells.grid
        grid.total += 1
        if not self._has_room:
            self.is_done = self._only_the_first
            return
        self._has_room = grid.total < self._most_lines
        self._package.keep(self._kept)
        self._kept = 0
        self._places += len(row)
        if self._places > MAX_PLACES or self._characters > MAX_CHARACTERS:
            raise TooLargeError
        if self._row_formats:
            # Nearly all rows have their formats in the same places.
            shape = tuple(self._row_formats)
            if shape not in self._shapes:
                self._in_shapes += len(shape)
                if self._in_shapes > MAX_SHAPES:
                    raise TooLargeError
            self.cells.formatted[len(grid.lines)] = self._shapes.setdefault(shape, shape)
        grid.lines.append(row)
        grid.numbers.append(self._number)

    def _end_formula(self, text: str) -> None:
        self.pieces.clear()
        if self._has_room and (found := _ADDRESS_OF_FORMULA.match(text)):
            self._package.keep(len(found[1]))
            self.cells.addresses[self._number, self._place] = found[1]
            if len(self.cells.addresses) > MAX_RANGES:
                raise TooLargeError
        # A part of a formula that stands elsewhere, or a table of results.
        self._formula = f"={text}" if text else "=?"

    def _new_column(self, letters: str) -> int:
        return self._columns.setdefault(letters, column_place(letters))
