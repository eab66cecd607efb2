"""Valid rows of files that enter the catalog as a whole or not at all, kept until the file's last row is judged."""

from __future__ import annotations

import json
from collections.abc import Sequence

from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.models import Row, RowError
from onboarding.storage.database import Connection
from onboarding.storage.queries import query


def insert_held_rows(connection: Connection, rows: Sequence[Row]) -> None:
    """Keep rows that passed every rule."""
    if rows:
        lines = [[row.upload_id, row.row_number, row.vendor_id, dict(row.cells)] for row in rows]
        connection.execute(query("insert_held_rows"), {"rows": json.dumps(lines, ensure_ascii=False)})


def list_held_rows(connection: Connection, upload_id: str) -> list[Row]:
    """The rows that were held back of an upload, until what became of them was said."""
    return [
        Row(upload, vendor_id, row_number, cells)
        for upload, vendor_id, row_number, cells in connection.execute(
            query("list_held_rows"), {"upload_id": upload_id}
        )
    ]


def delete_held_rows(connection: Connection, uploads: Sequence[str]) -> None:
    """All was said of the held rows of these uploads: whatever comes again has no need to say it once more."""
    connection.execute(query("delete_held_rows"), {"uploads": list(uploads)})


def purge_held_rows(connection: Connection) -> None:
    """Let the rows go of which no batch can come again."""
    connection.execute(query("purge_held_rows"))


def file_rejected_error(invalid_rows: int) -> RowError:
    """The error of a valid row whose file was to be taken in as a whole."""
    others = "1 other row has" if invalid_rows == 1 else f"{invalid_rows:,} other rows have"
    return RowError(
        RowErrorCode.FILE_REJECTED,
        "row",
        f"The row is valid, but the file was to be taken in as a whole or not at all, and {others} errors",
        expected="no errors in any row of the file",
        hint="Mend the other rows, then upload all rows again",
    )
