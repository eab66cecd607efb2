"""Detection of the header line, and mapping of its names to our columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.files.formula_escaping import unescape_formula
from onboarding.files.header_names import (
    MAX_NAME_LENGTH,
    count_known_columns,
    find_currencies,
    is_own_name,
    match_column,
    match_columns,
    normalize_name,
    unwrap_text_formula,
)
from onboarding.files.models import MAX_COLUMNS, one_line
from onboarding.files.name_similarity import find_nearest_names

FIX_COLUMNS = ("_row", "_errors", "_hint")
"""Columns that a fix file has before the vendor's columns."""

_FIX_FILE_MARKERS = {"_row", "_errors"}

DECIMAL_COMMA = "_decimal_comma"
"""Additional column of a fix file: names of the columns with decimal commas, which the rejected rows may not show."""

LINES_SEARCHED = 20
"""Number of lines that are searched for the header: exports may begin with a title, a date or an address."""

_LINES_EXAMINED = 200
"""Number of lines of a file without a header that are searched for a line to suggest as the header."""

_MIN_HEADER_NAMES = 3
"""Number of column names in a line that make it a header."""

_DIGIT = re.compile(r"[0-9]")

# The vendor's cost in Odoo, but the price for customers at Amazon.
_COST_NAME = "standard_price"
_SALE_PRICE_NAMES = ("list_price", "lst_price", "sales_price", "sale_price", "public_price", "cost", "cost_price")


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header line: its names, and the matching column (or None) of each name.

    Names have no surrounding white space and no control characters. `fix_indexes` are the indexes of the additional
    columns of a fix file.
    """

    names: Sequence[str]
    columns: Sequence[str | None]
    fix_indexes: frozenset[int]
    fix_file: bool = False

    @property
    def mapping(self) -> dict[str, str]:
        """Return the column of each known name."""
        return {name: column for name, column in zip(self.names, self.columns, strict=True) if column is not None}

    @property
    def unknown(self) -> list[str]:
        """Return the names without a column, without blanks and repetitions."""
        pairs = zip(self.names, self.columns, strict=True)
        return list(dict.fromkeys(name for name, column in pairs if column is None and name))

    @property
    def text_formula_columns(self) -> list[str]:
        """Return the columns whose names and values are in `="…"`, which exports use to mark text for spreadsheets."""
        pairs = zip(self.names, self.columns, strict=True)
        return [column for name, column in pairs if column is not None and name != unwrap_text_formula(name)]

    def without_fix_columns(self) -> Header:
        """Return the header without the additional columns of a fix file."""
        if not self.fix_indexes:
            return self
        indexes = [index for index in range(len(self.names)) if index not in self.fix_indexes]
        names, columns = [self.names[index] for index in indexes], [self.columns[index] for index in indexes]
        return Header(names, columns, frozenset(), self.fix_file)

    def decimal_comma_columns(self, lines: Sequence[Sequence[str]]) -> frozenset[str]:
        """Return the columns with decimal commas that a fix file names in its lines."""
        if not self.fix_file or DECIMAL_COMMA not in self.names:
            return frozenset()
        index = self.names.index(DECIMAL_COMMA)
        return frozenset(name.strip() for line in lines for name in "".join(line[index : index + 1]).split(","))

    def strip_fix_columns(self, line: list[str]) -> list[str]:
        """Return a line without the additional columns and the formula escaping of a fix file."""
        if not self.fix_indexes:
            return line
        return [unescape_formula(value) for index, value in enumerate(line) if index not in self.fix_indexes]


def find_header_index(lines: Sequence[Sequence[str]]) -> int:
    """Return the index of the header: of the first lines, the one that names most columns, if it names two or more.

    If there are products between two such lines, the first one is the header, so that no product is above it.
    """
    column_counts = [count_known_columns(line) for line in lines[:LINES_SEARCHED]]
    first_index = next((i for i, line in enumerate(lines) if any(value.strip() for value in line)), 0)
    best_index = max(range(len(column_counts)), key=lambda i: column_counts[i], default=first_index)
    if not column_counts or column_counts[best_index] <= max(column_counts[first_index], 1):
        return first_index
    for i in range(first_index, best_index):
        if column_counts[i] >= _MIN_HEADER_NAMES and any(_may_be_product(line) for line in lines[i + 1 : best_index]):
            return i
    return best_index


def _may_be_product(line: Sequence[str]) -> bool:
    """Return whether a line has several values, some of them with digits, and names no columns."""
    values = [value for value in line[:MAX_COLUMNS] if value.strip()]
    return len(values) >= _MIN_HEADER_NAMES and count_known_columns(values) < 2 and any(map(_DIGIT.search, values))


def parse_header(values: Sequence[str], required: Sequence[str]) -> Header | FileRejection:
    """Return the parsed header line, or the rejection of a header that is incomplete, ambiguous or too wide."""
    # Names are displayed on one line and stored without control characters.
    names = [one_line(value, MAX_NAME_LENGTH) for value in values[: MAX_COLUMNS + 1]]
    while names and not names[-1]:
        names.pop()
    if set(names) >= _FIX_FILE_MARKERS:
        names = list(map(unescape_formula, names))
    if len(names) > MAX_COLUMNS:
        column_count = next(n for n in range(len(values), 0, -1) if values[n - 1].strip())
        return FileRejection(
            RejectionCode.TOO_MANY_COLUMNS,
            f"The header line has {column_count:,} columns; the limit is {MAX_COLUMNS:,}",
        )
    columns = _prefer_own_names(names, match_columns(names))
    rejection = _reject_ambiguous_prices(names, columns)
    if rejection is not None:
        return rejection
    missing_columns = [column for column in required if column not in columns]
    if missing_columns:
        return _reject_missing_columns(missing_columns, names, columns)
    duplicates = _list_duplicate_columns(names, columns)
    if duplicates:
        return FileRejection(
            RejectionCode.DUPLICATE_COLUMNS, f"The header line names a column more than once: {', '.join(duplicates)}"
        )
    if not set(names) >= _FIX_FILE_MARKERS:
        return Header(names, columns, frozenset())
    # The first of equal names: a column of the vendor may have the same name, after those of the fix file.
    fix_indexes = frozenset(names.index(name) for name in (*FIX_COLUMNS, DECIMAL_COMMA) if name in names)
    return Header(names, columns, fix_indexes, fix_file=True)


def list_unknown_columns(header: Header) -> Iterator[FileWarning]:
    """Yield a warning for each column that is ignored."""
    for name in header.unknown:
        column = match_column(name)
        if column is not None and column in header.columns:
            own_name = header.names[header.columns.index(column)]
            message = f"The column '{one_line(name)}' was not read, because the header also has '{one_line(own_name)}'"
        else:
            message = f"The column '{one_line(name)}' is unknown and was not read"
        yield FileWarning(WarningCode.UNKNOWN_COLUMN, message, column=name[:MAX_NAME_LENGTH])


def explain_missing_header(lines: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    """Return an addition to the rejection of a file without a header in its first lines; blank if there is one."""
    if any(count_known_columns(line) > 1 for line in lines[:LINES_SEARCHED]):
        return ""
    line_count = min(len(lines), LINES_SEARCHED)
    reason = (
        f"no header line was found in the first {line_count} lines" if line_count > 1 else "no header line was found"
    )
    for line, number in zip(lines[line_count:_LINES_EXAMINED], numbers[line_count:_LINES_EXAMINED], strict=False):
        if count_known_columns(line) >= _MIN_HEADER_NAMES:
            return f"{reason}; line {number} looks like one; move it to the first {LINES_SEARCHED} lines"
    return reason


def _prefer_own_names(names: Sequence[str], columns: Sequence[str | None]) -> list[str | None]:
    """Return the columns; if a header has a column's own name, synonyms of that column are ignored."""
    named_columns = {
        column for name, column in zip(names, columns, strict=True) if column and is_own_name(name, column)
    }
    return [
        column if column not in named_columns or is_own_name(name, column) else None
        for name, column in zip(names, columns, strict=True)
    ]


def _reject_ambiguous_prices(names: Sequence[str], columns: Sequence[str | None]) -> FileRejection | None:
    """Return the rejection of a header with two possible price columns, or with prices in two currencies."""
    original_names = {normalize_name(name): name for name in names}
    if _COST_NAME in original_names and columns[names.index(original_names[_COST_NAME])] == "price":
        sale_price = next((original_names[name] for name in _SALE_PRICE_NAMES if name in original_names), None)
        if sale_price is not None:
            reason = (
                f"The price may be '{one_line(original_names[_COST_NAME])}' or '{one_line(sale_price)}': systems use "
                "both names for the price that customers pay. Rename the column with that price to 'price'"
            )
            return FileRejection(RejectionCode.AMBIGUOUS_COLUMNS, reason)
    currencies = find_currencies(name for name, column in zip(names, columns, strict=True) if column)
    if len(currencies) > 1:
        currency_names = " and ".join(f"'{one_line(name)}'" for name in currencies.values())
        reason = f"The header names more than one currency: {currency_names}. Write all prices in one currency"
        return FileRejection(RejectionCode.AMBIGUOUS_COLUMNS, reason)
    return None


def _list_duplicate_columns(names: Sequence[str], columns: Sequence[str | None]) -> list[str]:
    names_by_column: dict[str, list[str]] = {}
    for name, column in zip(names, columns, strict=True):
        if column is not None:
            names_by_column.setdefault(column, []).append(name)
    return [
        f"{column} (as {' and '.join(repr(name) for name in synonyms)})"
        for column, synonyms in sorted(names_by_column.items())
        if len(synonyms) > 1
    ]


def _reject_missing_columns(
    missing: Sequence[str], names: Sequence[str], columns: Sequence[str | None]
) -> FileRejection:
    if len(names) == 1 and any(count_known_columns(names[0].split(delimiter)) > 1 for delimiter in ",;\t|"):
        reason = (
            "Each line is in quotes as a single value; save the table as CSV from the program in which it was created"
        )
        return FileRejection(RejectionCode.QUOTED_LINES, reason)
    unknown_names = dict.fromkeys(name for name, column in zip(names, columns, strict=True) if column is None and name)
    suggestions = find_nearest_names(missing, list(unknown_names))
    suggested_names = [f"'{one_line(suggestions[column])}' for {column}" for column in missing if column in suggestions]
    reason = f"Missing required columns: {', '.join(missing)}"
    if suggested_names:
        reason += f"; the nearest names: {', '.join(suggested_names)}"
    header_names = ", ".join(name for name in names if name) or "nothing"
    return FileRejection(RejectionCode.MISSING_COLUMNS, f"{reason}; the header line has: {header_names[:500]}")
