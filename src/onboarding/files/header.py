"""The header line: where it stands, and which of our columns each of its names means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.files.formula_escaping import unescape_formula
from onboarding.files.header_names import (
    LONGEST_NAME,
    column_of,
    columns_of,
    currencies_in,
    is_own_name,
    kept_text,
    known_in,
    normal,
    spellings,
)
from onboarding.files.models import MAX_COLUMNS, one_line

FIX_COLUMNS = ("_row", "_errors", "_hint")
"""The columns that our fix file puts before the vendor's own."""

_MARKS_OF_A_FIX_FILE = {"_row", "_errors"}

DECIMAL_COMMA = "_decimal_comma"
"""One more, where columns of the vendor's have decimal commas: their names. The rejected rows alone may not show it."""

LINES_SEARCHED = 20
"""How far down the header is looked for: exports may begin with a title, a date, an address."""

_LINES_SEEN = 200
"""How far down a file without a header is looked through for a line to name as one."""

_KNOWN_IN_A_HEADER = 3
"""Columns that a line names if it can be no product."""

_COMPARED_NAMES = 60
_LIKENESS = 0.6
_DIGIT = re.compile(r"[0-9]")

# What a product costs its vendor in Odoo, and the price that customers pay at Amazon.
_COST = "standard_price"
_SALE_PRICES = ("list_price", "lst_price", "sales_price", "sale_price", "public_price", "cost", "cost_price")


@dataclass(frozen=True, slots=True)
class Header:
    """A header line understood: its names, and the column of ours (or None) for each place.

    A name is stripped of white space around it and of what cannot be shown. `ours` are the places of the columns that
    our fix file puts before the vendor's own.
    """

    names: Sequence[str]
    columns: Sequence[str | None]
    ours: frozenset[int]
    fix_file: bool = False

    @property
    def mapping(self) -> dict[str, str]:
        return {name: column for name, column in zip(self.names, self.columns, strict=True) if column is not None}

    @property
    def unknown(self) -> list[str]:
        named = zip(self.names, self.columns, strict=True)
        return list(dict.fromkeys(name for name, column in named if column is None and name))

    @property
    def kept_as_text(self) -> list[str]:
        """The columns whose names, and so their values, stand in `="…"`, as exports keep a spreadsheet from numbers."""
        named = zip(self.names, self.columns, strict=True)
        return [column for name, column in named if column is not None and name != kept_text(name)]

    def without_ours(self) -> Header:
        """The same without the columns of our fix file."""
        if not self.ours:
            return self
        kept = [place for place in range(len(self.names)) if place not in self.ours]
        names, columns = [self.names[place] for place in kept], [self.columns[place] for place in kept]
        return Header(names, columns, frozenset(), self.fix_file)

    def agreed(self, lines: Sequence[Sequence[str]]) -> frozenset[str]:
        """The columns of the vendor's that have decimal commas, as far as our fix file says so."""
        if not self.fix_file or DECIMAL_COMMA not in self.names:
            return frozenset()
        place = self.names.index(DECIMAL_COMMA)
        return frozenset(name.strip() for line in lines for name in "".join(line[place : place + 1]).split(","))

    def vendors_own(self, line: list[str]) -> list[str]:
        """A line without the columns of our fix file, and without what that did to its values."""
        if not self.ours:
            return line
        return [unescape_formula(value) for place, value in enumerate(line) if place not in self.ours]


def place_of(lines: Sequence[Sequence[str]]) -> int:
    """Return which of a file's first lines is its header: the one that names most columns, if it names two or more.

    Where products stand between two such lines, it is the first of them: no product is taken for a line above.
    """
    known = [known_in(line) for line in lines[:LINES_SEARCHED]]
    first = next((i for i, line in enumerate(lines) if any(value.strip() for value in line)), 0)
    best = max(range(len(known)), key=lambda i: known[i], default=first)
    if not known or known[best] <= max(known[first], 1):
        return first
    for i in range(first, best):
        if known[i] >= _KNOWN_IN_A_HEADER and any(_may_be_product(line) for line in lines[i + 1 : best]):
            return i
    return best


def _may_be_product(line: Sequence[str]) -> bool:
    """Return whether a line has several values, some of them with digits, and names no columns."""
    values = [value for value in line[:MAX_COLUMNS] if value.strip()]
    return len(values) >= _KNOWN_IN_A_HEADER and known_in(values) < 2 and any(map(_DIGIT.search, values))


def header_of(values: Sequence[str], required: Sequence[str]) -> Header | FileRejection:
    """Return the header line understood, or why it cannot be."""
    # A name is shown on one line, and kept where control characters cannot be.
    names = [one_line(value, LONGEST_NAME) for value in values[: MAX_COLUMNS + 1]]
    while names and not names[-1]:
        names.pop()
    if set(names) >= _MARKS_OF_A_FIX_FILE:
        names = list(map(unescape_formula, names))
    if len(names) > MAX_COLUMNS:
        wide = next(n for n in range(len(values), 0, -1) if values[n - 1].strip())
        return FileRejection(
            RejectionCode.TOO_MANY_COLUMNS, f"The header line has {wide:,} columns; the limit is {MAX_COLUMNS:,}"
        )
    columns = _own_names_first(names, columns_of(names))
    ambiguous = _ambiguous(names, columns)
    if ambiguous is not None:
        return ambiguous
    missing = [column for column in required if column not in columns]
    if missing:
        return _missing(missing, names, columns)
    twice = _named_twice(names, columns)
    if twice:
        return FileRejection(
            RejectionCode.DUPLICATE_COLUMNS, f"The header line names a column more than once: {', '.join(twice)}"
        )
    if not set(names) >= _MARKS_OF_A_FIX_FILE:
        return Header(names, columns, frozenset())
    # The first of a name: the vendor's own may be called the same, and come after ours.
    ours = frozenset(names.index(name) for name in (*FIX_COLUMNS, DECIMAL_COMMA) if name in names)
    return Header(names, columns, ours, fix_file=True)


def warnings_of(header: Header) -> Iterator[FileWarning]:
    """Yield a warning for each column that is not read."""
    for name in header.unknown:
        column = column_of(name)
        if column is not None and column in header.columns:
            own = header.names[header.columns.index(column)]
            message = f"The column '{one_line(name)}' was not read, because the header has '{one_line(own)}' too"
        else:
            message = f"The column '{one_line(name)}' is none of ours; it was not read"
        yield FileWarning(WarningCode.UNKNOWN_COLUMN, message, column=name[:LONGEST_NAME])


def header_not_found(lines: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    """Return what to add to the refusal of a file none of whose first lines is a header; blank if one is."""
    if any(known_in(line) > 1 for line in lines[:LINES_SEARCHED]):
        return ""
    searched = min(len(lines), LINES_SEARCHED)
    reason = f"no header line was found in the first {searched} lines" if searched > 1 else "no header line was found"
    for line, number in zip(lines[searched:_LINES_SEEN], numbers[searched:_LINES_SEEN], strict=False):
        if known_in(line) >= _KNOWN_IN_A_HEADER:
            return f"{reason}; line {number} looks like one, and must be among them"
    return reason


def _own_names_first(names: Sequence[str], columns: Sequence[str | None]) -> list[str | None]:
    """Return the columns; where one of them has a name that is its own, other names for it mean nothing."""
    own = {column for name, column in zip(names, columns, strict=True) if column and is_own_name(name, column)}
    return [
        column if column not in own or is_own_name(name, column) else None
        for name, column in zip(names, columns, strict=True)
    ]


def _ambiguous(names: Sequence[str], columns: Sequence[str | None]) -> FileRejection | None:
    """Return the refusal of a header in which the price may be either of two columns, or is in two currencies."""
    plain = {normal(name): name for name in names}
    if _COST in plain and columns[names.index(plain[_COST])] == "price":
        rival = next((plain[name] for name in _SALE_PRICES if name in plain), None)
        if rival is not None:
            reason = (
                f"The price may be '{one_line(plain[_COST])}' or '{one_line(rival)}': some systems call the price "
                "that customers pay by the one name, some by the other. Rename the one that customers pay to 'price'"
            )
            return FileRejection(RejectionCode.AMBIGUOUS_COLUMNS, reason)
    currencies = currencies_in(name for name, column in zip(names, columns, strict=True) if column)
    if len(currencies) > 1:
        named = " and ".join(f"'{one_line(name)}'" for name in currencies.values())
        reason = f"The header names more than one currency: {named}. Write all prices in one currency"
        return FileRejection(RejectionCode.AMBIGUOUS_COLUMNS, reason)
    return None


def _named_twice(names: Sequence[str], columns: Sequence[str | None]) -> list[str]:
    places: dict[str, list[str]] = {}
    for name, column in zip(names, columns, strict=True):
        if column is not None:
            places.setdefault(column, []).append(name)
    return [
        f"{column} (as {' and '.join(repr(name) for name in found)})"
        for column, found in sorted(places.items())
        if len(found) > 1
    ]


def _missing(missing: Sequence[str], names: Sequence[str], columns: Sequence[str | None]) -> FileRejection:
    if len(names) == 1 and any(known_in(names[0].split(mark)) > 1 for mark in ",;\t|"):
        reason = "Each line stands in quotes as one single value; save the table as CSV from the program it was made in"
        return FileRejection(RejectionCode.QUOTED_LINES, reason)
    others = dict.fromkeys(name for name, column in zip(names, columns, strict=True) if column is None and name)
    offered = _nearest(missing, list(others)[:_COMPARED_NAMES])
    nearest = [f"'{one_line(offered[column])}' for {column}" for column in missing if column in offered]
    reason = f"Missing required columns: {', '.join(missing)}"
    if nearest:
        reason += f"; the nearest found: {', '.join(nearest)}"
    found = ", ".join(name for name in names if name) or "nothing"
    return FileRejection(RejectionCode.MISSING_COLUMNS, f"{reason}; the header line has: {found[:500]}")


def _nearest(missing: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return for each missing column the name that is most like one of its spellings; no name is offered twice."""
    known = [(spelling, column) for spelling, column in spellings().items() if column in missing]
    alike: list[tuple[float, str, str]] = []
    for name in names:
        best: dict[str, float] = {}
        # The second sequence is the one that a matcher prepares.
        matcher = SequenceMatcher(None, "", normal(name))
        for spelling, column in known:
            least = best.get(column, _LIKENESS)
            matcher.set_seq1(spelling)
            if matcher.real_quick_ratio() > least and matcher.quick_ratio() > least and matcher.ratio() > least:
                best[column] = matcher.ratio()
        alike += [(-likeness, name, column) for column, likeness in best.items()]
    offered: dict[str, str] = {}
    for _, name, column in sorted(alike):
        if column not in offered and name not in offered.values():
            offered[column] = name
    return offered
