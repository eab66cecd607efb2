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
    ("text", "places", "meant"),
    [
        ("$19.99", 2, "19.99"),
        ("19.99 EUR", 2, "19.99"),
        ("€ 1,234.50", 2, "1234.50"),
        ("1,234,567", 2, "1234567"),
        ("19,99", 2, "19.99"),
        ("-5,5 €", 2, "-5.5"),
        ("1.234,50", 2, "1234.50"),
        ("1,234", 2, "1234 or 1.234"),
        ("1,250 kg", 3, "1250 or 1.250"),
        ("1,234", 0, "1234"),
        ("0,234", 3, "0.234"),
        ("0.25 kg", 3, "0.25"),
        ("150 pcs", 0, "150"),
        ("1.5 pcs", 0, None),
        ("$1.999", 2, None),
        ("250 g", 3, None),
        ("19.99", 2, None),
        ("12,34,5", 2, None),
        ("1e3", 2, None),
        ("free", 2, None),
        ("", 2, None),
    ],
)
def test_the_number_without_its_dress(text: str, places: int, meant: str | None) -> None:
    assert hints.number(text, places) == (f"Did you mean {meant}?" if meant else "")


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
