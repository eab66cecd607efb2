"""The text of a sheet's cells, once the column of each is known, and what its vendor should know about them."""

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
from onboarding.files.numeric_cells import in_identifier_column, in_number_column, in_text_column
from onboarding.files.xlsx_cells import Range, SheetCells
from onboarding.files.xlsx_limits import TooLargeError

MAX_FILLED = 2_500_000
"""Cells that merged ranges may fill."""

_DECIMALS = tuple(name for name, column in NUMBER_COLUMNS.items() if column.decimals)
_IMAGE = "image_url"
_PLAIN = re.compile(r"-?[0-9]+\.[0-9]+")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resolved:
    """What resolving found out: warnings, and the columns whose numbers have a decimal comma."""

    warnings: list[FileWarning]
    decimal_commas: frozenset[str]


def resolve(
    cells: SheetCells,
    header: int,
    columns: Sequence[str | None],
    *,
    since_1904: bool,
    agreed: frozenset[str] = frozenset(),
    skipped: Collection[int] = (),
) -> Resolved | FileRejection:
    """Give each numeric cell the text that its column asks for, each cell of a merged range the value of the range,
    and each cell of pictures its hyperlink.

    `header` is the index of the line with the names of `columns`; the lines below it are the data rows, but for those
    whose index is in `skipped`. `agreed` are columns whose numbers have a decimal comma.
    """
    below = (line for line in range(header + 1, len(cells.grid.lines)) if line not in skipped)
    rows = {line: number for number, line in enumerate(below, 1)}
    return _Resolver(cells, columns, rows, since_1904).resolve(agreed)


@dataclass(slots=True)
class _Resolver:
    cells: SheetCells
    columns: Sequence[str | None]
    # The numbers of the data rows, by line.
    rows: dict[int, int]
    since_1904: bool
    # What was seen, by column (or currency) and number of the row; numbers with decimals by line.
    currencies: dict[str, list[int]] = field(default_factory=dict)
    dates: dict[str, list[int]] = field(default_factory=dict)
    rounded: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    with_decimals: dict[str, set[int]] = field(default_factory=dict)

    def resolve(self, agreed: frozenset[str]) -> Resolved | FileRejection:
        for line, formats in self.cells.formatted.items():
            row = self.cells.grid.lines[line]
            for place, form in formats:
                column = self.columns[place] if place < len(self.columns) and line in self.rows else None
                row[place] = self._text(line, column, row[place], form)
        if len(self.currencies) > 1:
            named = "; ".join(f"{one_line(name)} in {self._rows_named(rows)}" for name, rows in self.currencies.items())
            reason = f"The prices have more than one currency: {named[:800]}. Upload the products of each by themselves"
            return FileRejection(RejectionCode.MIXED_CURRENCIES, reason)
        commas = self._decimal_commas(agreed)
        warnings = [*self._addresses(), *self._hidden(), *self._merged(), *self._dates(), *self._rounded()]
        return Resolved(warnings, commas)

    def _rows_named(self, numbers: Sequence[int]) -> str:
        """Name data rows by the numbers that the sheet gives them."""
        lines = list(self.rows)
        return rows_named([self.cells.grid.numbers[lines[number - 1]] for number in numbers])

    def _text(self, line: int, column: str | None, raw: str, form: NumberFormat) -> str:
        if column in IDENTIFIERS:
            return in_identifier_column(raw, form, since_1904=self.since_1904)
        if column is None or column not in NUMBER_COLUMNS:
            if form.is_date and column is not None:
                self.dates.setdefault(column, []).append(self.rows[line])
            return in_text_column(raw, form, since_1904=self.since_1904)
        found = in_number_column(raw, form, NUMBER_COLUMNS[column].unit, since_1904=self.since_1904)
        if found.shown:
            self.rounded.setdefault(column, []).append((self.rows[line], found.shown, found.text))
        if "." in found.text:
            self.with_decimals.setdefault(column, set()).add(line)
        if found.currency and column not in PRICES:
            # Of a quantity or a weight it is no dress, but a sign that something else was meant.
            return f"{found.currency} {found.text}"
        if found.currency:
            self.currencies.setdefault(found.currency, []).append(self.rows[line])
        return found.text

    def _decimal_commas(self, agreed: frozenset[str]) -> frozenset[str]:
        """Write numeric cells as the vendor's program does where the text cells among them have decimal commas.

        A numeric cell says nothing about commas: it holds no sign before its decimals.
        """
        lines = self.cells.grid.lines
        texts: dict[str, list[str]] = {}
        for column in _DECIMALS:
            if column in self.columns:
                place, numbers = self.columns.index(column), self.with_decimals.get(column, ())
                values = (lines[n][place] for n in self.rows if n not in numbers and place < len(lines[n]))
                texts[column] = [value for value in values if not value.isdecimal()]
        found = {column: classify_commas(values) for column, values in texts.items()}
        known = agreed | {column for column, commas in found.items() if commas is CommaMeaning.DECIMAL}
        if not known:
            return frozenset()
        # One program writes all columns, as far as their own text says nothing else.
        silent = {column for column, values in texts.items() if not any("," in v or "." in v for v in values)}
        unclear = {column for column, commas in found.items() if commas in {CommaMeaning.MIXED, CommaMeaning.UNCLEAR}}
        written = frozenset((known | silent) & texts.keys() - unclear)
        for column in written:
            place = self.columns.index(column)
            for n in self.with_decimals.get(column, ()):
                if _PLAIN.fullmatch(lines[n][place]):
                    lines[n][place] = lines[n][place].replace(".", ",")
        return written

    def _addresses(self) -> Iterator[FileWarning]:
        """Put a hyperlink's address in place of the words that it is shown as."""
        if _IMAGE not in self.columns or not self.cells.addresses:
            return
        place, grid = self.columns.index(_IMAGE), self.cells.grid
        found = []
        for line, number in self.rows.items():
            row, address = grid.lines[line], self.cells.addresses.get((grid.numbers[line], place))
            shown = row[place].strip() if place < len(row) else ""
            if address and shown and not _ADDRESS.match(shown):
                row[place] = address
                found.append(number)
        if found:
            message = (
                f"{_IMAGE} has a hyperlink in {self._rows_named(found)}; its address was taken, not the words it shows"
            )
            yield FileWarning(WarningCode.HYPERLINK_ADDRESS, message, found[0], _IMAGE)

    def _merged(self) -> Iterator[FileWarning]:
        """Give the value of a merged range to each of its rows that has values of its own."""
        numbers, lines = self.cells.grid.numbers, self.cells.grid.lines
        filled = 0
        found: dict[str, list[int]] = {}
        across: list[tuple[int, Range]] = []
        for merged in self.cells.merged:
            first, last = bisect_left(numbers, merged.first_row), bisect_right(numbers, merged.last_row)
            if first not in self.rows or numbers[first] != merged.first_row:
                continue
            place = merged.first_column
            if len([column for column in self.columns[place : merged.last_column + 1] if column]) > 1:
                across.append((self.rows[first], merged))
            column = self.columns[place] if place < len(self.columns) else None
            value = lines[first][place] if place < len(lines[first]) else ""
            filled += last - first
            if filled > MAX_FILLED:
                raise TooLargeError
            rows = [line for line in range(first, last) if line in self.rows]
            if column is None or not value.strip() or len(rows) == 1:
                continue
            for line in rows:
                lines[line].extend([""] * (place + 1 - len(lines[line])))
                lines[line][place] = value
            found.setdefault(column, []).extend(self.rows[line] for line in rows)
        for column, data_rows in found.items():
            message = (
                f"{column} has merged cells in {self._rows_named(data_rows)}; each row was given the value of its range"
            )
            yield FileWarning(WarningCode.MERGED_CELLS, message, data_rows[0], column)
        if across:
            ranges = first_of([merged.text for _, merged in across])
            message = f"Cells are merged across columns ({ranges}); the value was taken for the first column alone"
            yield FileWarning(WarningCode.MERGED_CELLS, message, across[0][0])

    def _hidden(self) -> Iterator[FileWarning]:
        hidden = set(self.cells.hidden_rows)
        rows = [number for line, number in self.rows.items() if self.cells.grid.numbers[line] in hidden]
        if rows:
            named = self._rows_named(rows)
            message = f"The sheet hides {named}, by hand or by a filter; hidden rows are read like the others"
            yield FileWarning(WarningCode.HIDDEN_ROWS, message, rows[0])
        ranges = self.cells.hidden_columns
        columns = [column for n, column in enumerate(self.columns) if column and any(n in found for found in ranges)]
        if columns:
            message = f"The sheet hides {', '.join(columns)}; hidden columns are read like the others"
            yield FileWarning(WarningCode.HIDDEN_COLUMNS, message, column=columns[0])

    def _dates(self) -> Iterator[FileWarning]:
        for column, rows in self.dates.items():
            message = (
                f"{column} has a date in {self._rows_named(rows)}, which a spreadsheet may have made of other text; "
                "it was taken as the sheet shows it"
            )
            yield FileWarning(WarningCode.DATE_IN_TEXT, message, rows[0], column)

    def _rounded(self) -> Iterator[FileWarning]:
        for column, found in self.rounded.items():
            rows, (number, shown, text) = [row for row, _, _ in found], found[0]
            message = (
                f"{column} is not shown in full in {self._rows_named(rows)}: {self._rows_named([number])} shows "
                f"{shown[:40]}, its cell has {text[:40]}. The cell's value was taken"
            )
            yield FileWarning(WarningCode.ROUNDED_DISPLAY, message, number, column)
