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
        ("electronics", "Electronics"),
        ("HOME AND GARDEN", "Home & Garden"),
        ("Mens Clothing", "Men's Clothing"),
        ("Womens Cloting", "Women's Clothing"),
        ("Clothing, Men", "Men's Clothing"),
        ("Men", "Men's Clothing"),
        ("man", "Men's Clothing"),
        ("Menswear", "Men's Clothing"),
        ("Women", "Women's Clothing"),
        ("Womens", "Women's Clothing"),
        ("Woman", "Women's Clothing"),
        ("Toys", "Toys & Games"),
        ("Toy", "Toys & Games"),
        ("Book", "Books"),
        ("Books and magazines", "Books"),
        ("Acesories", "Accessories"),
        ("Ktichen", "Kitchen"),
        ("Livingroom", "Living Room"),
        ("bed-room", "Bedroom"),
        ("Audio", "Audio Equipment"),
        ("Outdoor", "Sports & Outdoors"),
        ("Drinks", "Food & Beverage"),
        # Other languages
        ("Herren", "Men's Clothing"),
        ("Damen", "Women's Clothing"),
        ("Herrenbekleidung", "Men's Clothing"),
        ("Damenmode", "Women's Clothing"),
        ("Küche", "Kitchen"),
        ("KUECHE", "Kitchen"),
        ("Schlafzimmer", "Bedroom"),
        ("Bad", "Bathroom"),
        ("Badezimmer", "Bathroom"),
        ("Garten", "Garden"),
        ("Bücher", "Books"),
        ("Kinderbücher", "Books"),
        ("Spielzeug", "Toys & Games"),
        ("Zubehör", "Accessories"),
        ("Computerzubehör", "Computer Accessories"),
        ("Elektronik", "Electronics"),
        ("Lebensmittel", "Food & Beverage"),
        ("Haus und Garten", "Home & Garden"),
        ("Vêtements pour femmes", "Women's Clothing"),
        ("Salle de bain", "Bathroom"),
        ("Chambre à coucher", "Bedroom"),
        ("Maison et jardin", "Home & Garden"),
        ("Livres", "Books"),
        ("Ropa de hombre", "Men's Clothing"),
        ("Mujer", "Women's Clothing"),
        ("Cocina", "Kitchen"),
        ("Juguetes", "Toys & Games"),
        ("Alimentos y bebidas", "Food & Beverage"),
        ("Abbigliamento donna", "Women's Clothing"),
        ("Camera da letto", "Bedroom"),
        ("Giardino", "Garden"),
        ("Herenkleding", "Men's Clothing"),
        ("Keuken", "Kitchen"),
        ("Speelgoed", "Toys & Games"),
        ("Huis en tuin", "Home & Garden"),
        # Paths
        ("Clothing > Men > Shirts", "Men's Clothing"),
        ("Women > Clothing", "Women's Clothing"),
        ("Apparel & Accessories > Clothing", "Clothing"),
        ("Home/Kitchen", "Kitchen"),
        ("Root|Women", "Women's Clothing"),
        ("Default Category/Men/Shirts", "Men's Clothing"),
        ("Electronics > Computers > Accessories", "Computer Accessories"),
        ("Electronics > Laptops", "Electronics"),
        ("Elektronics > Laptops", "Electronics"),
        ("Home & Garden » Kitchen » Knives", "Kitchen"),
        ("Clothing, Clothing > Men", "Men's Clothing"),
        ("Kleidung > Damen > Blusen", "Women's Clothing"),
        # Unclear
        ("Computer", None),
        ("Gadgets", None),
        ("Boots", None),
        ("Wealth", None),
        ("Men & Women", None),
        ("Men/Women", None),
        ("Storage", None),
        ("Equipment", None),
        ("Room", None),
        ("Mobile", None),
        ("Computers", None),
        ("Book Shelves", None),
        ("Garderobe", None),
        ("Gardener", None),
        ("Auto", None),
        ("Kids", None),
        ("Men's shoes", None),
        ("Girls", None),
        ("Root", None),
        ("> >", None),
        ("&", None),
        ("", None),
        ("Kitchen " * 13, None),
    ],
)
def test_suggest_name_similar_category_is_suggested_if_unambiguous(name: str, suggestion: str | None) -> None:
    assert suggestions.suggest_name(name, DEFAULT_CATEGORIES) == (f"Did you mean '{suggestion}'?" if suggestion else "")


@pytest.mark.parametrize(
    ("name", "known_names"),
    [
        ("Women", ["Men"]),
        ("Women", ["Men", "Men's Clothing"]),
        ("Damen", ["Men"]),
        ("Women's Clothing", ["Men's Clothing"]),
        ("Clothing", ["Women's Clothing"]),
        ("Men & Women", ["Men"]),
        ("Clothing > Women", ["Men's Clothing"]),
        ("Kids", ["Kitchen"]),
        ("Kitchen", ["Kids"]),
        ("Books", ["Boots"]),
        ("Boots", ["Books"]),
        ("Garden", ["Garderobe"]),
        ("Garderobe", ["Garden"]),
        ("Audio", ["Auto"]),
        ("Auto", ["Audio"]),
        ("Shorts", ["Shirts"]),
        ("Shirts", ["Shorts"]),
        ("Pants", ["Plants"]),
        ("Sheets", ["Sweets"]),
        ("Computers", ["Computer Accessories"]),
        ("Kitchen Books", ["Kitchen"]),
        ("Kitchen", ["Kitchen Books"]),
        ("Baby", ["Baby Food"]),
        ("Men", ["Men's Clothing", "Men's Shoes"]),
        ("Men", ["Men's Shoes"]),
        ("Root > Men", ["Men's Clothing", "Men's Shoes", "Clothing"]),
    ],
)
def test_find_similar_name_name_of_other_goods_is_blank(name: str, known_names: list[str]) -> None:
    assert suggestions.find_similar_name(name, known_names) == ""


@pytest.mark.parametrize(
    ("name", "known_names", "similar_name"),
    [
        ("Men", ["Herrenbekleidung", "Damenbekleidung"], "Herrenbekleidung"),
        ("Cuisine", ["Küche", "Bad"], "Küche"),
        ("Apparel", ["Fashion", "Clothing & Shoes"], "Fashion"),
        ("fashion", ["Fashion", "Clothing"], "Fashion"),
        ("Shoes", ["Men's Shoes", "Shoes & Boots"], "Shoes & Boots"),
        ("Root > Men > Shoes", ["Men's Clothing", "Men's Shoes", "Clothing"], "Men's Shoes"),
        ("Hoodie", ["Hoodies"], "Hoodies"),
        ("Watch", ["Watches"], "Watches"),
        ("Electronics > Acesories", ["Electronics", "Accessories"], "Accessories"),
    ],
)
def test_find_similar_name_names_of_other_marketplaces_returns_the_bare_name(
    name: str, known_names: list[str], similar_name: str
) -> None:
    assert suggestions.find_similar_name(name, known_names) == similar_name


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
