"""Comparison of the number of values in each row with the header, to find values in wrong columns."""

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

_MIN_FILLED = 0.9
"""Minimum share of rows with a value in a column without a name; with fewer, these values are misplaced."""

# Names that pandas, readr and SheetJS give to a column without a name.
_NO_NAME = re.compile(r"(?:Unnamed: [0-9]+(?:_level_[0-9]+)?|\.\.\.[0-9]+|__EMPTY(?:_[0-9]+)?)?")

# The two parts of a number with an unquoted decimal comma: 12,5 becomes two values.
_WHOLE = re.compile(r"-?[0-9]{1,7}")
_DECIMALS = re.compile(r"[0-9]{1,3}")
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,7}(?:\.[0-9]{1,6})?")
_TEXT_COLUMNS = frozenset(columns_of_type(ColumnType.WORDS, ColumnType.URL))
"""Columns in which a value is rarely a number."""

_QUANTITIES = columns_of_type(ColumnType.QUANTITY)
_URLS = columns_of_type(ColumnType.URL)


@dataclass(frozen=True, slots=True)
class RowWidths:
    """Rows whose values may be in wrong columns, and warnings about other rows.

    `surplus_fields` maps row numbers to the number of fields beyond the header; negative if fields are missing.
    """

    surplus_fields: Mapping[int, int] = field(default_factory=dict)
    warnings: list[FileWarning] = field(default_factory=list)


def check_row_widths(
    table: Table,
    columns: Sequence[str | None],
    required: Collection[str],
    decimal_columns: Collection[str],
    *,
    commas: bool,
) -> RowWidths:
    """Compare the number of values of every row with the header.

    `columns` are those of the header's names; `commas` is true if the delimiter is a comma. Values may be missing at
    the end of a row, because Excel omits blank ones, but not those of required columns. A column without a name is an
    ignored column if nearly every row has a value in it; otherwise the values are the result of a surplus comma.
    """
    named, width = len(columns), len(table.header)
    lengths = [len(row) for row in table.rows]
    surplus_fields: dict[int, int] = {}
    warnings: list[FileWarning] = []
    unnamed = [index for index, name in enumerate(table.header) if _NO_NAME.fullmatch(name.strip())]
    if unnamed:
        misplaced = _find_misplaced(table.rows, unnamed)
        surplus_fields |= {number: max(index + 1 - named, 1) for number, index in misplaced.items()}
        warnings += _warn_about_unnamed(table, unnamed, misplaced)
    short = []
    if set(lengths) != {width}:
        min_width = 1 + max((index for index, column in enumerate(columns) if column in required), default=0)
        for number, length in enumerate(lengths, 1):
            if length < min_width:
                surplus_fields[number] = length - named
            elif length < named:
                short.append(number)
            # Blank surplus fields are no evidence: spreadsheets write them for empty columns.
            elif length > width and any(map(str.strip, table.rows[number - 1][width:])):
                surplus_fields[number] = length - width
    if commas:
        for index in (index for index, column in enumerate(columns) if column in decimal_columns and index + 1 < named):
            candidates = _find_split_candidates(table.rows, index)
            if candidates:
                surplus_fields |= _find_split_decimals(
                    table,
                    columns,
                    surplus_fields,
                    candidates,
                    index=index,
                    decimal_columns=decimal_columns,
                    required=required,
                )
                surplus_fields |= _find_numbers_in_text_columns(
                    table,
                    columns,
                    surplus_fields,
                    candidates,
                    index=index,
                    decimal_columns=decimal_columns,
                    required=required,
                )
    short = [number for number in short if number not in surplus_fields]
    if short:
        message = (
            f"The values of {table.rows_named(short)} end before the last column of the header; the missing "
            "values were read as blank"
        )
        warnings.append(FileWarning(WarningCode.SHORT_ROWS, message, short[0]))
    return RowWidths(surplus_fields, warnings)


def find_common_width(rows: Sequence[Sequence[str]]) -> int:
    """Return the number of values that nearly every row has at least."""
    lengths = sorted(map(len, rows), reverse=True)
    index = max(math.ceil(_MIN_FILLED * len(lengths)), 2) - 1
    return lengths[index] if index < len(lengths) else 0


def _find_misplaced(rows: Sequence[Sequence[str]], unnamed: Sequence[int]) -> dict[int, int]:
    """Return the rows with a misplaced value in a column without a name, with the index of that column."""
    misplaced: dict[int, int] = {}
    for index in unnamed:
        filled = [number for number, row in enumerate(rows, 1) if len(row) > index and row[index].strip()]
        if len(filled) < max(_MIN_FILLED * len(rows), 2):
            misplaced |= dict.fromkeys(filled, index)
    return misplaced


def _warn_about_unnamed(table: Table, unnamed: Sequence[int], misplaced: Collection[int]) -> Iterator[FileWarning]:
    if misplaced:
        numbers = sorted(misplaced)
        message = (
            f"There is text in a column without a name in {table.rows_named(numbers)}, as when a value with a comma "
            "has no quotes around it; if it is a column, give it a name"
        )
        yield FileWarning(WarningCode.UNNAMED_COLUMN, message, numbers[0])
    elif any(len(row) > index and row[index].strip() for row in table.rows for index in unnamed):
        yield FileWarning(WarningCode.UNNAMED_COLUMN, "There are values in a column without a name; they were not read")


def _find_split_candidates(rows: Sequence[Sequence[str]], index: int) -> list[int]:
    """Return the rows with a whole number at an index and digits after it that may be its decimals."""
    return [
        number
        for number, row in enumerate(rows, 1)
        if len(row) > index + 1
        and row[index]
        and "." not in row[index]
        and (part := row[index + 1].strip()).isdigit()
        and _DECIMALS.fullmatch(part)
        and _WHOLE.fullmatch(row[index].strip())
    ]


def _find_split_decimals(
    table: Table,
    columns: Sequence[str | None],
    surplus_fields: Mapping[int, int],
    candidates: Sequence[int],
    *,
    index: int,
    decimal_columns: Collection[str],
    required: Collection[str],
) -> dict[int, int]:
    """Return the rows with an unquoted decimal comma: `12,5` is in two columns, at `index` and the next.

    Such a row may have as many values as the header if its last value is missing. Evidence is either another row with a
    surplus value at the same position, or the number itself: no product weighs 0.
    """
    rows, width = table.rows, len(table.header)
    next_column = columns[index + 1]
    is_text = next_column not in decimal_columns and next_column not in _QUANTITIES
    if not is_text and not surplus_fields and max(map(len, rows)) <= width:
        return {}

    def is_plausible(number: int) -> bool:
        return not is_text or _is_plausible(_join_number(columns, rows[number - 1], index), decimal_columns, required)

    usual_length = Counter(map(len, rows)).most_common(1)[0][0]
    longer = {number for number in candidates if width < len(rows[number - 1]) != usual_length}
    evidence = longer or any(surplus_fields.get(number, 0) > 0 for number in candidates)
    if next_column in _TEXT_COLUMNS or (is_text and next_column is not None and any(len(row) != width for row in rows)):
        evidence = evidence or any(not rows[n - 1][index].strip().strip("0") and is_plausible(n) for n in candidates)
    if not evidence:
        return {}
    named = len(columns)
    return {
        number: _count_surplus(rows[number - 1], named)
        for number in filter(is_plausible, candidates)
        if number not in surplus_fields and (is_text or number in longer or len(rows[number - 1]) < named)
    }


def _find_numbers_in_text_columns(
    table: Table,
    columns: Sequence[str | None],
    surplus_fields: Mapping[int, int],
    candidates: Sequence[int],
    *,
    index: int,
    decimal_columns: Collection[str],
    required: Collection[str],
) -> dict[int, int]:
    """Return the rows in which an unquoted decimal comma shifted a number into a text column.

    Without the split, fewer text columns of the row have numbers, and all its number columns have numbers. Evidence is
    two such rows with different numbers while no other row has a number in these columns, or one such row while another
    one has a surplus value. Numbers only in `unit` may be pack sizes, unless the rows are longer than the header.
    """
    texts = [text_index for text_index, column in enumerate(columns) if text_index > index and column in _TEXT_COLUMNS]
    shifted: dict[int, list[str]] = {}
    for number in candidates:
        row = table.rows[number - 1]
        numbers_in_texts = [
            row[text_index].strip()
            for text_index in texts
            if text_index < len(row) and _PLAIN_NUMBER.fullmatch(row[text_index].strip())
        ]
        if numbers_in_texts and number not in surplus_fields:
            joined = _join_number(columns, row, index)
            remaining = sum(1 for column, value in joined if column in _TEXT_COLUMNS and _PLAIN_NUMBER.fullmatch(value))
            if remaining < len(numbers_in_texts) and _is_plausible(joined, decimal_columns, required):
                shifted[number] = numbers_in_texts
    others = (row for number, row in enumerate(table.rows, 1) if number not in shifted and number not in surplus_fields)
    if not shifted or any(
        _PLAIN_NUMBER.fullmatch(row[text_index].strip())
        for row in others
        for text_index in texts
        if text_index < len(row)
    ):
        return {}
    is_longer = any(len(table.rows[number - 1]) > len(table.header) for number in shifted)
    numbers_differ = len({*map(tuple, shifted.values())}) > 1 and (
        is_longer or {columns[text_index] for text_index in texts} != {"unit"}
    )
    if not numbers_differ and not any(surplus_fields.get(number, 0) > 0 for number in candidates):
        return {}
    return {number: _count_surplus(table.rows[number - 1], len(columns)) for number in shifted}


def _join_number(columns: Sequence[str | None], row: Sequence[str], index: int) -> list[tuple[str | None, str]]:
    """Return the values after a number, by column, as if the number and the next value were one."""
    values = [value.strip() for value in row[index + 2 :]]
    later_columns = columns[index + 1 :]
    return list(zip(later_columns, [*values, *[""] * (len(later_columns) - len(values))], strict=False))


def _is_plausible(
    values: Sequence[tuple[str | None, str]], decimal_columns: Collection[str], required: Collection[str]
) -> bool:
    """Return whether required columns have values, number columns numbers, and only URL columns addresses."""
    for column, value in values:
        if column in required and not value:
            return False
        if column in _QUANTITIES and not value.isdigit():
            return False
        if column in decimal_columns and value and not _PLAIN_NUMBER.fullmatch(value):
            return False
        if column is not None and value and (column in _URLS) != value.startswith(("http://", "https://")):
            return False
    return True


def _count_surplus(row: Sequence[str], named: int) -> int:
    return len(row) - named if len(row) < named else 1
