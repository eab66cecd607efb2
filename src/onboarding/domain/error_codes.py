"""Every code of a rejected file, a warning and a rejected row, with its title and what it means. Pure.

They are three enums, since a code may have two meanings: a placeholder is a row error in a required column, and a
warning in any other.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

_PROPER = {word.lower(): word for word in ("CSV", "Excel", "ID", "SKU", "Shopify", "URL", "Windows", "XLSX")}


class Code(StrEnum):
    """A code for programs, with a label and a description for people."""

    description: str

    def __new__(cls, code: str, description: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.description = description
        return member

    @property
    def label(self) -> str:
        """The code in words."""
        words = self.value.capitalize().split("_")
        return " ".join(_PROPER.get(word.lower(), word) for word in words)


class RejectionCode(Code):
    """Why a whole file was rejected."""

    ALREADY_UPLOADED = (
        "ALREADY_UPLOADED",
        "The same content was uploaded within 24 hours; the message names that upload",
    )
    AMBIGUOUS_COLUMNS = (
        "AMBIGUOUS_COLUMNS",
        "Two names of the header may mean the same column, or it names two currencies",
    )
    AMBIGUOUS_DELIMITER = "AMBIGUOUS_DELIMITER", "Two characters could be what separates the values"
    DUPLICATE_COLUMNS = (
        "DUPLICATE_COLUMNS",
        "The header names a column more than once, or two names mean the same column",
    )
    EMPTY_FILE = "EMPTY_FILE", "The file is empty"
    ENCRYPTED_WORKBOOK = "ENCRYPTED_WORKBOOK", "The workbook is protected by a password or by rights management"
    FILE_TOO_LARGE = "FILE_TOO_LARGE", "The file is over the limit; split it"
    INVALID_OPTION = "INVALID_OPTION", "The value of mode, on-error or force does not exist"
    MISSING_COLUMNS = (
        "MISSING_COLUMNS",
        "The header lacks required columns; the message names them and the nearest names found",
    )
    MIXED_CURRENCIES = "MIXED_CURRENCIES", "The number formats of a workbook's prices show more than one currency"
    NOT_A_TABLE = (
        "NOT_A_TABLE",
        "The file is something else, which the message names: a picture, a PDF, JSON, XML, SQL, SYLK …",
    )
    NO_ROWS = "NO_ROWS", "There is a header and nothing below it"
    OLD_EXCEL = "OLD_EXCEL", "The file is an .xls workbook; save it as .xlsx"
    QUOTED_LINES = "QUOTED_LINES", "Lines are one quoted value each, as when CSV was pasted into one column"
    READING_FAILED = (
        "READING_FAILED",
        "Several attempts to read the file ended without a result; the file was not processed",
    )
    ROWS_ABOVE_HEADER = (
        "ROWS_ABOVE_HEADER",
        "Products stand above the header, as when it was sorted with them; move it to the top",
    )
    SECOND_HEADER = (
        "SECOND_HEADER",
        "A second header with other columns stands between the rows; upload each table by itself",
    )
    SEVERAL_PRODUCT_SHEETS = "SEVERAL_PRODUCT_SHEETS", "More than one visible sheet of the workbook has products"
    UPLOAD_SESSION_USED = (
        "UPLOAD_SESSION_USED",
        "The upload form was used before, and takes one file; create a new session",
    )
    TOO_COMPLEX = "TOO_COMPLEX", "Reading the file takes more processor time or memory than one file may take"
    TOO_MANY_COLUMNS = "TOO_MANY_COLUMNS", "The header has more columns than products can have"
    TOO_MANY_ROWS = "TOO_MANY_ROWS", "The file has more rows than the limit; split it"
    UNKNOWN_DELIMITER = (
        "UNKNOWN_DELIMITER",
        "The values are separated by something that cannot stand between values; the message names it",
    )
    UNKNOWN_ENCODING = (
        "UNKNOWN_ENCODING",
        "The text is in no encoding that can be read for certain; save it as 'CSV UTF-8'",
    )
    UNKNOWN_FILE_TYPE = "UNKNOWN_FILE_TYPE", "The name of the file does not end like that of a product file"
    UNKNOWN_VENDOR = (
        "UNKNOWN_VENDOR",
        "The vendor does not exist (only in a dry run; an upload is quarantined, and operators are notified)",
    )
    UNREADABLE_CSV = (
        "UNREADABLE_CSV",
        "A quote is never closed, stands where none may, or closes a value in another row",
    )
    UNREADABLE_OBJECT = (
        "UNREADABLE_OBJECT",
        "The file is archived, or encrypted with a key that the marketplace cannot use",
    )
    UNREADABLE_XLSX = "UNREADABLE_XLSX", "The workbook is damaged"
    VENDOR_SUSPENDED = "VENDOR_SUSPENDED", "Your account is suspended; contact the marketplace"
    WORKBOOK_TOO_LARGE = "WORKBOOK_TOO_LARGE", "Unpacked, the workbook has far more in it than a file of products"


class WarningCode(Code):
    """What was noticed in a file whose rows were read."""

    COMMENTED_LINES = (
        "COMMENTED_LINES",
        "Lines that begin with `#`, `//`, `--`, `;` or `%`, in a file with comments, were not read",
    )
    COMPARE_AT_PRICE_BELOW_PRICE = "COMPARE_AT_PRICE_BELOW_PRICE", "The price before a discount is lower than the price"
    DATE_IN_TEXT = (
        "DATE_IN_TEXT",
        "A text column of a workbook has dates, which a spreadsheet may have made of other text",
    )
    DOUBLE_ENCODED = "DOUBLE_ENCODED", "Letters look as if they had been encoded twice (`Ã¼` for `ü`)"
    HIDDEN_COLUMNS = "HIDDEN_COLUMNS", "Hidden columns of a workbook were read"
    HIDDEN_ROWS = "HIDDEN_ROWS", "Hidden or filtered rows of a workbook were read"
    HYPERLINK_ADDRESS = (
        "HYPERLINK_ADDRESS",
        "The address of a hyperlink was read, not the words that a workbook shows for it",
    )
    LEADING_APOSTROPHE = "LEADING_APOSTROPHE", "A value begins with an apostrophe, which spreadsheets put before text"
    LINES_ABOVE_HEADER = "LINES_ABOVE_HEADER", "Lines above the header were not read"
    LOOKALIKE_CHARACTERS = (
        "LOOKALIKE_CHARACTERS",
        "An identifier has letters or signs that look like others, such as a Cyrillic A",
    )
    LOOKS_COMMENTED = (
        "LOOKS_COMMENTED",
        "Rows begin like comments (`#`, `//`, `--`, `;`, `%`) and were read as products; delete those",
    )
    LOST_CHARACTER = (
        "LOST_CHARACTER",
        "Letters were lost before the file was uploaded, and `?`, `_` or U+FFFD stands in their place",
    )
    LOST_DIGITS = (
        "LOST_DIGITS",
        "Long codes of a column end in zeros, as spreadsheets write them when they round a number",
    )
    LOST_ZEROS = "LOST_ZEROS", "Codes of a column seem to have lost leading zeros"
    MERGED_CELLS = "MERGED_CELLS", "Rows were given the value of a merged cell"
    MIXED_DECIMALS = "MIXED_DECIMALS", "A column has decimal commas and decimal points, so no comma was read as a point"
    NOT_PRODUCTS = "NOT_PRODUCTS", "Totals, notes, rulers and dragged zeros were not read; the warning names the lines"
    OTHER_SHEETS = "OTHER_SHEETS", "The workbook has more sheets; only the one with the products was read"
    PLACEHOLDER_VALUE = (
        "PLACEHOLDER_VALUE",
        "An optional column has placeholders (`NULL`, `N/A`), which were read as blank",
    )
    POSSIBLE_DATE = "POSSIBLE_DATE", "A value may be a date that a spreadsheet made of another value"
    READ_AS_WINDOWS_1252 = (
        "READ_AS_WINDOWS_1252",
        "The text is not UTF-8, and was read as Windows-1252, which its letters show it to be",
    )
    REPEATED_HEADER = "REPEATED_HEADER", "Lines that repeat or explain the header were not read; the warning names them"
    ROUNDED_DISPLAY = "ROUNDED_DISPLAY", "A workbook shows a number rounded or scaled; the cell's value was taken"
    SEVERAL_IDENTIFIERS = (
        "SEVERAL_IDENTIFIERS",
        "An identifier may be several, with commas, semicolons or bars between them",
    )
    SHOPIFY_PICTURES = "SHOPIFY_PICTURES", "Rows of a Shopify export have a picture and no product"
    SHOPIFY_VARIANTS = "SHOPIFY_VARIANTS", "Rows of a Shopify export are variants without name and category"
    SHORT_ROWS = "SHORT_ROWS", "Rows end before optional columns at the end of the header, which were taken as blank"
    SIMILAR_IDENTIFIERS = "SIMILAR_IDENTIFIERS", "Two identifiers differ only in case, or in characters that look alike"
    UNCLEAR_COMMAS = (
        "UNCLEAR_COMMAS",
        "The commas of a column may be decimal or between thousands, so none was read as a point",
    )
    UNKNOWN_COLUMN = (
        "UNKNOWN_COLUMN",
        "A column is not one of the marketplace's, or another column has the exact name; it was not read",
    )
    UNNAMED_COLUMN = (
        "UNNAMED_COLUMN",
        "A column without a name has values: not read if nearly every row has one, else row errors",
    )


class RowErrorCode(Code):
    """Why a row was rejected."""

    CANCELLED = "CANCELLED", "The upload was cancelled before this row was checked"
    CANNOT_BE_CLEARED = "CANNOT_BE_CLEARED", "The row is to empty a column that every product needs"
    DAMAGED_IDENTIFIER = (
        "DAMAGED_IDENTIFIER",
        "A spreadsheet turned an identifier into a number, a date, a truth value or an error",
    )
    DUPLICATE_SKU = "DUPLICATE_SKU", "Another row of the file, or another product of the marketplace, has the SKU"
    DUPLICATE_VENDOR_PRODUCT_ID = (
        "DUPLICATE_VENDOR_PRODUCT_ID",
        "Another row of the file, or another of your products, has the ID",
    )
    FIELD_COUNT_MISMATCH = (
        "FIELD_COUNT_MISMATCH",
        "The row has more or fewer values than the header; its values are not validated",
    )
    FIELD_LENGTH_EXCEEDED = "FIELD_LENGTH_EXCEEDED", "A text is longer than its column allows"
    FILE_REJECTED = (
        "FILE_REJECTED",
        "The row is valid, but the file was to enter as a whole, and other rows have errors",
    )
    INVALID_CATEGORY = "INVALID_CATEGORY", "The category is not one of the marketplace's active categories"
    INVALID_CHARACTER = "INVALID_CHARACTER", "A text has control characters, or an identifier has invisible ones"
    INVALID_IMAGE_URL = "INVALID_IMAGE_URL", "The image address is not a public web address"
    INVALID_PRICE = "INVALID_PRICE", "A price is not a plain number within its limits"
    INVALID_STOCK_QUANTITY = (
        "INVALID_STOCK_QUANTITY",
        "The stock quantity is not a plain whole number within its limits",
    )
    INVALID_WEIGHT = "INVALID_WEIGHT", "The weight is not a plain number within its limits"
    MISSING_REQUIRED_FIELDS = "MISSING_REQUIRED_FIELDS", "Columns that the row needs are blank"
    NOT_PROCESSED = (
        "NOT_PROCESSED",
        "The row could not be processed, by our fault or because its file was removed; upload it again",
    )
    OUTDATED_ROW = "OUTDATED_ROW", "A later upload has already set a column that the row sets"
    PLACEHOLDER_VALUE = "PLACEHOLDER_VALUE", "A required column has a placeholder (`NULL`, `N/A`) instead of a value"
    REFUSED_BY_CATALOG = (
        "REFUSED_BY_CATALOG",
        "The catalog cannot store the row although it passes every rule; the message says why",
    )
    SAMPLE_ROW = "SAMPLE_ROW", "The row is the sample row of the template"
    SPREADSHEET_DATE = "SPREADSHEET_DATE", "A spreadsheet turned the dimensions into a date"
    SPREADSHEET_ERROR = "SPREADSHEET_ERROR", "A text is the error of a formula (`#REF!`)"
    SPREADSHEET_FORMULA = "SPREADSHEET_FORMULA", "A text is a formula instead of its value"
    UNKNOWN_PRODUCT = "UNKNOWN_PRODUCT", "Mode `update` does not create products, and none of your products has the ID"
