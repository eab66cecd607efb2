"""What stands in a sheet: lines of values, and what is known about them and about ranges of cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from onboarding.files.models import RawTable
from onboarding.files.number_formats import NumberFormat
from onboarding.files.xlsx_limits import DamagedError

MAX_COLUMN = 16_384
"""Where a sheet ends."""

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")


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

    grid: RawTable = field(default_factory=RawTable)
    formatted: dict[int, Sequence[tuple[int, NumberFormat]]] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[range] = field(default_factory=list)
    merged: list[Range] = field(default_factory=list)
    addresses: dict[tuple[int, int], str] = field(default_factory=dict)


def range_of(text: str) -> Range:
    """The range that `A1:B2` or `A1` names."""
    first, _, last = text.partition(":")
    (row, column), (last_row, last_column) = _corner(first), _corner(last or first)
    return Range(text, min(row, last_row), max(row, last_row), min(column, last_column), max(column, last_column))


def _corner(text: str) -> tuple[int, int]:
    found = _REFERENCE.fullmatch(text)
    if not found:
        raise DamagedError
    return int(found[2]), column_place(found[1])


def column_place(letters: str) -> int:
    """The place of a column, from 0, by its letters."""
    number = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z" or number > MAX_COLUMN:
            raise DamagedError
        number = number * 26 + ord(letter) - 64
    if not 0 < number <= MAX_COLUMN:
        raise DamagedError
    return number - 1


def sort_lines(cells: SheetCells) -> None:
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
