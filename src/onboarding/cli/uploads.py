"""`onboarding upload`, `onboarding uploads` and `onboarding report`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from onboarding.cli import upload_client
from onboarding.cli.errors import CommandError
from onboarding.cli.options import ForceOption, Json, ModeOption, OnErrorOption, State
from onboarding.cli.output import Column, console, say, say_json, shown, table
from onboarding.cli.target import asking, on_aws
from onboarding.cli.upload_client import (
    POLL_SECONDS,
    SLOW_POLL_SECONDS,
    Outcome,
    Submission,
    check_file,
    check_vendor,
    check_vendor_id,
    follow,
    submit,
    summary,
    summary_without_history,
)
from onboarding.domain.models import Mode, OnError, Upload, UploadStatus
from onboarding.domain.upload_options import Options
from onboarding.lambda_handlers.admin_queries import upload_from_json

TIMEOUT = 600
PAGE = 500
"""Uploads of one answer, which on AWS has to fit into 6 MB."""

TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]

app = typer.Typer(no_args_is_help=True, help="The history of uploads.")

UploadId = Annotated[str, typer.Argument(metavar="UPLOAD_ID")]


def upload(
    file: Annotated[Path, typer.Argument(help="The CSV file.")],
    vendor: Annotated[str, typer.Option(help="Whose file it is, such as VEND001.")],
    *,
    mode: ModeOption = Mode.CREATE,
    on_error: OnErrorOption = OnError.REJECT_ROWS,
    force: ForceOption = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is finished and the vendor was told.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait at most.")] = TIMEOUT,
    as_json: Json = False,
    state: State = None,
) -> None:
    """Upload a vendor's CSV file.

    With --wait, ends with 0 when every row is valid, 2 when some failed, 3 when the file was refused, and 1 when the
    fault is not the file's.
    """
    with asking(state) as (ctx, ask):
        check_vendor_id(vendor)
        check_file(file)
        if wait or not on_aws(state):
            # Before the file is there: nothing comes of a file of nobody's, and without answers there is no waiting.
            # On AWS a caller who does not wait may have no right to ask.
            check_vendor(ask, vendor)
        submission = submit(ctx, file, vendor, Options(mode, on_error, force))
        if not wait:
            _say_submitted(submission, as_json=as_json)
            return
        with progress_bars(console(stderr=True), [submission]) as progress:
            pause = SLOW_POLL_SECONDS if on_aws(state) else POLL_SECONDS
            [outcome] = follow(ask, [submission], timeout, progress, pause)
    if as_json:
        say_json(_summary(outcome))
    for line in _verdict(outcome):
        # The program reads the object, the person beside it the reason.
        say(line, stderr=as_json)
    raise typer.Exit(outcome.exit_code)


@app.command("list")
def list_uploads(
    *,
    vendor: Annotated[str | None, typer.Option(help="Only this vendor's.")] = None,
    status: Annotated[UploadStatus | None, typer.Option(help="Only those that stand so.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=TIME_FORMATS, help="From this time (UTC) on.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=TIME_FORMATS, help="Before this time (UTC).")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Json = False,
    state: State = None,
) -> None:
    """List uploads, the newest first."""
    filters = {"vendor_id": vendor, "status": status, "since": _utc(since), "until": _utc(until)}
    found: list[Upload] = []
    with asking(state) as (_, ask):
        while len(found) < limit:
            before = [found[-1].upload_timestamp.isoformat(), found[-1].upload_id] if found else None
            page = ask("list_uploads", **filters, before=before, limit=min(PAGE, limit - len(found)))["uploads"]
            found += map(upload_from_json, page)
            if len(page) < PAGE:
                break
    if as_json:
        say_json({"uploads": [described(upload) for upload in found]})
    elif found:
        console().print(upload_table(found))
    else:
        say("No upload fits." if vendor or status or since or until else "There is no upload yet.")


def report(
    upload_id: UploadId,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where to write it, if not here.")] = None,
    *,
    fix: Annotated[bool, typer.Option("--fix", help="The rejected rows themselves, to mend and upload again.")] = False,
    state: State = None,
) -> None:
    """Fetch the error report of an upload, or its fix file."""
    with asking(state) as (ctx, ask):
        found = upload_in(ask("describe_upload", upload_id=upload_id), upload_id)
        key = found.fix_file_s3_key if fix else found.error_file_s3_key
        if key is None:
            raise CommandError(_why_no_report(found))
        answer = ctx.s3.get_object(Bucket=ctx.settings.bucket, Key=key)
        with answer["Body"] as body:
            content = body.read()
    if output is not None:
        output.write_bytes(content)
        say(f"{key} is in {output}.", stderr=True)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def upload_table(uploads: Sequence[Upload]) -> Table:
    """Uploads as the list shows them. The time is in the id."""
    columns = (
        Column("Upload"),
        Column("Vendor"),
        Column("File", folds=True),
        Column("Status"),
        *(Column(title, "right") for title in ("Rows", "Valid", "Errors")),
    )
    rows = [
        (u.upload_id, u.vendor_id, u.file_name, u.status, u.total_records, u.valid_records, u.error_records)
        for u in uploads
    ]
    return table(columns, rows)


@contextmanager
def progress_bars(where: Console, submissions: Sequence[Submission]) -> Iterator[upload_client.Progress]:
    """A bar of rows done for each file; yields what moves them."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
    )
    # Without a thread of its own, which a signal's exception in this one could leave waiting.
    with Progress(*columns, console=where, auto_refresh=False) as bars:
        tasks = {s: bars.add_task(shown(s.source.key.rsplit("/", 1)[-1]), total=None) for s in submissions}

        def moved(submission: Submission, upload: Upload | None) -> None:
            if upload is not None and not upload.failure_code:
                judged = upload.valid_records + upload.error_records
                bars.update(tasks[submission], total=upload.total_records, completed=judged)
            bars.refresh()

        try:
            yield moved
        finally:
            # A refused file has no rows, and no bar to be left behind.
            for task in bars.tasks:
                bars.update(task.id, visible=task.total is not None)


def _say_submitted(submission: Submission, *, as_json: bool) -> None:
    if as_json:
        seconds = time.monotonic() - submission.started
        say_json(summary_without_history(submission, str(UploadStatus.PROCESSING), seconds))
        return
    say(f"{submission.source.key} is in the bucket.")
    say(f"Upload ID: {submission.upload_id}")
    say(f"See how it goes with: onboarding uploads show {submission.upload_id}")


def _summary(outcome: Outcome) -> dict[str, object]:
    if outcome.upload is None:
        # No upload has that id, and none will.
        return {**summary_without_history(outcome.submission, "quarantined", outcome.seconds), "upload_id": None}
    return summary(outcome.upload, outcome.seconds)


def _verdict(outcome: Outcome) -> Iterator[str]:
    upload = outcome.upload
    if upload is None:
        yield f"Refused: {outcome.quarantined}. The file was set aside, and the operators were told."
        return
    yield f"Upload ID: {upload.upload_id}"
    if upload.failure_code:
        yield f"Refused: {upload.failure_reason} ({upload.failure_code})"
        return
    yield (
        f"{upload.status.capitalize()} in {outcome.seconds:.1f} s: {upload.valid_records:,} of "
        f"{upload.total_records:,} rows are in the catalog, {upload.error_records:,} failed."
    )
    if outcome.unprocessed:
        rows = f"{outcome.unprocessed:,} of its rows could not be processed"
        yield f"By no fault of the file's, {rows}: upload those again."
    if upload.error_records:
        yield f"What to fix: onboarding report {upload.upload_id}"
        if upload.fix_file_s3_key:
            yield f"Your rows to mend and upload again: onboarding report --fix {upload.upload_id}"


def described(upload: Upload) -> dict[str, object]:
    """An upload as `list` and `show` print it for programs."""
    finished = upload.processing_completed_at
    return {
        **summary(upload, (finished - upload.processing_started_at).total_seconds() if finished else None),
        "vendor_id": upload.vendor_id,
        "file_name": upload.file_name,
        "failure_code": upload.failure_code,
        "failure_reason": upload.failure_reason,
        "uploaded_at": upload.upload_timestamp.isoformat(),
        "finished_at": finished.isoformat() if finished else None,
        "notified_at": upload.notified_at.isoformat() if upload.notified_at else None,
        "fix_file_key": upload.fix_file_s3_key,
        "mode": str(upload.mode),
        "on_error": str(upload.on_error),
        "created_records": upload.created_records,
        "updated_records": upload.updated_records,
        "unchanged_records": upload.unchanged_records,
        "undone_at": upload.undone_at.isoformat() if upload.undone_at else None,
    }


def upload_in(answer: Mapping[str, Any], upload_id: str) -> Upload:
    """The upload that an answer describes. Raises CommandError if there is none."""
    if answer["upload"] is None:
        raise CommandError(f"There is no upload {upload_id}. See: onboarding uploads list")
    return upload_from_json(answer["upload"])


def _why_no_report(upload: Upload) -> str:
    if upload.failure_code:
        return f"{upload.upload_id} has no report: the file was refused. {upload.failure_reason}"
    if upload.status is UploadStatus.PROCESSING or (upload.error_records and upload.notified_at is None):
        return f"{upload.upload_id} has no report yet: it is not finished."
    return f"{upload.upload_id} has no report: every row is valid."


def _utc(time: datetime | None) -> str | None:
    return time.replace(tzinfo=UTC).isoformat() if time else None


def utc_time(time: datetime | None) -> str | None:
    """A time as a person reads it."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else None
