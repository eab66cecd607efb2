"""Repository for corrections: rejected rows with their drafts, and the rows of uploads that correct others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row, dict_row

from onboarding.domain.corrections import CorrectionCounts, CorrectionEdit, CorrectionState, Draft, RejectedRow
from onboarding.domain.error_summary import IDENTITY_TYPES
from onboarding.domain.models import RowError, Upload, UploadStatus
from onboarding.files.models import CorrectedRows
from onboarding.storage import file_details, uploads
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection
from onboarding.storage.products import to_storable_text
from onboarding.storage.queries import query

MAX_ROWS = 10_000
"""Maximum number of rows of a file, and so of the rejected rows of an upload."""


@dataclass(frozen=True, slots=True)
class CorrectingUpload:
    """An upload that corrects rows of another one: the numbers of these rows, and of those that it has accepted."""

    upload_id: str
    file_name: str
    status: UploadStatus
    undone_at: datetime | None
    rows: int
    accepted: int


@dataclass(frozen=True, slots=True)
class PendingSubmission:
    """A submitted file from which no upload exists yet: its key and its number of rows."""

    s3_key: str
    rows: int


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """Numbers of the open rows of a group of errors: all, those with a draft, and those that can be edited.

    `has_suggestions` is whether some of the errors suggest a value.
    """

    open: int
    drafts: int
    editable: int
    has_suggestions: bool


def find_parent_rows(
    connection: Connection, vendor_id: str, corrected_rows: CorrectedRows | None
) -> tuple[str, Mapping[int, int]] | None:
    """Return the finished upload of the vendor that a fix file names, and its rejected row by the row of the fix file.

    Return None if the file names no such upload and row.
    """
    if corrected_rows is None or len(corrected_rows.upload_id) > 50:
        return None
    parent = uploads.get_upload(connection, to_storable_text(corrected_rows.upload_id))
    if parent is None or parent.vendor_id != vendor_id or parent.status is UploadStatus.PROCESSING:
        return None
    details = file_details.get_file_details(connection, parent.upload_id)
    lines = details.list_lines(parent.total_records) if details is not None else []
    params = {"upload_id": parent.upload_id}
    rejected = {row_number for (row_number,) in connection.execute(query("list_rejected_row_numbers"), params)}
    row_numbers = {line: row_number for row_number, line in enumerate(lines, 1) if row_number in rejected}
    rows = {n: row_numbers[line] for n, line in enumerate(corrected_rows.lines, 1) if line in row_numbers}
    return (parent.upload_id, rows) if rows else None


def insert_row_corrections(connection: Connection, upload_id: str, parent: str, rows: Mapping[int, int]) -> None:
    """Record which rows of its parent an upload corrects; `rows` has the parent's row by the row of the upload."""
    params = {
        "upload_id": upload_id,
        "parent": parent,
        "rows": list(rows.keys()),
        "corrected_rows": list(rows.values()),
    }
    connection.execute(query("insert_row_corrections"), params)


def list_rejected_rows(
    connection: Connection,
    upload_id: str,
    *,
    after: int = 0,
    row_numbers: Sequence[int] | None = None,
    state: CorrectionState | None = None,
    has_draft: bool | None = None,
    is_valid: bool | None = None,
    submitted_s3_key: str | None = None,
    limit: int = MAX_ROWS,
) -> list[RejectedRow]:
    """List rejected rows of an upload by number. Each condition is optional; `after` is the last row number before."""
    params = {
        "upload_id": upload_id,
        "after": after,
        "row_numbers": list(row_numbers) if row_numbers is not None else None,
        "state": state,
        "has_draft": has_draft,
        "is_valid": is_valid,
        "submitted_s3_key": submitted_s3_key,
        "limit": limit,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_make_rejected_row(row) for row in cursor.execute(query("list_rejected_rows"), params)]


def _make_rejected_row(row: dict[str, Any]) -> RejectedRow:
    cells = row.pop("draft")
    names = ("revision", "updated_by", "updated_at", "submitted_s3_key")
    draft_fields = {name: row.pop(name) for name in names}
    draft = Draft(cells, **draft_fields) if cells is not None else None
    errors = [RowError(**error) for error in row.pop("errors")]
    mapped_values = row.pop("mapped_values") or {}
    state = CorrectionState(row.pop("state"))
    return RejectedRow(**row, mapped_values=mapped_values, errors=errors, state=state, draft=draft)


def count_rejected_rows(connection: Connection, upload_id: str) -> CorrectionCounts:
    """Return the numbers of rejected rows of an upload by the state of their correction."""
    with connection.cursor(row_factory=class_row(CorrectionCounts)) as cursor:
        [counts] = cursor.execute(query("count_rejected_rows"), {"upload_id": upload_id}).fetchall()
    return counts


def count_open_rows_of_groups(connection: Connection, upload_id: str) -> dict[int, GroupCounts]:
    """Return the numbers of open rows of the groups of an upload's errors, by the id of the group."""
    params = {"upload_id": upload_id, "identity_types": list(IDENTITY_TYPES)}
    rows = connection.execute(query("count_open_rows_of_groups"), params).fetchall()
    return {group: GroupCounts(*counts) for group, *counts in rows}


def list_correcting_uploads(connection: Connection, upload_id: str) -> list[CorrectingUpload]:
    """List the uploads that correct rows of an upload, the oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("list_correcting_uploads"), {"upload_id": upload_id}).fetchall()
    return [CorrectingUpload(**{**row, "status": UploadStatus(row["status"])}) for row in rows]


def list_fixed_rows(connection: Connection, upload_id: str) -> list[int]:
    """Return the numbers of the rows of its parent that an upload has fixed."""
    return [row_number for (row_number,) in connection.execute(query("list_fixed_rows"), {"upload_id": upload_id})]


def lock_corrections(connection: Connection, upload_id: str) -> None:
    """Lock the corrections of an upload until the transaction ends."""
    connection.execute(query("lock_corrections"), {"upload_id": upload_id})


def save_drafts(
    connection: Connection,
    actor: Actor,
    vendor_id: str,
    upload_id: str,
    edits: Sequence[CorrectionEdit],
) -> dict[int, int]:
    """Store drafts and return their revisions by row number. The caller has locked the corrections."""
    drafts = [
        {
            "row_number": edit.row_number,
            "cells": dict(edit.cells),
        }
        for edit in edits
    ]
    params = {
        "upload_id": upload_id,
        "vendor_id": vendor_id,
        "drafts": json.dumps(drafts, ensure_ascii=False),
        "updated_by": actor.name,
    }
    return dict(connection.execute(query("save_corrections"), params).fetchall())


def delete_drafts(connection: Connection, upload_id: str, row_numbers: Sequence[int]) -> int:
    """Delete the drafts of rows; return their number. The caller has locked the corrections."""
    params = {"upload_id": upload_id, "row_numbers": list(row_numbers)}
    return connection.execute(query("delete_corrections"), params).rowcount


def mark_submitted(
    connection: Connection, actor: Actor, upload: Upload, rows: Sequence[RejectedRow], s3_key: str
) -> bool:
    """Mark the drafts of these rows as submitted with a file; return False if one is not open or has changed."""
    revisions = [row.draft.revision if row.draft is not None else 0 for row in rows]
    params = {
        "upload_id": upload.upload_id,
        "vendor_id": upload.vendor_id,
        "updated_by": actor.name,
        "submitted_s3_key": s3_key,
        "row_numbers": [row.row_number for row in rows],
        "revisions": revisions,
    }
    return connection.execute(query("mark_corrections_submitted"), params).rowcount == len(rows)


def find_pending_submission(connection: Connection, upload_id: str) -> PendingSubmission | None:
    """Return the submitted file of an upload from which no upload exists yet, or None."""
    row = connection.execute(query("find_pending_submission"), {"upload_id": upload_id}).fetchone()
    return PendingSubmission(*row) if row else None
