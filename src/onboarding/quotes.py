"""A vendor's values as messages show them: on one line, of characters that can be shown, and not too long."""

from __future__ import annotations

import re

# A message is one line of text: it goes into mails, logs and terminals.
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

SHOWN = 40
"""Characters of a rejected value that a message quotes."""


def printable(text: str) -> str:
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def quoted(value: str) -> str:
    """A rejected value in quotes, shortened."""
    shown = printable(value)
    return f"'{shown}'" if len(shown) <= SHOWN else f"'{shown[:SHOWN]}…'"
