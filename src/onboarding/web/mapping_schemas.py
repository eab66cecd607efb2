"""Request and response models of mappings: documents, saved mappings, and what a file used of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from onboarding.domain.mapped_numbers import DECIMAL_SIGNS, FACTORS, THOUSANDS_SEPARATORS
from onboarding.domain.mapping_json import document_as_json, parse_document
from onboarding.domain.mappings import (
    MAX_HEADER_LENGTH,
    MAX_HEADERS,
    HeaderMapping,
    MappingDocument,
    SavedMapping,
    UsedValue,
)
from onboarding.domain.product_schema import COLUMNS, PRODUCT_SCHEMA
from onboarding.storage.mappings import NAME_LENGTH

MappingName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH)]
"""Name of a mapping. The repository rejects other names, with a sentence instead of a regular expression."""

Header = Annotated[str, StringConstraints(max_length=MAX_HEADER_LENGTH)]

Text = Annotated[str, StringConstraints(max_length=2_000)]
"""Text of a document. With a maximum length, Pydantic rejects text that is not valid Unicode."""


class _DocumentPart(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NumberFormatFields(_DocumentPart):
    """How numbers under a header are written."""

    decimal_sign: Text = Field(".", json_schema_extra={"enum": list(DECIMAL_SIGNS)})
    thousands_separator: Text = Field("", json_schema_extra={"enum": list(THOUSANDS_SEPARATORS)})
    remove: Text = Field("", description="A currency or unit before or after the number", examples=["EUR"])
    factor: Text = Field(
        "1", description="Factor of the number, such as `0.001` for grams", json_schema_extra={"enum": list(FACTORS)}
    )


class HeaderTargetFields(_DocumentPart):
    """The target of a header."""

    columns: list[Text] = Field(description="Our columns; none: the header is ignored")
    number_format: NumberFormatFields | None = None


class FillDownFields(_DocumentPart):
    """Headers whose blank cells take the value of the first row of their group."""

    group_header: Text
    headers: list[Text]
    key_header: Text = Field(
        "", description="Header of the value under which a row with a blank group begins one, such as the parent's SKU"
    )


class DocumentFields(_DocumentPart):
    """A mapping document: how a file's headers and values translate to our columns and values."""

    columns: dict[Text, HeaderTargetFields] = Field({}, description="The target of each header")
    constants: dict[Text, Text] = Field({}, description="Values for columns that the file lacks")
    fill_down: FillDownFields | None = None
    first_address: list[Text] = Field(
        [], description="Headers whose cells may list several web addresses, of which the first is used"
    )
    values: dict[Text, dict[Text, Text]] = Field(
        {},
        description="For each column, our value by the value in the file",
        examples=[{"category": {"Men": "Clothing"}}],
    )

    def parse(self) -> MappingDocument:
        """Return the document. Raises InvalidMapping."""
        return parse_document(self.model_dump(exclude_unset=True))


class MappingRequest(BaseModel):
    """A new mapping."""

    name: MappingName | None = Field(
        None,
        description="With a name, the mapping applies to all files with these headers; without, it is for one upload",
    )
    headers: list[Header] = Field(
        default=[], max_length=MAX_HEADERS, description="The headers of the file; required with a name"
    )
    document: DocumentFields


class MappingUpdate(BaseModel):
    """New values of a mapping. Fields that are left out do not change. They apply to later uploads only."""

    name: MappingName | None = None
    document: DocumentFields | None = None


class MappingReference(BaseModel):
    """A version of a mapping."""

    mapping_id: str
    version: int
    reference: str = Field(description="Identifies this version; an upload takes it as `mapping`", examples=["M1a2b/2"])
    name: str | None = Field(description="Null for a mapping that is not remembered")


class MappingResponse(MappingReference):
    """A mapping, with its document."""

    document: DocumentFields
    created_by: str
    updated_at: datetime


class MappingSummary(MappingReference):
    """A mapping without its document."""

    headers: int = Field(description="Number of headers in its document")
    columns: list[str] = Field(description="Our columns that its headers feed")
    created_by: str
    updated_at: datetime


class MappingList(BaseModel):
    """The mappings of a vendor, or published presets, by name."""

    items: list[MappingSummary]


class UsedValueResponse(BaseModel):
    """A value that a value mapping translated."""

    column: str
    value: str = Field(description="The value in the file")
    target: str = Field(description="Our value")
    rows: int


class MissingColumnResponse(BaseModel):
    """A required column that the file lacks."""

    column: str
    label: str
    closest: str = Field(description="The most similar header; blank if none is similar")


def mapping_reference(mapping: SavedMapping | None) -> MappingReference | None:
    """Return the reference of a stored mapping; None for none and for the document of a request."""
    if mapping is None or not mapping.version:
        return None
    return MappingReference(
        mapping_id=mapping.mapping_id, version=mapping.version, reference=mapping.reference, name=mapping.name
    )


def mapping_response(row: Mapping[str, Any]) -> MappingResponse:
    """Return the response for a row of a version of a mapping."""
    return MappingResponse.model_validate({**row, "reference": f"{row['mapping_id']}/{row['version']}"})


def mapping_summary(row: Mapping[str, Any]) -> MappingSummary:
    """Return the summary for a row of a version of a mapping."""
    targets = parse_document(row["document"]).columns
    return MappingSummary.model_validate(
        {
            **row,
            "reference": f"{row['mapping_id']}/{row['version']}",
            "headers": len(targets),
            "columns": list_columns(targets.values()),
        }
    )


def list_columns(targets: Iterable[HeaderMapping]) -> list[str]:
    """Return the columns that headers feed, in the order of the contract."""
    columns = {column for target in targets for column in target.columns}
    return [column for column in COLUMNS if column in columns]


def document_fields(document: MappingDocument) -> DocumentFields:
    """Return the fields of a document."""
    return DocumentFields.model_validate(document_as_json(document))


def used_value_responses(used_values: Sequence[UsedValue]) -> list[UsedValueResponse]:
    """Return the responses for used value mappings."""
    return [
        UsedValueResponse(column=used.column, value=used.vendor_value, target=used.target, rows=used.rows)
        for used in used_values
    ]


def missing_column_responses(closest_headers: Mapping[str, str]) -> list[MissingColumnResponse]:
    """Return the responses for missing columns, each with the most similar header."""
    return [
        MissingColumnResponse(column=column, label=PRODUCT_SCHEMA[column].label, closest=closest)
        for column, closest in closest_headers.items()
        # A later version may have written a column that this one does not know.
        if column in PRODUCT_SCHEMA
    ]
