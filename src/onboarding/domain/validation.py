"""The rules that every row must pass: one function each, one table at the end.

The limits are those of the product schema. To add a rule, write a function of a row and the facts that
yields what is wrong, and give it a line in `RULES`. Rules are pure: what they need of the database comes as `Facts`.
Nearly every row is good, so each rule finds that out first and at little cost; only then it looks for words.
Each error says what was expected, with a hint (`hints`) where there is one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from onboarding.domain import change_rules, spreadsheet_damage, suggestions
from onboarding.domain.column_types import ColumnType
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.image_urls import explain_invalid_url, is_public_url
from onboarding.domain.models import Mode, Row, RowError
from onboarding.domain.number_validation import validate_number
from onboarding.domain.placeholders import (
    PLACEHOLDERS,
    placeholder_error,
    validate_no_placeholders,
    validate_not_sample_row,
)
from onboarding.domain.product_schema import (
    IDENTIFIERS,
    MAX_LENGTHS,
    NUMBER_COLUMNS,
    PRICES,
    REQUIRED,
    REQUIRED_TO_CHANGE,
    columns_of_type,
)
from onboarding.domain.text import INVISIBLE_IN_IDENTIFIER, printable, quoted
from onboarding.domain.validation_context import ValidationContext, product_key

CLEAR = "(clear)"
"""The value that empties an optional column of a product, where a blank one would leave it as it is."""

_REQUIRED = frozenset(REQUIRED)
_QUANTITIES = columns_of_type(ColumnType.QUANTITY)
_WEIGHTS = columns_of_type(ColumnType.WEIGHT)
_SHORTEST_LIMIT = min(MAX_LENGTHS.values())

# What PostgreSQL cannot hold (NUL, surrogates) and what no cell should: control characters but tab and line breaks.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Those that turn the direction of the text after them; private use, which no two programs show alike; annotations.
_MEANINGLESS = re.compile(r"[\u202a-\u202e\u2066-\u2069\ue000-\uf8ff\ufff9-\ufffb\ufffe\uffff\U000f0000-\U0010ffff]")


def list_required_columns(row: Row, facts: ValidationContext) -> tuple[str, ...]:
    """The columns that this row must not leave blank."""
    return REQUIRED_TO_CHANGE if facts.changes_a_product(row) else REQUIRED


def validate_required_fields(row: Row, facts: ValidationContext) -> Iterable[RowError]:
    if row.cells.keys() >= _REQUIRED:
        return ()
    missing = [column for column in list_required_columns(row, facts) if column not in row.cells]
    if not missing:
        return ()
    names = ", ".join(missing)
    message, expected = f"Missing required fields: {names}", f"a value for {names}"
    return [RowError(RowErrorCode.MISSING_REQUIRED_FIELDS, names, message, expected=expected)]


def validate_price(row: Row, _: ValidationContext) -> Iterable[RowError]:
    return _number_errors(row, PRICES, RowErrorCode.INVALID_PRICE)


def validate_stock_quantity(row: Row, _: ValidationContext) -> Iterable[RowError]:
    return _number_errors(row, _QUANTITIES, RowErrorCode.INVALID_STOCK_QUANTITY)


def validate_weight(row: Row, _: ValidationContext) -> Iterable[RowError]:
    return _number_errors(row, _WEIGHTS, RowErrorCode.INVALID_WEIGHT)


def _number_errors(row: Row, columns: Sequence[str], error_type: RowErrorCode) -> Iterable[RowError]:
    cells = row.cells
    for column in columns:
        text = cells.get(column)
        if text is not None and (column in row.cut or column in row.unclear or not _accepts(column, text)):
            return [error for name in columns for error in validate_number(row, NUMBER_COLUMNS[name], error_type)]
    return ()


@lru_cache(4_096)
def _accepts(column: str, text: str) -> bool:
    """Remembered, because the same prices and quantities come again and again."""
    return NUMBER_COLUMNS[column].accepts(text)


def validate_lengths(row: Row, _: ValidationContext) -> Iterable[RowError]:
    for column, text in row.cells.items():
        # What is left of a value that was cut is over every limit.
        if len(text) > _SHORTEST_LIMIT and len(text) > MAX_LENGTHS.get(column, len(text)):
            return _too_long(row)
    return ()


def _too_long(row: Row) -> Iterator[RowError]:
    for column, limit in MAX_LENGTHS.items():
        text = row.cells.get(column, "")
        length = row.cut.get(column, len(text))
        if length > limit:
            message = f"{column} is {length} characters long; the limit is {limit}"
            hint = f"It is {length - limit} character{'s' if length - limit > 1 else ''} too long"
            yield RowError(
                RowErrorCode.FIELD_LENGTH_EXCEEDED, column, message, text, f"at most {limit} characters", hint
            )


def validate_category(row: Row, facts: ValidationContext) -> Iterable[RowError]:
    name = row.cells.get("category")
    # A name over the length limit, or with a control character, has that error already, and cannot be on the list.
    if name is None or name in facts.categories or len(name) > MAX_LENGTHS["category"] or _is_no_text(name):
        return ()
    if name in PLACEHOLDERS:
        return [placeholder_error("category", name)]
    message = f"Invalid category: {printable(name)}"
    hint = "" if row.many_categories else suggestions.suggest_name(name, facts.categories)
    return [
        RowError(
            RowErrorCode.INVALID_CATEGORY, "category", message, name, "an active category of the marketplace", hint
        )
    ]


def validate_sku_uniqueness(row: Row, facts: ValidationContext) -> Iterable[RowError]:
    sku = row.cells.get("sku", "")
    earlier = row.duplicate_of.get("sku")
    if earlier is None and sku not in facts.taken_skus:
        return ()
    expected = "a SKU that no other product has"
    if earlier is not None:
        message = f"Duplicate SKU: {printable(sku)} already exists in row {earlier} of this file"
        return [RowError(RowErrorCode.DUPLICATE_SKU, "sku", message, sku, expected, f"Row {earlier} has the same SKU")]
    holder = facts.own_skus.get((row.vendor_id, sku))
    if holder is not None and facts.changes_a_product(row) and holder == row.cells.get("vendor_product_id"):
        return ()
    # Whose product it is stays unsaid: it may be another vendor's.
    message = f"Duplicate SKU: {printable(sku)} already exists"
    hint = f"Your product {quoted(holder)} has this SKU" if holder else ""
    return [RowError(RowErrorCode.DUPLICATE_SKU, "sku", message, sku, expected, hint)]


def validate_vendor_product_id_uniqueness(row: Row, facts: ValidationContext) -> Iterable[RowError]:
    column = "vendor_product_id"
    name = row.cells.get(column, "")
    earlier = row.duplicate_of.get(column)
    if earlier is not None:
        message = f"Duplicate vendor product ID: {printable(name)} is also in row {earlier} of this file"
        expected, hint = "an ID that no other row of this file has", f"Row {earlier} has the same ID"
        return [RowError(RowErrorCode.DUPLICATE_VENDOR_PRODUCT_ID, column, message, name, expected, hint)]
    if facts.taken_ids and facts.mode is Mode.CREATE and product_key(row) in facts.taken_ids:
        message = f"Duplicate vendor product ID: {printable(name)} is already one of your products"
        hint = "To change products that are there, upload in the mode update or upsert"
        expected = "an ID that none of your products has"
        return [RowError(RowErrorCode.DUPLICATE_VENDOR_PRODUCT_ID, column, message, name, expected, hint)]
    return ()


def validate_image_url(row: Row, _: ValidationContext) -> Iterable[RowError]:
    text = row.cells.get("image_url")
    if text is None or "image_url" in row.cut or is_public_url(text) or _is_no_text(text):
        return ()
    expected = "a web address, such as https://images.example.com/mouse.jpg"
    fault, hint = explain_invalid_url(text)
    message = f"Image URL must be {expected}; found {quoted(text)}{fault and f', which {fault}'}"
    return [RowError(RowErrorCode.INVALID_IMAGE_URL, "image_url", message, text, expected, hint)]


def validate_characters(row: Row, _: ValidationContext) -> Iterable[RowError]:
    # Most rows hold none at all, and asking that of the whole row is far cheaper than searching.
    text = "".join(row.cells.values())
    if not text.isprintable():
        return _control_characters(row)
    if text.isascii():
        return ()
    # In an identifier, some that Python takes for printable are not.
    identifiers = "".join(row.cells.get(column, "") for column in IDENTIFIERS)
    return () if identifiers.isascii() else _control_characters(row)


def _is_no_text(text: str) -> re.Match[str] | None:
    return None if text.isprintable() else _CONTROL.search(text) or _MEANINGLESS.search(text)


def _control_characters(row: Row) -> Iterator[RowError]:
    for column, text in row.cells.items():
        # Two identifiers that look alike must be alike.
        found = INVISIBLE_IN_IDENTIFIER.search(text) if column in IDENTIFIERS else _is_no_text(text)
        if column not in NUMBER_COLUMNS and found:
            character = found[0]
            name = unicodedata.name(character, "")
            described = f"U+{ord(character):04X}{f' ({name})' if name else ''}"
            message = f"{column} has a character that is not text: {described} at position {found.start() + 1}"
            expected = f"text without {'invisible' if column in IDENTIFIERS else 'control'} characters"
            hint = (
                suggestions.suggest_visible_text(text)
                if column in IDENTIFIERS
                else suggestions.suggest_windows_1252_text(text)
            )
            yield RowError(RowErrorCode.INVALID_CHARACTER, column, message, text, expected, hint)


Check = Callable[[Row, ValidationContext], Iterable[RowError]]

RULES: tuple[tuple[str, Check], ...] = (
    ("required fields present", validate_required_fields),
    ("price in range", validate_price),
    ("stock in range", validate_stock_quantity),
    ("field lengths", validate_lengths),
    ("category on the whitelist and active", validate_category),
    ("SKU unique across the platform", validate_sku_uniqueness),
    ("vendor product ID unique for the vendor", validate_vendor_product_id_uniqueness),
    # Beyond the seven: what the catalog's columns would refuse.
    ("weight in range", validate_weight),
    ("image address is a URL", validate_image_url),
    ("text without control characters, identifiers without invisible ones", validate_characters),
    # What a spreadsheet may have done to a value.
    ("identifiers without a spreadsheet's damage", spreadsheet_damage.validate_identifiers_undamaged),
    ("values, not formulas or their errors", spreadsheet_damage.validate_texts_are_values),
    # What stands for no value, or for no product.
    ("values, not placeholders", validate_no_placeholders),
    ("products, not the template's sample row", validate_not_sample_row),
    # For the modes that change products.
    ("product to change is there", change_rules.validate_product_exists),
    ("changes in the order of the uploads", change_rules.validate_row_is_current),
)


def validate_row(row: Row, facts: ValidationContext) -> list[RowError]:
    """Every error of a row, in the order of the rules; none means that the row may enter the catalog."""
    if row.surplus_fields:
        # Its cells may stand under the wrong columns: to judge them one by one would only mislead.
        message, expected = _field_count_message(row.surplus_fields), "as many fields as the header has"
        return [RowError(RowErrorCode.FIELD_COUNT_MISMATCH, "row", message, expected=expected)]
    cleared = cleared_columns(row) if facts.mode is not Mode.CREATE else ()
    if not cleared:
        return [error for _, check in RULES for error in check(row, facts)]
    # What is cleared is no value, which another row could have too.
    judged = replace(
        row,
        cells={column: text for column, text in row.cells.items() if column not in cleared},
        duplicate_of={column: number for column, number in row.duplicate_of.items() if column not in cleared},
    )
    errors = [error for _, check in RULES for error in check(judged, facts)]
    if facts.changes_a_product(judged):
        errors += [_cannot_be_cleared(c) for c in cleared if c in REQUIRED and c not in REQUIRED_TO_CHANGE]
    return errors


def cleared_columns(row: Row) -> tuple[str, ...]:
    """The columns that the row asks to empty; in the mode create no value means that."""
    return tuple(column for column, text in row.cells.items() if text.casefold() == CLEAR)


def _cannot_be_cleared(column: str) -> RowError:
    message = f"{column} cannot be cleared: every product needs it"
    return RowError(RowErrorCode.CANNOT_BE_CLEARED, column, message, CLEAR, "a value, or nothing to leave it as it is")


def _field_count_message(difference: int) -> str:
    fields = f"{abs(difference)} field{'s' if abs(difference) > 1 else ''}"
    if difference > 0:
        return f"The row has {fields} more than the header; a comma inside a value needs quotes around the value"
    return f"The row has {fields} fewer than the header; leave a field empty rather than out"
