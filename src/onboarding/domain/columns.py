"""The columns of a vendor's file, told from the rules: what each takes, an example, what it means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onboarding.domain.models import COLUMNS
from onboarding.domain.placeholders import SAMPLE
from onboarding.domain.product_changes import DEFAULTS
from onboarding.domain.validation import LENGTHS, RANGES, REQUIRED

_ABOUT = {
    "vendor_product_id": (
        SAMPLE["vendor_product_id"],
        "Your own id of the product; unique among your products, and it never changes",
    ),
    "product_name": ("Wireless Mouse - Model 651", "The name that customers see"),
    "category": ("Computer Accessories", "One of the marketplace's active categories, letter for letter"),
    "subcategory": ("Mice & Keyboards", "Any text"),
    "description": (SAMPLE["description"], "May have several lines, within quotes"),
    "sku": (SAMPLE["sku"], "Stock keeping unit; unique on the whole marketplace"),
    "brand": ("TechGear", "Any text"),
    "price": (RANGES["price"].example, "With a point before the decimals, without currency"),
    "compare_at_price": (RANGES["compare_at_price"].example, "The price before a discount"),
    "stock_quantity": (RANGES["stock_quantity"].example, "0 is valid: the product is out of stock"),
    "unit": ("piece", "What the quantity counts"),
    "weight_kg": (RANGES["weight_kg"].example, "In kilograms"),
    "dimensions_cm": ("12x8x4", "Length, width and height in centimetres"),
    "image_url": ("https://images.example.com/mouse.jpg", "A web address, with http:// or https://"),
}


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column: whether a new product needs it, what it takes, a value that passes every rule, what it means."""

    name: str
    required: bool
    takes: str
    example: str
    meaning: str


def column_facts() -> list[ColumnFacts]:
    """Every column, in the order of the contract."""
    return [ColumnFacts(name, name in REQUIRED, _takes(name), *_ABOUT[name]) for name in COLUMNS]


def sample_row(categories: Sequence[str]) -> dict[str, str]:
    """A row that is valid where these are the active categories, but for being the sample."""
    row = {facts.name: facts.example for facts in column_facts()}
    if categories and row["category"] not in categories:
        row["category"] = categories[0]
    return row


def _takes(name: str) -> str:
    if name in RANGES:
        bounds = RANGES[name]
        places = f", at most {bounds.places} decimals" if bounds.places else ""
        return f"{bounds.kind}, {bounds.least:,} to {bounds.most:,}{places}"
    default = f"; `{DEFAULTS[name]}` if left blank" if name in DEFAULTS else ""
    return f"text, up to {LENGTHS[name]:,} characters{default}"
