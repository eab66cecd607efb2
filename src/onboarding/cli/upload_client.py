"""Client that uploads files to the bucket and waits for their results."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from onboarding.aws.objects import FORBIDDEN_NAME_CHARACTERS, check_file_name
from onboarding.cli.errors import CommandError
from onboarding.cli.output import format_count
from onboarding.cli.target import RunAction
from onboarding.domain.models import Upload, UploadStatus
from onboarding.domain.upload_options import Options
from onboarding.lambda_handlers.admin_queries import upload_from_json
from onboarding.pipeline.ingest import S3ObjectVersion
from onboarding.runtime import AppContext
from onboarding.storage.upload_sessions import PREFIX

EXIT_ALL_VALID, EXIT_FAILED, EXIT_ROWS_REJECTED, EXIT_FILE_REJECTED = 0, 1, 2, 3
"""Exit codes of the commands."""

POLL_SECONDS = 0.1

SLOW_POLL_SECONDS = 2.0
"""On AWS, where each poll calls a function."""


@dataclass(frozen=True, slots=True)
class Submission:
    """File that was uploaded to the bucket. `started` is a time of `time.monotonic`."""

    source: S3ObjectVersion
    last_modified: datetime
    started: float

    @property
    def upload_id(self) -> str:
        return self.source.upload_id(self.last_modified)


@dataclass(frozen=True, slots=True)
class UploadOutcome:
    """Result of a file: a finished upload, or the reason why the file was quarantined.

    `unprocessed` is the number of rows that were not validated, `seconds` the duration since the submission.
    `correction` are sentences about the upload that it corrects.
    """

    submission: Submission
    upload: Upload | None
    quarantined: str | None
    seconds: float
    unprocessed: int = 0
    correction: Sequence[str] = ()

    @property
    def exit_code(self) -> int:
        if self.upload is None or self.upload.failure_code:
            return EXIT_FILE_REJECTED
        if self.unprocessed:
            return EXIT_FAILED
        return EXIT_ROWS_REJECTED if self.upload.error_records else EXIT_ALL_VALID


ProgressCallback = Callable[[Submission, Upload | None], None]
"""Called at every poll with the upload, or None if it is not opened yet."""


def require_valid_name(file: Path) -> None:
    """Raise CommandError for a file name that an upload rejects."""
    if re.search(f"[{FORBIDDEN_NAME_CHARACTERS}]", file.name):
        raise CommandError(f"{file.name!r}: the name has a control character; rename the file")
    rejection = check_file_name(file.name)
    if rejection is not None:
        raise CommandError(rejection.reason)


def check_file(file: Path) -> None:
    """Raise CommandError for a file that cannot be uploaded, OSError if it cannot be read."""
    require_valid_name(file)
    try:
        file.name.encode()
    except UnicodeEncodeError:
        raise CommandError(f"{file.name!r}: the name is not UTF-8, as a key must be; rename the file") from None
    file.open("rb").close()


def check_vendor_id(vendor_id: str) -> None:
    """Raise CommandError for an ID that cannot be part of an object key."""
    if vendor_id in {"", ".", ".."} or "/" in vendor_id or not vendor_id.isprintable():
        raise CommandError(f"'{vendor_id}' cannot be a vendor ID, such as VEND001")


def check_vendor(run_action: RunAction, vendor_id: str) -> None:
    """Raise CommandError for an unknown vendor."""
    if run_action("get_vendor_status", vendor_id=vendor_id)["status"] is None:
        raise CommandError(f"The vendor '{vendor_id}' is not known. See: onboarding vendors list")


def submit_file(ctx: AppContext, file: Path, vendor_id: str, options: Options | None = None) -> Submission:
    """Upload a file to the vendor's prefix of the bucket.

    Raises CommandError for a file that cannot be uploaded, OSError if it cannot be read.
    """
    check_file(file)
    check_vendor_id(vendor_id)
    key = f"{PREFIX}{vendor_id}/{file.name}"
    bucket = ctx.settings.bucket
    with file.open("rb") as content:
        started = time.monotonic()
        metadata = (options or Options()).metadata()
        response = ctx.s3.put_object(Bucket=bucket, Key=key, Body=content, Metadata=metadata)
    version_id = response.get("VersionId", "")
    # The upload ID contains the time at which S3 stored the object.
    version = {"VersionId": version_id} if version_id else {}
    head = ctx.s3.head_object(Bucket=bucket, Key=key, **version)  # type: ignore[arg-type]
    return Submission(S3ObjectVersion(bucket, key, version_id), head["LastModified"], started)


def wait_for_outcomes(
    run_action: RunAction,
    submissions: Sequence[Submission],
    timeout: float,
    progress: ProgressCallback,
    pause: float = POLL_SECONDS,
) -> list[UploadOutcome]:
    """Wait until each file is processed and its vendor notified; return the outcomes in the order of the submissions.

    Raises CommandError with the IDs of the uploads that are not finished after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    outcomes: dict[Submission, UploadOutcome] = {}
    while True:
        pending = [submission for submission in submissions if submission not in outcomes]
        statuses = _get_statuses(run_action, pending)
        for submission, (upload, quarantined, unprocessed, correction) in zip(pending, statuses, strict=True):
            progress(submission, upload)
            if quarantined is not None or (upload is not None and upload.notified_at is not None):
                seconds = time.monotonic() - submission.started
                outcomes[submission] = UploadOutcome(submission, upload, quarantined, seconds, unprocessed, correction)
        if len(outcomes) == len(submissions):
            return [outcomes[submission] for submission in submissions]
        if time.monotonic() > deadline:
            lines = [
                _describe_progress(submission, upload)
                for submission, (upload, *_) in zip(pending, statuses, strict=True)
                if submission not in outcomes
            ]
            raise CommandError(f"Not finished after {timeout:g} s:\n" + "\n".join(lines))
        time.sleep(pause)


def summarize_upload(upload: Upload, seconds: float | None) -> dict[str, object]:
    """Return the fields of an upload for `--json`."""
    return {
        "upload_id": upload.upload_id,
        "status": str(upload.status),
        "total_records": upload.total_records,
        "valid_records": upload.valid_records,
        "error_records": upload.error_records,
        "report_key": upload.error_file_s3_key,
        "seconds": None if seconds is None else round(seconds, 2),
    }


def summarize_submission(submission: Submission, status: str, seconds: float) -> dict[str, object]:
    """Return the fields of `summarize_upload` for a file that is not ingested yet, or quarantined."""
    return {
        "upload_id": submission.upload_id,
        "status": status,
        "total_records": None,
        "valid_records": None,
        "error_records": None,
        "report_key": None,
        "seconds": round(seconds, 2),
    }


ObjectStatus = tuple[Upload | None, str | None, int, Sequence[str]]
"""The upload, if it is opened; the reason of a quarantine; the number of rows that were not validated; sentences about
the upload that it corrects."""


def _get_statuses(run_action: RunAction, submissions: Sequence[Submission]) -> list[ObjectStatus]:
    objects = [
        {
            "s3_key": submission.source.key,
            "s3_version_id": submission.source.version_id,
            # An object has the longer ID if another one of the same second has the short ID.
            "upload_ids": [submission.upload_id, submission.source.upload_id(submission.last_modified, digits=16)],
        }
        for submission in submissions
    ]
    return [
        (
            status["upload"] and upload_from_json(status["upload"]),
            status["quarantined"],
            status["unprocessed"],
            # The previous version of `admin` does not return it.
            status.get("correction", []),
        )
        for status in run_action("get_object_states", objects=objects)["objects"]
    ]


def _describe_progress(submission: Submission, upload: Upload | None) -> str:
    if upload is None:
        return f"{submission.upload_id} ({submission.source.key}) is not ingested yet."
    if upload.status is UploadStatus.PROCESSING:
        processed = upload.valid_records + upload.error_records
        state = f"has {processed:,} of {format_count(upload.total_records, 'row')} done"
    else:
        state = f"is {upload.status}, but its notification has not been sent"
    return f"{upload.upload_id} {state}. It continues. See: onboarding uploads show {upload.upload_id}"
