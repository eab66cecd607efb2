"""Words of category names without their differences of form and language, for comparison."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from onboarding.domain.spelling import split_compound

_BETWEEN_WORDS = re.compile(r"[\W_]+")
_APOSTROPHE = re.compile("['\u2019`\u00b4]")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_IRREGULAR_PLURALS = {
    "man": "men",
    "woman": "women",
    "kids": "kid",
    "shelves": "shelf",
    "scarves": "scarf",
    "knives": "knife",
}


def split_name(name: str) -> list[str]:
    """Return the words of a name in lower case, without accents and words such as `and`."""
    unaccented_name = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    # An apostrophe, as in `Men's`, does not separate words.
    return [
        word
        for word in _BETWEEN_WORDS.split(_APOSTROPHE.sub("", unaccented_name))
        if word and word not in _load_fillers()
    ]


@lru_cache(8_192)
def remove_plural_ending(word: str) -> str:
    """Return a word without its plural ending, so that `Book` and `Books` are equal."""
    if word in _IRREGULAR_PLURALS:
        return _IRREGULAR_PLURALS[word]
    if word.endswith(("ies", "ie")) and len(word) > len("ties"):
        # `Hoodie` and `Hoodies`, `Accessory` and `Accessories`.
        return f"{word.removesuffix('s')[:-2]}y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith("ss") and len(word) > len("is"):
        return word[:-1]
    return word


def translate(words: Sequence[str]) -> list[str]:
    """Return the English words, without plural endings, with the meaning of these words in their order."""
    translations: list[str] = []
    i = 0
    while i < len(words):
        pair = _load_translations().get(" ".join(words[i : i + 2])) if i + 1 < len(words) else None
        translations += pair or _translate_word(words[i])
        i += 2 if pair else 1
    return translations


@lru_cache(8_192)
def _translate_word(word: str) -> tuple[str, ...]:
    table = _load_translations()
    singular = remove_plural_ending(word)
    translation = table.get(word) or table.get(singular)
    if translation:
        return translation
    parts = split_compound(word, table) or split_compound(singular, table)
    return tuple(english for part in parts for english in table[part]) or (singular,)


def is_category_word(word: str) -> bool:
    """Return whether a word has a meaning of its own, so that it is not a misspelling of another."""
    return word in _load_translations()


def list_audiences() -> frozenset[str]:
    """Return the words for those for whom goods are made."""
    return _load_word_set("audiences")


def list_kinds() -> frozenset[str]:
    """Return the words for kinds of goods, wherever these are used."""
    return _load_word_set("kinds")


def list_other_goods() -> frozenset[str]:
    """Return the words that turn a name into one of other goods."""
    return _load_word_set("other_goods") | _load_word_set("kinds")


def list_goods_of_audiences() -> frozenset[str]:
    """Return the goods that an audience alone means."""
    return _load_word_set("goods_of_audiences")


@cache
def _load_lists() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "category_words.toml").read_text(encoding="utf-8"))


@cache
def _load_fillers() -> frozenset[str]:
    return frozenset(_load_lists()["fillers"])


@cache
def _load_word_set(key: str) -> frozenset[str]:
    return frozenset(map(remove_plural_ending, _load_lists()[key]))


@cache
def _load_translations() -> dict[str, tuple[str, ...]]:
    """Return the English words of each word or pair of words, without plural endings."""
    translations: dict[str, tuple[str, ...]] = {}
    for meaning, names in _load_lists()["words"].items():
        english = tuple(map(remove_plural_ending, split_name(meaning)))
        # `living room` is also the translation of itself.
        for name in (meaning, *names):
            for spelling in {name, unicodedata.normalize("NFC", name).translate(_UMLAUTS)}:
                words = split_name(spelling)
                translations[" ".join(words)] = english
                translations[" ".join(map(remove_plural_ending, words))] = english
    return translations
