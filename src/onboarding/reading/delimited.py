"""Text to lines of values: which character stands between them, and where each line begins."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from onboarding.reading.decode import Decoded
from onboarding.reading.found import FileWarning, Grid, Refusal, one_line
from onboarding.reading.header import FIX_COLUMNS, LINES_SEARCHED, known_in, place_of

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}

# Excel's way to say it, on a line of its own before the header; it hides that line.
_SEP = re.compile(r'"?sep=(.?)"?[\r\n]*', re.IGNORECASE)
_SPACED_QUOTE = re.compile(' +"')
_LONGEST_FIELD = 2**31 - 1
"""A file's size is limited, and so is what a stray quote can make one value of."""

_LINE_ENDS = (("\r\n", "CRLF"), ("\n", "LF"), ("\r", "CR"))


@dataclass(frozen=True, slots=True)
class Delimited:
    """A text file as lines of values, and how it was written."""

    grid: Grid
    delimiter: str
    line_end: str | None
    warnings: tuple[FileWarning, ...] = ()


def read(decoded: Decoded, most_lines: int) -> Delimited | Refusal:
    """The lines of a text file; of more than `most_lines` the rest is only counted."""
    csv.field_size_limit(_LONGEST_FIELD)
    lines = decoded.lines()
    blank, first = 0, next(lines, "")
    while first and not first.strip():
        blank, first = blank + 1, next(lines, "")
    said = _SEP.fullmatch(first)
    if said is None:
        lines = chain([first], lines)
    elif said[1] not in DELIMITERS:
        known = ", ".join(DELIMITERS.values())
        return Refusal(
            "UNKNOWN_DELIMITER", f"The first line is '{one_line(first)}'; what can stand between values: {known}"
        )
    head = list(islice(lines, LINES_SEARCHED))
    delimiter = said[1] if said else _delimiter_of(head)
    if isinstance(delimiter, Refusal):
        return delimiter
    # A spreadsheet hides the line that names the delimiter, and counts without it.
    before = _Before(blank, blank + bool(said))
    grid = _cut(chain(head, lines), delimiter, most_lines, before)
    if not isinstance(grid, Refusal) and _has_spaced_quotes(decoded, delimiter):
        again = islice(decoded.lines(), before.lines, None)
        spaced = _cut(again, delimiter, most_lines, before, skip_spaces=True)
        # Where such a quote is left open, or another stands behind it, it is part of a value.
        if not isinstance(spaced, Refusal) and spaced.numbers == grid.numbers:
            grid.lines = [
                without if any(map(_SPACED_QUOTE.match, line)) else line
                for line, without in zip(grid.lines, spaced.lines, strict=True)
            ]
    if isinstance(grid, Refusal):
        return grid
    mixed = _mixed(grid, delimiter)
    if mixed is not None:
        return mixed
    return Delimited(grid, DELIMITERS[delimiter], _line_end(head))


@dataclass(frozen=True, slots=True)
class _Before:
    """What stands above the lines that are cut: rows as a spreadsheet counts them, and lines as an editor does."""

    rows: int
    lines: int


def _cut(
    lines: Iterator[str], delimiter: str, most_lines: int, before: _Before, *, skip_spaces: bool = False
) -> Grid | Refusal:
    # strict: a stray quote ends the reading instead of quietly swallowing the rows that follow it.
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=skip_spaces)
    grid = Grid()
    count = ended = 0
    try:
        for number, values in enumerate(reader, before.rows + 1):
            ended = reader.line_num
            if not values:
                continue
            count += 1
            if any(values) and any(map(str.strip, values)):
                grid.total = count
            if count <= most_lines:
                grid.lines.append(values)
                grid.numbers.append(number)
    except csv.Error as error:
        return _stray_quote(error, ended + 1 + before.lines, reader.line_num + before.lines)
    del grid.lines[grid.total :]
    del grid.numbers[grid.total :]
    return grid


def _stray_quote(error: csv.Error, begins: int, line: int) -> Refusal:
    """The refusal of a file for a quote in the row that begins in one line, which showed in another or the same."""
    if "unexpected end" in str(error):
        reason = f"A quote in the row that begins in line {begins} is never closed; close it, or take it out"
    else:
        seen = "there" if line == begins else f"in line {line}"
        reason = (
            f"A quote in the row that begins in line {begins} is closed {seen}, and the value goes on behind it; write "
            'a quote inside a quoted value twice ("")'
        )
    return Refusal("UNREADABLE_CSV", reason)


def _has_spaced_quotes(decoded: Decoded, delimiter: str) -> bool:
    """Whether there is a quote that only spaces keep from the beginning of its value."""
    text = decoded.content
    if not decoded.codec.startswith("utf-8"):
        text = text.decode(decoded.codec).encode()
    # Hardly any file has even that, which is quickly seen.
    return b' "' in text and re.search(rb"(?m)(?:^|%b) +\"" % re.escape(delimiter).encode(), text) is not None


def _delimiter_of(head: list[str]) -> str | Refusal:
    """The delimiter under which the header names most of our columns; of a fix file, the one between ours."""
    for mark in DELIMITERS:
        # The messages below may name more columns, with commas between, than a short header does.
        if head and head[0].startswith(mark.join(FIX_COLUMNS)):
            return mark
    headers = {mark: _header_under(head, mark) for mark in DELIMITERS}
    known = {mark: known_in(header) for mark, header in headers.items()}
    most = max(known.values())
    candidates = [mark for mark in DELIMITERS if known[mark] == most and len(headers[mark]) > 1]
    if most == 0:
        # No name is known, so the header will be refused; its names are best told apart by what there is most of.
        return max(DELIMITERS, key=lambda mark: len(headers[mark]))
    if len(candidates) > 1:
        found = " and ".join(f"{known[mark]} between {DELIMITERS[mark]}s" for mark in candidates)
        reason = (
            f"It cannot be told what stands between the values: the header line has columns of ours, {found}. "
            "Use one and the same sign throughout"
        )
        return Refusal("AMBIGUOUS_DELIMITER", reason)
    return candidates[0] if candidates else ","


def _header_under(head: list[str], delimiter: str) -> list[str]:
    lines = list(csv.reader(head, delimiter=delimiter))
    return lines[place_of(lines)] if lines else []


def _mixed(grid: Grid, delimiter: str) -> Refusal | None:
    """The refusal of a file whose rows are written with another delimiter than its header."""
    lines = grid.lines[place_of(grid.lines) :]
    if len(lines) < 2 or len(lines[0]) < 2 or any(len(line) > 1 for line in lines[1:]):
        return None
    for mark, name in DELIMITERS.items():
        if mark != delimiter and all(mark in value for line in lines[1:] for value in line):
            reason = (
                f"The header line has a {DELIMITERS[delimiter]} between its names, but the rows have a {name} between "
                "their values. Use one and the same sign throughout"
            )
            return Refusal("AMBIGUOUS_DELIMITER", reason)
    return None


def _line_end(head: list[str]) -> str | None:
    """How the first line ends; None if there is but one."""
    return next((name for end, name in _LINE_ENDS if head and head[0].endswith(end)), None)
