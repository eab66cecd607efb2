"""Detection of encodings: UTF-8, UTF-16, UTF-32 and Windows-1252 are read, all others are rejected."""

from __future__ import annotations

import pytest

from onboarding.domain.models import FileRejection
from onboarding.files.encoding import Decoded, decode


def decode_valid(content: bytes) -> Decoded:
    result = decode(content)
    assert not isinstance(result, FileRejection), result
    return result


@pytest.mark.parametrize(
    "text",
    ["Café", "crème brûlée", "Größe", "ÄÖÜ", "créée", "señor ¿qué?", "L\u2019Oréal", "5 m²", "20 €", "Œuvre",
     "Škoda", "Ærø", "GORE\u2122", "São Paulo", "½ kg", "25 °C", "naïve"],
)  # fmt: skip
def test_decode_western_text_is_windows_1252_with_warning(text: str) -> None:
    result = decode_valid(f"name\n{text}\n".encode("cp1252"))
    assert result.name == "Windows-1252"
    assert list(result.lines()) == ["name\n", f"{text}\n"]
    assert [warning.code for warning in result.warnings] == ["READ_AS_WINDOWS_1252"]
    assert "line 2" in result.warnings[0].message


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Книга", "cp1251"),
        ("Книга", "koi8-r"),
        ("Βιβλίο", "cp1253"),
        ("ספר", "cp1255"),
        ("كتاب", "cp1256"),
        ("Příliš žluťoučký", "cp1250"),
        ("książka", "cp1250"),
        ("Yağmur", "cp1254"),
        ("Café", "cp850"),
        ("Möbel", "cp850"),
        ("Café", "mac-roman"),
        ("日本語", "shift-jis"),
        ("日本語", "euc-jp"),
        ("무선", "euc-kr"),
        ("滑鼠", "big5"),
        ("鼠标", "gbk"),
    ],
)
def test_decode_other_encoding_is_rejected(text: str, encoding: str) -> None:
    result = decode(f"name\n{text}\n".encode(encoding))
    assert isinstance(result, FileRejection), result
    assert result.code == "UNKNOWN_ENCODING"
    assert "in line 2" in result.reason
    assert "byte 0x" in result.reason
    assert "save it as 'CSV UTF-8'" in result.reason


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_decode_invalid_byte_names_its_line(end: str) -> None:
    content = b"\xef\xbb\xbf" + f"a{end}b{end}".encode() + b"c\xe9d"
    result = decode(content)
    assert isinstance(result, FileRejection)
    assert result.reason == "The file begins as UTF-8 but is not (byte 0xE9 in line 3); save it as 'CSV UTF-8'"


WIDE = "vendor_product_id,product_name,category,sku,price,stock_quantity\nP1,Mug,Books,S1,1.00,5\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [WIDE, WIDE.replace("Mug", "Café"), WIDE.replace("_name", "\u0100"), WIDE.replace("Mug", "鼠标" * 500),
     WIDE.replace("Mug", "\U0001f5b1"), f"Ā\n{WIDE}"],
)  # fmt: skip
def test_decode_utf16_or_utf32_without_mark_is_detected(text: str, encoding: str) -> None:
    result = decode_valid(text.encode(encoding))
    assert result.name == encoding[:6].upper()
    assert "".join(result.lines()) == text


def test_decode_zeros_throughout_is_rejected() -> None:
    result = decode(WIDE.replace("c", "\0\0\0").replace("e", "\0\0\0").replace("o", "\0").encode())
    assert isinstance(result, FileRejection)
    assert result.code == "UNKNOWN_ENCODING"


def test_decode_few_zeros_is_utf8() -> None:
    assert decode_valid(WIDE.replace("Mug", "M\0\0g").encode()).name == "UTF-8"


def test_decode_truncated_utf32_is_rejected() -> None:
    result = decode(WIDE.encode("utf-32-le")[:-2])
    assert isinstance(result, FileRejection)
    assert "begins as UTF-32 but is not" in result.reason


def test_decode_utf8_with_invalid_byte_is_rejected() -> None:
    result = decode("Café\n".encode() + b"Caf\xe9\n")
    assert isinstance(result, FileRejection)
    assert "UTF-8 in part" in result.reason
