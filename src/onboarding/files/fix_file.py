"""Writer of the fix file: rejected rows as the vendor wrote them, with their errors, to be corrected and uploaded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import BinaryIO

from onboarding.domain.models import ReportedRow, Upload
from onboarding.files.delimiter import DELIMITERS
from onboarding.files.formula_escaping import escape_formula
from onboarding.files.header import DECIMAL_COMMA, FIX_COLUMNS, MAPPING_REFERENCE
from onboarding.files.models import Table


def fix_file_key(upload: Upload) -> str:
    """Return the S3 key of an upload's fix file."""
    return f"errors/{upload.vendor_id}/{upload.upload_id}_fix.csv"


def write_fix_file(
    file: BinaryIO,
    table: Table,
    errors: Iterable[ReportedRow],
    *,
    decimal_commas: Sequence[str] = (),
    delimiter: str | None = None,
    mapping_reference: str = "",
) -> None:
    """Write a line for each rejected row: its spreadsheet row, messages, hints, and all its values in file order.

    `table` is the uploaded file, and `errors` are sorted by row. `decimal_commas` are the columns with decimal commas.
    `mapping_reference` names the mapping of the upload, which the next upload of the file uses again.
    `delimiter` names the delimiter of the uploaded file: the vendor's spreadsheet program may not split other files.
    UTF-8 with a byte order mark, so that Excel detects the encoding.
    """
    details = {DECIMAL_COMMA: ", ".join(decimal_commas), MAPPING_REFERENCE: mapping_reference}
    details = {name: value for name, value in details.items() if value}
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    delimiter_char = next((char for char, name in DELIMITERS.items() if name == delimiter), ",")
    writer = csv.writer(text, delimiter=delimiter_char)
    writer.writerow([*FIX_COLUMNS, *details, *map(escape_formula, table.header)])
    for row_number, same_row in groupby(errors, key=lambda error: error.row_number):
        # The version of this package that validated the file may have found more rows in it.
        if row_number > len(table.rows):
            continue
        row_errors = list(same_row)
        hints = (reported_row.error.hint for reported_row in row_errors if reported_row.error.hint)
        messages = _join(reported_row.error.message for reported_row in row_errors)
        fix_values = (str(table.lines[row_number - 1]), messages, _join(hints), *details.values())
        writer.writerow([escape_formula(value) for value in (*fix_values, *table.rows[row_number - 1])])
    text.detach()


def _join(texts: Iterable[str]) -> str:
    return "; ".join(texts)
