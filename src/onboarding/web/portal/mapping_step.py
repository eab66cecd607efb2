"""The step of a preview in which a vendor matches the columns and categories of a file to ours."""

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
    HeaderSource,
    MappingDocument,
    normalize_key,
)
from onboarding.domain.models import Mode
from onboarding.domain.product_schema import NUMBER_COLUMNS, PRODUCT_SCHEMA, REQUIRED
from onboarding.pipeline.dry_run import DryRun, MappingProposal, ProposalSource
from onboarding.pipeline.upload_parsing import list_required_columns
from onboarding.storage.mappings import NAME_LENGTH
from onboarding.web.portal.mapping_forms import (
    describe_fill_down,
    describe_number_format,
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
    ProposalSource.MAPPING: "as in your mapping '{name}'",
    ProposalSource.PRESET: "as in the preset '{name}'",
    ProposalSource.SIMILARITY: "a similar name",
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
    `fill_down` is JSON, or blank.
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
    fill_down: str
    fill_down_sentence: str
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
    # The additional columns of a fix file have no name.
    headers = [suggestions.build_header(header) for header in result.headers if header.name]
    constants = _get_constants(result, document, suggestions)
    columns = _build_columns(headers, constants, mode)
    values = _build_values(result, document)
    differences = suggestions.describe_differences()
    is_ambiguous = result.rejection is not None and result.rejection.code in _HEADER_REJECTIONS
    is_required = bool(
        result.missing_columns
        or is_ambiguous
        or (differences and suggestions.is_used)
        or (result.unmapped_values and not values_shown)
    )
    open_headers, extra_headers, matched_headers = _group_headers(headers, any(column.is_missing for column in columns))
    if not is_required and not open_headers and not extra_headers and not values and document is None:
        return None
    fill_down = suggestions.find_fill_down()
    return MappingStep(
        is_required=is_required,
        open_headers=open_headers,
        extra_headers=extra_headers,
        matched_headers=matched_headers,
        columns=columns,
        values=values[:MAX_VALUES],
        more_values=max(0, len(values) - MAX_VALUES),
        category_names=category_names,
        target_choices=list_target_choices(suggestions.get_document_in_use()),
        differences=differences,
        fill_down=json.dumps(document_as_json(MappingDocument(fill_down=fill_down))["fill_down"]) if fill_down else "",
        fill_down_sentence=describe_fill_down(fill_down) if fill_down else "",
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
    """The target that the step shows for each header: the confirmed one, otherwise the best proposal."""

    def __init__(self, result: DryRun, document: MappingDocument | None) -> None:
        self._headers = {normalize_key(header.name): header for header in result.headers if header.name}
        self._document = document or (result.mapping.document if result.mapping else None)
        # A person has confirmed the applied mapping: its headers need no suggestion.
        self._proposals = [] if document else list(result.proposals)
        self._targets: dict[str, tuple[MappingProposal, HeaderMapping]] = {}
        taken = {
            column for header in result.headers if header.source is HeaderSource.MAPPING for column in header.columns
        }
        for proposal in self._proposals:
            self._take(proposal, taken)

    def _take(self, proposal: MappingProposal, taken: set[str]) -> None:
        """Take the targets of a proposal for headers without one, unless a better proposal uses the columns."""
        targets = {}
        for header, target in self._list_targets(proposal.document):
            key = normalize_key(header.name)
            if (
                target is not None
                and header.source is not HeaderSource.MAPPING
                and key not in self._targets
                and target.columns
                and taken.isdisjoint(target.columns)
            ):
                targets[key] = (proposal, target)
        self._targets |= targets
        taken |= {column for _, target in targets.values() for column in target.columns}

    def _list_targets(self, document: MappingDocument) -> Iterator[tuple[FileHeader, HeaderMapping | None]]:
        headers = list(self._headers.values())
        yield from zip(headers, document.list_targets(header.name for header in headers), strict=True)

    @property
    def is_used(self) -> bool:
        """Return whether the target of a header is a suggestion."""
        return bool(self._targets)

    @property
    def proposals_in_use(self) -> list[MappingProposal]:
        """Return the proposals from which a suggestion comes, best first."""
        used = {id(proposal) for proposal, _ in self._targets.values()}
        return [proposal for proposal in self._proposals if id(proposal) in used]

    def get_document_in_use(self) -> MappingDocument:
        """Return a document with the suggested targets and those of the applied mapping."""
        columns = dict(self._document.columns) if self._document else {}
        taken = {column for target in columns.values() for column in target.columns}
        for key, (_, target) in self._targets.items():
            if taken.isdisjoint(target.columns) and self._headers[key].name not in columns:
                columns[self._headers[key].name] = target
        return MappingDocument(columns)

    def build_header(self, header: FileHeader) -> StepHeader:
        """Return a header with the target that the step shows first."""
        key = normalize_key(header.name)
        current = join_columns(header.columns)
        samples = header.samples[:SAMPLES]
        if key not in self._targets:
            # A suggestion for another header may need the column of this one.
            suggested = {column for _, target in self._targets.values() for column in target.columns}
            is_replaced = header.source is not HeaderSource.MAPPING and not suggested.isdisjoint(header.columns)
            confirmed = self._document.list_targets([header.name])[0] if self._document else None
            number_format = _describe_number_format(confirmed.number_format if confirmed else None, samples)
            return StepHeader(header.name, samples, current, "" if is_replaced else current, "", *number_format)
        proposal, suggestion = self._targets[key]
        target = join_columns(suggestion.columns)
        reason = proposal.reasons.get(header.name) or _REASONS[proposal.source].format(name=proposal.name)
        if target == current and suggestion.number_format is None:
            reason = ""
        number_format = _describe_number_format(suggestion.number_format, samples)
        return StepHeader(header.name, samples, current, target, reason, *number_format)

    def describe_differences(self) -> str:
        """Return how the file differs from the mapping of the vendor that is proposed, otherwise a blank text."""
        for proposal in self._proposals:
            if proposal.source is ProposalSource.MAPPING:
                parts = []
                if proposal.new_headers:
                    parts.append(f"has {_quote(proposal.new_headers)} in addition")
                if proposal.missing_headers:
                    parts.append(f"lacks {_quote(proposal.missing_headers)}")
                return (
                    f"Compared with your mapping '{proposal.name}', this file {' and '.join(parts)}." if parts else ""
                )
        return ""

    def find_fill_down(self) -> FillDown | None:
        """Return the values to fill down, limited to the headers of the file."""
        documents = [self._document] if self._document else [proposal.document for proposal in self.proposals_in_use]
        for document in documents:
            fill_down = document.fill_down
            if fill_down and normalize_key(fill_down.group_header) in self._headers:
                headers = tuple(header for header in fill_down.headers if normalize_key(header) in self._headers)
                if headers:
                    return FillDown(fill_down.group_header, headers)
        return None


def _describe_number_format(number_format: MappedNumberFormat | None, samples: Sequence[str]) -> tuple[str, str]:
    """Return a number format as JSON and as an example, or blank texts if there is none."""
    if number_format is None:
        return "", ""
    text = json.dumps({field: getattr(number_format, field) for field in MappedNumberFormat.__slots__})
    return text, describe_number_format(number_format, samples)


def _quote(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _get_constants(result: DryRun, document: MappingDocument | None, suggestions: _Suggestions) -> Mapping[str, str]:
    if document is not None:
        return document.constants
    constants: dict[str, str] = {}
    for proposal in reversed(suggestions.proposals_in_use):
        constants |= proposal.document.constants
    return constants | (dict(result.mapping.document.constants) if result.mapping else {})


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
    names = [
        proposal.name for proposal in suggestions.proposals_in_use if proposal.source is not ProposalSource.SIMILARITY
    ]
    name = (names[0] if names else PurePath(file_name).stem).replace("/", "-").strip()[: NAME_LENGTH - 4] or "My files"
    taken = {other.casefold() for other in mapping_names} | {"none"}
    number = 2
    unique_name = name
    while unique_name.casefold() in taken:
        unique_name, number = f"{name} {number}", number + 1
    return unique_name
