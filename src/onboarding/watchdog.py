"""What the watchdog does: uploads that stopped moving are driven on, or ended with what is known.

PostgreSQL and the object are the durable truth. Staging, the stream and the queues may have lost anything: rows without
an outcome are staged again from the object, and a finished upload that nobody was told of is announced again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from onboarding import intake, ledger, notify
from onboarding.catalog import key_of, storable
from onboarding.context import Context
from onboarding.database import Connection
from onboarding.hold import forget_held
from onboarding.intake import PREFIX, SUFFIXES, Object
from onboarding.judge import settle
from onboarding.model import Row, RowError
from onboarding.points import passed
from onboarding.sql import statement

PATIENCE = timedelta(minutes=5)
"""How long nothing may move in an upload before it counts as stuck; a batch in its retries moves within."""

REDRIVES = 5
"""How often an upload is driven on in vain before it is ended."""

AT_ONCE = 20
"""Uploads that one run takes care of; the next run takes the next."""


@dataclass(frozen=True, slots=True)
class Driven:
    """One upload that the watchdog took care of, and how: `resumed`, `ended`, `announced` or `found`."""

    upload_id: str | None
    vendor_id: str | None
    s3_key: str | None
    outcome: str


def drive(ctx: Context, *, patience: timedelta = PATIENCE, at_once: int | None = AT_ONCE) -> Iterator[Driven]:
    """Take care of stuck uploads, `at_once` of them or all (None). Safe at any time and as often as wanted.

    Gives each upload once it is taken care of, and does nothing that is not asked for. An upload that cannot be driven
    on does not keep the others waiting: what went wrong is raised after them.
    """
    parameters = {"patience": patience, "limit": at_once}
    stuck = ctx.database.run(lambda c: c.execute(statement("stuck_uploads"), parameters).fetchall())
    ctx.database.run(forget_held)
    works = [(f"upload {upload[0]}", partial(_drive_one, ctx, upload)) for upload in stuck]
    yield from _each([*works, ("finished uploads", partial(_announce, ctx, parameters))])


def sweep(ctx: Context, *, patience: timedelta = PATIENCE) -> Iterator[Driven]:
    """Take in the objects under `uploads/` that no upload knows, though S3 announced them a while ago; as `drive` does.

    Lists every version there is, so it is for once a day and for the start of a local engine.
    """

    def find(source: Object) -> list[Driven]:
        taken = intake.take_in(ctx, source)
        return [Driven(taken.upload_id, taken.vendor_id, source.key, "found")]

    listed = _listed(ctx, datetime.now(UTC) - patience)
    unknown = [s for sources in listed for s in ctx.database.run(partial(_unknown, sources=sources))]
    yield from _each([(f"object {source.key}", partial(find, source)) for source in unknown])


def _each(works: Sequence[tuple[str, Callable[[], list[Driven]]]]) -> Iterator[Driven]:
    """Do all of it; raises at the end whatever went wrong on the way, each fault with a note of what it was about."""
    faults = []
    for name, work in works:
        try:
            driven = work()
        except Exception as fault:  # noqa: BLE001 - raised below, after the others had their turn
            fault.add_note(name)
            faults.append(fault)
        else:
            yield from driven
    if faults:
        raise ExceptionGroup(f"{len(faults)} of {len(works)} could not be driven on", faults)


def _drive_one(ctx: Context, stuck: Sequence[Any]) -> list[Driven]:
    upload_id, vendor_id, key, version_id, redrives_in_vain = stuck
    if redrives_in_vain >= REDRIVES:
        reason = "could not be processed; this is our fault, and the marketplace has been told"
        return _end(ctx, upload_id, vendor_id, key, f"This row {reason}. Please upload it again")
    ctx.database.run(partial(_mark_redriven, upload_id=upload_id))
    passed("watchdog.marked")
    taken = intake.take_in(ctx, Object(ctx.settings.bucket, key, version_id))
    if taken.outcome == "gone":
        reason = "The file was removed before this row was processed. Please upload it again"
        return _end(ctx, upload_id, vendor_id, key, reason)
    return [Driven(upload_id, vendor_id, key, "resumed")]


def _end(ctx: Context, upload_id: str, vendor_id: str, key: str, message: str) -> list[Driven]:
    end(ctx, upload_id, vendor_id, RowError("NOT_PROCESSED", "row", message))
    return [Driven(upload_id, vendor_id, key, "ended")]


def end(ctx: Context, upload_id: str, vendor_id: str, error: RowError) -> int:
    """Give every row that has no outcome this one, so that the upload is finished by the ledger's own law; how many
    there were."""

    def work(connection: Connection) -> tuple[list[str], int]:
        ledger.lock_vendors(connection, {vendor_id})
        upload = ledger.upload(connection, upload_id)
        assert upload is not None, "the history loses no upload"  # noqa: S101
        rows = [Row(upload_id, vendor_id, number, {}) for number in range(1, upload.total_records + 1)]
        states, judged = ledger.judged_rows(connection, rows)
        left = [row for row in rows if key_of(row) not in judged]
        errors = {key_of(row): [error] for row in left}
        ledger.insert_errors(connection, left, errors)
        standings = ledger.count_outcomes(connection, left, errors)
        settle(connection, standings, states)
        return list(standings), len(left)

    finished, ended = ctx.database.run(work)
    passed("watchdog.ended")
    notify.send_completions(ctx, [(name, vendor_id) for name in finished])
    return ended


def _announce(ctx: Context, parameters: Mapping[str, object]) -> list[Driven]:
    unnotified = ctx.database.run(lambda c: c.execute(statement("unnotified_uploads"), parameters).fetchall())
    notify.send_completions(ctx, unnotified)
    return [Driven(upload_id, vendor_id, None, "announced") for upload_id, vendor_id in unnotified]


def _listed(ctx: Context, before: datetime) -> Iterator[list[Object]]:
    """The bucket's uploads, page by page, as far as they were written before `before`."""
    bucket = ctx.settings.bucket
    for page in ctx.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=PREFIX):
        yield [
            Object(bucket, version["Key"], version["VersionId"])
            for version in page.get("Versions", [])
            if version["LastModified"] <= before and version["Key"].endswith(SUFFIXES)
        ]


def _mark_redriven(connection: Connection, upload_id: str) -> None:
    connection.execute(statement("mark_redriven"), {"upload_id": upload_id})


def _unknown(connection: Connection, sources: list[Object]) -> list[Object]:
    parameters = {"keys": [storable(s.key) for s in sources], "versions": [s.version_id for s in sources]}
    known = set(connection.execute(statement("known_objects"), parameters).fetchall())
    return [source for source in sources if (storable(source.key), source.version_id) not in known]
