"""Tickets: each lets its holder put one file into the bucket, under the vendor's own prefix, for some minutes."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from onboarding.aws.objects import ENDINGS, FORBIDDEN_NAME_CHARACTERS, SUFFIXES
from onboarding.domain.models import Mode, OnError, Upload
from onboarding.domain.upload_options import Options
from onboarding.files.parser import MAX_BYTES
from onboarding.pipeline.ingest import PREFIX
from onboarding.storage.database import Connection
from onboarding.storage.queries import query
from onboarding.web.audit import note
from onboarding.web.auth import CurrentVendor, VendorWriter
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, not_found, problem_responses
from onboarding.web.pagination import IdempotencyKey, TicketId
from onboarding.web.schemas import UploadResponse, get_visible_upload, upload_response
from onboarding.web.tokens import generate_secret

router = APIRouter(
    prefix="/v1/tickets",
    tags=["Upload tickets"],
    responses=problem_responses("not-signed-in", "not-allowed", "account-suspended", "invalid-request", "bad-request"),
)

SESSION_AGE = timedelta(minutes=15)
NAME_LENGTH = 150

_ANY_CASE = "|".join("".join(f"[{c}{c.upper()}]" for c in suffix[1:]) for suffix in SUFFIXES)
FILE_NAME = rf"^[^{FORBIDDEN_NAME_CHARACTERS}]*\.({_ANY_CASE})$"
"""Said as a pattern, so that the description says it too."""

_NOT_KEPT = re.compile(r"[^\w.()+-]+")


class UploadSessionRequest(BaseModel):
    """A file that is about to be uploaded, and what it may do to the catalog."""

    file_name: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=FILE_NAME)] = Field(
        examples=["products.csv"], description=f"Ends in {ENDINGS}"
    )
    mode: Mode = Field(Mode.CREATE, description="`create` products, `update` those that are there, or `upsert`: either")
    on_error: OnError = Field(
        OnError.REJECT_ROWS, description="Whether an invalid row is left out alone, or the whole file with it"
    )
    force: bool = Field(False, description="Take the same file again within a day, which is refused as a mistake else")


class UploadForm(BaseModel):
    """A form to be posted as multipart/form-data: all fields as they are, then the file as `file`."""

    url: str
    fields: dict[str, str]


class UploadSession(BaseModel):
    """A place for one file."""

    ticket_id: str
    file_name: str = Field(description="As it will be called: with what an object's key should not have replaced")
    expires_at: datetime
    max_bytes: int
    form: UploadForm
    status_url: str = Field(description="Tells the upload's id as soon as the file has arrived and was opened")


class UploadSessionResponse(BaseModel):
    """What became of a ticket."""

    ticket_id: str
    file_name: str
    phase: Literal["waiting", "queued", "opened", "expired"] = Field(
        description="`waiting` for the file, `queued`: it has arrived, `opened`: there is an upload; `expired` unused"
    )
    expires_at: datetime
    upload: UploadResponse | None


@dataclass(frozen=True, slots=True)
class _StoredSession:
    """A ticket as the database has it."""

    ticket_id: str
    file_name: str
    s3_key: str
    options: dict[str, Any]
    expires_at: datetime
    upload_id: str | None = None


@router.post("", status_code=201, responses=problem_responses("conflict"))
def create_ticket(
    wanted: UploadSessionRequest, principal: VendorWriter, pool: PoolDep, idempotency_key: IdempotencyKey = None
) -> UploadSession:
    """Ask for a place for one file: post the form, then follow `status_url`.

    The same `Idempotency-Key` gives the same ticket again.
    """
    vendor_id = principal.vendor_id
    assert vendor_id is not None, "VendorWriter has one"  # noqa: S101
    ticket_id = f"T{generate_secret()[:24]}"
    file_name = sanitise_file_name(wanted.file_name)
    options = Options(wanted.mode, wanted.on_error, wanted.force)
    parameters = {
        "ticket_id": ticket_id,
        "vendor_id": vendor_id,
        "file_name": file_name,
        "s3_key": f"{PREFIX}{vendor_id}/{ticket_id}/{file_name}",
        "options": json.dumps(options.metadata()),
        "idempotency_key": idempotency_key,
        "age": SESSION_AGE,
    }

    def work(connection: Connection) -> _StoredSession:
        [columns] = connection.execute(query("upsert_upload_session"), parameters).fetchall()
        kept = _StoredSession(*columns)
        if kept.ticket_id == ticket_id:
            note(connection, principal, "ticket_created", ticket_id, file_name=file_name)
        return kept

    kept = pool.as_vendor(vendor_id, work)
    if (kept.file_name, kept.options) != (file_name, options.metadata()):
        raise Problem("conflict", "This Idempotency-Key was used for another file or other options.")
    return _session_response(pool, kept)


def _session_response(pool: DatabasePool, kept: _StoredSession) -> UploadSession:
    fixed = {
        "Content-Type": "text/csv" if kept.file_name.lower().endswith(".csv") else "application/octet-stream",
        "success_action_status": "201",
        **{f"x-amz-meta-{name}": value for name, value in kept.options.items()},
    }
    form = pool.ctx.s3.generate_presigned_post(
        pool.settings.bucket,
        kept.s3_key,
        Fields=dict(fixed),
        # Every field must be named here, and the key is this one: the form serves for nothing else.
        Conditions=[{name: value} for name, value in fixed.items()] + [["content-length-range", 1, MAX_BYTES]],
        ExpiresIn=max(1, int((kept.expires_at - datetime.now(UTC)).total_seconds())),
    )
    return UploadSession(
        ticket_id=kept.ticket_id,
        file_name=kept.file_name,
        expires_at=kept.expires_at,
        max_bytes=MAX_BYTES,
        form=UploadForm(url=form["url"], fields=form["fields"]),
        status_url=f"{pool.settings.portal_url}/v1/tickets/{kept.ticket_id}",
    )


@router.get("/{ticket_id}", responses=problem_responses("not-found"))
def show_ticket(ticket_id: TicketId, principal: CurrentVendor, pool: PoolDep) -> UploadSessionResponse:
    """What became of a ticket; with the upload, once there is one."""

    def work(connection: Connection) -> tuple[_StoredSession, Upload | None]:
        found = connection.execute(query("get_upload_session"), {"ticket_id": ticket_id}).fetchone()
        if found is None:
            raise not_found("ticket")
        kept = _StoredSession(*found)
        return kept, get_visible_upload(connection, principal, kept.upload_id) if kept.upload_id else None

    kept, upload = principal.run(pool, work)
    if upload is not None:
        phase: Literal["waiting", "queued", "opened", "expired"] = "opened"
    elif _has_arrived(pool, kept):
        phase = "queued"
    else:
        phase = "expired" if kept.expires_at <= datetime.now(UTC) else "waiting"
    return UploadSessionResponse(
        ticket_id=kept.ticket_id,
        file_name=kept.file_name,
        phase=phase,
        expires_at=kept.expires_at,
        upload=upload_response(upload) if upload else None,
    )


def _has_arrived(pool: DatabasePool, kept: _StoredSession) -> bool:
    found = pool.ctx.s3.list_objects_v2(Bucket=pool.settings.bucket, Prefix=kept.s3_key, MaxKeys=1)
    return any(item["Key"] == kept.s3_key for item in found.get("Contents", []))


def sanitise_file_name(name: str) -> str:
    """A file name as part of a key: letters and digits of any script, few signs, no path, the kind kept."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, kind = last.rpartition(".")
    stem = _NOT_KEPT.sub("_", stem).strip("._") or "file"
    while len(stem.encode()) > NAME_LENGTH:
        stem = stem[:-1]
    return f"{stem}{dot}{kind.lower()}"
