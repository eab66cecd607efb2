"""Forms in requests."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import FormData

from onboarding.domain.mappings import MAX_HEADERS

MAX_FIELDS = 5 * MAX_HEADERS + 100
"""Maximum number of fields: the form of a mapping has up to five for each header."""


async def read_form(request: Request) -> FormData:
    """Return the form in a request. The first call decides its limits, because the request stores the result."""
    return await request.form(max_fields=MAX_FIELDS)
