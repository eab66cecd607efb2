"""Summary of the errors of an upload: groups of errors to fix in the same way, the most frequent first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from onboarding.domain.error_codes import RowErrorCode, label_of
from onboarding.domain.models import RowError
from onboarding.domain.text import quoted

MAX_GROUPS = 10
"""Number of groups in an e-mail or on a page."""

MAX_EXAMPLES = 2
"""Number of values that represent a group of different values."""

IDENTITY_TYPES = frozenset(
    {
        RowErrorCode.DAMAGED_IDENTIFIER,
        RowErrorCode.DUPLICATE_SKU,
        RowErrorCode.DUPLICATE_VENDOR_PRODUCT_ID,
        RowErrorCode.OUTDATED_ROW,
        RowErrorCode.UNKNOWN_PRODUCT,
    }
)
"""Types whose values identify products: rows with the same value are not fixed with one other value."""


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Errors of a type and field: those with one value that several rows have, or all others.

    `value`, `message`, `expected` and `hint` are those that all errors share. Where they differ, `message` is the label
    of the type and the others are blank. `distinct_values` counts the values that are not blank, and `examples` are the
    first of them. `rows` is the number of rows that have such an error, and `first_row` the number of the first of
    them. `first_line` is that row's number in a spreadsheet. `first_error` is the id of its error in the database.
    """

    error_type: str
    field: str
    value: str
    distinct_values: int
    examples: Sequence[str]
    message: str
    expected: str
    hint: str
    rows: int
    first_row: int
    first_error: int | None = None
    first_line: int | None = None

    @property
    def has_valid_rows(self) -> bool:
        """Return whether these are the valid rows of an all-or-nothing file."""
        return self.error_type == RowErrorCode.FILE_REJECTED

    @property
    def sentence(self) -> str:
        """Return a sentence such as `312 rows: category 'Elektronics', did you mean 'Electronics'?`."""
        if self.has_valid_rows:
            rows = "1 valid row is" if self.rows == 1 else f"{self.rows:,} valid rows are"
            advice = f". {self.hint}" if self.hint else ""
            return f"{rows} not imported because the file is accepted only as a whole{advice}"
        rows = f"{self.rows:,} rows" if self.rows > 1 else f"Row {self.first_line or self.first_row}"
        if self.value:
            return f"{rows}: {self.field} {quoted(self.value)}{self._advice}"
        is_label = self.message == label_of(self.error_type)
        if not self.distinct_values:
            return f"{rows}: {self.message}{self._advice if is_label else ''}"
        examples = " and ".join(quoted(value) for value in self.examples)
        if self.distinct_values > len(self.examples):
            examples = f"different values, such as {examples}"
        message = _lower_first(self.message) if is_label else self.message
        return f"{rows}: {self.field}, {examples}: {message}{self._advice}"

    @property
    def _advice(self) -> str:
        if self.hint:
            return f", {_lower_first(self.hint)}"
        return f", expected {self.expected}" if self.expected else ""


def _lower_first(text: str) -> str:
    return f"{text[0].lower()}{text[1:]}"


@dataclass(frozen=True, slots=True)
class ErrorSummary:
    """The most frequent groups of an upload's errors, and the number of its other groups.

    The last group has the valid rows of an all-or-nothing file; it is never among the others.
    """

    groups: Sequence[ErrorGroup]
    more: int

    @property
    def sentences(self) -> list[str]:
        """Return a sentence for each group, and one with the number of other groups if there are any."""
        sentences = [group.sentence for group in self.groups if not group.has_valid_rows]
        if self.more:
            sentences.append("and 1 other mistake" if self.more == 1 else f"and {self.more:,} other mistakes")
        return sentences + [group.sentence for group in self.groups if group.has_valid_rows]


def summarize_errors(
    errors: Iterable[tuple[int, RowError]], top: int = MAX_GROUPS, line_of: Callable[[int], int] = int
) -> ErrorSummary:
    """Summarize errors that are not in the database, such as those of a dry run, like `list_error_groups`.

    `errors` are pairs of row number and error, in any order. `line_of` returns the number of a row in a spreadsheet.
    """
    sorted_errors = sorted(errors, key=lambda pair: pair[0])
    value_rows = Counter((error.error_type, error.field, error.value) for _, error in sorted_errors)
    grouped_errors: dict[tuple[str, str, str], list[tuple[int, RowError]]] = {}
    for row_number, error in sorted_errors:
        is_split = value_rows[error.error_type, error.field, error.value] > 1 and error.error_type not in IDENTITY_TYPES
        key = (error.error_type, error.field, error.value if is_split else "")
        grouped_errors.setdefault(key, []).append((row_number, error))
    groups = [_build_group(errors_of_group, line_of) for errors_of_group in grouped_errors.values()]
    groups.sort(key=lambda group: (group.has_valid_rows, -group.rows, group.first_row))
    invalid_groups = [group for group in groups if not group.has_valid_rows]
    return ErrorSummary([*invalid_groups[:top], *groups[len(invalid_groups) :]], max(0, len(invalid_groups) - top))


def _build_group(errors: Sequence[tuple[int, RowError]], line_of: Callable[[int], int]) -> ErrorGroup:
    first_row, first = errors[0]
    values = list(dict.fromkeys(error.value for _, error in errors if error.value))
    return ErrorGroup(
        error_type=first.error_type,
        field=first.field,
        value=_shared(error.value for _, error in errors),
        distinct_values=len(values),
        examples=values[:MAX_EXAMPLES],
        message=_shared(error.message for _, error in errors) or label_of(first.error_type),
        expected=_shared(error.expected for _, error in errors),
        hint=_shared(error.hint for _, error in errors),
        rows=len(errors),
        first_row=first_row,
        first_line=line_of(first_row),
    )


def _shared(texts: Iterable[str]) -> str:
    """Return the text if all are equal, else a blank one."""
    different_texts = set(texts)
    return different_texts.pop() if len(different_texts) == 1 else ""
