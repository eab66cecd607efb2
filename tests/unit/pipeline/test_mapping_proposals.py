"""Mappings that are proposed for a file: similar ones of the vendor, presets, and suggestions."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mapping_json import parse_document
from onboarding.domain.mappings import (
    FileHeader,
    HeaderMapping,
    MappingChoice,
    MappingDocument,
    SavedMapping,
    compute_fingerprint,
)
from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import REQUIRED
from onboarding.files.parser import ParsedFile, parse
from onboarding.pipeline.mapping_proposals import MappingProposal, ProposalSource, propose_mappings
from tests.support.paths import CORPUS

PRICE_LIST = "Artikelnummer;Bezeichnung;Warengruppe;VK-Preis;Bestand;Lagerort\n0815;Lampe;Garten;1.234,50 €;5;A1\n"


def list_headers(content: bytes) -> list[FileHeader]:
    result = parse(content, "UPLOAD_1", "VEND001")
    return list(result.headers)


def apply_proposal(content: bytes, proposal: MappingProposal) -> ParsedFile | FileRejection:
    return parse(content, "UPLOAD_1", "VEND001", choice=MappingChoice(SavedMapping("M1", 1, proposal.document)))


def make_mapping(name: str, headers: list[str], **columns: Any) -> SavedMapping:
    """Return a mapping for these headers; `columns` are the columns of headers, others are ignored."""
    document = parse_document({"columns": {header: {"columns": columns.get(header, [])} for header in headers}})
    return SavedMapping(f"M-{name}", 1, document, name, compute_fingerprint(headers))


@pytest.mark.parametrize(
    ("export", "name", "missing"),
    [
        ("amazon-flat-file", "Amazon", set()),
        ("ebay-active-listings", "eBay", set()),
        ("etsy", "Etsy", {"category"}),
        ("google-merchant", "Google Merchant Center", {"stock_quantity"}),
        ("magento", "Magento", set()),
        ("odoo", "Odoo", set()),
        ("prestashop", "PrestaShop", set()),
        ("sap", "SAP", set()),
        ("shopify", "Shopify", set()),
        ("shopify-2025", "Shopify", set()),
        ("woocommerce", "WooCommerce", set()),
    ],
)
def test_propose_mappings_export_of_a_system_proposes_its_preset(export: str, name: str, missing: set[str]) -> None:
    content = (CORPUS / f"export-{export}.csv").read_bytes()
    proposal = propose_mappings(list_headers(content), [], [])[0]
    assert (proposal.source, proposal.name) == (ProposalSource.PRESET, name)
    result = apply_proposal(content, proposal)
    fed_columns = {column for header in result.headers for column in header.columns}
    assert set(REQUIRED) - fed_columns == missing
    assert isinstance(result, FileRejection) == bool(missing)


def test_propose_mappings_unknown_names_are_completed_by_similarity() -> None:
    content = PRICE_LIST.encode()
    [proposal] = propose_mappings(list_headers(content), [], [])
    assert proposal.source is ProposalSource.SIMILARITY
    assert proposal.document.columns == {
        "Artikelnummer": HeaderMapping(("sku", "vendor_product_id")),
        "VK-Preis": HeaderMapping(("price",), MappedNumberFormat(",", ".", "€")),
    }
    assert proposal.reasons.keys() == proposal.document.columns.keys()
    result = apply_proposal(content, proposal)
    assert isinstance(result, ParsedFile)
    assert result.rows[0].cells["price"] == "1234.50"


def test_propose_mappings_almost_the_same_headers_names_the_difference() -> None:
    headers = list_headers(PRICE_LIST.encode())
    names = [header.name for header in headers]
    fed = {"Artikelnummer": ["vendor_product_id"], "Bezeichnung": ["product_name"], "Warengruppe": ["category"]}
    last_year = make_mapping("Price list", [*names[:-1], "Rabatt"], **fed, Bestand=["stock_quantity"])
    other = make_mapping("Other", ["MATNR", "MAKTX", "Artikelnummer"], Artikelnummer=["sku"])
    proposal = propose_mappings(headers, [other, last_year], [])[0]
    assert (proposal.source, proposal.name) == (ProposalSource.MAPPING, "Price list")
    assert (proposal.missing_headers, proposal.new_headers) == (["Rabatt"], ["Lagerort"])
    # What it leaves open is completed, but not with a header that it ignores.
    assert proposal.document.columns["Artikelnummer"].columns == ("vendor_product_id", "sku")
    assert proposal.document.columns["VK-Preis"] == HeaderMapping(())
    assert "Rabatt" not in proposal.document.columns


def test_propose_mappings_published_preset_applies_to_files_with_its_required_headers() -> None:
    headers = list_headers(PRICE_LIST.encode())
    preset = make_mapping("Wholesale", ["Artikelnummer", "VK-Preis", "Farbe"], Artikelnummer=["sku"], Farbe=["unit"])
    proposal = propose_mappings(headers, [], [preset])[0]
    assert (proposal.source, proposal.name) == (ProposalSource.PRESET, "Wholesale")
    assert proposal.reasons["Artikelnummer"] == "Preset for Wholesale"
    nothing = make_mapping("Nothing", ["Farbe"])
    small = make_mapping("Small", ["Artikelnummer"], Artikelnummer=["sku"])
    proposals = propose_mappings(headers, [], [nothing, small, preset])
    assert [p.name for p in proposals] == ["Wholesale", "Small", ""]
    foreign = make_mapping("Foreign", ["EAN", "Preis"], EAN=["sku"])
    assert [p.source for p in propose_mappings(headers, [], [foreign])] == [ProposalSource.SIMILARITY]


def test_propose_mappings_file_with_our_names_proposes_nothing() -> None:
    text = f"{','.join(REQUIRED)},description\nP-1,Lamp,Garden,S-1,9.00,3,Bright\n"
    assert propose_mappings(list_headers(text.encode()), [], []) == []


def test_propose_mappings_plain_decimal_commas_need_no_number_format() -> None:
    text = f"{';'.join(REQUIRED)}\nP-1;Lamp;Garden;S-1;1.234,50;3\nP-2;Lamp;Garden;S-2;9,99;3\n"
    assert propose_mappings(list_headers(text.encode()), [], []) == []
    with_currency = text.replace("9,99", "9,99 EUR").replace("234,50", "234,50 EUR")
    [proposal] = propose_mappings(list_headers(with_currency.encode()), [], [])
    assert proposal.document == MappingDocument(
        {"price": HeaderMapping(("price",), MappedNumberFormat(",", ".", "EUR"))}
    )


def test_mapping_without_headers_is_not_proposed_for_a_file_without_headers() -> None:
    assert propose_mappings([], [SavedMapping("M1", 1, MappingDocument(), "Empty")], []) == []
