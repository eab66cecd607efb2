"""Pages of a list and their cursors."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from onboarding.web.errors import Problem

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=500, description="Maximum number of results")]
Cursor = Annotated[
    str | None, Query(max_length=200, pattern=r"^[A-Za-z0-9_-]+$", description="The `next` value of the previous page")
]
LongCursor = Annotated[
    str | None, Query(max_length=3000, pattern=r"^[A-Za-z0-9_-]+$", description="The `next` value of the previous page")
]
"""The cursor of a list in the order of a long text."""


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(description="The `cursor` of the next page; null on the last page")


def build_page(items: list[Item], limit: int, cursors: list[str]) -> Page[Item]:
    """Return a page from up to `limit` + 1 items and their cursors."""
    return Page(items=items[:limit], next=cursors[limit - 1] if len(items) > limit else None)


def encode_cursor(*parts: object) -> str:
    """Return the cursor of a position in a list."""
    return base64.urlsafe_b64encode("|".join(map(str, parts)).encode()).decode().rstrip("=")


def decode_time_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the time and id of a cursor, or None without a cursor."""
    if cursor is None:
        return None
    time, _, name = _decode_cursor(cursor).partition("|")
    try:
        value = datetime.fromisoformat(time)
    except ValueError as error:
        raise _build_cursor_problem() from error
    if value.tzinfo is None or not name.isprintable():
        raise _build_cursor_problem()
    return value, name


def decode_name_cursor(cursor: str | None) -> str | None:
    """Return the name of a cursor, or None without a cursor."""
    if cursor is None:
        return None
    name = _decode_cursor(cursor)
    if not name.isprintable():
        raise _build_cursor_problem()
    return name


def decode_value_cursor(cursor: str | None) -> tuple[str, str] | None:
    """Return the column and value of a cursor, or None without a cursor."""
    if cursor is None:
        return None
    column, _, value = _decode_cursor(cursor).partition("|")
    if not f"{column}{value}".isprintable():
        raise _build_cursor_problem()
    return column, value


def decode_product_cursor(cursor: str | None) -> tuple[str, str] | None:
    """Return the vendor and vendor product id of a cursor, or None without a cursor."""
    if cursor is None:
        return None
    vendor_id, _, vendor_product_id = _decode_cursor(cursor).partition("|")
    # PostgreSQL cannot store NUL.
    if "\0" in vendor_id + vendor_product_id:
        raise _build_cursor_problem()
    return vendor_id, vendor_product_id


def decode_number_cursor(cursor: str | None) -> list[int]:
    """Return the numbers of a cursor, or an empty list without a cursor. Each fits into a bigint of PostgreSQL."""
    if cursor is None:
        return []
    try:
        numbers = [int(part) for part in _decode_cursor(cursor).split("|")]
    except ValueError as error:
        raise _build_cursor_problem() from error
    if any(not 0 <= number < 2**63 for number in numbers):
        raise _build_cursor_problem()
    return numbers


def _decode_cursor(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _build_cursor_problem() from error


def _build_cursor_problem() -> Problem:
    return Problem("bad-request", "The cursor is invalid. Omit it to get the first page.")
