"""Conversion of a sheet's cells to the text of their columns, with warnings for the vendor."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.domain.product_schema import IDENTIFIERS, NUMBER_COLUMNS, PRICES
from onboarding.files.decimal_commas import CommaMeaning, classify_commas
from onboarding.files.models import first_of, one_line, rows_named
from onboarding.files.number_formats import NumberFormat
from onboarding.files.numeric_cells import (
    format_for_identifier_column,
    format_for_number_column,
    format_for_text_column,
)
from onboarding.files.xlsx_cells import CellRange, SheetCells
from onboarding.files.xlsx_limits import TooLargeError
from onboarding.files.xlsx_sheet import MAX_CHARACTERS

MAX_MERGED_ROWS = 2_500_000
"""Maximum number of rows of all merged ranges."""

_DECIMAL_COLUMNS = tuple(name for name, column in NUMBER_COLUMNS.items() if column.decimals)
_IMAGE_COLUMN = "image_url"
_PLAIN_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+")
_URL = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ResolvedCells:
    """Warnings, and the columns whose numbers have a decimal comma."""

    warnings: list[FileWarning]
    decimal_commas: frozenset[str]


def resolve_cells(
    cells: SheetCells,
    header: int,
    columns: Sequence[str | None],
    *,
    uses_1904_epoch: bool,
    decimal_columns: frozenset[str] = frozenset(),
    skipped: Collection[int] = (),
    with_units: Collection[str] = (),
    is_whole: bool = True,
) -> ResolvedCells | FileRejection:
    """Convert numeric cells to text, fill merged ranges, and replace link texts of the image column with their URLs.

    `header` is the index of the header line, whose names mean `columns`. The lines below it are the data rows, except
    those with an index in `skipped`. `decimal_columns` are known to have decimal commas. The units of
    number formats stay in the columns `with_units`. If the file has only some rows (`is_whole` is false), columns
    without decimals do not follow the others.
    """
    below = (line for line in range(header + 1, len(cells.table.lines)) if line not in skipped)
    rows = {line: number for number, line in enumerate(below, 1)}
    return _Resolver(cells, columns, rows, uses_1904_epoch, with_units, is_whole).resolve(decimal_columns)


@dataclass(slots=True)
class _Resolver:
    cells: SheetCells
    columns: Sequence[str | None]
    # Row numbers by line index.
    rows: dict[int, int]
    uses_1904_epoch: bool
    with_units: Collection[str]
    is_whole: bool
    # Row numbers by column or currency; `with_decimals` has line indexes.
    currencies: dict[str, list[int]] = field(default_factory=dict)
    dates: dict[str, list[int]] = field(default_factory=dict)
    rounded: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    with_decimals: dict[str, set[int]] = field(default_factory=dict)

    def resolve(self, decimal_columns: frozenset[str]) -> ResolvedCells | FileRejection:
        characters = 0
        for line, formats in self.cells.number_formats.items():
            row = self.cells.table.lines[line]
            columns = self.columns if line in self.rows else ()
            for index, number_format in formats:
                column = columns[index] if index < len(columns) else None
                row[index] = self._convert(line, column, row[index], number_format)
                characters += len(row[index])
            # A format can make 250 characters of each digit.
            if characters > MAX_CHARACTERS:
                raise TooLargeError
        if len(self.currencies) > 1:
            named = "; ".join(f"{one_line(name)} in {self._name_rows(rows)}" for name, rows in self.currencies.items())
            reason = (
                f"The prices have more than one currency: {named[:800]}. "
                "Upload the products of each currency in a separate file"
            )
            return FileRejection(RejectionCode.MIXED_CURRENCIES, reason)
        commas = self._write_decimal_commas(decimal_columns)
        warnings = [
            *self._replace_link_texts(),
            *self._list_hidden(),
            *self._fill_merged_ranges(),
            *self._list_dates(),
            *self._list_rounded(),
        ]
        return ResolvedCells(warnings, commas)

    def _name_rows(self, numbers: Sequence[int]) -> str:
        """Return such as `rows 2, 3, 5` with the spreadsheet rows of data rows."""
        lines = list(self.rows)
        return rows_named([self.cells.table.numbers[lines[number - 1]] for number in numbers])

    def _convert(self, line: int, column: str | None, raw: str, number_format: NumberFormat) -> str:
        if column in IDENTIFIERS:
            return format_for_identifier_column(raw, number_format, uses_1904_epoch=self.uses_1904_epoch)
        if column is None or column not in NUMBER_COLUMNS:
            if number_format.is_date and column is not None:
                self.dates.setdefault(column, []).append(self.rows[line])
            return format_for_text_column(raw, number_format, uses_1904_epoch=self.uses_1904_epoch)
        number = format_for_number_column(
            raw,
            number_format,
            "" if column in self.with_units else NUMBER_COLUMNS[column].unit,
            uses_1904_epoch=self.uses_1904_epoch,
        )
        if number.displayed:
            self.rounded.setdefault(column, []).append((self.rows[line], number.displayed, number.text))
        if "." in number.text:
            self.with_decimals.setdefault(column, set()).add(line)
        if number.currency and column not in PRICES:
            # A quantity or weight in a currency is an error: with the currency in its text, validation rejects it.
            return f"{number.currency} {number.text}"
        if number.currency:
            self.currencies.setdefault(number.currency, []).append(self.rows[line])
        return number.text

    def _write_decimal_commas(self, decimal_columns: frozenset[str]) -> frozenset[str]:
        """Write numeric cells with a comma where the text cells of their column have decimal commas.

        Numeric cells have no decimal sign of their own. Return the columns with decimal commas.
        """
        lines = self.cells.table.lines
        texts: dict[str, list[str]] = {}
        for column in _DECIMAL_COLUMNS:
            if column in self.columns:
                index, numbers = self.columns.index(column), self.with_decimals.get(column, ())
                values = (lines[n][index] for n in self.rows if n not in numbers and index < len(lines[n]))
                texts[column] = [value for value in values if not value.isdecimal()]
        commas_of = {column: classify_commas(values) for column, values in texts.items()}
        known = decimal_columns | {column for column, commas in commas_of.items() if commas is CommaMeaning.DECIMAL}
        if not known:
            return frozenset()
        # One program wrote all columns: columns without a sign follow the others.
        without_sign = {
            column
            for column, values in texts.items()
            if self.is_whole and not any("," in v or "." in v for v in values)
        }
        unclear = {
            column for column, commas in commas_of.items() if commas in {CommaMeaning.MIXED, CommaMeaning.UNCLEAR}
        }
        written = frozenset((known | without_sign) & texts.keys() - unclear)
        for column in written:
            index = self.columns.index(column)
            for n in self.with_decimals.get(column, ()):
                if _PLAIN_DECIMAL.fullmatch(lines[n][index]):
                    lines[n][index] = lines[n][index].replace(".", ",")
        return written

    def _replace_link_texts(self) -> Iterator[FileWarning]:
        """Replace the text of hyperlinks in the image column with their URLs."""
        if _IMAGE_COLUMN not in self.columns or not self.cells.hyperlinks:
            return
        index, table = self.columns.index(_IMAGE_COLUMN), self.cells.table
        replaced = []
        for line, number in self.rows.items():
            row, url = table.lines[line], self.cells.hyperlinks.get((table.numbers[line], index))
            text = row[index].strip() if index < len(row) else ""
            if url and text and not _URL.match(text):
                row[index] = url
                replaced.append(number)
        if replaced:
            rows = self._name_rows(replaced)
            message = f"{_IMAGE_COLUMN} has a hyperlink in {rows}; its URL is used, not the displayed text"
            yield FileWarning(WarningCode.HYPERLINK_ADDRESS, message, replaced[0], _IMAGE_COLUMN)

    def _fill_merged_ranges(self) -> Iterator[FileWarning]:
        """Copy the value of a merged range to each of its rows."""
        numbers, lines = self.cells.table.numbers, self.cells.table.lines
        row_count = 0
        filled_rows: dict[str, list[int]] = {}
        across_columns: list[tuple[int, CellRange]] = []
        for merged in self.cells.merged:
            first, last = bisect_left(numbers, merged.first_row), bisect_right(numbers, merged.last_row)
            if first not in self.rows or numbers[first] != merged.first_row:
                continue
            index = merged.first_column
            if len([column for column in self.columns[index : merged.last_column + 1] if column]) > 1:
                across_columns.append((self.rows[first], merged))
            column = self.columns[index] if index < len(self.columns) else None
            value = lines[first][index] if index < len(lines[first]) else ""
            row_count += last - first
            if row_count > MAX_MERGED_ROWS:
                raise TooLargeError
            rows = [line for line in range(first, last) if line in self.rows]
            if column is None or not value.strip() or len(rows) == 1:
                continue
            for line in rows:
                lines[line].extend([""] * (index + 1 - len(lines[line])))
                lines[line][index] = value
            filled_rows.setdefault(column, []).extend(self.rows[line] for line in rows)
        for column, data_rows in filled_rows.items():
            message = f"{column} has merged cells in {self._name_rows(data_rows)}; each row has the value of its range"
            yield FileWarning(WarningCode.MERGED_CELLS, message, data_rows[0], column)
        if across_columns:
            ranges = first_of([merged.text for _, merged in across_columns])
            message = f"Cells are merged across columns ({ranges}); only the first column has the value"
            yield FileWarning(WarningCode.MERGED_CELLS, message, across_columns[0][0])

    def _list_hidden(self) -> Iterator[FileWarning]:
        hidden = set(self.cells.hidden_rows)
        rows = [number for line, number in self.rows.items() if self.cells.table.numbers[line] in hidden]
        if rows:
            named = self._name_rows(rows)
            message = f"The sheet hides {named}, by hand or by a filter; hidden rows are read like the others"
            yield FileWarning(WarningCode.HIDDEN_ROWS, message, rows[0])
        hidden_columns = self.cells.hidden_columns
        columns = [
            column
            for index, column in enumerate(self.columns)
            if column and any(index in indexes for indexes in hidden_columns)
        ]
        if columns:
            message = f"The sheet hides {', '.join(columns)}; hidden columns are read like the others"
            yield FileWarning(WarningCode.HIDDEN_COLUMNS, message, column=columns[0])

    def _list_dates(self) -> Iterator[FileWarning]:
        for column, rows in self.dates.items():
            message = (
                f"{column} has a date in {self._name_rows(rows)}, which a spreadsheet program may have made of other "
                "text; the displayed text is used"
            )
            yield FileWarning(WarningCode.DATE_IN_TEXT, message, rows[0], column)

    def _list_rounded(self) -> Iterator[FileWarning]:
        for column, cells in self.rounded.items():
            rows, (number, displayed, text) = [row for row, _, _ in cells], cells[0]
            message = (
                f"{column} is displayed rounded in {self._name_rows(rows)}: {self._name_rows([number])} shows "
                f"{displayed[:40]}, its value is {text[:40]}. The value of the cell is used"
            )
            yield FileWarning(WarningCode.ROUNDED_DISPLAY, message, number, column)
