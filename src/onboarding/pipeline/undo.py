"""Undo of an upload: its changes to the catalog are reverted, except for products that were changed later."""

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

MAX_ATTEMPTS = 3


class NotUndoable(Exception):
    """The upload cannot be undone; the message states the reason."""


@dataclass(frozen=True, slots=True)
class SkippedProduct:
    """A product that the undo did not revert, the row of the upload that wrote it, and the reason.

    `row_number` counts data rows from 1; `spreadsheet_row` is the number of the same row in a spreadsheet program.
    """

    row_number: int
    vendor_product_id: str
    reason: str
    spreadsheet_row: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class UndoResult:
    """Result of an undo: its time (UTC), the numbers of removed and restored products, and the skipped products.

    `is_repeated`: the upload had been undone before.
    """

    upload_id: str
    undone_at: datetime
    removed: int
    restored: int
    skipped: Sequence[SkippedProduct]
    is_repeated: bool = field(default=False, compare=False)


def undo_upload(database: Database, upload_id: str, actor: Actor) -> UndoResult:
    """Undo an upload in one transaction with its audit entry. A repeated call changes nothing and returns its result.

    The history keeps the upload with its status, counts and errors. Products that earlier undos skipped because of this
    upload are reverted too, so that uploads may be undone in any order. Raises LookupError for an unknown upload and
    NotUndoable for an upload that is still being processed.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            return database.run(lambda connection: _undo(connection, upload_id, actor))
        except UniqueViolation:
            # Another vendor used a former SKU between the query and the update; the next attempt skips its product.
            if attempt == MAX_ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _undo(connection: Connection, upload_id: str, actor: Actor) -> UndoResult:
    params = {"upload_id": upload_id}
    upload = uploads.get_upload(connection, upload_id)
    if upload is None:
        raise LookupError(f"There is no upload {upload_id}")
    uploads.lock_vendors(connection, {upload.vendor_id})
    row = connection.execute(query("lock_upload_to_undo"), params).fetchone()
    assert row is not None, "uploads are never deleted"  # noqa: S101
    status, undone_at, removed, restored = row
    if UploadStatus(status) is UploadStatus.PROCESSING:
        raise NotUndoable(f"{upload_id} is still being processed; undo it when it is finished")
    is_repeated = undone_at is not None
    if not is_repeated:
        removed, restored = _revert_changes(connection, upload_id)
        connection.execute(query("insert_undo_skipped"), params)
        cursor = connection.execute(query("mark_upload_undone"), {**params, "removed": removed, "restored": restored})
        [(undone_at,)] = cursor.fetchall()
        _resume_earlier_undos(connection, upload)
        record_action(connection, actor, "upload_undone", upload_id, vendor_id=upload.vendor_id)
    return UndoResult(upload_id, undone_at, removed, restored, _list_skipped(connection, upload_id), is_repeated)


def _revert_changes(connection: Connection, upload_id: str) -> tuple[int, int]:
    """Remove and restore the products that were not changed later; return the number of each."""
    params = {"upload_id": upload_id}
    removed = connection.execute(query("delete_created_products"), params).rowcount
    restored = restore_products(connection, upload_id)
    return removed, restored


def _resume_earlier_undos(connection: Connection, upload: Upload) -> None:
    """Revert the products that earlier undos skipped because this upload had changed them."""
    params = {"upload_id": upload.upload_id, "vendor_id": upload.vendor_id}
    earlier_ids = [upload_id for (upload_id,) in connection.execute(query("list_undone_uploads_with_skipped"), params)]
    # Repeat until nothing changes: a product that one undo restores may have been changed by an even earlier upload.
    while any(_resume_undo(connection, upload_id) for upload_id in earlier_ids):
        pass


def _resume_undo(connection: Connection, upload_id: str) -> bool:
    """Revert more products of an undone upload; return whether there were any."""
    removed, restored = _revert_changes(connection, upload_id)
    if not removed and not restored:
        return False
    params = {"upload_id": upload_id}
    connection.execute(query("add_undo_counts"), {**params, "removed": removed, "restored": restored})
    # Only products that were skipped before remain skipped: another undo may have removed those that this one restored.
    rows = [skipped.row_number for skipped in _list_skipped(connection, upload_id)]
    connection.execute(query("delete_undo_skipped"), {**params, "rows": []})
    connection.execute(query("insert_undo_skipped"), params)
    connection.execute(query("delete_undo_skipped"), {**params, "rows": rows})
    return True


def _list_skipped(connection: Connection, upload_id: str) -> list[SkippedProduct]:
    details = file_details.get_file_details(connection, upload_id)
    return [
        SkippedProduct(row_number, product, reason, details.line_of(row_number) if details else None)
        for row_number, product, reason in connection.execute(query("list_undo_skipped"), {"upload_id": upload_id})
    ]
