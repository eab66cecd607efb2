"""Translation of the vendor's values in columns with a closed list, by the value mappings of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from onboarding.domain.mappings import MAX_VALUE_LENGTH, VALUE_COLUMNS, MappingDocument, UsedValue, normalize_key
from onboarding.domain.models import Row

ValueTargets = Mapping[str, Mapping[str, str]]
"""Our value by the normalized value of the vendor, for each column."""


def merge_targets(targets: ValueTargets, document: MappingDocument) -> ValueTargets:
    """Return the targets with those of a mapping document, which replace others of the same values."""
    if not document.values:
        return targets
    merged = {column: dict(translations) for column, translations in targets.items()}
    for column, translations in document.values.items():
        own_targets = {normalize_key(value): target for value, target in translations.items()}
        merged[column] = {**merged.get(column, {}), **own_targets}
    return merged


def build_targets(used_values: Iterable[UsedValue]) -> ValueTargets:
    """Return the targets that a file used before."""
    targets: dict[str, dict[str, str]] = {}
    for used in used_values:
        targets.setdefault(used.column, {})[normalize_key(used.vendor_value)] = used.target
    return targets


def map_values(rows: Sequence[Row], targets: ValueTargets, constants: Collection[str] = ()) -> list[UsedValue]:
    """Replace the vendor's values in the rows in place; return the value mappings that were used, most rows first.

    `constants` are columns whose values are constants of a mapping, which are not translated. Values that are equal
    without regard to case and spaces count as the first of them.
    """
    counts: Counter[tuple[str, str]] = Counter()
    vendor_values: dict[tuple[str, str], str] = {}
    for column in VALUE_COLUMNS:
        if column in constants:
            continue
        translations = targets.get(column)
        if not translations:
            continue
        for row in rows:
            value = row.cells.get(column)
            # The values of rows with another width may be in wrong columns.
            if value is None or len(value) > MAX_VALUE_LENGTH or row.surplus_fields:
                continue
            key = normalize_key(value)
            target = translations.get(key)
            if target is not None and target != value:
                row.cells = {**row.cells, column: target}
                row.original = {**row.original, column: value}
                counts[column, key] += 1
                vendor_values.setdefault((column, key), value)
    return [
        UsedValue(column, vendor_values[column, key], targets[column][key], count)
        for (column, key), count in counts.most_common()
    ]


@dataclass(frozen=True, slots=True)
class UnmappedValue:
    """A value that is not in the closed list of its column: its number of rows, and the most similar value of the list.

    `suggestion` is blank if none is similar enough.
    """

    column: str
    vendor_value: str
    rows: int
    suggestion: str = ""


def count_unmapped_values(rows: Iterable[Row], column: str, known_values: Collection[str]) -> Counter[str]:
    """Return the numbers of rows with each of the vendor's values that is not translated to one of the closed list.

    Values that are equal without regard to case and spaces count as the first of them.
    """
    counts: Counter[str] = Counter()
    vendor_values: dict[str, str] = {}
    for row in rows:
        value = row.cells.get(column)
        if value is not None and value not in known_values and not row.surplus_fields:
            vendor_value = row.original.get(column, value)
            counts[vendor_values.setdefault(normalize_key(vendor_value), vendor_value)] += 1
    return counts
