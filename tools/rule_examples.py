"""Invalid rows for the page on rules: at least one for each rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from onboarding.domain.column_types import ProductStatus
from onboarding.domain.models import Mode, Product, Row
from onboarding.domain.product_schema import COLUMNS, DEFAULT_CATEGORIES, NUMBER_COLUMNS, sample_row
from onboarding.domain.validation_context import ValidationContext

VENDOR = "VEND001"

_PRODUCT = sample_row(DEFAULT_CATEGORIES) | {"description": "Ergonomic wireless mouse"}


@dataclass(frozen=True, slots=True)
class Example:
    """Row with its validation context."""

    row: Row
    facts: ValidationContext


def _facts(mode: Mode = Mode.CREATE) -> ValidationContext:
    """Return a catalog in which VEND001 has the product PROD0009 with the SKU OWN-1, another vendor the SKU TAKEN-1.

    In modes that change products a later upload than that of the row has set the price of the product, and the
    marketplace has blocked another product, PROD0010.
    """
    changed_at = datetime(2024, 12, 21, tzinfo=UTC)
    numbers = {name: Decimal(_PRODUCT[name]) for name in NUMBER_COLUMNS}
    values: dict[str, object] = {**dict.fromkeys(COLUMNS), **_PRODUCT, **numbers, "price": Decimal("24.99")}
    products = {
        (VENDOR, "PROD0009"): Product(1, changed_at, {"price": "UPLOAD_20241221_103045"}, values),
        (VENDOR, "PROD0010"): Product(2, changed_at, {}, values | {"status": ProductStatus.BLOCKED}),
    }
    return ValidationContext(
        DEFAULT_CATEGORIES,
        {"TAKEN-1", "OWN-1"},
        products.keys(),
        {(VENDOR, "OWN-1"): "PROD0009"},
        mode,
        products if mode is not Mode.CREATE else {},
    )


def _example(
    *,
    duplicate_of: dict[str, int] | None = None,
    surplus_fields: int = 0,
    unclear: tuple[str, ...] = (),
    decimal_comma: tuple[str, ...] = (),
    damaged: dict[str, str] | None = None,
    mode: Mode = Mode.CREATE,
    **cells: str,
) -> Example:
    non_blank_cells = {column: text for column, text in (_PRODUCT | cells).items() if text}
    row = Row(
        "UPLOAD", VENDOR, 5, non_blank_cells, duplicate_of or {}, surplus_fields, {}, unclear, None, decimal_comma
    )
    row.damaged = damaged or {}
    return Example(row, _facts(mode))


EXAMPLES = (
    _example(sku="", price=""),
    _example(price="0"),
    _example(price="1000000"),
    _example(price="$1,234.50"),
    _example(price="1234.50 EUR", decimal_comma=("price",)),
    _example(price="19.99-24.99"),
    _example(price="12. Mai"),
    _example(price="NULL"),
    _example(compare_at_price="about 20"),
    _example(stock_quantity="-1"),
    _example(stock_quantity="1.5"),
    _example(unit="pieces of the usual size"),
    _example(category="Computer Acessories"),
    _example(category="Men"),
    _example(sku="TAKEN-1"),
    _example(sku="OWN-1"),
    _example(duplicate_of={"sku": 2}),
    _example(vendor_product_id="PROD0009"),
    _example(duplicate_of={"vendor_product_id": 2}),
    _example(weight_kg="250 g"),
    _example(weight_kg="1.250", unclear=("weight_kg",), decimal_comma=("weight_kg",)),
    _example(image_url="images.example.com/mouse.jpg"),
    _example(image_url="https://a.example/1.jpg, https://a.example/2.jpg"),
    _example(image_url="https://localhost/1.jpg"),
    _example(image_url="https://a.example/1.jpg?w=9&amp;h=9"),
    _example(sku="CA-VEND001-0001\u200b"),
    _example(description="Mug \u202egnp.exe"),
    _example(description="Beep\x07"),
    _example(vendor_product_id="PROD0008", mode=Mode.UPDATE),
    _example(vendor_product_id="PROD0009", mode=Mode.UPDATE),
    _example(vendor_product_id="PROD0010", mode=Mode.UPDATE),
    _example(vendor_product_id="PROD0010", status="", mode=Mode.UPDATE, _version="v62a1c2d3e4f50"),
    _example(status="draft"),
    _example(sku="8.71E+12"),
    _example(sku="3-Mar"),
    _example(sku="12345.0", damaged={"sku": "decimals"}),
    _example(sku="Err:502"),
    _example(brand="#REF!"),
    _example(product_name="=A1&B1"),
    _example(dimensions_cm="10.12.2004"),
    _example(sku="NULL"),
    Example(Row("UPLOAD", VENDOR, 5, sample_row(DEFAULT_CATEGORIES)), _facts()),
    _example(surplus_fields=1),
    _example(surplus_fields=-2),
)
