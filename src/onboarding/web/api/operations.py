"""Routes for operators: what runs, what is stuck, what failed, and buttons that have it tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import quote_plus

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from onboarding.aws import dead_letter_queues
from onboarding.domain.models import Upload, UploadStatus
from onboarding.pipeline.recovery import PATIENCE
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.audit import note
from onboarding.web.auth import OperatorAdmin, OperatorHere
from onboarding.web.database import DeskHere
from onboarding.web.errors import Problem, documented, not_found
from onboarding.web.pagination import UploadId, shaped
from onboarding.web.schemas import UploadShown, get_visible_upload, shown

router = APIRouter(
    prefix="/v1/operator",
    tags=["Operations"],
    responses=documented("unauthenticated", "forbidden", "not-found", "invalid-request", "bad-request"),
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


class Moment(BaseModel):
    """What was finished in one stretch of time."""

    at: datetime
    uploads: int
    rows: int
    valid_rows: int
    error_rows: int


class Throughput(BaseModel):
    items: list[Moment] = Field(description="Every bucket of the requested time, the oldest first")


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


class Stuck(BaseModel):
    items: list[UploadShown]


class FailureShown(BaseModel):
    since: datetime
    about: str
    error: str


class FailureQueue(BaseModel):
    queue: str
    waiting: int


class Failures(BaseModel):
    items: list[FailureQueue]


class FailureList(BaseModel):
    items: list[FailureShown] = Field(description="Up to ten of the waiting messages")


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
def show_overview(caller: OperatorHere, desk: DeskHere) -> Overview:
    """How things stand."""
    parameters = {"patience": PATIENCE}
    row = caller.run(desk, lambda c: c.execute(query("get_upload_overview"), parameters).fetchone())
    assert row is not None, "an aggregate has one row"  # noqa: S101
    uploads, processing, rows, valid, error, stalled, quarantined = row
    return Overview(
        uploads=uploads,
        processing=processing,
        rows=rows,
        valid_rows=valid,
        error_rows=error,
        stalled=stalled,
        failed_events=sum(dead_letter_queues.count_failures(desk.ctx).values()),
        quarantined=quarantined,
    )


@router.get("/throughput")
def show_throughput(
    caller: OperatorHere,
    desk: DeskHere,
    minutes: Annotated[int, Query(ge=5, le=129_600, description="Length of time up to now")] = 1440,
    buckets: Annotated[int, Query(ge=1, le=200, description="Number of buckets to divide the time into")] = 48,
) -> Throughput:
    """What was finished over time, for charts."""
    parameters = {"width": timedelta(minutes=minutes / buckets), "intervals": buckets}
    found = caller.run(desk, lambda c: c.execute(query("list_upload_throughput"), parameters).fetchall())
    return Throughput(items=shaped(Moment, found))


@router.get("/top-errors")
def show_top_errors(caller: OperatorHere, desk: DeskHere, days: Annotated[int, Query(ge=1, le=90)] = 7) -> TopErrors:
    """What vendors get wrong most, by their latest 20,000 errors."""
    parameters = {"days": days, "latest": LATEST_ERRORS}
    found = caller.run(desk, lambda c: c.execute(query("list_top_errors"), parameters).fetchall())
    return TopErrors(items=shaped(TopError, found))


@router.get("/vendor-quality")
def list_lowest_quality(
    caller: OperatorHere,
    desk: DeskHere,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of results")] = 5,
) -> Qualities:
    """The vendors whose files were worst in the last 90 days, the worst first."""
    found = caller.run(desk, lambda c: c.execute(query("list_vendor_quality"), {"limit": limit}).fetchall())
    return Qualities(items=shaped(Quality, found))


@router.get("/stalled-uploads")
def list_stuck(
    caller: OperatorHere,
    desk: DeskHere,
    minutes: Annotated[int, Query(ge=0, le=1440, description="Minutes without progress")] = 5,
) -> Stuck:
    """Uploads under way in which nothing has moved for a while, the longest first."""
    parameters = {"patience": timedelta(minutes=minutes), "limit": 100}

    def work(connection: Connection) -> list[Upload]:
        names = [row[0] for row in connection.execute(query("list_stalled_upload_ids"), parameters)]
        return [get_visible_upload(connection, caller, name) for name in names]

    return Stuck(items=[shown(upload) for upload in caller.run(desk, work)])


@router.post("/uploads/{upload_id}/resume", status_code=202, responses=documented("conflict"))
def resume_upload(upload_id: UploadId, caller: OperatorAdmin, desk: DeskHere) -> Resumed:
    """Have the rows of an upload that have no outcome staged again. Safe at any time."""

    def work(connection: Connection) -> Upload:
        upload = get_visible_upload(connection, caller, upload_id)
        if upload.status is not UploadStatus.PROCESSING:
            raise Problem("conflict", "The upload is finished.")
        note(connection, caller, "upload_resumed", upload_id, vendor_id=upload.vendor_id)
        return upload

    upload = caller.run(desk, work)
    # As if the bucket announced the object again: to take it in twice changes nothing that was done.
    announced = {"key": quote_plus(upload.s3_key), "versionId": upload.s3_version_id}
    record = {"s3": {"bucket": {"name": desk.settings.bucket}, "object": announced}}
    desk.ctx.start_function("csv-parser", {"Records": [record]})
    return Resumed(upload_id=upload_id, detail="The remaining rows are being processed.")


@router.get("/failures")
def list_failure_queues(caller: OperatorHere, desk: DeskHere) -> Failures:
    """How many events that every retry failed on wait in each queue."""
    return Failures(
        items=[FailureQueue(queue=queue, waiting=n) for queue, n in dead_letter_queues.count_failures(desk.ctx).items()]
    )


@router.get("/failures/{queue}")
def list_failures(queue: Queue, caller: OperatorHere, desk: DeskHere) -> FailureList:
    """Some of the events in a failure queue; they stay there."""
    _known(queue)
    found = dead_letter_queues.peek_failures(desk.ctx, queue)
    return FailureList(items=[FailureShown(since=f.since, about=f.about, error=f.error) for f in found])


@router.post("/failures/{queue}/redrive", status_code=202)
def redrive(queue: Queue, caller: OperatorAdmin, desk: DeskHere) -> RedriveStarted:
    """Have the events of a failure queue tried again. Those that go well are gone soon; what fails again stays."""
    _known(queue)
    caller.run(desk, lambda connection: note(connection, caller, "failures_redriven", queue))
    waiting = dead_letter_queues.count_failures_in(desk.ctx, queue)
    # By a function that has as long as those it calls; a request has not, and would be cut off in the midst.
    desk.ctx.start_function("watchdog", {"redrive": queue})
    return RedriveStarted(queue=queue, waiting=waiting)


def _known(queue: str) -> None:
    if queue not in dead_letter_queues.RETRIED_BY:
        raise not_found("queue")


@router.get("/quarantine")
def list_quarantined(caller: OperatorHere, desk: DeskHere) -> Quarantine:
    """Objects that no vendor owns, the latest 100."""
    found = caller.run(desk, lambda c: c.execute(query("list_quarantined_objects")).fetchall())
    return Quarantine(items=shaped(Quarantined, found))
