"""Repository for what uploads created and changed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from psycopg.rows import dict_row

from onboarding.domain.models import Outcome
from onboarding.domain.product_schema import CHANGEABLE
from onboarding.domain.upload_changes import ProductChange
from onboarding.storage.catalog import list_value_changes
from onboarding.storage.database import Connection
from onboarding.storage.queries import query


def list_upload_changes(
    connection: Connection,
    upload_id: str,
    *,
    change_types: Collection[Outcome] = tuple(Outcome),
    after: int = 0,
    limit: int,
) -> list[ProductChange]:
    """List what the rows of an upload did, by row: those of rows after row number `after`."""
    params = {"upload_id": upload_id, "change_types": [*change_types], "after": after, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_build_change(row) for row in cursor.execute(query("list_upload_changes"), params)]


def _build_change(row: dict[str, Any]) -> ProductChange:
    previous_values, new_values = row.pop("previous_values"), row.pop("new_values")
    set_columns = row.pop("set_columns")
    change_type = Outcome(row.pop("change_type"))
    if change_type is not Outcome.UPDATED:
        return ProductChange(**row, change_type=change_type)
    if new_values is None:
        columns = [column for column in CHANGEABLE if set_columns is None or column in set_columns]
        return ProductChange(**row, change_type=change_type, set_columns=columns)
    return ProductChange(**row, change_type=change_type, changes=list_value_changes(previous_values, new_values))
