"""Corrections: rejected rows of an upload with the vendor's edits, until an upload of them is accepted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import RowError, Upload

_RECHECKED = frozenset(
    {
        RowErrorCode.CANNOT_BE_CLEARED,
        RowErrorCode.DUPLICATE_SKU,
        RowErrorCode.DUPLICATE_VENDOR_PRODUCT_ID,
        RowErrorCode.FILE_REJECTED,
        RowErrorCode.INVALID_CATEGORY,
        RowErrorCode.MISSING_REQUIRED_FIELDS,
        RowErrorCode.OUTDATED_ROW,
        RowErrorCode.PRODUCT_BLOCKED,
        RowErrorCode.REJECTED_BY_CATALOG,
        RowErrorCode.SAMPLE_ROW,
        RowErrorCode.STALE_ROW,
        RowErrorCode.UNKNOWN_PRODUCT,
    }
)
"""Errors that depend on the values of the row and on the catalog only. Others may depend on the rest of the file: they
remain until their column is edited."""


class CorrectionState(StrEnum):
    """State of the correction of a rejected row; column `state` of the view `rejected_rows`.

    `open`: it may be corrected. `importing`: it was submitted, or a fix file with it is in processing. `fixed`: another
    upload has accepted it. `rejected_again`: another upload has rejected it, and it is corrected there.
    """

    OPEN = "open"
    IMPORTING = "importing"
    FIXED = "fixed"
    REJECTED_AGAIN = "rejected_again"


@dataclass(frozen=True, slots=True)
class Draft:
    """The edited cells of a rejected row, as the vendor writes them. No cells: the row is imported unchanged.

    `revision` is another number after each change. `submitted_s3_key` is the key of the file with which the row was
    submitted.
    """

    cells: Mapping[str, str]
    revision: int
    updated_by: str
    updated_at: datetime
    submitted_s3_key: str | None = None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A rejected row: the vendor's values by column, our values where a mapping changed them, errors, and its draft.

    `is_valid`: a valid row of an all-or-nothing file. `is_editable`: its values are known by column. In
    `mapped_values`, None means that the row has no value in the column.
    """

    row_number: int
    values_in_file: Mapping[str, str]
    mapped_values: Mapping[str, str | None]
    errors: Sequence[RowError]
    state: CorrectionState = CorrectionState.OPEN
    is_valid: bool = False
    is_editable: bool = True
    correcting_upload_id: str | None = None
    draft: Draft | None = None

    @property
    def values(self) -> dict[str, str]:
        """Return our values by column, without edits."""
        values = {**self.values_in_file, **self.mapped_values}
        return {column: value for column, value in values.items() if value is not None}

    @property
    def edited_cells(self) -> Mapping[str, str]:
        """Return the edited cells of the draft; none without a draft."""
        return self.draft.cells if self.draft is not None else {}

    def has_error(self, column: str) -> bool:
        """Return whether an error concerns the column."""
        return any(column in error.field.split(", ") for error in self.errors)

    def list_remaining_errors(self, edited_columns: Collection[str]) -> list[RowError]:
        """Return the errors that remain although the values of the row may be valid by themselves."""
        return [
            error
            for error in self.errors
            if error.error_type not in _RECHECKED and set(error.field.split(", ")).isdisjoint(edited_columns)
        ]


@dataclass(frozen=True, slots=True)
class CorrectionCounts:
    """Numbers of rejected rows of an upload by state.

    `drafts` are open rows with a draft, `valid` open valid rows of an all-or-nothing file, and `not_editable` open rows
    that can be corrected by file only.
    """

    open: int = 0
    importing: int = 0
    fixed: int = 0
    rejected_again: int = 0
    drafts: int = 0
    valid: int = 0
    not_editable: int = 0


def describe_correction(parent: Upload) -> str:
    """Return which upload an upload corrects and how many of its rejected rows are fixed, as a sentence."""
    rejected, fixed = parent.error_records, parent.fixed_records
    rows = f"its {rejected:,} rejected rows" if rejected != 1 else "its rejected row"
    if rejected == 1:
        state = f"{rows} is {'fixed' if fixed else 'open'}"
    elif fixed == rejected:
        state = f"all of {rows} are fixed"
    elif not fixed:
        state = f"none of {rows} is fixed"
    else:
        is_fixed, is_open = ("is" if count == 1 else "are" for count in (fixed, rejected - fixed))
        state = f"of {rows} {fixed:,} {is_fixed} fixed and {rejected - fixed:,} {is_open} open"
    return f"This upload corrects {parent.file_name}: {state}."


@dataclass(frozen=True, slots=True)
class CorrectionEdit:
    """Edited cells of a row to store as its draft.

    `revision` is the one that the vendor has seen, 0 for a row without a draft; None replaces any draft.
    """

    row_number: int
    cells: Mapping[str, str] = field(default_factory=dict)
    revision: int | None = None
