"""Codes of rejected files, warnings and rejected rows, each with a label and a description.

There are three enums because a code may have two meanings: a placeholder is a row error in a required column, and a
warning in an optional one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

_PROPER = {word.lower(): word for word in ("CSV", "Excel", "ID", "SKU", "Shopify", "URL", "Windows", "XLSX")}


def label_of(code: str) -> str:
    """Return a code in words; it may be one of another version."""
    return " ".join(_PROPER.get(word.lower(), word) for word in code.capitalize().split("_"))


class Code(StrEnum):
    """Code for programs, with a label and a description for people."""

    description: str

    def __new__(cls, code: str, description: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.description = description
        return member

    @property
    def label(self) -> str:
        """Return the code in words."""
        return label_of(self.value)


class RejectionCode(Code):
    """Reason for the rejection of a whole file."""

    ALREADY_UPLOADED = (
        "ALREADY_UPLOADED",
        "The same content was uploaded within 24 hours",
    )
    AMBIGUOUS_COLUMNS = (
        "AMBIGUOUS_COLUMNS",
        "Two headers may mean the same column, or name two currencies",
    )
    AMBIGUOUS_DELIMITER = "AMBIGUOUS_DELIMITER", "Two characters may be the delimiter"
    DUPLICATE_COLUMNS = (
        "DUPLICATE_COLUMNS",
        "Two headers name or mean the same column",
    )
    EMPTY_FILE = "EMPTY_FILE", "The file is empty"
    ENCRYPTED_WORKBOOK = "ENCRYPTED_WORKBOOK", "The workbook is protected by a password or rights management"
    FILE_TOO_LARGE = "FILE_TOO_LARGE", "The file exceeds the size limit; split it"
    INVALID_OPTION = "INVALID_OPTION", "An option is not valid, or its mapping does not exist"
    MISSING_COLUMNS = (
        "MISSING_COLUMNS",
        "The header lacks required columns; the message names similar headers",
    )
    MIXED_CURRENCIES = "MIXED_CURRENCIES", "The number formats of a workbook's prices show several currencies"
    NOT_A_TABLE = (
        "NOT_A_TABLE",
        "The file is not a table",
    )
    NO_ROWS = "NO_ROWS", "The file has a header and no rows"
    OLD_EXCEL = "OLD_EXCEL", "The file is an .xls workbook; save it as .xlsx"
    QUOTED_LINES = "QUOTED_LINES", "Each line is one quoted value, as when CSV was pasted into one column"
    READING_FAILED = (
        "READING_FAILED",
        "Several attempts to read the file failed",
    )
    ROWS_ABOVE_HEADER = (
        "ROWS_ABOVE_HEADER",
        "Products are above the header, as after sorting it with them",
    )
    SECOND_HEADER = (
        "SECOND_HEADER",
        "A second header with other columns is between the rows; upload each table separately",
    )
    SEVERAL_PRODUCT_SHEETS = "SEVERAL_PRODUCT_SHEETS", "Several visible sheets of the workbook have products"
    UPLOAD_SESSION_USED = (
        "UPLOAD_SESSION_USED",
        "The upload session already has a file; create a new one",
    )
    TOO_COMPLEX = "TOO_COMPLEX", "Reading the file takes too much processor time or memory"
    TOO_MANY_COLUMNS = "TOO_MANY_COLUMNS", "The header has more columns than the limit"
    TOO_MANY_ROWS = "TOO_MANY_ROWS", "The file has more rows than the limit; split it"
    UNKNOWN_DELIMITER = (
        "UNKNOWN_DELIMITER",
        "The values are separated by an unsupported character",
    )
    UNKNOWN_ENCODING = (
        "UNKNOWN_ENCODING",
        "The text's encoding cannot be determined; save it as 'CSV UTF-8'",
    )
    UNKNOWN_FILE_TYPE = "UNKNOWN_FILE_TYPE", "The file name does not have the extension of a product file"
    UNKNOWN_VENDOR = (
        "UNKNOWN_VENDOR",
        "The vendor does not exist (only in a dry run)",
    )
    UNREADABLE_CSV = (
        "UNREADABLE_CSV",
        "A quote is misplaced, not closed, or closed in another row",
    )
    UNREADABLE_OBJECT = (
        "UNREADABLE_OBJECT",
        "The file is archived, or encrypted with another key",
    )
    UNREADABLE_XLSX = "UNREADABLE_XLSX", "The workbook is damaged"
    VENDOR_SUSPENDED = "VENDOR_SUSPENDED", "Your account is suspended; contact the marketplace"
    WORKBOOK_TOO_LARGE = "WORKBOOK_TOO_LARGE", "The unpacked workbook is too large"


class WarningCode(Code):
    """Warning about a file whose rows were read."""

    COMMENTED_LINES = (
        "COMMENTED_LINES",
        "Lines that begin like comments (`#`, `//`, `--`, `;`, `%`) were not read",
    )
    COMPARE_AT_PRICE_BELOW_PRICE = "COMPARE_AT_PRICE_BELOW_PRICE", "The price before a discount is lower than the price"
    DATE_IN_TEXT = (
        "DATE_IN_TEXT",
        "A text column of a workbook has dates, perhaps converted from other text",
    )
    DOUBLE_ENCODED = "DOUBLE_ENCODED", "Letters seem to be encoded twice (`Ã¼` for `ü`)"
    FURTHER_ADDRESSES = (
        "FURTHER_ADDRESSES",
        "Of several web addresses in a cell, the first was used",
    )
    HIDDEN_COLUMNS = "HIDDEN_COLUMNS", "Hidden columns of a workbook were read"
    HIDDEN_ROWS = "HIDDEN_ROWS", "Hidden or filtered rows of a workbook were read"
    HYPERLINK_ADDRESS = (
        "HYPERLINK_ADDRESS",
        "The address of a hyperlink was read, not its text",
    )
    LEADING_APOSTROPHE = "LEADING_APOSTROPHE", "A value begins with an apostrophe, which spreadsheets put before text"
    LINES_ABOVE_HEADER = "LINES_ABOVE_HEADER", "Lines above the header were not read"
    LOOKALIKE_CHARACTERS = (
        "LOOKALIKE_CHARACTERS",
        "An identifier has lookalike characters, such as a Cyrillic A",
    )
    LOOKS_COMMENTED = (
        "LOOKS_COMMENTED",
        "Rows that begin like comments were read as products; delete any comments",
    )
    LOST_CHARACTER = (
        "LOST_CHARACTER",
        "Letters were lost before the upload and replaced by `?`, `_` or U+FFFD",
    )
    LOST_DIGITS = (
        "LOST_DIGITS",
        "Long codes of a column end in zeros, as when a spreadsheet rounds numbers",
    )
    LOST_ZEROS = "LOST_ZEROS", "Codes of a column seem to have lost leading zeros"
    MERGED_CELLS = "MERGED_CELLS", "The value of a merged cell was used for all its rows"
    MIXED_DECIMALS = "MIXED_DECIMALS", "A column has decimal commas and points; no comma was read as a decimal sign"
    NOT_PRODUCTS = (
        "NOT_PRODUCTS",
        "Totals, notes, rulers, rows of zeros and further pictures were not read",
    )
    OTHER_SHEETS = "OTHER_SHEETS", "Other sheets of the workbook were not read"
    PLACEHOLDER_VALUE = (
        "PLACEHOLDER_VALUE",
        "An optional column has placeholders (`NULL`, `N/A`), read as blank",
    )
    POSSIBLE_DATE = "POSSIBLE_DATE", "A value may be a date that a spreadsheet converted from another value"
    READ_AS_WINDOWS_1252 = (
        "READ_AS_WINDOWS_1252",
        "The text is not UTF-8 and was read as Windows-1252",
    )
    REPEATED_HEADER = "REPEATED_HEADER", "Lines that repeat or explain the header were not read"
    ROUNDED_DISPLAY = "ROUNDED_DISPLAY", "A workbook shows a number rounded or scaled; its value was used"
    SEVERAL_IDENTIFIERS = (
        "SEVERAL_IDENTIFIERS",
        "A value may hold several identifiers",
    )
    SHOPIFY_PICTURES = "SHOPIFY_PICTURES", "Rows of a Shopify export have an image and no product"
    SHOPIFY_VARIANTS = "SHOPIFY_VARIANTS", "Rows of a Shopify export are variants without name and category"
    SHORT_ROWS = "SHORT_ROWS", "Rows lack optional columns at their end, read as blank"
    SIMILAR_IDENTIFIERS = "SIMILAR_IDENTIFIERS", "Two identifiers differ only in case or lookalike characters"
    UNCLEAR_COMMAS = (
        "UNCLEAR_COMMAS",
        "Commas of a column may be decimal or thousands separators; none was read as a decimal sign",
    )
    UNKNOWN_COLUMN = (
        "UNKNOWN_COLUMN",
        "A column is unknown, or another one has the exact name; it was not read",
    )
    UNNAMED_COLUMN = (
        "UNNAMED_COLUMN",
        "A column without a header has values; it is not read if nearly all rows have one, else they are rejected",
    )


class RowErrorCode(Code):
    """Reason for the rejection of a row."""

    CANCELLED = "CANCELLED", "The upload was cancelled before this row was checked"
    CANNOT_BE_CLEARED = "CANNOT_BE_CLEARED", "The row clears a column that every product needs"
    DAMAGED_IDENTIFIER = (
        "DAMAGED_IDENTIFIER",
        "A spreadsheet converted an identifier to a number, a date, a truth value or an error",
    )
    DUPLICATE_SKU = "DUPLICATE_SKU", "Another row of the file, or another product of the marketplace, has the SKU"
    DUPLICATE_VENDOR_PRODUCT_ID = (
        "DUPLICATE_VENDOR_PRODUCT_ID",
        "Another row of the file, or another of your products, has the ID",
    )
    FIELD_COUNT_MISMATCH = (
        "FIELD_COUNT_MISMATCH",
        "The row has more or fewer values than the header; they are not validated",
    )
    FIELD_LENGTH_EXCEEDED = "FIELD_LENGTH_EXCEEDED", "A text is longer than its column allows"
    FILE_REJECTED = (
        "FILE_REJECTED",
        "The row is valid; others have errors and `on-error` is `reject_file`",
    )
    INVALID_CATEGORY = "INVALID_CATEGORY", "The category is not one of the marketplace's active categories"
    INVALID_CHARACTER = "INVALID_CHARACTER", "A text has control characters, or an identifier has invisible ones"
    INVALID_IMAGE_URL = "INVALID_IMAGE_URL", "The image address is not a public web address"
    INVALID_PRICE = "INVALID_PRICE", "A price is not a plain number within its limits"
    INVALID_STOCK_QUANTITY = (
        "INVALID_STOCK_QUANTITY",
        "The stock quantity is not a plain whole number within its limits",
    )
    INVALID_STATUS = "INVALID_STATUS", "The status is not one that a file can set"
    INVALID_WEIGHT = "INVALID_WEIGHT", "The weight is not a plain number within its limits"
    MISSING_REQUIRED_FIELDS = "MISSING_REQUIRED_FIELDS", "Columns that the row needs are blank"
    NOT_PROCESSED = (
        "NOT_PROCESSED",
        "A failure of the marketplace, or the file was removed; upload the row again",
    )
    OUTDATED_ROW = "OUTDATED_ROW", "A later upload has already set a column that the row sets"
    PLACEHOLDER_VALUE = "PLACEHOLDER_VALUE", "A required column has a placeholder (`NULL`, `N/A`) instead of a value"
    PRODUCT_BLOCKED = "PRODUCT_BLOCKED", "The row sets the status of a product that the marketplace has blocked"
    REJECTED_BY_CATALOG = (
        "REJECTED_BY_CATALOG",
        "The catalog cannot store the row although it passes every rule",
    )
    SAMPLE_ROW = "SAMPLE_ROW", "The row is the sample row of the template; delete it"
    SPREADSHEET_DATE = "SPREADSHEET_DATE", "A spreadsheet converted the dimensions to a date"
    SPREADSHEET_ERROR = "SPREADSHEET_ERROR", "A text is the error of a formula (`#REF!`)"
    SPREADSHEET_FORMULA = "SPREADSHEET_FORMULA", "A text is a formula instead of its value"
    STALE_ROW = "STALE_ROW", "The product has changed since the export that the row comes from"
    UNKNOWN_PRODUCT = "UNKNOWN_PRODUCT", "Mode `update` does not create products, and none of your products has the ID"
