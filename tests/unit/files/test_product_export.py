"""Exported products as CSV and as a workbook: columns, notation of values, escaped formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from onboarding.domain.catalog import CatalogProduct
from onboarding.domain.exports import ExportFormat
from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import COLUMNS, NUMBER_COLUMNS
from onboarding.files.parser import parse
from onboarding.files.product_export import CsvExport, WorkbookExport

CHANGED_AT = datetime(2026, 11, 29, 10, 30, 45, 123456, tzinfo=UTC)

VALUES: dict[str, object] = {
    "vendor_product_id": "00012",
    "product_name": "Wireless Mouse",
    "category": "Computer Accessories",
    "subcategory": None,
    "description": 'Two lines,\n"quoted"',
    "sku": "1-2",
    "brand": None,
    "price": Decimal("19.90"),
    "compare_at_price": None,
    "stock_quantity": 0,
    "unit": "piece",
    "weight_kg": Decimal("0.250"),
    "dimensions_cm": "12x8x4",
    "image_url": "https://images.example.com/mouse.jpg",
    "status": "active",
}
CATEGORIES = ["Clothing", "Computer Accessories"]


def make_product(**changes: object) -> CatalogProduct:
    values = {**VALUES, **changes}
    return CatalogProduct(1, "VEND001", "TechGear", "UPLOAD_1", 1, CHANGED_AT, CHANGED_AT, None, values)


def write_csv(products: Sequence[CatalogProduct], *, has_vendors: bool = False) -> bytes:
    file = io.BytesIO()
    with closing(CsvExport(file, has_vendors=has_vendors)) as export:
        for product in products:
            export.write(product)
    return file.getvalue()


def write_workbook(products: Sequence[CatalogProduct], *, has_vendors: bool = False) -> bytes:
    file = io.BytesIO()
    with closing(WorkbookExport(file, has_vendors=has_vendors, categories=CATEGORIES)) as export:
        for product in products:
            export.write(product)
    return file.getvalue()


WRITERS = {ExportFormat.CSV: write_csv, ExportFormat.XLSX: write_workbook}


def open_sheet(content: bytes) -> Any:
    book: Workbook = load_workbook(io.BytesIO(content))
    return book["Products"]


def test_csv_has_all_columns_and_values_with_their_decimals() -> None:
    content = write_csv([make_product()])
    assert content.startswith("\ufeff".encode())
    [header, row] = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert header == [*COLUMNS, "_version"]
    assert row == [
        "00012", "Wireless Mouse", "Computer Accessories", "", 'Two lines,\n"quoted"', "1-2", "", "19.90", "", "0",
        "piece", "0.250", "12x8x4", "https://images.example.com/mouse.jpg", "active", make_product().version,
    ]  # fmt: skip


def test_workbook_has_texts_as_text_and_numbers_as_numbers() -> None:
    sheet = open_sheet(write_workbook([make_product(brand="=1+1", description="https://x.example")]))
    header, row = list(sheet.iter_rows())
    assert [cell.value for cell in header] == [*COLUMNS, "_version"]
    cells = {name.value: cell for name, cell in zip(header, row, strict=True)}
    assert {name for name, cell in cells.items() if cell.data_type == "n" and cell.value is not None} == {
        "price", "stock_quantity", "weight_kg",
    }  # fmt: skip
    assert (cells["price"].value, cells["price"].number_format) == (19.9, "0.00")
    assert (cells["weight_kg"].value, cells["weight_kg"].number_format) == (0.25, "0.000")
    assert (cells["stock_quantity"].value, cells["stock_quantity"].number_format) == (0, "0")
    texts = [cell for name, cell in cells.items() if name not in NUMBER_COLUMNS and cell.value is not None]
    assert {cell.number_format for cell in texts} == {"@"}
    # Neither a number, a date, a formula nor a link.
    assert [cells[name].value for name in ("vendor_product_id", "sku", "brand")] == ["00012", "1-2", "=1+1"]
    assert cells["brand"].data_type == "s"
    assert cells["description"].hyperlink is None
    assert sheet.freeze_panes == "A2"


def test_workbook_has_lists_of_categories_and_statuses() -> None:
    content = write_workbook([make_product(), make_product()])
    lists = {str(choice.sqref): choice.formula1 for choice in open_sheet(content).data_validations.dataValidation}
    assert lists == {"C2:C3": "_Categories!$A$1:$A$2", "O2:O3": '"active,inactive"'}


@pytest.mark.parametrize("file_format", WRITERS)
def test_export_of_several_vendors_has_their_ids_first(file_format: ExportFormat) -> None:
    content = WRITERS[file_format]([make_product()], has_vendors=True)
    if file_format is ExportFormat.CSV:
        [header, row] = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    else:
        [header, row] = [[cell.value for cell in cells] for cells in open_sheet(content).iter_rows()]
    assert (header[0], row[0]) == ("vendor_id", "VEND001")
    assert header[1:] == [*COLUMNS, "_version"]


@pytest.mark.parametrize("file_format", WRITERS)
@pytest.mark.parametrize("text", ["=1+1", "@cmd", "+49 30 1234", "-x", "'quoted", "''twice", "'=1", "=\n2", "0012"])
def test_export_formula_is_read_as_it_was(file_format: ExportFormat, text: str) -> None:
    product = make_product(brand=text, vendor_product_id=text)
    parsed = parse(WRITERS[file_format]([product]), "UPLOAD_1", "VEND001")
    assert not isinstance(parsed, FileRejection)
    [row] = parsed.rows
    assert (row.cells["brand"], row.cells["vendor_product_id"]) == (text, text)
    assert (row.cells["price"], row.cells["_version"]) == ("19.90", product.version)


def test_csv_formula_is_escaped() -> None:
    assert b",'=1+1," in write_csv([make_product(brand="=1+1")])


@pytest.mark.parametrize("file_format", WRITERS)
def test_export_without_products_has_the_header(file_format: ExportFormat) -> None:
    parsed = parse(WRITERS[file_format]([]), "UPLOAD_1", "VEND001")
    assert isinstance(parsed, FileRejection)
    assert parsed.code == "NO_ROWS"


def test_equal_products_result_in_equal_workbooks() -> None:
    assert write_workbook([make_product()]) == write_workbook([make_product()])
