"""Corrections of an upload for the API and the portal: rejected rows, drafts, their check and submission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from onboarding.domain.corrections import CorrectionCounts, CorrectionEdit, CorrectionState, RejectedRow
from onboarding.domain.models import OnError, Upload, UploadStatus
from onboarding.domain.suggestions import find_suggestion
from onboarding.pipeline import correction_drafts
from onboarding.pipeline.correction_drafts import ReviewedEdits
from onboarding.pipeline.corrections import (
    CorrectionContext,
    CorrectionsChanged,
    NotReady,
    check_rows,
    find_ready_rows,
    list_rows_to_submit,
    load_correction_context,
    submit_corrections,
)
from onboarding.storage import corrections, validation_errors
from onboarding.storage.audit_log import record_action
from onboarding.storage.corrections import CorrectingUpload, PendingSubmission
from onboarding.storage.database import Connection
from onboarding.storage.errors import InvalidInput
from onboarding.storage.validation_errors import GroupMembers
from onboarding.storage.value_mappings import set_value_mappings
from onboarding.web.auth import Principal
from onboarding.web.correction_schemas import (
    CheckedRowResponse,
    CorrectingUploadResponse,
    CorrectionRowResponse,
    CorrectionsResponse,
    CorrectionSummaryResponse,
    FillRequest,
    SubmissionResponse,
    error_responses,
    row_response,
)
from onboarding.web.database import DatabasePool, Work
from onboarding.web.errors import Problem, not_found
from onboarding.web.pagination import Page, decode_number_cursor, encode_cursor
from onboarding.web.upload_queries import get_visible_upload

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class UploadCorrections:
    """Access of a principal to the corrections of an upload.

    Each method raises the problem `not-found` for an upload that the principal may not see. Rows are checked outside
    of transactions.
    """

    pool: DatabasePool
    principal: Principal
    upload_id: str

    def list_rows(
        self,
        *,
        state: CorrectionState | None = None,
        group: int | None = None,
        row_numbers: Sequence[int] | None = None,
        is_valid: bool | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[CorrectionRowResponse]:
        """Return a page of the rejected rows by number, optionally of a state, of a group of errors, or with numbers.

        `group` is the id of one of the errors of the group.
        """
        [after] = (*decode_number_cursor(cursor), 0)[:1]

        def read(connection: Connection) -> tuple[CorrectionContext, list[RejectedRow]]:
            upload = self._get_upload(connection)
            numbers = row_numbers
            if group is not None:
                members = validation_errors.get_group_members(connection, self.upload_id, group)
                numbers = members.row_numbers if members else []
            rows = corrections.list_rejected_rows(
                connection,
                self.upload_id,
                after=min(after, 2**31 - 1),
                row_numbers=numbers,
                state=state,
                is_valid=is_valid,
                limit=limit + 1,
            )
            return load_correction_context(connection, upload), rows

        context, rows = self._run(read)
        items = self._build_rows(context, rows[:limit])
        next_cursor = encode_cursor(items[-1].row_number) if len(rows) > limit else None
        return Page(items=items, next=next_cursor)

    def get_summary(self) -> CorrectionSummaryResponse:
        """Return the numbers of rejected rows by state, and the uploads that correct them."""

        def read(
            connection: Connection,
        ) -> tuple[
            CorrectionContext,
            CorrectionCounts,
            PendingSubmission | None,
            list[CorrectingUpload],
            list[RejectedRow],
        ]:
            upload = self._get_upload(connection)
            return (
                load_correction_context(connection, upload),
                corrections.count_rejected_rows(connection, self.upload_id),
                corrections.find_pending_submission(connection, self.upload_id),
                corrections.list_correcting_uploads(connection, self.upload_id),
                list_rows_to_submit(connection, upload),
            )

        context, counts, pending, uploads, rows = self._run(read)
        ready = len(find_ready_rows(self.pool.run_unrestricted, context, rows))
        is_whole = context.upload.on_error is OnError.REJECT_FILE
        is_finished = context.upload.status is not UploadStatus.PROCESSING
        return CorrectionSummaryResponse(
            open=counts.open,
            importing=counts.importing,
            fixed=counts.fixed,
            rejected_again=counts.rejected_again,
            drafts=counts.drafts,
            ready=ready,
            valid=counts.valid,
            not_editable=counts.not_editable,
            submitted=pending.rows if pending else 0,
            is_submittable=is_finished and bool(pending or (ready and (not is_whole or ready == counts.open))),
            uploads=[
                CorrectingUploadResponse(
                    upload_id=upload.upload_id,
                    file_name=upload.file_name,
                    status=upload.status,
                    undone_at=upload.undone_at,
                    rows=upload.rows,
                    accepted=upload.accepted,
                )
                for upload in uploads
            ],
        )

    def save_edits(self, edits: Sequence[CorrectionEdit]) -> CorrectionsResponse:
        """Store edits of rows as their drafts, and return the errors of the saved ones."""

        def save(connection: Connection) -> tuple[CorrectionContext, ReviewedEdits]:
            context = self._load_finished(connection)
            return context, correction_drafts.save_edits(connection, self.principal.audit_actor, context, edits)

        return self._build_response(*self._run(save))

    def check_edits(self, edits: Sequence[CorrectionEdit]) -> CorrectionsResponse:
        """Return what `save_edits` would return, and write nothing. The revisions are the current ones."""

        def review(connection: Connection) -> tuple[CorrectionContext, ReviewedEdits]:
            context = load_correction_context(connection, self._get_upload(connection))
            return context, correction_drafts.review_edits(connection, context, edits)

        return self._build_response(*self._run(review))

    def fill_group(self, fields: FillRequest) -> int:
        """Add one value, or the suggestion of each row, to the drafts of the open rows of a group.

        Return the number of these rows. With `remember`, a value mapping of the group's value is stored too. Raises
        InvalidInput and the problem `not-found`.
        """
        actor = self.principal.audit_actor

        def fill(connection: Connection) -> int:
            context = self._load_finished(connection)
            members = validation_errors.get_group_members(connection, self.upload_id, fields.group)
            if members is None:
                raise not_found("group")
            if fields.remember:
                self._remember(connection, members, fields)
            rows = correction_drafts.fill_rows(
                connection, actor, context, members.row_numbers, column=fields.column, value=fields.value
            )
            if rows:
                record_action(connection, actor, "corrections_filled", self.upload_id, rows=rows, column=fields.column)
            return rows

        return self._run(fill)

    def _remember(self, connection: Connection, members: GroupMembers, fields: FillRequest) -> None:
        targets = {fields.value or find_suggestion(hint) for hint in members.hints} - {""}
        values = set(members.values) - {""}
        if fields.column != members.column or len(values) != 1 or len(targets) != 1:
            raise InvalidInput("Only the value of a group whose rows all have the same value can be remembered.")
        [value], [target] = values, targets
        vendor_id = self.principal.vendor_id
        set_value_mappings(connection, self.principal.audit_actor, vendor_id, fields.column, {value: target})

    def delete_drafts(self, row_numbers: Sequence[int] | None = None) -> int:
        """Delete the drafts of open rows, of all if `row_numbers` is None; return their number."""

        def delete(connection: Connection) -> int:
            self._get_upload(connection)
            rows = correction_drafts.delete_drafts(connection, self.upload_id, row_numbers)
            if rows:
                record_action(
                    connection, self.principal.audit_actor, "corrections_discarded", self.upload_id, rows=rows
                )
            return rows

        return self._run(delete)

    def submit(self) -> SubmissionResponse:
        """Submit all rows that are ready, or continue an interrupted submission. Raises the problem `conflict`."""
        upload = self._run(lambda connection: self._load_finished(connection).upload)
        try:
            submission = submit_corrections(
                self.pool.ctx,
                self.principal.audit_actor,
                upload,
                run_as_vendor=self._run,
                run_unrestricted=self.pool.run_unrestricted,
            )
        except NotReady as error:
            raise Problem("conflict", str(error)) from error
        except CorrectionsChanged as error:
            detail = "The corrections have changed meanwhile. Reload them and submit again."
            raise Problem("conflict", detail) from error
        upload_session_id, file_name = submission.s3_key.split("/")[-2:]
        return SubmissionResponse(
            rows=submission.rows,
            file_name=file_name,
            upload_session_id=upload_session_id,
            status_url=f"{self.pool.settings.portal_url}/v1/upload-sessions/{upload_session_id}",
            is_new=submission.is_new,
        )

    def _run(self, work: Work[Result]) -> Result:
        return self.principal.run(self.pool, work)

    def _get_upload(self, connection: Connection) -> Upload:
        return get_visible_upload(connection, self.principal, self.upload_id)

    def _load_finished(self, connection: Connection) -> CorrectionContext:
        """Return the context of the upload, which must be finished."""
        upload = self._get_upload(connection)
        if upload.status is UploadStatus.PROCESSING:
            raise Problem("conflict", "The upload is still in processing. Correct its rows when it is finished.")
        return load_correction_context(connection, upload)

    def _build_response(self, context: CorrectionContext, edits: ReviewedEdits) -> CorrectionsResponse:
        errors = check_rows(self.pool.run_unrestricted, context, edits.rows, edits.cells)
        return CorrectionsResponse(
            rows=[
                CheckedRowResponse(
                    row_number=row.row_number,
                    revision=edits.revisions[row.row_number],
                    errors=error_responses(context, row, errors[row.row_number]),
                )
                for row in edits.rows
            ],
            conflicts=self._build_rows(context, edits.conflicts),
            closed=self._build_rows(context, edits.closed),
        )

    def _build_rows(self, context: CorrectionContext, rows: Sequence[RejectedRow]) -> list[CorrectionRowResponse]:
        drafts = [row for row in rows if row.state is CorrectionState.OPEN and row.draft is not None]
        errors = check_rows(self.pool.run_unrestricted, context, drafts)
        return [row_response(context, row, errors.get(row.row_number, row.errors)) for row in rows]
