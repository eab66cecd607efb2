"""Submission of corrected rows as a new upload.

The rows are a file in the bucket, which the pipeline processes like any other file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from onboarding.aws.objects import put_new_object
from onboarding.domain.corrections import RejectedRow
from onboarding.domain.mappings import NO_MAPPING
from onboarding.domain.models import OnError, RowError, Upload
from onboarding.domain.upload_options import Options
from onboarding.failpoints import Failpoint, failpoint
from onboarding.files.corrected_rows import build_corrections_file
from onboarding.files.fix_file import FixFileFormat, fix_file_name
from onboarding.files.parser import MAX_BYTES
from onboarding.pipeline.corrections import (
    CorrectionContext,
    check_rows,
    compute_version,
    list_ready_rows,
    list_rows_to_submit,
    load_correction_context,
)
from onboarding.pipeline.dry_run import RunTransaction
from onboarding.runtime import AppContext
from onboarding.storage import corrections
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.corrections import PendingSubmission
from onboarding.storage.database import Connection
from onboarding.storage.upload_sessions import open_upload_session


class NotReady(Exception):
    """The corrections cannot be submitted; the message is a sentence that says what to do."""


class CorrectionsChanged(Exception):
    """Drafts have changed since they were read."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted file of corrected rows: its key and its number of rows; `is_new` unless it was submitted before."""

    s3_key: str
    rows: int
    is_new: bool


def submit_corrections(
    ctx: AppContext,
    actor: Actor,
    upload: Upload,
    *,
    version: str | None = None,
    run_as_vendor: RunTransaction,
    run_unrestricted: RunTransaction,
) -> Submission:
    """Submit all rows that are ready as a file in the bucket, or the first of them if the file would be too large.

    The rows are marked before the file is written, under a key that takes one file. A repeated call continues an
    interrupted one, so that there is never a second file. `version` is the version of the rows to submit that the
    vendor has seen. Raises NotReady and CorrectionsChanged.
    """

    def read(connection: Connection) -> tuple[PendingSubmission | None, CorrectionContext, list[RejectedRow]]:
        pending = corrections.find_pending_submission(connection, upload.upload_id)
        return pending, load_correction_context(connection, upload), list_rows_to_submit(connection, upload)

    pending, context, rows = run_as_vendor(read)
    if pending is None:
        if version not in {None, compute_version(rows)}:
            raise CorrectionsChanged
        errors = check_rows(run_unrestricted, context, rows)
        ready_rows = list_ready_rows(rows, errors)
        _require_ready(context, rows, ready_rows, errors)
        mark = partial(_mark_submitted, actor=actor, upload=upload, rows=_limit_size(context, ready_rows))
        pending, is_new = run_as_vendor(mark)
    else:
        is_new = False
    failpoint(Failpoint.CORRECTIONS_MARKED)
    _write_file(ctx, context, run_as_vendor, pending.s3_key)
    failpoint(Failpoint.CORRECTIONS_FILE_WRITTEN)
    if not is_new and any(row.draft is not None for row in rows):
        raise NotReady(
            f"An import of {pending.rows:,} {'row' if pending.rows == 1 else 'rows'} is starting. Import the other "
            "rows when it has started."
        )
    return Submission(pending.s3_key, pending.rows, is_new)


def _require_ready(
    context: CorrectionContext,
    rows: Sequence[RejectedRow],
    ready_rows: Sequence[RejectedRow],
    errors: Mapping[int, Sequence[RowError]],
) -> None:
    """Raise NotReady unless rows can be submitted: some, or all if the file is accepted as a whole only."""
    if context.upload.on_error is OnError.REJECT_FILE and len(ready_rows) < len(rows):
        count = len(rows) - len(ready_rows)
        first = next(row for row in rows if not row.is_editable or errors[row.row_number])
        reasons = [*errors[first.row_number], *first.errors]
        raise NotReady(
            f"The file is imported as a whole or not at all, and {count:,} {'row has' if count == 1 else 'rows have'} "
            f"errors, such as row {context.details.line_of(first.row_number):,}: {reasons[0].message}. Fix all rows "
            "first."
        )
    if not ready_rows:
        raise NotReady("No corrected row is free of errors. Fix at least one row first.")


def _limit_size(context: CorrectionContext, rows: Sequence[RejectedRow]) -> Sequence[RejectedRow]:
    """Return the first of these rows whose file an upload accepts; the others can be submitted after them.

    Raises NotReady if the file is accepted as a whole only: the file of a workbook's rows may be larger than it.
    """
    if len(_build_file(context, rows)) <= MAX_BYTES:
        return rows
    if context.upload.on_error is OnError.REJECT_FILE:
        raise NotReady(f"The corrected file has more than {MAX_BYTES:,} bytes. Upload a corrected fix file instead.")
    return _limit_size(context, rows[: len(rows) // 2])


def _mark_submitted(
    connection: Connection, actor: Actor, upload: Upload, rows: Sequence[RejectedRow]
) -> tuple[PendingSubmission, bool]:
    """Mark the rows as submitted with a new key, unless another request has done so; return whether this one did."""
    corrections.lock_corrections(connection, upload.upload_id)
    pending = corrections.find_pending_submission(connection, upload.upload_id)
    if pending is not None:
        return pending, False
    # The key of an upload session takes one file only.
    session, _ = open_upload_session(
        connection, actor, upload.vendor_id, fix_file_name(upload, FixFileFormat.CSV), _get_options(upload).metadata()
    )
    if not corrections.mark_submitted(connection, actor, upload, rows, session.s3_key):
        raise CorrectionsChanged
    record_action(connection, actor, "corrections_submitted", upload.upload_id, rows=len(rows))
    return PendingSubmission(session.s3_key, len(rows)), True


def _get_options(upload: Upload) -> Options:
    # The values are those of our columns already, and the vendor has decided to import the rows.
    return Options(upload.mode, upload.on_error, force=True, mapping=NO_MAPPING)


def _build_file(context: CorrectionContext, rows: Sequence[RejectedRow]) -> bytes:
    corrected_rows = context.build_rows(rows, {row.row_number: row.edited_cells for row in rows})
    return build_corrections_file(context.upload.upload_id, corrected_rows)


def _write_file(ctx: AppContext, context: CorrectionContext, run_as_vendor: RunTransaction, s3_key: str) -> None:
    """Write the file of the rows that were submitted with this key, unless it exists already."""
    upload = context.upload
    rows = run_as_vendor(
        lambda c: corrections.list_rejected_rows(c, upload.upload_id, submitted_s3_key=s3_key),
    )
    put_new_object(ctx, s3_key, _build_file(context, rows), _get_options(upload).metadata())
