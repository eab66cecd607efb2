"""Repository for the validation errors of rows, and their summary for an upload."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import class_row, dict_row

from onboarding.domain.error_codes import label_of
from onboarding.domain.error_summary import IDENTITY_TYPES, MAX_GROUPS, ErrorGroup, ErrorSummary
from onboarding.domain.models import ReportedRow, Row, RowError
from onboarding.domain.product_schema import REPORT_COLUMNS
from onboarding.storage import file_details
from onboarding.storage.database import Connection
from onboarding.storage.products import RowKey, row_key, to_storable_text
from onboarding.storage.queries import query


def insert_errors(connection: Connection, rows: Sequence[Row], errors: Mapping[RowKey, Sequence[RowError]]) -> None:
    """Insert all errors of these rows. `errors` has an entry for each row; errors that exist already are unchanged."""
    records = [record for row in rows for record in build_error_records(row, errors[row_key(row)])]
    if records:
        connection.execute(query("insert_validation_errors"), {"errors": json.dumps(records, ensure_ascii=False)})


def build_error_records(row: Row, errors: Sequence[RowError]) -> list[dict[str, Any]]:
    """Return the records of a row's errors, as `insert_validation_errors` expects them."""
    vendor_product_id = row.cells.get("vendor_product_id")
    mapped_values = {column: row.cells.get(column) for column in row.original}
    values = {
        "upload_id": row.upload_id,
        "vendor_id": row.vendor_id,
        "row_number": row.row_number,
        "vendor_product_id": to_storable_text(vendor_product_id[:100]) if vendor_product_id is not None else None,
        "original_data": {column: to_storable_text(text) for column, text in row.cells_in_file.items()},
        "mapped_data": {
            column: to_storable_text(text) if text is not None else None for column, text in mapped_values.items()
        },
    }
    return [
        {
            **values,
            "error_type": error.error_type,
            "error_field": error.field,
            "error_message": error.message,
            "rejected_value": to_storable_text(error.value),
            "expected": to_storable_text(error.expected),
            "hint": to_storable_text(error.hint),
        }
        for error in errors
    ]


def stream_report_rows(connection: Connection, upload_id: str) -> Iterator[ReportedRow]:
    """Yield the errors of an upload, by row and then in the order of the rules.

    They are streamed, since an upload may have 100,000. The connection is in use until the last one is read.
    """
    columns = list(REPORT_COLUMNS.values())
    with connection.cursor(row_factory=dict_row) as cursor:
        params = {"upload_id": upload_id, "columns": columns}
        for row in cursor.stream(query("list_report_errors"), params, size=500):
            cells = dict(zip(columns, row.pop("cells"), strict=True))
            yield ReportedRow(row.pop("row_number"), RowError(**row), cells)


def list_errors(connection: Connection, upload_id: str, conditions: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return a page of an upload's errors, by row. `conditions` are the parameters of the query; all are optional."""
    params = _make_params(upload_id, conditions)
    return connection.cursor(row_factory=dict_row).execute(query("list_validation_errors"), params).fetchall()


def _make_params(upload_id: str, conditions: Mapping[str, object]) -> dict[str, object]:
    return {
        **dict.fromkeys(("error_type", "column", "value", "group")),
        "after_row": 0,
        "after_id": 0,
        "limit": None,
        **conditions,
        "upload_id": upload_id,
        "identity_types": list(IDENTITY_TYPES),
    }


@dataclass(frozen=True, slots=True)
class GroupMembers:
    """The errors of a group: their column, different values and hints, and the numbers of their rows."""

    column: str
    values: list[str]
    hints: list[str]
    row_numbers: list[int]


def get_group_members(connection: Connection, upload_id: str, group: int) -> GroupMembers | None:
    """Return the group of the error with the id `group`; None if the upload has no such error."""
    errors = query("list_validation_errors")
    members = (
        'select min("column") as "column", array_agg(distinct coalesce(value, \'\')) as values, '  # noqa: S608 - our SQL  # nosec B608
        "array_agg(distinct hint) as hints, array_agg(distinct row_number order by row_number) as row_numbers "
        f"from ({errors}) as errors having count(*) > 0"
    )
    cursor = connection.cursor(row_factory=class_row(GroupMembers))
    return cursor.execute(members, _make_params(upload_id, {"group": group})).fetchone()


def get_error_summary(connection: Connection, upload_id: str, top: int = MAX_GROUPS) -> ErrorSummary:
    """Return the `top` most frequent groups of an upload's errors, with the number of the other groups."""
    cursor = connection.cursor(row_factory=dict_row)
    params = {"upload_id": upload_id, "limit": top, "identity_types": list(IDENTITY_TYPES)}
    rows = cursor.execute(query("list_error_groups"), params).fetchall()
    group_counts = [row.pop("groups") for row in rows]
    details = file_details.get_file_details(connection, upload_id)
    groups = [
        ErrorGroup(
            **{**row, "message": row["message"] or label_of(row["error_type"])},
            first_line=details.line_of(row["first_row"]) if details else None,
        )
        for row in rows
    ]
    return ErrorSummary(groups, max(0, group_counts[0] - top) if groups else 0)
