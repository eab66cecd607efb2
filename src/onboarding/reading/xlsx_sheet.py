"""The cells of one sheet, read in one pass and in one direction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from onboarding.reading.date_formats import serial_of
from onboarding.reading.found import MAX_COLUMNS, Grid
from onboarding.reading.number_formats import NumberFormat, general, number_format
from onboarding.reading.xlsx_book import SHEETS, Book, unescaped
from onboarding.reading.xlsx_parts import DamagedError, Handler, Package, TooLargeError, TooManyColumnsError

MAX_ROW = 1_048_576
MAX_COLUMN = 16_384
"""Where a sheet ends."""

MAX_PLACES = 2_500_000
"""Places for values in the lines that are kept, blank ones among them."""

MAX_CHARACTERS = 25_000_000
"""Characters of all values of a sheet, each counted as often as it is there."""

MAX_RANGES = 70_000
"""Merged ranges, and cells with a hyperlink."""

MAX_SHAPES = 1_000_000
"""Numeric cells in rows that have them in other places than the rows before."""

_CELL, _VALUE, _ROW, _TEXT, _FORMULA, _PHONETIC, _MERGED, _LINK, _COLUMN = (
    f"{SHEETS} {name}" for name in ("c", "v", "row", "t", "f", "rPh", "mergeCell", "hyperlink", "col")
)
_RELATIONSHIP = "http://schemas.openxmlformats.org/officeDocument/2006/relationships id"
_DIGITS = "0123456789"
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
_ADDRESS_OF_FORMULA = re.compile(r'(?:_xlfn\.)?(?:_xlws\.)?(?:HYPERLINK|IMAGE)\(\s*"([^"]*)"\s*[,)]', re.IGNORECASE)
_ISO_DATE = number_format("mm-dd-yy")
_GENERAL = number_format("General")
_FLUSH = 64 * 1024
_HIDDEN = {"1", "true"}


@dataclass(frozen=True, slots=True)
class Range:
    """Cells from one corner to the other; rows count from 1 as in the sheet, columns from 0."""

    text: str
    first_row: int
    last_row: int
    first_column: int
    last_column: int


@dataclass(slots=True)
class SheetCells:
    """What stands in a sheet.

    A numeric cell is a plain number in `grid`; `formatted` has the formats of those that have one, or decimals, by line
    and place.
    `addresses` are the hyperlinks of cells, by number of the row and place.
    """

    grid: Grid = field(default_factory=Grid)
    formatted: dict[int, Sequence[tuple[int, NumberFormat]]] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[range] = field(default_factory=list)
    merged: list[Range] = field(default_factory=list)
    addresses: dict[tuple[int, int], str] = field(default_factory=dict)


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
        _sort(cells)
    return cells


def range_of(text: str) -> Range:
    """The range that `A1:B2` or `A1` names."""
    first, _, last = text.partition(":")
    (row, column), (last_row, last_column) = _corner(first), _corner(last or first)
    return Range(text, min(row, last_row), max(row, last_row), min(column, last_column), max(column, last_column))


def _corner(text: str) -> tuple[int, int]:
    found = _REFERENCE.fullmatch(text)
    if not found:
        raise DamagedError
    return int(found[2]), _column(found[1])


def _column(letters: str) -> int:
    """The place of a column, from 0, by its letters."""
    number = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z" or number > MAX_COLUMN:
            raise DamagedError
        number = number * 26 + ord(letter) - 64
    if not 0 < number <= MAX_COLUMN:
        raise DamagedError
    return number - 1


def _sort(cells: SheetCells) -> None:
    """Put the lines into the order of their numbers. Two with one number cannot both be that row."""
    order = sorted(range(len(cells.grid.lines)), key=cells.grid.numbers.__getitem__)
    numbers = [cells.grid.numbers[line] for line in order]
    twice = next((number for number, following in pairwise(numbers) if number == following), None)
    if twice is not None:
        raise DamagedError(
            f"two rows have the number {twice}, so one of them would be lost; export it again, or as CSV"
        )
    cells.grid.numbers = numbers
    cells.grid.lines = [cells.grid.lines[line] for line in order]
    cells.formatted = {new: cells.formatted[old] for new, old in enumerate(order) if old in cells.formatted}


class _Reader(Handler):
    """Collects rows of text. Called for each element of a sheet, so it does little, and the most frequent first."""

    __slots__ = (
        "_book",
        "_characters",
        "_columns",
        "_digits",
        "_formats",
        "_formula",
        "_has_room",
        "_in_shapes",
        "_is_numbered",
        "_is_phonetic",
        "_kept",
        "_kind",
        "_most_lines",
        "_number",
        "_only_the_first",
        "_package",
        "_place",
        "_places",
        "_row",
        "_row_formats",
        "_runs",
        "_shapes",
        "_style",
        "_texts",
        "_was_valued",
        "cells",
        "links",
    )  # fmt: skip

    def __init__(self, package: Package, book: Book, most_lines: int, *, only_the_first: bool) -> None:
        super().__init__()
        self.cells = SheetCells()
        self.links: list[tuple[tuple[int, int], str]] = []
        self._package = package
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
            self._start_other(name, attributes)

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

    def _start_other(self, name: str, attributes: dict[str, str]) -> None:
        if name == _PHONETIC:
            self._is_phonetic = True
        elif name == _MERGED:
            self.cells.merged.append(range_of(attributes.get("ref", "")))
            if len(self.cells.merged) > MAX_RANGES:
                raise TooLargeError
        elif name == _LINK:
            self._start_link(attributes)
        elif name == _COLUMN and attributes.get("hidden") in _HIDDEN:
            self.cells.hidden_columns.append(range(int(attributes["min"]) - 1, int(attributes["max"])))
            if len(self.cells.hidden_columns) > MAX_COLUMN:
                raise TooLargeError

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
        if self._has_room and (attributes.get("hidden") in _HIDDEN or attributes.get("ht") == "0"):
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

    def _start_link(self, attributes: dict[str, str]) -> None:
        key = attributes.get(_RELATIONSHIP, "")
        first = range_of(attributes.get("ref", ""))
        self._package.keep(len(key))
        self.links.append(((first.first_row, first.first_column), key))
        if len(self.links) > MAX_RANGES:
            raise TooLargeError

    def _new_column(self, letters: str) -> int:
        return self._columns.setdefault(letters, _column(letters))
