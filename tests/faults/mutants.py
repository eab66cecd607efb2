"""Mutants: each function returns the attributes that it replaces, with their replacements."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

from onboarding.aws import error_queue, staging_table
from onboarding.domain.mappings import NO_CHOICE
from onboarding.domain.models import Row, RowError
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.lambda_handlers import error_processor
from onboarding.notifications import events
from onboarding.pipeline import finalize, ingest, recovery, upload_mappings, validate
from onboarding.pipeline.upload_mappings import UploadMappings
from onboarding.pipeline.validate import BatchResult
from onboarding.storage import corrections, file_details, held_rows, product_feed, uploads
from onboarding.storage import products as products_repository
from onboarding.storage.queries import query
from tests.faults.aws_in_memory import Aws
from tests.faults.client_doubles import Client
from tests.faults.lambda_runtime import FaultConnection, Runtime
from tests.support.postgres_fixtures import EMPTY_CATALOG

Patches = list[tuple[Any, str, Any]]
MutantFactory = Callable[[Runtime], Patches]


def no_vendor_lock(_: Runtime) -> Patches:
    return [(uploads, "lock_vendors", lambda *_: None)]


def unsorted_insert(_: Runtime) -> Patches:
    def insert(connection: Any, rows: Sequence[Row]) -> Any:
        middle = len(rows) // 2
        halves = [rows[middle:], rows[:middle]]
        random.shuffle(halves)
        keys = [key for half in halves if half for key in original(connection, half).fetchall()]
        return SimpleNamespace(fetchall=lambda: keys)

    original = products_repository._insert
    return [(products_repository, "_insert", insert)]


def upload_order_ignored(_: Runtime) -> Patches:
    def load_validation_context(*arguments: Any) -> ValidationContext:
        context = original(*arguments)
        products = {key: replace(product, later_uploads={}) for key, product in context.products.items()}
        return replace(context, products=products)

    original = products_repository.load_validation_context
    return [(products_repository, "load_validation_context", load_validation_context)]


def recorded_rows_ignored(_: Runtime) -> Patches:
    def get_recorded_outcomes(*arguments: Any) -> Any:
        states, recorded = original(*arguments)
        return states, type(recorded)()

    original = uploads.get_recorded_outcomes
    return [(uploads, "get_recorded_outcomes", get_recorded_outcomes)]


def counted_per_delivery(_: Runtime) -> Patches:
    seen: set[Any] = set()

    def record_outcomes(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        keys = {products_repository.row_key(row) for row in rows}
        repeated = [upload_id for upload_id, _ in keys & seen]
        seen.update(keys)
        result = original(ctx, rows)
        query = """
            update upload_history set valid_records = valid_records + 1, created_records = created_records + 1
            where status = 'processing' and upload_id = any(%s)
        """
        ctx.database.run(lambda connection: connection.execute(query, (repeated,)))
        return result

    original = validate.record_outcomes
    return [(validate, "record_outcomes", record_outcomes)]


def no_transaction(_: Runtime) -> Patches:
    def transaction(self: FaultConnection, *_: Any) -> Any:
        return nullcontext()

    return [(FaultConnection, "transaction", transaction)]


def completion_sent_only_first(_: Runtime) -> Patches:
    seen: set[str] = set()

    def record_outcomes(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        result = original(ctx, rows)
        finished = [upload_id for upload_id in result.finished if upload_id not in seen]
        seen.update(finished)
        object.__setattr__(result, "finished", finished)
        return result

    original = validate.record_outcomes
    return [(validate, "record_outcomes", record_outcomes)]


def statuses_before_commit(_: Runtime) -> Patches:
    def record_outcomes(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        staging_table.write_outcomes(ctx, [(staging_table.to_item(row), []) for row in rows])
        return original(ctx, rows)

    original = validate.record_outcomes
    return [(validate, "record_outcomes", record_outcomes)]


def marked_before_published(runtime: Runtime) -> Patches:
    def lock_upload_to_notify(connection: Any, upload_id: str) -> Any:
        query = """
            update upload_history set notified_at = now()
            where status <> 'processing' and notified_at is null and upload_id = %s returning 1
        """
        return uploads.get_upload(connection, upload_id) if runtime.fetch(query, (upload_id,)) else None

    return [(uploads, "lock_upload_to_notify", lock_upload_to_notify)]


def email_without_claim(_: Runtime) -> Patches:
    def put_item(self: Aws, *, ConditionExpression: str, **parameters: Any) -> Any:  # noqa: N803
        return original(self, **{k: v for k, v in parameters.items() if k != "ExpressionAttributeValues"})

    original = Aws.dynamodb_put_item
    return [(Aws, "dynamodb_put_item", put_item)]


def partial_responses_ignored(_: Runtime) -> Patches:
    def remove_part(point: str, parameters: dict[str, Any]) -> dict[str, Any]:
        original(point, parameters)
        return {}

    original = Client._remove_part
    return [(Client, "_remove_part", staticmethod(remove_part))]


def resume_stages_nothing(_: Runtime) -> Patches:
    seen: set[str] = set()

    def stage_rows(ctx: Any, rows: Iterable[Any]) -> None:
        staged = list(rows)
        upload_ids = {row.upload_id for row in staged}
        if upload_ids <= seen:
            return
        seen.update(upload_ids)
        original(ctx, staged)

    original = staging_table.stage_rows
    return [(staging_table, "stage_rows", stage_rows)]


def failed_report_acknowledged(_: Runtime) -> Patches:
    def finalize_upload(*arguments: Any) -> Any:
        try:
            return original(*arguments)
        except Exception:  # noqa: BLE001 - the bug
            return None

    original = finalize.finalize_upload
    return [(error_processor, "finalize_upload", finalize_upload)]


def row_errors_dropped(_: Runtime) -> Patches:
    def send_row_errors(ctx: Any, invalid: Sequence[Any]) -> None:
        original(ctx, invalid[:5])

    original = error_queue.send_row_errors
    return [(error_queue, "send_row_errors", send_row_errors)]


def result_published_by_two(_: Runtime) -> Patches:
    def lock_upload_to_notify(connection: Any, upload_id: str) -> Any:
        query = "select 1 from upload_history where status <> 'processing' and notified_at is null and upload_id = %s"
        return uploads.get_upload(connection, upload_id) if connection.execute(query, (upload_id,)).fetchone() else None

    return [(uploads, "lock_upload_to_notify", lock_upload_to_notify)]


def valid_rows_reported(_: Runtime) -> Patches:
    def send_row_errors(ctx: Any, invalid: Sequence[Any]) -> None:
        [row, *_] = [row for row, _ in invalid] or [None]
        other_numbers = [number for number in (1, 2) if row is not None and number != row.row_number]
        unexpected = [
            (replace(row, row_number=number), [RowError("INVALID_PRICE", "price", "?")]) for number in other_numbers
        ]
        original(ctx, [*invalid, *unexpected])

    original = error_queue.send_row_errors
    return [(error_queue, "send_row_errors", send_row_errors)]


def row_errors_sent_before_commit(_: Runtime) -> Patches:
    def record_outcomes(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        validated = [(row, validate_row(row, EMPTY_CATALOG)) for row in rows]
        error_queue.send_row_errors(ctx, [(row, errors) for row, errors in validated if errors])
        return original(ctx, rows)

    original = validate.record_outcomes
    return [(validate, "record_outcomes", record_outcomes)]


def completion_before_commit(_: Runtime) -> Patches:
    def record_outcomes(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        error_queue.send_completions(ctx, sorted({(row.upload_id, row.vendor_id) for row in rows}))
        return original(ctx, rows)

    original = validate.record_outcomes
    return [(validate, "record_outcomes", record_outcomes)]


def held_rows_sent_by_each_batch(_: Runtime) -> Patches:
    return [(held_rows, "delete_held_rows", lambda *_: None)]


def held_rows_sent_once(_: Runtime) -> Patches:
    def record_outcomes(ctx: Any, rows: Sequence[Any]) -> BatchResult:
        result = original(ctx, rows)
        ctx.database.run(lambda connection: held_rows.delete_held_rows(connection, list(result.finished)))
        return result

    original = validate.record_outcomes
    return [(validate, "record_outcomes", record_outcomes)]


def email_to_another_vendor(_: Runtime) -> Patches:
    def publish_result(ctx: Any, upload: Any, *arguments: Any, **more: Any) -> None:
        original(ctx, replace(upload, vendor_email="sales@stylewear.com"), *arguments, **more)

    original = events.publish_result
    return [(events, "publish_result", publish_result)]


def stored_mapping_ignored(_: Runtime) -> Patches:
    return [(ingest, "get_applied_mapping", lambda *_: None)]


def used_values_ignored(_: Runtime) -> Patches:
    def use_applied_mapping(applied: Any) -> UploadMappings:
        return replace(original(applied), targets={})

    original = upload_mappings.use_applied_mapping
    return [(ingest, "use_applied_mapping", use_applied_mapping)]


def late_call_stages_its_own_rows(_: Runtime) -> Patches:
    def open_upload(*arguments: Any) -> bool:
        original(*arguments)
        return True

    original = uploads.open_upload
    return [(uploads, "open_upload", open_upload)]


def feed_before_the_end_of_earlier_transactions(_: Runtime) -> Patches:
    condition = "and e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())"

    def remove_part(name: str) -> str:
        text = query(name)
        assert name != "list_product_events" or condition in text
        return text.replace(condition, "") if name == "list_product_events" else text

    return [(product_feed, "query", remove_part)]


def feed_by_a_sequence(_: Runtime) -> Patches:
    condition = "(e.transaction_id, e.event_id) > (%(transaction_id)s::xid8, %(event_id)s)"
    running = "and e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())"

    def replace_parts(name: str) -> str:
        text = query(name)
        if name != "list_product_events":
            return text
        assert condition in text
        assert running in text
        text = text.replace(condition, "%(transaction_id)s::xid8 is not null and e.event_id > %(event_id)s")
        return text.replace(running, "").replace("order by e.transaction_id, e.event_id", "order by e.event_id")

    return [(product_feed, "query", replace_parts)]


class _Trigger:
    """A trigger of the table of products, which `is_enabled` enables or disables."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        self._runtime = runtime
        self._name = name
        self._is_enabled = True

    @property
    def is_enabled(self) -> bool:
        return self._is_enabled

    @is_enabled.setter
    def is_enabled(self, value: bool) -> None:
        self._runtime.fetch(f"alter table products {'enable' if value else 'disable'} trigger {self._name}")
        self._is_enabled = value


def removals_without_events(runtime: Runtime) -> Patches:
    return [(_Trigger(runtime, "products_delete_events"), "is_enabled", False)]


def changes_without_events(runtime: Runtime) -> Patches:
    return [(_Trigger(runtime, "products_update_events"), "is_enabled", False)]


def fix_file_without_mapping(_: Runtime) -> Patches:
    return [(finalize, "MappingChoice", lambda _: NO_CHOICE)]


def mapped_values_in_errors(_: Runtime) -> Patches:
    return [(Row, "cells_in_file", property(lambda row: row.cells))]


def held_rows_without_own_values(_: Runtime) -> Patches:
    def insert_held_rows(connection: Any, rows: Sequence[Row]) -> None:
        original(connection, [replace(row, original={}) for row in rows])

    original = held_rows.insert_held_rows
    return [(held_rows, "insert_held_rows", insert_held_rows)]


def held_rows_without_notation(_: Runtime) -> Patches:
    def insert_held_rows(connection: Any, rows: Sequence[Row]) -> None:
        original(connection, [replace(row, decimal_comma=()) for row in rows])

    original = held_rows.insert_held_rows
    return [(held_rows, "insert_held_rows", insert_held_rows)]


def links_written_after_the_upload_is_opened(_: Runtime) -> Patches:
    delayed: list[Any] = []

    def open_upload(*arguments: Any) -> bool:
        delayed.clear()
        return bool(original_open(*arguments))

    def stage_rows(ctx: Any, rows: Sequence[Row]) -> None:
        for arguments in delayed:
            ctx.database.run(partial(original_insert, **arguments))
        original_stage(ctx, rows)

    def insert_row_corrections(_: Any, upload_id: str, parent: str, rows: Any) -> None:
        delayed.append({"upload_id": upload_id, "parent": parent, "rows": rows})

    original_open, original_insert = uploads.open_upload, corrections.insert_row_corrections
    original_stage = staging_table.stage_rows
    return [
        (uploads, "open_upload", open_upload),
        (ingest, "insert_row_corrections", insert_row_corrections),
        (staging_table, "stage_rows", stage_rows),
    ]


def fix_file_corrects_uploads_of_all_vendors(_: Runtime) -> Patches:
    def find_parent_rows(connection: Any, _: str, corrected_rows: Any) -> Any:
        parent = corrected_rows and uploads.get_upload(connection, corrected_rows.upload_id)
        return original(connection, parent.vendor_id, corrected_rows) if parent else None

    original = corrections.find_parent_rows
    return [(ingest, "find_parent_rows", find_parent_rows)]


def lines_taken_for_row_numbers(_: Runtime) -> Patches:
    def find_parent_rows(*arguments: Any) -> Any:
        parent = original(*arguments)
        return parent and (parent[0], {number: row + 1 for number, row in parent[1].items()})

    original = corrections.find_parent_rows
    return [(ingest, "find_parent_rows", find_parent_rows)]


def fix_of_a_fix_corrects_only_its_parent(_: Runtime) -> Patches:
    def insert_row_corrections(connection: Any, upload_id: str, parent: str, rows: Any) -> None:
        original(connection, upload_id, parent, rows)
        query = "delete from row_corrections where upload_id = %s and corrected_upload_id <> %s"
        connection.execute(query, (upload_id, parent))

    original = corrections.insert_row_corrections
    return [(ingest, "insert_row_corrections", insert_row_corrections)]


def accepted_rows_corrected_as_well(_: Runtime) -> Patches:
    def find_parent_rows(connection: Any, vendor_id: str, corrected_rows: Any) -> Any:
        parent = original(connection, vendor_id, corrected_rows)
        if parent is None:
            return None
        details = file_details.get_file_details(connection, parent[0])
        upload = uploads.get_upload(connection, parent[0])
        assert details is not None
        assert upload is not None
        row_numbers = {line: number for number, line in enumerate(details.list_lines(upload.total_records), 1)}
        lines = enumerate(corrected_rows.lines, 1)
        return parent[0], {number: row_numbers[line] for number, line in lines if line in row_numbers}

    original = corrections.find_parent_rows
    return [(ingest, "find_parent_rows", find_parent_rows)]


def search_index_without_the_watchdog(_: Runtime) -> Patches:
    return [(recovery, "_refresh_search", lambda _: [])]
