"""The parts of reading, each by itself: encodings, headers, commas."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import onboarding.files
from onboarding.domain.product_schema import COLUMNS, REQUIRED
from onboarding.files.decimal_commas import Commas, commas_in, signs_in, with_point
from onboarding.files.encoding import Decoded, decode
from onboarding.files.header import header_of, place_of
from onboarding.files.header_names import column_of, columns_of, normal, spellings
from onboarding.files.models import FileDetails, FileRejection, one_line

# Encodings


def decoded(content: bytes) -> Decoded:
    found = decode(content)
    assert not isinstance(found, FileRejection), found
    return found


@pytest.mark.parametrize(
    "text",
    ["Café", "crème brûlée", "Größe", "ÄÖÜ", "créée", "señor ¿qué?", "L\u2019Oréal", "5 m²", "20 €", "Œuvre",
     "Škoda", "Ærø", "GORE\u2122", "São Paulo", "½ kg", "25 °C", "naïve"],
)  # fmt: skip
def test_western_text_is_read_and_said_to_be_windows_1252(text: str) -> None:
    found = decoded(f"name\n{text}\n".encode("cp1252"))
    assert found.name == "Windows-1252"
    assert list(found.lines()) == ["name\n", f"{text}\n"]
    assert [warning.code for warning in found.warnings] == ["READ_AS_WINDOWS_1252"]
    assert "line 2" in found.warnings[0].message


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
def test_text_in_another_encoding_is_never_mangled(text: str, encoding: str) -> None:
    found = decode(f"name\n{text}\n".encode(encoding))
    assert isinstance(found, FileRejection), found
    assert found.code == "UNKNOWN_ENCODING"
    assert "in line 2" in found.reason
    assert "byte 0x" in found.reason
    assert "save it as 'CSV UTF-8'" in found.reason


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_place_of_a_bad_byte_is_told(end: str) -> None:
    content = b"\xef\xbb\xbf" + f"a{end}b{end}".encode() + b"c\xe9d"
    found = decode(content)
    assert isinstance(found, FileRejection)
    assert found.reason == "The file begins as UTF-8 but is not (byte 0xE9 in line 3); save it as 'CSV UTF-8'"


WIDE = "vendor_product_id,product_name,category,sku,price,stock_quantity\nP1,Mug,Books,S1,1.00,5\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [WIDE, WIDE.replace("Mug", "Café"), WIDE.replace("_name", "\u0100"), WIDE.replace("Mug", "鼠标" * 500),
     WIDE.replace("Mug", "\U0001f5b1"), f"Ā\n{WIDE}"],
)  # fmt: skip
def test_text_of_wide_characters_needs_no_mark(text: str, encoding: str) -> None:
    found = decoded(text.encode(encoding))
    assert found.name == encoding[:6].upper()
    assert "".join(found.lines()) == text


def test_zeros_throughout_are_no_text() -> None:
    found = decode(WIDE.replace("c", "\0\0\0").replace("e", "\0\0\0").replace("o", "\0").encode())
    assert isinstance(found, FileRejection)
    assert found.code == "UNKNOWN_ENCODING"


def test_a_few_zeros_are_characters_of_utf8() -> None:
    assert decoded(WIDE.replace("Mug", "M\0\0g").encode()).name == "UTF-8"


def test_wide_characters_that_are_cut_short_are_refused() -> None:
    found = decode(WIDE.encode("utf-32-le")[:-2])
    assert isinstance(found, FileRejection)
    assert "begins as UTF-32 but is not" in found.reason


def test_utf8_with_a_stray_byte_is_not_taken_for_windows_1252() -> None:
    found = decode("Café\n".encode() + b"Caf\xe9\n")
    assert isinstance(found, FileRejection)
    assert "UTF-8 in part" in found.reason


# Headers


def test_every_synonym_means_one_column() -> None:
    path = Path(onboarding.files.__file__).parent / "headers.toml"
    listed = tomllib.loads(path.read_text(encoding="utf-8"))
    friends = set(map(normal, listed.pop("only_beside_their_own")))
    meant: dict[str, str] = {column: column for column in COLUMNS}
    for columns in listed.values():
        assert set(columns) <= set(COLUMNS)
        for column, names in columns.items():
            for name in names:
                assert meant.setdefault(normal(name), column) == column, name
                assert column_of(name) == column
                assert columns_of([name]) == [None if normal(name) in friends else column]
    assert all(column in COLUMNS for column in spellings().values())
    assert friends <= meant.keys()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("sku", "sku"),
        ("SKU", "sku"),
        ("item_sku", "sku"),
        ("Artikel-Nr.", "sku"),
        ("Product Name", "product_name"),
        ("productName", "product_name"),
        ("Qty", "stock_quantity"),
        ("Vendor Product ID*", "vendor_product_id"),
        ("Catégorie", "category"),
        ("CATEGORÍA", "category"),
        ("Stückpreis", "price"),
        ("Weight (kg)", "weight_kg"),
        ("weight-kg", "weight_kg"),
        ("dimensions [cm]", "dimensions_cm"),
        ("price\u00a0", "price"),
        ("\ufeffprice", "price"),
        ("weight", None),
        ("id", None),
        ("regular price", None),
        ("_price", None),
        ("", None),
        ("***", None),
        ("price" * 50, None),
    ],
)
def test_a_header_is_known_by_its_words(name: str, column: str | None) -> None:
    assert column_of(name) == column


def test_a_missing_column_is_told_with_the_nearest_name() -> None:
    found = header_of(["vendor_product_id", "product_name", "categry", "sku", "price_net", "stock_quantity"], REQUIRED)
    assert found == FileRejection(
        "MISSING_COLUMNS",
        "Missing required columns: category, price; the nearest found: 'categry' for category, 'price_net' for price; "
        "the header line has: vendor_product_id, product_name, categry, sku, price_net, stock_quantity",
    )


def test_the_first_line_is_the_header_unless_another_names_columns() -> None:
    assert place_of([["x"], ["y"]]) == 0
    assert place_of([["", " "], ["x"], ["y"]]) == 1
    assert place_of([["Price list"], [""], list(REQUIRED)]) == 2
    assert place_of([["sku", "price"], list(REQUIRED)]) == 1
    assert place_of([list(REQUIRED), list(REQUIRED)]) == 0
    assert place_of([["sku"], ["price"]]) == 0


# Decimal commas


@pytest.mark.parametrize(
    ("values", "commas"),
    [
        (["1", "2"], Commas.NONE),
        (["1.50", "2"], Commas.NONE),
        (["1,50", "2"], Commas.DECIMAL),
        (["1,5"], Commas.DECIMAL),
        (["0,250"], Commas.DECIMAL),
        (["1234,567"], Commas.DECIMAL),
        (["1.234,56"], Commas.DECIMAL),
        (["1,2345"], Commas.DECIMAL),
        (["-1,50"], Commas.DECIMAL),
        (["1,50", "free", ""], Commas.DECIMAL),
        (["1,50", "1,234"], Commas.DECIMAL),
        (["1,50", "1.50"], Commas.MIXED),
        (["1,50", "1.234"], Commas.DECIMAL),
        (["1,50", "1.234.567"], Commas.DECIMAL),
        (["1,50", "0.234"], Commas.MIXED),
        (["1,50", "1234.567"], Commas.MIXED),
        (["1,50", "1.2345"], Commas.MIXED),
        (["1.234"], Commas.NONE),
        (["1,50", "1,234.50"], Commas.MIXED),
        (["1,50", "1,234,567"], Commas.MIXED),
        (["1,234"], Commas.UNCLEAR),
        (["1,234", "1.50"], Commas.UNCLEAR),
        (["1,234.50"], Commas.NONE),
        (["€ 1,50"], Commas.NONE),
    ],
)
def test_what_the_commas_of_a_column_are(values: list[str], commas: Commas) -> None:
    assert commas_in(values) is commas
    assert commas_in(reversed(values)) is commas


@pytest.mark.parametrize(
    ("value", "places", "read"),
    [
        ("19,99", 2, "19.99"),
        ("1.234,5", 2, "1234.5"),
        ("12.345.678,90", 2, "12345678.90"),
        ("0,250", 3, "0.250"),
        ("1,234", 3, "1.234"),
        ("1,234", 2, "1,234"),
        ("19,999", 2, "19,999"),
        ("5", 2, "5"),
        ("5,", 2, "5,"),
        (",5", 2, ",5"),
        ("1,2,3", 2, "1,2,3"),
        ("EUR 5,00", 2, "EUR 5,00"),
        ("+5,00", 2, "+5,00"),
        ("007,50", 2, "007.50"),
        ("24,000000", 2, "24.00"),
        ("1.234,5000", 2, "1234.50"),
        ("24,000", 2, "24,000"),
        ("24,0001", 2, "24,0001"),
    ],
)
def test_a_decimal_comma_becomes_a_point(value: str, places: int, read: str) -> None:
    assert with_point(value, places) == read


@pytest.mark.parametrize(
    ("columns", "decimal", "doubtful"),
    [
        ({"price": ["19,90"], "weight_kg": ["1.250"]}, {"price"}, {"price", "weight_kg"}),
        ({"price": ["19,90"], "weight_kg": ["1.250", "0.5"]}, {"price"}, {"price"}),
        ({"price": ["19,90"], "weight_kg": ["1,250"]}, {"price", "weight_kg"}, {"price", "weight_kg"}),
        ({"price": ["19,90"], "weight_kg": ["1,250"], "compare_at_price": ["9.90"]}, {"price"}, {"price", "weight_kg"}),
        ({"price": ["19,90"], "weight_kg": ["1,250", "0.5"]}, {"price"}, {"price", "weight_kg"}),
        ({"price": ["19.90"], "weight_kg": ["1,250"]}, set(), {"weight_kg"}),
        ({"price": ["19.90"], "weight_kg": ["1.250"]}, set(), set()),
        ({"price": ["19"], "weight_kg": ["1.250"]}, set(), set()),
    ],
)
def test_signs_in_columns_without_a_sign_of_their_own_are_decided_by_the_others(
    columns: dict[str, list[str]], decimal: set[str], doubtful: set[str]
) -> None:
    signs = signs_in(columns, ())
    assert {column for column, found in signs.commas.items() if found is Commas.DECIMAL} == decimal
    assert set(signs.doubtful) == doubtful


def test_signs_in_a_workbook_each_column_is_decided_by_itself() -> None:
    signs = signs_in({"price": ["19,90"], "weight_kg": ["1.250"], "compare_at_price": ["1,250"]}, (), is_text=False)
    assert signs.commas == {
        "price": Commas.DECIMAL,
        "weight_kg": Commas.NONE,
        "compare_at_price": Commas.UNCLEAR,
    }
    assert set(signs.doubtful) == {"price", "compare_at_price"}


# What is told


def test_how_a_file_was_read_in_one_sentence() -> None:
    detected = FileDetails(
        "csv", 3, {"Qty": "stock_quantity", "sku": "sku"}, ["Colour"], "Windows-1252", "semicolon", "CRLF",
        decimal_commas=["price"],
    )  # fmt: skip
    assert detected.sentence() == (
        "CSV, Windows-1252, semicolon, CRLF, header in line 3, decimal comma in price; read as: Qty = stock_quantity"
    )
    assert FileDetails("xlsx", 1, {"sku": "sku"}, sheet="Mugs").sentence() == "XLSX, sheet 'Mugs', header in line 1"


def test_detected_from_json_ignores_unknown_fields_and_fills_missing_ones() -> None:
    detected = FileDetails("xlsx", 3, {"Qty": "stock_quantity"}, ["Colour"], sheet="Mugs", jumps=[[2, 9]])
    newer = {**detected.as_json(), "hidden_rows": [4], "columns_of_old": {}}
    assert FileDetails.from_json(newer).as_json() == detected.as_json()
    older = {"format": "csv", "header_line": 2, "columns": {"sku": "sku"}}
    assert FileDetails.from_json(older) == FileDetails("csv", 2, {"sku": "sku"})
    assert FileDetails.from_json({}).line_of(1) == 2


def test_what_a_sentence_shows_of_a_file_is_one_line_and_short() -> None:
    assert one_line(" a\r\n\x00b\u2028 ") == "a b"
    assert one_line("vsc.\u202eslx \ud800.csv") == "vsc. slx  .csv"
    assert one_line("x" * 61) == "x" * 60 + "…"
