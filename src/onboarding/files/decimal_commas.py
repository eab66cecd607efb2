"""Detection and conversion of decimal commas, by all values of a column."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from onboarding.domain.error_codes import WarningCode
from onboarding.domain.models import FileWarning
from onboarding.files.models import rows_named

# 19,99 · 1.234,56 · 0,250 · 12345,678: only possible with a decimal comma.
_DECIMAL_COMMA = re.compile(
    r"-?(?:[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|(?:0[0-9]*|[0-9]{4,}),[0-9]+)"
)
# 1,234: a decimal comma or a thousands separator.
_AMBIGUOUS_COMMA = re.compile(r"-?[1-9][0-9]{0,2},[0-9]{3}")
# 19.99 · 0.250 · 1,234.56 · 1,234,567: a decimal point, or commas as thousands separators.
_DECIMAL_POINT = re.compile(
    r"-?(?:(?![1-9][0-9]{0,2}\.[0-9]{3}$)[0-9]+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,})"
)
# 1.234: a decimal point, unless other numbers have decimal commas; then it may be a thousands separator.
_AMBIGUOUS_POINT = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")


class CommaMeaning(Enum):
    """Meaning of the commas in a column of numbers."""

    NONE = auto()
    DECIMAL = auto()
    MIXED = auto()
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True)
class DecimalSeparators:
    """Meaning of the commas of each column; in `uncertain` columns, `1.234` may have a thousands separator.

    `decimal_points` are the columns of a file with commas that certainly have decimal points.
    """

    commas: Mapping[str, CommaMeaning]
    uncertain: tuple[str, ...] = ()
    decimal_points: Sequence[str] = ()

    @property
    def decimal_commas(self) -> list[str]:
        """Return the columns with decimal commas."""
        return [column for column, commas in self.commas.items() if commas is CommaMeaning.DECIMAL]


def detect_decimal_separators(
    columns: Mapping[str, Sequence[str]],
    decimal_comma_columns: Collection[str],
    decimal_point_columns: Collection[str] = (),
    *,
    is_text: bool = True,
    is_whole: bool = True,
) -> DecimalSeparators:
    """Return the separators by all values of the columns. Those of `decimal_comma_columns` and of
    `decimal_point_columns` are known.

    In a text file, other columns are evidence for a column without evidence: if a price is 19,90, a weight of 1.250 is
    uncertain, and one of 1,250 has a decimal comma. The latter does not hold if the file has only some of the rows
    (`is_whole` is false), because the others may have decimal points. In a workbook (`is_text` is false), columns are
    independent: its numbers have a point even if its texts have commas.
    """
    commas = {column: classify_commas(values) for column, values in columns.items()}
    commas |= {
        c: CommaMeaning.DECIMAL for c in decimal_comma_columns if c in commas and commas[c] is not CommaMeaning.MIXED
    }
    uncertain = {column for column, meaning in commas.items() if meaning is not CommaMeaning.NONE}
    if is_text and CommaMeaning.DECIMAL in commas.values():
        with_points = {
            c
            for c, meaning in commas.items()
            if meaning is not CommaMeaning.DECIMAL and (c in decimal_point_columns or _has_points(columns[c]))
        }
        uncertain |= commas.keys() - with_points
        if is_whole and not with_points:
            commas |= {
                column: CommaMeaning.DECIMAL for column, meaning in commas.items() if meaning is CommaMeaning.UNCLEAR
            }
    points = [
        column
        for column, meaning in commas.items()
        if uncertain
        and meaning in {CommaMeaning.NONE, CommaMeaning.UNCLEAR}
        and (column in decimal_point_columns or column not in uncertain or _has_points(columns[column]))
    ]
    return DecimalSeparators(commas, tuple(column for column in commas if column in uncertain), points)


def _has_points(values: Iterable[str]) -> bool:
    """Return whether a number certainly has a decimal point or commas as thousands separators."""
    return any(_DECIMAL_POINT.fullmatch(value.strip()) for value in values)


def classify_commas(values: Iterable[str]) -> CommaMeaning:
    """Return the meaning of the commas by all values of a column; values that are not numbers are ignored."""
    values = list(values)
    if not any("," in value for value in values):
        return CommaMeaning.NONE
    has_commas = has_points = is_ambiguous_comma = False
    for value in values:
        if "," in value or "." in value:
            text = value.strip()
            has_commas = has_commas or _DECIMAL_COMMA.fullmatch(text) is not None
            has_points = has_points or _DECIMAL_POINT.fullmatch(text) is not None
            is_ambiguous_comma = is_ambiguous_comma or _AMBIGUOUS_COMMA.fullmatch(text) is not None
    if has_commas:
        return CommaMeaning.MIXED if has_points else CommaMeaning.DECIMAL
    return CommaMeaning.UNCLEAR if is_ambiguous_comma else CommaMeaning.NONE


def build_comma_warning(column: str, commas: CommaMeaning, values: Mapping[int, str]) -> FileWarning:
    """Return the warning about a column with mixed or unclear commas; `values` are its values by row."""
    if commas is CommaMeaning.MIXED:
        with_commas = [row_number for row_number, value in values.items() if _DECIMAL_COMMA.fullmatch(value.strip())]
        with_points = [row_number for row_number, value in values.items() if _DECIMAL_POINT.fullmatch(value.strip())]
        fewer_rows = min(with_commas, with_points, key=len)
        has_points = any("." in values[row_number] for row_number in with_points)
        description = "a decimal point" if has_points else "commas as thousands separators"
        message = (
            f"{column} has a decimal comma in {rows_named(with_commas)}, and {description} in "
            f"{rows_named(with_points)}; numbers with a comma were not read as numbers. Write all of them in the same "
            f"way: the fewest changes are in {rows_named(fewer_rows)}"
        )
        return FileWarning(WarningCode.MIXED_DECIMALS, message, fewer_rows[0], column)
    unclear_rows = [row_number for row_number, value in values.items() if _AMBIGUOUS_COMMA.fullmatch(value.strip())]
    message = (
        f"The comma of {column} in {rows_named(unclear_rows)} may be a decimal comma or a thousands separator; numbers "
        "with it were not read as numbers. Write 1234.50 for one thousand two hundred thirty-four and a half"
    )
    return FileWarning(WarningCode.UNCLEAR_COMMAS, message, unclear_rows[0], column)


def list_comma_warnings(
    columns: Mapping[str, Sequence[str]], lines: Sequence[int], signs: DecimalSeparators
) -> Iterator[FileWarning]:
    """Yield a warning for each column with mixed or unclear commas; `lines` are the spreadsheet rows of the values."""
    for column, commas in signs.commas.items():
        if commas in {CommaMeaning.MIXED, CommaMeaning.UNCLEAR}:
            # The message names spreadsheet rows.
            warning = build_comma_warning(column, commas, dict(zip(lines, columns[column], strict=True)))
            yield replace(warning, row_number=lines.index(warning.row_number) + 1)


def has_clear_point(values: Iterable[str]) -> bool:
    """Return whether a number in a column certainly has a decimal point, and none has a decimal comma."""
    values = list(values)
    return classify_commas(values) is CommaMeaning.NONE and any(
        _DECIMAL_POINT.fullmatch(value.strip()) for value in values
    )


def is_ambiguous(value: str) -> bool:
    """Return whether the point of a number, without other evidence, may be a decimal point or a thousands separator."""
    return _AMBIGUOUS_POINT.fullmatch(value) is not None


def convert_decimal_comma(value: str, max_decimals: int) -> str:
    """Return a number with a decimal point instead of its decimal comma; return other text unchanged.

    Zeros after the first `max_decimals` decimals are removed if the comma is certainly a decimal comma. A number with
    too many other decimals is invalid: it is not changed, so that the error shows the vendor's value.
    """
    is_clear = _DECIMAL_COMMA.fullmatch(value) is not None
    if not is_clear and not _AMBIGUOUS_COMMA.fullmatch(value):
        return value
    integer, decimals = value.split(",")
    if is_clear and not decimals[max_decimals:].strip("0"):
        decimals = decimals[:max_decimals]
    return f"{integer.replace('.', '')}.{decimals}" if len(decimals) <= max_decimals else value
