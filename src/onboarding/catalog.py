"""PostgreSQL's side of the catalog: what the rules must know of it, and the products that go in."""

from __future__ import annotations

import json
from collections.abc import Sequence

import psycopg

from onboarding.database import Connection
from onboarding.model import COLUMNS, Row
from onboarding.rules import Facts
from onboarding.sql import statement

RowKey = tuple[str, int]
"""upload_id and row_number: what names a row everywhere."""


def key_of(row: Row) -> RowKey:
    return row.upload_id, row.row_number


def facts_about(connection: Connection, rows: Sequence[Row]) -> Facts:
    """What the database knows about these rows' categories, SKUs and vendor product ids, in one round trip."""
    names = {row.cells["category"] for row in rows if "category" in row.cells}
    skus = [row.cells["sku"] for row in rows if "sku" in row.cells]
    ids = [(row.vendor_id, row.cells["vendor_product_id"]) for row in rows if "vendor_product_id" in row.cells]
    with connection.pipeline():
        categories = connection.execute(statement("active_categories"), {"names": [storable(name) for name in names]})
        taken_skus = connection.execute(statement("taken_skus"), {"skus": [storable(sku) for sku in skus]})
        taken_ids = connection.execute(
            statement("taken_ids"), {"vendors": [v for v, _ in ids], "ids": [storable(i) for _, i in ids]}
        )
    return Facts(
        categories={name for (name,) in categories},
        taken_skus={sku for (sku,) in taken_skus},
        taken_ids={(vendor, name) for vendor, name in taken_ids},
    )


def storable(text: str) -> str:
    """`text` without the one character that PostgreSQL cannot hold; with U+FFFD in its place."""
    return text.replace("\0", "\ufffd")


def insert_products(connection: Connection, rows: Sequence[Row]) -> set[RowKey]:
    """Put rows that passed every rule into `products`; returns the keys of those that went in.

    A row that is not among them met a SKU or a vendor product id that was taken meanwhile. Raises
    `psycopg.DataError` or `psycopg.IntegrityError` when the schema refuses a value that the rules let pass.
    """
    if not rows:
        return set()
    products = [[*key_of(row), row.vendor_id, *(row.cells.get(column) for column in COLUMNS)] for row in rows]
    parameters = {"products": json.dumps(products, ensure_ascii=False)}
    return {(upload_id, number) for upload_id, number in connection.execute(statement("insert_products"), parameters)}


def insert_products_one_by_one(connection: Connection, rows: Sequence[Row]) -> tuple[set[RowKey], dict[RowKey, str]]:
    """The same for rows of which the schema refused at least one: halves the rows until it stands alone.

    Returns the keys of the rows that went in, and for each refused row what PostgreSQL said of it.
    """
    try:
        with connection.transaction():
            return insert_products(connection, rows), {}
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(rows) == 1:
            return set(), {key_of(rows[0]): error.diag.message_primary or type(error).__name__}
    middle = len(rows) // 2
    first, first_refused = insert_products_one_by_one(connection, rows[:middle])
    second, second_refused = insert_products_one_by_one(connection, rows[middle:])
    return first | second, first_refused | second_refused
