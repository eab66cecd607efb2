"""Parsing of an uploaded file into rows or a rejection, without writes; shared by ingestion and dry run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onboarding.aws.objects import ObjectContent
from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection, FileWarning, Mode, Row
from onboarding.domain.product_schema import REQUIRED, REQUIRED_TO_CHANGE
from onboarding.domain.upload_options import Options, parse_upload_options
from onboarding.files.models import FileDetails, one_line
from onboarding.files.parser import check_size
from onboarding.pipeline import parser_process
from onboarding.pipeline.parser_process import ParsedRows, TooComplex
from onboarding.storage import uploads
from onboarding.storage.database import Connection

SIMPLIFY_FILE = (
    "Save the products alone as CSV UTF-8 or in a new workbook, without formatting and other sheets, or split the "
    "file, and upload it again"
)


@dataclass(frozen=True, slots=True)
class ParsedUpload:
    """A parsed file: the options of the upload, and the rows or the reason why the file is rejected."""

    options: Options
    rows: list[Row]
    rejection: FileRejection | None
    file_details: FileDetails | None = None
    warnings: Sequence[FileWarning] = ()


def parse_upload(
    content: ObjectContent,
    upload_id: str,
    vendor_id: str,
    vendor_status: str,
    *,
    seconds: float = parser_process.WALL_SECONDS,
) -> ParsedUpload:
    """Parse the file of a known vendor without writing anything; the dry run uses it too.

    `seconds` is the time limit for parsing. Raises ParserError and ParserTimeout.
    """
    options = parse_upload_options(content.metadata)
    if vendor_status == "suspended":
        reason = "Your account is suspended, so the file was not processed; contact the marketplace"
        return ParsedUpload(Options(), [], FileRejection(RejectionCode.VENDOR_SUSPENDED, reason))
    if isinstance(options, FileRejection):
        return ParsedUpload(Options(), [], options)
    try:
        result = _parse_rows(content, upload_id, vendor_id, options.mode, seconds)
    except TooComplex as error:
        result = FileRejection(
            RejectionCode.TOO_COMPLEX, f"The file takes too much time or memory to read: {error}. {SIMPLIFY_FILE}"
        )
    if isinstance(result, FileRejection):
        return ParsedUpload(options, [], result)
    return ParsedUpload(options, result.rows, None, result.file_details, result.warnings)


def find_duplicate_upload(
    connection: Connection, new_upload: uploads.NewUpload, parsed_upload: ParsedUpload
) -> FileRejection | None:
    """Return the rejection of a file whose content the vendor uploaded within the last day; None with `force`."""
    if parsed_upload.rejection or parsed_upload.options.force:
        return None
    duplicate = uploads.find_duplicate_upload(connection, new_upload)
    if duplicate is None:
        return None
    upload_id, file_name, uploaded_at = duplicate
    return FileRejection(
        RejectionCode.ALREADY_UPLOADED,
        f"The same content was uploaded before, as {one_line(file_name)} on {uploaded_at:%Y-%m-%d at %H:%M:%S} UTC: "
        f"see the upload {upload_id}. To process it again, choose to upload it even if it was uploaded in the last 24 "
        "hours (API and command: force)",
    )


def _parse_rows(
    content: ObjectContent, upload_id: str, vendor_id: str, mode: Mode, seconds: float
) -> ParsedRows | FileRejection:
    if content.data is None:
        rejection = check_size(content.size)
        assert rejection is not None, "only a file that is too large has no data"  # noqa: S101
        return rejection
    # Whether a row needs the other required columns depends on whether its product exists.
    required = REQUIRED if mode is Mode.CREATE else REQUIRED_TO_CHANGE
    return parser_process.parse_rows(content.data, upload_id, vendor_id, required=required, seconds=seconds)
