"""Product template: columns, sample row and category choices."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook

from onboarding.domain.product_schema import COLUMNS, DEFAULT_CATEGORIES, PRODUCT_SCHEMA, sample_row
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.product_template import build_xlsx_template
from tests.support.postgres_fixtures import make_row


@pytest.mark.parametrize("categories", [DEFAULT_CATEGORIES, ["Books", "Garden"], ["Computer Accessories"]])
def test_sample_row_of_any_categories_is_valid_and_has_every_column(categories: list[str]) -> None:
    row = sample_row(categories)
    assert tuple(row) == COLUMNS
    assert all(row.values())
    assert validate_row(make_row(**{**row, "sku": "MINE-1"}), ValidationContext(categories, set(), set())) == []


def test_as_xlsx_default_categories_are_choices() -> None:
    book = load_workbook(io.BytesIO(build_xlsx_template(DEFAULT_CATEGORIES)))
    assert book.sheetnames == ["Products", "_Columns", "_Categories"]
    products = book["Products"]
    header, sample = products.iter_rows(values_only=True)
    assert header == COLUMNS
    assert dict(zip(COLUMNS, sample, strict=True)) == sample_row(DEFAULT_CATEGORIES)
    choices = {str(choice.sqref): choice.formula1 for choice in products.data_validations.dataValidation}
    assert choices == {"C2:C10001": "_Categories!$A$1:$A$20", "O2:O10001": '"active,inactive"'}
    assert tuple(row[0] for row in book["_Categories"].iter_rows(values_only=True)) == DEFAULT_CATEGORIES
    assert [row[0] for row in book["_Columns"].iter_rows(min_row=2, values_only=True)] == list(COLUMNS)


def test_product_schema_limits_describe_type_range_and_default() -> None:
    limits = {column.name: column.limits for column in PRODUCT_SCHEMA.values()}
    assert limits["price"] == "number, 0.01 to 999,999.99, at most 2 decimals"
    assert limits["stock_quantity"] == "whole number, 0 to 1,000,000"
    assert limits["description"] == "text, up to 2,000 characters"
    assert limits["status"] == "`active` or `inactive`; `active` if left blank"
    assert limits["unit"] == "text, up to 20 characters; `piece` if left blank"
