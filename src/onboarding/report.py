"""The error report: what the vendor must fix, as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from onboarding.formulas import inert
from onboarding.ledger import ReportedRow
from onboarding.model import Upload

HEADER = (
    "Row Number",
    "Vendor Product ID",
    "SKU",
    "Product Name",
    "Error Type",
    "Error Message",
    "Price",
    "Stock Quantity",
)


def report_key(upload: Upload) -> str:
    """Where the report of an upload lies in the bucket."""
    return f"errors/{upload.vendor_id}/{upload.upload_id}_errors.csv"


def report_of(errors: Iterable[ReportedRow]) -> bytes:
    """The report: one line for each error, in the order given. UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for line in errors:
        cells = line.cells
        values = (
            str(line.row_number),
            cells.get("vendor_product_id", ""),
            cells.get("sku", ""),
            cells.get("product_name", ""),
            line.error.error_type,
            line.error.message,
            cells.get("price", ""),
            cells.get("stock_quantity", ""),
        )
        writer.writerow([inert(value) for value in values])
    return encoded(text.getvalue())


def encoded(text: str) -> bytes:
    """UTF-8. Excel takes a file for another encoding unless a byte order mark says so; plain ASCII needs none."""
    return text.encode("ascii" if text.isascii() else "utf-8-sig")
