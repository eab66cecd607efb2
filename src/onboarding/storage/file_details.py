"""PostgreSQL's memory of how each file was read: what was detected, and what was odd."""

from __future__ import annotations

import json
from collections.abc import Sequence

from psycopg.rows import args_row

from onboarding.files.models import FileDetails, FileWarning
from onboarding.storage.database import Connection
from onboarding.storage.products import to_storable_text
from onboarding.storage.queries import query


def save_file_details(
    connection: Connection, upload_id: str, detected: FileDetails, warnings: Sequence[FileWarning]
) -> None:
    """Keep how the file of an upload was read. To do it again changes nothing."""
    as_json = json.dumps(detected.as_json(), ensure_ascii=False)
    connection.execute(query("set_file_details"), {"upload_id": upload_id, "detected": as_json})
    if warnings:
        lines = [[n, w.code, to_storable_text(w.message), w.row_number, w.column] for n, w in enumerate(warnings, 1)]
        parameters = {"upload_id": upload_id, "warnings": json.dumps(lines, ensure_ascii=False)}
        connection.execute(query("insert_warnings"), parameters)


def get_file_details(connection: Connection, upload_id: str) -> FileDetails | None:
    """How the file was read, or None if it was refused."""
    found = connection.execute(query("get_file_details"), {"upload_id": upload_id}).fetchone()
    return FileDetails.from_json(found[0]) if found and found[0] else None


def list_warnings(connection: Connection, upload_id: str) -> list[FileWarning]:
    """What was odd about the file, in the order in which it was found."""
    with connection.cursor(row_factory=args_row(FileWarning)) as cursor:
        return cursor.execute(query("list_warnings"), {"upload_id": upload_id}).fetchall()
