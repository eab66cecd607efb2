"""What separates the values of a text file: which delimiter, and why a file's values cannot be told apart."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection
from onboarding.domain.text import printable
from onboarding.files.header import FIX_COLUMNS, place_of
from onboarding.files.header_names import known_in
from onboarding.files.models import MAX_COLUMNS, RawTable, first_of, one_line

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}

_SUPPORTED = ", ".join(DELIMITERS.values())
_LONGEST_HEADER = 10_000
"""Characters of a line that is looked through for other delimiters."""

_ROWS_SEEN = 100
"""Rows that are looked through for other quotes."""

_COLUMN_GAP = re.compile(r"\t+|  +")
_QUOTES = ("''", "``", "‘’", "“”", "„“", "„”", "‚‘", "«»", "»«")  # noqa: RUF001 - the quotes that people write


def delimiter_of(head: Sequence[str]) -> str | FileRejection:
    """Return the delimiter under which the header names most of our columns; of a fix file, the one between ours."""
    for mark in DELIMITERS:
        # The messages below may name more columns, with commas between, than a short header does.
        if head and head[0].startswith(mark.join(FIX_COLUMNS)):
            return mark
    headers = {mark: _header_under(head, mark) for mark in DELIMITERS}
    known = {mark: known_in(header) for mark, header in headers.items()}
    most = max(known.values())
    if most < 2 and (unsupported := _unsupported(head)):
        return unsupported
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
        return FileRejection(RejectionCode.AMBIGUOUS_DELIMITER, reason)
    return candidates[0] if candidates else ","


def unknown_delimiter(line: str) -> FileRejection:
    """Return the refusal of a file whose first line names a delimiter that is not supported."""
    reason = f"The first line is '{one_line(line)}'; what can stand between values: {_SUPPORTED}"
    return FileRejection(RejectionCode.UNKNOWN_DELIMITER, reason)


def refusal_of(grid: RawTable, delimiter: str) -> FileRejection | None:
    """Return the refusal of a file some of whose rows are not separated as its header is."""
    if not grid.lines:
        return None
    place = place_of(grid.lines)
    header = [name.strip() for name in grid.lines[place]]
    width = len(header)
    if width < 2 or set(header) >= set(FIX_COLUMNS[:2]):
        return None
    names = [name for name in header if name]
    first_rows = grid.lines[place + 1 : place + 1 + _ROWS_SEEN]
    for quotes in _QUOTES:
        stands_in_quotes = partial(_stands_in, quotes)
        is_header = len(names) > 1 and all(map(stands_in_quotes, names))
        # A row may be cut at a comma within quotes; its first value is not.
        if is_header or (
            first_rows
            and all(
                line[0].strip().startswith(quotes[0]) and sum(map(stands_in_quotes, line)) > 1 for line in first_rows
            )
        ):
            reason = (
                f"The values stand in {quotes[0]}…{quotes[1]}, and these are part of a value in CSV; put values in "
                'double quotes ("), or in none'
            )
            return FileRejection(RejectionCode.UNREADABLE_CSV, reason)
    short = [(line, n) for line, n in zip(grid.lines[place + 1 :], grid.numbers[place + 1 :], strict=True)
             if len(line) < width or not line[1]]  # fmt: skip
    quoted = [n for line, n in short if _is_quoted_whole(line, delimiter, width)]
    if quoted:
        reason = (
            f"{_lines_named(quoted)} {'stand' if len(quoted) > 1 else 'stands'} in quotes as one single value, as when "
            "CSV was pasted into one column; save the table as CSV from the program it was made in"
        )
        return FileRejection(RejectionCode.QUOTED_LINES, reason)
    return _mixed(short, delimiter, width)


def _header_under(head: Sequence[str], delimiter: str) -> list[str]:
    lines = [line[: MAX_COLUMNS + 1] for line in csv.reader(head, delimiter=delimiter)]
    return lines[place_of(lines)] if lines else []


def _unsupported(head: Sequence[str]) -> FileRejection | None:
    """Return the refusal of a file whose header can only be read with a delimiter that is not supported."""
    best, found = 1, ""
    for line in head:
        for mark, names in _split_otherwise(line[:_LONGEST_HEADER].strip()):
            known = known_in(names)
            # A title may have two of our names in it, between spaces.
            if known > max(best, 2 if mark == " " else 1):
                best, found = known, mark
    if not found:
        return None
    if found.isspace() and found.strip(" ") == "":
        reason = "The columns are kept apart by spaces (fixed width)"
    else:
        reason = f"The values are separated by '{printable(found)}'"
    return FileRejection(
        RejectionCode.UNKNOWN_DELIMITER,
        f"{reason}; what can stand between values: {_SUPPORTED}. Save the table as 'CSV UTF-8'",
    )


def _split_otherwise(line: str) -> Iterator[tuple[str, list[str]]]:
    """Yield a line's names as other delimiters would part them, each with that delimiter."""
    yield "  ", _COLUMN_GAP.split(line)
    yield " ", line.split(" ")
    marks = {c for c in line if not (c.isalnum() or c in " _-\"'\r\n" or c in DELIMITERS)}
    for mark in sorted(marks)[:20]:
        yield mark, line.split(mark)


def _stands_in(quotes: str, value: str) -> bool:
    value = value.strip()
    return len(value) > 1 and value[0] + value[-1] == quotes


def _is_quoted_whole(line: Sequence[str], delimiter: str, width: int) -> bool:
    value = line[0]
    # Only within quotes can a value have the delimiter in it.
    if value.count(delimiter) < width - 1 or any(map(str.strip, line[1:])):
        return False
    return len(next(csv.reader(io.StringIO(value, newline=""), delimiter=delimiter), [])) == width


def _mixed(short: Iterable[tuple[Sequence[str], int]], delimiter: str, width: int) -> FileRejection | None:
    """Return the refusal of a file with rows that have as many values as the header under another delimiter."""
    others: dict[str, list[int]] = {}
    for line, number in short:
        if len(line) < width and (found := _other_delimiter(line, delimiter, width)):
            others.setdefault(found, []).append(number)
    for found, numbers in others.items():
        reason = (
            f"The header line has a {DELIMITERS[delimiter]} between its names, but {_lines_named(numbers, 'line')} "
            f"{'have' if len(numbers) > 1 else 'has'} {found} between the values. Use one and the same sign throughout"
        )
        return FileRejection(RejectionCode.AMBIGUOUS_DELIMITER, reason)
    return None


def _other_delimiter(line: Sequence[str], delimiter: str, width: int) -> str:
    text = delimiter.join(line).strip()
    for mark, name in DELIMITERS.items():
        if mark != delimiter and text.count(mark) == width - 1:
            return f"a {name}"
    # Text may have gaps in it; a row that is nothing else has several.
    is_aligned = len(line) == 1 and width > 2 and sum(1 for _ in _COLUMN_GAP.finditer(text)) == width - 1
    return "several spaces" if is_aligned else ""


def _lines_named(numbers: Sequence[int], word: str = "Line") -> str:
    return f"{word}{'s' if len(numbers) > 1 else ''} {first_of([str(n) for n in numbers])}"
