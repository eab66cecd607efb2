"""What would become of a file: the same code as for an upload, and nothing is written.

With a database, its answers are those of the real run row for row. Without one, what only the catalog can tell is left
out, and the categories are the default ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from onboarding import catalog, ledger
from onboarding.categories import DEFAULT_CATEGORIES
from onboarding.changes import outcome_of
from onboarding.database import Connection, Database
from onboarding.hold import file_rejected
from onboarding.intake import Content, Examined, already_uploaded, examine
from onboarding.model import OnError, Outcome, Row, RowError, UploadStatus
from onboarding.options import Options
from onboarding.parse import Detected, FileWarning, Refusal, too_large
from onboarding.rules import Facts, errors_of

UPLOAD_ID = "DRY_RUN"


@dataclass(frozen=True, slots=True)
class DryRun:
    """The answer: why the file would be refused, or each row's errors and what each valid row would do."""

    refusal: Refusal | None
    rows: Sequence[Row]
    errors: Mapping[int, Sequence[RowError]]
    outcomes: Mapping[int, Outcome]
    detected: Detected | None = None
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


def dry_run(database: Database | None, content: bytes, vendor_id: str, options: Options | None = None) -> DryRun:
    """Judge a file of a vendor without writing anything; offline if there is no database."""
    metadata = (options or Options()).metadata()
    data = None if too_large(len(content)) else content
    source = Content(data, len(content), datetime.now(UTC), metadata)
    if database is None:
        return _judged(None, examine(source, UPLOAD_ID, vendor_id, "active"))
    return database.run(lambda connection: _with_catalog(connection, source, vendor_id))


def _with_catalog(connection: Connection, source: Content, vendor_id: str) -> DryRun:
    connection.execute("set transaction read only")
    vendor_status = ledger.vendor_status(connection, vendor_id)
    if vendor_status is None:
        return _refused(Refusal("UNKNOWN_VENDOR", f"The vendor '{vendor_id}' is not known"))
    examined = examine(source, UPLOAD_ID, vendor_id, vendor_status)
    new = ledger.NewUpload(
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
    repeated = already_uploaded(connection, new, examined)
    return _refused(repeated) if repeated else _judged(connection, examined)


def _judged(connection: Connection | None, examined: Examined) -> DryRun:
    if examined.refusal:
        return DryRun(examined.refusal, [], {}, {}, offline=connection is None)
    rows, mode = examined.rows, examined.options.mode
    if connection is None:
        facts = Facts(DEFAULT_CATEGORIES, set(), set(), mode=mode, catalog_known=False)
    else:
        facts = catalog.facts_about(connection, rows, mode)
    errors = {row.row_number: found for row in rows if (found := errors_of(row, facts))}
    if errors and examined.options.on_error is OnError.REJECT_FILE:
        rejected = [file_rejected(len(errors))]
        errors = {row.row_number: errors.get(row.row_number, rejected) for row in rows}
    outcomes = {row.row_number: outcome_of(row, facts) for row in rows if row.row_number not in errors}
    return DryRun(None, rows, errors, outcomes, examined.detected, examined.warnings, connection is None)


def _refused(refusal: Refusal) -> DryRun:
    return DryRun(refusal, [], {}, {})
