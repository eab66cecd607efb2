"""Rules against what spreadsheets do to values when a file is opened and saved: what is lost there, nobody can guess.

Excel takes an identifier for a number (`8.71E+12`), a date (`3-Mar`) or a truth value, and a formula's fault (`#REF!`)
for its value. The functions with the shape of rules stand in `rules.RULES`.
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
from onboarding.domain.spreadsheet_words import words
from onboarding.domain.text import MAX_QUOTED_LENGTH

_DIMENSIONS = columns_of_type(ColumnType.DIMENSIONS)
# Other columns have rules of their own, which reject a formula: a price of #REF! is not a number.
FORMULA_CHECKED_COLUMNS = columns_of_type(ColumnType.WORDS, ColumnType.DIMENSIONS)

# With a decimal sign, or with a sign behind the E: `1E5` may be a real SKU.
_SHORTENED = re.compile(
    r"[+-]?(?:[0-9]*[.,][0-9]+ ?[eE] ?[+-]?[0-9]{1,3}|[0-9]+ ?[eE] ?[+-][0-9]{1,3}"
    r"|[0-9]+(?:[.,][0-9]+)? ?[x\u00d7\u00b7*] ?10(?:\^[+-]?[0-9]{1,3}|⁻?[⁰¹²³⁴-⁹]{1,3}))"
)
_BEGINS_NUMBER = frozenset("+-.,0123456789")
_TRUTHS = words("truth_values")
_LONGEST_TRUTH = max(map(len, _TRUTHS))
A_DATE = "a date that a spreadsheet made of it"
LOST_LETTERS = "without some of its letters, which were lost before the file was uploaded"
_ADVICE = {LOST_LETTERS: "Save the file as 'CSV UTF-8' where the letters are still there"}
_EXACT_DIGITS = 15

COLUMN_DAMAGE = {
    "decimals": "a number to which a program added decimals, as it did to all of this column",
    "groups": "a number with commas between thousands, as a spreadsheet shows it",
    "dates": A_DATE,
}
"""What shows only in the whole column of an identifier (`Row.damaged`), as the end of `it is …`."""


def describe_damage(identifier: str) -> str:
    """What a spreadsheet made of an identifier, as the end of `it is …`; blank if it shows no damage."""
    # Hardly any does: the first characters tell most of them apart, several times faster than the patterns.
    start = identifier[0]
    if "??" in identifier or "\N{REPLACEMENT CHARACTER}" in identifier:
        return LOST_LETTERS
    if start in _BEGINS_NUMBER:
        if identifier.isdecimal():
            return ""
        if _SHORTENED.fullmatch(identifier):
            return "a number that a spreadsheet shortened, and digits are lost"
        return A_DATE if is_date(identifier) else ""
    if (start == "#" or ":" in identifier or identifier[-1] in ".…") and is_formula_error(identifier):
        return "the error of a formula"
    if start == "=":
        return "a formula, not its value" if is_formula(identifier) else ""
    if len(identifier) <= _LONGEST_TRUTH and identifier.casefold() in _TRUTHS:
        return "a truth value, not an identifier"
    return A_DATE if identifier[:3] in MONTH_PREFIXES and is_date(identifier) else ""


def validate_identifiers_undamaged(row: Row, _: object) -> Iterable[RowError]:
    if row.damaged:
        return _damaged_identifiers(row)
    cells = row.cells
    for column in IDENTIFIERS:
        value = cells.get(column)
        if value is not None and describe_damage(value):
            return _damaged_identifiers(row)
    return ()


def _damaged_identifiers(row: Row) -> Iterator[RowError]:
    for column in IDENTIFIERS:
        value = row.cells.get(column)
        if value is None or column in row.cut:
            continue
        by_column = row.damaged.get(column, "")
        if damage := describe_damage(value) or COLUMN_DAMAGE.get(by_column, ""):
            shown = f" '{value}'" if value.isprintable() and len(value) <= MAX_QUOTED_LENGTH else ""
            message = f"{column}{shown} cannot be taken as it is: it is {damage}"
            hint = _text_in_formula(value) or _plain_number(by_column, value)
            advice = hint or _ADVICE.get(damage, "Format the column as text, then enter the value")
            yield RowError(
                RowErrorCode.DAMAGED_IDENTIFIER, column, message, value, "the identifier as text, in full", advice
            )


def validate_texts_are_values(row: Row, _: object) -> Iterable[RowError]:
    # Nearly every value is told apart by its first and last character, and by a colon (`Err:502`).
    cells = row.cells
    for column in FORMULA_CHECKED_COLUMNS:
        value = cells.get(column)
        if value is not None and (value[0] in "#=" or value[-1] in ".…" or ":" in value):
            return _texts_are_values(row)
    for column in _DIMENSIONS:
        size = cells.get(column)
        if size is not None and "x" not in size and is_date(size):
            return _texts_are_values(row)
    return ()


def _texts_are_values(row: Row) -> Iterator[RowError]:
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
            hint = _text_in_formula(value) or "Replace the formula by its value"
            message = f"{column} has a formula, not its value"
            yield RowError(RowErrorCode.SPREADSHEET_FORMULA, column, message, value, "a value", hint)
        elif column in _DIMENSIONS and is_date(value):
            message = f"{column} has {A_DATE}: {value}"
            hint = "Format the column as text, then enter the dimensions"
            yield RowError(RowErrorCode.SPREADSHEET_DATE, column, message, value, "dimensions, such as 12x8x4", hint)


def _text_in_formula(value: str) -> str:
    found = TEXT_FORMULA.fullmatch(value)
    return f"Did you mean '{found[1]}'?" if found and found[1] else ""


def _plain_number(damage: str, value: str) -> str:
    # A program's floating-point number keeps 15 digits.
    whole = re.sub("[.,]0+$", "", value) if damage == "decimals" else value if damage == "groups" else ""
    digits = re.sub("[^0-9]", "", whole)
    return f"Did you mean '{digits}'?" if 0 < len(digits) <= _EXACT_DIGITS else ""
