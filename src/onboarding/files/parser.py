"""Parser of product files: bytes to rows.

Detects the format, reads the lines, finds the header, converts lines to rows, and checks what needs the whole file:
the number of rows, repeated identifiers, and conspicuous columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.models import FileRejection, FileWarning, Row
from onboarding.domain.product_schema import COLUMNS, NUMBER_COLUMNS, REQUIRED
from onboarding.files import csv_reader, file_types
from onboarding.files.column_checks import check_columns
from onboarding.files.decimal_commas import (
    CommaMeaning,
    DecimalSeparators,
    build_comma_warning,
    convert_decimal_comma,
    detect_decimal_separators,
    is_ambiguous,
)
from onboarding.files.encoding import decode
from onboarding.files.header import (
    LINES_SEARCHED,
    Header,
    explain_missing_header,
    find_header_index,
    list_unknown_columns,
    parse_header,
)
from onboarding.files.header_names import unwrap_text_formula
from onboarding.files.lost_characters import find_lost_letters
from onboarding.files.models import FileDetails, RawTable, Table, list_jumps
from onboarding.files.row_widths import check_row_widths, find_common_width
from onboarding.files.shopify import check_shopify_rows
from onboarding.files.skipped_lines import find_skipped_lines

if TYPE_CHECKING:
    from onboarding.files.xlsx_reader import Sheet


MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 10_000

MAX_CELL = 35_000 // len(COLUMNS)
"""Maximum length of a cell, in characters: more than any limit of the rules, and small enough that a row fits into a
DynamoDB item (400 KB) and an SQS message (256 KB), however many columns there are."""

DECIMALS = {name: column.decimals for name, column in NUMBER_COLUMNS.items() if column.decimals}
"""Number of decimal places of each decimal column."""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A parsed file: its rows in file order, the table as the vendor wrote it, file details, and warnings."""

    rows: list[Row]
    table: Table
    file_details: FileDetails
    warnings: list[FileWarning]


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of a file with a known header."""

    header: Header
    table: Table
    file_details: FileDetails
    warnings: list[FileWarning]
    decimal_columns: frozenset[str]
    """Columns with decimal commas according to a fix file or to the numeric cells of a workbook."""
    surplus_fields: Mapping[int, int]
    """Rows whose values may be in wrong columns, with the number of surplus values."""

    def column(self, index: int) -> list[str]:
        """Return the values at a position, one for each row; blank for rows whose values may be in wrong columns."""
        values = [row[index] if index < len(row) else "" for row in self.table.rows]
        for row_number in self.surplus_fields:
            values[row_number - 1] = ""
        is_text_formula = self.header.columns[index] in self.header.text_formula_columns
        return [unwrap_text_formula(value.strip()) for value in values] if is_text_formula else values


def parse(
    content: bytes, upload_id: str, vendor_id: str, *, required: Sequence[str] = REQUIRED
) -> ParsedFile | FileRejection:
    """Return the rows of a file or its rejection; `required` are the columns that its header must have.

    White space around values is removed and blank values are left out. A decimal comma becomes a point if the whole
    column is written so. All other changes of values are made by `column_checks.check_columns`.
    """
    lines = _read_lines(content, required)
    if isinstance(lines, FileRejection):
        return lines
    columns = {
        c: lines.column(index) for index, c in enumerate(lines.header.columns) if c is not None and c in DECIMALS
    }
    is_text, is_whole = lines.file_details.format == "csv", not lines.file_details.fix_file
    signs = detect_decimal_separators(columns, lines.decimal_columns, is_text=is_text, is_whole=is_whole)
    rows = _build_rows(lines, signs, upload_id, vendor_id)
    decimal_columns = [column for column, commas in signs.commas.items() if commas is CommaMeaning.DECIMAL]
    file_details = replace(lines.file_details, decimal_commas=decimal_columns)
    warnings = [
        *lines.warnings,
        *_list_comma_warnings(columns, lines.table.lines, signs),
        *check_columns(rows, fix_file=file_details.fix_file),
        *find_lost_letters(rows),
    ]
    return ParsedFile(rows, lines.table, file_details, warnings)


def parse_table(content: bytes) -> Table | FileRejection:
    """Return the file's table as the vendor wrote it, with any columns."""
    lines = _read_lines(content, ())
    return lines if isinstance(lines, FileRejection) else lines.table


def check_size(size: int) -> FileRejection | None:
    """Return the rejection of a file of more than `MAX_BYTES`."""
    if size <= MAX_BYTES:
        return None
    return FileRejection(
        RejectionCode.FILE_TOO_LARGE,
        f"The file has {size / 1024 / 1024:.1f} MB; the limit is {MAX_BYTES // 1024 // 1024} MB. "
        "Split it into smaller files",
    )


def _read_lines(content: bytes, required: Sequence[str]) -> _Lines | FileRejection:
    rejection = file_types.reject_unsupported_type(content)
    if rejection is not None:
        return rejection
    read_function = _read_workbook if file_types.is_workbook(content) else _read_text
    return read_function(content, MAX_ROWS + 1 + LINES_SEARCHED, required)


def _read_text(content: bytes, max_lines: int, required: Sequence[str]) -> _Lines | FileRejection:
    decoded = decode(content)
    if isinstance(decoded, FileRejection):
        return decoded
    csv_lines = csv_reader.read(decoded, max_lines)
    if isinstance(csv_lines, FileRejection):
        return csv_lines
    file_details = FileDetails("csv", 0, {}, (), decoded.name, csv_lines.delimiter, csv_lines.line_end)
    return _split_at_header(csv_lines.grid, required, file_details, list(decoded.warnings))


def _read_workbook(content: bytes, max_lines: int, required: Sequence[str]) -> _Lines | FileRejection:
    # Imported on use: few files are workbooks, and the import takes as long as all others.
    from onboarding.files import xlsx_reader  # noqa: PLC0415

    sheet = xlsx_reader.read_workbook(content, max_lines)
    if isinstance(sheet, FileRejection):
        return sheet
    file_details = FileDetails("xlsx", 0, {}, sheet=sheet.name)
    warnings = [FileWarning(WarningCode.OTHER_SHEETS, f"Only {sheet.selection}")] if sheet.selection else []
    lines = _split_at_header(sheet.table, required, file_details, warnings, sheet)
    if isinstance(lines, FileRejection) and sheet.selection:
        return FileRejection(lines.code, f"{lines.reason}; only {sheet.selection}")
    return lines


def _split_at_header(
    raw: RawTable,
    required: Sequence[str],
    file_details: FileDetails,
    warnings: list[FileWarning],
    sheet: Sheet | None = None,
) -> _Lines | FileRejection:
    """Find the header among the lines and return the data rows below it, or the rejection of the file."""
    if not raw.lines:
        return FileRejection(
            RejectionCode.EMPTY_FILE, "The file is empty; it needs a header line and at least one product row"
        )
    header_index = find_header_index(raw.lines)
    header = parse_header(raw.lines[header_index], required)
    if isinstance(header, FileRejection):
        explanation = (
            explain_missing_header(raw.lines, raw.numbers) if header.code == RejectionCode.MISSING_COLUMNS else ""
        )
        return replace(header, reason=f"{header.reason}; {explanation}") if explanation else header
    skipped_lines = find_skipped_lines(raw.lines, raw.numbers, header_index, header)
    if isinstance(skipped_lines, FileRejection):
        return skipped_lines
    rows = len(raw.lines) - header_index - 1 - len(skipped_lines.indexes)
    if raw.total > len(raw.lines):
        # The lines after the limit may be products.
        rows = raw.total - header_index - 1
    if rows < 1:
        messages = "".join(f". {warning.message}" for warning in skipped_lines.warnings)
        return FileRejection(RejectionCode.NO_ROWS, f"The file has a header line but no product rows{messages}")
    if rows > MAX_ROWS:
        reason = f"The file has {rows:,} product rows; the limit is {MAX_ROWS:,} a file"
        if (last_index := len(raw.lines) - 1) in skipped_lines.indexes:
            reason += f". Many lines have no product, such as line {raw.numbers[last_index]}: delete them"
        return FileRejection(RejectionCode.TOO_MANY_ROWS, reason)
    if header_index:
        message = f"The header is in line {raw.numbers[header_index]}; the lines above it were not read"
        warnings.append(FileWarning(WarningCode.LINES_ABOVE_HEADER, message))
    data_indexes = [index for index in range(header_index + 1, len(raw.lines)) if index not in skipped_lines.indexes]
    decimal_columns = header.decimal_comma_columns([raw.lines[index] for index in data_indexes])
    if sheet is not None:
        product_cells = sheet.resolve(header_index, header.columns, decimal_columns, skipped_lines.indexes)
        if isinstance(product_cells, FileRejection):
            return product_cells
        decimal_columns |= product_cells.decimal_commas
        warnings.extend(product_cells.warnings)
    numbers = [raw.numbers[index] for index in data_indexes]
    names, *data = (header.strip_fix_columns(raw.lines[index]) for index in (header_index, *data_indexes))
    if file_details.format == "xlsx":
        # Lines of a sheet end with their last value: extend them to the same width.
        names = [*names, *[""] * (find_common_width(data) - len(names))]
        data = [line + [""] * (len(names) - len(line)) for line in data]
    header = header.without_fix_columns()
    table = Table(names, data, numbers)
    widths = check_row_widths(
        table, header.columns, REQUIRED, DECIMALS, is_comma_separated=file_details.delimiter == "comma"
    )
    file_details = replace(
        file_details,
        header_line=raw.numbers[header_index],
        columns=header.mapping,
        unknown=header.unknown,
        fix_file=header.fix_file,
        jumps=list_jumps([raw.numbers[header_index], *numbers]),
    )
    warnings += [
        *list_unknown_columns(header),
        *skipped_lines.warnings,
        *widths.warnings,
        *check_shopify_rows(header, table),
    ]
    return _Lines(header, table, file_details, warnings, decimal_columns, widths.surplus_fields)


def _build_rows(lines: _Lines, signs: DecimalSeparators, upload_id: str, vendor_id: str) -> list[Row]:
    decimal_columns = [column for column, commas in signs.commas.items() if commas is CommaMeaning.DECIMAL]
    columns, text_formula_columns = lines.header.columns, lines.header.text_formula_columns
    surplus_fields, uncertain_columns = lines.surplus_fields, signs.uncertain
    decimal_commas = tuple(decimal_columns)
    rows = []
    for row_number, values, line in zip(count(1), lines.table.rows, lines.table.lines, strict=False):
        cells, cut = _extract_cells(columns, values)
        for column in text_formula_columns:
            if column in cells and (text := unwrap_text_formula(cells.pop(column)).strip()):
                cells[column] = text
        unclear = (
            tuple(column for column in uncertain_columns if is_ambiguous(cells.get(column, "")))
            if uncertain_columns
            else ()
        )
        for column in decimal_columns:
            if column in cells:
                cells[column] = convert_decimal_comma(cells[column], DECIMALS[column])
        surplus = surplus_fields.get(row_number, 0)
        row = Row(upload_id, vendor_id, row_number, cells, {}, surplus, cut, unclear, line, decimal_commas)
        rows.append(row)
    return rows


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


def _list_comma_warnings(
    columns: Mapping[str, Sequence[str]], lines: Sequence[int], signs: DecimalSeparators
) -> Iterator[FileWarning]:
    for column, commas in signs.commas.items():
        if commas in {CommaMeaning.MIXED, CommaMeaning.UNCLEAR}:
            # The message names spreadsheet rows.
            warning = build_comma_warning(column, commas, dict(zip(lines, columns[column], strict=True)))
            yield replace(warning, row_number=lines.index(warning.row_number) + 1)
