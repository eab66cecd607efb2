"""Repository for exports of products."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from psycopg.rows import dict_row

from onboarding.domain.catalog import ProductFilter
from onboarding.domain.exports import (
    FILE_AGE,
    MAX_EXPORTED_PRODUCTS,
    MAX_PENDING_EXPORTS,
    Export,
    ExportFormat,
    ExportStatus,
    parse_filter,
)
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.catalog import count_products
from onboarding.storage.database import Connection
from onboarding.storage.errors import InvalidInput, NotFound
from onboarding.storage.queries import query

PATIENCE = timedelta(minutes=5)
"""How long an export may make no progress before it is started again."""

MAX_ATTEMPTS = 3
"""How often an export is started before it fails."""

MAX_WAIT = timedelta(hours=6)
"""How long after its request an export may be started again."""

_RECORD_AGE = FILE_AGE + timedelta(days=1)
"""Age at which an export is deleted. S3 deletes its file at the midnight after `FILE_AGE`."""


class TooManyExports(Exception):
    """Too many exports of the vendor or the operator are not finished."""


def create_export(
    connection: Connection,
    actor: Actor,
    *,
    vendor_id: str | None,
    export_format: ExportFormat,
    conditions: ProductFilter,
    idempotency_key: str | None = None,
) -> Export:
    """Insert an export, or return the one that the actor requested with this idempotency key.

    `vendor_id` is the vendor that requests it, None for an operator. The caller starts the function `exporter` if the
    export waits, and compares the conditions of one that it may have requested before. Raises TooManyExports, and
    InvalidInput if too many products match.
    """
    params: dict[str, Any] = {
        "export_id": f"E{secrets.token_hex(12)}",
        "vendor_id": vendor_id,
        "format": export_format.value,
        "filters": json.dumps(asdict(conditions)),
        "created_by": actor.name,
        "idempotency_key": idempotency_key,
    }
    connection.execute(query("lock_subject"), {"subject": f"exports:{vendor_id or actor.name}"})
    if idempotency_key is not None and (export := _fetch_export(connection, "get_export_of_request", params)):
        return export
    [(pending,)] = connection.execute(query("count_pending_exports"), params).fetchall()
    if pending >= MAX_PENDING_EXPORTS:
        raise TooManyExports(f"{pending} exports are not finished yet. Create another one when they are")
    limit = MAX_EXPORTED_PRODUCTS
    params["total_rows"] = count_products(connection, conditions, is_vendor=vendor_id is not None, max_rows=limit + 1)
    if params["total_rows"] > limit:
        raise InvalidInput(f"An export has up to {limit:,} products. Use filters to export fewer of them")
    export = _fetch_export(connection, "insert_export", params)
    assert export is not None, "the statement returns the inserted row"  # noqa: S101
    detail = {"format": export.format.value, "products": export.total_rows}
    record_action(connection, actor, "export_created", export.export_id, vendor_id=vendor_id, **detail)
    return export


def get_export(connection: Connection, vendor_id: str | None, export_id: str) -> Export:
    """Return an export that a vendor requested, or an operator if it is None. Raises NotFound."""
    export = _fetch_export(connection, "get_export", {"vendor_id": vendor_id, "export_id": export_id})
    if export is None:
        raise NotFound(f"There is no export {export_id}")
    return export


def list_exports(connection: Connection, vendor_id: str | None, limit: int) -> list[Export]:
    """List the exports that a vendor requested, or operators if it is None, the newest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        params = {"vendor_id": vendor_id, "limit": limit}
        return [_build_export(row) for row in cursor.execute(query("list_exports"), params)]


def claim_export(connection: Connection, export_id: str, patience: timedelta) -> Export | None:
    """Start an export; return None if it does not exist, is finished, or made progress within `patience`."""
    return _fetch_export(connection, "claim_export", {"export_id": export_id, "patience": patience})


def record_progress(connection: Connection, export: Export, written_rows: int) -> bool:
    """Record the number of written rows; return False if the export was started again or has ended."""
    return _update_export(connection, "record_export_progress", export, written_rows=written_rows)


def complete_export(connection: Connection, export: Export, size_bytes: int) -> bool:
    """Complete an export whose file is in the bucket; return False if it was started again or has ended."""
    return _update_export(connection, "complete_export", export, size_bytes=size_bytes, s3_key=export.file_key)


def release_export(connection: Connection, export: Export) -> None:
    """Let an export that failed be started again at once."""
    _update_export(connection, "release_export", export)


def recover_exports(connection: Connection, patience: timedelta) -> tuple[list[str], list[str]]:
    """Delete expired exports; end or reset those without progress for `patience`.

    Return the ids of those to start again, and of those that failed.
    """
    connection.execute(query("delete_expired_exports"), {"age": _RECORD_AGE})
    params = {"patience": patience, "max_attempts": MAX_ATTEMPTS, "max_age": MAX_WAIT}
    failed = connection.execute(query("fail_stalled_exports"), params).fetchall()
    stalled = connection.execute(query("reset_stalled_exports"), params).fetchall()
    return [export_id for (export_id,) in stalled], [export_id for (export_id,) in failed]


def _update_export(connection: Connection, name: str, export: Export, **values: object) -> bool:
    params = {"export_id": export.export_id, "attempts": export.attempts, **values}
    return connection.execute(query(name), params).rowcount == 1


def _fetch_export(connection: Connection, name: str, params: dict[str, Any]) -> Export | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query(name), params).fetchone()
    return None if row is None else _build_export(row)


def _build_export(row: dict[str, Any]) -> Export:
    return Export(
        export_id=row["export_id"],
        vendor_id=row["vendor_id"],
        format=ExportFormat(row["format"]),
        conditions=parse_filter(row["filters"]),
        status=ExportStatus(row["status"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        completed_at=row["completed_at"],
        attempts=row["attempts"],
        total_rows=row["total_rows"],
        written_rows=row["written_rows"],
        size_bytes=row["size_bytes"],
        s3_key=row["s3_key"],
    )
