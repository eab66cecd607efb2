"""Takes back what an upload did to the catalog, as far as nothing else has touched it since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from psycopg.errors import UniqueViolation

from onboarding.domain.models import Upload, UploadStatus
from onboarding.storage import file_details, uploads
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection, Database
from onboarding.storage.queries import query

ATTEMPTS = 3


class NotUndoable(Exception):
    """The upload cannot be undone; the message says why."""


@dataclass(frozen=True, slots=True)
class SkippedProduct:
    """A product that the undo left as it is, by the row of the file that had made or changed it, and why.

    `spreadsheet_row` is where a spreadsheet shows that row.
    """

    row_number: int
    vendor_product_id: str
    reason: str
    spreadsheet_row: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What came of an undo: when it was, products removed, products that are again what they were, and the others."""

    upload_id: str
    undone_at: datetime
    removed: int
    restored: int
    kept: Sequence[SkippedProduct]


def undo_upload(database: Database, upload_id: str, actor: Actor) -> UndoResult:
    """Undo an upload in one transaction with its audit entry. Repeating it changes nothing and returns the same.

    The history keeps the upload, its status, its counts and its errors. What earlier undos of the vendor's uploads had
    to keep because of this upload is taken back too, so that uploads may be undone in any order. Raises LookupError for
    an upload that is not known, NotUndoable for one that is still being processed.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return database.run(lambda connection: _undo(connection, upload_id, actor))
        except UniqueViolation:
            # Another vendor took a former SKU between the look and the update; the next look sees that.
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
    assert found is not None, "the history loses no upload"  # noqa: S101
    status, undone_at, removed, restored = found
    if UploadStatus(status) is UploadStatus.PROCESSING:
        raise NotUndoable(f"{upload_id} is still being processed; undo it when it is finished")
    if undone_at is None:
        removed, restored = _take_back(connection, upload_id)
        connection.execute(query("insert_undo_skipped"), named)
        marked = connection.execute(query("mark_upload_undone"), {**named, "removed": removed, "restored": restored})
        [(undone_at,)] = marked.fetchall()
        _resume_earlier_undos(connection, upload)
        record_action(connection, actor, "upload_undone", upload_id, vendor_id=upload.vendor_id)
    return UndoResult(upload_id, undone_at, removed, restored, _kept_by(connection, upload_id))


def _take_back(connection: Connection, upload_id: str) -> tuple[int, int]:
    """Remove and restore products, as far as nothing else has touched them since; returns how many of each."""
    named = {"upload_id": upload_id}
    removed = connection.execute(query("delete_created_products"), named).rowcount
    restored = connection.execute(query("restore_updated_products"), named).rowcount
    return removed, restored


def _resume_earlier_undos(connection: Connection, upload: Upload) -> None:
    """Take back what undos before this one left because this upload had changed it."""
    named = {"upload_id": upload.upload_id, "vendor_id": upload.vendor_id}
    earlier = [upload_id for (upload_id,) in connection.execute(query("list_undone_uploads_with_skipped"), named)]
    while any(_resume(connection, upload_id) for upload_id in earlier):
        # What one of them restored, an upload before it may have changed.
        pass


def _resume(connection: Connection, upload_id: str) -> bool:
    removed, restored = _take_back(connection, upload_id)
    if not removed and not restored:
        return False
    named = {"upload_id": upload_id}
    connection.execute(query("add_undo_counts"), {**named, "removed": removed, "restored": restored})
    # Only what was left before can still be left: what this undo restored may have been removed by another one since.
    rows = [kept.row_number for kept in _kept_by(connection, upload_id)]
    connection.execute(query("delete_undo_skipped"), {**named, "rows": []})
    connection.execute(query("insert_undo_skipped"), named)
    connection.execute(query("delete_undo_skipped"), {**named, "rows": rows})
    return True


def _kept_by(connection: Connection, upload_id: str) -> list[SkippedProduct]:
    detected = file_details.get_file_details(connection, upload_id)
    return [
        SkippedProduct(row_number, product, reason, detected.line_of(row_number) if detected else None)
        for row_number, product, reason in connection.execute(query("list_undo_skipped"), {"upload_id": upload_id})
    ]
