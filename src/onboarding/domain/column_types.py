"""Column definitions of the product schema: types, limits, and their descriptions for people and for PostgreSQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum, auto
from typing import LiteralString


class ColumnType(StrEnum):
    """Type of a column's values; it selects the validation rules and the file checks that apply to them."""

    IDENTIFIER = auto()
    WORDS = auto()
    CATEGORY = auto()
    STATUS = auto()
    DIMENSIONS = auto()
    URL = auto()
    PRICE = auto()
    QUANTITY = auto()
    WEIGHT = auto()


class ProductStatus(StrEnum):
    """Status of a product; column `status` of `products`.

    `active`: on sale. `inactive`: taken off sale by the vendor. `blocked`: taken off sale by the marketplace.
    """

    ACTIVE = "active"
    INACTIVE = "inactive"
    BLOCKED = "blocked"


class Required(Enum):
    """Rows that need a value in a column: none, those that create a product, or also those that change one."""

    NEVER = auto()
    TO_CREATE = auto()
    ALWAYS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Common definition of text and number columns.

    `label` names the column in messages and headings. `example` passes every rule. `report_column` is the position of
    the column in the error report, from 1; None: the report does not have it.
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
        """Return whether a product may have no value in the column."""
        return self.required is Required.NEVER and self.default is None

    @property
    def title(self) -> str:
        """Return the label as a heading, in which every word begins with a capital letter."""
        return " ".join(word[0].upper() + word[1:] for word in self.label.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn(Column):
    """Column of text with at most `max_length` characters; one of `choices`, if there are any."""

    max_length: int
    choices: tuple[str, ...] = ()

    @property
    def limits(self) -> str:
        """Return the accepted texts in words, for the template and the reference page."""
        default = f"; `{self.default}` if left blank" if self.default else ""
        if self.choices:
            return f"{' or '.join(f'`{choice}`' for choice in self.choices)}{default}"
        return f"text, up to {self.max_length:,} characters{default}"

    @property
    def sql_type(self) -> LiteralString:
        """Return the PostgreSQL type to which a value is cast."""
        return "text"


_DECIMALS = {0: "", 2: " with at most two decimals", 3: " with at most three decimals"}
# ASCII digits only: Python's number parsing also accepts 1_000, 1e3, NaN and full-width digits.
_NUMBER = {
    decimals: re.compile(r"-?[0-9]+" + (rf"(\.[0-9]{{1,{decimals}}})?" if decimals else "")) for decimals in _DECIMALS
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberColumn(Column):
    """Column of plain numbers from `minimum` to `maximum`; a workbook's number format may append `unit`."""

    minimum: Decimal
    maximum: Decimal
    decimals: int
    unit: str = ""

    @property
    def limits(self) -> str:
        """Return the accepted numbers in words, for the template and the reference page."""
        decimals = f", at most {self.decimals} decimals" if self.decimals else ""
        return f"{self.kind}, {self.minimum:,} to {self.maximum:,}{decimals}"

    @property
    def sql_type(self) -> LiteralString:
        """Return the PostgreSQL type to which a value is cast."""
        return "numeric" if self.decimals else "integer"

    @property
    def kind(self) -> str:
        """Return `number` or `whole number`, for use in a sentence."""
        return "number" if self.decimals else "whole number"

    @property
    def plain_number(self) -> str:
        """Return the notation of the numbers, for use in a sentence."""
        return f"{self.kind}{_DECIMALS[self.decimals]}"

    @property
    def expected(self) -> str:
        """Return the accepted numbers and their notation, for use in a sentence."""
        return f"a {self.kind} from {self.minimum} to {self.maximum}{_DECIMALS[self.decimals]}"

    def is_number(self, text: str) -> bool:
        """Return whether a text is a plain number with at most the column's number of decimals."""
        return _NUMBER[self.decimals].fullmatch(text) is not None

    def accepts(self, text: str) -> bool:
        """Return whether a text is a plain number within the bounds."""
        return self.is_number(text) and self.minimum <= Decimal(text) <= self.maximum
