"""Comparison of a mirror of the catalog with the table of products."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime

PRODUCTS_AS_TEXT = """
select product_id, (select jsonb_object_agg(key, value) from jsonb_each_text(to_jsonb(p))) from products p
"""
"""Selects the ids of all products, each with its columns as text."""

TIMES = ("created_at", "updated_at")


def list_differences(mirror: sqlite3.Connection, products: Iterable[tuple[int, Mapping[str, str | None]]]) -> list[str]:
    """Describe the products that differ between a mirror and the catalog, the result of `PRODUCTS_AS_TEXT`."""
    mirrored = {key: json.loads(text) for key, text in mirror.execute("select product_id, product from products")}
    differences = []
    for product_id, columns in products:
        product = mirrored.pop(product_id, None)
        if product is None:
            differences.append(f"{product_id} is missing: {columns}")
        else:
            differences += [
                f"{product_id}: {name} is {product[name]} and not {text}"
                for name, text in columns.items()
                if _normalize(name, product[name]) != _normalize(name, text)
            ]
    return [*differences, *(f"{product_id} was removed: {product}" for product_id, product in mirrored.items())]


def _normalize(name: str, value: object) -> object:
    if value is None:
        return None
    return datetime.fromisoformat(str(value)) if name in TIMES else str(value)
