"""Held rows: what is stored of them."""

from __future__ import annotations

from onboarding.domain.validation import validate_row
from onboarding.storage.database import Database
from onboarding.storage.held_rows import insert_held_rows, list_held_rows
from tests.support.postgres_fixtures import EMPTY_CATALOG, make_row, open_upload


def test_held_row_is_the_row_of_its_file(database: Database) -> None:
    open_upload(database, "UPLOAD_1", 2)
    notation = make_row(
        1,
        original={"price": "1999,00", "category": "Mice"},
        decimal_comma=("price", "weight_kg"),
        number_factors={"price": "0.01"},
        many_categories=True,
    )
    rows = [notation, make_row(2, sku="S-2", vendor_product_id="P-2")]
    assert [validate_row(row, EMPTY_CATALOG) for row in rows] == [[], []]
    database.run(lambda connection: insert_held_rows(connection, rows))
    assert database.run(lambda connection: list_held_rows(connection, "UPLOAD_1")) == rows
