"""Suggestions of category names."""

from __future__ import annotations

import random
import time

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


@pytest.mark.parametrize(
    ("known", "names"),
    [
        (make_anagrams((LETTERS * 4)[:100], 300), make_anagrams((LETTERS * 4)[:100], 10_000)),
        (
            [" ".join(make_anagrams(LETTERS[:9], 300 + n)[n::300][:10]) for n in range(300)],
            [" ".join(make_anagrams(LETTERS[:9], 10)) for _ in range(10_000)],
        ),
        (make_anagrams("aaaaabbbbbccccc", 300), make_anagrams("aaaaabbbbbccccc", 10_000)),
    ],
    ids=["one word", "ten words", "few letters"],
)
@pytest.mark.no_cover
def test_suggest_name_ten_thousand_anagrams_takes_bounded_time(known: list[str], names: list[str]) -> None:
    start = time.process_time()
    for name in names:
        suggestions.suggest_name(name, known)
    # Two seconds without other load; comparing every pair of names takes minutes.
    assert time.process_time() - start < 10
