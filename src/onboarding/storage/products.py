"""Repository for products: the validation context of rows, and the products that they create and change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow, dict_row

from onboarding.domain.existing_product_rules import list_set_columns
from onboarding.domain.models import Mode, Outcome, Product, Row
from onboarding.domain.product_changes import apply_changes, drop_cleared_cells, drop_unchanged_cells, list_changes
from onboarding.domain.product_schema import CHANGEABLE, COLUMNS
from onboarding.domain.validation_context import ValidationContext, product_key
from onboarding.storage import product_queries
from onboarding.storage.database import Connection
from onboarding.storage.queries import query

_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")

INSERT_BATCH = 200
"""Products that one statement inserts while the next rows are validated. The overhead of a statement is negligible at
this size."""

FIRST_INSERT_BATCH = 50
"""Products of the first such statement. It is smaller because the database is idle until it arrives."""

ROW_ERROR_SQLSTATES = frozenset({"22001", "22003", "22P02", "22P05", "23502", "23514"})
"""SQLSTATEs of a value that does not fit its column: too long, out of range, of another type, not storable, missing, or
against a check constraint. Any other error is a failure of the system: it is raised, and the batch is retried."""

RowKey = tuple[str, int]
"""The upload_id and row_number of a row, which identify it."""


def row_key(row: Row) -> RowKey:
    """Return the key of a row."""
    return row.upload_id, row.row_number


def load_validation_context(connection: Connection, rows: Sequence[Row], mode: Mode = Mode.CREATE) -> ValidationContext:
    """Return the validation context of these rows: their categories, SKUs and vendor product ids in the database.

    Takes one round trip in a pipeline. In the modes `update` and `upsert` all rows must belong to one upload. The
    context excludes the products that this upload has created, so that errors do not depend on the batches of a file.
    """
    skus = [to_storable_text(row.cells["sku"]) for row in rows if "sku" in row.cells]
    ids = [
        (row.vendor_id, to_storable_text(product_id))
        for row in rows
        if (product_id := row.cells.get("vendor_product_id"))
    ]
    vendors = sorted({row.vendor_id for row in rows})
    # All queries are sent before the first result is read.
    category_cursor = query_active_categories(connection, rows)
    sku_cursor = connection.execute(query("list_taken_skus"), {"skus": json.dumps(skus), "vendors": vendors})
    if mode is Mode.CREATE:
        id_cursor = connection.execute(query("list_taken_product_ids"), {"ids": json.dumps(ids)})
    else:
        vendor_id, upload_id = rows[0].vendor_id, rows[0].upload_id
        params = {"vendor_id": vendor_id, "ids": [product_id for _, product_id in ids], "upload_id": upload_id}
        product_cursor = connection.cursor(row_factory=dict_row).execute(product_queries.SELECT_OWN_PRODUCTS, params)
        released_cursor = connection.execute(query("list_released_skus"), {"skus": skus, "upload_id": upload_id})
    categories = {name for (name,) in category_cursor}
    taken_skus: set[str] = set()
    own_skus: dict[tuple[str, str], str] = {}
    for sku, owner, vendor_product_id in sku_cursor:
        taken_skus.add(sku)
        if owner is not None:
            own_skus[owner, sku] = vendor_product_id
    if mode is Mode.CREATE:
        taken_ids = {(owner, vendor_product_id) for owner, vendor_product_id in id_cursor}
        return ValidationContext(categories, taken_skus, taken_ids, own_skus)
    products = {(vendor_id, values["vendor_product_id"]): _make_product(values) for values in product_cursor}
    for sku, vendor_product_id in released_cursor:
        taken_skus.add(sku)
        own_skus[vendor_id, sku] = vendor_product_id
    return ValidationContext(categories, taken_skus, products.keys(), own_skus, mode, products)


def _make_product(values: dict[str, Any]) -> Product:
    product_id, updated_at = values.pop("product_id"), values.pop("updated_at")
    return Product(product_id, updated_at, values.pop("later_uploads") or {}, values)


def query_active_categories(connection: Connection, rows: Sequence[Row]) -> Cursor[TupleRow]:
    """Query the active ones among the categories of these rows, or all active ones if one of them is not active."""
    names = {row.cells["category"] for row in rows if "category" in row.cells}
    return connection.execute(query("list_category_candidates"), {"names": [to_storable_text(name) for name in names]})


def to_storable_text(text: str) -> str:
    """Return the text with U+FFFD in place of the characters that PostgreSQL cannot store."""
    return text if text.isprintable() else _NOT_STORABLE.sub("\ufffd", text)


def insert_products(connection: Connection, rows: Sequence[Row]) -> set[RowKey]:
    """Insert the products of rows that passed every rule; return the keys of the inserted rows.

    A row is not inserted if its SKU or vendor product id has been taken since. Raises `psycopg.DataError` or
    `psycopg.IntegrityError` if the schema rejects a value that the rules accept.
    """
    return _fetch_keys([_insert(connection, rows)]) if rows else set()


def insert_validated_products(
    connection: Connection, rows: Sequence[Row], select_valid: Callable[[Sequence[Row]], Sequence[Row]]
) -> set[RowKey]:
    """Validate rows in batches and insert their products as `insert_products` does.

    `select_valid` returns the valid rows of a batch. In a pipeline, PostgreSQL inserts one batch while the next is
    validated. All batches together are in the order of SKUs that a single statement has.
    """
    sorted_rows = sorted(rows, key=lambda row: row.cells.get("sku", ""))
    bounds = [0, *range(FIRST_INSERT_BATCH, len(sorted_rows), INSERT_BATCH), len(sorted_rows)]
    batches = (sorted_rows[start:end] for start, end in pairwise(bounds))
    return _fetch_keys([_insert(connection, valid_rows) for batch in batches if (valid_rows := select_valid(batch))])


def _insert(connection: Connection, rows: Sequence[Row]) -> Cursor[TupleRow]:
    products = [[row.upload_id, row.row_number, row.vendor_id, *map(row.cells.get, COLUMNS)] for row in rows]
    return connection.execute(product_queries.INSERT_PRODUCTS, {"products": json.dumps(products, ensure_ascii=False)})


def _fetch_keys(cursors: Iterable[Cursor[TupleRow]]) -> set[RowKey]:
    return {key for cursor in cursors for key in cursor.fetchall()}


def update_products(connection: Connection, rows: Sequence[Row], context: ValidationContext) -> dict[RowKey, Outcome]:
    """Update the existing products of valid rows of one upload; return the outcome of each row.

    A row has no outcome if another session has changed its product since the context was loaded. Raises the exceptions
    of `insert_products`, and `psycopg.errors.UniqueViolation` if a SKU has been taken since.
    """
    if not rows:
        return {}
    upload_id = rows[0].upload_id
    outcomes: dict[RowKey, Outcome] = {}
    changed_products: list[list[object]] = []
    unchanged_rows: list[dict[str, object]] = []
    for row in rows:
        product = context.products[product_key(row)]
        new_values = apply_changes(row, product)
        set_columns = list_set_columns(drop_unchanged_cells(row, product))
        if new_values == product.values:
            unchanged_rows.append(
                {"row_number": row.row_number, "product_id": product.product_id, "set_columns": set_columns}
            )
            outcomes[row_key(row)] = Outcome.UNCHANGED
        else:
            texts = {column: None if new_values[column] is None else str(new_values[column]) for column in CHANGEABLE}
            changes = {column: texts[column] for column in list_changes(new_values, product)}
            position = (row.row_number, product.product_id, product.updated_at.isoformat())
            changed_products.append([*position, *texts.values(), changes, set_columns])
    if changed_products:
        params = {"upload_id": upload_id, "products": json.dumps(changed_products, ensure_ascii=False)}
        cursor = connection.execute(product_queries.UPDATE_PRODUCTS, params)
        outcomes |= {(upload_id, row_number): Outcome.UPDATED for (row_number,) in cursor}
    if unchanged_rows:
        connection.execute(
            query("insert_unchanged_products"), {"upload_id": upload_id, "rows": json.dumps(unchanged_rows)}
        )
    return outcomes


def write_products(connection: Connection, rows: Sequence[Row], context: ValidationContext) -> dict[RowKey, Outcome]:
    """Insert or update the products of rows that passed every rule, by their mode; return the outcome of each row.

    Rows without an outcome are those that `insert_products` and `update_products` leave out.
    """
    if context.mode is Mode.CREATE:
        return dict.fromkeys(insert_products(connection, rows), Outcome.CREATED)
    existing_rows = [row for row in rows if context.changes_a_product(row)]
    new_rows = [drop_cleared_cells(row) for row in rows if not context.changes_a_product(row)]
    outcomes = dict.fromkeys(insert_products(connection, new_rows), Outcome.CREATED)
    return outcomes | update_products(connection, existing_rows, context)


def restore_products(connection: Connection, upload_id: str) -> int:
    """Restore the former values of the products that an upload changed; return the number of restored products."""
    return connection.execute(product_queries.RESTORE_PRODUCTS, {"upload_id": upload_id}).rowcount


def list_upload_products(connection: Connection, upload_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """List a page of the products that an upload created, by row: those of rows after row number `after`."""
    params = {"upload_id": upload_id, "after": after, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(product_queries.SELECT_UPLOAD_PRODUCTS, params).fetchall()


def is_row_error(error: psycopg.Error) -> bool:
    """Return whether an error is due to single rows of a batch, so that the other rows can be written."""
    return isinstance(error, psycopg.errors.UniqueViolation) or error.sqlstate in ROW_ERROR_SQLSTATES


def write_products_individually(
    connection: Connection, rows: Sequence[Row], context: ValidationContext
) -> tuple[dict[RowKey, Outcome], dict[RowKey, str]]:
    """Write the products of a batch of which the schema rejects at least one row.

    Divides the batch in halves until each rejected row is alone. Returns the outcome of each written row, and
    PostgreSQL's message for each rejected row. A row whose SKU is taken is in neither.
    """
    try:
        with connection.transaction():
            return write_products(connection, rows, context), {}
    except psycopg.errors.UniqueViolation:
        if len(rows) == 1:
            return {}, {}
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if not is_row_error(error):
            raise
        if len(rows) == 1:
            return {}, {row_key(rows[0]): error.diag.message_primary or type(error).__name__}
    middle = len(rows) // 2
    first_outcomes, first_rejected = write_products_individually(connection, rows[:middle], context)
    second_outcomes, second_rejected = write_products_individually(connection, rows[middle:], context)
    return first_outcomes | second_outcomes, first_rejected | second_rejected
