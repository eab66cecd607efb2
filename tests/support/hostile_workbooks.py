"""Hostile workbooks that would exhaust processor time or memory, each kind in several sizes.

`python -m tests.support.hostile_workbooks [CASE ...]` parses each in its own process and prints a JSON line for each:
the code of the rejection (or `read`), the CPU time in seconds, and the additional memory in MB.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import REQUIRED
from onboarding.files.parser import parse
from tests.support.workbook_builder import PARTS

MAX_CPU_SECONDS = 10
MAX_MEMORY_MB = 300

MB = 1024 * 1024

Pieces = Sequence[tuple[str | bytes, int]]
"""Content of a part: pieces, each with its number of repetitions."""

SHEET = "xl/worksheets/sheet1.xml"
STYLES = "xl/styles.xml"
BOOK = "xl/workbook.xml"
RELS = "xl/_rels/workbook.xml.rels"
NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STORED, DEFLATED, DEFLATE64, BZIP2, LZMA = 0, 8, 9, 12, 14


def row(*values: str) -> str:
    return row_of(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in values)


def row_of(cells: Iterable[str]) -> str:
    return f"<row>{''.join(cells)}</row>"


def styled_cell(style: int, value: str) -> str:
    return f'<c s="{style}"><v>{value}</v></c>'


def shared_text(index: int) -> str:
    return f'<c t="s"><v>{index}</v></c>'


TABLE = row(*REQUIRED) + row("P1", "Mug", "Books", "S1", "1.50", "5")


# Archives


def deflate(pieces: Pieces) -> tuple[bytes, int, int]:
    """Compress pieces; return the data, the checksum and the unpacked size. A repeated piece is compressed once."""
    packed, checksum, size = [], 0, 0
    for piece, times in pieces:
        content = piece.encode() if isinstance(piece, str) else piece
        # Large blocks compress better and need fewer checksum calls.
        repeated = max(1, min(times, MB // max(len(content), 1)))
        for block, count in ((content * repeated, times // repeated), (content * (times % repeated), 1)):
            compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
            packed.append((compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)) * count)
            for _ in range(count):
                checksum = zlib.crc32(block, checksum)
            size += len(block) * count
    return b"".join(packed) + b"\x03\x00", checksum, size


def make_entry(
    name: str, packed: bytes, checksum: int, size: int, at: int, *, method: int = DEFLATED
) -> tuple[bytes, bytes]:
    """Return the local header and the central directory record of an entry."""
    encoded = name.encode()
    common = struct.pack("<HHHHHLLLHH", 20, 0, method, 0, 33, checksum, len(packed), size, len(encoded), 0)
    local = b"PK\x03\x04" + common + encoded
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHLL", 0, 0, 0, 0, at) + encoded
    return local, central


def make_archive(entries: Sequence[tuple[str, bytes, int, int, int]]) -> bytes:
    """Build an archive of entries (name, data, checksum, size, method); the values may be wrong."""
    archive, directory = bytearray(), bytearray()
    for name, packed, checksum, size, method in entries:
        local, central = make_entry(name, packed, checksum, size, len(archive), method=method)
        archive += local + packed
        directory += central
    count = min(len(entries), 0xFFFF)
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, count, count, len(directory), len(archive), 0)
    return bytes(archive + directory + end)


def make_parts(changes: Mapping[str, Pieces] | None = None) -> dict[str, Pieces]:
    """Return the parts of the smallest workbook, some of them replaced."""
    plain: dict[str, Pieces] = {name: [(part.replace("ROWS", TABLE), 1)] for name, part in PARTS.items()}
    return {**plain, **(changes or {})}


def workbook(changes: Mapping[str, Pieces]) -> bytes:
    """Build a workbook with some of its parts replaced."""
    return make_archive([(name, *deflate(pieces), DEFLATED) for name, pieces in make_parts(changes).items()])


def sheet(*pieces: tuple[str, int], table: str = TABLE, before: Pieces = (), after: Pieces = ()) -> bytes:
    """Build a workbook with rows after a table, and pieces before and after all rows."""
    start, end = (f'<worksheet xmlns="{NS}" xmlns:r="{OFFICE}">', 1), ("</worksheet>", 1)
    rows = [("<sheetData>", 1), (table, 1), *pieces, ("</sheetData>", 1)]
    return workbook({SHEET: [start, *before, *rows, *after, end]})


def styles(*pieces: tuple[str | bytes, int], cells: Pieces = (("<xf/>", 1),), rows: Pieces = ()) -> bytes:
    """Build a workbook with cell styles, and pieces before them."""
    table = f'<worksheet xmlns="{NS}"><sheetData>{TABLE}'
    return workbook(
        {
            STYLES: [
                (f'<styleSheet xmlns="{NS}">', 1),
                *pieces,
                ("<cellXfs>", 1),
                *cells,
                ("</cellXfs></styleSheet>", 1),
            ],
            SHEET: [(table, 1), *rows, ("</sheetData></worksheet>", 1)],
        }
    )


def with_format(code: Pieces) -> bytes:
    """Build a workbook whose cells have the same number format."""
    start, end = '<numFmts><numFmt numFmtId="164" formatCode="', '"/></numFmts>'
    return styles(
        (start, 1),
        *code,
        (end, 1),
        cells=[('<xf numFmtId="164"/>', 1)],
        rows=[('<row><c s="0"><v>1.5</v></c></row>', 9_000)],
    )


def with_formats() -> bytes:
    """Build a workbook with the maximum number of number formats, all of them as long as allowed."""
    codes = "".join(f'<numFmt numFmtId="{n}" formatCode="{str(n).ljust(250, "[")}"/>' for n in range(200, 1100))
    cells = "".join(f'<xf numFmtId="{n}"/>' for n in range(200, 1100))
    rows = "".join(row_of(styled_cell((r * 14 + c) % 900, f"{r}.{c}7") for c in range(60)) for r in range(900))
    return styles((f"<numFmts>{codes}</numFmts>", 1), cells=[(cells, 1)], rows=[(rows, 10)])


def with_long_format(code: str, rows: int, columns: int) -> bytes:
    """Build a workbook of distinct numbers with one format, as long as allowed."""
    cells = "".join(row_of(styled_cell(0, f"{r}.{c}7") for c in range(columns)) for r in range(rows // 10))
    formats = f'<numFmts><numFmt numFmtId="200" formatCode="{code}"/></numFmts>'
    return styles((formats, 1), cells=[('<xf numFmtId="200"/>', 1)], rows=[(cells, 10)])


def texts(*pieces: tuple[str, int], rows: Pieces = (), table: str = TABLE) -> bytes:
    """Build a workbook with shared strings and rows."""
    link = f'<Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="texts.xml"/></Relationships>'
    return workbook(
        {
            RELS: [(PARTS[RELS].replace("</Relationships>", link), 1)],
            "xl/texts.xml": [(f'<sst xmlns="{NS}">', 1), *pieces, ("</sst>", 1)],
            SHEET: [(f'<worksheet xmlns="{NS}"><sheetData>{table}', 1), *rows, ("</sheetData></worksheet>", 1)],
        }
    )


def with_compression(method: int, content: bytes) -> bytes:
    """Build a workbook whose sheet has another compression method."""
    entries = [(name, *deflate(pieces), DEFLATED) for name, pieces in make_parts().items() if name != SHEET]
    return make_archive([*entries, (SHEET, content, 0, 50 * MB, method)])


def with_wrong_size(size: int, checksum: int = 0) -> bytes:
    """Build a workbook whose sheet unpacks to 500 MB, with another size in the archive."""
    entries = [(name, *deflate(pieces), DEFLATED) for name, pieces in make_parts().items() if name != SHEET]
    packed, _, _ = deflate([(" " * MB, 500)])
    return make_archive([*entries, (SHEET, packed, checksum, size, DEFLATED)])


def with_overlapping_entries() -> bytes:
    """Build an archive whose entries all refer to the same 90 MB of data."""
    archive, directory = (
        bytearray(make_archive([(n, *deflate(p), DEFLATED) for n, p in make_parts().items()])),
        bytearray(),
    )
    packed, checksum, size = deflate([(" " * MB, 90)])
    at = len(archive)
    local, _ = make_entry("xl/a", packed, checksum, size, 0)
    archive += local + packed
    names = [*PARTS, *(f"xl/worksheets/sheet{n}.xml" for n in range(2, 2_000))]
    for name in names:
        directory += make_entry(name, packed, checksum, size, at)[1]
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, len(names), len(names), len(directory), len(archive), 0)
    return bytes(archive + directory + end)


def with_sheets(count: int, part: Pieces | None = None) -> bytes:
    """Build a workbook of many sheets with the same part."""
    named = "".join(f'<sheet name="s{n}" sheetId="{n + 2}" r:id="r1"/>' for n in range(count))
    book = PARTS[BOOK].replace("</sheets>", f"{named}</sheets>")
    return workbook({BOOK: [(book, 1)], **({SHEET: part} if part else {})})


def with_entries(count: int) -> bytes:
    entries = [(name, *deflate(pieces), DEFLATED) for name, pieces in make_parts().items()]
    return make_archive([*entries, *((f"x{n}", b"", 0, 0, STORED) for n in range(count))])


def full_workbook(columns: int, *, shared: bool) -> bytes:
    """Build a valid workbook of 10,000 rows with distinct values."""
    names = [*REQUIRED, *(f"extra {n}" for n in range(columns - len(REQUIRED)))]

    def values(n: int) -> Iterator[str]:
        yield from (f"P{n}", f"Article {n}", "Books", f"S{n}", f"{n}.50", f"{n % 500}")
        yield from (f"value {n} of {column}" for column in range(columns - len(REQUIRED)))

    if not shared:
        return sheet(("".join(row(*values(n)) for n in range(10_000)), 1), table=row(*names))
    items = "".join(f"<si><t>{value}</t></si>" for n in range(10_000) for value in values(n))
    header = "".join(f"<si><t>{name}</t></si>" for name in names)
    cells = "".join(row_of(shared_text(n * columns + c) for c in range(columns)) for n in range(10_001))
    return texts((header, 1), (items, 1), rows=[(cells, 1)], table="")


def with_merged_ranges(count: int, ref: str) -> bytes:
    more = row("P2", "Mug", "Books", "S2", "1.50", "5")
    return sheet((more, 9_000), after=[("<mergeCells>", 1), (f'<mergeCell ref="{ref}"/>', count), ("</mergeCells>", 1)])


def links(count: int) -> bytes:
    link = f'<hyperlink ref="F2" r:id="{"i" * 50}"/>'
    return sheet(after=[("<hyperlinks>", 1), (link, count), ("</hyperlinks>", 1)])


def relations(count: int, target: str) -> bytes:
    link = f'<Relationship Id="x" Type="{OFFICE}/hyperlink" Target="{target}" TargetMode="External"/>'
    head, tail = PARTS[RELS].removesuffix("</Relationships>"), "</Relationships>"
    return workbook({RELS: [(head, 1), (link, count), (tail, 1)]})


def with_distinct_layouts() -> bytes:
    """Build a workbook whose rows have numbers in different columns."""
    rows = (row_of(styled_cell(2, f"1.{n}") if n * c % 7 % 3 else "<c/>" for c in range(200)) for n in range(300))
    return sheet(("".join(rows), 33))


def wide_texts() -> bytes:
    """Build a workbook with the maximum amount of text, in characters of four bytes, with white space to strip."""
    rows = "".join(row_of((shared_text(n), shared_text(n + 9_000))) for n in range(9_000))
    return texts((f"<si><t> {chr(128433) * 1000}</t></si>", 24_000), rows=[(rows, 1)])


def comment(size: int) -> Pieces:
    """Return a comment of `size` MB."""
    return [("<!--", 1), ("x" * 1024, size * 1024), ("-->", 1)]


def with_attributes(count: int) -> bytes:
    """Build a workbook with a row of many attributes."""
    return sheet(("".join(["<row", *(f' a{n}=""' for n in range(count)), "/>"]), 1))


CELL_500 = row("x" * 500)
VALUES = "<c><v>1.25</v></c>"

Content = Callable[[], bytes]


def hostile_workbooks() -> dict[str, Content]:
    """Return the builder of every hostile workbook, by name of the case."""
    cases: dict[str, Content] = {}
    for sign in ("[", "#", "0", ";", "&quot;", "?", "_", "\\", ",", "%", "E+", "h", "[h]"):
        for count in (40, 40_000, 140_000, 5_000_000):
            cases[f"format {sign} x{count}"] = partial(with_format, [(sign, count)])
    for size in (1, 10, 90):
        long = [("A1 ", size * MB // 3)]
        validation = [('<dataValidations><dataValidation sqref="', 1), *long, ('"/></dataValidations>', 1)]
        condition = [('<conditionalFormatting sqref="', 1), *long, ('"/>', 1)]
        many = [('<conditionalFormatting sqref="A1:B9"/>', size * MB // 40)]
        cases |= {
            f"data validation {size} MB": partial(sheet, after=validation),
            f"conditional format {size} MB": partial(sheet, after=condition),
            f"conditional formats {size} MB": partial(sheet, after=many),
            f"comment {size} MB and cells": partial(
                sheet, ("<row>", 1), (VALUES, 900), ("</row>", 1), before=comment(size)
            ),
            f"comments {size} MB": partial(sheet, before=[("<!--xxxxxxxxxxxxxxxxxxxxxxxx-->", size * MB // 32)]),
            f"cell {size} MB": partial(
                sheet, ('<row><c t="inlineStr"><is><t>', 1), ("x" * 1024, size * 1024), ("</t></is></c></row>", 1)
            ),
            f"number {size} MB": partial(sheet, ("<row><c><v>", 1), ("1" * 1024, size * 1024), ("</v></c></row>", 1)),
            f"formula {size} MB": partial(sheet, ("<row><c><f>", 1), ("A1+" * 341, size * 1024), ("</f></c></row>", 1)),
            f"text {size} MB": partial(texts, ("<si><t>", 1), ("x" * 1024, size * 1024), ("</t></si>", 1)),
            f"runs of a text {size} MB": partial(
                texts, ("<si>", 1), (f"<r><t>{'x' * 1000}</t></r>", size * 1024), ("</si>", 1)
            ),
            f"runs of a cell {size} MB": partial(
                sheet,
                ('<row><c t="inlineStr"><is>', 1),
                (f"<r><t>{'x' * 1000}</t></r>", size * 1024),
                ("</is></c></row>", 1),
            ),
            f"texts {size} MB": partial(texts, (f"<si><t>{chr(128433)}{'x' * 1000}</t></si>", size * 1024)),
            f"attribute {size} MB": partial(sheet, ('<row spans="', 1), ("1" * 1024, size * 1024), ('"/>', 1)),
            f"spaces {size} MB": partial(sheet, (" " * 1024, size * 1024)),
            f"declaration {size} MB": partial(
                workbook, {SHEET: [("<?xml version='1.0' encoding='", 1), ("x" * 1024, size * 1024), ("'?>", 1)]}
            ),
        }
    for count in (60_000, 290_000, 1_100_000):
        cases |= {
            f"merged {count}": partial(with_merged_ranges, count, "A1:B2"),
            f"merged over all {count}": partial(with_merged_ranges, count, "A2:F9000"),
            f"links {count}": partial(links, count),
            f"relations {count}": partial(relations, count, "https://a.example/"),
            f"styles {count}": partial(styles, cells=[("<xf/>", count)]),
            f"fonts {count}": partial(styles, ("<fonts>", 1), ("<font/>", count), ("</fonts>", 1)),
            f"formats {count}": partial(
                styles, ("<numFmts>", 1), ('<numFmt numFmtId="164" formatCode="0"/>', count), ("</numFmts>", 1)
            ),
            f"names {count}": partial(
                workbook,
                {
                    BOOK: [
                        (PARTS[BOOK].removesuffix("</workbook>"), 1),
                        ('<definedName name="a">A1</definedName>', count),
                        ("</workbook>", 1),
                    ]
                },
            ),
            f"shared strings {count}": partial(texts, ("<si><t>text</t></si>", count)),
            f"attributes {count}": partial(with_attributes, count),
            f"depth {count}": partial(sheet, ("<a>", count), ("</a>", count)),
            f"depth of cells {count}": partial(sheet, ("<c>", count), ("</c>", count)),
            f"cells {count}": partial(
                sheet, ("<row>", 1), (VALUES, 900), ("</row>", 1), (f"<row>{VALUES * 9}</row>", count)
            ),
            f"blank cells {count}": partial(sheet, ('<row r="9"><c r="XFD9"/></row>', 1), ("<row/>", count)),
            f"rows {count}": partial(sheet, (row("P2", "Mug"), count // 10)),
            f"unclosed rows {count}": partial(sheet, ("<row ", count)),
            f"hidden rows {count}": partial(sheet, ('<row hidden="1"/>', count)),
            f"hidden columns {count}": partial(sheet, before=[('<col min="1" max="9" hidden="1"/>', count)]),
            f"pictures {count}": partial(
                sheet,
                ("<row>", 1),
                ('<c><f>HYPERLINK("https://a.example/1.jpg","x")</f></c>', 900),
                ("</row>", 1),
                ('<row><c><f>HYPERLINK("https://a.example/1.jpg","x")</f></c></row>', count // 10),
            ),
            f"pieces of text {count}": partial(sheet, ("<row><c><v>", 1), ("1<x/>", count), ("</v></c></row>", 1)),
        }
    for size in (1, 1_000):
        cases[f"zip bomb {size} MB"] = partial(workbook, {SHEET: [(" " * MB, size)]})
        cases[f"zip bomb {size} MB, stored as small"] = partial(with_wrong_size, size)
    for count in (150, 201, 100_000):
        cases[f"sheets {count}"] = partial(with_sheets, count)
    for count in (9_000, 65_000, 200_000):
        cases[f"entries {count}"] = partial(with_entries, count)
    for number in ("9999998", "1048577", "1048576", "0", "-1", "1" * 5_000):
        cases[f"row number {number[:9]}"] = partial(sheet, (f'<row r="{number}"><c><v>1</v></c></row>', 1))
    for place in ("99", "-1", "1" * 5_000, "x", "1e9"):
        cases[f"shared string {place[:9]}"] = partial(
            texts, ("<si><t>x</t></si>", 1), rows=[(f'<row><c t="s"><v>{place}</v></c></row>', 1)]
        )
    for number in ("1E999999", "1" * 5_000, "0." + "3" * 60, "NaN", "1_0", "-1E-999999"):
        cases[f"value {number[:9]}"] = partial(sheet, (f"<row><c><v>{number}</v></c></row>", 9_000))
    return cases | {
        "attributes 3500000": partial(with_attributes, 3_500_000),
        "formats at their limit": with_formats,
        "format with text between digits": partial(with_long_format, "0-" * 124 + "0", 9_000, 60),
        "format with text before digits": partial(with_long_format, "&quot;" + "x" * 240 + "&quot;0", 9_900, 199),
        "format with percent signs": partial(with_long_format, "0" + "%" * 200, 9_000, 60),
        "comment and entities": partial(
            workbook, {SHEET: [*comment(10), ("<!DOCTYPE x [<!ENTITY a 'aaaa'>]>", 1), (PARTS[SHEET], 1)]}
        ),
        "entities": partial(workbook, {SHEET: [("<!DOCTYPE x [<!ENTITY a 'aaaa'>]>", 1), (PARTS[SHEET], 1)]}),
        "entities of texts": partial(workbook, {STYLES: [("<!DOCTYPE x [<!ENTITY a 'a'>]>", 1), (PARTS[STYLES], 1)]}),
        "lzma": partial(with_compression, LZMA, b"\x09\x14\x05\x00\x5d\x00\x00\x80\x00" + b"\0" * 500),
        "lzma with 4 GB": partial(with_compression, LZMA, b"\x09\x14\x05\x00\x5d\xff\xff\xff\xff" + b"\0" * 500),
        "bzip2": partial(with_compression, BZIP2, b"BZh9" + b"\0" * 500),
        "deflate64": partial(with_compression, DEFLATE64, b"\0" * 500),
        "unknown packing": partial(with_compression, 99, b"\0" * 500),
        "size stated as 4 GB": partial(with_wrong_size, 0xFFFFFFFE),
        "size stated as 0": partial(with_wrong_size, 0),
        "overlapping entries": with_overlapping_entries,
        "sheets of 90 MB": partial(with_sheets, 150, [(" " * MB, 90), (PARTS[SHEET], 1)]),
        "one text in all cells": partial(
            texts, (f"<si><t>{'x' * 30_000}</t></si>", 1), rows=[(row_of([shared_text(0)] * 14), 9_900)]
        ),
        "wide texts with blanks": wide_texts,
        "formats in other places in each row": with_distinct_layouts,
        "values far to the right": partial(sheet, (f"<row>{'<c/>' * 999}<c><v>1</v></c></row>", 2_000)),
        "cells as many as there may be": partial(sheet, (f"<row>{VALUES * 199}</row>", 9_900)),
        "rows of 1,000 long cells": partial(sheet, (f"<row>{CELL_500[5:-6] * 900}</row>", 50)),
        "utf-16": partial(workbook, {SHEET: [(PARTS[SHEET].replace("ROWS", TABLE).encode("utf-16"), 1)]}),
        "a type of its own": partial(sheet, ('<row><c t="x"><v>1</v></c></row>', 1)),
    }


LARGE_WORKBOOKS: dict[str, Content] = {
    "full, shared strings": partial(full_workbook, 60, shared=True),
    "full, inline strings": partial(full_workbook, 60, shared=False),
}
"""Valid workbooks of maximum size."""


def memory_kb(name: str) -> int:
    """Return the current (`VmRSS`) or maximum (`VmHWM`) memory of this process in KB."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1])


def measure(name: str, content: bytes) -> None:
    """Parse a workbook and print the result, the CPU time and the memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (3 * MAX_CPU_SECONDS, 3 * MAX_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (4 * MAX_MEMORY_MB * MB, 4 * MAX_MEMORY_MB * MB))
    before = memory_kb("VmRSS")
    parsed = parse(content, "UPLOAD_1", "VEND001")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result = {
        "case": name,
        "code": parsed.code if isinstance(parsed, FileRejection) else "read",
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": (memory_kb("VmHWM") - before) // 1024,
        "bytes": len(content),
    }
    print(json.dumps(result), flush=True)


def run_in_child(function: Callable[[], object]) -> int:
    """Call a function in a new process, so that measurements start from the same memory; return the wait status."""
    child = os.fork()
    if not child:
        function()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main(names: Sequence[str]) -> None:
    """Parse the named cases, or all."""
    # Import the workbook reader before the measurements.
    parse(workbook({}), "UPLOAD_1", "VEND001")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "hostile.xlsx")
        for name, build in {**hostile_workbooks(), **LARGE_WORKBOOKS}.items():
            if names and name not in names:
                continue
            run_in_child(lambda make=build: path.write_bytes(make()))  # type: ignore[misc]
            if status := run_in_child(lambda name=name: measure(name, path.read_bytes())):  # type: ignore[misc]
                print(json.dumps({"case": name, "code": f"ended with {status}", "cpu": 0, "memory": 0}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
