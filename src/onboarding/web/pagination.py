"""What requests and answers have in common: ids that the database can hold, pages, and times."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Header, Path, Query
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from onboarding.storage.administration import PLAIN, VENDOR_ID
from onboarding.web.errors import Problem

Item = TypeVar("Item")
Shape = TypeVar("Shape", bound=BaseModel)

UploadId = Annotated[
    str, Path(min_length=1, max_length=50, pattern=r"^[A-Za-z0-9_-]+$", examples=["UPLOAD_20241221_103045_0a1b2c3d"])
]
TicketId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
KeyId = Annotated[str, Path(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9_-]+$")]
VendorId = Annotated[str, Path(pattern=VENDOR_ID, examples=["VEND001"])]
VendorFilter = Annotated[
    str | None, Query(pattern=VENDOR_ID, description="Operators: this vendor's alone. A vendor sees its own anyway")
]

Limit = Annotated[int, Query(ge=1, le=500, description="How many at most")]
Cursor = Annotated[
    str | None, Query(max_length=200, pattern=r"^[A-Za-z0-9_-]+$", description="`next` of the page before")
]
Since = Annotated[AwareDatetime | None, Query(description="Not before this time", examples=["2026-01-01T00:00:00Z"])]
Until = Annotated[AwareDatetime | None, Query(description="Before this time")]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of yours: what was made with it once is not made again",
    ),
]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=PLAIN)]


def models_from_rows(model: type[Shape], rows: Iterable[Sequence[Any]]) -> list[Shape]:
    """Each row of a query as a model with one field for each column, in the same order."""
    return [model.model_validate(dict(zip(model.model_fields, row, strict=True))) for row in rows]


class Page(BaseModel, Generic[Item]):
    """Some of a list."""

    items: list[Item]
    next: str | None = Field(description="The `cursor` of the following page; null on the last one")


def page(found: list[Item], limit: int, cursor_of: list[str]) -> Page[Item]:
    """A page of what was found when one more than `limit` was asked for; `cursor_of` holds each item's place."""
    more = len(found) > limit
    return Page(items=found[:limit], next=cursor_of[limit - 1] if more else None)


def encode_cursor(*parts: object) -> str:
    """A place in a list, for `time_cursor` or `number_cursor`."""
    return base64.urlsafe_b64encode("|".join(map(str, parts)).encode()).decode().rstrip("=")


def decode_time_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """The time and id of a cursor; None without one."""
    if cursor is None:
        return None
    time, _, name = _read(cursor).partition("|")
    try:
        found = datetime.fromisoformat(time)
    except ValueError as error:
        raise _bad_cursor() from error
    if found.tzinfo is None or not name.isprintable():
        raise _bad_cursor()
    return found, name


def decode_name_cursor(cursor: str | None) -> str | None:
    """The name of a cursor; None without one."""
    if cursor is None:
        return None
    name = _read(cursor)
    if not name.isprintable():
        raise _bad_cursor()
    return name


def decode_number_cursor(cursor: str | None) -> list[int]:
    """The numbers of a cursor; none without one. Each is a whole number that the database can hold."""
    if cursor is None:
        return []
    try:
        numbers = [int(part) for part in _read(cursor).split("|")]
    except ValueError as error:
        raise _bad_cursor() from error
    if any(not 0 <= number < 2**31 for number in numbers):
        raise _bad_cursor()
    return numbers


def _read(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _bad_cursor() from error


def _bad_cursor() -> Problem:
    return Problem("bad-request", "The cursor is none of ours. Leave it out for the first page.")


class WarningResponse(BaseModel):
    """Something odd about a file that changes no data."""

    code: str
    message: str = Field(description="Names rows as a spreadsheet numbers them")
    row_number: int | None = Field(description="The first row that it is about, counted below the header from 1")
    spreadsheet_row: int | None = Field(description="Where a spreadsheet shows that row")
    column: str | None
