"""Search of the header line among the first lines of a file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from onboarding.domain.mappings import NO_CHOICE, MappingChoice
from onboarding.files.header import FIX_FILE_MARKERS, MAPPING_REFERENCE, list_names
from onboarding.files.header_mapping import count_mapped_headers, prefer_exact_headers
from onboarding.files.header_names import count_known_columns
from onboarding.files.models import MAX_COLUMNS
from onboarding.files.presets import count_preset_headers

LINES_SEARCHED = 20
"""Number of lines that are searched for the header: exports may begin with a title, a date or an address."""

_LINES_EXAMINED = 200
"""Number of lines of a file without a header that are searched for a line to suggest as the header."""

_MIN_HEADER_NAMES = 3
"""Number of column names in a line that make it a header."""

_DIGIT = re.compile(r"[0-9]")


def find_header_index(lines: Sequence[Sequence[str]], choice: MappingChoice = NO_CHOICE) -> int:
    """Return the index of the header: of the first lines, the one that names most columns, if it names two or more.

    A line with headers of a mapping for it, or with the signature of a preset, names them as well. If products are
    between two such lines, the first one is the header, so that no product is above it.
    """
    searched_lines = lines[:LINES_SEARCHED]
    names_by_line = [list_names(line) for line in searched_lines]
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


def find_reference(values: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return the mapping that a fix file with this header line names in its lines; blank if it names none."""
    names = list_names(values)
    if not set(names) >= {*FIX_FILE_MARKERS, MAPPING_REFERENCE}:
        return ""
    index = names.index(MAPPING_REFERENCE)
    return next((line[index].strip() for line in lines if index < len(line) and line[index].strip()), "")


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
