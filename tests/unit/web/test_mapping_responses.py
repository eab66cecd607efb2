"""Responses about mappings: headers of errors, and the headers, values and proposals of a dry run."""

from __future__ import annotations

import pytest

from onboarding.domain.mapping_json import document_as_json
from onboarding.domain.mappings import (
    FileHeader,
    FillDown,
    HeaderMapping,
    HeaderSource,
    MappingDocument,
    SavedMapping,
    UsedValue,
)
from onboarding.domain.value_mapping import UnmappedValue
from onboarding.files.models import FileDetails
from onboarding.pipeline.dry_run import DryRun
from onboarding.pipeline.mapping_proposals import MappingProposal, ProposalSource
from onboarding.web.dry_run_mappings import MAX_PROPOSALS, dry_run_mapping_fields
from onboarding.web.mapping_schemas import document_fields, missing_column_responses
from onboarding.web.schemas import header_function

DETAILS = FileDetails("csv", 1, {"Artikel": "vendor_product_id, sku", "price": "price", " VK-Alt ": "compare_at_price"})

DOCUMENT = MappingDocument(
    {"Artikel": HeaderMapping(("sku",)), "Titel": HeaderMapping(())}, {"unit": "box"}, FillDown("Artikel", ("Titel",))
)


@pytest.mark.parametrize(
    ("columns", "header"),
    [
        ("sku", "Artikel"),
        ("vendor_product_id, sku", "Artikel"),
        ("price", ""),
        ("price, compare_at_price", "price, VK-Alt"),
        ("category", ""),
        ("row", ""),
    ],
)
def test_header_function_returns_the_headers_of_columns(columns: str, header: str) -> None:
    assert header_function(DETAILS)(columns) == header


def test_header_function_of_an_unreadable_file_returns_a_blank_header() -> None:
    assert header_function(None)("price") == ""


def test_dry_run_mapping_fields_have_headers_values_and_proposals() -> None:
    result = DryRun(
        None,
        [],
        {},
        {},
        headers=[FileHeader("Artikel", ("sku",), HeaderSource.MAPPING, ("A1", "A2"))],
        missing_columns=["price"],
        mapping=SavedMapping("M1", 2, DOCUMENT, "Shop"),
        used_values=[UsedValue("category", "Men", "Men's Clothing", 400)],
        unmapped_values=[UnmappedValue("category", "Cloting", 3, "Clothing")],
        proposals=[
            MappingProposal(ProposalSource.PRESET, "Shopify", DOCUMENT, {"Titel": "It is ignored"}, ["Vendor"], ["X"])
        ],
    )
    assert dry_run_mapping_fields(result).model_dump(mode="json", exclude={"proposals": {0: {"document"}}}) == {
        "headers": [{"name": "Artikel", "columns": ["sku"], "source": "mapping", "samples": ["A1", "A2"]}],
        "missing_columns": [{"column": "price", "label": "Price", "closest": ""}],
        "mapping": {"mapping_id": "M1", "version": 2, "reference": "M1/2", "name": "Shop"},
        "used_values": [{"column": "category", "value": "Men", "target": "Men's Clothing", "rows": 400}],
        "unmapped_values": [{"column": "category", "value": "Cloting", "rows": 3, "suggestion": "Clothing"}],
        "proposals": [
            {
                "source": "preset",
                "name": "Shopify",
                "reasons": {"Titel": "It is ignored"},
                "missing_headers": ["Vendor"],
                "new_headers": ["X"],
            }
        ],
    }


def test_dry_run_mapping_fields_have_the_best_proposals() -> None:
    proposals = [MappingProposal(ProposalSource.MAPPING, f"Shop {n}", DOCUMENT) for n in range(MAX_PROPOSALS + 1)]
    fields = dry_run_mapping_fields(DryRun(None, [], {}, {}, proposals=proposals))
    assert [proposal.name for proposal in fields.proposals] == ["Shop 0", "Shop 1", "Shop 2"]


def test_document_fields_of_a_proposal_are_accepted_as_a_document() -> None:
    fields = document_fields(DOCUMENT)
    assert fields.parse() == DOCUMENT
    assert document_as_json(type(fields).model_validate(fields.model_dump()).parse()) == document_as_json(DOCUMENT)


def test_missing_column_of_another_version_is_left_out() -> None:
    assert missing_column_responses({"colour": "Farbe"}) == []
