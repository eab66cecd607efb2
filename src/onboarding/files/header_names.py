"""Mapping of header names to our columns, by synonyms that have only one meaning."""

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

MAX_NAME_LENGTH = 100
"""Maximum length of a header name in characters; longer names match no column."""

_BETWEEN_WORDS = re.compile(r"[\W_]+")
# Exports write ="price" so that a spreadsheet reads the value as text.
_TEXT_FORMULA = re.compile(r'="([^"]*)"')
_BRACKETS = re.compile(r"([^()\[\]]+)[(\[]([^()\[\]]*)[)\]][\s*]*")
# Signs that change the meaning of a name: "Stock #" is an identifier, "Price %" is not a price.
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
"""Code of each spelling of a currency; `kr` is used by several countries."""

_NOTES = frozenset({"required", "optional", "mandatory"})
# "Price in EUR" is equal to "Price EUR".
_BEFORE_CURRENCY = re.compile(r"(?:[ _]+(?:in|en|i|w|v|em))?[ _\-./:]*$", re.IGNORECASE)
_QUANTITIES = columns_of_type(ColumnType.QUANTITY)


def normalize_name(name: str) -> str:
    """Return a name in lower case, without accents, and with `_` between words."""
    unaccented_name = name
    # Fast path: nearly every value is ASCII, which has no accents.
    if not name.isascii():
        unaccented_name = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return _BETWEEN_WORDS.sub("_", unaccented_name.casefold()).strip("_")


@cache
def _load_lists() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "headers.toml").read_text(encoding="utf-8"))


@cache
def load_piece_units() -> frozenset[str]:
    """Return the words and abbreviations for pieces."""
    return frozenset(_load_lists()["pieces"])


@cache
def _list_languages() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return the synonyms of each language, by column."""
    return {key: value for key, value in _load_lists().items() if isinstance(value, dict)}


@cache
def list_synonyms() -> dict[str, list[str]]:
    """Return the synonyms of each column as written in `headers.toml`."""
    return {
        column: list(dict.fromkeys(name for names in _list_languages().values() for name in names.get(column, ())))
        for column in COLUMNS
    }


@cache
def list_spellings() -> dict[str, str]:
    """Return the column of every known name in its normalized form."""
    spellings = {column: column for column in COLUMNS}
    spellings |= {normalize_name(name): column for column, names in list_synonyms().items() for name in names}
    # "Productname" is equal to "product name".
    return spellings | {name.replace("_", ""): column for name, column in spellings.items()}


@cache
def list_false_friends() -> Mapping[str, frozenset[str]]:
    """Return the names with another meaning in another language, each with the other names of its own language."""
    false_friends = frozenset(map(normalize_name, _load_lists()["false_friends"]))
    other_names: dict[str, frozenset[str]] = {}
    for columns in _list_languages().values():
        names = {normalize_name(name) for synonyms in columns.values() for name in synonyms}
        other_names |= {friend: frozenset(names - false_friends) for friend in names & false_friends}
    return other_names


def unwrap_text_formula(value: str) -> str:
    """Return the text in `="…"`; return other values unchanged."""
    match = _TEXT_FORMULA.fullmatch(value) if value[:1] == "=" else None
    return match[1] if match else value


@lru_cache(8_192)
def match_column(name: str) -> str | None:
    """Return the column of a header name without regard to the other names, or None."""
    # A name that begins with `_` is a note of the vendor, or a column of a fix file.
    if len(name) > MAX_NAME_LENGTH or not name or name[0] == "_":
        return None
    name = unwrap_text_formula(name)
    normalized_name = normalize_name(name)
    column = _find_column(normalized_name)
    if column is not None and not _has_meaningful_sign(name):
        return column
    unit, name_without_unit = _split_unit(name, normalized_name)
    if not unit or _has_meaningful_sign(name_without_unit):
        return None
    column = _find_column(normalize_name(name_without_unit))
    if (
        unit in _NOTES
        or (column in PRICES and unit in _CURRENCIES)
        or (column in _QUANTITIES and unit in load_piece_units())
    ):
        return column
    return None


def match_columns(names: Sequence[str]) -> list[str | None]:
    """Return the column of each name of a header, or None; a name in `false_friends` needs another of its language."""
    columns = [match_column(name) for name in names]
    normalized_names = [normalize_name(name) if column else "" for name, column in zip(names, columns, strict=True)]
    false_friends = list_false_friends().keys() & normalized_names
    if not false_friends:
        return columns
    ignored_names = {friend for friend in false_friends if list_false_friends()[friend].isdisjoint(normalized_names)}
    return [None if name in ignored_names else column for name, column in zip(normalized_names, columns, strict=True)]


def count_known_columns(values: Sequence[str]) -> int:
    """Return the number of different columns that a line names."""
    return len({match_column(value.strip()) for value in values[:MAX_COLUMNS]} - {None})


def is_own_name(name: str, column: str) -> bool:
    """Return whether a header name is the column's own name and not a synonym."""
    return normalize_name(unwrap_text_formula(name)).replace("_", "") == column.replace("_", "")


def find_currencies(names: Iterable[str]) -> dict[str, str]:
    """Return the currencies in header names, each with the first name that contains it."""
    currencies: dict[str, str] = {}
    for name in names:
        unit, _ = _split_unit(name, normalize_name(name))
        if unit in _CURRENCIES:
            currencies.setdefault(_CURRENCIES[unit], name)
    return currencies


def _find_column(normalized_name: str) -> str | None:
    spellings = list_spellings()
    return spellings.get(normalized_name) or spellings.get(normalized_name.replace("_", ""))


def _has_meaningful_sign(name: str) -> bool:
    """Return whether a name has a sign that changes its meaning."""
    return any(c in _SIGNS or (c != "`" and unicodedata.category(c)[0] == "S") for c in name)


def _split_unit(name: str, normalized_name: str) -> tuple[str, str]:
    """Return the unit, currency or note in brackets or at the end of a name, and the name without it.

    Both are blank if there is none. Pieces count only in brackets: a "stock unit" is a unit, not a stock.
    """
    if match := _BRACKETS.fullmatch(name):
        unit = match[2].strip().rstrip(".").casefold()
        is_known = unit in _CURRENCIES or unit in _NOTES or unit in load_piece_units()
        return (unit, match[1]) if is_known else ("", "")
    name = name.rstrip("* ")
    if name and name[-1] in _BARE_CURRENCIES:
        return name[-1], _BEFORE_CURRENCY.sub("", name[:-1])
    last_word = normalized_name.rpartition("_")[2]
    if last_word in _CURRENCIES and last_word.isascii() and name.casefold().endswith(last_word):
        return last_word, _BEFORE_CURRENCY.sub("", name[: -len(last_word)])
    return "", ""
