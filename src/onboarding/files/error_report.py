"""Writer of the error report, a CSV file with a line for each error."""

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
"""Positions of the columns without a value of the row."""

_TITLES = {
    _ROW_NUMBER: "Row Number",
    _ERROR_TYPE: "Error Type",
    _ERROR_MESSAGE: "Error Message",
    **{position: PRODUCT_SCHEMA[name].title for position, name in REPORT_COLUMNS.items()},
}
_POSITIONS = sorted(_TITLES)

HEADER = tuple(_TITLES[position] for position in _POSITIONS)


def report_key(upload: Upload) -> str:
    """Return the S3 key of an upload's error report."""
    return f"errors/{upload.vendor_id}/{upload.upload_id}_errors.csv"


def write_report(file: BinaryIO, errors: Iterable[ReportedRow]) -> None:
    """Write a line for each error, in the order of `errors`, in UTF-8.

    Excel needs a byte order mark to detect UTF-8, unless the report is plain ASCII. This is known after the last line:
    until then the lines are in a temporary file, since they may not fit into the memory of a function.
    """
    is_ascii = True
    with TemporaryFile() as lines:
        text = io.TextIOWrapper(lines, encoding="utf-8", newline="")
        writer = csv.writer(text)
        writer.writerow(HEADER)
        for reported_row in errors:
            by_position = {
                _ROW_NUMBER: str(reported_row.row_number),
                _ERROR_TYPE: reported_row.error.error_type,
                _ERROR_MESSAGE: reported_row.error.message,
                **{position: reported_row.cells.get(name) or "" for position, name in REPORT_COLUMNS.items()},
            }
            values = [by_position[position] for position in _POSITIONS]
            is_ascii = is_ascii and all(map(str.isascii, values))
            writer.writerow([escape_formula(value) for value in values])
        if not is_ascii:
            file.write(codecs.BOM_UTF8)
        text.flush()
        lines.seek(0)
        shutil.copyfileobj(lines, file)
