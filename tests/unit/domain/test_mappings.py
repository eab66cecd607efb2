"""Mapping documents: their rules, their JSON, and the notation of numbers."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mapping_json import document_as_json, parse_document
from onboarding.domain.mappings import (
    FillDown,
    HeaderMapping,
    InvalidMapping,
    MappingDocument,
    UsedValue,
    compute_fingerprint,
    normalize_key,
)
from onboarding.domain.value_mapping import build_targets, count_unmapped_values, map_values, merge_targets
from tests.support.postgres_fixtures import make_row

DOCUMENT: dict[str, Any] = {
    "columns": {
        "MATNR": {"columns": ["vendor_product_id", "sku"]},
        "EKPRI": {
            "columns": ["price"],
            "number_format": {"decimal_sign": ",", "thousands_separator": ".", "remove": "EUR", "factor": "1"},
        },
        "Note": {"columns": []},
    },
    "constants": {"unit": "box", "stock_quantity": "10"},
    "fill_down": {"group_header": "Handle", "headers": ["Title"], "key_header": "SKU"},
    "first_address": ["Images"],
    "values": {"category": {"Men": "Men's Clothing"}},
}


def test_parse_document_complete_is_reversed_by_its_json() -> None:
    document = parse_document(DOCUMENT)
    assert document == MappingDocument(
        {
            "MATNR": HeaderMapping(("vendor_product_id", "sku")),
            "EKPRI": HeaderMapping(("price",), MappedNumberFormat(",", ".", "EUR")),
            "Note": HeaderMapping(()),
        },
        {"unit": "box", "stock_quantity": "10"},
        FillDown("Handle", ("Title",), "SKU"),
        {"category": {"Men": "Men's Clothing"}},
        ("Images",),
    )
    assert document_as_json(document) == DOCUMENT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ([], "must be a JSON object"),
        ({"script": "x"}, "unknown field 'script'"),
        ({"columns": {"A": {"columns": ["prise"]}}}, "'prise' is not a column; the columns are vendor_product_id"),
        (
            {"columns": {"A": {"columns": ["price"]}, "B": {"columns": ["price"]}}},
            "'A' and 'B' are both mapped to price",
        ),
        ({"columns": {"A": {"columns": []}, " a ": {"columns": []}}}, "the same header"),
        ({"columns": {"": {"columns": []}}}, "A header has 1 to 100 characters"),
        ({"columns": {"A": {"columns": "price"}}}, "must be a list of texts"),
        ({"columns": {"A": {"columns": ["sku"], "number_format": {}}}}, "feeds no column of numbers"),
        (
            {"columns": {"A": {"columns": ["price"], "number_format": {"factor": "2"}}}},
            "must be one of '1', '0.001', '0.01'",
        ),
        (
            {"columns": {"A": {"columns": ["price"], "number_format": {"thousands_separator": "."}}}},
            "must be different",
        ),
        ({"columns": {"A": {"columns": ["price"], "number_format": {"remove": "5"}}}}, "without digits"),
        ({"columns": {"A": {"columns": ["price"], "number_format": {"round": "2"}}}}, "unknown field 'round'"),
        ({"columns": {"A": {"columns": ["unit"]}}, "constants": {"unit": "box"}}, "has a constant and the header 'A'"),
        ({"constants": {"price": "free"}}, "The constant of price must be a number from"),
        ({"constants": {"unit": "x" * 21}}, "must be text of 1 to 20 characters"),
        ({"constants": {"unit": 5}}, "must be text"),
        ({"columns": {"A": {"columns": ["description", "price"]}}}, "cannot feed columns of numbers and other columns"),
        ({"columns": {"A\ud800": {"columns": []}}}, "a character that is not text"),
        ({"columns": {"A": {"columns": ["price"], "number_format": {"remove": "\u2212"}}}}, "without digits, signs"),
        ({"columns": {"A": {"columns": ["price"], "number_format": {"remove": "%"}}}}, "without digits, signs"),
        ({"columns": {"A": {"columns": ["price"], "number_format": {"remove": "k"}}}}, "without digits, signs"),
        ({"columns": {"A": {"columns": ["price"], "number_format": {"remove": "\u00bd"}}}}, "without digits, signs"),
        ({"columns": {f"{n} {'x' * 90}": {"columns": []} for n in range(1_000)}}, "at most 100,000 characters"),
        ({"fill_down": {"group_header": "A", "headers": ["b"] * 1_001}}, "fill_down has at most 1,000 headers"),
        ({"first_address": ["b"] * 1_001}, "first_address has at most 1,000 headers"),
        ({"values": {"category": {"Men": "Books", "MEN ": "Garden"}}}, "'Men' and 'MEN ' are the same value"),
        ({"fill_down": {"group_header": "A", "headers": ["a"]}}, "the group header is not one of them"),
        ({"fill_down": {"group_header": "A", "headers": []}}, "needs headers to fill"),
        ({"values": {"brand": {"A": "B"}}}, "Values can be mapped for category"),
        ({"values": {"category": {"Men": ""}}}, "must be mapped to a category"),
        ({"values": {"status": {"draft": "hidden"}}}, "'draft' must be mapped to active or inactive"),
        ({"values": {"status": {"draft": "blocked"}}}, "'draft' must be mapped to active or inactive"),
        ({"values": {"status": {"Active": "inactive"}}}, "'Active' is a status itself"),
        ({"values": {"status": {"blocked": "active"}}}, "'blocked' is a status itself"),
        ({"constants": {"status": "draft"}}, "The constant of status must be active or inactive"),
        ({"values": {"category": {"a\0": "B"}}}, "without control characters"),
    ],
)
def test_parse_document_against_a_rule_is_rejected(change: object, message: str) -> None:
    with pytest.raises(InvalidMapping) as raised:
        parse_document(change)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("number_format", "text", "number"),
    [
        (MappedNumberFormat(), "12.50", "12.50"),
        (MappedNumberFormat(), "12,50", None),
        (MappedNumberFormat(",", "."), "1.234,50", "1234.50"),
        (MappedNumberFormat(",", "."), "1234,50", "1234.50"),
        (MappedNumberFormat(",", "."), "1.23,50", None),
        (MappedNumberFormat(",", "."), "1.234", "1234"),
        (MappedNumberFormat(".", ","), "1.234", "1.234"),
        (MappedNumberFormat(",", " "), "1\u202f234,50", "1234.50"),
        (MappedNumberFormat(".", "'"), "1\u2019234.50", "1234.50"),
        (MappedNumberFormat(remove="EUR"), "12.50 EUR", "12.50"),
        (MappedNumberFormat(remove="EUR"), "eur 12.50", "12.50"),
        (MappedNumberFormat(remove="EUR"), "12.50 USD", None),
        (MappedNumberFormat(remove="$"), "-$5", None),
        (MappedNumberFormat(remove="$"), "$-5", "-5"),
        (MappedNumberFormat(remove="g", factor="0.001"), "250 g", "0.25"),
        (MappedNumberFormat(factor="0.001"), "2500", "2.5"),
        (MappedNumberFormat(factor="0.01"), "1999", "19.99"),
        (MappedNumberFormat(factor="0.01"), "123456789.00000000000000000001", "1234567.8900000000000000000001"),
        (MappedNumberFormat(remove="R$"), "R$ 12.50", "12.50"),
        (MappedNumberFormat(), "١٢", None),
        (MappedNumberFormat(), "1e5", None),
        (MappedNumberFormat(), "", None),
    ],
)
def test_convert_number_only_in_its_notation(number_format: MappedNumberFormat, text: str, number: str | None) -> None:
    assert number_format.convert(text) == number


def test_normalize_key_ignores_case_spaces_and_composition() -> None:
    assert normalize_key("  Prix re\u0301el \u00a0 ACHAT ") == "prix r\u00e9el achat"


def test_compute_fingerprint_depends_on_names_not_on_order() -> None:
    fingerprint = compute_fingerprint(["MATNR", "Price"])
    assert compute_fingerprint(["price ", "matnr", "", "PRICE"]) == fingerprint
    assert compute_fingerprint(["MATNR", "Price #"]) != fingerprint
    assert compute_fingerprint(["MATNR", "Price", "Note"]) != fingerprint


def test_map_values_replaces_values_and_keeps_those_of_the_file() -> None:
    rows = [make_row(row_number=n, category=name) for n, name in enumerate(["Men", " MEN", "Women", "Books"], 1)]
    misaligned = make_row(row_number=5, category="Men")
    misaligned.surplus_fields = 1
    used = map_values([*rows, misaligned], {"category": {"men": "Men's Clothing", "books": "Books"}})
    assert [row.cells["category"] for row in rows] == ["Men's Clothing", "Men's Clothing", "Women", "Books"]
    assert [row.cells_in_file["category"] for row in rows] == ["Men", " MEN", "Women", "Books"]
    assert used == [UsedValue("category", "Men", "Men's Clothing", 2)]
    assert misaligned.cells["category"] == "Men"


def test_map_values_leaves_constants_as_they_are() -> None:
    row = make_row(category="Books")
    assert map_values([row], {"category": {"books": "Clothing"}}, constants=["category"]) == []
    assert row.cells["category"] == "Books"


def test_map_values_again_with_the_used_ones_gives_the_same_rows() -> None:
    document = parse_document({"values": {"category": {"Women": "Women's Clothing"}}})
    targets = merge_targets({"category": {"men": "Men's Clothing", "women": "Clothing"}}, document)
    first = [make_row(row_number=n, category=name) for n, name in enumerate(["Men", "Women"], 1)]
    again = [make_row(row_number=n, category=name) for n, name in enumerate(["Men", "Women"], 1)]
    used = map_values(first, targets)
    assert [row.cells["category"] for row in first] == ["Men's Clothing", "Women's Clothing"]
    assert map_values(again, build_targets(used)) == used
    assert [row.cells for row in again] == [row.cells for row in first]


def test_count_unmapped_values_are_those_of_the_vendor() -> None:
    rows = [make_row(row_number=n, category=name) for n, name in enumerate(["Men", "MEN", "Women"], 1)]
    map_values(rows[:2], {"category": {"men": "Menswear"}})
    # The target is not active any longer.
    assert count_unmapped_values(rows, "category", {"Books"}) == {"Men": 2, "Women": 1}


def test_count_unmapped_values_leaves_out_known_and_misaligned_ones() -> None:
    rows = [make_row(row_number=n, category=name) for n, name in enumerate(["Men", "Men", "Books", "Toys"], 1)]
    rows[3].surplus_fields = -1
    assert count_unmapped_values(rows, "category", {"Books"}) == {"Men": 2}
