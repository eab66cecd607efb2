"""Rejection of misplaced quotes: not closed, closed inside a value, or opened in one row and closed in another."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection
from onboarding.domain.product_changes import VERSION
from onboarding.domain.product_schema import IDENTIFIERS, NUMBER_COLUMNS
from onboarding.files.header_names import match_columns
from onboarding.files.header_search import find_header_index
from onboarding.files.models import MAX_COLUMNS, RawTable

MAX_FIELDS = 1_000_000
"""Maximum number of fields that are read with blanks around quotes; larger files are not written by hand."""

_LINE = re.compile(r"[^\r\n]+")
_LINES_EXAMINED = 100
"""Number of lines of a value that are examined; if it contains rows, the second line is already one."""

_LETTERS = re.compile(r"[^\W\d_]")
_DIGITS = re.compile(r"[0-9]+")
_MAX_NUMBER_LENGTH = 30
_VERSION = re.compile(r"\"?v[0-9a-f]{10,20}\"?")


def reject_stray_quote(error: csv.Error, first_line: int, line: int) -> FileRejection:
    """Return the rejection for an error of the csv module in `line`, in a row that begins in line `first_line`."""
    if "unexpected end" in str(error):
        reason = f"A quote in the row that begins in line {first_line} is never closed; close it or delete it"
    else:
        position = "there" if line == first_line else f"in line {line}"
        reason = (
            f"A quote in the row that begins in line {first_line} is closed {position}, but the value continues after "
            'it; write a quote inside a quoted value twice ("")'
        )
    return FileRejection(RejectionCode.UNREADABLE_CSV, reason)


def reject_swallowed_rows(
    grid: RawTable, multiline: Sequence[tuple[int, int, int]], delimiter: str
) -> FileRejection | None:
    """Return the rejection of a file with a value that contains whole rows of the table.

    `multiline` has the rows with line breaks in their values: index in `grid`, first line and last line in the file.
    If a quote opens a value in one row and another closes it in a later row, the result has the right number of values,
    and the rows between are part of one value. Multi-line text differs: it has no numbers in the columns of numbers.
    """
    if not multiline:
        return None
    header = grid.lines[find_header_index(grid.lines)]
    names = [name.strip() for name in header[:MAX_COLUMNS]]
    columns = match_columns(names)
    width = len(header)
    number_indexes = [i for i, column in enumerate(columns) if column in NUMBER_COLUMNS]
    typed_indexes = number_indexes or [i for i, column in enumerate(columns) if column in IDENTIFIERS]
    is_typed = _is_number if number_indexes else None
    if VERSION in names:
        # Any text may be in an export, but no value of a product is a version.
        typed_indexes, is_typed = [names.index(VERSION)], _is_version
    for index, first_line, last_line in multiline:
        line = grid.lines[index]
        row = _MultilineRow(line, delimiter, width, typed_indexes, is_typed)
        if any(row.contains_row(i) for i, value in enumerate(line) if "\n" in value or "\r" in value):
            reason = (
                f"A quote opens a value in the row that begins in line {first_line}, and the value continues over "
                f"whole rows of the table to line {last_line}; delete the quotes that open and close it, or write a "
                'quote inside a quoted value twice ("")'
            )
            return FileRejection(RejectionCode.UNREADABLE_CSV, reason)
    return None


class _MultilineRow:
    """A row with line breaks in its values, which may contain other rows."""

    def __init__(
        self,
        line: Sequence[str],
        delimiter: str,
        width: int,
        typed_indexes: Sequence[int],
        is_typed: Callable[[str], bool] | None,
    ) -> None:
        self.line = line
        self.delimiter = delimiter
        self.width = width
        self.typed_indexes = typed_indexes
        self.is_typed = is_typed

    def contains_row(self, index: int) -> bool:
        """Return whether a value contains a whole row, or the end of one row and the start of another."""
        value = self.line[index]
        # A whole row has as many delimiters as the header. Two partial rows lack the values before and after this one.
        if value.count(self.delimiter) < min(self.width - 1, 2 * self.width - len(self.line) - 1):
            return False
        lines = list(islice(_LINE.finditer(value), _LINES_EXAMINED + 1))
        begins_with_break = value[0] in "\r\n"
        inner_lines = lines if begins_with_break else lines[1:]
        last_break = max(value.rfind("\n"), value.rfind("\r"))
        last_part = value[last_break + 1 :]
        value_count = len(self.line)
        if any(self._is_row(0, match[0], value_count) for match in inner_lines if match.end() <= last_break):
            return True
        first_part = "" if begins_with_break else lines[0][0]
        return self._is_row(index, first_part, value_count) and self._is_row(0, last_part, index + 1)

    def _is_row(self, start: int, text: str, end: int) -> bool:
        """Return whether the first `start` values, the values in `text`, and the values from `end` on form a row."""
        fields = text.count(self.delimiter) + 1
        if start + fields + len(self.line) - end != self.width:
            return False
        values = [*self.line[:start], *text.split(self.delimiter), *self.line[end:]]
        typed_values = [value for i in self.typed_indexes if (value := values[i].strip())]
        if self.is_typed is not None:
            return bool(typed_values) and all(map(self.is_typed, typed_values))
        patterns = [_replace_digits(self.line[i]) for i in self.typed_indexes if i < len(self.line)]
        return not typed_values or any(_replace_digits(value) in patterns for value in typed_values)


def _is_version(value: str) -> bool:
    return _VERSION.fullmatch(value) is not None


def _is_number(value: str) -> bool:
    """Return whether a value has digits and at most three letters, as of a currency or unit."""
    return len(value) <= _MAX_NUMBER_LENGTH and bool(_DIGITS.search(value)) and len(_LETTERS.findall(value)) <= 3


def _replace_digits(value: str) -> str:
    """Return an identifier with `0` for every run of digits, to compare the patterns of identifiers."""
    return _DIGITS.sub("0", value.strip()[:100])


def split_spaced_fields(text: str, delimiter: str, max_lines: int) -> Iterator[tuple[list[str], int]]:
    """Yield the values of each line, with blanks around quotes removed, and the offset of the line's end.

    Raises ValueError if a quote does not enclose a whole value, or if there are more than `MAX_FIELDS` fields.
    """
    unquoted = re.compile(rf"[^{re.escape(delimiter)}\r\n]*")
    blanks = re.compile(" *" if delimiter == "\t" else "[ \t]*")
    position = field_count = line_count = 0
    values: list[str] = []
    while position < len(text) and line_count < max_lines:
        start = _match_end(blanks, text, position)
        if text.startswith('"', start):
            closing = _find_closing_quote(text, start + 1)
            values.append(text[start + 1 : closing].replace('""', '"'))
            position = _match_end(blanks, text, closing + 1)
        else:
            end = _match_end(unquoted, text, position)
            values.append(text[position:end])
            position = end
        field_count += 1
        if field_count > MAX_FIELDS:
            raise ValueError("too many fields")
        if text.startswith(delimiter, position):
            position += 1
            if position < len(text):
                continue
            values.append("")
        elif text.startswith(("\r", "\n"), position):
            position += 2 if text.startswith("\r\n", position) else 1
        elif position < len(text):
            raise ValueError("a value continues after its closing quote")
        yield values, position
        line_count += 1
        values = []


def _match_end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _find_closing_quote(text: str, position: int) -> int:
    """Return the offset of the quote that closes a value; raise ValueError if there is none."""
    while (position := text.find('"', position)) >= 0:
        if not text.startswith('"', position + 1):
            return position
        position += 2
    raise ValueError("a quote is never closed")
