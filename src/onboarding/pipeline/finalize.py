"""Finalization of a complete upload, with error report, fix file and notification: the use case of error-processor."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO

from onboarding.aws.attachments import put_attachment
from onboarding.aws.objects import UnreadableObject, read_object
from onboarding.domain.corrections import describe_correction
from onboarding.domain.error_summary import MAX_GROUPS
from onboarding.domain.mappings import NO_MAPPING, MappingChoice, SavedMapping
from onboarding.domain.models import FileRejection, Upload, UploadStatus
from onboarding.failpoints import Failpoint, failpoint
from onboarding.files.error_report import report_key, write_report
from onboarding.files.fix_file import (
    CsvFixFile,
    FixFileFormat,
    FixFileSource,
    fix_file_key,
    fix_file_name,
    list_fix_lines,
)
from onboarding.files.header_mapping import choose_mapping
from onboarding.files.models import FileDetails, Table
from onboarding.notifications import events
from onboarding.pipeline import parser_process
from onboarding.pipeline.parser_process import TooComplex
from onboarding.runtime import AppContext
from onboarding.storage import file_details, read_attempts, uploads
from onboarding.storage.categories import list_active_category_names
from onboarding.storage.database import Connection
from onboarding.storage.mappings import get_applied_mapping, load_mappings
from onboarding.storage.product_feed import find_position_to_notify, try_to_refresh_search
from onboarding.storage.queries import query
from onboarding.storage.upload_sessions import UploadPurpose, get_upload_purpose
from onboarding.storage.validation_errors import get_error_summary, stream_report_rows


@dataclass(frozen=True, slots=True)
class _Files:
    """Keys of an upload's error report and fix file in the bucket; None if the file does not exist.

    The fix file has the format of the uploaded file. The other format has the same key with another extension.
    """

    report_key: str | None = None
    fix_file_key: str | None = None


def finalize_upload(ctx: AppContext, upload_id: str) -> Upload | None:
    """Write the files of a complete upload and publish its result. Return None if there is nothing to finalize.

    The files are written outside a transaction, because two processes write equal files. Then the history row is
    locked, the result is published, and the row is marked. If the process ends before the mark, the retry repeats all
    steps, and mailer ignores the second notification.
    """
    upload = ctx.database.run(partial(uploads.get_upload, upload_id=upload_id))
    if upload is None or upload.status is UploadStatus.PROCESSING or upload.notified_at is not None:
        return None
    files = _write_files(ctx, upload) if upload.error_records else _Files()
    try_to_refresh_search(ctx.database)
    failpoint(Failpoint.FINALIZE_SEARCH_REFRESHED)

    def publish(connection: Connection) -> Upload | None:
        upload = uploads.lock_upload_to_notify(connection, upload_id)
        if upload is None:
            return None
        findings = get_error_summary(connection, upload_id).sentences if upload.error_records else []
        warnings = [warning.message for warning in file_details.list_warnings(connection, upload_id)]
        applied = get_applied_mapping(connection, upload_id)
        parent = uploads.get_upload(connection, upload.parent_upload_id) if upload.parent_upload_id else None
        has_changes = upload.created_records + upload.updated_records > 0
        position = find_position_to_notify(connection) if has_changes else None
        events.publish_result(
            ctx,
            upload,
            files.report_key,
            files.fix_file_key,
            findings=findings,
            warnings=_shorten(warnings),
            mappings=_shorten(applied.sentences) if applied else (),
            correction=describe_correction(parent) if parent else "",
            is_edit=get_upload_purpose(connection, upload.s3_key) is UploadPurpose.EDIT,
            cursor=str(position) if position else None,
        )
        failpoint(Failpoint.FINALIZE_PUBLISHED)
        uploads.mark_notified(connection, upload_id, files.report_key, files.fix_file_key)
        return upload

    upload = ctx.database.run(publish)
    failpoint(Failpoint.FINALIZE_MARKED)
    return upload


def _shorten(sentences: Sequence[str]) -> list[str]:
    """Return the first sentences, and the number of the others."""
    more = [f"and {len(sentences) - MAX_GROUPS:,} more"] if len(sentences) > MAX_GROUPS else []
    return [*sentences[:MAX_GROUPS], *more]


def _write_files(ctx: AppContext, upload: Upload) -> _Files:
    # Imported on use: slow to import, and not needed for uploads without errors.
    from onboarding.files.fix_workbook import FixWorkbook  # noqa: PLC0415

    applied = ctx.database.run(partial(get_applied_mapping, upload_id=upload.upload_id))
    mapping = applied.mapping if applied else None
    table = _read_rejected_rows(ctx, upload, MappingChoice(mapping))
    details = ctx.database.run(partial(file_details.get_file_details, upload_id=upload.upload_id))
    with ExitStack() as stack:
        report: BinaryIO = stack.enter_context(TemporaryFile())
        csv_file: BinaryIO = stack.enter_context(TemporaryFile())
        workbook: BinaryIO = stack.enter_context(TemporaryFile())

        def write(connection: Connection) -> None:
            # The transaction may run again after a lost connection.
            for file in (report, csv_file, workbook):
                file.seek(0)
                file.truncate()
            write_report(report, stream_report_rows(connection, upload.upload_id))
            if table is None:
                return
            source = _build_source(connection, upload, table, details, mapping)
            with closing(CsvFixFile(csv_file, source)) as csv_writer, closing(FixWorkbook(workbook, source)) as book:
                for line in list_fix_lines(source, stream_report_rows(connection, upload.upload_id)):
                    csv_writer.write(line)
                    book.write(line)

        ctx.database.run(write)
        key = report_key(upload)
        put_attachment(ctx, key, report, key.rsplit("/", 1)[-1])
        failpoint(Failpoint.FINALIZE_REPORT_WRITTEN)
        if table is None:
            return _Files(key)
        _put_fix_file(ctx, upload, FixFileFormat.CSV, csv_file)
        failpoint(Failpoint.FINALIZE_FIX_FILE_WRITTEN)
        _put_fix_file(ctx, upload, FixFileFormat.XLSX, workbook)
        failpoint(Failpoint.FINALIZE_FIX_WORKBOOK_WRITTEN)
    default_format = FixFileFormat.XLSX if details and details.format == "xlsx" else FixFileFormat.CSV
    return _Files(key, fix_file_key(upload, default_format))


def _build_source(
    connection: Connection, upload: Upload, table: Table, details: FileDetails | None, mapping: SavedMapping | None
) -> FixFileSource:
    return FixFileSource(
        upload.upload_id,
        table,
        columns=details.columns if details else {},
        decimal_commas=details.decimal_commas if details else (),
        decimal_points=details.decimal_points if details else (),
        delimiter=details.delimiter if details else None,
        mapping_reference=_find_reference(connection, upload.vendor_id, table, mapping),
        categories=list_active_category_names(connection),
    )


def _find_reference(connection: Connection, vendor_id: str, table: Table, mapping: SavedMapping | None) -> str:
    """Return the mapping that a fix file names: the one of its upload, or `NO_MAPPING` if another one would apply.

    Return a blank text if neither is the case.
    """
    if mapping is not None:
        return mapping.reference
    choice = MappingChoice(by_headers=load_mappings(connection, vendor_id))
    return NO_MAPPING if choose_mapping(table.header, choice) is not None else ""


def _read_rejected_rows(ctx: AppContext, upload: Upload, choice: MappingChoice) -> Table | None:
    """Return the rejected rows as they were uploaded, or None if the file was deleted or can no longer be read."""
    parser_process.ensure_child()
    try:
        content = read_object(ctx, ctx.settings.bucket, upload.s3_key, upload.s3_version_id)
    except UnreadableObject:
        return None
    if content is None or content.data is None:
        return None

    def start(connection: Connection) -> set[int] | None:
        if not read_attempts.start_attempt(connection, upload.s3_key, upload.s3_version_id):
            return None
        rows = connection.execute(query("list_rejected_row_numbers"), {"upload_id": upload.upload_id})
        return {row_number for (row_number,) in rows}

    row_numbers = ctx.database.run(start)
    failpoint(Failpoint.FINALIZE_READ_ATTEMPT_STARTED)
    if row_numbers is None:
        return None
    try:
        table = parser_process.read_original_rows(content.data, row_numbers, choice)
    except TooComplex:
        table = None
    ctx.database.run(partial(read_attempts.delete_attempts, s3_key=upload.s3_key, s3_version_id=upload.s3_version_id))
    failpoint(Failpoint.FINALIZE_READ_ATTEMPTS_DELETED)
    return None if isinstance(table, FileRejection) else table


def _put_fix_file(ctx: AppContext, upload: Upload, file_format: FixFileFormat, file: BinaryIO) -> None:
    put_attachment(ctx, fix_file_key(upload, file_format), file, fix_file_name(upload, file_format))
