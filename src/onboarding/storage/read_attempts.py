"""Repository for attempts to read an object: a file that ends the function that reads it is rejected in the end.

An attempt is counted before the object is read and forgotten after it. One that remains ended its function, or met a
fault in the reading code.
"""

from __future__ import annotations

from datetime import timedelta

from onboarding.storage.database import Connection
from onboarding.storage.products import to_storable_text
from onboarding.storage.queries import query

MAX_ATTEMPTS = 3

FUNCTION_TIMEOUT = timedelta(minutes=5)
"""How long an attempt may still be running: another function may have received the same event."""


def start_attempt(
    connection: Connection, s3_key: str, s3_version_id: str, *, patience: timedelta = FUNCTION_TIMEOUT
) -> bool:
    """Count an attempt; False if `MAX_ATTEMPTS` were unsuccessful and the last began `patience` ago."""
    parameters = {**_object(s3_key, s3_version_id), "most": MAX_ATTEMPTS, "patience": patience}
    return connection.execute(query("start_read_attempt"), parameters).fetchone() is not None


def delete_attempts(connection: Connection, s3_key: str, s3_version_id: str) -> None:
    """Forget the attempts for an object that was read."""
    connection.execute(query("delete_read_attempts"), _object(s3_key, s3_version_id))


def list_unfinished(connection: Connection, *, patience: timedelta, limit: int | None) -> list[tuple[str, str]]:
    """Return key and version of objects whose last attempt began `patience` ago and that have no upload yet."""
    parameters = {"patience": patience, "limit": limit}
    return connection.execute(query("list_unfinished_read_attempts"), parameters).fetchall()


def _object(s3_key: str, s3_version_id: str) -> dict[str, object]:
    return {"s3_key": to_storable_text(s3_key), "s3_version_id": s3_version_id}
