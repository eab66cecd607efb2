"""Corrections of an upload for the API and the portal: rejected rows, drafts, their check and submission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from onboarding.domain.corrections import CorrectionCounts, CorrectionEdit, CorrectionState, RejectedRow
from onboarding.domain.models import OnError, RowError, Upload, UploadStatus
from onboarding.domain.product_changes import VERSION
from onboarding.pipeline import correction_drafts
from onboarding.pipeline.correction_drafts import ReviewedEdits
from onboarding.pipeline.correction_submission import CorrectionsChanged, NotReady, submit_corrections
from onboarding.pipeline.corrections import (
    CorrectionContext,
    check_rows,
    compute_version,
    list_ready_rows,
    list_rows_to_submit,
    load_correction_context,
)
from onboarding.storage import corrections, validation_errors
from onboarding.storage.audit_log import record_action
from onboarding.storage.corrections import CorrectingUpload, PendingSubmission
from onboarding.storage.database import Connection
from onboarding.web.auth import Principal
from onboarding.web.correction_schemas import (
    CheckedRowResponse,
    CorrectionRowResponse,
    CorrectionsResponse,
    CorrectionSummaryResponse,
    FillRequest,
    FillResponse,
    ReadyRowsResponse,
    SubmissionResponse,
    correcting_upload_response,
    error_responses,
    row_response,
)
from onboarding.web.database import DatabasePool, Work
from onboarding.web.errors import Problem, not_found
from onboarding.web.pagination import Page, decode_number_cursor, encode_cursor
from onboarding.web.upload_queries import get_visible_upload

Result = TypeVar("Result")


def _build_changed_problem() -> Problem:
    return Problem(
        "conflict",
        "The corrections have changed since you last saw them: somebody else may have edited or imported rows. Reload "
        "them and try again.",
    )


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
        summary, _ = self.get_summary_and_ready_rows()
        return summary

    def get_summary_and_ready_rows(self) -> tuple[CorrectionSummaryResponse, frozenset[int]]:
        """Return the summary, and the numbers of the rows that a submission would import."""

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
        errors = self._check(context, rows)
        ready_rows = self._describe_ready_rows(context, rows, errors)
        is_finished = context.upload.status is not UploadStatus.PROCESSING
        summary = CorrectionSummaryResponse(
            ready=ready_rows.ready,
            version=ready_rows.version,
            is_submittable=is_finished and (pending is not None or ready_rows.is_submittable),
            open=counts.open,
            importing=counts.importing,
            fixed=counts.fixed,
            rejected_again=counts.rejected_again,
            drafts=counts.drafts,
            valid=counts.valid,
            not_editable=counts.not_editable,
            submitted=pending.rows if pending else 0,
            uploads=list(map(correcting_upload_response, uploads)),
        )
        return summary, frozenset(row.row_number for row in list_ready_rows(rows, errors))

    def save_edits(self, edits: Sequence[CorrectionEdit]) -> CorrectionsResponse:
        """Store edits of rows as their drafts, and return the errors of the saved ones."""

        def save(connection: Connection) -> tuple[CorrectionContext, ReviewedEdits, list[RejectedRow]]:
            context = self._load_finished(connection)
            saved_edits = correction_drafts.save_edits(connection, self.principal.audit_actor, context, edits)
            return context, saved_edits, list_rows_to_submit(connection, context.upload)

        return self._build_response(*self._run(save))

    def check_edits(self, edits: Sequence[CorrectionEdit]) -> CorrectionsResponse:
        """Return what `save_edits` would return, and write nothing. The revisions are the current ones."""

        def review(connection: Connection) -> tuple[CorrectionContext, ReviewedEdits, list[RejectedRow]]:
            context = load_correction_context(connection, self._get_upload(connection))
            reviewed_edits = correction_drafts.review_edits(connection, context, edits)
            return context, reviewed_edits, list_rows_to_submit(connection, context.upload)

        return self._build_response(*self._run(review))

    def fill_group(self, fields: FillRequest) -> FillResponse:
        """Add one value, or the suggestion of each row, to the drafts of the open rows of a group.

        With `remember`, a value mapping of the group's value is stored too. Raises InvalidInput and the problems
        `not-found` and `conflict`.
        """
        actor = self.principal.audit_actor

        def fill(connection: Connection) -> tuple[int, CorrectionContext, list[RejectedRow]]:
            context = self._load_finished(connection)
            corrections.lock_corrections(connection, self.upload_id)
            if fields.version not in {None, compute_version(list_rows_to_submit(connection, context.upload))}:
                raise _build_changed_problem()
            members = validation_errors.get_group_members(connection, self.upload_id, fields.group)
            if members is None:
                raise not_found("group")
            if fields.remember:
                correction_drafts.remember_value(
                    connection, actor, context, members, column=fields.column, value=fields.value
                )
            rows = correction_drafts.fill_rows(
                connection, actor, context, members.row_numbers, column=fields.column, value=fields.value
            )
            if rows:
                record_action(connection, actor, "corrections_filled", self.upload_id, rows=rows, column=fields.column)
            # The value mapping that was remembered applies from now on.
            context = self._load_finished(connection)
            return rows, context, list_rows_to_submit(connection, context.upload)

        rows, context, rows_to_submit = self._run(fill)
        ready_rows = self._describe_ready_rows(context, rows_to_submit, self._check(context, rows_to_submit))
        return FillResponse(rows=rows, **dict(ready_rows))

    def delete_drafts(self, row_numbers: Sequence[int] | None = None) -> ReadyRowsResponse:
        """Delete the drafts of open rows, of all if `row_numbers` is None."""

        def delete(connection: Connection) -> tuple[CorrectionContext, list[RejectedRow]]:
            context = load_correction_context(connection, self._get_upload(connection))
            rows = correction_drafts.delete_drafts(connection, self.upload_id, row_numbers)
            if rows:
                record_action(
                    connection, self.principal.audit_actor, "corrections_discarded", self.upload_id, rows=rows
                )
            return context, list_rows_to_submit(connection, context.upload)

        context, rows = self._run(delete)
        return self._describe_ready_rows(context, rows, self._check(context, rows))

    def submit(self, version: str | None = None) -> SubmissionResponse:
        """Submit all rows that are ready, if this is their version. Raises the problem `conflict`."""
        upload = self._run(lambda connection: self._load_finished(connection).upload)
        try:
            submission = submit_corrections(
                self.pool.ctx,
                self.principal.audit_actor,
                upload,
                version=version,
                run_as_vendor=self._run,
                run_unrestricted=self.pool.run_unrestricted,
            )
        except NotReady as error:
            raise Problem("conflict", str(error)) from error
        except CorrectionsChanged as error:
            raise _build_changed_problem() from error
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

    def _check(self, context: CorrectionContext, rows: Sequence[RejectedRow]) -> dict[int, list[RowError]]:
        return check_rows(self.pool.run_unrestricted, context, rows)

    @staticmethod
    def _describe_ready_rows(
        context: CorrectionContext, rows: Sequence[RejectedRow], errors: Mapping[int, Sequence[RowError]]
    ) -> ReadyRowsResponse:
        """Return how many of the rows to submit are ready; `errors` are those of all of them."""
        ready = len(list_ready_rows(rows, errors))
        is_submittable = ready > 0 and (context.upload.on_error is OnError.REJECT_ROWS or ready == len(rows))
        return ReadyRowsResponse(ready=ready, is_submittable=is_submittable, version=compute_version(rows))

    def _build_response(
        self, context: CorrectionContext, edits: ReviewedEdits, rows_to_submit: Sequence[RejectedRow]
    ) -> CorrectionsResponse:
        # Together with the other rows to submit: two of them may have the same identifier.
        other_rows = [row for row in rows_to_submit if row.row_number not in edits.cells]
        rows = sorted([*other_rows, *edits.rows], key=lambda row: row.row_number)
        errors = check_rows(self.pool.run_unrestricted, context, rows, edits.cells)
        return CorrectionsResponse(
            # The reviewed rows have the revisions before the edits.
            **{**dict(self._describe_ready_rows(context, rows, errors)), "version": compute_version(rows_to_submit)},
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
        open_rows = [row for row in rows if row.state is CorrectionState.OPEN]
        # The error of a stale row has the present values of its product.
        checked = [row for row in open_rows if row.draft is not None or (row.is_editable and row.has_error(VERSION))]
        errors = check_rows(self.pool.run_unrestricted, context, checked)
        errors |= {row.row_number: errors[row.row_number] or [*row.errors] for row in checked if row.draft is None}
        return [row_response(context, row, errors.get(row.row_number, row.errors)) for row in rows]
