"""Read-only actions of the function `admin`: uploads, objects and dry runs, as JSON."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from gzip import compress, decompress
from typing import Any

from onboarding.domain.corrections import describe_correction
from onboarding.domain.json_objects import from_json
from onboarding.domain.mapping_json import document_as_json, parse_document
from onboarding.domain.models import Mode, OnError, Outcome, RowError, Upload, UploadStatus
from onboarding.domain.upload_changes import MAX_PREVIEWED, ProductChange
from onboarding.domain.upload_options import Options
from onboarding.files.models import FileDetails
from onboarding.lambda_handlers.admin_mappings import mapping_as_json
from onboarding.pipeline.dry_run import DryRun, dry_run
from onboarding.pipeline.mapping_proposals import MappingProposal
from onboarding.storage import categories, corrections, file_details, mappings
from onboarding.storage import uploads as uploads_repository
from onboarding.storage.database import Connection, Database
from onboarding.storage.queries import query
from onboarding.storage.upload_changes import list_upload_changes
from onboarding.storage.validation_errors import get_error_summary, stream_report_rows

Response = dict[str, Any]

MAX_LISTED_ROWS = 10
"""Maximum number of fixed rows, and of changed products of an upload, that are listed."""

_TIMES = frozenset(field.name for field in fields(Upload) if "datetime" in str(field.type))
_ENUMS = {"status": UploadStatus, "mode": Mode, "on_error": OnError}


def upload_as_json(upload: Upload) -> Response:
    """Return an upload as JSON. `upload_from_json` is the inverse."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(upload).items()}


def upload_from_json(columns: Mapping[str, Any]) -> Upload:
    """Return the upload of a JSON object, which another version of the package may have written.

    Unknown columns are ignored, missing columns are None.
    """
    values = dict(columns)
    for name in _TIMES & values.keys():
        values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
    for name in _ENUMS.keys() & values.keys():
        values[name] = _ENUMS[name](values[name])
    return from_json(Upload, values, **dict.fromkeys(field.name for field in fields(Upload)))


def encode_content(content: bytes) -> str:
    """Return bytes as compressed text that fits into JSON. `decode_content` is the inverse."""
    return b64encode(compress(content)).decode()


def decode_content(text: str) -> bytes:
    """Return the bytes of a text from `encode_content`."""
    return decompress(b64decode(text))


def show_upload(connection: Connection, *, upload_id: str) -> Response:
    """Return the status and counts of an upload; `upload` is None if it does not exist."""
    upload = uploads_repository.get_upload(connection, upload_id)
    if upload is None:
        return {"upload": None}
    return {
        "upload": {
            "upload_id": upload.upload_id,
            "vendor_id": upload.vendor_id,
            "status": upload.status.value,
            "total_records": upload.total_records,
            "valid_records": upload.valid_records,
            "error_records": upload.error_records,
            "error_file_s3_key": upload.error_file_s3_key,
            "failure_reason": upload.failure_reason,
            "notified": upload.notified_at is not None,
        }
    }


def list_uploads(
    connection: Connection,
    *,
    vendor_id: str | None = None,
    status: str | None = None,
    since: str | None = None,
    until: str | None = None,
    before: tuple[str, str] | None = None,
    limit: int = 100,
) -> Response:
    """List uploads, newest first. `before` is the time and id of the last upload of the previous page."""
    uploads = uploads_repository.list_uploads(
        connection,
        vendor_id=vendor_id,
        status=UploadStatus(status) if status else None,
        since=datetime.fromisoformat(since) if since else None,
        until=datetime.fromisoformat(until) if until else None,
        before=(datetime.fromisoformat(before[0]), before[1]) if before else None,
        limit=limit,
    )
    return {"uploads": [upload_as_json(upload) for upload in uploads]}


def describe_upload(connection: Connection, *, upload_id: str) -> Response:
    """Return an upload with its errors and file details; `upload` is None if it does not exist."""
    upload = uploads_repository.get_upload(connection, upload_id)
    if upload is None:
        return {"upload": None}
    counts = Counter(row.error.error_type for row in stream_report_rows(connection, upload_id))
    summary = get_error_summary(connection, upload_id)
    details = file_details.get_file_details(connection, upload_id)
    applied = mappings.get_applied_mapping(connection, upload_id)
    return {
        "upload": upload_as_json(upload),
        "error_types": dict(counts.most_common()),
        "error_groups": [asdict(group) for group in summary.groups],
        "error_sentences": summary.sentences,
        "file_details": details and details.as_json(),
        "file_description": details and details.sentence(),
        "warnings": [asdict(warning) for warning in file_details.list_warnings(connection, upload_id)],
        "mapping": applied and applied.mapping and mapping_as_json(applied.mapping),
        "used_values": [asdict(value) for value in applied.used_values] if applied else [],
        "changes": [
            _change_as_json(change, details)
            for change in list_upload_changes(
                connection,
                upload_id,
                change_types=(Outcome.CREATED, Outcome.UPDATED),
                limit=MAX_LISTED_ROWS,
            )
        ],
    }


def get_object_states(connection: Connection, *, objects: Sequence[Mapping[str, Any]]) -> Response:
    """Return the upload of each object, or the reason of its quarantine, and the number of its unprocessed rows.

    `correction` are sentences about the upload that a finished upload corrects.

    An object is `{"s3_key": …, "s3_version_id": …, "upload_ids": […]}`, with the ids that its upload may have.
    """
    return {"objects": [_get_object_state(connection, **item) for item in objects]}


def _get_object_state(
    connection: Connection, *, s3_key: str, s3_version_id: str, upload_ids: Sequence[str]
) -> Response:
    for upload_id in upload_ids:
        upload = uploads_repository.get_upload(connection, upload_id)
        if upload is not None and (upload.s3_key, upload.s3_version_id) == (s3_key, s3_version_id):
            unprocessed, correction = 0, []
            if upload.notified_at:
                row = connection.execute(query("count_unprocessed_rows"), {"upload_id": upload_id}).fetchone()
                unprocessed = int(row[0]) if row else 0
                correction = _describe_correction(connection, upload)
            return {
                "upload": upload_as_json(upload),
                "quarantined": None,
                "unprocessed": unprocessed,
                "correction": correction,
            }
    reason = uploads_repository.get_quarantine_reason(connection, s3_key, s3_version_id)
    return {"upload": None, "quarantined": reason, "unprocessed": 0}


def _describe_correction(connection: Connection, upload: Upload) -> list[str]:
    """Return which upload an upload corrects, and which of its rows it has fixed, as sentences; none if no other."""
    parent = uploads_repository.get_upload(connection, upload.parent_upload_id) if upload.parent_upload_id else None
    if parent is None:
        return []
    sentences = [describe_correction(parent)]
    details = file_details.get_file_details(connection, parent.upload_id)
    rows = corrections.list_fixed_rows(connection, upload.upload_id)
    numbers = [f"{details.line_of(row) if details else row:,}" for row in rows[:MAX_LISTED_ROWS]]
    if len(rows) > MAX_LISTED_ROWS:
        numbers.append(f"{len(rows) - MAX_LISTED_ROWS:,} more")
    if numbers:
        text = " and ".join(filter(None, [", ".join(numbers[:-1]), numbers[-1]]))
        sentences.append(f"It fixed {'row' if len(rows) == 1 else 'rows'} {text} of {parent.upload_id}.")
    return sentences


def get_vendor_status(connection: Connection, *, vendor_id: str) -> Response:
    """Return a vendor's status, `active` or `suspended`; None for an unknown vendor."""
    return {"status": uploads_repository.get_vendor_status(connection, vendor_id)}


def list_active_categories(connection: Connection) -> Response:
    """List the names of the active categories."""
    return {"categories": categories.list_active_category_names(connection)}


def validate_file(
    database: Database,
    *,
    content: str,
    vendor_id: str,
    options: Mapping[str, Any],
    document: Mapping[str, Any] | None = None,
) -> Response:
    """Return the result of a dry run (`dry_run_as_json`); it and the file are encoded by `encode_content`.

    `document` is a mapping that is applied instead of a stored one.
    """
    default = Options()
    upload_options = Options(
        Mode(options.get("mode", default.mode)),
        OnError(options.get("on_error", default.on_error)),
        bool(options.get("force", default.force)),
        options.get("mapping", default.mapping),
    )
    parsed_document = None if document is None else parse_document(document)
    result = dry_run(database.run, decode_content(content), vendor_id, upload_options, document=parsed_document)
    return {"result": encode_content(json.dumps(dry_run_as_json(result), ensure_ascii=False).encode())}


def dry_run_as_json(result: DryRun) -> Response:
    """Return a dry run as JSON."""
    counts = {} if result.offline else {f"{outcome}_records": result.count(outcome) for outcome in Outcome}
    return {
        "status": result.status.value,
        "offline": result.offline,
        "rejection": result.rejection and {"code": result.rejection.code, "reason": result.rejection.reason},
        "total_records": len(result.rows),
        "valid_records": len(result.outcomes),
        "error_records": len(result.errors),
        **counts,
        "file_details": result.file_details and result.file_details.as_json(),
        "file_description": result.file_details and result.file_details.sentence(),
        "warnings": [asdict(warning) for warning in result.warnings],
        "errors": [
            _error_as_json(number, result.file_details.line_of(number) if result.file_details else None, error)
            for number, errors in result.errors.items()
            for error in errors
        ],
        "headers": [asdict(header) for header in result.headers],
        "missing_columns": list(result.missing_columns),
        "mapping": result.mapping and mapping_as_json(result.mapping),
        "used_values": [asdict(value) for value in result.used_values],
        "unmapped_values": [asdict(value) for value in result.unmapped_values],
        "proposals": [_proposal_as_json(proposal) for proposal in result.proposals],
        "changed_products": len(result.changes),
        "changes": [_change_as_json(change, result.file_details) for change in result.changes[:MAX_PREVIEWED]],
    }


def _proposal_as_json(proposal: MappingProposal) -> Response:
    return {
        "source": proposal.source,
        "name": proposal.name,
        "document": document_as_json(proposal.document),
        "reasons": dict(proposal.reasons),
        "missing_headers": list(proposal.missing_headers),
        "new_headers": list(proposal.new_headers),
    }


def _change_as_json(change: ProductChange, details: FileDetails | None) -> Response:
    return {**asdict(change), "spreadsheet_row": details.line_of(change.row_number) if details else None}


def _error_as_json(row_number: int, spreadsheet_row: int | None, error: RowError) -> Response:
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
