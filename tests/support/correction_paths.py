"""The two ways to correct rejected rows without a database: in the table, and in the fix file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from onboarding.domain.corrections import Draft, RejectedRow
from onboarding.domain.mappings import MappingChoice, MappingDocument, SavedMapping
from onboarding.domain.models import FileRejection, Mode, ReportedRow, Row, RowError, Upload
from onboarding.domain.product_schema import DEFAULT_CATEGORIES
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.domain.value_mapping import ValueTargets, map_values, merge_targets
from onboarding.files.corrected_rows import Notation
from onboarding.files.fix_file import CsvFixFile, FixFileSource, list_fix_lines
from onboarding.files.formula_escaping import escape_formula
from onboarding.files.header import list_names
from onboarding.files.header_names import MAX_NAME_LENGTH
from onboarding.files.models import one_line
from onboarding.files.parser import ParsedFile, parse
from onboarding.pipeline.corrections import CorrectionContext, check_rows
from onboarding.pipeline.upload_parsing import list_required_columns
from onboarding.storage.validation_errors import build_error_records

Edits = Mapping[int, Mapping[str, str]]
Errors = dict[int, list[RowError]]


def make_catalog(mode: Mode) -> ValidationContext:
    return ValidationContext(DEFAULT_CATEGORIES, set(), set(), mode=mode, catalog_known=False)


@dataclass
class ParsedParent:
    """A file with rejected rows, read with a mapping and value mappings, and validated without a catalog."""

    content: bytes
    mode: Mode = Mode.CREATE
    document: MappingDocument | None = None
    targets: ValueTargets = field(default_factory=dict)
    parsed: ParsedFile = field(init=False)
    errors: Errors = field(init=False)

    @classmethod
    def read(cls, content: bytes, mode: Mode = Mode.CREATE, **options: Any) -> ParsedParent | None:
        """Return a file; None if it is rejected or has no rejected row."""
        parent = cls(content, mode, **options)
        parsed = parent.parse(content)
        if isinstance(parsed, FileRejection):
            return None
        parent.parsed = parsed
        parent.errors = parent.validate(parsed.rows)
        return parent if parent.errors else None

    @property
    def mapping(self) -> SavedMapping | None:
        return SavedMapping("M1", 1, self.document, "mapping") if self.document is not None else None

    @property
    def catalog(self) -> ValidationContext:
        return make_catalog(self.mode)

    def parse(self, content: bytes) -> ParsedFile | FileRejection:
        """Return the rows of a file with the mapping, and with the vendor's values translated."""
        required = list_required_columns(self.mode)
        parsed = parse(content, "UPLOAD_1", "VEND001", required=required, choice=MappingChoice(self.mapping))
        if isinstance(parsed, ParsedFile):
            document = self.document or MappingDocument()
            fed_columns = {column for header in parsed.headers for column in header.columns}
            map_values(parsed.rows, merge_targets(self.targets, document), document.constants.keys() - fed_columns)
        return parsed

    def validate(self, rows: Sequence[Row]) -> Errors:
        return {row.row_number: errors for row in rows if (errors := validate_row(row, self.catalog))}

    # The table

    @property
    def context(self) -> CorrectionContext:
        upload = cast("Upload", UploadOfMode(self.mode))
        return CorrectionContext.of_file(upload, self.parsed.file_details, self.document, self.targets)

    @property
    def notation(self) -> Notation:
        return self.context.notation

    def list_rejected_rows(self) -> list[RejectedRow]:
        """Return the rejected rows, with the values that the database stores of them."""
        rows = []
        for row in self.parsed.rows:
            if row.row_number not in self.errors:
                continue
            records = json.loads(json.dumps(build_error_records(row, self.errors[row.row_number])))
            errors = [
                RowError(
                    record["error_type"],
                    record["error_field"],
                    record["error_message"],
                    record["rejected_value"],
                    record["expected"],
                    record["hint"],
                )
                for record in records
            ]
            is_editable = all(error.error_type != "FIELD_COUNT_MISMATCH" for error in errors)
            values, mapped_values = records[0]["original_data"], records[0]["mapped_data"]
            rows.append(RejectedRow(row.row_number, values, mapped_values, errors, is_editable=is_editable))
        return rows

    def correct_in_table(self, rows: Sequence[RejectedRow], edits: Edits) -> tuple[dict[int, Row], Errors]:
        """Return the corrected rows and their errors, by row number."""
        context = self.context
        drafts = {row.row_number: context.notation.drop_unchanged(row, edits.get(row.row_number, {})) for row in rows}
        corrected_rows = context.build_rows(rows, drafts)
        errors = check_rows(lambda _: cast("Any", self.catalog), context, rows, drafts)
        return {row.row_number: row for row in corrected_rows}, errors

    # The fix file

    def list_indexes(self) -> dict[str, int]:
        """Return the position of each column's header in the file."""
        names = [one_line(name, MAX_NAME_LENGTH) for name in self.parsed.table.header]
        if self.parsed.file_details.fix_file:
            names = list_names(["_row", "_errors", *names])[2:]
        indexes: dict[str, int] = {}
        for name, columns in self.parsed.file_details.columns.items():
            if name in names:
                indexes |= dict.fromkeys(columns.split(", "), names.index(name))
        return indexes

    def write_fix_file(self, edits: Edits) -> bytes:
        """Return the fix file with the edits typed into its cells."""
        details = self.parsed.file_details
        reported = [
            ReportedRow(row_number, error, {}) for row_number, errors in sorted(self.errors.items()) for error in errors
        ]
        file = io.BytesIO()
        source = FixFileSource(
            "UPLOAD_1",
            self.parsed.table,
            details.columns,
            details.decimal_commas,
            details.decimal_points,
            details.delimiter,
            self.mapping.reference if self.mapping is not None else "",
        )
        fix_file = CsvFixFile(file, source)
        for fix_line in list_fix_lines(source, reported):
            fix_file.write(fix_line)
        fix_file.close()
        text = file.getvalue().decode("utf-8-sig")
        delimiter = text.removeprefix("_upload")[0]
        header, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        start, indexes = len(header) - len(self.parsed.table.header), self.list_indexes()
        for row_number, line in zip(sorted(self.errors), lines, strict=True):
            for column, value in edits.get(row_number, {}).items():
                line.extend([""] * (start + indexes[column] + 1 - len(line)))
                line[start + indexes[column]] = escape_formula(value)
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter).writerows([header, *lines])
        return out.getvalue().encode("utf-8-sig")

    def correct_in_file(self, edits: Edits) -> tuple[ParsedFile, dict[int, Row], Errors] | FileRejection:
        """Return the parsed fix file, and its rows and their errors by the row number of the parent."""
        parsed = self.parse(self.write_fix_file(edits))
        if isinstance(parsed, FileRejection):
            return parsed
        row_numbers = dict(enumerate(sorted(self.errors), 1))
        assert len(parsed.rows) == len(row_numbers), "a fix file loses no line"
        errors = self.validate(parsed.rows)
        rows = {row_numbers[row.row_number]: row for row in parsed.rows}
        return parsed, rows, {row_numbers[n]: row_errors for n, row_errors in errors.items()}


@dataclass(frozen=True)
class UploadOfMode:
    """The fields of an upload on which the check of its corrections depends."""

    mode: Mode
    vendor_id: str = "VEND001"


def list_error_columns(row: RejectedRow) -> Iterator[str]:
    """Yield the columns of a row's errors."""
    for error in row.errors:
        yield from error.field.split(", ")


def make_draft(cells: Mapping[str, str]) -> Draft:
    return Draft(cells, 1, "vendor", cast("Any", None))
