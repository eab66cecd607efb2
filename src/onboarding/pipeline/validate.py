"""What product-validator does: a batch of staged rows to products, row errors, counts, and word of all three.

One transaction decides; what follows it only says what was decided, and is said again when the batch comes again.
Rows that were judged before keep their outcome, so a batch may come as often as it likes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg

from onboarding.aws import staging_table
from onboarding.aws.staging_table import Item, Unprocessable
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Mode, OnError, Outcome, Row, RowError, UploadStatus
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.failpoints import failpoint
from onboarding.notifications import events
from onboarding.runtime import AppContext
from onboarding.storage import held_rows, products, uploads
from onboarding.storage.database import Connection
from onboarding.storage.products import RowKey, row_key
from onboarding.storage.queries import query
from onboarding.storage.uploads import UploadProgress, UploadState


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Rows with their errors (none: it is in the catalog), and the uploads of these rows that are complete.

    A valid row of a file that is taken in as a whole is not among them until the file's last row is judged; `released`
    are all such rows of the files that are complete, from whatever batch, until they were told of. `unprocessable` are
    rows that belong to no upload, with the reason; nothing was done with them.
    """

    errors: Mapping[RowKey, Sequence[RowError]]
    finished: Sequence[str]
    released: Sequence[Row] = ()
    unprocessable: Mapping[RowKey, str] = field(default_factory=dict)


@dataclass
class _Work:
    """What the transaction has come to so far."""

    errors: dict[RowKey, list[RowError]] = field(default_factory=dict)
    outcomes: dict[RowKey, Outcome] = field(default_factory=dict)
    held: set[RowKey] = field(default_factory=set)


def validate_batch(ctx: AppContext, items: Sequence[Item]) -> tuple[BatchResult, Sequence[Unprocessable]]:
    """Judge staged items, write their statuses, and send what there is to send.

    An item that is no row of an open upload is kept for an operator, and does not hold up the others. Raises whatever
    the infrastructure raised: then the whole batch is to come again.
    """
    by_key = {}
    unprocessable: list[Unprocessable] = []
    for item in items:
        try:
            row = staging_table.from_item(item)
        except staging_table.MalformedItem as error:
            unprocessable.append((item, str(error)))
        else:
            by_key[row_key(row)] = (item, row)
    judgement = record_outcomes(ctx, [row for _, row in by_key.values()])
    failpoint("validate.committed")
    for row in judgement.released:
        by_key.setdefault(row_key(row), (staging_table.to_item(row), row))
    judged = [(item, row, judgement.errors[key]) for key, (item, row) in by_key.items() if key in judgement.errors]
    staging_table.write_outcomes(ctx, [(item, errors) for item, _, errors in judged])
    failpoint("validate.statuses_written")
    events.send_row_errors(ctx, [(row, errors) for _, row, errors in judged if errors])
    failpoint("validate.errors_sent")
    if judgement.released:
        told = sorted({row.upload_id for row in judgement.released})
        ctx.database.run(lambda connection: held_rows.delete_held_rows(connection, told))
        failpoint("validate.held_rows_deleted")
    vendors = {row.upload_id: row.vendor_id for _, row in by_key.values()}
    events.send_completions(ctx, [(upload_id, vendors[upload_id]) for upload_id in judgement.finished])
    failpoint("validate.completions_sent")
    unprocessable += [(by_key[key][0], reason) for key, reason in judgement.unprocessable.items()]
    if unprocessable:
        staging_table.store_unprocessable(ctx, unprocessable)
        failpoint("validate.unprocessable_stored")
    return judgement, unprocessable


def record_outcomes(ctx: AppContext, rows: Sequence[Row]) -> BatchResult:
    """The transaction: outcomes of all rows, counted once."""
    try:
        return ctx.database.run(lambda connection: _decide(connection, rows), pipelined=True)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if not products.is_row_error(error):
            raise
        # A value that the rules let pass and the schema refuses: find its row, so that its neighbours get in.
        return ctx.database.run(lambda connection: _decide(connection, rows, one_by_one=True))


def _decide(connection: Connection, rows: Sequence[Row], *, one_by_one: bool = False) -> BatchResult:
    connection.execute(query("force_index_plans"))
    uploads.lock_vendors(connection, {row.vendor_id for row in rows})
    # Read once the next answers are: they come together, with no wait for each.
    asked = products.query_active_categories(connection, rows)
    states, judged = uploads.get_recorded_outcomes(connection, rows)
    categories = {name for (name,) in asked}
    unprocessable = {row_key(row): reason for row in rows if (reason := _why_not_a_row(row, states.get(row.upload_id)))}
    if unprocessable:
        rows = [row for row in rows if row_key(row) not in unprocessable]
        names = {row.upload_id for row in rows}
        states = {name: state for name, state in states.items() if name in names}
    new = [row for row in rows if row_key(row) not in judged] if judged else rows
    work = _Work()
    for some in _together(new, states):
        state = states[some[0].upload_id]
        if state.on_error is OnError.REJECT_FILE:
            _hold(connection, work, some, state.mode)
        else:
            _enter(connection, work, some, state.mode, categories, one_by_one=one_by_one)
    uploads.insert_errors(connection, [row for row in new if work.errors.get(row_key(row))], work.errors)
    standings = uploads.count_outcomes(connection, new, work.errors, work.outcomes, held=work.held)
    settled = release_held_rows(connection, standings, states, one_by_one=one_by_one)
    status = {name: state.status for name, state in states.items()}
    status |= {name: standing.status for name, standing in (standings | settled.standings).items()}
    finished = [name for name, now in status.items() if now is not UploadStatus.PROCESSING]
    errors = work.errors | settled.errors
    released = list(settled.rows)
    for name in finished:
        if states[name].on_error is OnError.REJECT_FILE and name not in settled.standings:
            # Complete before this batch came. Held rows that are still there were not all told of.
            again = held_rows.list_held_rows(connection, name)
            judged |= uploads.get_recorded_outcomes(connection, again)[1] if again else {}
            released += again
    keys = [row_key(row) for row in [*rows, *released]]
    known = {key: judged.get(key) or errors.get(key, []) for key in keys}
    # Valid rows of a file that enters as a whole wait for its last row.
    waiting = {
        name
        for name, state in states.items()
        if state.on_error is OnError.REJECT_FILE and status[name] is UploadStatus.PROCESSING
    }
    if waiting:
        known = {key: found for key, found in known.items() if found or key[0] not in waiting}
    return BatchResult(known, finished, released, unprocessable)


def _why_not_a_row(row: Row, state: UploadState | None) -> str | None:
    """Return why a staged row is none of its upload's rows; None if it is one."""
    if state is None:
        return f"there is no upload {row.upload_id}"
    if row.vendor_id != state.vendor_id:
        return f"the upload {row.upload_id} is not the vendor's"
    if not 1 <= row.row_number <= state.total_records:
        return f"the upload {row.upload_id} has {state.total_records:,} rows, and no row {row.row_number:,}"
    return None


def _together(rows: Sequence[Row], states: Mapping[str, UploadState]) -> Iterable[list[Row]]:
    """Rows that can be judged as one set: all that create products and stand for themselves, others by upload."""
    sets: dict[str, list[Row]] = {}
    for row in rows:
        state = states[row.upload_id]
        plain = state.mode is Mode.CREATE and state.on_error is OnError.REJECT_ROWS
        sets.setdefault("" if plain else row.upload_id, []).append(row)
    return sets.values()


def _hold(connection: Connection, work: _Work, rows: Sequence[Row], mode: Mode) -> None:
    facts = products.load_validation_context(connection, rows, mode)
    work.errors |= {row_key(row): validate_row(row, facts) for row in rows}
    valid = [row for row in rows if not work.errors[row_key(row)]]
    held_rows.insert_held_rows(connection, valid)
    work.held |= {row_key(row) for row in valid}


def _enter(
    connection: Connection,
    work: _Work,
    rows: Sequence[Row],
    mode: Mode,
    categories: Collection[str],
    *,
    one_by_one: bool,
) -> None:
    """Put the valid ones of these rows into the catalog; `categories` are the active ones, as `Facts` has them.

    Of new products the categories are all that must be known beforehand: whose SKU or id is taken shows as they go in,
    at no cost, and the catalog is asked about the few that do not.
    """
    creates = mode is Mode.CREATE
    facts = (
        ValidationContext(categories, (), ()) if creates else products.load_validation_context(connection, rows, mode)
    )
    errors: dict[RowKey, list[RowError]] = {}

    def valid(some: Sequence[Row]) -> list[Row]:
        """Those that pass every rule; the errors of the others are noted."""
        good = []
        for row in some:
            found = validate_row(row, facts)
            if found:
                errors[row_key(row)] = found
            else:
                good.append(row)
        return good

    outcomes: dict[RowKey, Outcome]
    refused: dict[RowKey, str] = {}
    if one_by_one:
        outcomes, refused = products.write_products_individually(connection, valid(rows), facts)
    elif creates and len(rows) > products.INSERT_BATCH:
        entered = products.insert_validated_products(connection, rows, valid)
        outcomes = dict.fromkeys(entered, Outcome.CREATED)
    else:
        outcomes = products.write_products(connection, valid(rows), facts)
    for key, reason in refused.items():
        errors[key] = [RowError(RowErrorCode.REFUSED_BY_CATALOG, "row", f"The catalog cannot hold this row: {reason}")]
    outside = [row for row in rows if row_key(row) not in outcomes and row_key(row) not in refused]
    # Those of new products were not held against the catalog's keys yet, whatever else is wrong with them.
    unsure = [row for row in outside if creates or row_key(row) not in errors]
    if unsure:
        facts = products.load_validation_context(connection, unsure, mode)
        errors |= {row_key(row): validate_row(row, facts) for row in unsure}
    unexplained = [row_key(row) for row in unsure if not errors[row_key(row)]]
    if unexplained:
        # Whoever held the SKU has let it go since: the batch comes again, and then they get in.
        raise psycopg.errors.SerializationFailure(f"neither inserted nor taken: {unexplained}")
    work.errors |= errors
    work.outcomes |= outcomes


class _NotAsAWhole(Exception):
    """Some row of a file that enters as a whole cannot enter after all."""


def _enter_as_a_whole(
    connection: Connection, work: _Work, rows: Sequence[Row], mode: Mode, *, one_by_one: bool
) -> None:
    categories = {name for (name,) in products.query_active_categories(connection, rows)}
    _enter(connection, work, rows, mode, categories, one_by_one=one_by_one)
    if any(work.errors.values()):
        raise _NotAsAWhole


@dataclass
class Settled:
    """Files that entered the catalog as a whole, or did not: their held rows, these rows' errors, how they stand."""

    rows: list[Row] = field(default_factory=list)
    errors: dict[RowKey, list[RowError]] = field(default_factory=dict)
    standings: dict[str, UploadProgress] = field(default_factory=dict)


def release_held_rows(
    connection: Connection,
    standings: Mapping[str, UploadProgress],
    states: Mapping[str, UploadState],
    *,
    one_by_one: bool = False,
) -> Settled:
    """Decide on the held rows of those uploads whose last row has been judged: all of them enter, or none."""
    settled = Settled()
    for upload_id, standing in standings.items():
        if not standing.held or standing.unjudged:
            continue
        rows = held_rows.list_held_rows(connection, upload_id)
        work = _Work()
        if not standing.invalid:
            try:
                with connection.transaction():
                    _enter_as_a_whole(connection, work, rows, states[upload_id].mode, one_by_one=one_by_one)
            except _NotAsAWhole:
                work.outcomes.clear()
        invalid = standing.invalid + sum(1 for errors in work.errors.values() if errors)
        if invalid:
            work.errors |= {
                row_key(row): [held_rows.file_rejected_error(invalid)]
                for row in rows
                if not work.errors.get(row_key(row))
            }
            uploads.insert_errors(connection, rows, work.errors)
        keys = {row_key(row) for row in rows}
        settled.standings |= uploads.count_outcomes(connection, rows, work.errors, work.outcomes, released=keys)
        settled.errors |= work.errors
        settled.rows += rows
    return settled
