"""How many values each row has: rows in which a value may stand under the wrong column are errors."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from onboarding.domain.column_types import ColumnType
from onboarding.domain.error_codes import WarningCode
from onboarding.domain.models import FileWarning
from onboarding.domain.product_schema import columns_of_type
from onboarding.files.models import Table

_FILLED = 0.9
"""The share of rows with a value from which a column without a name is a column, and not where values went astray."""

# What programs call a column without a name: pandas, readr, SheetJS.
_NO_NAME = re.compile(r"(?:Unnamed: [0-9]+(?:_level_[0-9]+)?|\.\.\.[0-9]+|__EMPTY(?:_[0-9]+)?)?")

# What an unquoted decimal comma makes of a number: 12,5 is then two values.
_WHOLE = re.compile(r"-?[0-9]{1,7}")
_DECIMALS = re.compile(r"[0-9]{1,3}")
_PLAIN = re.compile(r"-?[0-9]{1,7}(?:\.[0-9]{1,6})?")
_TEXTS = frozenset(columns_of_type(ColumnType.WORDS, ColumnType.URL))
"""Columns in which a number alone is rare."""

_QUANTITIES = columns_of_type(ColumnType.QUANTITY)
_URLS = columns_of_type(ColumnType.URL)


@dataclass(frozen=True, slots=True)
class Widths:
    """The rows whose values may stand under the wrong columns: by how many fields each is too long (negative: too
    short) for the header, by row number; and the warnings about the others."""

    misfits: Mapping[int, int] = field(default_factory=dict)
    warnings: list[FileWarning] = field(default_factory=list)


def widths_of(
    table: Table, columns: Sequence[str | None], required: Collection[str], decimals: Collection[str], *, commas: bool
) -> Widths:
    """Compare every row's values with the header: `columns` are those with names, `commas` stand between the values.

    A row may lack values at its end, as Excel leaves out blank ones, unless a required column is among them. In a
    column without a name, values are taken for one that is not read if nearly every row has one; otherwise they came
    there by a comma too many.
    """
    named, whole = len(columns), len(table.header)
    lengths = [len(row) for row in table.rows]
    misfits: dict[int, int] = {}
    warnings: list[FileWarning] = []
    unnamed = [place for place, name in enumerate(table.header) if _NO_NAME.fullmatch(name.strip())]
    if unnamed:
        astray = _astray(table.rows, unnamed)
        misfits |= {number: max(place + 1 - named, 1) for number, place in astray.items()}
        warnings += _unnamed_warnings(table, unnamed, astray)
    short = []
    if set(lengths) != {whole}:
        fewest = 1 + max((place for place, column in enumerate(columns) if column in required), default=0)
        for number, length in enumerate(lengths, 1):
            if length < fewest:
                misfits[number] = length - named
            elif length < named:
                short.append(number)
            # Surplus fields that are blank are what a spreadsheet leaves behind, and say nothing.
            elif length > whole and any(map(str.strip, table.rows[number - 1][whole:])):
                misfits[number] = length - whole
    if commas:
        for place in (place for place, column in enumerate(columns) if column in decimals and place + 1 < named):
            split = _split(table.rows, place)
            if split:
                misfits |= _shifted(table, columns, misfits, split, place=place, decimals=decimals, required=required)
                misfits |= _shifted_into_text(
                    table, columns, misfits, split, place=place, decimals=decimals, required=required
                )
    short = [number for number in short if number not in misfits]
    if short:
        message = (
            f"The values of {table.rows_named(short)} end before the header's do; the columns that are missing at the "
            "end were taken as blank"
        )
        warnings.append(FileWarning(WarningCode.SHORT_ROWS, message, short[0]))
    return Widths(misfits, warnings)


def width_of_most(rows: Sequence[Sequence[str]]) -> int:
    """Return how many values nearly every row has at least."""
    lengths = sorted(map(len, rows), reverse=True)
    place = max(math.ceil(_FILLED * len(lengths)), 2) - 1
    return lengths[place] if place < len(lengths) else 0


def _astray(rows: Sequence[Sequence[str]], unnamed: Sequence[int]) -> dict[int, int]:
    """Return the rows with a value in a column without a name that is no column of the vendor's, and its place."""
    astray: dict[int, int] = {}
    for place in unnamed:
        filled = [number for number, row in enumerate(rows, 1) if len(row) > place and row[place].strip()]
        if len(filled) < max(_FILLED * len(rows), 2):
            astray |= dict.fromkeys(filled, place)
    return astray


def _unnamed_warnings(table: Table, unnamed: Sequence[int], astray: Collection[int]) -> Iterator[FileWarning]:
    if astray:
        numbers = sorted(astray)
        message = (
            f"There is text in a column without a name in {table.rows_named(numbers)}, as when a comma inside a value "
            "has no quotes around the value; give the column a name if it is one"
        )
        yield FileWarning(WarningCode.UNNAMED_COLUMN, message, numbers[0])
    elif any(len(row) > place and row[place].strip() for row in table.rows for place in unnamed):
        yield FileWarning(WarningCode.UNNAMED_COLUMN, "There are values in a column without a name; they were not read")


def _split(rows: Sequence[Sequence[str]], place: int) -> list[int]:
    """Return the rows with a whole number at a place, and behind it what may be its decimals."""
    return [
        number
        for number, row in enumerate(rows, 1)
        if len(row) > place + 1
        and row[place]
        and "." not in row[place]
        and (part := row[place + 1].strip()).isdigit()
        and _DECIMALS.fullmatch(part)
        and _WHOLE.fullmatch(row[place].strip())
    ]


def _shifted(
    table: Table,
    columns: Sequence[str | None],
    misfits: Mapping[int, int],
    split: Sequence[int],
    *,
    place: int,
    decimals: Collection[str],
    required: Collection[str],
) -> dict[int, int]:
    """Return the rows that an unquoted decimal comma has shifted: `12,5` stands in two columns, at `place` and behind.

    Such a row may have as many values as the header if it lacks one at its end. That it is shifted is taken from
    others of the file that have a value too many in the same place, or from the number: nothing weighs 0.
    """
    rows, whole = table.rows, len(table.header)
    behind = columns[place + 1]
    is_text = behind not in decimals and behind not in _QUANTITIES
    if not is_text and not misfits and max(map(len, rows)) <= whole:
        return {}

    def may_be_shifted(number: int) -> bool:
        return not is_text or _fits(_joined(columns, rows[number - 1], place), decimals, required)

    usual = Counter(map(len, rows)).most_common(1)[0][0]
    unusual = {number for number in split if whole < len(rows[number - 1]) != usual}
    evidence = unusual or any(misfits.get(number, 0) > 0 for number in split)
    if behind in _TEXTS or (is_text and behind is not None and any(len(row) != whole for row in rows)):
        evidence = evidence or any(not rows[n - 1][place].strip().strip("0") and may_be_shifted(n) for n in split)
    if not evidence:
        return {}
    named = len(columns)
    return {
        number: _surplus(rows[number - 1], named)
        for number in filter(may_be_shifted, split)
        if number not in misfits and (is_text or number in unusual or len(rows[number - 1]) < named)
    }


def _shifted_into_text(
    table: Table,
    columns: Sequence[str | None],
    misfits: Mapping[int, int],
    split: Sequence[int],
    *,
    place: int,
    decimals: Collection[str],
    required: Collection[str],
) -> dict[int, int]:
    """Return the rows in which an unquoted decimal comma has moved a number into a column of text.

    Without the comma, fewer of the row's texts would be numbers, and all its numbers would be some. Two such rows are
    evidence if their numbers differ and no other row has a number there, or one, if another has a value too many.
    Numbers in `unit` alone may be sizes of packs, unless the rows are longer than the header.
    """
    texts = [at for at, column in enumerate(columns) if at > place and column in _TEXTS]
    moved: dict[int, list[str]] = {}
    for number in split:
        row = table.rows[number - 1]
        found = [row[at].strip() for at in texts if at < len(row) and _PLAIN.fullmatch(row[at].strip())]
        if found and number not in misfits:
            joined = _joined(columns, row, place)
            remaining = sum(1 for column, value in joined if column in _TEXTS and _PLAIN.fullmatch(value))
            if remaining < len(found) and _fits(joined, decimals, required):
                moved[number] = found
    others = (row for number, row in enumerate(table.rows, 1) if number not in moved and number not in misfits)
    if not moved or any(_PLAIN.fullmatch(row[at].strip()) for row in others for at in texts if at < len(row)):
        return {}
    is_longer = any(len(table.rows[number - 1]) > len(table.header) for number in moved)
    differ = len({*map(tuple, moved.values())}) > 1 and (is_longer or {columns[at] for at in texts} != {"unit"})
    if not differ and not any(misfits.get(number, 0) > 0 for number in split):
        return {}
    return {number: _surplus(table.rows[number - 1], len(columns)) for number in moved}


def _joined(columns: Sequence[str | None], row: Sequence[str], place: int) -> list[tuple[str | None, str]]:
    """Return what would stand behind a place, by column, if it and the next were one number."""
    values = [value.strip() for value in row[place + 2 :]]
    behind = columns[place + 1 :]
    return list(zip(behind, [*values, *[""] * (len(behind) - len(values))], strict=False))


def _fits(values: Sequence[tuple[str | None, str]], decimals: Collection[str], required: Collection[str]) -> bool:
    """Return whether required columns have values, the columns of numbers have numbers, and only images an address."""
    for column, value in values:
        if column in required and not value:
            return False
        if column in _QUANTITIES and not value.isdigit():
            return False
        if column in decimals and value and not _PLAIN.fullmatch(value):
            return False
        if column is not None and value and (column in _URLS) != value.startswith(("http://", "https://")):
            return False
    return True


def _surplus(row: Sequence[str], named: int) -> int:
    return len(row) - named if len(row) < named else 1
