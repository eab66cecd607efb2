"""Detection of text encodings: UTF-8, UTF-16 and UTF-32 by their bytes, Windows-1252 by its letters."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from onboarding.domain.error_codes import RejectionCode, WarningCode
from onboarding.domain.models import FileRejection, FileWarning
from onboarding.files.code_pages import CodePageDoubt, find_code_page_doubt
from onboarding.files.double_encoding import find_double_encoded
from onboarding.files.models import one_line

_BYTE_ORDER_MARKS = (
    # The little-endian mark of UTF-32 begins with that of UTF-16, so it is compared first.
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_SAMPLE_BYTES = 200
"""Number of bytes that decide between UTF-16 and UTF-32 without a mark: the header, whose letters are mostly Latin."""

# The two or three bytes of one character in UTF-8.
_UTF8_CHARACTER = re.compile(rb"[\xc3-\xdf][\x80-\xbf](?![\x80-\xbf])|[\xe1-\xef][\x80-\xbf]{2}")
_ASCII = bytes(range(0x80))
_CHUNK_BYTES = 1 << 16
"""Number of bytes searched at a time: the matches need many times their memory."""

_UTF16_PAIRS = re.compile(rb"(?:[\t\r\n -~]\0){8}")
_ASCII_AMONG_UTF16 = re.compile(rb"[\t\r\n -~]{24,}|[\t\r\n -~]{8,}\Z")
"""Text with one byte per character. Chinese characters in UTF-16 may have such bytes too, but not as many in a row."""

_END_MARKS = "\0\x1a"
"""Characters that some programs append to the last line: NUL, to fill a block, and Ctrl-Z."""

_WORD = re.compile(r"[^\s,;|\"]*[^\x00-\x7f][^\s,;|\"]*")

MAX_EXAMPLE = 30
"""Maximum number of characters of an example in a message."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text file: its bytes, the codec that decodes them, the name of the encoding for messages, and warnings."""

    content: bytes
    codec: str
    name: str
    warnings: tuple[FileWarning, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield the lines with their line ends, decoded incrementally to save memory."""
        return iter(io.TextIOWrapper(io.BytesIO(self.content), encoding=self.codec, newline=""))


def decode(content: bytes) -> Decoded | FileRejection:
    """Return the text file with its encoding, or its rejection if the encoding is unknown or ambiguous."""
    for mark, codec, name in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            # Some programs write the byte order mark twice.
            return _decode_strictly(
                content.removeprefix(mark) if content.startswith(2 * mark) else content, codec, name
            )
    wide_encoding = _detect_wide_without_mark(content)
    if isinstance(wide_encoding, FileRejection):
        return wide_encoding
    if wide_encoding is not None:
        return _decode_strictly(content, *wide_encoding)
    content = _strip_end_marks(content)
    if content.isascii():
        return _reject_utf16_in_utf8(content) or Decoded(content, "utf-8", "UTF-8")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return _decode_windows_1252(content, error)
    return _reject_utf16_in_utf8(content) or Decoded(content, "utf-8", "UTF-8", tuple(_list_damage(text)))


def _strip_end_marks(content: bytes) -> bytes:
    """Return the text without its end marks; if they are on lines of their own, line ends may follow them."""
    marks = _END_MARKS.encode()
    tail = content[len(content.rstrip(marks + b"\r\n")) :]
    if tail.startswith((b"\r", b"\n")) and (after_line_ends := tail.lstrip(b"\r\n")):
        return content[: len(content) - len(after_line_ends)]
    return content.rstrip(marks)


def _decode_strictly(content: bytes, codec: str, name: str) -> Decoded | FileRejection:
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        # The codec may exclude the byte order mark, in `error.start` and in `error.object`.
        offset = error.start
        line = _get_line_number(bytes(error.object), offset, codec.removesuffix("-sig"))
        byte = error.object[offset]
        plain_name = name.removesuffix(" with byte order mark")
        reason = (
            f"The file begins as {plain_name} but is not (byte 0x{byte:02X} in line {line}); save it as 'CSV UTF-8'"
        )
        return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)
    if codec.startswith("utf-16") and (rejection := _reject_ascii_in_utf16(content, codec)):
        return rejection
    if text.endswith(tuple(_END_MARKS)):
        content = text.rstrip(_END_MARKS).encode(codec)
    return Decoded(content, codec, name, tuple(_list_damage(text)))


def _reject_ascii_in_utf16(content: bytes, codec: str) -> FileRejection | None:
    """Return the rejection of UTF-16 followed by text in another encoding, as after two files were concatenated."""
    for match in _ASCII_AMONG_UTF16.finditer(content):
        if b"\n" in match[0] or b"\r" in match[0]:
            line = _get_line_number(content, (match.start() + 1) & ~1, codec)
            reason = f"The file begins as UTF-16, but line {line} has text of another encoding; save it as 'CSV UTF-8'"
            return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)
    return None


def _reject_utf16_in_utf8(content: bytes) -> FileRejection | None:
    """Return the rejection of UTF-8 followed by UTF-16."""
    match = _UTF16_PAIRS.search(content) if b"\0" in content else None
    if match is None:
        return None
    line = _get_line_number(content, match.start(), "latin-1")
    reason = f"The file begins as UTF-8, but line {line} has text in UTF-16; save it as 'CSV UTF-8'"
    return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)


def _detect_wide_without_mark(content: bytes) -> tuple[str, str] | FileRejection | None:
    """Return codec and name of UTF-16 or UTF-32 without a mark, by the positions of the zero bytes of Latin letters."""
    sample = (content.rstrip(_END_MARKS.encode()) or content)[:_SAMPLE_BYTES]
    if len(sample) < 16 or sample.count(0) < len(sample) / 4:
        return None
    min_zeros = len(sample) // 4
    first, second, third, fourth = (sample[offset::4].count(0) for offset in range(4))
    if third >= min_zeros <= fourth:
        return "utf-32-le", "UTF-32"
    if first >= min_zeros <= second:
        return "utf-32-be", "UTF-32"
    even_zeros, odd_zeros = first + third, second + fourth
    # Some letters outside Latin have a zero byte too, so a single zero is no evidence.
    if odd_zeros > 3 * even_zeros:
        return "utf-16-le", "UTF-16"
    if even_zeros > 3 * odd_zeros:
        return "utf-16-be", "UTF-16"
    reason = "The file has NUL characters throughout, which no text has; save it as 'CSV UTF-8'"
    return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)


def _decode_windows_1252(content: bytes, error: UnicodeDecodeError) -> Decoded | FileRejection:
    line = _get_line_number(content, error.start, "latin-1")
    position = f"byte 0x{content[error.start]:02X} in line {line}"
    if _is_damaged_utf8(content):
        reason = f"The file is UTF-8 in part, but not all of it ({position}); save it as 'CSV UTF-8'"
        return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as undefined:
        byte, line = content[undefined.start], _get_line_number(content, undefined.start, "latin-1")
        reason = (
            f"The file is neither UTF-8 nor Windows-1252 text (byte 0x{byte:02X} in line {line}); "
            "save it as 'CSV UTF-8'"
        )
        return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)
    if doubt := find_code_page_doubt(content):
        return _reject_ambiguous(content, text, doubt)
    example = _find_word(text, error.start)
    message = (
        f"The file is not UTF-8 and was read as Windows-1252, so that line {line} has '{example}'. If that is wrong, "
        "save the file as 'CSV UTF-8' and upload it again"
    )
    # Python decodes UTF-8 several times faster than Windows-1252.
    return Decoded(text.encode(), "utf-8", "Windows-1252", (FileWarning(WarningCode.READ_AS_WINDOWS_1252, message),))


def _is_damaged_utf8(content: bytes) -> bool:
    """Return whether text that is not UTF-8 has words in UTF-8, or most of its bytes above ASCII are UTF-8."""
    utf8_bytes = other_bytes = 0
    for start in range(0, len(content), _CHUNK_BYTES):
        part = content[start : start + _CHUNK_BYTES]
        rest = _UTF8_CHARACTER.sub(b"", part)
        utf8_bytes += len(part) - len(rest)
        other_bytes += len(rest.translate(None, _ASCII))
    if utf8_bytes > 2 * other_bytes:
        return True
    return find_double_encoded(content.decode("cp1252", "replace")) is not None


def _reject_ambiguous(content: bytes, text: str, doubt: CodePageDoubt) -> FileRejection:
    """Return the rejection of text that may be in another code page than Windows-1252."""
    # Both code pages have one byte per character, so offsets in bytes and in text are equal.
    offset = doubt.offset
    interpretations = f"would read '{_find_word(text, offset)}' as Windows-1252"
    if doubt.codec is not None:
        start = max(offset - MAX_EXAMPLE, 0)
        # The same bytes in the other code page.
        other_text = content[start : offset + MAX_EXAMPLE].decode(doubt.codec, "replace")
        interpretations += f" and '{_find_word(other_text, offset - start)}' as {doubt.name}"
    reason = (
        f"The file is not UTF-8, and its encoding is uncertain (byte 0x{content[offset]:02X} in line "
        f"{_get_line_number(content, offset, 'latin-1')}, which {interpretations}); save it as 'CSV UTF-8'"
    )
    return FileRejection(RejectionCode.UNKNOWN_ENCODING, reason)


def _list_damage(text: str) -> Iterator[FileWarning]:
    """Yield warnings about characters that were damaged before the upload and cannot be restored with certainty."""
    if double_encoded := find_double_encoded(text):
        message = (
            f"Line {_get_text_line_number(text, double_encoded.offset)} has "
            f"'{one_line(double_encoded.word, MAX_EXAMPLE)}', which was probably "
            f"'{one_line(double_encoded.original, MAX_EXAMPLE)}' before it was saved in one encoding and opened in "
            "another; the value was not changed"
        )
        yield FileWarning(WarningCode.DOUBLE_ENCODED, message)
    offset = text.find("\N{REPLACEMENT CHARACTER}")
    if offset >= 0:
        message = (
            f"Line {_get_text_line_number(text, offset)} has '{_find_word(text, offset)}': a character was lost there "
            "before the file was uploaded; the value was not changed"
        )
        yield FileWarning(WarningCode.LOST_CHARACTER, message)


def _find_word(text: str, offset: int) -> str:
    """Return the word that contains the character outside ASCII at an offset."""
    start = max(offset - MAX_EXAMPLE // 2, 0)
    for match in _WORD.finditer(text, start, offset + MAX_EXAMPLE):
        if match.end() > offset:
            return one_line(match[0], MAX_EXAMPLE)
    return one_line(text[offset])


def _get_line_number(content: bytes, offset: int, codec: str) -> int:
    return _get_text_line_number(content[:offset].decode(codec, "replace"), offset)


def _get_text_line_number(text: str, offset: int) -> int:
    text_before = text[:offset]
    return (text_before.count("\n") or text_before.count("\r")) + 1
