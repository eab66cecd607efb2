"""The errors of an upload in a few sentences: equal mistakes together, the most frequent first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from onboarding.domain.models import RowError
from onboarding.domain.text import quoted

MAX_GROUPS = 10
"""How many groups a mail or a page shows."""


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Errors of one type, in one field, with one value or else one message: how many rows have it, and the first.

    `first_error` is the id of one of them, where they are in the database; `first_line` is where a spreadsheet shows
    the first row, which is how people number it.
    """

    error_type: str
    field: str
    value: str
    message: str
    expected: str
    hint: str
    rows: int
    first_row: int
    first_error: int | None = None
    first_line: int | None = None

    @property
    def sentence(self) -> str:
        """Such as `312 rows: category 'Elektronics', did you mean 'Electronics'?`."""
        where = f"{self.rows:,} rows" if self.rows > 1 else f"Row {self.first_line or self.first_row}"
        if not self.value:
            return f"{where}: {self.message}"
        advice = f"{self.hint[0].lower()}{self.hint[1:]}" if self.hint else f"expected {self.expected}"
        return f"{where}: {self.field} {quoted(self.value)}, {advice}"


@dataclass(frozen=True, slots=True)
class Summary:
    """The most frequent groups of an upload's errors, and how many groups there are beside them."""

    groups: Sequence[ErrorGroup]
    more: int

    @property
    def sentences(self) -> list[str]:
        if not self.more:
            return [group.sentence for group in self.groups]
        others = "1 other mistake" if self.more == 1 else f"{self.more:,} other mistakes"
        return [*(group.sentence for group in self.groups), f"and {others}"]


def summarize_errors(
    errors: Iterable[tuple[int, RowError]], top: int = MAX_GROUPS, line_of: Callable[[int], int] = int
) -> Summary:
    """The same for errors that are in no database, given with their rows' numbers; `line_of` gives a spreadsheet's."""
    alike: dict[tuple[str, str, str, str], list[tuple[int, RowError]]] = {}
    for row_number, error in errors:
        message = "" if error.value else error.message
        alike.setdefault((error.error_type, error.field, error.value, message), []).append((row_number, error))
    groups = [
        ErrorGroup(*kind, first.message, first.expected, first.hint, len(found), number, first_line=line_of(number))
        for kind, found, (number, first) in ((kind[:3], found, found[0]) for kind, found in alike.items())
    ]
    groups.sort(key=lambda group: (-group.rows, group.first_row))
    return Summary(groups[:top], max(0, len(groups) - top))
