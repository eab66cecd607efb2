"""Corrections of an upload: check of edited rows, and their submission as a new upload.

Submitted rows are a file in the bucket, which the pipeline processes like any other file.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import PurePosixPath

from botocore.exceptions import ClientError

from onboarding.domain.corrections import CorrectionState, RejectedRow
from onboarding.domain.mappings import NO_MAPPING, VALUE_COLUMNS, MappingDocument
from onboarding.domain.models import OnError, Row, RowError, Upload
from onboarding.domain.upload_options import Options
from onboarding.domain.validation import validate_row
from onboarding.domain.value_mapping import ValueTargets, map_values, merge_targets
from onboarding.failpoints import Failpoint, failpoint
from onboarding.files.column_checks import check_columns
from onboarding.files.corrected_rows import Notation, build_corrected_row, build_corrections_file
from onboarding.files.models import FileDetails
from onboarding.files.parser import MAX_BYTES
from onboarding.pipeline.dry_run import UPLOAD_ID, RunTransaction
from onboarding.pipeline.ingest import PREFIX
from onboarding.runtime import AppContext
from onboarding.storage import corrections, file_details, products
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.corrections import PendingSubmission
from onboarding.storage.database import Connection
from onboarding.storage.mappings import get_applied_mapping
from onboarding.storage.queries import query
from onboarding.storage.value_mappings import load_value_mappings

NAME_SUFFIX = " \u2013 fixes"
"""End of the name of a file that corrects another one, before its extension."""

SESSION_AGE = timedelta(minutes=15)


class NotReady(Exception):
    """The corrections cannot be submitted; the message is a sentence that says what to do."""


class CorrectionsChanged(Exception):
    """Drafts have changed since they were read."""


@dataclass(frozen=True, slots=True)
class CorrectionContext:
    """What the correction of an upload depends on: how its file was read, and the vendor's value mappings.

    `constants` are the columns with constants of its mapping, which are not translated unless they are edited.
    """

    upload: Upload
    details: FileDetails
    notation: Notation
    targets: ValueTargets
    constants: frozenset[str] = frozenset()

    @classmethod
    def of_file(
        cls, upload: Upload, details: FileDetails, document: MappingDocument | None, targets: ValueTargets
    ) -> CorrectionContext:
        """Return the context of a file that was read with a mapping document, or without one.

        `targets` are the vendor's value mappings, without those of the document.
        """
        notation = Notation.of_file(details, document)
        if document is None:
            return cls(upload, details, notation, targets)
        fed_columns = {column for columns in details.columns.values() for column in columns.split(", ")}
        constants = frozenset(document.constants.keys() - fed_columns)
        return cls(upload, details, notation, merge_targets(targets, document), constants)

    def build_rows(self, rows: Sequence[RejectedRow], edits: Mapping[int, Mapping[str, str]]) -> list[Row]:
        """Return the rows with edited cells, as a file with all of them would be read."""
        corrected_rows = [
            build_corrected_row(
                row,
                edits[row.row_number],
                self.notation,
                upload_id=UPLOAD_ID,
                vendor_id=self.upload.vendor_id,
                line=self.details.line_of(row.row_number),
            )
            for row in rows
        ]
        check_columns(corrected_rows, fix_file=True)
        for column in VALUE_COLUMNS:
            # A valid value that was not translated may be our own, as in the file of a submission.
            translated_rows = [
                corrected_row
                for row, corrected_row in zip(rows, corrected_rows, strict=True)
                if column in self.notation.spread_edits(edits[row.row_number])
                or (column not in self.constants and (column in row.mapped_values or row.has_error(column)))
            ]
            map_values(translated_rows, {column: self.targets.get(column, {})})
        return corrected_rows


def load_correction_context(connection: Connection, upload: Upload) -> CorrectionContext:
    """Return what the correction of an upload depends on."""
    details = file_details.get_file_details(connection, upload.upload_id) or FileDetails("csv", 0, {})
    applied = get_applied_mapping(connection, upload.upload_id)
    document = applied.mapping.document if applied is not None and applied.mapping is not None else None
    return CorrectionContext.of_file(upload, details, document, load_value_mappings(connection, upload.vendor_id))


def check_rows(
    run: RunTransaction,
    context: CorrectionContext,
    rows: Sequence[RejectedRow],
    edits: Mapping[int, Mapping[str, str]] | None = None,
) -> dict[int, list[RowError]]:
    """Return the errors that an upload of these rows would find, by row number; none for a row that is ready.

    `edits` are edited cells by row number instead of those of the drafts. `run` runs a transaction that sees the
    products of all vendors. Nothing is written.
    """
    if not rows:
        return {}
    edits = {row.row_number: row.edited_cells for row in rows} | dict(edits or {})
    corrected_rows = context.build_rows(rows, edits)
    mode = context.upload.mode
    validation_context = run(lambda c: products.load_validation_context(c, corrected_rows, mode))
    errors = {}
    for row, corrected_row in zip(rows, corrected_rows, strict=True):
        remaining = row.list_remaining_errors(context.notation.spread_edits(edits[row.row_number]).keys())
        row_errors = validate_row(corrected_row, validation_context)
        errors[row.row_number] = [*remaining, *(error for error in row_errors if error not in remaining)]
    return errors


def list_rows_to_submit(connection: Connection, upload: Upload) -> list[RejectedRow]:
    """List the open rows with a draft; of an all-or-nothing file all open rows."""
    has_draft = None if upload.on_error is OnError.REJECT_FILE else True
    return corrections.list_rejected_rows(connection, upload.upload_id, state=CorrectionState.OPEN, has_draft=has_draft)


def find_ready_rows(run: RunTransaction, context: CorrectionContext, rows: Sequence[RejectedRow]) -> list[RejectedRow]:
    """Return those of the rows that an upload of exactly these would accept. `run` is that of `check_rows`."""
    while True:
        errors = check_rows(run, context, rows)
        ready_rows = [row for row in rows if row.is_editable and not errors[row.row_number]]
        # The other rows may have shown how a number is written, or that an identifier is not damaged.
        if len(ready_rows) == len(rows):
            return ready_rows
        rows = ready_rows


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted file of corrected rows: its key and its number of rows; `is_new` unless it was submitted before."""

    s3_key: str
    rows: int
    is_new: bool


def submit_corrections(
    ctx: AppContext, actor: Actor, upload: Upload, *, run_as_vendor: RunTransaction, run_unrestricted: RunTransaction
) -> Submission:
    """Submit all rows that are ready as a file in the bucket, or the first of them if the file would be too large.

    The rows are marked before the file is written, under a key that takes one file. A repeated call continues an
    interrupted one, so that there is never a second file. Raises NotReady and CorrectionsChanged.
    """

    def read(connection: Connection) -> tuple[PendingSubmission | None, CorrectionContext, list[RejectedRow]]:
        pending = corrections.find_pending_submission(connection, upload.upload_id)
        return pending, load_correction_context(connection, upload), list_rows_to_submit(connection, upload)

    pending, context, rows = run_as_vendor(read)
    if pending is None:
        ready_rows = find_ready_rows(run_unrestricted, context, rows)
        _require_ready(upload, rows, ready_rows)
        mark = partial(_mark_submitted, actor=actor, upload=upload, rows=_limit_size(context, ready_rows))
        pending, is_new = run_as_vendor(mark)
    else:
        is_new = False
    failpoint(Failpoint.CORRECTIONS_MARKED)
    _write_file(ctx, context, run_as_vendor, pending.s3_key)
    failpoint(Failpoint.CORRECTIONS_FILE_WRITTEN)
    return Submission(pending.s3_key, pending.rows, is_new)


def _require_ready(upload: Upload, rows: Sequence[RejectedRow], ready_rows: Sequence[RejectedRow]) -> None:
    """Raise NotReady unless rows can be submitted: some, or all if the file is accepted as a whole only."""
    if upload.on_error is OnError.REJECT_FILE and len(ready_rows) < len(rows):
        count = len(rows) - len(ready_rows)
        raise NotReady(
            f"The file is imported as a whole or not at all, and {count:,} {'row has' if count == 1 else 'rows have'} "
            "errors. Fix all rows first."
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
    upload_session_id, file_name = f"T{secrets.token_hex(12)}", _name_file(upload.file_name)
    s3_key = f"{PREFIX}{upload.vendor_id}/{upload_session_id}/{file_name}"
    params = {
        "upload_session_id": upload_session_id,
        "vendor_id": upload.vendor_id,
        "file_name": file_name,
        "s3_key": s3_key,
        "options": json.dumps(_get_options(upload).metadata()),
        "idempotency_key": None,
        "age": SESSION_AGE,
    }
    # The key then takes one file only.
    connection.execute(query("upsert_upload_session"), params)
    if not corrections.mark_submitted(connection, actor, upload, rows, s3_key):
        raise CorrectionsChanged
    record_action(connection, actor, "corrections_submitted", upload.upload_id, rows=len(rows))
    return PendingSubmission(s3_key, len(rows)), True


def _name_file(file_name: str) -> str:
    """Return the name of the file with corrections of a file."""
    stem = PurePosixPath(file_name).stem
    return f"{stem.removesuffix(NAME_SUFFIX)}{NAME_SUFFIX}.csv"


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
    body = _build_file(context, rows)
    metadata = _get_options(upload).metadata()
    for is_last_attempt in (False, False, True):
        try:
            ctx.s3.put_object(
                Bucket=ctx.settings.bucket,
                Key=s3_key,
                Body=body,
                ContentType="text/csv",
                Metadata=metadata,
                IfNoneMatch="*",
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "PreconditionFailed":
                return
            # S3's response while another request writes this key, which may fail.
            if code != "ConditionalRequestConflict" or is_last_attempt:
                raise
        else:
            return
