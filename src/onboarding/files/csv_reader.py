"""Reader of CSV text: lines of values with their line numbers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from onboarding.domain.models import FileRejection
from onboarding.files.delimiter import DELIMITERS, check_row_delimiters, detect_delimiter, reject_unknown_delimiter
from onboarding.files.encoding import Decoded
from onboarding.files.header_search import LINES_SEARCHED
from onboarding.files.models import RawTable
from onboarding.files.stray_quotes import reject_stray_quote, reject_swallowed_rows, split_spaced_fields

# A line before the header that names the delimiter; Excel hides it.
_SEPARATOR_LINE = re.compile(r'"?sep=(.?)"?[\r\n]*', re.IGNORECASE)
_SPACED_QUOTE = re.compile(' +"')
_MAX_FIELD_LENGTH = 2**31 - 1
"""The limit of the csv module, which is not needed: the size of a file is limited."""

_LINE_ENDS = (("\r\n", "CRLF"), ("\n", "LF"), ("\r", "CR"))


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The lines of values of a text file, and its format; `line_end` is None for a single line."""

    grid: RawTable
    delimiter: str
    line_end: str | None


def read(decoded: Decoded, max_lines: int) -> CsvTable | FileRejection:
    """Return the first `max_lines` lines of a text file and the number of all, or the rejection of the file."""
    csv.field_size_limit(_MAX_FIELD_LENGTH)
    lines = decoded.lines()
    blank_lines, first_line = 0, next(lines, "")
    while first_line and not first_line.strip():
        blank_lines, first_line = blank_lines + 1, next(lines, "")
    separator_line = _SEPARATOR_LINE.fullmatch(first_line)
    if separator_line is None:
        lines = chain([first_line], lines)
    elif separator_line[1] not in DELIMITERS:
        return reject_unknown_delimiter(first_line)
    head = list(islice(lines, LINES_SEARCHED))
    delimiter = separator_line[1] if separator_line else detect_delimiter(head)
    if isinstance(delimiter, FileRejection):
        return delimiter
    # A spreadsheet does not count the line that names the delimiter as a row.
    offset = _Offset(blank_lines, blank_lines + bool(separator_line))
    split_text = _split_lines(chain(head, lines), delimiter, max_lines, offset)
    if isinstance(split_text, FileRejection):
        # Some programs write blanks after a closing quote, which a strict reader does not accept.
        split_text = _split_lines_with_blanks(decoded, delimiter, max_lines, offset) or split_text
    elif _has_spaces_before_quotes(decoded, delimiter):
        lines_again = islice(decoded.lines(), offset.lines, None)
        text_without_spaces = _split_lines(lines_again, delimiter, max_lines, offset, skip_spaces=True)
        if isinstance(text_without_spaces, FileRejection):
            text_without_spaces = _split_lines_with_blanks(decoded, delimiter, max_lines, offset) or text_without_spaces
        _remove_spaces_before_quotes(split_text.grid, text_without_spaces)
    if isinstance(split_text, FileRejection):
        return split_text
    rejection = reject_swallowed_rows(split_text.grid, split_text.multiline, delimiter) or check_row_delimiters(
        split_text.grid, delimiter
    )
    return rejection or CsvTable(split_text.grid, DELIMITERS[delimiter], _detect_line_end(head))


@dataclass(frozen=True, slots=True)
class _Offset:
    """Number of rows (as in a spreadsheet) and lines (as in an editor) before the lines to read."""

    rows: int
    lines: int


@dataclass(frozen=True, slots=True)
class _SplitText:
    """A text split into lines of values.

    `multiline` has the rows with line breaks in a value, as `reject_swallowed_rows` expects them.
    """

    grid: RawTable = field(default_factory=RawTable)
    multiline: list[tuple[int, int, int]] = field(default_factory=list)


def _split_lines(
    text: Iterator[str], delimiter: str, max_lines: int, offset: _Offset, *, skip_spaces: bool = False
) -> _SplitText | FileRejection:
    # strict: a stray quote is an error; otherwise the rows after it would become part of its value.
    reader = csv.reader(text, delimiter=delimiter, strict=True, skipinitialspace=skip_spaces)
    split_text = _SplitText()
    lines, numbers = split_text.grid.lines, split_text.grid.numbers
    count = last_line = 0
    try:
        for number, values in enumerate(reader, offset.rows + 1):
            first_line, last_line = last_line, reader.line_num
            if not any(values) or not any(map(str.strip, values)):
                continue
            count += 1
            if count <= max_lines:
                if last_line - first_line > 1:
                    split_text.multiline.append((count - 1, first_line + 1 + offset.lines, last_line + offset.lines))
                lines.append(values)
                numbers.append(number)
    except csv.Error as error:
        return reject_stray_quote(error, last_line + 1 + offset.lines, reader.line_num + offset.lines)
    split_text.grid.total = count
    return split_text


def _split_lines_with_blanks(decoded: Decoded, delimiter: str, max_lines: int, offset: _Offset) -> _SplitText | None:
    """Return the lines of a text with blanks around its quotes; None if other quotes are not around whole values."""
    text = "".join(islice(decoded.lines(), offset.lines, None))
    split_text = _SplitText()
    start = 0
    line = offset.lines
    try:
        for number, (values, end) in enumerate(split_spaced_fields(text, delimiter, max_lines), offset.rows + 1):
            line_count = max(text.count("\n", start, end), text.count("\r", start, end), 1)
            if any(map(str.strip, values)):
                if line_count > 1:
                    split_text.multiline.append((len(split_text.grid.lines), line + 1, line + line_count))
                split_text.grid.lines.append(values)
                split_text.grid.numbers.append(number)
            start, line = end, line + line_count
    except ValueError:
        return None
    split_text.grid.total = len(split_text.grid.lines)
    return split_text


def _remove_spaces_before_quotes(grid: RawTable, text_without_spaces: _SplitText | FileRejection) -> None:
    """Remove the spaces before opening quotes in `grid`, unless that would change which lines are rows.

    `text_without_spaces` is the same text read without these spaces. A quote that is not closed or that is followed by
    other text is part of its value: then the rows differ, and the spaces remain.
    """
    if isinstance(text_without_spaces, FileRejection):
        return
    by_number = dict(zip(text_without_spaces.grid.numbers, text_without_spaces.grid.lines, strict=True))
    blank_lines = [not any(value.strip(' \t"') for value in line) for line in grid.lines]
    row_numbers = [number for number, is_blank in zip(grid.numbers, blank_lines, strict=True) if not is_blank]
    if [*filter(by_number.__contains__, row_numbers)] != row_numbers or len(by_number) > len(grid.numbers):
        return
    indexes = [i for i, number in enumerate(grid.numbers) if number in by_number]
    grid.total -= len(grid.lines) - len(indexes)
    grid.lines = [
        by_number[grid.numbers[i]] if any(map(_SPACED_QUOTE.match, grid.lines[i])) else grid.lines[i] for i in indexes
    ]
    grid.numbers = [grid.numbers[i] for i in indexes]


def _has_spaces_before_quotes(decoded: Decoded, delimiter: str) -> bool:
    """Return whether a value begins with spaces and a quote."""
    text = decoded.content
    if not decoded.codec.startswith("utf-8"):
        text = text.decode(decoded.codec).encode()
    # Fast path: few files contain a space and a quote. Only the first space of a run can begin a match of the pattern.
    return b' "' in text and re.search(rb"(?m)(?:^|%b) +\"" % re.escape(delimiter).encode(), text) is not None


def _detect_line_end(head: list[str]) -> str | None:
    """Return the name of the first line's end; None if the text is a single line."""
    return next((name for end, name in _LINE_ENDS if head and head[0].endswith(end)), None)
