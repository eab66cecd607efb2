"""Suggestions: the probable meaning, or none in doubt."""

from __future__ import annotations

import random
import time

import pytest

from onboarding.domain import suggestions
from onboarding.domain.numbers import is_number_range, list_possible_numbers
from onboarding.domain.product_schema import DEFAULT_CATEGORIES

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("name", "meant"),
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
def test_nearest_suggests_the_category_of_the_same_words(name: str, meant: str | None) -> None:
    assert suggestions.suggest_name(name, DEFAULT_CATEGORIES) == (f"Did you mean '{meant}'?" if meant else "")


def test_nearest_known_words_in_other_order_suggests_none_of_several() -> None:
    assert suggestions.suggest_name("Garden Home", ["Home & Garden", "Garden, Home"]) == ""


def anagrams(letters: str, count: int) -> list[str]:
    shuffle = random.Random(1)  # noqa: S311
    return ["".join(shuffle.sample(letters, len(letters))) for _ in range(count)]


@pytest.mark.parametrize(
    ("known", "names"),
    [
        (anagrams((LETTERS * 4)[:100], 300), anagrams((LETTERS * 4)[:100], 10_000)),
        (
            [" ".join(anagrams(LETTERS[:9], 300 + n)[n::300][:10]) for n in range(300)],
            [" ".join(anagrams(LETTERS[:9], 10)) for _ in range(10_000)],
        ),
        (anagrams("aaaaabbbbbccccc", 300), anagrams("aaaaabbbbbccccc", 10_000)),
    ],
    ids=["one word", "ten words", "few letters"],
)
@pytest.mark.no_cover
def test_nearest_ten_thousand_anagrams_is_cheap(known: list[str], names: list[str]) -> None:
    began = time.process_time()
    for name in names:
        suggestions.suggest_name(name, known)
    # Two seconds on a quiet machine; comparing each with each takes minutes.
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("text", "places", "meant"),
    [
        ("$19.99", 2, ["19.99"]),
        ("19.99 EUR", 2, ["19.99"]),
        ("€ 1,234.50", 2, ["1234.50"]),
        ("1,234,567", 2, ["1234567"]),
        ("19,99", 2, ["19.99"]),
        ("-5,5 €", 2, ["-5.5"]),
        ("-$5", 2, ["-5"]),
        ("1.234,50", 2, ["1234.50"]),
        ("1,234", 2, ["1234", "1.234"]),
        ("1,250 kg", 3, ["1250", "1.250"]),
        ("1,234", 0, ["1234"]),
        ("0,234", 3, ["0.234"]),
        ("0.25 kg", 3, ["0.25"]),
        ("150 pcs", 0, ["150"]),
        ("10,0", 0, ["10"]),
        ("+5", 0, ["5"]),
        ("1\u202f234\u202f567,5", 2, ["1234567.5"]),
        ("1'000", 0, ["1000"]),
        ("12,34,567.50", 2, ["1234567.50"]),
        ("'19.99", 2, ["19.99"]),
        ('="1.50"', 2, ["1.50"]),
        ("1.299,-", 2, ["1299"]),
        ("19.--", 2, ["19"]),
        ("1.5 pcs", 0, []),
        ("$1.999", 2, []),
        ("250 g", 3, []),
        ("(5.00)", 2, []),
        ("5-", 2, []),
        ("12,34,5", 2, []),
        ("1e3", 2, []),
        ("free", 2, []),
        ("1" * 61, 2, []),
        ("", 2, []),
    ],
)
def test_readings_of_a_number_beside_other_signs(text: str, places: int, meant: list[str]) -> None:
    assert list_possible_numbers(text, places) == meant


def test_readings_point_among_decimal_commas_may_be_thousands() -> None:
    assert list_possible_numbers("1.234 €", 2, decimal_comma=True) == ["1234", "1.234"]
    assert list_possible_numbers("1.234 €", 2) == []


@pytest.mark.parametrize("text", ["19.99-24.99", "19.99 \u2013 24.99", "5 to 10", "$5 - $10"])
def test_is_range_two_numbers(text: str) -> None:
    assert is_number_range(text)
