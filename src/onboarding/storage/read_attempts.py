"""Repository for attempts to read an object, so that a file that crashes its function is rejected after some attempts.

An attempt is counted before the object is read, and deleted afterwards. An attempt that remains has crashed its
function, or is still running.
"""

from __future__ import annotations

from datetime import timedelta

from onboarding.storage.database import Connection
from onboarding.storage.products import to_storable_text
from onboarding.storage.queries import query

MAX_ATTEMPTS = 3

FUNCTION_TIMEOUT = timedelta(minutes=5)
"""Maximum duration of an attempt. Until then, another function may still read the same object."""


def start_attempt(
    connection: Connection, s3_key: str, s3_version_id: str, *, patience: timedelta = FUNCTION_TIMEOUT
) -> bool:
    """Count an attempt; return False if `MAX_ATTEMPTS` were started and the last of them started `patience` ago."""
    params = {**_build_object_params(s3_key, s3_version_id), "max_attempts": MAX_ATTEMPTS, "patience": patience}
    return connection.execute(query("start_read_attempt"), params).fetchone() is not None


def delete_attempts(connection: Connection, s3_key: str, s3_version_id: str) -> None:
    """Delete the attempts for an object that was read."""
    connection.execute(query("delete_read_attempts"), _build_object_params(s3_key, s3_version_id))


def list_unfinished_objects(connection: Connection, *, patience: timedelta, limit: int | None) -> list[tuple[str, str]]:
    """List the key and version of objects without an upload whose last attempt started `patience` ago."""
    params = {"patience": patience, "limit": limit}
    return connection.execute(query("list_unfinished_read_attempts"), params).fetchall()


def _build_object_params(s3_key: str, s3_version_id: str) -> dict[str, object]:
    return {"s3_key": to_storable_text(s3_key), "s3_version_id": s3_version_id}
