"""Detection of the header line, and mapping of its names to our columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from onboarding.domain.column_types import ColumnType
from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.mapped_numbers import MappedNumberFormat
from onboarding.domain.mappings import (
    FileHeader,
    HeaderMapping,
    HeaderSource,
    MappingChoice,
    SavedMapping,
    normalize_key,
)
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.domain.product_schema import NUMBER_COLUMNS, columns_of_type
from onboarding.files.formula_escaping import unescape_formula
from onboarding.files.header_mapping import apply_targets, choose_mapping, count_mapped_headers, prefer_exact_headers
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
from onboarding.files.presets import count_preset_headers

FIX_COLUMNS = ("_row", "_errors", "_hint")
"""Columns that a fix file has before the vendor's columns."""

_FIX_FILE_MARKERS = {"_row", "_errors"}

DECIMAL_COMMA = "_decimal_comma"
"""Additional column of a fix file: names of the columns with decimal commas, which the rejected rows may not show."""

MAPPING_REFERENCE = "_mapping"
"""Additional column of a fix file: the mapping of its upload."""

_ADDITIONAL_COLUMNS = (*FIX_COLUMNS, DECIMAL_COMMA, MAPPING_REFERENCE)

_ADDRESS_COLUMNS = columns_of_type(ColumnType.URL)

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
    columns of a fix file. `targets` are those of `mapping`, the mapping of the file. A name that feeds two columns
    matches the first one.
    """

    names: Sequence[str]
    columns: Sequence[str | None]
    fix_indexes: frozenset[int] = frozenset()
    fix_file: bool = False
    mapping: SavedMapping | None = None
    targets: Sequence[HeaderMapping | None] = ()

    @property
    def columns_by_name(self) -> dict[str, str]:
        """Return the column of each known name; several columns are separated by commas."""
        columns: dict[str, str] = {}
        for name, column, target in zip_longest(self.names, self.columns, self.targets):
            if column is not None:
                columns[name] = ", ".join(target.columns) if target is not None else column
        return columns

    @property
    def copies(self) -> list[tuple[str, str]]:
        """Return the further columns of names that feed several columns, each with the first column of its name."""
        return [
            (column, target.ordered_columns[0])
            for target in self.targets
            if target is not None
            for column in target.ordered_columns[1:]
        ]

    @property
    def number_formats(self) -> dict[str, MappedNumberFormat]:
        """Return the number formats of the mapping, by column."""
        return {
            column: target.number_format
            for target in self.targets
            if target is not None and target.number_format is not None
            for column in target.columns
            if column in NUMBER_COLUMNS
        }

    @property
    def first_address_columns(self) -> list[str]:
        """Return the columns of web addresses of which the first one in a cell is used."""
        if self.mapping is None:
            return []
        keys = set(map(normalize_key, self.mapping.document.first_address))
        columns = [c for name, c in zip(self.names, self.columns, strict=True) if normalize_key(name) in keys]
        return [column for column in columns if column in _ADDRESS_COLUMNS]

    @property
    def constants(self) -> dict[str, str]:
        """Return the constants of the mapping, by column."""
        if self.mapping is None:
            return {}
        fed_columns = {*self.columns, *(column for column, _ in self.copies)}
        return {c: text for c, text in self.mapping.document.constants.items() if c not in fed_columns}

    def list_missing(self, required: Sequence[str]) -> list[str]:
        """Return those of the columns that neither a name nor a constant feeds."""
        fed_columns = {*self.columns, *(column for column, _ in self.copies), *self.constants}
        return [column for column in required if column not in fed_columns]

    @property
    def unknown(self) -> list[str]:
        """Return the names without a column, without blanks and repetitions; also those that a mapping ignores."""
        pairs = zip(self.names, self.columns, strict=True)
        return list(dict.fromkeys(name for name, column in pairs if column is None and name))

    @property
    def text_formula_columns(self) -> list[str]:
        """Return the columns whose names and values are in `="…"`, which exports use to mark text for spreadsheets."""
        pairs = zip(self.names, self.columns, strict=True)
        return [column for name, column in pairs if column is not None and name != unwrap_text_formula(name)]

    def describe(self) -> list[FileHeader]:
        """Return all names with their columns and the reasons for them; blank for the columns of a fix file."""
        headers = []
        for index, (name, column, target) in enumerate(zip_longest(self.names, self.columns, self.targets)):
            columns = target.columns if target is not None else (column,) if column is not None else ()
            if target is not None:
                source = HeaderSource.MAPPING
            elif column is None:
                source = HeaderSource.UNKNOWN
            else:
                source = HeaderSource.NAME if is_own_name(name, column) else HeaderSource.SYNONYM
            headers.append(FileHeader("" if index in self.fix_indexes else name, columns, source))
        return headers

    def without_fix_columns(self) -> Header:
        """Return the header without the additional columns of a fix file."""
        if not self.fix_indexes:
            return self
        indexes = [index for index in range(len(self.names)) if index not in self.fix_indexes]
        return replace(
            self,
            names=[self.names[index] for index in indexes],
            columns=[self.columns[index] for index in indexes],
            fix_indexes=frozenset(),
            targets=[self.targets[index] for index in indexes] if self.targets else (),
        )

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


NO_CHOICE = MappingChoice()
"""No mapping applies."""


def find_header_index(lines: Sequence[Sequence[str]], choice: MappingChoice = NO_CHOICE) -> int:
    """Return the index of the header: of the first lines, the one that names most columns, if it names two or more.

    A line with headers of a mapping for it, or with the signature of a preset, names them as well. If products are
    between two such lines, the first one is the header, so that no product is above it.
    """
    searched_lines = lines[:LINES_SEARCHED]
    names_by_line = [_list_names(line) for line in searched_lines]
    choice = prefer_exact_headers(names_by_line, choice)
    column_counts = [
        max(count_known_columns(line), count_mapped_headers(names, choice), count_preset_headers(line))
        for line, names in zip(searched_lines, names_by_line, strict=True)
    ]
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


def parse_header(
    values: Sequence[str], required: Sequence[str], choice: MappingChoice = NO_CHOICE
) -> Header | FileRejection:
    """Return the parsed header line, or the rejection of a header that is incomplete, ambiguous or too wide.

    The rejection of an incomplete or ambiguous one has its headers, without samples, in the order of the names.
    """
    names = _list_names(values)
    if len(names) > MAX_COLUMNS:
        column_count = next(n for n in range(len(values), 0, -1) if values[n - 1].strip())
        return FileRejection(
            RejectionCode.TOO_MANY_COLUMNS,
            f"The header line has {column_count:,} columns; the limit is {MAX_COLUMNS:,}",
        )
    header = _map_header(names, choice)
    rejection = _reject_header(header, required)
    if rejection is None:
        return header
    reference = header.mapping.reference if header.mapping is not None else ""
    return replace(rejection, headers=header.describe(), mapping_reference=reference)


def _list_names(values: Sequence[str]) -> list[str]:
    """Return the names of a header line, in the form in which they are displayed and stored."""
    # On one line and without control characters.
    names = [one_line(value, MAX_NAME_LENGTH) for value in values[: MAX_COLUMNS + 1]]
    while names and not names[-1]:
        names.pop()
    return list(map(unescape_formula, names)) if set(names) >= _FIX_FILE_MARKERS else names


def find_reference(values: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return the mapping that a fix file with this header line names in its lines; blank if it names none."""
    names = _list_names(values)
    if not set(names) >= {*_FIX_FILE_MARKERS, MAPPING_REFERENCE}:
        return ""
    index = names.index(MAPPING_REFERENCE)
    return next((line[index].strip() for line in lines if index < len(line) and line[index].strip()), "")


def _map_header(names: Sequence[str], choice: MappingChoice) -> Header:
    """Return the header with the columns of its names, by its mapping, their own names and synonyms."""
    fix_indexes = _find_fix_columns(names)
    own_names = [name for index, name in enumerate(names) if index not in fix_indexes]
    columns = _prefer_own_names(names, match_columns(names))
    mapping = choose_mapping(own_names, choice)
    targets: list[HeaderMapping | None] = []
    if mapping is not None:
        targets = mapping.document.list_targets(names)
        columns = apply_targets(columns, targets)
    return Header(names, columns, fix_indexes, bool(fix_indexes), mapping, targets)


def _find_fix_columns(names: Sequence[str]) -> frozenset[int]:
    """Return the indexes of the additional columns of a fix file; none for other files."""
    if not set(names) >= _FIX_FILE_MARKERS:
        return frozenset()
    # The first of equal names: a column of the vendor may have the same name, after those of the fix file.
    return frozenset(names.index(name) for name in _ADDITIONAL_COLUMNS if name in names)


def _reject_header(header: Header, required: Sequence[str]) -> FileRejection | None:
    rejection = _reject_ambiguous_prices(header)
    if rejection is not None:
        return rejection
    missing_columns = header.list_missing(required)
    if missing_columns:
        return _reject_missing_columns(missing_columns, header.names, header.columns)
    duplicates = _list_duplicate_columns(header.names, header.columns)
    if duplicates:
        return FileRejection(
            RejectionCode.DUPLICATE_COLUMNS, f"The header line names a column more than once: {', '.join(duplicates)}"
        )
    return None


def list_unknown_columns(header: Header) -> Iterator[FileWarning]:
    """Yield a warning for each column that is ignored, unless the mapping says so or forms groups with it."""
    document = header.mapping.document if header.mapping else None
    targets = document.list_targets(header.unknown) if document else []
    group_key = normalize_key(document.fill_down.group_header) if document and document.fill_down else None
    for name, target in zip_longest(header.unknown, targets):
        if target is not None or normalize_key(name) == group_key:
            continue
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


def _reject_ambiguous_prices(header: Header) -> FileRejection | None:
    """Return the rejection of a header with two possible price columns, or with prices in two currencies.

    A mapping decides which header is the price.
    """
    names = header.names
    columns = [None if target is not None else column for column, target in zip_longest(header.columns, header.targets)]
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
