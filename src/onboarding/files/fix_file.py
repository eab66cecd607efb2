"""Writer of the fix files: rejected rows as the vendor wrote them, with their errors, to be corrected and uploaded."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import BinaryIO

from onboarding.domain.models import ReportedRow, RowError, Upload
from onboarding.files.delimiter import DELIMITERS
from onboarding.files.formula_escaping import escape_formula
from onboarding.files.header import DECIMAL_COMMA, DECIMAL_POINT, FIX_COLUMNS, MAPPING_REFERENCE
from onboarding.files.models import Table

_SUFFIX = " \u2013 fixes"
_MAX_STEM = 200
# The suffix, also with the replacements of upload sessions and the number that a browser adds.
_REPEATED_SUFFIX = re.compile(r"(?:[ _]+[\u2013-]?[ _]*fixes(?:[ _]*\([0-9]+\))?)+")


class FixFileFormat(StrEnum):
    """Format of a fix file: extension of its key and name, and value of the API."""

    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class FixFileSource:
    """Content of the fix files of an upload, except its errors.

    `table` is the uploaded file, `columns` maps its known headers to their columns (several are separated by commas).
    `decimal_commas` and `decimal_points` are the columns with these decimal signs. `mapping_reference` names the
    mapping of the upload, which the next upload of the file uses again. `delimiter` names the delimiter of the uploaded
    file: the vendor's spreadsheet program may not split other files. `categories` are those to choose from.
    """

    upload_id: str
    table: Table
    columns: Mapping[str, str]
    decimal_commas: Sequence[str] = ()
    decimal_points: Sequence[str] = ()
    delimiter: str | None = None
    mapping_reference: str = ""
    categories: Sequence[str] = ()

    @property
    def details(self) -> dict[str, str]:
        """Return the additional columns after `FIX_COLUMNS`, with the value that each line has in them."""
        signs = [*self.decimal_commas, *(f"{DECIMAL_POINT}{column}" for column in self.decimal_points)]
        details = {DECIMAL_COMMA: ", ".join(signs), MAPPING_REFERENCE: self.mapping_reference}
        return {name: value for name, value in details.items() if value}


@dataclass(frozen=True, slots=True)
class FixLine:
    """Line of a fix file: the values of the additional columns and of the vendor's columns, and the row's errors."""

    additional_values: Sequence[str]
    values: Sequence[str]
    errors: Sequence[RowError]


def fix_file_key(upload: Upload, file_format: FixFileFormat) -> str:
    """Return the S3 key of an upload's fix file."""
    return f"errors/{upload.vendor_id}/{upload.upload_id}_fix.{file_format}"


def get_default_format(upload: Upload) -> FixFileFormat | None:
    """Return the format of the fix file that an upload names; None if it has no fix file."""
    return FixFileFormat(upload.fix_file_s3_key.rpartition(".")[2]) if upload.fix_file_s3_key else None


def fix_file_name(upload: Upload, file_format: FixFileFormat) -> str:
    """Return the name of a fix file of an upload: the shortened one of the file, with `fixes` at the end.

    With the name, the key of the file in the bucket has at most 1,024 bytes.
    """
    stem = upload.file_name.rpartition(".")[0] or upload.file_name
    start = re.search(rf"{_REPEATED_SUFFIX.pattern}\Z", stem)
    stem = stem[: start.start()] if start else stem
    return f"{stem[:_MAX_STEM] or 'products'}{_SUFFIX}.{file_format}"


def list_fix_lines(source: FixFileSource, errors: Iterable[ReportedRow]) -> Iterator[FixLine]:
    """Yield a line for each rejected row; `errors` are sorted by row.

    Its additional values are the upload, the spreadsheet row, the messages, the hints and the details of the source.
    """
    table, details = source.table, source.details.values()
    for row_number, same_row in groupby(errors, key=lambda error: error.row_number):
        # The version of this package that validated the file may have found more rows in it.
        if row_number > len(table.rows):
            continue
        row_errors = [reported_row.error for reported_row in same_row]
        messages, hints = _join(error.message for error in row_errors), _join(e.hint for e in row_errors if e.hint)
        fix_values = (source.upload_id, str(table.lines[row_number - 1]), messages, hints, *details)
        yield FixLine(fix_values, table.rows[row_number - 1], row_errors)


class CsvFixFile:
    """Fix file as CSV, in UTF-8 with a byte order mark, so that Excel detects the encoding."""

    def __init__(self, file: BinaryIO, source: FixFileSource) -> None:
        """Write the header."""
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        delimiter_char = next((char for char, name in DELIMITERS.items() if name == source.delimiter), ",")
        self._writer = csv.writer(self._text, delimiter=delimiter_char)
        self._writer.writerow([*FIX_COLUMNS, *source.details, *map(escape_formula, source.table.header)])

    def write(self, line: FixLine) -> None:
        """Write a line with all values in file order."""
        self._writer.writerow([escape_formula(value) for value in (*line.additional_values, *line.values)])

    def close(self) -> None:
        """Write the end of the file, which stays open."""
        self._text.detach()


def _join(texts: Iterable[str]) -> str:
    return "; ".join(texts)
