"""Validation of a batch of staged rows: the use case of product-validator.

All outcomes are written in one transaction. The side effects after it are idempotent and repeat if the batch is
redelivered. A row keeps its first outcome, so a batch may be delivered any number of times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg

from onboarding.aws import error_queue, staging_table
from onboarding.aws.staging_table import Item, Unprocessable
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Mode, OnError, Outcome, Row, RowError, UploadStatus
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.failpoints import Failpoint, failpoint
from onboarding.runtime import AppContext
from onboarding.storage import held_rows, products, uploads, validation_errors
from onboarding.storage.database import Connection
from onboarding.storage.products import RowKey, row_key
from onboarding.storage.queries import query
from onboarding.storage.uploads import UploadProgress, UploadState


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Result of validating a batch.

    `errors`: the errors of each row that has an outcome, an empty list for an accepted row. Held rows have no outcome
    before the last row of their file is validated. `finished`: the ids of the uploads of these rows that are complete.
    `released`: the held rows of complete uploads, from this and other batches, whose outcomes may not have been sent.
    `unprocessable`: the reason for each row that belongs to no upload; such rows are not processed.
    """

    errors: Mapping[RowKey, Sequence[RowError]]
    finished: Sequence[str]
    released: Sequence[Row] = ()
    unprocessable: Mapping[RowKey, str] = field(default_factory=dict)


@dataclass
class _Outcomes:
    """Outcomes of newly validated rows, collected during the transaction."""

    errors: dict[RowKey, list[RowError]] = field(default_factory=dict)
    outcomes: dict[RowKey, Outcome] = field(default_factory=dict)
    held: set[RowKey] = field(default_factory=set)


def validate_batch(ctx: AppContext, items: Sequence[Item]) -> tuple[BatchResult, Sequence[Unprocessable]]:
    """Validate staged items, write their statuses, and send the messages that follow.

    Return the result, and each item that is not a row of an open upload with the reason. Such an item is stored for an
    operator and does not delay the others. Raises the exceptions of AWS and PostgreSQL: the whole batch is then
    redelivered.
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
    validated_rows = [(item, row, result.errors[key]) for key, (item, row) in by_key.items() if key in result.errors]
    staging_table.write_outcomes(ctx, [(item, errors) for item, _, errors in validated_rows])
    failpoint(Failpoint.VALIDATE_STATUSES_WRITTEN)
    error_queue.send_row_errors(ctx, [(row, errors) for _, row, errors in validated_rows if errors])
    failpoint(Failpoint.VALIDATE_ERRORS_SENT)
    if result.released:
        released = sorted({row.upload_id for row in result.released})
        ctx.database.run(lambda connection: held_rows.delete_held_rows(connection, released))
        failpoint(Failpoint.VALIDATE_HELD_ROWS_DELETED)
    vendors = {row.upload_id: row.vendor_id for _, row in by_key.values()}
    error_queue.send_completions(ctx, [(upload_id, vendors[upload_id]) for upload_id in result.finished])
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
        # The database schema rejects a value that the rules accept: find its row, so that the others are accepted.
        return ctx.database.run(lambda connection: _record_outcomes(connection, rows, individually=True))


def _record_outcomes(connection: Connection, rows: Sequence[Row], *, individually: bool = False) -> BatchResult:
    """Write the outcomes of all rows; with `individually`, write products one by one to isolate rejected rows."""
    connection.execute(query("force_index_plans"))
    uploads.lock_vendors(connection, {row.vendor_id for row in rows})
    # In pipeline mode the result is read after the next queries have been sent, which saves a round trip.
    active_categories = products.query_active_categories(connection, rows)
    states, recorded_errors = uploads.get_recorded_outcomes(connection, rows)
    categories = {name for (name,) in active_categories}
    unprocessable = {
        row_key(row): reason for row in rows if (reason := _find_unprocessable_reason(row, states.get(row.upload_id)))
    }
    if unprocessable:
        rows = [row for row in rows if row_key(row) not in unprocessable]
        names = {row.upload_id for row in rows}
        states = {name: state for name, state in states.items() if name in names}
    new_rows = [row for row in rows if row_key(row) not in recorded_errors] if recorded_errors else rows
    result = _Outcomes()
    for group in _group_rows(new_rows, states):
        state = states[group[0].upload_id]
        if state.on_error is OnError.REJECT_FILE:
            _hold_valid_rows(connection, result, group, state.mode)
        else:
            _write_valid_rows(connection, result, group, state.mode, categories, individually=individually)
    invalid_rows = [row for row in new_rows if result.errors.get(row_key(row))]
    validation_errors.insert_errors(connection, invalid_rows, result.errors)
    progress = uploads.count_outcomes(connection, new_rows, result.errors, result.outcomes, held=result.held)
    release_result = release_held_rows(connection, progress, states, individually=individually)
    status = {name: state.status for name, state in states.items()}
    status |= {name: upload_progress.status for name, upload_progress in (progress | release_result.progress).items()}
    finished = [name for name, upload_status in status.items() if upload_status is not UploadStatus.PROCESSING]
    errors = result.errors | release_result.errors
    released_rows = list(release_result.rows)
    for name in finished:
        if states[name].on_error is OnError.REJECT_FILE and name not in release_result.progress:
            # Complete before this batch. Held rows are deleted after all their outcomes are sent: send them again.
            rows_to_send = held_rows.list_held_rows(connection, name)
            recorded_errors |= uploads.get_recorded_outcomes(connection, rows_to_send)[1] if rows_to_send else {}
            released_rows += rows_to_send
    keys = [row_key(row) for row in [*rows, *released_rows]]
    all_errors = {key: recorded_errors.get(key) or errors.get(key, []) for key in keys}
    # Valid rows of an all-or-nothing file have no outcome before its last row is validated.
    incomplete = {
        name
        for name, state in states.items()
        if state.on_error is OnError.REJECT_FILE and status[name] is UploadStatus.PROCESSING
    }
    if incomplete:
        all_errors = {
            key: row_errors for key, row_errors in all_errors.items() if row_errors or key[0] not in incomplete
        }
    return BatchResult(all_errors, finished, released_rows, unprocessable)


def _find_unprocessable_reason(row: Row, state: UploadState | None) -> str | None:
    """Return why a staged row does not belong to its upload, or None if it does."""
    if state is None:
        return f"there is no upload {row.upload_id}"
    if row.vendor_id != state.vendor_id:
        return f"the upload {row.upload_id} is not the vendor's"
    if not 1 <= row.row_number <= state.total_records:
        return f"the upload {row.upload_id} has {state.total_records:,} rows, and no row {row.row_number:,}"
    return None


def _group_rows(rows: Sequence[Row], states: Mapping[str, UploadState]) -> Iterable[list[Row]]:
    """Group the rows by upload. Independent rows, in mode `create` without all-or-nothing, form one group."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        state = states[row.upload_id]
        is_independent = state.mode is Mode.CREATE and state.on_error is OnError.REJECT_ROWS
        groups.setdefault("" if is_independent else row.upload_id, []).append(row)
    return groups.values()


def _hold_valid_rows(connection: Connection, result: _Outcomes, rows: Sequence[Row], mode: Mode) -> None:
    """Validate rows of an all-or-nothing file and insert the valid ones as held rows."""
    context = products.load_validation_context(connection, rows, mode)
    result.errors |= {row_key(row): validate_row(row, context) for row in rows}
    valid_rows = [row for row in rows if not result.errors[row_key(row)]]
    held_rows.insert_held_rows(connection, valid_rows)
    result.held |= {row_key(row) for row in valid_rows}


def _write_valid_rows(
    connection: Connection,
    result: _Outcomes,
    rows: Sequence[Row],
    mode: Mode,
    categories: Collection[str],
    *,
    individually: bool,
) -> None:
    """Write the valid rows to the catalog; `categories` are the active categories.

    In mode `create`, rows are first validated with the categories only: the insert returns the rows that it inserted,
    and only the others, whose SKU or id may exist, are validated with a context from the catalog.
    """
    is_create = mode is Mode.CREATE
    if is_create:
        context = ValidationContext(categories, (), ())
    else:
        context = products.load_validation_context(connection, rows, mode)
    errors: dict[RowKey, list[RowError]] = {}

    def select_valid(candidates: Sequence[Row]) -> list[Row]:
        """Return the rows that pass every rule; record the errors of the others."""
        valid_rows = []
        for row in candidates:
            row_errors = validate_row(row, context)
            if row_errors:
                errors[row_key(row)] = row_errors
            else:
                valid_rows.append(row)
        return valid_rows

    outcomes: dict[RowKey, Outcome]
    rejection_reasons: dict[RowKey, str] = {}
    if individually:
        outcomes, rejection_reasons = products.write_products_individually(connection, select_valid(rows), context)
    elif is_create and len(rows) > products.INSERT_BATCH:
        inserted_keys = products.insert_validated_products(connection, rows, select_valid)
        outcomes = dict.fromkeys(inserted_keys, Outcome.CREATED)
    else:
        outcomes = products.write_products(connection, select_valid(rows), context)
    for key, reason in rejection_reasons.items():
        errors[key] = [
            RowError(RowErrorCode.REJECTED_BY_CATALOG, "row", f"The catalog cannot store this row: {reason}")
        ]
    not_written = [row for row in rows if row_key(row) not in outcomes and row_key(row) not in rejection_reasons]
    # In mode `create`, rows with errors have not been compared with the catalog yet: duplicates are reported as well.
    to_compare = [row for row in not_written if is_create or row_key(row) not in errors]
    if to_compare:
        context = products.load_validation_context(connection, to_compare, mode)
        errors |= {row_key(row): validate_row(row, context) for row in to_compare}
    unexplained_keys = [row_key(row) for row in to_compare if not errors[row_key(row)]]
    if unexplained_keys:
        # The SKU was released after the insert: the transaction is retried, and the rows are accepted then.
        raise psycopg.errors.SerializationFailure(f"not inserted, and no duplicate exists: {unexplained_keys}")
    result.errors |= errors
    result.outcomes |= outcomes


class _RowRejected(Exception):
    """A held row of an all-or-nothing file is no longer valid."""


def _write_whole_file(
    connection: Connection, result: _Outcomes, rows: Sequence[Row], mode: Mode, *, individually: bool
) -> None:
    categories = {name for (name,) in products.query_active_categories(connection, rows)}
    _write_valid_rows(connection, result, rows, mode, categories, individually=individually)
    if any(result.errors.values()):
        raise _RowRejected


@dataclass
class ReleaseResult:
    """Held rows of complete all-or-nothing files, their errors, and the progress of their uploads."""

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
    """Accept or reject all held rows of each upload whose last row has been validated."""
    release_result = ReleaseResult()
    for upload_id, upload_progress in progress.items():
        if not upload_progress.held or upload_progress.pending:
            continue
        rows = held_rows.list_held_rows(connection, upload_id)
        result = _Outcomes()
        if not upload_progress.invalid:
            try:
                with connection.transaction():
                    _write_whole_file(connection, result, rows, states[upload_id].mode, individually=individually)
            except _RowRejected:
                result.outcomes.clear()
        invalid_count = upload_progress.invalid + sum(1 for errors in result.errors.values() if errors)
        if invalid_count:
            result.errors |= {
                row_key(row): [held_rows.build_file_rejected_error(invalid_count)]
                for row in rows
                if not result.errors.get(row_key(row))
            }
            validation_errors.insert_errors(connection, rows, result.errors)
        keys = {row_key(row) for row in rows}
        release_result.progress |= uploads.count_outcomes(
            connection, rows, result.errors, result.outcomes, released=keys
        )
        release_result.errors |= result.errors
        release_result.rows += rows
    return release_result
