"""`onboarding uploads show`: one upload, what is wrong in it, and how its file was read."""

from __future__ import annotations

from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, console, say, say_json, table
from onboarding.cli.target import asking
from onboarding.cli.uploads import UploadId, described, upload_in, utc_time
from onboarding.domain.models import OnError, Upload


def show(upload_id: UploadId, as_json: Json = False, state: State = None) -> None:
    """Show one upload."""
    with asking(state) as (_, ask):
        answer = ask("describe_upload", upload_id=upload_id)
    found = upload_in(answer, upload_id)
    if as_json:
        parts = ("error_types", "error_groups", "file_details", "warnings")
        say_json({**described(found), **{part: answer[part] for part in parts}})
        return
    facts = {
        "Upload": found.upload_id,
        "Vendor": f"{found.vendor_id} {found.vendor_name} <{found.vendor_email}>",
        "File": f"{found.file_name} ({found.file_size_bytes:,} bytes)",
        "Format": answer["file_description"],
        "Status": found.status,
        "Mode": found.mode if found.on_error is OnError.REJECT_ROWS else f"{found.mode}, {found.on_error}",
        "Rows": f"{found.total_records:,}",
        "Valid": f"{found.valid_records:,}{_outcomes(found)}",
        "Errors": f"{found.error_records:,}",
        "Warnings": answer["warnings"] and f"{len(answer['warnings']):,}",
        "Refused": found.failure_code and f"{found.failure_code}: {found.failure_reason}",
        "Uploaded": utc_time(found.upload_timestamp),
        "Finished": utc_time(found.processing_completed_at),
        "Vendor told": utc_time(found.notified_at),
        "Undone": utc_time(found.undone_at),
        "Report": found.error_file_s3_key,
        "Fix file": found.fix_file_s3_key,
    }
    for name, value in facts.items():
        if value:
            say(f"{name + ':':13}{value}")
    if answer["error_types"]:
        console().print()
        console().print(table((Column("Error type"), Column("Errors", "right")), answer["error_types"].items()))
    _list("What to fix, the most frequent first:", answer["error_sentences"])
    _list("What looked odd, and was taken as it is:", [warning["message"] for warning in answer["warnings"]])


def _list(title: str, sentences: list[str]) -> None:
    if sentences:
        say()
        say(title)
    for sentence in sentences:
        say(f"- {sentence}")


def _outcomes(upload: Upload) -> str:
    """What valid rows did, where that was more than to create products."""
    if upload.valid_records == upload.created_records:
        return ""
    return (
        f" ({upload.created_records:,} created, {upload.updated_records:,} updated, "
        f"{upload.unchanged_records:,} unchanged)"
    )
