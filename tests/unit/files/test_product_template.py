"""The template that vendors start from: every column, and a sample row that is valid but for being the sample."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook

from onboarding.domain.models import Mode, Outcome
from onboarding.domain.placeholders import SAMPLE
from onboarding.domain.product_schema import COLUMNS, DEFAULT_CATEGORIES, PRODUCT_SCHEMA, sample_row
from onboarding.domain.upload_options import Options
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.product_template import as_csv, as_xlsx
from onboarding.pipeline.dry_run import dry_run
from tests.support.postgres_fixtures import a_row


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.UPSERT])
def test_template_with_own_sku_is_valid(mode: Mode) -> None:
    content = as_csv(DEFAULT_CATEGORIES).replace(SAMPLE["sku"].encode(), b"MINE-1")
    answer = dry_run(None, content, "VEND001", Options(mode))
    assert (answer.refusal, dict(answer.errors), len(answer.outcomes)) == (None, {}, 1)
    if mode is Mode.CREATE:
        assert answer.outcomes == {1: Outcome.CREATED}


def test_template_as_it_is_has_one_error() -> None:
    answer = dry_run(None, as_csv(DEFAULT_CATEGORIES), "VEND001")
    assert [error.error_type for error in answer.errors[1]] == ["SAMPLE_ROW"]


@pytest.mark.parametrize("categories", [DEFAULT_CATEGORIES, ["Books", "Garden"], ["Computer Accessories"]])
def test_the_sample_row_has_every_column_and_a_category_that_there_is(categories: list[str]) -> None:
    row = sample_row(categories)
    assert tuple(row) == COLUMNS
    assert all(row.values())
    assert validate_row(a_row(**{**row, "sku": "MINE-1"}), ValidationContext(categories, set(), set())) == []


def test_the_workbook_has_the_same_row_as_text_and_the_categories_to_choose_from() -> None:
    book = load_workbook(io.BytesIO(as_xlsx(DEFAULT_CATEGORIES)))
    assert book.sheetnames == ["Products", "_Columns", "_Categories"]
    products = book["Products"]
    header, sample = products.iter_rows(values_only=True)
    assert header == COLUMNS
    assert dict(zip(COLUMNS, sample, strict=True)) == sample_row(DEFAULT_CATEGORIES)
    [choice] = products.data_validations.dataValidation
    assert choice.formula1 == "_Categories!$A$1:$A$20"
    assert str(choice.sqref) == "C2:C10001"
    assert tuple(row[0] for row in book["_Categories"].iter_rows(values_only=True)) == DEFAULT_CATEGORIES
    assert [row[0] for row in book["_Columns"].iter_rows(min_row=2, values_only=True)] == list(COLUMNS)


def test_each_columns_limit_is_told() -> None:
    takes = {column.name: column.limits for column in PRODUCT_SCHEMA.values()}
    assert takes["price"] == "number, 0.01 to 999,999.99, at most 2 decimals"
    assert takes["stock_quantity"] == "whole number, 0 to 1,000,000"
    assert takes["description"] == "text, up to 2,000 characters"
    assert takes["unit"] == "text, up to 20 characters; `piece` if left blank"
