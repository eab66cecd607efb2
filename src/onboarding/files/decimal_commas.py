"""Decimal commas: read as such where a whole column agrees on them, left alone where it does not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from onboarding.domain.error_codes import WarningCode
from onboarding.domain.models import FileWarning
from onboarding.files.models import rows_named

# 19,99 · 1.234,56 · 0,250 · 12345,678: no way to read these but with a decimal comma.
_COMMA = re.compile(
    r"-?(?:[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|(?:0[0-9]*|[0-9]{4,}),[0-9]+)"
)
# 1,234: a decimal comma, or thousands.
_EITHER = re.compile(r"-?[1-9][0-9]{0,2},[0-9]{3}")
# 19.99 · 0.250 · 1,234.56 · 1,234,567: a decimal point, or commas between thousands.
_POINT = re.compile(
    r"-?(?:(?![1-9][0-9]{0,2}\.[0-9]{3}$)[0-9]+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,})"
)
# 1.234: a decimal point, unless commas beside it say that it may stand between thousands.
_POINT_OF_EITHER = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")


class Commas(Enum):
    """What the commas in a column of numbers are."""

    NONE = auto()
    DECIMAL = auto()
    MIXED = auto()
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True)
class Signs:
    """What the commas of each column of numbers mean. In `doubtful` columns `1.234` may be a number of thousands."""

    commas: Mapping[str, Commas]
    doubtful: tuple[str, ...] = ()


def signs_in(
    columns: Mapping[str, Sequence[str]], agreed: Collection[str], *, is_text: bool = True, is_whole: bool = True
) -> Signs:
    """Decide by all values of the columns; those in `agreed` are known to have decimal commas.

    In a text file the other columns decide where one shows no sign of its own: who writes a price of 19,90 does not
    write a weight of 1.250 with a decimal point for certain, and one of 1,250 with a decimal comma. Some rows of a file
    alone (`is_whole` is false) cannot show the latter: others may have had decimal points. The numbers of a workbook
    (`is_text` is false) have a point whatever its texts have.
    """
    commas = {column: commas_in(values) for column, values in columns.items()}
    commas |= {c: Commas.DECIMAL for c in agreed if c in commas and commas[c] is not Commas.MIXED}
    doubtful = {column for column, found in commas.items() if found is not Commas.NONE}
    if is_text and Commas.DECIMAL in commas.values():
        with_points = {c for c, found in commas.items() if found is not Commas.DECIMAL and _has_points(columns[c])}
        doubtful |= commas.keys() - with_points
        if is_whole and not with_points:
            commas |= {column: Commas.DECIMAL for column, found in commas.items() if found is Commas.UNCLEAR}
    return Signs(commas, tuple(column for column in commas if column in doubtful))


def _has_points(values: Iterable[str]) -> bool:
    """Return whether a number has a decimal point for certain, or commas between thousands."""
    return any(_POINT.fullmatch(value.strip()) for value in values)


def commas_in(values: Iterable[str]) -> Commas:
    """What the commas mean, by all values of a column; what is no number at all has no say."""
    values = list(values)
    if not any("," in value for value in values):
        return Commas.NONE
    commas = points = either = False
    for value in values:
        if "," in value or "." in value:
            text = value.strip()
            commas = commas or _COMMA.fullmatch(text) is not None
            points = points or _POINT.fullmatch(text) is not None
            either = either or _EITHER.fullmatch(text) is not None
    if commas:
        return Commas.MIXED if points else Commas.DECIMAL
    return Commas.UNCLEAR if either else Commas.NONE


def warning_of(column: str, commas: Commas, values: Mapping[int, str]) -> FileWarning:
    """What to tell of a column whose commas are mixed or unclear; `values` are its values by row."""
    if commas is Commas.MIXED:
        with_comma = [row_number for row_number, value in values.items() if _COMMA.fullmatch(value.strip())]
        with_point = [row_number for row_number, value in values.items() if _POINT.fullmatch(value.strip())]
        fewer = min(with_comma, with_point, key=len)
        has_points = any("." in values[row_number] for row_number in with_point)
        others = "a decimal point" if has_points else "commas between thousands"
        message = (
            f"{column} has a decimal comma in {rows_named(with_comma)}, and {others} in "
            f"{rows_named(with_point)}; numbers with a comma were not taken for numbers. Write all of them in one way: "
            f"the least to change is {rows_named(fewer)}"
        )
        return FileWarning(WarningCode.MIXED_DECIMALS, message, fewer[0], column)
    unclear = [row_number for row_number, value in values.items() if _EITHER.fullmatch(value.strip())]
    message = (
        f"The comma of {column} in {rows_named(unclear)} may stand before decimals or between thousands; numbers "
        "with it were not taken for numbers. Write 1234.50 for one thousand two hundred thirty-four and a half"
    )
    return FileWarning(WarningCode.UNCLEAR_COMMAS, message, unclear[0], column)


def has_clear_point(values: Iterable[str]) -> bool:
    """Whether some number of a column has a point that can only stand before decimals, and none has a decimal comma."""
    values = list(values)
    return commas_in(values) is Commas.NONE and any(_POINT.fullmatch(value.strip()) for value in values)


def is_unclear(value: str) -> bool:
    """Whether a number's point may stand before decimals or between thousands, as far as it shows alone."""
    return _POINT_OF_EITHER.fullmatch(value) is not None


def with_point(value: str, places: int) -> str:
    """A number of a column with decimal commas, with a point instead; any other text as it is.

    With more than `places` decimals, but for zeros behind a comma that can only stand before decimals, it is no number
    that the column takes: the vendor is shown what they wrote.
    """
    clear = _COMMA.fullmatch(value) is not None
    if not clear and not _EITHER.fullmatch(value):
        return value
    whole, decimals = value.split(",")
    if clear and not decimals[places:].strip("0"):
        decimals = decimals[:places]
    return f"{whole.replace('.', '')}.{decimals}" if len(decimals) <= places else value
