"""Bytes of a CSV file to rows. Knows nothing of AWS or the database.

Checks what only the whole file can tell: that it can be read at all, that its header names the columns, how many rows
it has, and which rows repeat an earlier one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from onboarding.model import COLUMNS, Row
from onboarding.rules import REQUIRED

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 10_000

MAX_CELL = 2_500
"""Characters of a cell that are carried on: over every limit of the rules, and few enough that a row of such cells
fits into an item (400 KB) and a message (256 KB)."""

UNIQUE_COLUMNS = ("sku", "vendor_product_id")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a whole file is not taken in: a code for programs, a sentence for the vendor."""

    code: str
    reason: str


def parse(content: bytes, upload_id: str, vendor_id: str) -> list[Row] | Refusal:
    """The rows of a CSV file in file order, or why it is refused.

    Values are stripped of white space around them; blank ones are left out. Nothing else about them is changed.
    """
    text = _decode(content)
    if isinstance(text, Refusal):
        return text
    if not text.strip():
        return Refusal("EMPTY_FILE", "The file is empty; it needs a header line and at least one product row")
    lines = _read(text)
    if isinstance(lines, Refusal):
        return lines
    columns = _columns(lines[0])
    if isinstance(columns, Refusal):
        return columns
    data = lines[1:]
    if not data:
        return Refusal("NO_ROWS", "The file has a header line but no product rows")
    if len(data) > MAX_ROWS:
        return Refusal("TOO_MANY_ROWS", f"The file has {len(data):,} product rows; the limit is {MAX_ROWS:,} a file")
    return _rows(columns, data, upload_id, vendor_id)


def too_large(size: int) -> Refusal | None:
    """The refusal of a file of `size` bytes, if that is over the limit."""
    if size <= MAX_BYTES:
        return None
    return Refusal(
        "FILE_TOO_LARGE",
        f"The file has {size / 1024 / 1024:.1f} MB; the limit is {MAX_BYTES // 1024 // 1024} MB. "
        "Split it into smaller files",
    )


def _decode(content: bytes) -> str | Refusal:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The error counts from behind a byte order mark, and so does what it holds.
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        reason = f"The file is not UTF-8 text (byte 0x{byte:02X} in line {line}); save it as 'CSV UTF-8'"
        return Refusal("NOT_UTF8", reason)


def _read(text: str) -> list[list[str]] | Refusal:
    """The lines as lists of stripped values, without blank lines and without empty lines at the end."""
    csv.field_size_limit(MAX_BYTES)
    # strict: a stray quote ends the reading instead of quietly swallowing the rows that follow it.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines = []
    try:
        for values in reader:
            if values:
                lines.append([value.strip() for value in values])  # noqa: PERF401 - the error needs the reader's line
    except csv.Error as error:
        reason = (
            f"The file cannot be read at line {reader.line_num} ({error}); check the quotes around the values there"
        )
        return Refusal("UNREADABLE_CSV", reason)
    while len(lines) > 1 and not any(lines[-1]):
        lines.pop()
    return lines


def _columns(header: Sequence[str]) -> list[str | None] | Refusal:
    """Which of our columns stands at each place of the header; None for one that is not ours."""
    names = [name.casefold().replace(" ", "_") for name in header]
    columns = [name if name in COLUMNS else None for name in names]
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        found = ", ".join(name for name in header if name) or "nothing"
        reason = f"Missing required columns: {', '.join(missing)}; the header line has: {found[:500]}"
        return Refusal("MISSING_COLUMNS", reason)
    twice = sorted({column for column in columns if column is not None and columns.count(column) > 1})
    if twice:
        return Refusal("DUPLICATE_COLUMNS", f"The header line names a column more than once: {', '.join(twice)}")
    return columns


def _rows(columns: Sequence[str | None], data: Sequence[Sequence[str]], upload_id: str, vendor_id: str) -> list[Row]:
    first_row: dict[tuple[str, str], int] = {}
    rows = []
    for row_number, values in enumerate(data, 1):
        row = _row(columns, values, upload_id, vendor_id, row_number)
        if not row.surplus_fields:
            for column in UNIQUE_COLUMNS:
                if column in row.cells and column not in row.cut:
                    earlier = first_row.setdefault((column, row.cells[column]), row_number)
                    if earlier != row_number:
                        row.duplicate_of[column] = earlier
        rows.append(row)
    return rows


def _row(columns: Sequence[str | None], values: Sequence[str], upload_id: str, vendor_id: str, row_number: int) -> Row:
    difference = len(values) - len(columns)
    # Surplus fields that are blank are what a spreadsheet leaves behind, and say nothing.
    if difference > 0 and not any(values[len(columns) :]):
        difference = 0
    cells, cut = {}, {}
    for column, value in zip(columns, values, strict=False):
        if column is not None and value:
            if len(value) > MAX_CELL:
                cut[column] = len(value)
            cells[column] = value[:MAX_CELL]
    return Row(upload_id, vendor_id, row_number, cells, {}, difference, cut)
