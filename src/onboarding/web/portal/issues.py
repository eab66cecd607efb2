"""Operators: what is stuck, what failed, and the buttons that have it tried again."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.domain.models import UploadStatus
from onboarding.web import schemas
from onboarding.web.api import operations
from onboarding.web.auth import OperatorAdmin, OperatorHere
from onboarding.web.database import DeskHere
from onboarding.web.pagination import UploadId
from onboarding.web.portal.rendering import page
from onboarding.web.schemas import Wanted

router = APIRouter(prefix="/operator/issues", include_in_schema=False)

FAILED = 10


@router.get("")
def show(request: Request, caller: OperatorHere, desk: DeskHere, notice: Literal["redriven", ""] = "") -> Response:
    queues = operations.list_failure_queues(caller, desk).items
    return page(
        "issues.html",
        request,
        caller,
        stalled_uploads=operations.list_stuck(caller, desk).items,
        queues=[
            (queue, operations.list_failures(queue.queue, caller, desk).items if queue.waiting else [])
            for queue in queues
        ],
        failed_uploads=schemas.uploads_page(
            desk, caller, Wanted(status=UploadStatus.FAILED), cursor=None, limit=FAILED
        ),
        quarantined_files=operations.list_quarantined(caller, desk).items,
        notice=notice,
    )


@router.post("/uploads/{upload_id}/resume")
def resume(upload_id: UploadId, caller: OperatorAdmin, desk: DeskHere) -> Response:
    operations.resume_upload(upload_id, caller, desk)
    return RedirectResponse(f"/uploads/{upload_id}?notice=resumed", status_code=303)


@router.post("/queues/{queue}/redrive")
def redrive(queue: operations.Queue, caller: OperatorAdmin, desk: DeskHere) -> Response:
    operations.redrive(queue, caller, desk)
    return RedirectResponse("/operator/issues?notice=redriven", status_code=303)
