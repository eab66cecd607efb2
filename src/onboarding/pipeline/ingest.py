"""Ingestion of an uploaded object: the work of the function csv-parser.

The whole file is parsed before anything is written. The history row gets its final total before the first row is
staged, so that counting the outcomes always shows when the upload is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import unquote_plus

from onboarding.aws import staging_table
from onboarding.aws.objects import (
    ENDINGS,
    ObjectContent,
    UnreadableObject,
    check_file_name,
    is_folder_marker,
    read_object,
)
from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection, FileWarning, Mode, Row, Upload, UploadStatus
from onboarding.domain.product_schema import REQUIRED, REQUIRED_TO_CHANGE
from onboarding.domain.upload_options import Options, parse_upload_options
from onboarding.failpoints import failpoint
from onboarding.files.models import FileDetails, one_line
from onboarding.files.parser import too_large
from onboarding.notifications import events
from onboarding.pipeline import parser_process
from onboarding.pipeline.parser_process import ParsedRows, TooComplex
from onboarding.runtime import AppContext
from onboarding.storage import file_details, read_attempts, uploads
from onboarding.storage.database import Connection
from onboarding.storage.products import row_key, to_storable_text
from onboarding.storage.queries import query

PREFIX = "uploads/"
_SIMPLER = (
    "Save the products alone as CSV UTF-8 or in a new workbook, without formatting and other sheets, or split the "
    "file, and upload it again"
)
READING_FAILED = FileRejection(
    RejectionCode.READING_FAILED,
    f"The file could not be read: {read_attempts.MAX_ATTEMPTS} attempts ended without a result. {_SIMPLER}; if that "
    "fails too, contact the marketplace",
)


@dataclass(frozen=True, slots=True)
class S3ObjectVersion:
    """One version of an object in the bucket."""

    bucket: str
    key: str
    version_id: str

    @classmethod
    def from_event_record(cls, record: dict[str, Any]) -> S3ObjectVersion:
        """Return the object of one record of an S3 event, whose keys are URL-encoded with `+` for a space."""
        described = record["s3"]["object"]
        return cls(record["s3"]["bucket"]["name"], unquote_plus(described["key"]), described.get("versionId", ""))

    @property
    def vendor_id(self) -> str | None:
        """The second segment of the key, where the bucket's policies let only this vendor write.

        None for a key without a vendor, and for one with NUL, which PostgreSQL cannot store.
        """
        segments = self.key.split("/")
        has_vendor = len(segments) > 2 and segments[1] and self.key.startswith(PREFIX) and "\0" not in self.key
        return segments[1] if has_vendor else None

    @property
    def file_name(self) -> str:
        return self.key.rsplit("/", 1)[-1]

    def upload_id(self, last_modified: datetime, digits: int = 8) -> str:
        """Return the upload id, which is always the same for one version of an object."""
        digest = sha256("\n".join((self.bucket, self.key, self.version_id)).encode()).hexdigest()
        return f"UPLOAD_{last_modified:%Y%m%d_%H%M%S}_{digest[:digits]}"


@dataclass(frozen=True, slots=True)
class ParsedUpload:
    """A parsed file: the options of the upload, and the rows or the reason why the file is rejected."""

    options: Options
    rows: list[Row]
    refusal: FileRejection | None
    detected: FileDetails | None = None
    warnings: Sequence[FileWarning] = ()


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Result of ingesting an object. `upload_id` is None if the object has no upload: it belongs to no vendor, was
    deleted, or is a folder marker."""

    upload_id: str | None
    vendor_id: str | None
    outcome: str
    rows: int = 0
    staged: int = 0


def ingest_object(
    ctx: AppContext, source: S3ObjectVersion, *, patience: timedelta = read_attempts.FUNCTION_TIMEOUT
) -> IngestResult:
    """Ingest one object. Idempotent: a repeated call completes what an earlier one left undone.

    `patience` is how long another attempt to read the object may still be running. Exceptions of AWS, PostgreSQL and
    the child process are raised: the event is then redelivered.
    """
    # Starts while S3 and the database respond.
    parser_process.ensure_child()
    try:
        content = read_object(ctx, source.bucket, source.key, source.version_id)
    except UnreadableObject as error:
        return _quarantine(ctx, source, str(error))
    if content is None:
        # Somebody deleted this version, so it is not to be ingested any more.
        ctx.database.run(partial(read_attempts.delete_attempts, s3_key=source.key, s3_version_id=source.version_id))
        return IngestResult(None, source.vendor_id, "gone")
    if is_folder_marker(source.key, content.size):
        return IngestResult(None, source.vendor_id, "ignored")
    vendor_id = source.vendor_id
    vendor_status = ctx.database.run(lambda c: uploads.get_vendor_status(c, vendor_id)) if vendor_id else None
    if vendor_id is None or vendor_status is None:
        return _quarantine(ctx, source, describe_unknown_owner(source))

    upload_id, existing = _find_upload(ctx, source, content.last_modified)
    if existing is not None and existing.status is not UploadStatus.PROCESSING:
        return _complete(ctx, existing)
    # An upload that was opened before its vendor was suspended is completed.
    status = vendor_status if existing is None else "active"
    parsed = _parse_unless_excluded(
        ctx, source, content, partial(parse_upload, content, upload_id, vendor_id, status), patience
    )
    if existing is not None and parsed.refusal and parsed.refusal in (READING_FAILED, content.unreadable):
        return IngestResult(upload_id, vendor_id, "unreadable")
    if existing is not None and parsed.refusal is not None:
        raise RuntimeError(f"{upload_id} was opened before and is rejected now: {parsed.refusal.code}")
    if parsed.refusal != READING_FAILED:
        ctx.database.run(partial(read_attempts.delete_attempts, s3_key=source.key, s3_version_id=source.version_id))
        failpoint("ingest.read_attempts_deleted")
    rows = parsed.rows
    new = uploads.NewUpload(
        upload_id=upload_id,
        vendor_id=vendor_id,
        file_name=source.file_name,
        s3_key=source.key,
        s3_version_id=source.version_id,
        file_size_bytes=content.size,
        upload_timestamp=content.last_modified,
        total_records=len(rows),
        refusal=parsed.refusal,
        content_sha256=content.sha256,
        mode=parsed.options.mode,
        on_error=parsed.options.on_error,
    )

    def open_upload(connection: Connection) -> tuple[bool, Upload | None]:
        refusal = _reject_used_session(connection, new) or find_duplicate_upload(connection, new, parsed)
        opening = replace(new, total_records=0, refusal=refusal) if refusal else new
        opened = uploads.open_upload(connection, opening)
        if parsed.detected is not None:
            file_details.save_file_details(connection, upload_id, parsed.detected, parsed.warnings)
        return opened, uploads.get_upload(connection, upload_id)

    opened, upload = ctx.database.run(open_upload)
    failpoint("ingest.history_opened")
    if upload is None:
        raise RuntimeError(f"{upload_id} was opened and does not exist")
    if upload.status is not UploadStatus.PROCESSING:
        return _complete(ctx, upload)
    if len(rows) != upload.total_records:
        raise RuntimeError(f"{upload_id} was opened with {upload.total_records} rows and has another number now")
    # An earlier attempt may have ended at any point: stage the rows without an outcome again.
    waiting = rows if opened else _rows_without_outcome(ctx, rows)
    staging_table.stage_rows(ctx, waiting)
    failpoint("ingest.staged")
    return IngestResult(upload_id, vendor_id, "staged" if opened else "resumed", len(rows), len(waiting))


def parse_upload(
    content: ObjectContent,
    upload_id: str,
    vendor_id: str,
    vendor_status: str,
    *,
    seconds: float = parser_process.WALL_SECONDS,
) -> ParsedUpload:
    """Parse the file of a known vendor without writing anything; used by the dry run too.

    `seconds` limits the time for parsing. Raises ParserFault and ParserTimeout.
    """
    options = parse_upload_options(content.metadata)
    if vendor_status == "suspended":
        reason = "Your account is suspended, so the file was not processed; contact the marketplace"
        return ParsedUpload(Options(), [], FileRejection(RejectionCode.VENDOR_SUSPENDED, reason))
    if isinstance(options, FileRejection):
        return ParsedUpload(Options(), [], options)
    try:
        result = _parse_rows(content, upload_id, vendor_id, options.mode, seconds)
    except TooComplex as error:
        result = FileRejection(
            RejectionCode.TOO_COMPLEX, f"The file takes too much time or memory to read: {error}. {_SIMPLER}"
        )
    if isinstance(result, FileRejection):
        return ParsedUpload(options, [], result)
    return ParsedUpload(options, result.rows, None, result.detected, result.warnings)


def _reject_used_session(connection: Connection, new: uploads.NewUpload) -> FileRejection | None:
    """Return the rejection of a second file of one upload session; the file that is opened first is accepted."""
    key = {"s3_key": to_storable_text(new.s3_key), "s3_version_id": new.s3_version_id}
    connection.execute(query("lock_subject"), {"subject": f"object:{key['s3_key']}"})
    if (found := connection.execute(query("find_other_upload_of_session"), key).fetchone()) is None:
        return None
    return FileRejection(
        RejectionCode.UPLOAD_SESSION_USED,
        f"This upload form takes one file and was used before, by the upload {found[0]}. Create a new "
        "upload session and upload the file with its form",
    )


def find_duplicate_upload(connection: Connection, new: uploads.NewUpload, parsed: ParsedUpload) -> FileRejection | None:
    """Return the rejection of a file whose content the vendor uploaded within the last day, unless it is forced."""
    if parsed.refusal or parsed.options.force:
        return None
    earlier = uploads.find_same_content(connection, new)
    if earlier is None:
        return None
    upload_id, file_name, uploaded_at = earlier
    return FileRejection(
        RejectionCode.ALREADY_UPLOADED,
        f"The same content was uploaded before, as {one_line(file_name)} on {uploaded_at:%Y-%m-%d at %H:%M:%S} UTC: "
        f"see the upload {upload_id}. To process it again, upload it with force",
    )


def _parse_unless_excluded(
    ctx: AppContext,
    source: S3ObjectVersion,
    content: ObjectContent,
    parse: Callable[[], ParsedUpload],
    patience: timedelta,
) -> ParsedUpload:
    """Parse a file unless its name, S3 or too many unsuccessful attempts exclude it. The attempt counts until the
    caller deletes it."""
    refusal = check_file_name(source.file_name) or content.unreadable
    if refusal is None:
        start = partial(
            read_attempts.start_attempt, s3_key=source.key, s3_version_id=source.version_id, patience=patience
        )
        may_read = ctx.database.run(start)
        failpoint("ingest.read_attempt_started")
        if may_read:
            return parse()
        refusal = READING_FAILED
    options = parse_upload_options(content.metadata)
    return ParsedUpload(Options() if isinstance(options, FileRejection) else options, [], refusal)


def _complete(ctx: AppContext, upload: Upload) -> IngestResult:
    """Send the completion of a finished upload; this has no effect if the vendor was notified before."""
    events.send_completions(ctx, [(upload.upload_id, upload.vendor_id)])
    failpoint("ingest.completion_sent")
    outcome = "refused" if upload.failure_code else "finished before"
    return IngestResult(upload.upload_id, upload.vendor_id, outcome)


def _parse_rows(
    content: ObjectContent, upload_id: str, vendor_id: str, mode: Mode, seconds: float
) -> ParsedRows | FileRejection:
    if content.data is None:
        refusal = too_large(content.size)
        assert refusal is not None, "only a file that is too large has no data"  # noqa: S101
        return refusal
    # Whether a row needs the other required columns depends on whether its product exists.
    required = REQUIRED if mode is Mode.CREATE else REQUIRED_TO_CHANGE
    return parser_process.parse_rows(content.data, upload_id, vendor_id, required=required, seconds=seconds)


def _find_upload(ctx: AppContext, source: S3ObjectVersion, last_modified: datetime) -> tuple[str, Upload | None]:
    """Return the object's upload id and its upload if it was opened before. The id is longer if another object of the
    same second has the short one."""
    for digits in (8, 16):
        upload_id = source.upload_id(last_modified, digits)
        holder = ctx.database.run(partial(uploads.get_upload, upload_id=upload_id))
        if holder is None:
            return upload_id, None
        if (holder.s3_key, holder.s3_version_id) == (source.key, source.version_id):
            return upload_id, holder
    raise RuntimeError(f"two uploads of one second share {upload_id}")


def describe_unknown_owner(source: S3ObjectVersion) -> str:
    """Return why an object without a known vendor is quarantined."""
    if source.vendor_id:
        return f"The vendor '{one_line(source.vendor_id)}' is not known"
    shape = f"{PREFIX}<vendor_id>/<file>, with {ENDINGS} at its end and no NUL character"
    return f"The key names no vendor; it must be {shape}"


def _quarantine(ctx: AppContext, source: S3ObjectVersion, reason: str) -> IngestResult:
    def record_and_publish(connection: Connection) -> None:
        # Published within the transaction: if that fails, the record is rolled back and the retry publishes.
        if uploads.quarantine_object(connection, source.key, source.version_id, reason):
            events.publish_quarantine(ctx, source.key, reason)
            failpoint("ingest.quarantine_published")

    ctx.database.run(record_and_publish)
    return IngestResult(None, source.vendor_id, "quarantined")


def _rows_without_outcome(ctx: AppContext, rows: list[Row]) -> list[Row]:
    _, recorded = ctx.database.run(lambda c: uploads.get_recorded_outcomes(c, rows))
    return [row for row in rows if row_key(row) not in recorded]
