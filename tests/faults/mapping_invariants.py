"""Invariants of mappings: all that is stored about an upload is the result of the mappings that it says it used.

They compare with a new computation: the file is parsed with the stored mapping and the stored value mappings.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from onboarding.aws.staging_table import from_item
from onboarding.domain.mappings import MappingChoice, MappingDocument, SavedMapping, compute_fingerprint
from onboarding.domain.models import FileRejection, Row
from onboarding.domain.product_schema import COLUMNS, DEFAULT_CATEGORIES, PRODUCT_SCHEMA, REPORT_COLUMNS
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.domain.value_mapping import build_targets, map_values, merge_targets
from onboarding.files.formula_escaping import unescape_formula
from onboarding.files.header import FIX_COLUMNS, MAPPING_REFERENCE
from onboarding.files.parser import ParsedFile, parse
from onboarding.pipeline.upload_parsing import list_required_columns
from onboarding.storage.mappings import AppliedMapping, find_mapping, get_applied_mapping
from tests.faults.mapped_files import list_headers
from tests.faults.simulation import Simulation, violation
from tests.faults.upload_files import UNIQUE, File

OFFLINE = ValidationContext(DEFAULT_CATEGORIES, (), (), catalog_known=False)
ENDED = {"NOT_PROCESSED", "CANCELLED"}


@dataclass(frozen=True)
class ResolvedFile:
    """A file as its upload has to read it: rows with the columns of our schema, and faults.

    `parsed` is None for a file with our own headers, and for a rejected one.
    """

    upload_id: str
    file: File
    mapping: SavedMapping | None = None
    parsed: ParsedFile | None = None


def list_own_values(row: Row) -> dict[str, str]:
    """Return the cells of a row with the vendor's values, where a mapping has changed them."""
    return {**row.cells, **row.original}


def resolve(simulation: Simulation, upload: Mapping[str, Any]) -> ResolvedFile:
    """Return the file of an upload, which is a row of `upload_history`."""
    upload_id = upload["upload_id"]
    file = simulation.uploads[upload_id]
    if file.family is None:
        if upload["mapping_id"] is not None:
            raise violation("an upload uses the mapping that was chosen for it", upload)
        return ResolvedFile(upload_id, file)
    applied = simulation.mappings.run(lambda c: get_applied_mapping(c, upload_id))
    assert applied is not None
    _check_choice(simulation, upload, file, file.family, applied.mapping)
    if upload["failure_code"] == "INVALID_OPTION":
        return ResolvedFile(upload_id, replace(file, rejection_code="INVALID_OPTION"))
    parsed = parse(
        file.content,
        upload_id,
        file.vendor_id,
        required=list_required_columns(file.mode),
        choice=MappingChoice(applied.mapping),
    )
    if isinstance(parsed, FileRejection):
        return ResolvedFile(upload_id, replace(file, rejection_code=parsed.code))
    _map_values(upload, parsed.rows, applied)
    faults = {row.row_number: {error.error_type for error in validate_row(row, OFFLINE)} for row in parsed.rows}
    own_faults = {number: frozenset(types - UNIQUE.keys()) for number, types in faults.items() if types - UNIQUE.keys()}
    rows = [{column: row.cells.get(column, "") for column in COLUMNS} for row in parsed.rows]
    return ResolvedFile(upload_id, replace(file, rows=rows, faults=own_faults), applied.mapping, parsed)


def _map_values(upload: Mapping[str, Any], rows: Sequence[Row], applied: AppliedMapping) -> None:
    document = applied.mapping.document if applied.mapping else MappingDocument()
    used_values = map_values(rows, merge_targets(build_targets(applied.used_values), document))
    if used_values != list(applied.used_values):
        raise violation("an upload stores the value mappings that it used", upload["upload_id"], applied.used_values)


def _check_choice(
    simulation: Simulation, upload: Mapping[str, Any], file: File, family: str, mapping: SavedMapping | None
) -> None:
    """Check that the upload used the mapping of its option, or the remembered one; none only if that was deleted."""
    option = file.mapping
    if mapping is None:
        name = option or f"Map {family}"
        is_deleted = simulation.mappings.run(lambda c: find_mapping(c, file.vendor_id, name)) is None
        is_chosen = is_deleted and upload["failure_code"] == ("INVALID_OPTION" if option else "MISSING_COLUMNS")
    elif option is None:
        is_chosen = mapping.header_fingerprint == compute_fingerprint(list_headers(family))
    else:
        is_chosen = option in {mapping.reference, mapping.name}
    if not is_chosen:
        raise violation("an upload uses the mapping that was chosen for it", upload, option, mapping)


def check_stored_rows(
    simulation: Simulation, resolved: ResolvedFile, errors: Mapping[int, Sequence[Mapping[str, Any]]]
) -> None:
    """Check rows, errors, warnings, details, report and fix file of a mapped file; `errors` are those of each row."""
    if resolved.parsed is None:
        return
    parsed, upload_id = resolved.parsed, resolved.upload_id
    rows = {row.row_number: row for row in parsed.rows}
    _check_items(simulation, upload_id, rows)
    for number, row_errors in errors.items():
        for error in row_errors:
            if error["error_type"] not in ENDED:
                _check_error(upload_id, rows[number], error)
    query = "select code, message, row_number from upload_warnings where upload_id = %s order by number"
    stored = simulation.runtime.fetch(query, (upload_id,))
    expected = [(warning.code, warning.message, warning.row_number) for warning in parsed.warnings]
    if stored != expected:
        raise violation("an upload has the warnings of its mapping", upload_id, stored, expected)
    query = "select file_details, error_file_s3_key, fix_file_s3_key from upload_history where upload_id = %s"
    [(details, report_key, fix_file_key)] = simulation.runtime.fetch(query, (upload_id,))
    if details != parsed.file_details.as_json():
        raise violation("an upload has the file details of its mapping", upload_id, details)
    objects = simulation.runtime.aws.objects
    if report_key:
        _check_report(objects[report_key][-1].content, rows, errors)
    if fix_file_key:
        _check_fix_file(objects[fix_file_key][-1].content, resolved, sorted(errors))


def _check_items(simulation: Simulation, upload_id: str, rows: Mapping[int, Row]) -> None:
    for (name, _), item in simulation.runtime.aws.tables["UploadRecords"].items():
        if name != upload_id:
            continue
        staged = from_item(item)
        row = rows.get(staged.row_number)
        if staged != row:
            raise violation("items are staged with the mappings of their upload", upload_id, staged, row)


def _check_error(upload_id: str, row: Row, error: Mapping[str, Any]) -> None:
    if error["original_data"] != list_own_values(row):
        raise violation("errors have the vendor's own values", upload_id, error, list_own_values(row))
    if error["error_field"] in row.original and error["rejected_value"] != row.original[error["error_field"]]:
        raise violation("errors have the vendor's own values", upload_id, error, row.original)


def _check_report(content: bytes, rows: Mapping[int, Row], errors: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
    for line in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        number = int(line["Row Number"])
        cells = {} if errors[number][0]["error_type"] in ENDED else list_own_values(rows[number])
        reported = {name: unescape_formula(line[PRODUCT_SCHEMA[name].title]) for name in REPORT_COLUMNS.values()}
        expected = {name: cells.get(name, "") for name in reported}
        if reported != expected:
            raise violation("the report shows the vendor's own values", reported, expected)


def _check_fix_file(content: bytes, resolved: ResolvedFile, row_numbers: Sequence[int]) -> None:
    assert resolved.parsed is not None
    assert resolved.mapping is not None
    table = resolved.parsed.table
    header, *lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";")
    if header != [*FIX_COLUMNS, MAPPING_REFERENCE, *table.header]:
        raise violation("the fix file has the vendor's own headers", header)
    start = len(FIX_COLUMNS)
    for number, line in zip(row_numbers, lines, strict=True):
        expected = [resolved.mapping.reference, *table.rows[number - 1]]
        if list(map(unescape_formula, line[start:])) != expected:
            raise violation("the fix file has the vendor's own values and its mapping", line[start:], expected)
