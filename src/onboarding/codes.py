"""Every code that an answer may have and no rule makes, with what it means. Tests hold these against the code."""

REFUSALS = {
    "ALREADY_UPLOADED": "The same content was uploaded within 24 hours; the answer names that upload",
    "AMBIGUOUS_DELIMITER": "Two characters could be what separates the values",
    "DUPLICATE_COLUMNS": "The header names a column more than once, or two names mean the same column",
    "EMPTY_FILE": "There is nothing in the file",
    "ENCRYPTED_WORKBOOK": "The workbook is protected by a password",
    "FILE_TOO_LARGE": "The file is over the limit; split it",
    "INVALID_OPTION": "The mode, on-error or force of the upload is none that there is",
    "MISSING_COLUMNS": "The header lacks required columns; the answer names them and the nearest names found",
    "NOT_A_TABLE": "The file is something else, which the message names: a picture, a PDF, JSON, XML, SQL, SYLK …",
    "NO_ROWS": "There is a header and nothing below it",
    "OLD_EXCEL": "The file is an .xls workbook; save it as .xlsx",
    "QUOTED_LINES": "Every line is one quoted value, as when CSV was pasted into one column",
    "TOO_MANY_COLUMNS": "The header has more columns than products can have",
    "TOO_MANY_ROWS": "The file has more rows than the limit; split it",
    "UNKNOWN_DELIMITER": "The first line (`sep=…`) names a character that cannot stand between values",
    "UNKNOWN_ENCODING": "The text is in no encoding that can be read for certain; save it as 'CSV UTF-8'",
    "UNKNOWN_VENDOR": "The vendor is not known (a dry run says so; an upload is set aside, and operators are told)",
    "UNREADABLE_CSV": "A quote is never closed, or stands where none may",
    "UNREADABLE_XLSX": "The workbook is damaged",
    "VENDOR_SUSPENDED": "Your account is suspended; contact the marketplace",
    "WORKBOOK_TOO_LARGE": "Unpacked, the workbook has far more in it than a file of products",
}

WARNINGS = {
    "DOUBLE_ENCODED": "Letters look as if they had been encoded twice (`Ã¼` for `ü`)",
    "LEADING_APOSTROPHE": "A value begins with an apostrophe, which spreadsheets put before text",
    "LINES_ABOVE_HEADER": "Lines above the header were not read",
    "LOST_CHARACTER": "Letters were lost before the file was uploaded, and `?`, `_` or U+FFFD stands in their place",
    "LOST_ZEROS": "Codes of a column seem to have lost leading zeros",
    "MIXED_DECIMALS": "A column has decimal commas and decimal points, so no comma was read as a point",
    "OTHER_SHEETS": "The workbook has more sheets; only the first with a header of ours was read",
    "READ_AS_WINDOWS_1252": "The text is not UTF-8, and was read as Windows-1252, which its letters show it to be",
    "UNCLEAR_COMMAS": "The commas of a column may be decimal or between thousands, so none was read as a point",
    "UNKNOWN_COLUMN": "A column is none of ours and was not read",
    "UNNAMED_COLUMN": "A column without a name has values, which were not read",
}

ROW_ERRORS = {
    "CANCELLED": "The upload was cancelled before this row was checked",
    "CANNOT_BE_CLEARED": "The row is to empty a column that every product needs",
    "FIELD_COUNT_MISMATCH": "The row has more or fewer values than the header; nothing else of it is judged",
    "FILE_REJECTED": "The row is valid, but its file was to enter as a whole, and other rows have errors",
    "NOT_PROCESSED": "The row could not be processed, by our fault or because its file was removed; upload it again",
    "REFUSED_BY_CATALOG": "The catalog cannot hold the row though every rule lets it pass; the message says why",
}
