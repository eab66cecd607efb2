"""What error-processor does: a complete upload to its report and its fix file, and to one notification."""

from __future__ import annotations

from onboarding import ledger, notify, readings
from onboarding.context import Context
from onboarding.database import Connection
from onboarding.fix_file import fix_file_key, fix_file_of
from onboarding.ledger import ReportedRow
from onboarding.model import Upload
from onboarding.parse import Detected, Refusal, table_of
from onboarding.points import passed
from onboarding.report import report_key, report_of
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
            errors = ledger.report_rows(connection, upload_id)
            key = _put(ctx, report_key(upload), report_of(errors))
            passed("finish.report_written")
            detected = readings.detected_in(connection, upload_id)
            fix_key = _write_fix_file(ctx, upload, errors, detected)
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


def _write_fix_file(ctx: Context, upload: Upload, errors: list[ReportedRow], detected: Detected | None) -> str | None:
    content = _original(ctx, upload)
    table = table_of(content) if content is not None else None
    if table is None or isinstance(table, Refusal):
        return None
    commas, delimiter = (detected.decimal_commas, detected.delimiter) if detected else ((), None)
    return _put(ctx, fix_file_key(upload), fix_file_of(table, errors, commas, delimiter))


def _original(ctx: Context, upload: Upload) -> bytes | None:
    """The file that was uploaded, or None if somebody has removed it since."""
    version = {"VersionId": upload.s3_version_id} if upload.s3_version_id else {}
    try:
        answer = ctx.s3.get_object(Bucket=ctx.settings.bucket, Key=upload.s3_key, **version)  # type: ignore[arg-type]
    except ctx.s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchVersion"}:
            return None
        raise
    with answer["Body"] as body:
        return body.read()


def _put(ctx: Context, key: str, content: bytes) -> str:
    ctx.s3.put_object(
        Bucket=ctx.settings.bucket,
        Key=key,
        Body=content,
        ContentType="text/csv; charset=utf-8",
        ContentDisposition=f'attachment; filename="{key.rsplit("/", 1)[-1]}"',
    )
    return key
