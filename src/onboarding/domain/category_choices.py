"""Description of the active categories, as the expected values of a row with another category."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

from onboarding.domain.category_words import split_name, translate

_MAX_NAMES = 30
_MAX_LENGTH = 400
_SIMILAR_NAMES = 10
_WITHOUT_CATEGORIES = "an active category; the marketplace has none"


def describe_categories(categories: Collection[str], *, similar_to: str = "") -> str:
    """Return `one of the active categories: A, B, C`; of many categories, the most similar ones to a name.

    The order is alphabetical if there are few, or no name.
    """
    known_names = frozenset(categories)
    return _describe_all(known_names) or _describe_similar(known_names, similar_to)


@lru_cache(maxsize=4)
def _describe_all(names: frozenset[str]) -> str:
    """Return the description of all categories; blank if they are too many or too long."""
    if not names:
        return _WITHOUT_CATEGORIES
    # Joined only if they are few: a marketplace may have thousands.
    text = ", ".join(_sort(names)) if len(names) <= _MAX_NAMES else ""
    return f"one of the active categories: {text}" if text and len(text) <= _MAX_LENGTH else ""


@lru_cache(maxsize=1024)
def _describe_similar(names: frozenset[str], name: str) -> str:
    # Cached: files repeat the same name in thousands of rows.
    listed_names: list[str] = []
    length = 0
    for known_name in _rank(names, name)[:_SIMILAR_NAMES]:
        length += len(known_name) + len(", ")
        if listed_names and length > _MAX_LENGTH:
            break
        listed_names.append(known_name)
    more = len(names) - len(listed_names)
    more_text = f" and {more:,} more; see the page Categories" if more else ""
    return f"one of the active categories: {', '.join(listed_names)}{more_text}"


def _rank(names: frozenset[str], name: str) -> Sequence[str]:
    """Return the names in alphabetical order, those first that have most in common with a name."""
    parts_by_name = _list_parts(names)
    parts = frozenset(_split_into_parts(name))
    return sorted(parts_by_name, key=lambda known_name: -_compare(parts, parts_by_name[known_name]))


@lru_cache(maxsize=4)
def _list_parts(names: frozenset[str]) -> dict[str, frozenset[str]]:
    return {name: frozenset(_split_into_parts(name)) for name in _sort(names)}


def _sort(names: Collection[str]) -> list[str]:
    return sorted(names, key=lambda name: (name.casefold(), name))


def _split_into_parts(name: str) -> Iterator[str]:
    """Yield the words of a name in English, and all three adjacent letters of them."""
    for word in translate(split_name(name)):
        marked_word = f"^{word}$"
        yield marked_word
        for i in range(len(marked_word) - 2):
            yield marked_word[i : i + 3]


def _compare(parts: frozenset[str], other_parts: frozenset[str]) -> float:
    """Return the similarity of two names by their parts, from 0 to 1 (Dice coefficient)."""
    total = len(parts) + len(other_parts)
    return 2 * len(parts & other_parts) / total if total else 0.0
