"""Bugs to plant: each gives what is to be replaced, and by what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from onboarding.aws import staging_table
from onboarding.domain.models import RowError
from onboarding.domain.validation import validate_row
from onboarding.lambda_handlers import error_processor
from onboarding.notifications import events
from onboarding.pipeline import finalize as finishing
from onboarding.pipeline import validate
from onboarding.pipeline.validate import BatchResult
from onboarding.storage import held_rows, product_queries, products, uploads
from onboarding.storage.queries import query
from tests.faults.aws_in_memory import Aws
from tests.faults.client_doubles import Client
from tests.faults.lambda_runtime import ChaosConnection, Runtime
from tests.support.postgres_fixtures import NOTHING_TAKEN

Changes = list[tuple[Any, str, Any]]
Make = Callable[[Runtime], Changes]


def _edited(**edits: tuple[str, str]) -> Callable[[str], str]:
    """Return `query` with a piece of some queries replaced. A missing piece is a mutation without an effect."""

    def edited(name: str) -> str:
        text = query(name)
        if name not in edits:
            return text
        old, new = edits[name]
        assert old in text, f"{name} has no '{old}'"
        return text.replace(old, new)

    return edited


def _queries(runtime: Runtime, **edits: tuple[str, str]) -> Changes:
    edited = _edited(**edits)
    # An edited query is the same place.
    runtime.queries |= {edited(name): f"sql.{name}" for name in edits}
    return [(module, "query", edited) for module in (products, uploads)]


def _product_query(runtime: Runtime, name: str, old: str, new: str) -> Changes:
    text = getattr(product_queries, name)
    assert old in text, f"{name} has no '{old}'"
    edited = text.replace(old, new)
    runtime.queries[edited] = f"sql.{name.lower()}"
    return [(product_queries, name, edited)]


NO_LOCK = {"lock_vendors": ("pg_advisory_xact_lock(hashtextextended(vendor_id, 0))", "hashtextextended(vendor_id, 0)")}


def no_vendor_lock(runtime: Runtime) -> Changes:
    return _queries(runtime, **NO_LOCK)


def unsorted_insert(runtime: Runtime) -> Changes:
    return _product_query(runtime, "INSERT_PRODUCTS", 'order by sku collate "C"', "order by random()")


def uploads_in_no_order(runtime: Runtime) -> Changes:
    return _product_query(runtime, "SELECT_OWN_PRODUCTS", "u.undone_at is null", "false")


def judged_rows_forgotten(_: Runtime) -> Changes:
    def judged_rows(*arguments: Any) -> Any:
        states, judged = real(*arguments)
        return states, type(judged)()

    real = uploads.get_recorded_outcomes
    return [(uploads, "get_recorded_outcomes", judged_rows)]


def counted_per_delivery(_: Runtime) -> Changes:
    seen: set[Any] = set()

    def decide(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        keys = {products.row_key(row) for row in rows}
        again = [upload_id for upload_id, _ in keys & seen]
        seen.update(keys)
        judgement = real(ctx, rows)
        query = """
            update upload_history set valid_records = valid_records + 1, created_records = created_records + 1
            where status = 'processing' and upload_id = any(%s)
        """
        ctx.database.run(lambda connection: connection.execute(query, (again,)))
        return judgement

    real = validate.record_outcomes
    return [(validate, "record_outcomes", decide)]


def no_transaction(_: Runtime) -> Changes:
    def transaction(self: ChaosConnection, *_: Any) -> Any:
        return nullcontext()

    return [(ChaosConnection, "transaction", transaction)]


def completion_sent_only_first(_: Runtime) -> Changes:
    seen: set[str] = set()

    def decide(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        judgement = real(ctx, rows)
        finished = [upload_id for upload_id in judgement.finished if upload_id not in seen]
        seen.update(finished)
        object.__setattr__(judgement, "finished", finished)
        return judgement

    real = validate.record_outcomes
    return [(validate, "record_outcomes", decide)]


def statuses_before_commit(_: Runtime) -> Changes:
    def decide(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        staging_table.write_outcomes(ctx, [(staging_table.to_item(row), []) for row in rows])
        return real(ctx, rows)

    real = validate.record_outcomes
    return [(validate, "record_outcomes", decide)]


def marked_before_published(runtime: Runtime) -> Changes:
    def upload_to_notify(connection: Any, upload_id: str) -> Any:
        query = """
            update upload_history set notified_at = now()
            where status <> 'processing' and notified_at is null and upload_id = %s returning 1
        """
        return uploads.get_upload(connection, upload_id) if runtime.ask(query, (upload_id,)) else None

    return [(uploads, "lock_upload_to_notify", upload_to_notify)]


def mail_without_claim(_: Runtime) -> Changes:
    def put_item(self: Aws, *, ConditionExpression: str, **parameters: Any) -> Any:  # noqa: N803
        return real(self, **{k: v for k, v in parameters.items() if k != "ExpressionAttributeValues"})

    real = Aws.dynamodb_put_item
    return [(Aws, "dynamodb_put_item", put_item)]


def partial_answers_ignored(_: Runtime) -> Changes:
    def left_out(place: str, parameters: dict[str, Any]) -> dict[str, Any]:
        real(place, parameters)
        return {}

    real = Client._left_out
    return [(Client, "_left_out", staticmethod(left_out))]


def resume_stages_nothing(_: Runtime) -> Changes:
    seen: set[str] = set()

    def stage(ctx: Any, rows: Iterable[Any]) -> None:
        some = list(rows)
        names = {row.upload_id for row in some}
        if names <= seen:
            return
        seen.update(names)
        real(ctx, some)

    real = staging_table.stage_rows
    return [(staging_table, "stage_rows", stage)]


def failed_report_acknowledged(_: Runtime) -> Changes:
    def finish(*arguments: Any) -> Any:
        try:
            return real(*arguments)
        except Exception:  # noqa: BLE001 - the bug
            return None

    real = finishing.finalize_upload
    return [(error_processor, "finalize_upload", finish)]


def few_errors_told(_: Runtime) -> Changes:
    def send_row_errors(ctx: Any, invalid: Sequence[Any]) -> None:
        real(ctx, invalid[:5])

    real = events.send_row_errors
    return [(events, "send_row_errors", send_row_errors)]


def result_published_by_two(runtime: Runtime) -> Changes:
    return _queries(runtime, lock_upload_to_notify=("for update", ""))


def valid_rows_told_of(_: Runtime) -> Changes:
    def send_row_errors(ctx: Any, invalid: Sequence[Any]) -> None:
        [row, *_] = [row for row, _ in invalid] or [None]
        others = [number for number in (1, 2) if row is not None and number != row.row_number]
        strange = [(replace(row, row_number=number), [RowError("INVALID_PRICE", "price", "?")]) for number in others]
        real(ctx, [*invalid, *strange])

    real = events.send_row_errors
    return [(events, "send_row_errors", send_row_errors)]


def told_before_commit(_: Runtime) -> Changes:
    def decide(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        found = [(row, validate_row(row, NOTHING_TAKEN)) for row in rows]
        events.send_row_errors(ctx, [(row, errors) for row, errors in found if errors])
        return real(ctx, rows)

    real = validate.record_outcomes
    return [(validate, "record_outcomes", decide)]


def completion_before_commit(_: Runtime) -> Changes:
    def decide(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        events.send_completions(ctx, sorted({(row.upload_id, row.vendor_id) for row in rows}))
        return real(ctx, rows)

    real = validate.record_outcomes
    return [(validate, "record_outcomes", decide)]


def held_rows_told_of_by_every_batch(_: Runtime) -> Changes:
    return [(held_rows, "delete_held_rows", lambda *_: None)]


def held_rows_told_of_once(_: Runtime) -> Changes:
    def decide(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        judgement = real(ctx, rows)
        ctx.database.run(lambda connection: held_rows.delete_held_rows(connection, list(judgement.finished)))
        return judgement

    real = validate.record_outcomes
    return [(validate, "record_outcomes", decide)]


def mail_to_another_vendor(_: Runtime) -> Changes:
    def publish_result(ctx: Any, upload: Any, *arguments: Any, **more: Any) -> None:
        real(ctx, replace(upload, vendor_email="sales@stylewear.com"), *arguments, **more)

    real = events.publish_result
    return [(events, "publish_result", publish_result)]
