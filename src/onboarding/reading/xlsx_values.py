"""The text of a sheet's cells, once the column of each is known, and what its vendor should know about them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from onboarding.reading.decimals import Commas, commas_in
from onboarding.reading.found import FileWarning, Refusal, first_of, one_line, rows_named
from onboarding.reading.number_formats import in_identifier_column, in_number_column, in_text_column
from onboarding.reading.xlsx_parts import TooLargeError
from onboarding.reading.xlsx_sheet import MAX_PLACES, Range, SheetCells

IDENTIFIERS = frozenset({"vendor_product_id", "sku"})
PRICES = frozenset({"price", "compare_at_price"})
UNITS = {"price": "", "compare_at_price": "", "stock_quantity": "", "weight_kg": "kg"}
"""The number columns, and the unit that a number format may add to each."""

_DECIMALS = ("price", "compare_at_price", "weight_kg")
_IMAGE = "image_url"
_PLAIN = re.compile(r"-?[0-9]+\.[0-9]+")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resolved:
    """What resolving found out: warnings, and the columns whose numbers have a decimal comma."""

    warnings: list[FileWarning]
    decimal_commas: frozenset[str]


@dataclass(slots=True)
class _Seen:
    """What is worth a warning, by column and number of the data row."""

    currencies: dict[str, list[int]] = field(default_factory=dict)
    dates: dict[str, list[int]] = field(default_factory=dict)
    rounded: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    with_decimals: dict[str, set[int]] = field(default_factory=dict)


def resolve(
    cells: SheetCells, header: int, columns: Sequence[str | None], agreed: frozenset[str], *, since_1904: bool
) -> Resolved | Refusal:
    """Give each numeric cell the text that its column asks for, each cell of a merged range the value of the range,
    and each cell of pictures its hyperlink. `header` is the line with the names of `columns`; `agreed` are columns
    whose numbers have a decimal comma.
    """
    seen = _Seen()
    _format(cells, header, columns, seen, since_1904=since_1904)
    if len(seen.currencies) > 1:
        named = "; ".join(f"{one_line(currency)} in {rows_named(rows)}" for currency, rows in seen.currencies.items())
        reason = f"The prices have more than one currency: {named}. Upload the products of each currency by themselves"
        return Refusal("MIXED_CURRENCIES", reason[:1000])
    commas = _decimal_commas(cells, header, columns, seen, agreed)
    warnings = [
        *_addresses(cells, header, columns),
        *_hidden(cells, header, columns),
        *_merged(cells, header, columns),
        *_dates(seen),
        *_rounded(seen),
    ]
    return Resolved(warnings, commas)


def _format(cells: SheetCells, header: int, columns: Sequence[str | None], seen: _Seen, *, since_1904: bool) -> None:
    for line, formats in cells.formatted.items():
        row, number = cells.grid.lines[line], line - header
        for place, form in formats:
            column = columns[place] if place < len(columns) and number > 0 else None
            unit = UNITS.get(column or "")
            if column is None or (unit is None and column not in IDENTIFIERS):
                row[place] = in_text_column(row[place], form, since_1904=since_1904)
                if form.is_date and column is not None:
                    seen.dates.setdefault(column, []).append(number)
            elif unit is None:
                row[place] = in_identifier_column(row[place], form, since_1904=since_1904)
            else:
                found = in_number_column(row[place], form, unit, since_1904=since_1904)
                row[place] = found.text
                if found.currency and column in PRICES:
                    seen.currencies.setdefault(found.currency, []).append(number)
                elif found.currency:
                    row[place] = f"{found.currency} {found.text}"
                if found.shown:
                    seen.rounded.setdefault(column, []).append((number, found.shown, found.text))
                if "." in found.text:
                    seen.with_decimals.setdefault(column, set()).add(line)


def _decimal_commas(
    cells: SheetCells, header: int, columns: Sequence[str | None], seen: _Seen, agreed: frozenset[str]
) -> frozenset[str]:
    """Write numeric cells as the vendor's program does where the text cells among them have decimal commas.

    A numeric cell says nothing about commas: it has no sign of its own before its decimals.
    """
    texts: dict[str, list[str]] = {}
    for column in _DECIMALS:
        if column in columns:
            place, numbers = columns.index(column), seen.with_decimals.get(column, ())
            texts[column] = [
                row[place]
                for line, row in enumerate(cells.grid.lines)
                if line > header and place < len(row) and line not in numbers and not row[place].isdecimal()
            ]
    found = {column: commas_in(values) for column, values in texts.items()}
    with_commas = agreed | {column for column, commas in found.items() if commas is Commas.DECIMAL}
    if not with_commas:
        return frozenset()
    # Whoever writes a comma in one column writes it in all of them, as far as their text says nothing else.
    silent = {column for column, values in texts.items() if not any("," in v or "." in v for v in values)}
    written = frozenset(
        c for c in with_commas | silent if c in texts and found[c] not in {Commas.MIXED, Commas.UNCLEAR}
    )
    for column in written:
        place = columns.index(column)
        for line in seen.with_decimals.get(column, ()):
            row = cells.grid.lines[line]
            if _PLAIN.fullmatch(row[place]):
                row[place] = row[place].replace(".", ",")
    return written


def _addresses(cells: SheetCells, header: int, columns: Sequence[str | None]) -> Iterator[FileWarning]:
    """Put a hyperlink's address in place of the words that it is shown as."""
    if _IMAGE not in columns or not cells.addresses:
        return
    place = columns.index(_IMAGE)
    rows = []
    for line, row in enumerate(cells.grid.lines):
        address = cells.addresses.get((cells.grid.numbers[line], place))
        shown = row[place].strip() if place < len(row) else ""
        if line > header and address and shown and not _ADDRESS.match(shown):
            row[place] = address
            rows.append(line - header)
    if rows:
        message = f"{_IMAGE} has a hyperlink in {rows_named(rows)}; its address was taken, not the words that it shows"
        yield FileWarning("HYPERLINK_ADDRESS", message, rows[0], _IMAGE)


def _merged(cells: SheetCells, header: int, columns: Sequence[str | None]) -> Iterator[FileWarning]:
    numbers = cells.grid.numbers
    filled = 0
    rows: dict[str, list[int]] = {}
    across: list[tuple[int, Range]] = []
    for merged in cells.merged:
        first = bisect_left(numbers, merged.first_row)
        if first == len(numbers) or numbers[first] != merged.first_row or first <= header:
            continue
        place, line = merged.first_column, cells.grid.lines[first]
        named = [column for column in columns[place : merged.last_column + 1] if column]
        if len(named) > 1:
            across.append((first - header, merged))
        column = columns[place] if place < len(columns) else None
        value = line[place] if place < len(line) else ""
        if column is None or not value.strip():
            continue
        last = bisect_right(numbers, merged.last_row)
        for below in range(first + 1, last):
            row = cells.grid.lines[below]
            row.extend([""] * (place + 1 - len(row)))
            row[place] = value
        filled += last - first
        if filled > MAX_PLACES:
            raise TooLargeError
        if last > first + 1:
            rows.setdefault(column, []).extend(range(first - header, last - header))
    for column, found in rows.items():
        message = (
            f"{column} has merged cells in {rows_named(found)}; each of these rows was given the value of its range"
        )
        yield FileWarning("MERGED_CELLS", message, found[0], column)
    if across:
        named_ranges = first_of([merged.text for _, merged in across])
        message = f"Cells are merged across columns ({named_ranges}); the value was taken for the first column alone"
        yield FileWarning("MERGED_CELLS", message, across[0][0])


def _hidden(cells: SheetCells, header: int, columns: Sequence[str | None]) -> Iterator[FileWarning]:
    lines = {number: line for line, number in enumerate(cells.grid.numbers)}
    rows = sorted(lines[number] - header for number in cells.hidden_rows if lines.get(number, 0) > header)
    if rows:
        message = f"The sheet hides {rows_named(rows)}, by hand or by a filter; hidden rows are read like the others"
        yield FileWarning("HIDDEN_ROWS", message, rows[0])
    hidden = [c for place, c in enumerate(columns) if c and any(place in found for found in cells.hidden_columns)]
    if hidden:
        message = f"The sheet hides {', '.join(hidden)}; hidden columns are read like the others"
        yield FileWarning("HIDDEN_COLUMNS", message, column=hidden[0])


def _dates(seen: _Seen) -> Iterator[FileWarning]:
    for column, rows in seen.dates.items():
        message = (
            f"{column} has a date in {rows_named(rows)}, which a spreadsheet may have made of other text; "
            "it was taken as the sheet shows it"
        )
        yield FileWarning("DATE_IN_TEXT", message, rows[0], column)


def _rounded(seen: _Seen) -> Iterator[FileWarning]:
    for column, found in seen.rounded.items():
        rows, (number, shown, text) = [row for row, _, _ in found], found[0]
        message = (
            f"{column} is not shown in full in {rows_named(rows)}: row {number} shows {shown[:40]}, "
            f"its cell has {text[:40]}. The cell's value was taken"
        )
        yield FileWarning("ROUNDED_DISPLAY", message, number, column)
