"""The form of a mapping: its controls, and the document that its fields describe."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import FillDown, HeaderMapping, InvalidMapping, MappingDocument, SavedMapping
from onboarding.web.portal.mapping_forms import (
    build_mapping_form,
    describe_fill_down,
    describe_number_format,
    list_target_choices,
    parse_mapping_form,
)

GERMAN = MappedNumberFormat(",", ".", "€")
DOCUMENT = MappingDocument(
    {
        "EKPRI": HeaderMapping(("price",), GERMAN),
        "ERNAM": HeaderMapping(()),
        "MATNR": HeaderMapping(("vendor_product_id", "sku")),
    },
    {"unit": "pair"},
    FillDown("MATNR", ("EKPRI",)),
    {"category": {"Men": "Men's Clothing"}},
    ("ERNAM",),
)
FIELDS = {
    "target-0": "price",
    "decimal_sign-0": ",",
    "thousands_separator-0": ".",
    "remove-0": " € ",
    "factor-0": "1",
    "target-1": "",
    "target-2": "vendor_product_id sku",
    "constant-unit": "pair",
    "new_constant_column": "",
    "new_constant": "",
}


def test_parse_unchanged_fields_returns_the_same_document() -> None:
    assert parse_mapping_form(FIELDS, DOCUMENT) == DOCUMENT


def test_parse_changed_fields_changes_targets_formats_and_constants() -> None:
    fields = FIELDS | {
        "target-0": "compare_at_price",
        "decimal_sign-0": "",
        "target-1": "brand",
        "constant-unit": "  ",
        "new_constant_column": "stock_quantity",
        "new_constant": " 10 ",
    }
    document = parse_mapping_form(fields, DOCUMENT)
    assert document.columns["EKPRI"] == HeaderMapping(("compare_at_price",))
    assert document.columns["ERNAM"] == HeaderMapping(("brand",))
    assert document.constants == {"stock_quantity": "10"}
    assert replace(document, columns=DOCUMENT.columns, constants=DOCUMENT.constants) == DOCUMENT


def test_parse_text_target_drops_the_number_format() -> None:
    assert parse_mapping_form(FIELDS | {"target-0": "description"}, DOCUMENT).columns["EKPRI"].number_format is None


@pytest.mark.parametrize(
    "fields",
    [
        {"target-1": "price"},
        {"target-1": "colour"},
        {"decimal_sign-0": "x"},
        {"thousands_separator-0": ","},
        {"new_constant_column": "stock_quantity", "new_constant": "many"},
        {"new_constant_column": "price", "new_constant": "1"},
    ],
)
def test_parse_invalid_fields_raises_invalid_mapping(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidMapping):
        parse_mapping_form(FIELDS | fields, DOCUMENT)


def test_form_lists_imported_headers_in_the_order_of_our_columns() -> None:
    form = build_mapping_form(SavedMapping("M1", 3, DOCUMENT, "SAP"))
    assert [(row.position, row.header) for row in form.headers] == [(2, "MATNR"), (0, "EKPRI"), (1, "ERNAM")]
    assert [row.has_numbers for row in form.headers] == [False, True, False]
    assert (form.name, form.version, dict(form.constants)) == ("SAP", 3, {"unit": "pair"})
    assert "unit" not in form.constant_choices
    assert form.notes == [
        "Blank cells under 'EKPRI' take the value of the first row with the same 'MATNR'.",
        "Of several web addresses under 'ERNAM', the first is used.",
    ]


def test_form_with_sent_fields_shows_them() -> None:
    fields = FIELDS | {"name": "New", "target-1": "price", "decimal_sign-0": ".", "thousands_separator-0": ""}
    form = build_mapping_form(SavedMapping("M1", 3, DOCUMENT, "SAP"), fields, error="Wrong.")
    assert [row.target for row in form.headers] == ["vendor_product_id sku", "price", "price"]
    assert form.headers[1].number_format == MappedNumberFormat(".", "", "€")
    assert (form.name, form.error) == ("New", "Wrong.")


def test_target_choices_have_used_combinations() -> None:
    assert "brand unit" not in list_target_choices()
    choices = list_target_choices([("brand", "unit"), ("sku", "vendor_product_id")])
    assert choices["brand unit"] == "Brand and Unit"
    assert choices["vendor_product_id sku"] == "Vendor product ID and SKU"
    assert choices[""] == "Do not import"
    assert "sku vendor_product_id" not in choices


@pytest.mark.parametrize(
    ("number_format", "samples", "expected"),
    [
        (GERMAN, ["free", "1.234,50 €"], "1.234,50 € → 1234.50"),
        (GERMAN, [], "1.234,50 € → 1234.50"),
        (MappedNumberFormat(",", ".", "g", "0.001"), ["500 g"], "500 g → 0.5"),
        (MappedNumberFormat(",", "", "", "1"), ["12"], "1234,50 → 1234.50"),
        (MappedNumberFormat(), ["12"], ""),
    ],
)
def test_number_format_is_described_by_an_example(
    number_format: MappedNumberFormat, samples: list[str], expected: str
) -> None:
    assert describe_number_format(number_format, samples) == expected


def test_fill_down_is_described_in_a_sentence() -> None:
    assert (
        describe_fill_down(FillDown("Handle", ("Title", "Vendor")))
        == "Blank cells under 'Title', 'Vendor' take the value of the first row with the same 'Handle'."
    )
