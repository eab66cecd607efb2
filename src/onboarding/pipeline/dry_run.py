"""Dry run of a file: the code of an upload without its writes.

With a database, each row has the result that an upload would give it. Without a database, rules that need the catalog
are skipped, and the default categories apply.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar

from onboarding.aws.objects import ObjectContent
from onboarding.domain import suggestions
from onboarding.domain.column_types import ProductStatus
from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.mappings import VALUE_COLUMNS, FileHeader, MappingDocument, SavedMapping, UsedValue
from onboarding.domain.models import FileRejection, FileWarning, OnError, Outcome, Row, RowError, UploadStatus
from onboarding.domain.product_changes import apply_changes, list_changes, predict_outcome
from onboarding.domain.product_schema import CHOICES, DEFAULT_CATEGORIES
from onboarding.domain.upload_changes import ProductChange, sort_changes
from onboarding.domain.upload_options import Options
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext, product_key
from onboarding.domain.value_mapping import UnmappedValue, count_unmapped_values
from onboarding.files.models import FileDetails
from onboarding.files.parser import check_size
from onboarding.pipeline.mapping_proposals import MappingProposal, propose_mappings
from onboarding.pipeline.upload_mappings import NO_MAPPINGS, UploadMappings, load_upload_mappings, use_document
from onboarding.pipeline.upload_parsing import ParsedUpload, find_duplicate_upload, parse_upload
from onboarding.storage import products, uploads
from onboarding.storage.catalog import list_value_changes
from onboarding.storage.database import Connection
from onboarding.storage.held_rows import build_file_rejected_error
from onboarding.storage.mappings import find_mapping, load_presets

UPLOAD_ID = "DRY_RUN"

MAX_UNMAPPED_VALUES = 500
"""Maximum number of different values that a dry run lists for translation."""

PARSING_SECONDS = 20
"""Time limit for parsing: on AWS the HTTP API responds within 30 seconds."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class DryRun:
    """Result of a dry run: the rejection of the file, or the errors and outcomes of its rows by row number."""

    rejection: FileRejection | None
    rows: Sequence[Row]
    errors: Mapping[int, Sequence[RowError]]
    outcomes: Mapping[int, Outcome]
    file_details: FileDetails | None = None
    warnings: Sequence[FileWarning] = ()
    offline: bool = False
    """Whether the run had no catalog: an outcome then means only that the row is valid."""
    headers: Sequence[FileHeader] = ()
    """All headers of the file in their order; also of a file that lacks columns. None if no header was found."""
    missing_columns: Sequence[str] = ()
    """Required columns that no header and no constant feeds."""
    mapping: SavedMapping | None = None
    """The stored mapping that was applied."""
    used_values: Sequence[UsedValue] = ()
    unmapped_values: Sequence[UnmappedValue] = ()
    """The vendor's values that are not translated to one of their column's closed list, by column, most rows first."""
    unmapped_value_count: int = 0
    """Number of all different values of this kind."""
    proposals: Sequence[MappingProposal] = ()
    """Mappings to confirm, best first; not applied."""
    changes: Sequence[ProductChange] = ()
    """Existing products with the values that the file would change: largest relative changes of prices first."""

    @property
    def status(self) -> UploadStatus:
        """Return the status that the upload would get."""
        if not self.outcomes:
            return UploadStatus.FAILED
        return UploadStatus.PARTIAL if self.errors else UploadStatus.COMPLETED

    def count(self, outcome: Outcome) -> int:
        """Return the number of rows with this outcome."""
        return sum(1 for row_outcome in self.outcomes.values() if row_outcome is outcome)


class RunTransaction(Protocol):
    """Type of a function that runs work in its own transaction, such as `Database.run`."""

    def __call__(self, work: Callable[[Connection], Result]) -> Result: ...


def dry_run(
    run: RunTransaction | None,
    content: bytes,
    vendor_id: str,
    options: Options | None = None,
    *,
    document: MappingDocument | None = None,
) -> DryRun:
    """Return the result that an upload of this file would have. Without `run`, no database is used.

    `document` is a mapping that is applied instead of a stored one.

    No transaction is open while the file is read or its rows are validated. Raises ParserError and ParserTimeout.
    """
    metadata = (options or Options()).metadata()
    data = None if check_size(len(content)) else content
    source = ObjectContent(data, len(content), datetime.now(UTC), metadata)
    parse = partial(parse_upload, source, UPLOAD_ID, vendor_id, seconds=PARSING_SECONDS)
    if run is None:
        parsed_upload = parse("active", mappings=use_document(document, {}) if document else NO_MAPPINGS)
        proposals = _propose(parsed_upload, (), ())
        if parsed_upload.rejection:
            return _build_rejected_run(parsed_upload.rejection, parsed_upload, proposals, offline=True)
        context = ValidationContext(
            DEFAULT_CATEGORIES, set(), set(), mode=parsed_upload.options.mode, catalog_known=False
        )
        return _validate_rows(parsed_upload, context, proposals, offline=True)
    vendor_status = run(partial(uploads.get_vendor_status, vendor_id=vendor_id))
    if vendor_status is None:
        return _build_rejected_run(
            FileRejection(RejectionCode.UNKNOWN_VENDOR, f"The vendor '{vendor_id}' is not known")
        )
    option = options.mapping if options else None
    mappings, presets = run(partial(_load_mappings, vendor_id=vendor_id, option=option))
    if not isinstance(mappings, FileRejection):
        mappings = replace(
            use_document(document, mappings.targets) if document else mappings,
            find=lambda reference: run(lambda c: find_mapping(c, vendor_id, reference)),
        )
    parsed_upload = parse(vendor_status, mappings=mappings)
    known_mappings = () if isinstance(mappings, FileRejection) else mappings.choice.by_headers
    proposals = _propose(parsed_upload, known_mappings, presets)
    if parsed_upload.rejection:
        return _build_rejected_run(parsed_upload.rejection, parsed_upload, proposals)
    rejection, context = run(partial(_query_database, source=source, vendor_id=vendor_id, parsed_upload=parsed_upload))
    if rejection:
        return _build_rejected_run(rejection, parsed_upload, proposals)
    return _validate_rows(parsed_upload, context, proposals)


def _query_database(
    connection: Connection, source: ObjectContent, vendor_id: str, parsed_upload: ParsedUpload
) -> tuple[FileRejection | None, ValidationContext]:
    """Return the rejection of a file that was uploaded before (None if it is new), and its validation context."""
    connection.execute("set transaction read only")
    new_upload = uploads.NewUpload(
        upload_id=UPLOAD_ID,
        vendor_id=vendor_id,
        file_name="",
        s3_key="",
        s3_version_id="",
        file_size_bytes=source.size,
        upload_timestamp=source.last_modified,
        total_records=len(parsed_upload.rows),
        rejection=parsed_upload.rejection,
        content_sha256=source.sha256,
        mode=parsed_upload.options.mode,
        on_error=parsed_upload.options.on_error,
        mapping=parsed_upload.mapping,
        used_values=parsed_upload.used_values,
    )
    rejection = find_duplicate_upload(connection, new_upload, parsed_upload)
    return rejection, products.load_validation_context(connection, parsed_upload.rows, parsed_upload.options.mode)


def _load_mappings(
    connection: Connection, vendor_id: str, option: str | None
) -> tuple[UploadMappings | FileRejection, Sequence[SavedMapping]]:
    """Return the mappings of the upload, and the presets that operators have published."""
    return load_upload_mappings(connection, vendor_id, option), load_presets(connection)


def _propose(
    parsed_upload: ParsedUpload, mappings: Sequence[SavedMapping], presets: Sequence[SavedMapping]
) -> Sequence[MappingProposal]:
    """Return mappings to confirm; none if one was applied and no required column is missing, and none for an export."""
    if parsed_upload.mapping is not None and not parsed_upload.missing_columns:
        return ()
    if parsed_upload.file_details is not None and parsed_upload.file_details.is_export:
        return ()
    return propose_mappings(parsed_upload.headers, mappings, presets)


def _validate_rows(
    parsed_upload: ParsedUpload,
    context: ValidationContext,
    proposals: Sequence[MappingProposal] = (),
    *,
    offline: bool = False,
) -> DryRun:
    rows = parsed_upload.rows
    errors = {row.row_number: row_errors for row in rows if (row_errors := validate_row(row, context))}
    if errors and parsed_upload.options.on_error is OnError.REJECT_FILE:
        file_errors = [build_file_rejected_error(len(errors))]
        errors = {row.row_number: errors.get(row.row_number, file_errors) for row in rows}
    outcomes = {row.row_number: predict_outcome(row, context) for row in rows if row.row_number not in errors}
    changed_rows = [row for row in rows if outcomes.get(row.row_number) is Outcome.UPDATED]
    unmapped_values = _list_unmapped_values(parsed_upload, context.categories)
    return DryRun(
        None,
        rows,
        errors,
        outcomes,
        parsed_upload.file_details,
        parsed_upload.warnings,
        offline,
        headers=parsed_upload.headers,
        mapping=parsed_upload.mapping,
        used_values=parsed_upload.used_values,
        unmapped_values=unmapped_values[:MAX_UNMAPPED_VALUES],
        unmapped_value_count=len(unmapped_values),
        proposals=proposals,
        changes=sort_changes(_list_changes(changed_rows, context)),
    )


def _list_changes(rows: Sequence[Row], context: ValidationContext) -> Iterator[ProductChange]:
    """Yield what valid rows would change; nothing without a catalog."""
    for row in rows:
        product = context.products.get(product_key(row))
        if product is not None:
            yield ProductChange(
                row.row_number,
                Outcome.UPDATED,
                product.product_id,
                row.cells["vendor_product_id"],
                str(product.values["product_name"]),
                list_value_changes(product.values, list_changes(apply_changes(row, product), product)),
            )


def _list_unmapped_values(parsed_upload: ParsedUpload, categories: Collection[str]) -> list[UnmappedValue]:
    """Return the values that are not in the list of their column, by column and most rows first.

    `categories` are all active ones if the file has another category. An export has our own values.
    """
    if parsed_upload.file_details is not None and parsed_upload.file_details.is_export:
        return []
    values: list[UnmappedValue] = []
    for column in VALUE_COLUMNS:
        # Which of our statuses another system means is not similar in words.
        known_values, similar_values = (tuple(ProductStatus), ()) if column in CHOICES else (categories, categories)
        if column not in parsed_upload.constant_columns:
            for value, count in count_unmapped_values(parsed_upload.rows, column, known_values).most_common():
                is_listed = len(values) < MAX_UNMAPPED_VALUES
                suggestion = suggestions.find_similar_name(value, similar_values) if is_listed else ""
                values.append(UnmappedValue(column, value, count, suggestion))
    return values


def _build_rejected_run(
    rejection: FileRejection,
    parsed_upload: ParsedUpload | None = None,
    proposals: Sequence[MappingProposal] = (),
    *,
    offline: bool = False,
) -> DryRun:
    if parsed_upload is None:
        return DryRun(rejection, [], {}, {}, offline=offline)
    return DryRun(
        rejection,
        [],
        {},
        {},
        offline=offline,
        headers=parsed_upload.headers,
        missing_columns=parsed_upload.missing_columns,
        mapping=parsed_upload.mapping,
        proposals=proposals,
    )
