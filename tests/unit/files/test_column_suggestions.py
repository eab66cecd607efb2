"""Suggestions of columns and number formats by names and values."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import FileHeader, HeaderMapping, HeaderSource, MappingDocument
from onboarding.domain.product_schema import COLUMNS, REQUIRED
from onboarding.files.column_suggestions import ColumnSuggestion, suggest_columns, suggest_number_format

IMAGES = ("https://cdn.example.com/a.jpg", "https://cdn.example.com/b.png?w=1")


def unknown(name: str, *samples: str) -> FileHeader:
    return FileHeader(name, (), HeaderSource.UNKNOWN, samples)


def resolved(name: str, *columns: str, samples: Sequence[str] = ()) -> FileHeader:
    return FileHeader(name, columns, HeaderSource.SYNONYM, tuple(samples))


def suggest(*headers: FileHeader, missing: Sequence[str] = COLUMNS) -> dict[str, str]:
    """Return the suggested header of each column."""
    return {suggestion.column: suggestion.header for suggestion in suggest_columns(headers, missing)}


def test_suggest_columns_sap_export_has_all_columns_with_the_system() -> None:
    headers = [
        unknown("MATNR", "000000000000012345"),
        unknown("MAKTX", "Becher blau", "Becher rot"),
        unknown("MATKL", "0101"),
        unknown("EKPRI", "19,90", "5,00"),
        unknown("LGBST", "5,000", "12,000"),
        unknown("MEINS", "ST"),
        unknown("NTGEW", "0,250"),
        unknown("MANDT", "100"),
    ]
    suggestions = suggest_columns(headers, COLUMNS)
    assert [(suggestion.header, suggestion.column, suggestion.reason) for suggestion in suggestions] == [
        ("MATNR", "vendor_product_id", "Known name in SAP"),
        ("MAKTX", "product_name", "Known name in SAP"),
        ("MATKL", "category", "Known name in SAP"),
        ("MATNR", "sku", "Your file has one product number"),
        ("EKPRI", "price", "Known name in SAP, where it is the purchase price"),
        ("LGBST", "stock_quantity", "Known name in SAP"),
        ("MEINS", "unit", "Known name in SAP"),
        ("NTGEW", "weight_kg", "Known name in SAP"),
    ]


def test_suggest_columns_german_list_is_matched_by_abbreviations_and_values() -> None:
    headers = [
        unknown("Art.-Nummer", "A-1", "A-2"),
        unknown("Prod. Bez.", "Becher blau"),
        unknown("Artikelgruppe", "K\u00fcche"),
        unknown("EK", "2,10 \u20ac", "3,20 \u20ac"),
        unknown("VK", "4,90 \u20ac", "1.250,00 \u20ac"),
        unknown("Lager", "5", "12"),
    ]
    assert suggest(*headers, missing=REQUIRED) == {
        "vendor_product_id": "Art.-Nummer",
        "product_name": "Prod. Bez.",
        "category": "Artikelgruppe",
        "sku": "Art.-Nummer",
        "price": "VK",
        "stock_quantity": "Lager",
    }


def test_suggest_columns_list_without_names_keeps_the_other_identifier() -> None:
    """A price list finds products by one identifier, and changes no other."""
    headers = [resolved("SKU", "sku", samples=["A-1"]), unknown("VK", "4,90 \u20ac")]
    assert suggest(*headers, missing=[column for column in COLUMNS if column != "sku"]) == {"price": "VK"}


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (unknown("Product code", "12.50"), "price"),
        (unknown("Vendor", "Acme"), "vendor_product_id"),
        (unknown("Grouped products", "A-1, A-2"), "vendor_product_id"),
        (unknown("Sale price", "12.50"), "price"),
        (unknown("Sale price", "\u20ac12.50"), "price"),
        (unknown("Cost", "12.50"), "price"),
        (unknown("Cost", "\u20ac12.50"), "price"),
        (unknown("EK", "12,50 \u20ac"), "price"),
        (unknown("Einkauf netto", "12,50 \u20ac"), "price"),
        (unknown("MSRP old", "12,50 \u20ac"), "price"),
        # The values are not of the column's type.
        (unknown("VK", "yes", "no"), "price"),
        (unknown("VK", "12.50", "on request"), "price"),
        (unknown("Quantiy", "4.5"), "stock_quantity"),
        (unknown("In stock", "yes"), "stock_quantity"),
        (unknown("Available", "1", "0"), "stock_quantity"),
        (unknown("Available"), "stock_quantity"),
        (unknown("Amount", "5", "12"), "price"),
        (unknown("Hersteller", "12", "13"), "brand"),
        (unknown("Hersteller", "https://acme.example.com/"), "brand"),
        (unknown("Main photo", "a.jpg"), "image_url"),
        (unknown("Weight", "250"), "weight_kg"),
        (unknown("Weight (g)", "1.250"), "weight_kg"),
        (unknown("Weight (g)", "about 5"), "weight_kg"),
        (unknown("Link", "https://shop.example.com/mug"), "image_url"),
        (unknown("Item no.", "x" * 101), "sku"),
        # It has a column, or a person has decided to ignore it.
        (FileHeader("VK", (), HeaderSource.MAPPING, ("5.00",)), "price"),
        (resolved("VK", "compare_at_price", samples=["5.00"]), "price"),
    ],
)
def test_suggest_columns_other_name_or_values_have_no_suggestion(header: FileHeader, column: str) -> None:
    assert suggest(header, missing=[column]) == {}


@pytest.mark.parametrize(
    ("header", "suggestion"),
    [
        (unknown("Prise", "4.90"), ColumnSuggestion("Prise", "price", "Similar to 'Price'")),
        (unknown("Prise"), ColumnSuggestion("Prise", "price", "Similar to 'Price'")),
        (
            unknown("Betrag", "4,90 \u20ac"),
            ColumnSuggestion(
                "Betrag",
                "price",
                "Similar to 'betrag', and the values are numbers",
                MappedNumberFormat(",", "", "\u20ac"),
            ),
        ),
        (
            unknown("Brutto", "4,90 \u20ac", "12,00 \u20ac"),
            ColumnSuggestion(
                "Brutto", "price", "The values are prices with a currency", MappedNumberFormat(",", "", "\u20ac")
            ),
        ),
        (unknown("Col7", *IMAGES), ColumnSuggestion("Col7", "image_url", "The values are web addresses of pictures")),
        (
            unknown("Gallery", "https://cdn.example.com/1"),
            ColumnSuggestion("Gallery", "image_url", "Similar to 'gallery', and the values are web addresses"),
        ),
        (
            unknown("Warehouse", "12", "0"),
            ColumnSuggestion("Warehouse", "stock_quantity", "Similar to 'warehouse', and the values are whole numbers"),
        ),
        (
            unknown("Gewicht (g)", "250", "1500"),
            ColumnSuggestion("Gewicht (g)", "weight_kg", "Similar to 'Weight'", MappedNumberFormat(factor="0.001")),
        ),
        (
            unknown("Weight (g)", "250,5", "1500"),
            None,
        ),
        (
            unknown("Weight", "250 g", "80 g"),
            ColumnSuggestion("Weight", "weight_kg", "Similar to 'Weight'", MappedNumberFormat(".", "", "g", "0.001")),
        ),
        (
            unknown("Weight (g)", "0.25 kg"),
            ColumnSuggestion("Weight (g)", "weight_kg", "Similar to 'Weight'", MappedNumberFormat(".", "", "kg")),
        ),
    ],
)
def test_suggest_columns_has_reason_and_number_format(header: FileHeader, suggestion: ColumnSuggestion | None) -> None:
    assert suggest_columns([header], COLUMNS) == ([] if suggestion is None else [suggestion])


def test_suggest_columns_only_missing_columns_are_suggested() -> None:
    headers = [unknown("VK", "4.90"), unknown("Hersteller", "Acme"), unknown("Col7", *IMAGES)]
    assert suggest(*headers, missing=["brand"]) == {"brand": "Hersteller"}


def test_suggest_columns_two_headers_that_fit_equally_well_are_not_suggested() -> None:
    assert suggest(unknown("Net price", "1.50"), unknown("Gross price", "1.80"), missing=["price"]) == {}
    assert suggest(unknown("A", "1.50 \u20ac"), unknown("B", "1.80 \u20ac"), missing=["price"]) == {}
    assert suggest(unknown("A", *IMAGES), unknown("B", *IMAGES), missing=["image_url"]) == {}


def test_suggest_columns_header_without_values_is_suggested_only_in_a_file_without_values() -> None:
    assert suggest(unknown("MPN"), unknown("VK"), missing=["sku", "price"]) == {"sku": "MPN", "price": "VK"}
    assert suggest(unknown("MPN"), unknown("VK", "5.00"), missing=["sku", "price"]) == {"price": "VK"}


def test_suggest_columns_values_decide_between_two_headers() -> None:
    assert suggest(unknown("Net price", "1.50"), unknown("Gross price", "see list"), missing=["price"]) == {
        "price": "Net price"
    }


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([unknown("Item no.", "A1")], {"vendor_product_id": "Item no.", "sku": "Item no."}),
        ([unknown("Product code", "A1")], {"vendor_product_id": "Product code", "sku": "Product code"}),
        ([unknown("Item no.", "A1"), unknown("ID", "1")], {"vendor_product_id": "ID", "sku": "Item no."}),
        ([resolved("SKU", "sku")], {"vendor_product_id": "SKU"}),
        ([resolved("Product ID", "vendor_product_id")], {"sku": "Product ID"}),
        ([resolved("SKU", "sku"), unknown("ID", "1")], {"vendor_product_id": "ID"}),
        ([resolved("Nr", "vendor_product_id", "sku")], {}),
        ([unknown("EAN", "4006381333931")], {}),
    ],
)
def test_suggest_columns_one_product_number_is_suggested_for_both_identifiers(
    headers: Sequence[FileHeader], expected: dict[str, str]
) -> None:
    have_columns = {column for header in headers for column in header.columns}
    missing = [column for column in ("vendor_product_id", "sku") if column not in have_columns]
    assert suggest(*headers, missing=missing) == expected


def test_suggest_columns_identifier_that_is_not_missing_is_not_suggested() -> None:
    assert suggest(resolved("SKU", "sku"), missing=["price"]) == {}


@pytest.mark.parametrize(
    ("column", "samples", "number_format", "numbers"),
    [
        ("price", ["19,99"], MappedNumberFormat(","), ["19.99"]),
        ("price", ["19,99 \u20ac", "5 \u20ac"], MappedNumberFormat(",", "", "\u20ac"), ["19.99", "5"]),
        ("price", ["\u20ac1,234.50", "\u20ac 7.00"], MappedNumberFormat(".", ",", "\u20ac"), ["1234.50", "7.00"]),
        ("price", ["1.234,50", "19,99"], MappedNumberFormat(",", "."), ["1234.50", "19.99"]),
        ("price", ["1\u00a0234,50 z\u0142"], MappedNumberFormat(",", " ", "z\u0142"), ["1234.50"]),
        ("price", ["CHF 1'234.50"], MappedNumberFormat(".", "'", "CHF"), ["1234.50"]),
        ("price", ["Fr. 5.50"], MappedNumberFormat(".", "", "Fr."), ["5.50"]),
        ("price", ["$5.00", "", "7"], MappedNumberFormat(".", "", "$"), ["5.00", "7"]),
        ("compare_at_price", ["USD 5.00"], MappedNumberFormat(".", "", "USD"), ["5.00"]),
        ("stock_quantity", ["5 Stk.", "12 Stk."], MappedNumberFormat(".", "", "Stk."), ["5", "12"]),
        ("stock_quantity", ["1,000,000"], MappedNumberFormat(".", ","), ["1000000"]),
        ("weight_kg", ["250 g"], MappedNumberFormat(".", "", "g", "0.001"), ["0.25"]),
        ("weight_kg", ["0,250", "1,500"], MappedNumberFormat(","), ["0.250", "1.500"]),
        ("weight_kg", ["0,25 kg"], MappedNumberFormat(",", "", "kg"), ["0.25"]),
    ],
)
def test_suggest_number_format_one_notation_converts_all_values(
    column: str, samples: list[str], number_format: MappedNumberFormat, numbers: list[str]
) -> None:
    assert suggest_number_format(column, samples) == number_format
    assert [number_format.convert(sample) for sample in samples if sample] == numbers
    # It is valid in a mapping.
    assert MappingDocument({"X": HeaderMapping((column,), number_format)}).columns["X"].number_format == number_format


@pytest.mark.parametrize(
    ("column", "samples"),
    [
        ("price", []),
        ("price", [""]),
        ("price", ["19.99", "5"]),
        ("price", ["1.234"]),
        ("price", ["1,234"]),
        ("price", ["\u20ac 1.234"]),
        ("price", ["19,99", "19.99"]),
        ("price", ["1,234", "19,99"]),
        ("price", ["5 \u20ac", "5 $"]),
        ("price", ["from 5 \u20ac"]),
        ("price", ["5 \u20ac", "on request"]),
        ("price", ["5%"]),
        ("price", ["19,-"]),
        ("price", ["5 kg"]),
        ("price", ["5" * 100 + ",00"]),
        ("weight_kg", ["250 g", "1.5 kg"]),
        ("weight_kg", ["5 lb"]),
        ("weight_kg", ["0.2505 g"]),
        ("stock_quantity", ["1.000 pcs"]),
        ("stock_quantity", ["5 boxes"]),
        ("brand", ["5 \u20ac"]),
    ],
)
def test_suggest_number_format_plain_or_unclear_values_have_none(column: str, samples: list[str]) -> None:
    assert suggest_number_format(column, samples) is None
