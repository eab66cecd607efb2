"""Parser of the header line: the column of each name, or the rejection of a header that is incomplete or ambiguous."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.mappings import NO_CHOICE, HeaderMapping, MappingChoice, normalize_key
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.domain.product_changes import VERSION
from onboarding.files.header import Header, find_fix_columns, list_names
from onboarding.files.header_mapping import apply_targets, choose_mapping
from onboarding.files.header_names import (
    MAX_NAME_LENGTH,
    count_known_columns,
    find_currencies,
    is_own_name,
    match_column,
    match_columns,
    normalize_name,
)
from onboarding.files.models import MAX_COLUMNS, one_line
from onboarding.files.name_similarity import find_nearest_names

# The vendor's cost in Odoo, but the price for customers at Amazon.
_COST_NAME = "standard_price"
_SALE_PRICE_NAMES = ("list_price", "lst_price", "sales_price", "sale_price", "public_price", "cost", "cost_price")


def parse_header(
    values: Sequence[str], required: Sequence[str], choice: MappingChoice = NO_CHOICE
) -> Header | FileRejection:
    """Return the parsed header line, or the rejection of a header that is incomplete, ambiguous or too wide.

    The rejection of an incomplete or ambiguous one has its headers, without samples, in the order of the names.
    """
    names = list_names(values)
    if len(names) > MAX_COLUMNS:
        column_count = next(n for n in range(len(values), 0, -1) if values[n - 1].strip())
        return FileRejection(
            RejectionCode.TOO_MANY_COLUMNS,
            f"The header line has {column_count:,} columns; the limit is {MAX_COLUMNS:,}",
        )
    header = _map_header(names, choice)
    rejection = _reject_header(header, required)
    return header if rejection is None else describe_rejection(rejection, header)


def describe_rejection(rejection: FileRejection, header: Header) -> FileRejection:
    """Return the rejection with the headers and the mapping of the file."""
    reference = header.mapping.reference if header.mapping is not None else ""
    return replace(rejection, headers=header.describe(), mapping_reference=reference)


def _map_header(names: Sequence[str], choice: MappingChoice) -> Header:
    """Return the header with the columns of its names, by its mapping, their own names and synonyms."""
    fix_indexes = find_fix_columns(names)
    own_names = [name for index, name in enumerate(names) if index not in fix_indexes]
    columns = _find_version(names, _prefer_own_names(names, match_columns(names)))
    mapping = choose_mapping(own_names, choice)
    targets: list[HeaderMapping | None] = []
    if mapping is not None:
        targets = mapping.document.list_targets(names)
        columns = apply_targets(columns, targets)
    return Header(names, columns, fix_indexes, bool(fix_indexes), mapping, targets)


def _reject_header(header: Header, required: Sequence[str]) -> FileRejection | None:
    rejection = _reject_ambiguous_prices(header)
    if rejection is not None:
        return rejection
    missing_columns = header.list_missing(required)
    if missing_columns:
        return _reject_missing_columns(missing_columns, header.names, header.columns)
    # The values decide whether a name is our column `status`: see `status_header`.
    return reject_duplicate_columns(header.names, [None if column == "status" else column for column in header.columns])


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
        elif column == "status":
            message = (
                f"The column '{one_line(name)}' was not read: none of its values is active, inactive or blocked. To "
                "import them, map the column and its values to status"
            )
        else:
            message = f"The column '{one_line(name)}' is unknown and was not read"
        yield FileWarning(WarningCode.UNKNOWN_COLUMN, message, column=name[:MAX_NAME_LENGTH])


def _prefer_own_names(names: Sequence[str], columns: Sequence[str | None]) -> list[str | None]:
    """Return the columns; if a header has a column's own name, synonyms of that column are ignored."""
    named_columns = {
        column for name, column in zip(names, columns, strict=True) if column and is_own_name(name, column)
    }
    return [
        column if column not in named_columns or is_own_name(name, column) else None
        for name, column in zip(names, columns, strict=True)
    ]


def _find_version(names: Sequence[str], columns: list[str | None]) -> list[str | None]:
    """Return the columns with that of the versions of an export, if the header has its name."""
    if VERSION in names:
        columns[names.index(VERSION)] = VERSION
    return columns


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


def reject_duplicate_columns(names: Sequence[str], columns: Sequence[str | None]) -> FileRejection | None:
    """Return the rejection of a header of which several names have the same column."""
    names_by_column: dict[str, list[str]] = {}
    for name, column in zip(names, columns, strict=True):
        if column is not None:
            names_by_column.setdefault(column, []).append(name)
    duplicates = [
        f"{column} (as {' and '.join(repr(name) for name in synonyms)})"
        for column, synonyms in sorted(names_by_column.items())
        if len(synonyms) > 1
    ]
    if not duplicates:
        return None
    reason = f"The header line names a column more than once: {', '.join(duplicates)}"
    return FileRejection(RejectionCode.DUPLICATE_COLUMNS, reason)


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
