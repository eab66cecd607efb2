"""Writes the corpus: each file with its expected outcome beside it, in `<file>.json`.

Run it after adding a case: `python tests/files/make.py`. The expectations are written here by hand, never taken from
what the code gives. An expectation says `refusal` (and what its reason `says`), or `rows` (how many), `errors` (types
by row; every other row is valid offline), `warnings`, and as much of `detected`, `cells` and `lines` as matters.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

HERE = Path(__file__).parent

REQUIRED = ["vendor_product_id", "product_name", "category", "sku", "price", "stock_quantity"]
FULL = [
    "vendor_product_id", "product_name", "category", "subcategory", "description", "sku", "brand", "price",
    "compare_at_price", "stock_quantity", "unit", "weight_kg", "dimensions_cm", "image_url",
]  # fmt: skip
GERMAN = ["Produkt-ID", "Bezeichnung", "Kategorie", "Artikelnummer", "Preis", "Lagerbestand"]
HEAD = ",".join(REQUIRED)

cases: dict[str, tuple[bytes, dict[str, Any]]] = {}


def add(name: str, content: bytes | str, encoding: str = "utf-8", **expected: Any) -> None:
    assert name not in cases, name
    cases[name] = (content if isinstance(content, bytes) else content.encode(encoding), expected)


def values(n: int, **changes: str) -> list[str]:
    """A good row under the required columns, but for the cells given."""
    good = dict(zip(REQUIRED, (f"P-{n}", f"Article {n}", "Electronics", f"S-{n}", f"{n}.50", str(n)), strict=True))
    return list({**good, **changes}.values())


def table(rows: Sequence[Sequence[str]], header: Sequence[str] = REQUIRED, mark: str = ",", end: str = "\r\n") -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=mark, lineterminator=end)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


TWO = [values(1), values(2)]


# -- Encodings ---------------------------------------------------------------------------------------------------------

CAFE = table([values(1, product_name="Café crème"), values(2, product_name="Süßer Öl-Kännchen-Größe")])
NAMES = {"1": {"product_name": "Café crème"}, "2": {"product_name": "Süßer Öl-Kännchen-Größe"}}

add(
    "sample.csv",
    table(
        [
            [
                "PROD0001",
                "Wireless Mouse - Model 651",
                "Computer Accessories",
                "Mice & Keyboards",
                "Ergonomic wireless mouse...",
                "CA-VEND001-0001",
                "TechGear",
                "19.99",
                "",
                "150",
                "piece",
                "0.25",
                "12x8x4",
                "https://images.example.com/mouse.jpg",
            ],
        ],
        FULL,
    ),
    rows=1,
    detected={"encoding": "UTF-8", "delimiter": "comma", "line_end": "CRLF", "header_line": 1},
)
add("utf8.csv", CAFE, rows=2, cells=NAMES, detected={"encoding": "UTF-8"})
add("utf8-bom.csv", CAFE, "utf-8-sig", rows=2, cells=NAMES, detected={"encoding": "UTF-8 with byte order mark"})
add(
    "excel-unicode-text.csv",
    table([values(1, product_name="Café crème")], mark="\t"),
    "utf-16",
    rows=1,
    cells={"1": {"product_name": "Café crème"}},
    detected={"encoding": "UTF-16", "delimiter": "tab"},
)
add("utf16-big-endian.csv", b"\xfe\xff" + CAFE.encode("utf-16-be"), rows=2, cells=NAMES)
add("utf16-little-endian-no-bom.csv", CAFE.encode("utf-16-le"), rows=2, cells=NAMES, detected={"encoding": "UTF-16"})
add("utf16-big-endian-no-bom.csv", CAFE.encode("utf-16-be"), rows=2, cells=NAMES)
add("utf16-cut-short.csv", CAFE.encode("utf-16")[:-1], refusal="UNKNOWN_ENCODING", says=["UTF-16", "line"])
add("utf32.csv", CAFE, "utf-32", rows=2, cells=NAMES, detected={"encoding": "UTF-32"})
add(
    "windows-1252.csv",
    CAFE,
    "cp1252",
    rows=2,
    cells=NAMES,
    warnings=["READ_AS_WINDOWS_1252"],
    detected={"encoding": "Windows-1252"},
)
add(
    "windows-1252-signs.csv",
    table([values(1, product_name="L\u2019Oréal\u2026 100 \u20ac \u2013 \u201cneu\u201d\u2122 5 m²")]),
    "cp1252",
    rows=1,
    cells={"1": {"product_name": "L\u2019Oréal\u2026 100 \u20ac \u2013 \u201cneu\u201d\u2122 5 m²"}},
    warnings=["READ_AS_WINDOWS_1252"],
)
add(
    "latin1-umlauts-alone.csv",
    table([values(1, product_name="ÄÖÜ äöü ß")]),
    "latin-1",
    rows=1,
    cells={"1": {"product_name": "ÄÖÜ äöü ß"}},
    warnings=["READ_AS_WINDOWS_1252"],
)
add(
    "cyrillic-1251.csv",
    table([values(1, product_name="Книга сказок")]),
    "cp1251",
    refusal="UNKNOWN_ENCODING",
    says=["line 2", "0x"],
)
add("greek-1253.csv", table([values(1, product_name="Βιβλίο")]), "cp1253", refusal="UNKNOWN_ENCODING", says=["line 2"])
add("czech-1250.csv", table([values(1, product_name="Příliš žluťoučký kůň")]), "cp1250", refusal="UNKNOWN_ENCODING")
add("polish-1250.csv", table([values(1, product_name="Książka żółta, łódź")]), "cp1250", refusal="UNKNOWN_ENCODING")
add("turkish-1254.csv", table([values(1, product_name="Yağmurluk şemsiye")]), "cp1254", refusal="UNKNOWN_ENCODING")
add("dos-850.csv", table([values(1, product_name="Café Möbel")]), "cp850", refusal="UNKNOWN_ENCODING", says=["line 2"])
add("mac-roman.csv", table([values(1, product_name="Café Möbel")]), "mac-roman", refusal="UNKNOWN_ENCODING")
add("shift-jis.csv", table([values(1, product_name="ワイヤレスマウス")]), "shift-jis", refusal="UNKNOWN_ENCODING")
add("gbk.csv", table([values(1, product_name="无线鼠标")]), "gbk", refusal="UNKNOWN_ENCODING")
add(
    "utf8-and-latin1.csv",
    CAFE.encode() + table([values(3, product_name="Crème brûlée")]).encode("latin-1"),
    refusal="UNKNOWN_ENCODING",
    says=["UTF-8 in part", "line 5"],
)
add(
    "utf8-bom-but-latin1.csv",
    b"\xef\xbb\xbf" + CAFE.encode("latin-1"),
    refusal="UNKNOWN_ENCODING",
    says=["0xE9", "line 2"],
)
add(
    "double-encoded.csv",
    table([values(1, product_name="Café".encode().decode("latin-1"))]),
    rows=1,
    warnings=["DOUBLE_ENCODED"],
)
add("lost-character.csv", table([values(1, product_name="Caf\ufffd")]), rows=1, warnings=["LOST_CHARACTER"])
add(
    "emoji-and-right-to-left.csv",
    table([values(1, product_name="ماوس لاسلكي 🖱️"), values(2, product_name="日本語 マウス")]),
    rows=2,
    cells={"1": {"product_name": "ماوس لاسلكي 🖱️"}, "2": {"product_name": "日本語 マウス"}},
)

# -- Code pages, damaged letters and other kinds of file ---------------------------------------------------------------

for _name, _codec, _values in (
    ("hungarian-1250", "cp1250", ["Hűtőszekrény", "Főzőlap"]),
    ("turkish-1254-dotless-i", "cp1254", ["Kalın Altın Tepsi"]),
    ("croatian-1250", "cp1250", ["Čaša", "Čajnik veliki"]),
    ("polish-1250-s-acute", "cp1250", ["Świecznik", "Puchar"]),
    ("romanian-1250", "cp1250", ["Cană mare", "Faţă de masă"]),
    ("mac-roman-german", "mac-roman", ["Möbel", "Küche", "Wärme"]),
    ("latin9-euro", "iso8859-15", ["Gutschein 10 €", "œufs"]),
    ("latvian-1257", "cp1257", ["Krūze lielā"]),
    ("russian-1251-short", "cp1251", ["Чай Earl Grey"]),
    ("hungarian-1250-among-german", "cp1250", ["Möbel", "Küche", "Größe", "Wärmflasche", "Hűtő"]),
    ("slovak-1250", "cp1250", ["Uterák ružový", "Hrnček"]),
    ("lithuanian-1257", "cp1257", ["Lėkštė", "Žvakė"]),
    ("spanish-dos-850", "cp850", ["Niño", "Lámpara"]),
    ("danish-mac-roman", "mac-roman", ["Køkken", "Blå"]),
    ("russian-koi8", "koi8-r", ["Чай", "Кофе"]),
    ("big5", "big5", ["滑鼠"]),
    ("euc-kr", "euc-kr", ["무선 마우스"]),
):
    add(
        f"{_name}.csv",
        table([values(n, product_name=value) for n, value in enumerate(_values, 1)]),
        _codec,
        refusal="UNKNOWN_ENCODING",
        says=["in line ", "byte 0x", "CSV UTF-8"],
    )
for _name, _values in (
    ("french-1252", ["L\u2019eau d\u2019été", "Gâteau", "Forêt", "Œuvre", "« Noël »"]),
    ("portuguese-1252", ["Coração", "Lâmpada", "Maçã", "Pão"]),
    ("scandinavian-1252", ["Køkken", "Håndklæde", "Fåtölj", "Støvsuger"]),
    ("english-1252", ["Women\u2019s \u201cPro\u201d", "20 €", "25 °C", "Jalapeño"]),
):
    add(
        f"{_name}.csv",
        table([values(n, product_name=value) for n, value in enumerate(_values, 1)]),
        "cp1252",
        rows=len(_values),
        warnings=["READ_AS_WINDOWS_1252"],
        cells={str(n): {"product_name": value} for n, value in enumerate(_values, 1)},
    )
add(
    "question-marks.csv",
    table([values(1, product_name="????? ??????"), values(2, product_name="Ks??ka"), values(3, product_name="Mug?")]),
    rows=3,
    warnings=["LOST_CHARACTER"],
)
add(
    "question-marks-in-identifiers.csv",
    table([values(1, sku="????-1"), values(2, vendor_product_id="K\ufffd-2")]),
    rows=2,
    errors={"1": ["DAMAGED_IDENTIFIER"], "2": ["DAMAGED_IDENTIFIER"]},
    warnings=["LOST_CHARACTER"],
)
add("lost-underscore.csv", table([values(1, product_name="Caf_ cr_me")]), rows=1, warnings=["LOST_CHARACTER"])
add(
    "c1-controls.csv",
    table([values(n, product_name=v) for n, v in enumerate(["\x93Deluxe\x94 mug", "L\x92Or", "10 \x80"], 1)]),
    rows=3,
    errors={str(n): ["INVALID_CHARACTER"] for n in (1, 2, 3)},
)
add(
    "utf16-then-ascii.csv",
    table(TWO).encode("utf-16") + b"P-3,Mug,Kitchen,S-3,3.50,3\r\n",
    refusal="UNKNOWN_ENCODING",
    says=["UTF-16", "line 4"],
)
add(
    "ascii-then-utf16.csv",
    table(TWO).encode() + table(TWO).encode("utf-16-le"),
    refusal="UNKNOWN_ENCODING",
    says=["line 4"],
)
add("ctrl-z.csv", table(TWO) + "\x1a", rows=2)
add("zeros-at-the-end.csv", table(TWO) + "\0" * 300, rows=2)
add("mojibake-cyrillic.csv", table([values(1, product_name="Ð§Ð°ÑˆÐºÐ°")]), rows=1, warnings=["DOUBLE_ENCODED"])
add("mojibake-polish.csv", table([values(1, product_name="Å‚yÅ¼ka stoÅ‚owa")]), rows=1, warnings=["DOUBLE_ENCODED"])
add("sylk.csv", 'ID;PWXL;N;E\r\nP;PGeneral\r\nC;Y1;X1;K"sku"\r\nE\r\n', refusal="NOT_A_TABLE", says=["SYLK"])
add("dif.csv", 'TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n0,2\r\n""\r\n', refusal="NOT_A_TABLE", says=["DIF"])
add(
    "mhtml.csv",
    'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="x"\r\n\r\n--x\r\n<html>\r\n',
    refusal="NOT_A_TABLE",
    says=["MHTML"],
)
add("biff5-raw.csv", b"\x09\x08\x08\0\0\5\x10\0" + bytes(64), refusal="NOT_A_TABLE", says=["old Excel workbook"])
add(
    "dbase.csv",
    b"\3\x7c\3\1\1\0\0\0\x41\0\x1f\0" + bytes(20) + b"SKU" + bytes(8) + b"C" + bytes(20) + b"\r S-1\x1a",
    refusal="NOT_A_TABLE",
    says=["dBase"],
)
add(
    "sql-dump.csv",
    "-- MySQL dump 10.13\nINSERT INTO `products` (`sku`) VALUES ('S-1');\n",
    refusal="NOT_A_TABLE",
    says=["SQL"],
)
add("html-fragment.csv", "<b>Error</b>: please sign in<br>", refusal="NOT_A_TABLE", says=["HTML"])
add(
    "web-page-in-utf16.csv",
    "<html><table><tr><td>sku</td></tr></table>",
    "utf-16",
    refusal="NOT_A_TABLE",
    says=["HTML"],
)
# -- Delimiters and lines ----------------------------------------------------------------------------------------------

add("semicolon.csv", table(TWO, mark=";"), rows=2, detected={"delimiter": "semicolon"})
add("tab.csv", table(TWO, mark="\t"), rows=2, detected={"delimiter": "tab"})
add("pipe.csv", table(TWO, mark="|"), rows=2, detected={"delimiter": "pipe"})
add("line-feed.csv", table(TWO, end="\n"), rows=2, detected={"line_end": "LF"})
add("old-mac-carriage-return.csv", table(TWO, end="\r"), rows=2, detected={"line_end": "CR"})
add("mixed-line-ends.csv", f"{HEAD}\n{','.join(values(1))}\r\n{','.join(values(2))}\r{','.join(values(3))}", rows=3)
add("sep-line.csv", "sep=;\r\n" + table(TWO, mark=";"), rows=2, detected={"delimiter": "semicolon", "header_line": 1})
add(
    "sep-line-wins.csv",
    "sep=;\n" + table([values(1, product_name="a,b,c")], mark=";"),
    rows=1,
    cells={"1": {"product_name": "a,b,c"}},
)
add("sep-unknown.csv", "sep=^\r\n" + table(TWO).replace(",", "^"), refusal="UNKNOWN_DELIMITER", says=["sep=^"])
add(
    "delimiters-ambiguous.csv",
    "vendor_product_id,product_name;category,sku;price,stock_quantity;brand\n1,2,3,4,5\n",
    refusal="AMBIGUOUS_DELIMITER",
    says=["comma", "semicolon"],
)
add(
    "header-semicolon-rows-comma.csv",
    HEAD.replace(",", ";") + "\n" + ",".join(values(1)) + "\n",
    refusal="AMBIGUOUS_DELIMITER",
    says=["semicolon", "comma"],
)
add(
    "lines-in-quotes.csv", "".join(f'"{line}"\r\n' for line in table(TWO).split("\r\n") if line), refusal="QUOTED_LINES"
)
add(
    "quoted-newlines.csv",
    table([values(1, product_name='Mug\r\n"large"\r\n\r\nblue'), values(2)]),
    rows=2,
    cells={"1": {"product_name": 'Mug\r\n"large"\r\n\r\nblue'}, "2": {"sku": "S-2"}},
    lines=[2, 3],
)
add(
    "quoted-delimiters.csv",
    table([values(1, product_name="red, green; blue | black\tand white")]),
    rows=1,
    cells={"1": {"product_name": "red, green; blue | black\tand white"}},
)
add(
    "inch-marks.csv",
    f"{HEAD}\n" + 'P-1,24" Monitor,Electronics,S-1,1.00,5\n',
    rows=1,
    cells={"1": {"product_name": '24" Monitor'}},
)
add(
    "stray-quote.csv",
    f"{HEAD}\n" + ",".join(values(1)) + '\nP-2,"24" Monitor",Electronics,S-2,1.00,5\n',
    refusal="UNREADABLE_CSV",
    says=["line 3"],
)
add(
    "unclosed-quote.csv",
    f"{HEAD}\n" + 'P-1,"Mouse,Electronics,S-1,1.00,5\nP-2,Mug,Kitchen,S-2,1.00,5\n',
    refusal="UNREADABLE_CSV",
    says=["in line 2 is never closed"],
)
add(
    "spaces-before-quotes.csv",
    ", ".join(f'"{name}"' for name in REQUIRED) + "\n" + 'P-1, "Mug, blue", "Kitchen", "S-1", 1.00, 5\n',
    rows=1,
    cells={"1": {"product_name": "Mug, blue", "category": "Kitchen", "sku": "S-1"}},
)
add(
    "trailing-empty-lines-and-columns.csv",
    f"{HEAD},,,\r\n" + "".join(",".join(r) + ",,,\r\n" for r in TWO) + ",,,,,,,,\r\n" * 5 + "\r\n \r\n",
    rows=2,
)
add("leading-empty-lines.csv", "\r\n\r\n" + table(TWO), rows=2, detected={"header_line": 3}, lines=[4, 5])
add("empty-lines-between.csv", f"{HEAD}\n{','.join(values(1))}\n\n\n{','.join(values(2))}\n", rows=2, lines=[2, 5])
add(
    "line-of-commas-between.csv",
    f"{HEAD}\n{','.join(values(1))}\n,,,,,\n{','.join(values(3))}\n",
    rows=3,
    errors={"2": ["MISSING_REQUIRED_FIELDS"]},
)
add(
    "too-many-fields.csv",
    f"{HEAD}\n{','.join(values(1))},surplus\n{','.join(values(2))}\n",
    rows=2,
    errors={"1": ["FIELD_COUNT_MISMATCH"]},
)
add(
    "too-few-fields.csv",
    f"{HEAD}\n{','.join(values(1))}\nP-2,Mug,Kitchen\n",
    rows=2,
    errors={"2": ["FIELD_COUNT_MISMATCH"]},
)
add(
    "comma-unquoted-in-name.csv",
    f"{HEAD}\nP-1,Mug, large,Kitchen,S-1,1.00,5\n",
    rows=1,
    errors={"1": ["FIELD_COUNT_MISMATCH"]},
)

# -- Headers -----------------------------------------------------------------------------------------------------------

add(
    "headers-in-any-case.csv",
    table(TWO, ["VENDOR PRODUCT ID", " Product-Name ", "Category", "Sku", "PRICE*", "StockQuantity"]),
    rows=2,
)
add(
    "columns-in-another-order.csv",
    table([list(reversed(r)) for r in TWO], list(reversed(REQUIRED))),
    rows=2,
    cells={"2": {"sku": "S-2", "vendor_product_id": "P-2"}},
)
add(
    "shopify.csv",
    table(
        [
            [
                "mug",
                "Mug",
                "<p>Blue</p>",
                "Pottery & Co",
                "Kitchen",
                "",
                "MUG-1",
                "12.50",
                "15.00",
                "7",
                "https://cdn.example.com/m.jpg",
                "811",
            ]
        ],
        [
            "Handle",
            "Title",
            "Body (HTML)",
            "Vendor",
            "Product Category",
            "Tags",
            "Variant SKU",
            "Variant Price",
            "Variant Compare At Price",
            "Variant Inventory Qty",
            "Image Src",
            "Product ID",
        ],
    ),
    rows=1,
    warnings=["UNKNOWN_COLUMN"] * 3,
    cells={
        "1": {
            "product_name": "Mug",
            "sku": "MUG-1",
            "price": "12.50",
            "compare_at_price": "15.00",
            "stock_quantity": "7",
            "vendor_product_id": "811",
            "description": "<p>Blue</p>",
        }
    },
    detected={"unknown": ["Handle", "Vendor", "Tags"]},
)
add(
    "woocommerce.csv",
    table(
        [["44", "simple", "MUG-1", "Mug", "5", "9.00", "Kitchen"]],
        ["ID", "Type", "SKU", "Name", "Stock", "Regular price", "Categories"],
    ),
    refusal="MISSING_COLUMNS",
    says=["vendor_product_id", "price", "Regular price"],
)
add(
    "amazon-flat-file.csv",
    "TemplateType=fptcustom\tVersion=2021.1\tThe top 3 rows are for Amazon.com use only.\n"
    + table(
        [["MUG-1", "P-9", "Mug", "Pottery", "12.50", "3", "Kitchen", "https://m.example.com/1.jpg"]],
        [
            "item_sku",
            "seller_product_id",
            "item_name",
            "brand_name",
            "standard_price",
            "quantity",
            "category",
            "main_image_url",
        ],
        mark="\t",
        end="\n",
    ),
    rows=1,
    warnings=["LINES_ABOVE_HEADER"],
    lines=[3],
    detected={"header_line": 2, "delimiter": "tab"},
    cells={"1": {"sku": "MUG-1", "vendor_product_id": "P-9", "brand": "Pottery", "price": "12.50"}},
)
add(
    "german-excel.csv",
    table(
        [
            ["1", "Küchenmaschine", "Kitchen", "KM-1", "119,90", "4"],
            ["2", "Tasse", "Kitchen", "TA-1", "7,5", "12"],
            ["3", "Set", "Kitchen", "SE-1", "1.234,00", "0"],
        ],
        GERMAN,
        mark=";",
    ),
    "cp1252",
    rows=3,
    warnings=["READ_AS_WINDOWS_1252"],
    cells={"1": {"price": "119.90"}, "2": {"price": "7.5"}, "3": {"price": "1234.00"}},
    detected={
        "decimal_commas": ["price"],
        "delimiter": "semicolon",
        "columns": dict(zip(GERMAN, REQUIRED, strict=True)),
    },
)
add(
    "french.csv",
    table(
        [["1", "Théière", "Kitchen", "TH-1", "19,90", "4", "Maison"]],
        [
            "Identifiant produit",
            "Désignation",
            "Catégorie",
            "Référence",
            "Prix de vente",
            "Quantité en stock",
            "Marque",
        ],
        mark=";",
    ),
    rows=1,
    cells={"1": {"sku": "TH-1", "price": "19.90", "brand": "Maison"}},
)
add(
    "spanish.csv",
    table(
        [["1", "Tetera", "Kitchen", "TE-1", "19.90", "4"]],
        ["ID producto", "Nombre del producto", "Categoría", "Referencia", "Precio", "Existencias"],
    ),
    rows=1,
)
add(
    "two-headers-for-one-column.csv",
    table([[*values(1), "8"]], [*REQUIRED, "Qty"]),
    refusal="DUPLICATE_COLUMNS",
    says=["stock_quantity", "Qty"],
)
add(
    "missing-column-nearest-named.csv",
    table(TWO, ["vendor_product_id", "product_name", "category", "sku", "prise", "stock_quantity"]),
    refusal="MISSING_COLUMNS",
    says=["Missing required columns: price", "'prise'"],
)
add("no-header.csv", ",".join(values(1)) + "\n" + ",".join(values(2)) + "\n", refusal="MISSING_COLUMNS")
add(
    "unknown-columns.csv",
    table([[*values(1), "red", "x"]], [*REQUIRED, "Colour", "Supplier note"]),
    rows=1,
    warnings=["UNKNOWN_COLUMN", "UNKNOWN_COLUMN"],
    detected={"unknown": ["Colour", "Supplier note"]},
)
add(
    "column-without-name.csv",
    table([[*values(1)[:3], "hidden", *values(1)[3:]]], [*REQUIRED[:3], "", *REQUIRED[3:]]),
    rows=1,
    warnings=["UNNAMED_COLUMN"],
)
add("weight-without-unit.csv", table([[*values(1), "250"]], [*REQUIRED, "Weight"]), rows=1, warnings=["UNKNOWN_COLUMN"])
add(
    "title-lines-above.csv",
    'Price list of Pottery & Co\r\n"as of 1 March, 2024"\r\n\r\n' + table(TWO),
    rows=2,
    warnings=["LINES_ABOVE_HEADER"],
    detected={"header_line": 4},
    lines=[5, 6],
)
add(
    "header-with-line-breaks.csv",
    table(TWO, ["vendor\nproduct id", "product\r\nname", "category", "sku", "price", "stock\nquantity"]),
    rows=2,
)
add(
    "too-many-columns.csv", table([values(1)], [*REQUIRED, *(f"c{n}" for n in range(1000))]), refusal="TOO_MANY_COLUMNS"
)
add("header-alone.csv", HEAD + "\r\n", refusal="NO_ROWS")
add("empty.csv", b"", refusal="EMPTY_FILE")
add("byte-order-mark-alone.csv", b"\xef\xbb\xbf", refusal="EMPTY_FILE")
add("white-space.csv", b" \r\n\t\r\n\r\n", refusal="EMPTY_FILE")
add("commas-alone.csv", b",,,\r\n,,,\r\n", refusal="EMPTY_FILE")

# -- Numbers -----------------------------------------------------------------------------------------------------------


def prices(*found: str, mark: str = ",") -> str:
    return table([values(n, price=price) for n, price in enumerate(found, 1)], mark=mark)


add(
    "decimal-comma.csv",
    prices("19,99", "5", "0,50", mark=";"),
    rows=3,
    detected={"decimal_commas": ["price"]},
    cells={"1": {"price": "19.99"}, "2": {"price": "5"}, "3": {"price": "0.50"}},
)
add("decimal-comma-quoted.csv", prices("19,99", "20,00"), rows=2, cells={"1": {"price": "19.99"}})
add(
    "decimal-comma-and-point.csv",
    prices("19,99", "19.99"),
    rows=2,
    errors={"1": ["INVALID_PRICE"]},
    warnings=["MIXED_DECIMALS"],
    cells={"1": {"price": "19,99"}},
    detected={"decimal_commas": []},
)
add(
    "comma-unclear.csv",
    prices("1,234", "25"),
    rows=2,
    errors={"1": ["INVALID_PRICE"]},
    warnings=["UNCLEAR_COMMAS"],
    cells={"1": {"price": "1,234"}},
)
add(
    "comma-unclear-among-decimals.csv",
    prices("1,234", "2,50"),
    rows=2,
    errors={"1": ["INVALID_PRICE"]},
    cells={"1": {"price": "1,234"}, "2": {"price": "2.50"}},
)
add(
    "thousands-commas.csv",
    prices("1,234.50", "12.00"),
    rows=2,
    errors={"1": ["INVALID_PRICE"]},
    cells={"1": {"price": "1,234.50"}},
)
add(
    "dressed-numbers.csv",
    prices("$19.99", "19.99 EUR", "1e3", "1_000", "٣٤", "NaN", "-5", "+5", "19.999"),
    rows=9,
    errors={str(n): ["INVALID_PRICE"] for n in range(1, 10)},
)
add(
    "quantities-with-decimals.csv",
    table([values(1, stock_quantity="2,3"), values(2, stock_quantity="2.0"), values(3, stock_quantity="1,000")]),
    rows=3,
    errors={str(n): ["INVALID_STOCK_QUANTITY"] for n in (1, 2, 3)},
)

# -- What spreadsheets do ----------------------------------------------------------------------------------------------

add(
    "identifiers-kept.csv",
    table(
        [
            values(1, sku="90.750", vendor_product_id="00123"),
            values(2, sku="1E5", vendor_product_id="12-2024"),
            values(3, sku="3-MAR", vendor_product_id="TRUE-1"),
            values(4, sku="-", vendor_product_id="#4"),
        ]
    ),
    rows=4,
    cells={"1": {"sku": "90.750", "vendor_product_id": "00123"}},
)
add(
    "identifiers-damaged.csv",
    table(
        [
            values(1, sku="8.71E+12"),
            values(2, sku="8,71E+12"),
            values(3, sku="12-Mar"),
            values(4, sku="Mar-24"),
            values(5, sku="01.03.2024"),
            values(6, sku="2024-03-01 00:00:00"),
            values(7, sku="#REF!"),
            values(8, sku="TRUE"),
            values(9, sku='="00123"'),
            values(10, vendor_product_id="#NV"),
            values(11, vendor_product_id="=A2&B2"),
            values(12, sku="8.71E+12"),
            values(13, sku="1. Mrz"),
            values(14, sku="########"),
        ]
    ),
    rows=14,
    errors={str(n): ["DAMAGED_IDENTIFIER"] for n in range(1, 15)},
)
add(
    "texts-damaged.csv",
    table(
        [
            values(1, product_name="#REF!"),
            values(2, product_name="#N/A"),
            values(3, product_name='=A2&" blue"'),
            values(4, category="#REF!"),
            values(5, price="#DIV/0!"),
            values(6, product_name="# 1 mug"),
            values(7, product_name="=== new ==="),
        ]
    ),
    rows=7,
    errors={
        "1": ["SPREADSHEET_ERROR"],
        "2": ["SPREADSHEET_ERROR"],
        "3": ["SPREADSHEET_FORMULA"],
        "4": ["INVALID_CATEGORY"],
        "5": ["INVALID_PRICE"],
    },
)
add(
    "formula-injection.csv",
    table(
        [
            values(1, product_name="=cmd|' /C calc'!A0"),
            values(2, product_name='=HYPERLINK("http://x.example","Mug")'),
            values(3, product_name="@mug"),
            values(4, product_name="-mug"),
            values(5, product_name="+mug"),
        ]
    ),
    rows=5,
    errors={"1": ["SPREADSHEET_FORMULA"], "2": ["SPREADSHEET_FORMULA"]},
    cells={"3": {"product_name": "@mug"}, "4": {"product_name": "-mug"}, "5": {"product_name": "+mug"}},
)
add(
    "zeros-lost.csv",
    table(
        [
            values(n, sku=sku)
            for n, sku in enumerate(("4006381333931", "4006381333948", "12345678905", "4006381333955"), 1)
        ]
    ),
    rows=4,
    warnings=["LOST_ZEROS"],
)
add("zeros-kept.csv", table([values(n, sku=sku) for n, sku in enumerate(("00123", "04567", "12345"), 1)]), rows=3)
add(
    "fix-file.csv",
    table(
        [
            ["3", "Price must be at least 0.01", "", *values(3, product_name="'=== new ===", sku="'-5")],
            ["9", "x", "", *values(9, product_name="''quoted")],
        ],
        ["_row", "_errors", "_hint", *REQUIRED],
    ),
    "utf-8-sig",
    rows=2,
    cells={"1": {"product_name": "=== new ===", "sku": "'-5"}, "2": {"product_name": "'quoted"}},
    detected={"fix_file": True},
)
add(
    "fix-file-columns-removed.csv",
    table([values(1, product_name="'=== new ===")]),
    rows=1,
    warnings=["LEADING_APOSTROPHE"],
    cells={"1": {"product_name": "'=== new ==="}},
)
add(
    "duplicates.csv",
    table([values(1), values(2, sku="S-1"), values(3, vendor_product_id="P-1"), values(1)]),
    rows=4,
    errors={
        "2": ["DUPLICATE_SKU"],
        "3": ["DUPLICATE_VENDOR_PRODUCT_ID"],
        "4": ["DUPLICATE_SKU", "DUPLICATE_VENDOR_PRODUCT_ID"],
    },
)
add(
    "control-characters.csv",
    table([values(1, product_name="a\0b"), values(2, sku="S\x1b[2J"), values(3, product_name="ok\tok")]),
    rows=3,
    errors={"1": ["INVALID_CHARACTER"], "2": ["INVALID_CHARACTER"]},
)
add(
    "long-values.csv",
    table([values(1, product_name="x" * 201), values(2, sku="y" * 3000), values(3, category="z" * 101)]),
    rows=3,
    errors={"1": ["FIELD_LENGTH_EXCEEDED"], "2": ["FIELD_LENGTH_EXCEEDED"], "3": ["FIELD_LENGTH_EXCEEDED"]},
)
add(
    "many-faults-in-a-row.csv",
    table([values(1, product_name="", category="Nonsense", price="free", stock_quantity="-1", sku="1.2E+15")]),
    rows=1,
    errors={
        "1": [
            "MISSING_REQUIRED_FIELDS",
            "INVALID_PRICE",
            "INVALID_STOCK_QUANTITY",
            "INVALID_CATEGORY",
            "DAMAGED_IDENTIFIER",
        ]
    },
)

# -- What is no CSV ----------------------------------------------------------------------------------------------------

add(
    "web-page.csv",
    "\r\n<html><body><table><tr><td>sku</td></tr></table></body></html>",
    refusal="NOT_A_TABLE",
    says=["HTML"],
)
add("xml.csv", '<?xml version="1.0"?><products/>', refusal="NOT_A_TABLE", says=["XML"])
add("json.csv", json.dumps([dict(zip(REQUIRED, values(1), strict=True))]), refusal="NOT_A_TABLE", says=["JSON"])
add("document.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", refusal="NOT_A_TABLE", says=["PDF"])
add("image.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", refusal="NOT_A_TABLE", says=["image"])
add("compressed.csv", gzip.compress(CAFE.encode(), mtime=0), refusal="NOT_A_TABLE", says=["gzip"])
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
add("old-excel.csv", OLE + "Workbook".encode("utf-16-le") + bytes(100), refusal="OLD_EXCEL", says=[".xls"])
add(
    "password.xlsx",
    OLE + "EncryptedPackage".encode("utf-16-le") + bytes(100),
    refusal="ENCRYPTED_WORKBOOK",
    says=["password"],
)

# -- Workbooks ---------------------------------------------------------------------------------------------------------

THEN = datetime(2024, 3, 12, tzinfo=UTC).replace(tzinfo=None)


def workbook(fill: Callable[[Workbook, Worksheet], None]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    book.properties.created = book.properties.modified = THEN
    fill(book, sheet)
    content = io.BytesIO()
    book.save(content)
    return patched(content.getvalue(), {})


def patched(content: bytes, changes: dict[str, Callable[[bytes], bytes]]) -> bytes:
    """A ZIP archive with some parts changed, and with one and the same time on all of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            part = old.read(info)
            part = changes.get(info.filename, bytes)(part)
            new.writestr(zipfile.ZipInfo(info.filename, (2024, 3, 12, 0, 0, 0)), part, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def of_rows(*rows: Sequence[object]) -> Callable[[Workbook, Worksheet], None]:
    def fill(_: Workbook, sheet: Worksheet) -> None:
        for row in rows:
            sheet.append(list(row))

    return fill


def archive(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, part in parts.items():
            new.writestr(zipfile.ZipInfo(name.replace("__", "/").replace("_xml", ".xml"), (2024, 3, 12, 0, 0, 0)), part)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
PLAIN = workbook(of_rows(REQUIRED, values(1), values(2)))
add(
    "plain.xlsx",
    PLAIN,
    rows=2,
    cells={"1": {"price": "1.50", "sku": "S-1"}},
    lines=[2, 3],
    detected={"format": "xlsx", "sheet": "Sheet", "header_line": 1},
)
add("workbook-named.csv", PLAIN, rows=2, detected={"format": "xlsx"})


def typed(_: Workbook, sheet: Worksheet) -> None:
    sheet.append([*REQUIRED, "weight_kg", "description"])
    sheet.append([123, "Mug", "Kitchen", 4006381333931, 1234.5, 7, 0.25, THEN])
    sheet.append([124, "Mug", "Kitchen", 8.71e12, 19.989, 7.0, 0.1 + 0.2, True])
    sheet.append([125, "Mug", "Kitchen", 42, 0.5, 0, 1, 0.19])
    for row, formats in (
        (2, {"A": "00000", "D": "0", "E": '#,##0.00\\ "€"', "H": "dd.mm.yyyy"}),
        (3, {"A": "00000", "E": "0.00"}),
        (4, {"A": "00000", "D": '"SKU-"0000', "E": "0.00", "H": "0%"}),
    ):
        for column, code in formats.items():
            sheet[f"{column}{row}"].number_format = code


add(
    "numbers-and-dates.xlsx",
    workbook(typed),
    rows=3,
    cells={
        "1": {
            "vendor_product_id": "00123",
            "sku": "4006381333931",
            "price": "1234.50",
            "stock_quantity": "7",
            "weight_kg": "0.25",
            "description": "12.03.2024",
        },
        "2": {
            "vendor_product_id": "00124",
            "sku": "8710000000000",
            "price": "19.99",
            "weight_kg": "0.3",
            "description": "TRUE",
        },
        "3": {"sku": "SKU-0042", "price": "0.50", "stock_quantity": "0", "description": "19%"},
    },
)


def damaged(_: Workbook, sheet: Worksheet) -> None:
    sheet.append(REQUIRED)
    for n, sku in enumerate((THEN, True, "#REF!", 8.71e12, 1234567890123456789, 1234567890123456), 1):
        sheet.append([f"P-{n}", "Mug", "Kitchen", sku, "1.00", 1])
    sheet["D7"].number_format = "0"
    sheet["D2"].number_format = "d-mmm"
    sheet["D5"].number_format = "0.00E+00"


add(
    "identifiers-damaged.xlsx",
    workbook(damaged),
    rows=6,
    errors={str(n): ["DAMAGED_IDENTIFIER"] for n in range(1, 7)},
    cells={"1": {"sku": "12-Mar"}, "4": {"sku": "8.71E+12"}, "6": {"sku": "1.23456789012346E+15"}},
)


def two_sheets(book: Workbook, sheet: Worksheet) -> None:
    of_rows(REQUIRED, values(1))(book, sheet)
    other = book.create_sheet("Old prices")
    other.append(["x"])
    book.create_sheet("Empty")


add("two-sheets.xlsx", workbook(two_sheets), rows=1, warnings=["OTHER_SHEETS"], detected={"sheet": "Sheet"})


def hidden_first(book: Workbook, sheet: Worksheet) -> None:
    sheet.append(["secret"])
    sheet.sheet_state = "hidden"
    book.create_sheet("_Lists").append(["Kitchen"])
    book.create_sheet("Blank")
    of_rows(REQUIRED, values(1))(book, book.create_sheet("Products"))


add("hidden-and-blank-sheets-first.xlsx", workbook(hidden_first), rows=1, detected={"sheet": "Products"})
add("empty-workbook.xlsx", workbook(of_rows()), refusal="EMPTY_FILE")
add("header-alone.xlsx", workbook(of_rows(REQUIRED)), refusal="NO_ROWS")
add(
    "title-above.xlsx",
    workbook(of_rows(["Price list"], [], REQUIRED, values(1), [], values(2))),
    rows=2,
    lines=[4, 6],
    warnings=["LINES_ABOVE_HEADER"],
    detected={"header_line": 3},
)
add(
    "ragged.xlsx",
    workbook(of_rows([*REQUIRED, "brand"], values(1), [*values(2), "Acme", "", "beyond"], values(3)[:4])),
    rows=3,
    errors={"2": ["FIELD_COUNT_MISMATCH"], "3": ["MISSING_REQUIRED_FIELDS"]},
)

FORMULAS = workbook(
    of_rows(REQUIRED, ["P-1", "Mug", "Kitchen", '="S-"&1', "=2*3", 1], ["P-2", "=A3", "Kitchen", '="S-"&2', "=2*4", 1])
)
add(
    "formulas-never-calculated.xlsx",
    FORMULAS,
    rows=2,
    errors={
        "1": ["INVALID_PRICE", "DAMAGED_IDENTIFIER"],
        "2": ["INVALID_PRICE", "DAMAGED_IDENTIFIER", "SPREADSHEET_FORMULA"],
    },
)


def calculated(part: bytes) -> bytes:
    for formula, kind, value in (
        ('"S-"&amp;1', "str", "S-1"),
        ('"S-"&amp;2', "str", "S-2"),
        ("2*3", "n", "6"),
        ("2*4", "e", "#DIV/0!"),
        ("A3", "str", ""),
    ):
        for empty in ("<v />", "<v></v>", "<v/>"):
            old = f"<f>{formula}</f>{empty}".encode()
            at = part.find(old)
            if at >= 0:
                cell = part.rindex(b"<c ", 0, at)
                part = (
                    part[:cell]
                    + f'<c t="{kind}" '.encode()
                    + part[cell + 3 : at]
                    + f"<f>{formula}</f><v>{value}</v>".encode()
                    + part[at + len(old) :]
                )
                break
    return part


add(
    "formulas.xlsx",
    patched(FORMULAS, {SHEET: calculated}),
    rows=2,
    cells={"1": {"sku": "S-1", "price": "6"}, "2": {"sku": "S-2"}},
    errors={"2": ["MISSING_REQUIRED_FIELDS", "INVALID_PRICE"]},
)
add(
    "huge-dimensions.xlsx",
    patched(PLAIN, {SHEET: lambda part: part.replace(b'ref="A1:F3"', b'ref="A1:XFD1048576"')}),
    rows=2,
)
add(
    "row-beyond-the-sheet.xlsx",
    patched(PLAIN, {SHEET: lambda part: part.replace(b'<row r="3"', b'<row r="99999999999"')}),
    refusal="UNREADABLE_XLSX",
)
add(
    "value-far-right.xlsx",
    patched(PLAIN, {SHEET: lambda part: part.replace(b'r="F3"', b'r="XFD3"')}),
    refusal="TOO_MANY_COLUMNS",
)
# As Excel itself writes: texts in a part of their own, some of them in runs of several formats, cells without a place.
NS = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = b"http://schemas.openxmlformats.org/package/2006"
SPREADSHEET = b"application/vnd.openxmlformats-officedocument.spreadsheetml."
TEXTS = [*REQUIRED, "Mug", "Kitchen", "S-1", "P-1"]
TYPES = b'<Types xmlns="%s/content-types">' % PACKAGE + (
    b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    b'<Default Extension="xml" ContentType="application/xml"/>'
    b'<Override PartName="/xl/workbook.xml" ContentType="%ssheet.main+xml"/>'
    b'<Override PartName="/xl/sharedStrings.xml" ContentType="%ssharedStrings+xml"/></Types>'
) % (SPREADSHEET, SPREADSHEET)


def relations(**targets: bytes) -> bytes:
    found = b"".join(
        b'<Relationship Id="%s" Type="%s/%s" Target="%s"/>' % (name.encode(), OFFICE, *target.split(b" "))
        for name, target in targets.items()
    )
    return b'<Relationships xmlns="%s/relationships">%s</Relationships>' % (PACKAGE, found)


def shared(*places: int) -> bytes:
    return b"".join(b'<c t="s"><v>%d</v></c>' % place for place in places)


AS_EXCEL_WRITES = {
    "[Content_Types].xml": TYPES,
    "_rels/.rels": relations(rId1=b"officeDocument xl/workbook.xml"),
    "xl/workbook.xml": b'<workbook %s xmlns:r="%s"><workbookPr date1904="1"/><sheets>'
    b'<sheet name="Artikel &amp; Preise" sheetId="7" r:id="rId3"/></sheets></workbook>' % (NS, OFFICE),
    "xl/_rels/workbook.xml.rels": relations(
        rId3=b"worksheet worksheets/sheet1.xml", rId4=b"sharedStrings sharedStrings.xml"
    ),
    "xl/sharedStrings.xml": b'<sst %s>%s<si><r><t xml:space="preserve">Blue </t></r><r><rPr><b/></rPr><t>mug</t></r>'
    b"</si></sst>" % (NS, b"".join(b"<si><t>%s</t></si>" % text.encode() for text in TEXTS)),
    "xl/worksheets/sheet1.xml": b'<worksheet %s><sheetData><row>%s</row><row r="4">%s<c><v>12.5</v></c>'
    b"<c><v>1E1</v></c></row></sheetData></worksheet>" % (NS, shared(*range(6)), shared(9, 10, 7, 8)),
}
add(
    "as-excel-writes.xlsx",
    archive(**AS_EXCEL_WRITES),
    rows=1,
    lines=[4],
    detected={"sheet": "Artikel & Preise"},
    cells={
        "1": {
            "vendor_product_id": "P-1",
            "product_name": "Blue mug",
            "sku": "S-1",
            "price": "12.5",
            "stock_quantity": "10",
        }
    },
)
add(
    "escaped-characters.xlsx",
    workbook(of_rows(REQUIRED, values(1, product_name="Mug_x000D_ blue"), values(2, sku="S_xD800_2"))),
    rows=2,
    cells={"1": {"product_name": "Mug\r blue"}, "2": {"sku": "S_xD800_2"}},
)
add("cut-short.xlsx", PLAIN[: len(PLAIN) // 2], refusal="UNREADABLE_XLSX")
add("damaged-sheet.xlsx", patched(PLAIN, {SHEET: lambda part: part[: len(part) // 2]}), refusal="UNREADABLE_XLSX")
LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "'
    + b"ha" * 50
    + b'">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 20) for n in range(8))
    + b"]>"
)
add(
    "billion-laughs.xlsx",
    patched(
        PLAIN,
        {
            SHEET: lambda part: (
                LAUGHS + part.replace(b"</sheetData>", b'<row r="9"><c r="A9" t="str"><v>&i;</v></c></row></sheetData>')
            )
        },
    ),
    refusal="UNREADABLE_XLSX",
)
add(
    "zip-bomb.xlsx",
    patched(PLAIN, {SHEET: lambda part: part.replace(b"<sheetData>", b" " * (101 * 1024 * 1024) + b"<sheetData>")}),
    refusal="WORKBOOK_TOO_LARGE",
)
add("document.xlsx", archive(word__document_xml=b"<document/>"), refusal="NOT_A_TABLE", says=["Word"])
add(
    "open-document.xlsx",
    archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet", content_xml=b"<x/>"),
    refusal="NOT_A_TABLE",
    says=[".ods"],
)
add("archive.csv", archive(products=CAFE.encode()), refusal="NOT_A_TABLE", says=["ZIP"])


if __name__ == "__main__":
    for old in HERE.iterdir():
        if old.suffix != ".py" and old.is_file():
            old.unlink()
    for name, (content, expected) in cases.items():
        (HERE / name).write_bytes(content)
        (HERE / f"{name}.json").write_text(json.dumps(expected, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(cases)} files")
