"""Rules for number columns: notation and bounds, with hints about the probable meaning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache

from onboarding.domain.column_types import ColumnType, NumberColumn
from onboarding.domain.dates import is_date, is_short_date
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.formulas import is_formula, is_formula_error
from onboarding.domain.models import Row, RowError
from onboarding.domain.number_interpretation import (
    is_number_range,
    list_point_interpretations,
    list_possible_numbers,
    write_unambiguously,
)
from onboarding.domain.placeholders import PLACEHOLDERS, build_placeholder_error
from onboarding.domain.product_schema import NUMBER_COLUMNS, PRICES, columns_of_type
from onboarding.domain.spreadsheet_damage import A_DATE
from onboarding.domain.text import quoted
from onboarding.domain.validation_context import ValidationContext

_QUANTITIES = columns_of_type(ColumnType.QUANTITY)
_WEIGHTS = columns_of_type(ColumnType.WEIGHT)
_ERROR_TYPES = {
    ColumnType.PRICE: RowErrorCode.INVALID_PRICE,
    ColumnType.QUANTITY: RowErrorCode.INVALID_STOCK_QUANTITY,
    ColumnType.WEIGHT: RowErrorCode.INVALID_WEIGHT,
}


def validate_price(row: Row, _: ValidationContext) -> Iterable[RowError]:
    """Return an error for each price column that is not a plain number within its bounds."""
    return _validate_numbers(row, PRICES)


def validate_stock_quantity(row: Row, _: ValidationContext) -> Iterable[RowError]:
    """Return an error if the stock quantity is not a plain whole number within its bounds."""
    return _validate_numbers(row, _QUANTITIES)


def validate_weight(row: Row, _: ValidationContext) -> Iterable[RowError]:
    """Return an error if the weight is not a plain number within its bounds."""
    return _validate_numbers(row, _WEIGHTS)


def _validate_numbers(row: Row, columns: Sequence[str]) -> Iterable[RowError]:
    cells = row.cells
    for column in columns:
        text = cells.get(column)
        if text is not None and (column in row.cut or column in row.unclear or not _accepts(column, text)):
            return [error for name in columns for error in _list_number_errors(row, NUMBER_COLUMNS[name])]
    return ()


@lru_cache(4_096)
def _accepts(column: str, text: str) -> bool:
    """Return whether a number column accepts a text; cached, because values repeat within a file."""
    return NUMBER_COLUMNS[column].accepts(text)


def _list_number_errors(row: Row, column: NumberColumn) -> Iterator[RowError]:
    """Yield the errors of a number column of a row; none if the cell is blank."""
    name, label, error_type = column.name, column.label, _ERROR_TYPES[column.type]
    text = row.cells.get(name)
    if text is None:
        return
    notation = _Notation(column, row)
    if text in PLACEHOLDERS:
        yield build_placeholder_error(name, text)
    elif name in row.unclear:
        message = f"{label} can be read in two ways: its point may stand before decimals or between thousands"
        hint = notation.suggest(text, list_point_interpretations(text, column.decimals))
        yield RowError(error_type, name, f"{message}; found {quoted(text)}", text, column.expected, hint)
    elif name in row.cut or not column.is_number(text):
        message = f"{label} must be a plain {column.plain_number}, such as {notation.example}"
        cause, hint = _explain_and_suggest(text, notation)
        if name in row.original:
            # The number of a mapping has too many decimals; the vendor knows it in another notation.
            text, cause, hint = row.original[name], "", ""
        yield RowError(error_type, name, f"{message}; found {quoted(text)}{cause}", text, column.expected, hint)
    elif (number := Decimal(text)) < column.minimum:
        yield RowError(error_type, name, f"{label} must be at least {column.minimum}", text, column.expected)
    elif number > column.maximum:
        yield RowError(error_type, name, f"{label} must be at most {column.maximum}", text, column.expected)


class _Notation:
    """Notation of a column in the vendor's file, in which a number is accepted when it is entered there."""

    def __init__(self, column: NumberColumn, row: Row) -> None:
        self.column = column
        self.decimal_comma = column.name in row.decimal_comma
        # Beside columns with decimal commas, the point of 1.234 may be a thousands separator.
        self._is_point_unclear = bool(row.decimal_comma) or column.name in row.unclear
        self._factor = Decimal(row.number_factors.get(column.name, "1"))

    @property
    def example(self) -> str:
        """Return a valid number."""
        return self._format(format((Decimal(self.column.example) / self._factor).normalize(), "f"))

    def suggest(self, text: str, numbers: Iterable[str]) -> str:
        """Return `Did you mean …?` with those of the plain numbers that are valid; blank without such numbers."""
        suggestion = " or ".join(self._format(number) for number in numbers if self._is_valid(number))
        return f"Did you mean {suggestion}?" if suggestion and suggestion != text else ""

    def _is_valid(self, number: str) -> bool:
        if self._factor == 1:
            return self.column.accepts(number)
        product = format(Decimal(number) * self._factor, "f")
        return self.column.accepts(product.rstrip("0").rstrip(".") if "." in product else product)

    def _format(self, number: str) -> str:
        if self.decimal_comma:
            return number.replace(".", ",")
        return write_unambiguously(number) if self._is_point_unclear or number.endswith("0") else number


def _explain_and_suggest(text: str, notation: _Notation) -> tuple[str, str]:
    """Return the cause of an invalid number, as the end of a sentence, and a hint; both may be blank."""
    if is_formula_error(text):
        return ", the error of a formula", "Fix the formula, or enter the number"
    if is_date(text) or is_short_date(text):
        return f", {A_DATE}", "Format the column as text, then enter the number"
    if numbers := list_possible_numbers(text, notation.column.decimals, decimal_comma=notation.decimal_comma):
        return "", notation.suggest(text, numbers)
    if is_formula(text):
        return ", a formula", "Replace the formula with its value"
    return "", "Enter one number" if is_number_range(text) else ""
