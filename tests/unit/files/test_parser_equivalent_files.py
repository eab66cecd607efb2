"""Parser: the same table in any encoding, delimiter and format has the same rows."""

from __future__ import annotations

import csv
import io
from itertools import product

import pytest
from openpyxl import Workbook

from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import COLUMNS
from onboarding.files.parser import ParsedFile, parse

ROWS = [
    ("PROD0001", "Café crème; 250 g, gemahlen", "Kitchen", "Kaffee|Tee", "first\tline", "CA-1", "Müller & Söhne",
     "19.99", "", "150", "piece", "0.25", "12x8x4", "https://images.example.com/a.jpg"),
    ("00002", 'Becher "groß"', "Kitchen", "", "", "007", "", "7.50", "9.00", "0", "", "", "", ""),
    ("3", "Déjà vu — €5", "Books", "", "one; two | three", "90.750", "", "5", "", "10", "", "1.5", "", ""),
]  # fmt: skip
HEADER = COLUMNS[: len(ROWS[0])]

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")
DELIMITERS = (",", ";", "\t", "|")
LINE_ENDS = ("\n", "\r\n", "\r")


def encode_file(
    encoding: str, delimiter: str, end: str, *, quote_all: bool = False, ends_with_line_end: bool = True
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=delimiter,
        lineterminator=end,
        quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
    )
    writer.writerows([HEADER, *ROWS])
    content = text.getvalue()
    return (content if ends_with_line_end else content.removesuffix(end)).encode(encoding)


def parse_file(content: bytes) -> ParsedFile:
    result = parse(content, "UPLOAD_1", "VEND001")
    assert not isinstance(result, FileRejection), result
    return result


PLAIN = parse_file(encode_file("utf-8", ",", "\n"))


def test_parse_plain_file_returns_its_rows() -> None:
    assert [tuple(row.cells.get(column, "") for column in HEADER) for row in PLAIN.rows] == ROWS
    assert [(row.row_number, row.line) for row in PLAIN.rows] == [(1, 2), (2, 3), (3, 4)]
    assert PLAIN.warnings == []


@pytest.mark.parametrize(("encoding", "delimiter", "end"), list(product(ENCODINGS, DELIMITERS, LINE_ENDS)))
def test_parse_any_encoding_delimiter_and_line_end_returns_equal_rows(encoding: str, delimiter: str, end: str) -> None:
    for quote_all, ends_with_line_end in product((False, True), (False, True)):
        result = parse_file(
            encode_file(encoding, delimiter, end, quote_all=quote_all, ends_with_line_end=ends_with_line_end)
        )
        assert result.rows == PLAIN.rows
        assert [row.line for row in result.rows] == [row.line for row in PLAIN.rows]
        assert result.table == PLAIN.table
        assert (result.file_details.delimiter, result.file_details.line_end) == (
            {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}[delimiter],
            {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}[end],
        )


def test_parse_workbook_returns_equal_rows() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for values in [HEADER, *ROWS]:
        sheet.append(list(values))
    content = io.BytesIO()
    book.save(content)
    result = parse_file(content.getvalue())
    assert result.rows == PLAIN.rows
    assert result.table == PLAIN.table
