"""Repository for held rows: valid rows of all-or-nothing files, until the last row of the file is validated."""

from __future__ import annotations

import json
from collections.abc import Sequence

from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Row, RowError
from onboarding.storage.database import Connection
from onboarding.storage.queries import query


def insert_held_rows(connection: Connection, rows: Sequence[Row]) -> None:
    """Insert valid rows."""
    if rows:
        held = [
            {
                "upload_id": row.upload_id,
                "row_number": row.row_number,
                "vendor_id": row.vendor_id,
                "cells": dict(row.cells),
            }
            for row in rows
        ]
        connection.execute(query("insert_held_rows"), {"rows": json.dumps(held, ensure_ascii=False)})


def list_held_rows(connection: Connection, upload_id: str) -> list[Row]:
    """List the held rows of an upload."""
    return [
        Row(upload, vendor_id, row_number, cells)
        for upload, vendor_id, row_number, cells in connection.execute(
            query("list_held_rows"), {"upload_id": upload_id}
        )
    ]


def delete_held_rows(connection: Connection, uploads: Sequence[str]) -> None:
    """Delete the held rows of these uploads once all their notifications have been sent."""
    connection.execute(query("delete_held_rows"), {"uploads": list(uploads)})


def purge_held_rows(connection: Connection) -> None:
    """Delete held rows that no batch can refer to any more."""
    connection.execute(query("purge_held_rows"))


def file_rejected_error(invalid_rows: int) -> RowError:
    """Return the error of a valid row in a rejected all-or-nothing file."""
    others = "1 other row has" if invalid_rows == 1 else f"{invalid_rows:,} other rows have"
    return RowError(
        RowErrorCode.FILE_REJECTED,
        "row",
        f"The row is valid, but the file was to be taken in as a whole or not at all, and {others} errors",
        expected="no errors in any row of the file",
        hint="Mend the other rows, then upload all rows again",
    )
