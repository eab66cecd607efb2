"""Spelling mistakes: known words that a misspelled word may be, and compounds of known words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Iterator
from itertools import combinations

# Minimum word lengths for one and for two wrong, missing, surplus or swapped letters; in shorter words these usually
# result in another word (`Boots` and `Books`).
_MIN_LENGTH_ONE_MISTAKE, _MIN_LENGTH_TWO_MISTAKES = 5, 9
# Limits on processing time: the number of ways to leave out two letters grows with the square of a word's length.
_MAX_CORRECTED_LENGTH = 16
_MAX_CANDIDATES = 10
_MIN_PART_LENGTH = 3
_MAX_COMPOUND_LENGTH = 40


class SpellingIndex:
    """Index of known words by their parts: the time of a correction does not grow with the number of words.

    A wrong letter (not one that is missing, surplus or swapped) is a mistake only in words of `min_length_wrong_letter`
    letters or more: `Shirts` and `Shorts` are two words.
    """

    def __init__(self, words: Iterable[str], *, min_length_wrong_letter: int = _MIN_LENGTH_ONE_MISTAKE) -> None:
        self._words = frozenset(words)
        self._min_length_wrong_letter = min_length_wrong_letter
        self._by_part: dict[str, set[str]] = defaultdict(set)
        for word in self._words:
            if len(word) <= _MAX_CORRECTED_LENGTH:
                for part in _leave_out_letters(word):
                    self._by_part[part].add(word)

    def correct(self, word: str) -> str:
        """Return the known word of which a word is a misspelling; the word itself if there is none or several."""
        return get_single(self.list_nearest(word)) or word

    def list_nearest(self, word: str) -> list[str]:
        """Return the known words of which a word may be a misspelling with the fewest mistakes."""
        if word in self._words or not _MIN_LENGTH_ONE_MISTAKE <= len(word) <= _MAX_CORRECTED_LENGTH:
            return []
        candidates = {known_word for part in _leave_out_letters(word) for known_word in self._by_part.get(part, ())}
        if len(candidates) > _MAX_CANDIDATES:
            return []
        mistakes = {
            known_word: count_mistakes(word, known_word)
            for known_word in candidates
            if known_word[0] == word[0] and self._may_mean(word, known_word)
        }
        fewest_mistakes = min(mistakes.values(), default=0)
        return [
            known_word
            for known_word, count in mistakes.items()
            if count == fewest_mistakes <= _get_max_mistakes(max(word, known_word, key=len))
        ]

    def _may_mean(self, word: str, known_word: str) -> bool:
        if len(known_word) < _MIN_LENGTH_ONE_MISTAKE:
            return False
        if min(len(word), len(known_word)) >= self._min_length_wrong_letter:
            return True
        return len(word) != len(known_word) or sorted(word) == sorted(known_word)


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


def count_mistakes(word: str, other_word: str) -> int:
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


def split_compound(word: str, known_words: Container[str]) -> tuple[str, ...]:
    """Return the two known words of which a word consists, such as `Herren` and `Schuhe`; none if unclear."""
    if len(word) > _MAX_COMPOUND_LENGTH:
        return ()
    splits = [
        (word[:i], word[i:])
        for i in range(_MIN_PART_LENGTH, len(word) - _MIN_PART_LENGTH + 1)
        if word[:i] in known_words and word[i:] in known_words
    ]
    return splits[0] if len(splits) == 1 else ()


def get_single(texts: Collection[str]) -> str:
    """Return the only text; blank if there is none or several."""
    return next(iter(texts)) if len(texts) == 1 else ""
