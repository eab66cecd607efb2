"""Presets: exports of known systems are recognized, and mapped without a guess."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files

import pytest

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mapping_json import document_as_json, parse_document
from onboarding.domain.mappings import (
    FillDown,
    HeaderMapping,
    MappingChoice,
    MappingDocument,
    SavedMapping,
    normalize_key,
)
from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import REQUIRED
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.domain.value_mapping import map_values, merge_targets
from onboarding.files.header_names import match_columns
from onboarding.files.parser import ParsedFile, parse
from onboarding.files.presets import Preset, count_preset_headers, find_preset, list_presets
from tests.support.paths import CORPUS
from tests.support.postgres_fixtures import VALID_CELLS

EXPORTS = {
    "amazon-flat-file": ("Amazon", set()),
    "amazon-listings": ("Amazon", {"category"}),
    "ebay-active-listings": ("eBay", set()),
    "ebay-file-exchange": ("eBay", set()),
    "etsy": ("Etsy", {"category"}),
    "google-merchant": ("Google Merchant Center", {"stock_quantity"}),
    "magento": ("Magento", set()),
    "odoo": ("Odoo", set()),
    "odoo-labels": ("Odoo", set()),
    "prestashop": ("PrestaShop", set()),
    "prestashop-import-format": ("PrestaShop", set()),
    "sap": ("SAP", {"price"}),
    "shopify": ("Shopify", set()),
    "shopify-2025": ("Shopify", set()),
    "woocommerce": ("WooCommerce", set()),
}
"""System of each export in the corpus, and the required columns that the export does not have."""


def read_lines(export: str) -> list[list[str]]:
    text = (CORPUS / f"export-{export}.csv").read_bytes().decode("cp1252" if export == "sap" else "utf-8-sig")
    delimiter = max(",;\t", key=text.count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def read_header(export: str) -> list[str]:
    return read_lines(export)[2 if export == "amazon-flat-file" else 0]


def require_preset(names: list[str]) -> Preset:
    preset = find_preset(names)
    assert preset is not None
    return preset


def list_sources(document: MappingDocument) -> dict[str, str]:
    """Return the header that feeds each column."""
    return {column: header for header, target in document.columns.items() for column in target.columns}


def test_presets_every_export_of_the_corpus_is_tested() -> None:
    assert {path.stem.removeprefix("export-") for path in CORPUS.glob("export-*.csv")} == EXPORTS.keys()
    assert {name for name, _ in EXPORTS.values()} == {preset.name for preset in list_presets()}


@pytest.mark.parametrize("export", EXPORTS)
def test_find_preset_header_of_export_finds_only_its_system(export: str) -> None:
    keys = frozenset(map(normalize_key, read_header(export)))
    assert [preset.name for preset in list_presets() if preset.count_signature_headers(keys)] == [EXPORTS[export][0]]
    assert require_preset(read_header(export)).name == EXPORTS[export][0]


@pytest.mark.parametrize("export", EXPORTS)
def test_build_document_of_export_feeds_required_columns_that_it_has(export: str) -> None:
    names = read_header(export)
    document = require_preset(names).build_document(names)
    assert set(REQUIRED) - list_sources(document).keys() == EXPORTS[export][1]
    assert document.columns.keys() <= set(names)
    assert document.constants == {}
    assert parse_document(document_as_json(document)) == document


@pytest.mark.parametrize("export", EXPORTS)
def test_build_document_of_export_leaves_no_header_to_synonyms(export: str) -> None:
    names = read_header(export)
    document = require_preset(names).build_document(names)
    claimed_names = [name for name, column in zip(names, match_columns(names), strict=True) if column is not None]
    assert [name for name in claimed_names if name not in document.columns] == []


def parse_export(export: str, constants: Mapping[str, str]) -> ParsedFile:
    names = read_header(export)
    document = replace(require_preset(names).build_document(names), constants=constants)
    choice = MappingChoice(fixed=SavedMapping("M1", 1, document))
    result = parse((CORPUS / f"export-{export}.csv").read_bytes(), "UPLOAD_1", "VEND001", choice=choice)
    assert not isinstance(result, FileRejection), result
    return result


VALUES_TO_FIX = {
    # Each price has its currency; a vendor states it as the text to remove.
    "google-merchant": {number: ["INVALID_PRICE"] for number in range(1, 6)},
}
"""Errors by row that remain with the preset, the missing columns, and categories that exist."""


@pytest.mark.parametrize("export", EXPORTS)
def test_parse_export_with_preset_has_valid_rows(export: str) -> None:
    missing_values = {"category": "Kitchen", "price": "9.50", "stock_quantity": "1"}
    rows = parse_export(export, {column: missing_values[column] for column in EXPORTS[export][1]}).rows
    assert len(rows) == {"sap": 6, "shopify": 6, "shopify-2025": 4, "woocommerce": 6}.get(export, 5)
    categories = {row.cells["category"] for row in rows if "category" in row.cells}
    context = ValidationContext(categories, set(), set(), catalog_known=False)
    map_values(rows, merge_targets({}, require_preset(read_header(export)).build_document(read_header(export))))
    errors = {row.row_number: [error.error_type for error in validate_row(row, context)] for row in rows}
    assert {number: codes for number, codes in errors.items() if codes} == VALUES_TO_FIX.get(export, {})


def test_parse_shopify_export_with_preset_makes_variants_products() -> None:
    rows = parse_export("shopify", {}).rows
    assert [(row.cells["sku"], row.cells["product_name"], row.cells["weight_kg"]) for row in rows] == [
        ("LS-101-S", "Linen Shirt", "0.31"),
        ("LS-101-M", "Linen Shirt", "0.32"),
        ("LS-101-L", "Linen Shirt", "0.335"),
        ("MUG-350", "Enamel Mug", "0.18"),
        ("CAP-NAVY", "Wool Cap", "0.095"),
        ("CAP-GREY", "Wool Cap", "0.095"),
    ]


STATUSES = {
    "magento": ["active", "active", "inactive", "active", "active"],
    "odoo": ["active", "active", "active", "inactive", "active"],
    "prestashop-import-format": ["active", "active", "active", "inactive", "active"],
    "shopify": ["active"] * 4 + ["inactive"] * 2,
    "shopify-2025": ["active", "active", "active", "inactive"],
    "woocommerce": ["active", "active", "inactive", "active", "active", "inactive"],
}
"""Status of each row of the exports that have one whose meaning is documented."""


@pytest.mark.parametrize("export", EXPORTS)
def test_parse_export_with_preset_has_its_statuses(export: str) -> None:
    result = parse_export(export, {column: VALID_CELLS[column] for column in EXPORTS[export][1]})
    document = require_preset(read_header(export)).build_document(read_header(export))
    map_values(result.rows, merge_targets({}, document))
    statuses = [row.cells.get("status") for row in result.rows]
    assert statuses == STATUSES.get(export, [None] * len(statuses))


def test_build_document_without_the_header_of_the_status_has_no_values() -> None:
    names = [name for name in read_header("shopify") if name != "Status"]
    assert require_preset(names).build_document(names).values == {}


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_build_document_of_all_headers_is_valid(preset: Preset) -> None:
    # Without the preferred headers, each other header that feeds a column does so.
    headers = [header.header for header in preset.headers]
    for first in range(len(headers)):
        document = preset.build_document(headers[first:])
        target = preset.headers[first].target
        assert document.columns[headers[first]] == target
        assert parse_document(document_as_json(document)) == document
    for signature in preset.signatures:
        assert preset.build_document(signature).columns


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_preset_header_names_are_different(preset: Preset) -> None:
    keys = [normalize_key(header.header) for header in preset.headers]
    assert len(keys) == len(set(keys))
    assert len({preset.name for preset in list_presets()}) == len(list_presets())


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_preset_prices_with_end_or_cost_feed_no_price(preset: Preset) -> None:
    doubtful_names = {
        *("sale price", "sale_price", "special_price", "cost", "cost per item", "wholesale price", "buyitnowprice"),
        *("ekpri", "netpr", "verpr", "stprs"),
    }
    if preset.name == "Odoo":
        doubtful_names.add("standard_price")
    columns_by_key = {normalize_key(header.header): header.target.columns for header in preset.headers}
    assert {name for name in doubtful_names if columns_by_key.get(name)} == set()


def test_preset_files_have_known_fields_only() -> None:
    for path in (files("onboarding.files") / "presets").iterdir():
        preset = tomllib.loads(path.read_text(encoding="utf-8"))
        assert preset.keys() <= {"name", "signatures", "columns", "fill_down", "first_address", "values"}
        for header in preset["columns"]:
            assert header.keys() <= {"header", "columns", "number_format"}


def test_build_document_shopify_variants_fill_down_texts_and_convert_grams() -> None:
    names = read_header("shopify")
    document = require_preset(names).build_document(names)
    assert document.columns["Variant SKU"].columns == ("vendor_product_id", "sku")
    assert document.columns["Variant Grams"] == HeaderMapping(("weight_kg",), MappedNumberFormat(factor="0.001"))
    assert document.columns["Product Category"].columns == ("category",)
    assert document.columns["Type"].columns == ()
    assert document.fill_down == FillDown(
        "Handle", ("Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Status")
    )
    new_names = read_header("shopify-2025")
    new_document = require_preset(new_names).build_document(new_names)
    assert list_sources(new_document).keys() == list_sources(document).keys()
    assert new_document.fill_down == FillDown(
        "URL handle", ("Title", "Description", "Vendor", "Product category", "Type", "Status")
    )


def test_build_document_shopify_without_quantity_and_category_uses_type_only() -> None:
    names = ["Handle", "Title", "Type", "Variant SKU", "Variant Price"]
    sources = list_sources(require_preset(names).build_document(names))
    assert sources["category"] == "Type"
    assert "stock_quantity" not in sources


@pytest.mark.parametrize(
    ("export", "sources"),
    [
        ("amazon-flat-file", {"price": "standard_price", "compare_at_price": "list_price", "sku": "item_sku"}),
        ("amazon-listings", {"price": "price", "vendor_product_id": "seller-sku"}),
        ("ebay-active-listings", {"price": "Start price", "vendor_product_id": "Custom label (SKU)"}),
        ("google-merchant", {"sku": "id", "category": "product_type"}),
        ("magento", {"price": "price", "compare_at_price": "msrp_price", "image_url": None, "weight_kg": None}),
        ("odoo", {"price": "list_price", "compare_at_price": None, "vendor_product_id": "id", "sku": "default_code"}),
        ("prestashop", {"price": "Price (tax incl.)", "vendor_product_id": "Product ID", "sku": "Reference"}),
        ("sap", {"price": None, "vendor_product_id": "MATNR", "sku": "MATNR"}),
        (
            "woocommerce",
            {"price": "Regular price", "vendor_product_id": "ID", "sku": "SKU", "weight_kg": "Weight (kg)"},
        ),
    ],
)
def test_build_document_of_export_feeds_columns_from(export: str, sources: dict[str, str | None]) -> None:
    names = read_header(export)
    feeding_headers = list_sources(require_preset(names).build_document(names))
    assert {column: feeding_headers.get(column) for column in sources} == sources


def test_build_document_keeps_the_spelling_of_the_file_and_its_first_header() -> None:
    names = ["matnr", "Maktx", "note", " MAKTX "]
    document = require_preset(names).build_document(names)
    assert dict(document.columns) == {
        "matnr": HeaderMapping(("vendor_product_id", "sku")),
        "Maktx": HeaderMapping(("product_name",)),
    }


def test_build_document_woocommerce_without_id_uses_the_sku_for_both() -> None:
    names = ["SKU", "Name", "Regular price", "In stock?"]
    document = require_preset(names).build_document(names)
    assert set(document.columns["SKU"].columns) == {"vendor_product_id", "sku"}


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["vendor_product_id", "product_name", "category", "sku", "price", "stock_quantity"],
        ["Artikelnummer", "Bezeichnung", "Warengruppe", "VK-Preis", "Bestand"],
        ["Handle", "Variant SKU"],
        ["MATNR", "MATKL", "LGBST"],
    ],
)
def test_find_preset_without_complete_signature_finds_none(names: list[str]) -> None:
    assert find_preset(names) is None
    assert count_preset_headers(names) == 0


def test_find_preset_two_complete_signatures_prefers_the_larger_one() -> None:
    # An eBay report whose vendor added the names of SAP.
    names = ["MATNR", "MAKTX", "Item number", "Custom label (SKU)", "Available quantity"]
    assert require_preset(names).name == "eBay"
    assert count_preset_headers(names) == 2


def test_count_preset_headers_finds_the_line_of_technical_names() -> None:
    lines = read_lines("amazon-flat-file")
    assert [count_preset_headers(line) > 0 for line in lines] == [False, False, True, *[False] * 5]


def test_count_preset_headers_below_a_title_ignores_case_spaces_and_long_values() -> None:
    assert count_preset_headers(["Materials of 2026-11-28"]) == 0
    assert count_preset_headers(["x" * 5_000, " matnr ", "MAKTX", ""]) == 2
