"""Dry runs without a database, with the default categories."""

from __future__ import annotations

import pytest

from onboarding.domain.models import Mode, Outcome, RowError
from onboarding.domain.placeholders import SAMPLE
from onboarding.domain.product_schema import COLUMNS, DEFAULT_CATEGORIES
from onboarding.domain.upload_options import Options
from onboarding.files.product_template import build_csv_template
from onboarding.pipeline.dry_run import dry_run
from tests.support.running_pipeline import csv_of, product


def error_types(errors: dict[int, list[RowError]]) -> dict[int, list[str]]:
    return {number: [error.error_type for error in row_errors] for number, row_errors in errors.items()}


def test_dry_run_without_database_applies_rules_and_default_categories() -> None:
    rows = [
        product("1"),
        product("2", category="Gardn", price="0"),
        product("3", sku="SKU-1"),
        product("4", sku="", stock_quantity="x"),
    ]
    result = dry_run(None, csv_of(rows), "VEND001")
    assert error_types(dict(result.errors)) == {  # type: ignore[arg-type]
        2: ["INVALID_PRICE", "INVALID_CATEGORY"],
        3: ["DUPLICATE_SKU"],
        4: ["MISSING_REQUIRED_FIELDS", "INVALID_STOCK_QUANTITY"],
    }
    assert result.errors[2][1].hint == "Did you mean 'Garden'?"
    assert result.outcomes == {1: Outcome.CREATED}


@pytest.mark.parametrize("mode", [Mode.UPDATE, Mode.UPSERT])
def test_dry_run_without_database_assumes_that_products_exist(mode: Mode) -> None:
    content = csv_of(
        [{"vendor_product_id": "P-1", "price": "1.00"}, {"vendor_product_id": "P-2", "price": "0"}], COLUMNS
    )
    result = dry_run(None, content, "VEND001", Options(mode))
    assert error_types(dict(result.errors)) == {2: ["INVALID_PRICE"]}  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.UPSERT])
def test_dry_run_template_with_own_sku_is_valid(mode: Mode) -> None:
    content = build_csv_template(DEFAULT_CATEGORIES).replace(SAMPLE["sku"].encode(), b"MINE-1")
    result = dry_run(None, content, "VEND001", Options(mode))
    assert (result.rejection, dict(result.errors), len(result.outcomes)) == (None, {}, 1)
    if mode is Mode.CREATE:
        assert result.outcomes == {1: Outcome.CREATED}


def test_dry_run_unchanged_template_has_one_error() -> None:
    result = dry_run(None, build_csv_template(DEFAULT_CATEGORIES), "VEND001")
    assert [error.error_type for error in result.errors[1]] == ["SAMPLE_ROW"]
