"""Writer of files for users in S3: with the type and name that a browser needs to save them."""

from __future__ import annotations

import re
import unicodedata
from typing import BinaryIO
from urllib.parse import quote

from onboarding.runtime import AppContext

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_DASHES = str.maketrans("\u2013\u2014", "--")
_UNSAFE = re.compile(r'[^ -~]|["%\\]')


def put_attachment(ctx: AppContext, key: str, file: BinaryIO, name: str) -> None:
    """Write a file to the bucket. A browser saves it with this name, whose extension states its type."""
    file.seek(0)
    ctx.s3.put_object(
        Bucket=ctx.settings.bucket,
        Key=key,
        Body=file,
        ContentType=XLSX_TYPE if name.endswith(".xlsx") else CSV_TYPE,
        ContentDisposition=format_attachment(name),
    )


def format_attachment(name: str) -> str:
    """Return the header `Content-Disposition` for a file name: in ASCII, and in full if that differs (RFC 6266)."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", name.translate(_DASHES)) if not unicodedata.combining(c))
    ascii_name = _UNSAFE.sub("_", letters)
    header = f'attachment; filename="{ascii_name}"'
    return header if ascii_name == name else f"{header}; filename*=UTF-8''{quote(name, safe='')}"
