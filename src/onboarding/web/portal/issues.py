"""Page of stalled uploads and failed events, with buttons to resume and redrive them, for operators."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from onboarding.domain.models import UploadStatus
from onboarding.web import upload_queries
from onboarding.web.api import operations
from onboarding.web.auth import CurrentOperator, OperatorAdmin
from onboarding.web.database import PoolDep
from onboarding.web.portal.rendering import render_page
from onboarding.web.request_parameters import UploadId
from onboarding.web.upload_queries import UploadFilter

router = APIRouter(prefix="/operator/issues", include_in_schema=False)

FAILED_UPLOADS = 10


@router.get("")
def show_issues(
    request: Request, principal: CurrentOperator, pool: PoolDep, notice: Literal["redriven", ""] = ""
) -> Response:
    """Show stalled and failed uploads, failure queues and quarantined objects."""
    queues = operations.list_failure_queues(principal, pool).items
    conditions = UploadFilter(status=UploadStatus.FAILED)
    return render_page(
        "issues.html",
        request,
        principal,
        stalled_uploads=operations.list_stalled_uploads(principal, pool).items,
        queues=[
            (queue, operations.list_failures(queue.queue, principal, pool).items if queue.waiting else [])
            for queue in queues
        ],
        failed_uploads=principal.run(
            pool, lambda c: upload_queries.list_uploads(c, principal, conditions, cursor=None, limit=FAILED_UPLOADS)
        ),
        quarantined_files=operations.list_quarantined_objects(principal, pool).items,
        notice=notice,
    )


@router.post("/uploads/{upload_id}/resume")
def resume_upload(upload_id: UploadId, principal: OperatorAdmin, pool: PoolDep) -> Response:
    operations.resume_upload(upload_id, principal, pool)
    return RedirectResponse(f"/uploads/{upload_id}?notice=resumed", status_code=303)


@router.post("/queues/{queue}/redrive")
def redrive_queue(queue: operations.QueueName, principal: OperatorAdmin, pool: PoolDep) -> Response:
    operations.redrive_queue(queue, principal, pool)
    return RedirectResponse("/operator/issues?notice=redriven", status_code=303)
