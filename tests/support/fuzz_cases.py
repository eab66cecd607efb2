"""Generator of hostile files: bytes and cells from vendors and spreadsheets.

Each case comes from its own number, so that one that fails can be made again.
"""

from __future__ import annotations

import csv
import io
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from onboarding.domain.models import Mode, OnError
from onboarding.domain.product_schema import COLUMNS, REQUIRED, REQUIRED_TO_CHANGE
from onboarding.domain.upload_options import Options
from onboarding.files.header_names import list_spellings
from tests.faults.upload_files import File
from tests.support.paths import CORPUS
from tests.support.workbook_builder import PARTS

# The one that unpacks to 100 MB is tested once; here it would be most of the time.
SEEDS = [path for path in sorted(CORPUS.iterdir()) if path.suffix in {".csv", ".xlsx"} and path.name != "zip-bomb.xlsx"]
TEXTS = [path.read_bytes() for path in SEEDS if path.suffix == ".csv"]
WORKBOOKS = [path.read_bytes() for path in SEEDS if path.suffix == ".xlsx"]

CELLS = [
    "", " ", "'", '"', '""', "=", "=1+1", '="007"', "-", "+", "@", "#REF!", "#", "TRUE", "(clear)", "NaN", "nan", "inf",
    "0", "-0", "00", "007", "1,234", "1.234", "1,5", "1.5", ",5", "5,", "1.234,56", "1,234.56", "8.71E+12", "1E400",
    "12-Mar", "2024-02-30", "01.03.2024", "sep=;", "SEP=", "_row", "_", "\u00a0", "\u200b", "\ufeff", "\u2028",
    "\x00", "\x1b[2J", "\x85", "\r", "\n", "\r\n", "a\nb", "a;b", "a,b", "a\tb", "a|b", "Electronics", "S-1", "P-1",
    "x" * 101, "x" * 201, "y" * 2_600, "9" * 40, "é", "Ã©", "\U0001f5b1", "\ufffd", "\uffff", "ß", "İ", "٣", "\uff11",
    "http://x", "https://x/y.jpg",
]  # fmt: skip
NAMES = [*COLUMNS, *sorted(list_spellings()), *CELLS, "Preis", "Artikel Nr.", "Prix (EUR)", "_errors", "_hint"]
DELIMITERS = [",", ";", "\t", "|", "^", " "]
ENCODINGS = [
    "utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1251", "cp850", "gbk",
    "mac-roman", "utf-7",
]  # fmt: skip
BYTES = [
    b"\0", b"\xff", b"\xfe", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b'"', b'""', b",", b";", b"\t",
    b"|", b"\r", b"\n", b"\r\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"<", b">", b"&", b"<f>", b"=", b"'", b"-",
    b"9" * 20,
]  # fmt: skip
XML_VALUES = [
    b"", b"0", b"-1", b"1", b"s", b"b", b"d", b"e", b"n", b"str", b"inlineStr", b"A0", b"ZZZ9", b"99999", b"1e9", b"x",
    b"NaN", b"\xc3\xa9",
]  # fmt: skip

Lines = list[list[str]]


@dataclass(frozen=True)
class Case(File):
    """A file of bytes of which nothing is known beforehand."""

    number: int = 0
    data: bytes = b""
    wishes: Options = Options()  # noqa: RUF009 - frozen
    name: str = ""

    @property
    def content(self) -> bytes:
        return self.data

    @property
    def metadata(self) -> dict[str, str]:
        return self.wishes.metadata()

    @property
    def required(self) -> tuple[str, ...]:
        return REQUIRED if self.wishes.mode is Mode.CREATE else REQUIRED_TO_CHANGE


def case(number: int) -> Case:
    """The file of this number: its vendor, its bytes, and what it asks for."""
    chance = random.Random(number)  # noqa: S311 - cases, not secrets
    on_error = OnError.REJECT_FILE if chance.random() < 0.2 else OnError.REJECT_ROWS
    wishes = Options(chance.choice((Mode.CREATE, *Mode)), on_error, force=chance.random() < 0.1)
    data = KINDS[number % len(KINDS)](chance, wishes.mode)
    name = chance.choice(("fuzz", "fuzz", any_cell(chance).replace("/", "").encode(errors="replace").decode()))
    return Case(chance.choice(VENDORS), [], number=number, data=data, wishes=wishes, name=f"{name}.csv")


VENDORS = ["VEND001", "VEND001", "VEND002"]


# Cells


def any_cell(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.6:
        return chance.choice(CELLS)
    if kind < 0.8:
        return "".join(chance.choice("0123456789.,-+eE %€$'") for _ in range(chance.randrange(12)))
    return "".join(
        chr(chance.choice((chance.randrange(128), chance.randrange(0x250), chance.randrange(0xD800)))) for _ in range(8)
    )


def any_lines(chance: random.Random, mode: Mode) -> Lines:
    """A header and rows, most of them good but for some nasty cells; the products of other cases among them."""
    columns: list[str] = [*chance.choice((REQUIRED, REQUIRED, COLUMNS))]
    if mode is not Mode.CREATE and chance.random() < 0.5:
        columns = ["vendor_product_id", *chance.sample(COLUMNS[1:], chance.randrange(1, 5))]
    for _ in range(chance.choice((0, 0, 1, 3))):
        columns.insert(chance.randrange(len(columns) + 1), chance.choice(CELLS))
    if chance.random() < 0.1:
        columns[chance.randrange(len(columns))] = chance.choice(NAMES)
    first, point = chance.randrange(3) * 10, chance.choice((".", ".", ".", ","))
    faults = chance.choice((0, 1, 4))
    rows = []
    for number in range(first, first + chance.choice((0, 1, 2, 5, 30))):
        good = {
            "vendor_product_id": f"P-{number}",
            "product_name": f"Article {number}",
            "category": "Electronics",
            "sku": f"S-{number}",
            "price": f"{number}{point}50",
            "stock_quantity": f"{chance.randrange(100)}",
            "weight_kg": f"{chance.randrange(3)}{point}250",
        }
        row = [good.get(name, "") for name in columns]
        for _ in range(chance.randrange(faults + 1)):
            row[chance.randrange(len(row))] = any_cell(chance)
        if faults and chance.random() < 0.05:
            row = chance.choice((row[:-1], [*row, any_cell(chance)]))
        rows.append(row)
    return [columns, *rows]


def any_table(chance: random.Random, mode: Mode) -> bytes:
    """Nasty cells in some delimiter and encoding, well quoted or not."""
    lines, usual = any_lines(chance, mode), chance.random() < 0.7
    delimiter = chance.choice(DELIMITERS[:2] if usual else DELIMITERS)
    end = chance.choice(("\n", "\r\n", "\r"))
    text = io.StringIO(newline="")
    if chance.random() < 0.8:
        csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(lines)
    else:
        text.write(end.join(delimiter.join(line) for line in lines))
    encoding = chance.choice(ENCODINGS[:4] if usual else ENCODINGS)
    return text.getvalue().encode(encoding, chance.choice(("replace", "ignore")))


def any_workbook(chance: random.Random, mode: Mode) -> bytes:
    """Nasty cells in a workbook, as texts, numbers, truth values and dates."""
    wild = chance.random() < 0.1
    lines = any_lines(chance, mode)
    rows = "".join(f"<row>{''.join(_cell(chance, text, wild) for text in line)}</row>" for line in lines)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, part in PARTS.items():
            archive.writestr(name, part.replace("ROWS", rows))
    return out.getvalue()


def _cell(chance: random.Random, text: str, wild: bool) -> str:
    """A cell of a sheet; a wild one's value is not of its type."""
    shown = escape("".join(c for c in text if c.isprintable() or c in "\t\r\n"))
    style = chance.choice(("", "", "", ' s="1"', ' s="2"'))
    kind = chance.choice(("n", "b", "e", "d", "s", "str")) if wild and chance.random() < 0.2 else "inlineStr"
    if kind == "inlineStr" and re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) and chance.random() < 0.7:
        kind = "n"
    if kind == "inlineStr" and chance.random() < 0.02:
        kind, shown = chance.choice((("b", "1"), ("e", "#REF!"), ("n", "1E+20"), ("n", "-0.1"), ("str", shown)))
    if kind == "inlineStr":
        return f'<c t="inlineStr"{style}><is><t>{shown}</t></is></c>'
    return f'<c t="{kind}"{style}><v>{shown}</v></c>'


# Bytes


def damaged(chance: random.Random, content: bytes) -> bytes:
    """Some bytes changed, taken out, doubled or put in."""
    found = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(found) + 1)
        kind = chance.random()
        if kind < 0.3:
            found[at:at] = chance.choice(BYTES)
        elif kind < 0.5:
            found[at : at + 1] = bytes([chance.randrange(256)])
        elif kind < 0.7:
            del found[at : at + chance.choice((1, 2, 10, 100))]
        elif kind < 0.9:
            found[at:at] = found[at : at + chance.choice((1, 10, 100))]
        else:
            del found[at:]
    return bytes(found)


def damaged_text(chance: random.Random, _: Mode) -> bytes:
    return damaged(chance, chance.choice(TEXTS))


def any_bytes(chance: random.Random, _: Mode) -> bytes:
    if chance.random() < 0.5:
        return chance.randbytes(chance.randrange(300))
    return b"".join(chance.choice((*BYTES, b"sku", b"price", b"1")) for _ in range(chance.randrange(80)))


def damaged_workbook(chance: random.Random, _: Mode) -> bytes:
    return damaged(chance, chance.choice(WORKBOOKS))


def workbook_of_damaged_parts(chance: random.Random, _: Mode) -> bytes:
    """A sound archive whose parts are damaged: what lies behind the archive's own checks."""
    content = chance.choice(WORKBOOKS)
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
            names = old.namelist()
            chosen = chance.choice([name for name in names if name.endswith("sheet1.xml")] or names)
            if chance.random() < 0.4:
                chosen = chance.choice(names)
            for name in names:
                part = old.read(name)
                if name == chosen:
                    part = xml_damaged(chance, part) if chance.random() < 0.7 else damaged(chance, part)
                new.writestr(name, part)
    except (zipfile.BadZipFile, EOFError):
        return damaged(chance, content)
    return out.getvalue()


def xml_damaged(chance: random.Random, part: bytes) -> bytes:
    """XML that is still XML: numbers and attribute values replaced."""
    pieces = part.split(b'"')
    for _ in range(chance.choice((1, 2, 5))):
        if len(pieces) > 2:
            at = chance.randrange(1, len(pieces) - 1, 2) if chance.random() < 0.8 else chance.randrange(len(pieces))
            new = chance.choice(XML_VALUES)
            pieces[at] = new if at % 2 else pieces[at].replace(b">1<", b">" + (new or b"1E999") + b"<")
    return b'"'.join(pieces)


KINDS: tuple[Callable[[random.Random, Mode], bytes], ...] = (
    any_table, any_table, any_table, any_table, any_workbook, damaged_text, damaged_text, any_bytes, damaged_workbook,
    workbook_of_damaged_parts,
)  # fmt: skip
