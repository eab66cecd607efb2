"""Writers of exported products: files that, uploaded unchanged in mode `update`, change nothing.

They have all columns of the product schema in their order, then the version of each product. Rows are written one after
another, with a constant amount of memory.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from onboarding.domain.catalog import CatalogProduct
from onboarding.domain.column_types import ColumnType
from onboarding.domain.product_changes import VERSION
from onboarding.domain.product_schema import CHOICES, COLUMNS, NUMBER_COLUMNS, PRODUCT_SCHEMA
from onboarding.files.formula_escaping import escape_formula
from onboarding.files.workbook_text import build_cell_text

if TYPE_CHECKING:
    from xlsxwriter.format import Format

VENDOR = "vendor_id"
"""First column of an export of several vendors; it is no column of the product schema."""

_WIDTHS: Mapping[ColumnType, int] = {
    ColumnType.IDENTIFIER: 22,
    ColumnType.WORDS: 30,
    ColumnType.CATEGORY: 24,
    ColumnType.URL: 40,
}
"""Widths of columns in characters, by type."""

_DEFAULT_WIDTH, _VERSION_WIDTH = 16, 18

# The time in the properties of the workbook is fixed: two processes write equal files.
_CREATED_AT = datetime(2000, 1, 1, tzinfo=UTC)

_ALL_CELLS = "A1:XFD1048576"


def list_headers(*, has_vendors: bool) -> list[str]:
    """Return the headers of an export; `has_vendors`: it has products of several vendors."""
    return [*([VENDOR] if has_vendors else []), *COLUMNS, VERSION]


class CsvExport:
    """Export as CSV: commas, escaped formulas, UTF-8 with a byte order mark, so that Excel detects the encoding."""

    def __init__(self, file: BinaryIO, *, has_vendors: bool) -> None:
        """Write the header."""
        self._has_vendors = has_vendors
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._text)
        self._writer.writerow(list_headers(has_vendors=has_vendors))

    def write(self, product: CatalogProduct) -> None:
        """Write the row of a product."""
        row = [product.vendor_id] if self._has_vendors else []
        row += [_format_value(column, product.values[column]) for column in COLUMNS]
        self._writer.writerow([*row, product.version])

    def close(self) -> None:
        """Write the end of the file, which stays open."""
        self._text.detach()


def _format_value(column: str, value: object) -> str:
    if value is None:
        return ""
    number = NUMBER_COLUMNS.get(column)
    return escape_formula(str(value)) if number is None else f"{value:.{number.decimals}f}"


class WorkbookExport:
    """Export as a workbook: texts as text cells, numbers as numbers, lists of categories and statuses to choose from.

    Equal content results in equal files.
    """

    def __init__(self, file: BinaryIO, *, has_vendors: bool, categories: Sequence[str]) -> None:
        """Write the header."""
        from xlsxwriter import Workbook  # noqa: PLC0415 - few functions need it

        self._has_vendors, self._row = has_vendors, 0
        # Constant memory: the rows are kept in a temporary file. No text becomes a number, a formula or a link.
        self._book = Workbook(file, {"constant_memory": True})
        self._book.set_properties({"created": _CREATED_AT})
        self._text = self._book.add_format({"num_format": "@"})
        bold = self._book.add_format({"num_format": "@", "bold": True})
        self._sheet = self._book.add_worksheet("Products")
        self._sheet.freeze_panes(1, 0)
        # Excel must not offer to convert text to numbers: zeros would be lost.
        self._sheet.ignore_errors({"number_stored_as_text": _ALL_CELLS})
        self._lists: dict[str, Any] = {column: list(choices) for column, choices in CHOICES.items()}
        self._add_categories(categories)
        self._formats: dict[str, Format] = {}
        for index, name in enumerate(list_headers(has_vendors=has_vendors)):
            # The format is also for values that are entered into blank cells.
            self._formats[name] = self._make_format(name)
            self._sheet.set_column(index, index, _get_width(name), self._formats[name])
        for index, name in enumerate(self._formats):
            self._sheet.write_string(0, index, name, bold)

    def _make_format(self, name: str) -> Format:
        number = NUMBER_COLUMNS.get(name)
        if number is None:
            return self._text
        return self._book.add_format({"num_format": f"0.{'0' * number.decimals}" if number.decimals else "0"})

    def _add_categories(self, categories: Sequence[str]) -> None:
        # The parser skips sheets whose name begins with `_`.
        sheet = self._book.add_worksheet("_Categories")
        for row, name in enumerate(categories):
            sheet.write_string(row, 0, build_cell_text(name), self._text)
        if categories:
            self._lists["category"] = f"=_Categories!$A$1:$A${len(categories)}"

    def write(self, product: CatalogProduct) -> None:
        """Write the row of a product."""
        self._row += 1
        values = {VENDOR: product.vendor_id, **product.values, VERSION: product.version}
        for index, (name, cell_format) in enumerate(self._formats.items()):
            value = values[name]
            if value is None:
                continue
            if name in NUMBER_COLUMNS:
                self._sheet.write_number(self._row, index, float(str(value)), cell_format)
            else:
                self._sheet.write_string(self._row, index, build_cell_text(str(value)), cell_format)

    def close(self) -> None:
        """Write the workbook into the file, which stays open."""
        positions = {name: index for index, name in enumerate(self._formats)}
        for column, source in self._lists.items():
            # Other values are permitted: the rules explain what is wrong with them.
            choice = {"validate": "list", "source": source, "show_error": False}
            index = positions[column]
            self._sheet.data_validation(1, index, max(self._row, 1), index, choice)
        self._book.close()


def _get_width(name: str) -> int:
    if name == VERSION:
        return _VERSION_WIDTH
    column = PRODUCT_SCHEMA.get(name)
    return _DEFAULT_WIDTH if column is None else _WIDTHS.get(column.type, _DEFAULT_WIDTH)
