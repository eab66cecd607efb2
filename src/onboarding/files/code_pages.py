"""Decides whether bytes that are not UTF-8 are Windows-1252, by the letters that occur together in each language.

The same byte is another letter in another code page: 0xFB is `û` in Windows-1252 and `ű` in Windows-1250. Each group of
three characters with such a byte is looked up twice: how common it is in Western European languages when read as
Windows-1252, and how common in the languages of every other likely code page when read as that. Text counts as
Windows-1252 only if the first is more likely by a margin, over the whole file, than each of the others and than chance.
`code_pages.txt` holds the frequencies (`tools/code_pages.py` makes it).
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice

WESTERN = "cp1252"

# A code page, its name for people, the languages that are written in it, and by how much Windows-1252 must be more
# likely than it: more where the other is more common.
OTHERS = (
    ("cp1250", "Windows-1250", "central", 4),
    ("cp1254", "Windows-1254", "turkish", 5),
    ("cp1257", "Windows-1257", "baltic", 4),
    ("cp1258", "Windows-1258", "vietnamese", 4),
    ("cp1251", "Windows-1251", "cyrillic", 5),
    ("cp1253", "Windows-1253", "greek", 5),
    ("iso8859-15", "ISO 8859-15 (Latin-9)", "western", 5),
    ("iso8859-2", "ISO 8859-2 (Latin-2)", "central", 3),
    ("mac-roman", "Mac Roman", "western", 4),
    ("cp850", "DOS code page 850", "western", 2),
    ("cp437", "DOS code page 437", "western", 2),
    ("cp865", "DOS code page 865", "western", 2),
    ("cp852", "DOS code page 852", "central", 2),
    ("cp857", "DOS code page 857", "turkish", 2),
    ("cp866", "DOS code page 866", "cyrillic", 2),
    ("cp737", "DOS code page 737", "greek", 2),
    ("iso8859-13", "ISO 8859-13 (Latin-7)", "baltic", 2),
    ("mac-latin2", "Mac Central European", "central", 2),
    ("mac-turkish", "Mac Turkish", "turkish", 2),
    ("mac-cyrillic", "Mac Cyrillic", "cyrillic", 2),
    ("koi8-r", "KOI8-R", "cyrillic", 2),
)

# All scores are natural logarithms of probabilities.
_UNSEEN = -15.0
"""Letters that never occur together in the languages that were counted."""
_SIGN = -9.5
"""A sign where such a sign may stand."""
_USUAL_SIGN = -5.0
"""A sign where it often stands: `L’eau`, `Women’s`, `25 °C`, `3 m²`, `more…`."""
_MISPLACED = -20.0
"""A sign where none stands, or a byte that the code page does not define."""
_CHANCE = -12.0
"""Letters of a code page that is not known here."""
_WRONG_CASE = 6.0
"""A capital right behind a small letter, as in `CafÈ`."""
_ODD_CASE = 2.0
"""`CAFé`, where a system capitalized the letters of ASCII alone, or one capital by itself."""
_CLEARLY_WESTERN = 20.0
"""A lead of the letters that are the same in two code pages, from which no margin is needed for the others."""
_KNOWN_WORD = 10.0
"""A frequent word whose letters alone would not decide, such as `Gâteau`; it is none in any other code page."""

_OTHER_ALPHABETS = frozenset({"cyrillic", "greek"})
# Words of another alphabet have letters above ASCII side by side; a single one may be a sign of multiplication.
_TWO_LETTERS = re.compile(rb"[\x80-\xff]{2}")

_LAST_OF_ASCII = 0x7F

_OF_TWO_BYTES = ("shift_jis", "gb2312", "big5", "euc_kr", "euc_jp")
_IDEOGRAPH = re.compile("[\u3040-\u9fff\uac00-\ud7a3]")
_CHANCE_OF_TWO_BYTES = -9.0
"""The same for text that could also be Chinese, Japanese or Korean."""

_MOST_TRIPLES = 30_000
"""No text has more different ones: all that were counted in 13 Western languages are 14,000."""
_MOST_LOOKED_FOR = 50
_AT_ONCE = 1 << 16

# ASCII letters and bytes above ASCII stay as they are; digits are alike, and so is everything that ends a word.
_ALIKE = bytes(
    byte if byte > 0x7F or chr(byte) in string.ascii_letters else ord("0") if chr(byte) in string.digits else ord("_")
    for byte in range(256)
)
# Overlapping; a byte at the edge counts only beside a letter, as the one in the middle is.
_TRIPLE = re.compile(rb"(?s)(?=([\x80-\xff][^_0].|.[\x80-\xff].|.[^_0][\x80-\xff]))")

_WORD = re.compile(r"[^\W\d_]+(?:’[^\W\d_]*)?")

_NOT_LETTERS = "ªºµ"
"""Signs that Unicode counts as letters."""
_BETWEEN_LETTERS = frozenset("’´–—…·×\xa0")
_BEHIND_LETTERS = frozenset("™®©°²³¹ªº")
_QUOTES = frozenset("“”„‘‚«»")
_OPENING = frozenset("¿¡")
_DIAMETER = "Øø"
_AHEAD = frozenset("€£¥¢¼½¾±÷µ§†•‰")
_BESIDE_HIGH = frozenset("’–—…\xa0\xad™®") | _QUOTES | _OPENING


@dataclass(frozen=True, slots=True)
class Doubt:
    """Where text is probably not Windows-1252, and the code page that is more likely there (None if none is known)."""

    offset: int
    codec: str | None = None
    name: str | None = None


def doubt(content: bytes) -> Doubt | None:
    """Return why the bytes are probably not Windows-1252, or None if they are."""
    alike = b"_%b_" % content.translate(_ALIKE)
    triples = _triples(alike)
    if not triples:
        return None
    if len(triples) > _MOST_TRIPLES:
        return Doubt(_place(alike, dict.fromkeys(triples, _UNSEEN)))
    known = _known_words(content)
    western = {triple: _score(WESTERN, "western", triple) for triple in triples}
    chance = _CHANCE_OF_TWO_BYTES if any(_decodes(content, codec) for codec in _OF_TWO_BYTES) else _CHANCE
    first = Doubt(_place(alike, western)) if _total(western, known) < chance * len(triples) else None
    least = 0.0
    has_words = _TWO_LETTERS.search(content) is not None or any(
        _is_letter(_characters(WESTERN)[byte]) for triple in triples for byte in triple if byte > _LAST_OF_ASCII
    )
    for codec, name, languages, margin in OTHERS:
        if languages in _OTHER_ALPHABETS and not has_words:
            continue
        leads = {triple: western[triple] - _score(codec, languages, triple) for triple in triples}
        lead = {triple: leads.pop(triple) for triple in triples if _differ(codec, triple)}
        # What is left reads the same in both, and shows the language alone.
        needed = 0 if sum(leads.values()) > _CLEARLY_WESTERN else margin
        total = _total(lead, {word for word in known if _reads_otherwise(codec, word)}) - needed
        if lead and total < least:
            least, first = total, Doubt(_place(alike, lead), codec, name)
    return first


def _total(scores: Mapping[bytes, float], words: Collection[str]) -> float:
    return sum(scores.values()) + _KNOWN_WORD * len(words)


def _known_words(content: bytes) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(content), _AT_ONCE):
        words = set(_WORD.findall(content[start : start + _AT_ONCE].decode(WESTERN, "replace")))
        found |= {word.lower() for word in words if word[1:].islower() or word.isupper()} & _words()
    return found


def _reads_otherwise(codec: str, word: str) -> bool:
    return word.encode(WESTERN).decode(codec, "replace") != word


def _decodes(content: bytes, codec: str) -> bool:
    try:
        text = content.decode(codec)
    except UnicodeDecodeError:
        return False
    # They have signs of their own too, and half-width letters of one byte each, which say nothing.
    return _IDEOGRAPH.search(text) is not None


def _triples(alike: bytes) -> set[bytes]:
    found: set[bytes] = set()
    for start in range(0, len(alike), _AT_ONCE):
        found.update(_TRIPLE.findall(alike, max(start - 2, 0), start + _AT_ONCE))
        if len(found) > _MOST_TRIPLES:
            break
    return found


def _place(alike: bytes, scores: Mapping[bytes, float]) -> int:
    """The offset in the content of the first byte above ASCII of the triple with the least score."""
    least = min(scores.values())
    # Each takes a look through the content.
    worst = islice((triple for triple, score in scores.items() if score == least), _MOST_LOOKED_FOR)
    at, triple = min((alike.find(triple), triple) for triple in worst)
    return at - 1 + next(place for place, byte in enumerate(triple) if byte > 0x7F)


def _differ(codec: str, triple: bytes) -> bool:
    ours, other = _characters(WESTERN), _characters(codec)
    # Which of two signs it is says nothing about the letters.
    return any(ours[b] != other[b] and (_is_letter(ours[b]) or _is_letter(other[b])) for b in triple)


def _score(codec: str, languages: str, triple: bytes) -> float:
    """How probable three bytes are as text of these languages in this code page."""
    characters = _characters(codec)
    before, middle, behind = (characters[byte] for byte in triple)
    if "" in (before, middle, behind):
        return _MISPLACED
    if not (middle.isascii() or _is_letter(middle)):
        if _is_usual(before, middle, behind):
            return _USUAL_SIGN
        return _SIGN if _may_stand(before, middle, behind) else _MISPLACED
    if not middle.isascii() and not all(_may_be_beside(c) for c in (before, behind)):
        return _MISPLACED
    if middle in _DIAMETER and not _is_letter(before) and not _is_letter(behind):
        return _SIGN
    # A digit stays one, and so no triple with it is known.
    letters = "".join(c.lower()[0] if _is_letter(c) else c if c == "0" else "_" for c in (before, middle, behind))
    if letters.isascii():
        return _USUAL_SIGN if _is_elision(before, middle, behind) else _SIGN
    score = max(_frequencies()[languages].get(letters, _UNSEEN), _UNSEEN)
    if _is_wrong_case(before, middle, behind):
        score -= _WRONG_CASE
    elif (before.isupper() and middle.islower() and behind.isupper()) or (letters[::2] == "__" and middle.isupper()):
        score -= _ODD_CASE
    return score


def _is_wrong_case(before: str, middle: str, behind: str) -> bool:
    if middle.islower():
        return behind.isupper() and not before.isupper()
    return middle.isupper() and (before.islower() or (before.isupper() and behind.islower()))


def _may_stand(before: str, sign: str, behind: str) -> bool:
    letter_before, letter_behind = _is_letter(before), _is_letter(behind)
    if sign not in _BESIDE_HIGH and not (before + behind).isascii():
        return False
    if sign == "\xad":
        return letter_before and letter_behind
    if sign in _BETWEEN_LETTERS:
        return True
    if sign in _BEHIND_LETTERS:
        return not letter_behind or not letter_before
    if sign in _QUOTES:
        return not (letter_before and letter_behind)
    if sign in _OPENING:
        return not letter_before and letter_behind
    return sign in _AHEAD and not letter_before


def _is_elision(before: str, middle: str, behind: str) -> bool:
    if behind == "’":
        return middle in "cdjlmnstCDJLMNST" and not _is_letter(before)
    return before == "’" and middle in "dmstDMST" and not _is_letter(behind)


def _is_usual(before: str, sign: str, behind: str) -> bool:
    if sign in "°µ":
        return before in "_0" and behind in ("CF" if sign == "°" else "AFHVWglms")
    return not _is_letter(behind) and (sign == "…" or (sign in "²³" and before == "m"))


def _may_be_beside(character: str) -> bool:
    """Whether it may stand beside a letter that is not ASCII."""
    return character.isascii() or _is_letter(character) or character in _BESIDE_HIGH


def _is_letter(character: str) -> bool:
    return character.isalpha() and character not in _NOT_LETTERS


@cache
def _characters(codec: str) -> tuple[str, ...]:
    """The character of each byte; blank where there is none, or a control character."""
    decoded = (bytes([byte]).decode(codec, "ignore") for byte in range(256))
    return tuple("" if "\x7f" <= character <= "\x9f" else character for character in decoded)


@cache
def _words() -> frozenset[str]:
    return frozenset(_groups()["words"].split())


@cache
def _frequencies() -> Mapping[str, Mapping[str, float]]:
    """By group of languages: the logarithm of the probability of each three letters of which one is not ASCII."""
    return {group: dict(_scores(text)) for group, text in _groups().items() if group != "words"}


@cache
def _groups() -> Mapping[str, str]:
    whole = (files(__package__) / "code_pages.txt").read_text(encoding="utf-8")
    parts = (group.partition("]\n") for group in whole.split("\n[")[1:])
    return {group: text for group, _, text in parts}


def _scores(text: str) -> Iterator[tuple[str, float]]:
    for line in text.splitlines():
        score, triples = line.split()
        yield from ((triples[at : at + 3], float(score)) for at in range(0, len(triples), 3))
