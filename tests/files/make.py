"""Generator of the corpus: vendors' files, each with its expected outcome in `<file>.json`.

Run `python tests/files/make.py` after adding a case. Expected outcomes are written by hand, never copied from the
output of the parser. An outcome has one of these keys:

- `rejection`: the code of the rejection; `reason_contains` has parts of its reason.
- `rows`: the number of rows of an accepted file.

An accepted file can also have:

- `errors`: error types by row number; all other rows are valid offline.
- `warnings`: codes of the warnings; `warnings_contain` has parts of their messages.
- `detected`, `cells` and `hints` (by row number), `lines` (spreadsheet rows): the values that the case is about.
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
    """Add a file and its expected outcome to the corpus."""
    assert name not in cases, name
    cases[name] = (content if isinstance(content, bytes) else content.encode(encoding), expected)


def values(n: int, **changes: str) -> list[str]:
    """Return the values of the required columns of a valid row, some of them replaced."""
    row = dict(zip(REQUIRED, (f"P-{n}", f"Article {n}", "Electronics", f"S-{n}", f"{n}.50", str(n)), strict=True))
    return list({**row, **changes}.values())


def table(
    rows: Sequence[Sequence[str]], header: Sequence[str] = REQUIRED, delimiter: str = ",", end: str = "\r\n"
) -> str:
    """Return a table as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
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
    table([values(1, product_name="Café crème")], delimiter="\t"),
    "utf-16",
    rows=1,
    cells={"1": {"product_name": "Café crème"}},
    detected={"encoding": "UTF-16", "delimiter": "tab"},
)
add("utf16-big-endian.csv", b"\xfe\xff" + CAFE.encode("utf-16-be"), rows=2, cells=NAMES)
add("utf16-little-endian-no-bom.csv", CAFE.encode("utf-16-le"), rows=2, cells=NAMES, detected={"encoding": "UTF-16"})
add("utf16-big-endian-no-bom.csv", CAFE.encode("utf-16-be"), rows=2, cells=NAMES)
add("utf16-cut-short.csv", CAFE.encode("utf-16")[:-1], rejection="UNKNOWN_ENCODING", reason_contains=["UTF-16", "line"])
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
    "latin1-umlauts-only.csv",
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
    rejection="UNKNOWN_ENCODING",
    reason_contains=["line 2", "0x"],
)
add(
    "greek-1253.csv",
    table([values(1, product_name="Βιβλίο")]),
    "cp1253",
    rejection="UNKNOWN_ENCODING",
    reason_contains=["line 2"],
)
add("czech-1250.csv", table([values(1, product_name="Příliš žluťoučký kůň")]), "cp1250", rejection="UNKNOWN_ENCODING")
add("polish-1250.csv", table([values(1, product_name="Książka żółta, łódź")]), "cp1250", rejection="UNKNOWN_ENCODING")
add("turkish-1254.csv", table([values(1, product_name="Yağmurluk şemsiye")]), "cp1254", rejection="UNKNOWN_ENCODING")
add(
    "dos-850.csv",
    table([values(1, product_name="Café Möbel")]),
    "cp850",
    rejection="UNKNOWN_ENCODING",
    reason_contains=["line 2"],
)
add("mac-roman.csv", table([values(1, product_name="Café Möbel")]), "mac-roman", rejection="UNKNOWN_ENCODING")
add("shift-jis.csv", table([values(1, product_name="ワイヤレスマウス")]), "shift-jis", rejection="UNKNOWN_ENCODING")
add("gbk.csv", table([values(1, product_name="无线鼠标")]), "gbk", rejection="UNKNOWN_ENCODING")
add(
    "utf8-and-latin1.csv",
    CAFE.encode() + table([values(3, product_name="Crème brûlée")]).encode("latin-1"),
    rejection="UNKNOWN_ENCODING",
    reason_contains=["UTF-8 in part", "line 5"],
)
add(
    "utf8-bom-but-latin1.csv",
    b"\xef\xbb\xbf" + CAFE.encode("latin-1"),
    rejection="UNKNOWN_ENCODING",
    reason_contains=["0xE9", "line 2"],
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
        rejection="UNKNOWN_ENCODING",
        reason_contains=["in line ", "byte 0x", "CSV UTF-8"],
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
    rejection="UNKNOWN_ENCODING",
    reason_contains=["UTF-16", "line 4"],
)
add(
    "ascii-then-utf16.csv",
    table(TWO).encode() + table(TWO).encode("utf-16-le"),
    rejection="UNKNOWN_ENCODING",
    reason_contains=["line 4"],
)
add("ctrl-z.csv", table(TWO) + "\x1a", rows=2)
add("zeros-at-the-end.csv", table(TWO) + "\0" * 300, rows=2)
add("mojibake-cyrillic.csv", table([values(1, product_name="Ð§Ð°ÑˆÐºÐ°")]), rows=1, warnings=["DOUBLE_ENCODED"])
add("mojibake-polish.csv", table([values(1, product_name="Å‚yÅ¼ka stoÅ‚owa")]), rows=1, warnings=["DOUBLE_ENCODED"])
add(
    "sylk.csv",
    'ID;PWXL;N;E\r\nP;PGeneral\r\nC;Y1;X1;K"sku"\r\nE\r\n',
    rejection="NOT_A_TABLE",
    reason_contains=["SYLK"],
)
add("dif.csv", 'TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n0,2\r\n""\r\n', rejection="NOT_A_TABLE", reason_contains=["DIF"])
add(
    "mhtml.csv",
    'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="x"\r\n\r\n--x\r\n<html>\r\n',
    rejection="NOT_A_TABLE",
    reason_contains=["MHTML"],
)
add(
    "biff5-raw.csv",
    b"\x09\x08\x08\0\0\5\x10\0" + bytes(64),
    rejection="NOT_A_TABLE",
    reason_contains=["old Excel workbook"],
)
add(
    "dbase.csv",
    b"\3\x7c\3\1\1\0\0\0\x41\0\x1f\0" + bytes(20) + b"SKU" + bytes(8) + b"C" + bytes(20) + b"\r S-1\x1a",
    rejection="NOT_A_TABLE",
    reason_contains=["dBase"],
)
add(
    "sql-dump.csv",
    "-- MySQL dump 10.13\nINSERT INTO `products` (`sku`) VALUES ('S-1');\n",
    rejection="NOT_A_TABLE",
    reason_contains=["SQL"],
)
add("html-fragment.csv", "<b>Error</b>: please sign in<br>", rejection="NOT_A_TABLE", reason_contains=["HTML"])
add(
    "web-page-in-utf16.csv",
    "<html><table><tr><td>sku</td></tr></table>",
    "utf-16",
    rejection="NOT_A_TABLE",
    reason_contains=["HTML"],
)
# -- Delimiters and lines ----------------------------------------------------------------------------------------------

add("semicolon.csv", table(TWO, delimiter=";"), rows=2, detected={"delimiter": "semicolon"})
add("tab.csv", table(TWO, delimiter="\t"), rows=2, detected={"delimiter": "tab"})
add("pipe.csv", table(TWO, delimiter="|"), rows=2, detected={"delimiter": "pipe"})
add("line-feed.csv", table(TWO, end="\n"), rows=2, detected={"line_end": "LF"})
add("old-mac-carriage-return.csv", table(TWO, end="\r"), rows=2, detected={"line_end": "CR"})
add("mixed-line-ends.csv", f"{HEAD}\n{','.join(values(1))}\r\n{','.join(values(2))}\r{','.join(values(3))}", rows=3)
add(
    "sep-line.csv",
    "sep=;\r\n" + table(TWO, delimiter=";"),
    rows=2,
    detected={"delimiter": "semicolon", "header_line": 1},
)
add(
    "sep-line-wins.csv",
    "sep=;\n" + table([values(1, product_name="a,b,c")], delimiter=";"),
    rows=1,
    cells={"1": {"product_name": "a,b,c"}},
)
add(
    "sep-unknown.csv",
    "sep=^\r\n" + table(TWO).replace(",", "^"),
    rejection="UNKNOWN_DELIMITER",
    reason_contains=["sep=^"],
)
add(
    "delimiters-ambiguous.csv",
    "vendor_product_id,product_name;category,sku;price,stock_quantity;brand\n1,2,3,4,5\n",
    rejection="AMBIGUOUS_DELIMITER",
    reason_contains=["comma", "semicolon"],
)
add(
    "header-semicolon-rows-comma.csv",
    HEAD.replace(",", ";") + "\n" + ",".join(values(1)) + "\n",
    rejection="AMBIGUOUS_DELIMITER",
    reason_contains=["semicolon", "comma"],
)
add(
    "lines-in-quotes.csv",
    "".join(f'"{line}"\r\n' for line in table(TWO).split("\r\n") if line),
    rejection="QUOTED_LINES",
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
    rejection="UNREADABLE_CSV",
    reason_contains=["line 3"],
)
add(
    "unclosed-quote.csv",
    f"{HEAD}\n" + 'P-1,"Mouse,Electronics,S-1,1.00,5\nP-2,Mug,Kitchen,S-2,1.00,5\n',
    rejection="UNREADABLE_CSV",
    reason_contains=["in line 2 is never closed"],
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
    rows=2,
    lines=[2, 4],
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
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id", "price", "Regular price"],
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
        delimiter="\t",
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
        delimiter=";",
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
        delimiter=";",
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
    table([[*values(1), "8"]], [*REQUIRED[:-1], "Menge", "Qty"]),
    rejection="DUPLICATE_COLUMNS",
    reason_contains=["stock_quantity", "Qty", "Menge"],
)
add(
    "missing-column-nearest-named.csv",
    table(TWO, ["vendor_product_id", "product_name", "category", "sku", "prise", "stock_quantity"]),
    rejection="MISSING_COLUMNS",
    reason_contains=["Missing required columns: price", "'prise'"],
)
add("no-header.csv", ",".join(values(1)) + "\n" + ",".join(values(2)) + "\n", rejection="MISSING_COLUMNS")
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
    errors={"1": ["FIELD_COUNT_MISMATCH"]},
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
    "too-many-columns.csv",
    table([values(1)], [*REQUIRED, *(f"c{n}" for n in range(1000))]),
    rejection="TOO_MANY_COLUMNS",
)
add("header-only.csv", HEAD + "\r\n", rejection="NO_ROWS")
add("empty.csv", b"", rejection="EMPTY_FILE")
add("byte-order-mark-only.csv", b"\xef\xbb\xbf", rejection="EMPTY_FILE")
add("white-space.csv", b" \r\n\t\r\n\r\n", rejection="EMPTY_FILE")
add("commas-only.csv", b",,,\r\n,,,\r\n", rejection="EMPTY_FILE")

# -- Numbers -----------------------------------------------------------------------------------------------------------


def price_table(*prices: str, delimiter: str = ",") -> str:
    """Return a table whose rows differ in price."""
    return table([values(n, price=price) for n, price in enumerate(prices, 1)], delimiter=delimiter)


add(
    "decimal-comma.csv",
    price_table("19,99", "5", "0,50", delimiter=";"),
    rows=3,
    detected={"decimal_commas": ["price"]},
    cells={"1": {"price": "19.99"}, "2": {"price": "5"}, "3": {"price": "0.50"}},
)
add("decimal-comma-quoted.csv", price_table("19,99", "20,00"), rows=2, cells={"1": {"price": "19.99"}})
add(
    "decimal-comma-and-point.csv",
    price_table("19,99", "19.99"),
    rows=2,
    errors={"1": ["INVALID_PRICE"]},
    warnings=["MIXED_DECIMALS"],
    cells={"1": {"price": "19,99"}},
    detected={"decimal_commas": []},
)
add(
    "comma-unclear.csv",
    price_table("1,234", "25"),
    rows=2,
    errors={"1": ["INVALID_PRICE"]},
    warnings=["UNCLEAR_COMMAS"],
    cells={"1": {"price": "1,234"}},
)
add(
    "comma-unclear-among-decimals.csv",
    price_table("1,234", "2,50"),
    rows=2,
    errors={"1": ["INVALID_PRICE"]},
    cells={"1": {"price": "1,234"}, "2": {"price": "2.50"}},
)
add(
    "thousands-commas.csv",
    price_table("1,234.50", "12.00"),
    rows=2,
    errors={"1": ["INVALID_PRICE"]},
    cells={"1": {"price": "1,234.50"}},
)
add(
    "dressed-numbers.csv",
    price_table("$19.99", "19.99 EUR", "1e3", "1_000", "٣٤", "NaN", "-5", "+5", "19.999"),
    rows=9,
    errors={str(n): ["PLACEHOLDER_VALUE" if n == 6 else "INVALID_PRICE"] for n in range(1, 10)},
)
add(
    "quantities-with-decimals.csv",
    table([values(1, stock_quantity="2,3"), values(2, stock_quantity="2.0"), values(3, stock_quantity="1,000")]),
    rows=3,
    errors={str(n): ["INVALID_STOCK_QUANTITY"] for n in (1, 3)},
    cells={"2": {"stock_quantity": "2"}},
)

# -- Damage by spreadsheets --------------------------------------------------------------------------------------------

add(
    "identifiers-unchanged.csv",
    table(
        [
            values(1, sku="90.750", vendor_product_id="00123"),
            values(2, sku="1E5", vendor_product_id="12-2024"),
            values(3, sku="3-MAR", vendor_product_id="TRUE-1"),
            values(4, sku="S-", vendor_product_id="#4"),
        ]
    ),
    rows=4,
    warnings=["LOOKS_COMMENTED"],
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
add("leading-zeros.csv", table([values(n, sku=sku) for n, sku in enumerate(("00123", "04567", "12345"), 1)]), rows=3)
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

# -- Quotes, skipped lines, header names, decimal commas ---------------------------------------------------------------


def lines(*parts: str, end: str = "\r\n") -> str:
    """Return text of lines."""
    return "".join(part + end for part in parts)


def row(n: int, **changes: str) -> str:
    """Return a CSV line of the required columns, without quotes."""
    return ",".join(values(n, **{"category": "Kitchen", **changes}))


add(
    "balanced-stray-quotes.csv",
    lines(HEAD, row(1), 'P-2,"Retro mug,Kitchen,S-2,2.50,2', 'P-3,Pipe 5",Kitchen,S-3,3.50,3', row(4)),
    rejection="UNREADABLE_CSV",
    reason_contains=["begins in line 3", "to line 4", "whole rows"],
)
add(
    "balanced-stray-quotes-far-apart.csv",
    lines(HEAD, row(1), 'P-2,"Mug,Kitchen,S-2,2.50,2', *map(row, range(3, 8)), 'P-8,Mug,Kitchen,S-8",8.50,8', row(9)),
    rejection="UNREADABLE_CSV",
    reason_contains=["begins in line 3", "to line 9"],
)
add(
    "balanced-stray-quotes-semicolon.csv",
    lines(HEAD, row(1), 'P-2,"Mug,Kitchen,S-2,2.50,2', 'P-3,Pipe 5",Kitchen,S-3,3.50,3').replace(",", ";"),
    rejection="UNREADABLE_CSV",
    reason_contains=["begins in line 3"],
)
add(
    "ditto-marks.csv",
    lines(f"{HEAD},brand", f"{row(1)},Acme", f'{row(2)},"', f'{row(3)},"', f"{row(4)},Other"),
    rejection="UNREADABLE_CSV",
    reason_contains=["begins in line 3", "to line 4"],
)
add(
    "descriptions-like-rows.csv",
    table(
        [
            [*values(1), "Soft, warm, light,\nblue, washable, and more\n\nmade in one piece"],
            [*values(2), "1 kg, 2 pieces, 3 colours\nand, so, on, and, so, forth, and, more"],
        ],
        [*REQUIRED, "description"],
    ),
    rows=2,
    lines=[2, 3],
    cells={"1": {"description": "Soft, warm, light,\nblue, washable, and more\n\nmade in one piece"}},
)
add(
    "comma-into-column-without-name.csv",
    lines(f"{HEAD},description,,", f"{row(1)},Blue mug, large,", f"{row(2)},Plain,,"),
    rows=2,
    errors={"1": ["FIELD_COUNT_MISMATCH"]},
    warnings=["UNNAMED_COLUMN"],
    warnings_contain=["row 2"],
)
add(
    "comma-into-column-without-name-between.csv",
    lines(
        "vendor_product_id,product_name,,category,sku,price,stock_quantity",
        "P-1,Mug, large,Kitchen,S-1,1.50,1",
        "P-2,Mug,,Kitchen,S-2,2.50,2",
    ),
    rows=2,
    errors={"1": ["FIELD_COUNT_MISMATCH"]},
    warnings=["UNNAMED_COLUMN"],
)
add(
    "column-without-name-in-every-row.csv",
    lines(f"{HEAD},", *(f"{row(n)},shelf {n}" for n in range(1, 12)), f"{row(12)},"),
    rows=12,
    warnings=["UNNAMED_COLUMN"],
)
add(
    "excel-dropped-delimiters.csv",
    lines(f"{HEAD},brand,subcategory", *(f"{row(n)},," for n in range(1, 17)), *map(row, range(17, 20))),
    rows=19,
    warnings=["SHORT_ROWS"],
    warnings_contain=["rows 18, 19, 20"],
)
add(
    "short-rows.csv",
    lines(f"{HEAD},brand,weight_kg", f"{row(1)},Acme,1", f"{row(2)},Acme", row(3), "P-4,Mug,Kitchen,S-4,1.50"),
    rows=4,
    errors={"4": ["FIELD_COUNT_MISMATCH"]},
    warnings=["SHORT_ROWS"],
    cells={"2": {"brand": "Acme", "weight_kg": None}},
)
add(
    "rows-quoted-whole.csv",
    lines(HEAD, row(1), '"P-2,""Mug, blue"",Kitchen,S-2,2.50,2"', '"P-3,""Cup 5"""" high"",Kitchen,S-3,3.50,3"'),
    rejection="QUOTED_LINES",
    reason_contains=["Lines 3, 4"],
)
add(
    "rows-quoted-whole-in-a-table.csv",
    lines(HEAD, f'"{row(1)}",,,,,'),
    rejection="QUOTED_LINES",
    reason_contains=["Line 2"],
)
add(
    "space-after-quote.csv",
    lines(HEAD, '"P-1" , "Mug, blue" , "Kitchen" , "S-1" , 1.50 , 1', '"P-2"\t,"Mug ""2""" ,Kitchen,S-2,2.50,2'),
    rows=2,
    cells={"1": {"product_name": "Mug, blue", "sku": "S-1"}, "2": {"product_name": 'Mug "2"'}},
)
add(
    "space-on-both-sides-of-quotes.csv",
    lines(HEAD, 'P-1 , "Mug, blue" , "Kitchen" , S-1 , 1.50 , 1'),
    rows=1,
    cells={"1": {"product_name": "Mug, blue"}},
)
add(
    "lines-of-blanks.csv",
    lines(HEAD, row(1), "   ", "\t", " , , , , , ", '"","",""', row(2), end="\n"),
    rows=2,
    lines=[2, 7],
)
add(
    "header-repeated.csv",
    lines(HEAD, row(1), HEAD, row(2), HEAD.upper(), row(3)),
    rows=3,
    lines=[2, 4, 6],
    warnings=["REPEATED_HEADER"],
    warnings_contain=["Lines 3, 5"],
)
add(
    "pages-with-titles.csv",
    lines(HEAD, row(1), "Page 2 of 2", HEAD, row(2)),
    rows=2,
    warnings=["NOT_PRODUCTS", "REPEATED_HEADER"],
    warnings_contain=["Line 3", "Line 4"],
)
add(
    "two-tables.csv",
    lines(HEAD, row(1), "sku,vendor_product_id,product_name,price,stock_quantity", "S-2,P-2,Mug,2.50,2"),
    rejection="SECOND_HEADER",
    reason_contains=["Line 3"],
)
add(
    "two-tables-the-second-wider.csv",
    lines(HEAD, row(1), f"{HEAD},brand,unit", f"{row(2)},Acme,piece"),
    rejection="SECOND_HEADER",
    reason_contains=["Line 3"],
)
add(
    "header-sorted-into-rows.csv",
    lines(row(1), row(2), HEAD, row(3)),
    rejection="ROWS_ABOVE_HEADER",
    reason_contains=["lines 1-2"],
)
add(
    "three-header-lines.csv",
    lines(
        "TemplateType=fptcustom\tVersion=2021.1\tThe top 3 rows are for use by us only\t\t\t\t",
        "Seller SKU\tProduct ID\tProduct Name\tBrand\tPrice\tQuantity\tCategory",
        "item_sku\tseller_product_id\titem_name\tbrand_name\tstandard_price\tquantity\tcategory",
        "S-1\tP-1\tMug\tAcme\t1.50\t1\tKitchen",
        end="\n",
    ),
    rows=1,
    lines=[4],
    warnings=["LINES_ABOVE_HEADER", "REPEATED_HEADER"],
    warnings_contain=["Line 3"],
)
add(
    "amazon-three-header-lines.csv",
    lines(
        "TemplateType=fptcustomcustom\tVersion=2021.0703\tThe top 3 rows are for Amazon.com use only\t\t\t\t\t\t",
        "Product Type\tSeller SKU\tProduct ID\tProduct ID Type\tProduct Name\tMain Image URL\tQuantity\tYour price\t"
        "Category",
        "feed_product_type\titem_sku\texternal_product_id\texternal_product_id_type\titem_name\tmain_image_url\t"
        "quantity\t"
        "standard_price\tcategory",
        "mug\tMUG-1\t4006381333931\tEAN\tMug\thttps://a.example/1.jpg\t3\t12.50\tKitchen",
        end="\n",
    ),
    rows=1,
    lines=[4],
    warnings=["LINES_ABOVE_HEADER", "UNKNOWN_COLUMN", "UNKNOWN_COLUMN", "REPEATED_HEADER"],
)
add(
    "instructions-below-header.csv",
    lines(
        HEAD,
        "Mandatory,Mandatory,Mandatory,Mandatory,Mandatory,Optional",
        "Your own id,,,,Price must be between 1 and 1000,",
        row(1),
        'P-2,Mug,Kitchen,S-2,"ask us for it, please",2',
    ),
    rows=2,
    lines=[4, 5],
    errors={"2": ["INVALID_PRICE"]},
    warnings=["REPEATED_HEADER"],
    warnings_contain=["Lines 2-3"],
)
add(
    "footers.csv",
    lines(HEAD, row(1), row(2), "Total,,,,4.00,3", "", "(2 rows)", "Exported 2024-03-01, by ERP"),
    rows=2,
    warnings=["NOT_PRODUCTS"],
    warnings_contain=["Lines 4, 6-7", "'Total', '(2 rows)'"],
)
add(
    "cut-short.csv",
    lines(HEAD, row(1), "P-2,Artic"),
    rows=2,
    errors={"2": ["FIELD_COUNT_MISMATCH"]},
)
add("total-is-a-product.csv", lines(HEAD, row(1, product_name="Total"), row(2, product_name="Total commander")), rows=2)
add("ctrl-z-and-line-end.csv", lines(HEAD, row(1)).encode() + b"\x1a\r\n\0\0\r\n", rows=1)
add(
    "columns-that-pandas-named.csv",
    lines(
        f"Unnamed: 0,{HEAD},description,Unnamed: 8",
        f"0,{row(1)},good,",
        f"1,{row(2)},good, and cheap",
        f"2,{row(3)},good,",
    ),
    rows=3,
    errors={"2": ["FIELD_COUNT_MISMATCH"]},
    warnings=["UNKNOWN_COLUMN", "UNKNOWN_COLUMN", "UNNAMED_COLUMN"],
)
add(
    "rows-in-single-quotes.csv",
    lines(HEAD, *(",".join(f"'{value}'" for value in row(n).split(",")) for n in (1, 2))),
    rejection="UNREADABLE_CSV",
    reason_contains=["'…'"],
)
add(
    "ditto-marks-as-values.csv",
    table(
        [[*values(n), brand] for n, brand in enumerate(("Acme", '"', "\u3003", '""'), 1)],
        [*REQUIRED, "brand"],
    ),
    rows=4,
    warnings=["PLACEHOLDER_VALUE"],
    cells={"1": {"brand": "Acme"}, "2": {"brand": None}, "3": {"brand": None}, "4": {"brand": None}},
)
add(
    "decimal-comma-unquoted-into-description.csv",
    lines(
        f"{HEAD},description",
        "P-1,Mug,Kitchen,S-1,19,99,5,",
        "P-2,Mug,Kitchen,S-2,24,50,7,",
        "P-3,Mug,Kitchen,S-3,30,7,",
    ),
    rows=3,
    errors={"1": ["FIELD_COUNT_MISMATCH"], "2": ["FIELD_COUNT_MISMATCH"]},
    cells={"3": {"price": "30", "stock_quantity": "7"}},
)
add(
    "zeros-dragged-down.csv",
    lines(HEAD, *map(row, range(1, 4)), *[",,,,0,0"] * 195),
    rows=3,
    warnings=["NOT_PRODUCTS"],
    warnings_contain=["Lines 5-199"],
)
add(
    "defaults-dragged-down.csv",
    lines(f"{HEAD},unit", f"{row(1)},piece", *[",,Kitchen,,0.00,#N/A,piece"] * 20),
    rows=1,
    warnings=["NOT_PRODUCTS"],
)
add(
    "psql-table.csv",
    lines(
        " " + HEAD.replace(",", " | "),
        "+".join(["-------------------"] * 6),
        *(" " + row(n).replace(",", " | ") for n in (1, 2)),
        "(2 rows)",
        end="\n",
    ),
    rows=2,
    lines=[3, 4],
    warnings=["NOT_PRODUCTS"],
    detected={"delimiter": "pipe"},
)
add(
    "markdown-table.csv",
    lines(*(f"| {line.replace(',', ' | ')} |" for line in (HEAD, "---,---,---,---,---,---", row(1)))),
    rows=1,
    lines=[3],
    warnings=["NOT_PRODUCTS"],
)
add(
    "header-at-line-26.csv",
    lines(*(f"Terms of delivery, paragraph {n}" for n in range(1, 26)), HEAD, row(1)),
    rejection="MISSING_COLUMNS",
    reason_contains=["no header line was found in the first 20 lines", "line 26"],
)
add(
    "caret.csv",
    lines(HEAD, row(1)).replace(",", "^"),
    rejection="UNKNOWN_DELIMITER",
    reason_contains=["separated by '^'"],
)
add(
    "tilde.csv",
    lines(HEAD, row(1)).replace(",", "~"),
    rejection="UNKNOWN_DELIMITER",
    reason_contains=["separated by '~'"],
)
add(
    "unit-separator.csv",
    lines(HEAD, row(1)).replace(",", "\x1f"),
    rejection="UNKNOWN_DELIMITER",
    reason_contains=["U+001F"],
)
add(
    "fixed-width.csv",
    lines(*("".join(f"{value:20}" for value in line.split(",")).rstrip() for line in (HEAD, row(1), row(2)))),
    rejection="UNKNOWN_DELIMITER",
    reason_contains=["fixed width"],
)
add(
    "mixed-delimiters.csv",
    lines(HEAD.replace(",", ";"), row(1).replace(",", ";"), row(2), row(3).replace(",", ";")),
    rejection="AMBIGUOUS_DELIMITER",
    reason_contains=["a semicolon between its names", "line 3 has a comma"],
)
add(
    "mixed-delimiters-with-decimals.csv",
    lines(HEAD, row(1), "P-2;Mug;Kitchen;S-2;2,50;2"),
    rejection="AMBIGUOUS_DELIMITER",
    reason_contains=["line 3 has a semicolon"],
)
add(
    "tabs-and-spaces.csv",
    lines(HEAD.replace(",", "\t"), row(1).replace(",", "    ")),
    rejection="AMBIGUOUS_DELIMITER",
    reason_contains=["a tab between its names", "line 2 has several spaces"],
)
add(
    "single-quotes.csv",
    lines(*(",".join(f"'{value}'" for value in line.split(",")) for line in (HEAD, row(1)))),
    rejection="UNREADABLE_CSV",
    reason_contains=["'…'"],
)
add(
    "typographic-quotes.csv",
    lines(*(",".join(f"“{value}”" for value in line.split(",")) for line in (HEAD, row(1)))),
    rejection="UNREADABLE_CSV",
    reason_contains=["“…”"],
)
add(
    "commented-lines.csv",
    lines("# export of our shop", HEAD, row(1), "# discontinued, for now:", f"#{row(2)}", row(3)),
    rows=2,
    lines=[3, 6],
    warnings=["LINES_ABOVE_HEADER", "COMMENTED_LINES"],
    warnings_contain=["Lines 4-5"],
)
add(
    "row-with-hash.csv",
    lines(HEAD, row(1), f"#{row(2)}", row(3)),
    rows=3,
    warnings=["LOOKS_COMMENTED"],
    warnings_contain=["Line 3"],
    cells={"2": {"vendor_product_id": "#P-2"}},
)
add(
    "commented-lines-with-slashes.csv",
    lines(HEAD, "// discontinued", f"//{row(1)}", f"-- {row(2)}", row(3)),
    rows=1,
    lines=[5],
    warnings=["COMMENTED_LINES"],
    warnings_contain=["Lines 2-4"],
)
add("identifiers-with-hash.csv", lines(HEAD, *(f"#{row(n)}" for n in (1, 2, 3))), rows=3)
add(
    "shopify-variants.csv",
    lines(
        "Product ID,Handle,Title,Product Category,Variant SKU,Variant Price,Variant Inventory Qty,Image Src",
        "811,mug,Mug,Kitchen,MUG-S,12.50,7,https://cdn.example.com/1.jpg",
        "812,mug,,,MUG-L,14.50,3,",
        ",mug,,,,,,https://cdn.example.com/2.jpg",
    ),
    rows=3,
    errors={"2": ["MISSING_REQUIRED_FIELDS"], "3": ["MISSING_REQUIRED_FIELDS"]},
    warnings=["UNKNOWN_COLUMN", "SHOPIFY_VARIANTS", "SHOPIFY_PICTURES"],
    warnings_contain=["row 3 is an additional variant", "row 4 has a picture"],
)
add(
    "odoo-list-and-standard-price.csv",
    lines("product_id,name,category,sku,list_price,standard_price,quantity", "P-1,Mug,Kitchen,S-1,24.90,11.30,5"),
    rejection="AMBIGUOUS_COLUMNS",
    reason_contains=["'standard_price'", "'list_price'"],
)
add(
    "two-currencies-in-header.csv",
    lines(HEAD.replace("price", "Price (EUR)") + ",Compare at price [USD]", f"{row(1)},2"),
    rejection="AMBIGUOUS_COLUMNS",
    reason_contains=["'Price (EUR)'", "'Compare at price [USD]'"],
)
add(
    "stock-number-sign.csv",
    lines("Item ID,Product Name,Category,SKU,Price,Stock #", row(1)),
    rejection="MISSING_COLUMNS",
    reason_contains=["Missing required columns: stock_quantity; the header line has"],
)
add(
    "signs-in-header.csv",
    lines(f"{HEAD},Unit $,Category #,Price %,Brand №", f"{row(1)},1.50,12,20,4"),
    rows=1,
    warnings=["UNKNOWN_COLUMN"] * 4,
)
add(
    "price-percent.csv",
    lines("Item ID,Product Name,Category,SKU,Price %,Price $,Qty", "P-1,Mug,Kitchen,S-1,20,15.00,3"),
    rejection="MISSING_COLUMNS",
    reason_contains=["Missing required columns: price"],
)
add(
    "own-names-and-synonyms.csv",
    lines(f"{HEAD},Title,Reference", f"{row(1)},Mug,x"),
    rows=1,
    warnings=["UNKNOWN_COLUMN"] * 2,
    warnings_contain=["'Title' was not read, because the header also has 'product_name'"],
    cells={"1": {"product_name": "Article 1", "sku": "S-1"}},
)
add(
    "false-friend-nombre.csv",
    lines("Identifiant produit,Nombre,Catégorie,Référence,Prix,Stock", "1,12,Kitchen,TH-1,19.90,4"),
    rejection="MISSING_COLUMNS",
    reason_contains=["product_name", "'Nombre'"],
)
add("nombre-in-spanish.csv", lines("ID producto,Nombre,Categoría,SKU,Precio,Existencias", row(1)), rows=1)
add(
    "false-friend-year.csv",
    lines("Produkt-ID,Produktnamn,Kategori,Artikelnummer,År,Lagersaldo", "1,Mugg,Kitchen,S-1,2024,4"),
    rejection="MISSING_COLUMNS",
    reason_contains=["Missing required columns: price"],
)
for language, header in {
    "italian": "Codice prodotto,Nome prodotto,Categoria,Codice articolo,Prezzo,Quantità",
    "polish": "ID produktu,Nazwa,Kategoria,SKU,Cena,Ilość",
    "dutch": "Product-ID,Productnaam,Categorie,Artikelnummer,Prijs,Voorraad",
    "swedish": "Produkt-ID,Produktnamn,Kategori,Artikelnummer,Pris,Lagersaldo",
    "danish": "Produkt-ID,Varenavn,Kategori,Varenummer,Pris,Lagerbeholdning",
    "norwegian": "Produkt-ID,Varenavn,Kategori,Varenummer,Pris,Antall",
    "finnish": "Tuotetunnus,Tuotenimi,Kategoria,Tuotenumero,Hinta,Varastosaldo",
    "portuguese": "ID do produto,Nome,Categoria,Código SKU,Preço (R$),Estoque",
    "czech": "ID produktu,Název,Kategorie,Katalogové číslo,Cena,Množství",
    "hungarian": "Termékazonosító,Megnevezés,Kategória,Cikkszám,Ár,Készlet",
    "turkish": "Ürün ID,ÜRÜN ADI,Kategori,Stok Kodu,Fiyat,Stok Adedi",
    "romanian": "ID produs,Denumire,Categorie,SKU,Preț,Stoc",
}.items():
    add(
        f"header-{language}.csv",
        lines(header, row(1)),
        rows=1,
        cells={"1": dict(zip(REQUIRED, row(1).split(","), strict=True))},
    )
add(
    "header-units.csv",
    lines(
        "vendor_product_id,product_name,category,sku,Price (EUR),Stock (pcs),Weight (kg),Dimensions [cm]",
        f"{row(1)},1,9x9",
    ),
    rows=1,
    cells={"1": {"price": "1.50", "stock_quantity": "1", "weight_kg": "1", "dimensions_cm": "9x9"}},
)
add(
    "header-other-units.csv",
    lines(f"{HEAD},Weight (g),Dimensions [mm],Price (cents),Stock (kg),Stock unit", f"{row(1)},250,90x90,150,3,4"),
    rows=1,
    warnings=["UNKNOWN_COLUMN"] * 5,
)
add(
    "nearest-names-once.csv",
    lines("vendor_product_id,product_name,category,articl_no,prise,quantit", row(1)),
    rejection="MISSING_COLUMNS",
    reason_contains=["the nearest names: 'articl_no' for sku, 'prise' for price, 'quantit' for stock_quantity;"],
)
add(
    "equals-and-quotes.csv",
    lines(*(",".join(f'="{value}"' for value in line.split(",")) for line in (HEAD, row(1)))),
    rows=1,
    cells={"1": {"vendor_product_id": "P-1", "price": "1.50", "stock_quantity": "1"}},
)
add(
    "weight-point-in-comma-file.csv",
    lines(f"{HEAD},weight_kg".replace(",", ";"), "P-1;Mug;Kitchen;S-1;19,90;1;1.250", "P-2;Mug;Kitchen;S-2;5,50;2;0"),
    rows=2,
    errors={"1": ["INVALID_WEIGHT"]},
    detected={"decimal_commas": ["price"]},
    cells={"1": {"price": "19.90", "weight_kg": "1.250"}},
)
add(
    "weight-comma-in-comma-file.csv",
    lines(f"{HEAD},weight_kg".replace(",", ";"), "P-1;Mug;Kitchen;S-1;19,90;1;1,250"),
    rows=1,
    detected={"decimal_commas": ["price", "weight_kg"]},
    cells={"1": {"weight_kg": "1.250"}},
)
add(
    "decimal-comma-among-whole-numbers.csv",
    price_table("19,99", "24", "5"),
    rows=3,
    detected={"decimal_commas": ["price"]},
)
add(
    "decimal-comma-and-thousands-commas.csv",
    price_table("19,99", "1,234,567"),
    rows=2,
    errors={"1": ["INVALID_PRICE"], "2": ["INVALID_PRICE"]},
    warnings=["MIXED_DECIMALS"],
    warnings_contain=["a decimal comma in row 2, and commas as thousands separators in row 3"],
)
add(
    "decimal-comma-unquoted.csv",
    lines(f"{HEAD},weight_kg,brand", f"{row(1)},0,5", f"{row(2)},1,25,Acme", f"{row(3)},1.5,Acme", end="\n"),
    rows=3,
    errors={"1": ["FIELD_COUNT_MISMATCH"], "2": ["FIELD_COUNT_MISMATCH"]},
)
add(
    "decimal-comma-unquoted-blank-at-end.csv",
    lines(
        f"{HEAD},weight_kg,brand", "P-1,Mug,Kitchen,S-1,19,90,5,,", f"{row(2)},1.5,Acme", f"{row(3)},1.5,Acme", end="\n"
    ),
    rows=3,
    errors={"1": ["FIELD_COUNT_MISMATCH"]},
)
add(
    "decimal-comma-unquoted-short.csv",
    lines(
        f"{HEAD},weight_kg,brand",
        "P-1,Mug,Kitchen,S-1,19,90,5",
        "P-2,Mug,Kitchen,S-2,20,50,2,1.5,Acme",
        row(3),
        end="\n",
    ),
    rows=3,
    errors={"1": ["FIELD_COUNT_MISMATCH"], "2": ["FIELD_COUNT_MISMATCH"]},
    warnings=["SHORT_ROWS"],
    warnings_contain=["row 4 end"],
)


# -- Other file types --------------------------------------------------------------------------------------------------

add(
    "web-page.csv",
    "\r\n<html><body><table><tr><td>sku</td></tr></table></body></html>",
    rejection="NOT_A_TABLE",
    reason_contains=["HTML"],
)
add("xml.csv", '<?xml version="1.0"?><products/>', rejection="NOT_A_TABLE", reason_contains=["XML"])
add(
    "json.csv",
    json.dumps([dict(zip(REQUIRED, values(1), strict=True))]),
    rejection="NOT_A_TABLE",
    reason_contains=["JSON"],
)
add("document.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", rejection="NOT_A_TABLE", reason_contains=["PDF"])
add("image.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", rejection="NOT_A_TABLE", reason_contains=["image"])
add("compressed.csv", gzip.compress(CAFE.encode(), mtime=0), rejection="NOT_A_TABLE", reason_contains=["gzip"])
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
add("old-excel.csv", OLE + "Workbook".encode("utf-16-le") + bytes(100), rejection="OLD_EXCEL", reason_contains=[".xls"])
add(
    "password.xlsx",
    OLE + "EncryptedPackage".encode("utf-16-le") + bytes(100),
    rejection="ENCRYPTED_WORKBOOK",
    reason_contains=["password"],
)

# -- Values changed by programs and people -----------------------------------------------------------------------------


def column(name: str, *texts: str, **others: str) -> str:
    """Return a table whose rows have the values of one column; `others` are the same in all rows."""
    rows = [[*values(n, **{name: value} if name in REQUIRED else {}, **others)] for n, value in enumerate(texts, 1)]
    if name in REQUIRED:
        return table(rows)
    return table([[*row, value] for row, value in zip(rows, texts, strict=True)], [*REQUIRED, name])


def all_rows(error: str, count: int, *, but: Sequence[int] = ()) -> dict[str, list[str]]:
    """Return expected errors: the same error in all rows except `but`."""
    return {str(n): [error] for n in range(1, count + 1) if n not in but}


SHORTENED = [
    "4.00638e+12", "4.006381e12", "4.00638E12", "4,00638e+12", "4.00638E+12 ", "4E+12", "1.23457E+11", "400638E+7",
    "+4.00638E+12", ".4E+13", "4.00638E+012", "4.00638 E+12", "4.00638x10^12", "4,00638\u00d710\u00b9\u00b2",
]  # fmt: skip
add(
    "identifiers-shortened.csv",
    column("sku", *SHORTENED),
    rows=len(SHORTENED),
    errors=all_rows("DAMAGED_IDENTIFIER", len(SHORTENED)),
)
add(
    "identifiers-with-decimals.csv",
    table([values(n, vendor_product_id=f"{12344 + n}.0", sku=f"{67889 + n}.0") for n in (1, 2, 3)]),
    rows=3,
    errors={str(n): ["DAMAGED_IDENTIFIER"] * 2 for n in (1, 2, 3)},
    hints={"1": ["Did you mean '12345'?", "Did you mean '67890'?"]},
)
add(
    "identifiers-with-decimals-and-names.csv",
    column("sku", "12345,00", "A-1", "67890,00"),
    rows=3,
    errors={"1": ["DAMAGED_IDENTIFIER"], "3": ["DAMAGED_IDENTIFIER"]},
)
add(
    "identifiers-with-thousands-and-decimals.csv",
    column("sku", "12,345.00", "A-1", "987.00", "4,006,381,333,931.00", "1 234,00"),
    rows=5,
    errors={n: ["DAMAGED_IDENTIFIER"] for n in "1345"},
    hints={"1": ["Did you mean '12345'?"], "4": ["Did you mean '4006381333931'?"]},
)
add(
    "identifiers-with-thousands.csv",
    column("sku", "12,345", "987", "1,234,567"),
    rows=3,
    errors={"1": ["DAMAGED_IDENTIFIER"], "3": ["DAMAGED_IDENTIFIER"]},
)
add("identifiers-with-a-comma.csv", column("sku", "12,345", "4006", "1,234,567"), rows=3)
add("identifiers-with-points.csv", column("sku", "12345.0", "12346.5", "90.750"), rows=3)
add(
    "identifiers-with-apostrophe.csv",
    table(
        [
            values(1, vendor_product_id="'4006381333931", sku="'00123"),
            values(2, vendor_product_id="'4006381333948", sku="'00124"),
            values(3, product_name="'Mug"),
            values(4, price="'4.50"),
            values(5, price="'19.99", stock_quantity="'5"),
        ]
    ),
    rows=5,
    errors={"4": ["INVALID_PRICE"], "5": ["INVALID_PRICE", "INVALID_STOCK_QUANTITY"]},
    hints={"4": ["Did you mean 4.50?"], "5": ["Did you mean 19.99?", "Did you mean 5?"]},
    warnings=["LEADING_APOSTROPHE"] * 3,
)
FAULTS = [
    "#ERROR!", "Err:502", "#N/D", "#RIF!", "#VALORE!", "#WAARDE!", "#VERW!", "#N/B", "#ARG!", "#ADR!", "Loading...",
    "#VALOR!", "#ODKAZ!", "#HODNOTA!", "#SAKNAS!", "#V\u00c4RDEFEL!", "#\u041d/\u0414",
    "#\u0421\u0421\u042b\u041b\u041a\u0410!", "#YOK", "#N/A N/A", "#EMPTY!", "#\u0418\u041c\u042f?",
    "Fehler:508", "Err\u00a0:504", "#N/A Requesting Data...", "#\u00c9RT\u00c9K!", "#PUUTTUU!", "Wird geladen\u2026",
]  # fmt: skip
add(
    "errors-of-formulas-in-other-languages.csv",
    column("brand", *FAULTS),
    rows=len(FAULTS),
    errors=all_rows("SPREADSHEET_ERROR", len(FAULTS)),
)
add(
    "identifiers-are-errors-of-formulas.csv",
    column("sku", *(fault for fault in FAULTS if fault.isprintable())),
    rows=len(FAULTS) - 1,
    errors=all_rows("DAMAGED_IDENTIFIER", len(FAULTS) - 1),
)
add(
    "numbers-are-errors-of-formulas.csv",
    table([values(1, price="#RIF!"), values(2, stock_quantity="Err:502")]),
    rows=2,
    errors={"1": ["INVALID_PRICE"], "2": ["INVALID_STOCK_QUANTITY"]},
    hints={"1": ["Fix the formula, or enter the number"]},
)
DATES = [
    "03/01/24", "3/1/24", "01.03.24", "1-gen", "1-mag", "1-mrt", "01-mai", "1/jan", "gen-24", "1.sty",
    "3\u67081\u65e5", "1-May-24", "00:30:00", "1/2/2024 0:00", "jan/24", "1. tammi", "2024\u5e743\u67081\u65e5",
    "1-\u044f\u043d\u0432", "Mar 1, 2024", "3/1/2024 12:30 PM", "2024.03.01.", "2024\u5e743\u6708",
    "00-Jan", "sept-24",
]  # fmt: skip
add(
    "identifiers-are-dates.csv",
    column("sku", *DATES),
    rows=len(DATES),
    errors=all_rows("DAMAGED_IDENTIFIER", len(DATES)),
)
add(
    "identifiers-may-be-dates.csv",
    column("sku", "24-03-01", "45352", "set-24", "A-1"),
    rows=4,
    warnings=["POSSIBLE_DATE"],
)
add(
    "identifiers-may-be-dates-among-dates.csv",
    column("sku", "24-03-01", "45352", "set-24", "A-1", "3-Mar"),
    rows=5,
    errors={"1": ["DAMAGED_IDENTIFIER"], "3": ["DAMAGED_IDENTIFIER"], "5": ["DAMAGED_IDENTIFIER"]},
    warnings=["POSSIBLE_DATE"],
)
add("identifiers-like-dates.csv", column("sku", "01.03.24", "10.45.15", "12.99.07"), rows=3)
PRICES = ["12. Mai", "Jan 99", "01.05.2024", "2024-05-12", "1-May", "05/12/24"]
add(
    "prices-are-dates.csv",
    price_table(*PRICES, delimiter=";"),
    rows=6,
    errors=all_rows("INVALID_PRICE", 6),
    hints={str(n): ["Format the column as text, then enter the number"] for n in range(1, 7)},
)
SIZES = [
    "10.12.2004", "12. Okt", "2004-10-12", "10/12/2004", "Oct-12", "10-Dec", "12\u00d78\u00d74", "12 x 8 x 4 inch",
    "Dec-10", "43385", "10/12/20", "12x8x4", "30-dic", "8.4", "12/8/40",
]  # fmt: skip
add(
    "dimensions-are-dates.csv",
    column("dimensions_cm", *SIZES),
    rows=len(SIZES),
    errors={str(n): ["SPREADSHEET_DATE"] for n in (1, 2, 3, 4, 5, 6, 9, 13)},
    warnings=["POSSIBLE_DATE"],
)
add("brands-are-dates.csv", column("brand", "1-Mar", "Acme", "2024-03-01"), rows=3, warnings=["POSSIBLE_DATE"])
add(
    "placeholders.csv",
    table(
        [
            [*values(1, sku="NULL"), "NULL", "N/A"],
            [*values(2, product_name="None", sku="N/A"), "n/a", "-"],
            [*values(3, vendor_product_id="nan", product_name="nan"), "None", "null"],
            [*values(4, product_name="NULL", sku="-"), "--", "TBD"],
            [*values(5, vendor_product_id="null", sku="null"), "undefined", "[object Object]"],
            [*values(6, price="NULL", stock_quantity="NULL"), "", ""],
            [*values(7, category="\u2014"), "Acme", "No placeholder: N/A"],
        ],
        [*REQUIRED, "brand", "description"],
    ),
    rows=7,
    errors={
        "1": ["PLACEHOLDER_VALUE"],
        "2": ["PLACEHOLDER_VALUE"] * 2,
        "3": ["PLACEHOLDER_VALUE"] * 2,
        "4": ["PLACEHOLDER_VALUE"] * 2,
        "5": ["PLACEHOLDER_VALUE"] * 2,
        "6": ["PLACEHOLDER_VALUE"] * 2,
        "7": ["PLACEHOLDER_VALUE"],
    },
    warnings=["PLACEHOLDER_VALUE"] * 2,
    cells={"1": {"brand": None}, "7": {"brand": "Acme", "description": "No placeholder: N/A"}},
)
add(
    "placeholders-of-mysql.csv",
    table(
        [[*values(1), r"\N", r"\N", r"\N"], [*values(2), "Acme", r"\N", "0.5"]],
        [*REQUIRED, "brand", "image_url", "weight_kg"],
        delimiter="\t",
    ),
    rows=2,
    warnings=["PLACEHOLDER_VALUE"] * 3,
    cells={"1": {"brand": None, "image_url": None, "weight_kg": None}, "2": {"brand": "Acme", "weight_kg": "0.5"}},
)
add(
    "identifiers-composed.csv",
    column("sku", "CAF\u00c9-1", "CAFE\u0301-1", "A\u030a", "\u212b"),
    rows=4,
    errors={"2": ["DUPLICATE_SKU"], "4": ["DUPLICATE_SKU"]},
    cells={"2": {"sku": "CAF\u00c9-1"}, "3": {"sku": "\u00c5"}},
)
add(
    "descriptions-as-written.csv",
    column("description", "Cafe\u0301", "\u212b", "\u2764\ufe0f"),
    rows=3,
    cells={"1": {"description": "Cafe\u0301"}, "2": {"description": "\u212b"}, "3": {"description": "\u2764\ufe0f"}},
)
INVISIBLE = ["A-1\ufe0f", "A\u034f-1", "A-1\u3164", "A-1\u2800", "A\u2060-1", "A-1\U000e0101", "A-1\u115f", "A-1\u180b"]
add(
    "identifiers-with-invisible-characters.csv",
    column("sku", "A-1", *INVISIBLE),
    rows=len(INVISIBLE) + 1,
    errors=all_rows("INVALID_CHARACTER", len(INVISIBLE) + 1, but=[1]),
)
add(
    "identifiers-that-look-alike.csv",
    column("sku", "A-100", "\u0410-100", "B\u0435-2", "\uff21-3", "A\u20134", "\u041a\u043d\u0438\u0433\u0430-1"),
    rows=6,
    warnings=["SIMILAR_IDENTIFIERS", "LOOKALIKE_CHARACTERS"],
)
add(
    "identifiers-in-another-case.csv",
    table([values(1, sku="abc-1"), values(2, sku="ABC-1"), values(3, vendor_product_id="p-1")]),
    rows=3,
    warnings=["SIMILAR_IDENTIFIERS"] * 2,
)
add(
    "characters-without-meaning.csv",
    table(
        [
            [*values(1), "\uf0b7 Strong\n\uf0b7 Light"],
            [*values(2, product_name="Mug \u202egnp.exe"), "ok"],
            [*values(3, product_name="Mug \u2067x"), "ok"],
            [*values(4), "\U000f0001"],
            [*values(5), "\ufff9 \ufffe"],
            [*values(6), "\u05d0\u200f!"],
        ],
        [*REQUIRED, "description"],
    ),
    rows=6,
    errors=all_rows("INVALID_CHARACTER", 6, but=[6]),
)
GOOD_IMAGES = [
    "https://a.example", "HTTPS://A.EXAMPLE/1.JPG", "https://drive.google.com/file/d/abc/view",
    "https://cdn.example.com/w_1,h_2/a.jpg", "https://images.example.com/?url=https://a.example/1.jpg",
    "https://web.example.org/web/2020/https://a.example/1.jpg", "http://8.8.8.8/a.jpg",
    "https://a.example/x?a=1&b=2&copy=3", "https://m\u00fcller.example/gr\u00f6\u00dfe.jpg", "N/A",
]  # fmt: skip
add(
    "images.csv",
    column("image_url", *GOOD_IMAGES),
    rows=len(GOOD_IMAGES),
    warnings=["PLACEHOLDER_VALUE"],
    cells={"3": {"image_url": GOOD_IMAGES[2]}, "10": {"image_url": None}},
)
ONE_URL = "Enter one address, such as https://a.example/1.jpg"
DID_YOU_MEAN = "Did you mean 'https://a.example/1.jpg'?"
PUBLIC_URL = "Enter an address that everybody can open"
WEB_SERVER = "Put the image on a web server, and enter its address"
BAD_IMAGES = {
    "https://a.example/1.jpg,https://a.example/2.jpg": ONE_URL,
    "https://a.example/1.jpg, https://a.example/2.jpg": ONE_URL,
    "https://a.example/1.jpg|https://a.example/2.jpg": ONE_URL,
    "https://a.example/1.jpg;https://a.example/2.jpg": ONE_URL,
    "https://a.example/1.jpg https://a.example/2.jpg": ONE_URL,
    "https://a.example/1.jpg\nhttps://a.example/2.jpg": ONE_URL,
    "https://a.example/1.jpg, //a.example/2.jpg": ONE_URL,
    "https://a.example/1.jpg::https://a.example/2.jpg": "Enter one address",
    "https://a.example/1.jpg>https://a.example/2.jpg": ONE_URL,
    "https://a.example/1.jpghttps://a.example/2.jpg": "Enter one address",
    "https://a.example/1.jpg,": DID_YOU_MEAN,
    "https://a.example/1.jpg;": DID_YOU_MEAN,
    "//cdn.example.com/a.jpg": "Did you mean 'https://cdn.example.com/a.jpg'?",
    "www.example.com/a.jpg": "Did you mean 'https://www.example.com/a.jpg'?",
    "https://a.example/my pic.jpg": "Did you mean 'https://a.example/my%20pic.jpg'?",
    "https://https://a.example/1.jpg": DID_YOU_MEAN,
    "http:///a.jpg": "",
    "https://a": PUBLIC_URL,
    "https://localhost/1.jpg": PUBLIC_URL,
    "https://nas.local/1.jpg": PUBLIC_URL,
    "http://127.0.0.1:80/1.jpg": PUBLIC_URL,
    "http://10.0.0.1/1.jpg": PUBLIC_URL,
    "http://192.168.1.5/1.jpg": PUBLIC_URL,
    "http://[::1]/1.jpg": PUBLIC_URL,
    "http://2130706433/1.jpg": PUBLIC_URL,
    "https://169.254.169.254/latest": PUBLIC_URL,
    "https://user@a.example/1.jpg": PUBLIC_URL,
    "C:\\img\\1.jpg": WEB_SERVER,
    "file:///C:/img/1.jpg": WEB_SERVER,
    "mug.jpg": WEB_SERVER,
    "/img/1.jpg": WEB_SERVER,
    "data:image/png;base64,iVBORw0KGgo=": WEB_SERVER,
    "https://a.example/1.jpg&amp;w=100": "Did you mean 'https://a.example/1.jpg&w=100'?",
    '<img src="https://a.example/1.jpg">': DID_YOU_MEAN,
    '=IMAGE("https://a.example/1.jpg")': DID_YOU_MEAN,
    '["https://a.example/1.jpg"]': DID_YOU_MEAN,
    "htps://a.example/1.jpg": DID_YOU_MEAN,
    "https:/a.example/1.jpg": DID_YOU_MEAN,
    "https://a.example/1.jpg\u200b": DID_YOU_MEAN,
    "https://a.example/{sku}.jpg": "Replace the placeholder with its value",
    "https://a.example/%%.jpg": "",
    "https://exa_mple..com/1.jpg": "",
}
add(
    "images-wrong.csv",
    column("image_url", *BAD_IMAGES),
    rows=len(BAD_IMAGES),
    errors=all_rows("INVALID_IMAGE_URL", len(BAD_IMAGES)),
    hints={str(n): [hint] for n, hint in enumerate(BAD_IMAGES.values(), 1)},
)
add(
    "identifiers-end-in-zeros.csv",
    column("sku", "4006380000000", "4006381333931", "4006390000000", "4006400000000"),
    rows=4,
    warnings=["LOST_DIGITS"],
)
add(
    "identifiers-of-16-digits-end-in-zero.csv",
    column("sku", *(f"12345678901234{n}0" for n in range(4))),
    rows=4,
    warnings=["LOST_DIGITS"],
)
add("identifiers-of-16-digits-end-in-any.csv", column("sku", *(f"123456789012345{n}" for n in range(4))), rows=4)
add("identifiers-end-in-some-zeros.csv", column("sku", "4006381333900", "4006381300000", "4006381333931"), rows=3)
add(
    "compare-at-price-below-price.csv",
    table(
        [[*values(1, price="20.00"), "10.00"], [*values(2), "0"], [*values(3), "99"]], [*REQUIRED, "compare_at_price"]
    ),
    rows=3,
    warnings=["COMPARE_AT_PRICE_BELOW_PRICE"],
)
SAMPLE = [
    "PROD0001", "Wireless Mouse - Model 651", "Computer Accessories", "Mice & Keyboards",
    "Ergonomic wireless mouse, 18 months on one battery", "CA-VEND001-0001", "TechGear", "19.99", "24.99", "150",
    "piece", "0.25", "12x8x4", "https://images.example.com/mouse.jpg",
]  # fmt: skip
OWN = ["MINE-1", "My mug", "Kitchen", "", "", "MY-1", "", "5.00", "", "3", "", "", "", ""]
add("template-sample-row-remains.csv", table([SAMPLE, OWN], FULL), rows=2, errors={"1": ["SAMPLE_ROW"]})
add(
    "template-row-changed-in-part.csv",
    table([[*SAMPLE[:2], "Kitchen", *SAMPLE[3:7], "5.00", *SAMPLE[8:]], OWN], FULL),
    rows=2,
    errors={"1": ["SAMPLE_ROW"]},
)
add("template-row-made-a-product.csv", table([["P-1", *SAMPLE[1:5], "S-1", *SAMPLE[6:]]], FULL), rows=1)
add(
    "several-identifiers-in-one.csv",
    column("sku", "A-1,A-2,A-3", "B-1;B-2", "C-1|C-2", "90,750", "A,1"),
    rows=5,
    warnings=["SEVERAL_IDENTIFIERS"],
)
add(
    "numbers-with-spaces.csv",
    price_table("1\u00a0234,50", "99,00", "1\u202f000,00", "1 234,50", "12 345", delimiter=";"),
    rows=5,
    errors=all_rows("INVALID_PRICE", 5, but=[2]),
    hints={
        "1": ["Did you mean 1234,50?"],
        "3": ["Did you mean 1000,00?"],
        "4": ["Did you mean 1234,50?"],
        "5": ["Did you mean 12345?"],
    },
    cells={"2": {"price": "99.00"}},
)
add(
    "numbers-in-lakhs.csv",
    price_table("1,23,456.00", "12,34,567.50", "999.00"),
    rows=3,
    errors=all_rows("INVALID_PRICE", 2),
    hints={"1": ["Did you mean 123456.00?"]},
)
add(
    "numbers-with-dashes.csv",
    price_table("99,-", "99.-", "99,\u2013", "5,\u2014", "19.95", "1.299,-", delimiter=";"),
    rows=6,
    errors=all_rows("INVALID_PRICE", 6, but=[5]),
    hints={"1": ["Did you mean 99?"], "3": ["Did you mean 99?"], "4": ["Did you mean 5?"], "6": ["Did you mean 1299?"]},
)
add(
    "numbers-with-bare-points.csv",
    price_table(".99", "19.", ",99", "0.5", "00.99"),
    rows=5,
    errors=all_rows("INVALID_PRICE", 3),
    hints={"1": ["Did you mean 0.99?"], "2": ["Did you mean 19?"], "3": ["Did you mean 0.99?"]},
)
add(
    "numbers-of-a-database.csv",
    table(
        [
            [*values(1, price="24.000000", stock_quantity="10.0000"), "0.500000"],
            [*values(2, price="19.9900", stock_quantity="5.000"), "1.2500"],
            [*values(3, price="1.5000", stock_quantity="7"), "1.25001"],
        ],
        [*REQUIRED, "weight_kg"],
    ),
    rows=3,
    errors={"3": ["INVALID_WEIGHT"]},
    cells={
        "1": {"price": "24.00", "stock_quantity": "10", "weight_kg": "0.500"},
        "2": {"price": "19.99", "stock_quantity": "5", "weight_kg": "1.250"},
    },
)
add(
    "numbers-of-a-database-with-commas.csv",
    price_table("24,000000", "19,9900", "1,000", delimiter=";"),
    rows=3,
    errors={"3": ["INVALID_PRICE"]},
    cells={"1": {"price": "24.00"}, "2": {"price": "19.99"}},
)
add(
    "numbers-thousands-or-decimals.csv",
    table([values(1, stock_quantity="5.000", price="1.000"), values(2, stock_quantity="12.000", price="2.500")]),
    rows=2,
    errors={"1": ["INVALID_PRICE", "INVALID_STOCK_QUANTITY"], "2": ["INVALID_PRICE", "INVALID_STOCK_QUANTITY"]},
    hints={"1": ["Did you mean 1000 or 1?", "Did you mean 5000 or 5?"]},
)
RANGES = {
    "19.99-24.99": "Enter one number", "from 19.99": "", "ab 19,99 \u20ac": "", "19.99/24.99": "Enter one number",
    "19.99 - 24.99": "Enter one number", "19.9.9": "", "POA": "",
    "on request": "", "10%": "", "19.99*": "", "~20": "", "USD19.99": "Did you mean 19.99?",
    "19.99 USD": "Did you mean 19.99?", "R$ 19,90": "Did you mean 19.90?", "19,90 z\u0142": "Did you mean 19.90?",
    "kr 199": "Did you mean 199?", "Rs. 500": "Did you mean 500?", "\u20b91,23,456.00": "Did you mean 123456.00?",
    "19\u20ac99": "Did you mean 19.99?", "S/ 19.90": "Did you mean 19.90?", "\u20ba19,99": "Did you mean 19.99?",
    "A$19.99": "Did you mean 19.99?",
}  # fmt: skip
add(
    "prices-in-other-spellings.csv",
    price_table(*RANGES),
    rows=len(RANGES),
    errors=all_rows("INVALID_PRICE", len(RANGES)),
    hints={str(n): [hint] for n, hint in enumerate(RANGES.values(), 1)},
)
add(
    "stock-with-spaces.csv",
    column("stock_quantity", "1 000", "1\u00a0000", "1\u2019000"),
    rows=3,
    errors=all_rows("INVALID_STOCK_QUANTITY", 3),
    hints={str(n): ["Did you mean 1000?"] for n in (1, 2, 3)},
)
add(
    "values-as-formulas.csv",
    f"{HEAD}\n" + ",".join(f'="{value}"' for value in values(1)) + "\n",
    rows=1,
    errors={
        "1": [
            "INVALID_PRICE",
            "INVALID_STOCK_QUANTITY",
            "INVALID_CATEGORY",
            "DAMAGED_IDENTIFIER",
            "DAMAGED_IDENTIFIER",
            "SPREADSHEET_FORMULA",
        ]
    },
    hints={
        "1": [
            "Did you mean 1.50?",
            "Did you mean 1?",
            "Did you mean 'Electronics'?",
            "Did you mean 'P-1'?",
            "Did you mean 'S-1'?",
            "Did you mean 'Article 1'?",
        ]
    },
)
add(
    "hints-with-decimal-comma.csv",
    price_table("19,99", "1234.50 EUR", "2,50", "1.234", "3,999", delimiter=";"),
    rows=5,
    errors=all_rows("INVALID_PRICE", 5, but=[1, 3]),
    hints={"2": ["Did you mean 1234,50?"], "4": ["Did you mean 1234?"], "5": ["Did you mean 3999?"]},
)
CATEGORY_HINTS = {
    "Men": "Did you mean 'Men's Clothing'?",
    "Women": "Did you mean 'Women's Clothing'?",
    "Boots": "",
    "Computer": "",
    "Clothing > Men": "Did you mean 'Men's Clothing'?",
    "Elektronik": "Did you mean 'Electronics'?",
}
add(
    "categories-in-other-words.csv",
    column("category", *CATEGORY_HINTS),
    rows=len(CATEGORY_HINTS),
    errors=all_rows("INVALID_CATEGORY", len(CATEGORY_HINTS)),
    hints={str(n): [hint] for n, hint in enumerate(CATEGORY_HINTS.values(), 1)},
)

# -- Workbooks ---------------------------------------------------------------------------------------------------------

CREATED_AT = datetime(2024, 3, 12, tzinfo=UTC).replace(tzinfo=None)


def make_workbook(fill: Callable[[Workbook, Worksheet], None]) -> bytes:
    """Build a workbook whose first sheet is filled by a function."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    book.properties.created = book.properties.modified = CREATED_AT
    fill(book, sheet)
    content = io.BytesIO()
    book.save(content)
    return patch_archive(content.getvalue(), {})


def patch_archive(content: bytes, changes: dict[str, Callable[[bytes], bytes]]) -> bytes:
    """Return a ZIP archive with some of its parts changed, and a constant modification time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            part = old.read(info)
            part = changes.get(info.filename, bytes)(part)
            new.writestr(zipfile.ZipInfo(info.filename, (2024, 3, 12, 0, 0, 0)), part, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def fill_rows(*rows: Sequence[object]) -> Callable[[Workbook, Worksheet], None]:
    """Return a function that appends rows to a sheet."""

    def fill(_: Workbook, sheet: Worksheet) -> None:
        for row in rows:
            sheet.append(list(row))

    return fill


def make_archive(**parts: bytes) -> bytes:
    """Build a ZIP archive; `__` in a name stands for `/`, and `_xml` for `.xml`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name, part in parts.items():
            new.writestr(zipfile.ZipInfo(name.replace("__", "/").replace("_xml", ".xml"), (2024, 3, 12, 0, 0, 0)), part)
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
PLAIN = make_workbook(fill_rows(REQUIRED, values(1), values(2)))
add(
    "plain.xlsx",
    PLAIN,
    rows=2,
    cells={"1": {"price": "1.50", "sku": "S-1"}},
    lines=[2, 3],
    detected={"format": "xlsx", "sheet": "Sheet", "header_line": 1},
)
add("workbook-named.csv", PLAIN, rows=2, detected={"format": "xlsx"})


def fill_numbers_and_dates(_: Workbook, sheet: Worksheet) -> None:
    sheet.append([*REQUIRED, "weight_kg", "description"])
    sheet.append([123, "Mug", "Kitchen", 4006381333931, 1234.5, 7, 0.25, CREATED_AT])
    sheet.append([124, "Mug", "Kitchen", 8.71e12, 19.989999999999998, 7.0, 0.1 + 0.2, True])
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
    make_workbook(fill_numbers_and_dates),
    rows=3,
    warnings=["DATE_IN_TEXT"],
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


def fill_damaged_identifiers(_: Workbook, sheet: Worksheet) -> None:
    sheet.append(REQUIRED)
    for n, sku in enumerate((CREATED_AT, True, "#REF!", 8.71e12, 1234567890123456789, 1234567890123456), 1):
        sheet.append([f"P-{n}", "Mug", "Kitchen", sku, "1.00", 1])
    sheet["D7"].number_format = "0"
    sheet["D2"].number_format = "d-mmm"
    sheet["D5"].number_format = "0.00E+00"


add(
    "identifiers-damaged.xlsx",
    make_workbook(fill_damaged_identifiers),
    rows=6,
    errors={str(n): ["DAMAGED_IDENTIFIER"] for n in range(1, 7)},
    cells={"1": {"sku": "12-Mar"}, "4": {"sku": "8.71E+12"}, "6": {"sku": "1.23456789012346E+15"}},
)


def fill_two_sheets(book: Workbook, sheet: Worksheet) -> None:
    fill_rows(REQUIRED, values(1))(book, sheet)
    other_sheet = book.create_sheet("Old prices")
    other_sheet.append(["x"])
    book.create_sheet("Empty")


add("two-sheets.xlsx", make_workbook(fill_two_sheets), rows=1, warnings=["OTHER_SHEETS"], detected={"sheet": "Sheet"})


def fill_hidden_first(book: Workbook, sheet: Worksheet) -> None:
    sheet.append(["secret"])
    sheet.sheet_state = "hidden"
    book.create_sheet("_Lists").append(["Kitchen"])
    book.create_sheet("Blank")
    fill_rows(REQUIRED, values(1))(book, book.create_sheet("Products"))


add("hidden-and-blank-sheets-first.xlsx", make_workbook(fill_hidden_first), rows=1, detected={"sheet": "Products"})
add("empty-workbook.xlsx", make_workbook(fill_rows()), rejection="EMPTY_FILE")
add("header-only.xlsx", make_workbook(fill_rows(REQUIRED)), rejection="NO_ROWS")
add(
    "title-above.xlsx",
    make_workbook(fill_rows(["Price list"], [], REQUIRED, values(1), [], values(2))),
    rows=2,
    lines=[4, 6],
    warnings=["LINES_ABOVE_HEADER"],
    detected={"header_line": 3},
)
add(
    "ragged.xlsx",
    make_workbook(fill_rows([*REQUIRED, "brand"], values(1), [*values(2), "Acme", "", "beyond"], values(3)[:4])),
    rows=3,
    errors={"2": ["FIELD_COUNT_MISMATCH"], "3": ["MISSING_REQUIRED_FIELDS"]},
)

FORMULAS = make_workbook(
    fill_rows(
        REQUIRED, ["P-1", "Mug", "Kitchen", '="S-"&1', "=2*3", 1], ["P-2", "=A3", "Kitchen", '="S-"&2', "=2*4", 1]
    )
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


def calculate(part: bytes) -> bytes:
    """Insert the results of the formulas into the XML of a sheet."""
    for formula, kind, value in (
        ('"S-"&amp;1', "str", "S-1"),
        ('"S-"&amp;2', "str", "S-2"),
        ("2*3", "n", "6"),
        ("2*4", "e", "#DIV/0!"),
        ("A3", "str", ""),
    ):
        for empty in ("<v />", "<v></v>", "<v/>"):
            previous = f"<f>{formula}</f>{empty}".encode()
            at = part.find(previous)
            if at >= 0:
                cell = part.rindex(b"<c ", 0, at)
                part = (
                    part[:cell]
                    + f'<c t="{kind}" '.encode()
                    + part[cell + 3 : at]
                    + f"<f>{formula}</f><v>{value}</v>".encode()
                    + part[at + len(previous) :]
                )
                break
    return part


add(
    "formulas.xlsx",
    patch_archive(FORMULAS, {SHEET: calculate}),
    rows=2,
    cells={"1": {"sku": "S-1", "price": "6"}, "2": {"sku": "S-2"}},
    errors={"2": ["MISSING_REQUIRED_FIELDS", "INVALID_PRICE"]},
)
add(
    "huge-dimensions.xlsx",
    patch_archive(PLAIN, {SHEET: lambda part: part.replace(b'ref="A1:F3"', b'ref="A1:XFD1048576"')}),
    rows=2,
)
add(
    "row-beyond-the-sheet.xlsx",
    patch_archive(PLAIN, {SHEET: lambda part: part.replace(b'<row r="3"', b'<row r="99999999999"')}),
    rejection="UNREADABLE_XLSX",
)
add(
    "value-far-right.xlsx",
    patch_archive(PLAIN, {SHEET: lambda part: part.replace(b'r="F3"', b'r="XFD3"')}),
    rejection="TOO_MANY_COLUMNS",
)
# As Excel writes workbooks: shared strings, some of them in several runs, and cells without references.
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


def make_relationships(**targets: bytes) -> bytes:
    """Return the XML of relationships; a target is `<kind> <part>`."""
    elements = b"".join(
        b'<Relationship Id="%s" Type="%s/%s" Target="%s"/>' % (name.encode(), OFFICE, *target.split(b" "))
        for name, target in targets.items()
    )
    return b'<Relationships xmlns="%s/relationships">%s</Relationships>' % (PACKAGE, elements)


def shared_string_cells(*indexes: int) -> bytes:
    """Return the XML of cells with shared strings."""
    return b"".join(b'<c t="s"><v>%d</v></c>' % index for index in indexes)


AS_EXCEL_WRITES = {
    "[Content_Types].xml": TYPES,
    "_rels/.rels": make_relationships(rId1=b"officeDocument xl/workbook.xml"),
    "xl/workbook.xml": b'<workbook %s xmlns:r="%s"><workbookPr date1904="1"/><sheets>'
    b'<sheet name="Artikel &amp; Preise" sheetId="7" r:id="rId3"/></sheets></workbook>' % (NS, OFFICE),
    "xl/_rels/workbook.xml.rels": make_relationships(
        rId3=b"worksheet worksheets/sheet1.xml", rId4=b"sharedStrings sharedStrings.xml"
    ),
    "xl/sharedStrings.xml": b'<sst %s>%s<si><r><t xml:space="preserve">Blue </t></r><r><rPr><b/></rPr><t>mug</t></r>'
    b"</si></sst>" % (NS, b"".join(b"<si><t>%s</t></si>" % text.encode() for text in TEXTS)),
    "xl/worksheets/sheet1.xml": b'<worksheet %s><sheetData><row>%s</row><row r="4">%s<c><v>12.5</v></c>'
    b"<c><v>1E1</v></c></row></sheetData></worksheet>"
    % (NS, shared_string_cells(*range(6)), shared_string_cells(9, 10, 7, 8)),
}
add(
    "as-excel-writes.xlsx",
    make_archive(**AS_EXCEL_WRITES),
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
    make_workbook(fill_rows(REQUIRED, values(1, product_name="Mug_x000D_ blue"), values(2, sku="S_xD800_2"))),
    rows=2,
    cells={"1": {"product_name": "Mug\r blue"}, "2": {"sku": "S_xD800_2"}},
)
add("cut-short.xlsx", PLAIN[: len(PLAIN) // 2], rejection="UNREADABLE_XLSX")
add(
    "damaged-sheet.xlsx",
    patch_archive(PLAIN, {SHEET: lambda part: part[: len(part) // 2]}),
    rejection="UNREADABLE_XLSX",
)
LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "'
    + b"ha" * 50
    + b'">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 20) for n in range(8))
    + b"]>"
)
add(
    "billion-laughs.xlsx",
    patch_archive(
        PLAIN,
        {
            SHEET: lambda part: (
                LAUGHS + part.replace(b"</sheetData>", b'<row r="9"><c r="A9" t="str"><v>&i;</v></c></row></sheetData>')
            )
        },
    ),
    rejection="UNREADABLE_XLSX",
)
add(
    "zip-bomb.xlsx",
    patch_archive(
        PLAIN, {SHEET: lambda part: part.replace(b"<sheetData>", b" " * (101 * 1024 * 1024) + b"<sheetData>")}
    ),
    rejection="WORKBOOK_TOO_LARGE",
)
add("document.xlsx", make_archive(word__document_xml=b"<document/>"), rejection="NOT_A_TABLE", reason_contains=["Word"])
add(
    "open-document.xlsx",
    make_archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet", content_xml=b"<x/>"),
    rejection="NOT_A_TABLE",
    reason_contains=[".ods"],
)
add("archive.csv", make_archive(products=CAFE.encode()), rejection="NOT_A_TABLE", reason_contains=["ZIP"])

# -- Workbooks: number formats, merged and hidden cells, several sheets ------------------------------------------------

MORE = [*REQUIRED, "brand", "weight_kg", "image_url"]


def make_formatted(header: Sequence[str], *rows: Sequence[object]) -> bytes:
    """Build a workbook; a cell (value, format) has that number format."""

    def fill(_: Workbook, sheet: Worksheet) -> None:
        sheet.append(list(header))
        for n, row in enumerate(rows, 2):
            for index, cell in enumerate(row, 1):
                value, code = cell if isinstance(cell, tuple) else (cell, None)
                sheet.cell(n, index).value = value
                if code is not None:
                    sheet.cell(n, index).number_format = code

    return make_workbook(fill)


def product_row(n: int, price: object = 1.5, stock: object = 1, *more: object, sku: object = None) -> list[object]:
    """Return the cells of the required columns of a valid row, and further cells."""
    return [f"P-{n}", f"Article {n}", "Kitchen", sku or f"S-{n}", price, stock, *more]


add(
    "red-negative.xlsx",
    make_formatted(
        REQUIRED,
        product_row(1, (-19.99, "0.00;[Red]0.00")),
        product_row(2, 2.5, (-5, "0;[Red]0")),
        product_row(3, 2.5, (-7, "#,##0;#,##0")),
        product_row(4, (-3, "#,##0_);(#,##0)")),
        product_row(5, (-3, "[Red][<0]0.00;0.00")),
    ),
    rows=5,
    errors={
        "1": ["INVALID_PRICE"],
        "2": ["INVALID_STOCK_QUANTITY"],
        "3": ["INVALID_STOCK_QUANTITY"],
        "4": ["INVALID_PRICE"],
        "5": ["INVALID_PRICE"],
    },
    cells={"1": {"price": "-19.99"}, "3": {"stock_quantity": "-7"}, "4": {"price": "-3"}, "5": {"price": "-3.00"}},
)
add(
    "rounded-display.xlsx",
    make_formatted(
        REQUIRED,
        product_row(1, (19.99, "0")),
        product_row(2, (0.49, "#,##0"), (2.5, "0")),
        product_row(3, (1234.5, "#,##0,")),
        product_row(4, (19.994, "0.00")),
        product_row(5, (19.989999999999998, "0.00"), (0.4, "0")),
    ),
    rows=5,
    errors={"2": ["INVALID_STOCK_QUANTITY"], "4": ["INVALID_PRICE"], "5": ["INVALID_STOCK_QUANTITY"]},
    warnings=["ROUNDED_DISPLAY", "ROUNDED_DISPLAY"],
    cells={
        "1": {"price": "19.99"},
        "2": {"price": "0.49", "stock_quantity": "2.5"},
        "3": {"price": "1234.5"},
        "4": {"price": "19.994"},
        "5": {"price": "19.99", "stock_quantity": "0.4"},
    },
)
add(
    "units-in-number-formats.xlsx",
    make_formatted(
        [*REQUIRED, "weight_kg"],
        product_row(1, 1.5, 1, (250, 'General" g"')),
        product_row(2, 1.5, 1, (500, 'General\\ "g"')),
        product_row(3, 1.5, 1, (0.25, '0.00" kg"')),
        product_row(4, 1.5, 1, (250, '0" g"')),
        product_row(5, 1.5, (7, '0" pcs"'), (0.5, '[<1]0.0" g";0.0" kg"')),
        product_row(6, (0.19, "0%"), (5, '"$"0.00'), (2, "[$kg] 0")),
        product_row(7, (1.5, '0.00" €/100 g"'), (0.5, "h:mm"), (1, '0" KG"')),
    ),
    rows=7,
    errors={
        "1": ["INVALID_WEIGHT"],
        "2": ["INVALID_WEIGHT"],
        "4": ["INVALID_WEIGHT"],
        "5": ["INVALID_STOCK_QUANTITY", "INVALID_WEIGHT"],
        "6": ["INVALID_PRICE", "INVALID_STOCK_QUANTITY", "INVALID_WEIGHT"],
        "7": ["INVALID_PRICE", "INVALID_STOCK_QUANTITY"],
    },
    cells={
        "1": {"weight_kg": "250 g"},
        "3": {"weight_kg": "0.25"},
        "6": {"price": "19%"},
        "7": {"price": "1.50 €/100 g", "stock_quantity": "12:00:00", "weight_kg": "1"},
    },
)
for name, codes in {
    "kronor": ['#,##0.00\\ "kr"', "#,##0.00\\ [$kr-41D]", '0" kr."', "General"],
    "zloty": ["#,##0.00\\ [$zł-415]", '#,##0.00\\ "zł"', "[$PLN] 0.00"],
    "reals": ['"R$"\\ #,##0.00', "[$R$-416] #,##0.00", '_-"R$"* #,##0.00_-;\\-"R$"* #,##0.00_-'],
    "koruna": ['#,##0.00\\ "Kč"', "[$Kč-405] 0.00"],
    "francs": ['"CHF"\\ #,##0.00', "[$CHF]\\ #,##0.00", '"Fr." 0.00', '"SFr."\\ #,##0.00'],
    "forint": ['#,##0\\ "Ft"', "#,##0.00\\ [$Ft-40E]"],
    "rupees": ['"Rs."\\ #,##0.00', "[$₹-4009]\\ #,##0.00", "[$INR] 0"],
    "pounds": ['_-"£"* #,##0.00_-', "[$£-809]#,##0.00", '0" GBP"'],
    "dollars": ["[$$-409]#,##0.00", '"$"#,##0.00_);("$"#,##0.00)', "[$USD] 0.00", "General"],
    "euros": ['#,##0.00\\ "€"', "[$€-407] #,##0.00", "[$EUR ]#,##0.00_-", "[$€-x-euro2] 0.00"],
}.items():
    add(
        f"currency-{name}.xlsx",
        make_formatted(REQUIRED, *(product_row(n, (n + 0.5, code)) for n, code in enumerate(codes, 1))),
        rows=len(codes),
        warnings=["ROUNDED_DISPLAY"] * any("0.0" not in code and code != "General" for code in codes),
    )
add(
    "mixed-currency-formats.xlsx",
    make_formatted(
        REQUIRED,
        product_row(1, (19.99, '#,##0.00\\ "€"')),
        product_row(2, (19.99, '"$"#,##0.00')),
        product_row(3, (2999, '"¥"#,##0')),
        product_row(4, 5),
    ),
    rejection="MIXED_CURRENCIES",
    reason_contains=["€ in row 2", "$ in row 3", "¥ in row 4"],
)
add(
    "currency-words.xlsx",
    make_formatted(REQUIRED, product_row(1, (1.5, '0.00 "kr"')), product_row(2, (1.5, "0.00 [$zł-415]"))),
    rejection="MIXED_CURRENCIES",
    reason_contains=["kr in row 2", "zł in row 3"],
)
add(
    "mixed-currencies-of-two-columns.xlsx",
    make_formatted([*REQUIRED, "compare_at_price"], product_row(1, (5, '0.00 "€"'), 1, (6, '"$"0.00'))),
    rejection="MIXED_CURRENCIES",
    reason_contains=["€", "$"],
)
add(
    "ids-as-number-format.xlsx",
    make_formatted(
        REQUIRED,
        [(12345, "0.00"), *product_row(1, sku=(4006381333931, "0.00"))[1:]],
        [12346, *product_row(2, sku=(4006381333948, "#,##0.00"))[1:]],
        [(12347, "#,##0"), *product_row(3, sku=(42, '"SKU-"0000.00'))[1:]],
        [(7, "00000"), *product_row(4, sku=(123456789, "000-000-000"))[1:]],
        [(12345.678, "0.00"), *product_row(5, sku=(12.5, '"A"0'))[1:]],
        [(90.75, "0.000"), *product_row(6, sku=(-5, "0;[Red]0"))[1:]],
        [(12348, '"€" 0.00'), *product_row(7, sku=(12345, "0,"))[1:]],
    ),
    rows=7,
    cells={
        "1": {"vendor_product_id": "12345", "sku": "4006381333931"},
        "2": {"vendor_product_id": "12346", "sku": "4006381333948"},
        "3": {"vendor_product_id": "12347", "sku": "SKU-0042"},
        "4": {"vendor_product_id": "00007", "sku": "123-456-789"},
        "5": {"vendor_product_id": "12345.678", "sku": "12.5"},
        "6": {"vendor_product_id": "90.750", "sku": "-5"},
        "7": {"vendor_product_id": "12348", "sku": "12345"},
    },
)
add(
    "dates-in-ids.xlsx",
    make_formatted(
        REQUIRED,
        *(
            product_row(n, sku=(CREATED_AT, code))
            for n, code in enumerate(("d-mmm", "d.m", "yyyy", "dddd", '"KW" d', "dd/mm/yyyy h:mm", "mmm-yy"), 1)
        ),
        product_row(8, sku=(0.5, "h:mm")),
    ),
    rows=8,
    errors={str(n): ["DAMAGED_IDENTIFIER"] for n in range(1, 9)},
)
add(
    "text-number-decimal-comma.xlsx",
    make_formatted(REQUIRED, product_row(1, 19.99), product_row(2, "24,90"), product_row(3, 5)),
    rows=3,
    cells={"1": {"price": "19.99"}, "2": {"price": "24.90"}, "3": {"price": "5"}},
    detected={"decimal_commas": ["price"]},
)
add(
    "text-number-decimal-comma-weight-in-cells.xlsx",
    make_formatted(
        [*REQUIRED, "weight_kg"],
        product_row(1, "24,90", 1, 1.234),
        product_row(2, 1234.5, 1, 0.25),
        product_row(3, 2.345),
    ),
    rows=3,
    errors={"3": ["INVALID_PRICE"]},
    cells={"1": {"price": "24.90", "weight_kg": "1.234"}, "2": {"price": "1234.5", "weight_kg": "0.25"}},
)
add(
    "text-numbers-of-both-kinds.xlsx",
    make_formatted(REQUIRED, product_row(1, "19.99"), product_row(2, "24,90"), product_row(3, 5.25)),
    rows=3,
    errors={"2": ["INVALID_PRICE"]},
    warnings=["MIXED_DECIMALS"],
)
DATE_CELLS = [
    (45424, "d\\-mmm"), (19.99, "dd/mm/yyyy"), (45424, "d.m"), (45424, "yyyy"), (45424, "d"), (0.5, "h"),
    (45424, "mm.yy"), (45424, "[$-F800]dddd"), (1.25, "[h]:mm"),
]  # fmt: skip
add(
    "price-as-date.xlsx",
    make_formatted(REQUIRED, *(product_row(n, date) for n, date in enumerate(DATE_CELLS, 1))),
    rows=9,
    errors={str(n): ["INVALID_PRICE"] for n in range(1, 10)},
    cells={"1": {"price": "2024-05-12"}, "3": {"price": "2024-05-12"}, "6": {"price": "12:00:00"}},
)
add(
    "dates-in-text-columns.xlsx",
    make_formatted(
        [*REQUIRED, "brand", "dimensions_cm"],
        ["P-1", "Mug", "Kitchen", "S-1", 1.5, 1, "Acme", (38331, "dd/mm/yyyy")],
        ["P-2", (45352, "d-mmm"), "Kitchen", "S-2", 2.5, 2, (45484, "d/m"), "x"],
    ),
    rows=2,
    errors={"1": ["SPREADSHEET_DATE"]},
    warnings=[*["DATE_IN_TEXT"] * 3, "POSSIBLE_DATE"],
    cells={"1": {"dimensions_cm": "10/12/2004"}, "2": {"product_name": "1-Mar", "brand": "11/7"}},
)


def make_merged(header: Sequence[str], rows: Sequence[Sequence[object]], *ranges: str) -> bytes:
    """Build a workbook with merged ranges."""

    def fill(_: Workbook, sheet: Worksheet) -> None:
        for row in (header, *rows):
            sheet.append(list(row))
        for cells in ranges:
            sheet.merge_cells(cells)

    return make_workbook(fill)


BRAND = [*REQUIRED, "brand"]
add(
    "merged-brand.xlsx",
    make_merged(BRAND, [product_row(1, 1.5, 1, "Acme"), *(product_row(n) for n in (2, 3, 4))], "G2:G4"),
    rows=4,
    warnings=["MERGED_CELLS"],
    cells={**{str(n): {"brand": "Acme"} for n in (1, 2, 3)}, "4": {"brand": None}},
)
add(
    "merged-past-the-rows.xlsx",
    make_merged(BRAND, [product_row(1, 1.5, 1, "Acme"), product_row(2)], "G2:G900", "A5:C9"),
    rows=2,
    warnings=["MERGED_CELLS"],
    cells={"2": {"brand": "Acme"}},
)
add(
    "merged-ids.xlsx",
    make_merged(BRAND, [product_row(1), [None, *product_row(2)[1:]], product_row(3)], "A2:A3"),
    rows=3,
    errors={"2": ["DUPLICATE_VENDOR_PRODUCT_ID"]},
    warnings=["MERGED_CELLS"],
)
add(
    "merged-across-columns.xlsx",
    make_merged(BRAND, [product_row(1, 1.5, 1, "Acme"), ["P-2", "Mug by Acme", "Kitchen", "S-2", 1, 1]], "E3:F3"),
    rows=2,
    errors={"2": ["MISSING_REQUIRED_FIELDS"]},
    warnings=["MERGED_CELLS"],
)
add(
    "merged-header-and-title.xlsx",
    make_merged(["Price list"], [[], [*BRAND, ""], product_row(1, 1.5, 1, "Acme"), product_row(2)], "A1:G2", "G3:H3"),
    rows=2,
    lines=[4, 5],
    warnings=["LINES_ABOVE_HEADER"],
)


def fill_hidden_rows(_: Workbook, sheet: Worksheet) -> None:
    fill_rows(BRAND, *(product_row(n, 1.5, 1, "Acme") for n in range(1, 5)))(_, sheet)
    sheet.row_dimensions[3].hidden = True
    sheet.row_dimensions[5].hidden = True
    sheet.row_dimensions[99].hidden = True
    sheet.auto_filter.ref = "A1:G5"


def fill_hidden_column(_: Workbook, sheet: Worksheet) -> None:
    fill_rows(BRAND, product_row(1, 1.5, 1, "Acme"))(_, sheet)
    sheet.column_dimensions["E"].hidden = True


add("hidden-row.xlsx", make_workbook(fill_hidden_rows), rows=4, warnings=["HIDDEN_ROWS"], lines=[2, 3, 4, 5])
add("hidden-column.xlsx", make_workbook(fill_hidden_column), rows=1, warnings=["HIDDEN_COLUMNS"])


def make_sheets(**sheets: Sequence[Sequence[object]]) -> bytes:
    """Build a workbook of sheets by name."""

    def fill(book: Workbook, sheet: Worksheet) -> None:
        for index, (name, rows) in enumerate(sheets.items()):
            fill_rows(*rows)(book, book.create_sheet(name) if index else sheet)
            book.worksheets[index].title = name

    return make_workbook(fill)


add(
    "two-product-sheets.xlsx",
    make_sheets(Kitchen=[REQUIRED, product_row(1)], Garden=[REQUIRED, product_row(2), product_row(3)]),
    rejection="SEVERAL_PRODUCT_SHEETS",
    reason_contains=["'Kitchen', 'Garden'"],
)
add(
    "product-sheet-with-notes.xlsx",
    make_sheets(
        Notes=[["How to fill this in"], ["Column", "Name", "Unit"], ["sku", "yours", "-"]],
        Template=[REQUIRED],
        Products=[REQUIRED, product_row(1)],
        Categories=[["Kitchen"], ["Books"]],
    ),
    rows=1,
    warnings=["OTHER_SHEETS"],
    detected={"sheet": "Products"},
)
add(
    "sheet-underscore.xlsx",
    make_sheets(_Products=[REQUIRED, product_row(1)]),
    rows=1,
    detected={"sheet": "_Products"},
)
add(
    "sheet-underscore-and-notes.xlsx",
    make_sheets(Notes=[["Read me"]], _Products=[REQUIRED, product_row(1)], _Lists=[["Kitchen"]]),
    rows=1,
    warnings=["OTHER_SHEETS"],
    detected={"sheet": "_Products"},
)


def fill_links(_: Workbook, sheet: Worksheet) -> None:
    fill_rows(
        [*REQUIRED, "image_url"],
        product_row(1, 1.5, 1, "Photo"),
        product_row(2, 1.5, 1, '=HYPERLINK("https://a.example/2.jpg","Photo")'),
        product_row(3, 1.5, 1, '=_xlfn.IMAGE("https://a.example/3.jpg")'),
        product_row(4, 1.5, 1, "https://a.example/4.jpg"),
        product_row(5, 1.5, 1, '=HYPERLINK(A1,"Photo")'),
        product_row(6),
    )(_, sheet)
    sheet["G2"].hyperlink = "https://a.example/1.jpg"
    sheet["G5"].hyperlink = "https://a.example/other.jpg"
    sheet["B2"].hyperlink = "https://a.example/mug"
    sheet["G2"].value = "Photo"


add(
    "hyperlink-image.xlsx",
    make_workbook(fill_links),
    rows=6,
    errors={"5": ["INVALID_IMAGE_URL"]},
    warnings=["HYPERLINK_ADDRESS"],
    cells={
        **{str(n): {"image_url": f"https://a.example/{n}.jpg"} for n in range(1, 5)},
        "1": {"image_url": "https://a.example/1.jpg", "product_name": "Article 1"},
    },
)
add(
    "backslash-names.xlsx",
    make_archive(**{name.replace("/", "\\"): part for name, part in AS_EXCEL_WRITES.items()}),
    rows=1,
    lines=[4],
    cells={"1": {"product_name": "Blue mug", "price": "12.5"}},
)
add(
    "names-in-other-case.xlsx",
    make_archive(
        **{name.replace("xl/", "XL/").replace("sheet1", "Sheet1"): part for name, part in AS_EXCEL_WRITES.items()}
    ),
    rows=1,
    lines=[4],
)
RIGHTS = "EncryptedPackage\0DRMEncryptedDataSpace\0DRMEncryptedTransform".encode("utf-16-le")
add(
    "rights-protected.xlsx",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + RIGHTS,
    rejection="ENCRYPTED_WORKBOOK",
    reason_contains=["rights management"],
)


def make_numbered(*numbers: str) -> bytes:
    """Build a workbook whose rows have these numbers, in this order."""
    rows = fill_rows(REQUIRED, *(values(n) for n in range(1, len(numbers) + 1)))

    def renumber(part: bytes) -> bytes:
        for n, number in enumerate(numbers, 2):
            part = part.replace(b'<row r="%d"' % n, b'<row r="@%s"' % number.encode())
            for letter in b"ABCDEF":
                part = part.replace(b'r="%c%d"' % (letter, n), b'r="%c@%s"' % (letter, number.encode()))
        return part.replace(b"@", b"")

    return patch_archive(make_workbook(rows), {SHEET: renumber})


add(
    "rows-out-of-order.xlsx",
    make_numbered("4", "2", "3"),
    rows=3,
    lines=[2, 3, 4],
    cells={"1": {"sku": "S-2"}, "2": {"sku": "S-3"}, "3": {"sku": "S-1"}},
)
add(
    "duplicate-row-numbers.xlsx",
    make_numbered("2", "2", "3"),
    rejection="UNREADABLE_XLSX",
    reason_contains=["two rows have the number 2"],
)
add(
    "cell-of-another-row.xlsx",
    patch_archive(PLAIN, {SHEET: lambda part: part.replace(b'r="E3"', b'r="E2"')}),
    rejection="UNREADABLE_XLSX",
)
add(
    "column-without-name-at-the-end.xlsx",
    make_workbook(fill_rows(REQUIRED, *([*values(n), None, f"note {n}"] for n in (1, 2)))),
    rows=2,
    warnings=["UNNAMED_COLUMN"],
)
add(
    "note-beside-a-row.xlsx",
    make_workbook(fill_rows(REQUIRED, *([*values(n), None, *(["note"] if n == 2 else [])] for n in (1, 2, 3)))),
    rows=3,
    errors={"2": ["FIELD_COUNT_MISMATCH"]},
)
add(
    "cell-twice.xlsx",
    patch_archive(PLAIN, {SHEET: lambda part: part.replace(b'r="E3"', b'r="D3"')}),
    rejection="UNREADABLE_XLSX",
)


# -- Status ------------------------------------------------------------------------------------------------------------

add(
    "status-of-products.csv",
    table(
        [
            [*values(1), "active"],
            [*values(2), "Inactive"],
            [*values(3), ""],
            [*values(4), "draft"],
            [*values(5), "blocked"],
            [*values(6), "n/a"],
        ],
        [*REQUIRED, "Status"],
    ),
    rows=6,
    errors={"4": ["INVALID_STATUS"], "5": ["INVALID_STATUS"]},
    warnings=["PLACEHOLDER_VALUE"],
    cells={"1": {"status": "active"}, "2": {"status": "inactive"}},
)
add(
    "status-of-another-system.csv",
    table([[*values(1), "Published"], [*values(2), "Draft"], [*values(3), ""]], [*REQUIRED, "Status"]),
    rows=3,
    warnings=["UNKNOWN_COLUMN"],
    warnings_contain=["The column 'Status' was not read: none of its values is active, inactive or blocked"],
)


# -- Exports of other systems ------------------------------------------------------------------------------------------


def export(header: str, used: str, *rows: str, delimiter: str = ",", end: str = "\r\n") -> str:
    """Return an export: rows with values under the headers in `used` and blanks under the others; `|` separates all."""
    names = header.split("|")
    indexes = [names.index(name) for name in used.split("|")]
    filled_rows = []
    for row in rows:
        filled_row = [""] * len(names)
        for index, value in zip(indexes, row.split("|"), strict=True):
            filled_row[index] = value
        filled_rows.append(filled_row)
    return table(filled_rows, names, delimiter, end)


add(
    "export-shopify.csv",
    export(
        "Handle|Title|Body (HTML)|Vendor|Product Category|Type|Tags|Published|Option1 Name|Option1 Value|Option2 Name|"
        "Option2 Value|Option3 Name|Option3 Value|Variant SKU|Variant Grams|Variant Inventory Tracker|"
        "Variant Inventory Qty|Variant Inventory Policy|Variant Fulfillment Service|Variant Price|"
        "Variant Compare At Price|Variant Requires Shipping|Variant Taxable|Variant Barcode|Image Src|Image Position|"
        "Image Alt Text|Gift Card|SEO Title|SEO Description|Variant Image|Variant Weight Unit|Variant Tax Code|"
        "Cost per item|Price / International|Compare At Price / International|Status",
        "Handle|Title|Body (HTML)|Vendor|Product Category|Type|Published|Option1 Name|Option1 Value|Variant SKU|"
        "Variant Grams|Variant Inventory Qty|Variant Price|Variant Compare At Price|Image Src|Image Position|"
        "Cost per item|Status",
        "linen-shirt|Linen Shirt|<p>Washed linen, regular fit.</p>|Harbour & Co|Apparel > Clothing > Shirts|Shirts|"
        "true|"
        "Size|S|LS-101-S|310|14|59.00|75.00|https://cdn.example.com/linen-1.jpg|1|21.40|active",
        "linen-shirt||||||||M|LS-101-M|320|9|59.00|75.00|https://cdn.example.com/linen-2.jpg|2|21.40|",
        "linen-shirt||||||||L|LS-101-L|335|0|61.00||||21.90|",
        "linen-shirt||||||||||||||https://cdn.example.com/linen-3.jpg|3||",
        "tin-mug|Enamel Mug|<p>Holds 350 ml.</p>|Harbour & Co|Home > Kitchen > Mugs|Mugs|true|Title|Default Title|"
        "MUG-350|180|120|12.50||https://cdn.example.com/mug-1.jpg|1|3.10|active",
        "tin-mug||||||||||||||https://cdn.example.com/mug-2.jpg|2||",
        "wool-cap|Wool Cap||Northwind|Apparel > Accessories > Hats|Hats|true|Colour|Navy|CAP-NAVY|95|31|24.00|29.00|"
        "https://cdn.example.com/cap-1.jpg|1|8.75|archived",
        "wool-cap||||||||Grey|CAP-GREY|95|17|24.00|29.00|||8.75|",
        end="\n",
    ),
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id"],
)
add(
    "export-shopify-2025.csv",
    export(
        "Title|URL handle|Description|Vendor|Product category|Type|Tags|Published on online store|Status|SKU|Barcode|"
        "Option1 name|Option1 value|Option2 name|Option2 value|Option3 name|Option3 value|Price|Compare-at price|"
        "Cost per item|Charge tax|Tax code|Inventory tracker|Inventory quantity|Continue selling when out of stock|"
        "Weight value (grams)|Weight unit for display|Requires shipping|Fulfillment service|Product image URL|"
        "Image position|Image alt text|Variant image URL|Gift card|SEO title|SEO description",
        "Title|URL handle|Description|Vendor|Product category|Type|Status|SKU|Option1 name|Option1 value|Price|"
        "Compare-at price|Inventory quantity|Weight value (grams)|Product image URL|Image position",
        "Yoga Mat|yoga-mat|<p>6 mm, natural rubber.</p>|Stillpoint|Sporting Goods > Yoga|Mats|Active|YM-6-BLU|Color|"
        "Blue|"
        "49.90|59.90|25|2400|https://cdn.example.com/mat-1.jpg|1",
        "|yoga-mat||||||YM-6-GRN||Green|49.90|59.90|4|2400||",
        "|yoga-mat|||||||||||||https://cdn.example.com/mat-2.jpg|2",
        "Cork Block|cork-block|<p>Set of two.</p>|Stillpoint|Sporting Goods > Yoga|Blocks|Active|CB-2|Title|"
        "Default Title|18.00||60|520|https://cdn.example.com/block.jpg|1",
        "Steel Bottle|steel-bottle||Stillpoint|Sporting Goods > Bottles|Bottles|Draft|SB-750|Size|750 ml|22.50||0|340|"
        "https://cdn.example.com/bottle.jpg|1",
        end="\n",
    ),
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id"],
)
add(
    "export-woocommerce.csv",
    export(
        "ID|Type|SKU|GTIN, UPC, EAN, or ISBN|Name|Published|Is featured?|Visibility in catalog|Short description|"
        "Description|Date sale price starts|Date sale price ends|Tax status|Tax class|In stock?|Stock|Low stock amount|"
        "Backorders allowed?|Sold individually?|Weight (kg)|Length (cm)|Width (cm)|Height (cm)|Allow customer reviews?|"
        "Purchase note|Sale price|Regular price|Categories|Tags|Shipping class|Images|Download limit|"
        "Download expiry days|Parent|Grouped products|Upsells|Cross-sells|External URL|Button text|Position|Brands",
        "ID|Type|SKU|Name|Published|Description|In stock?|Stock|Weight (kg)|Sale price|Regular price|Categories|Images|"
        "Parent|Position|Brands",
        "501|simple|WS-TEE-01|Organic T-Shirt|1|Soft cotton jersey|1|40|0.18||19.00|"
        "Clothing > Shirts, Clothing > Basics|"
        "https://shop.example.com/tee.jpg||0|Fieldwork",
        "502|simple|WS-CHINO-02|Slim Chinos|1|Stretch twill|1|12|0.55|39.00|55.00|Clothing > Trousers|"
        "https://shop.example.com/chino.jpg||0|Fieldwork",
        "503|simple|WS-BELT-03|Leather Belt|0|Full grain leather|0|0|0.21||29.50|Accessories > Belts|"
        "https://shop.example.com/belt.jpg||0|Fieldwork",
        '504|simple|WS-BAG-04|Canvas Bag|1|Waxed canvas, 18"|1|7|0.9||84.00|Accessories > Bags, Sale|'
        "https://shop.example.com/bag-1.jpg, https://shop.example.com/bag-2.jpg||0|Fieldwork",
        "505|variable|WS-SOCK|Wool Socks|1|Merino blend|1|||||Clothing > Socks|https://shop.example.com/sock.jpg||0|",
        "506|variation|WS-SOCK-M|Wool Socks - M|1||1|33|0.08||12.00|||WS-SOCK|1|",
        "507|variation|WS-SOCK-L|Wool Socks - L|-1||1|28|0.09||12.00|||WS-SOCK|2|",
    ),
    "utf-8-sig",
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id", "price"],
)
add(
    "export-magento.csv",
    export(
        "sku|store_view_code|attribute_set_code|product_type|categories|product_websites|name|description|"
        "short_description|weight|product_online|tax_class_name|visibility|price|special_price|special_price_from_date|"
        "url_key|base_image|small_image|thumbnail_image|created_at|msrp_price|additional_attributes|qty|"
        "out_of_stock_qty|"
        "is_in_stock|configurable_variations",
        "sku|attribute_set_code|product_type|categories|product_websites|name|description|weight|product_online|"
        "visibility|price|special_price|url_key|base_image|qty|is_in_stock",
        "24-LB01|Bag|simple|Default Category/Gear/Bags,Default Category/Sale|base|Trail Duffle|<p>Roomy and light.</p>|"
        '1.2|1|"Catalog, Search"|45.0000|39.0000|trail-duffle|/l/b/lb01.jpg|100.0000|1',
        "24-LB02|Bag|simple|Default Category/Gear/Bags|base|Commuter Backpack||0.9|1|Catalog|59.0000||"
        "commuter-backpack|"
        "/l/b/lb02.jpg|34.0000|1",
        "24-UG01|Default|simple|Default Category/Gear/Fitness|base|Foam Roller|<p>33 cm.</p>|0.4|2|Catalog|19.0000||"
        "foam-roller|/u/g/ug01.jpg|0.0000|0",
        "WS01-S|Top|simple|Default Category/Women/Tops|base|Running Tank S||0.2|1|Not Visible|29.0000||running-tank-s|"
        "/w/s/ws01.jpg|12.0000|1",
        "WS01|Top|configurable|Default Category/Women/Tops|base|Running Tank|<p>Quick drying.</p>||1|Catalog|29.0000||"
        "running-tank|/w/s/ws01.jpg|0.0000|1",
    ),
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id"],
)
add(
    "export-prestashop.csv",
    export(
        "Product ID|Image|Name|Reference|Category|Price (tax excl.)|Price (tax incl.)|Quantity|Status|Position",
        "Product ID|Image|Name|Reference|Category|Price (tax excl.)|Price (tax incl.)|Quantity|Status|Position",
        "1|https://shop.example.com/1-small.jpg|Printed T-Shirt|PT-01|Clothes|23.90|28.68|900|1|1",
        "2|https://shop.example.com/2-small.jpg|Knitted Pullover|KP-02|Clothes|35.90|43.08|210|1|2",
        "3|https://shop.example.com/3-small.jpg|Framed Poster|FP-03|Art|29.00|34.80|1200|1|1",
        "6|https://shop.example.com/6-small.jpg|Mug with Handle|MH-06|Kitchen|11.90|14.28|300|1|1",
        "7|https://shop.example.com/7-small.jpg|Pillow Cover|PC-07|Home|18.90|22.68|0|0|2",
        delimiter=";",
        end="\n",
    ),
    rejection="MISSING_COLUMNS",
    reason_contains=["price"],
)
add(
    "export-prestashop-import-format.csv",
    export(
        "Product ID|Active (0/1)|Name *|Categories (x,y,z...)|Price tax excluded|Price tax included|Tax rules ID|"
        "Wholesale price|On sale (0/1)|Reference #|Supplier reference #|Manufacturer|EAN13|Width|Height|Depth|Weight|"
        "Quantity|Minimal quantity|Short description|Description|Image URLs (x,y,z...)",
        "Product ID|Active (0/1)|Name *|Categories (x,y,z...)|Price tax excluded|Price tax included|Wholesale price|"
        "Reference #|Manufacturer|Weight|Quantity|Description|Image URLs (x,y,z...)",
        "11|1|Oak Shelf|Living Room,Furniture|100.00|120.00|61.00|OS-11|Norrwood|4.2|18|Solid oak|"
        "https://shop.example.com/oak.jpg",
        "12|1|Pine Shelf|Living Room,Furniture|60.00|72.00|33.00|PS-12|Norrwood|3.1|44|Solid pine|"
        "https://shop.example.com/pine.jpg",
        "13|1|Desk Lamp|Lamps|33.25|39.90|14.00|DL-13|Brightly|1.1|9|With dimmer|https://shop.example.com/lamp.jpg",
        "14|0|Floor Lamp|Lamps|74.92|89.90|38.00|FL-14|Brightly|3.8|0|Brass|https://shop.example.com/floor.jpg",
        "15|1|Wall Clock|Home|24.92|29.90|9.50|WC-15||0.6|51|Silent|https://shop.example.com/clock.jpg",
        delimiter=";",
        end="\n",
    ),
    rejection="MISSING_COLUMNS",
    reason_contains=["category, sku, price"],
)
add(
    "export-odoo.csv",
    export(
        "id|name|default_code|barcode|list_price|standard_price|qty_available|virtual_available|categ_id|uom_id|type|"
        "weight|"
        "description_sale|active",
        "id|name|default_code|list_price|standard_price|qty_available|categ_id|uom_id|type|weight|active",
        "__export__.product_product_41_a1|Office Chair|FURN_041|129.0|71.5|14.0|All / Furniture / Office|Units|consu|"
        "11.2|True",
        "__export__.product_product_42_b7|Corner Desk|FURN_042|349.0|210.0|3.0|All / Furniture / Office|Units|consu|"
        "38.0|True",
        "__export__.product_product_43_c3|Desk Pad|FURN_043|24.5|9.2|85.0|All / Accessories|Units|consu|0.4|True",
        "__export__.product_product_44_d9|Cable Box|FURN_044|18.0|6.1|0.0|All / Accessories|Units|consu|0.7|False",
        "__export__.product_product_45_e2|Flip Chart|FURN_045|89.0|40.3|7.0|All / Furniture / Office|Units|consu|9.5|"
        "True",
    ),
    rejection="AMBIGUOUS_COLUMNS",
    reason_contains=["'standard_price'", "'list_price'"],
)
add(
    "export-odoo-labels.csv",
    export(
        "External ID|Name|Internal Reference|Barcode|Sales Price|Cost|Quantity On Hand|Forecasted Quantity|"
        "Product Category|Unit of Measure|Product Tags",
        "External ID|Name|Internal Reference|Sales Price|Cost|Quantity On Hand|Product Category|Unit of Measure",
        "stock_demo.mug_1|Ceramic Mug|MUG-1|9.90|3.20|40|All / Kitchen|Units",
        "stock_demo.mug_2|Travel Mug|MUG-2|19.90|7.80|25|All / Kitchen|Units",
        "stock_demo.pan_1|Frying Pan|PAN-1|34.00|15.60|11|All / Kitchen / Pans|Units",
        "stock_demo.pan_2|Saucepan|PAN-2|29.00|13.10|8|All / Kitchen / Pans|Units",
        "stock_demo.set_1|Spice Set|SET-1|14.50|5.40|0|All / Food|Dozens",
    ),
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id", "price", "stock_quantity"],
)
AMAZON_LINES = lines(
    "TemplateType=fptcustom\tVersion=2021.1014\tTemplateSignature=S0lUQ0hFTg==\tThe top 3 rows are for Amazon.com use "
    "only. Do not modify or delete the top 3 rows.\tImages" + "\t" * 11,
    "Product Type\tSeller SKU\tBrand Name\tProduct ID\tProduct ID Type\tProduct Name\tItem Type Keyword\t"
    "Standard Price\tQuantity\tMain Image URL\tProduct Description\tManufacturer's Suggested Retail Price\tSale Price\t"
    "Item Weight\tItem Weight Unit Of Measure\tUpdate Delete",
    end="\n",
)
add(
    "export-amazon-flat-file.csv",
    AMAZON_LINES
    + export(
        "feed_product_type|item_sku|brand_name|external_product_id|external_product_id_type|item_name|item_type|"
        "standard_price|quantity|main_image_url|product_description|list_price|sale_price|item_weight|"
        "item_weight_unit_of_measure|update_delete",
        "feed_product_type|item_sku|brand_name|external_product_id|external_product_id_type|item_name|item_type|"
        "standard_price|quantity|main_image_url|product_description|list_price|item_weight|item_weight_unit_of_measure|"
        "update_delete",
        "kitchen|KT-TEA-01|Amberleaf|4006381333931|EAN|Cast Iron Teapot 0.8 l|teapots|34.90|22|"
        "https://img.example.com/tea.jpg|With infuser|44.90|1.4|KG|Update",
        "kitchen|KT-TEA-02|Amberleaf|4006381333948|EAN|Glass Teapot 1 l|teapots|24.90|41|"
        "https://img.example.com/glass.jpg|Heat resistant||0.6|KG|Update",
        "kitchen|KT-CUP-03|Amberleaf|4006381333955|EAN|Tea Cups, Set of 4|teacups|19.50|65|"
        "https://img.example.com/cups.jpg|Porcelain|25.00|900|GR|Update",
        "kitchen|KT-TIN-04|Amberleaf|4006381333962|EAN|Tea Tin 250 g|food-storage-canisters|9.90|0|"
        "https://img.example.com/tin.jpg|Airtight||150|GR|Update",
        "kitchen|KT-SPN-05|Amberleaf|4006381333979|EAN|Measuring Spoon|measuring-spoons|4.90|310|"
        "https://img.example.com/spoon.jpg|Beech wood||20|GR|Update",
        delimiter="\t",
        end="\n",
    ),
    rejection="AMBIGUOUS_COLUMNS",
    reason_contains=["The price may be"],
)
add(
    "export-amazon-listings.csv",
    export(
        "item-name|item-description|listing-id|seller-sku|price|quantity|open-date|image-url|item-is-marketplace|"
        "product-id-type|item-note|item-condition|asin1|asin2|asin3|will-ship-internationally|product-id|"
        "pending-quantity|fulfillment-channel",
        "item-name|listing-id|seller-sku|price|quantity|open-date|item-is-marketplace|product-id-type|item-condition|"
        "asin1|product-id|pending-quantity|fulfillment-channel",
        "Steel Whisk|0703ZX1|KT-WSK-11|7.90|120|2024-03-02 09:14:11 PST|y|1|11|B0TEST0011|B0TEST0011|0|DEFAULT",
        "Silicone Spatula|0703ZX2|KT-SPT-12|6.50|84|2024-03-02 09:15:40 PST|y|1|11|B0TEST0012|B0TEST0012|0|DEFAULT",
        "Bread Knife|0703ZX3|KT-KNF-13|24.00|17|2024-03-05 11:02:03 PST|y|1|11|B0TEST0013|B0TEST0013|0|DEFAULT",
        "Cutting Board|0703ZX4|KT-BRD-14|29.00|0|2024-03-05 11:04:55 PST|y|1|11|B0TEST0014|B0TEST0014|0|DEFAULT",
        "Salt Mill|0703ZX5|KT-MIL-15|15.75|52|2024-03-06 08:30:00 PST|y|1|11|B0TEST0015|B0TEST0015|0|DEFAULT",
        delimiter="\t",
        end="\n",
    ),
    rejection="MISSING_COLUMNS",
    reason_contains=["category"],
)
add(
    "export-ebay-active-listings.csv",
    export(
        "Item number|Title|Variation details|Custom label (SKU)|Available quantity|Format|Currency|Start price|"
        "Auction Buy It Now price|Reserve price|Current price|Sold quantity|Watchers|Bids|Start date|End date|"
        "eBay category 1 name|eBay category 1 number|eBay category 2 name|eBay category 2 number|Condition|"
        "Listing site",
        "Item number|Title|Variation details|Custom label (SKU)|Available quantity|Format|Currency|Start price|"
        "Current price|Sold quantity|Watchers|Start date|eBay category 1 name|eBay category 1 number|Condition|"
        "Listing site",
        "110553400001|Running Socks|[Size=S]|SOCK-S|20|FIXED_PRICE|USD|11.00|11.00|4|2|Mar-02-25 10:00:00 PST|"
        "Athletic Socks|137084|NEW|US",
        "110553400001|Running Socks|[Size=M]|SOCK-M|14|FIXED_PRICE|USD|11.00|11.00|9|2|Mar-02-25 10:00:00 PST|"
        "Athletic Socks|137084|NEW|US",
        "110553400002|Head Lamp 300 lm||LAMP-300|35|FIXED_PRICE|USD|27.50|24.75|51|12|Mar-04-25 09:30:00 PST|"
        "Headlamps|106982|NEW|US",
        "110553400003|Trekking Poles, Pair||POLE-2|6|FIXED_PRICE|USD|39.90|39.90|3|5|Mar-04-25 09:45:00 PST|"
        "Walking Sticks|124837|NEW|US",
        "110553400004|Dry Bag 20 l||DRY-20|0|FIXED_PRICE|USD|18.00|18.00|22|8|Mar-09-25 14:00:00 PST|"
        "Dry Bags|181386|NEW|US",
    ),
    "utf-8-sig",
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id", "category", "sku", "price"],
)
add(
    "export-ebay-file-exchange.csv",
    export(
        "*Action(SiteID=US/Country=US/Currency=USD/Version=1193)|CustomLabel|*Category|StoreCategory|*Title|Subtitle|"
        "*ConditionID|*C:Brand|PicURL|*Description|*Format|"
        "*Duration|*StartPrice|BuyItNowPrice|*Quantity|*Location|*DispatchTimeMax",
        "*Action(SiteID=US/Country=US/Currency=USD/Version=1193)|CustomLabel|*Category|*Title|*ConditionID|*C:Brand|"
        "PicURL|*Description|*Format|*Duration|*StartPrice|*Quantity|*Location|*DispatchTimeMax",
        "Add|VASE-1|101415|Stoneware Vase 20 cm|1000|Claymore|https://img.example.com/v1.jpg|<p>Hand thrown</p>|"
        "FixedPrice|"
        "GTC|32.00|4|Portland|2",
        "Add|VASE-2|101415|Stoneware Vase 30 cm|1000|Claymore|https://img.example.com/v2.jpg|<p>Hand thrown</p>|"
        "FixedPrice|"
        "GTC|48.00|2|Portland|2",
        "Add|BOWL-1|36027|Salad Bowl|1000|Claymore|https://img.example.com/b1.jpg|<p>Glazed</p>|FixedPrice|GTC|27.00|9|"
        "Portland|2",
        "Add|DISH-1|36027|Butter Dish|1000|Claymore|https://img.example.com/d1.jpg|<p>Glazed</p>|FixedPrice|GTC|19.00|"
        "12|"
        "Portland|2",
        "Add|TILE-1|45511|Wall Tile|1000|Claymore|https://img.example.com/t1.jpg|<p>10 x 10 cm</p>|FixedPrice|GTC|6.50|"
        "140|Portland|2",
    ).replace("SiteID=US/Country=US/Currency=USD/Version", "SiteID=US|Country=US|Currency=USD|Version"),
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id", "sku", "price"],
)
add(
    "export-etsy.csv",
    export(
        "TITLE|DESCRIPTION|PRICE|CURRENCY_CODE|QUANTITY|TAGS|MATERIALS|IMAGE1|IMAGE2|IMAGE3|IMAGE4|IMAGE5|IMAGE6|"
        "IMAGE7|"
        "IMAGE8|IMAGE9|IMAGE10|VARIATION 1 TYPE|VARIATION 1 NAME|VARIATION 1 VALUES|VARIATION 2 TYPE|VARIATION 2 NAME|"
        "VARIATION 2 VALUES|SKU",
        "TITLE|DESCRIPTION|PRICE|CURRENCY_CODE|QUANTITY|TAGS|MATERIALS|IMAGE1|IMAGE2|SKU",
        "Beeswax Candle|Burns for 40 hours|16.00|USD|30|candle,gift|beeswax,cotton|https://i.example.com/c1.jpg|"
        "https://i.example.com/c2.jpg|BC-40",
        "Linen Napkins, Set of 4|Stone washed|38.00|USD|12|linen,table|linen|https://i.example.com/n1.jpg||LN-4",
        "Walnut Spoon|Carved by hand|22.00|USD|5|spoon,wood|walnut|https://i.example.com/s1.jpg||WS-1",
        "Clay Planter|For herbs|27.50|USD|9|planter|clay|https://i.example.com/p1.jpg|https://i.example.com/p2.jpg|"
        "CP-1",
        "Wool Felt Coasters|Set of 6|14.00|USD|40|coaster,felt|wool|https://i.example.com/f1.jpg||FC-6",
    ),
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id", "category"],
)
add(
    "export-google-merchant.csv",
    export(
        "id|title|description|link|image_link|additional_image_link|availability|price|sale_price|"
        "google_product_category|"
        "product_type|brand|gtin|mpn|condition|item_group_id|shipping_weight",
        "id|title|description|link|image_link|availability|price|sale_price|google_product_category|product_type|brand|"
        "gtin|condition|shipping_weight",
        "GM-001|Desk Fan|Three speeds|https://shop.example.com/fan|https://img.example.com/fan.jpg|in_stock|39.00 USD|"
        "|608|"
        "Home > Fans|Airwell|4006381333931|new|2.1 kg",
        "GM-002|Tower Fan|With timer|https://shop.example.com/tower|https://img.example.com/tower.jpg|in_stock|"
        "79.00 USD|"
        "69.00 USD|608|Home > Fans|Airwell|4006381333948|new|4.3 kg",
        "GM-003|Air Purifier|For 30 m2|https://shop.example.com/pure|https://img.example.com/pure.jpg|in_stock|"
        "149.00 USD||"
        "606|Home > Air|Airwell|4006381333955|new|5.0 kg",
        "GM-004|Filter|Fits GM-003|https://shop.example.com/filter|https://img.example.com/filter.jpg|out_of_stock|"
        "24.00 USD||606|Home > Air|Airwell|4006381333962|new|0.4 kg",
        "GM-005|Humidifier|Cool mist|https://shop.example.com/mist|https://img.example.com/mist.jpg|in_stock|"
        "54.50 USD||"
        "613|Home > Air|Airwell|4006381333979|new|1.7 kg",
        delimiter="\t",
        end="\n",
    ),
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id", "category", "sku", "stock_quantity"],
)
add(
    "export-sap.csv",
    lines(
        "MATNR;MAKTX;MATKL;EKPRI;LGBST",
        "000000000000100101;Kugellager 6204;010203;3,85;1200",
        "000000000000100102;Kugellager 6205;010203;4,10;860",
        "000000000000100115;Keilriemen XPZ 1000;010301;11,40;74",
        "000000000000100231;Wellendichtring 25x40x7;010402;1,95;2300",
        "000000000000100232;Wellendichtring 30x47x7;010402;2,15;0",
        "000000000000100377;Hydraulikschlauch 1/2 Zoll;020110;1.214,50;6",
    ),
    "cp1252",
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id", "product_name", "sku", "price"],
)
add(
    "price-list-with-one-article-number.csv",
    lines(
        "Artikelnummer;Bezeichnung;Warengruppe;VK-Preis;Bestand",
        "4711-01;Bürostuhl Komfort;Büromöbel;1.234,50 €;12",
        "4711-02;Schreibtisch Eiche;Büromöbel;899,00 €;5",
        "4712-10;Schreibtischlampe LED;Leuchten;59,90 €;48",
        "4712-11;Stehleuchte Messing;Leuchten;1.049,00 €;3",
        "4713-05;Aktenschrank, abschließbar;Büromöbel;449,00 €;0",
        "4714-20;Papierkorb;Zubehör;8,95 €;230",
    ),
    "cp1252",
    rejection="MISSING_COLUMNS",
    reason_contains=["vendor_product_id"],
)


if __name__ == "__main__":
    for old in HERE.iterdir():
        if old.suffix != ".py" and old.is_file():
            old.unlink()
    for name, (content, expected) in cases.items():
        (HERE / name).write_bytes(content)
        (HERE / f"{name}.json").write_text(json.dumps(expected, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(cases)} files")
