"""Headers in the step that matches columns: the target that each shows first, and where it comes from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import MAX_HEADER_LENGTH, FileHeader, HeaderMapping, MappingDocument, normalize_key
from onboarding.domain.value_mapping import UnmappedValue
from onboarding.pipeline.dry_run import DryRun
from onboarding.pipeline.mapping_proposals import ProposalSource
from onboarding.web.portal.mapping_forms import describe_number_format, join_columns, list_target_choices

SAMPLES = 3

FEW_HEADERS = 5
"""Up to so many headers that are not imported are shown with those to match."""

_REASONS = {
    ProposalSource.MAPPING: "As in your mapping '{name}'",
    ProposalSource.PRESET: "As in the preset '{name}'",
    ProposalSource.SIMILARITY: "A similar name",
}


@dataclass(frozen=True, slots=True)
class StepHeader:
    """A header of the file: its first values, its current target, and the one that the step shows first.

    Both targets are values of a control. `number_format` is JSON, or blank. `is_repeated`: other headers of the file
    have the same name, so that a mapping cannot tell them apart and imports none of them; `name` is that of the first.
    """

    name: str
    samples: Sequence[str]
    current: str
    target: str
    reason: str = ""
    number_format: str = ""
    number_example: str = ""
    is_repeated: bool = False

    @property
    def is_cut(self) -> bool:
        """Return whether the name is only the start of that in the file."""
        return len(self.name) == MAX_HEADER_LENGTH

    @property
    def is_suggested(self) -> bool:
        """Return whether the target is a suggestion that nobody has confirmed."""
        return bool(self.reason)


def group_headers(
    headers: Sequence[StepHeader], is_column_missing: bool
) -> tuple[list[StepHeader], list[StepHeader], list[StepHeader]]:
    """Return the open headers, the extra ones and the matched ones."""
    counts = Counter(column for header in headers for column in header.target.split())
    suggested, ignored, ambiguous, matched = [], [], [], []
    for header in headers:
        if header.is_suggested:
            suggested.append(header)
        elif header.is_repeated and header.current:
            ambiguous.append(header)
        elif not header.target:
            ignored.append(header)
        elif any(counts[column] > 1 for column in header.target.split()):
            ambiguous.append(header)
        else:
            matched.append(header)
    if is_column_missing or len(ignored) <= FEW_HEADERS:
        return suggested + ambiguous + ignored, [], matched
    return suggested + ambiguous, ignored, matched


class Suggestions:
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
        self._names: dict[str, list[str]] = {}
        for name in names:
            self._names.setdefault(normalize_key(name), []).append(name)
        is_repeated = [len(self._names[normalize_key(name)]) > 1 for name in names]
        self._suggested = [
            None if repeated else target for target, repeated in zip(self._suggested, is_repeated, strict=True)
        ]
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
        equal_names = self._names[normalize_key(header.name)]
        if len(equal_names) > 1:
            return StepHeader(equal_names[0], samples, current, "", is_repeated=True)
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

    def suggest_value(self, value: UnmappedValue) -> tuple[str, str]:
        """Return our value to show for a value of the file, and the reason; blank texts if there is none."""
        if self.proposal is not None:
            for own_value, target in self.proposal.document.values.get(value.column, {}).items():
                if normalize_key(own_value) == normalize_key(value.vendor_value):
                    return target, _REASONS[self.proposal.source].format(name=self.proposal.name)
        return value.suggestion, _REASONS[ProposalSource.SIMILARITY] if value.suggestion else ""

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
            fill_down = replace(fill_down, headers=headers) if headers and has_group else None
        values = document.without_remembered_values().values
        return MappingDocument(fill_down=fill_down, values=values, first_address=first_address)

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
