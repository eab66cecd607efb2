"""Workbooks (.xlsx) to lines of values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection
from onboarding.files.header import LINES_SEARCHED, find_header_index
from onboarding.files.header_names import count_known_columns, match_column
from onboarding.files.models import MAX_COLUMNS, RawTable, one_line
from onboarding.files.xlsx_cells import SheetCells
from onboarding.files.xlsx_limits import DamagedError, Package, TooLargeError, TooManyColumnsError
from onboarding.files.xlsx_sheet import read_sheet
from onboarding.files.xlsx_values import Resolved, resolve
from onboarding.files.xlsx_workbook import Book, SheetPart, read_book

DAMAGED = FileRejection(
    RejectionCode.UNREADABLE_XLSX,
    "The workbook is damaged and cannot be read; open it in a spreadsheet program and save it again as .xlsx",
)
TOO_LARGE = FileRejection(
    RejectionCode.WORKBOOK_TOO_LARGE,
    "The workbook is too large when unpacked; keep the products alone, in one sheet, or upload a CSV file",
)
STRICT = FileRejection(
    RejectionCode.NOT_A_TABLE,
    "The workbook is saved as 'Strict Open XML Spreadsheet'; save it as 'Excel Workbook (.xlsx)' and upload that",
)

_ID = "vendor_product_id"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet's cells, its name, and the names of the others with anything in them."""

    cells: SheetCells
    name: str
    others: Sequence[str]
    since_1904: bool

    @property
    def grid(self) -> RawTable:
        return self.cells.grid

    @property
    def choice(self) -> str:
        """Which sheet was read and which were not, as the end of a sentence; blank if there is but one."""
        if not self.others:
            return ""
        others = _named(self.others)
        return f"the sheet '{one_line(self.name)}' was read; the workbook has others with something in them: {others}"

    def resolve(
        self,
        header: int,
        columns: Sequence[str | None],
        agreed: frozenset[str] = frozenset(),
        skipped: Collection[int] = (),
    ) -> Resolved | FileRejection:
        """Give the cells the texts that their columns ask for; see `xlsx_values.resolve`."""
        try:
            return resolve(self.cells, header, columns, since_1904=self.since_1904, agreed=agreed, skipped=skipped)
        except TooLargeError:
            return TOO_LARGE


@dataclass(frozen=True, slots=True)
class _Head:
    """A sheet, and its first lines that have anything in them."""

    sheet: SheetPart
    lines: Sequence[Sequence[str]]

    @property
    def header(self) -> Sequence[str]:
        return self.lines[find_header_index(self.lines)]

    @property
    def is_of_products(self) -> bool:
        """Whether the header names the products' ids, as every table of ours does, and another column."""
        return count_known_columns(self.header) > 1 and _ID in map(match_column, self.header)

    @property
    def has_rows(self) -> bool:
        return find_header_index(self.lines) + 1 < len(self.lines)


def read(content: bytes, most_lines: int) -> Sheet | FileRejection:
    """The visible sheet that has the products; of more than `most_lines` lines the rest is only counted."""
    try:
        package = Package(content)
        refusal = _refused(package)
        if refusal is not None:
            return refusal
        book = read_book(package)
        return STRICT if book.is_strict else _read(package, book, most_lines)
    except TooManyColumnsError as error:
        reason = f"Row {error.row} has a value in column {error.column:,}; the limit is {MAX_COLUMNS:,} columns"
        return FileRejection(RejectionCode.TOO_MANY_COLUMNS, reason)
    except TooLargeError:
        return TOO_LARGE
    except DamagedError as error:
        return FileRejection(DAMAGED.code, f"The workbook is damaged: {error}") if str(error) else DAMAGED


def _refused(package: Package) -> FileRejection | None:
    if "xl/workbook.bin" in package:
        return FileRejection(
            RejectionCode.NOT_A_TABLE, "The file is a binary Excel workbook (.xlsb); save it as .xlsx or as 'CSV UTF-8'"
        )
    if "xl/workbook.xml" not in package and not package.has_folder("xl"):
        if "content.xml" in package:
            kind = "an OpenDocument file (.ods)"
        elif package.has_folder("word"):
            kind = "a Word document"
        elif package.has_folder("ppt"):
            kind = "a PowerPoint presentation"
        elif package.has_folder("index") or "index.zip" in package:
            kind = "a document of Apple Numbers, Pages or Keynote"
        else:
            kind = "a ZIP archive without a workbook in it"
        return FileRejection(
            RejectionCode.NOT_A_TABLE, f"The file is {kind}; save the table as .xlsx or as 'CSV UTF-8' and upload that"
        )
    if package.is_encrypted:
        reason = "The workbook is protected with a password; save it without one and upload it again"
        return FileRejection(RejectionCode.ENCRYPTED_WORKBOOK, reason)
    return None


def _read(package: Package, book: Book, most_lines: int) -> Sheet | FileRejection:
    visible = [sheet for sheet in book.sheets if sheet.is_visible]
    # A sheet whose name begins with `_` is for those who fill the workbook in, unless it is the only one with products.
    heads = [_head(package, book, sheet) for sheet in visible if not sheet.name.startswith("_")]
    candidates = filled = [head for head in heads if head.lines]
    if not any(head.is_of_products for head in filled):
        noted = [_head(package, book, sheet) for sheet in visible if sheet.name.startswith("_")]
        candidates = [head for head in noted if head.lines and (head.is_of_products or not filled)] or filled
    if not candidates:
        return FileRejection(RejectionCode.EMPTY_FILE, "The workbook has no visible sheet with anything in it")
    of_products = [head for head in candidates if head.is_of_products]
    with_rows = [head for head in of_products if head.has_rows]
    if len(with_rows) > 1:
        names = _named([head.sheet.name for head in with_rows])
        reason = (
            f"More than one sheet has products: {names}. Put all into one sheet, or hide the sheets that do not count"
        )
        return FileRejection(RejectionCode.SEVERAL_PRODUCT_SHEETS, reason)
    with_most = max(candidates, key=lambda head: count_known_columns(head.header))
    chosen = [*with_rows, *of_products, with_most][0].sheet
    others = [head.sheet.name for head in filled if head.sheet is not chosen]
    return Sheet(read_sheet(package, book, chosen.part, most_lines), chosen.name, others, book.since_1904)


def _head(package: Package, book: Book, sheet: SheetPart) -> _Head:
    cells = read_sheet(package, book, sheet.part, LINES_SEARCHED, only_the_first=True)
    return _Head(sheet, [[value.strip() for value in line] for line in cells.grid.lines])


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"'{one_line(name)}'" for name in names[:5])
