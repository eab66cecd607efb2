"""Repository for upload sessions: each permits one file under a key of its own in the bucket."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from psycopg.rows import class_row

from onboarding.storage.audit_log import Actor
from onboarding.storage.database import Connection
from onboarding.storage.queries import query

SESSION_AGE = timedelta(minutes=15)

PREFIX = "uploads/"
"""Prefix of uploaded files in the bucket, before the vendor's id."""


class UploadPurpose(StrEnum):
    """What the file of an upload session is; column `purpose` of `upload_sessions`.

    `file`: a vendor's file. `edit`: changes that were entered in the portal or sent to the API.
    """

    FILE = "file"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class UploadSession:
    """An upload session, with the upload of its file once it exists. `options` are the metadata of the file."""

    upload_session_id: str
    file_name: str
    s3_key: str
    options: dict[str, Any]
    expires_at: datetime
    upload_id: str | None = None


def open_upload_session(
    connection: Connection,
    actor: Actor,
    vendor_id: str,
    file_name: str,
    options: Mapping[str, str],
    *,
    purpose: UploadPurpose = UploadPurpose.FILE,
    idempotency_key: str | None = None,
) -> tuple[UploadSession, bool]:
    """Insert an upload session, or return the one with this idempotency key; return whether it is new.

    The caller compares the file name and the options of a session that is not new.
    """
    upload_session_id = f"T{secrets.token_hex(12)}"
    params = {
        "upload_session_id": upload_session_id,
        "vendor_id": vendor_id,
        "file_name": file_name,
        "s3_key": f"{PREFIX}{vendor_id}/{upload_session_id}/{file_name}",
        "options": json.dumps(options),
        "idempotency_key": idempotency_key,
        "age": SESSION_AGE,
        "created_by": actor.name,
        "purpose": purpose.value,
    }
    with connection.cursor(row_factory=class_row(UploadSession)) as cursor:
        [session] = cursor.execute(query("upsert_upload_session"), params).fetchall()
    return session, session.upload_session_id == upload_session_id


def get_upload_session(connection: Connection, vendor_id: str | None, upload_session_id: str) -> UploadSession | None:
    """Return an upload session of a vendor, or of any vendor if it is None; None if there is none."""
    params = {"upload_session_id": upload_session_id, "vendor_id": vendor_id}
    with connection.cursor(row_factory=class_row(UploadSession)) as cursor:
        return cursor.execute(query("get_upload_session"), params).fetchone()


def find_upload_session(connection: Connection, vendor_id: str, idempotency_key: str) -> UploadSession | None:
    """Return the upload session of a vendor with this idempotency key, or None."""
    params = {"vendor_id": vendor_id, "idempotency_key": idempotency_key}
    with connection.cursor(row_factory=class_row(UploadSession)) as cursor:
        return cursor.execute(query("find_upload_session"), params).fetchone()


def get_upload_purpose(connection: Connection, s3_key: str) -> UploadPurpose:
    """Return the purpose of the file with this key; a file without an upload session is a vendor's file."""
    row = connection.execute(query("get_upload_purpose"), {"s3_key": s3_key}).fetchone()
    return UploadPurpose(row[0]) if row else UploadPurpose.FILE
