"""Warnings about values with `?` or `_` in place of letters that were lost by saving in a limited code page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from onboarding.domain.column_types import ColumnType
from onboarding.domain.error_codes import WarningCode
from onboarding.domain.models import FileWarning, Row
from onboarding.domain.product_schema import columns_of_type
from onboarding.domain.text import quoted
from onboarding.files.models import rows_named

_COLUMNS = columns_of_type(ColumnType.WORDS, ColumnType.CATEGORY)

_LETTER = r"[^\W\d_]"
_QUESTION_MARKS = re.compile(
    # Before a letter, where no question ends. `a?b=1` is part of a web address, and `why?Because` lacks a space.
    rf"(?<![^\s(\"'/-])\?+(?={_LETTER})|(?<={_LETTER})\?+(?=[^\W\d_A-Z])(?![^\W_]{{0,40}}=)|\?\?(?={_LETTER})"
    # Two or more without a word before them.
    r"|(?<![^\s(\"'/-])\?\?"
)
_UNDERSCORE_LAST = re.compile(rf"(?<!\w){_LETTER}+_(?!\w)")
_UNDERSCORE_WITHIN = re.compile(rf"(?<!\w){_LETTER}{{1,20}}__?[^\W\d_A-Z]{{1,20}}(?!\w)")
_MAX_FRAGMENT_LENGTH = 2
"""The length of a word fragment, as in `K_che`; both parts of names such as `usb_cable` are longer."""


def find_lost_letters(rows: Sequence[Row]) -> Iterator[FileWarning]:
    """Yield a warning for each column with `?` or `_` in place of letters."""
    # Few rows contain either character; searching all values of a row at once is faster.
    candidates = [row for row in rows if "?" in (text := "".join(row.cells.values())) or "_" in text]
    for column in _COLUMNS:
        values = {row.row_number: row.cells[column] for row in candidates if column in row.cells}
        marked_rows = [row_number for row_number, value in values.items() if _QUESTION_MARKS.search(value)]
        if marked_rows:
            yield _build_warning(column, "question marks", values[marked_rows[0]], [rows[n - 1] for n in marked_rows])
        underscored_rows = [row_number for row_number, value in values.items() if _has_underscores(value)]
        if underscored_rows:
            yield _build_warning(
                column, "underscores", values[underscored_rows[0]], [rows[n - 1] for n in underscored_rows]
            )


def _has_underscores(value: str) -> bool:
    if "_" not in value:
        return False
    word_parts = [match[0].split("_") for match in _UNDERSCORE_WITHIN.finditer(value)]
    lost_count = sum(1 for parts in word_parts if min(len(parts[0]), len(parts[-1])) <= _MAX_FRAGMENT_LENGTH)
    return lost_count > 1 or _UNDERSCORE_LAST.search(value) is not None


def _build_warning(column: str, signs: str, value: str, rows: Sequence[Row]) -> FileWarning:
    row_list = rows_named([row.line or row.row_number for row in rows])
    message = (
        f"{column} has {signs} where letters were probably lost before the file was uploaded, such as {quoted(value)} "
        f"({row_list}); the values were not changed. If letters are missing, save the file as 'CSV UTF-8' where "
        "they are still there, and upload it again"
    )
    return FileWarning(WarningCode.LOST_CHARACTER, message, rows[0].row_number, column)
