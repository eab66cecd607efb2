"""Statistical test whether bytes that are not UTF-8 are Windows-1252, by the frequencies of letters in languages.

A byte is a different letter in each code page: 0xFB is `û` in Windows-1252 and `ű` in Windows-1250. Each triple of
characters with such a byte has a score in Western European languages when decoded as Windows-1252, and a score in the
languages of every other likely code page when decoded as that. Text counts as Windows-1252 only if the sum of its
scores exceeds that of each other code page by a margin, and that of unknown text. `code_pages.txt` contains the
frequencies; `tools/code_pages.py` generates it.
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

# Code page, its name in messages, the group of languages that use it, and the margin by which Windows-1252 must exceed
# it: higher for common code pages.
OTHER_CODE_PAGES = (
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
"""A triple that does not occur in the languages of a group."""
_SIGN = -9.5
"""A sign in a possible position."""
_USUAL_SIGN = -5.0
"""A sign in a frequent position: `L’eau`, `Women’s`, `25 °C`, `3 m²`, `more…`."""
_MISPLACED = -20.0
"""A sign in an impossible position, or a byte that the code page does not define."""
_UNKNOWN = -12.0
"""Average score per triple of text in an unknown code page."""
_WRONG_CASE = 6.0
"""Deduction for a capital directly after a lower-case letter, as in `CafÈ`."""
_UNUSUAL_CASE = 2.0
"""Deduction for `CAFé`, where a system capitalized ASCII letters only, and for a single capital."""
_CLEARLY_WESTERN = 20.0
"""Lead of the triples that two code pages decode equally, above which no margin is required for the others."""
_KNOWN_WORD = 10.0
"""Bonus for a frequent word whose triples are not sufficient, such as `Gâteau`."""

_OTHER_ALPHABETS = frozenset({"cyrillic", "greek"})
# Words in another alphabet have adjacent bytes above ASCII; a single one may be a multiplication sign.
_TWO_LETTERS = re.compile(rb"[\x80-\xff]{2}")

_LAST_OF_ASCII = 0x7F

_DOUBLE_BYTE = ("shift_jis", "gb2312", "big5", "euc_kr", "euc_jp")
_IDEOGRAPH = re.compile("[\u3040-\u9fff\uac00-\ud7a3]")
_UNKNOWN_DOUBLE_BYTE = -9.0
"""As `_UNKNOWN`, for text that may also be Chinese, Japanese or Korean."""

_MAX_TRIPLES = 30_000
"""Maximum number of different triples in text: 13 Western languages have 14,000 together."""
_MAX_SEARCHES = 50
_CHUNK_BYTES = 1 << 16

# Maps all digits to `0` and all other ASCII characters except letters to `_`.
_SIMPLIFIED = bytes(
    byte if byte > 0x7F or chr(byte) in string.ascii_letters else ord("0") if chr(byte) in string.digits else ord("_")
    for byte in range(256)
)
# Overlapping matches. A byte above ASCII at the edge of a triple counts only beside a letter.
_TRIPLE = re.compile(rb"(?s)(?=([\x80-\xff][^_0].|.[\x80-\xff].|.[^_0][\x80-\xff]))")

_WORD = re.compile(r"[^\W\d_]+(?:’[^\W\d_]*)?")

_NOT_LETTERS = "ªºµ"
"""Signs that Unicode counts as letters."""
_BETWEEN_LETTERS = frozenset("’´–—…·×\xa0")
_AFTER_LETTERS = frozenset("™®©°²³¹ªº")
_QUOTES = frozenset("“”„‘‚«»")
_OPENING = frozenset("¿¡")
_DIAMETER = "Øø"
_BEFORE_LETTERS = frozenset("€£¥¢¼½¾±÷µ§†•‰")
_ADJACENT_TO_LETTERS = frozenset("’–—…\xa0\xad™®") | _QUOTES | _OPENING


@dataclass(frozen=True, slots=True)
class CodePageDoubt:
    """Offset of text that is probably not Windows-1252, and the more likely code page there, if one is known."""

    offset: int
    codec: str | None = None
    name: str | None = None


def find_code_page_doubt(content: bytes) -> CodePageDoubt | None:
    """Return where bytes that are not UTF-8 are probably not Windows-1252 either; None if they are Windows-1252."""
    simplified = b"_%b_" % content.translate(_SIMPLIFIED)
    triples = _find_triples(simplified)
    if not triples:
        return None
    if len(triples) > _MAX_TRIPLES:
        return CodePageDoubt(_find_lowest_offset(simplified, dict.fromkeys(triples, _UNSEEN)))
    known_words = _find_known_words(content)
    western = {triple: _score(WESTERN, "western", triple) for triple in triples}
    unknown_score = _UNKNOWN_DOUBLE_BYTE if any(_has_ideographs(content, codec) for codec in _DOUBLE_BYTE) else _UNKNOWN
    doubt = (
        CodePageDoubt(_find_lowest_offset(simplified, western))
        if _sum_scores(western, known_words) < unknown_score * len(triples)
        else None
    )
    lowest_total = 0.0
    has_words = _TWO_LETTERS.search(content) is not None or any(
        _is_letter(_list_characters(WESTERN)[byte]) for triple in triples for byte in triple if byte > _LAST_OF_ASCII
    )
    for codec, name, languages, margin in OTHER_CODE_PAGES:
        if languages in _OTHER_ALPHABETS and not has_words:
            continue
        differences = {triple: western[triple] - _score(codec, languages, triple) for triple in triples}
        changed_triples = {triple: differences.pop(triple) for triple in triples if _decode_differently(codec, triple)}
        # Both code pages decode the remaining triples equally; these only indicate the language.
        required_lead = 0 if sum(differences.values()) > _CLEARLY_WESTERN else margin
        total = (
            _sum_scores(changed_triples, {word for word in known_words if _decodes_differently(codec, word)})
            - required_lead
        )
        if changed_triples and total < lowest_total:
            lowest_total, doubt = total, CodePageDoubt(_find_lowest_offset(simplified, changed_triples), codec, name)
    return doubt


def _sum_scores(scores: Mapping[bytes, float], words: Collection[str]) -> float:
    return sum(scores.values()) + _KNOWN_WORD * len(words)


def _find_known_words(content: bytes) -> set[str]:
    matches: set[str] = set()
    for start in range(0, len(content), _CHUNK_BYTES):
        words = set(_WORD.findall(content[start : start + _CHUNK_BYTES].decode(WESTERN, "replace")))
        matches |= {word.lower() for word in words if word[1:].islower() or word.isupper()} & _load_words()
    return matches


def _decodes_differently(codec: str, word: str) -> bool:
    return word.encode(WESTERN).decode(codec, "replace") != word


def _has_ideographs(content: bytes, codec: str) -> bool:
    try:
        text = content.decode(codec)
    except UnicodeDecodeError:
        return False
    # These code pages also contain signs and half-width letters of one byte, which are no evidence.
    return _IDEOGRAPH.search(text) is not None


def _find_triples(simplified: bytes) -> set[bytes]:
    matches: set[bytes] = set()
    for start in range(0, len(simplified), _CHUNK_BYTES):
        matches.update(_TRIPLE.findall(simplified, max(start - 2, 0), start + _CHUNK_BYTES))
        if len(matches) > _MAX_TRIPLES:
            break
    return matches


def _find_lowest_offset(simplified: bytes, scores: Mapping[bytes, float]) -> int:
    """Return the offset of the first byte above ASCII in the triple with the lowest score."""
    lowest_total = min(scores.values())
    # Each search takes time in proportion to the content.
    lowest_triples = islice((triple for triple, score in scores.items() if score == lowest_total), _MAX_SEARCHES)
    position, triple = min((simplified.find(triple), triple) for triple in lowest_triples)
    return position - 1 + next(index for index, byte in enumerate(triple) if byte > 0x7F)


def _decode_differently(codec: str, triple: bytes) -> bool:
    western, others = _list_characters(WESTERN), _list_characters(codec)
    # Differences between signs are no evidence about letters.
    return any(western[b] != others[b] and (_is_letter(western[b]) or _is_letter(others[b])) for b in triple)


def _score(codec: str, languages: str, triple: bytes) -> float:
    """Return the score of three bytes in a group of languages when decoded with a code page."""
    characters = _list_characters(codec)
    before, middle, after = (characters[byte] for byte in triple)
    if "" in (before, middle, after):
        return _MISPLACED
    if not (middle.isascii() or _is_letter(middle)):
        if _is_usual_sign(before, middle, after):
            return _USUAL_SIGN
        return _SIGN if _is_possible_sign(before, middle, after) else _MISPLACED
    if not middle.isascii() and not all(_may_be_adjacent(c) for c in (before, after)):
        return _MISPLACED
    if middle in _DIAMETER and not _is_letter(before) and not _is_letter(after):
        return _SIGN
    # Digits are kept, and no triple with a digit has a frequency.
    letters = "".join(c.lower()[0] if _is_letter(c) else c if c == "0" else "_" for c in (before, middle, after))
    if letters.isascii():
        return _USUAL_SIGN if _is_elision(before, middle, after) else _SIGN
    score = max(_load_frequencies()[languages].get(letters, _UNSEEN), _UNSEEN)
    if _is_wrong_case(before, middle, after):
        score -= _WRONG_CASE
    elif (before.isupper() and middle.islower() and after.isupper()) or (letters[::2] == "__" and middle.isupper()):
        score -= _UNUSUAL_CASE
    return score


def _is_wrong_case(before: str, middle: str, after: str) -> bool:
    if middle.islower():
        return after.isupper() and not before.isupper()
    return middle.isupper() and (before.islower() or (before.isupper() and after.islower()))


def _is_possible_sign(before: str, sign: str, after: str) -> bool:
    letter_before, letter_after = _is_letter(before), _is_letter(after)
    if sign not in _ADJACENT_TO_LETTERS and not (before + after).isascii():
        return False
    if sign == "\xad":
        return letter_before and letter_after
    if sign in _BETWEEN_LETTERS:
        return True
    if sign in _AFTER_LETTERS:
        return not letter_after or not letter_before
    if sign in _QUOTES:
        return not (letter_before and letter_after)
    if sign in _OPENING:
        return not letter_before and letter_after
    return sign in _BEFORE_LETTERS and not letter_before


def _is_elision(before: str, middle: str, after: str) -> bool:
    if after == "’":
        return middle in "cdjlmnstCDJLMNST" and not _is_letter(before)
    return before == "’" and middle in "dmstDMST" and not _is_letter(after)


def _is_usual_sign(before: str, sign: str, after: str) -> bool:
    if sign in "°µ":
        return before in "_0" and after in ("CF" if sign == "°" else "AFHVWglms")
    return not _is_letter(after) and (sign == "…" or (sign in "²³" and before == "m"))


def _may_be_adjacent(character: str) -> bool:
    """Return whether a character may be adjacent to a letter outside ASCII."""
    return character.isascii() or _is_letter(character) or character in _ADJACENT_TO_LETTERS


def _is_letter(character: str) -> bool:
    return character.isalpha() and character not in _NOT_LETTERS


@cache
def _list_characters(codec: str) -> tuple[str, ...]:
    """Return the character of each byte; blank for undefined bytes and control characters."""
    decoded = (bytes([byte]).decode(codec, "ignore") for byte in range(256))
    return tuple("" if "\x7f" <= character <= "\x9f" else character for character in decoded)


@cache
def _load_words() -> frozenset[str]:
    return frozenset(_load_groups()["words"].split())


@cache
def _load_frequencies() -> Mapping[str, Mapping[str, float]]:
    """Return by group of languages the log probability of each triple of letters that is not only ASCII."""
    return {group: dict(_parse_scores(text)) for group, text in _load_groups().items() if group != "words"}


@cache
def _load_groups() -> Mapping[str, str]:
    text_of_file = (files(__package__) / "code_pages.txt").read_text(encoding="utf-8")
    parts = (group.partition("]\n") for group in text_of_file.split("\n[")[1:])
    return {group: group_text for group, _, group_text in parts}


def _parse_scores(text: str) -> Iterator[tuple[str, float]]:
    for line in text.splitlines():
        score, triples = line.split()
        yield from ((triples[start : start + 3], float(score)) for start in range(0, len(triples), 3))
