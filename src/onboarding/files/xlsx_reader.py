"""Reader of workbooks (.xlsx): selects the sheet with the products and returns its cells."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection
from onboarding.files.header_names import count_known_columns, match_column
from onboarding.files.header_search import LINES_SEARCHED, find_header_index
from onboarding.files.models import MAX_COLUMNS, RawTable, one_line
from onboarding.files.xlsx_cells import SheetCells
from onboarding.files.xlsx_limits import DamagedError, Package, TooLargeError, TooManyColumnsError
from onboarding.files.xlsx_sheet import read_sheet
from onboarding.files.xlsx_values import ResolvedCells, resolve_cells
from onboarding.files.xlsx_workbook import SheetPart, WorkbookMetadata, read_metadata

DAMAGED = FileRejection(
    RejectionCode.UNREADABLE_XLSX,
    "The workbook is damaged and cannot be read; open it in a spreadsheet program and save it again as .xlsx",
)
TOO_LARGE = FileRejection(
    RejectionCode.WORKBOOK_TOO_LARGE,
    "The workbook is too large when unpacked; keep only the sheet with the products, or upload a CSV file",
)
STRICT = FileRejection(
    RejectionCode.NOT_A_TABLE,
    "The workbook is saved as 'Strict Open XML Spreadsheet'; save it as 'Excel Workbook (.xlsx)' and upload that",
)

_PRODUCT_ID = "vendor_product_id"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The selected sheet, and the names of the other sheets with content."""

    cells: SheetCells
    name: str
    others: Sequence[str]
    uses_1904_epoch: bool

    @property
    def table(self) -> RawTable:
        return self.cells.table

    @property
    def selection(self) -> str:
        """Return the end of a sentence that names the selected and the other sheets; blank if there is only one."""
        if not self.others:
            return ""
        others = _quote_names(self.others)
        return f"the sheet '{one_line(self.name)}' was read; the workbook has other sheets with content: {others}"

    def resolve(
        self,
        header: int,
        columns: Sequence[str | None],
        decimal_columns: frozenset[str] = frozenset(),
        skipped: Collection[int] = (),
        with_units: Collection[str] = (),
        *,
        is_whole: bool = True,
    ) -> ResolvedCells | FileRejection:
        """Convert the cells to the text of their columns; see `xlsx_values.resolve_cells`."""
        try:
            return resolve_cells(
                self.cells,
                header,
                columns,
                uses_1904_epoch=self.uses_1904_epoch,
                decimal_columns=decimal_columns,
                skipped=skipped,
                with_units=with_units,
                is_whole=is_whole,
            )
        except TooLargeError:
            return TOO_LARGE


@dataclass(frozen=True, slots=True)
class _SheetPreview:
    """The first lines of a sheet that are not blank."""

    sheet: SheetPart
    lines: Sequence[Sequence[str]]

    @property
    def header(self) -> Sequence[str]:
        return self.lines[find_header_index(self.lines)]

    @property
    def has_product_header(self) -> bool:
        """Return whether the header has the column of the product IDs and another known column."""
        return count_known_columns(self.header) > 1 and _PRODUCT_ID in map(match_column, self.header)

    @property
    def has_rows(self) -> bool:
        return find_header_index(self.lines) + 1 < len(self.lines)


def read_workbook(content: bytes, max_lines: int) -> Sheet | FileRejection:
    """Return the visible sheet with the products; lines after `max_lines` are counted, not stored."""
    try:
        package = Package(content)
        rejection = _reject_unsupported(package)
        if rejection is not None:
            return rejection
        metadata = read_metadata(package)
        return STRICT if metadata.is_strict else _select_sheet(package, metadata, max_lines)
    except TooManyColumnsError as error:
        reason = f"Row {error.row} has a value in column {error.column:,}; the limit is {MAX_COLUMNS:,} columns"
        return FileRejection(RejectionCode.TOO_MANY_COLUMNS, reason)
    except TooLargeError:
        return TOO_LARGE
    except DamagedError as error:
        return FileRejection(DAMAGED.code, f"The workbook is damaged: {error}") if str(error) else DAMAGED


def _reject_unsupported(package: Package) -> FileRejection | None:
    """Return the rejection of an encrypted workbook, or of an archive that is not a workbook in .xlsx format."""
    if "xl/workbook.bin" in package:
        return FileRejection(
            RejectionCode.NOT_A_TABLE, "The file is a binary Excel workbook (.xlsb); save it as .xlsx or as 'CSV UTF-8'"
        )
    if "xl/workbook.xml" not in package and not package.has_folder("xl"):
        if "content.xml" in package:
            file_type = "an OpenDocument file (.ods)"
        elif package.has_folder("word"):
            file_type = "a Word document"
        elif package.has_folder("ppt"):
            file_type = "a PowerPoint presentation"
        elif package.has_folder("index") or "index.zip" in package:
            file_type = "a document of Apple Numbers, Pages or Keynote"
        else:
            file_type = "a ZIP archive without a workbook in it"
        return FileRejection(
            RejectionCode.NOT_A_TABLE,
            f"The file is {file_type}; save the table as .xlsx or as 'CSV UTF-8' and upload that",
        )
    if package.is_encrypted:
        reason = "The workbook is protected with a password; save it without one and upload it again"
        return FileRejection(RejectionCode.ENCRYPTED_WORKBOOK, reason)
    return None


def _select_sheet(package: Package, metadata: WorkbookMetadata, max_lines: int) -> Sheet | FileRejection:
    """Return the only sheet with products, or else the sheet with the most known columns."""
    visible = [sheet for sheet in metadata.sheets if sheet.is_visible]
    # A sheet whose name begins with `_` has notes, unless no other sheet has products.
    previews = [_read_preview(package, metadata, sheet) for sheet in visible if not sheet.name.startswith("_")]
    candidates = non_blank = [preview for preview in previews if preview.lines]
    if not any(preview.has_product_header for preview in non_blank):
        underscored = [_read_preview(package, metadata, sheet) for sheet in visible if sheet.name.startswith("_")]
        usable = [each for each in underscored if each.lines and (each.has_product_header or not non_blank)]
        candidates = usable or non_blank
    if not candidates:
        return FileRejection(RejectionCode.EMPTY_FILE, "The workbook has no visible sheet with content")
    with_header = [preview for preview in candidates if preview.has_product_header]
    with_rows = [preview for preview in with_header if preview.has_rows]
    if len(with_rows) > 1:
        names = _quote_names([preview.sheet.name for preview in with_rows])
        reason = f"More than one sheet has products: {names}. Put all products into one sheet, or hide the other sheets"
        return FileRejection(RejectionCode.SEVERAL_PRODUCT_SHEETS, reason)
    most_known = max(candidates, key=lambda preview: count_known_columns(preview.header))
    selected = [*with_rows, *with_header, most_known][0].sheet
    others = [preview.sheet.name for preview in non_blank if preview.sheet is not selected]
    cells = read_sheet(package, metadata, selected.part, max_lines)
    return Sheet(cells, selected.name, others, metadata.uses_1904_epoch)


def _read_preview(package: Package, metadata: WorkbookMetadata, sheet: SheetPart) -> _SheetPreview:
    cells = read_sheet(package, metadata, sheet.part, LINES_SEARCHED, is_preview=True)
    return _SheetPreview(sheet, [[value.strip() for value in line] for line in cells.table.lines])


def _quote_names(names: Sequence[str]) -> str:
    return ", ".join(f"'{one_line(name)}'" for name in names[:5])
