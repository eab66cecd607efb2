"""Lines below the header that are no products: repeated headers, instructions, comments, totals, notes, zeros."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from itertools import islice

from onboarding.domain.column_types import ColumnType
from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.domain.product_schema import IDENTIFIERS, NUMBER_COLUMNS, columns_of_type
from onboarding.files.header import Header
from onboarding.files.header_names import column_of, known_in, normal, spellings, synonyms
from onboarding.files.models import MAX_COLUMNS, NAMED, first_of, lines_named, one_line
from onboarding.files.skipped_line_words import COMMENT_SIGNS, END, EXAMPLE, LENGTH, REQUIREMENTS, ROW_COUNT, TOTALS

_NAMING = frozenset({*IDENTIFIERS, "product_name"})
_DRAGGED = NUMBER_COLUMNS.keys() | {"category", "subcategory", "brand", "unit"}
"""Columns that a formula or a default fills in rows without a product."""

_PROSE = frozenset(columns_of_type(ColumnType.WORDS, ColumnType.CATEGORY)) - {"unit"}
_FIRST_ROWS = 100

# Zeros, and what formulas come to without values.
_ZERO = re.compile(r"[-+]?0+(?:[.,]0*)?|-|#[A-Z/0]+[!?]?|FALSE|FALSCH|FAUX|FALSO|ONWAAR")
_ERROR_VALUE = re.compile(r"#[¡¿]?[A-ZÀ-Þ/0]+[!?]?|#+")
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,'\s]*")
_AMOUNT = re.compile(r"[^\W\d_]{0,3}[^\w-]{0,3}[-+]?[0-9][0-9.,'\s]*[^\w-]{0,3}[^\W\d_]{0,3}\.?")
_RULER = re.compile(r"[-=+_:. ]+")
_TOTAL = re.compile(rf"(?:grand |sub[- ]?|net |overall )?(?:{'|'.join(TOTALS)})(?:[ :(].{{0,40}})?", re.IGNORECASE)
_COMMENT_BEGINS = frozenset(sign[0] for sign in COMMENT_SIGNS)
_SEPARATOR = re.compile(r"[,;\t|]")
_PARTS_OF_A_ROW = 3
_PREFILLED = 3
"""Lines at the end, each with one identifier and nothing else, that were numbered in advance."""


class _Kind(Enum):
    HEADER = auto()
    NO_PRODUCT = auto()
    COMMENT = auto()
    SECOND_HEADER = auto()


@dataclass(frozen=True, slots=True)
class Skipped:
    """The lines of a file that are no products, by their index, and the warnings that name them."""

    indexes: frozenset[int] = frozenset()
    warnings: list[FileWarning] = field(default_factory=list)


def skipped_lines(
    lines: Sequence[Sequence[str]], numbers: Sequence[int], place: int, header: Header
) -> Skipped | FileRejection:
    """Find the lines below the header, which is at `place`, that are no products.

    A fix file has none: every line in it was a row.
    """
    key = next((header.columns.index(c) for c in ("sku", "vendor_product_id") if c in header.columns), None)
    if header.fix_file or key is None:
        return Skipped()
    looks = _Looks(header, [row for row in lines[place + 1 : place + 1 + _FIRST_ROWS] if "".join(row[key : key + 1])])
    above = [numbers[i] for i in range(place) if looks.product(lines[i])]
    if above:
        reason = (
            f"The header is in line {numbers[place]}, and {lines_named(above).lower()} above it "
            f"{'look' if len(above) > 1 else 'looks'} like products; move the header to the top"
        )
        return FileRejection(RejectionCode.ROWS_ABOVE_HEADER, reason)
    kinds: dict[int, _Kind] = {}
    top = place + 1
    while top < len(lines) and (kind := looks.header(lines[top], right_below=True) or looks.instruction(lines[top])):
        kinds[top] = kind
        top += 1
    end = len(lines)
    while end > top and (kind := looks.last(lines[end - 1])):
        kinds[end - 1] = kind
        end -= 1
    numbered = looks.numbered_in_advance(lines, range(top, end))
    kinds |= dict.fromkeys(numbered, _Kind.NO_PRODUCT)
    end -= len(numbered)
    commented = []
    for i in _odd(lines, range(top, end), key, looks.names):
        line = lines[i]
        if kind := looks.header(line) or looks.anywhere(line):
            kinds[i] = kind
            # A new page begins with a title.
            while kind is _Kind.HEADER and (i := i - 1) >= top and looks.note(lines[i]):
                kinds[i] = _Kind.NO_PRODUCT
        elif _is_commented(line):
            commented.append(i)
    second = [i for i, kind in kinds.items() if kind is _Kind.SECOND_HEADER]
    if second:
        reason = (
            f"{lines_named([numbers[i] for i in sorted(second)])} {'are' if len(second) > 1 else 'is'} another header, "
            "with other columns than the first; upload each table as a file of its own"
        )
        return FileRejection(RejectionCode.SECOND_HEADER, reason)
    has_comments = any(map(_is_commented, lines[:place])) or any(looks.note(lines[i]) for i in commented)
    if has_comments:
        kinds |= dict.fromkeys(commented, _Kind.COMMENT)
    warnings = [*_warnings(lines, numbers, kinds)]
    if commented and not has_comments and len(commented) * 2 < end - top:
        warnings.append(_look_commented([numbers[i] for i in commented]))
    return Skipped(frozenset(kinds), warnings)


def _odd(lines: Sequence[Sequence[str]], indexes: range, key: int, names: frozenset[str]) -> list[int]:
    """Return the lines that may be no products, by a quick look at one identifier; nearly every line is one."""
    return [
        i
        for i in indexes
        if len(line := lines[i]) <= key
        or not (cell := line[key].strip())
        or cell[0] in "-=+"
        or line[0][:1] in _COMMENT_BEGINS
        or cell.casefold() in names
    ]


@cache
def _names_as_written() -> frozenset[str]:
    plain = [name.replace("_", sign) for name in spellings() for sign in ("_", " ", "-")]
    return frozenset([*plain, *(name.casefold() for names in synonyms().values() for name in names)])


class _Looks:
    """What a line looks like, under a header."""

    def __init__(self, header: Header, first_rows: Sequence[Sequence[str]]) -> None:
        self.columns = header.columns
        self.names = _names_as_written() | {*TOTALS} | {name.casefold() for name in header.names if name}
        self.header_names = [name.casefold() for name in header.names]
        # Where identifiers have spaces in them, or names come first, one value may be what is left of a row.
        self.words_are_notes = (
            len(header.columns) > 2
            and header.columns[0] not in _PROSE
            and not any(" " in row[0].strip() for row in first_rows)
        )

    def values(self, line: Sequence[str]) -> Iterator[tuple[str | None, str]]:
        """Yield the values of a line that are not blank, each with its column."""
        for place, text in enumerate(islice(line, MAX_COLUMNS)):
            if value := text.strip():
                yield self.columns[place] if place < len(self.columns) else None, value

    def header(self, line: Sequence[str], *, right_below: bool = False) -> _Kind | None:
        """Return whether a line names the columns again, or other ones.

        A header in several lines, as templates have it, may name in one of them what another leaves out.
        """
        own = other = filled = 0
        for place, text in enumerate(islice(line, MAX_COLUMNS)):
            value = text.strip()
            if not value:
                continue
            column = self.columns[place] if place < len(self.columns) else None
            meant = column_of(value)
            filled += column is not None
            if column is not None and (meant == column or value.casefold() == self.header_names[place]):
                own += 1
            elif meant is not None and not (right_below and column is None):
                other += 1
        if own > 1 and own * 2 >= filled and not other:
            return _Kind.HEADER
        known = known_in(line) if other else 0
        is_second = known > 2 and known * 2 >= sum(1 for _ in self.values(line))
        return _Kind.SECOND_HEADER if is_second else None

    def instruction(self, line: Sequence[str]) -> _Kind | None:
        """Return whether a line right below the header says how to fill in the columns."""
        values = list(self.values(line))
        texts = [value[:60] for _, value in values]
        if len(texts) > 1 and all(normal(LENGTH.sub("", text)) in REQUIREMENTS for text in texts):
            return _Kind.HEADER
        if len(texts) > 2 and (all(map(EXAMPLE.fullmatch, texts)) or _are_marks(texts)):
            return _Kind.HEADER
        if _is_ruler([value for _, value in values]):
            return _Kind.NO_PRODUCT
        named = [value for column, value in values if column in IDENTIFIERS]
        numbers = [value for column, value in values if column in NUMBER_COLUMNS]
        if any(c.isdigit() for value in named for c in value) or any(_NUMBER.fullmatch(value) for _, value in values):
            return None
        is_prose = any(len(value.split(None, 3)) > 2 for value in numbers)
        return _Kind.HEADER if is_prose and (len(named) < 2 or all(" " in v for v in named)) else None

    def anywhere(self, line: Sequence[str]) -> _Kind | None:
        """Return whether a line is a total, a ruler, or has nothing but zeros."""
        values = list(self.values(line))
        if _is_ruler([value for _, value in values]):
            return _Kind.NO_PRODUCT
        if values and all(column in NUMBER_COLUMNS and _ZERO.fullmatch(value) for column, value in values):
            return _Kind.NO_PRODUCT
        totals = [value for _, value in values if _TOTAL.fullmatch(value)]
        others = [(column, value) for column, value in values if value not in totals]
        if totals and all(column not in _NAMING and _AMOUNT.fullmatch(value) for column, value in others):
            return _Kind.NO_PRODUCT
        return None

    def last(self, line: Sequence[str]) -> _Kind | None:
        """Return whether a line at the end of the file is a footer, or was filled by dragging a cell down."""
        if kind := self.anywhere(line):
            return kind
        values = list(self.values(line))
        is_sum = all(column in NUMBER_COLUMNS for column, _ in values)
        is_dragged = all(c in _DRAGGED and (c not in NUMBER_COLUMNS or _ZERO.fullmatch(value)) for c, value in values)
        is_blank = len(values) > 1 and all(_is_nothing(value) for _, value in values)
        if values and (is_sum or is_dragged or is_blank):
            return _Kind.NO_PRODUCT
        return _Kind.NO_PRODUCT if self.note(line) else None

    def numbered_in_advance(self, lines: Sequence[Sequence[str]], indexes: range) -> range:
        """Return the last lines if several of them have an identifier and nothing else."""
        start = indexes.stop
        while start > indexes.start and self._identifier_alone(lines[start - 1]):
            start -= 1
        return range(start, indexes.stop) if indexes.stop - start >= _PREFILLED else range(0)

    def _identifier_alone(self, line: Sequence[str]) -> bool:
        values = list(islice(self.values(line), 2))
        return len(values) == 1 and values[0][0] in IDENTIFIERS

    def note(self, line: Sequence[str]) -> bool:
        """Return whether a line has nothing but a note, which begins in its first value."""
        value = line[0].strip()
        others = sum(1 for text in line[1:] if text.strip())
        if value.startswith(COMMENT_SIGNS):
            return not others or (len(line) < len(self.columns) and not value.lstrip("#/-;%*<!")[:1].isalnum())
        # A note may have commas in it; identifiers without spaces begin no such value, even in a row that is cut short.
        if others > 2 or (others and len(line) >= len(self.columns)):
            return False
        if not others and (ROW_COUNT.fullmatch(value) or value.casefold().strip(".-* ") in END):
            return True
        parts = _SEPARATOR.split(value)
        # A row in quotes is no note.
        is_row = len(parts) > _PARTS_OF_A_ROW and any(_NUMBER.fullmatch(part.strip()) for part in parts)
        return self.words_are_notes and " " in value and not is_row

    def product(self, line: Sequence[str]) -> bool:
        """Return whether a line has identifiers, and numbers in the columns of numbers."""
        values = [(column, value) for column, value in self.values(line) if column is not None]
        numbers = [value for column, value in values if column in NUMBER_COLUMNS]
        named = any(column in IDENTIFIERS for column, _ in values)
        return named and bool(numbers) and all(map(_NUMBER.fullmatch, numbers))


def _is_nothing(value: str) -> bool:
    """Return whether a value is zero, false, or an error, as formulas give them without a product."""
    return value != "-" and bool(_ZERO.fullmatch(value) or _ERROR_VALUE.fullmatch(value))


def _are_marks(values: Sequence[str]) -> bool:
    """Return whether values are letters or numbers of columns: `M`, `M`, `O`, or `1`, `2`, `3`."""
    return all(len(v) == 1 and v.isalpha() for v in values) or list(values) == [
        str(n) for n in range(1, len(values) + 1)
    ]


def _is_commented(line: Sequence[str]) -> bool:
    value = line[0].strip()
    return value.startswith(COMMENT_SIGNS) and not (_ERROR_VALUE.fullmatch(value) or _RULER.fullmatch(value))


def _is_ruler(values: Sequence[str]) -> bool:
    return any(len(value) > 2 for value in values) and all(map(_RULER.fullmatch, values))


def _warnings(lines: Sequence[Sequence[str]], numbers: Sequence[int], kinds: dict[int, _Kind]) -> Iterator[FileWarning]:
    by_kind: dict[_Kind, list[int]] = {}
    for i in sorted(kinds):
        by_kind.setdefault(kinds[i], []).append(i)
    for kind, indexes in by_kind.items():
        named, many = lines_named([numbers[i] for i in indexes]), len(indexes) > 1
        if kind is _Kind.HEADER:
            does = "repeat or explain" if many else "repeats or explains"
            read = "they were not read as products" if many else "it was not read as a product"
            yield FileWarning(WarningCode.REPEATED_HEADER, f"{named} {does} the header; {read}")
            continue
        texts = (next(filter(None, map(str.strip, lines[i])), "") for i in indexes)
        shown = first_of([f"'{one_line(text)}'" for text in dict.fromkeys(islice(texts, 10 * NAMED))])
        if kind is _Kind.COMMENT:
            message = f"{named} {'begin' if many else 'begins'} like a comment and {'were' if many else 'was'} not read"
            yield FileWarning(WarningCode.COMMENTED_LINES, f"{message}: {shown}")
        else:
            message = f"{named} {'have' if many else 'has'} no product and {'were' if many else 'was'} not read"
            yield FileWarning(WarningCode.NOT_PRODUCTS, f"{message}: {shown}")


def _look_commented(numbers: Sequence[int]) -> FileWarning:
    many = len(numbers) > 1
    message = (
        f"{lines_named(numbers)} {'begin like comments' if many else 'begins like a comment'} and "
        f"{'were' if many else 'was'} read as {'products' if many else 'a product'}. Delete what is commented out"
    )
    return FileWarning(WarningCode.LOOKS_COMMENTED, message)
