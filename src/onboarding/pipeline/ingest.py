"""What csv-parser does: an object that S3 announced to an upload with staged rows, or to a reason why not.

The whole file is read before anything is written, and the upload is opened with its final number of rows.
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
from onboarding.domain.models import Mode, Row, Upload, UploadStatus
from onboarding.domain.product_schema import REQUIRED, REQUIRED_TO_CHANGE
from onboarding.domain.upload_options import Options, options_of
from onboarding.failpoints import failpoint
from onboarding.files.models import FileDetails, FileRejection, FileWarning, one_line
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
    def announced(cls, record: dict[str, Any]) -> S3ObjectVersion:
        """The object of one record of an S3 event; keys come there as in a URL, with `+` for a space."""
        described = record["s3"]["object"]
        return cls(record["s3"]["bucket"]["name"], unquote_plus(described["key"]), described.get("versionId", ""))

    @property
    def vendor_id(self) -> str | None:
        """The key's second segment: who may write there is what the bucket's policies decide, not the file's name.

        None for a key that names nobody, or that has the one character that the history cannot hold.
        """
        segments = self.key.split("/")
        names_one = len(segments) > 2 and segments[1] and self.key.startswith(PREFIX) and "\0" not in self.key
        return segments[1] if names_one else None

    @property
    def file_name(self) -> str:
        return self.key.rsplit("/", 1)[-1]

    def upload_id(self, last_modified: datetime, digits: int = 8) -> str:
        """The same for the same version of the same object, whoever asks and however often."""
        digest = sha256("\n".join((self.bucket, self.key, self.version_id)).encode()).hexdigest()
        return f"UPLOAD_{last_modified:%Y%m%d_%H%M%S}_{digest[:digits]}"


@dataclass(frozen=True, slots=True)
class ParsedUpload:
    """What a file comes to by itself: what is asked for, and its rows or why it is refused."""

    options: Options
    rows: list[Row]
    refusal: FileRejection | None
    detected: FileDetails | None = None
    warnings: Sequence[FileWarning] = ()


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of an announced object. `upload_id` is None for one that has none: no vendor owns it, it is gone, or
    it is a folder marker."""

    upload_id: str | None
    vendor_id: str | None
    outcome: str
    rows: int = 0
    staged: int = 0


def ingest_object(
    ctx: AppContext, source: S3ObjectVersion, *, patience: timedelta = read_attempts.FUNCTION_TIMEOUT
) -> IngestResult:
    """Take in one object. To do it again changes nothing that was done, and finishes what was not.

    `patience` is how long another attempt to read the object may still be running. Raises what the infrastructure and
    the child process raised: then the event is to come again.
    """
    # It gets ready while S3 and the database answer.
    parser_process.ensure_child()
    try:
        content = read_object(ctx, source.bucket, source.key, source.version_id)
    except UnreadableObject as error:
        return _quarantine(ctx, source, str(error))
    if content is None:
        # Versions do not vanish by themselves: somebody removed it, and with it the wish to have it taken in.
        ctx.database.run(partial(read_attempts.delete_attempts, s3_key=source.key, s3_version_id=source.version_id))
        return IngestResult(None, source.vendor_id, "gone")
    if is_folder_marker(source.key, content.size):
        return IngestResult(None, source.vendor_id, "ignored")
    vendor_id = source.vendor_id
    vendor_status = ctx.database.run(lambda c: uploads.get_vendor_status(c, vendor_id)) if vendor_id else None
    if vendor_id is None or vendor_status is None:
        return _quarantine(ctx, source, describe_unknown_owner(source))

    upload_id, existing = _upload_id(ctx, source, content.last_modified)
    if existing is not None and existing.status is not UploadStatus.PROCESSING:
        return _complete(ctx, existing)
    # A vendor who is suspended meanwhile keeps what was begun: its outcomes are owed.
    status = vendor_status if existing is None else "active"
    examined = _examined(ctx, source, content, partial(parse_upload, content, upload_id, vendor_id, status), patience)
    if existing is not None and examined.refusal and examined.refusal in (READING_FAILED, content.unreadable):
        return IngestResult(upload_id, vendor_id, "unreadable")
    if existing is not None and examined.refusal is not None:
        raise RuntimeError(f"{upload_id} was opened before and is refused now: {examined.refusal.code}")
    if examined.refusal != READING_FAILED:
        ctx.database.run(partial(read_attempts.delete_attempts, s3_key=source.key, s3_version_id=source.version_id))
        failpoint("ingest.read_attempts_deleted")
    rows = examined.rows
    new = uploads.NewUpload(
        upload_id=upload_id,
        vendor_id=vendor_id,
        file_name=source.file_name,
        s3_key=source.key,
        s3_version_id=source.version_id,
        file_size_bytes=content.size,
        upload_timestamp=content.last_modified,
        total_records=len(rows),
        refusal=examined.refusal,
        content_sha256=content.sha256,
        mode=examined.options.mode,
        on_error=examined.options.on_error,
    )

    def open_upload(connection: Connection) -> tuple[bool, Upload | None]:
        refusal = _ticket_used(connection, new) or find_duplicate_upload(connection, new, examined)
        opening = replace(new, total_records=0, refusal=refusal) if refusal else new
        opened = uploads.open_upload(connection, opening)
        if examined.detected is not None:
            file_details.save_file_details(connection, upload_id, examined.detected, examined.warnings)
        return opened, uploads.get_upload(connection, upload_id)

    opened, upload = ctx.database.run(open_upload)
    failpoint("ingest.history_opened")
    if upload is None:
        raise RuntimeError(f"{upload_id} was opened and is not there")
    if upload.status is not UploadStatus.PROCESSING:
        return _complete(ctx, upload)
    if len(rows) != upload.total_records:
        raise RuntimeError(f"{upload_id} was opened with {upload.total_records} rows and reads otherwise now")
    # An earlier attempt may have died anywhere: rows without an outcome are staged again.
    waiting = rows if opened else _unjudged(ctx, rows)
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
    """Read a file as the upload of a vendor who is known. Writes nothing; a dry run does the same.

    `seconds` is how long reading may take. Raises ParserFault and ParserTimeout.
    """
    options = options_of(content.metadata)
    if vendor_status == "suspended":
        reason = "Your account is suspended, so the file was not taken in; contact the marketplace"
        return ParsedUpload(Options(), [], FileRejection(RejectionCode.VENDOR_SUSPENDED, reason))
    if isinstance(options, FileRejection):
        return ParsedUpload(Options(), [], options)
    try:
        parsed = _parsed(content, upload_id, vendor_id, options.mode, seconds)
    except TooComplex as error:
        parsed = FileRejection(
            RejectionCode.TOO_COMPLEX, f"The file takes too much time or memory to read: {error}. {_SIMPLER}"
        )
    if isinstance(parsed, FileRejection):
        return ParsedUpload(options, [], parsed)
    return ParsedUpload(options, parsed.rows, None, parsed.detected, parsed.warnings)


def _ticket_used(connection: Connection, new: uploads.NewUpload) -> FileRejection | None:
    """The refusal of a second file in the place of one ticket. The first one of them to be opened counts."""
    key = {"s3_key": to_storable_text(new.s3_key), "s3_version_id": new.s3_version_id}
    connection.execute(query("lock_subject"), {"subject": f"object:{key['s3_key']}"})
    if (found := connection.execute(query("find_other_upload_of_session"), key).fetchone()) is None:
        return None
    return FileRejection(
        RejectionCode.TICKET_USED,
        f"This upload form takes one file and was used before, by the upload {found[0]}. Ask for a new form (a new "
        "ticket) and upload the file with that",
    )


def find_duplicate_upload(
    connection: Connection, new: uploads.NewUpload, examined: ParsedUpload
) -> FileRejection | None:
    """The refusal of a file that the same vendor gave us within a day, unless that is meant."""
    if examined.refusal or examined.options.force:
        return None
    earlier = uploads.find_same_content(connection, new)
    if earlier is None:
        return None
    upload_id, file_name, uploaded_at = earlier
    return FileRejection(
        RejectionCode.ALREADY_UPLOADED,
        f"The same content was uploaded before, as {one_line(file_name)} on {uploaded_at:%Y-%m-%d at %H:%M:%S} UTC: "
        f"see the upload {upload_id}. To have it taken in once more, upload it with force",
    )


def _examined(
    ctx: AppContext,
    source: S3ObjectVersion,
    content: ObjectContent,
    examine_it: Callable[[], ParsedUpload],
    patience: timedelta,
) -> ParsedUpload:
    """Examine a file, unless its name, S3 or too many attempts rule it out; the caller ends the counted attempt."""
    refusal = check_file_name(source.file_name) or content.unreadable
    if refusal is None:
        begin = partial(
            read_attempts.start_attempt, s3_key=source.key, s3_version_id=source.version_id, patience=patience
        )
        may_read = ctx.database.run(begin)
        failpoint("ingest.read_attempt_started")
        if may_read:
            return examine_it()
        refusal = READING_FAILED
    options = options_of(content.metadata)
    return ParsedUpload(Options() if isinstance(options, FileRejection) else options, [], refusal)


def _complete(ctx: AppContext, upload: Upload) -> IngestResult:
    """Have the result of a finished upload announced, unless that was done."""
    events.send_completions(ctx, [(upload.upload_id, upload.vendor_id)])
    failpoint("ingest.completion_sent")
    outcome = "refused" if upload.failure_code else "finished before"
    return IngestResult(upload.upload_id, upload.vendor_id, outcome)


def _parsed(
    content: ObjectContent, upload_id: str, vendor_id: str, mode: Mode, seconds: float
) -> ParsedRows | FileRejection:
    if content.data is None:
        refusal = too_large(content.size)
        assert refusal is not None, "only a file that is too large goes unread"  # noqa: S101
        return refusal
    # Which of the others a row needs depends on whether its product is there.
    required = REQUIRED if mode is Mode.CREATE else REQUIRED_TO_CHANGE
    return parser_process.parse_rows(content.data, upload_id, vendor_id, required=required, seconds=seconds)


def _upload_id(ctx: AppContext, source: S3ObjectVersion, last_modified: datetime) -> tuple[str, Upload | None]:
    """The object's upload id (a longer one, should another object of the same second have the short one), and its
    upload if that was opened before."""
    for digits in (8, 16):
        upload_id = source.upload_id(last_modified, digits)
        holder = ctx.database.run(partial(uploads.get_upload, upload_id=upload_id))
        if holder is None:
            return upload_id, None
        if (holder.s3_key, holder.s3_version_id) == (source.key, source.version_id):
            return upload_id, holder
    raise RuntimeError(f"two uploads of one second share {upload_id}")


def describe_unknown_owner(source: S3ObjectVersion) -> str:
    """Why an object is quarantined."""
    if source.vendor_id:
        return f"The vendor '{one_line(source.vendor_id)}' is not known"
    shape = f"{PREFIX}<vendor_id>/<file>, with {ENDINGS} at its end and no NUL character"
    return f"The key names no vendor; it must be {shape}"


def _quarantine(ctx: AppContext, source: S3ObjectVersion, reason: str) -> IngestResult:
    def note_and_tell(connection: Connection) -> None:
        # Published inside the transaction: if that fails, the note goes too, and the retry tells.
        if uploads.quarantine_object(connection, source.key, source.version_id, reason):
            events.publish_quarantine(ctx, source.key, reason)
            failpoint("ingest.quarantine_published")

    ctx.database.run(note_and_tell)
    return IngestResult(None, source.vendor_id, "quarantined")


def _unjudged(ctx: AppContext, rows: list[Row]) -> list[Row]:
    _, judged = ctx.database.run(lambda c: uploads.get_recorded_outcomes(c, rows))
    return [row for row in rows if row_key(row) not in judged]
