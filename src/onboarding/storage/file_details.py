"""Repository for file details: how each file was read, and the warnings about it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from psycopg.rows import class_row

from onboarding.domain.models import FileWarning
from onboarding.files.models import FileDetails
from onboarding.storage.database import Connection
from onboarding.storage.products import to_storable_text
from onboarding.storage.queries import query


def save_file_details(
    connection: Connection, upload_id: str, detected: FileDetails, warnings: Sequence[FileWarning]
) -> None:
    """Store how the file of an upload was read. A second call changes nothing."""
    as_json = json.dumps(detected.as_json(), ensure_ascii=False)
    connection.execute(query("set_file_details"), {"upload_id": upload_id, "file_details": as_json})
    if warnings:
        records = [
            {
                "number": number,
                "code": warning.code,
                "message": to_storable_text(warning.message),
                "row_number": warning.row_number,
                "column_name": warning.column,
            }
            for number, warning in enumerate(warnings, 1)
        ]
        parameters = {"upload_id": upload_id, "warnings": json.dumps(records, ensure_ascii=False)}
        connection.execute(query("insert_warnings"), parameters)


def get_file_details(connection: Connection, upload_id: str) -> FileDetails | None:
    """Return how the file was read, or None if it was rejected."""
    found = connection.execute(query("get_file_details"), {"upload_id": upload_id}).fetchone()
    return FileDetails.from_json(found[0]) if found and found[0] else None


def list_warnings(connection: Connection, upload_id: str) -> list[FileWarning]:
    """List the warnings about the file, in their order."""
    with connection.cursor(row_factory=class_row(FileWarning)) as cursor:
        return cursor.execute(query("list_warnings"), {"upload_id": upload_id}).fetchall()
