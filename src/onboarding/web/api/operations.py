"""Routes for operators: what runs, what is stuck, what failed, and buttons that have it tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import quote_plus

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from onboarding.aws import dead_letter_queues
from onboarding.domain.models import Upload, UploadStatus
from onboarding.domain.resource_names import Function
from onboarding.pipeline.recovery import PATIENCE
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.audit import note
from onboarding.web.auth import CurrentOperator, OperatorAdmin
from onboarding.web.database import PoolDep
from onboarding.web.errors import Problem, not_found, problem_responses
from onboarding.web.pagination import UploadId, models_from_rows
from onboarding.web.schemas import UploadResponse, get_visible_upload, upload_response

router = APIRouter(
    prefix="/v1/operator",
    tags=["Operations"],
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
)

LATEST_ERRORS = 20_000
"""How many errors the most frequent ones are looked for in."""

Queue = Annotated[str, Path(max_length=100, pattern=r"^[a-z-]+$", examples=["csv-parser-failures"])]


class Overview(BaseModel):
    """The last 24 hours, and what waits."""

    uploads: int
    processing: int
    rows: int
    valid_rows: int
    error_rows: int
    stalled: int = Field(description=f"Uploads without progress for {PATIENCE.total_seconds() / 60:.0f} minutes")
    failed_events: int = Field(description="Messages in all failure queues")
    quarantined: int


class ThroughputBucket(BaseModel):
    """What was finished in one stretch of time."""

    at: datetime
    uploads: int
    rows: int
    valid_rows: int
    error_rows: int


class Throughput(BaseModel):
    items: list[ThroughputBucket] = Field(description="Every bucket of the requested time, the oldest first")


class TopError(BaseModel):
    error_type: str
    column: str
    errors: int
    uploads: int
    vendors: int


class TopErrors(BaseModel):
    items: list[TopError]


class Quality(BaseModel):
    """How good a vendor's files were."""

    vendor_id: str
    vendor_name: str
    rows: int
    valid_rows: int
    quality: float = Field(description="Percentage of valid rows in the last 90 days")


class Qualities(BaseModel):
    items: list[Quality]


class StalledUploads(BaseModel):
    items: list[UploadResponse]


class FailureResponse(BaseModel):
    since: datetime
    about: str
    error: str


class FailureQueue(BaseModel):
    queue: str
    waiting: int


class Failures(BaseModel):
    items: list[FailureQueue]


class FailureList(BaseModel):
    items: list[FailureResponse] = Field(description="Up to ten of the waiting messages")


class RedriveStarted(BaseModel):
    queue: str
    waiting: int = Field(description="Number of messages when the redrive starts")


class Quarantined(BaseModel):
    s3_key: str
    reason: str
    created_at: datetime


class Quarantine(BaseModel):
    items: list[Quarantined]


class Resumed(BaseModel):
    upload_id: str
    detail: str


@router.get("/overview")
def show_overview(principal: CurrentOperator, pool: PoolDep) -> Overview:
    """How things stand."""
    parameters = {"patience": PATIENCE}
    row = principal.run(pool, lambda c: c.execute(query("get_upload_overview"), parameters).fetchone())
    assert row is not None, "an aggregate has one row"  # noqa: S101
    uploads, processing, rows, valid, error, stalled, quarantined = row
    return Overview(
        uploads=uploads,
        processing=processing,
        rows=rows,
        valid_rows=valid,
        error_rows=error,
        stalled=stalled,
        failed_events=sum(dead_letter_queues.count_failures(pool.ctx).values()),
        quarantined=quarantined,
    )


@router.get("/throughput")
def show_throughput(
    principal: CurrentOperator,
    pool: PoolDep,
    minutes: Annotated[int, Query(ge=5, le=129_600, description="Length of time up to now")] = 1440,
    buckets: Annotated[int, Query(ge=1, le=200, description="Number of buckets to divide the time into")] = 48,
) -> Throughput:
    """What was finished over time, for charts."""
    parameters = {"width": timedelta(minutes=minutes / buckets), "intervals": buckets}
    found = principal.run(pool, lambda c: c.execute(query("list_upload_throughput"), parameters).fetchall())
    return Throughput(items=models_from_rows(ThroughputBucket, found))


@router.get("/top-errors")
def show_top_errors(
    principal: CurrentOperator, pool: PoolDep, days: Annotated[int, Query(ge=1, le=90)] = 7
) -> TopErrors:
    """What vendors get wrong most, by their latest 20,000 errors."""
    parameters = {"days": days, "latest": LATEST_ERRORS}
    found = principal.run(pool, lambda c: c.execute(query("list_top_errors"), parameters).fetchall())
    return TopErrors(items=models_from_rows(TopError, found))


@router.get("/vendor-quality")
def list_vendor_quality(
    principal: CurrentOperator,
    pool: PoolDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of results")] = 5,
) -> Qualities:
    """The vendors whose files were worst in the last 90 days, the worst first."""
    found = principal.run(pool, lambda c: c.execute(query("list_vendor_quality"), {"limit": limit}).fetchall())
    return Qualities(items=models_from_rows(Quality, found))


@router.get("/stalled-uploads")
def list_stalled_uploads(
    principal: CurrentOperator,
    pool: PoolDep,
    minutes: Annotated[int, Query(ge=0, le=1440, description="Minutes without progress")] = 5,
) -> StalledUploads:
    """Uploads under way in which nothing has moved for a while, the longest first."""
    parameters = {"patience": timedelta(minutes=minutes), "limit": 100}

    def work(connection: Connection) -> list[Upload]:
        names = [row[0] for row in connection.execute(query("list_stalled_upload_ids"), parameters)]
        return [get_visible_upload(connection, principal, name) for name in names]

    return StalledUploads(items=[upload_response(upload) for upload in principal.run(pool, work)])


@router.post("/uploads/{upload_id}/resume", status_code=202, responses=problem_responses("conflict"))
def resume_upload(upload_id: UploadId, principal: OperatorAdmin, pool: PoolDep) -> Resumed:
    """Have the rows of an upload that have no outcome staged again. Safe at any time."""

    def work(connection: Connection) -> Upload:
        upload = get_visible_upload(connection, principal, upload_id)
        if upload.status is not UploadStatus.PROCESSING:
            raise Problem("conflict", "The upload is finished.")
        note(connection, principal, "upload_resumed", upload_id, vendor_id=upload.vendor_id)
        return upload

    upload = principal.run(pool, work)
    # As if the bucket announced the object again: to take it in twice changes nothing that was done.
    announced = {"key": quote_plus(upload.s3_key), "versionId": upload.s3_version_id}
    record = {"s3": {"bucket": {"name": pool.settings.bucket}, "object": announced}}
    pool.ctx.start_function(Function.CSV_PARSER, {"Records": [record]})
    return Resumed(upload_id=upload_id, detail="The remaining rows are being processed.")


@router.get("/failures")
def list_failure_queues(principal: CurrentOperator, pool: PoolDep) -> Failures:
    """How many events that every retry failed on wait in each queue."""
    return Failures(
        items=[FailureQueue(queue=queue, waiting=n) for queue, n in dead_letter_queues.count_failures(pool.ctx).items()]
    )


@router.get("/failures/{queue}")
def list_failures(queue: Queue, principal: CurrentOperator, pool: PoolDep) -> FailureList:
    """Some of the events in a failure queue; they stay there."""
    _require_queue(queue)
    found = dead_letter_queues.peek_failures(pool.ctx, queue)
    return FailureList(items=[FailureResponse(since=f.since, about=f.about, error=f.error) for f in found])


@router.post("/failures/{queue}/redrive", status_code=202)
def redrive(queue: Queue, principal: OperatorAdmin, pool: PoolDep) -> RedriveStarted:
    """Have the events of a failure queue tried again. Those that go well are gone soon; what fails again stays."""
    _require_queue(queue)
    principal.run(pool, lambda connection: note(connection, principal, "failures_redriven", queue))
    waiting = dead_letter_queues.count_failures_in(pool.ctx, queue)
    # By a function that has as long as those it calls; a request has not, and would be cut off in the midst.
    pool.ctx.start_function(Function.WATCHDOG, {"redrive": queue})
    return RedriveStarted(queue=queue, waiting=waiting)


def _require_queue(queue: str) -> None:
    if queue not in dead_letter_queues.RETRIED_BY:
        raise not_found("queue")


@router.get("/quarantine")
def list_quarantined(principal: CurrentOperator, pool: PoolDep) -> Quarantine:
    """Objects that no vendor owns, the latest 100."""
    found = principal.run(pool, lambda c: c.execute(query("list_quarantined_objects")).fetchall())
    return Quarantine(items=models_from_rows(Quarantined, found))
