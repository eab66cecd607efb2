"""Exports of any catalog that the rules accept: uploaded unchanged in mode `update`, they change nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain.catalog import CatalogProduct
from onboarding.domain.models import Outcome
from tests.support.exported_products import (
    CELLS,
    NOT_WRITABLE,
    assert_nothing_changes,
    export_csv,
    export_workbook,
    list_products_of_all_texts,
    make_products,
    upload,
)

CATALOGS = st.lists(CELLS, min_size=1, max_size=6).map(make_products).filter(bool)
EXPORTS = pytest.mark.parametrize("export", [export_csv, export_workbook])


@settings(max_examples=150)
@given(CATALOGS)
def test_parse_csv_export_unchanged_changes_nothing(products: list[CatalogProduct]) -> None:
    assert_nothing_changes(export_csv(products), products)


@settings(max_examples=60)
@given(CATALOGS)
def test_parse_workbook_export_unchanged_changes_nothing_but_is_rejected_if_not_writable(
    products: list[CatalogProduct],
) -> None:
    rows, errors, outcomes = upload(export_workbook(products), products)
    assert len(rows) == len(products)
    not_writable = {
        number
        for number, product in enumerate(products, 1)
        if any(isinstance(text, str) and is_not_writable(text) for text in product.values.values())
    }
    assert errors.keys() <= not_writable
    assert set(outcomes) <= {Outcome.UNCHANGED}


def is_not_writable(text: str) -> bool:
    return NOT_WRITABLE in text or "\ufffe" in text or "\uffff" in text


@EXPORTS
def test_parse_export_of_all_texts_changes_nothing(export: Callable[[Sequence[CatalogProduct]], bytes]) -> None:
    products = list_products_of_all_texts()
    assert len(products) > 500
    assert_nothing_changes(export(products), products)


@EXPORTS
def test_parse_export_of_one_product_changes_nothing(export: Callable[[Sequence[CatalogProduct]], bytes]) -> None:
    products = list_products_of_all_texts()
    for product in products if export is export_csv else [*products[:5], *products[5::10]]:
        assert_nothing_changes(export([product]), [product])
