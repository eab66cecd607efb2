"""Products of the three sample vendors: `articles.csv`, and their brands."""

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
"""Brands of each sample vendor."""


@dataclass(frozen=True, slots=True)
class SampleProduct:
    """Kind of product with its ranges of price (cents) and weight (grams); `unit` may be blank."""

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
def articles_of(vendor_id: str) -> tuple[SampleProduct, ...]:
    """Return the products of a sample vendor."""
    text = files("onboarding.cli").joinpath("articles.csv").read_text(encoding="utf-8")
    return tuple(
        SampleProduct(
            code=line["code"],
            category=line["category"],
            subcategory=line["subcategory"],
            name=line["name"],
            description=line["description"],
            price=(int(line["least_cents"]), int(line["most_cents"])),
            weight=(int(line["least_grams"]), int(line["most_grams"])),
            dimensions=line["dimensions"],
            unit=line["unit"],
        )
        for line in csv.DictReader(text.splitlines())
        if line["vendor_id"] == vendor_id
    )
