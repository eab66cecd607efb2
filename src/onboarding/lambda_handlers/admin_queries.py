"""What an operator's commands read: uploads, categories and dry runs, as JSON.

Like every action of `onboarding.lambda_handlers.admin_actions`: carried out here where the database can be reached, and by the function `admin`
on AWS, where it cannot.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from gzip import compress, decompress
from typing import Any

from onboarding.domain.models import Mode, OnError, Outcome, RowError, Upload, UploadStatus
from onboarding.domain.upload_options import Options
from onboarding.pipeline.dry_run import DryRun, dry_run
from onboarding.storage import file_details, uploads
from onboarding.storage.database import Connection, Database
from onboarding.storage.error_summary import get_error_summary
from onboarding.storage.queries import query

Answer = dict[str, Any]

_TIMES = frozenset(field.name for field in fields(Upload) if "datetime" in str(field.type))
_ENUMS = {"status": UploadStatus, "mode": Mode, "on_error": OnError}


def upload_as_json(upload: Upload) -> Answer:
    """Return an upload's columns for JSON; `upload_from_json` makes it again."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(upload).items()}


def upload_from_json(columns: Mapping[str, Any]) -> Upload:
    """Return the upload; columns that this version does not know are left out."""
    known = {field.name for field in fields(Upload)}
    values = {name: value for name, value in columns.items() if name in known}
    for name in _TIMES & values.keys():
        values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
    for name, enum in _ENUMS.items():
        values[name] = enum(values[name])
    return Upload(**values)


def packed(content: bytes) -> str:
    """Return bytes as text that passes through a function's JSON, as small as may be."""
    return b64encode(compress(content)).decode()


def unpacked(text: str) -> bytes:
    """Return the bytes that `packed` was given."""
    return decompress(b64decode(text))


def list_uploads(
    connection: Connection,
    *,
    vendor_id: str | None = None,
    status: str | None = None,
    since: str | None = None,
    until: str | None = None,
    before: tuple[str, str] | None = None,
    limit: int = 100,
) -> Answer:
    """List uploads, the newest first; `before` is the time and id of the last one of the page before."""
    found = uploads.list_uploads(
        connection,
        vendor_id=vendor_id,
        status=UploadStatus(status) if status else None,
        since=datetime.fromisoformat(since) if since else None,
        until=datetime.fromisoformat(until) if until else None,
        before=(datetime.fromisoformat(before[0]), before[1]) if before else None,
        limit=limit,
    )
    return {"uploads": [upload_as_json(upload) for upload in found]}


def describe_upload(connection: Connection, *, upload_id: str) -> Answer:
    """Return an upload with what is wrong in it and how its file was read; `upload` is None if there is none."""
    upload = uploads.get_upload(connection, upload_id)
    if upload is None:
        return {"upload": None}
    kinds = Counter(row.error.error_type for row in uploads.stream_report_rows(connection, upload_id))
    summary = get_error_summary(connection, upload_id)
    detected = file_details.get_file_details(connection, upload_id)
    return {
        "upload": upload_as_json(upload),
        "error_types": dict(kinds.most_common()),
        "error_groups": [asdict(group) for group in summary.groups],
        "error_sentences": summary.sentences,
        "detected": detected and detected.as_json(),
        "read_as": detected and detected.sentence(),
        "warnings": [asdict(warning) for warning in file_details.list_warnings(connection, upload_id)],
    }


def look_at_objects(connection: Connection, *, objects: Sequence[Mapping[str, Any]]) -> Answer:
    """Return for each object its upload, if one was opened, or else why it was set aside; and its unprocessed rows.

    An object is named by `s3_key` and `s3_version_id`, and by the `upload_ids` that it may have.
    """
    return {"looks": [_look(connection, **named) for named in objects]}


def _look(connection: Connection, *, s3_key: str, s3_version_id: str, upload_ids: Sequence[str]) -> Answer:
    for upload_id in upload_ids:
        upload = uploads.get_upload(connection, upload_id)
        if upload is not None and (upload.s3_key, upload.s3_version_id) == (s3_key, s3_version_id):
            unprocessed = 0
            if upload.notified_at:
                counted = connection.execute(query("count_unprocessed_rows"), {"upload_id": upload_id}).fetchone()
                unprocessed = int(counted[0]) if counted else 0
            return {"upload": upload_as_json(upload), "quarantined": None, "unprocessed": unprocessed}
    reason = uploads.get_quarantine_reason(connection, s3_key, s3_version_id)
    return {"upload": None, "quarantined": reason, "unprocessed": 0}


def vendor_status(connection: Connection, *, vendor_id: str) -> Answer:
    """Return `active` or `suspended`, or None for a vendor that is not known."""
    return {"status": uploads.get_vendor_status(connection, vendor_id)}


def active_categories(connection: Connection) -> Answer:
    """List the names of the categories that a row may have."""
    return {"categories": [name for (name,) in connection.execute(query("list_active_categories"))]}


def dry_run_file(database: Database, _: object, *, content: str, vendor_id: str, options: Mapping[str, Any]) -> Answer:
    """Say what would become of a file, which comes `packed`, as does the answer: the JSON of `dry_run_as_json`."""
    asked = Options(Mode(options["mode"]), OnError(options["on_error"]), bool(options["force"]))
    answer = dry_run(database.run, unpacked(content), vendor_id, asked)
    return {"answer": packed(json.dumps(dry_run_as_json(answer), ensure_ascii=False).encode())}


def dry_run_as_json(answer: DryRun) -> Answer:
    """Return a dry run as a program gets it."""
    outcomes = {} if answer.offline else {f"{kind}_records": answer.count(kind) for kind in Outcome}
    return {
        "status": answer.status.value,
        "offline": answer.offline,
        "refusal": answer.refusal and {"code": answer.refusal.code, "reason": answer.refusal.reason},
        "total_records": len(answer.rows),
        "valid_records": len(answer.outcomes),
        "error_records": len(answer.errors),
        **outcomes,
        "detected": answer.detected and answer.detected.as_json(),
        "read_as": answer.detected and answer.detected.sentence(),
        "warnings": [asdict(warning) for warning in answer.warnings],
        "errors": [
            _error_as_json(number, answer.detected.line_of(number) if answer.detected else None, error)
            for number, errors in answer.errors.items()
            for error in errors
        ],
    }


def _error_as_json(row_number: int, spreadsheet_row: int | None, error: RowError) -> Answer:
    return {
        "row_number": row_number,
        "spreadsheet_row": spreadsheet_row,
        "error_type": error.error_type,
        "field": error.field,
        "message": error.message,
        "value": error.value,
        "expected": error.expected,
        "hint": error.hint,
    }
