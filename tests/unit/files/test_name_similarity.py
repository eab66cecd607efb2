"""Similarity of header names to our columns."""

from __future__ import annotations

import time

import pytest

from onboarding.domain.product_schema import COLUMNS
from onboarding.files.column_words import denies_price, load_qualifiers, load_system_names, load_words
from onboarding.files.header_parser import parse_header
from onboarding.files.models import MAX_COLUMNS
from onboarding.files.name_similarity import MIN_SIMILARITY, Similarity, find_nearest_names, match_name


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Prod. Bez.", "product_name"),
        ("VK", "price"),
        ("Art.-Preis", "price"),
        ("Artikelpreis", "price"),
        ("Prices", "price"),
        ("Nettopreis", "price"),
        ("price_net", "price"),
        ("Web price (EUR)", "price"),
        ("VK €", "price"),
        ("Prise", "price"),
        ("Pricee", "price"),
        ("Product code", "sku"),
        ("Stockcode", "sku"),
        ("Supplier SKU", "sku"),
        ("ID", "vendor_product_id"),
        ("articleId", "vendor_product_id"),
        ("Supplier code", "vendor_product_id"),
        ("Categry", "category"),
        ("Category path", "category"),
        ("Kategorie-Pfad", "category"),
        ("Item group", "category"),
        ("Artikelbestand", "stock_quantity"),
        ("Lagerbestand aktuell", "stock_quantity"),
        ("Quantiy", "stock_quantity"),
        ("Short description", "description"),
        ("Beschr.", "description"),
        ("Discription", "description"),
        ("Produt name", "product_name"),
        ("Tittle", "product_name"),
        ("Hersteller", "brand"),
        ("Brnad", "brand"),
        ("Main picture", "image_url"),
        ("Image 1", "image_url"),
        ("IMAGE1", "image_url"),
        ("Image URLs (x,y,z...)", "image_url"),
        ("CustomLabel", "sku"),
        ("Reference #", "sku"),
        ("default_code", "sku"),
        ("Weight (g)", "weight_kg"),
        ("Variant Grams", "weight_kg"),
        ("Nettogewicht kg", "weight_kg"),
        ("MAKTX", "product_name"),
        ("matkl", "category"),
        ("EKPRI", "price"),
        ("LGBST", "stock_quantity"),
        ("LABST", "stock_quantity"),
        ("MEINS", "unit"),
        ("NTGEW", "weight_kg"),
        ('="VK"', "price"),
    ],
)
def test_match_name_similar_name_has_its_column(name: str, column: str) -> None:
    assert [match.column for match in match_name(name)] == [column]


@pytest.mark.parametrize("name", ["Item no.", "Item #", "N\u00b0 article", "articleNumber", "Artikel-Nummer", "MATNR"])
def test_match_name_product_number_means_both_identifiers(name: str) -> None:
    assert [match.column for match in match_name(name)] == ["vendor_product_id", "sku"]


OTHER_COLUMNS = """EK|EK-Preis|Einkaufspreis|Cost|Cost price|Unit cost|Sale price|Special price|Regular price
Purchase price|Price %|Price per kg|Price 2|Margin|Marge|Prime|Tax|Vendor|Vendor name|Supplier|Shop name|Username
First name|File name|Grouped products|Group|Gruppe|Type|Model|State|Tags|Color|No.|Nr|#|Code|Order number|Parent SKU
Barcode|EAN|Category ID|Brand ID|Stock #|In stock?|Stock status|Min order quantity|Quantity per box|Weight
Weight (lbs)|Weight unit|Height|Length|Image alt text|Image position|Image 2|Meta description|Page title|_sku|=
a b c d e f g h i price|Name2"""


@pytest.mark.parametrize("name", [name for line in OTHER_COLUMNS.splitlines() for name in line.split("|")])
def test_match_name_name_of_another_column_has_none(name: str) -> None:
    assert match_name(name) == ()


def test_match_name_similarity_is_lower_for_less_certain_names() -> None:
    names = ("Product price", "EKPRI", "Price", "Net price", "Prise net")
    similarities = [[match.similarity for match in match_name(name)] for name in names]
    assert similarities[:4] == [[Similarity.SAME], [Similarity.SYSTEM], [Similarity.SAME], [Similarity.QUALIFIED]]
    assert similarities[4] == []
    assert [match.similarity for match in match_name("Pirce net")] == [pytest.approx(MIN_SIMILARITY)]


def test_match_name_known_name_is_the_one_that_looks_most_similar() -> None:
    assert [match.known_name for match in match_name("Beschreibug")] == ["beschreibung"]
    assert [match.known_name for match in match_name("Prices")] == ["Price"]


def test_find_nearest_names_uses_each_name_once_and_none_of_two_equal_ones() -> None:
    assert find_nearest_names(["sku", "vendor_product_id"], ["Item no."]) == {"vendor_product_id": "Item no."}
    assert find_nearest_names(["sku", "vendor_product_id"], ["Item no.", "ID"]) == {
        "vendor_product_id": "ID",
        "sku": "Item no.",
    }
    assert find_nearest_names(["price"], ["Net price", "Gross price"]) == {}
    assert find_nearest_names(["price"], ["Net price", "VK", "Gross price"]) == {"price": "VK"}
    assert find_nearest_names(["stock_quantity"], ["Available"]) == {}
    assert find_nearest_names(["brand"], ["VK"]) == {}


@pytest.mark.parametrize(
    ("name", "denied"), [("Einkaufspreis", True), ("EK", True), ("Week", False), ("Kunden", False)]
)
def test_denies_price_names_of_other_amounts_do(name: str, denied: bool) -> None:
    assert denies_price(name) is denied


def test_column_words_lists_name_our_columns() -> None:
    assert load_qualifiers().keys() <= set(COLUMNS)
    assert {column for _, columns in load_system_names().values() for column in columns} <= set(COLUMNS)
    assert load_words("neutral").isdisjoint(load_words("incomplete"))


@pytest.mark.no_cover
def test_parse_header_thousand_misspelled_names_take_bounded_time() -> None:
    names = [" ".join(f"descripti{a}{b}" for a in "abcdefgh") for b in map(chr, range(0x4E00, 0x4E00 + MAX_COLUMNS))]
    start = time.process_time()
    parse_header(names, COLUMNS)
    # A second without other load.
    assert time.process_time() - start < 5
