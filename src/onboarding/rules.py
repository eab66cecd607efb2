"""The rules that every row must pass: one function each, one table at the end.

To change a limit, change it in `LENGTHS` or `RANGES`. To add a rule, write a function of a row and the facts that
yields what is wrong, and give it a line in `RULES`. Rules are pure: what they need of the database comes as `Facts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from onboarding.model import Row, RowError

REQUIRED = ("vendor_product_id", "product_name", "category", "sku", "price", "stock_quantity")

LENGTHS = {
    "vendor_product_id": 100,
    "product_name": 200,
    "category": 100,
    "subcategory": 100,
    "description": 2_000,
    "sku": 100,
    "brand": 100,
    "unit": 20,
    "dimensions_cm": 50,
    "image_url": 2_000,
}
"""The most characters that a text column takes."""


@dataclass(frozen=True, slots=True)
class Range:
    """A number's column: how it is called in a sentence, its bounds, its decimal places, a good example."""

    label: str
    least: Decimal
    most: Decimal
    places: int
    example: str


RANGES = {
    "price": Range("Price", Decimal("0.01"), Decimal("999999.99"), 2, "19.99"),
    "compare_at_price": Range("Compare at price", Decimal("0.00"), Decimal("99999999.99"), 2, "24.99"),
    "stock_quantity": Range("Stock quantity", Decimal(0), Decimal(1_000_000), 0, "150"),
    "weight_kg": Range("Weight", Decimal(0), Decimal("9999999.999"), 3, "0.25"),
}

_DECIMALS = {0: "", 2: " with at most two decimals", 3: " with at most three decimals"}
# ASCII digits only: Python's own number parsing would let 1_000, 1e3, NaN and full-width digits through.
_NUMBER = {places: re.compile(r"-?[0-9]+" + (rf"(\.[0-9]{{1,{places}}})?" if places else "")) for places in _DECIMALS}
_URL = re.compile(r"https?://[^\s/?#\"<>\\]+[^\s\"<>\\]*", re.IGNORECASE)
# What PostgreSQL cannot hold (NUL, surrogates) and what no cell should: control characters but tab and line breaks.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# An identifier is one line of text.
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# A message is one line of text: it goes into mails, logs and terminals.
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_IDENTIFIERS = frozenset({"vendor_product_id", "sku"})

SHOWN = 40
"""Characters of a rejected value that a message quotes."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database knows about a batch of rows: the active categories among theirs, the SKUs that other rows hold
    anywhere on the platform, and the vendor product ids that other rows of the same vendor hold."""

    categories: Collection[str]
    taken_skus: Collection[str]
    taken_ids: Collection[tuple[str, str]]


def quoted(value: str) -> str:
    """A rejected value as a message shows it: in quotes, shortened, without characters that cannot be shown."""
    shown = _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    return f"'{shown}'" if len(shown) <= SHOWN else f"'{shown[:SHOWN]}…'"


def has_all_required(row: Row, _: Facts) -> Iterator[RowError]:
    missing = [column for column in REQUIRED if column not in row.cells]
    if missing:
        names = ", ".join(missing)
        yield RowError("MISSING_REQUIRED_FIELDS", names, f"Missing required fields: {names}")


def price_in_range(row: Row, _: Facts) -> Iterator[RowError]:
    for column in ("price", "compare_at_price"):
        yield from _out_of_range(row, column, "INVALID_PRICE")


def stock_in_range(row: Row, _: Facts) -> Iterator[RowError]:
    yield from _out_of_range(row, "stock_quantity", "INVALID_STOCK_QUANTITY")


def weight_in_range(row: Row, _: Facts) -> Iterator[RowError]:
    yield from _out_of_range(row, "weight_kg", "INVALID_WEIGHT")


def _out_of_range(row: Row, column: str, error_type: str) -> Iterator[RowError]:
    text = row.cells.get(column)
    if text is None:
        return
    expected = RANGES[column]
    if column in row.cut or not _NUMBER[expected.places].fullmatch(text):
        kind = "number" if expected.places else "whole number"
        message = f"{expected.label} must be a plain {kind}{_DECIMALS[expected.places]}, such as {expected.example}"
        yield RowError(error_type, column, f"{message}; found {quoted(text)}")
    elif (number := Decimal(text)) < expected.least:
        yield RowError(error_type, column, f"{expected.label} must be at least {expected.least}")
    elif number > expected.most:
        yield RowError(error_type, column, f"{expected.label} must be at most {expected.most}")


def within_lengths(row: Row, _: Facts) -> Iterator[RowError]:
    for column, text in row.cells.items():
        limit = LENGTHS.get(column)
        if limit is None:
            continue
        length = row.cut.get(column, len(text))
        if length > limit:
            message = f"{column} is {length} characters long; the limit is {limit}"
            yield RowError("FIELD_LENGTH_EXCEEDED", column, message)


def category_is_active(row: Row, facts: Facts) -> Iterator[RowError]:
    name = row.cells.get("category")
    # A name over the length limit has that error already, and cannot be on the list.
    if name is not None and len(name) <= LENGTHS["category"] and name not in facts.categories:
        yield RowError("INVALID_CATEGORY", "category", f"Invalid category: {_printable(name)}")


def sku_is_unique(row: Row, facts: Facts) -> Iterator[RowError]:
    sku = row.cells.get("sku", "")
    earlier = row.duplicate_of.get("sku")
    if earlier is not None:
        message = f"Duplicate SKU: {_printable(sku)} already exists in row {earlier} of this file"
        yield RowError("DUPLICATE_SKU", "sku", message)
    elif sku in facts.taken_skus:
        # Whose product it is stays unsaid: it may be another vendor's.
        yield RowError("DUPLICATE_SKU", "sku", f"Duplicate SKU: {_printable(sku)} already exists")


def vendor_product_id_is_unique(row: Row, facts: Facts) -> Iterator[RowError]:
    name = row.cells.get("vendor_product_id", "")
    earlier = row.duplicate_of.get("vendor_product_id")
    message = f"Duplicate vendor product ID: {_printable(name)}"
    if earlier is not None:
        yield RowError(
            "DUPLICATE_VENDOR_PRODUCT_ID", "vendor_product_id", f"{message} is also in row {earlier} of this file"
        )
    elif (row.vendor_id, name) in facts.taken_ids:
        yield RowError("DUPLICATE_VENDOR_PRODUCT_ID", "vendor_product_id", f"{message} is already one of your products")


def image_url_is_url(row: Row, _: Facts) -> Iterator[RowError]:
    text = row.cells.get("image_url")
    if text is not None and "image_url" not in row.cut and not _URL.fullmatch(text):
        message = "Image URL must be a web address, such as https://images.example.com/mouse.jpg"
        yield RowError("INVALID_IMAGE_URL", "image_url", f"{message}; found {quoted(text)}")


def has_plain_characters(row: Row, _: Facts) -> Iterator[RowError]:
    for column, text in row.cells.items():
        pattern = _CONTROL_OR_BREAK if column in _IDENTIFIERS else _CONTROL
        # Most text holds none at all, and asking that is far cheaper than searching.
        if column not in RANGES and not text.isprintable() and (found := pattern.search(text)):
            message = (
                f"{column} has a character that is not text: U+{ord(found[0]):04X} at position {found.start() + 1}"
            )
            yield RowError("INVALID_CHARACTER", column, message)


def _printable(text: str) -> str:
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", text)


Check = Callable[[Row, Facts], Iterator[RowError]]

RULES: tuple[tuple[str, Check], ...] = (
    ("required fields present", has_all_required),
    ("price in range", price_in_range),
    ("stock in range", stock_in_range),
    ("field lengths", within_lengths),
    ("category on the whitelist and active", category_is_active),
    ("SKU unique across the platform", sku_is_unique),
    ("vendor product ID unique for the vendor", vendor_product_id_is_unique),
    # Beyond the seven: what the catalog's columns would refuse.
    ("weight in range", weight_in_range),
    ("image address is a URL", image_url_is_url),
    ("text without control characters", has_plain_characters),
)


def errors_of(row: Row, facts: Facts) -> list[RowError]:
    """Every error of a row, in the order of the rules; none means that the row may enter the catalog."""
    if row.surplus_fields:
        # Its cells may stand under the wrong columns: to judge them one by one would only mislead.
        return [RowError("FIELD_COUNT_MISMATCH", "row", _field_count_message(row.surplus_fields))]
    return [error for _, check in RULES for error in check(row, facts)]


def _field_count_message(difference: int) -> str:
    fields = f"{abs(difference)} field{'s' if abs(difference) > 1 else ''}"
    if difference > 0:
        return f"The row has {fields} more than the header; a comma inside a value needs quotes around the value"
    return f"The row has {fields} fewer than the header; leave a field empty rather than out"
