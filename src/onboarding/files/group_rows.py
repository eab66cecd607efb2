"""Groups of rows, such as the variants of a product, whose blank cells take the value of the first row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from onboarding.domain.error_codes import WarningCode
from onboarding.domain.mappings import FillDown, normalize_key
from onboarding.domain.models import FileWarning
from onboarding.files.models import lines_named

_IMAGE_COLUMN = "image_url"


@dataclass(frozen=True, slots=True)
class GroupedRows:
    """Rows with their filled cells, the indexes of rows that are no products, and warnings."""

    rows: Sequence[list[str]]
    skipped: Collection[int]
    warnings: Sequence[FileWarning]


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
    indexes = {normalize_key(name): index for index, name in reversed(list(enumerate(names)))}
    group = indexes.get(normalize_key(fill_down.group_header))
    filled = [indexes[key] for header in fill_down.headers if (key := normalize_key(header)) in indexes]
    if group is None or not filled:
        return GroupedRows(rows, (), ())
    own = [
        index
        for index, column in enumerate(columns)
        if column not in {None, _IMAGE_COLUMN} and index != group and index not in filled
    ]
    first_rows: dict[str, list[str]] = {}
    misaligned_rows = {id(rows[position]) for position in misaligned}
    skipped: list[int] = []
    for position, row in enumerate(rows):
        key = row[group].strip() if group < len(row) else ""
        first = first_rows.setdefault(key, row) if key else row
        if first is row or position in misaligned:
            continue
        if not any(index < len(row) and row[index].strip() for index in own):
            skipped.append(position)
            continue
        if id(first) in misaligned_rows:
            continue
        for index in filled:
            if index < len(row) and index < len(first) and not row[index].strip():
                row[index] = first[index]
    warnings = []
    if skipped:
        lines = lines_named([numbers[position] for position in skipped]).lower()
        subject = (
            "1 row has no product of its own"
            if len(skipped) == 1
            else f"{len(skipped):,} rows have no product of their own"
        )
        verb = "was" if len(skipped) == 1 else "were"
        message = f"{subject}, such as another picture of the product above, and {verb} not read: {lines}"
        warnings.append(FileWarning(WarningCode.NOT_PRODUCTS, message))
    return GroupedRows(rows, frozenset(skipped), warnings)
