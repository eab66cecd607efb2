"""What kind of file some bytes are, by how they begin; the name of a file proves nothing."""

from __future__ import annotations

from onboarding.reading.found import Refusal

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# An OLE file names its parts in UTF-16; this one holds a workbook behind a password.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_RIGHTS_PROTECTED = "DRMEncrypted".encode("utf-16-le")

_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"BZh", "compressed (bzip2)"),
    (b"\xfd7zXZ", "compressed (xz)"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"SQLite format 3", "a database"),
    (b"PAR1", "a Parquet file"),
)
_WANTED = "save the table as 'CSV UTF-8' or as an Excel workbook (.xlsx) and upload that"


def is_workbook(content: bytes) -> bool:
    """Whether the bytes are a ZIP archive, as every .xlsx is."""
    return content.startswith(_ZIP)


def refused_kind(content: bytes) -> Refusal | None:
    """The refusal of bytes that are certainly no table that we read."""
    if content.startswith(_OLE):
        if _RIGHTS_PROTECTED in content:
            reason = (
                "The workbook is protected by rights management (a sensitivity label or restricted access); "
                "remove that protection, save the workbook and upload it again"
            )
            return Refusal("ENCRYPTED_WORKBOOK", reason)
        if _ENCRYPTED in content:
            reason = "The workbook is protected with a password; save it without one and upload it again"
            return Refusal("ENCRYPTED_WORKBOOK", reason)
        return Refusal("OLD_EXCEL", f"The file is an old Excel workbook (.xls); {_WANTED}")
    for beginning, kind in _OTHERS:
        if content.startswith(beginning):
            return Refusal("NOT_A_TABLE", f"The file is {kind}; {_WANTED}")
    return None


def refused_text(beginning: str) -> Refusal | None:
    """The refusal of text that is no CSV, by its first characters."""
    start = beginning.lstrip().casefold()
    if start.startswith(("<!doctype html", "<html", "<table", "<head", "<meta", "<style", "<div", "<tr")):
        reason = f"The file is a web page (HTML), as some systems export under the name .xls or .csv; {_WANTED}"
        return Refusal("NOT_A_TABLE", reason)
    if start.startswith(("<?xml", "<!--", "<rss", "<products", "<workbook")):
        return Refusal("NOT_A_TABLE", f"The file is XML; {_WANTED}")
    # Braces and brackets begin no header of a table that could be read.
    if start.startswith(("{", "[{", "[[", '["')):
        return Refusal("NOT_A_TABLE", f"The file is JSON; {_WANTED}")
    return None
