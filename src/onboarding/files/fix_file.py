"""The fix file: a vendor's own rejected rows as they were, each with what is wrong, to be mended and sent back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import BinaryIO

from onboarding.domain.models import ReportedRow, Upload
from onboarding.files.delimiter import DELIMITERS
from onboarding.files.formula_escaping import escape_formula
from onboarding.files.header import DECIMAL_COMMA, FIX_COLUMNS
from onboarding.files.models import Table


def fix_file_key(upload: Upload) -> str:
    """Where the fix file of an upload lies in the bucket."""
    return f"errors/{upload.vendor_id}/{upload.upload_id}_fix.csv"


def write_fix_file(
    file: BinaryIO,
    table: Table,
    errors: Iterable[ReportedRow],
    decimal_commas: Sequence[str] = (),
    delimiter: str | None = None,
) -> None:
    """One line for each rejected row: where a spreadsheet shows it, its messages, its hints, then all its values in the
    file's order.

    `table` is the file that was uploaded, `errors` come row by row, `decimal_commas` are the columns with such,
    `delimiter` is the name of what stood between its values: the vendor's spreadsheet program takes no other apart.
    UTF-8 with a byte order mark, which Excel needs.
    """
    commas = [", ".join(decimal_commas)] if decimal_commas else []
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    mark = next((mark for mark, name in DELIMITERS.items() if name == delimiter), ",")
    writer = csv.writer(text, delimiter=mark)
    writer.writerow([*FIX_COLUMNS, *([DECIMAL_COMMA] if commas else []), *map(escape_formula, table.header)])
    for row_number, same_row in groupby(errors, key=lambda line: line.row_number):
        # Another version of this package may have read more rows in the file than this one does.
        if row_number > len(table.rows):
            continue
        lines = list(same_row)
        hints = (line.error.hint for line in lines if line.error.hint)
        messages = _joined(line.error.message for line in lines)
        ours = (str(table.lines[row_number - 1]), messages, _joined(hints), *commas)
        writer.writerow([escape_formula(value) for value in (*ours, *table.rows[row_number - 1])])
    text.detach()


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(texts)
