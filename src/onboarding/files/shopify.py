"""Warnings about rows of Shopify exports that are additional variants or pictures of a product."""

from __future__ import annotations

from collections.abc import Iterator

from onboarding.domain.error_codes import WarningCode
from onboarding.domain.models import FileWarning
from onboarding.files.header import Header
from onboarding.files.header_names import normalize_name
from onboarding.files.models import Table


def check_shopify_rows(header: Header, table: Table) -> Iterator[FileWarning]:
    """Yield warnings about rows that have the handle of an earlier row but no title."""
    names = list(map(normalize_name, header.names))
    if "handle" not in names or "product_name" not in header.columns:
        return
    handle, title = names.index("handle"), header.columns.index("product_name")
    sku = header.columns.index("sku") if "sku" in header.columns else handle
    handles: set[str] = set()
    variants: list[int] = []
    pictures: list[int] = []
    for number, row in enumerate(table.rows, 1):
        if len(row) > max(handle, title, sku) and row[handle].strip():
            if row[handle] in handles and not row[title].strip():
                (variants if row[sku].strip() else pictures).append(number)
            handles.add(row[handle])
    if variants:
        message = (
            f"Shopify writes the title and category of a product only in its first row; {table.rows_named(variants)} "
            f"{'are additional variants' if len(variants) > 1 else 'is an additional variant'} without them. Here each "
            "variant is a product: fill in its name and category"
        )
        yield FileWarning(WarningCode.SHOPIFY_VARIANTS, message, variants[0])
    if pictures:
        message = (
            f"Shopify writes additional pictures of a product in separate rows; {table.rows_named(pictures)} "
            f"{'have' if len(pictures) > 1 else 'has'} a picture and no product. Delete "
            f"{'them' if len(pictures) > 1 else 'it'}"
        )
        yield FileWarning(WarningCode.SHOPIFY_PICTURES, message, pictures[0])
