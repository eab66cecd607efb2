"""The error report: what the vendor must fix, as a CSV file."""

from __future__ import annotations

import codecs
import csv
import io
import shutil
from collections.abc import Iterable
from tempfile import TemporaryFile
from typing import BinaryIO

from onboarding.domain.models import ReportedRow, Upload
from onboarding.domain.product_schema import PRODUCT_SCHEMA, REPORT_COLUMNS
from onboarding.files.formula_escaping import escape_formula

_ROW_NUMBER, _ERROR_TYPE, _ERROR_MESSAGE = 1, 5, 6
"""The places of the columns that do not show a value of the row."""

_TITLES = {
    _ROW_NUMBER: "Row Number",
    _ERROR_TYPE: "Error Type",
    _ERROR_MESSAGE: "Error Message",
    **{place: PRODUCT_SCHEMA[name].title for place, name in REPORT_COLUMNS.items()},
}
_PLACES = sorted(_TITLES)

HEADER = tuple(_TITLES[place] for place in _PLACES)


def report_key(upload: Upload) -> str:
    """Return the key of an upload's report in the bucket."""
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
            by_place = {
                _ROW_NUMBER: str(line.row_number),
                _ERROR_TYPE: line.error.error_type,
                _ERROR_MESSAGE: line.error.message,
                **{place: line.cells.get(name) or "" for place, name in REPORT_COLUMNS.items()},
            }
            values = [by_place[place] for place in _PLACES]
            plain = plain and all(map(str.isascii, values))
            writer.writerow([escape_formula(value) for value in values])
        if not plain:
            file.write(codecs.BOM_UTF8)
        text.flush()
        lines.seek(0)
        shutil.copyfileobj(lines, file)
