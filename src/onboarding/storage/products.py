"""PostgreSQL's side of the catalog: what the rules must know of it, and the products that go in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow, dict_row

from onboarding.domain.change_rules import list_set_columns
from onboarding.domain.models import Mode, Outcome, Product, Row
from onboarding.domain.product_changes import apply_changes, drop_cleared_cells
from onboarding.domain.product_schema import CHANGEABLE, COLUMNS
from onboarding.domain.validation_context import ValidationContext, product_key
from onboarding.storage import product_queries
from onboarding.storage.database import Connection
from onboarding.storage.queries import query

_NOT_HELD = re.compile(r"[\x00\ud800-\udfff]")

INSERT_BATCH = 200
"""Products of a statement where the next are judged meanwhile: enough that a statement's own cost does not count."""

FIRST_INSERT_BATCH = 50
"""Products of the first such statement: until it comes, the database has nothing to do."""

ROW_ERROR_SQLSTATES = frozenset({"22001", "22003", "22P02", "22P05", "23502", "23514"})
"""SQLSTATEs that say that a row's own value does not fit its column: too long, out of range, not of the type, not
storable, missing, against a check. Every other fault is ours: it raises, and the batch is retried."""

RowKey = tuple[str, int]
"""upload_id and row_number: what names a row everywhere."""


def row_key(row: Row) -> RowKey:
    return row.upload_id, row.row_number


def load_validation_context(connection: Connection, rows: Sequence[Row], mode: Mode = Mode.CREATE) -> ValidationContext:
    """What the database knows about these rows' categories, SKUs and vendor product ids, in one round trip.

    Rows of a mode that changes products are of one upload. Products that this upload itself created are not among the
    known ones: which rows came in an earlier batch must not decide what is said of another row.
    """
    skus = [to_storable_text(row.cells["sku"]) for row in rows if "sku" in row.cells]
    ids = [(row.vendor_id, to_storable_text(name)) for row in rows if (name := row.cells.get("vendor_product_id"))]
    vendors = sorted({row.vendor_id for row in rows})
    categories = query_active_categories(connection, rows)
    holders = connection.execute(query("list_taken_skus"), {"skus": json.dumps(skus), "vendors": vendors})
    if mode is Mode.CREATE:
        taken_ids = connection.execute(query("list_taken_product_ids"), {"ids": json.dumps(ids)})
    else:
        own = {"vendor_id": rows[0].vendor_id, "ids": [n for _, n in ids], "upload_id": rows[0].upload_id}
        own_products = connection.execute(product_queries.SELECT_OWN_PRODUCTS, own)
        released = connection.execute(query("list_released_skus"), {"skus": skus, "upload_id": rows[0].upload_id})
    active = {name for (name,) in categories}
    taken_skus: set[str] = set()
    own_skus: dict[tuple[str, str], str] = {}
    for sku, vendor, name in holders:
        taken_skus.add(sku)
        if vendor is not None:
            own_skus[vendor, sku] = name
    if mode is Mode.CREATE:
        return ValidationContext(active, taken_skus, {(vendor, name) for vendor, name in taken_ids}, own_skus)
    products = {
        (rows[0].vendor_id, values[0]): Product(
            product_id, updated_at, later or {}, dict(zip(COLUMNS, values, strict=True))
        )
        for product_id, updated_at, later, *values in own_products
    }
    for sku, name in released:
        taken_skus.add(sku)
        own_skus[rows[0].vendor_id, sku] = name
    return ValidationContext(active, taken_skus, products.keys(), own_skus, mode, products)


def query_active_categories(connection: Connection, rows: Sequence[Row]) -> Cursor[TupleRow]:
    """The names of the active categories among theirs, and of all active ones if any of theirs is not."""
    names = {row.cells["category"] for row in rows if "category" in row.cells}
    return connection.execute(query("list_category_candidates"), {"names": [to_storable_text(name) for name in names]})


def to_storable_text(text: str) -> str:
    """`text` without the characters that PostgreSQL cannot hold; with U+FFFD in their place."""
    return text if text.isprintable() else _NOT_HELD.sub("\ufffd", text)


def insert_products(connection: Connection, rows: Sequence[Row]) -> set[RowKey]:
    """Put rows that passed every rule into `products`; returns the keys of those that went in.

    A row that is not among them met a SKU or a vendor product id that was taken meanwhile. Raises
    `psycopg.DataError` or `psycopg.IntegrityError` when the schema refuses a value that the rules let pass.
    """
    return _inserted([_insert(connection, rows)]) if rows else set()


def insert_validated_products(
    connection: Connection, rows: Sequence[Row], valid: Callable[[Sequence[Row]], Sequence[Row]]
) -> set[RowKey]:
    """The same for rows that are not judged yet: `valid` gives those of some rows that are to go in.

    In a pipeline PostgreSQL inserts the first of them while the next are judged. All in order of sku, as a single
    statement has it.
    """
    ordered = sorted(rows, key=lambda row: row.cells.get("sku", ""))
    bounds = [0, *range(FIRST_INSERT_BATCH, len(ordered), INSERT_BATCH), len(ordered)]
    pieces = (ordered[start:end] for start, end in pairwise(bounds))
    return _inserted([_insert(connection, some) for piece in pieces if (some := valid(piece))])


def _insert(connection: Connection, rows: Sequence[Row]) -> Cursor[TupleRow]:
    products = [[row.upload_id, row.row_number, row.vendor_id, *map(row.cells.get, COLUMNS)] for row in rows]
    return connection.execute(product_queries.INSERT_PRODUCTS, {"products": json.dumps(products, ensure_ascii=False)})


def _inserted(cursors: Iterable[Cursor[TupleRow]]) -> set[RowKey]:
    return {key for cursor in cursors for key in cursor.fetchall()}


def update_products(connection: Connection, rows: Sequence[Row], facts: ValidationContext) -> dict[RowKey, Outcome]:
    """Change the products of one upload's rows, which are there and passed every rule; returns what became of each.

    A row that is not among them met a change of somebody else's. Raises what `insert_products` raises, and
    `psycopg.errors.UniqueViolation` when a SKU was taken meanwhile.
    """
    if not rows:
        return {}
    upload_id = rows[0].upload_id
    outcomes: dict[RowKey, Outcome] = {}
    changed: list[list[object]] = []
    unchanged: list[dict[str, object]] = []
    for row in rows:
        product = facts.products[product_key(row)]
        after = apply_changes(row, product)
        if after == product.values:
            unchanged.append(
                {"row_number": row.row_number, "product_id": product.product_id, "set_columns": list_set_columns(row)}
            )
            outcomes[row_key(row)] = Outcome.UNCHANGED
        else:
            values = [None if after[column] is None else str(after[column]) for column in CHANGEABLE]
            changed.append(
                [row.row_number, product.product_id, product.updated_at.isoformat(), *values, list_set_columns(row)]
            )
    if changed:
        parameters = {"upload_id": upload_id, "products": json.dumps(changed, ensure_ascii=False)}
        done = connection.execute(product_queries.UPDATE_PRODUCTS, parameters)
        outcomes |= {(upload_id, number): Outcome.UPDATED for (number,) in done}
    if unchanged:
        connection.execute(query("insert_unchanged_products"), {"upload_id": upload_id, "rows": json.dumps(unchanged)})
    return outcomes


def write_products(connection: Connection, rows: Sequence[Row], facts: ValidationContext) -> dict[RowKey, Outcome]:
    """Put rows that passed every rule into the catalog, each as its mode has it; returns what became of each."""
    if facts.mode is Mode.CREATE:
        return dict.fromkeys(insert_products(connection, rows), Outcome.CREATED)
    there = [row for row in rows if facts.changes_a_product(row)]
    new = [drop_cleared_cells(row) for row in rows if not facts.changes_a_product(row)]
    created = dict.fromkeys(insert_products(connection, new), Outcome.CREATED)
    return created | update_products(connection, there, facts)


def restore_products(connection: Connection, upload_id: str) -> int:
    """Give the products that an upload changed their former values; return how many there were."""
    return connection.execute(product_queries.RESTORE_PRODUCTS, {"upload_id": upload_id}).rowcount


def products_of_upload(connection: Connection, upload_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Return a page of the products that an upload put into the catalog: those of rows after `after`."""
    parameters = {"upload_id": upload_id, "after": after, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(product_queries.SELECT_UPLOAD_PRODUCTS, parameters).fetchall()


def is_row_error(error: psycopg.Error) -> bool:
    """Return whether single rows of a batch can get in where the whole batch met this error."""
    return isinstance(error, psycopg.errors.UniqueViolation) or error.sqlstate in ROW_ERROR_SQLSTATES


def write_products_individually(
    connection: Connection, rows: Sequence[Row], facts: ValidationContext
) -> tuple[dict[RowKey, Outcome], dict[RowKey, str]]:
    """The same for rows of which the schema refused at least one: halves the rows until it stands alone.

    Returns what became of each row that went in, and for each refused row what PostgreSQL said of it.
    """
    try:
        with connection.transaction():
            return write_products(connection, rows, facts), {}
    except psycopg.errors.UniqueViolation:
        if len(rows) == 1:
            return {}, {}
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if not is_row_error(error):
            raise
        if len(rows) == 1:
            return {}, {row_key(rows[0]): error.diag.message_primary or type(error).__name__}
    middle = len(rows) // 2
    first, first_refused = write_products_individually(connection, rows[:middle], facts)
    second, second_refused = write_products_individually(connection, rows[middle:], facts)
    return first | second, first_refused | second_refused
