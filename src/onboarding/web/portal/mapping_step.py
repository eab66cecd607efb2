"""The step of a preview in which a vendor matches the columns and categories of a file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from onboarding.domain.column_types import ColumnType
from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mapping_json import document_as_json
from onboarding.domain.mappings import (
    FileHeader,
    FillDown,
    HeaderMapping,
    MappingDocument,
    normalize_key,
)
from onboarding.domain.models import Mode
from onboarding.domain.product_schema import NUMBER_COLUMNS, PRODUCT_SCHEMA, REQUIRED
from onboarding.pipeline.dry_run import DryRun
from onboarding.pipeline.mapping_proposals import ProposalSource
from onboarding.pipeline.upload_parsing import list_required_columns
from onboarding.storage.mappings import NAME_LENGTH
from onboarding.web.portal.mapping_forms import (
    describe_number_format,
    describe_other_parts,
    join_columns,
    list_target_choices,
)

SAMPLES = 3

FEW_HEADERS = 5
"""Up to so many headers that are not imported are shown with those to match."""

MAX_VALUES = 200
"""Maximum number of values that the step asks for, most rows first."""

_HEADER_REJECTIONS = (RejectionCode.AMBIGUOUS_COLUMNS, RejectionCode.DUPLICATE_COLUMNS)
"""Rejections that another choice of columns solves, as well as that of a file without required columns."""

_REASONS = {
    ProposalSource.MAPPING: "As in your mapping '{name}'",
    ProposalSource.PRESET: "As in the preset '{name}'",
    ProposalSource.SIMILARITY: "A similar name",
}


@dataclass(frozen=True, slots=True)
class StepHeader:
    """A header of the file: its first values, its current target, and the one that the step shows first.

    Both targets are values of a control. `number_format` is JSON, or blank.
    """

    name: str
    samples: Sequence[str]
    current: str
    target: str
    reason: str = ""
    number_format: str = ""
    number_example: str = ""

    @property
    def is_suggested(self) -> bool:
        """Return whether the target is a suggestion that nobody has confirmed."""
        return bool(self.reason)


@dataclass(frozen=True, slots=True)
class StepColumn:
    """A column that is required or has a constant, with the same value for all products if it has one.

    `choice` is the kind of control for that value: `category`, `number`, or blank if each product needs its own.
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
    """A value of the file: the number of rows with it, and our value that the step shows first."""

    vendor_value: str
    rows: int
    target: str
    is_suggested: bool


@dataclass(frozen=True, slots=True)
class MappingStep:
    """What the step shows. `is_required`: it is open, because a person has to choose something.

    `open_headers` need a look, suggestions first. `extra_headers` are not imported, and no column is missing.
    `matched_headers` are known. `differences` says how the file differs from the proposed mapping of the vendor.
    `other_parts` are the parts of the document that have no controls, as JSON; `notes` are sentences about them.
    """

    is_required: bool
    open_headers: Sequence[StepHeader]
    extra_headers: Sequence[StepHeader]
    matched_headers: Sequence[StepHeader]
    columns: Sequence[StepColumn]
    values: Sequence[StepValue]
    more_values: int
    category_names: Sequence[str]
    target_choices: Mapping[str, str]
    differences: str
    other_parts: str
    notes: Sequence[str]
    name: str
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
    def missing_labels(self) -> list[str]:
        """Return the labels of the required columns that are still missing."""
        return [column.label for column in self.columns if column.is_missing]


def build_mapping_step(
    result: DryRun,
    *,
    mode: Mode,
    document: MappingDocument | None,
    category_names: Sequence[str],
    mapping_names: Collection[str],
    file_name: str,
    values_shown: bool = False,
) -> MappingStep | None:
    """Return the step for a dry run, or None if there is nothing to match.

    `document` is the mapping that the vendor has confirmed in the step and that the dry run applied. `values_shown`:
    the vendor has seen the values and left some without a category. `mapping_names` are those of the vendor's mappings.
    """
    if not any(header.name for header in result.headers):
        return None
    suggestions = _Suggestions(result, document)
    headers = suggestions.headers
    columns = _build_columns(headers, suggestions.constants, mode)
    values = _build_values(result, document)
    other_parts = document_as_json(suggestions.other_parts)
    is_ambiguous = result.rejection is not None and result.rejection.code in _HEADER_REJECTIONS
    is_required = bool(
        result.missing_columns
        or is_ambiguous
        or (suggestions.differences and suggestions.is_used)
        or suggestions.fixes_errors(result)
        or (result.unmapped_values and not values_shown)
    )
    open_headers, extra_headers, matched_headers = _group_headers(headers, any(column.is_missing for column in columns))
    if not is_required and not open_headers and not extra_headers and not values and document is None:
        return None
    return MappingStep(
        is_required=is_required,
        open_headers=open_headers,
        extra_headers=extra_headers,
        matched_headers=matched_headers,
        columns=columns,
        values=values[:MAX_VALUES],
        more_values=max(0, len(values) - MAX_VALUES),
        category_names=category_names,
        target_choices=suggestions.target_choices,
        differences=suggestions.differences,
        other_parts=json.dumps({name: part for name, part in other_parts.items() if name != "columns"}),
        notes=describe_other_parts(suggestions.other_parts),
        name=_choose_name(result, suggestions, mapping_names, file_name),
        has_mapping=result.mapping is not None and document is None,
        is_confirmed=document is not None,
    )


def _group_headers(
    headers: Sequence[StepHeader], is_column_missing: bool
) -> tuple[list[StepHeader], list[StepHeader], list[StepHeader]]:
    """Return the open headers, the extra ones and the matched ones."""
    counts = Counter(column for header in headers for column in header.target.split())
    suggested, ignored, ambiguous, matched = [], [], [], []
    for header in headers:
        if header.is_suggested:
            suggested.append(header)
        elif not header.target:
            ignored.append(header)
        elif any(counts[column] > 1 for column in header.target.split()):
            ambiguous.append(header)
        else:
            matched.append(header)
    if is_column_missing or len(ignored) <= FEW_HEADERS:
        return suggested + ambiguous + ignored, [], matched
    return suggested + ambiguous, ignored, matched


class _Suggestions:
    """The target that the step shows for each header: the confirmed one, otherwise that of the best proposal.

    `headers` are those of the file. `document` is the mapping that was applied, or empty.
    """

    def __init__(self, result: DryRun, document: MappingDocument | None) -> None:
        # The additional columns of a fix file have no name.
        self._file_headers = [header for header in result.headers if header.name]
        self.proposal = result.proposals[0] if result.proposals and document is None else None
        self.document = document or (result.mapping.document if result.mapping else MappingDocument())
        names = [header.name for header in self._file_headers]
        self._confirmed = self.document.list_targets(names)
        proposed_document = self.proposal.document if self.proposal else MappingDocument()
        self._suggested = proposed_document.list_targets(names)
        self._taken = {column for target in self._suggested if target for column in target.columns}
        self.headers = [
            self._build_header(header, confirmed, suggested)
            for header, confirmed, suggested in zip(self._file_headers, self._confirmed, self._suggested, strict=True)
        ]

    def _build_header(
        self, header: FileHeader, confirmed: HeaderMapping | None, suggested: HeaderMapping | None
    ) -> StepHeader:
        current = join_columns(header.columns)
        samples = header.samples[:SAMPLES]
        if self.proposal is None or suggested is None:
            # A suggestion for another header may need a column of this one.
            target = join_columns([column for column in header.columns if column not in self._taken])
            number_format = _describe_number_format(confirmed.number_format if confirmed else None, samples)
            return StepHeader(header.name, samples, current, target, "", *number_format)
        target = join_columns(suggested.columns)
        number_format = _describe_number_format(suggested.number_format, samples)
        reason = ""
        if target != current or suggested.number_format is not None:
            reason = self.proposal.reasons.get(header.name) or _REASONS[self.proposal.source].format(
                name=self.proposal.name
            )
        return StepHeader(header.name, samples, current, target, reason, *number_format)

    @property
    def is_used(self) -> bool:
        """Return whether the step shows a suggestion."""
        return any(header.is_suggested for header in self.headers)

    @property
    def constants(self) -> Mapping[str, str]:
        """Return the constants of the proposal and of the applied mapping, by column."""
        return {**(self.proposal.document.constants if self.proposal else {}), **self.document.constants}

    @property
    def target_choices(self) -> dict[str, str]:
        """Return the choices for the target of a header, with the combinations that a control shows first."""
        return list_target_choices([header.target.split() for header in self.headers])

    @property
    def differences(self) -> str:
        """Return how the file differs from the mapping of the vendor that is proposed, otherwise a blank text."""
        if self.proposal is None or self.proposal.source is not ProposalSource.MAPPING:
            return ""
        parts = []
        if self.proposal.new_headers:
            parts.append(f"has {_quote(self.proposal.new_headers)} in addition")
        if self.proposal.missing_headers:
            parts.append(f"lacks {_quote(self.proposal.missing_headers)}")
        return f"Compared with your mapping '{self.proposal.name}', this file {' and '.join(parts)}." if parts else ""

    @property
    def other_parts(self) -> MappingDocument:
        """Return the parts of the document that have no controls, limited to the headers of the file."""
        document = self.proposal.document if self.proposal else self.document
        keys = {normalize_key(header.name) for header in self._file_headers}
        first_address = tuple(header for header in document.first_address if normalize_key(header) in keys)
        fill_down = document.fill_down
        if fill_down is not None:
            headers = tuple(header for header in fill_down.headers if normalize_key(header) in keys)
            has_group = normalize_key(fill_down.group_header) in keys
            fill_down = FillDown(fill_down.group_header, headers) if headers and has_group else None
        return MappingDocument(fill_down=fill_down, first_address=first_address)

    def fixes_errors(self, result: DryRun) -> bool:
        """Return whether a suggested notation of numbers is for a column with errors."""
        columns = {
            column for header in self.headers if header.is_suggested and header.number_format
            for column in header.target.split()
        }  # fmt: skip
        return any(error.field in columns for errors in result.errors.values() for error in errors)


def _describe_number_format(number_format: MappedNumberFormat | None, samples: Sequence[str]) -> tuple[str, str]:
    """Return a number format as JSON and as an example, or blank texts if there is none."""
    if number_format is None:
        return "", ""
    text = json.dumps({field: getattr(number_format, field) for field in MappedNumberFormat.__slots__})
    return text, describe_number_format(number_format, samples)


def _quote(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


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
    if PRODUCT_SCHEMA[column].type is ColumnType.CATEGORY:
        return "category"
    if column in NUMBER_COLUMNS:
        return "number"
    # Each product has its own ID, SKU and name.
    return "" if column in REQUIRED else "text"


def _build_values(result: DryRun, document: MappingDocument | None) -> list[StepValue]:
    """Return the values without a category, and those that the vendor has matched in the step."""
    confirmed = {normalize_key(value) for values in (document.values.values() if document else ()) for value in values}
    values = [
        StepValue(value.vendor_value, value.rows, value.suggestion, bool(value.suggestion))
        for value in result.unmapped_values
    ]
    values += [
        StepValue(value.vendor_value, value.rows, value.target, False)
        for value in result.used_values
        if normalize_key(value.vendor_value) in confirmed
    ]
    return sorted(values, key=lambda value: -value.rows)


def _choose_name(result: DryRun, suggestions: _Suggestions, mapping_names: Collection[str], file_name: str) -> str:
    """Return the name of the mapping to remember: that of the applied one, otherwise a new one."""
    if result.mapping is not None and result.mapping.name:
        return result.mapping.name
    proposed_name = suggestions.proposal.name if suggestions.proposal else ""
    name = (proposed_name or PurePath(file_name).stem).replace("/", "-").strip()[: NAME_LENGTH - 4] or "My files"
    taken = {other.casefold() for other in mapping_names} | {"none"}
    number = 2
    unique_name = name
    while unique_name.casefold() in taken:
        unique_name, number = f"{name} {number}", number + 1
    return unique_name
