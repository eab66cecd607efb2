"""Detection of text that was encoded twice, such as `Ã¼` for `ü`.

The text was saved as UTF-8, opened in another code page, and saved again. A word was encoded twice if its characters,
encoded in a code page, are valid UTF-8 of common letters. Correct words hardly ever are: a sign would have to follow an
accented capital.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import islice

# Code pages in which programs open UTF-8 by mistake.
_CODE_PAGES = (
    "cp1252",
    "latin-1",
    "cp1250",
    "cp1251",
    "cp1254",
    "cp1257",
    "mac-roman",
    "cp850",
    "cp437",
    "cp852",
    "cp866",
)

_CYRILLIC = frozenset({"cp1251", "cp866"})
# The first bytes of Latin, Greek, Cyrillic, Hebrew and Arabic characters in UTF-8.
_FIRST_OF_TWO = (*range(0xC2, 0xC6), *range(0xCE, 0xD2), *range(0xD7, 0xDA))
_WESTERN = frozenset({"cp1252", "latin-1"})
_OTHER_LANGUAGES = frozenset("ąĄłŁľĽńŃśŚšŠťŤźŹżŻžŽ")
"""Letters of languages that do not use Ă or Ĺ before them."""
_AFTER_WORDS = frozenset("“”‘’«»®™©°–—…²³¹½¼¾º")
"""Signs that may follow a word that ends with a capital, such as `KESÄ®`."""

_MAX_POSITIONS = 2_000
"""Maximum number of positions to examine; text without a hit among these is correct."""
_MAX_WORD = 80
"""Maximum number of characters of a word before and after the position."""

_ENDS_WORD = re.compile(r"[\x00-\x20,;|\"]")

# Characters of two bytes in UTF-8: letters and signs of Latin-1, most letters of Latin Extended-A, and Greek, Cyrillic,
# Hebrew and Arabic letters. Characters of three or four bytes: punctuation, Asian scripts, pictographs.
_LATIN = re.compile("[\xa0-\xff\u0100-\u0113\u0116-\u012b\u012e-\u0131\u0136-\u0148\u0150-\u0153\u0158-\u017e]")
_OTHER_LETTERS = re.compile("[\u0386-\u03ce\u0401-\u045f\u0490\u0491\u05d0-\u05ea\u0621-\u063a\u0641-\u064a]")
_WIDE = re.compile(
    "[\u0900-\u0e7f\u10a0-\u10ff\u1e00-\u1eff\u2010-\u203a\u20a0-\u22ff\u3000-\u9fff\uac00-\ud7a3\uff01-\uff5e\U0001f000-\U0001faff]"
)


_LOST = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class DoubleEncoded:
    """A word that was encoded twice: its offset in the text, the word, and its probable original."""

    offset: int
    word: str
    original: str


def find_double_encoded(text: str) -> DoubleEncoded | None:
    """Return the first word that was encoded twice, or None."""
    fast, exact = _compile_patterns()
    positions = (position for position in fast.finditer(text) if exact.match(text, position.start()))
    for position in islice(positions, _MAX_POSITIONS):
        start, word = _find_word(text, position.start())
        for codec in _CODE_PAGES:
            original = _decode_original(word, codec)
            if original is not None:
                return DoubleEncoded(start, word, original)
    return None


def _find_word(text: str, position: int) -> tuple[int, str]:
    min_start, max_end = max(position - _MAX_WORD, 0), position + _MAX_WORD
    start = max((end.end() for end in _ENDS_WORD.finditer(text, min_start, position)), default=min_start)
    end = _ENDS_WORD.search(text, position, max_end)
    return start, text[start : end.start() if end else max_end]


def _decode_original(word: str, codec: str) -> str | None:
    """Return the original of a word that was opened in this code page, or None if it was not."""
    table = _build_encoding_table(codec)
    if not all(character in table for character in word):
        return None
    # Bytes that are undefined in a code page get lost, so a minority of the characters may be invalid.
    original = b"".join(table[character] for character in word).decode(errors="replace")
    positions = [position for position, character in enumerate(original) if not character.isascii()]
    valid_positions = [position for position in positions if original[position] != _LOST]
    if (
        not valid_positions
        or (len(positions) - len(valid_positions)) * 3 > len(valid_positions)
        or not all(_is_likely(original, position) for position in valid_positions)
    ):
        return None
    if (
        len(valid_positions) == 1
        and _LATIN.match(original, valid_positions[0])
        and not _is_evidence(word, valid_positions[0], codec)
    ):
        return None
    return original if len(valid_positions) > 1 or not _OTHER_LETTERS.match(original, valid_positions[0]) else None


def _is_likely(text: str, position: int) -> bool:
    character, previous, following = text[position], text[:position][-1:], text[position + 1 : position + 2]
    if _WIDE.match(character):
        # A quote and an ellipsis after a letter, as in `café”…`, would be a Chinese character.
        return character < "\u3000" or not (previous.isascii() and previous.isalpha())
    if _LATIN.match(character):
        # A sign after a capital, as in `MASĂ®`, would be a lower-case letter.
        return not (character.islower() and previous.isupper() and not following.islower())
    return _OTHER_LETTERS.match(character) is not None


def _is_evidence(word: str, position: int, codec: str) -> bool:
    """Return whether a single Latin letter, from two characters of the word at `position`, is sufficient evidence."""
    previous, first, second = word[:position][-1:], word[position], word[position + 1]
    following = word[position + 2 : position + 3]
    # A root sign or box drawing does not follow a letter, nor a capital a lower-case one. Ă is Romanian, Ĺ Slovak.
    if previous.isalpha() and unicodedata.category(first) in {"Sm", "So"} and first not in _AFTER_WORDS:
        return True
    if (previous.islower() and first.isupper()) or (first in "ĂĹ" and second in _OTHER_LANGUAGES):
        return True
    # Hardly any word contains Ã, a sign and more letters.
    continues = first == "Ã" and word[position + 2 : position + 4].isalpha()
    if previous.isupper() and second in _AFTER_WORDS and not continues:
        return False
    if codec in _WESTERN:
        return True
    # Words contain no signs and are in a single script.
    is_inside_word = following.isascii() and following.isalpha()
    return is_inside_word and not (second.isalpha() and unicodedata.name(first, "").startswith("LATIN"))


@cache
def _build_encoding_table(codec: str) -> dict[str, bytes]:
    """Return the byte of each character of a code page; undefined bytes are control characters, as in browsers."""
    table = {}
    for byte in range(256):
        character = bytes([byte]).decode(codec, "ignore") or chr(byte)
        table[character] = bytes([byte])
    return table


@cache
def _compile_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return patterns of the two characters of the first two bytes of a UTF-8 character.

    The first pattern is fast and mixes code pages; the second one requires that both are from the same code page.
    """
    pairs = dict.fromkeys(map(_list_leading_characters, _CODE_PAGES))
    first_characters, second_characters = ("".join(part) for part in zip(*pairs, strict=True))
    return re.compile(f"[{first_characters}](?=[{second_characters}])"), re.compile(
        "|".join(f"[{first}][{second}]" for first, second in pairs)
    )


def _list_leading_characters(codec: str) -> tuple[str, str]:
    characters = {byte[0]: re.escape(character) for character, byte in _build_encoding_table(codec).items()}
    first_bytes = _FIRST_OF_TWO if codec in _CYRILLIC else (*_FIRST_OF_TWO, *range(0xE0, 0xF1))
    return "".join(characters[byte] for byte in first_bytes), "".join(characters[byte] for byte in range(0x80, 0xC0))
