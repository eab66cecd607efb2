"""Bytes of a vendor's file to rows. Knows nothing of AWS or the database.

How to read the file is found out in `reading`; here its lines become rows, and what only the whole file can tell is
checked: how many rows it has, which of them repeat an earlier one, and what looks odd about a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from onboarding.excel import IDENTIFIERS, damage_to, without_zeros
from onboarding.formulas import restored
from onboarding.lost_letters import lost_letters
from onboarding.model import Row
from onboarding.reading import delimited, kinds
from onboarding.reading.decimals import Commas, commas_in, is_unclear, warning_of, with_point
from onboarding.reading.decode import decode
from onboarding.reading.found import Detected, FileWarning, Grid, Refusal, Table, first_of, jumps_of
from onboarding.reading.header import LINES_SEARCHED, Header, header_of, place_of, warnings_of
from onboarding.rules import RANGES, REQUIRED

__all__ = [
    "MAX_BYTES",
    "MAX_CELL",
    "MAX_ROWS",
    "Detected",
    "FileWarning",
    "ParsedFile",
    "Refusal",
    "Table",
    "parse",
    "table_of",
    "too_large",
]

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 10_000

MAX_CELL = 2_500
"""Characters of a cell that are carried on: over every limit of the rules, and few enough that a row of such cells
fits into an item (400 KB) and a message (256 KB)."""

DECIMALS = {column: bounds.places for column, bounds in RANGES.items() if bounds.places}
"""The columns whose numbers may have decimals, and how many."""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file that can be taken in: its rows in file order, the same as the vendor wrote it, how it was read, and what
    is odd about it."""

    rows: list[Row]
    table: Table
    detected: Detected
    warnings: list[FileWarning]


@dataclass(frozen=True, slots=True)
class _Lines:
    """A file's lines under an understood header."""

    header: Header
    table: Table
    detected: Detected
    warnings: list[FileWarning]
    agreed: frozenset[str]
    """Columns with decimal commas, as far as our fix file says so."""

    @property
    def widths(self) -> range:
        """How wide a row may be; in one of another width the values may stand under the wrong columns."""
        return range(len(self.header.columns), len(self.table.header) + 1)


def parse(
    content: bytes, upload_id: str, vendor_id: str, *, required: Sequence[str] = REQUIRED
) -> ParsedFile | Refusal:
    """The rows of a file in file order, or why it is refused: `required` are the columns that its header must name.

    Values are stripped of white space around them; blank ones are left out. A decimal comma becomes a point where the
    whole column agrees on it. Nothing else about the values is changed.
    """
    lines = _lines(content, required)
    if isinstance(lines, Refusal):
        return lines
    commas = _commas(lines)
    rows = _rows(lines, commas, upload_id, vendor_id)
    decimal = [column for column, found in commas.items() if found is Commas.DECIMAL]
    detected = replace(lines.detected, decimal_commas=decimal)
    warnings = [*lines.warnings, *_number_warnings(lines, commas), *_zero_warnings(rows), *_apostrophe_warnings(lines)]
    warnings += lost_letters(rows)
    return ParsedFile(rows, lines.table, detected, warnings)


def table_of(content: bytes) -> Table | Refusal:
    """The file as the vendor wrote it, whatever columns it has."""
    lines = _lines(content, ())
    return lines if isinstance(lines, Refusal) else lines.table


def too_large(size: int) -> Refusal | None:
    """The refusal of a file of `size` bytes, if that is over the limit."""
    if size <= MAX_BYTES:
        return None
    return Refusal(
        "FILE_TOO_LARGE",
        f"The file has {size / 1024 / 1024:.1f} MB; the limit is {MAX_BYTES // 1024 // 1024} MB. "
        "Split it into smaller files",
    )


# Bytes to lines


def _lines(content: bytes, required: Sequence[str]) -> _Lines | Refusal:
    refusal = kinds.refused_kind(content)
    if refusal is not None:
        return refusal
    most = MAX_ROWS + 1 + LINES_SEARCHED
    return _workbook(content, most, required) if kinds.is_workbook(content) else _text(content, most, required)


def _text(content: bytes, most_lines: int, required: Sequence[str]) -> _Lines | Refusal:
    decoded = decode(content)
    if isinstance(decoded, Refusal):
        return decoded
    found = delimited.read(decoded, most_lines)
    if isinstance(found, Refusal):
        return found
    how = Detected("csv", 0, {}, (), decoded.name, found.delimiter, found.line_end)
    return _under_header(found.grid, required, how, list(decoded.warnings))


def _workbook(content: bytes, most_lines: int, required: Sequence[str]) -> _Lines | Refusal:
    # Few files are workbooks, and what reads them takes as long to load as everything else.
    from onboarding.reading import xlsx  # noqa: PLC0415

    sheet = xlsx.read(content, most_lines)
    if isinstance(sheet, Refusal):
        return sheet
    how = Detected("xlsx", 0, {}, sheet=sheet.name)
    warnings = [FileWarning("OTHER_SHEETS", f"Only {sheet.choice}")] if sheet.choice else []
    found = _under_header(sheet.grid, required, how, warnings)
    if isinstance(found, Refusal) and sheet.choice:
        return Refusal(found.code, f"{found.reason}; only {sheet.choice}")
    return found


def _under_header(grid: Grid, required: Sequence[str], how: Detected, warnings: list[FileWarning]) -> _Lines | Refusal:
    if not grid.lines:
        return Refusal("EMPTY_FILE", "The file is empty; it needs a header line and at least one product row")
    place = place_of(grid.lines)
    header = header_of(grid.lines[place], required)
    if isinstance(header, Refusal):
        return header
    rows = grid.total - place - 1
    if rows < 1:
        return Refusal("NO_ROWS", "The file has a header line but no product rows")
    if rows > MAX_ROWS:
        return Refusal("TOO_MANY_ROWS", f"The file has {rows:,} product rows; the limit is {MAX_ROWS:,} a file")
    above = sum(1 for line in grid.lines[:place] if any(map(str.strip, line)))
    if above:
        message = f"The header is in line {grid.numbers[place]}; what stands above it was not read"
        warnings.append(FileWarning("LINES_ABOVE_HEADER", message))
    agreed = header.agreed(grid.lines[place + 1 :])
    names, *data = (header.vendors_own(line) for line in grid.lines[place:])
    if how.format == "xlsx":
        # A sheet's rows end where their values end.
        data = [line + [""] * (len(names) - len(line)) for line in data]
    header = header.without_ours()
    table = Table(names, data, grid.numbers[place + 1 :])
    detected = replace(
        how,
        header_line=grid.numbers[place],
        columns=header.mapping,
        unknown=header.unknown,
        fix_file=header.fix_file,
        jumps=jumps_of(grid.numbers[place:]),
    )
    return _Lines(header, table, detected, [*warnings, *warnings_of(header), *_unnamed(table)], agreed)


def _unnamed(table: Table) -> Iterator[FileWarning]:
    places = [place for place, name in enumerate(table.header) if not name.strip()]
    if places and any(row[place].strip() for row in table.rows for place in places if place < len(row)):
        yield FileWarning("UNNAMED_COLUMN", "There are values in a column without a name; they were not read")


# Lines to rows


def _commas(lines: _Lines) -> dict[str, Commas]:
    """What the commas mean in each column of numbers that may have decimals."""
    columns, widths = lines.header.columns, lines.widths
    rows = [row for row in lines.table.rows if len(row) in widths]
    found = {
        column: commas_in([row[place] for row in rows]) for place, column in enumerate(columns) if column in DECIMALS
    }
    agreed = {column: Commas.DECIMAL for column in lines.agreed & found.keys() if found[column] is not Commas.MIXED}
    return {**found, **agreed}


def _rows(lines: _Lines, commas: dict[str, Commas], upload_id: str, vendor_id: str) -> list[Row]:
    decimal = [column for column, found in commas.items() if found is Commas.DECIMAL]
    with_commas = [column for column, found in commas.items() if found is not Commas.NONE]
    columns, widest = lines.header.columns, len(lines.table.header)
    first_row: dict[tuple[str, str], int] = {}
    rows = []
    for row_number, values, line in zip(count(1), lines.table.rows, lines.table.lines, strict=False):
        cells, cut = _cells(columns, values)
        unclear = tuple(column for column in with_commas if is_unclear(cells.get(column, ""))) if with_commas else ()
        for column in decimal:
            if column in cells:
                cells[column] = with_point(cells[column], DECIMALS[column])
        surplus = _surplus(values, len(columns), widest)
        row = Row(upload_id, vendor_id, row_number, cells, {}, surplus, cut, unclear, line)
        if not row.surplus_fields:
            for column in IDENTIFIERS:
                if column in cells and column not in cut:
                    earlier = first_row.setdefault((column, cells[column]), row_number)
                    # Damage makes equal what was different: that is one error, not two.
                    if earlier != row_number and not damage_to(cells[column]):
                        row.duplicate_of[column] = earlier
        rows.append(row)
    return rows


def _cells(columns: Sequence[str | None], values: Sequence[str]) -> tuple[dict[str, str], dict[str, int]]:
    """The values of our columns that are not blank, and the full lengths of those that were cut."""
    cells = {
        column: value
        for column, text in zip(columns, values, strict=False)
        if column is not None and (value := text.strip())
    }
    # Hardly any row is as long as a single value may be.
    if len("".join(values)) <= MAX_CELL:
        return cells, {}
    cut = {column: len(value) for column, value in cells.items() if len(value) > MAX_CELL}
    return {column: value[:MAX_CELL] for column, value in cells.items()}, cut


def _surplus(values: Sequence[str], fewest: int, most: int) -> int:
    """By how many fields a row is too long for its header (negative: too short)."""
    if len(values) < fewest:
        return len(values) - fewest
    # Surplus fields that are blank are what a spreadsheet leaves behind, and say nothing.
    return len(values) - most if any(map(str.strip, values[most:])) else 0


# What looks odd about a column


def _number_warnings(lines: _Lines, commas: dict[str, Commas]) -> Iterator[FileWarning]:
    widths = lines.widths
    for column, found in commas.items():
        if found in {Commas.MIXED, Commas.UNCLEAR}:
            place = lines.header.columns.index(column)
            values = {n: row[place] for n, row in enumerate(lines.table.rows, 1) if len(row) in widths}
            yield warning_of(column, found, values)


def _zero_warnings(rows: Sequence[Row]) -> Iterator[FileWarning]:
    for column in IDENTIFIERS:
        values = {r.row_number: r.cells[column] for r in rows if column in r.cells and not r.surplus_fields}
        shorter = without_zeros(values)
        if shorter:
            named = first_of([f"{values[row_number]} (row {row_number})" for row_number in shorter])
            message = (
                f"{column} may have lost leading zeros, as spreadsheets drop them: most are equally long, but not "
                f"{named}. They were taken as they are"
            )
            yield FileWarning("LOST_ZEROS", message, shorter[0], column)


def _apostrophe_warnings(lines: _Lines) -> Iterator[FileWarning]:
    if lines.detected.fix_file:
        return
    for row_number, row in enumerate(lines.table.rows, 1):
        # Asked of the whole row at once: few have such a value.
        if "\n'" not in "\n".join(["", *row]):
            continue
        for value in row:
            if value.startswith("'") and restored(value) != value:
                message = (
                    f"Row {row_number} has a value that begins with an apostrophe, as our files write it before "
                    "=, +, - or @; it was taken with the apostrophe, since the columns _row and _errors are not there"
                )
                yield FileWarning("LEADING_APOSTROPHE", message, row_number)
                return
