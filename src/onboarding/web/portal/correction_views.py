"""What pages show of corrections: groups of errors with their actions, and rejected rows with their cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from onboarding.domain.column_types import ColumnType
from onboarding.domain.corrections import CorrectionState
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.product_changes import VERSION
from onboarding.domain.product_schema import NUMBER_COLUMNS, PRODUCT_SCHEMA
from onboarding.domain.suggestions import find_suggestion
from onboarding.storage.corrections import GroupCounts
from onboarding.web.correction_schemas import EDITABLE_COLUMNS, CorrectionErrorResponse, CorrectionRowResponse
from onboarding.web.schemas import ErrorGroupResponse

SPREADSHEET_ADVICE = "Format the column"
"""Start of hints that say how to enter a value in a spreadsheet."""

_OF_CATALOG = frozenset(
    {
        RowErrorCode.DUPLICATE_SKU,
        RowErrorCode.DUPLICATE_VENDOR_PRODUCT_ID,
        RowErrorCode.INVALID_CATEGORY,
        RowErrorCode.PRODUCT_BLOCKED,
        RowErrorCode.REJECTED_BY_CATALOG,
        RowErrorCode.STALE_ROW,
        RowErrorCode.UNKNOWN_PRODUCT,
    }
)
"""Errors that a change of the catalog, its blocks, the categories or the value mappings may have fixed."""


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group of errors with numbers of its open rows.

    `suggestion` is the one of all its rows; `has_suggestions` is whether some rows have one of their own; `is_ready`
    is whether all of them are ready to import.
    """

    group: ErrorGroupResponse
    counts: GroupCounts
    suggestion: str
    has_suggestions: bool
    is_ready: bool = False

    @property
    def has_all_drafts(self) -> bool:
        """Return whether every row has a draft."""
        return 0 < self.counts.open == self.counts.drafts

    @property
    def is_for_spreadsheet(self) -> bool:
        """Return whether the hint is advice for a spreadsheet."""
        return self.group.hint.startswith(SPREADSHEET_ADVICE)

    @property
    def label(self) -> str:
        """Return the labels of the columns; blank for the row as a whole."""
        columns = self.group.column.split(", ")
        return ", ".join(_get_label(column) for column in columns if column in EDITABLE_COLUMNS)

    @property
    def is_by_file(self) -> bool:
        """Return whether the rows can be corrected by a file only."""
        return not self.counts.editable

    @property
    def can_fill(self) -> bool:
        """Return whether one value for all rows may fix them."""
        column = PRODUCT_SCHEMA.get(self.group.column)
        return column is not None and column.type is not ColumnType.IDENTIFIER and not self.is_by_file

    @property
    def can_overwrite(self) -> bool:
        """Return whether the rows can overwrite products that have changed since the export."""
        return self.group.error_type == RowErrorCode.STALE_ROW and not self.is_by_file

    @property
    def can_check_again(self) -> bool:
        """Return whether unchanged rows may be valid now."""
        return self.group.error_type in _OF_CATALOG and self.counts.drafts < self.counts.editable

    @property
    def can_remember(self) -> bool:
        """Return whether the value of the group may be translated in later files too."""
        return self.group.error_type == RowErrorCode.INVALID_CATEGORY and bool(self.group.value)


def build_group_views(
    groups: Sequence[ErrorGroupResponse], counts: Mapping[int, GroupCounts]
) -> tuple[list[GroupView], ErrorGroupResponse | None]:
    """Return the groups that have open rows, and the one of the valid rows of an all-or-nothing file."""
    views, valid_group = [], None
    for group in groups:
        group_counts = counts.get(group.id or 0)
        if group_counts is None or not group_counts.open:
            continue
        if group.error_type == RowErrorCode.FILE_REJECTED:
            valid_group = group
            continue
        suggestion = find_suggestion(group.hint)
        has_suggestions = not suggestion and group_counts.has_suggestions
        views.append(GroupView(group, group_counts, suggestion, has_suggestions))
    return views, valid_group


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell of a rejected row as an input."""

    column: str
    label: str
    value: str
    file_value: str
    is_edited: bool = False
    is_invalid: bool = False
    message: str = ""
    suggestion: str = ""

    @property
    def is_number(self) -> bool:
        return self.column in NUMBER_COLUMNS

    @property
    def can_overwrite(self) -> bool:
        """Return whether a button overwrites a product that has changed since the export of the row."""
        return self.column == VERSION and self.is_invalid

    @property
    def is_long(self) -> bool:
        """Return whether the value needs an input of several lines."""
        return self.column == "description" or "\n" in self.value or "\r" in self.value


@dataclass(frozen=True, slots=True)
class RowView:
    """A rejected row: the cells that have errors or edits, and the others.

    `theirs` are the values of somebody else, by label, where both have edited the row.
    """

    row: CorrectionRowResponse
    cells: list[CellView]
    other_cells: list[CellView]
    message: str
    is_ready: bool
    theirs: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Return whether the row can be edited."""
        return self.row.state is CorrectionState.OPEN and self.row.is_editable

    def get_value(self, column: str) -> str:
        """Return the value of a column, as it is edited."""
        return next(cell.value for cell in (*self.cells, *self.other_cells) if cell.column == column)

    @property
    def is_by_file(self) -> bool:
        """Return whether the row can be corrected by a file only."""
        return self.row.state is CorrectionState.OPEN and not self.row.is_editable


def build_row_view(
    row: CorrectionRowResponse, get_header: Callable[[str], str], unsaved_cells: Mapping[str, str] | None = None
) -> RowView:
    """Return the view of a row. `unsaved_cells` are edits that were not saved because the row has changed."""
    edits = {**row.edited_cells, **(unsaved_cells or {})}
    columns_with_errors = {column for error in row.errors for column in error.column.split(", ")}
    cells: list[CellView] = []
    other_cells: list[CellView] = []
    for column in EDITABLE_COLUMNS:
        if column == VERSION and column not in row.cells:
            continue
        errors = [error for error in row.errors if error.column == column]
        cell = CellView(
            column=column,
            label=_label(column, get_header(column)),
            value=edits.get(column, row.cells.get(column, "")),
            file_value=row.cells.get(column, ""),
            is_edited=column in edits,
            is_invalid=column in columns_with_errors,
            message=" ".join(map(_describe, errors)),
            suggestion=next((error.suggestion for error in errors if error.suggestion), ""),
        )
        (cells if cell.is_edited or cell.is_invalid else other_cells).append(cell)
    row_errors = [error for error in row.errors if error.column not in EDITABLE_COLUMNS]
    theirs = {
        _label(column, get_header(column)): row.edited_cells.get(column, row.cells.get(column, ""))
        for column, text in (unsaved_cells or {}).items()
        if text != row.edited_cells.get(column, row.cells.get(column, ""))
    }
    is_ready = row.state is CorrectionState.OPEN and row.is_editable and not row.errors
    return RowView(row, cells, other_cells, " ".join(map(_describe, row_errors)), is_ready, theirs)


def _get_label(column: str) -> str:
    return "Version of the export" if column == VERSION else PRODUCT_SCHEMA[column].label


def _label(column: str, header: str) -> str:
    label = _get_label(column)
    return f"{label} ({header})" if header and header.lower() != label.lower() else label


def _describe(error: CorrectionErrorResponse) -> str:
    """Return the message of an error with its hint, unless a button offers what the hint suggests.

    In the browser, the expected value replaces advice for a spreadsheet.
    """
    if error.hint.startswith(SPREADSHEET_ADVICE):
        return f"{error.message}. Expected: {error.expected.strip(', ')}" if error.expected else error.message
    return f"{error.message}. {error.hint}" if error.hint and not error.suggestion else error.message
