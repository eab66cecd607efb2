"""Parsing of an uploaded file into rows or a rejection, without writes; shared by ingestion and dry run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from onboarding.aws.objects import ObjectContent
from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.mappings import FileHeader, MappingDocument, SavedMapping, UsedValue
from onboarding.domain.models import FileRejection, FileWarning, Mode, Row
from onboarding.domain.product_schema import REQUIRED, REQUIRED_TO_CHANGE
from onboarding.domain.upload_options import Options, parse_upload_options
from onboarding.domain.value_mapping import map_values, merge_targets
from onboarding.files.models import CorrectedRows, FileDetails, MappingNeeded, one_line
from onboarding.files.name_similarity import find_nearest_names
from onboarding.files.parser import check_size
from onboarding.pipeline import parser_process
from onboarding.pipeline.parser_process import TooComplex
from onboarding.pipeline.upload_mappings import NO_MAPPINGS, UploadMappings
from onboarding.storage import uploads
from onboarding.storage.database import Connection
from onboarding.storage.products import to_storable_text
from onboarding.storage.queries import query

SIMPLIFY_FILE = (
    "Save the products alone as CSV UTF-8 or in a new workbook, without formatting and other sheets, or split the "
    "file, and upload it again"
)


@dataclass(frozen=True, slots=True)
class ParsedUpload:
    """A parsed file: the options of the upload, and the rows or the reason why the file is rejected.

    `headers` describes the vendor's headers, also those of a file that lacks columns. `mapping` and `used_values` are
    the mapping and the value mappings that were applied, `constant_columns` the columns with constants of the mapping.
    `corrected_rows` are the rows of an earlier upload that a fix file corrects.
    """

    options: Options
    rows: list[Row]
    rejection: FileRejection | None
    file_details: FileDetails | None = None
    warnings: Sequence[FileWarning] = ()
    headers: Sequence[FileHeader] = ()
    mapping: SavedMapping | None = None
    used_values: Sequence[UsedValue] = ()
    constant_columns: Collection[str] = ()
    corrected_rows: CorrectedRows | None = None

    @property
    def missing_columns(self) -> list[str]:
        """Return the required columns that a rejected file lacks."""
        if self.rejection is None or self.rejection.code != RejectionCode.MISSING_COLUMNS:
            return []
        columns = {column for header in self.headers for column in header.columns}
        constants = self.mapping.document.constants if self.mapping is not None else {}
        return [c for c in list_required_columns(self.options.mode) if c not in columns and c not in constants]


def parse_upload(
    content: ObjectContent,
    upload_id: str,
    vendor_id: str,
    vendor_status: str,
    *,
    mappings: UploadMappings | FileRejection = NO_MAPPINGS,
    seconds: float = parser_process.WALL_SECONDS,
) -> ParsedUpload:
    """Parse the file of a known vendor without writing anything; the dry run uses it too.

    `mappings` are those of the upload, or the rejection of an option that names none. `seconds` is the time limit for
    parsing. Raises ParserError and ParserTimeout.
    """
    options = parse_upload_options(content.metadata)
    if vendor_status == "suspended":
        reason = "Your account is suspended, so the file was not processed; contact the marketplace"
        return ParsedUpload(Options(), [], FileRejection(RejectionCode.VENDOR_SUSPENDED, reason))
    if isinstance(options, FileRejection):
        return ParsedUpload(Options(), [], options)
    if isinstance(mappings, FileRejection):
        return ParsedUpload(options, [], mappings)
    if content.data is None:
        return ParsedUpload(options, [], check_size(content.size))
    choice = mappings.choice
    parse = partial(
        parser_process.parse_rows,
        content.data,
        upload_id,
        vendor_id,
        required=list_required_columns(options.mode),
        seconds=seconds,
    )
    try:
        try:
            result = parse(choice=choice)
        except MappingNeeded as error:
            mappings = mappings.follow_fix_file(str(error))
            choice = mappings.choice
            result = parse(choice=choice)
    except TooComplex as error:
        result = FileRejection(
            RejectionCode.TOO_COMPLEX, f"The file takes too much time or memory to read: {error}. {SIMPLIFY_FILE}"
        )
    candidates = (choice.fixed, *choice.by_headers)
    mapping = next((m for m in candidates if m is not None and m.reference == result.mapping_reference), None)
    if isinstance(result, FileRejection):
        return ParsedUpload(options, [], result, headers=result.headers, mapping=mapping)
    document = mapping.document if mapping is not None else MappingDocument()
    fed_columns = {column for header in result.headers for column in header.columns}
    constants = document.constants.keys() - fed_columns
    # An export has our own values already.
    targets = {} if result.file_details.is_export else mappings.targets
    used_values = map_values(result.rows, merge_targets(targets, document), constants)
    return ParsedUpload(
        options,
        result.rows,
        None,
        result.file_details,
        result.warnings,
        result.headers,
        mapping,
        used_values,
        constants,
        result.corrected_rows,
    )


def find_closest_headers(missing_columns: Sequence[str], headers: Sequence[FileHeader]) -> dict[str, str]:
    """Return for each missing column the most similar header that feeds no column; blank if none is similar."""
    names = dict.fromkeys(header.name for header in headers if header.name and not header.columns)
    nearest_names = find_nearest_names(missing_columns, list(names))
    return {column: nearest_names.get(column, "") for column in missing_columns}


def list_required_columns(mode: Mode) -> Sequence[str]:
    """Return the columns that the header of a file needs.

    Whether a row needs the other required columns depends on whether its product exists.
    """
    return REQUIRED if mode is Mode.CREATE else REQUIRED_TO_CHANGE


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


def reject_used_session(connection: Connection, new_upload: uploads.NewUpload) -> FileRejection | None:
    """Return the rejection of a file whose upload session another file has used, or None."""
    key = {"s3_key": to_storable_text(new_upload.s3_key), "s3_version_id": new_upload.s3_version_id}
    connection.execute(query("lock_subject"), {"subject": f"object:{key['s3_key']}"})
    row = connection.execute(query("find_other_upload_of_session"), key).fetchone()
    if row is None:
        return None
    return FileRejection(
        RejectionCode.UPLOAD_SESSION_USED,
        f"This upload form takes one file and was used before, by the upload {row[0]}. Create a new "
        "upload session and upload the file with its form",
    )
