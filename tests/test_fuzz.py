"""Any file comes to a clear reason, or to rows that the rules judge: nothing escapes, whatever the bytes.

A run is a fixed sequence of cases, each from its own number, so that a case that fails can be made again. A test run
takes `CASES` of them; `ONBOARDING_FUZZ=20000` takes as many as it says.
"""

from __future__ import annotations

import csv
import io
import os
import random
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from onboarding.categories import DEFAULT_CATEGORIES
from onboarding.model import COLUMNS, Mode
from onboarding.parse import MAX_CELL, MAX_ROWS, Refusal, parse, table_of
from onboarding.reading.header import spellings
from onboarding.rules import REQUIRED, REQUIRED_TO_CHANGE, Facts, errors_of
from onboarding.staging import item_of, row_of

CASES = 1_200
SHARES = 20
"""Tests that the cases are spread over: a failure names a small share, and the rest still runs."""

FILES = Path(__file__).parent / "files"
# The one that unpacks to 100 MB is tested once; here it would be most of the time.
SEEDS = [path for path in sorted(FILES.iterdir()) if path.suffix in {".csv", ".xlsx"} and path.name != "zip-bomb.xlsx"]
TEXTS = [path.read_bytes() for path in SEEDS if path.suffix == ".csv"]
WORKBOOKS = [path.read_bytes() for path in SEEDS if path.suffix == ".xlsx"]

FACTS = [Facts(DEFAULT_CATEGORIES, {"S-1"}, {("VEND001", "P-1")}, mode=mode, catalog_known=False) for mode in Mode]

CELLS = [
    "", " ", "'", '"', '""', "=", "=1+1", '="007"', "-", "+", "@", "#REF!", "#", "TRUE", "(clear)", "NaN", "nan", "inf",
    "0", "-0", "00", "007", "1,234", "1.234", "1,5", "1.5", ",5", "5,", "1.234,56", "1,234.56", "8.71E+12", "1E400",
    "12-Mar", "2024-02-30", "01.03.2024", "sep=;", "SEP=", "_row", "_", "\u00a0", "\u200b", "\ufeff", "\u2028",
    "\x00", "\x1b[2J", "\x85", "\r", "\n", "\r\n", "a\nb", "a;b", "a,b", "a\tb", "a|b", "Electronics", "S-1", "P-1",
    "x" * 101, "x" * 201, "9" * 40, "é", "Ã©", "\U0001f5b1", "\ufffd", "ß", "İ", "٣", "\uff11", "http://x", "https://x/y.jpg",
]  # fmt: skip
NAMES = [*COLUMNS, *sorted(spellings()), *CELLS, "Preis", "Artikel Nr.", "Prix (EUR)", "_errors", "_hint"]
DELIMITERS = [",", ";", "\t", "|", "^", " "]
ENCODINGS = [
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp1251", "cp850", "gbk",
    "mac-roman", "utf-7",
]  # fmt: skip
BYTES = [
    b"\0", b"\xff", b"\xfe", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b'"', b'""', b",", b";", b"\t",
    b"|", b"\r", b"\n", b"\r\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"<", b">", b"&", b"<f>", b"=", b"'", b"-",
    b"9" * 20,
]  # fmt: skip


def any_cell(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.6:
        return chance.choice(CELLS)
    if kind < 0.8:
        return "".join(chance.choice("0123456789.,-+eE %€$'") for _ in range(chance.randrange(12)))
    return "".join(
        chr(chance.choice((chance.randrange(128), chance.randrange(0x250), chance.randrange(0xD800)))) for _ in range(8)
    )


def any_table(chance: random.Random) -> bytes:
    """A table of nasty cells, often under a good header, in some delimiter and encoding."""
    header: list[str] = [*chance.choice((REQUIRED, COLUMNS, REQUIRED_TO_CHANGE))]
    for _ in range(chance.choice((0, 0, 1, 3))):
        header.insert(chance.randrange(len(header) + 1), chance.choice(NAMES))
    if chance.random() < 0.1:
        header = [chance.choice(NAMES) for _ in range(chance.randrange(20))]
    good = ["P-1", "Article", "Electronics", "S-1", "1.50", "3"]
    rows = []
    for number in range(chance.choice((0, 1, 2, 5, 30))):
        row = [f"{value}{number}" for value in good] + [any_cell(chance) for _ in header[len(good) :]]
        for _ in range(chance.randrange(4)):
            row[chance.randrange(len(row))] = any_cell(chance)
        rows.append(
            row[: chance.choice((None, None, None, len(row) - 1))] + [any_cell(chance)] * chance.choice((0, 0, 0, 2))
        )
    text = io.StringIO(newline="")
    delimiter, end = chance.choice(DELIMITERS), chance.choice(("\n", "\r\n", "\r"))
    if chance.random() < 0.7:
        csv.writer(text, delimiter=delimiter, lineterminator=end).writerows([header, *rows])
    else:
        text.write(end.join(delimiter.join(line) for line in [header, *rows]))
    return text.getvalue().encode(chance.choice(ENCODINGS), chance.choice(("replace", "ignore")))


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


def damaged_text(chance: random.Random) -> bytes:
    return damaged(chance, chance.choice(TEXTS))


def any_bytes(chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return chance.randbytes(chance.randrange(300))
    return b"".join(chance.choice((*BYTES, b"sku", b"price", b"1")) for _ in range(chance.randrange(80)))


def damaged_workbook(chance: random.Random) -> bytes:
    return damaged(chance, chance.choice(WORKBOOKS))


def workbook_of_damaged_parts(chance: random.Random) -> bytes:
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
                    part = text_damaged(chance, part) if chance.random() < 0.7 else damaged(chance, part)
                new.writestr(name, part)
    except (zipfile.BadZipFile, EOFError):
        return damaged(chance, content)
    return out.getvalue()


def text_damaged(chance: random.Random, part: bytes) -> bytes:
    """XML that is still XML: numbers and attribute values replaced."""
    pieces = part.split(b'"')
    for _ in range(chance.choice((1, 2, 5))):
        if len(pieces) > 2:
            at = chance.randrange(1, len(pieces) - 1, 2) if chance.random() < 0.8 else chance.randrange(len(pieces))
            new = chance.choice(
                (
                    b"",
                    b"0",
                    b"-1",
                    b"1",
                    b"s",
                    b"b",
                    b"d",
                    b"e",
                    b"n",
                    b"str",
                    b"inlineStr",
                    b"A0",
                    b"ZZZ9",
                    b"99999",
                    b"1e9",
                    b"x",
                    b"NaN",
                    b"\xc3\xa9",
                )
            )
            pieces[at] = new if at % 2 else pieces[at].replace(b">1<", b">" + (new or b"1E999") + b"<")
    return b'"'.join(pieces)


KINDS: tuple[Callable[[random.Random], bytes], ...] = (
    any_table, any_table, any_table, any_table, damaged_text, damaged_text, damaged_text, any_bytes, damaged_workbook,
    workbook_of_damaged_parts,
)  # fmt: skip


def case(number: int) -> bytes:
    chance = random.Random(number)  # noqa: S311 - cases, not secrets
    return KINDS[number % len(KINDS)](chance)


def check(content: bytes, required: Iterable[str]) -> str:
    """Read and judge; returns how it ended."""
    found = parse(content, "UPLOAD_1", "VEND001", required=tuple(required))
    if isinstance(found, Refusal):
        assert found.code.isupper()
        assert len(found.code) <= 50
        assert_one_line(found.reason)
        assert len(found.reason) < 1_500
        return found.code
    assert 0 < len(found.rows) <= MAX_ROWS
    assert [row.row_number for row in found.rows] == list(range(1, len(found.rows) + 1))
    lines = [row.line or 0 for row in found.rows]
    assert lines == sorted(set(lines))
    assert lines[0] > found.detected.header_line
    assert table_of(content) == found.table
    assert len(found.table.rows) == len(found.rows)
    assert_one_line(found.detected.sentence())
    for warning in found.warnings:
        assert warning.code.isupper()
        assert_one_line(warning.message)
    for row in found.rows:
        assert set(row.cells) <= set(COLUMNS)
        assert all(0 < len(text) <= MAX_CELL and text.strip() for text in row.cells.values())
        for facts in FACTS:
            for error in errors_of(row, facts):
                assert error.error_type.isupper()
                assert_one_line(error.message)
        "".join(row.cells.values()).encode()
        assert row_of(item_of(row)) == row
    return "rows"


def assert_one_line(text: str) -> None:
    """What goes into mails, logs and terminals, and into PostgreSQL."""
    assert text
    assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]


def cases_wanted() -> int:
    return int(os.environ.get("ONBOARDING_FUZZ", CASES))


@pytest.mark.parametrize("share", range(SHARES))
def test_any_file_comes_to_a_reason_or_to_rows(share: int) -> None:
    for number in range(share, cases_wanted(), SHARES):
        content = case(number)
        required = REQUIRED_TO_CHANGE if number % 7 == 0 else REQUIRED
        try:
            check(content, required)
        except Exception as error:
            error.add_note(f"case {number}: {content[:200]!r}")
            raise


def test_the_cases_reach_all_that_can_happen() -> None:
    ends = {check(case(number), REQUIRED) for number in range(400)}
    assert {"rows", "MISSING_COLUMNS", "UNKNOWN_ENCODING", "UNREADABLE_CSV", "UNREADABLE_XLSX", "NO_ROWS"} <= ends
