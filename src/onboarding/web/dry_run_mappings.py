"""Response models of the headers and mappings of a dry run."""

from __future__ import annotations

from pydantic import BaseModel, Field

from onboarding.domain.mappings import HeaderSource
from onboarding.pipeline.dry_run import DryRun
from onboarding.pipeline.mapping_proposals import MappingProposal, ProposalSource
from onboarding.pipeline.upload_parsing import find_closest_headers
from onboarding.web.mapping_schemas import (
    DocumentFields,
    MappingReference,
    MissingColumnResponse,
    UsedValueResponse,
    document_fields,
    mapping_reference,
    missing_column_responses,
    used_value_responses,
)

MAX_PROPOSALS = 3
"""Maximum number of proposals in a response, which on AWS must not exceed 6 MB."""


class HeaderResponse(BaseModel):
    """A header of the file."""

    name: str
    columns: list[str] = Field(description="Our columns that it feeds")
    source: HeaderSource = Field(
        description="A confirmed `mapping`, the column's own `name`, a `synonym` of it, or `unknown`"
    )
    samples: list[str] = Field(description="Its first different values, up to three")


class UnmappedValueResponse(BaseModel):
    """A value that the column does not accept and no mapping translates."""

    column: str
    value: str
    rows: int
    suggestion: str = Field(description="Our most similar value; blank if none is similar")


class ProposalResponse(BaseModel):
    """A mapping to confirm; it was not applied."""

    source: ProposalSource = Field(
        description="A `mapping` of almost the same headers, a `preset`, or `similarity` of names and values"
    )
    name: str = Field(description="Name of the mapping or preset")
    document: DocumentFields
    reasons: dict[str, str] = Field(description="A sentence for each header, where there is one")
    missing_headers: list[str] = Field(description="Headers of the mapping that the file lacks")
    new_headers: list[str] = Field(description="Headers of the file that the mapping does not have")


class DryRunMappingFields(BaseModel):
    """The headers of the file and their mapping."""

    headers: list[HeaderResponse]
    missing_columns: list[MissingColumnResponse] = Field(description="Required columns that nothing feeds")
    mapping: MappingReference | None = Field(description="The stored mapping that was applied")
    used_values: list[UsedValueResponse] = Field(description="The value mappings that were applied")
    unmapped_values: list[UnmappedValueResponse] = Field(description="By column, most rows first")
    proposals: list[ProposalResponse] = Field(description=f"Mappings to confirm, the best first; up to {MAX_PROPOSALS}")


def dry_run_mapping_fields(result: DryRun) -> DryRunMappingFields:
    """Return the fields for the headers and mappings of a dry run."""
    return DryRunMappingFields(
        headers=[
            HeaderResponse(
                name=header.name, columns=list(header.columns), source=header.source, samples=list(header.samples)
            )
            for header in result.headers
        ],
        missing_columns=missing_column_responses(find_closest_headers(result.missing_columns, result.headers)),
        mapping=mapping_reference(result.mapping),
        used_values=used_value_responses(result.used_values),
        unmapped_values=[
            UnmappedValueResponse(
                column=unmapped.column, value=unmapped.vendor_value, rows=unmapped.rows, suggestion=unmapped.suggestion
            )
            for unmapped in result.unmapped_values
        ],
        proposals=[_proposal_response(proposal) for proposal in result.proposals[:MAX_PROPOSALS]],
    )


def _proposal_response(proposal: MappingProposal) -> ProposalResponse:
    return ProposalResponse(
        source=proposal.source,
        name=proposal.name,
        document=document_fields(proposal.document),
        reasons=dict(proposal.reasons),
        missing_headers=list(proposal.missing_headers),
        new_headers=list(proposal.new_headers),
    )
