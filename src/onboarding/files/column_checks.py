"""Checks of whole columns before validation: normalization of values, repeated and damaged identifiers, warnings.

Results for the validation rules are stored in the rows (`Row.unclear`, `damaged`, `duplicate_of`, `many_categories`).
Warnings name at most ten rows, by their numbers in a spreadsheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from onboarding.domain.column_types import ColumnType, ProductStatus
from onboarding.domain.dates import has_short_date_form, is_date, is_short_date, may_be_date
from onboarding.domain.error_codes import WarningCode
from onboarding.domain.identifiers import (
    detect_column_damage,
    find_lookalikes,
    find_lost_digits,
    find_lost_zeros,
    find_multiple_identifiers,
    find_similar_pairs,
    normalize_identifier,
    select_date_like,
)
from onboarding.domain.models import FileWarning, Row
from onboarding.domain.number_interpretation import strip_trailing_zeros
from onboarding.domain.placeholders import PLACEHOLDERS
from onboarding.domain.product_schema import (
    COLUMNS,
    IDENTIFIERS,
    MAX_LENGTHS,
    NUMBER_COLUMNS,
    REQUIRED,
    columns_of_type,
)
from onboarding.domain.spreadsheet_damage import describe_damage
from onboarding.domain.text import quoted
from onboarding.files.decimal_commas import has_clear_point, is_ambiguous
from onboarding.files.models import first_of, rows_named

MAX_SUGGESTED_CATEGORIES = 200
"""Maximum number of different unknown categories of a file for which a category is suggested."""

_OPTIONAL = tuple(column for column in COLUMNS if column not in REQUIRED)
_DIMENSIONS = columns_of_type(ColumnType.DIMENSIONS)
_NAMES = tuple(column for column in columns_of_type(ColumnType.WORDS) if column != "description")
_STATUSES = frozenset(map(str, ProductStatus))
_MAX_DATE_LENGTH = 30
_SERIAL_NUMBERS, _SERIAL_DIGITS = range(20_000, 60_000), 5
"""Excel's day numbers from 1954 to 2064, which have five digits."""


def check_columns(rows: Sequence[Row], *, fix_file: bool) -> list[FileWarning]:
    """Normalize the values of the rows in place and return warnings about suspicious values.

    Surplus zeros after the decimals of a number are removed, placeholders in optional columns become blank, identifiers
    are normalized to NFC, and a status is in lower case. Other values are not changed.
    """
    # The values of rows with another width may be in wrong columns.
    aligned_rows = [row for row in rows if not row.surplus_fields]
    lines = {row.row_number: row.line or row.row_number for row in aligned_rows}
    _remove_surplus_zeros(aligned_rows)
    _normalize_statuses(aligned_rows)
    warnings = [*_drop_placeholders(aligned_rows, lines)]
    for column in IDENTIFIERS:
        warnings += _check_identifiers(aligned_rows, lines, column)
    _mark_many_categories(aligned_rows)
    warnings += _warn_about_prices(aligned_rows, lines)
    warnings += _warn_about_dates(aligned_rows, lines)
    if not fix_file:
        warnings += _warn_about_apostrophes(aligned_rows, lines)
    return warnings


def _format_rows(numbers: Sequence[int], lines: Mapping[int, int]) -> str:
    return rows_named([lines[number] for number in numbers])


# Values


def _remove_surplus_zeros(rows: Sequence[Row]) -> None:
    for column, definition in NUMBER_COLUMNS.items():
        candidates = [
            row
            for row in rows
            # Fast path: few numbers have too many decimals.
            if "." in (text := row.cells.get(column, "")) and len(text) - text.rindex(".") - 1 > definition.decimals
        ]
        trimmed_values = {
            row.row_number: strip_trailing_zeros(row.cells[column], definition.decimals) for row in candidates
        }
        changed_rows = [
            row
            for row in candidates
            if trimmed_values[row.row_number] != row.cells[column] and column not in row.unclear
        ]
        unclear_rows = [row for row in changed_rows if is_ambiguous(row.cells[column])]
        if unclear_rows and not has_clear_point([row.cells[column] for row in rows if column in row.cells]):
            for row in unclear_rows:
                row.unclear = (*row.unclear, column)
        for row in changed_rows:
            if column not in row.unclear:
                row.cells = {**row.cells, column: trimmed_values[row.row_number]}


def _drop_placeholders(rows: Sequence[Row], lines: Mapping[int, int]) -> Iterator[FileWarning]:
    numbers_by_column: dict[str, list[int]] = {}
    for row in rows:
        # Fast path: few rows have a placeholder.
        if PLACEHOLDERS.isdisjoint(row.cells.values()):
            continue
        for column in _OPTIONAL:
            if row.cells.get(column) in PLACEHOLDERS:
                numbers_by_column.setdefault(column, []).append(row.row_number)
        row.cells = {c: text for c, text in row.cells.items() if c in REQUIRED or text not in PLACEHOLDERS}
    for column, numbers in numbers_by_column.items():
        message = f"{column} has a placeholder for a value in {_format_rows(numbers, lines)}, which was read as blank"
        yield FileWarning(WarningCode.PLACEHOLDER_VALUE, message, numbers[0], column)


def _normalize_statuses(rows: Sequence[Row]) -> None:
    for row in rows:
        status = row.cells.get("status")
        if status is not None and status not in _STATUSES and status.casefold() in _STATUSES:
            row.cells = {**row.cells, "status": status.casefold()}


def _mark_many_categories(rows: Sequence[Row]) -> None:
    names: set[str] = set()
    for row in rows:
        name = row.cells.get("category", "")
        if name not in names:
            if len(names) < MAX_SUGGESTED_CATEGORIES:
                names.add(name)
            else:
                row.many_categories = True


# Identifiers


def _check_identifiers(rows: Sequence[Row], lines: Mapping[int, int], column: str) -> Iterator[FileWarning]:
    by_number = {row.row_number: row for row in rows if column in row.cells and column not in row.cut}
    values = {number: row.cells[column] for number, row in by_number.items()}
    # Fast path: few columns have an identifier outside ASCII.
    if not "".join(values.values()).isascii():
        for number, value in values.items():
            # Longer values are errors, and normalization takes time in proportion to the length.
            if not value.isascii() and len(value) <= MAX_LENGTHS[column]:
                values[number] = normalize_identifier(value)
                by_number[number].cells = {**by_number[number].cells, column: values[number]}
    damage, damaged_numbers = detect_column_damage(values)
    for number in damaged_numbers:
        by_number[number].damaged = {**by_number[number].damaged, column: damage}
        del values[number]
    _mark_duplicates(by_number, values, lines, column)
    yield from _warn_about_identifiers(values, lines, column)


def _mark_duplicates(
    by_number: Mapping[int, Row], values: Mapping[int, str], lines: Mapping[int, int], column: str
) -> None:
    if len(set(values.values())) == len(values):
        return
    first_numbers: dict[str, int] = {}
    for number, value in values.items():
        first_number = first_numbers.setdefault(value, number)
        # Damaged values may have been different, and placeholders are not values: both are errors already.
        if first_number != number and value not in PLACEHOLDERS and not describe_damage(value):
            by_number[number].duplicate_of[column] = lines[first_number]


def _warn_about_identifiers(values: Mapping[int, str], lines: Mapping[int, int], column: str) -> Iterator[FileWarning]:
    def format_examples(numbers: Sequence[int]) -> str:
        return first_of([f"{quoted(values[number])} (row {lines[number]})" for number in numbers])

    if shorter_numbers := find_lost_zeros(values):
        message = (
            f"{column} may have lost leading zeros, which spreadsheets remove: most have the same length, but not "
            f"{format_examples(shorter_numbers)}. They were not changed"
        )
        yield FileWarning(WarningCode.LOST_ZEROS, message, shorter_numbers[0], column)
    if rounded_numbers := find_lost_digits(values):
        message = (
            f"{column} may have lost its last digits, as spreadsheets round long numbers: "
            f"{format_examples(rounded_numbers)}"
        )
        yield FileWarning(WarningCode.LOST_DIGITS, message, rounded_numbers[0], column)

    def is_sound(number: int) -> bool:
        """Return whether a value is neither a placeholder nor damaged, which are errors already."""
        return values[number] not in PLACEHOLDERS and not describe_damage(values[number])

    if similar_pairs := [pair for pair in find_similar_pairs(values) if all(map(is_sound, pair))]:
        examples = first_of(
            [f"{quoted(values[a])} (row {lines[a]}) and {quoted(values[b])} (row {lines[b]})" for a, b in similar_pairs]
        )
        message = f"{column} differs only in case, or in characters that look alike: {examples}"
        yield FileWarning(WarningCode.SIMILAR_IDENTIFIERS, message, similar_pairs[0][1], column)
    if lookalike_numbers := list(filter(is_sound, find_lookalikes(values))):
        message = (
            f"{column} has letters or signs that look like others, such as a Cyrillic A: "
            f"{format_examples(lookalike_numbers)}"
        )
        yield FileWarning(WarningCode.LOOKALIKE_CHARACTERS, message, lookalike_numbers[0], column)
    if multiple_numbers := list(filter(is_sound, find_multiple_identifiers(values))):
        message = (
            f"{column} may hold several identifiers in one value: {format_examples(multiple_numbers)}. "
            "Each product needs its own row"
        )
        yield FileWarning(WarningCode.SEVERAL_IDENTIFIERS, message, multiple_numbers[0], column)


# Warnings about other values


def _warn_about_prices(rows: Sequence[Row], lines: Mapping[int, int]) -> Iterator[FileWarning]:
    numbers = [row.row_number for row in rows if "compare_at_price" in row.cells and _is_below_price(row)]
    if numbers:
        message = (
            f"compare_at_price is lower than price in {_format_rows(numbers, lines)}; it is the price before a discount"
        )
        yield FileWarning(WarningCode.COMPARE_AT_PRICE_BELOW_PRICE, message, numbers[0], "compare_at_price")


def _is_below_price(row: Row) -> bool:
    price, compare_at_price = row.cells.get("price", ""), row.cells["compare_at_price"]
    try:
        # Floating-point numbers of this size keep the order of two decimals.
        if float(compare_at_price) >= float(price):
            return False
    except ValueError:
        return False
    return NUMBER_COLUMNS["price"].accepts(price) and NUMBER_COLUMNS["compare_at_price"].accepts(compare_at_price)


def _warn_about_dates(rows: Sequence[Row], lines: Mapping[int, int]) -> Iterator[FileWarning]:
    for column, may_be in _MAY_BE_DATE.items():
        values = {row.cells[column] for row in rows if column in row.cells}
        candidates = [value for value in select_date_like(values) if len(value) <= _MAX_DATE_LENGTH]
        dates = set(filter(may_be, candidates))
        if any(has_short_date_form(value) and not is_short_date(value) for value in candidates):
            dates = {value for value in dates if not has_short_date_form(value)}
        if column in _DIMENSIONS or (column in IDENTIFIERS and any(map(is_date, candidates))):
            dates.update(filter(_is_serial_number, values))
        if dates:
            numbers = [row.row_number for row in rows if row.cells.get(column) in dates and column not in row.damaged]
            if numbers:
                message = (
                    f"{column} may be a date that a spreadsheet made of another value in {_format_rows(numbers, lines)}"
                )
                yield FileWarning(WarningCode.POSSIBLE_DATE, message, numbers[0], column)


def _is_serial_number(value: str) -> bool:
    """Return whether a number is probably a date as a spreadsheet stores it: a number of days."""
    return len(value) == _SERIAL_DIGITS and value.isdecimal() and int(value) in _SERIAL_NUMBERS


_MAY_BE_DATE: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(IDENTIFIERS, may_be_date),
    **dict.fromkeys(_NAMES, is_date),
    **dict.fromkeys(_DIMENSIONS, is_short_date),
}


def _warn_about_apostrophes(rows: Sequence[Row], lines: Mapping[int, int]) -> Iterator[FileWarning]:
    numbers_by_column: dict[str, list[int]] = {}
    for row in rows:
        # Fast path: few rows have an apostrophe.
        if "'" in "".join(row.cells.values()):
            for column, value in row.cells.items():
                if value.startswith("'") and column not in NUMBER_COLUMNS:
                    numbers_by_column.setdefault(column, []).append(row.row_number)
    for column, numbers in numbers_by_column.items():
        message = (
            f"{column} begins with an apostrophe in {_format_rows(numbers, lines)}, which spreadsheets and our own "
            "files write before text; it was read as part of the value"
        )
        yield FileWarning(WarningCode.LEADING_APOSTROPHE, message, numbers[0], column)
