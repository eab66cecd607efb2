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
from onboarding.storage.errors import InvalidInput, NotFound
from onboarding.storage.validation_errors import GroupMembers
from onboarding.storage.value_mappings import set_value_mappings


@dataclass(frozen=True, slots=True)
class ReviewedEdits:
    """Edits of rows, compared with the rows and drafts that are stored.

    `rows` are those whose edits are accepted, `cells` their edited cells by row number, without cells that are as in
    the file, and `revisions` the revisions of their drafts. `conflicts` are rows whose draft has changed since the
    vendor has read it, `closed` rows that cannot be edited (any more), each as it is now.
    """

    rows: list[RejectedRow] = field(default_factory=list)
    cells: dict[int, dict[str, str]] = field(default_factory=dict)
    revisions: dict[int, int] = field(default_factory=dict)
    conflicts: list[RejectedRow] = field(default_factory=list)
    closed: list[RejectedRow] = field(default_factory=list)


def review_edits(connection: Connection, context: CorrectionContext, edits: Sequence[CorrectionEdit]) -> ReviewedEdits:
    """Compare edits with the stored rows and drafts. Raises InvalidInput for a repeated row, and NotFound.

    An edit that is as the stored draft, by a repeated request, is no conflict.
    """
    row_numbers = [edit.row_number for edit in edits]
    if len(set(row_numbers)) < len(row_numbers):
        raise InvalidInput("A row occurs twice. Send one edit for each row.")
    stored_rows = corrections.list_rejected_rows(connection, context.upload.upload_id, row_numbers=row_numbers)
    rows = {row.row_number: row for row in stored_rows}
    result = ReviewedEdits()
    for edit in edits:
        row = rows.get(edit.row_number)
        if row is None:
            raise NotFound(f"Row {edit.row_number} is not a rejected row of this upload.")
        cells = context.notation.drop_unchanged(row, edit.cells)
        revision = row.draft.revision if row.draft is not None else 0
        is_stored = row.draft is not None and row.draft.cells == cells
        if row.state is not CorrectionState.OPEN or not row.is_editable:
            result.closed.append(row)
        elif not is_stored and edit.revision not in {None, revision}:
            result.conflicts.append(row)
        else:
            result.rows.append(row)
            result.cells[edit.row_number] = cells
            result.revisions[edit.row_number] = revision
    return result


def save_edits(
    connection: Connection, actor: Actor, context: CorrectionContext, edits: Sequence[CorrectionEdit]
) -> ReviewedEdits:
    """Store the accepted edits of rows as their drafts, and return them. Raises InvalidInput and NotFound."""
    upload = context.upload
    corrections.lock_corrections(connection, upload.upload_id)
    result = review_edits(connection, context, edits)
    changed_edits = [
        CorrectionEdit(row.row_number, result.cells[row.row_number])
        for row in result.rows
        if row.draft is None or row.draft.cells != result.cells[row.row_number]
    ]
    if changed_edits:
        result.revisions.update(
            corrections.save_drafts(connection, actor, upload.vendor_id, upload.upload_id, changed_edits)
        )
    return result


def delete_drafts(connection: Connection, upload_id: str, row_numbers: Sequence[int] | None) -> int:
    """Delete the drafts of open rows, of all if `row_numbers` is None; return their number."""
    corrections.lock_corrections(connection, upload_id)
    rows = corrections.list_rejected_rows(
        connection, upload_id, row_numbers=row_numbers, state=CorrectionState.OPEN, has_draft=True
    )
    return corrections.delete_drafts(connection, upload_id, [row.row_number for row in rows]) if rows else 0


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
    filled_rows = [
        (row, context.notation.drop_unchanged(row, {**row.edited_cells, column: text}))
        for row in rows
        if row.is_editable and (text := texts[row.row_number])
    ]
    edits = [
        CorrectionEdit(row.row_number, cells)
        for row, cells in filled_rows
        if row.draft is None or row.draft.cells != cells
    ]
    if edits:
        corrections.save_drafts(connection, actor, upload.vendor_id, upload.upload_id, edits)
    return len(filled_rows)


def _find_row_suggestion(row: RejectedRow, column: str) -> str:
    suggestions = (find_suggestion(error.hint) for error in row.errors if error.field == column)
    return next(filter(None, suggestions), "")


def remember_value(
    connection: Connection,
    actor: Actor,
    context: CorrectionContext,
    members: GroupMembers,
    *,
    column: str,
    value: str | None = None,
) -> None:
    """Store a value mapping of the value that all rows of a group have to a value, or to their suggestion.

    Raises InvalidInput.
    """
    targets = {value or find_suggestion(hint) for hint in members.hints} - {""}
    values = set(members.values) - {""}
    if column != members.column or len(values) != 1 or len(targets) != 1:
        raise InvalidInput("Only the value of a group whose rows all have the same value can be remembered.")
    [vendor_value], [target] = values, targets
    set_value_mappings(connection, actor, context.upload.vendor_id, column, {vendor_value: target})
