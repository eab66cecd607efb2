"""Rules for text and e-mail addresses that users enter."""

from __future__ import annotations

import re

from onboarding.domain.email_address import normalize_email_address
from onboarding.storage.errors import InvalidInput

PLAIN_TEXT = r"^[^\x00-\x1f\x7f]*$"
"""Text without control characters. PostgreSQL cannot store NUL, and line breaks could forge lines of an e-mail."""


def validate_text(label: str, text: str, max_length: int, *, min_length: int = 1) -> str:
    """Return the text without surrounding whitespace. Raises InvalidInput, whose message begins with `label`."""
    stripped = text.strip()
    if not min_length <= len(stripped) <= max_length or not re.fullmatch(PLAIN_TEXT, stripped):
        length = f"{min_length} to {max_length}" if min_length else f"up to {max_length}"
        raise InvalidInput(f"{label} has {length} characters, and no control characters")
    return stripped


def validate_email(text: str) -> str:
    """Return the normalized e-mail address. Raises InvalidInput."""
    try:
        return normalize_email_address(text)
    except ValueError as error:
        raise InvalidInput(f"'{text}' is not a valid e-mail address: {error}") from error
