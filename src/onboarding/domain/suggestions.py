"""Suggestions for the correction of a value, shown with an error and never applied; blank if unclear.

Confidence of a suggested name: it is the only known name that fits in one of these ways, tried in this order.

1. Its words are those of the name, without regard to case, accents, plural, order and language.
2. The same, except for spelling mistakes: see `spelling`.
3. The name is a part of it that says what it is: `Toys` for `Toys & Games`, and `Men` for `Men's Clothing`, but not
   `Storage` for `Computer Storage`, and not `Mobile` for `Mobile Accessories`, which are other goods.
4. It is a part of the name, and no longer one fits: `Books` for `Books and magazines`, but not for `Book shelves`.

A path such as `Clothing > Men > Shirts` is searched from its last part, which is the most specific one; a part may mean
a name together with the parts above it. A name for men, women, children and so on is suggested only for the same ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from onboarding.domain.category_words import (
    is_category_word,
    list_audiences,
    list_goods_of_audiences,
    list_kinds,
    list_other_goods,
    remove_plural_ending,
    split_name,
    translate,
)
from onboarding.domain.spelling import SpellingIndex, get_single
from onboarding.domain.text import INVISIBLE_IN_IDENTIFIER, MAX_QUOTED_LENGTH

_SUGGESTION = re.compile(r"Did you mean (?:'(?P<name>.+)'|(?P<number>[^' ]+))\?", re.DOTALL)
_MAX_NAME_LENGTH = 100
_MAX_CORRECTED_WORDS = 5
_MAX_PARTS = 8
_MIN_LENGTH_WRONG_LETTER = 6
_BETWEEN_PARTS = re.compile("[>/|\\\\\u00bb\u203a\u2192]|::")
# Each phrase of a name is a description of its own: `Food & Beverage`.
_BETWEEN_PHRASES = re.compile("[&+,;>/|\\\\]| (?:and|und|et|y|e|en) ", re.IGNORECASE)
# Characters of the bytes 0x80 to 0x9F in Windows-1252; in Latin-1 they are control characters.
_WINDOWS_1252 = {chr(byte): bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}


def suggest_name(name: str, known_names: Collection[str]) -> str:
    """Return `Did you mean '…'?` with the known name that `name` most probably means; blank if unclear."""
    suggestion = find_similar_name(name, known_names)
    return f"Did you mean '{suggestion}'?" if suggestion else ""


def find_suggestion(hint: str) -> str:
    """Return the value that a hint suggests, `Did you mean …?`; blank if it suggests none or several."""
    match = _SUGGESTION.fullmatch(hint)
    return (match["name"] or match["number"]) if match else ""


def find_similar_name(name: str, known_names: Collection[str]) -> str:
    """Return the known name that `name` most probably means; blank if unclear."""
    return _find_similar_name(name, frozenset(known_names)) if name and len(name) <= _MAX_NAME_LENGTH else ""


@lru_cache(maxsize=1024)
def _find_similar_name(name: str, known_names: frozenset[str]) -> str:
    # Cached: files repeat the same name in thousands of rows.
    return _build_index(known_names).find(name)


@dataclass(frozen=True, slots=True)
class _KnownName:
    """A known name with its English words without plural endings.

    `phrases` are the words on each side of `&` and the like; `plurals` are those that the name has in the plural.
    """

    name: str
    words: frozenset[str]
    phrases: tuple[tuple[str, ...], ...]
    plurals: frozenset[str]

    def is_for(self, audience: Collection[str]) -> bool:
        """Return whether the name is for nobody in particular, or for exactly this audience."""
        own_audience = self.words & list_audiences()
        return not own_audience or own_audience == audience

    def is_described_by(self, words: frozenset[str]) -> bool:
        """Return whether some of the name's words say what it is; the others may follow from these."""
        if words <= list_audiences():
            return self.words - words <= list_goods_of_audiences()
        return any(
            phrase[0] in words and list_other_goods().isdisjoint(frozenset(phrase) - words) for phrase in self.phrases
        )

    def is_part_of(self, part: Sequence[str], words: frozenset[str]) -> bool:
        """Return whether a name with these words, and the same in English, means a kind of this one."""
        attributes = {word for word in part[:-1] if remove_plural_ending(word) == word}
        return (
            self.words < words and attributes.isdisjoint(self.plurals) and list_kinds().isdisjoint(words - self.words)
        )


@dataclass(slots=True)
class _Index:
    """Index of known names by their words: the time of a search does not grow with the number of names."""

    spelling: SpellingIndex
    by_letters: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    by_own_words: dict[frozenset[str], list[str]] = field(default_factory=lambda: defaultdict(list))
    by_words: dict[frozenset[str], list[str]] = field(default_factory=lambda: defaultdict(list))
    by_word: dict[str, list[_KnownName]] = field(default_factory=lambda: defaultdict(list))

    def find(self, name: str) -> str:
        """Return the known name that a name most probably means; blank if there is none or several."""
        own_words = split_name(name)
        words = frozenset(translate(own_words))
        equal_names = (
            self.by_own_words.get(frozenset(map(remove_plural_ending, own_words)))
            or self.by_words.get(words)
            or self.by_letters.get("".join(own_words))
        )
        if equal_names or not words:
            return get_single(equal_names or ())
        corrected_words = self._correct(words) if len(words) <= _MAX_CORRECTED_WORDS else words
        if corrected_words in self.by_words:
            return get_single(self.by_words[corrected_words])
        parts = [part for text in _BETWEEN_PARTS.split(name) if (part := split_name(text))][-_MAX_PARTS:]
        audience = words & list_audiences()
        for i in range(len(parts) - 1, -1, -1):
            names = self._find_part(parts[: i + 1], audience, is_path=len(parts) > 1)
            if names:
                return get_single(names)
        return ""

    def _find_part(self, parts: Sequence[Sequence[str]], audience: Collection[str], *, is_path: bool) -> Sequence[str]:
        """Return the known names that the last part of a path may mean below the other ones."""
        part = parts[-1]
        words = frozenset(translate(part))
        if is_path:
            words_in_path = words.union(*map(translate, parts[:-1]))
            names = self._find_in_path(words, words_in_path, audience)
            if not names and len(words) <= _MAX_CORRECTED_WORDS:
                corrected_words = self._correct(words)
                names = self._find_in_path(corrected_words, words_in_path | corrected_words, audience)
            if names:
                return names
        with_words = [known_name for known_name in self._list_with_all(words) if known_name.is_for(audience)]
        if len(with_words) == 1 or not words <= list_audiences():
            # Of several goods for an audience, `Men` may mean any.
            with_words = [known_name for known_name in with_words if known_name.is_described_by(words)]
        if with_words:
            return [known_name.name for known_name in with_words]
        return _list_longest(
            known_name
            for word in words
            for known_name in self.by_word.get(word, ())
            if known_name.is_part_of(part, words) and known_name.is_for(audience)
        )

    def _find_in_path(
        self, words: frozenset[str], words_in_path: frozenset[str], audience: Collection[str]
    ) -> Sequence[str]:
        """Return the longest known names with all words of a part, and otherwise only words of the parts above it."""
        return _list_longest(
            known_name
            for known_name in self._list_with_all(words)
            if known_name.words <= words_in_path
            and list_other_goods().isdisjoint(known_name.words - words - list_goods_of_audiences())
            and known_name.is_for(audience)
        )

    def _list_with_all(self, words: frozenset[str]) -> Sequence[_KnownName]:
        """Return the known names that have all of these words."""
        rarest = min((self.by_word.get(word, []) for word in words), key=len)
        return [known_name for known_name in rarest if words <= known_name.words]

    def _correct(self, words: frozenset[str]) -> frozenset[str]:
        return frozenset(word if is_category_word(word) else self.spelling.correct(word) for word in words)


def _list_longest(known_names: Iterable[_KnownName]) -> list[str]:
    """Return the different names with the most words."""
    lengths = {known_name.name: len(known_name.words) for known_name in known_names}
    longest = max(lengths.values(), default=0)
    return [name for name, length in lengths.items() if length == longest]


@lru_cache(maxsize=4)
def _build_index(names: frozenset[str]) -> _Index:
    known_names = [_parse_known_name(name) for name in sorted(names)]
    index = _Index(
        SpellingIndex(
            {word for known_name in known_names for word in known_name.words},
            min_length_wrong_letter=_MIN_LENGTH_WRONG_LETTER,
        )
    )
    for known_name in known_names:
        own_words = split_name(known_name.name)
        index.by_letters["".join(own_words)].append(known_name.name)
        index.by_own_words[frozenset(map(remove_plural_ending, own_words))].append(known_name.name)
        index.by_words[known_name.words].append(known_name.name)
        for word in known_name.words:
            index.by_word[word].append(known_name)
    return index


def _parse_known_name(name: str) -> _KnownName:
    words = split_name(name)
    phrases = [tuple(translate(split_name(phrase))) for phrase in _BETWEEN_PHRASES.split(name)]
    return _KnownName(
        name,
        frozenset(translate(words)),
        tuple(filter(None, phrases)),
        frozenset(singular for word in words if (singular := remove_plural_ending(word)) != word),
    )


def suggest_visible_text(text: str) -> str:
    """Return `Did you mean '…'?` with the text without its invisible characters."""
    # Other kinds of spaces look like U+0020; the other characters are not shown at all.
    text_with_spaces = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    suggestion = INVISIBLE_IN_IDENTIFIER.sub("", text_with_spaces).strip()
    return f"Did you mean '{suggestion}'?" if suggestion and len(suggestion) <= MAX_QUOTED_LENGTH else ""


def suggest_windows_1252_text(text: str) -> str:
    """Return `Did you mean '…'?` with control characters read as Windows-1252; blank if any of them remains."""
    suggestion = "".join(_WINDOWS_1252.get(character, character) for character in text)
    return (
        f"Did you mean '{suggestion}'?"
        if suggestion != text and suggestion.isprintable() and len(suggestion) <= MAX_QUOTED_LENGTH
        else ""
    )
