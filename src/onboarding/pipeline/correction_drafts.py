"""Drafts of corrections: edits of single rows, and one value or the suggestions for many rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from onboarding.domain.corrections import CorrectionEdit, CorrectionState, RejectedRow
from onboarding.domain.suggestions import find_suggestion
from onboarding.pipeline.corrections import CorrectionContext
from onboarding.storage import corrections
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection
from onboarding.storage.errors import NotFound


@dataclass(frozen=True, slots=True)
class SavedEdits:
    """Result of saving edits: the new revisions by row number, and the rows that were not saved.

    `conflicts` are rows whose draft has changed since the vendor has read it, `closed` rows that cannot be edited (any
    more), each as it is now.
    """

    revisions: dict[int, int] = field(default_factory=dict)
    conflicts: list[RejectedRow] = field(default_factory=list)
    closed: list[RejectedRow] = field(default_factory=list)


def save_edits(
    connection: Connection, actor: Actor, context: CorrectionContext, edits: Sequence[CorrectionEdit]
) -> SavedEdits:
    """Store the edits of rows as their drafts, without cells that are as in the file. Raises NotFound.

    An edit of the draft that is stored already, by a repeated request, is no conflict.
    """
    upload = context.upload
    corrections.lock_corrections(connection, upload.upload_id)
    row_numbers = [edit.row_number for edit in edits]
    stored_rows = corrections.list_rejected_rows(connection, upload.upload_id, row_numbers=row_numbers)
    rows = {row.row_number: row for row in stored_rows}
    result = SavedEdits()
    changed_edits = []
    for edit in edits:
        row = rows.get(edit.row_number)
        if row is None:
            raise NotFound(f"Row {edit.row_number} is not a rejected row of this upload.")
        cells = context.notation.drop_unchanged(row, edit.cells)
        revision = row.draft.revision if row.draft is not None else 0
        if row.state is not CorrectionState.OPEN or not row.is_editable:
            result.closed.append(row)
        elif row.draft is not None and row.draft.cells == cells:
            result.revisions[edit.row_number] = revision
        elif edit.revision not in {None, revision}:
            result.conflicts.append(row)
        else:
            changed_edits.append(CorrectionEdit(edit.row_number, cells))
    if changed_edits:
        result.revisions.update(
            corrections.save_drafts(connection, actor, upload.vendor_id, upload.upload_id, changed_edits)
        )
    return result


def fill_rows(
    connection: Connection,
    actor: Actor,
    context: CorrectionContext,
    row_numbers: Sequence[int],
    *,
    column: str,
    value: str | None = None,
) -> int:
    """Add one value in a column to the drafts of rows; return the number of these rows.

    Without a value, each row gets the suggestion of its error in this column, and rows without one are left out. Rows
    that cannot be edited are left out as well.
    """
    upload = context.upload
    corrections.lock_corrections(connection, upload.upload_id)
    rows = corrections.list_rejected_rows(
        connection, upload.upload_id, row_numbers=row_numbers, state=CorrectionState.OPEN
    )
    texts = {row.row_number: _find_row_suggestion(row, column) if value is None else value for row in rows}
    edits = [
        CorrectionEdit(row.row_number, context.notation.drop_unchanged(row, {column: text}))
        for row in rows
        if row.is_editable and (text := texts[row.row_number])
    ]
    if edits:
        corrections.save_drafts(connection, actor, upload.vendor_id, upload.upload_id, edits, is_merged=True)
    return len(edits)


def _find_row_suggestion(row: RejectedRow, column: str) -> str:
    suggestions = (find_suggestion(error.hint) for error in row.errors if error.field == column)
    return next(filter(None, suggestions), "")
