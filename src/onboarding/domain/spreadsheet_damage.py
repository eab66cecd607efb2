"""Rules that reject values damaged by spreadsheet programs.

When a file is opened and saved, Excel converts identifiers to numbers (`8.71E+12`), dates (`3-Mar`) or truth values,
and stores formula errors (`#REF!`) as values. The original value is lost and cannot be derived.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from onboarding.domain.column_types import ColumnType
from onboarding.domain.dates import MONTH_PREFIXES, is_date
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.formulas import TEXT_FORMULA, is_formula, is_formula_error
from onboarding.domain.models import Row, RowError
from onboarding.domain.product_schema import IDENTIFIERS, columns_of_type
from onboarding.domain.spreadsheet_words import list_words
from onboarding.domain.text import MAX_QUOTED_LENGTH

_DIMENSIONS = columns_of_type(ColumnType.DIMENSIONS)
# The rules of the other columns reject formulas themselves: a price of #REF! is not a number.
FORMULA_CHECKED_COLUMNS = columns_of_type(ColumnType.WORDS, ColumnType.DIMENSIONS)

# Requires a decimal sign, or a sign after the E: `1E5` may be a real SKU.
_SCIENTIFIC = re.compile(
    r"[+-]?(?:[0-9]*[.,][0-9]+ ?[eE] ?[+-]?[0-9]{1,3}|[0-9]+ ?[eE] ?[+-][0-9]{1,3}"
    r"|[0-9]+(?:[.,][0-9]+)? ?[x\u00d7\u00b7*] ?10(?:\^[+-]?[0-9]{1,3}|⁻?[⁰¹²³⁴-⁹]{1,3}))"
)
_FIRST_OF_NUMBER = frozenset("+-.,0123456789")
_BOOLEANS = list_words("truth_values")
_MAX_BOOLEAN_LENGTH = max(map(len, _BOOLEANS))
A_DATE = "a date that a spreadsheet made of it"
LOST_LETTERS = "without some of its letters, which were lost before the file was uploaded"
_HINTS = {LOST_LETTERS: "Save the file as 'CSV UTF-8' where the letters are still there"}
_EXACT_DIGITS = 15

COLUMN_DAMAGE = {
    "decimals": "a number to which a program added decimals, as it did to all of this column",
    "groups": "a number with commas between thousands, as a spreadsheet shows it",
    "dates": A_DATE,
}
"""Damage that only the whole column of an identifier shows (`Row.damaged`), to follow `it is `."""


def describe_damage(identifier: str) -> str:
    """Return the damage to an identifier, to follow `it is `; blank if it shows none."""
    # Few identifiers are damaged: checking the first character is several times faster than the patterns.
    start = identifier[0]
    if "??" in identifier or "\N{REPLACEMENT CHARACTER}" in identifier:
        return LOST_LETTERS
    if start in _FIRST_OF_NUMBER:
        if identifier.isdecimal():
            return ""
        if _SCIENTIFIC.fullmatch(identifier):
            return "a number that a spreadsheet shortened, and digits are lost"
        return A_DATE if is_date(identifier) else ""
    if (start == "#" or ":" in identifier or identifier[-1] in ".…") and is_formula_error(identifier):
        return "the error of a formula"
    if start == "=":
        return "a formula, not its value" if is_formula(identifier) else ""
    if len(identifier) <= _MAX_BOOLEAN_LENGTH and identifier.casefold() in _BOOLEANS:
        return "a truth value, not an identifier"
    return A_DATE if identifier[:3] in MONTH_PREFIXES and is_date(identifier) else ""


def validate_identifiers_undamaged(row: Row, _: object) -> Iterable[RowError]:
    """Return an error for each identifier that a spreadsheet program has damaged."""
    if row.damaged:
        return _list_identifier_errors(row)
    cells = row.cells
    for column in IDENTIFIERS:
        value = cells.get(column)
        if value is not None and describe_damage(value):
            return _list_identifier_errors(row)
    return ()


def _list_identifier_errors(row: Row) -> Iterator[RowError]:
    for column in IDENTIFIERS:
        value = row.cells.get(column)
        if value is None or column in row.cut:
            continue
        column_damage = row.damaged.get(column, "")
        if damage := describe_damage(value) or COLUMN_DAMAGE.get(column_damage, ""):
            quotation = f" '{value}'" if value.isprintable() and len(value) <= MAX_QUOTED_LENGTH else ""
            message = f"{column}{quotation} cannot be taken as it is: it is {damage}"
            suggestion = _suggest_text_of_formula(value) or _suggest_plain_number(column_damage, value)
            hint = suggestion or _HINTS.get(damage, "Format the column as text, then enter the value")
            yield RowError(
                RowErrorCode.DAMAGED_IDENTIFIER, column, message, value, "the identifier as text, in full", hint
            )


def validate_texts_are_values(row: Row, _: object) -> Iterable[RowError]:
    """Return an error for each text that is a formula or a formula error, and for dimensions that are a date."""
    # The first and the last character, and a colon (`Err:502`), exclude nearly all values.
    cells = row.cells
    for column in FORMULA_CHECKED_COLUMNS:
        value = cells.get(column)
        if value is not None and (value[0] in "#=" or value[-1] in ".…" or ":" in value):
            return _list_text_errors(row)
    for column in _DIMENSIONS:
        size = cells.get(column)
        if size is not None and "x" not in size and is_date(size):
            return _list_text_errors(row)
    return ()


def _list_text_errors(row: Row) -> Iterator[RowError]:
    for column in FORMULA_CHECKED_COLUMNS:
        value = row.cells.get(column)
        if value is None or (value[-1] == "." and not value.endswith("...") and value[0] != "#"):
            continue
        if is_formula_error(value):
            message = f"{column} has the error of a formula: {value[:MAX_QUOTED_LENGTH]}"
            yield RowError(
                RowErrorCode.SPREADSHEET_ERROR, column, message, value, "a value", "Fix the formula, or enter the value"
            )
        elif value[0] == "=" and column not in row.cut and is_formula(value):
            hint = _suggest_text_of_formula(value) or "Replace the formula with its value"
            message = f"{column} has a formula, not its value"
            yield RowError(RowErrorCode.SPREADSHEET_FORMULA, column, message, value, "a value", hint)
        elif column in _DIMENSIONS and is_date(value):
            message = f"{column} has {A_DATE}: {value}"
            hint = "Format the column as text, then enter the dimensions"
            yield RowError(RowErrorCode.SPREADSHEET_DATE, column, message, value, "dimensions, such as 12x8x4", hint)


def _suggest_text_of_formula(value: str) -> str:
    match = TEXT_FORMULA.fullmatch(value)
    return f"Did you mean '{match[1]}'?" if match and match[1] else ""


def _suggest_plain_number(damage: str, value: str) -> str:
    # Floating-point numbers keep 15 digits: a longer number has probably lost some.
    number = re.sub("[.,]0+$", "", value) if damage == "decimals" else value if damage == "groups" else ""
    digits = re.sub("[^0-9]", "", number)
    return f"Did you mean '{digits}'?" if 0 < len(digits) <= _EXACT_DIGITS else ""
