"""Header names: which column of ours each one means, if it can mean only that."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from onboarding.domain.column_types import ColumnType
from onboarding.domain.product_schema import COLUMNS, PRICES, columns_of_type
from onboarding.files.models import MAX_COLUMNS

LONGEST_NAME = 100
"""Characters of a header name; a longer one is none of ours."""

_BETWEEN_WORDS = re.compile(r"[\W_]+")
# As exports write a name so that a spreadsheet keeps it as text: ="price".
_KEPT_TEXT = re.compile(r'="([^"]*)"')
_BRACKETS = re.compile(r"([^()\[\]]+)[(\[]([^()\[\]]*)[)\]][\s*]*")
# In a name, any of these changes what it means: "Stock #" is a number of the stock, "Price %" no price.
_SIGNS = frozenset("#%&@?‰")
_BARE_CURRENCIES = "€£¥₹"

_CODES = (
    "aud", "bgn", "brl", "cad", "chf", "cny", "czk", "dkk", "eur", "gbp", "huf", "inr", "jpy", "mxn", "nok", "nzd",
    "pln", "ron", "sek", "try", "usd",
)  # fmt: skip
_CURRENCIES = {code: code for code in _CODES} | {
    "$": "usd", "us$": "usd", "€": "eur", "euro": "eur", "euros": "eur", "£": "gbp", "¥": "jpy", "₹": "inr",
    "zł": "pln", "kč": "czk", "ft": "huf", "lei": "ron", "r$": "brl", "tl": "try", "kr": "kr",
}  # fmt: skip
"""Each way to write a currency, with its code; a krona may be of three countries."""

_PIECES = frozenset({
    "adet", "db", "ea", "items", "ks", "kpl", "pc", "pcs", "pieces", "pz", "pezzi", "st", "stk", "stuck", "stück",
    "stuks", "szt", "uds", "un", "unidades", "units",
})  # fmt: skip
_NOTES = frozenset({"required", "optional", "mandatory"})
_BRACKETED = frozenset({*_CURRENCIES, *_PIECES, *_NOTES})
# "Price in EUR" is one name with "Price EUR".
_IN = re.compile(r"(?:[ _]+(?:in|en|i|w|v|em))?[ _\-./:]*$", re.IGNORECASE)
_QUANTITIES = columns_of_type(ColumnType.QUANTITY)


def normal(name: str) -> str:
    """A name without what vendors write differently: case, accents, and the signs between words."""
    plain = name
    # Nearly every value that is looked at is ASCII, which has no accents to search for.
    if not name.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return _BETWEEN_WORDS.sub("_", plain.casefold()).strip("_")


@cache
def _listed() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "headers.toml").read_text(encoding="utf-8"))


@cache
def _languages() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """The names of each language, by column."""
    return {key: value for key, value in _listed().items() if isinstance(value, dict)}


@cache
def synonyms() -> dict[str, list[str]]:
    """The names that others give our columns, by column, as they stand in the list."""
    return {
        column: list(dict.fromkeys(name for names in _languages().values() for name in names.get(column, ())))
        for column in COLUMNS
    }


@cache
def spellings() -> dict[str, str]:
    """Every name that is known, in its normal form, with the column that it means."""
    known = {column: column for column in COLUMNS}
    known |= {normal(name): column for column, names in synonyms().items() for name in names}
    # "Productname" and "product name" are one name too.
    return known | {name.replace("_", ""): column for name, column in known.items()}


@cache
def _false_friends() -> Mapping[str, frozenset[str]]:
    """The names that mean something else in another language, each with the other names of its own language."""
    friends = frozenset(map(normal, _listed()["only_beside_their_own"]))
    beside: dict[str, frozenset[str]] = {}
    for columns in _languages().values():
        names = {normal(name) for listed in columns.values() for name in listed}
        beside |= {friend: frozenset(names - friends) for friend in names & friends}
    return beside


def kept_text(value: str) -> str:
    """Return the text that stands in `="…"`, or any other value as it is."""
    kept = _KEPT_TEXT.fullmatch(value) if value[:1] == "=" else None
    return kept[1] if kept else value


@lru_cache(8_192)
def column_of(name: str) -> str | None:
    """Return the column that a header name means by itself, or None."""
    # A name that begins with `_` is a note of whoever wrote the file, or one of ours.
    if len(name) > LONGEST_NAME or not name or name[0] == "_":
        return None
    name = kept_text(name)
    plain = normal(name)
    column = _meant_by(plain)
    if column is not None and not _has_signs(name):
        return column
    unit, base = _unit_of(name, plain)
    if not unit or _has_signs(base):
        return None
    column = _meant_by(normal(base))
    if unit in _NOTES or (column in PRICES and unit in _CURRENCIES) or (column in _QUANTITIES and unit in _PIECES):
        return column
    return None


def columns_of(names: Sequence[str]) -> list[str | None]:
    """Return the column that each name of a header means, or None: a false friend means one only among its own."""
    columns = [column_of(name) for name in names]
    plain = [normal(name) if column else "" for name, column in zip(names, columns, strict=True)]
    friends = _false_friends().keys() & plain
    if not friends:
        return columns
    lonely = {friend for friend in friends if _false_friends()[friend].isdisjoint(plain)}
    return [None if name in lonely else column for name, column in zip(plain, columns, strict=True)]


def known_in(values: Sequence[str]) -> int:
    """Return how many of our columns a line names."""
    return len({column_of(value.strip()) for value in values[:MAX_COLUMNS]} - {None})


def is_own_name(name: str, column: str) -> bool:
    """Return whether a header name is the column's own, not one that others give it."""
    return normal(kept_text(name)).replace("_", "") == column.replace("_", "")


def currencies_in(names: Iterable[str]) -> dict[str, str]:
    """Return the currencies that header names state, each with the first name that does."""
    found: dict[str, str] = {}
    for name in names:
        unit, _ = _unit_of(name, normal(name))
        if unit in _CURRENCIES:
            found.setdefault(_CURRENCIES[unit], name)
    return found


def _meant_by(plain: str) -> str | None:
    known = spellings()
    return known.get(plain) or known.get(plain.replace("_", ""))


def _has_signs(name: str) -> bool:
    """Return whether a name has a sign that changes what it means."""
    return any(c in _SIGNS or (c != "`" and unicodedata.category(c)[0] == "S") for c in name)


def _unit_of(name: str, plain: str) -> tuple[str, str]:
    """Return the unit or currency that a name states in brackets or at its end, and the name without it.

    Both are blank if there is none. Pieces are only taken in brackets: a "stock unit" is a unit, no stock.
    """
    if bracketed := _BRACKETS.fullmatch(name):
        unit = bracketed[2].strip().rstrip(".").casefold()
        return (unit, bracketed[1]) if unit in _BRACKETED else ("", "")
    name = name.rstrip("* ")
    if name and name[-1] in _BARE_CURRENCIES:
        return name[-1], _IN.sub("", name[:-1])
    last = plain.rpartition("_")[2]
    if last in _CURRENCIES and last.isascii() and name.casefold().endswith(last):
        return last, _IN.sub("", name[: -len(last)])
    return "", ""
