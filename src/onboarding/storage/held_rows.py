"""Repository for held rows: valid rows of an all-or-nothing file until its last row is validated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from psycopg.rows import kwargs_row

from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Row, RowError
from onboarding.storage.database import Connection
from onboarding.storage.queries import query


def insert_held_rows(connection: Connection, rows: Sequence[Row]) -> None:
    """Insert valid rows of all-or-nothing files. The other attributes of `Row` are blank in valid rows."""
    if rows:
        records = [
            {
                "upload_id": row.upload_id,
                "row_number": row.row_number,
                "vendor_id": row.vendor_id,
                "cells": dict(row.cells),
                "original": dict(row.original),
                "decimal_comma": row.decimal_comma,
                "number_factors": dict(row.number_factors),
                "many_categories": row.many_categories,
            }
            for row in rows
        ]
        connection.execute(query("insert_held_rows"), {"rows": json.dumps(records, ensure_ascii=False)})


def list_held_rows(connection: Connection, upload_id: str) -> list[Row]:
    """List the held rows of an upload, by row number."""
    with connection.cursor(row_factory=kwargs_row(_build_row)) as cursor:
        return cursor.execute(query("list_held_rows"), {"upload_id": upload_id}).fetchall()


def _build_row(*, decimal_comma: Sequence[str], **values: Any) -> Row:
    return Row(decimal_comma=tuple(decimal_comma), **values)


def delete_held_rows(connection: Connection, uploads: Sequence[str]) -> None:
    """Delete the held rows of these uploads once all their notifications have been sent."""
    connection.execute(query("delete_held_rows"), {"uploads": list(uploads)})


def purge_held_rows(connection: Connection) -> None:
    """Delete the held rows of uploads that were finished more than 15 days ago: no batch of theirs can follow."""
    connection.execute(query("purge_held_rows"))


def build_file_rejected_error(invalid_rows: int) -> RowError:
    """Return the error of a valid row in an all-or-nothing file with this number of invalid rows."""
    cause = "1 other row has" if invalid_rows == 1 else f"{invalid_rows:,} other rows have"
    return RowError(
        RowErrorCode.FILE_REJECTED,
        "row",
        f"The row is valid, but the file was uploaded to be accepted as a whole or not at all, and {cause} errors",
        expected="no errors in any row of the file",
        hint="Fix the other rows, then upload all rows again",
    )
