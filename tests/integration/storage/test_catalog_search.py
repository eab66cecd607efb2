"""Search of products: words and their beginnings, in any script, with any punctuation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from onboarding.domain.catalog import SEPARATORS, ProductFilter
from onboarding.storage import catalog, product_feed
from onboarding.storage.database import Database
from tests.support.postgres_fixtures import clean_database, fetch

INSERT = """
insert into products (
    vendor_id, vendor_product_id, product_name, category, sku, price, stock_quantity, upload_id, row_number
)
select 'VEND001', sku, name, 'Electronics', sku, 1, 1, 'UPLOAD', number
from unnest(%s::text[], %s::text[]) with ordinality as product (sku, name, number)
returning product_id
"""
BY_SKU = {
    "PROD-w-1-0": "Table lamp",
    "PROD-w-1-1": "Table lamp, large",
    "PROD-w-11-0": "Floor lamp",
    "SKU4711": "USB-C cable 1.5l",
    "SKU4712": "Étagère Größe 3",
    "SKU4713": "हिन्दी किताब",
    "SKU4714": "日本茶",
    "SKU4715": "Child's coat",
    "SKU4717": "Nozzle\u2122 A\uff0d7\u00a0x\u2026y",
    "SKU4718": "\u7dd1\u3000\u8336",
    "SKU4716": "Straße, \u0141\u00f3d\u017a \uff15\uff4c",
}


BY_SKU |= {f"S{number:02}": f"left{separator}right{number:02}" for number, separator in enumerate(SEPARATORS)}


@pytest.fixture(scope="module")
def searched(database_url: str) -> Iterator[Database]:
    with clean_database(database_url) as database:
        fetch(database, INSERT, list(BY_SKU), list(BY_SKU.values()))
        product_feed.refresh_search(database)
        yield database


def search(database: Database, text: str) -> list[str]:
    conditions = ProductFilter(search=text)
    products = database.run(partial(catalog.list_products, conditions=conditions, is_vendor=False, limit=100))
    return [str(product.values["sku"]) for product in products]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PROD-w-1-1", ["PROD-w-1-1"]),
        ("prod w 1 1", ["PROD-w-1-0", "PROD-w-1-1", "PROD-w-11-0"]),
        ("w-1", ["PROD-w-1-0", "PROD-w-1-1", "PROD-w-11-0"]),
        ("lam table", ["PROD-w-1-0", "PROD-w-1-1"]),
        ("lamp,large", ["PROD-w-1-1"]),
        ("usb-c", ["SKU4711"]),
        ("usb-cab", []),
        ("1.5", ["SKU4711"]),
        ("étagère", ["SKU4712"]),
        ("GRÖ", ["SKU4712"]),
        ("etagere grosse", ["SKU4712"]),
        ("grösse", ["SKU4712"]),
        ("e\u0301tag", ["SKU4712"]),
        ("strasse", ["SKU4716"]),
        ("lodz", ["SKU4716"]),
        ("5l", ["SKU4711", "SKU4716"]),
        ("\u8336", ["SKU4718"]),
        ("nozzle", ["SKU4717"]),
        ("A-7 y", ["SKU4717"]),
        ("a\uff0d7\u2026", ["SKU4717"]),
        ("a b c d e f g table lamp", []),
        ("table lamp table lamp table lamp table lamp larg", []),
        ("table lamp table lamp table lamp table lamp large", ["PROD-w-1-1"]),
        ("हिन्दी", ["SKU4713"]),
        ("日本", ["SKU4714"]),
        ("child's", ["SKU4715"]),
        ("child\u2019s", ["SKU4715"]),
        ("4711", []),
        ("sku471", ["SKU4711", "SKU4712", "SKU4713", "SKU4714", "SKU4715", "SKU4716", "SKU4717", "SKU4718"]),
        ("vendor", []),
        ("vend001", []),
        ("lamp \0", ["PROD-w-1-0", "PROD-w-1-1", "PROD-w-11-0"]),
        ("'x' | lamp:* \\", []),
        ("and | or", []),
        (" -- lamp & !floor ", ["PROD-w-11-0"]),
    ],
)
def test_search_finds_words_by_their_beginnings(searched: Database, text: str, expected: list[str]) -> None:
    assert search(searched, text) == expected


@pytest.mark.parametrize("number", range(len(SEPARATORS)), ids=ascii)
def test_search_separator_divides_the_words_of_names_and_searches(searched: Database, number: int) -> None:
    for text in (f"right{number:02} left", f"left{SEPARATORS[number]}right{number:02}"):
        assert search(searched, text) == [f"S{number:02}"]


def test_search_blank_lists_all(searched: Database) -> None:
    assert len(search(searched, "  ")) == len(BY_SKU)


@pytest.mark.parametrize("text", ["\u2602", "---", "!", "\uff07", "\uff3c", "\u2122"], ids=ascii)
def test_search_of_symbols_finds_nothing(searched: Database, text: str) -> None:
    conditions = ProductFilter("VEND001", text)
    assert search(searched, text) == []
    assert searched.run(lambda c: catalog.count_products(c, conditions, is_vendor=False, max_rows=9)) == 0
