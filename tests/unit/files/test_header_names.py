"""Header names: the column of each, alone and among the others of its line."""

from __future__ import annotations

from collections import Counter

import pytest

from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import COLUMNS, REQUIRED
from onboarding.files.header import Header, parse_header, list_unknown_columns
from onboarding.files.header_names import match_column, match_columns, count_known_columns


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
def test_column_of_name_with_unit_is_known_only_where_the_unit_fits(name: str, column: str | None) -> None:
    assert match_column(name) == column


@pytest.mark.parametrize("sign", ["#", "%", "$", "№", "&", "@", "?", "+", "<", "~", "=", "°", "‰"])
@pytest.mark.parametrize("name", ["Stock", "Price", "Item SKU", "Category", "Brand", "Unit"])
def test_column_of_name_with_sign_is_unknown(name: str, sign: str) -> None:
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
def test_columns_of_false_friend_is_known_only_beside_its_own_language(names: list[str], column: str | None) -> None:
    assert match_columns(names)[0] == column


def header(*names: str) -> Header:
    found = parse_header(names, ())
    assert not isinstance(found, FileRejection), found
    return found


def test_header_own_name_beside_synonyms_wins() -> None:
    found = header("Title", "sku", "Reference", "Product Name", "Qty")
    assert found.columns == [None, "sku", None, "product_name", "stock_quantity"]
    assert [warning.message for warning in list_unknown_columns(found)] == [
        "The column 'Title' was not read, because the header has 'Product Name' too",
        "The column 'Reference' was not read, because the header has 'sku' too",
    ]


@pytest.mark.parametrize("names", [("sku", "SKU"), ("Title", "Name"), ("price", "Price", "Item price")])
def test_header_two_names_of_equal_right_are_rejected(names: tuple[str, ...]) -> None:
    found = parse_header(names, ())
    assert isinstance(found, FileRejection)
    assert found.code == "DUPLICATE_COLUMNS"


@pytest.mark.parametrize("rival", ["list_price", "lst_price", "Sales Price", "Cost", "Public price"])
def test_header_standard_price_beside_another_price_is_rejected(rival: str) -> None:
    found = parse_header(["standard_price", rival], ())
    assert isinstance(found, FileRejection)
    assert found.code == "AMBIGUOUS_COLUMNS"
    assert "'standard_price'" in found.reason
    assert f"'{rival}'" in found.reason
    assert header(rival, "standard_price", "price").columns[1:] == [None, "price"]


def test_header_two_currencies_are_rejected() -> None:
    found = parse_header(["Price (EUR)", "List price (USD)"], ())
    assert isinstance(found, FileRejection)
    assert found.code == "AMBIGUOUS_COLUMNS"
    assert header("Price (EUR)", "List price (€)").columns == ["price", "compare_at_price"]


def test_header_missing_columns_no_name_is_offered_twice() -> None:
    found = parse_header(["id", "Stock code", "Prise", "Pricee"], REQUIRED)
    assert isinstance(found, FileRejection)
    offered = found.reason.partition("nearest found: ")[2].partition(";")[0].split(", ")
    names = Counter(offer.partition("' for ")[0] for offer in offered)
    assert names["'Pricee"] == 1
    assert max(names.values()) == 1


def test_known_in_every_column_by_its_own_name_counts() -> None:
    assert count_known_columns(COLUMNS) == len(COLUMNS)
