"""Summary of the errors of an upload: groups of equal errors, the most frequent first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from onboarding.domain.models import RowError
from onboarding.domain.text import quoted

MAX_GROUPS = 10
"""Number of groups in an e-mail or on a page."""


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Errors with the same type, field and value; without a value, with the same message.

    `rows` is the number of rows that have such an error, and `first_row` the number of the first of them. `first_line`
    is that row's number in a spreadsheet. `first_error` is the id of the first error in the database.
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
        """Return a sentence such as `312 rows: category 'Elektronics', did you mean 'Electronics'?`."""
        rows = f"{self.rows:,} rows" if self.rows > 1 else f"Row {self.first_line or self.first_row}"
        if not self.value:
            return f"{rows}: {self.message}"
        advice = f"{self.hint[0].lower()}{self.hint[1:]}" if self.hint else f"expected {self.expected}"
        return f"{rows}: {self.field} {quoted(self.value)}, {advice}"


@dataclass(frozen=True, slots=True)
class ErrorSummary:
    """The most frequent groups of an upload's errors, and the number of its other groups."""

    groups: Sequence[ErrorGroup]
    more: int

    @property
    def sentences(self) -> list[str]:
        """Return a sentence for each group, and one with the number of other groups if there are any."""
        if not self.more:
            return [group.sentence for group in self.groups]
        last_sentence = "1 other mistake" if self.more == 1 else f"{self.more:,} other mistakes"
        return [*(group.sentence for group in self.groups), f"and {last_sentence}"]


def summarize_errors(
    errors: Iterable[tuple[int, RowError]], top: int = MAX_GROUPS, line_of: Callable[[int], int] = int
) -> ErrorSummary:
    """Summarize errors that are not in the database, such as those of a dry run.

    `errors` are pairs of row number and error. `line_of` returns the number of a row in a spreadsheet.
    """
    numbers: dict[tuple[str, str, str, str], list[int]] = {}
    first_errors: dict[tuple[str, str, str, str], RowError] = {}
    for row_number, error in errors:
        key = (error.error_type, error.field, error.value, "" if error.value else error.message)
        numbers.setdefault(key, []).append(row_number)
        first_errors.setdefault(key, error)
    groups = [
        ErrorGroup(
            error_type=error.error_type,
            field=error.field,
            value=error.value,
            message=error.message,
            expected=error.expected,
            hint=error.hint,
            rows=len(numbers[key]),
            first_row=numbers[key][0],
            first_line=line_of(numbers[key][0]),
        )
        for key, error in first_errors.items()
    ]
    groups.sort(key=lambda group: (-group.rows, group.first_row))
    return ErrorSummary(groups[:top], max(0, len(groups) - top))
