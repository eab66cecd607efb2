"""Decimal commas: read as such where a whole column agrees on them, left alone where it does not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, auto

# 19,99 · 1.234,56 · 0,250 · 12345,678: no way to read these but with a decimal comma.
_COMMA = re.compile(
    r"-?(?:[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|(?:0[0-9]*|[0-9]{4,}),[0-9]+)"
)
# 1,234: a decimal comma, or thousands.
_EITHER = re.compile(r"-?[1-9][0-9]{0,2},[0-9]{3}")
# 19.99 · 1,234.56 · 1,234,567: a decimal point, or commas between thousands.
_POINT = re.compile(r"-?(?:[0-9]+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,})")


class Commas(Enum):
    """What the commas in a column of numbers are."""

    NONE = auto()
    DECIMAL = auto()
    MIXED = auto()
    UNCLEAR = auto()


def commas_in(values: Iterable[str]) -> Commas:
    """What the commas mean, by all values of a column; what is no number at all has no say."""
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


def with_point(value: str, places: int) -> str:
    """A number of a column with decimal commas, with a point instead; any other text as it is.

    With more than `places` decimals it is no number that the column takes: the vendor is shown what they wrote.
    """
    if not _COMMA.fullmatch(value) and not _EITHER.fullmatch(value):
        return value
    whole, decimals = value.split(",")
    return f"{whole.replace('.', '')}.{decimals}" if len(decimals) <= places else value
