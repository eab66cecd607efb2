"""Numbers between two bounds: how one is written, and what is wrong with one that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from onboarding import hints
from onboarding.model import Row, RowError
from onboarding.quotes import quoted

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
        if column in row.unclear:
            message = f"{self.label} can be read in two ways, because other rows have a comma in it"
            hint = hints.either(text, self.places)
            yield RowError(error_type, column, f"{message}; found {quoted(text)}", text, self.expected, hint)
        elif column in row.cut or not self.is_number(text):
            message = f"{self.label} must be a plain {self.kind}{_DECIMALS[self.places]}, such as {self.example}"
            hint = hints.number(text, self.places)
            yield RowError(error_type, column, f"{message}; found {quoted(text)}", text, self.expected, hint)
        elif (number := Decimal(text)) < self.least:
            yield RowError(error_type, column, f"{self.label} must be at least {self.least}", text, self.expected)
        elif number > self.most:
            yield RowError(error_type, column, f"{self.label} must be at most {self.most}", text, self.expected)
