"""Models of a sheet: cells, ranges, and references such as `A1`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from onboarding.files.models import RawTable
from onboarding.files.number_formats import NumberFormat
from onboarding.files.xlsx_limits import DamagedError

MAX_COLUMN = 16_384
"""Number of columns of a sheet."""

_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")


@dataclass(frozen=True, slots=True)
class CellRange:
    """Rectangle of cells; rows are numbered from 1 as in the sheet, columns from 0."""

    text: str
    first_row: int
    last_row: int
    first_column: int
    last_column: int


@dataclass(slots=True)
class SheetCells:
    """Content of a sheet.

    Numeric cells are plain numbers in `table`. `number_formats` maps the index of a line to the column indexes and
    formats of its numeric cells that have a format or decimals. `hyperlinks` maps the row number and column index of a
    cell to its URL.
    """

    table: RawTable = field(default_factory=RawTable)
    number_formats: dict[int, Sequence[tuple[int, NumberFormat]]] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[range] = field(default_factory=list)
    merged: list[CellRange] = field(default_factory=list)
    hyperlinks: dict[tuple[int, int], str] = field(default_factory=dict)


def parse_range(text: str) -> CellRange:
    """Parse a range such as `A1:B2` or `A1`; raise `DamagedError` if it is neither."""
    first, _, last = text.partition(":")
    (row, column), (last_row, last_column) = _parse_reference(first), _parse_reference(last or first)
    return CellRange(text, min(row, last_row), max(row, last_row), min(column, last_column), max(column, last_column))


def _parse_reference(text: str) -> tuple[int, int]:
    match = _REFERENCE.fullmatch(text)
    if not match:
        raise DamagedError
    return int(match[2]), column_index(match[1])


def column_index(letters: str) -> int:
    """Return the index of a column, from 0, by its letters; raise `DamagedError` if there is no such column."""
    number = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z" or number > MAX_COLUMN:
            raise DamagedError
        number = number * 26 + ord(letter) - 64
    if not 0 < number <= MAX_COLUMN:
        raise DamagedError
    return number - 1


def column_letters(index: int) -> str:
    """Return the letters of a column by its index, from 0."""
    letters, number = "", index + 1
    while number:
        number, remainder = divmod(number - 1, 26)
        letters = f"{chr(65 + remainder)}{letters}"
    return letters


def sort_rows(cells: SheetCells) -> None:
    """Sort the lines by row number; raise `DamagedError` if two have the same number."""
    order = sorted(range(len(cells.table.lines)), key=cells.table.numbers.__getitem__)
    numbers = [cells.table.numbers[line] for line in order]
    repeated = next((number for number, following in pairwise(numbers) if number == following), None)
    if repeated is not None:
        raise DamagedError(
            f"two rows have the number {repeated}, but a row can exist only once; export the workbook again, or as CSV"
        )
    cells.table.numbers = numbers
    cells.table.lines = [cells.table.lines[line] for line in order]
    cells.number_formats = {
        new: cells.number_formats[old] for new, old in enumerate(order) if old in cells.number_formats
    }
