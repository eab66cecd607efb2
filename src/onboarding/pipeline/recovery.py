"""What the watchdog does: uploads that stopped moving are driven on, or ended with what is known.

PostgreSQL and the object are the durable truth. Staging, the stream and the queues may have lost anything: rows without
an outcome are staged again from the object, and a finished upload that nobody was told of is announced again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from onboarding.aws.objects import is_folder_marker
from onboarding.domain.models import Row, RowError
from onboarding.failpoints import failpoint
from onboarding.notifications import email, events
from onboarding.pipeline import ingest
from onboarding.pipeline.ingest import PREFIX, S3ObjectVersion
from onboarding.pipeline.validate import release_held_rows
from onboarding.runtime import AppContext
from onboarding.storage import read_attempts
from onboarding.storage import uploads as uploads_repository
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.held_rows import purge_held_rows
from onboarding.storage.products import row_key, to_storable_text
from onboarding.storage.queries import query

SweepPosition = tuple[str, str]
"""A key and a version of the bucket's list, after which a look through it goes on."""

PATIENCE = timedelta(minutes=5)
"""How long nothing may move in an upload before it counts as stuck; a batch in its retries moves within."""

MAX_RESUMES = 5
"""How often an upload is driven on in vain before it is ended: the wait doubles each time, so after five hours."""

MAX_RESUME_ATTEMPTS = 288
"""How often that is tried when not even the trying goes through, as faults that pass have it: a day of runs."""

MAIL_PATIENCE = timedelta(minutes=5)
"""How long after a notification its mail may come: the mailer's retries end after three minutes and its time limits."""

MAX_UPLOADS_PER_RUN = 20
"""Uploads that one run takes care of; the next run takes the next."""

SWEEP_SECONDS = 200
"""How long one run looks through the bucket; the next goes on where it stopped. A run may take 300."""

SWEEP_PAGE = 1000
"""Versions that S3 lists in one answer."""


@dataclass(frozen=True, slots=True)
class RecoveryAction:
    """One upload that the watchdog took care of, and how: `resumed`, `ended`, `announced` or `found`."""

    upload_id: str | None
    vendor_id: str | None
    s3_key: str | None
    outcome: str


def resume_stalled_uploads(
    ctx: AppContext, *, patience: timedelta = PATIENCE, at_once: int | None = MAX_UPLOADS_PER_RUN
) -> Iterator[RecoveryAction]:
    """Take care of stuck uploads, `at_once` of them or all (None). Safe at any time and as often as wanted.

    Gives each upload once it is taken care of, and does nothing that is not asked for. An upload that cannot be driven
    on does not keep the others waiting: what went wrong is raised after them.
    """
    parameters = {"patience": patience, "limit": at_once}
    stuck = ctx.database.run(lambda c: c.execute(query("list_recently_notified_uploads"), parameters).fetchall())
    unfinished = ctx.database.run(partial(read_attempts.list_unfinished, patience=patience, limit=at_once))
    ctx.database.run(purge_held_rows)
    # Announcing reads no file, so no file keeps it waiting.
    works: list[tuple[str, Callable[[], list[RecoveryAction]]]] = [
        ("uploads without a mail", partial(reopen_unsent_notifications, ctx, MAIL_PATIENCE)),
        ("finished uploads", partial(_announce, ctx, parameters)),
    ]
    works += [(f"upload {upload[0]}", partial(_drive_one, ctx, upload, patience)) for upload in stuck]
    sources = [S3ObjectVersion(ctx.settings.bucket, key, version_id) for key, version_id in unfinished]
    works += [(f"object {source.key!r}", partial(_find, ctx, source, patience)) for source in sources]
    yield from _each(works)


def list_recently_notified(ctx: AppContext, patience: timedelta) -> list[str]:
    """Return the uploads of the last day whose notification was published at least `patience` ago."""
    parameters = {"patience": patience}
    rows = ctx.database.run(lambda c: c.execute(query("reopen_notifications"), parameters).fetchall())
    return [upload_id for (upload_id,) in rows]


def reopen_unsent_notifications(ctx: AppContext, patience: timedelta) -> list[RecoveryAction]:
    """Have uploads notified again whose mail was not sent `patience` after the notification was published."""
    unsent = email.list_unsent(ctx, list_recently_notified(ctx, patience))
    if unsent:
        ctx.database.run(lambda c: c.execute(query("list_stalled_uploads"), {"uploads": unsent}))
    # `_announce` gives them.
    return []


def ingest_missed_objects(
    ctx: AppContext, *, patience: timedelta = PATIENCE, seconds: float | None = SWEEP_SECONDS
) -> Iterator[RecoveryAction]:
    """Take in the objects under `uploads/` that no upload knows, though S3 announced them a while ago; as `drive` does.

    Lists every version there is, so it is for once a day and for the start of a local engine. It goes on where the last
    run had to stop, and stops itself after these seconds; with None it lists all, from the start. The position is noted
    before an object is read: if that ends the process, the next run goes on behind the object.
    """
    unheard_of = _unheard_of(ctx, datetime.now(UTC) - patience, seconds)
    yield from _each((f"object {source.key!r}", partial(_find, ctx, source, patience)) for source in unheard_of)


def _each(works: Iterable[tuple[str, Callable[[], list[RecoveryAction]]]]) -> Iterator[RecoveryAction]:
    """Do all of it; raises at the end whatever went wrong on the way, each fault with a note of what it was about."""
    faults, tried = [], 0
    remaining = iter(works)
    while True:
        tried += 1
        name = "the list of objects and uploads"
        try:
            found = next(remaining, None)
            if found is None:
                break
            name, work = found
            driven = work()
        except Exception as fault:  # noqa: BLE001 - raised below, after the others had their turn
            fault.add_note(name)
            faults.append(fault)
        else:
            yield from driven
    if faults:
        raise ExceptionGroup(f"{len(faults)} of {tried - 1} could not be driven on", faults)


def _find(ctx: AppContext, source: S3ObjectVersion, patience: timedelta) -> list[RecoveryAction]:
    taken = ingest.ingest_object(ctx, source, patience=patience)
    return [RecoveryAction(taken.upload_id, taken.vendor_id, source.key, "found")]


def _drive_one(ctx: AppContext, stuck: Sequence[Any], patience: timedelta) -> list[RecoveryAction]:
    upload_id, vendor_id, key, version_id, still_since, redrives_in_vain, attempts_in_vain = stuck

    def give_up(reason: str) -> list[RecoveryAction]:
        error = RowError("NOT_PROCESSED", "row", f"{reason}. Please upload it again")
        ended = end_upload(ctx, upload_id, vendor_id, error, still_since=still_since)
        return [RecoveryAction(upload_id, vendor_id, key, "ended" if ended else "resumed")]

    if redrives_in_vain >= MAX_RESUMES or attempts_in_vain >= MAX_RESUME_ATTEMPTS:
        return give_up("This row could not be processed; this is our fault, and the marketplace has been told")
    ctx.database.run(partial(_mark, name="mark_redrive_begun", upload_id=upload_id))
    failpoint("recovery.marked")
    taken = ingest.ingest_object(ctx, S3ObjectVersion(ctx.settings.bucket, key, version_id), patience=patience)
    if taken.outcome == "gone":
        return give_up("The file was removed before this row was processed")
    if taken.outcome == "unreadable":
        return give_up("The file could not be read again to process this row")
    # Not reached by a fault of ours: what was never staged anew was not driven on in vain.
    ctx.database.run(partial(_mark, name="mark_redriven", upload_id=upload_id))
    return [RecoveryAction(upload_id, vendor_id, key, "resumed")]


def end_upload(
    ctx: AppContext,
    upload_id: str,
    vendor_id: str,
    error: RowError,
    *,
    still_since: datetime | None = None,
    actor: Actor | None = None,
) -> int:
    """Record `error` for every row without an outcome, which completes the upload. Return the number of these rows.

    With `still_since`, do so only if the upload has made no progress since then: its rows may have been processed
    meanwhile. `actor` is the party that cancels the upload; its audit entry is part of the transaction.
    """

    def work(connection: Connection) -> tuple[list[str], int]:
        uploads_repository.lock_vendors(connection, {vendor_id})
        upload = uploads_repository.get_upload(connection, upload_id)
        assert upload is not None, "the history loses no upload"  # noqa: S101
        if still_since is not None and upload.last_progress_at != still_since:
            return [], 0
        rows = [Row(upload_id, vendor_id, number, {}) for number in range(1, upload.total_records + 1)]
        states, judged = uploads_repository.get_recorded_outcomes(connection, rows)
        left = [row for row in rows if row_key(row) not in judged]
        errors = {row_key(row): [error] for row in left}
        uploads_repository.insert_errors(connection, left, errors)
        standings = uploads_repository.count_outcomes(connection, left, errors)
        release_held_rows(connection, standings, states)
        if left and actor is not None:
            record_action(connection, actor, "upload_cancelled", upload_id, vendor_id=vendor_id)
        return list(standings), len(left)

    finished, ended = ctx.database.run(work)
    failpoint("recovery.ended")
    events.send_completions(ctx, [(name, vendor_id) for name in finished])
    return ended


def _announce(ctx: AppContext, parameters: Mapping[str, object]) -> list[RecoveryAction]:
    unnotified = ctx.database.run(lambda c: c.execute(query("list_unnotified_uploads"), parameters).fetchall())
    events.send_completions(ctx, unnotified)
    uploads = [upload_id for upload_id, _ in unnotified]
    ctx.database.run(lambda c: c.execute(query("mark_uploads_renotified"), {"uploads": uploads}))
    return [RecoveryAction(upload_id, vendor_id, None, "announced") for upload_id, vendor_id in unnotified]


def _unheard_of(ctx: AppContext, before: datetime, seconds: float | None) -> Iterator[S3ObjectVersion]:
    """The objects that no upload knows, as they are listed. After each page it is noted how far that has come."""
    began = time.monotonic()

    def time_is_up() -> bool:
        return seconds is not None and time.monotonic() - began >= seconds

    start = None if seconds is None else ctx.database.run(_sweep_position)
    for sources, position in _listed(ctx, before, start):
        for source in ctx.database.run(partial(_unknown, sources=sources)):
            if seconds is not None:
                ctx.database.run(partial(_note_sweep, position=(source.key, source.version_id)))
                failpoint("recovery.position_saved")
            yield source
            if time_is_up():
                return
        ctx.database.run(partial(_note_sweep, position=position))
        if time_is_up():
            return


def _listed(
    ctx: AppContext, before: datetime, start: SweepPosition | None
) -> Iterator[tuple[list[S3ObjectVersion], SweepPosition | None]]:
    """The bucket's uploads, page by page, as far as they were written before `before`; each with where the next page
    starts (None: it is the last)."""
    bucket = ctx.settings.bucket
    begin = {"KeyMarker": start[0], "VersionIdMarker": start[1]} if start else {}
    pages = ctx.s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket,
        Prefix=PREFIX,
        PaginationConfig={"PageSize": SWEEP_PAGE},
        **begin,  # type: ignore[arg-type]
    )
    for page in pages:
        sources = [
            S3ObjectVersion(bucket, version["Key"], version["VersionId"])
            for version in page.get("Versions", [])
            if version["LastModified"] <= before and not is_folder_marker(version["Key"], version["Size"])
        ]
        yield sources, (page["NextKeyMarker"], page["NextVersionIdMarker"]) if page.get("IsTruncated") else None


def _sweep_position(connection: Connection) -> SweepPosition | None:
    return connection.execute(query("get_sweep_cursor")).fetchone()


def _note_sweep(connection: Connection, position: SweepPosition | None) -> None:
    if position is None:
        connection.execute(query("delete_sweep_cursor"))
    else:
        s3_key, version_id = position
        connection.execute(
            query("upsert_sweep_cursor"), {"s3_key": to_storable_text(s3_key), "s3_version_id": version_id}
        )


def _mark(connection: Connection, name: str, upload_id: str) -> None:
    connection.execute(query(name), {"upload_id": upload_id})


def _unknown(connection: Connection, sources: list[S3ObjectVersion]) -> list[S3ObjectVersion]:
    parameters = {"keys": [to_storable_text(s.key) for s in sources], "versions": [s.version_id for s in sources]}
    known = set(connection.execute(query("list_known_objects"), parameters).fetchall())
    return [source for source in sources if (to_storable_text(source.key), source.version_id) not in known]
