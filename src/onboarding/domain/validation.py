"""Validation of rows: one function for each rule, and the table `RULES`.

Limits are defined in the product schema. To add a rule, write a function that takes a row and its validation context
and returns the errors, and add a line to `RULES`. Rules do no I/O; catalog data comes from `ValidationContext`. Most
rows are valid, so a rule first detects that at little cost, and composes messages only for invalid rows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from onboarding.domain import existing_product_rules, number_rules, spreadsheet_damage, suggestions
from onboarding.domain.category_choices import describe_categories
from onboarding.domain.error_codes import RowErrorCode
from onboarding.domain.image_urls import explain_invalid_url, is_public_url
from onboarding.domain.models import Mode, Row, RowError
from onboarding.domain.placeholders import (
    PLACEHOLDERS,
    build_placeholder_error,
    validate_no_placeholders,
    validate_not_sample_row,
)
from onboarding.domain.product_changes import CLEAR, VERSION, drop_unchanged_cells, list_cleared_columns
from onboarding.domain.product_schema import (
    CHOICES,
    IDENTIFIERS,
    MAX_LENGTHS,
    NUMBER_COLUMNS,
    REQUIRED,
    REQUIRED_TO_CHANGE,
)
from onboarding.domain.text import INVISIBLE_IN_IDENTIFIER, printable, quoted
from onboarding.domain.validation_context import ValidationContext, find_product, product_key

_REQUIRED = frozenset(REQUIRED)
_NOT_CLEARABLE = frozenset(REQUIRED) - set(REQUIRED_TO_CHANGE) | CHOICES.keys()
_SHORTEST_LIMIT = min(MAX_LENGTHS.values())

# Characters that PostgreSQL cannot store (NUL, surrogates), and control characters other than tab and line breaks.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Characters that change the direction of text, private-use characters, annotations and noncharacters.
_MEANINGLESS = re.compile(r"[\u202a-\u202e\u2066-\u2069\ue000-\uf8ff\ufff9-\ufffb\ufffe\uffff\U000f0000-\U0010ffff]")

_PRODUCT_ID = "vendor_product_id"
_PRODUCT_ERRORS = frozenset({RowErrorCode.DUPLICATE_VENDOR_PRODUCT_ID, RowErrorCode.OUTDATED_ROW})
"""Errors of the product that a row names, not of the text of its vendor product ID."""

_HINT_TO_CHANGE = "To change existing products, upload the file in mode update or upsert"


def list_required_columns(row: Row, context: ValidationContext) -> tuple[str, ...]:
    """Return the columns in which the row must have a value."""
    return REQUIRED_TO_CHANGE if context.changes_a_product(row) else REQUIRED


def validate_required_fields(row: Row, context: ValidationContext) -> Iterable[RowError]:
    """Return one error that names all required columns without a value."""
    if row.cells.keys() >= _REQUIRED:
        return ()
    missing_columns = [column for column in list_required_columns(row, context) if column not in row.cells]
    if not missing_columns:
        return ()
    names = ", ".join(missing_columns)
    message, expected = f"Missing required fields: {names}", f"a value for {names}"
    return [RowError(RowErrorCode.MISSING_REQUIRED_FIELDS, names, message, expected=expected)]


def validate_lengths(row: Row, _: ValidationContext) -> Iterable[RowError]:
    """Return an error for each text that is longer than its column allows."""
    for column, text in row.cells.items():
        # A truncated value is still longer than any limit.
        if len(text) > _SHORTEST_LIMIT and len(text) > MAX_LENGTHS.get(column, len(text)):
            return _list_length_errors(row)
    return ()


def _list_length_errors(row: Row) -> Iterator[RowError]:
    for column, limit in MAX_LENGTHS.items():
        text = row.cells.get(column, "")
        length = row.cut.get(column, len(text))
        if length > limit:
            message = f"{column} is {length} characters long; the limit is {limit}"
            hint = f"It is {length - limit} character{'s' if length - limit > 1 else ''} too long"
            yield RowError(
                RowErrorCode.FIELD_LENGTH_EXCEEDED, column, message, text, f"at most {limit} characters", hint
            )


def validate_category(row: Row, context: ValidationContext) -> Iterable[RowError]:
    """Return an error if the category is not an active category of the marketplace."""
    name = row.cells.get("category")
    # Names that are too long or have control characters are reported by other rules.
    if (
        name is None
        or name in context.categories
        or len(name) > MAX_LENGTHS["category"]
        or _find_control_character(name)
        or _has_category(row, context)
    ):
        return ()
    if name in PLACEHOLDERS:
        return [build_placeholder_error("category", name)]
    message = f"Invalid category: {printable(row.original.get('category', name))}"
    if "category" in row.original:
        message += f", which your mapping translates to {quoted(name)}: this category is not active"
    # The most similar categories are not searched for a file with very many different ones: see `many_categories`.
    hint = "" if row.many_categories else suggestions.suggest_name(name, context.categories)
    expected = describe_categories(context.categories, similar_to="" if row.many_categories else name)
    return [RowError(RowErrorCode.INVALID_CATEGORY, "category", message, name, expected, hint)]


def _has_category(row: Row, context: ValidationContext) -> bool:
    """Return whether the row's product has its category already, which may have been disabled since."""
    product = find_product(row, context)
    return product is not None and product.values["category"] == row.cells.get("category")


def validate_sku_uniqueness(row: Row, context: ValidationContext) -> Iterable[RowError]:
    """Return an error if an earlier row of the file or another product on the platform has the SKU."""
    sku = row.cells.get("sku", "")
    earlier_row = row.duplicate_of.get("sku")
    if earlier_row is None and sku not in context.taken_skus:
        return ()
    expected = "a SKU that no other product has"
    if earlier_row is not None:
        message = f"Duplicate SKU: {printable(sku)} already exists in row {earlier_row} of this file"
        return [
            RowError(RowErrorCode.DUPLICATE_SKU, "sku", message, sku, expected, f"Row {earlier_row} has the same SKU")
        ]
    own_product_id = context.own_skus.get((row.vendor_id, sku))
    is_own_sku = own_product_id is not None and own_product_id == row.cells.get("vendor_product_id")
    if is_own_sku and context.changes_a_product(row):
        return ()
    # The message must not name the product: it may belong to another vendor.
    message = f"Duplicate SKU: {printable(sku)} already exists"
    if is_own_sku:
        hint = _HINT_TO_CHANGE
    else:
        hint = f"Your product {quoted(own_product_id)} has this SKU" if own_product_id else ""
    return [RowError(RowErrorCode.DUPLICATE_SKU, "sku", message, sku, expected, hint)]


def validate_vendor_product_id_uniqueness(row: Row, context: ValidationContext) -> Iterable[RowError]:
    """Return an error if an earlier row of the file has the ID or, in mode `create`, a product of the vendor."""
    column = "vendor_product_id"
    product_id = row.cells.get(column, "")
    earlier_row = row.duplicate_of.get(column)
    if earlier_row is not None:
        message = f"Duplicate vendor product ID: {printable(product_id)} is also in row {earlier_row} of this file"
        expected, hint = "an ID that no other row of this file has", f"Row {earlier_row} has the same ID"
        return [RowError(RowErrorCode.DUPLICATE_VENDOR_PRODUCT_ID, column, message, product_id, expected, hint)]
    if context.taken_ids and context.mode is Mode.CREATE and product_key(row) in context.taken_ids:
        message = f"Duplicate vendor product ID: {printable(product_id)} is already one of your products"
        expected = "an ID that none of your products has"
        return [
            RowError(RowErrorCode.DUPLICATE_VENDOR_PRODUCT_ID, column, message, product_id, expected, _HINT_TO_CHANGE)
        ]
    return ()


def validate_image_url(row: Row, _: ValidationContext) -> Iterable[RowError]:
    """Return an error if the image URL is not one public web address."""
    text = row.cells.get("image_url")
    if text is None or "image_url" in row.cut or is_public_url(text) or _find_control_character(text):
        return ()
    expected = "a web address, such as https://images.example.com/mouse.jpg"
    reason, hint = explain_invalid_url(text)
    message = f"Image URL must be {expected}; found {quoted(text)}{reason and f', which {reason}'}"
    return [RowError(RowErrorCode.INVALID_IMAGE_URL, "image_url", message, text, expected, hint)]


def validate_characters(row: Row, _: ValidationContext) -> Iterable[RowError]:
    """Return an error for each text with control characters and each identifier with invisible characters."""
    # Checking the joined cells once is far cheaper than searching each cell.
    text = "".join(row.cells.values())
    if not text.isprintable():
        return _list_character_errors(row)
    if text.isascii():
        return ()
    # Some characters that Python considers printable are invisible, which matters in identifiers.
    identifiers = "".join(row.cells.get(column, "") for column in IDENTIFIERS)
    return () if identifiers.isascii() else _list_character_errors(row)


def _find_control_character(text: str) -> re.Match[str] | None:
    return None if text.isprintable() else _CONTROL.search(text) or _MEANINGLESS.search(text)


def _list_character_errors(row: Row) -> Iterator[RowError]:
    for column, text in row.cells.items():
        # Two identifiers that look the same must be equal.
        match = INVISIBLE_IN_IDENTIFIER.search(text) if column in IDENTIFIERS else _find_control_character(text)
        if column not in NUMBER_COLUMNS and match:
            character = match[0]
            name = unicodedata.name(character, "")
            description = f"U+{ord(character):04X}{f' ({name})' if name else ''}"
            message = f"{column} has a character that is not text: {description} at position {match.start() + 1}"
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
    ("price in range", number_rules.validate_price),
    ("stock in range", number_rules.validate_stock_quantity),
    ("field lengths", validate_lengths),
    ("category on the whitelist and active", validate_category),
    ("SKU unique across the platform", validate_sku_uniqueness),
    ("vendor product ID unique for the vendor", validate_vendor_product_id_uniqueness),
    # Rules beyond the contract: values that the table would reject.
    ("weight in range", number_rules.validate_weight),
    ("image URL is a public web address", validate_image_url),
    ("text without control characters, identifiers without invisible ones", validate_characters),
    # Damage by spreadsheet programs.
    ("identifiers without damage by spreadsheets", spreadsheet_damage.validate_identifiers_undamaged),
    ("values, not formulas or their errors", spreadsheet_damage.validate_texts_are_values),
    # Placeholders and the sample row.
    ("values, not placeholders", validate_no_placeholders),
    ("products, not the template's sample row", validate_not_sample_row),
    ("status that a vendor can set", existing_product_rules.validate_status),
    # Rules for modes that change products.
    ("product to change exists", existing_product_rules.validate_product_exists),
    ("no later upload has set the columns", existing_product_rules.validate_row_is_current),
    ("no change since the export of the row", existing_product_rules.validate_version),
)


def validate_row(row: Row, context: ValidationContext) -> list[RowError]:
    """Return the errors of a row, in the order of the rules; none if the row is valid."""
    if row.surplus_fields:
        # Values may be in the wrong columns: errors about single cells would be misleading.
        message, expected = _describe_field_count(row.surplus_fields), "as many fields as the header has"
        return [RowError(RowErrorCode.FIELD_COUNT_MISMATCH, "row", message, expected=expected)]
    exported_product = context.products.get(product_key(row)) if VERSION in row.cells else None
    if exported_product is None:
        return _validate_cells(row, context)
    errors = _validate_cells(drop_unchanged_cells(row, exported_product), context)
    # The product has the ID already, also if the rules have changed since.
    return [error for error in errors if error.field != _PRODUCT_ID or error.error_type in _PRODUCT_ERRORS]


def _validate_cells(row: Row, context: ValidationContext) -> list[RowError]:
    cleared_names = list_cleared_columns(row) if context.mode is not Mode.CREATE else ()
    if not cleared_names:
        return _show_values_in_file(row, [error for _, check in RULES for error in check(row, context)])
    # Two rows that clear an identifier are no duplicates of each other.
    remaining_row = replace(
        row,
        # The version is checked with the cleared cells, which are changes too.
        cells={column: text for column, text in row.cells.items() if column not in {*cleared_names, VERSION}},
        duplicate_of={column: number for column, number in row.duplicate_of.items() if column not in cleared_names},
    )
    errors = [error for _, check in RULES for error in check(remaining_row, context)]
    if context.changes_a_product(remaining_row):
        errors += [_build_clear_error(c) for c in cleared_names if c in _NOT_CLEARABLE]
        errors += existing_product_rules.validate_version(row, context)
    return _show_values_in_file(row, errors)


def _show_values_in_file(row: Row, errors: list[RowError]) -> list[RowError]:
    """Return the errors with the vendor's values instead of those that a mapping made of them."""
    if not row.original:
        return errors
    return [replace(error, value=row.original.get(error.field, error.value)) for error in errors]


def _build_clear_error(column: str) -> RowError:
    message = f"{column} cannot be cleared: every product has it"
    return RowError(
        RowErrorCode.CANNOT_BE_CLEARED, column, message, CLEAR, "a value, or a blank cell to leave it unchanged"
    )


def _describe_field_count(difference: int) -> str:
    fields = f"{abs(difference)} field{'s' if abs(difference) > 1 else ''}"
    if difference > 0:
        return f"The row has {fields} more than the header; a comma inside a value needs quotes around the value"
    return f"The row has {fields} fewer than the header; leave a field blank instead of omitting it"
