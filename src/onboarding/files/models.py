"""What reading finds: a file's lines, how it was written, what is odd about it, or why it is refused."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from onboarding.domain import text as domain_text

MAX_COLUMNS = 1_000
"""Columns of a file; more are no products."""


def one_line(text: str, most: int = 60) -> str:
    """Something of the file's as a sentence shows it: on one line, and not too long."""
    shown = domain_text.one_line(text[: most + 1]).strip()
    return shown if len(shown) <= most else f"{shown[:most]}…"


NAMED = 10
"""Rows that a sentence names."""


def first_of(texts: Sequence[str]) -> str:
    """Such as `a, b, c`; of many the first, and how many more there are."""
    more = f" and {len(texts) - NAMED:,} more" if len(texts) > NAMED else ""
    return f"{', '.join(texts[:NAMED])}{more}"


def rows_named(numbers: Sequence[int]) -> str:
    """Such as `rows 2, 3, 5`."""
    return f"row{'s' if len(numbers) > 1 else ''} {first_of([str(number) for number in numbers])}"


def lines_named(numbers: Sequence[int]) -> str:
    """Return such as `Lines 2, 5-199`, of ascending numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return f"Line{'s' if len(numbers) > 1 else ''} {first_of(['-'.join(map(str, run)) for run in runs])}"


@dataclass(frozen=True, slots=True)
class FileRejection:
    """Why a whole file is not taken in: a code for programs, a sentence for the vendor."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileWarning:
    """Something odd that changes no data: of the whole file, or of one row or column of it."""

    code: str
    message: str
    row_number: int | None = None
    column: str | None = None


@dataclass(slots=True)
class RawTable:
    """A file as lines of values that mean nothing yet.

    `numbers` says where each line stands in the file, as a spreadsheet counts. Lines past the limit are counted in
    `total` and not kept; blank lines at the end are neither.
    """

    lines: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    total: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """The file as the vendor wrote it: header and data rows in the order of its columns, every value untouched.

    Row n is `rows[n - 1]`; `lines` says on which line of a spreadsheet it stands. A row may be shorter or longer than
    the header. The columns that our fix file adds are left out, and values that it made harmless are as they were.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]

    def rows_named(self, row_numbers: Sequence[int]) -> str:
        """Return such as `rows 2, 3, 5` for data rows, by the numbers that a spreadsheet gives them."""
        return rows_named([self.lines[number - 1] for number in row_numbers])


def jumps_of(lines: Sequence[int]) -> list[list[int]]:
    """Of a header's line and those of its rows: the rows that do not stand right below the line before, with theirs."""
    if lines[-1] - lines[0] == len(lines) - 1:
        return []
    return [[row, line] for row, (before, line) in enumerate(pairwise(lines), 1) if line != before + 1]


@dataclass(frozen=True, slots=True)
class FileDetails:
    """How a file was written, as far as reading had to find out.

    `columns` maps each header that is one of our columns to that column; `unknown` are the headers that are none.
    Numbers in the columns `decimal_commas` were read with a comma for the decimal point. `jumps` are the rows that do
    not stand right below the line before them, each with its line.
    """

    format: str
    header_line: int
    columns: Mapping[str, str]
    unknown: Sequence[str] = ()
    encoding: str | None = None
    delimiter: str | None = None
    line_end: str | None = None
    sheet: str | None = None
    decimal_commas: Sequence[str] = ()
    fix_file: bool = False
    jumps: Sequence[Sequence[int]] = field(default_factory=list)

    def line_of(self, row_number: int) -> int:
        """Where a spreadsheet shows a row."""
        before = bisect_right(self.jumps, row_number, key=lambda jump: jump[0])
        row, line = self.jumps[before - 1] if before else (0, self.header_line)
        return line + row_number - row

    def as_json(self) -> dict[str, Any]:
        """Its parts for a program; `from_json` makes it again."""
        lists = {
            "unknown": list(self.unknown),
            "decimal_commas": list(self.decimal_commas),
            "jumps": [list(jump) for jump in self.jumps],
        }
        return {**asdict(self), **lists}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> FileDetails:
        """Return what `as_json` gave, in this or another version: what this one does not know is left out."""
        known = {name: parts[name] for name in cls.__slots__ if name in parts}
        return cls(**{"format": "csv", "header_line": 1, "columns": {}, **known})

    def sentence(self) -> str:
        """The same for a reader, such as `CSV, UTF-8, comma, LF, header in line 1; read as: Qty = stock_quantity`."""
        parts = [self.format.upper(), self.encoding, self.delimiter, self.line_end]
        if self.sheet is not None:
            parts.append(f"sheet '{one_line(self.sheet)}'")
        parts.append(f"header in line {self.header_line}")
        if self.decimal_commas:
            parts.append(f"decimal comma in {' and '.join(self.decimal_commas)}")
        if self.fix_file:
            parts.append("a fix file of ours")
        said = ", ".join(part for part in parts if part)
        renamed = [f"{one_line(name)} = {column}" for name, column in self.columns.items() if name.strip() != column]
        return f"{said}; read as: {', '.join(renamed)}" if renamed else said
