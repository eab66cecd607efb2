"""The error report: what the vendor must fix, as a CSV file."""

from __future__ import annotations

import codecs
import csv
import io
import shutil
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import BinaryIO

from onboarding.domain.models import Upload
from onboarding.files.formula_escaping import escape_formula
from onboarding.storage.uploads import ReportedRow

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


def write_report(file: BinaryIO, errors: Iterable[ReportedRow]) -> None:
    """The report: one line for each error, in the order given. UTF-8.

    Excel takes a file for another encoding unless a byte order mark says so; plain ASCII needs none. Which it is shows
    at the end, so the lines are on the disk until then: they may be more than a function's memory holds.
    """
    plain = True
    with TemporaryFile() as lines:
        text = io.TextIOWrapper(lines, encoding="utf-8", newline="")
        writer = csv.writer(text)
        writer.writerow(HEADER)
        for line in errors:
            cells = line.cells
            values = (
                str(line.row_number),
                cells.get("vendor_product_id") or "",
                cells.get("sku") or "",
                cells.get("product_name") or "",
                line.error.error_type,
                line.error.message,
                cells.get("price") or "",
                cells.get("stock_quantity") or "",
            )
            plain = plain and all(map(str.isascii, values))
            writer.writerow([escape_formula(value) for value in values])
        if not plain:
            file.write(codecs.BOM_UTF8)
        text.flush()
        lines.seek(0)
        shutil.copyfileobj(lines, file)
