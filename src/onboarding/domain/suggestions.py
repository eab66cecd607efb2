"""Suggestions for the correction of a value, shown with an error and never applied; blank if unclear."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

from onboarding.domain.text import INVISIBLE_IN_IDENTIFIER, MAX_QUOTED_LENGTH

_MAX_NAME_LENGTH = 100
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_APOSTROPHE = re.compile("['\u2019`\u00b4]")
_FILLERS = frozenset(("and", "und", "et", "y", "e", "i", "the", "of", "for", "fur", "de", "a", "s"))
_IRREGULAR_PLURALS = {"man": "men", "woman": "women", "child": "children", "kid": "kids"}
# Minimum word lengths for one and for two wrong, missing, surplus or swapped letters; in shorter words these usually
# result in another word (`Boots` and `Books`).
_MIN_LENGTH_ONE_MISTAKE, _MIN_LENGTH_TWO_MISTAKES = 5, 9
# Limits on processing time: the number of ways to leave out two letters grows with the square of a word's length.
_MAX_CORRECTED_LENGTH = 16
_MAX_CORRECTED_WORDS = 5
_MAX_CANDIDATES = 10
# Characters of the bytes 0x80 to 0x9F in Windows-1252; in Latin-1 they are control characters.
_WINDOWS_1252 = {chr(byte): bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}


def suggest_name(name: str, known_names: Collection[str]) -> str:
    """Return `Did you mean '…'?` with the known name that `name` most probably means; blank if unclear.

    Names are compared word by word, without regard to case, accents, plural and order. A known name is suggested if its
    words are those of `name` except for spelling mistakes (one letter in words of five letters or more, two in words of
    nine or more, not the first letter), or else if all words of one name are words of the other.
    """
    suggestion = find_similar_name(name, known_names)
    return f"Did you mean '{suggestion}'?" if suggestion else ""


def find_similar_name(name: str, known_names: Collection[str]) -> str:
    """Return the known name that `name` most probably means; blank if unclear."""
    if not name or len(name) > _MAX_NAME_LENGTH:
        return ""
    return _find_nearest(name, frozenset(known_names))


@lru_cache(maxsize=1024)
def _find_nearest(name: str, known_names: frozenset[str]) -> str:
    # Cached: files repeat the same name in thousands of rows.
    return _build_index(known_names).find_nearest(name)


@dataclass(slots=True)
class _Index:
    """Index of known names by their words: the time of a search does not grow with the number of names.

    `misspelled` maps words with letters left out to the known words that they may be.
    """

    by_words: dict[frozenset[str], list[str]] = field(default_factory=lambda: defaultdict(list))
    by_letters: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    with_word: dict[str, set[frozenset[str]]] = field(default_factory=lambda: defaultdict(set))
    misspelled: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def find_nearest(self, name: str) -> str:
        """Return the known name that a name most probably means; blank if there is none or several."""
        words = _list_words(name)
        if not words:
            return ""
        equal_names = self.by_words.get(words) or self.by_letters.get("".join(_split_name(name)))
        if equal_names:
            return _get_single(equal_names)
        if len(words) <= _MAX_CORRECTED_WORDS:
            corrected_words = frozenset(self._correct(word) for word in words)
            if corrected_words in self.by_words:
                return _get_single(self.by_words[corrected_words])
        longer_word_sets = set.intersection(*(self.with_word.get(word, set()) for word in words))
        if longer_word_sets:
            return _get_single([name for word_set in longer_word_sets for name in self.by_words[word_set]])
        word_sets: set[frozenset[str]] = set()
        for word in words:
            word_sets |= self.with_word.get(word, set())
        shorter_word_sets = [word_set for word_set in word_sets if word_set < words]
        max_words = max(map(len, shorter_word_sets), default=0)
        return _get_single(
            [name for word_set in shorter_word_sets if len(word_set) == max_words for name in self.by_words[word_set]]
        )

    def _correct(self, word: str) -> str:
        """Return the known word of which a word is a misspelling; the word itself if there is none or several."""
        if word in self.with_word or len(word) > _MAX_CORRECTED_LENGTH:
            return word
        candidates = {known_word for part in _leave_out_letters(word) for known_word in self.misspelled.get(part, ())}
        if len(candidates) > _MAX_CANDIDATES:
            return word
        mistakes = {
            known_word: _count_mistakes(word, known_word) for known_word in candidates if known_word[0] == word[0]
        }
        fewest_mistakes = min(mistakes.values(), default=0)
        nearest = [
            known_word
            for known_word, count in mistakes.items()
            if count == fewest_mistakes <= _get_max_mistakes(known_word)
        ]
        return nearest[0] if len(nearest) == 1 else word


@lru_cache(maxsize=4)
def _build_index(known_names: frozenset[str]) -> _Index:
    index = _Index()
    for name in sorted(known_names):
        words = _list_words(name)
        index.by_words[words].append(name)
        index.by_letters["".join(_split_name(name))].append(name)
        for word in words:
            index.with_word[word].add(words)
    for word in index.with_word:
        if len(word) <= _MAX_CORRECTED_LENGTH:
            for part in _leave_out_letters(word):
                index.misspelled[part].add(word)
    return index


def _split_name(name: str) -> list[str]:
    unaccented_name = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    # An apostrophe, as in `Men's`, does not separate words.
    return [
        word for word in _BETWEEN_WORDS.split(_APOSTROPHE.sub("", unaccented_name)) if word and word not in _FILLERS
    ]


def _list_words(name: str) -> frozenset[str]:
    return frozenset(map(_remove_plural_ending, _split_name(name)))


def _remove_plural_ending(word: str) -> str:
    """Return a word without its plural ending, so that `Book` and `Books` are equal."""
    if word in _IRREGULAR_PLURALS:
        return _remove_plural_ending(_IRREGULAR_PLURALS[word])
    if word.endswith("ies") and len(word) > len("ties"):
        return f"{word[:-3]}y"
    if word.endswith("s") and not word.endswith("ss") and len(word) > len("is"):
        return word[:-1]
    return word


def _get_max_mistakes(word: str) -> int:
    """Return the maximum number of wrong letters in a word."""
    return (len(word) >= _MIN_LENGTH_ONE_MISTAKE) + (len(word) >= _MIN_LENGTH_TWO_MISTAKES)


def _leave_out_letters(word: str) -> Iterator[str]:
    """Yield a word with up to the maximum number of wrong letters left out, in every way.

    Two words with such a part in common may be misspellings of each other.
    """
    for count in range(_get_max_mistakes(word) + 1):
        for letters in combinations(word, len(word) - count):
            yield "".join(letters)


def _count_mistakes(word: str, other_word: str) -> int:
    """Return the number of letters to change, add, drop or swap with the next one (Damerau-Levenshtein distance)."""
    second_previous_row: list[int] = []
    previous_row = list(range(len(other_word) + 1))
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, other_letter in enumerate(other_word, 1):
            cost = min(previous_row[j] + 1, row[j - 1] + 1, previous_row[j - 1] + (letter != other_letter))
            if i > 1 and j > 1 and letter == other_word[j - 2] and word[i - 2] == other_letter:
                cost = min(cost, second_previous_row[j - 2] + 1)
            row.append(cost)
        second_previous_row, previous_row = previous_row, row
    return previous_row[-1]


def _get_single(names: Collection[str]) -> str:
    return next(iter(names)) if len(names) == 1 else ""


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
