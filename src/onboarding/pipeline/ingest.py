"""Ingestion of an uploaded object: the use case of csv-parser.

The whole file is parsed before anything is written. The history row has the total number of rows before the first row
is staged, so that counting the outcomes always shows when the upload is complete.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import unquote_plus

from onboarding.aws import error_queue, staging_table
from onboarding.aws.objects import (
    ENDINGS,
    ObjectContent,
    UnreadableObject,
    check_file_name,
    is_folder_marker,
    read_object,
)
from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection, Row, Upload, UploadStatus
from onboarding.domain.upload_options import Options, parse_upload_options
from onboarding.failpoints import Failpoint, failpoint
from onboarding.files.models import one_line
from onboarding.notifications import events
from onboarding.pipeline import parser_process
from onboarding.pipeline.upload_mappings import UploadMappings, load_upload_mappings, use_applied_mapping
from onboarding.pipeline.upload_parsing import (
    SIMPLIFY_FILE,
    ParsedUpload,
    find_closest_headers,
    find_duplicate_upload,
    parse_upload,
    reject_used_session,
)
from onboarding.runtime import AppContext
from onboarding.storage import file_details, read_attempts, uploads
from onboarding.storage.corrections import find_parent_rows, insert_row_corrections
from onboarding.storage.database import Connection
from onboarding.storage.mappings import find_mapping, get_applied_mapping
from onboarding.storage.products import row_key
from onboarding.storage.upload_sessions import PREFIX

READING_FAILED = FileRejection(
    RejectionCode.READING_FAILED,
    f"The file could not be read: {read_attempts.MAX_ATTEMPTS} attempts ended without a result. {SIMPLIFY_FILE}; if "
    "that fails too, contact the marketplace",
)


@dataclass(frozen=True, slots=True)
class S3ObjectVersion:
    """One version of an object in the bucket."""

    bucket: str
    key: str
    version_id: str

    @classmethod
    def from_event_record(cls, record: dict[str, Any]) -> S3ObjectVersion:
        """Return the object of one record of an S3 event. Its key is URL-encoded, with `+` for a space."""
        s3_object = record["s3"]["object"]
        return cls(record["s3"]["bucket"]["name"], unquote_plus(s3_object["key"]), s3_object.get("versionId", ""))

    @property
    def vendor_id(self) -> str | None:
        """Return the second segment of the key, under which the bucket policy lets only this vendor write.

        Return None for a key without a vendor, and for a key with NUL, which PostgreSQL cannot store.
        """
        segments = self.key.split("/")
        has_vendor = len(segments) > 2 and segments[1] and self.key.startswith(PREFIX) and "\0" not in self.key
        return segments[1] if has_vendor else None

    @property
    def file_name(self) -> str:
        return self.key.rsplit("/", 1)[-1]

    def upload_id(self, last_modified: datetime, digits: int = 8) -> str:
        """Return the upload id, which is derived from the object version. `digits` is the length of its suffix."""
        digest = sha256("\n".join((self.bucket, self.key, self.version_id)).encode()).hexdigest()
        return f"UPLOAD_{last_modified:%Y%m%d_%H%M%S}_{digest[:digits]}"


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Result of ingesting an object, with the numbers of rows in the file and of rows staged by this call.

    `outcome` is `staged`, `resumed`, `rejected`, `already finished`, `unreadable`, `quarantined`, `deleted` or
    `ignored`. The last three have no upload id: the object belongs to no vendor, was deleted, or is a folder marker.
    """

    upload_id: str | None
    vendor_id: str | None
    outcome: str
    rows: int = 0
    staged: int = 0


def ingest_object(
    ctx: AppContext, source: S3ObjectVersion, *, patience: timedelta = read_attempts.FUNCTION_TIMEOUT
) -> IngestResult:
    """Ingest one object. Idempotent: a repeated call completes an earlier one that was interrupted.

    `patience` is how long another attempt to read the object may still be running. Raises the exceptions of AWS,
    PostgreSQL and the child process: the event is then redelivered.
    """
    # The child process starts while S3 and the database respond.
    parser_process.ensure_child()
    try:
        content = read_object(ctx, source.bucket, source.key, source.version_id)
    except UnreadableObject as error:
        return _quarantine_object(ctx, source, str(error))
    if content is None:
        # This version was deleted, so no other attempt reads it.
        ctx.database.run(partial(read_attempts.delete_attempts, s3_key=source.key, s3_version_id=source.version_id))
        return IngestResult(None, source.vendor_id, "deleted")
    if is_folder_marker(source.key, content.size):
        return IngestResult(None, source.vendor_id, "ignored")
    vendor_id = source.vendor_id
    vendor_status = ctx.database.run(lambda c: uploads.get_vendor_status(c, vendor_id)) if vendor_id else None
    if vendor_id is None or vendor_status is None:
        return _quarantine_object(ctx, source, describe_unknown_owner(source))

    upload_id, existing_upload = _find_upload(ctx, source, content.last_modified)
    if existing_upload is not None and existing_upload.status is not UploadStatus.PROCESSING:
        return _send_completion(ctx, existing_upload)
    # The suspension of a vendor does not affect uploads that are already open.
    status = vendor_status if existing_upload is None else "active"
    mappings = _load_mappings(ctx, content, upload_id, vendor_id, is_open=existing_upload is not None)
    parsed_upload = _parse_with_attempt(
        ctx, source, content, partial(parse_upload, content, upload_id, vendor_id, status, mappings=mappings), patience
    )
    if (
        existing_upload is not None
        and parsed_upload.rejection
        and parsed_upload.rejection in (READING_FAILED, content.unreadable)
    ):
        return IngestResult(upload_id, vendor_id, "unreadable")
    if existing_upload is not None and parsed_upload.rejection is not None:
        raise RuntimeError(f"{upload_id} is already open and its file is now rejected: {parsed_upload.rejection.code}")
    if parsed_upload.rejection != READING_FAILED:
        ctx.database.run(partial(read_attempts.delete_attempts, s3_key=source.key, s3_version_id=source.version_id))
        failpoint(Failpoint.INGEST_READ_ATTEMPTS_DELETED)
    rows = parsed_upload.rows
    new_upload = uploads.NewUpload(
        upload_id=upload_id,
        vendor_id=vendor_id,
        file_name=source.file_name,
        s3_key=source.key,
        s3_version_id=source.version_id,
        file_size_bytes=content.size,
        upload_timestamp=content.last_modified,
        total_records=len(rows),
        rejection=parsed_upload.rejection,
        content_sha256=content.sha256,
        mode=parsed_upload.options.mode,
        on_error=parsed_upload.options.on_error,
        mapping=parsed_upload.mapping,
        used_values=parsed_upload.used_values,
        missing_columns=find_closest_headers(parsed_upload.missing_columns, parsed_upload.headers),
    )

    def open_upload(connection: Connection) -> tuple[bool, Upload | None]:
        rejection = reject_used_session(connection, new_upload) or find_duplicate_upload(
            connection, new_upload, parsed_upload
        )
        upload_to_open = replace(new_upload, total_records=0, rejection=rejection) if rejection else new_upload
        parent = None if rejection else find_parent_rows(connection, vendor_id, parsed_upload.corrected_rows)
        if parent is not None:
            upload_to_open = replace(upload_to_open, parent_upload_id=parent[0])
        is_new = uploads.open_upload(connection, upload_to_open)
        if is_new and parent is not None:
            insert_row_corrections(connection, upload_id, *parent)
        # Another call may have opened the upload with other mappings, and so with other details and warnings.
        if is_new and parsed_upload.file_details is not None:
            file_details.save_file_details(connection, upload_id, parsed_upload.file_details, parsed_upload.warnings)
        return is_new, uploads.get_upload(connection, upload_id)

    is_new, upload = ctx.database.run(open_upload)
    failpoint(Failpoint.INGEST_HISTORY_OPENED)
    if upload is None:
        raise RuntimeError(f"{upload_id} does not exist after it was opened")
    if upload.status is not UploadStatus.PROCESSING:
        return _send_completion(ctx, upload)
    if not is_new and existing_upload is None:
        # Another call opened the upload meanwhile, perhaps with other mappings: continue with those.
        return ingest_object(ctx, source, patience=patience)
    if len(rows) != upload.total_records:
        raise RuntimeError(f"{upload_id} was opened with {upload.total_records} rows; its file now has {len(rows)}")
    # An earlier attempt may have ended at any point: stage all rows without an outcome again.
    remaining_rows = rows if is_new else _list_rows_without_outcome(ctx, rows)
    staging_table.stage_rows(ctx, remaining_rows)
    failpoint(Failpoint.INGEST_STAGED)
    return IngestResult(upload_id, vendor_id, "staged" if is_new else "resumed", len(rows), len(remaining_rows))


def _load_mappings(
    ctx: AppContext, content: ObjectContent, upload_id: str, vendor_id: str, *, is_open: bool
) -> UploadMappings | FileRejection:
    """Return the mappings that an open upload used before, or those that apply to a new one."""
    options = parse_upload_options(content.metadata)
    option = None if isinstance(options, FileRejection) else options.mapping

    def load(connection: Connection) -> UploadMappings | FileRejection:
        applied = get_applied_mapping(connection, upload_id) if is_open else None
        if applied is not None:
            return use_applied_mapping(applied)
        return load_upload_mappings(connection, vendor_id, option)

    mappings = ctx.database.run(load)
    if isinstance(mappings, FileRejection):
        return mappings
    return replace(mappings, find=lambda reference: ctx.database.run(lambda c: find_mapping(c, vendor_id, reference)))


def _parse_with_attempt(
    ctx: AppContext,
    source: S3ObjectVersion,
    content: ObjectContent,
    parse: Callable[[], ParsedUpload],
    patience: timedelta,
) -> ParsedUpload:
    """Parse a file unless its name is invalid, S3 cannot return it, or too many attempts were unsuccessful.

    The recorded attempt counts until the caller deletes it.
    """
    rejection = check_file_name(source.file_name) or content.unreadable
    if rejection is None:
        start = partial(
            read_attempts.start_attempt, s3_key=source.key, s3_version_id=source.version_id, patience=patience
        )
        is_started = ctx.database.run(start)
        failpoint(Failpoint.INGEST_READ_ATTEMPT_STARTED)
        if is_started:
            return parse()
        rejection = READING_FAILED
    options = parse_upload_options(content.metadata)
    return ParsedUpload(Options() if isinstance(options, FileRejection) else options, [], rejection)


def _send_completion(ctx: AppContext, upload: Upload) -> IngestResult:
    """Send the completion of a finished upload again; it has no effect if the vendor was notified before."""
    error_queue.send_completions(ctx, [(upload.upload_id, upload.vendor_id)])
    failpoint(Failpoint.INGEST_COMPLETION_SENT)
    outcome = "rejected" if upload.failure_code else "already finished"
    return IngestResult(upload.upload_id, upload.vendor_id, outcome)


def _find_upload(ctx: AppContext, source: S3ObjectVersion, last_modified: datetime) -> tuple[str, Upload | None]:
    """Return the object's upload id, and its upload if it is already open.

    The suffix of the id is longer if another object of the same second has the same short suffix.
    """
    for digits in (8, 16):
        upload_id = source.upload_id(last_modified, digits)
        existing_upload = ctx.database.run(partial(uploads.get_upload, upload_id=upload_id))
        if existing_upload is None:
            return upload_id, None
        if (existing_upload.s3_key, existing_upload.s3_version_id) == (source.key, source.version_id):
            return upload_id, existing_upload
    raise RuntimeError(f"another object has the upload id {upload_id}")


def describe_unknown_owner(source: S3ObjectVersion) -> str:
    """Return why an object without a known vendor is quarantined."""
    if source.vendor_id:
        return f"The vendor '{one_line(source.vendor_id)}' is not known"
    key_format = f"{PREFIX}<vendor_id>/<file>, with {ENDINGS} at its end and no NUL character"
    return f"The key has no vendor; it must be {key_format}"


def _quarantine_object(ctx: AppContext, source: S3ObjectVersion, reason: str) -> IngestResult:
    def record_and_publish(connection: Connection) -> None:
        # Published within the transaction: if that fails, the record is rolled back and the retry publishes.
        if uploads.quarantine_object(connection, source.key, source.version_id, reason):
            events.publish_quarantine(ctx, source.key, reason)
            failpoint(Failpoint.INGEST_QUARANTINE_PUBLISHED)

    ctx.database.run(record_and_publish)
    return IngestResult(None, source.vendor_id, "quarantined")


def _list_rows_without_outcome(ctx: AppContext, rows: list[Row]) -> list[Row]:
    _, recorded_errors = ctx.database.run(lambda c: uploads.get_recorded_outcomes(c, rows))
    return [row for row in rows if row_key(row) not in recorded_errors]
