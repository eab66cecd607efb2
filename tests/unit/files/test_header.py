"""Detection of header lines, synonyms, and missing columns."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import onboarding.files
from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import COLUMNS, REQUIRED
from onboarding.files.header_names import list_spellings, match_column, match_columns, normalize_name
from onboarding.files.header_parser import parse_header
from onboarding.files.header_search import find_header_index


def test_match_column_every_synonym_matches_one_column() -> None:
    path = Path(onboarding.files.__file__).parent / "headers.toml"
    listed = tomllib.loads(path.read_text(encoding="utf-8"))
    false_friends = set(map(normalize_name, listed.pop("false_friends")))
    del listed["pieces"]
    columns_by_name: dict[str, str] = {column: column for column in COLUMNS}
    for columns in listed.values():
        assert set(columns) <= set(COLUMNS)
        for column, names in columns.items():
            for name in names:
                assert columns_by_name.setdefault(normalize_name(name), column) == column, name
                assert match_column(name) == column
                assert match_columns([name]) == [None if normalize_name(name) in false_friends else column]
    assert all(column in COLUMNS for column in list_spellings().values())
    assert false_friends <= columns_by_name.keys()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("sku", "sku"),
        ("SKU", "sku"),
        ("item_sku", "sku"),
        ("Artikel-Nr.", "sku"),
        ("Product Name", "product_name"),
        ("productName", "product_name"),
        ("Qty", "stock_quantity"),
        ("Vendor Product ID*", "vendor_product_id"),
        ("Catégorie", "category"),
        ("CATEGORÍA", "category"),
        ("Stückpreis", "price"),
        ("Weight (kg)", "weight_kg"),
        ("weight-kg", "weight_kg"),
        ("dimensions [cm]", "dimensions_cm"),
        ("price\u00a0", "price"),
        ("\ufeffprice", "price"),
        ("weight", None),
        ("id", None),
        ("regular price", None),
        ("_price", None),
        ("", None),
        ("***", None),
        ("price" * 50, None),
    ],
)
def test_match_column_name_matches_its_column(name: str, column: str | None) -> None:
    assert match_column(name) == column


def test_parse_header_missing_columns_names_nearest_headers() -> None:
    rejection = parse_header(
        ["vendor_product_id", "product_name", "categry", "sku", "price_net", "stock_quantity"], REQUIRED
    )
    assert rejection == FileRejection(
        "MISSING_COLUMNS",
        "Missing required columns: category, price; the nearest names: 'categry' for category, 'price_net' for price; "
        "the header line has: vendor_product_id, product_name, categry, sku, price_net, stock_quantity",
    )


def test_find_header_index_is_first_line_unless_another_names_columns() -> None:
    assert find_header_index([["x"], ["y"]]) == 0
    assert find_header_index([["", " "], ["x"], ["y"]]) == 1
    assert find_header_index([["Price list"], [""], list(REQUIRED)]) == 2
    assert find_header_index([["sku", "price"], list(REQUIRED)]) == 1
    assert find_header_index([list(REQUIRED), list(REQUIRED)]) == 0
    assert find_header_index([["sku"], ["price"]]) == 0
