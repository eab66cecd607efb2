"""`onboarding uploads show`: one upload, what is wrong in it, and how its file was read."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from onboarding import ledger, readings
from onboarding.cli.connect import connected
from onboarding.cli.console import Column, console, say, say_json, table
from onboarding.cli.options import Json, State
from onboarding.cli.uploads import UploadId, described, find, utc_time
from onboarding.model import OnError, Upload
from onboarding.summary import summary_of


def show(upload_id: UploadId, as_json: Json = False, state: State = None) -> None:
    """Show one upload."""
    with connected(state) as ctx:
        found = find(ctx, upload_id)
        kinds = ctx.database.run(
            lambda connection: Counter(row.error.error_type for row in ledger.report_rows(connection, upload_id))
        )
        summary = ctx.database.run(lambda connection: summary_of(connection, upload_id))
        detected = ctx.database.run(lambda connection: readings.detected_in(connection, upload_id))
        warnings = ctx.database.run(lambda connection: readings.warnings_of(connection, upload_id))
    if as_json:
        say_json(
            {
                **described(found),
                "error_types": dict(kinds),
                "error_groups": [asdict(group) for group in summary.groups],
                "detected": detected and detected.as_json(),
                "warnings": [asdict(warning) for warning in warnings],
            }
        )
        return
    facts = {
        "Upload": found.upload_id,
        "Vendor": f"{found.vendor_id} {found.vendor_name} <{found.vendor_email}>",
        "File": f"{found.file_name} ({found.file_size_bytes:,} bytes)",
        "Read as": detected and detected.sentence(),
        "Status": found.status,
        "Mode": found.mode if found.on_error is OnError.REJECT_ROWS else f"{found.mode}, {found.on_error}",
        "Rows": f"{found.total_records:,}",
        "Valid": f"{found.valid_records:,}{_outcomes(found)}",
        "Errors": f"{found.error_records:,}",
        "Warnings": warnings and f"{len(warnings):,}",
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
    if kinds:
        console().print()
        console().print(table((Column("Error type"), Column("Errors", "right")), kinds.most_common()))
    _list("What to fix, the most frequent first:", summary.sentences)
    _list("What looked odd, and was taken as it is:", [warning.message for warning in warnings])


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
