"""Generator of random hostile files: unusual bytes and cells of vendors and spreadsheets.

The number of a case is the seed of its generator, so that a failed case can be repeated.
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

# The workbook that unpacks to 100 MB has its own test; here it would take most of the time.
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
    """An uploaded file of random content, whose outcome is not known in advance."""

    number: int = 0
    data: bytes = b""
    options: Options = Options()  # noqa: RUF009 - frozen
    name: str = ""

    @property
    def content(self) -> bytes:
        return self.data

    @property
    def metadata(self) -> dict[str, str]:
        return self.options.metadata()

    @property
    def required(self) -> tuple[str, ...]:
        return REQUIRED if self.options.mode is Mode.CREATE else REQUIRED_TO_CHANGE


def case(number: int) -> Case:
    """Return the file of a number: vendor, content, options and name."""
    rng = random.Random(number)  # noqa: S311 - cases, not secrets
    on_error = OnError.REJECT_FILE if rng.random() < 0.2 else OnError.REJECT_ROWS
    options = Options(rng.choice((Mode.CREATE, *Mode)), on_error, force=rng.random() < 0.1)
    data = KINDS[number % len(KINDS)](rng, options.mode)
    name = rng.choice(("fuzz", "fuzz", make_cell(rng).replace("/", "").encode(errors="replace").decode()))
    return Case(rng.choice(VENDORS), [], number=number, data=data, options=options, name=f"{name}.csv")


VENDORS = ["VEND001", "VEND001", "VEND002"]


# Cells


def make_cell(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(CELLS)
    if kind < 0.8:
        return "".join(rng.choice("0123456789.,-+eE %€$'") for _ in range(rng.randrange(12)))
    return "".join(chr(rng.choice((rng.randrange(128), rng.randrange(0x250), rng.randrange(0xD800)))) for _ in range(8))


def make_lines(rng: random.Random, mode: Mode) -> Lines:
    """Return a header and mostly valid rows with some unusual cells; products repeat between cases."""
    columns: list[str] = [*rng.choice((REQUIRED, REQUIRED, COLUMNS))]
    if mode is not Mode.CREATE and rng.random() < 0.5:
        columns = ["vendor_product_id", *rng.sample(COLUMNS[1:], rng.randrange(1, 5))]
    for _ in range(rng.choice((0, 0, 1, 3))):
        columns.insert(rng.randrange(len(columns) + 1), rng.choice(CELLS))
    if rng.random() < 0.1:
        columns[rng.randrange(len(columns))] = rng.choice(NAMES)
    first, point = rng.randrange(3) * 10, rng.choice((".", ".", ".", ","))
    faults = rng.choice((0, 1, 4))
    rows = []
    for number in range(first, first + rng.choice((0, 1, 2, 5, 30))):
        valid = {
            "vendor_product_id": f"P-{number}",
            "product_name": f"Article {number}",
            "category": "Electronics",
            "sku": f"S-{number}",
            "price": f"{number}{point}50",
            "stock_quantity": f"{rng.randrange(100)}",
            "weight_kg": f"{rng.randrange(3)}{point}250",
        }
        row = [valid.get(name, "") for name in columns]
        for _ in range(rng.randrange(faults + 1)):
            row[rng.randrange(len(row))] = make_cell(rng)
        if faults and rng.random() < 0.05:
            row = rng.choice((row[:-1], [*row, make_cell(rng)]))
        rows.append(row)
    return [columns, *rows]


def make_table(rng: random.Random, mode: Mode) -> bytes:
    """Return a CSV file of unusual cells in a random delimiter and encoding, quoted correctly or not."""
    lines, is_common = make_lines(rng, mode), rng.random() < 0.7
    delimiter = rng.choice(DELIMITERS[:2] if is_common else DELIMITERS)
    end = rng.choice(("\n", "\r\n", "\r"))
    text = io.StringIO(newline="")
    if rng.random() < 0.8:
        csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(lines)
    else:
        text.write(end.join(delimiter.join(line) for line in lines))
    encoding = rng.choice(ENCODINGS[:4] if is_common else ENCODINGS)
    return text.getvalue().encode(encoding, rng.choice(("replace", "ignore")))


def make_workbook(rng: random.Random, mode: Mode) -> bytes:
    """Return a workbook of unusual cells, as texts, numbers, booleans and dates."""
    wild = rng.random() < 0.1
    lines = make_lines(rng, mode)
    rows = "".join(f"<row>{''.join(_cell(rng, text, wild) for text in line)}</row>" for line in lines)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, part in PARTS.items():
            archive.writestr(name, part.replace("ROWS", rows))
    return out.getvalue()


def _cell(rng: random.Random, text: str, wild: bool) -> str:
    """Return a cell of a sheet; if `wild`, its value may not match its type."""
    printable = escape("".join(c for c in text if c.isprintable() or c in "\t\r\n"))
    style = rng.choice(("", "", "", ' s="1"', ' s="2"'))
    kind = rng.choice(("n", "b", "e", "d", "s", "str")) if wild and rng.random() < 0.2 else "inlineStr"
    if kind == "inlineStr" and re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) and rng.random() < 0.7:
        kind = "n"
    if kind == "inlineStr" and rng.random() < 0.02:
        kind, printable = rng.choice((("b", "1"), ("e", "#REF!"), ("n", "1E+20"), ("n", "-0.1"), ("str", printable)))
    if kind == "inlineStr":
        return f'<c t="inlineStr"{style}><is><t>{printable}</t></is></c>'
    return f'<c t="{kind}"{style}><v>{printable}</v></c>'


# Bytes


def damage(rng: random.Random, content: bytes) -> bytes:
    """Return the content with some bytes replaced, removed, repeated or inserted."""
    result = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(result) + 1)
        kind = rng.random()
        if kind < 0.3:
            result[at:at] = rng.choice(BYTES)
        elif kind < 0.5:
            result[at : at + 1] = bytes([rng.randrange(256)])
        elif kind < 0.7:
            del result[at : at + rng.choice((1, 2, 10, 100))]
        elif kind < 0.9:
            result[at:at] = result[at : at + rng.choice((1, 10, 100))]
        else:
            del result[at:]
    return bytes(result)


def make_damaged_text(rng: random.Random, _: Mode) -> bytes:
    return damage(rng, rng.choice(TEXTS))


def make_bytes(rng: random.Random, _: Mode) -> bytes:
    if rng.random() < 0.5:
        return rng.randbytes(rng.randrange(300))
    return b"".join(rng.choice((*BYTES, b"sku", b"price", b"1")) for _ in range(rng.randrange(80)))


def make_damaged_workbook(rng: random.Random, _: Mode) -> bytes:
    return damage(rng, rng.choice(WORKBOOKS))


def make_workbook_with_damaged_part(rng: random.Random, _: Mode) -> bytes:
    """Return a valid archive with a damaged part, which the checks of the archive do not detect."""
    content = rng.choice(WORKBOOKS)
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
            names = old.namelist()
            chosen = rng.choice([name for name in names if name.endswith("sheet1.xml")] or names)
            if rng.random() < 0.4:
                chosen = rng.choice(names)
            for name in names:
                part = old.read(name)
                if name == chosen:
                    part = damage_xml(rng, part) if rng.random() < 0.7 else damage(rng, part)
                new.writestr(name, part)
    except (zipfile.BadZipFile, EOFError):
        return damage(rng, content)
    return out.getvalue()


def damage_xml(rng: random.Random, part: bytes) -> bytes:
    """Return well-formed XML with other numbers and attribute values."""
    pieces = part.split(b'"')
    for _ in range(rng.choice((1, 2, 5))):
        if len(pieces) > 2:
            at = rng.randrange(1, len(pieces) - 1, 2) if rng.random() < 0.8 else rng.randrange(len(pieces))
            new = rng.choice(XML_VALUES)
            pieces[at] = new if at % 2 else pieces[at].replace(b">1<", b">" + (new or b"1E999") + b"<")
    return b'"'.join(pieces)


KINDS: tuple[Callable[[random.Random, Mode], bytes], ...] = (
    make_table, make_table, make_table, make_table, make_workbook, make_damaged_text, make_damaged_text, make_bytes,
    make_damaged_workbook, make_workbook_with_damaged_part,
)  # fmt: skip
