"""Finds text that was saved as UTF-8, opened in another code page, and saved again: `Ã¼` for `ü`.

A word counts as such if its characters, taken back to the bytes of a code page, are UTF-8, and give letters that people
use. Honest words hardly ever do: in them a sign would follow a capital with an accent.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import islice

# The code pages that programs take UTF-8 for.
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
_USUAL = frozenset({"cp1252", "latin-1"})
_OF_OTHER_LANGUAGES = frozenset("ąĄłŁľĽńŃśŚšŠťŤźŹżŻžŽ")
"""Letters of languages that have no Ă and no Ĺ before them."""
_BEHIND_WORDS = frozenset("“”‘’«»®™©°–—…²³¹½¼¾º")
"""Signs that may stand behind a word that ends with a capital, such as `KESÄ®`."""

_MOST_EXAMINED = 2_000
"""Places that are looked at; text that has more of them, and none that counts, is honest."""
_LONGEST = 80
"""Characters of a word that are looked at, before and behind the place."""

_ENDS_WORD = re.compile(r"[\x00-\x20,;|\"]")

# What two bytes may stand for: letters and signs of Latin-1, letters of Latin Extended-A but the rarest, letters of
# Greek, Cyrillic, Hebrew and Arabic. Three bytes or four: punctuation, the scripts of Asia, pictures.
_LATIN = re.compile("[\xa0-\xff\u0100-\u0113\u0116-\u012b\u012e-\u0131\u0136-\u0148\u0150-\u0153\u0158-\u017e]")
_OTHER_LETTERS = re.compile("[\u0386-\u03ce\u0401-\u045f\u0490\u0491\u05d0-\u05ea\u0621-\u063a\u0641-\u064a]")
_WIDE = re.compile(
    "[\u0900-\u0e7f\u10a0-\u10ff\u1e00-\u1eff\u2010-\u203a\u20a0-\u22ff\u3000-\u9fff\uac00-\ud7a3\uff01-\uff5e\U0001f000-\U0001faff]"
)


_LOST = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class DoubleEncoded:
    """A word that was encoded twice, where it begins, and what it probably was."""

    offset: int
    word: str
    probably: str


def find_double_encoded(text: str) -> DoubleEncoded | None:
    """Return the first word that was encoded twice."""
    roughly, exactly = _places()
    places = (place for place in roughly.finditer(text) if exactly.match(text, place.start()))
    for place in islice(places, _MOST_EXAMINED):
        start, word = _word_at(text, place.start())
        for codec in _CODE_PAGES:
            probably = _taken_back(word, codec)
            if probably is not None:
                return DoubleEncoded(start, word, probably)
    return None


def _word_at(text: str, at: int) -> tuple[int, str]:
    first, last = max(at - _LONGEST, 0), at + _LONGEST
    start = max((end.end() for end in _ENDS_WORD.finditer(text, first, at)), default=first)
    end = _ENDS_WORD.search(text, at, last)
    return start, text[start : end.start() if end else last]


def _taken_back(word: str, codec: str) -> str | None:
    """What the word was before it was read in this code page, or None if it was not."""
    bytes_of = _bytes_of(codec)
    if not all(character in bytes_of for character in word):
        return None
    # The code pages lack some bytes, which are lost then: a few of many characters may be.
    before = b"".join(bytes_of[character] for character in word).decode(errors="replace")
    places = [place for place, character in enumerate(before) if not character.isascii()]
    good = [place for place in places if before[place] != _LOST]
    if not good or (len(places) - len(good)) * 3 > len(good) or not all(_is_likely(before, place) for place in good):
        return None
    if len(good) == 1 and _LATIN.match(before, good[0]) and not _is_telling(word, good[0], codec):
        return None
    return before if len(good) > 1 or not _OTHER_LETTERS.match(before, good[0]) else None


def _is_likely(text: str, place: int) -> bool:
    character, before, behind = text[place], text[:place][-1:], text[place + 1 : place + 2]
    if _WIDE.match(character):
        # A quote and an ellipsis behind a letter, as in `café”…`, would be a Chinese character there.
        return character < "\u3000" or not (before.isascii() and before.isalpha())
    if _LATIN.match(character):
        # A sign behind a capital, as in `MASĂ®`, would be a small letter.
        return not (character.islower() and before.isupper() and not behind.islower())
    return _OTHER_LETTERS.match(character) is not None


def _is_telling(word: str, place: int, codec: str) -> bool:
    """Whether one Latin letter proves it, which two characters of the word would be."""
    before, first, second, behind = word[:place][-1:], word[place], word[place + 1], word[place + 2 : place + 3]
    # A root or a box drawing stands right behind no letter, no capital behind a small one; Ă is Romanian, Ĺ Slovak.
    if before.isalpha() and unicodedata.category(first) in {"Sm", "So"} and first not in _BEHIND_WORDS:
        return True
    if (before.islower() and first.isupper()) or (first in "ĂĹ" and second in _OF_OTHER_LANGUAGES):
        return True
    # Hardly any word ends with the first of these, and goes on behind the sign.
    goes_on = first == "Ã" and word[place + 2 : place + 4].isalpha()
    if before.isupper() and second in _BEHIND_WORDS and not goes_on:
        return False
    if codec in _USUAL:
        return True
    # No word has a sign inside it, and none is of two scripts.
    inside = behind.isascii() and behind.isalpha()
    return inside and not (second.isalpha() and unicodedata.name(first, "").startswith("LATIN"))


@cache
def _bytes_of(codec: str) -> dict[str, bytes]:
    """The byte of each character of a code page; bytes that it lacks are control characters, as browsers read them."""
    found = {}
    for byte in range(256):
        character = bytes([byte]).decode(codec, "ignore") or chr(byte)
        found[character] = bytes([byte])
    return found


@cache
def _places() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Two characters that the first two bytes of a character in UTF-8 may become: roughly, and of one code page."""
    pairs = dict.fromkeys(map(_pair, _CODE_PAGES))
    firsts, seconds = ("".join(part) for part in zip(*pairs, strict=True))
    return re.compile(f"[{firsts}](?=[{seconds}])"), re.compile(
        "|".join(f"[{first}][{second}]" for first, second in pairs)
    )


def _pair(codec: str) -> tuple[str, str]:
    of_byte = {byte[0]: re.escape(character) for character, byte in _bytes_of(codec).items()}
    firsts = _FIRST_OF_TWO if codec in _CYRILLIC else (*_FIRST_OF_TWO, *range(0xE0, 0xF1))
    return "".join(of_byte[byte] for byte in firsts), "".join(of_byte[byte] for byte in range(0x80, 0xC0))
