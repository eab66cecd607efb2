"""Models of a parsed file: raw table, table and file details."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from onboarding.domain import text as domain_text

MAX_COLUMNS = 1_000
"""Maximum number of columns of a file."""


def one_line(text: str, max_length: int = 60) -> str:
    """Return text for a message: on one line, truncated after `max_length` characters."""
    line = domain_text.one_line(text[: max_length + 1]).strip()
    return line if len(line) <= max_length else f"{line[:max_length]}…"


MAX_NAMED = 10
"""Maximum number of rows that a message names."""


def first_of(texts: Sequence[str]) -> str:
    """Return a list such as `a, b, c`; of many texts the first ones and the number of the others."""
    more = f" and {len(texts) - MAX_NAMED:,} more" if len(texts) > MAX_NAMED else ""
    return f"{', '.join(texts[:MAX_NAMED])}{more}"


def rows_named(numbers: Sequence[int]) -> str:
    """Return a list such as `rows 2, 3, 5`."""
    return f"row{'s' if len(numbers) > 1 else ''} {first_of([str(number) for number in numbers])}"


def lines_named(numbers: Sequence[int]) -> str:
    """Return a list such as `Lines 2, 5-199`; `numbers` are ascending."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return f"Line{'s' if len(numbers) > 1 else ''} {first_of(['-'.join(map(str, run)) for run in runs])}"


@dataclass(slots=True)
class RawTable:
    """Lines of a file, each a list of values, before its header is known.

    `numbers` has the spreadsheet row of each line. `total` also counts lines after the limit, which are not stored;
    blank lines at the end are not counted.
    """

    lines: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    total: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """The file as the vendor wrote it: header and data rows with unchanged values.

    Row n is `rows[n - 1]`, and `lines[n - 1]` is its spreadsheet row. A row may be shorter or longer than the header.
    The additional columns of a fix file are left out, and its formula escaping is reverted.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]

    def rows_named(self, row_numbers: Sequence[int]) -> str:
        """Return a list such as `rows 2, 3, 5` with the spreadsheet rows of data rows."""
        return rows_named([self.lines[number - 1] for number in row_numbers])


@dataclass(frozen=True, slots=True)
class CorrectedRows:
    """The rows of an earlier upload that a fix file corrects.

    Row n of the fix file corrects the row in line `lines[n - 1]` of that upload's file; None: it names no line.
    """

    upload_id: str
    lines: Sequence[int | None]


class MappingNeeded(Exception):
    """A fix file names the mapping of its upload: parse it again with that mapping.

    The argument is the reference of the mapping, as the file has it.
    """


def list_jumps(lines: Sequence[int]) -> list[list[int]]:
    """Return `[row, line]` for each row that does not follow the line before; `lines` begins with the header's line."""
    if lines[-1] - lines[0] == len(lines) - 1:
        return []
    return [[row, line] for row, (previous_line, line) in enumerate(pairwise(lines), 1) if line != previous_line + 1]


@dataclass(frozen=True, slots=True)
class FileDetails:
    """Detected format of a file.

    `columns` maps each known header to its column; `unknown` are the other headers. Numbers in the columns
    `decimal_commas` were read with a decimal comma; a point in the columns `uncertain` may be one between thousands. In
    a file with commas, `decimal_points` certainly have a point. `jumps` are the rows that do not follow the line
    before, each with its line. `is_export`: it is an export of the catalog.
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
    decimal_points: Sequence[str] = field(default_factory=list)
    uncertain: Sequence[str] = field(default_factory=list)
    is_export: bool = False

    def line_of(self, row_number: int) -> int:
        """Return the spreadsheet row of a data row."""
        jump_count = bisect_right(self.jumps, row_number, key=lambda jump: jump[0])
        row, line = self.jumps[jump_count - 1] if jump_count else (0, self.header_line)
        return line + row_number - row

    def list_lines(self, rows: int) -> list[int]:
        """Return the spreadsheet rows of the first data rows."""
        return [self.line_of(row_number) for row_number in range(1, rows + 1)]

    def as_json(self) -> dict[str, Any]:
        """Return the details as JSON; `from_json` is the reverse."""
        lists = {
            "unknown": list(self.unknown),
            "decimal_commas": list(self.decimal_commas),
            "decimal_points": list(self.decimal_points),
            "uncertain": list(self.uncertain),
            "jumps": [list(jump) for jump in self.jumps],
        }
        return {**asdict(self), **lists}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> FileDetails:
        """Return the details from the JSON of this or another version; unknown fields are ignored."""
        known_parts = {name: parts[name] for name in cls.__slots__ if name in parts}
        return cls(**{"format": "csv", "header_line": 1, "columns": {}, **known_parts})

    def sentence(self) -> str:
        """Return a sentence such as `CSV, UTF-8, comma, LF, header in line 1; read as: Qty = stock_quantity`."""
        parts = [self.format.upper(), self.encoding, self.delimiter, self.line_end]
        if self.sheet is not None:
            parts.append(f"sheet '{one_line(self.sheet)}'")
        parts.append(f"header in line {self.header_line}")
        if self.decimal_commas:
            parts.append(f"decimal comma in {' and '.join(self.decimal_commas)}")
        if self.fix_file:
            parts.append("a fix file")
        if self.is_export:
            parts.append("an export of products")
        description = ", ".join(part for part in parts if part)
        renamed_columns = [
            f"{one_line(name)} = {column}" for name, column in self.columns.items() if name.strip() != column
        ]
        return f"{description}; read as: {', '.join(renamed_columns)}" if renamed_columns else description
