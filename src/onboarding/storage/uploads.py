"""Repository for the upload history and its row counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row

from onboarding.domain.models import Mode, OnError, Outcome, Row, RowError, Upload, UploadStatus
from onboarding.storage.database import Connection
from onboarding.storage.products import RowKey, row_key, to_storable_text
from onboarding.storage.queries import query

if TYPE_CHECKING:
    from onboarding.domain.models import FileRejection


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A new upload: all rows are counted, none is validated, or the file is rejected."""

    upload_id: str
    vendor_id: str
    file_name: str
    s3_key: str
    s3_version_id: str
    file_size_bytes: int
    upload_timestamp: datetime
    total_records: int
    refusal: FileRejection | None
    content_sha256: str | None = None
    mode: Mode = Mode.CREATE
    on_error: OnError = OnError.REJECT_ROWS


@dataclass(frozen=True, slots=True)
class UploadState:
    """What the validator must know about an upload."""

    vendor_id: str
    total_records: int
    status: UploadStatus
    mode: Mode
    on_error: OnError


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """The status of an upload with the numbers of its invalid rows, held rows, and rows without an outcome."""

    status: UploadStatus
    invalid: int
    held: int
    unjudged: int


def get_vendor_status(connection: Connection, vendor_id: str) -> str | None:
    """Return `active`, `suspended`, or None for an unknown vendor."""
    found = connection.execute(query("get_vendor_status"), {"vendor_id": vendor_id}).fetchone()
    return found[0] if found else None


def quarantine_object(connection: Connection, s3_key: str, s3_version_id: str, reason: str) -> bool:
    """Quarantine an object that belongs to no vendor; return False if it was quarantined before."""
    parameters = {"s3_key": to_storable_text(s3_key), "s3_version_id": s3_version_id, "reason": reason}
    return connection.execute(query("insert_quarantined_object"), parameters).rowcount == 1


def get_quarantine_reason(connection: Connection, s3_key: str, s3_version_id: str) -> str | None:
    """Return why an object was quarantined, or None."""
    parameters = {"s3_key": to_storable_text(s3_key), "s3_version_id": s3_version_id}
    found = connection.execute(query("get_quarantine_reason"), parameters).fetchone()
    return found[0] if found else None


def open_upload(connection: Connection, new: NewUpload) -> bool:
    """Insert the history row, failed at once for a rejected file; return False if it exists already."""
    parameters = {
        "upload_id": new.upload_id,
        "vendor_id": new.vendor_id,
        "file_name": to_storable_text(new.file_name[:255]),
        "s3_key": new.s3_key,
        "s3_version_id": new.s3_version_id,
        "file_size_bytes": new.file_size_bytes,
        "upload_timestamp": new.upload_timestamp,
        "total_records": new.total_records,
        "failure_code": new.refusal.code if new.refusal else None,
        "failure_reason": to_storable_text(new.refusal.reason) if new.refusal else None,
        "content_sha256": new.content_sha256,
        "mode": new.mode,
        "on_error": new.on_error,
    }
    return connection.execute(query("insert_upload"), parameters).rowcount == 1


def find_same_content(connection: Connection, new: NewUpload) -> tuple[str, str, datetime] | None:
    """Return the id, file name and time of the upload of the same bytes within a day, or None.

    No other session opens an upload of these bytes until the transaction ends.
    """
    parameters = {
        "upload_id": new.upload_id,
        "vendor_id": new.vendor_id,
        "content_sha256": new.content_sha256,
        "mode": new.mode,
        "on_error": new.on_error,
        "upload_timestamp": new.upload_timestamp,
    }
    connection.execute(query("lock_upload_content"), parameters)
    return connection.execute(query("find_duplicate_upload"), parameters).fetchone()


def get_upload(connection: Connection, upload_id: str) -> Upload | None:
    """Return an upload, or None."""
    found = list_uploads(connection, upload_id=upload_id, limit=1)
    return found[0] if found else None


def list_uploads(
    connection: Connection,
    *,
    upload_id: str | None = None,
    vendor_id: str | None = None,
    status: UploadStatus | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[Upload]:
    """List uploads, newest first. `since` is inclusive, `until` is exclusive; `before` is the time and id of the last
    upload of the previous page.
    """
    parameters = {
        "upload_id": upload_id,
        "vendor_id": vendor_id,
        "status": status,
        "since": since,
        "until": until,
        "before": before[0] if before else None,
        "before_id": before[1] if before else None,
        "limit": limit,
    }
    with connection.cursor(row_factory=kwargs_row(_upload)) as cursor:
        return cursor.execute(query("list_uploads"), parameters).fetchall()


def _upload(status: str, mode: str, on_error: str, **columns: Any) -> Upload:
    return Upload(status=UploadStatus(status), mode=Mode(mode), on_error=OnError(on_error), **columns)


def lock_vendors(connection: Connection, vendors: set[str]) -> None:
    """Lock vendors until the transaction ends, so that one batch at a time is validated for each of them."""
    connection.execute(query("lock_vendors"), {"vendors": sorted(vendors)})


def get_recorded_outcomes(
    connection: Connection, rows: Sequence[Row]
) -> tuple[dict[str, UploadState], dict[RowKey, list[RowError]]]:
    """Return the states of the uploads of these rows, and the rows that have an outcome already with their errors.

    Accepted and held rows have no errors. Other rows of the same uploads may be included. An upload without a history
    row has no state.
    """
    numbers: dict[str, list[int]] = {}
    for row in rows:
        numbers.setdefault(row.upload_id, []).append(row.row_number)
    upload_ids = list(numbers)
    ranges = {
        "uploads": upload_ids,
        "firsts": [min(numbers[name]) for name in upload_ids],
        "lasts": [max(numbers[name]) for name in upload_ids],
    }
    states = connection.execute(query("list_upload_states"), {"uploads": upload_ids})
    outcomes = connection.execute(query("list_row_outcomes"), ranges)
    upload_states = {
        upload_id: UploadState(vendor_id, total, UploadStatus(status), Mode(mode), OnError(on_error))
        for upload_id, vendor_id, total, status, mode, on_error in states
    }
    judged: dict[RowKey, list[RowError]] = {}
    for upload_id, row_number, error_type, field, message, value, expected, hint in outcomes:
        errors = judged.setdefault((upload_id, row_number), [])
        if error_type is not None:
            errors.append(RowError(error_type, field, message, value or "", expected, hint))
    # Every row of a finished upload has an outcome, also if an undo removed its product since.
    finished = {name for name, state in upload_states.items() if state.status is not UploadStatus.PROCESSING}
    if finished:
        for row in rows:
            if row.upload_id in finished:
                judged.setdefault(row_key(row), [])
    return upload_states, judged


def count_outcomes(
    connection: Connection,
    rows: Sequence[Row],
    errors: Mapping[RowKey, Sequence[RowError]],
    outcomes: Mapping[RowKey, Outcome] | None = None,
    *,
    held: Collection[RowKey] = (),
    released: Collection[RowKey] = (),
) -> dict[str, UploadProgress]:
    """Add the outcomes of these rows to the counts of their uploads, and return the new status of each upload.

    A valid row is in `outcomes` or in `held`. Rows that were held before are in `released` as well.
    """
    kinds: dict[str, list[str]] = {}
    for row in rows:
        key = row_key(row)
        kinds.setdefault(row.upload_id, []).append(
            "error" if errors.get(key) else "held" if key in held else (outcomes or {})[key]
        )
    counts = {name: Counter(some) for name, some in kinds.items()}
    for upload_id, _ in released:
        counts[upload_id]["held"] -= 1
    names = sorted(counts)
    if not names:
        return {}
    columns = (*Outcome, "error", "held")
    parameters = {"uploads": names, **{kind: [counts[name][kind] for name in names] for kind in columns}}
    found = {
        upload_id: UploadProgress(UploadStatus(status), invalid, held, unjudged)
        for upload_id, status, invalid, held, unjudged in connection.execute(query("add_outcome_counts"), parameters)
    }
    if missing := sorted(set(names) - found.keys()):
        raise RuntimeError(f"rows without an outcome in finished uploads: {', '.join(missing)}")
    return found


def lock_upload_to_notify(connection: Connection, upload_id: str) -> Upload | None:
    """Lock and return the upload if it is finished and has no notification yet."""
    if connection.execute(query("lock_upload_to_notify"), {"upload_id": upload_id}).fetchone() is None:
        return None
    return get_upload(connection, upload_id)


def mark_notified(
    connection: Connection, upload_id: str, error_file_s3_key: str | None, fix_file_s3_key: str | None
) -> None:
    """Set the notification time of an upload, and the keys of its two files."""
    parameters = {"upload_id": upload_id, "error_file_s3_key": error_file_s3_key, "fix_file_s3_key": fix_file_s3_key}
    connection.execute(query("mark_upload_notified"), parameters)
