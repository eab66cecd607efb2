"""Repository for the validation errors of rows, and their summary for an upload."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
    records = [
        {
            "upload_id": row.upload_id,
            "vendor_id": row.vendor_id,
            "row_number": row.row_number,
            "vendor_product_id": to_storable_text(row.cells["vendor_product_id"][:100])
            if "vendor_product_id" in row.cells
            else None,
            "error_type": error.error_type,
            "error_field": error.field,
            "error_message": error.message,
            "original_data": {column: to_storable_text(text) for column, text in row.cells_in_file.items()},
            "mapped_data": {column: row.cells.get(column) for column in row.original},
            "rejected_value": to_storable_text(error.value),
            "expected": to_storable_text(error.expected),
            "hint": to_storable_text(error.hint),
        }
        for row in rows
        for error in errors[row_key(row)]
    ]
    if records:
        connection.execute(query("insert_validation_errors"), {"errors": json.dumps(records, ensure_ascii=False)})


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
    params: dict[str, object] = {
        **dict.fromkeys(("error_type", "column", "value", "group")),
        "invalid_rows_only": False,
        "after_row": 0,
        "after_id": 0,
        "limit": None,
        **conditions,
        "upload_id": upload_id,
        "identity_types": list(IDENTITY_TYPES),
    }
    return connection.cursor(row_factory=dict_row).execute(query("list_validation_errors"), params).fetchall()


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


def list_group_rows(connection: Connection, upload_id: str, group: int) -> list[int]:
    """List the numbers of the rows with an error of the group that contains the error `group`."""
    params = {
        **dict.fromkeys(("error_type", "column", "value")),
        "upload_id": upload_id,
        "group": group,
        "invalid_rows_only": False,
        "identity_types": list(IDENTITY_TYPES),
        "after_row": 0,
        "after_id": 0,
        "limit": None,
    }
    errors = query("list_validation_errors")
    numbers = f"select distinct row_number from ({errors}) as errors order by row_number"  # noqa: S608 - our own query
    return [row_number for (row_number,) in connection.execute(numbers, params)]


def get_error(connection: Connection, upload_id: str, error_id: int) -> RowError | None:
    """Return an error of an upload by its id, or None."""
    cursor = connection.cursor(row_factory=class_row(RowError))
    return cursor.execute(query("get_validation_error"), {"upload_id": upload_id, "error_id": error_id}).fetchone()
