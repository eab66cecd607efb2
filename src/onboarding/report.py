"""The error report: what the vendor must fix, as a CSV file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

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

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def report_key(upload: Upload) -> str:
    """Where the report of an upload lies in the bucket."""
    return f"errors/{upload.vendor_id}/{upload.upload_id}_errors.csv"


def report_of(errors: Iterable[ReportedRow]) -> bytes:
    """The report: one line for each error, in the order given. UTF-8 with a byte order mark, which Excel needs."""
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
    return text.getvalue().encode("utf-8-sig")


def inert(value: str) -> str:
    """`value` as a spreadsheet shows it and does not run it: an apostrophe before what would start a formula.

    A number keeps its minus. A leading apostrophe is doubled, so that taking one away always gives the value back.
    """
    if value.startswith("'") or (value.startswith(_RUNS_AS_FORMULA) and not _NUMBER.fullmatch(value)):
        return f"'{value}"
    return value
