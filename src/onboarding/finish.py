"""What error-processor does: a complete upload to its report, and to one notification."""

from __future__ import annotations

from onboarding import ledger, notify
from onboarding.context import Context
from onboarding.database import Connection
from onboarding.model import Upload
from onboarding.points import passed
from onboarding.report import report_key, report_of


def finish(ctx: Context, upload_id: str) -> Upload | None:
    """Write the report of an upload and publish its result, if it is complete and that was not done.

    Returns the upload, or None when there was nothing to do. The history row is held meanwhile and marked at the end:
    if the process dies between, the retry writes the same report and publishes again, and the mailer knows that.
    """

    def work(connection: Connection) -> Upload | None:
        upload = ledger.upload_to_notify(connection, upload_id)
        if upload is None:
            return None
        key = report_key(upload) if upload.error_records else None
        if key:
            ctx.s3.put_object(
                Bucket=ctx.settings.bucket,
                Key=key,
                Body=report_of(ledger.report_rows(connection, upload_id)),
                ContentType="text/csv; charset=utf-8",
                ContentDisposition=f'attachment; filename="{upload_id}_errors.csv"',
            )
            passed("finish.report_written")
        notify.publish_result(ctx, upload, key)
        passed("finish.published")
        ledger.mark_notified(connection, upload_id, key)
        return upload

    upload = ctx.database.run(work)
    passed("finish.marked")
    return upload
