"""Options `--map` and `--map-value`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onboarding.cli.errors import CommandError
from onboarding.cli.mapping_options import (
    describe_mapping,
    merge_documents,
    parse_columns,
    parse_options,
    parse_values,
    require_headers,
    split_value,
)
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import FillDown, HeaderMapping, MappingDocument


@pytest.mark.parametrize(
    ("option", "header", "columns"),
    [
        ("EKPRI=price", "EKPRI", ("price",)),
        ("MATNR=vendor_product_id,sku", "MATNR", ("vendor_product_id", "sku")),
        (" Our Price = price , sku ", "Our Price", ("price", "sku")),
        ("Notes=", "Notes", ()),
        ("a=b=brand", "a=b", ("brand",)),
    ],
)
def test_parse_columns_option_has_header_and_columns(option: str, header: str, columns: tuple[str, ...]) -> None:
    assert parse_columns([option]) == {header: HeaderMapping(columns)}


def test_parse_values_several_options_are_grouped_by_column() -> None:
    assert parse_values(["category:Men=Men's Clothing", "category: A:B = Books"]) == {
        "category": {"Men": "Men's Clothing", "A:B": "Books"}
    }


@pytest.mark.parametrize(
    ("parse", "message"),
    [
        (lambda: parse_columns(["EKPRI"]), "'EKPRI' is not a header and our column for it, such as EKPRI=price"),
        (lambda: parse_columns(["=price"]), "'=price' is not a header"),
        (lambda: parse_columns(["A=sku", "A=price"]), "To feed two columns: A=COLUMN,COLUMN"),
        (lambda: parse_values(["category:Men"]), "such as category:Men=Men's Clothing"),
        (lambda: parse_values(["category:Men="]), "'category:Men=' is not a value and our value for it"),
        (lambda: parse_values(["Men=Books"]), "'Men' is not a column and a value, such as category:Men"),
        (lambda: parse_values(["category:Men=Books", "category:Men=Audio"]), "The category 'Men' is mapped twice"),
        (lambda: split_value("category:"), "'category:' is not a column and a value"),
        (lambda: parse_options(["EKPRI=prize"], None), "'prize' is not a column; the columns are vendor_product_id"),
        (lambda: parse_options(["A=sku", "B=sku"], None), "'A' and 'B' are both mapped to sku"),
        (lambda: parse_options(None, ["brand:A=B"]), "Values can be mapped for category"),
    ],
)
def test_parse_invalid_option_is_explained(parse: Callable[[], object], message: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse()
    assert message in str(caught.value)


def test_parse_options_without_options_is_none() -> None:
    assert parse_options(None, []) is None


def test_require_headers_unknown_header_lists_the_headers_of_the_file() -> None:
    document = MappingDocument(parse_columns(["ekpri =price"]))
    require_headers(document, ["MATNR", "EKPRI"], Path("products.csv"))
    with pytest.raises(CommandError) as caught:
        require_headers(document, ["MATNR", "EKPR"], Path("products.csv"))
    assert str(caught.value) == "products.csv has no header 'ekpri'. Its headers are: MATNR, EKPR"


def test_merge_documents_changes_replace_headers_columns_and_values() -> None:
    euros = MappedNumberFormat(decimal_sign=",", remove="EUR")
    base = MappingDocument(
        {
            "MATNR": HeaderMapping(("vendor_product_id", "sku")),
            "EKPRI": HeaderMapping(("price",), euros),
            "Gewicht": HeaderMapping(("weight_kg",), euros),
            "Notes": HeaderMapping(()),
        },
        constants={"brand": "Acme", "unit": "piece"},
        fill_down=FillDown("MATNR", ("Title",)),
        values={"category": {"Men": "Books", "Women": "Women's Clothing"}},
        first_address=("Pictures",),
    )
    changes = MappingDocument(
        {
            "ART": HeaderMapping(("sku",)),
            "ekpri": HeaderMapping(("compare_at_price",)),
            "Gewicht": HeaderMapping(("brand",)),
        },
        values={"category": {"MEN": "Men's Clothing"}},
    )
    assert merge_documents(base, changes) == MappingDocument(
        {
            "MATNR": HeaderMapping(("vendor_product_id",)),
            "Notes": HeaderMapping(()),
            "ART": HeaderMapping(("sku",)),
            "ekpri": HeaderMapping(("compare_at_price",), euros),
            "Gewicht": HeaderMapping(("brand",)),
        },
        constants={"unit": "piece"},
        fill_down=FillDown("MATNR", ("Title",)),
        values={"category": {"Women": "Women's Clothing", "MEN": "Men's Clothing"}},
        first_address=("Pictures",),
    )


SAP = {"mapping_id": "M1", "version": 2, "name": "SAP"}
MEN = {"column": "category", "vendor_value": "Men", "target": "Men's Clothing", "rows": 400}
BOOK = {"column": "category", "vendor_value": "Book", "target": "Books", "rows": 1}


@pytest.mark.parametrize(
    ("mapping", "used_values", "description"),
    [
        (SAP, [MEN, BOOK], "'SAP' (version 2): 'Men' → Men's Clothing, 400 rows; 'Book' → Books, 1 row"),
        (SAP, [], "'SAP' (version 2)"),
        ({**SAP, "name": None}, [BOOK], "M1/2 (for one upload): 'Book' → Books, 1 row"),
        (None, [BOOK], "'Book' → Books, 1 row"),
        (None, [], ""),
    ],
)
def test_describe_mapping_names_mapping_and_effect(
    mapping: dict[str, object] | None, used_values: list[dict[str, object]], description: str
) -> None:
    assert describe_mapping(mapping, used_values) == description
