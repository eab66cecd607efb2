"""What only the whole column of a file shows: which numbers, placeholders and identifiers its values are, and warnings.

Runs over the rows of a file before they are validated. What the rules must know goes with the row (`Row.unclear`,
`damaged`, `duplicate_of`, `many_categories`). A warning names ten rows at most, as a spreadsheet numbers them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from onboarding.domain.column_types import ColumnType
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
from onboarding.domain.numbers import strip_trailing_zeros
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
from onboarding.files.decimal_commas import has_clear_point, is_unclear
from onboarding.files.models import first_of, rows_named

MOST_CATEGORIES = 200
"""Different categories of a file for which another one is suggested, if they are not on the list."""

_OPTIONAL = tuple(column for column in COLUMNS if column not in REQUIRED)
_DIMENSIONS = columns_of_type(ColumnType.DIMENSIONS)
_NAMES = tuple(column for column in columns_of_type(ColumnType.WORDS) if column != "description")
_LONGEST_DATE = 30
_SERIAL_NUMBERS, _SERIAL_DIGITS = range(20_000, 60_000), 5
"""Excel counts days from 1900 on: these are in the years 1954 to 2064."""


def examine(rows: Sequence[Row], *, fix_file: bool) -> list[FileWarning]:
    """Bring the rows' values into the form in which they are compared and stored, and return what looks odd.

    A number loses zeros behind its last decimal place, a placeholder in an optional column counts as blank, and
    identifiers are composed (NFC). No value is changed otherwise.
    """
    # In a row of another width the values may be in the wrong columns.
    straight = [row for row in rows if not row.surplus_fields]
    lines = {row.row_number: row.line or row.row_number for row in straight}
    _drop_needless_zeros(straight)
    warnings = [*_drop_placeholders(straight, lines)]
    for column in IDENTIFIERS:
        warnings += _examine_identifiers(straight, lines, column)
    _count_categories(straight)
    warnings += _price_warnings(straight, lines)
    warnings += _date_warnings(straight, lines)
    if not fix_file:
        warnings += _apostrophe_warnings(straight, lines)
    return warnings


def _rows_named(numbers: Sequence[int], lines: Mapping[int, int]) -> str:
    return rows_named([lines[number] for number in numbers])


# Values


def _drop_needless_zeros(rows: Sequence[Row]) -> None:
    for column, definition in NUMBER_COLUMNS.items():
        long = [
            row
            for row in rows
            # Most numbers have no more decimals than they may have.
            if "." in (text := row.cells.get(column, "")) and len(text) - text.rindex(".") - 1 > definition.decimals
        ]
        shorter = {row.row_number: strip_trailing_zeros(row.cells[column], definition.decimals) for row in long}
        changed = [row for row in long if shorter[row.row_number] != row.cells[column] and column not in row.unclear]
        unclear = [row for row in changed if is_unclear(row.cells[column])]
        if unclear and not has_clear_point([row.cells[column] for row in rows if column in row.cells]):
            for row in unclear:
                row.unclear = (*row.unclear, column)
        for row in changed:
            if column not in row.unclear:
                row.cells = {**row.cells, column: shorter[row.row_number]}


def _drop_placeholders(rows: Sequence[Row], lines: Mapping[int, int]) -> Iterator[FileWarning]:
    dropped: dict[str, list[int]] = {}
    for row in rows:
        # Asked of the whole row at once: few have one.
        if PLACEHOLDERS.isdisjoint(row.cells.values()):
            continue
        for column in _OPTIONAL:
            if row.cells.get(column) in PLACEHOLDERS:
                dropped.setdefault(column, []).append(row.row_number)
        row.cells = {c: text for c, text in row.cells.items() if c in REQUIRED or text not in PLACEHOLDERS}
    for column, numbers in dropped.items():
        message = f"{column} has a placeholder for a value in {_rows_named(numbers, lines)}, which was read as blank"
        yield FileWarning(WarningCode.PLACEHOLDER_VALUE, message, numbers[0], column)


def _count_categories(rows: Sequence[Row]) -> None:
    seen: set[str] = set()
    for row in rows:
        name = row.cells.get("category", "")
        if name not in seen:
            if len(seen) < MOST_CATEGORIES:
                seen.add(name)
            else:
                row.many_categories = True


# Identifiers


def _examine_identifiers(rows: Sequence[Row], lines: Mapping[int, int], column: str) -> Iterator[FileWarning]:
    by_number = {row.row_number: row for row in rows if column in row.cells and column not in row.cut}
    values = {number: row.cells[column] for number, row in by_number.items()}
    # Asked of the whole column at once, since few have one.
    if not "".join(values.values()).isascii():
        for number, value in values.items():
            # A longer one is an error, and composing takes as long as it is.
            if not value.isascii() and len(value) <= MAX_LENGTHS[column]:
                values[number] = normalize_identifier(value)
                by_number[number].cells = {**by_number[number].cells, column: values[number]}
    damage, damaged = detect_column_damage(values)
    for number in damaged:
        by_number[number].damaged = {**by_number[number].damaged, column: damage}
        del values[number]
    _note_duplicates(by_number, values, lines, column)
    yield from _identifier_warnings(values, lines, column)


def _note_duplicates(
    by_number: Mapping[int, Row], values: Mapping[int, str], lines: Mapping[int, int], column: str
) -> None:
    if len(set(values.values())) == len(values):
        return
    first: dict[str, int] = {}
    for number, value in values.items():
        earlier = first.setdefault(value, number)
        # Damage makes equal what was different, and a placeholder is no value: that is one error, not two.
        if earlier != number and value not in PLACEHOLDERS and not describe_damage(value):
            by_number[number].duplicate_of[column] = lines[earlier]


def _identifier_warnings(values: Mapping[int, str], lines: Mapping[int, int], column: str) -> Iterator[FileWarning]:
    def named(numbers: Sequence[int]) -> str:
        return first_of([f"{quoted(values[number])} (row {lines[number]})" for number in numbers])

    if shorter := find_lost_zeros(values):
        message = (
            f"{column} may have lost leading zeros, as spreadsheets drop them: most are equally long, but not "
            f"{named(shorter)}. They were taken as they are"
        )
        yield FileWarning(WarningCode.LOST_ZEROS, message, shorter[0], column)
    if ended := find_lost_digits(values):
        message = f"{column} may have lost its last digits, as spreadsheets round long numbers: {named(ended)}"
        yield FileWarning(WarningCode.LOST_DIGITS, message, ended[0], column)

    def is_sound(number: int) -> bool:
        """What is no identifier at all is an error of its own."""
        return values[number] not in PLACEHOLDERS and not describe_damage(values[number])

    if pairs := [pair for pair in find_similar_pairs(values) if all(map(is_sound, pair))]:
        first = first_of(
            [f"{quoted(values[a])} (row {lines[a]}) and {quoted(values[b])} (row {lines[b]})" for a, b in pairs]
        )
        message = f"{column} differs only in case, or in characters that look alike: {first}"
        yield FileWarning(WarningCode.SIMILAR_IDENTIFIERS, message, pairs[0][1], column)
    if alike := list(filter(is_sound, find_lookalikes(values))):
        message = f"{column} has letters or signs that look like others, such as a Cyrillic A: {named(alike)}"
        yield FileWarning(WarningCode.LOOKALIKE_CHARACTERS, message, alike[0], column)
    if several := list(filter(is_sound, find_multiple_identifiers(values))):
        message = (
            f"{column} may hold several identifiers in one value: {named(several)}. Each product needs its own row"
        )
        yield FileWarning(WarningCode.SEVERAL_IDENTIFIERS, message, several[0], column)


# Warnings about other values


def _price_warnings(rows: Sequence[Row], lines: Mapping[int, int]) -> Iterator[FileWarning]:
    below = [row.row_number for row in rows if "compare_at_price" in row.cells and _is_below_price(row)]
    if below:
        message = (
            f"compare_at_price is lower than price in {_rows_named(below, lines)}; it is the price before a discount"
        )
        yield FileWarning(WarningCode.COMPARE_AT_PRICE_BELOW_PRICE, message, below[0], "compare_at_price")


def _is_below_price(row: Row) -> bool:
    price, before = row.cells.get("price", ""), row.cells["compare_at_price"]
    try:
        # Floating-point numbers of this size keep the order of two decimals.
        if float(before) >= float(price):
            return False
    except ValueError:
        return False
    return NUMBER_COLUMNS["price"].accepts(price) and NUMBER_COLUMNS["compare_at_price"].accepts(before)


def _date_warnings(rows: Sequence[Row], lines: Mapping[int, int]) -> Iterator[FileWarning]:
    for column, may_be in _MAY_BE_DATE.items():
        values = {row.cells[column] for row in rows if column in row.cells}
        begun = [value for value in select_date_like(values) if len(value) <= _LONGEST_DATE]
        dates = set(filter(may_be, begun))
        if any(has_short_date_form(value) and not is_short_date(value) for value in begun):
            dates = {value for value in dates if not has_short_date_form(value)}
        if column in _DIMENSIONS or (column in IDENTIFIERS and any(map(is_date, begun))):
            dates.update(filter(_is_serial_number, values))
        if dates:
            numbers = [row.row_number for row in rows if row.cells.get(column) in dates and column not in row.damaged]
            if numbers:
                message = (
                    f"{column} may be a date that a spreadsheet made of another value in {_rows_named(numbers, lines)}"
                )
                yield FileWarning(WarningCode.POSSIBLE_DATE, message, numbers[0], column)


def _is_serial_number(value: str) -> bool:
    """Whether a number is the day of a date, as a spreadsheet counts days: in dimensions, and among dates."""
    return len(value) == _SERIAL_DIGITS and value.isdecimal() and int(value) in _SERIAL_NUMBERS


_MAY_BE_DATE: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(IDENTIFIERS, may_be_date),
    **dict.fromkeys(_NAMES, is_date),
    **dict.fromkeys(_DIMENSIONS, is_short_date),
}


def _apostrophe_warnings(rows: Sequence[Row], lines: Mapping[int, int]) -> Iterator[FileWarning]:
    found: dict[str, list[int]] = {}
    for row in rows:
        # Asked of the whole row at once: few have one.
        if "'" in "".join(row.cells.values()):
            for column, value in row.cells.items():
                if value.startswith("'") and column not in NUMBER_COLUMNS:
                    found.setdefault(column, []).append(row.row_number)
    for column, numbers in found.items():
        message = (
            f"{column} begins with an apostrophe in {_rows_named(numbers, lines)}, as spreadsheets and our own files "
            "write it before a text; it was taken as a part of the value"
        )
        yield FileWarning(WarningCode.LEADING_APOSTROPHE, message, numbers[0], column)
