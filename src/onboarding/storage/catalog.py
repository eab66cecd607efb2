"""Repository for the catalog as vendors and operators see it: search, history, and blocks by the marketplace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.rows import dict_row

from onboarding.domain.catalog import (
    CatalogProduct,
    ProductEvent,
    ProductEventType,
    ProductFilter,
    ValueChange,
    build_word_query,
)
from onboarding.domain.column_types import ProductStatus
from onboarding.domain.product_schema import CHANGEABLE, COLUMNS, NUMBER_COLUMNS
from onboarding.storage import product_queries
from onboarding.storage.audit_log import Actor, record_action
from onboarding.storage.database import Connection
from onboarding.storage.errors import AlreadyExists, NotFound
from onboarding.storage.input_validation import validate_text
from onboarding.storage.queries import query

REASON_LENGTH = 500

Position = tuple[str, str]
"""A vendor and a vendor product id, in whose order products are listed."""


def list_products(
    connection: Connection, conditions: ProductFilter, *, is_vendor: bool, after: Position | None = None, limit: int
) -> list[CatalogProduct]:
    """List products that follow a position. `is_vendor`: the transaction is restricted to one vendor."""
    params = _build_params(conditions) | {"limit": limit}
    params |= {"after_vendor": after[0] if after else None, "after_product": after[1] if after else None}
    statement = product_queries.FIND_OWN_PRODUCTS if is_vendor else product_queries.FIND_PRODUCTS
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_build_product(row) for row in cursor.execute(statement, params)]


def count_products(connection: Connection, conditions: ProductFilter, *, is_vendor: bool, max_rows: int) -> int:
    """Return the number of products that match the conditions, at most `max_rows`."""
    name = "count_own_products_of_filter" if is_vendor else "count_products_of_filter"
    [(count,)] = connection.execute(query(name), _build_params(conditions) | {"max_rows": max_rows}).fetchall()
    return int(count)


def _build_params(conditions: ProductFilter) -> dict[str, object]:
    return asdict(conditions) | {"words": build_word_query(conditions.search)}


def get_products(connection: Connection, product_ids: Sequence[int]) -> list[CatalogProduct]:
    """Return the products with these ids that exist, in the order of vendors and their ids."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(product_queries.SELECT_PRODUCTS, {"product_ids": list(product_ids)})
        return [_build_product(row) for row in rows]


def get_product(connection: Connection, product_id: int) -> CatalogProduct:
    """Return a product. Raises NotFound."""
    products = get_products(connection, [product_id])
    if not products:
        raise NotFound(f"There is no product {product_id}")
    return products[0]


def _build_product(row: dict[str, Any]) -> CatalogProduct:
    values = {column: row.pop(column) for column in COLUMNS}
    return CatalogProduct(values=values, **row)


def list_history(connection: Connection, product_id: int) -> list[ProductEvent]:
    """List the events of a product that exists, newest first."""
    params = {"product_id": product_id}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("list_product_uploads"), params).fetchall()
        blocks = cursor.execute(query("list_product_blocks"), params).fetchall()
    events = [event for row in rows for event in _build_upload_events(row)]
    events += [event for row in blocks for event in _build_block_events(row)]
    return sorted(events, key=lambda event: event.at, reverse=True)


def _build_upload_events(row: Mapping[str, Any]) -> Iterator[ProductEvent]:
    changes = list_value_changes(row["previous_values"] or {}, row["new_values"] or {})
    source = {name: row[name] for name in ("upload_id", "file_name", "row_number", "upload_rows")}
    is_undone = row["undone_at"] is not None
    yield ProductEvent(
        ProductEventType(row["event_type"]), row["at"], row["actor"], changes=changes, is_undone=is_undone, **source
    )
    if is_undone:
        reverted = [ValueChange(change.column, change.new, change.old) for change in changes]
        yield ProductEvent(ProductEventType.UNDONE, row["undone_at"], row["undone_by"], changes=reverted, **source)


def list_value_changes(previous_values: Mapping[str, Any], new_values: Mapping[str, Any]) -> list[ValueChange]:
    """Return the changed columns in the order of the schema; `previous_values` are those of the whole product."""
    return [
        ValueChange(
            column, _format_value(column, previous_values.get(column)), _format_value(column, new_values[column])
        )
        for column in CHANGEABLE
        if column in new_values
    ]


def _format_value(column: str, value: object) -> str | None:
    if value is None:
        return None
    decimals = NUMBER_COLUMNS[column].decimals if column in NUMBER_COLUMNS else None
    return str(value) if decimals is None else f"{Decimal(str(value)):.{decimals}f}"


def _build_block_events(row: Mapping[str, Any]) -> Iterator[ProductEvent]:
    yield ProductEvent(ProductEventType.BLOCKED, row["blocked_at"], row["blocked_by"], reason=row["reason"])
    if row["ended_at"] is not None:
        yield ProductEvent(ProductEventType.UNBLOCKED, row["ended_at"], row["ended_by"], reason=row["reason"])


def block_product(connection: Connection, actor: Actor, product_id: int, reason: str) -> None:
    """Take a product off sale with a reason; the vendor cannot end it.

    Raises NotFound, AlreadyExists for a blocked product, InvalidInput.
    """
    vendor_id, vendor_product_id, status, updated_at = _lock_product(connection, product_id)
    if status == ProductStatus.BLOCKED:
        raise AlreadyExists("This product is blocked already.")
    reason = validate_text("A reason", reason, REASON_LENGTH)
    blocked_at = _set_status(connection, product_id, ProductStatus.BLOCKED)
    params = {
        "product_id": product_id,
        "vendor_id": vendor_id,
        "reason": reason,
        "previous_status": status,
        "previous_updated_at": updated_at,
        "blocked_at": blocked_at,
        "blocked_by": actor.name,
    }
    connection.execute(query("insert_product_block"), params)
    record_action(connection, actor, "product_blocked", vendor_product_id, vendor_id=vendor_id, reason=reason)


def unblock_product(connection: Connection, actor: Actor, product_id: int) -> None:
    """End the block of a product, which gets its former status. Raises NotFound, also if it is not blocked."""
    vendor_id, vendor_product_id, _, updated_at = _lock_product(connection, product_id)
    params = {"product_id": product_id, "ended_by": actor.name}
    row = connection.execute(query("end_product_block"), params).fetchone()
    if row is None:
        raise NotFound("This product is not blocked")
    previous_status, previous_updated_at, blocked_at, is_undone = row
    # Unless it was changed meanwhile, the product is as before, so that the upload before can be undone. If that upload
    # was undone already, the product stays: otherwise the undo of any other upload would revert it later.
    restored_time = previous_updated_at if updated_at == blocked_at and not is_undone else None
    _set_status(connection, product_id, ProductStatus(previous_status), restored_time)
    record_action(connection, actor, "product_unblocked", vendor_product_id, vendor_id=vendor_id)


def _lock_product(connection: Connection, product_id: int) -> tuple[str, str, str, datetime]:
    row = connection.execute(query("lock_product"), {"product_id": product_id}).fetchone()
    if row is None:
        raise NotFound(f"There is no product {product_id}")
    vendor_id, vendor_product_id, status, updated_at = row
    return vendor_id, vendor_product_id, status, updated_at


def _set_status(
    connection: Connection, product_id: int, status: ProductStatus, updated_at: datetime | None = None
) -> datetime:
    params = {"product_id": product_id, "status": status.value, "updated_at": updated_at}
    [(changed_at,)] = connection.execute(query("set_product_status"), params).fetchall()
    assert isinstance(changed_at, datetime)  # noqa: S101 - the type of the column
    return changed_at
