"""What error-processor does: a complete upload to its report and its fix file, and to one notification."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import BinaryIO

from onboarding import ledger, notify, readings
from onboarding.context import Context
from onboarding.database import Connection
from onboarding.fix_file import fix_file_key, write_fix_file
from onboarding.model import Upload
from onboarding.parse import Refusal, Table, table_of
from onboarding.points import passed
from onboarding.report import report_key, write_report
from onboarding.summary import TOP, summary_of


def finish(ctx: Context, upload_id: str) -> Upload | None:
    """Write the files of an upload and publish its result, if it is complete and that was not done.

    Returns the upload, or None when there was nothing to do. The history row is held meanwhile and marked at the end:
    if the process dies between, the retry writes the same files and publishes again, and the mailer knows that.
    """

    def work(connection: Connection) -> Upload | None:
        upload = ledger.upload_to_notify(connection, upload_id)
        if upload is None:
            return None
        key = fix_key = None
        findings: list[str] = []
        if upload.error_records:
            key = _write_report(ctx, connection, upload)
            passed("finish.report_written")
            fix_key = _write_fix_file(ctx, connection, upload)
            passed("finish.fix_file_written")
            findings = summary_of(connection, upload_id).sentences
        warnings = [warning.message for warning in readings.warnings_of(connection, upload_id)]
        if len(warnings) > TOP:
            warnings[TOP:] = [f"and {len(warnings) - TOP:,} more"]
        notify.publish_result(ctx, upload, key, fix_key, findings=findings, warnings=warnings)
        passed("finish.published")
        ledger.mark_notified(connection, upload_id, key, fix_key)
        return upload

    upload = ctx.database.run(work)
    passed("finish.marked")
    return upload


def _write_report(ctx: Context, connection: Connection, upload: Upload) -> str:
    with TemporaryFile() as file:
        write_report(file, ledger.report_rows(connection, upload.upload_id))
        return _put(ctx, report_key(upload), file)


def _write_fix_file(ctx: Context, connection: Connection, upload: Upload) -> str | None:
    table = _original(ctx, upload)
    if table is None:
        return None
    detected = readings.detected_in(connection, upload.upload_id)
    commas, delimiter = (detected.decimal_commas, detected.delimiter) if detected else ((), None)
    with TemporaryFile() as file:
        write_fix_file(file, table, ledger.report_rows(connection, upload.upload_id), commas, delimiter)
        return _put(ctx, fix_file_key(upload), file)


def _original(ctx: Context, upload: Upload) -> Table | None:
    """The file that was uploaded, or None if somebody has removed it since, or it can be read no more."""
    content = _content(ctx, upload)
    table = table_of(content) if content is not None else None
    return None if isinstance(table, Refusal) else table


def _content(ctx: Context, upload: Upload) -> bytes | None:
    version = {"VersionId": upload.s3_version_id} if upload.s3_version_id else {}
    try:
        answer = ctx.s3.get_object(Bucket=ctx.settings.bucket, Key=upload.s3_key, **version)  # type: ignore[arg-type]
    except ctx.s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchVersion"}:
            return None
        raise
    with answer["Body"] as body:
        return body.read()


def _put(ctx: Context, key: str, file: BinaryIO) -> str:
    file.seek(0)
    ctx.s3.put_object(
        Bucket=ctx.settings.bucket,
        Key=key,
        Body=file,
        ContentType="text/csv; charset=utf-8",
        ContentDisposition=f'attachment; filename="{key.rsplit("/", 1)[-1]}"',
    )
    return key
