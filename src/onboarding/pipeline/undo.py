"""Undo of an upload: its changes to the catalog are reverted, except where a later change followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from psycopg.errors import UniqueViolation

from onboarding.domain.models import Upload, UploadStatus
from onboarding.storage import file_details, uploads
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection, Database
from onboarding.storage.products import restore_products
from onboarding.storage.queries import query

ATTEMPTS = 3


class NotUndoable(Exception):
    """The upload cannot be undone; the message says why."""


@dataclass(frozen=True, slots=True)
class SkippedProduct:
    """A product that the undo did not revert, with the row that created or changed it, and the reason.

    `spreadsheet_row` is the number of that row in a spreadsheet program.
    """

    row_number: int
    vendor_product_id: str
    reason: str
    spreadsheet_row: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class UndoResult:
    """Result of an undo: its time (UTC), the numbers of removed and restored products, and the skipped products."""

    upload_id: str
    undone_at: datetime
    removed: int
    restored: int
    kept: Sequence[SkippedProduct]


def undo_upload(database: Database, upload_id: str, actor: Actor) -> UndoResult:
    """Undo an upload in one transaction with its audit entry. Repeating it returns the same result.

    The history keeps the upload with its status, counts and errors. Products that earlier undos skipped because of this
    upload are reverted too, so that uploads may be undone in any order. Raises LookupError for an unknown upload and
    NotUndoable for one that is still being processed.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return database.run(lambda connection: _undo(connection, upload_id, actor))
        except UniqueViolation:
            # Another vendor took a former SKU between the query and the update; the next attempt sees that.
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _undo(connection: Connection, upload_id: str, actor: Actor) -> UndoResult:
    named = {"upload_id": upload_id}
    upload = uploads.get_upload(connection, upload_id)
    if upload is None:
        raise LookupError(f"There is no upload {upload_id}")
    uploads.lock_vendors(connection, {upload.vendor_id})
    found = connection.execute(query("lock_upload_to_undo"), named).fetchone()
    assert found is not None, "uploads are never deleted"  # noqa: S101
    status, undone_at, removed, restored = found
    if UploadStatus(status) is UploadStatus.PROCESSING:
        raise NotUndoable(f"{upload_id} is still being processed; undo it when it is finished")
    if undone_at is None:
        removed, restored = _revert_changes(connection, upload_id)
        connection.execute(query("insert_undo_skipped"), named)
        marked = connection.execute(query("mark_upload_undone"), {**named, "removed": removed, "restored": restored})
        [(undone_at,)] = marked.fetchall()
        _resume_earlier_undos(connection, upload)
        record_action(connection, actor, "upload_undone", upload_id, vendor_id=upload.vendor_id)
    return UndoResult(upload_id, undone_at, removed, restored, _list_skipped(connection, upload_id))


def _revert_changes(connection: Connection, upload_id: str) -> tuple[int, int]:
    """Remove and restore products that have no later change; return the number of each."""
    named = {"upload_id": upload_id}
    removed = connection.execute(query("delete_created_products"), named).rowcount
    restored = restore_products(connection, upload_id)
    return removed, restored


def _resume_earlier_undos(connection: Connection, upload: Upload) -> None:
    """Revert products that earlier undos skipped because this upload had changed them."""
    named = {"upload_id": upload.upload_id, "vendor_id": upload.vendor_id}
    earlier = [upload_id for (upload_id,) in connection.execute(query("list_undone_uploads_with_skipped"), named)]
    while any(_resume(connection, upload_id) for upload_id in earlier):
        # A product that one of them restored may have been changed by an upload before it.
        pass


def _resume(connection: Connection, upload_id: str) -> bool:
    removed, restored = _revert_changes(connection, upload_id)
    if not removed and not restored:
        return False
    named = {"upload_id": upload_id}
    connection.execute(query("add_undo_counts"), {**named, "removed": removed, "restored": restored})
    # Only products that were skipped before can still be: another undo may have removed those that this one restored.
    rows = [skipped.row_number for skipped in _list_skipped(connection, upload_id)]
    connection.execute(query("delete_undo_skipped"), {**named, "rows": []})
    connection.execute(query("insert_undo_skipped"), named)
    connection.execute(query("delete_undo_skipped"), {**named, "rows": rows})
    return True


def _list_skipped(connection: Connection, upload_id: str) -> list[SkippedProduct]:
    detected = file_details.get_file_details(connection, upload_id)
    return [
        SkippedProduct(row_number, product, reason, detected.line_of(row_number) if detected else None)
        for row_number, product, reason in connection.execute(query("list_undo_skipped"), {"upload_id": upload_id})
    ]
