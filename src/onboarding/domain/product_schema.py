"""Product schema: the definition of every column of product files and of the table `products`.

Rules, SQL, staging, the API, the template, the error report, sample data and the reference pages are derived from it.
To add a column, add it here and, by a migration, to the table; docs/extending.md lists the steps. Header synonyms are
in `files/headers.toml`, sorted by language, because some are valid only beside other headers of their language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from onboarding.domain.column_types import ColumnType, NumberColumn, ProductStatus, Required, TextColumn

_COLUMNS: Sequence[TextColumn | NumberColumn] = (
    TextColumn(
        name="vendor_product_id",
        label="Vendor product ID",
        type=ColumnType.IDENTIFIER,
        description="Your own ID of the product; unique among your products, and it never changes",
        example="PROD0001",
        required=Required.ALWAYS,
        report_column=2,
        max_length=100,
    ),
    TextColumn(
        name="product_name",
        label="Product name",
        type=ColumnType.WORDS,
        description="Name that customers see",
        example="Wireless Mouse - Model 651",
        required=Required.TO_CREATE,
        report_column=4,
        max_length=200,
    ),
    TextColumn(
        name="category",
        label="Category",
        type=ColumnType.CATEGORY,
        description="An active category of the marketplace, exactly as listed",
        example="Computer Accessories",
        required=Required.TO_CREATE,
        max_length=100,
    ),
    TextColumn(
        name="subcategory",
        label="Subcategory",
        type=ColumnType.WORDS,
        description="Any text",
        example="Mice & Keyboards",
        max_length=100,
    ),
    TextColumn(
        name="description",
        label="Description",
        type=ColumnType.WORDS,
        description="May have several lines, in quotes",
        example="Ergonomic wireless mouse, 18 months on one battery",
        max_length=2_000,
    ),
    TextColumn(
        name="sku",
        label="SKU",
        type=ColumnType.IDENTIFIER,
        description="Stock keeping unit; unique in the whole marketplace",
        example="CA-VEND001-0001",
        required=Required.TO_CREATE,
        report_column=3,
        max_length=100,
    ),
    TextColumn(
        name="brand",
        label="Brand",
        type=ColumnType.WORDS,
        description="Any text",
        example="TechGear",
        max_length=100,
    ),
    NumberColumn(
        name="price",
        label="Price",
        type=ColumnType.PRICE,
        description="With a decimal point, without currency",
        example="19.99",
        required=Required.TO_CREATE,
        report_column=7,
        minimum=Decimal("0.01"),
        maximum=Decimal("999999.99"),
        decimals=2,
    ),
    NumberColumn(
        name="compare_at_price",
        label="Compare at price",
        type=ColumnType.PRICE,
        description="Price before a discount",
        example="24.99",
        minimum=Decimal("0.00"),
        maximum=Decimal("99999999.99"),
        decimals=2,
    ),
    NumberColumn(
        name="stock_quantity",
        label="Stock quantity",
        type=ColumnType.QUANTITY,
        description="0 is valid: the product is out of stock",
        example="150",
        required=Required.TO_CREATE,
        report_column=8,
        minimum=Decimal(0),
        maximum=Decimal(1_000_000),
        decimals=0,
    ),
    TextColumn(
        name="unit",
        label="Unit",
        type=ColumnType.WORDS,
        description="Unit of the stock quantity",
        example="piece",
        default="piece",
        max_length=20,
    ),
    NumberColumn(
        name="weight_kg",
        label="Weight",
        type=ColumnType.WEIGHT,
        description="In kilograms",
        example="0.25",
        minimum=Decimal(0),
        maximum=Decimal("9999999.999"),
        decimals=3,
        unit="kg",
    ),
    TextColumn(
        name="dimensions_cm",
        label="Dimensions",
        type=ColumnType.DIMENSIONS,
        description="Length, width and height in centimetres",
        example="12x8x4",
        max_length=50,
    ),
    TextColumn(
        name="image_url",
        label="Image URL",
        type=ColumnType.URL,
        description="Web address that begins with http:// or https://",
        example="https://images.example.com/mouse.jpg",
        max_length=2_000,
    ),
    TextColumn(
        name="status",
        label="Status",
        type=ColumnType.STATUS,
        description="`inactive` takes the product off sale",
        example="active",
        default="active",
        max_length=20,
        choices=(ProductStatus.ACTIVE, ProductStatus.INACTIVE),
    ),
)

PRODUCT_SCHEMA: Mapping[str, TextColumn | NumberColumn] = MappingProxyType({column.name: column for column in _COLUMNS})
"""All columns by name, in the order of the contract."""

COLUMNS = tuple(PRODUCT_SCHEMA)
"""Names of all columns, in the order of the contract."""

TEXT_COLUMNS = {name: column for name, column in PRODUCT_SCHEMA.items() if isinstance(column, TextColumn)}
NUMBER_COLUMNS = {name: column for name, column in PRODUCT_SCHEMA.items() if isinstance(column, NumberColumn)}
MAX_LENGTHS = {name: column.max_length for name, column in TEXT_COLUMNS.items()}
CHOICES = {name: column.choices for name, column in TEXT_COLUMNS.items() if column.choices}
"""Accepted values of the columns that have a fixed list of them."""

DEFAULTS = {name: column.default for name, column in PRODUCT_SCHEMA.items() if column.default is not None}
"""Values of columns that are blank or were cleared, by column; other columns then have no value."""

REQUIRED = tuple(name for name, column in PRODUCT_SCHEMA.items() if column.required is not Required.NEVER)
"""Columns that a row needs to create a product."""

REQUIRED_TO_CHANGE = tuple(name for name, column in PRODUCT_SCHEMA.items() if column.required is Required.ALWAYS)
"""Columns that a row needs to change a product: they identify it and never change."""

CHANGEABLE = tuple(name for name in COLUMNS if name not in REQUIRED_TO_CHANGE)
"""Columns that a row can change in an existing product."""


def columns_of_type(*types: ColumnType) -> tuple[str, ...]:
    """Return the names of the columns of these types, in the order of the contract."""
    return tuple(name for name, column in PRODUCT_SCHEMA.items() if column.type in types)


IDENTIFIERS = columns_of_type(ColumnType.IDENTIFIER)
PRICES = columns_of_type(ColumnType.PRICE)

REPORT_COLUMNS = {
    column.report_column: name for name, column in PRODUCT_SCHEMA.items() if column.report_column is not None
}
"""Columns of the error report by their position in it, from 1."""

DEFAULT_CATEGORIES = (
    "Electronics",
    "Computer Accessories",
    "Audio Equipment",
    "Mobile Accessories",
    "Computer Storage",
    "Clothing",
    "Men's Clothing",
    "Women's Clothing",
    "Accessories",
    "Home & Garden",
    "Kitchen",
    "Bedroom",
    "Bathroom",
    "Living Room",
    "Garden",
    "Sports & Outdoors",
    "Books",
    "Toys & Games",
    "Health & Beauty",
    "Food & Beverage",
)
"""Categories of a new marketplace, for commands without a database."""


def sample_row(categories: Sequence[str]) -> dict[str, str]:
    """Return the sample row of the template with one of these active categories; it breaks only the rule against it."""
    row = {name: column.example for name, column in PRODUCT_SCHEMA.items()}
    if categories and row["category"] not in categories:
        row["category"] = categories[0]
    return row
