"""The step of a preview in which a vendor matches the columns, categories and statuses of a file."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.mapping_json import document_as_json
from onboarding.domain.mappings import VALUE_COLUMNS, MappingDocument, compute_fingerprint, normalize_key
from onboarding.domain.models import Mode
from onboarding.domain.product_schema import CHOICES, NUMBER_COLUMNS, PRODUCT_SCHEMA, REQUIRED
from onboarding.pipeline.dry_run import DryRun
from onboarding.pipeline.upload_parsing import list_required_columns
from onboarding.storage.mappings import NAME_LENGTH
from onboarding.web.portal.mapping_forms import describe_other_parts
from onboarding.web.portal.mapping_step_headers import StepHeader, Suggestions, group_headers

MAX_VALUES = 200
"""Maximum number of values that the step shows at once, most rows first."""

_HEADER_REJECTIONS = (RejectionCode.AMBIGUOUS_COLUMNS, RejectionCode.DUPLICATE_COLUMNS)
"""Rejections that another choice of columns solves, as well as that of a file without required columns."""


@dataclass(frozen=True, slots=True)
class StepColumn:
    """A column that is required or has a constant, with the same value for all products if it has one.

    `choice` is the kind of control for that value: `list`, `number`, `text`, or blank if each product needs its own.
    """

    name: str
    label: str
    choice: str
    constant: str
    is_required: bool
    is_matched: bool

    @property
    def is_missing(self) -> bool:
        """Return whether neither a header nor a constant feeds the column."""
        return self.is_required and not self.is_matched and not self.constant


@dataclass(frozen=True, slots=True)
class StepValue:
    """A value of the file: its column, the number of rows with it, and our value that the step shows first.

    `reason` is a sentence about a suggestion that nobody has confirmed, or blank.
    """

    column: str
    vendor_value: str
    rows: int
    target: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MappingStep:
    """What the step shows. `is_required`: it is open, because a person has to choose something.

    `open_headers` need a look, suggestions first. `extra_headers` are not imported, and no column is missing.
    `matched_headers` are known. `differences` says how the file differs from the proposed mapping of the vendor.
    `more_values` is the number of values that the step asks for after these, `choices` has our values of each column
    with a list of them. `other_parts` are the parts of the
    document that have no controls, as JSON; `notes` are sentences about them. `remembered_name` is the name of the
    vendor's mapping for the headers of the file, or blank.
    """

    is_required: bool
    open_headers: Sequence[StepHeader]
    extra_headers: Sequence[StepHeader]
    matched_headers: Sequence[StepHeader]
    columns: Sequence[StepColumn]
    values: Sequence[StepValue]
    more_values: int
    choices: Mapping[str, Sequence[str]]
    target_choices: Mapping[str, str]
    differences: str
    other_parts: str
    notes: Sequence[str]
    name: str
    remembered_name: str
    has_mapping: bool
    is_confirmed: bool

    @property
    def headers(self) -> Iterator[StepHeader]:
        """Return all headers."""
        yield from self.open_headers
        yield from self.extra_headers
        yield from self.matched_headers

    @property
    def asks_for_columns(self) -> bool:
        """Return whether a required column is missing or a target is a suggestion."""
        return any(header.is_suggested for header in self.open_headers) or any(
            column.is_missing for column in self.columns
        )

    @property
    def ignored_headers(self) -> int:
        """Return the number of headers that are not imported."""
        return sum(1 for header in self.headers if not header.current)

    @property
    def values_by_column(self) -> dict[str, list[StepValue]]:
        """Return the values of each column that has some."""
        columns = dict.fromkeys(value.column for value in self.values)
        return {column: [value for value in self.values if value.column == column] for column in columns}

    @property
    def missing_labels(self) -> list[str]:
        """Return the labels of the required columns that are still missing."""
        return [column.label for column in self.columns if column.is_missing]


def build_mapping_step(
    result: DryRun,
    *,
    mode: Mode,
    document: MappingDocument | None,
    category_names: Sequence[str],
    fingerprints: Mapping[str, str | None],
    file_name: str,
    declined_values: int = 0,
) -> MappingStep | None:
    """Return the step for a dry run, or None if there is nothing to match.

    `document` is the mapping that the vendor has confirmed in the step and that the dry run applied. `declined_values`
    is the number of values that the vendor has seen and left without a category; they are the first unmapped ones,
    since both have the order of the file. `fingerprints` has those of the headers of the vendor's mappings, by name.
    """
    if not any(header.name for header in result.headers):
        return None
    suggestions = Suggestions(result, document)
    headers = suggestions.headers
    columns = _build_columns(headers, suggestions.constants, mode)
    values, more_values = _build_values(result, suggestions, document, declined_values)
    other_parts = document_as_json(suggestions.other_parts)
    is_ambiguous = result.rejection is not None and result.rejection.code in _HEADER_REJECTIONS
    is_required = bool(
        result.missing_columns
        or is_ambiguous
        or (suggestions.differences and suggestions.is_used)
        or suggestions.fixes_errors(result)
        or result.unmapped_values[declined_values:]
    )
    fingerprint = compute_fingerprint(header.name for header in result.headers)
    remembered_name = next((name for name, other in fingerprints.items() if other == fingerprint), "")
    open_headers, extra_headers, matched_headers = group_headers(headers, any(column.is_missing for column in columns))
    if not is_required and not open_headers and not extra_headers and not values and document is None:
        return None
    return MappingStep(
        is_required=is_required,
        open_headers=open_headers,
        extra_headers=extra_headers,
        matched_headers=matched_headers,
        columns=columns,
        values=values,
        more_values=more_values,
        choices={"category": category_names, **CHOICES},
        target_choices=suggestions.target_choices,
        differences=suggestions.differences,
        other_parts=json.dumps({name: part for name, part in other_parts.items() if name != "columns"}),
        notes=describe_other_parts(suggestions.other_parts),
        name=remembered_name or _choose_name(result, suggestions, fingerprints, file_name),
        remembered_name=remembered_name,
        has_mapping=result.mapping is not None and document is None,
        is_confirmed=document is not None,
    )


def _build_columns(headers: Sequence[StepHeader], constants: Mapping[str, str], mode: Mode) -> list[StepColumn]:
    """Return the required columns, and the others that have the same value for all products."""
    matched = {column for header in headers for column in header.target.split()}
    required = list_required_columns(mode)
    return [
        StepColumn(
            name=name,
            label=PRODUCT_SCHEMA[name].label,
            choice=_get_choice(name),
            constant="" if name in matched else constants.get(name, ""),
            is_required=name in required,
            is_matched=name in matched,
        )
        for name in (*required, *(column for column in constants if column not in required))
    ]


def _get_choice(column: str) -> str:
    if column in VALUE_COLUMNS:
        return "list"
    if column in NUMBER_COLUMNS:
        return "number"
    # Each product has its own ID, SKU and name.
    return "" if column in REQUIRED else "text"


def _build_values(
    result: DryRun, suggestions: Suggestions, document: MappingDocument | None, declined_values: int
) -> tuple[list[StepValue], int]:
    """Return the values to show, and the number of those that follow them.

    They are the next ones that the vendor has not seen. After the last, they are those that the vendor has seen.
    """
    unmapped_values = [
        StepValue(value.column, value.vendor_value, value.rows, *suggestions.suggest_value(value))
        if position >= declined_values
        else StepValue(value.column, value.vendor_value, value.rows, "")
        for position, value in enumerate(result.unmapped_values)
    ]
    next_values = unmapped_values[declined_values:][:MAX_VALUES]
    if next_values:
        return next_values, result.unmapped_value_count - declined_values - len(next_values)
    values_by_column = document.values.items() if document else ()
    confirmed = {(column, normalize_key(value)) for column, values in values_by_column for value in values}
    # The category of a confirmed value may have been disabled since.
    confirmed -= {(value.column, normalize_key(value.vendor_value)) for value in unmapped_values}
    confirmed_values = [
        StepValue(value.column, value.vendor_value, value.rows, value.target)
        for value in result.used_values
        if (value.column, normalize_key(value.vendor_value)) in confirmed
    ]
    return sorted(unmapped_values + confirmed_values, key=lambda value: -value.rows)[:MAX_VALUES], 0


def _choose_name(result: DryRun, suggestions: Suggestions, mapping_names: Collection[str], file_name: str) -> str:
    """Return a new name for the mapping, after the applied or proposed one, otherwise after the file."""
    applied_name = result.mapping.name if result.mapping is not None else None
    name = applied_name or (suggestions.proposal.name if suggestions.proposal else "") or PurePath(file_name).stem
    name = name.replace("/", "-").strip()[: NAME_LENGTH - 4] or "My files"
    taken = {other.casefold() for other in mapping_names} | {"none"}
    number = 2
    unique_name = name
    while unique_name.casefold() in taken:
        unique_name, number = f"{name} {number}", number + 1
    return unique_name
