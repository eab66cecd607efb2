"""Takes back what an upload did to the catalog, as far as nothing else has touched it since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.errors import UniqueViolation

from onboarding import ledger
from onboarding.database import Connection, Database
from onboarding.model import UploadStatus
from onboarding.sql import statement

ATTEMPTS = 3


class NotUndoable(Exception):
    """The upload cannot be undone; the message says why."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A product that the undo left as it is, by the row of the file that had made or changed it, and why."""

    row_number: int
    vendor_product_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of an undo: when it was, products removed, products that are again what they were, and the others."""

    upload_id: str
    undone_at: datetime
    removed: int
    restored: int
    kept: Sequence[Kept]


def undo(database: Database, upload_id: str) -> Undone:
    """Undo an upload in one transaction. Again, it changes nothing and says the same.

    The history keeps the upload, its status, its counts and its errors. Raises LookupError for an upload that is not
    known, NotUndoable for one that is still under way.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return database.run(lambda connection: _undo(connection, upload_id))
        except UniqueViolation:
            # Another vendor took a former SKU between the look and the update; the next look sees that.
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _undo(connection: Connection, upload_id: str) -> Undone:
    named = {"upload_id": upload_id}
    upload = ledger.upload(connection, upload_id)
    if upload is None:
        raise LookupError(f"There is no upload {upload_id}")
    ledger.lock_vendors(connection, {upload.vendor_id})
    found = connection.execute(statement("upload_to_undo"), named).fetchone()
    assert found is not None, "the history loses no upload"  # noqa: S101
    status, undone_at, removed, restored = found
    if UploadStatus(status) is UploadStatus.PROCESSING:
        raise NotUndoable(f"{upload_id} is still being processed; undo it when it is finished")
    if undone_at is None:
        removed = connection.execute(statement("undo_created"), named).rowcount
        restored = connection.execute(statement("undo_updated"), named).rowcount
        connection.execute(statement("note_kept"), named)
        marked = connection.execute(statement("mark_undone"), {**named, "removed": removed, "restored": restored})
        [(undone_at,)] = marked.fetchall()
    kept = [Kept(*columns) for columns in connection.execute(statement("kept_by_undo"), named)]
    return Undone(upload_id, undone_at, removed, restored, kept)
