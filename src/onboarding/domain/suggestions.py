"""What a vendor probably meant: suggestions beside an error, never applied by themselves, blank when in doubt."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

from onboarding.domain.text import INVISIBLE_IN_IDENTIFIER, MAX_QUOTED_LENGTH

_LONGEST_NAME = 100
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_APOSTROPHE = re.compile("['\u2019`\u00b4]")
_FILLERS = frozenset(("and", "und", "et", "y", "e", "i", "the", "of", "for", "fur", "de", "a", "s"))
_SINGULARS = {"man": "men", "woman": "women", "child": "children", "kid": "kids"}
# From so many letters on, one or two wrong, missing, surplus or swapped ones are a mistake in writing; in a shorter
# word they make another word (`Boots` and `Books`).
_ONE_MISTAKE, _TWO_MISTAKES = 5, 9
# Bounds of the work: the number of ways to leave out two letters grows with the square of a word's length.
_LONGEST_CORRECTED = 16
_MOST_WORDS_CORRECTED = 5
_MOST_CANDIDATES = 10
# What the bytes 0x80 to 0x9F are there; Latin-1 has control characters instead.
_WINDOWS_1252 = {chr(byte): bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}


def suggest_name(name: str, known: Collection[str]) -> str:
    """`Did you mean '…'?` with the known name that `name` most probably means; blank if there is none, or several.

    Compared word by word, without regard to case, accents, plural and order. A known name is suggested if all its words
    are those of `name` but for mistakes in writing (one letter of a word of five, two of one of nine, not the first),
    or else if all words of one are among those of the other.
    """
    if not name or len(name) > _LONGEST_NAME:
        return ""
    found = _nearest(name, frozenset(known))
    return f"Did you mean '{found}'?" if found else ""


@lru_cache(maxsize=1024)
def _nearest(name: str, known: frozenset[str]) -> str:
    # Files repeat their mistakes: the same name comes with thousands of rows.
    return _index_of(known).nearest(name)


@dataclass(slots=True)
class _Index:
    """Known names by their words; what a name is compared with does not grow with how many there are."""

    by_words: dict[frozenset[str], list[str]] = field(default_factory=lambda: defaultdict(list))
    by_letters: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    with_word: dict[str, set[frozenset[str]]] = field(default_factory=lambda: defaultdict(set))
    misspelled: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def nearest(self, name: str) -> str:
        """The known name that a name means; blank if there is none, or several."""
        words = _words(name)
        if not words:
            return ""
        same = self.by_words.get(words) or self.by_letters.get("".join(_split(name)))
        if same:
            return _only(same)
        if len(words) <= _MOST_WORDS_CORRECTED:
            corrected = frozenset(self._corrected(word) for word in words)
            if corrected in self.by_words:
                return _only(self.by_words[corrected])
        longer = set.intersection(*(self.with_word.get(word, set()) for word in words))
        if longer:
            return _only([name for candidate in longer for name in self.by_words[candidate]])
        candidates: set[frozenset[str]] = set()
        for word in words:
            candidates |= self.with_word.get(word, set())
        shorter = [candidate for candidate in candidates if candidate < words]
        most = max(map(len, shorter), default=0)
        return _only([name for candidate in shorter if len(candidate) == most for name in self.by_words[candidate]])

    def _corrected(self, word: str) -> str:
        """The known word of which a word is a misspelling; the word itself if there is none, or several."""
        if word in self.with_word or len(word) > _LONGEST_CORRECTED:
            return word
        alike = {other for left in _with_letters_left_out(word) for other in self.misspelled.get(left, ())}
        if len(alike) > _MOST_CANDIDATES:
            return word
        mistakes = {other: _mistakes(word, other) for other in alike if other[0] == word[0]}
        fewest = min(mistakes.values(), default=0)
        suggest_name = [other for other, count in mistakes.items() if count == fewest <= _allowed(other)]
        return suggest_name[0] if len(suggest_name) == 1 else word


@lru_cache(maxsize=4)
def _index_of(known: frozenset[str]) -> _Index:
    index = _Index()
    for name in sorted(known):
        words = _words(name)
        index.by_words[words].append(name)
        index.by_letters["".join(_split(name))].append(name)
        for word in words:
            index.with_word[word].add(words)
    for word in index.with_word:
        if len(word) <= _LONGEST_CORRECTED:
            for left in _with_letters_left_out(word):
                index.misspelled[left].add(word)
    return index


def _split(name: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    # The apostrophe of `Men's` parts no words.
    return [word for word in _BETWEEN_WORDS.split(_APOSTROPHE.sub("", plain)) if word and word not in _FILLERS]


def _words(name: str) -> frozenset[str]:
    return frozenset(map(_singular, _split(name)))


def _singular(word: str) -> str:
    """A word without the ending of its plural, so that `Book` and `Books` are one."""
    if word in _SINGULARS:
        return _singular(_SINGULARS[word])
    if word.endswith("ies") and len(word) > len("ties"):
        return f"{word[:-3]}y"
    if word.endswith("s") and not word.endswith("ss") and len(word) > len("is"):
        return word[:-1]
    return word


def _allowed(word: str) -> int:
    """How many letters of a word may be wrong."""
    return (len(word) >= _ONE_MISTAKE) + (len(word) >= _TWO_MISTAKES)


def _with_letters_left_out(word: str) -> Iterator[str]:
    """A word in every way with as many letters left out as may be wrong: two words that share one are alike."""
    for count in range(_allowed(word) + 1):
        for kept in combinations(word, len(word) - count):
            yield "".join(kept)


def _mistakes(word: str, other: str) -> int:
    """How many letters must be changed, added, dropped or swapped with the next to make one word of the other."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, another in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != another))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == another:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]


def _only(names: Collection[str]) -> str:
    return next(iter(names)) if len(names) == 1 else ""


def suggest_visible_text(text: str) -> str:
    """`Did you mean '…'?` with the text as it looks, without what cannot be seen in it."""
    # A space of another kind looks like the usual one; everything else looks like nothing.
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    plain = INVISIBLE_IN_IDENTIFIER.sub("", spaced).strip()
    return f"Did you mean '{plain}'?" if plain and len(plain) <= MAX_QUOTED_LENGTH else ""


def suggest_windows_1252_text(text: str) -> str:
    """`Did you mean '…'?` with what Windows-1252 has in place of control characters, if that makes text of them all."""
    plain = "".join(_WINDOWS_1252.get(character, character) for character in text)
    return (
        f"Did you mean '{plain}'?" if plain != text and plain.isprintable() and len(plain) <= MAX_QUOTED_LENGTH else ""
    )
