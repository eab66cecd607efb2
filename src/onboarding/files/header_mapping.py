"""Choice of the mapping of a file by its header, and its effect on the header."""

from __future__ import annotations

from collections.abc import Sequence

from onboarding.domain.mappings import (
    HeaderMapping,
    MappingChoice,
    SavedMapping,
    compute_fingerprint,
    normalize_key,
)
from onboarding.domain.product_changes import VERSION


def choose_mapping(names: Sequence[str], choice: MappingChoice) -> SavedMapping | None:
    """Return the mapping that applies to a file with these headers; to an export only one that was chosen for it."""
    if choice.fixed is not None or not choice.by_headers or VERSION in names:
        return choice.fixed
    fingerprint = compute_fingerprint(names)
    return next((mapping for mapping in choice.by_headers if mapping.header_fingerprint == fingerprint), None)


def prefer_exact_headers(lines: Sequence[Sequence[str]], choice: MappingChoice) -> MappingChoice:
    """Return the choice for the search of the header among these lines.

    If a line has exactly the headers for which the fixed mapping is remembered, it is searched as if the mapping was
    not known yet: a repeated event, which knows the mapping of its upload, finds the same header as the first one.
    """
    mapping = choice.fixed
    if mapping is None or mapping.header_fingerprint is None:
        return choice
    is_exact = any(compute_fingerprint(names) == mapping.header_fingerprint for names in lines)
    return MappingChoice(by_headers=(mapping,)) if is_exact else choice


def count_mapped_headers(names: Sequence[str], choice: MappingChoice) -> int:
    """Return the number of a line's values that are headers of the mapping for it."""
    mapping = choose_mapping(names, choice)
    if mapping is None:
        return 0
    targets = mapping.document.list_targets({normalize_key(name) for name in names})
    return sum(1 for target in targets if target is not None)


def apply_targets(columns: Sequence[str | None], targets: Sequence[HeaderMapping | None]) -> list[str | None]:
    """Return the column of each header: the first one of its target, or its own unless another header is mapped to it.

    `columns` are the columns without the mapping.
    """
    mapped_columns = {column for target in targets if target is not None for column in target.columns}
    return [
        next(iter(target.ordered_columns), None)
        if target is not None
        else (None if column in mapped_columns else column)
        for column, target in zip(columns, targets, strict=True)
    ]
