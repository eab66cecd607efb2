"""Bytes to text: UTF-8, UTF-16 and UTF-32 for certain, Windows-1252 where the letters are evidence of it."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.files.code_pages import Doubt, doubt
from onboarding.files.double_encoding import find_double_encoded
from onboarding.files.models import one_line

_MARKS = (
    # UTF-32's little mark begins like UTF-16's, so it is asked for first.
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_SAMPLE = 200
"""Bytes by which text without a mark is known: most of a header in UTF-16, whatever its rows are written in."""

# The bytes of one character in UTF-8.
_UTF8_CHARACTER = re.compile(rb"[\xc3-\xdf][\x80-\xbf](?![\x80-\xbf])|[\xe1-\xef][\x80-\xbf]{2}")
_ASCII = bytes(range(0x80))
_AT_ONCE = 1 << 16
"""Bytes that are looked through at a time, for what is found takes many times their space."""

_UTF16_PAIRS = re.compile(rb"(?:[\t\r\n -~]\0){8}")
_ASCII_AMONG_UTF16 = re.compile(rb"[\t\r\n -~]{24,}|[\t\r\n -~]{8,}\Z")
"""Text of one byte a character; by chance Chinese letters look so too, but not as many in a row."""

_END_MARKS = "\0\x1a"
"""What some programs put behind the last line: Ctrl-Z, and zeros that fill a block."""

_WORD = re.compile(r"[^\s,;|\"]*[^\x00-\x7f][^\s,;|\"]*")

SHOWN = 30
"""Characters of the text that a message shows as an example."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Bytes with the encoding they are in, under Python's name and under the one that people know."""

    content: bytes
    codec: str
    name: str
    warnings: tuple[FileWarning, ...] = ()

    def lines(self) -> Iterator[str]:
        """The text, line by line, each with its own end. Decoded as it is read: the whole is never held."""
        return iter(io.TextIOWrapper(io.BytesIO(self.content), encoding=self.codec, newline=""))


def decode(content: bytes) -> Decoded | FileRejection:
    """The encoding of a text file, or why it cannot be told."""
    for mark, codec, name in _MARKS:
        if content.startswith(mark):
            # Some programs write the mark twice.
            return _certain(content.removeprefix(mark) if content.startswith(2 * mark) else content, codec, name)
    wide = _wide_without_mark(content)
    if isinstance(wide, FileRejection):
        return wide
    if wide is not None:
        return _certain(content, *wide)
    content = _without_end_marks(content)
    if content.isascii():
        return _mixed_with_utf16(content) or Decoded(content, "utf-8", "UTF-8")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return _not_utf8(content, error)
    return _mixed_with_utf16(content) or Decoded(content, "utf-8", "UTF-8", tuple(_oddities(text)))


def _without_end_marks(content: bytes) -> bytes:
    """Return the text without its end marks. Where they stand on lines of their own, line ends may follow them."""
    marks = _END_MARKS.encode()
    tail = content[len(content.rstrip(marks + b"\r\n")) :]
    if tail.startswith((b"\r", b"\n")) and (behind := tail.lstrip(b"\r\n")):
        return content[: len(content) - len(behind)]
    return content.rstrip(marks)


def _certain(content: bytes, codec: str, name: str) -> Decoded | FileRejection:
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        # The codec may count from behind the byte order mark, and so does what the error holds.
        offset = error.start
        line = _line_at(bytes(error.object), offset, codec.removesuffix("-sig"))
        byte = error.object[offset]
        plain_name = name.removesuffix(" with byte order mark")
        reason = (
            f"The file begins as {plain_name} but is not (byte 0x{byte:02X} in line {line}); save it as 'CSV UTF-8'"
        )
        return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)
    if codec.startswith("utf-16") and (refusal := _mixed_with_ascii(content, codec)):
        return refusal
    if text.endswith(tuple(_END_MARKS)):
        content = text.rstrip(_END_MARKS).encode(codec)
    return Decoded(content, codec, name, tuple(_oddities(text)))


def _mixed_with_ascii(content: bytes, codec: str) -> FileRejection | None:
    """The refusal of UTF-16 with text of another encoding behind it, as where one file was put behind another."""
    for found in _ASCII_AMONG_UTF16.finditer(content):
        if b"\n" in found[0] or b"\r" in found[0]:
            line = _line_at(content, (found.start() + 1) & ~1, codec)
            reason = f"The file begins as UTF-16, but line {line} has text of another encoding; save it as 'CSV UTF-8'"
            return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)
    return None


def _mixed_with_utf16(content: bytes) -> FileRejection | None:
    """The refusal of UTF-8 with UTF-16 behind it."""
    found = _UTF16_PAIRS.search(content) if b"\0" in content else None
    if found is None:
        return None
    line = _line_at(content, found.start(), "latin-1")
    reason = f"The file begins as UTF-8, but line {line} has text in UTF-16; save it as 'CSV UTF-8'"
    return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)


def _wide_without_mark(content: bytes) -> tuple[str, str] | FileRejection | None:
    """UTF-16 or UTF-32 that lacks its mark, by where the zeros of a header in Latin letters are."""
    sample = (content.rstrip(_END_MARKS.encode()) or content)[:_SAMPLE]
    if len(sample) < 16 or sample.count(0) < len(sample) / 4:
        return None
    quarter = len(sample) // 4
    first, second, third, fourth = (sample[place::4].count(0) for place in range(4))
    if third >= quarter <= fourth:
        return "utf-32-le", "UTF-32"
    if first >= quarter <= second:
        return "utf-32-be", "UTF-32"
    even, odd = first + third, second + fourth
    # A zero is also half of some letters: one here and there says nothing.
    if odd > 3 * even:
        return "utf-16-le", "UTF-16"
    if even > 3 * odd:
        return "utf-16-be", "UTF-16"
    reason = "The file has NUL characters throughout, as no text has; save it as 'CSV UTF-8'"
    return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)


def _not_utf8(content: bytes, error: UnicodeDecodeError) -> Decoded | FileRejection:
    where = f"byte 0x{content[error.start]:02X} in line {_line_at(content, error.start, 'latin-1')}"
    if _is_damaged_utf8(content):
        reason = f"The file is UTF-8 in part, but not all of it ({where}); save it as 'CSV UTF-8'"
        return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as undefined:
        byte, line = content[undefined.start], _line_at(content, undefined.start, "latin-1")
        reason = (
            f"The file is neither UTF-8 nor Windows-1252 text (byte 0x{byte:02X} in line {line}); "
            "save it as 'CSV UTF-8'"
        )
        return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)
    if found := doubt(content):
        return _doubtful(content, text, found)
    example = _word_at(text, error.start)
    message = (
        f"The file is not UTF-8 and was read as Windows-1252, so that line {_line_at(content, error.start, 'latin-1')} "
        f"has '{example}'. If that is not what it should say, save the file as 'CSV UTF-8' and upload it again"
    )
    # UTF-8 is read several times faster.
    return Decoded(text.encode(), "utf-8", "Windows-1252", (FileWarning(WarningCode.READ_AS_WINDOWS_1252, message),))


def _is_damaged_utf8(content: bytes) -> bool:
    """Whether words are UTF-8, or most bytes above ASCII, though not all are."""
    in_characters = others = 0
    for start in range(0, len(content), _AT_ONCE):
        part = content[start : start + _AT_ONCE]
        left = _UTF8_CHARACTER.sub(b"", part)
        in_characters += len(part) - len(left)
        others += len(left.translate(None, _ASCII))
    if in_characters > 2 * others:
        return True
    return find_double_encoded(content.decode("cp1252", "replace")) is not None


def _doubtful(content: bytes, text: str, found: Doubt) -> FileRejection:
    """The refusal of text that may be in one code page or in another."""
    # One byte is one character here, so the place in the text is the place in the bytes.
    at = found.offset
    readings = f"would read '{_word_at(text, at)}' as Windows-1252"
    if found.codec is not None:
        start = max(at - SHOWN, 0)
        # The same bytes around it, as the other code page has them.
        other = content[start : at + SHOWN].decode(found.codec, "replace")
        readings += f" and '{_word_at(other, at - start)}' as {found.name}"
    reason = (
        f"The file is not UTF-8, and its encoding cannot be told for certain (byte 0x{content[at]:02X} in line "
        f"{_line_at(content, at, 'latin-1')}, which {readings}); save it as 'CSV UTF-8'"
    )
    return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)


def _oddities(text: str) -> Iterator[FileWarning]:
    """Damage that was done before the file came to us, and cannot be undone for certain."""
    if found := find_double_encoded(text):
        message = (
            f"Line {_lines_before(text, found.offset)} has '{one_line(found.word, SHOWN)}', which was probably "
            f"'{one_line(found.probably, SHOWN)}' before it was saved in one encoding and opened in another; "
            "it was taken as it is in the file"
        )
        yield FileWarning(WarningCode.DOUBLE_ENCODED, message)
    at = text.find("\N{REPLACEMENT CHARACTER}")
    if at >= 0:
        message = (
            f"Line {_lines_before(text, at)} has '{_word_at(text, at)}': a character was lost there before the file "
            "was uploaded; it was taken as it stands"
        )
        yield FileWarning(WarningCode.LOST_CHARACTER, message)


def _word_at(text: str, at: int) -> str:
    """The word that has a character outside ASCII at `at`."""
    start = max(at - SHOWN // 2, 0)
    for found in _WORD.finditer(text, start, at + SHOWN):
        if found.end() > at:
            return one_line(found[0], SHOWN)
    return one_line(text[at])


def _line_at(content: bytes, offset: int, codec: str) -> int:
    return _lines_before(content[:offset].decode(codec, "replace"), offset)


def _lines_before(text: str, at: int) -> int:
    before = text[:at]
    return (before.count("\n") or before.count("\r")) + 1
