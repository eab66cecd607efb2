"""`onboarding report`: the error report or the fix file of an upload."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from onboarding.aws.objects import has_object
from onboarding.cli.errors import CommandError
from onboarding.cli.options import State
from onboarding.cli.output import print_line
from onboarding.cli.target import connect_admin
from onboarding.cli.uploads import UploadId, parse_upload
from onboarding.domain.models import Upload, UploadStatus
from onboarding.files.fix_file import FixFileFormat, fix_file_key


def report(
    upload_id: UploadId,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Path of the file; standard output without it.")
    ] = None,
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Download the fix file: the rejected rows, to correct and upload again.")
    ] = False,
    file_format: Annotated[
        FixFileFormat | None,
        typer.Option("--format", help="Format of the fix file; without it, that of the uploaded file."),
    ] = None,
    state: State = None,
) -> None:
    """Download the error report of an upload, or its fix file."""
    if file_format is not None and not fix:
        raise typer.BadParameter("It needs --fix: the error report is CSV.", param_hint="'--format'")
    with connect_admin(state) as (ctx, run_action):
        upload = parse_upload(run_action("describe_upload", upload_id=upload_id), upload_id)
        key = upload.fix_file_s3_key if fix else upload.error_file_s3_key
        if key is None:
            raise CommandError(_explain_missing_report(upload))
        if file_format is not None:
            key = fix_file_key(upload, file_format)
            if not has_object(ctx, ctx.settings.bucket, key):
                raise CommandError(f"{upload_id} has no fix file in this format. Download it without --format.")
        response = ctx.s3.get_object(Bucket=ctx.settings.bucket, Key=key)
        with response["Body"] as body:
            content = body.read()
    if output is not None:
        output.write_bytes(content)
        print_line(f"Wrote {output}.", stderr=True)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _explain_missing_report(upload: Upload) -> str:
    if upload.failure_code:
        return f"{upload.upload_id} has no report: the file was rejected. {upload.failure_reason}"
    if upload.status is UploadStatus.PROCESSING or (upload.error_records and upload.notified_at is None):
        return f"{upload.upload_id} has no report yet: it is not finished."
    return f"{upload.upload_id} has no report: every row is valid."
