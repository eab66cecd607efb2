"""Parser of product files: bytes to rows.

Detects the format, reads the lines, finds the header, converts lines to rows, and checks what needs the whole file:
the number of rows, repeated identifiers, and conspicuous columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.mappings import NO_CHOICE, FileHeader, FillDown, MappingChoice, normalize_key
from onboarding.domain.models import FileRejection, FileWarning, Row
from onboarding.domain.product_schema import REQUIRED
from onboarding.files import csv_reader, file_types
from onboarding.files.column_checks import check_columns
from onboarding.files.decimal_commas import detect_decimal_separators, list_comma_warnings
from onboarding.files.encoding import decode
from onboarding.files.group_rows import GroupedRows, fill_down_groups
from onboarding.files.header import Header
from onboarding.files.header_parser import list_unknown_columns, parse_header
from onboarding.files.header_search import LINES_SEARCHED, explain_missing_header, find_header_index, find_reference
from onboarding.files.lost_characters import find_lost_letters
from onboarding.files.models import CorrectedRows, FileDetails, MappingNeeded, RawTable, Table, list_jumps
from onboarding.files.presets import count_preset_headers
from onboarding.files.row_builder import DECIMALS, ProductLines, add_samples, build_rows, warn_about_further_addresses
from onboarding.files.row_widths import RowWidths, check_row_widths, find_common_width
from onboarding.files.shopify import check_shopify_rows
from onboarding.files.skipped_lines import find_skipped_lines
from onboarding.files.status_header import check_status_header

if TYPE_CHECKING:
    from onboarding.files.xlsx_reader import Sheet


MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 10_000

_MAX_LINES = MAX_ROWS + 1 + LINES_SEARCHED


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A parsed file: its rows in file order, the table as the vendor wrote it, file details, and warnings.

    `mapping_reference` names the mapping that was applied; blank if none was. `headers` describes the vendor's headers.
    `corrected_rows` are the rows of an earlier upload that a fix file corrects.
    """

    rows: list[Row]
    table: Table
    file_details: FileDetails
    warnings: list[FileWarning]
    mapping_reference: str
    headers: list[FileHeader]
    corrected_rows: CorrectedRows | None = None


def parse(
    content: bytes,
    upload_id: str,
    vendor_id: str,
    *,
    required: Sequence[str] = REQUIRED,
    choice: MappingChoice = NO_CHOICE,
) -> ParsedFile | FileRejection:
    """Return the rows of a file or its rejection; `required` are the columns that its header must have.

    White space around values is removed and blank values are left out. A decimal comma becomes a point if the whole
    column is written so. A mapping of `choice` changes headers and values. All other changes of values are made by
    `column_checks.check_columns`. Raises MappingNeeded if the choice follows fix files.
    """
    lines = _read_lines(content, required, choice)
    if isinstance(lines, FileRejection):
        return lines
    columns = lines.number_columns()
    is_fix_file = lines.file_details.fix_file
    signs = detect_decimal_separators(
        columns,
        lines.decimal_columns,
        lines.point_columns,
        # The cells of a fix file are texts, also in a workbook.
        is_text=is_fix_file or lines.file_details.format == "csv",
        is_whole=not is_fix_file,
    )
    rows = build_rows(lines, signs, upload_id, vendor_id)
    file_details = replace(
        lines.file_details,
        decimal_commas=signs.decimal_commas,
        decimal_points=signs.decimal_points,
        uncertain=[*signs.uncertain],
    )
    warnings = [
        *lines.warnings,
        *list_comma_warnings(columns, lines.table.lines, signs),
        *warn_about_further_addresses(lines.header, rows),
        *check_columns(rows, fix_file=file_details.fix_file or file_details.is_export),
        *find_lost_letters(rows),
    ]
    mapping = lines.header.mapping
    headers = add_samples(lines.header.describe(), lines.table.rows)
    reference = mapping.reference if mapping else ""
    return ParsedFile(rows, lines.table, file_details, warnings, reference, headers, lines.corrected_rows)


def parse_table(content: bytes, choice: MappingChoice = NO_CHOICE) -> Table | FileRejection:
    """Return the file's table as the vendor wrote it, with any columns; a mapping of `choice` fills cells down."""
    lines = _read_lines(content, (), replace(choice, follows_fix_file=False))
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


def _read_lines(content: bytes, required: Sequence[str], choice: MappingChoice) -> ProductLines | FileRejection:
    rejection = file_types.reject_unsupported_type(content)
    if rejection is not None:
        return rejection
    read_function = _read_workbook if file_types.is_workbook(content) else _read_text
    return read_function(content, required, choice)


def _read_text(content: bytes, required: Sequence[str], choice: MappingChoice) -> ProductLines | FileRejection:
    decoded = decode(content)
    if isinstance(decoded, FileRejection):
        return decoded
    csv_lines = csv_reader.read(decoded, _MAX_LINES)
    if isinstance(csv_lines, FileRejection):
        return csv_lines
    file_details = FileDetails("csv", 0, {}, (), decoded.name, csv_lines.delimiter, csv_lines.line_end)
    return _split_at_header(csv_lines.grid, required, choice, file_details, warnings=list(decoded.warnings))


def _read_workbook(content: bytes, required: Sequence[str], choice: MappingChoice) -> ProductLines | FileRejection:
    # Imported on use: few files are workbooks, and the import takes as long as all others.
    from onboarding.files import xlsx_reader  # noqa: PLC0415

    sheet = xlsx_reader.read_workbook(content, _MAX_LINES)
    if isinstance(sheet, FileRejection):
        return sheet
    file_details = FileDetails("xlsx", 0, {}, sheet=sheet.name)
    warnings = [FileWarning(WarningCode.OTHER_SHEETS, f"Only {sheet.selection}")] if sheet.selection else []
    lines = _split_at_header(sheet.table, required, choice, file_details, warnings=warnings, sheet=sheet)
    if isinstance(lines, FileRejection) and sheet.selection:
        return replace(lines, reason=f"{lines.reason}; only {sheet.selection}")
    return lines


def _find_header(raw: RawTable, required: Sequence[str], choice: MappingChoice) -> tuple[int, Header] | FileRejection:
    """Return the index of the header line and the header."""
    header_index = find_header_index(raw.lines, choice)
    header = parse_header(raw.lines[header_index], required, choice)
    lines_below = raw.lines[header_index + 1 :]
    if (
        choice.follows_fix_file
        and choice.fixed is None
        and (reference := find_reference(raw.lines[header_index], lines_below))
    ):
        raise MappingNeeded(reference)
    if not isinstance(header, FileRejection):
        header = check_status_header(header, lines_below)
    if not isinstance(header, FileRejection):
        return header_index, header
    is_known = header.mapping_reference or count_preset_headers(raw.lines[header_index])
    is_missing = header.code == RejectionCode.MISSING_COLUMNS and not is_known
    explanation = explain_missing_header(raw.lines, raw.numbers) if is_missing else ""
    reason = f"{header.reason}; {explanation}" if explanation else header.reason
    return replace(header, reason=reason, headers=add_samples(header.headers, lines_below))


def _split_at_header(
    raw: RawTable,
    required: Sequence[str],
    choice: MappingChoice,
    file_details: FileDetails,
    *,
    warnings: list[FileWarning],
    sheet: Sheet | None = None,
) -> ProductLines | FileRejection:
    """Find the header among the lines and return the data rows below it, or the rejection of the file."""
    if not raw.lines:
        return FileRejection(
            RejectionCode.EMPTY_FILE, "The file is empty; it needs a header line and at least one product row"
        )
    found = _find_header(raw, required, choice)
    if isinstance(found, FileRejection):
        return found
    header_index, header = found
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
    decimal_columns, point_columns = header.decimal_columns([raw.lines[index] for index in data_indexes])
    # The decimals of a workbook's numeric cells are written with the sign of the number format, as its texts are.
    decimal_columns |= {c for c, number_format in header.number_formats.items() if number_format.decimal_sign == ","}
    if sheet is not None:
        product_cells = sheet.resolve(
            header_index,
            header.columns,
            decimal_columns,
            skipped=skipped_lines.indexes,
            # A mapping that removes a unit must not take another unit for it.
            with_units=[column for column, item in header.number_formats.items() if item.remove or item.factor != "1"],
            is_whole=not header.fix_file,
        )
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
    header_with_fix_columns, header = header, header.without_fix_columns()
    check_widths = partial(
        check_row_widths,
        columns=header.columns,
        decimal_columns=DECIMALS,
        is_comma_separated=file_details.delimiter == "comma",
    )
    table = Table(names, data, numbers)
    fill_down = header.mapping.document.fill_down if header.mapping is not None else None
    # The groups of a fix file are filled already and incomplete: a blank cell was made blank.
    if fill_down is not None and not header.fix_file:
        groups = _fill_groups(header, table, fill_down, check_widths)
        remaining = [index for index in range(len(numbers)) if index not in groups.skipped]
        numbers = [numbers[index] for index in remaining]
        table = Table(names, [groups.rows[index] for index in remaining], numbers)
        warnings.extend(groups.warnings)
    widths = check_widths(table, required=REQUIRED)
    file_details = replace(
        file_details,
        header_line=raw.numbers[header_index],
        columns=header.columns_by_name,
        unknown=header.unknown,
        fix_file=header.fix_file,
        is_export=header.is_export,
        jumps=list_jumps([raw.numbers[header_index], *numbers]),
    )
    warnings += [
        *list_unknown_columns(header),
        *skipped_lines.warnings,
        *widths.warnings,
        *check_shopify_rows(header, table),
    ]
    lines_by_number = dict(zip(raw.numbers, raw.lines, strict=True)) if header.fix_file else {}
    corrected_rows = header_with_fix_columns.find_corrected_rows([lines_by_number.get(n, []) for n in table.lines])
    return ProductLines(
        header,
        table,
        file_details,
        warnings,
        decimal_columns,
        point_columns,
        widths.surplus_fields,
        corrected_rows,
    )


def _fill_groups(
    header: Header, table: Table, fill_down: FillDown, check_widths: Callable[..., RowWidths]
) -> GroupedRows:
    """Fill the groups of rows, except rows whose values may be in wrong columns."""
    filled_keys = set(map(normalize_key, fill_down.headers))
    filled_columns = {
        c for name, c in zip(header.names, header.columns, strict=True) if normalize_key(name) in filled_keys
    }
    # A blank cell that will be filled is no evidence against another reading of the row.
    widths = check_widths(table, required=[column for column in REQUIRED if column not in filled_columns])
    misaligned = {row_number - 1 for row_number in widths.surplus_fields}
    rows = [list(row) for row in table.rows]
    return fill_down_groups(header.names, header.columns, rows, table.lines, fill_down, misaligned=misaligned)
