"""Classification of lines below a header: product, repeated header, instruction, comment, total, note."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from functools import cache
from itertools import islice

from onboarding.domain.column_types import ColumnType
from onboarding.domain.product_schema import IDENTIFIERS, NUMBER_COLUMNS, columns_of_type
from onboarding.files.header import Header
from onboarding.files.header_names import (
    count_known_columns,
    list_spellings,
    list_synonyms,
    match_column,
    normalize_name,
)
from onboarding.files.models import MAX_COLUMNS
from onboarding.files.skipped_line_words import (
    COLUMN_REQUIREMENTS,
    COMMENT_SIGNS,
    END_MARKERS,
    EXAMPLE_VALUE,
    ROW_COUNT,
    TOTALS,
    TYPE_LENGTH,
)

_NAME_COLUMNS = frozenset({*IDENTIFIERS, "product_name"})
_DRAGGED_COLUMNS = NUMBER_COLUMNS.keys() | {"category", "subcategory", "brand", "unit", "status"}
"""Columns that formulas or defaults fill in rows without a product."""

_TEXT_COLUMNS = frozenset(columns_of_type(ColumnType.WORDS, ColumnType.CATEGORY)) - {"unit"}

# Zeros, and results of formulas without values.
_ZERO = re.compile(r"[-+]?0+(?:[.,]0*)?|-|#[A-Z/0]+[!?]?|FALSE|FALSCH|FAUX|FALSO|ONWAAR")
_ERROR_VALUE = re.compile(r"#[¡¿]?[A-ZÀ-Þ/0]+[!?]?|#+")
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,'\s]*")
_AMOUNT = re.compile(r"[^\W\d_]{0,3}[^\w-]{0,3}[-+]?[0-9][0-9.,'\s]*[^\w-]{0,3}[^\W\d_]{0,3}\.?")
_RULER = re.compile(r"[-=+_:. ]+")
_TOTAL = re.compile(rf"(?:grand |sub[- ]?|net |overall )?(?:{'|'.join(TOTALS)})(?:[ :(].{{0,40}})?", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,;\t|]")
_MIN_ROW_VALUES = 3
_MIN_NUMBERED_LINES = 3
"""Minimum number of lines at the end with only an identifier that count as numbered in advance."""


class LineKind(Enum):
    """Kind of a line that is not a product."""

    HEADER = auto()
    NOT_A_PRODUCT = auto()
    COMMENT = auto()
    SECOND_HEADER = auto()


@cache
def _list_written_names() -> frozenset[str]:
    own_names = [name.replace("_", sign) for name in list_spellings() for sign in ("_", " ", "-")]
    return frozenset([*own_names, *(name.casefold() for names in list_synonyms().values() for name in names)])


class LineClassifier:
    """Classification of lines by their values in the columns of a header."""

    def __init__(self, header: Header, first_rows: Sequence[Sequence[str]]) -> None:
        self.columns = header.columns
        self.names = _list_written_names() | {*TOTALS} | {name.casefold() for name in header.names if name}
        self.header_names = [name.casefold() for name in header.names]
        # If identifiers contain spaces, or names are in the first column, a single value may be a truncated row.
        self.is_text_a_note = (
            len(header.columns) > 2
            and header.columns[0] not in _TEXT_COLUMNS
            and not any(" " in row[0].strip() for row in first_rows)
        )

    def values(self, line: Sequence[str]) -> Iterator[tuple[str | None, str]]:
        """Yield the column and the value of each value that is not blank."""
        for index, text in enumerate(islice(line, MAX_COLUMNS)):
            if value := text.strip():
                yield self.columns[index] if index < len(self.columns) else None, value

    def classify_header(self, line: Sequence[str], *, directly_below: bool = False) -> LineKind | None:
        """Return the kind of a line that repeats the header or names other columns; None for other lines.

        In a header of several lines (`directly_below`), a line may name a column that the first one does not name.
        """
        own_names = other_names = value_count = 0
        for index, text in enumerate(islice(line, MAX_COLUMNS)):
            value = text.strip()
            if not value:
                continue
            column = self.columns[index] if index < len(self.columns) else None
            named_column = match_column(value)
            value_count += column is not None
            if column is not None and (named_column == column or value.casefold() == self.header_names[index]):
                own_names += 1
            elif named_column is not None and not (directly_below and column is None):
                other_names += 1
        if own_names > 1 and own_names * 2 >= value_count and not other_names:
            return LineKind.HEADER
        column_count = count_known_columns(line) if other_names else 0
        is_second = column_count > 2 and column_count * 2 >= sum(1 for _ in self.values(line))
        return LineKind.SECOND_HEADER if is_second else None

    def classify_instruction(self, line: Sequence[str]) -> LineKind | None:
        """Return the kind of a line directly below the header that explains the columns; None for other lines."""
        values = list(self.values(line))
        texts = [value[:60] for _, value in values]
        if len(texts) > 1 and all(normalize_name(TYPE_LENGTH.sub("", text)) in COLUMN_REQUIREMENTS for text in texts):
            return LineKind.HEADER
        if len(texts) > 2 and (all(map(EXAMPLE_VALUE.fullmatch, texts)) or _are_column_marks(texts)):
            return LineKind.HEADER
        if _is_ruler([value for _, value in values]):
            return LineKind.NOT_A_PRODUCT
        identifiers = [value for column, value in values if column in IDENTIFIERS]
        numbers = [value for column, value in values if column in NUMBER_COLUMNS]
        if any(c.isdigit() for value in identifiers for c in value) or any(
            _NUMBER.fullmatch(value) for _, value in values
        ):
            return None
        is_prose = any(len(value.split(None, 3)) > 2 for value in numbers)
        return LineKind.HEADER if is_prose and (len(identifiers) < 2 or all(" " in v for v in identifiers)) else None

    def classify_any(self, line: Sequence[str]) -> LineKind | None:
        """Return the kind of a line that is a total, a ruler, or only zeros; None for other lines."""
        values = list(self.values(line))
        if _is_ruler([value for _, value in values]):
            return LineKind.NOT_A_PRODUCT
        if values and all(column in NUMBER_COLUMNS and _ZERO.fullmatch(value) for column, value in values):
            return LineKind.NOT_A_PRODUCT
        totals = [value for _, value in values if _TOTAL.fullmatch(value)]
        other_values = [(column, value) for column, value in values if value not in totals]
        if totals and all(column not in _NAME_COLUMNS and _AMOUNT.fullmatch(value) for column, value in other_values):
            return LineKind.NOT_A_PRODUCT
        return None

    def classify_last(self, line: Sequence[str]) -> LineKind | None:
        """Return the kind of a last line that is a footer or was filled by dragging a cell; None for other lines."""
        if kind := self.classify_any(line):
            return kind
        values = list(self.values(line))
        is_sum = all(column in NUMBER_COLUMNS for column, _ in values)
        is_dragged = all(
            c in _DRAGGED_COLUMNS and (c not in NUMBER_COLUMNS or _ZERO.fullmatch(value)) for c, value in values
        )
        is_blank = len(values) > 1 and all(_is_zero_or_error(value) for _, value in values)
        if values and (is_sum or is_dragged or is_blank):
            return LineKind.NOT_A_PRODUCT
        return LineKind.NOT_A_PRODUCT if self.is_note(line) else None

    def find_numbered_in_advance(self, lines: Sequence[Sequence[str]], indexes: range) -> range:
        """Return the indexes of the last lines with only an identifier, if there are at least `_MIN_NUMBERED_LINES`."""
        start = indexes.stop
        while start > indexes.start and self._has_only_identifier(lines[start - 1]):
            start -= 1
        return range(start, indexes.stop) if indexes.stop - start >= _MIN_NUMBERED_LINES else range(0)

    def _has_only_identifier(self, line: Sequence[str]) -> bool:
        values = list(islice(self.values(line), 2))
        return len(values) == 1 and values[0][0] in IDENTIFIERS

    def is_note(self, line: Sequence[str]) -> bool:
        """Return whether a line contains only a note, which begins in its first value."""
        value = line[0].strip()
        other_count = sum(1 for text in line[1:] if text.strip())
        if value.startswith(COMMENT_SIGNS):
            return not other_count or (len(line) < len(self.columns) and not value.lstrip("#/-;%*<!")[:1].isalnum())
        # A note may contain commas. The first value of a short row is an identifier, which contains no spaces.
        if other_count > 2 or (other_count and len(line) >= len(self.columns)):
            return False
        if not other_count and (ROW_COUNT.fullmatch(value) or value.casefold().strip(".-* ") in END_MARKERS):
            return True
        parts = _SEPARATOR.split(value)
        # A row in quotes is not a note.
        is_row = len(parts) > _MIN_ROW_VALUES and any(_NUMBER.fullmatch(part.strip()) for part in parts)
        return self.is_text_a_note and " " in value and not is_row

    def is_product(self, line: Sequence[str]) -> bool:
        """Return whether a line has an identifier, and numbers in all number columns with values."""
        values = [(column, value) for column, value in self.values(line) if column is not None]
        numbers = [value for column, value in values if column in NUMBER_COLUMNS]
        has_identifier = any(column in IDENTIFIERS for column, _ in values)
        return has_identifier and bool(numbers) and all(map(_NUMBER.fullmatch, numbers))


def _is_zero_or_error(value: str) -> bool:
    """Return whether a value is zero, false or an error value, which are results of formulas without a product."""
    return value != "-" and bool(_ZERO.fullmatch(value) or _ERROR_VALUE.fullmatch(value))


def _are_column_marks(values: Sequence[str]) -> bool:
    """Return whether values are single letters or numbers of columns: `M`, `M`, `O`, or `1`, `2`, `3`."""
    return all(len(v) == 1 and v.isalpha() for v in values) or list(values) == [
        str(n) for n in range(1, len(values) + 1)
    ]


def is_commented(line: Sequence[str]) -> bool:
    """Return whether a line begins with a comment sign and is neither a ruler nor an error value."""
    value = line[0].strip()
    return value.startswith(COMMENT_SIGNS) and not (_ERROR_VALUE.fullmatch(value) or _RULER.fullmatch(value))


def _is_ruler(values: Sequence[str]) -> bool:
    return any(len(value) > 2 for value in values) and all(map(_RULER.fullmatch, values))
