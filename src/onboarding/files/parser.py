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
    comma_warning,
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
from onboarding.files.models import FileDetails, RawTable, Table, jumps_of
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
    detected: FileDetails
    warnings: list[FileWarning]


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of a file with a known header."""

    header: Header
    table: Table
    detected: FileDetails
    warnings: list[FileWarning]
    agreed: frozenset[str]
    """Columns with decimal commas according to a fix file or to the numeric cells of a workbook."""
    misfits: Mapping[int, int]
    """Rows whose values may be in wrong columns, with the number of surplus values."""

    def column(self, place: int) -> list[str]:
        """Return the values at a position, one for each row; blank for rows whose values may be in wrong columns."""
        values = [row[place] if place < len(row) else "" for row in self.table.rows]
        for row_number in self.misfits:
            values[row_number - 1] = ""
        is_kept = self.header.columns[place] in self.header.text_formula_columns
        return [unwrap_text_formula(value.strip()) for value in values] if is_kept else values


def parse(
    content: bytes, upload_id: str, vendor_id: str, *, required: Sequence[str] = REQUIRED
) -> ParsedFile | FileRejection:
    """Return the rows of a file or its rejection; `required` are the columns that its header must have.

    Surrounding white space is removed and blank values are left out. A decimal comma becomes a point if the whole column
    is written so. Other changes of values are made by `column_checks.check_columns` only.
    """
    lines = _lines(content, required)
    if isinstance(lines, FileRejection):
        return lines
    columns = {
        c: lines.column(place) for place, c in enumerate(lines.header.columns) if c is not None and c in DECIMALS
    }
    how = lines.detected
    signs = detect_decimal_separators(columns, lines.agreed, is_text=how.format == "csv", is_whole=not how.fix_file)
    rows = _rows(lines, signs, upload_id, vendor_id)
    decimal = [column for column, found in signs.commas.items() if found is CommaMeaning.DECIMAL]
    detected = replace(lines.detected, decimal_commas=decimal)
    warnings = [
        *lines.warnings,
        *_number_warnings(columns, lines.table.lines, signs),
        *check_columns(rows, fix_file=detected.fix_file),
        *find_lost_letters(rows),
    ]
    return ParsedFile(rows, lines.table, detected, warnings)


def table_of(content: bytes) -> Table | FileRejection:
    """Return the file's table as the vendor wrote it, with any columns."""
    lines = _lines(content, ())
    return lines if isinstance(lines, FileRejection) else lines.table


def too_large(size: int) -> FileRejection | None:
    """Return the rejection of a file of more than `MAX_BYTES`."""
    if size <= MAX_BYTES:
        return None
    return FileRejection(
        RejectionCode.FILE_TOO_LARGE,
        f"The file has {size / 1024 / 1024:.1f} MB; the limit is {MAX_BYTES // 1024 // 1024} MB. "
        "Split it into smaller files",
    )


def _lines(content: bytes, required: Sequence[str]) -> _Lines | FileRejection:
    refusal = file_types.reject_unsupported_type(content)
    if refusal is not None:
        return refusal
    most = MAX_ROWS + 1 + LINES_SEARCHED
    return _workbook(content, most, required) if file_types.is_workbook(content) else _text(content, most, required)


def _text(content: bytes, most_lines: int, required: Sequence[str]) -> _Lines | FileRejection:
    decoded = decode(content)
    if isinstance(decoded, FileRejection):
        return decoded
    found = csv_reader.read(decoded, most_lines)
    if isinstance(found, FileRejection):
        return found
    how = FileDetails("csv", 0, {}, (), decoded.name, found.delimiter, found.line_end)
    return _under_header(found.grid, required, how, list(decoded.warnings))


def _workbook(content: bytes, most_lines: int, required: Sequence[str]) -> _Lines | FileRejection:
    # Imported on use: few files are workbooks, and the import takes as long as all others.
    from onboarding.files import xlsx_reader  # noqa: PLC0415

    sheet = xlsx_reader.read(content, most_lines)
    if isinstance(sheet, FileRejection):
        return sheet
    how = FileDetails("xlsx", 0, {}, sheet=sheet.name)
    warnings = [FileWarning(WarningCode.OTHER_SHEETS, f"Only {sheet.choice}")] if sheet.choice else []
    found = _under_header(sheet.grid, required, how, warnings, sheet)
    if isinstance(found, FileRejection) and sheet.choice:
        return FileRejection(found.code, f"{found.reason}; only {sheet.choice}")
    return found


def _under_header(
    grid: RawTable, required: Sequence[str], how: FileDetails, warnings: list[FileWarning], sheet: Sheet | None = None
) -> _Lines | FileRejection:
    if not grid.lines:
        return FileRejection(
            RejectionCode.EMPTY_FILE, "The file is empty; it needs a header line and at least one product row"
        )
    place = find_header_index(grid.lines)
    header = parse_header(grid.lines[place], required)
    if isinstance(header, FileRejection):
        missing = (
            explain_missing_header(grid.lines, grid.numbers) if header.code == RejectionCode.MISSING_COLUMNS else ""
        )
        return replace(header, reason=f"{header.reason}; {missing}") if missing else header
    skipped = find_skipped_lines(grid.lines, grid.numbers, place, header)
    if isinstance(skipped, FileRejection):
        return skipped
    rows = len(grid.lines) - place - 1 - len(skipped.indexes)
    if grid.total > len(grid.lines):
        # The lines after the limit may be products.
        rows = grid.total - place - 1
    if rows < 1:
        found = "".join(f". {warning.message}" for warning in skipped.warnings)
        return FileRejection(RejectionCode.NO_ROWS, f"The file has a header line but no product rows{found}")
    if rows > MAX_ROWS:
        reason = f"The file has {rows:,} product rows; the limit is {MAX_ROWS:,} a file"
        if (last := len(grid.lines) - 1) in skipped.indexes:
            reason += f". Many lines have no product, such as line {grid.numbers[last]}: delete them"
        return FileRejection(RejectionCode.TOO_MANY_ROWS, reason)
    if place:
        message = f"The header is in line {grid.numbers[place]}; the lines above it were not read"
        warnings.append(FileWarning(WarningCode.LINES_ABOVE_HEADER, message))
    kept = [index for index in range(place + 1, len(grid.lines)) if index not in skipped.indexes]
    agreed = header.decimal_comma_columns([grid.lines[index] for index in kept])
    if sheet is not None:
        resolved = sheet.resolve(place, header.columns, agreed, skipped.indexes)
        if isinstance(resolved, FileRejection):
            return resolved
        agreed |= resolved.decimal_commas
        warnings.extend(resolved.warnings)
    numbers = [grid.numbers[index] for index in kept]
    names, *data = (header.strip_fix_columns(grid.lines[index]) for index in (place, *kept))
    if how.format == "xlsx":
        # A sheet's rows end with their last value, and its header with its last name.
        names = [*names, *[""] * (find_common_width(data) - len(names))]
        data = [line + [""] * (len(names) - len(line)) for line in data]
    header = header.without_fix_columns()
    table = Table(names, data, numbers)
    widths = check_row_widths(table, header.columns, REQUIRED, DECIMALS, commas=how.delimiter == "comma")
    detected = replace(
        how,
        header_line=grid.numbers[place],
        columns=header.mapping,
        unknown=header.unknown,
        fix_file=header.fix_file,
        jumps=jumps_of([grid.numbers[place], *numbers]),
    )
    warnings += [*list_unknown_columns(header), *skipped.warnings, *widths.warnings, *check_shopify_rows(header, table)]
    return _Lines(header, table, detected, warnings, agreed, widths.misfits)


def _rows(lines: _Lines, signs: DecimalSeparators, upload_id: str, vendor_id: str) -> list[Row]:
    decimal = [column for column, found in signs.commas.items() if found is CommaMeaning.DECIMAL]
    columns, kept_as_text = lines.header.columns, lines.header.text_formula_columns
    misfits, doubtful = lines.misfits, signs.doubtful
    decimal_comma = tuple(decimal)
    rows = []
    for row_number, values, line in zip(count(1), lines.table.rows, lines.table.lines, strict=False):
        cells, cut = _cells(columns, values)
        for column in kept_as_text:
            if column in cells and (text := unwrap_text_formula(cells.pop(column)).strip()):
                cells[column] = text
        unclear = tuple(column for column in doubtful if is_ambiguous(cells.get(column, ""))) if doubtful else ()
        for column in decimal:
            if column in cells:
                cells[column] = convert_decimal_comma(cells[column], DECIMALS[column])
        surplus = misfits.get(row_number, 0)
        row = Row(upload_id, vendor_id, row_number, cells, {}, surplus, cut, unclear, line, decimal_comma)
        rows.append(row)
    return rows


def _cells(columns: Sequence[str | None], values: Sequence[str]) -> tuple[dict[str, str], dict[str, int]]:
    """Return the values of our columns that are not blank, and the original lengths of truncated values."""
    cells = {
        column: value
        for column, text in zip(columns, values, strict=False)
        if column is not None and (value := text.strip())
    }
    # Fast path: few rows are as long as a single value may be.
    if len("".join(values)) <= MAX_CELL:
        return cells, {}
    cut = {column: len(value) for column, value in cells.items() if len(value) > MAX_CELL}
    return {column: value[:MAX_CELL] for column, value in cells.items()}, cut


def _number_warnings(
    columns: Mapping[str, Sequence[str]], lines: Sequence[int], signs: DecimalSeparators
) -> Iterator[FileWarning]:
    for column, found in signs.commas.items():
        if found in {CommaMeaning.MIXED, CommaMeaning.UNCLEAR}:
            # The message names spreadsheet rows.
            warning = comma_warning(column, found, dict(zip(lines, columns[column], strict=True)))
            yield replace(warning, row_number=lines.index(warning.row_number) + 1)
