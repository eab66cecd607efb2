"""Routes for corrections of the rejected rows of an upload."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from onboarding.domain.corrections import CorrectionEdit, CorrectionState
from onboarding.web.auth import Reader, VendorWriter
from onboarding.web.correction_queries import UploadCorrections
from onboarding.web.correction_schemas import (
    MAX_ROWS,
    CorrectionRowResponse,
    CorrectionsRequest,
    CorrectionsResponse,
    CorrectionSummaryResponse,
    FillRequest,
    FillResponse,
    ReadyRowsResponse,
    RowNumber,
    SubmissionResponse,
    SubmitRequest,
)
from onboarding.web.database import PoolDep
from onboarding.web.errors import problem_responses
from onboarding.web.pagination import Cursor, Page
from onboarding.web.request_parameters import UploadId

router = APIRouter(
    prefix="/v1/uploads/{upload_id}/corrections",
    tags=["Corrections"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)
WRITE_PROBLEMS = problem_responses("forbidden", "account-suspended")
CONFLICT = problem_responses("conflict")


def _get_readable_corrections(upload_id: UploadId, principal: Reader, pool: PoolDep) -> UploadCorrections:
    return UploadCorrections(pool, principal, upload_id)


def _get_writable_corrections(upload_id: UploadId, principal: VendorWriter, pool: PoolDep) -> UploadCorrections:
    return UploadCorrections(pool, principal, upload_id)


ReadableCorrections = Annotated[UploadCorrections, Depends(_get_readable_corrections)]
WritableCorrections = Annotated[UploadCorrections, Depends(_get_writable_corrections)]


@router.get("")
def list_corrections(
    corrections: ReadableCorrections,
    *,
    state: CorrectionState | None = None,
    group: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="Only rows of the group with this `id` in the summary")
    ] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS, description="Maximum number of results")] = 100,
) -> Page[CorrectionRowResponse]:
    """List the rejected rows of an upload with their drafts, by row; optionally of one state or group."""
    return corrections.list_rows(state=state, group=group, cursor=cursor, limit=limit)


@router.get("/summary")
def show_corrections_summary(corrections: ReadableCorrections) -> CorrectionSummaryResponse:
    """Return the numbers of rejected rows by state, and the uploads that correct them."""
    return corrections.get_summary()


@router.put("", responses={**WRITE_PROBLEMS, **CONFLICT})
def save_corrections(body: CorrectionsRequest, corrections: WritableCorrections) -> CorrectionsResponse:
    """Save edited rows as drafts, and return their errors. Rows that have changed meanwhile are not saved."""
    return corrections.save_edits(_list_edits(body))


@router.post("/check", responses=WRITE_PROBLEMS)
def check_corrections(body: CorrectionsRequest, corrections: WritableCorrections) -> CorrectionsResponse:
    """Return the errors of edited rows, and save nothing."""
    return corrections.check_edits(_list_edits(body))


@router.post("/fill", responses={**WRITE_PROBLEMS, **CONFLICT})
def fill_corrections(body: FillRequest, corrections: WritableCorrections) -> FillResponse:
    """Set a column of all open rows of a group to one value, or to the suggestion of each row."""
    return corrections.fill_group(body)


@router.delete("", responses=WRITE_PROBLEMS)
def discard_corrections(
    corrections: WritableCorrections,
    row_number: Annotated[
        list[RowNumber] | None, Query(max_length=MAX_ROWS, description="Rows; default: all of the upload")
    ] = None,
) -> ReadyRowsResponse:
    """Delete the drafts of open rows."""
    return corrections.delete_drafts(row_number)


@router.post("/submit", status_code=202, responses={**WRITE_PROBLEMS, **CONFLICT})
def submit_corrections(corrections: WritableCorrections, body: SubmitRequest | None = None) -> SubmissionResponse:
    """Import all open rows with a draft that have no errors as a new upload; of an all-or-nothing file, all rows.

    A repeated request continues an interrupted submission and never imports a row twice.
    """
    return corrections.submit(body.version if body is not None else None)


def _list_edits(body: CorrectionsRequest) -> list[CorrectionEdit]:
    return [CorrectionEdit(row.row_number, row.cells, row.revision) for row in body.rows]
