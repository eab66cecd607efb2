"""`onboarding uploads show`: one upload, its errors, and the details of its file."""

from __future__ import annotations

from onboarding.cli.dry_run_output import print_change_table
from onboarding.cli.mapping_options import describe_mapping
from onboarding.cli.options import Json, State
from onboarding.cli.output import Column, format_count, print_json, print_line, print_table
from onboarding.cli.target import connect_admin
from onboarding.cli.uploads import UploadId, format_time, parse_upload, upload_as_json
from onboarding.domain.models import OnError, Upload


def show(upload_id: UploadId, as_json: Json = False, state: State = None) -> None:
    """Show one upload."""
    with connect_admin(state) as (_, run_action):
        response = run_action("describe_upload", upload_id=upload_id)
    upload = parse_upload(response, upload_id)
    if as_json:
        keys = ("error_types", "error_groups", "file_details", "warnings", "mapping", "used_values", "changes")
        print_json({**upload_as_json(upload), **{key: response[key] for key in keys if key in response}})
        return
    fields = {
        "Upload": upload.upload_id,
        "Vendor": f"{upload.vendor_id} {upload.vendor_name} <{upload.vendor_email}>",
        "File": f"{upload.file_name} ({upload.file_size_bytes:,} bytes)",
        "Corrects": upload.parent_upload_id and f"{upload.parent_file_name} ({upload.parent_upload_id})",
        "Format": response["file_description"],
        "Mapping": describe_mapping(response["mapping"], response["used_values"]),
        "Status": upload.status,
        "Mode": upload.mode if upload.on_error is OnError.REJECT_ROWS else f"{upload.mode}, {upload.on_error}",
        "Rows": f"{upload.total_records:,}",
        "Valid": f"{upload.valid_records:,}{_describe_outcomes(upload)}",
        "Errors": f"{upload.error_records:,}{_describe_fixes(upload)}",
        "Warnings": response["warnings"] and f"{len(response['warnings']):,}",
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
            print_line(f"{name + ':':13}{value}")
    # The previous version of `admin` does not return them.
    if changes := response.get("changes"):
        print_line()
        print_line("In the catalog:")
        print_change_table(changes)
        if (more := upload.created_records + upload.updated_records - len(changes)) > 0 and not upload.undone_at:
            print_line(f"and {format_count(more, 'more product')}.")
    if response["error_types"]:
        print_line()
        print_table((Column("Error type"), Column("Errors", "right")), response["error_types"].items())
    _print_list("What to fix, the most frequent first:", response["error_sentences"])
    _print_list("Warnings:", [warning["message"] for warning in response["warnings"]])


def _print_list(title: str, sentences: list[str]) -> None:
    if sentences:
        print_line()
        print_line(title)
    for sentence in sentences:
        print_line(f"- {sentence}")


def _describe_fixes(upload: Upload) -> str:
    """Return the numbers of fixed and open rows in brackets; blank if no row is fixed."""
    # The previous version of `admin` returns no number.
    if not upload.fixed_records:
        return ""
    return f" ({upload.fixed_records:,} fixed, {upload.error_records - upload.fixed_records:,} open)"


def _describe_outcomes(upload: Upload) -> str:
    """Return the numbers of created, updated and unchanged products in brackets; blank if every row created one."""
    if upload.valid_records == upload.created_records:
        return ""
    return (
        f" ({upload.created_records:,} created, {upload.updated_records:,} updated, "
        f"{upload.unchanged_records:,} unchanged)"
    )
