"""Repository for the upload history and its row counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row, kwargs_row

from onboarding.domain.mappings import SavedMapping, UsedValue
from onboarding.domain.models import Mode, OnError, Outcome, Row, RowError, Upload, UploadStatus
from onboarding.storage.database import Connection
from onboarding.storage.products import RowKey, row_key, to_storable_text
from onboarding.storage.queries import query

if TYPE_CHECKING:
    from onboarding.domain.models import FileRejection


@dataclass(frozen=True, slots=True)
class NewUpload:
    """The history row of a new upload. `total_records` is the number of data rows, 0 for a rejected file."""

    upload_id: str
    vendor_id: str
    file_name: str
    s3_key: str
    s3_version_id: str
    file_size_bytes: int
    upload_timestamp: datetime
    total_records: int
    rejection: FileRejection | None
    content_sha256: str | None = None
    mode: Mode = Mode.CREATE
    on_error: OnError = OnError.REJECT_ROWS
    mapping: SavedMapping | None = None
    used_values: Sequence[UsedValue] = ()
    missing_columns: Mapping[str, str] = field(default_factory=dict)
    parent_upload_id: str | None = None


@dataclass(frozen=True, slots=True)
class UploadState:
    """The columns of an upload that the validation of its rows depends on."""

    vendor_id: str
    total_records: int
    status: UploadStatus
    mode: Mode
    on_error: OnError


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """The status of an upload, and the numbers of its invalid rows, held rows, and rows that are not validated yet."""

    status: UploadStatus
    invalid: int
    held: int
    pending: int


def get_vendor_status(connection: Connection, vendor_id: str) -> str | None:
    """Return `active`, `suspended`, or None for an unknown vendor."""
    row = connection.execute(query("get_vendor_status"), {"vendor_id": vendor_id}).fetchone()
    return row[0] if row else None


def quarantine_object(connection: Connection, s3_key: str, s3_version_id: str, reason: str) -> bool:
    """Record an object that belongs to no vendor; return False if it is recorded already."""
    params = {"s3_key": to_storable_text(s3_key), "s3_version_id": s3_version_id, "reason": reason}
    return connection.execute(query("insert_quarantined_object"), params).rowcount == 1


def get_quarantine_reason(connection: Connection, s3_key: str, s3_version_id: str) -> str | None:
    """Return why an object is quarantined, or None if it is not."""
    params = {"s3_key": to_storable_text(s3_key), "s3_version_id": s3_version_id}
    row = connection.execute(query("get_quarantine_reason"), params).fetchone()
    return row[0] if row else None


def open_upload(connection: Connection, new_upload: NewUpload) -> bool:
    """Insert the history row of an upload; return False if it exists already.

    The status is `failed` for a rejected file, otherwise `processing`.
    """
    params = {
        "upload_id": new_upload.upload_id,
        "vendor_id": new_upload.vendor_id,
        "file_name": to_storable_text(new_upload.file_name[:255]),
        "s3_key": new_upload.s3_key,
        "s3_version_id": new_upload.s3_version_id,
        "file_size_bytes": new_upload.file_size_bytes,
        "upload_timestamp": new_upload.upload_timestamp,
        "total_records": new_upload.total_records,
        "failure_code": new_upload.rejection.code if new_upload.rejection else None,
        "failure_reason": to_storable_text(new_upload.rejection.reason) if new_upload.rejection else None,
        "content_sha256": new_upload.content_sha256,
        "mode": new_upload.mode,
        "on_error": new_upload.on_error,
        "mapping_id": new_upload.mapping.mapping_id if new_upload.mapping else None,
        "mapping_version": new_upload.mapping.version if new_upload.mapping else None,
        "used_values": _used_values_as_json(new_upload),
        "missing_columns": json.dumps(new_upload.missing_columns, ensure_ascii=False),
        "parent_upload_id": new_upload.parent_upload_id,
    }
    return connection.execute(query("insert_upload"), params).rowcount == 1


def _used_values_as_json(new_upload: NewUpload) -> str:
    return json.dumps([asdict(used) for used in new_upload.used_values], ensure_ascii=False)


def find_duplicate_upload(connection: Connection, new_upload: NewUpload) -> tuple[str, str, datetime] | None:
    """Return the id, file name and time of the vendor's upload of the same bytes within 24 hours, or None.

    Locks the content: no other session opens an upload of these bytes before the transaction ends.
    """
    params = {
        "upload_id": new_upload.upload_id,
        "vendor_id": new_upload.vendor_id,
        "content_sha256": new_upload.content_sha256,
        "mode": new_upload.mode,
        "on_error": new_upload.on_error,
        "mapping_id": new_upload.mapping.mapping_id if new_upload.mapping else None,
        "mapping_version": new_upload.mapping.version if new_upload.mapping else None,
        "used_values": _used_values_as_json(new_upload),
        "upload_timestamp": new_upload.upload_timestamp,
    }
    connection.execute(query("lock_upload_content"), params)
    return connection.execute(query("find_duplicate_upload"), params).fetchone()


def get_upload(connection: Connection, upload_id: str) -> Upload | None:
    """Return an upload, or None if there is none with this id."""
    uploads = list_uploads(connection, upload_id=upload_id, limit=1)
    return uploads[0] if uploads else None


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
    """List uploads, newest first.

    `since` is inclusive, `until` is exclusive. `before` is the time and id of the last upload of the previous page.
    """
    params = {
        "upload_id": upload_id,
        "vendor_id": vendor_id,
        "status": status,
        "since": since,
        "until": until,
        "before": before[0] if before else None,
        "before_id": before[1] if before else None,
        "limit": limit,
    }
    with connection.cursor(row_factory=kwargs_row(_make_upload)) as cursor:
        return cursor.execute(query("list_uploads"), params).fetchall()


def _make_upload(status: str, mode: str, on_error: str, **columns: Any) -> Upload:
    return Upload(status=UploadStatus(status), mode=Mode(mode), on_error=OnError(on_error), **columns)


def lock_vendors(connection: Connection, vendors: set[str]) -> None:
    """Lock vendors until the transaction ends, so that only one batch of each vendor is validated at a time."""
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
        "first_rows": [min(numbers[upload_id]) for upload_id in upload_ids],
        "last_rows": [max(numbers[upload_id]) for upload_id in upload_ids],
    }
    # In a pipeline both queries are sent before the first result is read.
    state_cursor = connection.cursor(row_factory=dict_row).execute(query("list_upload_states"), {"uploads": upload_ids})
    outcome_cursor = connection.cursor(row_factory=dict_row).execute(query("list_row_outcomes"), ranges)
    states = {state.pop("upload_id"): _make_state(**state) for state in state_cursor}
    recorded_errors: dict[RowKey, list[RowError]] = {}
    for outcome in outcome_cursor:
        errors = recorded_errors.setdefault((outcome.pop("upload_id"), outcome.pop("row_number")), [])
        if outcome["error_type"] is not None:
            errors.append(RowError(**outcome))
    # Every row of a finished upload has an outcome, even if an undo has removed its product.
    finished_ids = {upload_id for upload_id, state in states.items() if state.status is not UploadStatus.PROCESSING}
    if finished_ids:
        for row in rows:
            if row.upload_id in finished_ids:
                recorded_errors.setdefault(row_key(row), [])
    return states, recorded_errors


def _make_state(status: str, mode: str, on_error: str, **columns: Any) -> UploadState:
    return UploadState(status=UploadStatus(status), mode=Mode(mode), on_error=OnError(on_error), **columns)


def count_outcomes(
    connection: Connection,
    rows: Sequence[Row],
    errors: Mapping[RowKey, Sequence[RowError]],
    outcomes: Mapping[RowKey, Outcome] | None = None,
    *,
    held: Collection[RowKey] = (),
    released: Collection[RowKey] = (),
) -> dict[str, UploadProgress]:
    """Add the outcomes of these rows to the counts of their uploads, and return the progress of each upload.

    A valid row is in `outcomes` or in `held`. Rows that were held before are in `released` as well. Raises
    RuntimeError if an upload is finished already, since all of its rows have an outcome.
    """
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        key = row_key(row)
        outcome = "error" if errors.get(key) else "held" if key in held else (outcomes or {})[key]
        counts.setdefault(row.upload_id, Counter())[outcome] += 1
    for upload_id, _ in released:
        counts[upload_id]["held"] -= 1
    upload_ids = sorted(counts)
    if not upload_ids:
        return {}
    columns = {
        column: [counts[upload_id][column] for upload_id in upload_ids] for column in (*Outcome, "error", "held")
    }
    cursor = connection.cursor(row_factory=dict_row)
    cursor.execute(query("add_outcome_counts"), {"uploads": upload_ids, **columns})
    progress = {row.pop("upload_id"): UploadProgress(UploadStatus(row.pop("status")), **row) for row in cursor}
    if finished_ids := sorted(set(upload_ids) - progress.keys()):
        raise RuntimeError(f"rows without an outcome in finished uploads: {', '.join(finished_ids)}")
    return progress


def lock_upload_to_notify(connection: Connection, upload_id: str) -> Upload | None:
    """Lock and return an upload, or return None if it is not finished or its notification was published."""
    if connection.execute(query("lock_upload_to_notify"), {"upload_id": upload_id}).fetchone() is None:
        return None
    return get_upload(connection, upload_id)


def mark_notified(
    connection: Connection, upload_id: str, error_file_s3_key: str | None, fix_file_s3_key: str | None
) -> None:
    """Set the notification time of an upload, and the keys of its error report and its fix file."""
    params = {"upload_id": upload_id, "error_file_s3_key": error_file_s3_key, "fix_file_s3_key": fix_file_s3_key}
    connection.execute(query("mark_upload_notified"), params)
