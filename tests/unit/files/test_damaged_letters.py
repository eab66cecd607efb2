"""Detection of text that was damaged before the upload: characters that were encoded twice or replaced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.domain.models import FileRejection, Row
from onboarding.files.double_encoding import find_double_encoded
from onboarding.files.encoding import Decoded, decode
from onboarding.files.lost_characters import find_lost_letters
from onboarding.files.parser import ParsedFile, parse
from tests.unit.files.test_code_pages import OTHER, WESTERN, rows_of

WORDS = [name for names in [*WESTERN.values(), *OTHER.values()] for name in names.split("|") if not name.isascii()]


@pytest.mark.parametrize("codec", ["cp1252", "latin-1"])
@pytest.mark.parametrize(
    "word", ["Café", "Möbel", "Книга", "łyżka stołowa", "Žlutý kůň", "Kaşık", "“Pro”", "滑鼠", "10 €", "ספר"]
)
def test_find_double_encoded_utf8_opened_in_western_code_page_is_detected(word: str, codec: str) -> None:
    # Browsers and editors show bytes that are undefined in a code page as control characters.
    damaged = "".join(bytes([byte]).decode(codec, "ignore") or chr(byte) for byte in word.encode())
    result = find_double_encoded(f"Mug, {damaged} XL")
    assert result is not None
    assert result.original in word


@pytest.mark.parametrize("codec", ["cp1250", "cp1251", "mac-roman", "cp850", "cp437"])
@pytest.mark.parametrize("word", ["Möbel", "Größentabelle", "Bär", "Küche", "Café", "über", "Menü"])
def test_find_double_encoded_utf8_opened_in_another_code_page_is_detected(word: str, codec: str) -> None:
    result = find_double_encoded(f"Mug, {word.encode().decode(codec)} XL")
    assert result is not None
    assert result.original == word


@pytest.mark.parametrize(
    "text",
    ["CAFÉ®", "MAÇÃ™", "café”…", "80\xa0×\xa040 cm", 'Ø½"', "„BUNĂ”", "Ăştia", "Рівень", "”KYNTTILÄ”", "BLÅ®",
    "Groß”", "«É»",
     "IRMÃ®", "Nestlé®", "ÎLE–DE–FRANCE", "Đà Nẵng", "ÂNGULO’S", "KESÄ–X", "NIITÄ’s", "Œuvre", "Máš²", "ČESKÁ™", "Все"],
)  # fmt: skip
def test_find_double_encoded_correct_text_is_none(text: str) -> None:
    assert find_double_encoded(f"Mug, {text} XL") is None


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=10), st.sampled_from(["", "®", "™", "”", "…", "»", "°"]))
def test_find_double_encoded_correct_words_are_none(words: list[str], suffix: str) -> None:
    assert find_double_encoded(" ".join(f"{word}{suffix}" for word in words)) is None


def list_warnings(**cells: str) -> list[tuple[str, int | None, str | None]]:
    row = Row("UPLOAD_1", "VEND001", 1, {"sku": "S-1", **cells}, {})
    return [(warning.code, warning.row_number, warning.column) for warning in find_lost_letters([row])]


@pytest.mark.parametrize(
    "value",
    ["Ks??ka", "K?che", "????? ??????", "???", "?l", "Gr??e", "Caf? cr?me", "?? Mug", "Mug ???", "M??BEL",
    "?????-???? XL",
     "(??????)", "Caf_ cr_me", "M_bel K_che", "Caf_"],
)  # fmt: skip
def test_find_lost_letters_sign_instead_of_letter_has_warning(value: str) -> None:
    assert list_warnings(product_name=value) == [("LOST_CHARACTER", 1, "product_name")]


@pytest.mark.parametrize(
    "value",
    ["What?", "Really??", "Qu'est-ce que c'est ?", "Why choose us?Because", "https://x.example/a?b=1", "¿Qué?", "(?)",
     "50% off?!", "Is it good? Yes", "Who? - me", "What!??", "Q?A", "usb_cable", "my_product_name", "T_shirt", "ABC_1"],
)  # fmt: skip
def test_find_lost_letters_correct_sign_has_no_warning(value: str) -> None:
    assert list_warnings(product_name=value) == []


def test_parse_latin_1_control_characters_in_utf8_are_read() -> None:
    result = parse(rows_of("\x93Deluxe\x94 mug").encode(), "UPLOAD_1", "VEND001")
    assert isinstance(result, ParsedFile)
    assert result.rows[0].cells["product_name"] == "\x93Deluxe\x94 mug"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("end", ["\x1a", "\0", "\0" * 900, "\x1a\0\0"])
def test_decode_end_marks_after_last_line_are_ignored(end: str, encoding: str) -> None:
    text = rows_of("Café", "Crème brûlée")
    result = decode(f"{text}{end}".encode(encoding))
    assert isinstance(result, Decoded), result
    assert "".join(result.lines()) == text


@pytest.mark.parametrize(("first", "second"), [("utf-16", "ascii"), ("utf-16-le", "utf-8"), ("utf-16-be", "ascii")])
def test_decode_utf16_followed_by_other_text_is_rejected(first: str, second: str) -> None:
    suffix = "P-3,Mug,Kitchen,S-3,3.50,3\r\n"
    result = decode(rows_of("Mug", "Cup").encode(first) + suffix.encode(second))
    assert isinstance(result, FileRejection)
    assert result.code == "UNKNOWN_ENCODING"
    assert "line 4" in result.reason


def test_decode_utf8_followed_by_utf16_is_rejected() -> None:
    result = decode(rows_of("Mug").encode() + "P-3,Mug,Kitchen,S-3,3.50,3\r\n".encode("utf-16-le"))
    assert isinstance(result, FileRejection)
    assert "line 3 has text in UTF-16" in result.reason


def test_decode_chinese_in_utf16_is_read() -> None:
    text = rows_of("滑鼠" * 100, "鍵盤")
    result = decode(text.encode("utf-16"))
    assert isinstance(result, Decoded), result
    assert result.warnings == ()


def test_decode_byte_order_mark_written_twice_is_ignored() -> None:
    result = decode("\ufeff".encode() + rows_of("Mug").encode("utf-8-sig"))
    assert isinstance(result, Decoded)
    assert "".join(result.lines()) == rows_of("Mug")


def test_find_lost_letters_value_with_control_character_is_on_one_line() -> None:
    row = Row("UPLOAD_1", "VEND001", 1, {"product_name": "Caf\x1f ??cre?me"}, line=2)
    [warning] = find_lost_letters([row])
    assert "'Caf<U+001F> ??cre?me' (row 2)" in warning.message
