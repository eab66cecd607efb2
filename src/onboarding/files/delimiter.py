"""Detection of the delimiter, and rejection of files whose rows are separated in another way than the header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection
from onboarding.domain.product_changes import VERSION
from onboarding.domain.text import printable
from onboarding.files.header import FIX_COLUMNS, FIX_FILE_MARKERS
from onboarding.files.header_names import count_known_columns
from onboarding.files.header_search import find_header_index
from onboarding.files.models import MAX_COLUMNS, RawTable, first_of, one_line

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}

_SUPPORTED = ", ".join(DELIMITERS.values())
_MAX_LINE_LENGTH = 10_000
"""Maximum number of characters of a line that are searched for other delimiters."""

_ROWS_EXAMINED = 100
"""Number of rows that are searched for other quotes."""

_COLUMN_GAP = re.compile(r"\t+|  +")
_QUOTES = ("''", "``", "‘’", "“”", "„“", "„”", "‚‘", "«»", "»«")  # noqa: RUF001 - the quotes that people write


def detect_delimiter(head: Sequence[str]) -> str | FileRejection:
    """Return the delimiter with which the header names most of our columns, or a rejection if two are equally likely.

    A fix file begins with its own column names, and an export has the one of the versions, so that the delimiter
    between these is returned.
    """
    for sign in DELIMITERS:
        if head and VERSION in map(str.strip, next(csv.reader(head[:1], delimiter=sign), [])):
            return sign
        # The messages of a fix file may contain more column names, separated by commas, than a short header. Fix files
        # of earlier versions have no `_upload`.
        if head and head[0].startswith((sign.join(FIX_COLUMNS), sign.join(FIX_COLUMNS[1:]))):
            return sign
    headers = {sign: _split_header(head, sign) for sign in DELIMITERS}
    column_counts = {sign: count_known_columns(header) for sign, header in headers.items()}
    max_count = max(column_counts.values())
    if max_count < 2 and (rejection := _reject_unsupported(head)):
        return rejection
    candidates = [sign for sign in DELIMITERS if column_counts[sign] == max_count and len(headers[sign]) > 1]
    if max_count == 0:
        # No name is known, so the header will be rejected; the most frequent delimiter gives the best message.
        return max(DELIMITERS, key=lambda sign: len(headers[sign]))
    if len(candidates) > 1:
        counts = " and ".join(f"{column_counts[sign]} between {DELIMITERS[sign]}s" for sign in candidates)
        reason = (
            f"The delimiter is ambiguous: the header line has known columns, {counts}. "
            "Use the same delimiter throughout"
        )
        return FileRejection(RejectionCode.AMBIGUOUS_DELIMITER, reason)
    return candidates[0] if candidates else ","


def reject_unknown_delimiter(line: str) -> FileRejection:
    """Return the rejection of a file whose first line names an unsupported delimiter."""
    reason = f"The first line is '{one_line(line)}'; supported delimiters: {_SUPPORTED}"
    return FileRejection(RejectionCode.UNKNOWN_DELIMITER, reason)


def check_row_delimiters(grid: RawTable, delimiter: str) -> FileRejection | None:
    """Return the rejection of a file with rows that have other quotes or another delimiter than the header."""
    if not grid.lines:
        return None
    header_index = find_header_index(grid.lines)
    header = [name.strip() for name in grid.lines[header_index]]
    width = len(header)
    if width < 2 or set(header) >= FIX_FILE_MARKERS or VERSION in header:
        return None
    names = [name for name in header if name]
    first_rows = grid.lines[header_index + 1 : header_index + 1 + _ROWS_EXAMINED]
    for quotes in _QUOTES:
        is_in_quotes = partial(_is_in_quotes, quotes)
        is_header = len(names) > 1 and all(map(is_in_quotes, names))
        # A comma within quotes splits a value, but not before the first quote of the row.
        if is_header or (
            first_rows
            and all(line[0].strip().startswith(quotes[0]) and sum(map(is_in_quotes, line)) > 1 for line in first_rows)
        ):
            reason = (
                f"The values are in {quotes[0]}…{quotes[1]}, which CSV reads as part of a value; put values in "
                'double quotes (") or in none'
            )
            return FileRejection(RejectionCode.UNREADABLE_CSV, reason)
    data_lines = zip(grid.lines[header_index + 1 :], grid.numbers[header_index + 1 :], strict=True)
    short_lines = [(line, number) for line, number in data_lines if len(line) < width or not line[1]]
    quoted_lines = [n for line, n in short_lines if _is_quoted_whole(line, delimiter, width)]
    if quoted_lines:
        reason = (
            f"{_format_lines(quoted_lines)} {'are' if len(quoted_lines) > 1 else 'is'} in quotes as a single value, as "
            "when CSV was pasted into one column; save the table as CSV from the program in which it was created"
        )
        return FileRejection(RejectionCode.QUOTED_LINES, reason)
    return _reject_mixed(short_lines, delimiter, width)


def _split_header(head: Sequence[str], delimiter: str) -> list[str]:
    lines = [line[: MAX_COLUMNS + 1] for line in csv.reader(head, delimiter=delimiter)]
    return lines[find_header_index(lines)] if lines else []


def _reject_unsupported(head: Sequence[str]) -> FileRejection | None:
    """Return the rejection of a file whose header has known columns only with an unsupported delimiter."""
    best_count, delimiter = 1, ""
    for line in head:
        for sign, names in _split_by_other_delimiters(line[:_MAX_LINE_LENGTH].strip()):
            column_count = count_known_columns(names)
            # A title may contain two of our names, separated by spaces.
            if column_count > max(best_count, 2 if sign == " " else 1):
                best_count, delimiter = column_count, sign
    if not delimiter:
        return None
    if delimiter.isspace() and delimiter.strip(" ") == "":
        reason = "The columns are separated by spaces (fixed width)"
    else:
        reason = f"The values are separated by '{printable(delimiter)}'"
    return FileRejection(
        RejectionCode.UNKNOWN_DELIMITER,
        f"{reason}; supported delimiters: {_SUPPORTED}. Save the table as 'CSV UTF-8'",
    )


def _split_by_other_delimiters(line: str) -> Iterator[tuple[str, list[str]]]:
    """Yield other delimiters in a line, each with the names that it separates."""
    yield "  ", _COLUMN_GAP.split(line)
    yield " ", line.split(" ")
    signs = {c for c in line if not (c.isalnum() or c in " _-\"'\r\n" or c in DELIMITERS)}
    for sign in sorted(signs)[:20]:
        yield sign, line.split(sign)


def _is_in_quotes(quotes: str, value: str) -> bool:
    value = value.strip()
    return len(value) > 1 and value[0] + value[-1] == quotes


def _is_quoted_whole(line: Sequence[str], delimiter: str, width: int) -> bool:
    value = line[0]
    # A value can contain the delimiter only within quotes.
    if value.count(delimiter) < width - 1 or any(map(str.strip, line[1:])):
        return False
    return len(next(csv.reader(io.StringIO(value, newline=""), delimiter=delimiter), [])) == width


def _reject_mixed(short_lines: Iterable[tuple[Sequence[str], int]], delimiter: str, width: int) -> FileRejection | None:
    """Return the rejection of a file with rows that have as many values as the header with another delimiter."""
    numbers_by_delimiter: dict[str, list[int]] = {}
    for line, number in short_lines:
        if len(line) < width and (delimiter_name := _find_other_delimiter(line, delimiter, width)):
            numbers_by_delimiter.setdefault(delimiter_name, []).append(number)
    for delimiter_name, numbers in numbers_by_delimiter.items():
        reason = (
            f"The header line has a {DELIMITERS[delimiter]} between its names, but {_format_lines(numbers, 'line')} "
            f"{'have' if len(numbers) > 1 else 'has'} {delimiter_name} between the values. "
            "Use the same delimiter throughout"
        )
        return FileRejection(RejectionCode.AMBIGUOUS_DELIMITER, reason)
    return None


def _find_other_delimiter(line: Sequence[str], delimiter: str, width: int) -> str:
    text = delimiter.join(line).strip()
    for sign, name in DELIMITERS.items():
        if sign != delimiter and text.count(sign) == width - 1:
            return f"a {name}"
    # Text may contain a gap, so a single value with one gap is not enough.
    is_aligned = len(line) == 1 and width > 2 and sum(1 for _ in _COLUMN_GAP.finditer(text)) == width - 1
    return "several spaces" if is_aligned else ""


def _format_lines(numbers: Sequence[int], word: str = "Line") -> str:
    return f"{word}{'s' if len(numbers) > 1 else ''} {first_of([str(n) for n in numbers])}"
