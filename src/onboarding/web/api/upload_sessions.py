"""Routes for upload sessions: each permits one upload to the vendor's prefix of the bucket for 15 minutes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from onboarding.aws.objects import ENDINGS, FORBIDDEN_NAME_CHARACTERS, SUFFIXES
from onboarding.domain.models import Mode, OnError, Upload
from onboarding.domain.upload_options import Options
from onboarding.files.parser import MAX_BYTES
from onboarding.storage import upload_sessions
from onboarding.storage.audit_log import record_action
from onboarding.storage.database import Connection
from onboarding.storage.upload_sessions import UploadSession
from onboarding.web.api.mappings import resolve_mapping
from onboarding.web.auth import Reader, VendorWriter
from onboarding.web.database import DatabasePool, PoolDep
from onboarding.web.errors import Problem, not_found, problem_responses
from onboarding.web.request_parameters import MAPPING_DESCRIPTION, IdempotencyKey, MappingOption, UploadSessionId
from onboarding.web.schemas import UploadResponse, upload_response
from onboarding.web.upload_queries import get_visible_upload

router = APIRouter(
    prefix="/v1/upload-sessions",
    tags=["Upload sessions"],
    responses=problem_responses("unauthenticated", "forbidden", "account-suspended", "invalid-request", "bad-request"),
)

MAX_NAME_BYTES = 150

_REQUESTED_MAPPING = "requested-mapping"
"""Name of the stored option with the mapping as the request names it; `mapping` has its version of that moment."""

_SUFFIX_PATTERN = "|".join("".join(f"[{c}{c.upper()}]" for c in suffix[1:]) for suffix in SUFFIXES)
FILE_NAME = rf"^[^{FORBIDDEN_NAME_CHARACTERS}]*\.({_SUFFIX_PATTERN})$"
"""A regular expression, because the API description contains it."""

_UNSAFE = re.compile(r"[^\w.()+-]+")


class UploadSessionRequest(BaseModel):
    """A file to upload, and how it may change the catalog."""

    file_name: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=FILE_NAME)] = Field(
        examples=["products.csv"], description=f"Ends in {ENDINGS}"
    )
    mode: Mode = Field(Mode.CREATE, description="`create` new products, `update` existing ones, or `upsert`: both")
    on_error: OnError = Field(
        OnError.REJECT_ROWS,
        description="`reject_rows` skips invalid rows; `reject_file` rejects the whole file if any row is invalid",
    )
    force: bool = Field(False, description="Accept content that was already uploaded in the last 24 hours")
    mapping: MappingOption | None = Field(
        None,
        description=MAPPING_DESCRIPTION,
    )


class UploadForm(BaseModel):
    """A form to post as multipart/form-data: all fields unchanged, then the file as `file`."""

    url: str
    fields: dict[str, str]


class NewUploadSessionResponse(BaseModel):
    """A permission to upload one file."""

    upload_session_id: str
    file_name: str = Field(description="The name after replacing characters that are unsafe in an object key")
    expires_at: datetime
    max_bytes: int
    form: UploadForm
    status_url: str = Field(description="Returns the upload once the file has arrived and processing has started")


class UploadSessionResponse(BaseModel):
    """The state of an upload session."""

    upload_session_id: str
    file_name: str
    phase: Literal["waiting", "queued", "opened", "expired"] = Field(
        description="`waiting` for the file, `queued` after it arrived, `opened` once the upload exists, or `expired`"
    )
    expires_at: datetime
    upload: UploadResponse | None


@router.post("", status_code=201, responses=problem_responses("conflict"))
def create_upload_session(
    body: UploadSessionRequest, principal: VendorWriter, pool: PoolDep, idempotency_key: IdempotencyKey = None
) -> NewUploadSessionResponse:
    """Request permission to upload one file: post the form, then poll `status_url`.

    A repeated request with the same `Idempotency-Key` returns the same upload session.
    """
    vendor_id = principal.vendor_id
    assert vendor_id is not None, "VendorWriter has one"  # noqa: S101
    actor, file_name = principal.audit_actor, sanitise_file_name(body.file_name)

    def work(connection: Connection) -> UploadSession:
        mapping, problem = body.mapping, None
        try:
            mapping = resolve_mapping(connection, vendor_id, body.mapping)
        except Problem as error:
            # A repeated request returns its session also after the mapping was deleted.
            problem = error
        options = Options(body.mode, body.on_error, body.force, mapping).metadata()
        if body.mapping is not None:
            options[_REQUESTED_MAPPING] = body.mapping
        session, is_new = upload_sessions.open_upload_session(
            connection, actor, vendor_id, file_name, options, idempotency_key=idempotency_key
        )
        if (session.file_name, _get_requested_options(session.options)) != (file_name, _get_requested_options(options)):
            raise Problem("conflict", "This Idempotency-Key was used for another file or other options.")
        if is_new:
            if problem is not None:
                raise problem
            subject = session.upload_session_id
            record_action(connection, actor, "upload_session_created", subject, file_name=file_name)
        return session

    return _new_session_response(pool, pool.run_as_vendor(vendor_id, work))


def _get_requested_options(options: Mapping[str, str]) -> dict[str, str | None]:
    """Return the options as they were requested: the mapping may have a new version since then."""
    # A session of an earlier version of the package has the resolved mapping alone.
    requested_mapping = options.get(_REQUESTED_MAPPING, options.get("mapping"))
    return {**options, "mapping": requested_mapping, _REQUESTED_MAPPING: requested_mapping}


def _new_session_response(pool: DatabasePool, session: UploadSession) -> NewUploadSessionResponse:
    fields = {
        "Content-Type": "text/csv" if session.file_name.lower().endswith(".csv") else "application/octet-stream",
        "success_action_status": "201",
        **{f"x-amz-meta-{name}": value for name, value in session.options.items() if name != _REQUESTED_MAPPING},
    }
    form = pool.ctx.s3.generate_presigned_post(
        pool.settings.bucket,
        session.s3_key,
        Fields=dict(fields),
        # S3 requires a condition for every field; the key is fixed, so the form permits nothing else.
        Conditions=[{name: value} for name, value in fields.items()] + [["content-length-range", 1, MAX_BYTES]],
        ExpiresIn=max(1, int((session.expires_at - datetime.now(UTC)).total_seconds())),
    )
    return NewUploadSessionResponse(
        upload_session_id=session.upload_session_id,
        file_name=session.file_name,
        expires_at=session.expires_at,
        max_bytes=MAX_BYTES,
        form=UploadForm(url=form["url"], fields=form["fields"]),
        status_url=f"{pool.settings.portal_url}/v1/upload-sessions/{session.upload_session_id}",
    )


@router.get("/{upload_session_id}", responses=problem_responses("not-found"))
def show_upload_session(upload_session_id: UploadSessionId, principal: Reader, pool: PoolDep) -> UploadSessionResponse:
    """Return the state of an upload session, with its upload once processing has started."""

    def work(connection: Connection) -> tuple[UploadSession, Upload | None]:
        session = upload_sessions.get_upload_session(connection, principal.vendor_id, upload_session_id)
        if session is None:
            raise not_found("upload session")
        return session, get_visible_upload(connection, principal, session.upload_id) if session.upload_id else None

    session, upload = principal.run(pool, work)
    if upload is not None:
        phase: Literal["waiting", "queued", "opened", "expired"] = "opened"
    elif _has_arrived(pool, session):
        phase = "queued"
    else:
        phase = "expired" if session.expires_at <= datetime.now(UTC) else "waiting"
    return UploadSessionResponse(
        upload_session_id=session.upload_session_id,
        file_name=session.file_name,
        phase=phase,
        expires_at=session.expires_at,
        upload=upload_response(upload) if upload else None,
    )


def _has_arrived(pool: DatabasePool, session: UploadSession) -> bool:
    result = pool.ctx.s3.list_objects_v2(Bucket=pool.settings.bucket, Prefix=session.s3_key, MaxKeys=1)
    return any(item["Key"] == session.s3_key for item in result.get("Contents", []))


def sanitise_file_name(name: str) -> str:
    """Return a file name that is safe in an object key.

    It has letters and digits of any script and the characters `_.()+-`, no path, and a lower-case extension.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, extension = name.rpartition(".")
    stem = _UNSAFE.sub("_", stem).strip("._") or "file"
    while len(stem.encode()) > MAX_NAME_BYTES:
        stem = stem[:-1]
    return f"{stem}{dot}{extension.lower()}"
