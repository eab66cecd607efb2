"""What product-validator does: a batch of staged rows to products, row errors, counts, and word of all three.

One transaction decides; what follows it only says what was decided, and is said again when the batch comes again.
Rows that were judged before keep their outcome, so a batch may come as often as it likes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

from onboarding import catalog, ledger, notify, staging
from onboarding.catalog import RowKey, key_of
from onboarding.context import Context
from onboarding.database import Connection
from onboarding.model import Row, RowError, UploadStatus
from onboarding.points import passed
from onboarding.rules import errors_of
from onboarding.staging import Item


@dataclass(frozen=True, slots=True)
class Judgement:
    """Every row's errors (none: it is in the catalog), and the uploads of these rows that are complete."""

    errors: Mapping[RowKey, Sequence[RowError]]
    finished: Sequence[str]


def judge(ctx: Context, items: Sequence[Item]) -> Judgement:
    """Judge staged items, write their statuses, and send what there is to send.

    Raises whatever the infrastructure raised: then the whole batch is to come again.
    """
    by_key = {}
    for item in items:
        row = staging.row_of(item)
        by_key[key_of(row)] = (item, row)
    rows = [row for _, row in by_key.values()]
    judgement = decide(ctx, rows)
    passed("judge.committed")
    staging.write_outcomes(ctx, [(item, judgement.errors[key]) for key, (item, _) in by_key.items()])
    passed("judge.statuses_written")
    notify.send_row_errors(ctx, [(row, judgement.errors[key_of(row)]) for row in rows if judgement.errors[key_of(row)]])
    passed("judge.errors_sent")
    vendors = {row.upload_id: row.vendor_id for row in rows}
    notify.send_completions(ctx, [(upload_id, vendors[upload_id]) for upload_id in judgement.finished])
    passed("judge.completions_sent")
    return judgement


def decide(ctx: Context, rows: Sequence[Row]) -> Judgement:
    """The transaction: outcomes of all rows, counted once."""
    try:
        return ctx.database.run(lambda connection: _decide(connection, rows))
    except (psycopg.DataError, psycopg.IntegrityError):
        # A value that the rules let pass and the schema refuses: find its row, so that its neighbours get in.
        return ctx.database.run(lambda connection: _decide(connection, rows, one_by_one=True))


def _decide(connection: Connection, rows: Sequence[Row], *, one_by_one: bool = False) -> Judgement:
    ledger.lock_vendors(connection, {row.vendor_id for row in rows})
    states, judged = ledger.judged_rows(connection, rows)
    new = [row for row in rows if key_of(row) not in judged]
    errors = _errors(connection, new)
    candidates = [row for row in new if not errors[key_of(row)]]
    refused: dict[RowKey, str] = {}
    if one_by_one:
        inserted, refused = catalog.insert_products_one_by_one(connection, candidates)
    else:
        inserted = catalog.insert_products(connection, candidates)
    for key, reason in refused.items():
        errors[key] = [RowError("REFUSED_BY_CATALOG", "row", f"The catalog cannot hold this row: {reason}")]
    lost = [row for row in candidates if key_of(row) not in inserted and key_of(row) not in refused]
    errors.update(_errors(connection, lost))
    unexplained = [key_of(row) for row in lost if not errors[key_of(row)]]
    if unexplained:
        # Whoever held the SKU has let it go since: the batch comes again, and then they get in.
        raise psycopg.errors.SerializationFailure(f"neither inserted nor taken: {unexplained}")
    ledger.insert_errors(connection, [row for row in new if errors[key_of(row)]], errors)
    states |= ledger.count_outcomes(connection, new, errors)
    finished = [upload_id for upload_id, status in states.items() if status is not UploadStatus.PROCESSING]
    return Judgement({key_of(row): judged.get(key_of(row)) or errors.get(key_of(row), []) for row in rows}, finished)


def _errors(connection: Connection, rows: Sequence[Row]) -> dict[RowKey, list[RowError]]:
    if not rows:
        return {}
    facts = catalog.facts_about(connection, rows)
    return {key_of(row): errors_of(row, facts) for row in rows}
