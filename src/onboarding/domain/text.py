"""A vendor's values as messages show them: on one line, of characters that can be seen, and not too long."""

from __future__ import annotations

import re

# A message is one line of text that goes into mails, logs and terminals; and what cannot be seen there must be told.
# Control characters, spaces but the usual one, marks without width, ends of lines, halves of surrogate pairs, private
# use.
_UNSHOWN = (
    r"\x00-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff0-\ufffb"
    r"\ud800-\uf8ff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
    r"\U000f0000-\U0010ffff"
)
# Marks and fillers without a shape that Python takes for printable: variation selectors belong to emoji in a text, but
# two identifiers that differ by one look alike.
_SHAPELESS = r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e0fff"

_INVISIBLE = re.compile(f"[{_UNSHOWN}]")

INVISIBLE_IN_IDENTIFIER = re.compile(f"[{_UNSHOWN}{_SHAPELESS}]")
"""A character of an identifier that nobody sees."""

INVISIBLE_START = re.compile(rf"[\s{_UNSHOWN}{_SHAPELESS}]+")
"""What may stand before the first visible character of a text."""

# What starts another line, drives a terminal, turns the direction of the text after it, or cannot be stored.
_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")

MAX_QUOTED_LENGTH = 40
"""Characters of a rejected value that a message quotes."""


def printable(text: str) -> str:
    """The text with what cannot be seen in words, such as `<U+200B>`."""
    return text if text.isprintable() else _INVISIBLE.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def one_line(text: str) -> str:
    """The text as part of one line of a mail: line breaks in a file name would start lines of their own."""
    return _BREAKING.sub(" ", text)


def quoted(value: str) -> str:
    """A rejected value in quotes, shortened."""
    shown = printable(value)
    return f"'{shown}'" if len(shown) <= MAX_QUOTED_LENGTH else f"'{shown[:MAX_QUOTED_LENGTH]}…'"
