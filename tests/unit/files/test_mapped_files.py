"""Files that are read with a mapping: headers, numbers, constants, groups of rows, and the choice of the mapping."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from openpyxl import Workbook

from onboarding.domain.mapping_json import parse_document
from onboarding.domain.mappings import FileHeader, HeaderSource, MappingChoice, SavedMapping, compute_fingerprint
from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import DEFAULT_CATEGORIES
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.models import MappingNeeded
from onboarding.files.parser import ParsedFile, parse, parse_table

SAP = "MATNR;MAKTX;MATKL;EKPRI;LGBST\n0001;Trousers;Men;1.234,50 EUR;5\n0002;Skirt;Women;3,5;7\n"
SAP_MAPPING = {
    "matnr": ["vendor_product_id", "sku"],
    "MAKTX": ["product_name"],
    "MATKL": ["category"],
    "EKPRI": ["price"],
    "LGBST": ["stock_quantity"],
}
EURO = {"decimal_sign": ",", "thousands_separator": ".", "remove": "EUR"}

SHOPIFY = """\
Handle,Title,Vendor,Type,Variant SKU,Variant Price,Variant Inventory Qty,Image Src
shirt,Shirt,ACME,Clothing,S-1,10.00,5,https://images.example.com/1.jpg
shirt,,,,S-2,11.00,6,
shirt,,,,,,,https://images.example.com/2.jpg
shirt,,,,,,,https://images.example.com/3.jpg
hat,Hat,ACME,Accessories,H-1,3.00,1,
"""
SHOPIFY_FIELDS = {
    "columns": {
        "Variant SKU": {"columns": ["vendor_product_id", "sku"]},
        "Type": {"columns": ["category"]},
        "Vendor": {"columns": ["brand"]},
    },
    "fill_down": {"group_header": "Handle", "headers": ["Title", "Vendor", "Type"]},
}


def make_mapping(
    targets: Mapping[str, list[str]], header: str = "", formats: Mapping[str, Any] | None = None, **fields: Any
) -> SavedMapping:
    """Return a mapping with these targets; `header` is the header line, separated by semicolons, that it is for."""
    columns = {
        name: {"columns": columns, **({"number_format": formats[name]} if formats and name in formats else {})}
        for name, columns in targets.items()
    }
    fingerprint = compute_fingerprint(header.split(";")) if header else None
    return SavedMapping("M1", 2, parse_document({"columns": columns, **fields}), "SAP", fingerprint)


def parse_with(text: str | bytes, mapping: SavedMapping) -> ParsedFile:
    content = text if isinstance(text, bytes) else text.encode()
    result = parse(content, "UPLOAD_1", "VEND001", choice=MappingChoice(mapping))
    assert not isinstance(result, FileRejection), result
    return result


def test_parse_mapped_headers_feed_their_columns() -> None:
    parsed_file = parse_with(SAP, make_mapping(SAP_MAPPING, formats={"EKPRI": EURO}))
    assert [dict(row.cells) for row in parsed_file.rows] == [
        {
            "vendor_product_id": number, "sku": number, "product_name": name, "category": category, "price": price,
            "stock_quantity": stock,
        }
        for number, name, category, price, stock in [
            ("0001", "Trousers", "Men", "1234.50", "5"),
            ("0002", "Skirt", "Women", "3.5", "7"),
        ]
    ]  # fmt: skip
    assert [row.original for row in parsed_file.rows] == [{"price": "1.234,50 EUR"}, {"price": "3,5"}]
    assert parsed_file.file_details.columns["MATNR"] == "vendor_product_id, sku"
    assert (parsed_file.mapping_reference, parsed_file.warnings) == ("M1/2", [])
    assert parsed_file.headers[0] == FileHeader(
        "MATNR", ("vendor_product_id", "sku"), HeaderSource.MAPPING, ("0001", "0002")
    )


def test_parse_mapped_header_wins_over_the_columns_own_name() -> None:
    text = "vendor_product_id,product_name,category,sku,price,Retail,stock_quantity\nP-1,Lamp,Garden,S-1,9.00,12.00,3\n"
    parsed_file = parse_with(text, make_mapping({"Retail": ["price"]}))
    assert parsed_file.rows[0].cells["price"] == "12.00"
    assert [(warning.code, warning.column) for warning in parsed_file.warnings] == [("UNKNOWN_COLUMN", "price")]


def test_parse_ignored_header_is_not_read_and_not_warned_of() -> None:
    text = (
        "vendor_product_id,product_name,category,sku,price,stock_quantity,brand,Note\nP-1,Lamp,Garden,S-1,9,3,Acme,x\n"
    )
    parsed_file = parse_with(text, make_mapping({"brand": [], "Note": []}))
    assert "brand" not in parsed_file.rows[0].cells
    assert parsed_file.warnings == []
    assert parsed_file.file_details.unknown == ["brand", "Note"]


def test_parse_mapping_decides_between_ambiguous_prices() -> None:
    text = "vendor_product_id,product_name,category,sku,standard_price,list_price,stock_quantity\nP-1,L,G,S-1,5,9,3\n"
    assert isinstance(parse(text.encode(), "U", "V"), FileRejection)
    parsed_file = parse_with(text, make_mapping({"list_price": ["price"], "standard_price": []}))
    assert parsed_file.rows[0].cells["price"] == "9"


def test_parse_constants_apply_only_to_columns_that_the_file_lacks() -> None:
    text = "vendor_product_id,product_name,category,sku,price,unit\nP-1,Lamp,Garden,S-1,9,\nP-2,Lamp,Garden,S-2,9,box\n"
    parsed_file = parse_with(text, make_mapping({}, constants={"stock_quantity": "10", "unit": "set"}))
    assert [row.cells["stock_quantity"] for row in parsed_file.rows] == ["10", "10"]
    assert [row.cells.get("unit") for row in parsed_file.rows] == [None, "box"]


def test_parse_text_not_in_the_number_format_stays_as_written() -> None:
    text = "vendor_product_id,product_name,category,sku,price,stock_quantity\nP-1,Lamp,Garden,S-1,12.50,3 pcs\n"
    formats = {"price": {"decimal_sign": ",", "thousands_separator": "."}, "stock_quantity": {"remove": "pcs"}}
    mapping = make_mapping({"price": ["price"], "stock_quantity": ["stock_quantity"]}, formats=formats)
    [row] = parse_with(text, mapping).rows
    assert (row.cells["price"], row.cells["stock_quantity"]) == ("12.50", "3")
    assert row.original == {"stock_quantity": "3 pcs"}


def test_parse_whole_number_in_number_format_loses_zero_decimals() -> None:
    text = "vendor_product_id;product_name;category;sku;price;stock_quantity\nP-1;Lamp;Garden;S-1;9,00;120,000\n"
    formats = {"stock_quantity": {"decimal_sign": ","}}
    mapping = make_mapping({"stock_quantity": ["stock_quantity"]}, formats=formats)
    assert parse_with(text, mapping).rows[0].cells["stock_quantity"] == "120"


def test_parse_workbook_number_format_applies_to_texts_and_numeric_cells() -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["vendor_product_id", "product_name", "category", "sku", "price", "stock_quantity", "Grams"])
    sheet.append(["P-1", "Lamp", "Garden", "S-1", "1.234,50 €", 3, 250])
    sheet.append(["P-2", "Lamp", "Garden", "S-2", 2.125, 3, "1.500"])
    content = io.BytesIO()
    workbook.save(content)
    german = {"decimal_sign": ",", "thousands_separator": "."}
    formats = {"price": {**german, "remove": "€"}, "Grams": {**german, "factor": "0.001"}}
    mapping = make_mapping({"price": ["price"], "Grams": ["weight_kg"]}, formats=formats)
    rows = parse_with(content.getvalue(), mapping).rows
    assert [(row.cells["price"], row.cells["weight_kg"]) for row in rows] == [("1234.50", "0.25"), ("2.125", "1.5")]


def test_parse_groups_fill_blank_cells_and_leave_out_rows_with_a_picture_only() -> None:
    mapping = SavedMapping("M1", 1, parse_document(SHOPIFY_FIELDS))
    parsed_file = parse_with(SHOPIFY, mapping)
    assert [
        (row.line, row.cells["product_name"], row.cells["category"], row.cells["sku"]) for row in parsed_file.rows
    ] == [
        (2, "Shirt", "Clothing", "S-1"),
        (3, "Shirt", "Clothing", "S-2"),
        (6, "Hat", "Accessories", "H-1"),
    ]
    [message] = [warning.message for warning in parsed_file.warnings if warning.code == "NOT_PRODUCTS"]
    assert message.startswith("2 rows have no product of")
    assert message.endswith("lines 4-5")
    # The header of the groups was used.
    assert "UNKNOWN_COLUMN" not in {warning.code for warning in parsed_file.warnings}
    table = parse_table(SHOPIFY.encode(), MappingChoice(mapping))
    assert not isinstance(table, FileRejection)
    # Row 2 of the fix file is complete, although its file had the title in another row.
    assert table.rows[1][:4] == ["shirt", "Shirt", "ACME", "Clothing"]
    assert table.lines == [2, 3, 6]


def test_parse_first_of_several_addresses_is_used_only_if_the_mapping_says_so() -> None:
    header, urls = (
        "vendor_product_id,product_name,category,sku,price,stock_quantity,Images",
        "https://a.example.com/1.jpg",
    )
    text = (
        f'{header}\nP-1,Lamp,Garden,S-1,9,3,"{urls}, https://a.example.com/2,3.jpg"\nP-2,Lamp,Garden,S-2,9,3,{urls}\n'
    )
    rows = parse_with(text, make_mapping({"Images": ["image_url"]})).rows
    assert rows[0].cells["image_url"] == f"{urls}, https://a.example.com/2,3.jpg"
    parsed_file = parse_with(text, make_mapping({"Images": ["image_url"]}, first_address=["images"]))
    assert [row.cells["image_url"] for row in parsed_file.rows] == [urls, urls]
    assert parsed_file.rows[0].original == {"image_url": f"{urls}, https://a.example.com/2,3.jpg"}
    [warning] = parsed_file.warnings
    assert (warning.code, warning.row_number, warning.column) == ("FURTHER_ADDRESSES", 1, "image_url")


def test_parse_groups_with_keys_take_texts_of_the_parent_which_is_no_product() -> None:
    text = """\
SKU,Parent,Name,Categories,Price,Stock
SOCK,,Socks,Clothing,,
SOCK-M,SOCK,Socks M,,12.00,33
SOCK-L,SOCK,Socks L,,12.00,28
MUG,,Mug,Kitchen,9.00,1
GIFT,,Gift card,Books,,
HAT,,Hat,Clothing,5.00,
HAT-S,HAT,Hat S,,5.00,2
X,LOST,Lost,,5.00,2
"""
    targets = {
        "SKU": ["vendor_product_id", "sku"],
        "Name": ["product_name"],
        "Categories": ["category"],
        "Price": ["price"],
        "Stock": ["stock_quantity"],
    }
    fill_down = {"group_header": "Parent", "headers": ["Categories"], "key_header": "SKU"}
    parsed_file = parse_with(text, make_mapping(targets, fill_down=fill_down))
    assert [(row.cells["sku"], row.cells.get("category")) for row in parsed_file.rows] == [
        ("SOCK-M", "Clothing"),
        ("SOCK-L", "Clothing"),
        ("MUG", "Kitchen"),
        # Without a price and without rows that follow: an error of the row, not of the group.
        ("GIFT", "Books"),
        ("HAT", "Clothing"),
        ("HAT-S", "Clothing"),
        ("X", None),
    ]
    [warning] = parsed_file.warnings
    assert (warning.code, warning.message.endswith("was not read: line 2")) == ("NOT_PRODUCTS", True)


FILLED = {
    "columns": {
        "Handle": {"columns": []},
        "Title": {"columns": ["product_name"]},
        "ID": {"columns": ["vendor_product_id", "sku"]},
    },
    "fill_down": {"group_header": "Handle", "headers": ["Title"]},
}


def test_parse_groups_are_not_filled_from_rows_with_values_in_wrong_columns() -> None:
    text = (
        "Handle,Title,ID,category,price,stock_quantity\n"
        "shirt,Red, white shirt,A1,Books,10.00,5\n"
        "shirt,,A2,Books,11.00,6\n"
        "hat,Hat,B1,Books,3.00,1\n"
        "hat,,Cap, with brim,B2,Books,4.00,1\n"
    )
    rows = parse_with(text, SavedMapping("M1", 1, parse_document(FILLED))).rows
    assert [(row.surplus_fields, row.cells.get("product_name")) for row in rows] == [
        (1, "Red"),
        (0, None),
        (0, "Hat"),
        (2, None),
    ]


def test_parse_workbook_unit_of_a_number_format_is_not_taken_for_the_unit_of_the_mapping() -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["vendor_product_id", "product_name", "category", "sku", "price", "stock_quantity", "Weight"])
    for number, code in enumerate(['0" kg"', '0" g"', "General"], 1):
        sheet.append([f"P-{number}", "Lamp", "Garden", f"S-{number}", 9, 3, 250])
        sheet.cell(number + 1, 7).number_format = code
    content = io.BytesIO()
    workbook.save(content)
    formats = {"Weight": {"remove": "g", "factor": "0.001"}}
    rows = parse_with(content.getvalue(), make_mapping({"Weight": ["weight_kg"]}, formats=formats)).rows
    assert [row.cells["weight_kg"] for row in rows] == ["250 kg", "0.25", "0.25"]


def test_parse_workbook_header_of_an_identifier_and_a_text_is_read_as_an_identifier() -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["Number", "category", "price", "stock_quantity"])
    sheet.append([7, "Garden", 9, 3])
    sheet.cell(2, 1).number_format = "#,##0.00"
    content = io.BytesIO()
    workbook.save(content)
    for columns in (["product_name", "sku", "vendor_product_id"], ["sku", "vendor_product_id", "product_name"]):
        [row] = parse_with(content.getvalue(), make_mapping({"Number": columns})).rows
        assert (row.cells["sku"], row.cells["product_name"]) == ("7", "7")


def test_parse_rejected_file_names_the_mapping_that_lacks_a_column() -> None:
    mapping = make_mapping({"Nr": ["vendor_product_id", "sku"], "Name": ["product_name"]}, "Nr;Name;Lager")
    result = parse(b"Nr;Name;Lager\n1;Lamp;5\n", "U", "V", choice=MappingChoice(by_headers=[mapping]))
    assert isinstance(result, FileRejection)
    assert (result.code, result.mapping_reference) == ("MISSING_COLUMNS", "M1/2")
    assert "no header line" not in result.reason


def test_parse_by_headers_applies_the_mapping_of_exactly_these_headers() -> None:
    mapping = make_mapping(SAP_MAPPING, "LGBST;matnr;MAKTX;MATKL;EKPRI")
    choice = MappingChoice(by_headers=[make_mapping({"MATNR": ["sku"]}, "MATNR;MAKTX"), mapping])
    parsed_file = parse(SAP.encode(), "U", "V", choice=choice)
    assert isinstance(parsed_file, ParsedFile)
    assert parsed_file.mapping_reference == mapping.reference
    other = parse(SAP.replace("LGBST", "LABST").encode(), "U", "V", choice=choice)
    assert isinstance(other, FileRejection)
    assert [header.name for header in other.headers] == ["MATNR", "MAKTX", "MATKL", "EKPRI", "LABST"]
    assert all(header.source is HeaderSource.UNKNOWN for header in other.headers)


@pytest.mark.parametrize("choice", ["fixed", "by headers", "preset"])
def test_parse_header_below_a_title_is_found(choice: str) -> None:
    mapping = make_mapping(SAP_MAPPING, "MATNR;MAKTX;MATKL;EKPRI;LGBST", formats={"EKPRI": EURO})
    choices = {"fixed": MappingChoice(mapping), "by headers": MappingChoice(by_headers=[mapping])}
    result = parse(f"Price list of;May\n\n{SAP}".encode(), "U", "V", choice=choices.get(choice, MappingChoice()))
    if choice == "preset":
        assert isinstance(result, FileRejection)
        assert result.headers[0].name == "MATNR"
    else:
        assert isinstance(result, ParsedFile)
        assert result.file_details.header_line == 3


def test_parse_fix_file_names_the_mapping_of_its_upload() -> None:
    header, *lines = SAP.splitlines()
    fix_file = "\n".join([f"_row;_errors;_hint;_mapping;{header}", *(f"2;x;;M7/3;{line}" for line in lines)])
    with pytest.raises(MappingNeeded, match="M7/3"):
        parse(fix_file.encode(), "U", "V", choice=MappingChoice(follows_fix_file=True))
    mapping = make_mapping(SAP_MAPPING, header)
    for choice in (MappingChoice(mapping, follows_fix_file=True), MappingChoice(by_headers=[mapping])):
        parsed_file = parse(fix_file.encode(), "U", "V", choice=choice)
        assert isinstance(parsed_file, ParsedFile)
        assert [row.cells["sku"] for row in parsed_file.rows] == ["0001", "0002"]
        assert parsed_file.table.header == header.split(";")


def test_parse_known_mapping_finds_the_header_that_its_headers_found() -> None:
    """A repeated event knows the mapping of its upload; the first one found it by the headers below another table."""
    header = "MATNR;MAKTX;MATKL;EKPRI;LGBST"
    mapping = make_mapping(SAP_MAPPING, header)
    content = f"MATNR;MAKTX;EKPRI\n0009;Summary 2024;12\n{SAP}".encode()
    first = parse(content, "U", "V", choice=MappingChoice(by_headers=[mapping]))
    again = parse(content, "U", "V", choice=MappingChoice(mapping))
    assert isinstance(first, ParsedFile)
    assert isinstance(again, ParsedFile)
    assert first.file_details.header_line == again.file_details.header_line == 3
    assert first.rows == again.rows
    assert parse_table(content, MappingChoice(mapping)) == first.table


GRAMS = {"decimal_sign": ",", "remove": "g", "factor": "0.001"}


@pytest.mark.parametrize(
    ("text", "weight", "message"),
    [
        ("1500 g", "1.5", None),
        # A plain number is in kg only by chance.
        ("1.5", "1.5", "Weight can be read in two ways: its point may stand before decimals or between thousands"),
        ("1500,5", "1.5005", "Weight must be a plain number with at most three decimals, such as 250; found '1500,5'"),
        ("many", "many", "Weight must be a plain number with at most three decimals, such as 250; found 'many'"),
    ],
)
def test_validate_mapped_number_shows_the_vendors_notation(text: str, weight: str, message: str | None) -> None:
    mapping = make_mapping({**SAP_MAPPING, "GRAMM": ["weight_kg"]}, formats={"GRAMM": GRAMS})
    content = f"MATNR;MAKTX;MATKL;EKPRI;LGBST;GRAMM\n1;Mouse;Electronics;3,5;7;{text}\n"
    [row] = parse_with(content, mapping).rows
    assert row.cells["weight_kg"] == weight
    errors = validate_row(row, ValidationContext(DEFAULT_CATEGORIES, (), ()))
    assert [error.message[: len(message or "")] for error in errors] == ([message] if message else [])
    assert [error.value for error in errors] == ([text] if message else [])


@pytest.mark.parametrize(("text", "is_valid"), [("1.234", False), ("9.9", True), ("1234", True), ("1234,5", True)])
def test_validate_number_with_a_point_in_a_notation_with_decimal_commas_is_no_guess(text: str, is_valid: bool) -> None:
    mapping = make_mapping(
        {**SAP_MAPPING, "KILO": ["weight_kg"]}, formats={"KILO": {"decimal_sign": ",", "thousands_separator": " "}}
    )
    content = f"MATNR;MAKTX;MATKL;EKPRI;LGBST;KILO\n1;Mouse;Electronics;3,5;7;{text}\n"
    [row] = parse_with(content, mapping).rows
    assert (not validate_row(row, ValidationContext(DEFAULT_CATEGORIES, (), ()))) == is_valid
