"""Recovery of stalled uploads and missed objects: the use case of watchdog.

PostgreSQL and the bucket are the source of truth. The staging table, the stream and the queues may lose anything: rows
without an outcome are staged again from the object, and the notification of a finished upload is sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from psycopg.rows import class_row

from onboarding.aws import error_queue
from onboarding.aws.objects import is_folder_marker
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import RowError
from onboarding.failpoints import Failpoint, failpoint
from onboarding.notifications import email
from onboarding.pipeline import cancel, ingest
from onboarding.pipeline.export_products import restart_stalled_exports
from onboarding.pipeline.ingest import S3ObjectVersion
from onboarding.runtime import AppContext
from onboarding.storage import product_feed, read_attempts
from onboarding.storage.database import Connection
from onboarding.storage.held_rows import purge_held_rows
from onboarding.storage.products import to_storable_text
from onboarding.storage.queries import query
from onboarding.storage.upload_sessions import PREFIX

SweepPosition = tuple[str, str]
"""Key and version of an object in the bucket, after which the next sweep continues."""

PATIENCE = timedelta(minutes=5)
"""How long an upload may make no progress before it is stalled. The retries of a batch end within that time."""

MAX_RESUMES = 5
"""How often an upload is resumed without progress before it is ended. The wait doubles each time, to five hours in
total."""

MAX_RESUME_ATTEMPTS = 288
"""How many attempts to resume an upload may fail, as during an outage, before it is ended: all runs of one day."""

EMAIL_PATIENCE = timedelta(minutes=5)
"""How long after a notification its e-mail may be sent: mailer's retries take three minutes plus its time limits."""

MAX_UPLOADS_PER_RUN = 20
"""Maximum number of uploads that one run resumes; the next run continues."""

SWEEP_SECONDS = 200
"""How long one run lists the bucket; the next run continues there. The function's time limit is 300 seconds."""

SEARCH_SECONDS = 60
"""How long one run updates the search index: uploads wait for it. The next run continues."""

SWEEP_PAGE = 1000
"""Maximum number of object versions in one response of S3."""


@dataclass(frozen=True, slots=True)
class RecoveryAction:
    """One recovered upload or object. `outcome` is `resumed`, `ended`, `renotified` or `ingested`."""

    upload_id: str | None
    vendor_id: str | None
    s3_key: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class StalledUpload:
    """An upload without progress since `last_progress_at`.

    `resume_starts` counts the attempts to resume it since then, `resume_attempts` those that staged its rows.
    """

    upload_id: str
    vendor_id: str
    s3_key: str
    s3_version_id: str
    last_progress_at: datetime
    resume_attempts: int
    resume_starts: int


def resume_stalled_uploads(
    ctx: AppContext, *, patience: timedelta = PATIENCE, limit: int | None = MAX_UPLOADS_PER_RUN
) -> Iterator[RecoveryAction]:
    """Yield each stalled upload after it was resumed, at most `limit` of them (None: all). Idempotent.

    An upload is resumed when the iterator is advanced to it. An upload that cannot be resumed does not stop the others:
    its exception is raised after them, in an ExceptionGroup.
    """
    parameters = {"patience": patience, "limit": limit}
    stalled_uploads = ctx.database.run(partial(_list_stalled_uploads, parameters=parameters))
    unfinished_objects = ctx.database.run(
        partial(read_attempts.list_unfinished_objects, patience=patience, limit=limit)
    )
    ctx.database.run(purge_held_rows)
    # Notifications come first: they read no file, so no file delays them.
    tasks: list[tuple[str, Callable[[], list[RecoveryAction]]]] = [
        ("uploads without an e-mail", partial(reopen_unsent_notifications, ctx, EMAIL_PATIENCE)),
        ("finished uploads", partial(_renotify_uploads, ctx, parameters)),
        ("exports", partial(_restart_exports, ctx)),
        ("search index", partial(_refresh_search, ctx)),
    ]
    tasks += [
        (f"upload {upload.upload_id}", partial(_resume_upload, ctx, upload, patience)) for upload in stalled_uploads
    ]
    sources = [S3ObjectVersion(ctx.settings.bucket, key, version_id) for key, version_id in unfinished_objects]
    tasks += [(f"object {source.key!r}", partial(_ingest_source, ctx, source, patience)) for source in sources]
    yield from _run_all(tasks)


def list_recently_notified(ctx: AppContext, patience: timedelta) -> list[str]:
    """Return the ids of the uploads of the last day whose notification was published at least `patience` ago."""
    parameters = {"patience": patience}
    rows = ctx.database.run(lambda c: c.execute(query("list_recently_notified_uploads"), parameters).fetchall())
    return [upload_id for (upload_id,) in rows]


def reopen_unsent_notifications(ctx: AppContext, patience: timedelta) -> list[RecoveryAction]:
    """Mark uploads for another notification if their e-mail was not sent within `patience`; return no actions."""
    upload_ids = email.list_unsent(ctx, list_recently_notified(ctx, patience))
    if upload_ids:
        ctx.database.run(lambda c: c.execute(query("reopen_notifications"), {"uploads": upload_ids}))
    # `_renotify_uploads` returns their actions.
    return []


def _restart_exports(ctx: AppContext) -> list[RecoveryAction]:
    """Start stalled exports again; return no actions: they concern no uploads."""
    restart_stalled_exports(ctx)
    return []


def _refresh_search(ctx: AppContext) -> list[RecoveryAction]:
    """Update the search index, which a running transaction may have kept from being complete; return no actions."""
    product_feed.refresh_search(ctx.database, SEARCH_SECONDS)
    return []


def ingest_missed_objects(
    ctx: AppContext, *, patience: timedelta = PATIENCE, seconds: float | None = SWEEP_SECONDS
) -> Iterator[RecoveryAction]:
    """Yield each object under `uploads/` that is older than `patience` and has no upload, after it was ingested.

    It lists every object version, so it runs once a day and when the local stack starts. It continues where the last
    run stopped and stops after `seconds`; with None it lists the whole bucket. The position is saved before an object
    is read: if reading it ends the process, the next run continues after the object.
    """
    missed_objects = _list_missed_objects(ctx, datetime.now(UTC) - patience, seconds)
    yield from _run_all(
        (f"object {source.key!r}", partial(_ingest_source, ctx, source, patience)) for source in missed_objects
    )


def delete_replaced_events(ctx: AppContext) -> int:
    """Delete the events of the change feed that later ones replace; return their number.

    It reads the events of all products, so it runs once a day.
    """
    return ctx.database.run(product_feed.delete_replaced_events)


def _run_all(tasks: Iterable[tuple[str, Callable[[], list[RecoveryAction]]]]) -> Iterator[RecoveryAction]:
    """Yield the actions of every task; at the end raise all exceptions in a group, each with its task as a note."""
    errors, task_count = [], 0
    iterator = iter(tasks)
    while True:
        task_count += 1
        # Advancing `iterator` may itself fail, because it may list the bucket.
        name = "the list of objects and uploads"
        try:
            task = next(iterator, None)
            if task is None:
                break
            name, run = task
            actions = run()
        except Exception as error:  # noqa: BLE001 - raised below, after the other tasks
            error.add_note(name)
            errors.append(error)
        else:
            yield from actions
    if errors:
        raise ExceptionGroup(f"{len(errors)} of {task_count - 1} could not be resumed", errors)


def _ingest_source(ctx: AppContext, source: S3ObjectVersion, patience: timedelta) -> list[RecoveryAction]:
    result = ingest.ingest_object(ctx, source, patience=patience)
    return [RecoveryAction(result.upload_id, result.vendor_id, source.key, "ingested")]


def _list_stalled_uploads(connection: Connection, parameters: Mapping[str, object]) -> list[StalledUpload]:
    cursor = connection.cursor(row_factory=class_row(StalledUpload))
    return cursor.execute(query("list_stalled_uploads"), parameters).fetchall()


def _resume_upload(ctx: AppContext, upload: StalledUpload, patience: timedelta) -> list[RecoveryAction]:
    upload_id, vendor_id, key = upload.upload_id, upload.vendor_id, upload.s3_key

    def end(reason: str) -> list[RecoveryAction]:
        error = RowError(RowErrorCode.NOT_PROCESSED, "row", f"{reason}. Please upload it again")
        row_count = cancel.end_upload(ctx, upload_id, vendor_id, error, last_progress_at=upload.last_progress_at)
        return [RecoveryAction(upload_id, vendor_id, key, "ended" if row_count else "resumed")]

    if upload.resume_attempts >= MAX_RESUMES or upload.resume_starts >= MAX_RESUME_ATTEMPTS:
        return end("This row could not be processed; this is our fault, and the marketplace has been notified")
    ctx.database.run(partial(_update_upload, name="mark_resume_started", upload_id=upload_id))
    failpoint(Failpoint.RECOVERY_MARKED)
    source = S3ObjectVersion(ctx.settings.bucket, key, upload.s3_version_id)
    result = ingest.ingest_object(ctx, source, patience=patience)
    if result.outcome == "deleted":
        return end("The file was removed before this row was processed")
    if result.outcome == "unreadable":
        return end("The file could not be read again to process this row")
    # Counted only after the rows are staged again: an attempt that fails before counts in `resume_starts` only.
    ctx.database.run(partial(_update_upload, name="mark_upload_resumed", upload_id=upload_id))
    return [RecoveryAction(upload_id, vendor_id, key, "resumed")]


def _renotify_uploads(ctx: AppContext, parameters: Mapping[str, object]) -> list[RecoveryAction]:
    unnotified_uploads = ctx.database.run(lambda c: c.execute(query("list_unnotified_uploads"), parameters).fetchall())
    error_queue.send_completions(ctx, unnotified_uploads)
    upload_ids = [upload_id for upload_id, _ in unnotified_uploads]
    ctx.database.run(lambda c: c.execute(query("mark_uploads_renotified"), {"uploads": upload_ids}))
    return [RecoveryAction(upload_id, vendor_id, None, "renotified") for upload_id, vendor_id in unnotified_uploads]


def _list_missed_objects(ctx: AppContext, before: datetime, seconds: float | None) -> Iterator[S3ObjectVersion]:
    """Yield the objects without an upload; save the position before each object and after each page."""
    started_at = time.monotonic()

    def is_time_up() -> bool:
        return seconds is not None and time.monotonic() - started_at >= seconds

    start = None if seconds is None else ctx.database.run(_get_sweep_position)
    for sources, position in _list_objects(ctx, before, start):
        for source in ctx.database.run(partial(_select_missed_objects, sources=sources)):
            if seconds is not None:
                ctx.database.run(partial(_save_sweep_position, position=(source.key, source.version_id)))
                failpoint(Failpoint.RECOVERY_POSITION_SAVED)
            yield source
            if is_time_up():
                return
        ctx.database.run(partial(_save_sweep_position, position=position))
        if is_time_up():
            return


def _list_objects(
    ctx: AppContext, before: datetime, start: SweepPosition | None
) -> Iterator[tuple[list[S3ObjectVersion], SweepPosition | None]]:
    """Yield pages of the objects written until `before`, each with the start of the next page (None for the last)."""
    bucket = ctx.settings.bucket
    markers = {"KeyMarker": start[0], "VersionIdMarker": start[1]} if start else {}
    pages = ctx.s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket,
        Prefix=PREFIX,
        PaginationConfig={"PageSize": SWEEP_PAGE},
        **markers,  # type: ignore[arg-type]
    )
    for page in pages:
        sources = [
            S3ObjectVersion(bucket, version["Key"], version["VersionId"])
            for version in page.get("Versions", [])
            if version["LastModified"] <= before and not is_folder_marker(version["Key"], version["Size"])
        ]
        yield sources, (page["NextKeyMarker"], page["NextVersionIdMarker"]) if page.get("IsTruncated") else None


def _get_sweep_position(connection: Connection) -> SweepPosition | None:
    return connection.execute(query("get_sweep_cursor")).fetchone()


def _save_sweep_position(connection: Connection, position: SweepPosition | None) -> None:
    if position is None:
        connection.execute(query("delete_sweep_cursor"))
    else:
        s3_key, version_id = position
        connection.execute(
            query("upsert_sweep_cursor"), {"s3_key": to_storable_text(s3_key), "s3_version_id": version_id}
        )


def _update_upload(connection: Connection, name: str, upload_id: str) -> None:
    connection.execute(query(name), {"upload_id": upload_id})


def _select_missed_objects(connection: Connection, sources: list[S3ObjectVersion]) -> list[S3ObjectVersion]:
    """Return the objects that have no upload and are not quarantined."""
    parameters = {"keys": [to_storable_text(s.key) for s in sources], "versions": [s.version_id for s in sources]}
    known_objects = set(connection.execute(query("list_known_objects"), parameters).fetchall())
    return [source for source in sources if (to_storable_text(source.key), source.version_id) not in known_objects]
