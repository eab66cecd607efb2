"""Corrections of an upload: what they depend on, and the check of edited rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from onboarding.domain.corrections import CorrectionState, RejectedRow
from onboarding.domain.mappings import VALUE_COLUMNS, MappingDocument
from onboarding.domain.models import OnError, Row, RowError, Upload
from onboarding.domain.validation import validate_row
from onboarding.domain.value_mapping import ValueTargets, map_values, merge_targets
from onboarding.files.column_checks import check_columns
from onboarding.files.corrected_rows import Notation, build_corrected_row
from onboarding.files.models import FileDetails
from onboarding.pipeline.dry_run import UPLOAD_ID, RunTransaction
from onboarding.storage import corrections, file_details, products
from onboarding.storage.database import Connection
from onboarding.storage.mappings import get_applied_mapping
from onboarding.storage.value_mappings import load_value_mappings


@dataclass(frozen=True, slots=True)
class CorrectionContext:
    """What the correction of an upload depends on: how its file was read, and the vendor's value mappings.

    `constants` are the columns with constants of its mapping, which are not translated unless they are edited.
    """

    upload: Upload
    details: FileDetails
    notation: Notation
    targets: ValueTargets
    constants: frozenset[str] = frozenset()

    @classmethod
    def of_file(
        cls, upload: Upload, details: FileDetails, document: MappingDocument | None, targets: ValueTargets
    ) -> CorrectionContext:
        """Return the context of a file that was read with a mapping document, or without one.

        `targets` are the vendor's value mappings, without those of the document.
        """
        notation = Notation.of_file(details, document)
        if document is None:
            return cls(upload, details, notation, targets)
        fed_columns = {column for columns in details.columns.values() for column in columns.split(", ")}
        constants = frozenset(document.constants.keys() - fed_columns)
        return cls(upload, details, notation, merge_targets(targets, document), constants)

    def build_rows(self, rows: Sequence[RejectedRow], edits: Mapping[int, Mapping[str, str]]) -> list[Row]:
        """Return the rows with edited cells, as a file with all of them would be read."""
        corrected_rows = [
            build_corrected_row(
                row,
                edits[row.row_number],
                self.notation,
                upload_id=UPLOAD_ID,
                vendor_id=self.upload.vendor_id,
                line=self.details.line_of(row.row_number),
            )
            for row in rows
        ]
        # First each row by itself: its result must not depend on the other rows that are corrected with it, which may
        # show how a number is written. Then all rows, for repeated identifiers.
        for corrected_row in corrected_rows:
            check_columns([corrected_row], fix_file=True)
        check_columns(corrected_rows, fix_file=True)
        for column in VALUE_COLUMNS:
            # A valid value that was not translated may be our own, as in the file of a submission.
            translated_rows = [
                corrected_row
                for row, corrected_row in zip(rows, corrected_rows, strict=True)
                if column in edits[row.row_number]
                or (column not in self.constants and (column in row.mapped_values or row.has_error(column)))
            ]
            map_values(translated_rows, {column: self.targets.get(column, {})})
        return corrected_rows


def load_correction_context(connection: Connection, upload: Upload) -> CorrectionContext:
    """Return what the correction of an upload depends on."""
    details = file_details.get_file_details(connection, upload.upload_id) or FileDetails("csv", 0, {})
    applied = get_applied_mapping(connection, upload.upload_id)
    document = applied.mapping.document if applied is not None and applied.mapping is not None else None
    return CorrectionContext.of_file(upload, details, document, load_value_mappings(connection, upload.vendor_id))


def check_rows(
    run: RunTransaction,
    context: CorrectionContext,
    rows: Sequence[RejectedRow],
    edits: Mapping[int, Mapping[str, str]] | None = None,
) -> dict[int, list[RowError]]:
    """Return the errors that an upload of these rows would find, by row number; none for a row that is ready.

    `edits` are edited cells by row number instead of those of the drafts. `run` runs a transaction that sees the
    products of all vendors. Nothing is written.
    """
    if not rows:
        return {}
    edits = {row.row_number: row.edited_cells for row in rows} | dict(edits or {})
    corrected_rows = context.build_rows(rows, edits)
    mode = context.upload.mode
    validation_context = run(lambda c: products.load_validation_context(c, corrected_rows, mode))
    errors = {}
    for row, corrected_row in zip(rows, corrected_rows, strict=True):
        remaining = row.list_remaining_errors(edits[row.row_number].keys())
        row_errors = validate_row(corrected_row, validation_context)
        errors[row.row_number] = [*remaining, *(error for error in row_errors if error not in remaining)]
    return errors


def list_rows_to_submit(connection: Connection, upload: Upload) -> list[RejectedRow]:
    """List the open rows with a draft; of an all-or-nothing file all open rows."""
    has_draft = None if upload.on_error is OnError.REJECT_FILE else True
    return corrections.list_rejected_rows(connection, upload.upload_id, state=CorrectionState.OPEN, has_draft=has_draft)


def list_ready_rows(rows: Sequence[RejectedRow], errors: Mapping[int, Sequence[RowError]]) -> list[RejectedRow]:
    """Return those of the rows that can be submitted; `errors` are those that `check_rows` returns for all of them."""
    return [row for row in rows if row.is_editable and not errors[row.row_number]]


def compute_version(rows: Sequence[RejectedRow]) -> str:
    """Return a text that is another one after any change of the rows to submit or of their drafts."""
    revisions = (f"{row.row_number}:{row.draft.revision if row.draft is not None else 0}" for row in rows)
    return sha256("\n".join(revisions).encode()).hexdigest()[:16]
