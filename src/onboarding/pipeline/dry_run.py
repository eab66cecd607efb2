"""What would become of a file: the same code as for an upload, and nothing is written.

With a database, its answers are those of the real run row for row. Without one, what only the catalog can tell is left
out, and the categories are the default ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar

from onboarding.aws.objects import ObjectContent
from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import OnError, Outcome, Row, RowError, UploadStatus
from onboarding.domain.product_changes import outcome_of
from onboarding.domain.product_schema import DEFAULT_CATEGORIES
from onboarding.domain.upload_options import Options
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.models import FileDetails, FileRejection, FileWarning
from onboarding.files.parser import too_large
from onboarding.pipeline.ingest import ParsedUpload, find_duplicate_upload, parse_upload
from onboarding.storage import products, uploads
from onboarding.storage.database import Connection
from onboarding.storage.held_rows import file_rejected_error

UPLOAD_ID = "DRY_RUN"

READING_SECONDS = 20
"""How long reading may take: somebody waits for the answer, and on AWS 30 seconds at most."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class DryRun:
    """The answer: why the file would be refused, or each row's errors and what each valid row would do."""

    refusal: FileRejection | None
    rows: Sequence[Row]
    errors: Mapping[int, Sequence[RowError]]
    outcomes: Mapping[int, Outcome]
    detected: FileDetails | None = None
    warnings: Sequence[FileWarning] = ()
    offline: bool = False
    """Whether the catalog was not asked: then an outcome only says that the row is valid."""

    @property
    def status(self) -> UploadStatus:
        """How the upload would end."""
        if not self.outcomes:
            return UploadStatus.FAILED
        return UploadStatus.PARTIAL if self.errors else UploadStatus.COMPLETED

    def count(self, outcome: Outcome) -> int:
        return sum(1 for found in self.outcomes.values() if found is outcome)


class RunTransaction(Protocol):
    """What runs work in a transaction of its own, such as `Database.run`."""

    def __call__(self, work: Callable[[Connection], Result]) -> Result: ...


def dry_run(run: RunTransaction | None, content: bytes, vendor_id: str, options: Options | None = None) -> DryRun:
    """Return what would become of a file of a vendor without writing anything; offline if there is no database.

    No transaction is open while the file is read or its rows are validated. Raises ParserFault and ParserTimeout.
    """
    metadata = (options or Options()).metadata()
    data = None if too_large(len(content)) else content
    source = ObjectContent(data, len(content), datetime.now(UTC), metadata)
    if run is None:
        examined = parse_upload(source, UPLOAD_ID, vendor_id, "active", seconds=READING_SECONDS)
        if examined.refusal:
            return _refused(examined.refusal, offline=True)
        facts = ValidationContext(DEFAULT_CATEGORIES, set(), set(), mode=examined.options.mode, catalog_known=False)
        return _validated(examined, facts, offline=True)
    vendor_status = run(partial(uploads.get_vendor_status, vendor_id=vendor_id))
    if vendor_status is None:
        return _refused(FileRejection(RejectionCode.UNKNOWN_VENDOR, f"The vendor '{vendor_id}' is not known"))
    examined = parse_upload(source, UPLOAD_ID, vendor_id, vendor_status, seconds=READING_SECONDS)
    if examined.refusal:
        return _refused(examined.refusal)
    refusal, facts = run(partial(_asked, source=source, vendor_id=vendor_id, examined=examined))
    return _refused(refusal) if refusal else _validated(examined, facts)


def _asked(
    connection: Connection, source: ObjectContent, vendor_id: str, examined: ParsedUpload
) -> tuple[FileRejection | None, ValidationContext]:
    """Return what the database knows about a file: whether it was uploaded before, and about its rows."""
    connection.execute("set transaction read only")
    new = uploads.NewUpload(
        upload_id=UPLOAD_ID,
        vendor_id=vendor_id,
        file_name="",
        s3_key="",
        s3_version_id="",
        file_size_bytes=source.size,
        upload_timestamp=source.last_modified,
        total_records=len(examined.rows),
        refusal=examined.refusal,
        content_sha256=source.sha256,
        mode=examined.options.mode,
        on_error=examined.options.on_error,
    )
    refusal = find_duplicate_upload(connection, new, examined)
    return refusal, products.load_validation_context(connection, examined.rows, examined.options.mode)


def _validated(examined: ParsedUpload, facts: ValidationContext, *, offline: bool = False) -> DryRun:
    rows = examined.rows
    errors = {row.row_number: found for row in rows if (found := validate_row(row, facts))}
    if errors and examined.options.on_error is OnError.REJECT_FILE:
        rejected = [file_rejected_error(len(errors))]
        errors = {row.row_number: errors.get(row.row_number, rejected) for row in rows}
    outcomes = {row.row_number: outcome_of(row, facts) for row in rows if row.row_number not in errors}
    return DryRun(None, rows, errors, outcomes, examined.detected, examined.warnings, offline)


def _refused(refusal: FileRejection, *, offline: bool = False) -> DryRun:
    return DryRun(refusal, [], {}, {}, offline=offline)
