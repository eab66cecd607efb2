"""Words of header names in the form in which suggestions compare them; the lists are in `column_words.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from onboarding.domain.product_schema import COLUMNS, PRODUCT_SCHEMA
from onboarding.domain.spelling import split_compound
from onboarding.files.header_names import list_false_friends, list_synonyms, normalize_name

GRAM, KILOGRAM = "gram", "kg"

_WITHIN_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])")
# A name with `?` is a question with the answers yes and no.
_SIGN_WORDS = {"#": " number ", "%": " percent ", "?": " question ", "@": " at ", "\u2116": " number "}


@dataclass(frozen=True, slots=True)
class KnownName:
    """A name of a column, as shown to people, with its words. Of a weak one, only the values confirm the meaning."""

    column: str
    name: str
    words: tuple[str, ...]
    is_weak: bool = False


def split_words(name: str) -> list[str]:
    """Return the words of a name in lower case without accents, without those between others."""
    name = _WITHIN_WORD.sub(" ", name)
    for sign, word in _SIGN_WORDS.items():
        name = name.replace(sign, word)
    fillers = load_words("fillers")
    return [word for word in normalize_name(name).split("_") if word and word not in fillers]


def expand_word(word: str) -> tuple[str, ...]:
    """Return the words for which a word stands: itself, the one of which it is a form, or the parts of a compound."""
    replacements = _load_replacements()
    parts = (word,) if word in replacements else split_compound(word, load_vocabulary()) or (word,)
    return tuple(replacements.get(part, part) for part in parts)


def unify_words(words: Iterable[str]) -> frozenset[str]:
    """Return words in which grams are kilograms: their factor belongs to the number format."""
    return frozenset(KILOGRAM if word == GRAM else word for word in words)


def denies_price(name: str) -> bool:
    """Return whether a name is of another amount than the price for customers."""
    normalized_name = normalize_name(name)
    return "ek" in normalized_name.split("_") or any(part in normalized_name for part in load_words("not_prices"))


@cache
def load_words(key: str) -> frozenset[str]:
    """Return one of the lists of words: `neutral`, `incomplete`, `others`, `fillers` or `not_prices`."""
    return frozenset(_load_lists()[key])


@cache
def load_qualifiers() -> Mapping[str, frozenset[str]]:
    """Return by column the words that may be added to its names."""
    return {
        column: frozenset(_load_replacements().get(word, word) for word in map(normalize_name, words))
        for column, words in _load_lists()["qualifiers"].items()
    }


@cache
def load_system_names() -> Mapping[str, tuple[str, Sequence[str]]]:
    """Return the system and the columns of each technical name."""
    return {
        normalize_name(name): (system, columns)
        for system, names in _load_lists()["systems"].items()
        for name, columns in names.items()
    }


@cache
def load_vocabulary() -> frozenset[str]:
    """Return all words that are known, in all their forms."""
    qualifiers = [normalize_name(word) for words in _load_lists()["qualifiers"].values() for word in words]
    return frozenset(
        (*_load_replacements(), *qualifiers, *(word for known_name in list_known_names() for word in known_name.words))
    )


@cache
def list_known_names() -> Sequence[KnownName]:
    """Return all known names, sorted by column."""
    return list(_list_known_names())


def _list_known_names() -> Iterator[KnownName]:
    lists = _load_lists()
    for column in COLUMNS:
        yield KnownName(column, PRODUCT_SCHEMA[column].label, tuple(split_words(column)))
        synonyms = [name for name in list_synonyms()[column] if normalize_name(name) not in list_false_friends()]
        for name in (*synonyms, *lists["names"].get(column, ())):
            yield KnownName(column, name, tuple(split_words(name)))
        for name in lists["weak"].get(column, ()):
            yield KnownName(column, name, tuple(split_words(name)), is_weak=True)


@cache
def _load_lists() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "column_words.toml").read_text(encoding="utf-8"))


@cache
def _load_replacements() -> dict[str, str]:
    return {word: key for key, words in _load_lists()["words"].items() for word in (key, *words)}
