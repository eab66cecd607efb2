"""Conversion of a file's lines to rows, by the columns of its header and by its mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count, islice

from onboarding.domain.error_codes import WarningCode
from onboarding.domain.image_urls import split_addresses
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import FileHeader
from onboarding.domain.models import FileWarning, Row
from onboarding.domain.number_interpretation import strip_trailing_zeros
from onboarding.domain.product_schema import COLUMNS, NUMBER_COLUMNS
from onboarding.files.decimal_commas import DecimalSeparators, convert_decimal_comma, is_ambiguous
from onboarding.files.header import Header
from onboarding.files.header_names import unwrap_text_formula
from onboarding.files.models import CorrectedRows, FileDetails, Table, one_line, rows_named

MAX_CELL = 35_000 // len(COLUMNS)
"""Maximum length of a cell, in characters: more than any limit of the rules, and small enough that a row fits into a
DynamoDB item (400 KB) and an SQS message (256 KB), however many columns there are."""

_SAMPLED_ROWS, _SAMPLES = 200, 20

DECIMALS = {name: column.decimals for name, column in NUMBER_COLUMNS.items() if column.decimals}
"""Number of decimal places of each decimal column."""


@dataclass(frozen=True, slots=True)
class ProductLines:
    """Lines of a file with a known header."""

    header: Header
    table: Table
    file_details: FileDetails
    warnings: list[FileWarning]
    decimal_columns: frozenset[str]
    """Columns with decimal commas according to a fix file or to the numeric cells of a workbook."""
    point_columns: frozenset[str]
    """Columns with decimal points according to a fix file."""
    surplus_fields: Mapping[int, int]
    """Rows whose values may be in wrong columns, with the number of surplus values."""
    corrected_rows: CorrectedRows | None = None
    """The rows of an earlier upload that the lines of a fix file correct."""

    def number_columns(self) -> dict[str, list[str]]:
        """Return the values of the decimal columns without a number format, by column."""
        sources = {column: column for column in self.header.columns if column is not None}
        sources |= dict(self.header.copies)
        return {
            column: self.column(self.header.columns.index(source))
            for column, source in sources.items()
            if column in DECIMALS and column not in self.header.number_formats
        }

    def column(self, index: int) -> list[str]:
        """Return the values at a position, one for each row; blank for rows whose values may be in wrong columns."""
        values = [row[index] if index < len(row) else "" for row in self.table.rows]
        for row_number in self.surplus_fields:
            values[row_number - 1] = ""
        is_text_formula = self.header.columns[index] in self.header.text_formula_columns
        return [unwrap_text_formula(value.strip()) for value in values] if is_text_formula else values


def build_rows(lines: ProductLines, signs: DecimalSeparators, upload_id: str, vendor_id: str) -> list[Row]:
    """Return the rows of a file; `signs` are the decimal separators of its columns."""
    decimal_columns = signs.decimal_commas
    columns, text_formula_columns = lines.header.columns, lines.header.text_formula_columns
    surplus_fields, uncertain_columns = lines.surplus_fields, signs.uncertain
    apply_mapping = _build_mapping_function(lines.header)
    comma_formats = [item for item in lines.header.number_formats.items() if item[1].decimal_sign == ","]
    decimal_commas = (*decimal_columns, *(column for column, _ in comma_formats))
    factors = {column: item.factor for column, item in lines.header.number_formats.items() if item.factor != "1"}
    rows = []
    for row_number, values, line in zip(count(1), lines.table.rows, lines.table.lines, strict=False):
        cells, cut = _extract_cells(columns, values)
        for column in text_formula_columns:
            if column in cells and (text := unwrap_text_formula(cells.pop(column)).strip()):
                cells[column] = text
        original = apply_mapping(cells, cut) if apply_mapping is not None else None
        unclear = (
            tuple(column for column in uncertain_columns if is_ambiguous(cells.get(column, "")))
            if uncertain_columns
            else ()
        )
        for column, number_format in comma_formats:
            text = cells.get(column, "")
            if "." in text and column not in (original or ()) and is_unclear(text, column, number_format):
                unclear = (*unclear, column)
        for column in decimal_columns:
            if column in cells:
                cells[column] = convert_decimal_comma(cells[column], DECIMALS[column])
        surplus = surplus_fields.get(row_number, 0)
        row = Row(upload_id, vendor_id, row_number, cells, {}, surplus, cut, unclear, line, decimal_commas)
        if original:
            row.original = original
        if factors:
            row.number_factors = factors
        rows.append(row)
    return rows


def is_unclear(text: str, column: str, number_format: MappedNumberFormat) -> bool:
    """Return whether a text, which is not in its notation with a decimal comma, is a plain number by chance only.

    A number without the factor of its notation would be a thousand times too large.
    """
    return NUMBER_COLUMNS[column].is_number(text) and (number_format.factor != "1" or is_ambiguous(text))


def _build_mapping_function(header: Header) -> Callable[[dict[str, str], dict[str, int]], dict[str, str]] | None:
    """Return the function that applies a mapping to the cells of a row in place; None if the file has no mapping.

    It takes the cells and the lengths of truncated ones, and returns the values of changed cells as they are in the
    file.
    """
    if header.mapping is None:
        return None
    copies, constants, address_columns = header.copies, header.constants, header.first_address_columns
    converters = [
        (column, lru_cache(maxsize=4096)(number_format.build_converter()), NUMBER_COLUMNS[column].decimals)
        for column, number_format in header.number_formats.items()
    ]

    def apply_mapping(cells: dict[str, str], cut: dict[str, int]) -> dict[str, str]:
        original: dict[str, str] = {}
        for column, source in copies:
            if source in cells:
                cells[column] = cells[source]
            if source in cut:
                cut[column] = cut[source]
        for column, convert, decimals in converters:
            if column in cells:
                text = cells[column]
                number = convert(text)
                if number is not None and number != text:
                    cells[column], original[column] = strip_trailing_zeros(number, decimals), text
        for column in address_columns:
            if column in cells and (addresses := split_addresses(cells[column]))[1:]:
                cells[column], original[column] = addresses[0], cells[column]
        cells |= constants
        return original

    return apply_mapping


def _extract_cells(columns: Sequence[str | None], values: Sequence[str]) -> tuple[dict[str, str], dict[str, int]]:
    """Return the values of our columns that are not blank, and the original lengths of truncated values."""
    cells = {
        column: value
        for column, text in zip(columns, values, strict=False)
        if column is not None and (value := text.strip())
    }
    # Fast path: few rows are as long as a single value may be.
    if len("".join(values)) <= MAX_CELL:
        return cells, {}
    original_lengths = {column: len(value) for column, value in cells.items() if len(value) > MAX_CELL}
    return {column: value[:MAX_CELL] for column, value in cells.items()}, original_lengths


def warn_about_further_addresses(header: Header, rows: Sequence[Row]) -> Iterator[FileWarning]:
    """Yield a warning for each column of which only the first of several web addresses was used."""
    for column in header.first_address_columns:
        changed_rows = [row for row in rows if column in row.original]
        if changed_rows:
            numbers = rows_named([row.line or row.row_number for row in changed_rows])
            message = f"{column} has several web addresses in {numbers}; the first one was used, as your mapping says"
            yield FileWarning(WarningCode.FURTHER_ADDRESSES, message, changed_rows[0].row_number, column)


def add_samples(headers: Sequence[FileHeader], rows: Sequence[Sequence[str]]) -> list[FileHeader]:
    """Return the headers that are not blank with the first different values below each."""
    result = []
    for index, header in enumerate(headers):
        if not header.name:
            continue
        values = (row[index].strip() for row in rows[:_SAMPLED_ROWS] if index < len(row))
        samples = tuple(islice(dict.fromkeys(one_line(value) for value in values if value), _SAMPLES))
        result.append(replace(header, samples=samples))
    return result
