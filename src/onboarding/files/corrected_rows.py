"""Rejected rows with the vendor's corrections: their notation, their conversion to rows, and the file of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onboarding.domain.corrections import RejectedRow
from onboarding.domain.image_urls import split_addresses
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import VALUE_COLUMNS, MappingDocument, normalize_key
from onboarding.domain.models import Row
from onboarding.domain.number_interpretation import strip_trailing_zeros
from onboarding.domain.product_changes import VERSION
from onboarding.domain.product_schema import COLUMNS, NUMBER_COLUMNS
from onboarding.files.csv_writer import build_csv
from onboarding.files.decimal_commas import convert_decimal_comma, is_ambiguous
from onboarding.files.header import ADDRESS_COLUMNS, FIX_COLUMNS
from onboarding.files.models import FileDetails
from onboarding.files.row_builder import DECIMALS, MAX_CELL, is_unclear

_DECIMAL_NUMBER = re.compile(r"-?[0-9]+\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Notation:
    """How the vendor writes values in the file of an upload, so that edits are read in the same way.

    `number_formats` are those of its mapping, by column. `decimal_commas` are the other columns with decimal commas,
    and `uncertain` those in which a point may be one between thousands. Of several web addresses in the columns
    `first_address`, the first one is used.
    """

    number_formats: Mapping[str, MappedNumberFormat]
    decimal_commas: frozenset[str]
    first_address: frozenset[str] = frozenset()
    uncertain: frozenset[str] = frozenset()

    @classmethod
    def of_file(cls, details: FileDetails, document: MappingDocument | None) -> Notation:
        """Return the notation of a file that was read with a mapping document, or without one."""
        number_formats = {
            column: target.number_format
            for target in (document.list_targets(details.columns) if document is not None else ())
            if target is not None and target.number_format is not None
            for column in target.columns
            if column in NUMBER_COLUMNS
        }
        first_address = set(map(normalize_key, document.first_address)) if document is not None else set()
        addresses = {
            columns.split(", ")[0] for name, columns in details.columns.items() if normalize_key(name) in first_address
        }
        decimal_commas = frozenset(details.decimal_commas) - number_formats.keys()
        uncertain = frozenset(details.uncertain) - number_formats.keys()
        return cls(number_formats, decimal_commas, frozenset(ADDRESS_COLUMNS) & addresses, uncertain)

    @property
    def comma_columns(self) -> tuple[str, ...]:
        """Return the columns whose numbers have decimal commas, for hints in the same notation."""
        with_format = (name for name, item in self.number_formats.items() if item.decimal_sign == ",")
        return (*sorted(self.decimal_commas), *with_format)

    def show_value(self, row: RejectedRow, column: str) -> str:
        """Return a value of a row as the vendor writes it, without edits; blank if there is none."""
        value = row.values_in_file.get(column, "")
        if column in self.decimal_commas and _DECIMAL_NUMBER.fullmatch(value):
            # A number with a point that may be a thousands separator was not converted.
            return value if row.has_error(column) and is_ambiguous(value) else value.replace(".", ",")
        return value

    def drop_unchanged(self, row: RejectedRow, cells: Mapping[str, str]) -> dict[str, str]:
        """Return those of the edited cells, without white space around them, that differ from the file."""
        edits = {column: text.strip() for column, text in cells.items()}
        return {column: text for column, text in edits.items() if text != self.show_value(row, column)}

    def convert(self, column: str, text: str) -> tuple[str, bool]:
        """Return our value of an edited cell, and whether its meaning is unclear."""
        if column in self.number_formats:
            number_format = self.number_formats[column]
            number = number_format.convert(text)
            if number is not None:
                return (
                    text if number == text else strip_trailing_zeros(number, NUMBER_COLUMNS[column].decimals)
                ), False
            is_comma_format = number_format.decimal_sign == ","
            return text, is_comma_format and "." in text and is_unclear(text, column, number_format)
        if column in self.decimal_commas | self.uncertain and is_ambiguous(text):
            return text, True
        if column in self.decimal_commas:
            return convert_decimal_comma(text, DECIMALS[column]), False
        if column in self.first_address:
            return next(iter(split_addresses(text)), text), False
        return text, False


def build_corrected_row(
    row: RejectedRow, cells: Mapping[str, str], notation: Notation, *, upload_id: str, vendor_id: str, line: int
) -> Row:
    """Return a rejected row with edited cells, as a file with them would be read.

    `line` is the row's number in a spreadsheet.
    """
    # Value mappings are applied again: they may have changed.
    values = row.values | {c: row.values_in_file[c] for c in VALUE_COLUMNS if c in row.mapped_values}
    original = {
        c: text
        for c, text in row.values_in_file.items()
        if c in row.mapped_values.keys() - cells.keys() - {*VALUE_COLUMNS}
    }
    unclear, cut = [], {}
    for column, text in cells.items():
        values.pop(column, None)
        if not text:
            continue
        values[column], is_unclear_value = notation.convert(column, text[:MAX_CELL])
        if len(text) > MAX_CELL:
            cut[column] = len(text)
        if is_unclear_value:
            unclear.append(column)
        elif values[column] != text and (column in notation.number_formats or column in notation.first_address):
            original[column] = text
    ordered = {column: values[column] for column in (*COLUMNS, VERSION) if column in values}
    corrected_row = Row(upload_id, vendor_id, row.row_number, ordered, {}, 0, cut, tuple(unclear), line)
    corrected_row.decimal_comma = notation.comma_columns
    corrected_row.number_factors = {c: item.factor for c, item in notation.number_formats.items() if item.factor != "1"}
    if original:
        corrected_row.original = original
    return corrected_row


def build_corrections_file(upload_id: str, rows: Sequence[Row]) -> bytes:
    """Return a fix file of corrected rows in our own columns, with plain numbers."""
    columns = [column for column in (*COLUMNS, VERSION) if any(column in row.cells for row in rows)]
    lines = [[upload_id, str(row.line), "", "", *(row.cells.get(column, "") for column in columns)] for row in rows]
    return build_csv([*FIX_COLUMNS, *columns], lines)
