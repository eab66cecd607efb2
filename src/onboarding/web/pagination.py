"""Types that requests and responses share: ids, names, pages and cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Header, Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints

from onboarding.domain.email_address import normalize_email_address
from onboarding.storage.input_rules import PLAIN_TEXT
from onboarding.storage.vendors import NAME_LENGTH, VENDOR_ID
from onboarding.web.errors import Problem

Item = TypeVar("Item")
Shape = TypeVar("Shape", bound=BaseModel)

UploadId = Annotated[
    str, Path(min_length=1, max_length=50, pattern=r"^[A-Za-z0-9_-]+$", examples=["UPLOAD_20241221_103045_0a1b2c3d"])
]
UploadSessionId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
KeyId = Annotated[str, Path(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9_-]+$")]
VendorId = Annotated[str, Path(pattern=VENDOR_ID, examples=["VEND001"])]
VendorFilter = Annotated[
    str | None,
    Query(pattern=VENDOR_ID, description="For operators: only this vendor. Vendors always see only their own data"),
]

Limit = Annotated[int, Query(ge=1, le=500, description="Maximum number of results")]
Cursor = Annotated[
    str | None, Query(max_length=200, pattern=r"^[A-Za-z0-9_-]+$", description="The `next` value of the previous page")
]
Since = Annotated[AwareDatetime | None, Query(description="At or after this time", examples=["2026-01-01T00:00:00Z"])]
Until = Annotated[AwareDatetime | None, Query(description="Before this time")]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="A unique value that you choose; repeating a request with it has no further effect",
    ),
]

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH, pattern=PLAIN_TEXT)
]

Email = Annotated[
    str,
    StringConstraints(min_length=3, max_length=254),
    Field(json_schema_extra={"format": "email"}),
    AfterValidator(normalize_email_address),
]


def models_from_rows(model: type[Shape], rows: Iterable[Sequence[Any]]) -> list[Shape]:
    """Return each row as a model whose fields have the order of the columns."""
    return [model.model_validate(dict(zip(model.model_fields, row, strict=True))) for row in rows]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(description="The `cursor` of the next page; null on the last page")


def page(items: list[Item], limit: int, cursors: list[str]) -> Page[Item]:
    """Return a page from up to `limit` + 1 items and their cursors."""
    return Page(items=items[:limit], next=cursors[limit - 1] if len(items) > limit else None)


def encode_cursor(*parts: object) -> str:
    """Return the cursor of a position in a list."""
    return base64.urlsafe_b64encode("|".join(map(str, parts)).encode()).decode().rstrip("=")


def decode_time_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the time and id of a cursor, or None without a cursor."""
    if cursor is None:
        return None
    time, _, name = _read(cursor).partition("|")
    try:
        moment = datetime.fromisoformat(time)
    except ValueError as error:
        raise _bad_cursor() from error
    if moment.tzinfo is None or not name.isprintable():
        raise _bad_cursor()
    return moment, name


def decode_name_cursor(cursor: str | None) -> str | None:
    """Return the name of a cursor, or None without a cursor."""
    if cursor is None:
        return None
    name = _read(cursor)
    if not name.isprintable():
        raise _bad_cursor()
    return name


def decode_number_cursor(cursor: str | None) -> list[int]:
    """Return the numbers of a cursor, or none without a cursor. Each fits into a bigint of PostgreSQL."""
    if cursor is None:
        return []
    try:
        numbers = [int(part) for part in _read(cursor).split("|")]
    except ValueError as error:
        raise _bad_cursor() from error
    if any(not 0 <= number < 2**63 for number in numbers):
        raise _bad_cursor()
    return numbers


def _read(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _bad_cursor() from error


def _bad_cursor() -> Problem:
    return Problem("bad-request", "The cursor is invalid. Omit it to get the first page.")


class WarningResponse(BaseModel):
    """A warning about a file; it does not change data."""

    code: str
    message: str = Field(description="Uses the row numbers of a spreadsheet")
    row_number: int | None = Field(description="The first affected data row; the first one below the header is 1")
    spreadsheet_row: int | None = Field(description="The row number in a spreadsheet")
    column: str | None
