"""Numbers between two bounds: how one is written, and what is wrong with one that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from onboarding.domain.dates import is_date, is_short_date
from onboarding.domain.formula_errors import is_fault, is_formula
from onboarding.domain.models import Row, RowError
from onboarding.domain.numbers import both_readings, is_range, readings
from onboarding.domain.placeholders import PLACEHOLDERS, placeholder
from onboarding.domain.spreadsheet_damage import A_DATE
from onboarding.domain.text import quoted

_DECIMALS = {0: "", 2: " with at most two decimals", 3: " with at most three decimals"}
# ASCII digits only: Python's own number parsing would let 1_000, 1e3, NaN and full-width digits through.
_NUMBER = {places: re.compile(r"-?[0-9]+" + (rf"(\.[0-9]{{1,{places}}})?" if places else "")) for places in _DECIMALS}


@dataclass(frozen=True, slots=True)
class Range:
    """A number's column: how it is called in a sentence, its bounds, its decimal places, a good example."""

    label: str
    least: Decimal
    most: Decimal
    places: int
    example: str

    @property
    def kind(self) -> str:
        return "number" if self.places else "whole number"

    @property
    def expected(self) -> str:
        return f"a {self.kind} from {self.least} to {self.most}{_DECIMALS[self.places]}"

    def is_number(self, text: str) -> bool:
        """Whether it is a plain number with no more decimals than this one may have."""
        return _NUMBER[self.places].fullmatch(text) is not None

    def takes(self, text: str) -> bool:
        return self.is_number(text) and self.least <= Decimal(text) <= self.most

    def errors(self, row: Row, column: str, error_type: str) -> Iterator[RowError]:
        """What is wrong with the row's number in `column`; nothing if there is none."""
        text = row.cells.get(column)
        if text is None:
            return
        decimal_comma = column in row.decimal_comma
        if text in PLACEHOLDERS:
            yield placeholder(column, text)
        elif column in row.unclear:
            message = f"{self.label} can be read in two ways: its point may stand before decimals or between thousands"
            hint = _hint(text, both_readings(text, self.places), decimal_comma=decimal_comma)
            yield RowError(error_type, column, f"{message}; found {quoted(text)}", text, self.expected, hint)
        elif column in row.cut or not self.is_number(text):
            example = _in_notation(self.example, decimal_comma=decimal_comma)
            message = f"{self.label} must be a plain {self.kind}{_DECIMALS[self.places]}, such as {example}"
            cause, hint = self._cause_and_hint(text, decimal_comma=decimal_comma)
            yield RowError(error_type, column, f"{message}; found {quoted(text)}{cause}", text, self.expected, hint)
        elif (number := Decimal(text)) < self.least:
            yield RowError(error_type, column, f"{self.label} must be at least {self.least}", text, self.expected)
        elif number > self.most:
            yield RowError(error_type, column, f"{self.label} must be at most {self.most}", text, self.expected)

    def _cause_and_hint(self, text: str, *, decimal_comma: bool) -> tuple[str, str]:
        """Why a text is no number, as the end of a sentence, and what to do; both may be blank."""
        if is_fault(text):
            return ", the error of a formula", "Fix the formula, or enter the number"
        if is_date(text) or is_short_date(text):
            return f", {A_DATE}", "Format the column as text, then enter the number"
        if numbers := readings(text, self.places, decimal_comma=decimal_comma):
            return "", _hint(text, numbers, decimal_comma=decimal_comma)
        if is_formula(text):
            return ", a formula", "Replace the formula by its value"
        return "", "Enter one number" if is_range(text) else ""


def _hint(text: str, numbers: list[str], *, decimal_comma: bool) -> str:
    """`Did you mean …?` with the numbers as the column writes them."""
    written = " or ".join(_in_notation(number, decimal_comma=decimal_comma) for number in numbers)
    return f"Did you mean {written}?" if written and written != text else ""


def _in_notation(number: str, *, decimal_comma: bool) -> str:
    return number.replace(".", ",") if decimal_comma else number
