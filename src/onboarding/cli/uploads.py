"""Upload commands: `onboarding upload` and `onboarding uploads list`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from onboarding.cli import upload_client
from onboarding.cli.errors import CommandError
from onboarding.cli.mapping_options import (
    MapOption,
    MappingOption,
    MapValueOption,
    parse_options,
    store_mapping,
)
from onboarding.cli.options import ForceOption, Json, ModeOption, OnErrorOption, State
from onboarding.cli.output import (
    Column,
    format_count,
    make_console,
    print_json,
    print_line,
    print_table,
    replace_control_characters,
)
from onboarding.cli.target import connect_admin, is_on_aws
from onboarding.cli.upload_client import (
    POLL_SECONDS,
    SLOW_POLL_SECONDS,
    Submission,
    UploadOutcome,
    check_file,
    check_vendor,
    check_vendor_id,
    submit_file,
    summarize_submission,
    summarize_upload,
    wait_for_outcomes,
)
from onboarding.domain.models import Mode, OnError, Upload, UploadStatus
from onboarding.domain.upload_options import Options
from onboarding.lambda_handlers.admin_queries import upload_from_json

TIMEOUT = 600
"""Default seconds to wait for a result."""

PAGE_SIZE = 500
"""Uploads in one response, which on AWS must not exceed 6 MB."""

TIME_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]

app = typer.Typer(no_args_is_help=True, help="History of uploads.")

UploadId = Annotated[str, typer.Argument(metavar="UPLOAD_ID", help="Upload ID; see `onboarding uploads list`.")]


def upload(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Product file.")],
    vendor: Annotated[str, typer.Option(help="Vendor ID, such as VEND001.")],
    *,
    mode: ModeOption = Mode.CREATE,
    on_error: OnErrorOption = OnError.REJECT_ROWS,
    force: ForceOption = False,
    columns: MapOption = None,
    values: MapValueOption = None,
    mapping: MappingOption = None,
    save_mapping: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Remember --map for files with the same headers, and --map-value for all files."
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the result and the notification.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Maximum number of seconds to wait.")] = TIMEOUT,
    as_json: Json = False,
    state: State = None,
) -> None:
    """Upload a product file.

    With --wait the exit code is 0 if every row is valid, 2 if rows are rejected, 3 if the file is rejected, and 1 for
    other errors.
    """
    changes = parse_options(columns, values)
    if save_mapping is not None and not columns:
        raise CommandError("--save-mapping needs --map. To remember values only: onboarding mappings values set")
    with connect_admin(state) as (ctx, run_action):
        check_vendor_id(vendor)
        check_file(file)
        if wait or not is_on_aws(state):
            # Before the upload: the file of an unknown vendor is quarantined. On AWS a user who does not wait may lack
            # the permission to call `admin`.
            check_vendor(run_action, vendor)
        if changes is not None:
            mapping = store_mapping(run_action, changes, mapping, file=file, vendor_id=vendor, name=save_mapping)
        submission = submit_file(ctx, file, vendor, Options(mode, on_error, force, mapping))
        if not wait:
            _print_submission(submission, as_json=as_json)
            return
        with progress_bars(make_console(stderr=True), [submission]) as progress:
            pause = SLOW_POLL_SECONDS if is_on_aws(state) else POLL_SECONDS
            [outcome] = wait_for_outcomes(run_action, [submission], timeout, progress, pause)
    if as_json:
        print_json(_outcome_as_json(outcome))
    for line in _describe_outcome(outcome):
        # With --json stdout has only the object.
        print_line(line, stderr=as_json)
    raise typer.Exit(outcome.exit_code)


@app.command("list")
def list_uploads(
    *,
    vendor: Annotated[str | None, typer.Option(help="Uploads of this vendor.")] = None,
    status: Annotated[UploadStatus | None, typer.Option(help="Uploads with this status.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=TIME_FORMATS, help="Uploads from this time (UTC).")] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=TIME_FORMATS, help="Uploads before this time (UTC).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of uploads.")] = 20,
    as_json: Json = False,
    state: State = None,
) -> None:
    """List uploads, the newest first."""
    filters = {"vendor_id": vendor, "status": status, "since": _as_utc(since), "until": _as_utc(until)}
    uploads: list[Upload] = []
    with connect_admin(state) as (_, run_action):
        while len(uploads) < limit:
            before = [uploads[-1].upload_timestamp.isoformat(), uploads[-1].upload_id] if uploads else None
            page = run_action("list_uploads", **filters, before=before, limit=min(PAGE_SIZE, limit - len(uploads)))[
                "uploads"
            ]
            uploads += map(upload_from_json, page)
            if len(page) < PAGE_SIZE:
                break
    if as_json:
        print_json({"uploads": [upload_as_json(upload) for upload in uploads]})
    elif uploads:
        print_upload_table(uploads)
    else:
        print_line("No upload matches." if vendor or status or since or until else "There are no uploads.")


def print_upload_table(uploads: Sequence[Upload]) -> None:
    """Print a table of uploads, without their time, which is part of the ID."""
    columns = (
        Column("Upload"),
        Column("Vendor"),
        Column("File", wraps=True),
        Column("Status"),
        *(Column(title, "right") for title in ("Rows", "Valid", "Errors")),
    )
    rows = [
        (u.upload_id, u.vendor_id, _describe_file(u), u.status, u.total_records, u.valid_records, u.error_records)
        for u in uploads
    ]
    # The previous version of `admin` does not return the numbers of fixed rows.
    if any(u.fixed_records for u in uploads):
        fixed_rows = [(*row, u.fixed_records) for row, u in zip(rows, uploads, strict=True)]
        print_table((*columns, Column("Fixed", "right")), fixed_rows)
    else:
        print_table(columns, rows)


def _describe_file(upload: Upload) -> str:
    return f"{upload.file_name} (corrects {upload.parent_file_name})" if upload.parent_file_name else upload.file_name


@contextmanager
def progress_bars(target: Console, submissions: Sequence[Submission]) -> Iterator[upload_client.ProgressCallback]:
    """Show a progress bar of the processed rows for each file, and yield the function that updates it."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
    )
    # Without a refresh thread: an exception that a signal raises in this thread could leave the other one waiting.
    with Progress(*columns, console=target, auto_refresh=False) as bars:
        tasks = {
            s: bars.add_task(replace_control_characters(s.source.key.rsplit("/", 1)[-1]), total=None)
            for s in submissions
        }

        def update(submission: Submission, upload: Upload | None) -> None:
            if upload is not None and not upload.failure_code:
                processed = upload.valid_records + upload.error_records
                bars.update(tasks[submission], total=upload.total_records, completed=processed)
            bars.refresh()

        try:
            yield update
        finally:
            # A rejected file has no rows: hide its bar.
            for task in bars.tasks:
                bars.update(task.id, visible=task.total is not None)


def _print_submission(submission: Submission, *, as_json: bool) -> None:
    if as_json:
        seconds = time.monotonic() - submission.started
        print_json(summarize_submission(submission, str(UploadStatus.PROCESSING), seconds))
        return
    print_line(f"Uploaded {submission.source.key}.")
    print_line(f"Upload ID: {submission.upload_id}")
    print_line(f"See its progress with: onboarding uploads show {submission.upload_id}")


def _outcome_as_json(outcome: UploadOutcome) -> dict[str, object]:
    if outcome.upload is None:
        # No upload will have this ID.
        return {**summarize_submission(outcome.submission, "quarantined", outcome.seconds), "upload_id": None}
    return summarize_upload(outcome.upload, outcome.seconds)


def _describe_outcome(outcome: UploadOutcome) -> Iterator[str]:
    upload = outcome.upload
    if upload is None:
        yield f"Rejected: {outcome.quarantined}. The file was quarantined, and operators were notified."
        return
    yield f"Upload ID: {upload.upload_id}"
    if upload.failure_code:
        yield f"Rejected: {upload.failure_reason} ({upload.failure_code})"
        yield from outcome.correction
        return
    yield (
        f"{upload.status.capitalize()} in {outcome.seconds:.1f} s: {upload.valid_records:,} of "
        f"{format_count(upload.total_records, 'row')} {'is' if upload.valid_records == 1 else 'are'} in the catalog, "
        f"{upload.error_records:,} {'was' if upload.error_records == 1 else 'were'} rejected."
    )
    if outcome.unprocessed:
        pronoun = "it" if outcome.unprocessed == 1 else "them"
        rows = format_count(outcome.unprocessed, "row")
        yield f"{rows} could not be processed, by our fault: upload {pronoun} again."
    yield from outcome.correction
    if upload.error_records:
        yield f"What to fix: onboarding report {upload.upload_id}"
        if upload.fix_file_s3_key:
            yield f"Rows to correct and upload again: onboarding report --fix {upload.upload_id}"


def upload_as_json(upload: Upload) -> dict[str, object]:
    """Return the fields of an upload for `list --json` and `show --json`."""
    completed_at = upload.processing_completed_at
    seconds = (completed_at - upload.processing_started_at).total_seconds() if completed_at else None
    return {
        **summarize_upload(upload, seconds),
        "vendor_id": upload.vendor_id,
        "file_name": upload.file_name,
        "failure_code": upload.failure_code,
        "failure_reason": upload.failure_reason,
        "uploaded_at": upload.upload_timestamp.isoformat(),
        "finished_at": completed_at.isoformat() if completed_at else None,
        "notified_at": upload.notified_at.isoformat() if upload.notified_at else None,
        "fix_file_key": upload.fix_file_s3_key,
        "mode": str(upload.mode),
        "on_error": str(upload.on_error),
        "created_records": upload.created_records,
        "updated_records": upload.updated_records,
        "unchanged_records": upload.unchanged_records,
        "undone_at": upload.undone_at.isoformat() if upload.undone_at else None,
        "fixed_records": upload.fixed_records,
        "parent_upload_id": upload.parent_upload_id,
        "parent_file_name": upload.parent_file_name,
    }


def parse_upload(response: Mapping[str, Any], upload_id: str) -> Upload:
    """Return the upload in a response of `describe_upload`. Raises CommandError if it does not exist."""
    if response["upload"] is None:
        raise CommandError(f"There is no upload {upload_id}. See: onboarding uploads list")
    return upload_from_json(response["upload"])


def _as_utc(time: datetime | None) -> str | None:
    """Return a time without a time zone as ISO 8601 in UTC."""
    return time.replace(tzinfo=UTC).isoformat() if time else None


def format_time(time: datetime | None) -> str | None:
    """Return a time such as `2024-12-21 10:30:45 UTC`, or None."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else None
