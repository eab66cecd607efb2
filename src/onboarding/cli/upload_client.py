"""Hands a file to the pipeline as a vendor does, and follows what becomes of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from onboarding.aws.objects import FORBIDDEN_NAME_CHARACTERS, check_file_name
from onboarding.cli.errors import CommandError
from onboarding.cli.target import Ask
from onboarding.domain.models import Upload, UploadStatus
from onboarding.domain.upload_options import Options
from onboarding.lambda_handlers.admin_queries import upload_from_json
from onboarding.pipeline.ingest import PREFIX, S3ObjectVersion
from onboarding.runtime import AppContext

ALL_VALID, OUR_FAULT, SOME_FAILED, REFUSED = 0, 1, 2, 3
"""Exit codes."""

POLL_SECONDS = 0.1

SLOW_POLL_SECONDS = 2.0
"""The same where each look is a call of a function on AWS."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A file that was put into the bucket. `started` is on the clock of `time.monotonic`."""

    source: S3ObjectVersion
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
    if re.search(f"[{FORBIDDEN_NAME_CHARACTERS}]", file.name):
        raise CommandError(f"{file.name!r}: the name has a control character; rename the file")
    refusal = check_file_name(file.name)
    if refusal is not None:
        raise CommandError(refusal.reason)


def check_file(file: Path) -> None:
    """Raise CommandError for a file that nothing would come of, OSError if it cannot be read."""
    check_name(file)
    try:
        file.name.encode()
    except UnicodeEncodeError:
        raise CommandError(f"{file.name!r}: the name is not UTF-8, as a key must be; rename the file") from None
    file.open("rb").close()


def check_vendor_id(vendor_id: str) -> None:
    """Raise CommandError for what cannot be the vendor's part of an object's key."""
    if vendor_id in {"", ".", ".."} or "/" in vendor_id or not vendor_id.isprintable():
        raise CommandError(f"'{vendor_id}' cannot be a vendor's id: name the vendor, such as VEND001")


def check_vendor(ask: Ask, vendor_id: str) -> None:
    """Raise CommandError for a vendor that is not known."""
    if ask("vendor_status", vendor_id=vendor_id)["status"] is None:
        raise CommandError(f"The vendor '{vendor_id}' is not known. See: onboarding vendors list")


def submit(ctx: AppContext, file: Path, vendor_id: str, options: Options | None = None) -> Submission:
    """Put `file` where the vendor's files go, with what is asked for.

    Raises CommandError for a file that nothing would come of, OSError if it cannot be read.
    """
    check_file(file)
    check_vendor_id(vendor_id)
    key = f"{PREFIX}{vendor_id}/{file.name}"
    bucket = ctx.settings.bucket
    with file.open("rb") as content:
        started = time.monotonic()
        metadata = (options or Options()).metadata()
        answer = ctx.s3.put_object(Bucket=bucket, Key=key, Body=content, Metadata=metadata)
    version_id = answer.get("VersionId", "")
    # The upload id holds the time that S3 gave the object, and only S3 can tell it.
    version = {"VersionId": version_id} if version_id else {}
    head = ctx.s3.head_object(Bucket=bucket, Key=key, **version)  # type: ignore[arg-type]
    return Submission(S3ObjectVersion(bucket, key, version_id), head["LastModified"], started)


def follow(
    ask: Ask, submissions: Sequence[Submission], timeout: float, progress: Progress, pause: float = POLL_SECONDS
) -> list[Outcome]:
    """Wait until each file's result has been published; the outcomes are in the order given.

    Raises CommandError, with the upload ids, for what is not finished `timeout` seconds after this was called.
    """
    deadline = time.monotonic() + timeout
    outcomes: dict[Submission, Outcome] = {}
    while True:
        pending = [submission for submission in submissions if submission not in outcomes]
        looks = _look(ask, pending)
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
        time.sleep(pause)


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


def _look(ask: Ask, submissions: Sequence[Submission]) -> list[Look]:
    objects = [
        {
            "s3_key": submission.source.key,
            "s3_version_id": submission.source.version_id,
            # The longer id is for the case that another object of the same second has the short one.
            "upload_ids": [submission.upload_id, submission.source.upload_id(submission.last_modified, digits=16)],
        }
        for submission in submissions
    ]
    return [
        (look["upload"] and upload_from_json(look["upload"]), look["quarantined"], look["unprocessed"])
        for look in ask("look_at_objects", objects=objects)["looks"]
    ]


def _lateness(submission: Submission, upload: Upload | None) -> str:
    if upload is None:
        return f"{submission.upload_id} ({submission.source.key}) has not been taken in yet."
    if upload.status is UploadStatus.PROCESSING:
        judged = upload.valid_records + upload.error_records
        state = f"has {judged:,} of {upload.total_records:,} rows done"
    else:
        state = f"is {upload.status}, but its result has not been published"
    return f"{upload.upload_id} {state}. It goes on; look again with: onboarding uploads show {upload.upload_id}"
