"""Groups of rows, such as the variants of a product, whose blank cells take the value of the first row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from onboarding.domain.error_codes import WarningCode
from onboarding.domain.mappings import FillDown, normalize_key
from onboarding.domain.models import FileWarning
from onboarding.domain.product_schema import NUMBER_COLUMNS
from onboarding.files.models import lines_named

_IMAGE_COLUMN = "image_url"


@dataclass(frozen=True, slots=True)
class GroupedRows:
    """Rows with their filled cells, the indexes of rows that are no products, and warnings."""

    rows: Sequence[list[str]]
    skipped: Collection[int] = ()
    warnings: Sequence[FileWarning] = ()


@dataclass(frozen=True, slots=True)
class _Indexes:
    """Indexes of the header of the groups, of the header of their keys (None: there is none), and of other columns.

    `filled`: cells to fill. `own`: columns of a product that has them itself. `numbers`: number columns.
    """

    group: int
    key: int | None
    filled: Sequence[int]
    own: Sequence[int]
    numbers: Sequence[int]


def fill_down_groups(
    names: Sequence[str],
    columns: Sequence[str | None],
    rows: Sequence[list[str]],
    numbers: Sequence[int],
    fill_down: FillDown,
    *,
    misaligned: Collection[int] = (),
) -> GroupedRows:
    """Fill blank cells of later rows of a group, and find the rows without a product of their own.

    `columns` are those of the headers `names`, `numbers` the spreadsheet rows. The values of rows with an index in
    `misaligned` may be in wrong columns: they are neither filled nor used to fill others.
    """
    indexes = _find_indexes(names, columns, fill_down)
    if indexes is None:
        return GroupedRows(rows)
    first_positions: dict[str, int] = {}
    skipped: set[int] = set()
    for position, row in enumerate(rows):
        key = _get_cell(row, indexes.group) or _get_cell(row, indexes.key)
        first_position = first_positions.setdefault(key, position) if key else position
        if first_position == position or position in misaligned:
            continue
        if not any(_get_cell(row, index) for index in indexes.own):
            skipped.add(position)
        elif first_position not in misaligned:
            first = rows[first_position]
            if indexes.key is not None and not any(_get_cell(first, index) for index in indexes.numbers):
                skipped.add(first_position)
            for index in indexes.filled:
                if index < len(row) and not row[index].strip():
                    row[index] = _get_cell(first, index)
    return GroupedRows(rows, skipped, [*_warn_about_skipped_rows([numbers[position] for position in sorted(skipped)])])


def _find_indexes(names: Sequence[str], columns: Sequence[str | None], fill_down: FillDown) -> _Indexes | None:
    """Return the indexes of a file's headers, or None if it lacks those that form and fill groups."""
    indexes = {normalize_key(name): index for index, name in reversed(list(enumerate(names)))}
    group = indexes.get(normalize_key(fill_down.group_header))
    filled = [indexes[key] for header in fill_down.headers if (key := normalize_key(header)) in indexes]
    if group is None or not filled:
        return None
    own = [
        index
        for index, column in enumerate(columns)
        if column not in {None, _IMAGE_COLUMN} and index != group and index not in filled
    ]
    numbers = [index for index, column in enumerate(columns) if column in NUMBER_COLUMNS]
    key_index = indexes.get(normalize_key(fill_down.key_header)) if fill_down.key_header else None
    return _Indexes(group, key_index, filled, own, numbers)


def _get_cell(row: Sequence[str], index: int | None) -> str:
    return row[index].strip() if index is not None and index < len(row) else ""


def _warn_about_skipped_rows(numbers: Sequence[int]) -> Iterator[FileWarning]:
    if numbers:
        subject = (
            "1 row has no product of its own"
            if len(numbers) == 1
            else f"{len(numbers):,} rows have no product of their own"
        )
        message = (
            f"{subject}, such as another picture of a product or the common texts of its variants, and "
            f"{'was' if len(numbers) == 1 else 'were'} not read: {lines_named(numbers).lower()}"
        )
        yield FileWarning(WarningCode.NOT_PRODUCTS, message)
