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

_MIN_FILLED_SHARE = 0.9
"""Minimum share of rows with a value in a column without a name; with fewer, these values are misplaced."""

# Names that pandas, readr and SheetJS give to a column without a name.
_BLANK_NAME = re.compile(r"(?:Unnamed: [0-9]+(?:_level_[0-9]+)?|\.\.\.[0-9]+|__EMPTY(?:_[0-9]+)?)?")

# The two parts of a number with an unquoted decimal comma: 12,5 becomes two values.
_WHOLE_PART = re.compile(r"-?[0-9]{1,7}")
_DECIMAL_PART = re.compile(r"[0-9]{1,3}")
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


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of the header's names, None for unknown names; with those that are required or have decimals."""

    names: Sequence[str | None]
    required: Collection[str]
    decimal: Collection[str]

    def join_number(self, row: Sequence[str], index: int) -> list[tuple[str | None, str]]:
        """Return the values after a number, by column, as if the number and the next value were one."""
        values = [value.strip() for value in row[index + 2 :]]
        later_names = self.names[index + 1 :]
        return list(zip(later_names, [*values, *[""] * (len(later_names) - len(values))], strict=False))

    def are_plausible(self, values: Sequence[tuple[str | None, str]]) -> bool:
        """Return whether required columns have values, number columns numbers, and only URL columns addresses."""
        for column, value in values:
            if column in self.required and not value:
                return False
            if column in _QUANTITIES and not value.isdigit():
                return False
            if column in self.decimal and value and not _PLAIN_NUMBER.fullmatch(value):
                return False
            if column is not None and value and (column in _URLS) != value.startswith(("http://", "https://")):
                return False
        return True

    def count_surplus(self, row: Sequence[str]) -> int:
        """Return the surplus fields of a row with a split number; negative if fields are missing."""
        return len(row) - len(self.names) if len(row) < len(self.names) else 1


def check_row_widths(
    table: Table,
    columns: Sequence[str | None],
    required: Collection[str],
    decimal_columns: Collection[str],
    *,
    is_comma_separated: bool,
) -> RowWidths:
    """Compare the number of values of every row with the header.

    `columns` are those of the header's names. Values may be missing at the end of a row, because Excel omits blank
    ones, but not those of required columns. A column without a name is an ignored column if nearly every row has a
    value in it; otherwise the values are the result of a surplus comma.
    """
    column_count, width = len(columns), len(table.header)
    lengths = [len(row) for row in table.rows]
    surplus_fields: dict[int, int] = {}
    warnings: list[FileWarning] = []
    unnamed_indexes = [index for index, name in enumerate(table.header) if _BLANK_NAME.fullmatch(name.strip())]
    if unnamed_indexes:
        misplaced_values = _find_misplaced_values(table.rows, unnamed_indexes)
        surplus_fields |= {number: max(index + 1 - column_count, 1) for number, index in misplaced_values.items()}
        warnings += _warn_about_unnamed_columns(table, unnamed_indexes, misplaced_values)
    short_rows = []
    if set(lengths) != {width}:
        min_width = 1 + max((index for index, column in enumerate(columns) if column in required), default=0)
        for number, length in enumerate(lengths, 1):
            if length < min_width:
                surplus_fields[number] = length - column_count
            elif length < column_count:
                short_rows.append(number)
            # Blank surplus fields are no evidence: spreadsheets write them for empty columns.
            elif length > width and any(map(str.strip, table.rows[number - 1][width:])):
                surplus_fields[number] = length - width
    if is_comma_separated:
        _add_split_numbers(table, _Columns(columns, required, decimal_columns), surplus_fields)
    short_rows = [number for number in short_rows if number not in surplus_fields]
    if short_rows:
        message = (
            f"The values of {table.rows_named(short_rows)} end before the last column of the header; the missing "
            "values were read as blank"
        )
        warnings.append(FileWarning(WarningCode.SHORT_ROWS, message, short_rows[0]))
    return RowWidths(surplus_fields, warnings)


def find_common_width(rows: Sequence[Sequence[str]]) -> int:
    """Return the number of values that nearly every row has at least."""
    lengths = sorted(map(len, rows), reverse=True)
    index = max(math.ceil(_MIN_FILLED_SHARE * len(lengths)), 2) - 1
    return lengths[index] if index < len(lengths) else 0


def _find_misplaced_values(rows: Sequence[Sequence[str]], unnamed_indexes: Sequence[int]) -> dict[int, int]:
    """Return the rows with a misplaced value in a column without a name, with the index of that column."""
    misplaced_values: dict[int, int] = {}
    for index in unnamed_indexes:
        row_numbers = [number for number, row in enumerate(rows, 1) if len(row) > index and row[index].strip()]
        if len(row_numbers) < max(_MIN_FILLED_SHARE * len(rows), 2):
            misplaced_values |= dict.fromkeys(row_numbers, index)
    return misplaced_values


def _warn_about_unnamed_columns(
    table: Table, unnamed_indexes: Sequence[int], misplaced_values: Collection[int]
) -> Iterator[FileWarning]:
    if misplaced_values:
        numbers = sorted(misplaced_values)
        message = (
            f"There is text in a column without a name in {table.rows_named(numbers)}, as when a value with a comma "
            "has no quotes around it; if it is a column, give it a name"
        )
        yield FileWarning(WarningCode.UNNAMED_COLUMN, message, numbers[0])
    elif any(len(row) > index and row[index].strip() for row in table.rows for index in unnamed_indexes):
        yield FileWarning(WarningCode.UNNAMED_COLUMN, "There are values in a column without a name; they were not read")


def _add_split_numbers(table: Table, columns: _Columns, surplus_fields: dict[int, int]) -> None:
    """Add the rows with an unquoted decimal comma to `surplus_fields`: `12,5` is in two columns."""
    for index, column in enumerate(columns.names[:-1]):
        if column in columns.decimal:
            candidates = _find_split_candidates(table.rows, index)
            if candidates:
                surplus_fields |= _find_split_numbers(table, columns, surplus_fields, candidates, index)
                surplus_fields |= _find_numbers_in_text_columns(table, columns, surplus_fields, candidates, index)


def _find_split_candidates(rows: Sequence[Sequence[str]], index: int) -> list[int]:
    """Return the rows with a whole number at an index and digits after it that may be its decimals."""
    return [
        number
        for number, row in enumerate(rows, 1)
        if len(row) > index + 1
        and row[index]
        and "." not in row[index]
        and (part := row[index + 1].strip()).isdigit()
        and _DECIMAL_PART.fullmatch(part)
        and _WHOLE_PART.fullmatch(row[index].strip())
    ]


def _find_split_numbers(
    table: Table, columns: _Columns, surplus_fields: Mapping[int, int], candidates: Sequence[int], index: int
) -> dict[int, int]:
    """Return the candidates with a number in two columns, at `index` and the next, each with its surplus fields.

    Such a row may have as many values as the header if its last value is missing. Evidence is either another row with a
    surplus value at the same position, or the number itself: no product weighs 0.
    """
    rows, width = table.rows, len(table.header)
    next_column = columns.names[index + 1]
    is_text = next_column not in columns.decimal and next_column not in _QUANTITIES
    if not is_text and not surplus_fields and max(map(len, rows)) <= width:
        return {}

    def is_plausible(number: int) -> bool:
        return not is_text or columns.are_plausible(columns.join_number(rows[number - 1], index))

    usual_length = Counter(map(len, rows)).most_common(1)[0][0]
    longer_rows = {number for number in candidates if width < len(rows[number - 1]) != usual_length}
    has_evidence = bool(longer_rows) or any(surplus_fields.get(number, 0) > 0 for number in candidates)
    if next_column in _TEXT_COLUMNS or (is_text and next_column is not None and any(len(row) != width for row in rows)):
        has_evidence = has_evidence or any(
            not rows[number - 1][index].strip().strip("0") and is_plausible(number) for number in candidates
        )
    if not has_evidence:
        return {}
    return {
        number: columns.count_surplus(rows[number - 1])
        for number in filter(is_plausible, candidates)
        if number not in surplus_fields
        and (is_text or number in longer_rows or len(rows[number - 1]) < len(columns.names))
    }


def _find_numbers_in_text_columns(
    table: Table, columns: _Columns, surplus_fields: Mapping[int, int], candidates: Sequence[int], index: int
) -> dict[int, int]:
    """Return the candidates in which a split number shifted another number into a text column.

    Without the split, fewer text columns of the row have numbers, and all its number columns have numbers. Evidence is
    two such rows with different numbers while no other row has a number in these columns, or one such row while another
    one has a surplus value. Numbers only in `unit` may be pack sizes, unless the rows are longer than the header.
    """
    text_indexes = [i for i, column in enumerate(columns.names) if i > index and column in _TEXT_COLUMNS]
    shifted_numbers: dict[int, list[str]] = {}
    for number in candidates:
        row = table.rows[number - 1]
        numbers_in_texts = [
            row[i].strip() for i in text_indexes if i < len(row) and _PLAIN_NUMBER.fullmatch(row[i].strip())
        ]
        if numbers_in_texts and number not in surplus_fields:
            values = columns.join_number(row, index)
            count = sum(1 for column, value in values if column in _TEXT_COLUMNS and _PLAIN_NUMBER.fullmatch(value))
            if count < len(numbers_in_texts) and columns.are_plausible(values):
                shifted_numbers[number] = numbers_in_texts
    other_rows = (
        row
        for number, row in enumerate(table.rows, 1)
        if number not in shifted_numbers and number not in surplus_fields
    )
    if not shifted_numbers or any(
        _PLAIN_NUMBER.fullmatch(row[i].strip()) for row in other_rows for i in text_indexes if i < len(row)
    ):
        return {}
    is_longer = any(len(table.rows[number - 1]) > len(table.header) for number in shifted_numbers)
    numbers_differ = len({*map(tuple, shifted_numbers.values())}) > 1 and (
        is_longer or {columns.names[i] for i in text_indexes} != {"unit"}
    )
    if not numbers_differ and not any(surplus_fields.get(number, 0) > 0 for number in candidates):
        return {}
    return {number: columns.count_surplus(table.rows[number - 1]) for number in shifted_numbers}
