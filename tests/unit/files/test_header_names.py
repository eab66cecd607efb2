"""Matching of header names to columns, alone and together with the other names of a header."""

from __future__ import annotations

from collections import Counter

import pytest

from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import COLUMNS, REQUIRED
from onboarding.files.header import Header
from onboarding.files.header_names import count_known_columns, match_column, match_columns
from onboarding.files.header_parser import list_unknown_columns, parse_header


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("Price (EUR)", "price"),
        ("Price [€]", "price"),
        ("Price ($)", "price"),
        ("Preis in €", "price"),
        ("Preis €", "price"),
        ("price_usd", "price"),
        ("Prix en EUR", "price"),
        ("Preço (R$)", "price"),
        ("Compare at price (GBP)", "compare_at_price"),
        ("Stock (pcs)", "stock_quantity"),
        ("Bestand [Stk.]", "stock_quantity"),
        ("Ilość (szt.)", "stock_quantity"),
        ("SKU (required)", "sku"),
        ("Price*", "price"),
        ("Weight (kg)", "weight_kg"),
        ("Gewicht [kg]", "weight_kg"),
        ("Dimensions (L x W x H) cm", "dimensions_cm"),
        ('="price"', "price"),
        ("Weight (g)", None),
        ("Weight (lb)", None),
        ("Dimensions [mm]", None),
        ("Dimensions [in]", None),
        ("Price (cents)", None),
        ("Price (net)", None),
        ("Stock (EUR)", None),
        ("Stock (kg)", None),
        ("Stock unit", None),
        ("Stock €", None),
        ("SKU (EUR)", None),
        ("Brand (pcs)", None),
        ("(EUR)", None),
        ("EUR", None),
    ],
)
def test_match_column_name_with_unit_matches_only_columns_of_that_unit(name: str, column: str | None) -> None:
    assert match_column(name) == column


@pytest.mark.parametrize("sign", ["#", "%", "$", "№", "&", "@", "?", "+", "<", "~", "=", "°", "‰"])
@pytest.mark.parametrize("name", ["Stock", "Price", "Item SKU", "Category", "Brand", "Unit"])
def test_match_column_name_with_sign_matches_none(name: str, sign: str) -> None:
    assert match_column(name) is not None
    assert match_column(f"{name} {sign}") is None
    assert match_column(f"{sign}{name}") is None


@pytest.mark.parametrize(
    ("names", "column"),
    [
        (["Nombre", "Precio", "SKU"], "product_name"),
        (["Nombre", "Prix", "Stock"], None),
        (["Nombre", "Price", "Stock"], None),
        (["Nombre"], None),
        (["Ár", "Készlet"], "price"),
        (["År", "Lagersaldo"], None),
        (["ár", "nombre"], None),
    ],
)
def test_match_columns_false_friend_matches_only_with_names_of_its_language(
    names: list[str], column: str | None
) -> None:
    assert match_columns(names)[0] == column


def parse_valid_header(*names: str) -> Header:
    header = parse_header(names, ())
    assert not isinstance(header, FileRejection), header
    return header


def test_parse_header_own_name_and_synonym_prefers_own_name() -> None:
    header = parse_valid_header("Title", "sku", "Reference", "Product Name", "Qty")
    assert header.columns == [None, "sku", None, "product_name", "stock_quantity"]
    assert [warning.message for warning in list_unknown_columns(header)] == [
        "The column 'Title' was not read, because the header also has 'Product Name'",
        "The column 'Reference' was not read, because the header also has 'sku'",
    ]


@pytest.mark.parametrize("names", [("sku", "SKU"), ("Title", "Name"), ("price", "Price", "Item price")])
def test_parse_header_two_synonyms_are_rejected(names: tuple[str, ...]) -> None:
    header = parse_header(names, ())
    assert isinstance(header, FileRejection)
    assert header.code == "DUPLICATE_COLUMNS"


@pytest.mark.parametrize("other_price", ["list_price", "lst_price", "Sales Price", "Cost", "Public price"])
def test_parse_header_standard_price_and_other_price_is_rejected(other_price: str) -> None:
    header = parse_header(["standard_price", other_price], ())
    assert isinstance(header, FileRejection)
    assert header.code == "AMBIGUOUS_COLUMNS"
    assert "'standard_price'" in header.reason
    assert f"'{other_price}'" in header.reason
    assert parse_valid_header(other_price, "standard_price", "price").columns[1:] == [None, "price"]


def test_parse_header_two_currencies_are_rejected() -> None:
    header = parse_header(["Price (EUR)", "List price (USD)"], ())
    assert isinstance(header, FileRejection)
    assert header.code == "AMBIGUOUS_COLUMNS"
    assert parse_valid_header("Price (EUR)", "List price (€)").columns == ["price", "compare_at_price"]


def test_parse_header_missing_columns_suggests_each_name_once() -> None:
    header = parse_header(["id", "Stock code", "Prise", "Pricee"], REQUIRED)
    assert isinstance(header, FileRejection)
    suggestions = header.reason.partition("nearest names: ")[2].partition(";")[0].split(", ")
    names = Counter(suggestion.partition("' for ")[0] for suggestion in suggestions)
    assert names["'Pricee"] == 1
    assert max(names.values()) == 1


def test_count_known_columns_own_names_all_count() -> None:
    assert count_known_columns(COLUMNS) == len(COLUMNS)
