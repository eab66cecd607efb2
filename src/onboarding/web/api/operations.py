"""Routes for operators: throughput, stalled uploads and failed events, with actions to resume and redrive them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import quote_plus

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from onboarding.aws import dead_letter_queues
from onboarding.aws.dead_letter_queues import MessageCounts
from onboarding.domain.models import Upload, UploadStatus
from onboarding.domain.resource_names import Function
from onboarding.pipeline.recovery import PATIENCE
from onboarding.storage.audit_log import record_action
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.auth import CurrentOperator, OperatorAdmin
from onboarding.web.database import PoolDep, fetch_models
from onboarding.web.errors import Problem, not_found, problem_responses
from onboarding.web.request_parameters import UploadId
from onboarding.web.schemas import UploadResponse, upload_response
from onboarding.web.upload_queries import get_visible_upload

router = APIRouter(
    prefix="/v1/operator",
    tags=["Operations"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)

LATEST_ERRORS = 20_000
"""The number of latest errors among which the most frequent ones are counted."""

QueueName = Annotated[str, Path(max_length=100, pattern=r"^[a-z-]+$", examples=["csv-parser-failures"])]


class _UploadFigures(BaseModel):
    uploads: int
    processing: int
    rows: int
    valid_rows: int
    error_rows: int
    original_valid_rows: int = Field(description="`valid_rows` of uploads that correct no other one")
    original_error_rows: int = Field(description="`error_rows` of uploads that correct no other one")
    fixed_rows: int = Field(description="Those of `original_error_rows` that other uploads have accepted since")
    stalled: int = Field(description=f"Uploads without progress for {PATIENCE.total_seconds() / 60:.0f} minutes")
    quarantined: int


class OverviewResponse(_UploadFigures):
    """The figures of the last 24 hours, and the current numbers of problems."""

    failed_events: int = Field(description="Messages in all failure queues, counted every few seconds")


class ThroughputBucket(BaseModel):
    """Uploads and rows that were completed in one interval."""

    at: datetime
    uploads: int
    rows: int
    valid_rows: int
    error_rows: int
    original_rows: int = Field(description="`rows` of uploads that correct no other one")
    original_error_rows: int = Field(description="`error_rows` of uploads that correct no other one")


class ThroughputResponse(BaseModel):
    items: list[ThroughputBucket] = Field(description="Every bucket of the requested time, the oldest first")


class TopErrorResponse(BaseModel):
    error_type: str
    column: str
    errors: int
    uploads: int
    vendors: int


class TopErrorList(BaseModel):
    items: list[TopErrorResponse]


class VendorQualityResponse(BaseModel):
    """The quality of a vendor's files in the last 90 days, without uploads that correct others."""

    vendor_id: str
    vendor_name: str
    rows: int
    valid_rows: int
    fixed_rows: int = Field(description="Rejected rows that other uploads have accepted since")
    quality: float = Field(description="First-pass quality: percentage of valid rows")
    quality_after_fixing: float = Field(description="Percentage of valid and fixed rows")


class VendorQualityList(BaseModel):
    items: list[VendorQualityResponse]


class StalledUploadList(BaseModel):
    items: list[UploadResponse]


class FailureResponse(BaseModel):
    """A failed event."""

    sent_at: datetime = Field(description="Time at which the event entered the queue")
    subject: str = Field(description="The upload, object or e-mail that the event concerns")
    error: str


class FailureQueueResponse(BaseModel):
    queue: str
    waiting: int


class FailureQueueList(BaseModel):
    items: list[FailureQueueResponse]


class FailureList(BaseModel):
    items: list[FailureResponse] = Field(description="Up to ten of the waiting messages")


class RedriveResponse(BaseModel):
    queue: str
    waiting: int = Field(description="Number of messages when the redrive starts")


class QuarantinedObjectResponse(BaseModel):
    s3_key: str
    reason: str
    created_at: datetime


class QuarantinedObjectList(BaseModel):
    items: list[QuarantinedObjectResponse]


class ResumeResponse(BaseModel):
    upload_id: str
    detail: str


def _message_counts(request: Request) -> MessageCounts:
    counts: MessageCounts = request.app.state.message_counts
    return counts


MessageCountsDep = Annotated[MessageCounts, Depends(_message_counts)]
"""The numbers of messages in the failure queues, as a route's parameter."""


@router.get("/overview")
def show_overview(principal: CurrentOperator, pool: PoolDep, counts: MessageCountsDep) -> OverviewResponse:
    """Return the figures of the last 24 hours."""
    failed_events = sum(counts.get().values())
    return principal.run(pool, lambda connection: get_overview(connection, failed_events))


def get_overview(connection: Connection, failed_events: int) -> OverviewResponse:
    """Return the figures of the last 24 hours."""
    [figures] = fetch_models(connection, _UploadFigures, "get_upload_overview", {"patience": PATIENCE})
    return OverviewResponse(**figures.model_dump(), failed_events=failed_events)


@router.get("/throughput")
def show_throughput(
    principal: CurrentOperator,
    pool: PoolDep,
    minutes: Annotated[int, Query(ge=5, le=129_600, description="Length of time up to now")] = 1440,
    buckets: Annotated[int, Query(ge=1, le=200, description="Number of buckets to divide the time into")] = 48,
) -> ThroughputResponse:
    """Return completed uploads and rows over time, for charts."""
    return principal.run(pool, lambda connection: get_throughput(connection, minutes, buckets))


def get_throughput(connection: Connection, minutes: int, buckets: int) -> ThroughputResponse:
    """Return the throughput of the last `minutes` in `buckets` of the same length."""
    parameters = {"width": timedelta(minutes=minutes / buckets), "intervals": buckets}
    items = fetch_models(connection, ThroughputBucket, "list_upload_throughput", parameters)
    return ThroughputResponse(items=items)


@router.get("/top-errors")
def show_top_errors(
    principal: CurrentOperator, pool: PoolDep, days: Annotated[int, Query(ge=1, le=90)] = 7
) -> TopErrorList:
    """Return the most frequent errors among the latest 20,000."""
    return principal.run(pool, lambda connection: get_top_errors(connection, days))


def get_top_errors(connection: Connection, days: int) -> TopErrorList:
    """Return the most frequent errors of the last days."""
    parameters = {"days": days, "max_errors": LATEST_ERRORS}
    return TopErrorList(items=fetch_models(connection, TopErrorResponse, "list_top_errors", parameters))


@router.get("/vendor-quality")
def list_vendor_quality(
    principal: CurrentOperator,
    pool: PoolDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of results")] = 5,
) -> VendorQualityList:
    """List the vendors with the lowest quality of files in the last 90 days, the lowest first."""
    return principal.run(pool, lambda connection: get_vendor_quality(connection, limit))


def get_vendor_quality(connection: Connection, limit: int) -> VendorQualityList:
    """Return the vendors with the lowest quality of files."""
    items = fetch_models(connection, VendorQualityResponse, "list_vendor_quality", {"limit": limit})
    return VendorQualityList(items=items)


@router.get("/stalled-uploads")
def list_stalled_uploads(
    principal: CurrentOperator,
    pool: PoolDep,
    minutes: Annotated[int, Query(ge=0, le=1440, description="Minutes without progress")] = 5,
) -> StalledUploadList:
    """List uploads in processing without progress, longest without progress first."""
    parameters = {"patience": timedelta(minutes=minutes), "limit": 100}

    def work(connection: Connection) -> list[Upload]:
        upload_ids = [row[0] for row in connection.execute(query("list_stalled_upload_ids"), parameters)]
        return [get_visible_upload(connection, principal, upload_id) for upload_id in upload_ids]

    return StalledUploadList(items=[upload_response(upload) for upload in principal.run(pool, work)])


@router.post("/uploads/{upload_id}/resume", status_code=202, responses=problem_responses("conflict"))
def resume_upload(upload_id: UploadId, principal: OperatorAdmin, pool: PoolDep) -> ResumeResponse:
    """Stage the rows of an upload that have no outcome again. This is safe at any time."""

    def work(connection: Connection) -> Upload:
        upload = get_visible_upload(connection, principal, upload_id)
        if upload.status is not UploadStatus.PROCESSING:
            raise Problem("conflict", "The upload is finished.")
        record_action(connection, principal.audit_actor, "upload_resumed", upload_id, vendor_id=upload.vendor_id)
        return upload

    upload = principal.run(pool, work)
    # The same event as from S3. Ingesting an object again repeats no finished work.
    s3_object = {"key": quote_plus(upload.s3_key), "versionId": upload.s3_version_id}
    record = {"s3": {"bucket": {"name": pool.settings.bucket}, "object": s3_object}}
    pool.ctx.start_function(Function.CSV_PARSER, {"Records": [record]})
    return ResumeResponse(upload_id=upload_id, detail="The remaining rows are being processed.")


@router.get("/failures")
def list_failure_queues(principal: CurrentOperator, pool: PoolDep) -> FailureQueueList:
    """Return the number of events in each failure queue."""
    return FailureQueueList(
        items=[
            FailureQueueResponse(queue=queue, waiting=count)
            for queue, count in dead_letter_queues.count_failures(pool.ctx).items()
        ]
    )


@router.get("/failures/{queue}")
def list_failures(queue: QueueName, principal: CurrentOperator, pool: PoolDep) -> FailureList:
    """Return up to ten events of a failure queue, without removing them."""
    _require_queue(queue)
    events = dead_letter_queues.peek_failures(pool.ctx, queue)
    return FailureList(
        items=[FailureResponse(sent_at=event.sent_at, subject=event.subject, error=event.error) for event in events]
    )


@router.post("/failures/{queue}/redrive", status_code=202)
def redrive_queue(queue: QueueName, principal: OperatorAdmin, pool: PoolDep) -> RedriveResponse:
    """Redrive the events of a failure queue. Events that succeed leave the queue; events that fail again stay."""
    _require_queue(queue)
    waiting = dead_letter_queues.count_failures_in(pool.ctx, queue)
    principal.run(pool, lambda c: record_action(c, principal.audit_actor, "failures_redriven", queue))
    # A redrive takes as long as the functions that it calls, which is too long for a request.
    pool.ctx.start_function(Function.WATCHDOG, {"redrive": queue})
    return RedriveResponse(queue=queue, waiting=waiting)


def _require_queue(queue: str) -> None:
    if queue not in dead_letter_queues.RETRIED_BY:
        raise not_found("queue")


@router.get("/quarantine")
def list_quarantined_objects(principal: CurrentOperator, pool: PoolDep) -> QuarantinedObjectList:
    """List the latest 100 objects that belong to no vendor."""
    items = principal.run(pool, lambda c: fetch_models(c, QuarantinedObjectResponse, "list_quarantined_objects"))
    return QuarantinedObjectList(items=items)
