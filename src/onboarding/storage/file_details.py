"""Repository for file details: the detected format of each file, and the warnings about it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from psycopg.rows import class_row

from onboarding.domain.models import FileWarning
from onboarding.files.models import FileDetails
from onboarding.storage.database import Connection
from onboarding.storage.products import to_storable_text
from onboarding.storage.queries import query


def save_file_details(
    connection: Connection, upload_id: str, details: FileDetails, warnings: Sequence[FileWarning]
) -> None:
    """Store the file details and warnings of an upload. A second call changes nothing."""
    params = {"upload_id": upload_id, "file_details": json.dumps(details.as_json(), ensure_ascii=False)}
    connection.execute(query("set_file_details"), params)
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
        params = {"upload_id": upload_id, "warnings": json.dumps(records, ensure_ascii=False)}
        connection.execute(query("insert_warnings"), params)


def get_file_details(connection: Connection, upload_id: str) -> FileDetails | None:
    """Return the details of an upload's file, or None if the file was rejected."""
    row = connection.execute(query("get_file_details"), {"upload_id": upload_id}).fetchone()
    return FileDetails.from_json(row[0]) if row and row[0] else None


def list_file_details(connection: Connection, upload_ids: Collection[str]) -> dict[str, FileDetails | None]:
    """Return the details of the files of several uploads, by upload."""
    rows = connection.execute(query("list_file_details"), {"upload_ids": list(upload_ids)})
    return {upload_id: FileDetails.from_json(details) if details else None for upload_id, details in rows}


def list_warnings(connection: Connection, upload_id: str) -> list[FileWarning]:
    """List the warnings about an upload's file, in their order."""
    with connection.cursor(row_factory=class_row(FileWarning)) as cursor:
        return cursor.execute(query("list_warnings"), {"upload_id": upload_id}).fetchall()
