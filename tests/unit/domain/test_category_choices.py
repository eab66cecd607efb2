"""Descriptions of the active categories in errors."""

from __future__ import annotations

import pytest

from onboarding.domain.category_choices import describe_categories
from onboarding.domain.product_schema import DEFAULT_CATEGORIES

START = "one of the active categories: "


def test_describe_categories_few_are_listed_in_alphabetical_order() -> None:
    assert describe_categories({"Kitchen", "books", "Garden"}) == f"{START}books, Garden, Kitchen"


def test_describe_categories_default_list_is_listed_in_full() -> None:
    names = describe_categories(DEFAULT_CATEGORIES, similar_to="Kitchn").removeprefix(START).split(", ")
    assert names == sorted(DEFAULT_CATEGORIES)


def test_describe_categories_none_says_so() -> None:
    assert describe_categories(()) == "an active category; the marketplace has none"


@pytest.mark.parametrize("name", ["Kitchn Knifes", "Küche Messer"])
def test_describe_categories_many_begin_with_the_most_similar(name: str) -> None:
    categories = [*(f"Department {n}" for n in range(40)), "Kitchen Knives", "Kitchen"]
    names = describe_categories(categories, similar_to=name).removeprefix(START)
    assert set(names.split(", ")[:2]) == {"Kitchen Knives", "Kitchen"}
    assert names.endswith(" and 32 more; see the page Categories")


def test_describe_categories_many_without_a_name_are_alphabetical() -> None:
    categories = [f"C{n:02}" for n in range(31)]
    assert (
        describe_categories(categories) == f"{START}{', '.join(categories[:10])} and 21 more; see the page Categories"
    )


def test_describe_categories_long_names_are_limited_in_length() -> None:
    categories = [f"{n} {'x' * 97}" for n in range(5)]
    text = describe_categories(categories)
    assert text.endswith("x and 2 more; see the page Categories")
    assert len(text) < 400
