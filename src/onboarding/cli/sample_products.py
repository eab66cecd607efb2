"""Products of the three sample vendors: `sample_products.csv`, and their brands."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

BRANDS = {
    "VEND001": ("TechGear", "Voltaic", "Northbyte", "Keyon"),
    "VEND002": ("StyleWear", "Løv & Lin", "Harbor Row", "Atelier Été"),
    "VEND003": ("HomeEssentials", "Casa Niña", "Oak & Iron", "Hearth"),
}
"""Brands by sample vendor."""


@dataclass(frozen=True, slots=True)
class SampleProduct:
    """Product template with ranges of price (cents) and weight (grams); `unit` may be blank."""

    code: str
    category: str
    subcategory: str
    name: str
    description: str
    price: tuple[int, int]
    weight: tuple[int, int]
    dimensions: str
    unit: str


@cache
def load_sample_products(vendor_id: str) -> tuple[SampleProduct, ...]:
    """Return the products of a sample vendor."""
    text = files("onboarding.cli").joinpath("sample_products.csv").read_text(encoding="utf-8")
    return tuple(
        SampleProduct(
            code=row["code"],
            category=row["category"],
            subcategory=row["subcategory"],
            name=row["name"],
            description=row["description"],
            price=(int(row["min_cents"]), int(row["max_cents"])),
            weight=(int(row["min_grams"]), int(row["max_grams"])),
            dimensions=row["dimensions"],
            unit=row["unit"],
        )
        for row in csv.DictReader(text.splitlines())
        if row["vendor_id"] == vendor_id
    )
