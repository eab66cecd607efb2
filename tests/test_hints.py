"""Hints: what was probably meant, and nothing where that is in doubt."""

from __future__ import annotations

import pytest

from onboarding import hints
from onboarding.categories import DEFAULT_CATEGORIES


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Elektronics", "Electronics"),
        ("electronics", "Electronics"),
        ("HOME AND GARDEN", "Home & Garden"),
        ("Mens Clothing", "Men's Clothing"),
        ("Toys", "Toys & Games"),
        ("Books and magazines", "Books"),
        ("Computer", None),
        ("Gadgets", None),
        ("", None),
    ],
)
def test_the_nearest_name(name: str, meant: str | None) -> None:
    found = hints.nearest(name, DEFAULT_CATEGORIES)
    assert found == (f"Did you mean '{meant}'?" if meant else "")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("$19.99", "19.99"),
        ("19.99 EUR", "19.99"),
        ("€ 1,234.50", "1234.50"),
        ("1,234,567", "1234567"),
        ("19,99", "19.99"),
        ("-5,5 €", "-5.5"),
        ("0.25 kg", "0.25"),
        ("150 pcs", "150"),
        ("250 g", ""),
        ("19.99", ""),
        ("12,34,5", ""),
        ("1.234,50", ""),
        ("1e3", ""),
        ("free", ""),
        ("", ""),
    ],
)
def test_the_number_without_its_dress(text: str, plain: str) -> None:
    assert hints.plain_number(text) == plain


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("images.example.com/mouse.jpg", "https://images.example.com/mouse.jpg"),
        ("mouse.jpg", None),
        ("ftp://example.com/x", None),
        ("see our shop", None),
    ],
)
def test_an_address_that_lacks_its_beginning(text: str, meant: str | None) -> None:
    assert hints.web_address(text) == (f"Did you mean '{meant}'?" if meant else "")
