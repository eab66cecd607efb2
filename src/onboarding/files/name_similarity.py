"""Similarity of header names to our columns, for suggestions that a person confirms.

Confidence: a name is similar to a column only if it has the same words as a known name of the column, apart from order,
abbreviations, language, and the words that `column_words.toml` lists as of no importance. Any other word, as in
`Cost price` or `Vendor name`, makes it another column. Similarities are in `Similarity`; a spelling mistake lowers
them, and below `MIN_SIMILARITY` there is no suggestion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache, lru_cache
from itertools import product

from onboarding.domain.product_schema import COLUMNS, IDENTIFIERS, PRODUCT_SCHEMA
from onboarding.domain.spelling import SpellingIndex, count_mistakes, split_compound
from onboarding.files.column_words import (
    GRAM,
    KILOGRAM,
    expand_word,
    list_known_names,
    load_qualifiers,
    load_system_names,
    load_vocabulary,
    load_words,
    split_words,
    unify_words,
)
from onboarding.files.header_names import MAX_NAME_LENGTH, normalize_name, unwrap_text_formula

MIN_SIMILARITY = 0.7
"""Similarity below which nothing is suggested."""

_MISTAKE = 0.1
_WRONG_LETTER_IN_SHORT_WORD = 0.05
_SHORT_WORD = 5
_ROUNDING = 1e-9
# Limits on processing time.
_MAX_WORDS = 8
MAX_COMPARED_NAMES = 300
"""Maximum number of names for which a similar column is searched."""


class Similarity(float, Enum):
    """Similarity of a name to a column.

    `SAME`: the words of a known name. `SYSTEM`: a technical name of another system. `CORE`: the same without the word
    for products. `QUALIFIED`: with additional words such as `net`. `WEAK`: a name that only the values confirm.
    """

    SAME = 1.0
    SYSTEM = 0.95
    CORE = 0.9
    QUALIFIED = 0.8
    WEAK = 0.75


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A column to which a name is similar, with the known name.

    `system` is the system in which the name is known. `is_weak`: only values of the column's type confirm the match.
    `in_grams`: the name is of a weight in grams.
    """

    column: str
    similarity: float
    known_name: str
    system: str = ""
    is_weak: bool = False
    in_grams: bool = False


@dataclass(slots=True)
class _Index:
    """Known names by their words: all of them, and without the word for products."""

    by_words: dict[frozenset[str], list[NameMatch]] = field(default_factory=lambda: defaultdict(list))
    by_core: dict[frozenset[str], list[NameMatch]] = field(default_factory=lambda: defaultdict(list))


def find_nearest_names(missing: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return for each missing column the most similar name, if exactly one is; no name is used twice."""
    matches = [
        (name, match)
        for name in names[:MAX_COMPARED_NAMES]
        for match in match_name(name)
        if match.column in missing and not match.is_weak
    ]
    return {column: name for column, (name, _) in assign_names(matches).items()}


def assign_names(matches: Iterable[tuple[str, NameMatch]]) -> dict[str, tuple[str, NameMatch]]:
    """Return the best name of each column. A name is used once; of equally similar names, none is the best."""
    by_column: dict[str, dict[str, NameMatch]] = defaultdict(dict)
    for name, match in matches:
        other = by_column[match.column].get(name)
        if other is None or other.similarity < match.similarity:
            by_column[match.column][name] = match
    assigned: dict[str, tuple[str, NameMatch]] = {}
    _assign_identifiers(by_column, assigned)
    pairs = sorted(
        (-match.similarity, COLUMNS.index(column), name)
        for column, by_name in by_column.items()
        if column not in assigned
        for name, match in by_name.items()
    )
    unclear = set()
    for similarity, index, name in pairs:
        column = COLUMNS[index]
        if column in assigned or column in unclear or any(name == used_name for used_name, _ in assigned.values()):
            continue
        used_names = {used_name for used_name, _ in assigned.values()}
        equal = [
            other
            for value, other_index, other in pairs
            if (value, other_index) == (similarity, index) and other not in used_names
        ]
        if len(equal) > 1:
            unclear.add(column)
        else:
            assigned[column] = (name, by_column[column][name])
    return assigned


def _assign_identifiers(
    by_column: Mapping[str, Mapping[str, NameMatch]], assigned: dict[str, tuple[str, NameMatch]]
) -> None:
    """Assign two names to both identifiers, if only one of the two ways is possible or better than the other.

    Otherwise a name that means either of them would be taken by the first identifier, and the second one has none.
    """
    candidates = [by_column.get(column, {}) for column in IDENTIFIERS]
    ways: dict[float, list[tuple[str, ...]]] = defaultdict(list)
    for names in product(*candidates):
        if len(set(names)) == len(names):
            ways[sum(matches[name].similarity for name, matches in zip(names, candidates, strict=True))].append(names)
    best = ways[max(ways)] if ways else []
    if len(best) == 1:
        for column, name, matches in zip(IDENTIFIERS, best[0], candidates, strict=True):
            assigned[column] = (name, matches[name])


@lru_cache(4_096)
def match_name(name: str) -> tuple[NameMatch, ...]:
    """Return the columns to which a name is similar, with a similarity of `MIN_SIMILARITY` or more."""
    # A name that begins with `_` is a note of the vendor, or a column of a fix file.
    if not name or name[0] == "_" or len(name) > MAX_NAME_LENGTH:
        return ()
    name = unwrap_text_formula(name)
    if (system_name := normalize_name(name)) in load_system_names():
        system, columns = load_system_names()[system_name]
        return tuple(NameMatch(column, Similarity.SYSTEM, name, system) for column in columns)
    words = split_words(name)
    if not words or len(words) > _MAX_WORDS:
        return ()
    mistakes = sum(map(_weigh_mistakes, words))
    full = [part for word in words for part in _recognize(word)]
    in_grams = GRAM in full and KILOGRAM not in full
    if mistakes > Similarity.SAME - MIN_SIMILARITY + _ROUNDING:
        return ()
    best: dict[str, NameMatch] = {}
    for match in _match_words(unify_words(full)):
        found_match = replace(match, similarity=match.similarity - mistakes, in_grams=in_grams)
        other = best.get(match.column)
        if other is None or _rank(name, found_match) > _rank(name, other):
            best[match.column] = found_match
    return tuple(match for match in best.values() if match.similarity > MIN_SIMILARITY - _ROUNDING)


def _rank(name: str, match: NameMatch) -> tuple[float, bool, int]:
    """Return the order of matches: the most similar one, then our own name, then the one that looks most similar."""
    is_own_name = match.known_name == PRODUCT_SCHEMA[match.column].label
    different_pairs = _list_letter_pairs(name) ^ _list_letter_pairs(match.known_name)
    return match.similarity, is_own_name, -len(different_pairs)


@lru_cache(4_096)
def _list_letter_pairs(name: str) -> frozenset[str]:
    text = f" {normalize_name(name)} "
    return frozenset(text[i : i + 2] for i in range(len(text) - 1))


def _match_words(words: frozenset[str]) -> Iterator[NameMatch]:
    index = _build_index()
    yield from index.by_words.get(words, ())
    core = words - load_words("neutral")
    if core == words and core <= load_words("incomplete"):
        return
    for match in index.by_core.get(core, ()):
        yield match if match.is_weak else replace(match, similarity=Similarity.CORE)
    for column, qualifiers in load_qualifiers().items():
        if core.isdisjoint(qualifiers):
            continue
        for match in index.by_core.get(core - qualifiers, ()):
            if match.column == column and not match.is_weak:
                yield replace(match, similarity=Similarity.QUALIFIED)


@lru_cache(8_192)
def _recognize(word: str) -> tuple[str, ...]:
    """Return the known words of which a word consists or is a misspelling; otherwise the word."""
    return expand_word(_correct(word))


@lru_cache(8_192)
def _correct(word: str) -> str:
    vocabulary = load_vocabulary()
    if word in vocabulary or not word.isalpha() or word in load_words("others") or split_compound(word, vocabulary):
        return word
    nearest_words = sorted(_build_spelling_index().list_nearest(word))
    # Of several words, as of different languages, all must mean the same.
    return nearest_words[0] if len({_list_meanings(nearest_word) for nearest_word in nearest_words}) == 1 else word


def _list_meanings(word: str) -> frozenset[str]:
    """Return the columns that a word alone means; if it means none, its expansion."""
    words = frozenset(expand_word(word))
    return frozenset(match.column for match in _build_index().by_words.get(words, ())) or words


def _weigh_mistakes(word: str) -> float:
    """Return by how much the mistakes of a word lower the similarity of its name."""
    known_word = _correct(word)
    is_wrong_letter = len(known_word) == len(word) == _SHORT_WORD and sorted(word) != sorted(known_word)
    return _MISTAKE * count_mistakes(word, known_word) + _WRONG_LETTER_IN_SHORT_WORD * is_wrong_letter


@cache
def _build_spelling_index() -> SpellingIndex:
    return SpellingIndex(load_vocabulary())


@cache
def _build_index() -> _Index:
    index = _Index()
    for known_name in list_known_names():
        words = unify_words(part for word in known_name.words for part in expand_word(word))
        similarity = Similarity.WEAK if known_name.is_weak else Similarity.SAME
        match = NameMatch(known_name.column, similarity, known_name.name, is_weak=known_name.is_weak)
        index.by_words[words].append(match)
        if core := words - load_words("neutral"):
            index.by_core[core].append(match)
    return index
