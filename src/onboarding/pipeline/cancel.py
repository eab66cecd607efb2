"""Cancellation of an upload in processing: each row without an outcome gets an error, which completes the upload."""

from __future__ import annotations

from datetime import datetime

from onboarding.aws import error_queue
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Row, RowError
from onboarding.failpoints import Failpoint, failpoint
from onboarding.pipeline.validate import release_held_rows
from onboarding.runtime import AppContext
from onboarding.storage import uploads, validation_errors
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.products import row_key

CANCELLED = RowError(RowErrorCode.CANCELLED, "row", "The upload was cancelled before this row was checked")


def cancel_upload(ctx: AppContext, upload_id: str, vendor_id: str, actor: Actor) -> int:
    """Cancel an upload with an audit entry; return the number of cancelled rows.

    Rows with an outcome keep it. 0 means that no row was left to cancel, and no audit entry is written.
    """
    return end_upload(ctx, upload_id, vendor_id, CANCELLED, actor=actor)


def end_upload(
    ctx: AppContext,
    upload_id: str,
    vendor_id: str,
    error: RowError,
    *,
    last_progress_at: datetime | None = None,
    actor: Actor | None = None,
) -> int:
    """Record `error` for every row without an outcome, which completes the upload. Return the number of these rows.

    With `last_progress_at`, do so only if the upload has made no progress since then: its rows may have been processed
    meanwhile. With `actor`, write the audit entry of a cancellation in the same transaction.
    """

    def work(connection: Connection) -> tuple[list[str], int]:
        uploads.lock_vendors(connection, {vendor_id})
        upload = uploads.get_upload(connection, upload_id)
        assert upload is not None, "uploads are never deleted"  # noqa: S101
        if last_progress_at is not None and upload.last_progress_at != last_progress_at:
            return [], 0
        rows = [Row(upload_id, vendor_id, number, {}) for number in range(1, upload.total_records + 1)]
        states, recorded_errors = uploads.get_recorded_outcomes(connection, rows)
        remaining_rows = [row for row in rows if row_key(row) not in recorded_errors]
        errors = {row_key(row): [error] for row in remaining_rows}
        validation_errors.insert_errors(connection, remaining_rows, errors)
        progress = uploads.count_outcomes(connection, remaining_rows, errors)
        release_held_rows(connection, progress, states)
        if remaining_rows and actor is not None:
            record_action(connection, actor, "upload_cancelled", upload_id, vendor_id=vendor_id)
        return list(progress), len(remaining_rows)

    upload_ids, row_count = ctx.database.run(work)
    failpoint(Failpoint.CANCEL_ROWS_ENDED)
    error_queue.send_completions(ctx, [(name, vendor_id) for name in upload_ids])
    return row_count
