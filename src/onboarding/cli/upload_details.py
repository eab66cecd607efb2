"""`onboarding uploads show`: one upload, its errors, and the details of its file."""

from __future__ import annotations

from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, console, say, say_json, table
from onboarding.cli.target import connect_admin
from onboarding.cli.uploads import UploadId, describe_upload, format_time, get_upload
from onboarding.domain.models import OnError, Upload


def show(upload_id: UploadId, as_json: Json = False, state: State = None) -> None:
    """Show one upload."""
    with connect_admin(state) as (_, run_action):
        answer = run_action("describe_upload", upload_id=upload_id)
    upload = get_upload(answer, upload_id)
    if as_json:
        parts = ("error_types", "error_groups", "file_details", "warnings")
        say_json({**describe_upload(upload), **{part: answer[part] for part in parts}})
        return
    fields = {
        "Upload": upload.upload_id,
        "Vendor": f"{upload.vendor_id} {upload.vendor_name} <{upload.vendor_email}>",
        "File": f"{upload.file_name} ({upload.file_size_bytes:,} bytes)",
        "Format": answer["file_description"],
        "Status": upload.status,
        "Mode": upload.mode if upload.on_error is OnError.REJECT_ROWS else f"{upload.mode}, {upload.on_error}",
        "Rows": f"{upload.total_records:,}",
        "Valid": f"{upload.valid_records:,}{_describe_outcomes(upload)}",
        "Errors": f"{upload.error_records:,}",
        "Warnings": answer["warnings"] and f"{len(answer['warnings']):,}",
        "Rejected": upload.failure_code and f"{upload.failure_code}: {upload.failure_reason}",
        "Uploaded": format_time(upload.upload_timestamp),
        "Finished": format_time(upload.processing_completed_at),
        "Notified": format_time(upload.notified_at),
        "Undone": format_time(upload.undone_at),
        "Report": upload.error_file_s3_key,
        "Fix file": upload.fix_file_s3_key,
    }
    for name, value in fields.items():
        if value:
            say(f"{name + ':':13}{value}")
    if answer["error_types"]:
        console().print()
        console().print(table((Column("Error type"), Column("Errors", "right")), answer["error_types"].items()))
    _list("What to fix, the most frequent first:", answer["error_sentences"])
    _list("Warnings:", [warning["message"] for warning in answer["warnings"]])


def _list(title: str, sentences: list[str]) -> None:
    if sentences:
        say()
        say(title)
    for sentence in sentences:
        say(f"- {sentence}")


def _describe_outcomes(upload: Upload) -> str:
    """Return the outcomes of valid rows, unless all of them created products."""
    if upload.valid_records == upload.created_records:
        return ""
    return (
        f" ({upload.created_records:,} created, {upload.updated_records:,} updated, "
        f"{upload.unchanged_records:,} unchanged)"
    )
