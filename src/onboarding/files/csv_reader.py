"""Text to lines of values: which character stands between them, and where each line begins."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from onboarding.domain.models import FileRejection, FileWarning
from onboarding.files.delimiter import DELIMITERS, delimiter_of, refusal_of, unknown_delimiter
from onboarding.files.encoding import Decoded
from onboarding.files.header import LINES_SEARCHED
from onboarding.files.models import RawTable
from onboarding.files.stray_quotes import spaced_fields, stray_quote, swallowed_rows

# Excel's way to say it, on a line of its own before the header; it hides that line.
_SEP = re.compile(r'"?sep=(.?)"?[\r\n]*', re.IGNORECASE)
_SPACED_QUOTE = re.compile(' +"')
_LONGEST_FIELD = 2**31 - 1
"""A file's size is limited, and so is what a stray quote can make one value of."""

_LINE_ENDS = (("\r\n", "CRLF"), ("\n", "LF"), ("\r", "CR"))


@dataclass(frozen=True, slots=True)
class Delimited:
    """A text file as lines of values, and how it was written."""

    grid: RawTable
    delimiter: str
    line_end: str | None
    warnings: tuple[FileWarning, ...] = ()


def read(decoded: Decoded, most_lines: int) -> Delimited | FileRejection:
    """Return the lines of a text file; of more than `most_lines` the rest is only counted."""
    csv.field_size_limit(_LONGEST_FIELD)
    lines = decoded.lines()
    blank, first = 0, next(lines, "")
    while first and not first.strip():
        blank, first = blank + 1, next(lines, "")
    said = _SEP.fullmatch(first)
    if said is None:
        lines = chain([first], lines)
    elif said[1] not in DELIMITERS:
        return unknown_delimiter(first)
    head = list(islice(lines, LINES_SEARCHED))
    delimiter = said[1] if said else delimiter_of(head)
    if isinstance(delimiter, FileRejection):
        return delimiter
    # A spreadsheet hides the line that names the delimiter, and counts without it.
    before = _Before(blank, blank + bool(said))
    cut = _cut(chain(head, lines), delimiter, most_lines, before)
    if isinstance(cut, FileRejection):
        # Some programs write blanks behind a closing quote, which a strict reader does not take.
        cut = _cut_with_blanks(decoded, delimiter, most_lines, before) or cut
    elif _has_spaced_quotes(decoded, delimiter):
        again = islice(decoded.lines(), before.lines, None)
        spaced = _cut(again, delimiter, most_lines, before, skip_spaces=True)
        if isinstance(spaced, FileRejection):
            spaced = _cut_with_blanks(decoded, delimiter, most_lines, before) or spaced
        _without_spaces(cut.grid, spaced)
    if isinstance(cut, FileRejection):
        return cut
    refusal = swallowed_rows(cut.grid, cut.broken, delimiter) or refusal_of(cut.grid, delimiter)
    return refusal or Delimited(cut.grid, DELIMITERS[delimiter], _line_end(head))


@dataclass(frozen=True, slots=True)
class _Before:
    """What stands above the lines that are cut: rows as a spreadsheet counts them, and lines as an editor does."""

    rows: int
    lines: int


@dataclass(frozen=True, slots=True)
class _Cut:
    """A text cut into lines of values. `broken` are those with line breaks in a value, as `swallowed_rows` takes it."""

    grid: RawTable = field(default_factory=RawTable)
    broken: list[tuple[int, int, int]] = field(default_factory=list)


def _cut(
    text: Iterator[str], delimiter: str, most_lines: int, before: _Before, *, skip_spaces: bool = False
) -> _Cut | FileRejection:
    # strict: a stray quote ends the reading instead of quietly swallowing the rows that follow it.
    reader = csv.reader(text, delimiter=delimiter, strict=True, skipinitialspace=skip_spaces)
    cut = _Cut()
    lines, numbers = cut.grid.lines, cut.grid.numbers
    count = ended = 0
    try:
        for number, values in enumerate(reader, before.rows + 1):
            began, ended = ended, reader.line_num
            if not any(values) or not any(map(str.strip, values)):
                continue
            count += 1
            if count <= most_lines:
                if ended - began > 1:
                    cut.broken.append((count - 1, began + 1 + before.lines, ended + before.lines))
                lines.append(values)
                numbers.append(number)
    except csv.Error as error:
        return stray_quote(error, ended + 1 + before.lines, reader.line_num + before.lines)
    cut.grid.total = count
    return cut


def _cut_with_blanks(decoded: Decoded, delimiter: str, most_lines: int, before: _Before) -> _Cut | None:
    """Return the lines of a text with blanks around its quotes; None if it has quotes that part no values."""
    text = "".join(islice(decoded.lines(), before.lines, None))
    cut = _Cut()
    began = 0
    line = before.lines
    try:
        for number, (values, end) in enumerate(spaced_fields(text, delimiter, most_lines), before.rows + 1):
            lines = max(text.count("\n", began, end), text.count("\r", began, end), 1)
            if any(map(str.strip, values)):
                if lines > 1:
                    cut.broken.append((len(cut.grid.lines), line + 1, line + lines))
                cut.grid.lines.append(values)
                cut.grid.numbers.append(number)
            began, line = end, line + lines
    except ValueError:
        return None
    cut.grid.total = len(cut.grid.lines)
    return cut


def _without_spaces(grid: RawTable, spaced: _Cut | FileRejection) -> None:
    """Take the spaces before quotes out of a text's lines, if it reads the same with and without them.

    Where such a quote is left open, or another stands behind it, it is part of a value.
    """
    if isinstance(spaced, FileRejection):
        return
    by_number = dict(zip(spaced.grid.numbers, spaced.grid.lines, strict=True))
    blank = [not any(value.strip(' \t"') for value in line) for line in grid.lines]
    expected = [number for number, is_blank in zip(grid.numbers, blank, strict=True) if not is_blank]
    if [*filter(by_number.__contains__, expected)] != expected or len(by_number) > len(grid.numbers):
        return
    kept = [i for i, number in enumerate(grid.numbers) if number in by_number]
    grid.total -= len(grid.lines) - len(kept)
    grid.lines = [
        by_number[grid.numbers[i]] if any(map(_SPACED_QUOTE.match, grid.lines[i])) else grid.lines[i] for i in kept
    ]
    grid.numbers = [grid.numbers[i] for i in kept]


def _has_spaced_quotes(decoded: Decoded, delimiter: str) -> bool:
    """Return whether there is a quote that only spaces keep from the beginning of its value."""
    text = decoded.content
    if not decoded.codec.startswith("utf-8"):
        text = text.decode(decoded.codec).encode()
    # Hardly any file has even that, which is quickly seen. From each run of spaces, only the first can begin a match.
    return b' "' in text and re.search(rb"(?m)(?:^|%b) +\"" % re.escape(delimiter).encode(), text) is not None


def _line_end(head: list[str]) -> str | None:
    """Return how the first line ends; None if there is but one."""
    return next((name for end, name in _LINE_ENDS if head and head[0].endswith(end)), None)
