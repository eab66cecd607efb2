"""What a column of the product schema is: its type, its limits, and how people and PostgreSQL name them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum, auto
from typing import LiteralString


class ColumnType(StrEnum):
    """What a column's values are: this decides which rules and which checks of a file apply to them."""

    IDENTIFIER = auto()
    WORDS = auto()
    CATEGORY = auto()
    DIMENSIONS = auto()
    URL = auto()
    PRICE = auto()
    QUANTITY = auto()
    WEIGHT = auto()


class Required(Enum):
    """Which rows need a value in a column: those that create a product, or also those that change one."""

    NEVER = auto()
    TO_CREATE = auto()
    ALWAYS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What text and number columns have in common.

    `label` names the column in sentences and headings. `example` passes every rule. `report_column` is the column's
    place in the error report, if it is shown there.
    """

    name: str
    label: str
    type: ColumnType
    description: str
    example: str
    required: Required = Required.NEVER
    default: str | None = None
    report_column: int | None = None

    @property
    def is_nullable(self) -> bool:
        """Whether a product may have no value in the column."""
        return self.required is Required.NEVER and self.default is None

    @property
    def title(self) -> str:
        """The label as a heading: every word begins with a capital letter."""
        return " ".join(word[0].upper() + word[1:] for word in self.label.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn(Column):
    """A column of text of limited length."""

    max_length: int

    @property
    def limits(self) -> str:
        """The texts that the column accepts, as the template and the reference page describe them."""
        default = f"; `{self.default}` if left blank" if self.default else ""
        return f"text, up to {self.max_length:,} characters{default}"

    @property
    def sql_type(self) -> LiteralString:
        """The PostgreSQL type that a value is cast to."""
        return "text"


_DECIMALS = {0: "", 2: " with at most two decimals", 3: " with at most three decimals"}
# ASCII digits only: Python's own number parsing would let 1_000, 1e3, NaN and full-width digits through.
_NUMBER = {
    decimals: re.compile(r"-?[0-9]+" + (rf"(\.[0-9]{{1,{decimals}}})?" if decimals else "")) for decimals in _DECIMALS
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberColumn(Column):
    """A column of plain numbers between two bounds; `unit` may stand behind them in the number format of a workbook."""

    minimum: Decimal
    maximum: Decimal
    decimals: int
    unit: str = ""

    @property
    def limits(self) -> str:
        """The numbers that the column accepts, as the template and the reference page describe them."""
        decimals = f", at most {self.decimals} decimals" if self.decimals else ""
        return f"{self.kind}, {self.minimum:,} to {self.maximum:,}{decimals}"

    @property
    def sql_type(self) -> LiteralString:
        """The PostgreSQL type that a value is cast to."""
        return "numeric" if self.decimals else "integer"

    @property
    def kind(self) -> str:
        return "number" if self.decimals else "whole number"

    @property
    def plain_number(self) -> str:
        """How a number is written here, for a sentence."""
        return f"{self.kind}{_DECIMALS[self.decimals]}"

    @property
    def expected(self) -> str:
        """The numbers that the column accepts, for a sentence."""
        return f"a {self.kind} from {self.minimum} to {self.maximum}{_DECIMALS[self.decimals]}"

    def is_number(self, text: str) -> bool:
        """Return whether a text is a plain number with no more decimals than the column has."""
        return _NUMBER[self.decimals].fullmatch(text) is not None

    def accepts(self, text: str) -> bool:
        return self.is_number(text) and self.minimum <= Decimal(text) <= self.maximum
