"""Form of a product: what the user has changed, and what is shown after a change by somebody else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from onboarding.domain.catalog import ProductEventType
from onboarding.domain.product_schema import COLUMNS
from onboarding.web.errors import RowProblem
from onboarding.web.portal.product_views import (
    FORM_COLUMNS,
    FieldView,
    FormView,
    ProductForm,
    build_form,
    can_undo,
    derive_idempotency_key,
    show_value,
)
from onboarding.web.product_schemas import CatalogProductResponse, ProductEventResponse

TIME = datetime(2026, 1, 2, tzinfo=UTC)


def make_product(**values: Any) -> CatalogProductResponse:
    fields = dict.fromkeys(COLUMNS) | {
        "product_id": 7,
        "vendor_id": "VEND001",
        "vendor_name": "TechGear",
        "vendor_product_id": "PROD-1",
        "product_name": "Lamp",
        "category": "Books",
        "description": "One\r\ntwo",
        "sku": "SKU-1",
        "brand": "Brand",
        "price": "19.99",
        "stock_quantity": 3,
        "unit": "piece",
        "status": "active",
        "block_reason": None,
        "upload_id": "UPLOAD_1",
        "row_number": 1,
        "created_at": TIME,
        "updated_at": TIME,
        "version": "v1",
    }
    return CatalogProductResponse(**{**fields, **values})


def make_fields(product: CatalogProductResponse, **edited: str) -> dict[str, str]:
    """Return the fields that a browser sends for the form of a product."""
    shown = {column: show_value(product, column).replace("\n", "\r\n") for column in FORM_COLUMNS}
    originals = {f"original_{column}": text for column, text in shown.items()}
    return {**shown, **originals, **edited, "version": product.version, "key": "k"}


def make_error(error_type: str, column: str, **fields: str) -> RowProblem:
    values: dict[str, Any] = {"hint": "", "suggestion": "", "expected": "", "value": None, "message": "Wrong"}
    return RowProblem(
        location="body",
        field=column,
        product_id=7,
        vendor_product_id="PROD-1",
        error_type=error_type,
        column=column,
        **{**values, **fields},
    )


def get_field(view: FormView, name: str) -> FieldView:
    [field] = [field for field in view.fields if field.name == name]
    return field


def test_parse_form_lists_only_what_the_user_has_changed() -> None:
    form = ProductForm.parse(make_fields(make_product(), price=" 5.00 ", brand="", unit="piece "))
    assert form.edits == {"price": "5.00", "brand": ""}
    assert ProductForm.parse({"version": "", "key": "k"}).edits == {}
    assert ProductForm.parse({}).version is None


def test_build_form_with_errors_keeps_values_and_names_them_beside_the_fields() -> None:
    product = make_product()
    form = ProductForm.parse(make_fields(product, category="Boks", price="x"))
    errors = [
        make_error("INVALID_CATEGORY", "category", hint="Did you mean 'Books'?", suggestion="Books"),
        make_error("FIELD_COUNT_MISMATCH", "row", message="Other"),
    ]
    view = build_form(product, form, errors)
    category = get_field(view, "category")
    assert (category.value, category.original, category.suggestion) == ("Boks", "Books", "Books")
    assert category.messages == ["Wrong. Did you mean 'Books'?"]
    assert (view.messages, view.version, view.is_stale, view.is_open) == (["Other."], "v1", False, True)
    assert (get_field(view, "price").value, get_field(view, "price").messages) == ("x", [])


def test_build_stale_form_shows_present_values_beside_those_of_the_user() -> None:
    form = ProductForm.parse(make_fields(make_product(), price="5.00", unit="box"))
    now = make_product(price="6.00", brand="Theirs", version="v2")
    view = build_form(now, form, [make_error("STALE_ROW", "_version")])
    assert (view.version, view.is_stale) == ("v2", True)
    shown = {name: get_field(view, name) for name in ("price", "brand", "unit")}
    assert {name: (field.value, field.original, field.present) for name, field in shown.items()} == {
        "price": ("5.00", "6.00", "6.00"),
        "brand": ("Theirs", "Theirs", None),
        "unit": ("box", "piece", None),
    }


def test_idempotency_key_differs_by_form_and_content() -> None:
    keys = {derive_idempotency_key(form, part) for form in ("a", "b") for part in ("x", "y")}
    assert len(keys) == 4
    assert derive_idempotency_key("a", "x") in keys
    assert derive_idempotency_key("", "x") is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"upload_rows": 2}, False),
        ({"is_undone": True}, False),
        ({"at": datetime(2026, 1, 1, tzinfo=UTC)}, False),
        ({"event_type": ProductEventType.BLOCKED, "upload_rows": None}, False),
    ],
)
def test_can_undo_only_the_latest_change_of_an_upload_with_one_row(changes: dict[str, Any], *, expected: bool) -> None:
    fields: dict[str, Any] = {
        "event_type": ProductEventType.UPDATED,
        "at": TIME,
        "actor": "TechGear",
        "upload_id": "UPLOAD_2",
        "file_name": "x.csv",
        "row_number": 1,
        "spreadsheet_row": 2,
        "upload_rows": 1,
        "changes": [],
        "is_undone": False,
        "reason": None,
    }
    assert can_undo(make_product(), ProductEventResponse(**{**fields, **changes})) is expected
