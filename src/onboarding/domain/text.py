"""Formatting of vendors' values for messages: on one line, with visible characters, and of limited length."""

from __future__ import annotations

import re

# Invisible in e-mails, logs and terminals: control characters, spaces other than U+0020, characters without width, line
# separators, surrogates and private-use characters.
_UNPRINTABLE = (
    r"\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff0-\ufffb"
    r"\ud800-\uf8ff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
    r"\U000f0000-\U0010ffff"
)
# Invisible characters that Python considers printable. Variation selectors are valid in texts with emoji, but two
# identifiers that differ only in one look the same.
_BLANK_BUT_PRINTABLE = (
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e0fff"
)

_INVISIBLE = re.compile(f"[{_UNPRINTABLE}]")

INVISIBLE_IN_IDENTIFIER = re.compile(f"[{_UNPRINTABLE}{_BLANK_BUT_PRINTABLE}]")
"""Matches an invisible character of an identifier."""

INVISIBLE_START = re.compile(rf"[\s{_UNPRINTABLE}{_BLANK_BUT_PRINTABLE}]+")
"""Matches white space and invisible characters before the first visible one."""

# Characters that break a line, control a terminal, change the direction of text, or cannot be stored.
_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")

MAX_QUOTED_LENGTH = 40
"""Maximum number of characters of a rejected value in a message."""


def printable(text: str) -> str:
    """Return a text with invisible characters in the form `<U+200B>`."""
    return text if text.isprintable() else _INVISIBLE.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)


def one_line(text: str) -> str:
    """Return a text as part of one line, with a space in place of line breaks and control characters."""
    return _BREAKING.sub(" ", text)


def quoted(value: str) -> str:
    """Return a value in quotes, shortened, with invisible characters escaped."""
    text = printable(value)
    return f"'{text}'" if len(text) <= MAX_QUOTED_LENGTH else f"'{text[:MAX_QUOTED_LENGTH]}…'"
