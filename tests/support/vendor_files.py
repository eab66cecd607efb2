"""Files of vendors with their own words, larger than those of the corpus."""

from __future__ import annotations

from tests.support.running_pipeline import csv_of, product

MEN, WOMEN = 400, 50


def build_clothing_file() -> bytes:
    """Return a file with `MEN` rows of the category Men and then `WOMEN` rows of Women, which do not exist."""
    categories = ["Men"] * MEN + ["Women"] * WOMEN
    return csv_of(product(f"C{n:03}", category=category, sku=f"CL-{n:03}") for n, category in enumerate(categories, 1))
