"""Hands a file to the pipeline as a vendor does, and follows what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from onboarding import ledger
from onboarding.cli.failures import CommandError
from onboarding.context import Context
from onboarding.database import Connection
from onboarding.intake import PREFIX, Object
from onboarding.model import Upload, UploadStatus
from onboarding.objects import wrong_name
from onboarding.options import Options
from onboarding.sql import statement

ALL_VALID, OUR_FAULT, SOME_FAILED, REFUSED = 0, 1, 2, 3
"""Exit codes."""

POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Submission:
    """A file that was put into the bucket. `started` is on the clock of `time.monotonic`."""

    source: Object
    last_modified: datetime
    started: float

    @property
    def upload_id(self) -> str:
        return self.source.upload_id(self.last_modified)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: an upload whose result was published, or the reason why it belongs to nobody.

    `unprocessed` counts the rows that were ended without having been judged.
    """

    submission: Submission
    upload: Upload | None
    quarantined: str | None
    seconds: float
    unprocessed: int = 0

    @property
    def exit_code(self) -> int:
        if self.upload is None or self.upload.failure_code:
            return REFUSED
        if self.unprocessed:
            return OUR_FAULT
        return SOME_FAILED if self.upload.error_records else ALL_VALID


Progress = Callable[[Submission, Upload | None], None]
"""Called at every look with an upload as it stands; with None for a file that no upload was opened for."""


def check_name(file: Path) -> None:
    """Raise CommandError for a file whose name an upload would be refused for."""
    refusal = wrong_name(file.name)
    if refusal is not None:
        raise CommandError(refusal.reason)


def submit(ctx: Context, file: Path, vendor_id: str, options: Options | None = None) -> Submission:
    """Put `file` where the vendor's files go, with what is asked for.

    Raises CommandError for a file that nothing would come of, OSError if it cannot be read.
    """
    check_name(file)
    if not vendor_id or "/" in vendor_id:
        raise CommandError(f"'{vendor_id}' cannot be a vendor's id")
    key = f"{PREFIX}{vendor_id}/{file.name}"
    try:
        key.encode()
    except UnicodeEncodeError:
        raise CommandError(f"{file.name!r}: the name is not UTF-8, as a key must be; rename the file") from None
    bucket = ctx.settings.bucket
    with file.open("rb") as content:
        started = time.monotonic()
        metadata = (options or Options()).metadata()
        answer = ctx.s3.put_object(Bucket=bucket, Key=key, Body=content, Metadata=metadata)
    version_id = answer.get("VersionId", "")
    # The upload id holds the time that S3 gave the object, and only S3 can tell it.
    version = {"VersionId": version_id} if version_id else {}
    head = ctx.s3.head_object(Bucket=bucket, Key=key, **version)  # type: ignore[arg-type]
    return Submission(Object(bucket, key, version_id), head["LastModified"], started)


def follow(ctx: Context, submissions: Sequence[Submission], timeout: float, progress: Progress) -> list[Outcome]:
    """Wait until each file's result has been published; the outcomes are in the order given.

    Raises CommandError, with the upload ids, for what is not finished `timeout` seconds after this was called.
    """
    deadline = time.monotonic() + timeout
    outcomes: dict[Submission, Outcome] = {}
    while True:
        pending = [submission for submission in submissions if submission not in outcomes]
        looks = _look(ctx, pending)
        for submission, (upload, quarantined, unprocessed) in zip(pending, looks, strict=True):
            progress(submission, upload)
            if quarantined is not None or (upload is not None and upload.notified_at is not None):
                seconds = time.monotonic() - submission.started
                outcomes[submission] = Outcome(submission, upload, quarantined, seconds, unprocessed)
        if len(outcomes) == len(submissions):
            return [outcomes[submission] for submission in submissions]
        if time.monotonic() > deadline:
            late = [
                _lateness(submission, upload)
                for submission, (upload, *_) in zip(pending, looks, strict=True)
                if submission not in outcomes
            ]
            raise CommandError(f"Not finished after {timeout:g} s:\n" + "\n".join(late))
        time.sleep(POLL_SECONDS)


def summary(upload: Upload, seconds: float | None) -> dict[str, object]:
    """An upload as `--json` prints it."""
    return {
        "upload_id": upload.upload_id,
        "status": str(upload.status),
        "total_records": upload.total_records,
        "valid_records": upload.valid_records,
        "error_records": upload.error_records,
        "report_key": upload.error_file_s3_key,
        "seconds": None if seconds is None else round(seconds, 2),
    }


def summary_without_history(submission: Submission, status: str, seconds: float) -> dict[str, object]:
    """The same for a file of which the history says nothing: it has not been looked at yet, or it is nobody's."""
    return {
        "upload_id": submission.upload_id,
        "status": status,
        "total_records": None,
        "valid_records": None,
        "error_records": None,
        "report_key": None,
        "seconds": round(seconds, 2),
    }


Look = tuple[Upload | None, str | None, int]
"""An upload, if it was opened; why the file was set aside, if it was; how many rows were ended unjudged."""


def _look(ctx: Context, submissions: Sequence[Submission]) -> list[Look]:
    def look(connection: Connection) -> list[Look]:
        found: list[Look] = []
        for submission in submissions:
            upload = _upload_of(connection, submission)
            source = submission.source
            reason = None if upload else ledger.quarantine_reason(connection, source.key, source.version_id)
            unprocessed = _unprocessed(connection, upload.upload_id) if upload and upload.notified_at else 0
            found.append((upload, reason, unprocessed))
        return found

    return ctx.database.run(look)


def _unprocessed(connection: Connection, upload_id: str) -> int:
    [(rows,)] = connection.execute(statement("unprocessed_rows"), {"upload_id": upload_id}).fetchall()
    return int(rows)


def _upload_of(connection: Connection, submission: Submission) -> Upload | None:
    source = submission.source
    # The longer id is for the case that another object of the same second has the short one.
    for upload_id in (submission.upload_id, source.upload_id(submission.last_modified, digits=16)):
        upload = ledger.upload(connection, upload_id)
        if upload is not None and (upload.s3_key, upload.s3_version_id) == (source.key, source.version_id):
            return upload
    return None


def _lateness(submission: Submission, upload: Upload | None) -> str:
    if upload is None:
        return f"{submission.upload_id} ({submission.source.key}) has not been taken in yet."
    if upload.status is UploadStatus.PROCESSING:
        judged = upload.valid_records + upload.error_records
        state = f"has {judged:,} of {upload.total_records:,} rows done"
    else:
        state = f"is {upload.status}, but its result has not been published"
    return f"{upload.upload_id} {state}. It goes on; look again with: onboarding uploads show {upload.upload_id}"
