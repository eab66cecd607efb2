"""Suggestions of category names."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from onboarding.domain import suggestions
from onboarding.domain.product_schema import DEFAULT_CATEGORIES

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Elektronics", "Electronics"),
        ("Elektronik", "Electronics"),
        ("electronics", "Electronics"),
        ("HOME AND GARDEN", "Home & Garden"),
        ("Mens Clothing", "Men's Clothing"),
        ("Womens Cloting", "Women's Clothing"),
        ("Clothing, Men", "Men's Clothing"),
        ("Clothing > Men > Shirts", "Men's Clothing"),
        ("Men", "Men's Clothing"),
        ("man", "Men's Clothing"),
        ("Women", "Women's Clothing"),
        ("Womens", "Women's Clothing"),
        ("Woman", "Women's Clothing"),
        ("Toys", "Toys & Games"),
        ("Toy", "Toys & Games"),
        ("Book", "Books"),
        ("Books and magazines", "Books"),
        ("Acesories", "Accessories"),
        ("Livingroom", "Living Room"),
        ("bed-room", "Bedroom"),
        ("Computer", None),
        ("Gadgets", None),
        ("Boots", None),
        ("Wealth", None),
        ("Men & Women", None),
        ("&", None),
        ("", None),
    ],
)
def test_suggest_name_misspelled_category_is_suggested_if_unambiguous(name: str, suggestion: str | None) -> None:
    assert suggestions.suggest_name(name, DEFAULT_CATEGORIES) == (f"Did you mean '{suggestion}'?" if suggestion else "")


def test_suggest_name_several_names_of_the_same_words_is_blank() -> None:
    assert suggestions.suggest_name("Garden Home", ["Home & Garden", "Garden, Home"]) == ""


def make_anagrams(letters: str, count: int) -> list[str]:
    """Return random orders of letters, the same in every run."""
    generator = random.Random(1)  # noqa: S311
    return ["".join(generator.sample(letters, len(letters))) for _ in range(count)]


def make_one_word_names() -> tuple[list[str], list[str]]:
    letters = (LETTERS * 4)[:100]
    return make_anagrams(letters, 300), make_anagrams(letters, 10_000)


def make_ten_word_names() -> tuple[list[str], list[str]]:
    known = [" ".join(make_anagrams(LETTERS[:9], 300 + n)[n::300][:10]) for n in range(300)]
    return known, [" ".join(make_anagrams(LETTERS[:9], 10)) for _ in range(10_000)]


def make_few_letter_names() -> tuple[list[str], list[str]]:
    return make_anagrams("aaaaabbbbbccccc", 300), make_anagrams("aaaaabbbbbccccc", 10_000)


@pytest.mark.parametrize(
    "make_names",
    [make_one_word_names, make_ten_word_names, make_few_letter_names],
    ids=["one word", "ten words", "few letters"],
)
@pytest.mark.no_cover
def test_suggest_name_ten_thousand_anagrams_takes_bounded_time(
    make_names: Callable[[], tuple[list[str], list[str]]],
) -> None:
    known, names = make_names()
    start = time.process_time()
    for name in names:
        suggestions.suggest_name(name, known)
    # Two seconds without other load; comparing every pair of names takes minutes.
    assert time.process_time() - start < 10
