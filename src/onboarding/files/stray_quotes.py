"""Quotes that do not part values: left open, closed in the middle, or opened in one row and closed in another."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import IDENTIFIERS, NUMBER_COLUMNS
from onboarding.files.header import place_of
from onboarding.files.header_names import columns_of
from onboarding.files.models import MAX_COLUMNS, RawTable

MAX_FIELDS = 1_000_000
"""Fields that are read with blanks around their quotes; more are not what people write by hand."""

_LINE = re.compile(r"[^\r\n]+")
_LINES_TRIED = 100
"""Lines of one value that are looked at: if it swallowed rows, its second line is one."""

_LETTERS = re.compile(r"[^\W\d_]")
_DIGITS = re.compile(r"[0-9]+")
_LONGEST_NUMBER = 30


def stray_quote(error: csv.Error, begins: int, line: int) -> FileRejection:
    """Return the refusal of a file for a quote in the row that begins in one line, which showed in another or not."""
    if "unexpected end" in str(error):
        reason = f"A quote in the row that begins in line {begins} is never closed; close it, or take it out"
    else:
        seen = "there" if line == begins else f"in line {line}"
        reason = (
            f"A quote in the row that begins in line {begins} is closed {seen}, and the value goes on behind it; write "
            'a quote inside a quoted value twice ("")'
        )
    return FileRejection(RejectionCode.UNREADABLE_CSV, reason)


def swallowed_rows(grid: RawTable, broken: Sequence[tuple[int, int, int]], delimiter: str) -> FileRejection | None:
    """Return the refusal of a file with a value that has whole rows of the table in it.

    `broken` are the lines with line breaks in their values: each with the lines of the file where it begins and ends.
    A quote that opens a value in one row and one that closes it in another leave rows of the right width, with the
    rows between inside a value. Text in several lines is told from them by what would stand under the numbers.
    """
    if not broken:
        return None
    header = grid.lines[place_of(grid.lines)]
    names = [name.strip() for name in header[:MAX_COLUMNS]]
    columns = columns_of(names)
    width = len(header)
    numbers = [place for place, column in enumerate(columns) if column in NUMBER_COLUMNS]
    typed = numbers or [place for place, column in enumerate(columns) if column in IDENTIFIERS]
    for index, begins, ends in broken:
        line = grid.lines[index]
        looks = _Looks(line, delimiter, width, typed, are_numbers=bool(numbers))
        if any(looks.swallow(place) for place, value in enumerate(line) if "\n" in value or "\r" in value):
            reason = (
                f"A quote opens a value in the row that begins in line {begins}, and the value goes on over whole rows "
                f"of the table to line {ends}; take out the quotes that open and close it, or write a quote inside a "
                'quoted value twice ("")'
            )
            return FileRejection(RejectionCode.UNREADABLE_CSV, reason)
    return None


class _Looks:
    """Whether lines inside the values of one row look like rows themselves."""

    def __init__(
        self, line: Sequence[str], delimiter: str, width: int, typed: Sequence[int], *, are_numbers: bool
    ) -> None:
        self.line, self.delimiter, self.width, self.typed, self.are_numbers = line, delimiter, width, typed, are_numbers

    def swallow(self, place: int) -> bool:
        """Return whether the value at a place has a whole row in it, or the end of one row and the start of another."""
        value = self.line[place]
        # A whole row has as many delimiters as the header; what stands before and behind the value lacks in two rows.
        if value.count(self.delimiter) < min(self.width - 1, 2 * self.width - len(self.line) - 1):
            return False
        lines = list(islice(_LINE.finditer(value), _LINES_TRIED + 1))
        starts_anew = value[0] in "\r\n"
        inner = lines if starts_anew else lines[1:]
        end = max(value.rfind("\n"), value.rfind("\r"))
        last = value[end + 1 :]
        whole = len(self.line)
        if any(self._is_row(0, found[0], whole) for found in inner if found.end() <= end):
            return True
        first = "" if starts_anew else lines[0][0]
        return self._is_row(place, first, whole) and self._is_row(0, last, place + 1)

    def _is_row(self, before: int, text: str, after: int) -> bool:
        """Return whether so many of the line's first values, a text's, and the line's from `after` on are a row."""
        fields = text.count(self.delimiter) + 1
        if before + fields + len(self.line) - after != self.width:
            return False
        values = [*self.line[:before], *text.split(self.delimiter), *self.line[after:]]
        typed = [value for place in self.typed if (value := values[place].strip())]
        if self.are_numbers:
            return bool(typed) and all(map(_is_number, typed))
        own = [_shape(self.line[place]) for place in self.typed if place < len(self.line)]
        return not typed or any(_shape(value) in own for value in typed)


def _is_number(value: str) -> bool:
    """Return whether a value has digits, and no more letters than a currency or a unit."""
    return len(value) <= _LONGEST_NUMBER and bool(_DIGITS.search(value)) and len(_LETTERS.findall(value)) <= 3


def _shape(value: str) -> str:
    """Return an identifier with every run of digits as one, to compare how identifiers are built."""
    return _DIGITS.sub("0", value.strip()[:100])


def spaced_fields(text: str, delimiter: str, most_lines: int) -> Iterator[tuple[list[str], int]]:
    """Yield each line's values with its end in the text, where blanks may stand on both sides of quotes.

    A ValueError says that a quote stands where it parts no values.
    """
    unquoted = re.compile(rf"[^{re.escape(delimiter)}\r\n]*")
    blanks = re.compile(" *" if delimiter == "\t" else "[ \t]*")
    at = fields = lines = 0
    values: list[str] = []
    while at < len(text) and lines < most_lines:
        start = _end_of(blanks, text, at)
        if text.startswith('"', start):
            closing = _closing(text, start + 1)
            values.append(text[start + 1 : closing].replace('""', '"'))
            at = _end_of(blanks, text, closing + 1)
        else:
            end = _end_of(unquoted, text, at)
            values.append(text[at:end])
            at = end
        fields += 1
        if fields > MAX_FIELDS:
            raise ValueError("too many fields")
        if text.startswith(delimiter, at):
            at += 1
            if at < len(text):
                continue
            values.append("")
        elif text.startswith(("\r", "\n"), at):
            at += 2 if text.startswith("\r\n", at) else 1
        elif at < len(text):
            raise ValueError("a value goes on behind its quote")
        yield values, at
        lines += 1
        values = []


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _closing(text: str, at: int) -> int:
    """Return where the quote stands that closes a value."""
    while (at := text.find('"', at)) >= 0:
        if not text.startswith('"', at + 1):
            return at
        at += 2
    raise ValueError("a quote is never closed")
