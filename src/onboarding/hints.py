"""What a vendor probably meant: suggestions beside an error, never applied by themselves, blank when in doubt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from difflib import get_close_matches
from functools import lru_cache

from onboarding.quotes import SHOWN

LIKENESS = 0.7
"""How alike two names must be, from 0 to 1, for one to be suggested in place of the other."""

# What people write beside a number; nothing that would change its meaning, as grams would.
_BESIDE = r"(?:\s*(?:[$€£¥₹]|USD|EUR|GBP|CHF|JPY|CAD|AUD|kg|pcs|pieces)\s*)?"
_THOUSANDS = r"-?(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"
_WITH_POINTS = r"-?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)"
_DRESSED = re.compile(f"{_BESIDE}({_THOUSANDS}){_BESIDE}", re.IGNORECASE)
# One digit or two are no group of thousands, and no group follows a zero: this comma stands before decimals.
_DECIMAL_COMMA = re.compile(f"{_BESIDE}({_WITH_POINTS}),([0-9]{{1,2}}|(?<=0,)[0-9]{{3}}){_BESIDE}", re.IGNORECASE)
_EITHER = re.compile(f"{_BESIDE}(-?[1-9][0-9]{{0,2}}),([0-9]{{3}}){_BESIDE}", re.IGNORECASE)
# What the bytes 0x80 to 0x9F are there; Latin-1 has control characters instead.
_WINDOWS_1252 = {chr(byte): bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}
_NO_SCHEME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+/\S*", re.IGNORECASE)


def nearest(name: str, known: Collection[str]) -> str:
    """`Did you mean '…'?` with the known name that is most like `name`; blank if none is like it."""
    found = _nearest(name, frozenset(known))
    return f"Did you mean '{found}'?" if found else ""


@lru_cache(maxsize=1024)
def _nearest(name: str, known: frozenset[str]) -> str:
    # Files repeat their mistakes: the same name comes with thousands of rows.
    by_folded = {other.casefold(): other for other in sorted(known)}
    folded = name.casefold()
    if found := get_close_matches(folded, by_folded, n=1, cutoff=LIKENESS):
        return by_folded[found[0]]
    begun = [other for other in by_folded if other.startswith(f"{folded} ") or folded.startswith(f"{other} ")]
    return by_folded[begun[0]] if len(begun) == 1 else ""


def number(text: str, places: int) -> str:
    """`Did you mean …?` with the plain number that `text` seems to dress up, such as 1234.50 for `$1,234.50`.

    Both numbers where a comma can be read in two ways; blank if the number would have more than `places` decimals.
    """
    if places and (found := _EITHER.fullmatch(text)):
        return f"Did you mean {found[1]}{found[2]} or {found[1]}.{found[2]}?"
    if found := _DRESSED.fullmatch(text):
        plain = found[1].replace(",", "")
    elif found := _DECIMAL_COMMA.fullmatch(text):
        plain = f"{found[1].replace('.', '')}.{found[2]}"
    else:
        return ""
    return f"Did you mean {plain}?" if plain != text and len(plain.partition(".")[2]) <= places else ""


def either(text: str, places: int) -> str:
    """`Did you mean …?` with both numbers that `1.250` can be in a column with commas, as they are written there."""
    whole, _, decimals = text.partition(".")
    return f"Did you mean {whole}{decimals}{f' or {whole},{decimals}' if places >= len(decimals) else ''}?"


def visible(text: str) -> str:
    """`Did you mean '…'?` with the text as it looks, without what cannot be seen in it."""
    # A space of another kind looks like the usual one; everything else looks like nothing.
    plain = "".join(c if c.isprintable() else " " if unicodedata.category(c) == "Zs" else "" for c in text).strip()
    return f"Did you mean '{plain}'?" if plain and len(plain) <= SHOWN else ""


def windows_1252(text: str) -> str:
    """`Did you mean '…'?` with what Windows-1252 has in place of control characters, if that makes text of them all."""
    plain = "".join(_WINDOWS_1252.get(character, character) for character in text)
    return f"Did you mean '{plain}'?" if plain != text and plain.isprintable() and len(plain) <= SHOWN else ""


def web_address(text: str) -> str:
    """`Did you mean 'https://…'?` for an address that only lacks its beginning."""
    return f"Did you mean 'https://{text}'?" if _NO_SCHEME.fullmatch(text) else ""
