"""Detection of file types by their first bytes; file names are ignored.

No pattern may match a table: words that may also begin a header or a title count only together with the text that
follows them in the other format.
"""

from __future__ import annotations

import codecs
import re

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.models import FileRejection

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Names of streams in an OLE file, which are UTF-16. A workbook with a password is stored in the first of these.
_PASSWORD_PROTECTED = "EncryptedPackage".encode("utf-16-le")
_RIGHTS_PROTECTED = "DRMEncrypted".encode("utf-16-le")
_OLE_TYPES = (
    ("WordDocument".encode("utf-16-le"), "an old Word document (.doc)"),
    ("PowerPoint Document".encode("utf-16-le"), "an old PowerPoint presentation (.ppt)"),
    ("__nameid_version1.0".encode("utf-16-le"), "an Outlook message (.msg)"),
)

_BINARY_TYPES = tuple(
    (re.compile(beginning, re.DOTALL), kind)
    for beginning, kind in (
        (rb"%PDF", "a PDF document"),
        (rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|II\*\x00|MM\x00\*|8BPS|\x00\x00\x01\x00[^\x00]\x00", "an image"),
        (rb"BM.{4}\x00{4}|RIFF.{4}WEBP|.{4}ftyp(?:hei|hev|mif1|msf1|avi[fs])|AT&TFORM", "an image"),
        (rb".{4}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI |FLV\x01|\x00\x00\x01\xba", "a video"),
        (rb"RIFF.{4}WAVE|ID3[\x02-\x04]\x00|OggS\x00|fLaC\x00", "a sound"),
        (rb"\x1f\x8b", "compressed (gzip)"),
        (rb"BZh[1-9]1AY&SY", "compressed (bzip2)"),
        (rb"\xfd7zXZ", "compressed (xz)"),
        (rb"\x28\xb5\x2f\xfd", "compressed (zstd)"),
        (rb"\x04\x22\x4d\x18|\x1f\x9d|\x5d\x00\x00.{2}", "compressed"),
        (rb"7z\xbc\xaf", "a 7-Zip archive"),
        (rb"Rar!\x1a\x07", "a RAR archive"),
        (rb".{257}ustar", "a TAR archive"),
        (rb"MSCF\x00", "a CAB archive"),
        (rb"PK\x05\x06|PK\x07\x08", "an empty ZIP archive"),
        (rb"\{\\rtf", "a text document (RTF)"),
        (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript document"),
        (rb"SQLite format 3\x00|\x00\x01\x00\x00Standard ", "a database"),
        # Version, date of the last change, zeros, and name and type of the first column.
        (rb"[\x03\x30-\x32\x43\x63\x83\x8b\x8e\xcb\xf5\xfb].[\x01-\x0c][\x01-\x1f].{8}\x00\x00.{18}[A-Za-z_].{10}[A-Z@+]",
         "a database table (dBase)"),
        (rb"\$FL[23]@\(#\)|RD[AX][23]\n|\x80[\x02-\x05](?:\x95|[c}\]])", "a file of a statistics program"),
        (rb"PAR1", "a Parquet file"),
        (rb"Obj\x01", "an Avro file"),
        (rb"ORC[\x00-\x1f\x80-\xff]", "an ORC file"),
        (rb"ARROW1\x00|FEA1\x00", "an Arrow file"),
        (rb"\x89HDF", "an HDF5 file"),
        # The first record of a workbook without an OLE container (before Excel 97).
        (rb"\t[\x00\x02\x04\x08][\x04-\x08\x10]\x00", "an old Excel workbook (.xls), of Excel 95 or older"),
        (rb"\x00\x00[\x02\x1a]\x00[\x00-\x06][\x04\x10]|\xff\x00\x02\x00\x04\x04", "a Lotus 1-2-3 workbook"),
        (rb"MZ.{58}.\x00\x00\x00|\x7fELF|\xca\xfe\xba\xbe|#!/", "a program"),
    )
)  # fmt: skip
_BINARY_BEGINNING = 512

_HTML = re.compile(
    r"<(?:!doctype html|html|head|body|meta|title|style|script|link|table|thead|tbody|tr|td|th|div|form|br)\b[^<>]*>"
    r"|<(?:span|p|b|i|hr|h[1-6]|a|ul|ol|font|center|img|strong|pre)\b[^<>]*>[^<]*<(?:/|br)",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"<[?!/]?[A-Za-z][\w.:-]*(?:\s[^<>]*)?>")
_TEXT_TYPES = tuple(
    (re.compile(beginning), kind)
    for beginning, kind in (
        (r"<\?xml[^>]*>\s*<\?mso-application|<\?xml[^>]*>\s*<(?:ss:)?Workbook\b", "an Excel workbook as XML (.xml)"),
        (r"<\?xml\b|<!--|<rss\b|<(?i:products|workbook)\b", "XML"),
        # No valid header begins with a brace or a bracket.
        (r"\{|\[\s*[{\[\"]|\[\s*\Z", "JSON"),
        (r"ID;P\w*(?:;[A-Z]\w*)*\r?\n(?:[A-Z]{1,2};.*\r?\n)*?(?:[PFCBO];[A-Z]|NN;|NU;|E\s)", "a SYLK table (.slk)"),
        (r"TABLE\r?\n0,1\r?\n\"", "a DIF table (.dif)"),
        (r"BEGIN:VCARD\s", "address cards (vCard)"),
        (r"BEGIN:VCALENDAR\s", "a calendar (iCalendar)"),
        (r"%?\\(?:documentclass|begin|usepackage)\b|%[^\n]*\n\s*\\documentclass\b", "a LaTeX document"),
        (r"%YAML\b|---\s*\n(?:- )?[\w -]+:(?:\s|$)|- [\w -]+:(?: .*)?\r?\n  [\w -]+:(?:\s|$)", "YAML"),
        (r"\[InternetShortcut\]|version https://git-lfs", "a link to a file, not the file itself"),
        (r"HTTP/[\d.]+ \d{3}", "a response of a web server"),
        (r"-----BEGIN [A-Z ]+-----", "a key or certificate"),
        (r"UNA:\+|UNB\+UNO|ISA\*\d\d\*", "an EDI message"),
        (r"<\?php\b|#!/", "a program"),
    )
)
# Mostly in upper case, as programs write it: a title may begin with the same words.
_SQL = re.compile(
    r"INSERT \[\w+\]|MERGE INTO\s|REM INSERTING into |"
    r"INSERT (?:IGNORE )?INTO\s|REPLACE INTO\s|CREATE (?:OR REPLACE |TEMPORARY )*(?:TABLE|DATABASE|SCHEMA|VIEW)\s|"
    r"DROP (?:TABLE|DATABASE|SCHEMA)\s|ALTER TABLE\s|LOCK TABLES\s|DELETE FROM\s|TRUNCATE TABLE\s|"
    r"USE [`\[\w]+[`\]]?;?\s*$|(?:START|BEGIN) TRANSACTION|BEGIN;|PRAGMA \w+|"
    r"SET [@\w.]+(?: \w+)? ?(?:=|ON\b|OFF\b)|SET NAMES\s|"
    r"SELECT\s[^;]{1,500}?\sFROM\s|UPDATE \S+ SET\s|COPY \S+ (?:\([^)]*\) )?FROM stdin|"
    r"(?i:insert into [^\s(]+ ?\()|(?i:create table (?:if not exists )?[^\s(]+ ?\()",
    re.MULTILINE,
)
_SQL_COMMENT = re.compile(r"--|/\*|\*|#")
_EMAIL_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]*:\s|[ \t]+\S|From \S+@")
_EMAIL_MARKER = re.compile(r"(?i)(?:MIME-Version|Message-ID|Content-Type|Received):\s")

_TEXT_BEGINNING = 8_192
_LEADING_BYTES = 1 << 16
"""Number of bytes searched for the first text: some systems write many blank lines before a web page."""
_REMEDY = "save the table as 'CSV UTF-8' or as an Excel workbook (.xlsx) and upload that"


def is_workbook(content: bytes) -> bool:
    """Return whether the bytes are a ZIP archive, as every .xlsx file is."""
    return content.startswith(_ZIP)


def reject_unsupported_type(content: bytes) -> FileRejection | None:
    """Return the rejection of content in an unsupported format; None for workbooks and for text that may be a table."""
    if content.startswith(_OLE):
        if _RIGHTS_PROTECTED in content:
            reason = (
                "The workbook is protected by rights management (a sensitivity label or restricted access); "
                "remove that protection, save the workbook and upload it again"
            )
            return FileRejection(RejectionCode.ENCRYPTED_WORKBOOK, reason)
        if _PASSWORD_PROTECTED in content:
            reason = "The workbook is protected with a password; save it without one and upload it again"
            return FileRejection(RejectionCode.ENCRYPTED_WORKBOOK, reason)
        for stream, kind in _OLE_TYPES:
            if stream in content:
                return _reject(kind)
        return FileRejection(RejectionCode.OLD_EXCEL, f"The file is an old Excel workbook (.xls); {_REMEDY}")
    beginning = content[:_BINARY_BEGINNING]
    for pattern, kind in _BINARY_TYPES:
        if pattern.match(beginning):
            return _reject(kind)
    text_type = None if is_workbook(content) else _detect_text_type(_decode_beginning(content), content)
    return _reject(text_type) if text_type else None


def _reject(kind: str) -> FileRejection:
    return FileRejection(RejectionCode.NOT_A_TABLE, f"The file is {kind}; {_REMEDY}")


def _detect_text_type(text: str, content: bytes) -> str | None:
    """Return the format of text that is not CSV, by its first characters; None if it may be CSV."""
    if _HTML.match(text):
        return "a web page (HTML), as some systems export under the name .xls or .csv"
    for pattern, kind in _TEXT_TYPES:
        if pattern.match(text):
            return kind
    # Names in a header may be in angle brackets, but a CSV file does not end with one.
    if _MARKUP.match(text) and content[-100:].rstrip(b"\0\x1a\r\n\t ").endswith(b">"):
        return "XML"
    # The last line may be truncated.
    lines = text.splitlines() if len(text) < _TEXT_BEGINNING else text.splitlines()[:-1]
    first_line = next((n for n, line in enumerate(lines) if line.strip() and not _SQL_COMMENT.match(line)), len(lines))
    if _SQL.match("\n".join(lines[first_line:])):
        return "a database dump (SQL)"
    head = lines[: lines.index("")] if "" in lines else lines
    if any(map(_EMAIL_MARKER.match, head)) and all(map(_EMAIL_FIELD.match, head)):
        return "an e-mail message or a saved web page (EML, MHTML)"
    return None


def _decode_beginning(content: bytes) -> str:
    """Return the first characters in a likely encoding; the patterns search for ASCII only."""
    codec = "latin-1"
    beginning = content[:_LEADING_BYTES]
    if content.startswith(codecs.BOM_UTF8):
        codec = "utf-8-sig"
    elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16"
    elif b"\0" in beginning[:2]:
        codec = "utf-16-be" if beginning.startswith(b"\0") else "utf-16-le"
    return beginning.decode(codec, "ignore").lstrip()[:_TEXT_BEGINNING]
