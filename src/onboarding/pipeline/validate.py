"""Validation of a batch of staged rows: the work of the function product-validator.

All outcomes are written in one transaction. The side effects after it are idempotent and repeat if the batch is
redelivered. A row that has an outcome keeps it, so a batch may be delivered any number of times.
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
from onboarding.failpoints import Failpoint, failpoint
from onboarding.notifications import events
from onboarding.runtime import AppContext
from onboarding.storage import held_rows, products, uploads
from onboarding.storage.database import Connection
from onboarding.storage.products import RowKey, row_key
from onboarding.storage.queries import query
from onboarding.storage.uploads import UploadProgress, UploadState


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Result of validating a batch.

    `errors` has the errors of each row that has an outcome; an accepted row has none. Held rows have no outcome before
    the last row of their file is validated. `finished` are the uploads of these rows that are complete. `released` are
    all held rows of complete uploads, also from other batches, until their outcomes have been sent. `unprocessable`
    gives the reason for each row that belongs to no upload; such rows are not processed.
    """

    errors: Mapping[RowKey, Sequence[RowError]]
    finished: Sequence[str]
    released: Sequence[Row] = ()
    unprocessable: Mapping[RowKey, str] = field(default_factory=dict)


@dataclass
class _Outcomes:
    """Outcomes of newly validated rows, collected within the transaction."""

    errors: dict[RowKey, list[RowError]] = field(default_factory=dict)
    outcomes: dict[RowKey, Outcome] = field(default_factory=dict)
    held: set[RowKey] = field(default_factory=set)


def validate_batch(ctx: AppContext, items: Sequence[Item]) -> tuple[BatchResult, Sequence[Unprocessable]]:
    """Validate staged items, write their statuses, and send the messages that follow.

    An item that is not a row of an open upload is stored for an operator and does not delay the others. Exceptions of
    AWS and PostgreSQL are raised: the whole batch is then redelivered.
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
    result = record_outcomes(ctx, [row for _, row in by_key.values()])
    failpoint(Failpoint.VALIDATE_COMMITTED)
    for row in result.released:
        by_key.setdefault(row_key(row), (staging_table.to_item(row), row))
    validated = [(item, row, result.errors[key]) for key, (item, row) in by_key.items() if key in result.errors]
    staging_table.write_outcomes(ctx, [(item, errors) for item, _, errors in validated])
    failpoint(Failpoint.VALIDATE_STATUSES_WRITTEN)
    events.send_row_errors(ctx, [(row, errors) for _, row, errors in validated if errors])
    failpoint(Failpoint.VALIDATE_ERRORS_SENT)
    if result.released:
        released = sorted({row.upload_id for row in result.released})
        ctx.database.run(lambda connection: held_rows.delete_held_rows(connection, released))
        failpoint(Failpoint.VALIDATE_HELD_ROWS_DELETED)
    vendors = {row.upload_id: row.vendor_id for _, row in by_key.values()}
    events.send_completions(ctx, [(upload_id, vendors[upload_id]) for upload_id in result.finished])
    failpoint(Failpoint.VALIDATE_COMPLETIONS_SENT)
    unprocessable += [(by_key[key][0], reason) for key, reason in result.unprocessable.items()]
    if unprocessable:
        staging_table.store_unprocessable(ctx, unprocessable)
        failpoint(Failpoint.VALIDATE_UNPROCESSABLE_STORED)
    return result, unprocessable


def record_outcomes(ctx: AppContext, rows: Sequence[Row]) -> BatchResult:
    """Write the outcomes of all rows in one transaction and count each row once."""
    try:
        return ctx.database.run(lambda connection: _record_outcomes(connection, rows), pipelined=True)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if not products.is_row_error(error):
            raise
        # The schema rejects a value that the rules accept: find its row, so that the others are accepted.
        return ctx.database.run(lambda connection: _record_outcomes(connection, rows, individually=True))


def _record_outcomes(connection: Connection, rows: Sequence[Row], *, individually: bool = False) -> BatchResult:
    connection.execute(query("force_index_plans"))
    uploads.lock_vendors(connection, {row.vendor_id for row in rows})
    # In a pipeline: the result is read after the next queries have been sent, which saves a round trip.
    active_categories = products.query_active_categories(connection, rows)
    states, recorded = uploads.get_recorded_outcomes(connection, rows)
    categories = {name for (name,) in active_categories}
    unprocessable = {
        row_key(row): reason for row in rows if (reason := _why_unprocessable(row, states.get(row.upload_id)))
    }
    if unprocessable:
        rows = [row for row in rows if row_key(row) not in unprocessable]
        names = {row.upload_id for row in rows}
        states = {name: state for name, state in states.items() if name in names}
    new = [row for row in rows if row_key(row) not in recorded] if recorded else rows
    new_outcomes = _Outcomes()
    for group in _group_rows(new, states):
        state = states[group[0].upload_id]
        if state.on_error is OnError.REJECT_FILE:
            _hold_valid_rows(connection, new_outcomes, group, state.mode)
        else:
            _write_valid_rows(connection, new_outcomes, group, state.mode, categories, individually=individually)
    uploads.insert_errors(
        connection, [row for row in new if new_outcomes.errors.get(row_key(row))], new_outcomes.errors
    )
    progress = uploads.count_outcomes(
        connection, new, new_outcomes.errors, new_outcomes.outcomes, held=new_outcomes.held
    )
    release = release_held_rows(connection, progress, states, individually=individually)
    status = {name: state.status for name, state in states.items()}
    status |= {name: counted.status for name, counted in (progress | release.progress).items()}
    finished = [name for name, current in status.items() if current is not UploadStatus.PROCESSING]
    errors = new_outcomes.errors | release.errors
    released = list(release.rows)
    for name in finished:
        if states[name].on_error is OnError.REJECT_FILE and name not in release.progress:
            # Complete before this batch. Held rows remain until all their outcomes have been sent: send them again.
            remaining = held_rows.list_held_rows(connection, name)
            recorded |= uploads.get_recorded_outcomes(connection, remaining)[1] if remaining else {}
            released += remaining
    keys = [row_key(row) for row in [*rows, *released]]
    known = {key: recorded.get(key) or errors.get(key, []) for key in keys}
    # Valid rows of an all-or-nothing file have no outcome before its last row is validated.
    incomplete = {
        name
        for name, state in states.items()
        if state.on_error is OnError.REJECT_FILE and status[name] is UploadStatus.PROCESSING
    }
    if incomplete:
        known = {key: row_errors for key, row_errors in known.items() if row_errors or key[0] not in incomplete}
    return BatchResult(known, finished, released, unprocessable)


def _why_unprocessable(row: Row, state: UploadState | None) -> str | None:
    """Return why a staged row does not belong to its upload; None if it does."""
    if state is None:
        return f"there is no upload {row.upload_id}"
    if row.vendor_id != state.vendor_id:
        return f"the upload {row.upload_id} is not the vendor's"
    if not 1 <= row.row_number <= state.total_records:
        return f"the upload {row.upload_id} has {state.total_records:,} rows, and no row {row.row_number:,}"
    return None


def _group_rows(rows: Sequence[Row], states: Mapping[str, UploadState]) -> Iterable[list[Row]]:
    """Group rows that are validated together: rows in mode `create` that stand alone in one group, others by upload."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        state = states[row.upload_id]
        independent = state.mode is Mode.CREATE and state.on_error is OnError.REJECT_ROWS
        groups.setdefault("" if independent else row.upload_id, []).append(row)
    return groups.values()


def _hold_valid_rows(connection: Connection, result: _Outcomes, rows: Sequence[Row], mode: Mode) -> None:
    context = products.load_validation_context(connection, rows, mode)
    result.errors |= {row_key(row): validate_row(row, context) for row in rows}
    valid = [row for row in rows if not result.errors[row_key(row)]]
    held_rows.insert_held_rows(connection, valid)
    result.held |= {row_key(row) for row in valid}


def _write_valid_rows(
    connection: Connection,
    result: _Outcomes,
    rows: Sequence[Row],
    mode: Mode,
    categories: Collection[str],
    *,
    individually: bool,
) -> None:
    """Write the valid rows to the catalog; `categories` are the active ones.

    New products are validated with the categories alone: the insert itself reports SKUs and ids that are taken, and
    only the rows that it does not return are validated with a context from the catalog.
    """
    creates = mode is Mode.CREATE
    if creates:
        context = ValidationContext(categories, (), ())
    else:
        context = products.load_validation_context(connection, rows, mode)
    errors: dict[RowKey, list[RowError]] = {}

    def select_valid(some: Sequence[Row]) -> list[Row]:
        """Return the rows that pass every rule; record the errors of the others."""
        valid = []
        for row in some:
            row_errors = validate_row(row, context)
            if row_errors:
                errors[row_key(row)] = row_errors
            else:
                valid.append(row)
        return valid

    outcomes: dict[RowKey, Outcome]
    rejected: dict[RowKey, str] = {}
    if individually:
        outcomes, rejected = products.write_products_individually(connection, select_valid(rows), context)
    elif creates and len(rows) > products.INSERT_BATCH:
        inserted = products.insert_validated_products(connection, rows, select_valid)
        outcomes = dict.fromkeys(inserted, Outcome.CREATED)
    else:
        outcomes = products.write_products(connection, select_valid(rows), context)
    for key, reason in rejected.items():
        errors[key] = [RowError(RowErrorCode.REFUSED_BY_CATALOG, "row", f"The catalog cannot hold this row: {reason}")]
    not_written = [row for row in rows if row_key(row) not in outcomes and row_key(row) not in rejected]
    # New products have not been compared with the catalog yet, whatever other errors they have.
    unclear = [row for row in not_written if creates or row_key(row) not in errors]
    if unclear:
        context = products.load_validation_context(connection, unclear, mode)
        errors |= {row_key(row): validate_row(row, context) for row in unclear}
    unexplained = [row_key(row) for row in unclear if not errors[row_key(row)]]
    if unexplained:
        # The SKU was released in the meantime: the batch is redelivered, and the rows are accepted then.
        raise psycopg.errors.SerializationFailure(f"neither inserted nor taken: {unexplained}")
    result.errors |= errors
    result.outcomes |= outcomes


class _RowRejected(Exception):
    """A held row of an all-or-nothing file cannot be written after all."""


def _write_whole_file(
    connection: Connection, result: _Outcomes, rows: Sequence[Row], mode: Mode, *, individually: bool
) -> None:
    categories = {name for (name,) in products.query_active_categories(connection, rows)}
    _write_valid_rows(connection, result, rows, mode, categories, individually=individually)
    if any(result.errors.values()):
        raise _RowRejected


@dataclass
class ReleaseResult:
    """Held rows of all-or-nothing files that are complete, with their errors and the progress of the uploads."""

    rows: list[Row] = field(default_factory=list)
    errors: dict[RowKey, list[RowError]] = field(default_factory=dict)
    progress: dict[str, UploadProgress] = field(default_factory=dict)


def release_held_rows(
    connection: Connection,
    progress: Mapping[str, UploadProgress],
    states: Mapping[str, UploadState],
    *,
    individually: bool = False,
) -> ReleaseResult:
    """Accept or reject all held rows of those uploads whose last row has been validated."""
    release = ReleaseResult()
    for upload_id, counted in progress.items():
        if not counted.held or counted.unjudged:
            continue
        rows = held_rows.list_held_rows(connection, upload_id)
        result = _Outcomes()
        if not counted.invalid:
            try:
                with connection.transaction():
                    _write_whole_file(connection, result, rows, states[upload_id].mode, individually=individually)
            except _RowRejected:
                result.outcomes.clear()
        invalid = counted.invalid + sum(1 for errors in result.errors.values() if errors)
        if invalid:
            result.errors |= {
                row_key(row): [held_rows.file_rejected_error(invalid)]
                for row in rows
                if not result.errors.get(row_key(row))
            }
            uploads.insert_errors(connection, rows, result.errors)
        keys = {row_key(row) for row in rows}
        release.progress |= uploads.count_outcomes(connection, rows, result.errors, result.outcomes, released=keys)
        release.errors |= result.errors
        release.rows += rows
    return release
