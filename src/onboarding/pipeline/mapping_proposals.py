"""Proposals of mappings for a file: similar mappings of the vendor, presets, and suggestions by names and values.

A proposal is complete: what a mapping or preset leaves open is filled with suggestions. Nothing is applied before a
person confirms it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import (
    FileHeader,
    HeaderMapping,
    HeaderSource,
    MappingDocument,
    SavedMapping,
    normalize_key,
)
from onboarding.domain.product_schema import COLUMNS, NUMBER_COLUMNS, REQUIRED
from onboarding.files.column_suggestions import suggest_columns, suggest_number_format
from onboarding.files.presets import find_preset

_MIN_COMMON_HEADERS = 0.6
"""Share of the headers of a file and a mapping together that both have, from which the mapping is proposed."""


class ProposalSource(StrEnum):
    """Source of a proposed mapping.

    `mapping`: a mapping of the vendor for almost the same headers. `preset`: a preset for exports of another system.
    `similarity`: similar names and values.
    """

    MAPPING = "mapping"
    PRESET = "preset"
    SIMILARITY = "similarity"


@dataclass(frozen=True, slots=True)
class MappingProposal:
    """A mapping that the vendor may confirm.

    `reasons` has a sentence for each header, where there is one. `missing_headers` are headers of the mapping that the
    file lacks, `new_headers` those of the file that the mapping does not have.
    """

    source: ProposalSource
    name: str
    document: MappingDocument
    reasons: Mapping[str, str] = field(default_factory=dict)
    missing_headers: Sequence[str] = ()
    new_headers: Sequence[str] = ()


def propose_mappings(
    headers: Sequence[FileHeader], mappings: Sequence[SavedMapping], presets: Sequence[SavedMapping]
) -> list[MappingProposal]:
    """Return mappings to confirm for a file with these headers, best first.

    `mappings` are those of the vendor, `presets` those that operators have published.
    """
    drafts = [
        *_list_similar_mappings(headers, mappings),
        *_list_presets(headers, presets),
        MappingProposal(ProposalSource.SIMILARITY, "", MappingDocument()),
    ]
    proposals = [_complete(draft, headers) for draft in drafts]
    return [proposal for proposal in proposals if proposal.document != MappingDocument()]


def _list_similar_mappings(headers: Sequence[FileHeader], mappings: Sequence[SavedMapping]) -> list[MappingProposal]:
    names = {normalize_key(header.name): header.name for header in headers}
    similar: list[tuple[float, MappingProposal]] = []
    for mapping in mappings:
        mapped_names = {normalize_key(name): name for name in mapping.document.columns}
        if not mapped_names:
            continue
        common_share = len(names.keys() & mapped_names.keys()) / len(names.keys() | mapped_names.keys())
        if common_share >= _MIN_COMMON_HEADERS:
            proposal = MappingProposal(
                ProposalSource.MAPPING,
                mapping.name or "",
                _select_headers(mapping.document, names.keys()),
                missing_headers=[name for key, name in mapped_names.items() if key not in names],
                new_headers=[name for key, name in names.items() if key not in mapped_names],
            )
            similar.append((common_share, proposal))
    return [proposal for _, proposal in sorted(similar, key=lambda pair: -pair[0])]


def _list_presets(headers: Sequence[FileHeader], presets: Sequence[SavedMapping]) -> list[MappingProposal]:
    names = [header.name for header in headers]
    keys = set(map(normalize_key, names))
    documents = [
        (preset.name or "", _select_headers(preset.document, keys))
        for preset in presets
        if (required_headers := _list_required_headers(preset.document)) and keys >= required_headers
    ]
    shipped_preset = find_preset(names)
    if shipped_preset is not None:
        documents.append((shipped_preset.name, shipped_preset.build_document(names)))
    # The one with the most headers of the file first.
    documents.sort(key=lambda named: -len(named[1].columns))
    return [
        MappingProposal(ProposalSource.PRESET, name, document, dict.fromkeys(document.columns, f"Preset for {name}"))
        for name, document in documents
    ]


def _list_required_headers(document: MappingDocument) -> set[str]:
    """Return the headers that feed required columns, which together are the signature of a published preset."""
    return {
        normalize_key(header)
        for header, target in document.columns.items()
        if not set(REQUIRED).isdisjoint(target.columns)
    }


def _select_headers(document: MappingDocument, keys: Iterable[str]) -> MappingDocument:
    """Return a document with only the headers that the file has."""
    file_keys = set(keys)
    columns = {name: target for name, target in document.columns.items() if normalize_key(name) in file_keys}
    return replace(document, columns=columns)


def _complete(draft: MappingProposal, headers: Sequence[FileHeader]) -> MappingProposal:
    """Return a proposal with suggestions for the columns that it leaves open, and for the notation of numbers."""
    names_by_key = {normalize_key(header.name): header.name for header in reversed(headers)}
    columns = {names_by_key[normalize_key(name)]: target for name, target in draft.document.columns.items()}
    mapped_headers = _apply(columns, headers)
    fed_columns = {column for header in mapped_headers for column in header.columns} | draft.document.constants.keys()
    reasons = dict(draft.reasons)
    for suggestion in suggest_columns(mapped_headers, [column for column in COLUMNS if column not in fed_columns]):
        target = columns.get(suggestion.header, HeaderMapping(_get_columns(mapped_headers, suggestion.header)))
        number_format = suggestion.number_format or target.number_format
        columns[suggestion.header] = HeaderMapping((*target.columns, suggestion.column), number_format)
        reasons.setdefault(suggestion.header, suggestion.reason)
    for header in _apply(columns, headers):
        number_format = _suggest_number_format(header)
        if number_format is not None and (header.name not in columns or columns[header.name].number_format is None):
            columns[header.name] = HeaderMapping(header.columns, number_format)
            reasons.setdefault(header.name, f"The numbers are written as in '{header.samples[0]}'")
    return replace(draft, document=replace(draft.document, columns=columns), reasons=reasons)


def _apply(columns: Mapping[str, HeaderMapping], headers: Sequence[FileHeader]) -> list[FileHeader]:
    """Return the headers with the columns of a mapping."""
    mapped_columns = {column for target in columns.values() for column in target.columns}
    return [
        replace(header, columns=columns[header.name].columns, source=HeaderSource.MAPPING)
        if header.name in columns
        else replace(header, columns=tuple(column for column in header.columns if column not in mapped_columns))
        for header in headers
    ]


def _get_columns(headers: Sequence[FileHeader], name: str) -> tuple[str, ...]:
    return next(header.columns for header in headers if header.name == name)


def _suggest_number_format(header: FileHeader) -> MappedNumberFormat | None:
    """Return the notation of a header's numbers, unless files with it are read correctly without a mapping."""
    column = next((column for column in header.columns if column in NUMBER_COLUMNS), None)
    number_format = suggest_number_format(column, header.samples) if column is not None else None
    if number_format is None or number_format in {MappedNumberFormat(","), MappedNumberFormat(",", ".")}:
        return None
    return number_format
