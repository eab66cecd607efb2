"""PostgreSQL's side of the ledger: each upload's history row, the errors of its rows, and both counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import args_row

from onboarding.domain.models import Mode, OnError, Outcome, Row, RowError, Upload, UploadStatus
from onboarding.domain.product_schema import REPORT_COLUMNS
from onboarding.storage.database import Connection
from onboarding.storage.products import RowKey, row_key, to_storable_text
from onboarding.storage.queries import query

if TYPE_CHECKING:
    from onboarding.files.models import FileRejection


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What the history says of an upload before its first row is judged: all rows counted, or why it is refused."""

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
    """What the judgement of a row must know of its upload."""

    vendor_id: str
    total_records: int
    status: UploadStatus
    mode: Mode
    on_error: OnError


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """An upload after counting: invalid rows, valid rows held back, and rows that have not been judged at all."""

    status: UploadStatus
    invalid: int
    held: int
    unjudged: int


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """One error with the row it is about, and the row's cells that the report shows, by column."""

    row_number: int
    error: RowError
    cells: Mapping[str, str | None]


def get_vendor_status(connection: Connection, vendor_id: str) -> str | None:
    """`active`, `suspended`, or None for a vendor that is not known."""
    found = connection.execute(query("get_vendor_status"), {"vendor_id": vendor_id}).fetchone()
    return found[0] if found else None


def quarantine_object(connection: Connection, s3_key: str, s3_version_id: str, reason: str) -> bool:
    """Note an object that belongs to no vendor; False if it was noted before."""
    parameters = {"s3_key": to_storable_text(s3_key), "s3_version_id": s3_version_id, "reason": reason}
    return connection.execute(query("insert_quarantined_object"), parameters).rowcount == 1


def get_quarantine_reason(connection: Connection, s3_key: str, s3_version_id: str) -> str | None:
    """Why an object was set aside, or None if it was not."""
    parameters = {"s3_key": to_storable_text(s3_key), "s3_version_id": s3_version_id}
    found = connection.execute(query("get_quarantine_reason"), parameters).fetchone()
    return found[0] if found else None


def open_upload(connection: Connection, new: NewUpload) -> bool:
    """Open the history row, or close it at once for a refused file; False if it was there before."""
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
    """The id, file name and time of the upload that brought the same bytes within a day, or None.

    Nobody else opens an upload of these bytes until the transaction ends.
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
    """One upload as it stands now."""
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
    """The history, newest first; `since` is inclusive, `until` is not. `before` goes on after an upload, by its time
    and id.
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
    with connection.cursor(row_factory=args_row(_upload)) as cursor:
        return cursor.execute(query("list_uploads"), parameters).fetchall()


def _upload(*columns: Any) -> Upload:
    get_upload = Upload(*columns)
    return replace(
        get_upload,
        status=UploadStatus(get_upload.status),
        mode=Mode(get_upload.mode),
        on_error=OnError(get_upload.on_error),
    )


def lock_vendors(connection: Connection, vendors: set[str]) -> None:
    """Wait until no other batch of these vendors is being judged; lasts to the end of the transaction."""
    connection.execute(query("lock_vendors"), {"vendors": sorted(vendors)})


def get_recorded_outcomes(
    connection: Connection, rows: Sequence[Row]
) -> tuple[dict[str, UploadState], dict[RowKey, list[RowError]]]:
    """How the uploads of these rows stand, and the rows that were judged already with their errors (none for a row that
    is in the catalog or held back; there may be other rows of the same uploads among them).

    An upload that has no history row has no state.
    """
    numbers: dict[str, list[int]] = {}
    for row in rows:
        numbers.setdefault(row.upload_id, []).append(row.row_number)
    names = list(numbers)
    stretches = {
        "uploads": names,
        "firsts": [min(numbers[name]) for name in names],
        "lasts": [max(numbers[name]) for name in names],
    }
    states = connection.execute(query("list_upload_states"), {"uploads": names})
    outcomes = connection.execute(query("list_row_outcomes"), stretches)
    found = {
        upload_id: UploadState(vendor_id, total, UploadStatus(status), Mode(mode), OnError(on_error))
        for upload_id, vendor_id, total, status, mode, on_error in states
    }
    judged: dict[RowKey, list[RowError]] = {}
    for upload_id, row_number, error_type, field, message, value, expected, hint in outcomes:
        errors = judged.setdefault((upload_id, row_number), [])
        if error_type is not None:
            errors.append(RowError(error_type, field, message, value or "", expected, hint))
    # Every row of a finished upload has its outcome, also where its product was removed since, as an undo does.
    finished = {name for name, state in found.items() if state.status is not UploadStatus.PROCESSING}
    if finished:
        for row in rows:
            if row.upload_id in finished:
                judged.setdefault(row_key(row), [])
    return found, judged


def insert_errors(connection: Connection, rows: Sequence[Row], errors: Mapping[RowKey, Sequence[RowError]]) -> None:
    """Write every error of these rows to `validation_errors`."""
    lines = [
        [
            row.upload_id,
            row.vendor_id,
            row.row_number,
            to_storable_text(row.cells["vendor_product_id"][:100]) if "vendor_product_id" in row.cells else None,
            error.error_type,
            error.field,
            error.message,
            {column: to_storable_text(text) for column, text in row.cells.items()},
            to_storable_text(error.value),
            to_storable_text(error.expected),
            to_storable_text(error.hint),
        ]
        for row in rows
        for error in errors[row_key(row)]
    ]
    if lines:
        connection.execute(query("insert_validation_errors"), {"errors": json.dumps(lines, ensure_ascii=False)})


def count_outcomes(
    connection: Connection,
    rows: Sequence[Row],
    errors: Mapping[RowKey, Sequence[RowError]],
    outcomes: Mapping[RowKey, Outcome] | None = None,
    *,
    held: Collection[RowKey] = (),
    released: Collection[RowKey] = (),
) -> dict[str, UploadProgress]:
    """Count rows that were newly judged; returns the uploads that they belong to as they stand now.

    A valid row is in `outcomes`, or in `held`. Rows that were held until now are in `released` too.
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
        name: UploadProgress(UploadStatus(status), *numbers)
        for name, status, *numbers in connection.execute(query("add_outcome_counts"), parameters)
    }
    if missing := sorted(set(names) - found.keys()):
        raise RuntimeError(f"rows without an outcome in finished uploads: {', '.join(missing)}")
    return found


def lock_upload_to_notify(connection: Connection, upload_id: str) -> Upload | None:
    """The upload, held for this transaction, if it is finished and nobody was told yet."""
    if connection.execute(query("lock_upload_to_notify"), {"upload_id": upload_id}).fetchone() is None:
        return None
    return get_upload(connection, upload_id)


def stream_report_rows(connection: Connection, upload_id: str) -> Iterator[ReportedRow]:
    """Every error of an upload, by row and then in the order of the rules.

    They come as they are asked for, since a full file may have a hundred thousand; until the last was taken, the
    connection does nothing else.
    """
    with connection.cursor() as cursor:
        columns = list(REPORT_COLUMNS.values())
        parameters = {"upload_id": upload_id, "columns": columns}
        for row_number, *error, values in cursor.stream(query("list_report_errors"), parameters, size=500):
            yield ReportedRow(row_number, RowError(*error), dict(zip(columns, values, strict=True)))


def mark_notified(
    connection: Connection, upload_id: str, error_file_s3_key: str | None, fix_file_s3_key: str | None
) -> None:
    """Note that the result of an upload has been published, and where its two files are."""
    parameters = {"upload_id": upload_id, "error_file_s3_key": error_file_s3_key, "fix_file_s3_key": fix_file_s3_key}
    connection.execute(query("mark_upload_notified"), parameters)
