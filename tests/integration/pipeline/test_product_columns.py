"""Every optional column of the product schema through create, update and undo."""

from __future__ import annotations

from decimal import Decimal

from psycopg import sql

from onboarding.domain.models import Mode, Row
from onboarding.domain.product_schema import CHOICES, NUMBER_COLUMNS, PRODUCT_SCHEMA, REQUIRED
from onboarding.pipeline.undo import undo_upload
from onboarding.storage.database import Database
from tests.support.postgres_fixtures import ACTOR, open_upload, product_row, record_rows, types_by_row

EXAMPLES = {name: column.example for name, column in PRODUCT_SCHEMA.items() if name not in REQUIRED}
# Another choice; without choices, an example without its last character is a different valid value.
OTHER_VALUES = {name: CHOICES[name][-1] if name in CHOICES else text[:-1] for name, text in EXAMPLES.items()}


def fetch_optional_values(database: Database) -> dict[str, object]:
    """Return the values of the only product in the optional columns."""
    query = sql.SQL("select {} from products").format(sql.SQL(", ").join(map(sql.Identifier, EXAMPLES)))
    [values] = database.run(lambda connection: connection.execute(query).fetchall())
    return dict(zip(EXAMPLES, values, strict=True))


def to_stored(cells: dict[str, str]) -> dict[str, object]:
    return {name: Decimal(text) if name in NUMBER_COLUMNS else text for name, text in cells.items()}


def test_optional_columns_are_created_updated_and_undone(database: Database) -> None:
    created = product_row("1", **EXAMPLES)
    open_upload(database, created.upload_id, 1)
    record_rows(database, created)
    assert fetch_optional_values(database) == to_stored(EXAMPLES)

    product_id = created.cells["vendor_product_id"]
    changed = Row("UPLOAD_2", created.vendor_id, 1, {"vendor_product_id": product_id, **OTHER_VALUES})
    open_upload(database, changed.upload_id, 1, mode=Mode.UPDATE)
    assert types_by_row(record_rows(database, changed)) == {("UPLOAD_2", 1): []}
    assert fetch_optional_values(database) == to_stored(OTHER_VALUES)

    undo_upload(database, changed.upload_id, ACTOR)
    assert fetch_optional_values(database) == to_stored(EXAMPLES)
