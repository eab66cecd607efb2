"""PostgreSQL's memory of how each file was read: what was detected, and what was odd."""

from __future__ import annotations

import json
from collections.abc import Sequence

from psycopg.rows import args_row

from onboarding.catalog import storable
from onboarding.database import Connection
from onboarding.parse import Detected, FileWarning
from onboarding.sql import statement


def note(connection: Connection, upload_id: str, detected: Detected, warnings: Sequence[FileWarning]) -> None:
    """Keep how the file of an upload was read. To do it again changes nothing."""
    as_json = json.dumps(detected.as_json(), ensure_ascii=False)
    connection.execute(statement("note_reading"), {"upload_id": upload_id, "detected": as_json})
    if warnings:
        lines = [[n, w.code, storable(w.message), w.row_number, w.column] for n, w in enumerate(warnings, 1)]
        parameters = {"upload_id": upload_id, "warnings": json.dumps(lines, ensure_ascii=False)}
        connection.execute(statement("note_warnings"), parameters)


def detected_in(connection: Connection, upload_id: str) -> Detected | None:
    """How the file was read, or None if it was refused."""
    found = connection.execute(statement("reading"), {"upload_id": upload_id}).fetchone()
    return Detected.from_json(found[0]) if found and found[0] else None


def warnings_of(connection: Connection, upload_id: str) -> list[FileWarning]:
    """What was odd about the file, in the order in which it was found."""
    with connection.cursor(row_factory=args_row(FileWarning)) as cursor:
        return cursor.execute(statement("warnings"), {"upload_id": upload_id}).fetchall()
