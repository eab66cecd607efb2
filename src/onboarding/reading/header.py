"""The header line: where it stands, and which of our columns each of its names means."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files

from onboarding.formulas import restored
from onboarding.model import COLUMNS
from onboarding.reading.found import MAX_COLUMNS, FileWarning, Refusal, one_line

FIX_COLUMNS = ("_row", "_errors", "_hint")
"""The columns that our fix file puts before the vendor's own."""

_MARKS_OF_A_FIX_FILE = {"_row", "_errors"}

DECIMAL_COMMA = "_decimal_comma"
"""One more, where columns of the vendor's have decimal commas: their names. The rejected rows alone may not show it."""

LINES_SEARCHED = 20
"""How far down the header is looked for: exports may begin with a title, a date, an address."""

_LONGEST_NAME = 100
_COMPARED_NAMES = 60
_LIKENESS = 0.6
_BETWEEN_WORDS = re.compile(r"[\W_]+")


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
        return [restored(value) for place, value in enumerate(line) if place not in self.ours]


def normal(name: str) -> str:
    """A name without what vendors write differently: case, accents, and the signs between words."""
    plain = name
    # Nearly every value that is looked at is ASCII, which has no accents to search for.
    if not name.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return _BETWEEN_WORDS.sub("_", plain.casefold()).strip("_")


@cache
def synonyms() -> dict[str, list[str]]:
    """The names that others give our columns, by column, as they stand in the list."""
    return tomllib.loads((files(__package__) / "headers.toml").read_text(encoding="utf-8"))


@cache
def spellings() -> dict[str, str]:
    """Every name that is known, in its normal form, with the column that it means."""
    known = {column: column for column in COLUMNS}
    known |= {normal(name): column for column, names in synonyms().items() for name in names}
    # "Productname" and "product name" are one name too.
    return known | {name.replace("_", ""): column for name, column in known.items()}


def column_of(name: str) -> str | None:
    """The column that a header name means, or None."""
    # A name that begins with `_` is a note of whoever wrote the file, or one of ours.
    if len(name) > _LONGEST_NAME or name.startswith("_"):
        return None
    plain = normal(name)
    return spellings().get(plain) or spellings().get(plain.replace("_", ""))


def known_in(values: Sequence[str]) -> int:
    """How many of our columns a line names."""
    return len({column_of(value.strip()) for value in values[:MAX_COLUMNS]} - {None})


def place_of(lines: Sequence[Sequence[str]]) -> int:
    """Which of a file's first lines is its header: the one that names most columns, if it names two or more."""
    known = [known_in(line) for line in lines[:LINES_SEARCHED]]
    first = next((i for i, line in enumerate(lines) if any(value.strip() for value in line)), 0)
    best = max(range(len(known)), key=lambda i: known[i], default=first)
    return best if known and known[best] > max(known[first], 1) else first


def header_of(values: Sequence[str], required: Sequence[str]) -> Header | Refusal:
    """The header line understood, or why it cannot be."""
    # A name is shown on one line, and kept where control characters cannot be.
    names = [one_line(value, _LONGEST_NAME) for value in values]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        return Refusal("TOO_MANY_COLUMNS", f"The header line has {len(names):,} columns; the limit is {MAX_COLUMNS:,}")
    columns = [column_of(name) for name in names]
    missing = [column for column in required if column not in columns]
    if missing:
        return _missing(missing, names, columns)
    twice = _named_twice(names, columns)
    if twice:
        return Refusal("DUPLICATE_COLUMNS", f"The header line names a column more than once: {', '.join(twice)}")
    if not set(names) >= _MARKS_OF_A_FIX_FILE:
        return Header(names, columns, frozenset())
    # The first of a name: the vendor's own may be called the same, and come after ours.
    ours = frozenset(names.index(name) for name in (*FIX_COLUMNS, DECIMAL_COMMA) if name in names)
    return Header(names, columns, ours, fix_file=True)


def warnings_of(header: Header) -> Iterator[FileWarning]:
    for name in header.unknown:
        message = f"The column '{one_line(name)}' is none of ours; it was not read"
        yield FileWarning("UNKNOWN_COLUMN", message, column=name[:_LONGEST_NAME])


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


def _missing(missing: Sequence[str], names: Sequence[str], columns: Sequence[str | None]) -> Refusal:
    if len(names) == 1 and any(known_in(names[0].split(mark)) > 1 for mark in ",;\t|"):
        reason = "Each line stands in quotes as one single value; save the table as CSV from the program it was made in"
        return Refusal("QUOTED_LINES", reason)
    others = [name for name, column in zip(names, columns, strict=True) if column is None and name]
    nearest = [f"'{one_line(name)}' for {column}" for column in missing if (name := _nearest(column, others))]
    reason = f"Missing required columns: {', '.join(missing)}"
    if nearest:
        reason += f"; the nearest found: {', '.join(nearest)}"
    found = ", ".join(name for name in names if name) or "nothing"
    return Refusal("MISSING_COLUMNS", f"{reason}; the header line has: {found[:500]}")


def _nearest(column: str, names: Sequence[str]) -> str | None:
    """The name that is most like some spelling of `column`."""
    known = [spelling for spelling, meant in spellings().items() if meant == column]
    best, found = _LIKENESS, None
    for name in names[:_COMPARED_NAMES]:
        plain = normal(name[:_LONGEST_NAME])
        for spelling in known:
            matcher = SequenceMatcher(None, spelling, plain)
            if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
                best, found = matcher.ratio(), name
    return found
