"""Property tests: any CSV file is parsed exactly, rejected, or parsed with a warning that names skipped lines."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from onboarding.domain.models import FileRejection
from onboarding.domain.number_interpretation import strip_trailing_zeros
from onboarding.domain.placeholders import PLACEHOLDERS
from onboarding.domain.product_schema import COLUMNS, IDENTIFIERS, NUMBER_COLUMNS, REQUIRED
from onboarding.files.parser import ParsedFile, parse, parse_table
from onboarding.files.skipped_line_words import COMMENT_SIGNS

HEADER = ",".join(COLUMNS)
ROW = "P7,Mug,Kitchen,,,S7,,1.50,,3,,,,"
CELLS = [
    "", "0", "-", "5", "1,5", "1.250", "Total", "(2 rows)", "# note", "#P-1", "Mandatory", "price", "SKU", "---", '"',
    '""', '" ,', ' "x"', "'", "a\nb", "\n", "a\r\nb", "soft, warm; light", ROW, f"text\n{ROW}\nmore", f"{ROW}\n{ROW}",
    HEADER, "first line\n1,2,3,4,5,6,7,8,9,10,11,12,13,14", '="5"', "1\u00a0234", "Thank you for your order",
]  # fmt: skip
SKIPPED = {"REPEATED_HEADER", "NOT_PRODUCTS", "COMMENTED_LINES"}

cells = st.one_of(st.sampled_from(CELLS), st.text(st.characters(codec="utf-8"), max_size=20))
rows = st.lists(st.lists(cells, min_size=len(COLUMNS), max_size=len(COLUMNS)), min_size=1, max_size=6)


@dataclass(frozen=True)
class TableFormat:
    """Format of a written table."""

    order: Sequence[str] = COLUMNS
    end: str = "\n"
    delimiter: str = ","
    quoting: int = csv.QUOTE_MINIMAL
    byte_order_mark: str = ""


table_formats = st.builds(
    TableFormat,
    order=st.permutations(COLUMNS),
    end=st.sampled_from(["\r\n", "\n"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    byte_order_mark=st.sampled_from(["", "\ufeff"]),
)


def write_table(lines: Sequence[Sequence[str]], table_format: TableFormat) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=table_format.delimiter,
        lineterminator=table_format.end,
        quoting=table_format.quoting,  # type: ignore[arg-type]
    )
    writer.writerows([table_format.order, *lines])
    return (table_format.byte_order_mark + text.getvalue()).encode()


def normalize(column: str, value: str) -> str:
    """Return a value as the parser stores it: identifiers in NFC, placeholders blank, no surplus zeros."""
    text = value.strip()
    if text in PLACEHOLDERS and column not in REQUIRED:
        return ""
    if column in IDENTIFIERS:
        return unicodedata.normalize("NFC", text)
    if column in NUMBER_COLUMNS:
        return strip_trailing_zeros(text, NUMBER_COLUMNS[column].decimals)
    return text


def nonblank_cells(order: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    return {column: value.strip() for column, value in zip(order, row, strict=True) if value.strip()}


def find_named_lines(result: ParsedFile | FileRejection) -> set[int]:
    """Return the skipped lines that warnings or the rejection name."""
    texts = (
        [w.message for w in result.warnings if w.code in SKIPPED] if isinstance(result, ParsedFile) else [result.reason]
    )
    numbers: set[int] = set()
    for ranges in re.findall(r"Lines? ([0-9, -]+) (?:repeat|have|has|begin)", " ".join(texts)):
        for run in ranges.split(","):
            first, _, last = run.strip().partition("-")
            numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


def check_parsed(lines: list[list[str]], table_format: TableFormat) -> ParsedFile | FileRejection:
    if table_format.end == "\n":
        # The writer does not quote a lone carriage return, which would end the line.
        lines = [[value.replace("\r", "\n") for value in row] for row in lines]
    content = write_table(lines, table_format)
    result = parse(content, "UPLOAD_1", "VEND001")
    expected = {
        number: expected_cells
        for number, row in enumerate(lines, 2)
        if (expected_cells := nonblank_cells(table_format.order, row))
    }
    skipped = find_named_lines(result)
    if isinstance(result, FileRejection):
        assert result.code in {"AMBIGUOUS_DELIMITER", "UNREADABLE_CSV", "QUOTED_LINES", "SECOND_HEADER", "NO_ROWS"}, (
            result
        )
        assert result.code != "NO_ROWS" or skipped == expected.keys()
        return result
    assert parse_table(content) == result.table
    assert {row.line for row in result.rows} == expected.keys() - skipped
    assert [row.row_number for row in result.rows] == list(range(1, len(result.rows) + 1))
    # Without any of our values, the column is another system's.
    ignored = [warning.column for warning in result.warnings if warning.code == "UNKNOWN_COLUMN"]
    assert ignored in ([], ["status"])
    for row in result.rows:
        assert row.line is not None
        expected_cells = {c: text for c, text in expected[row.line].items() if c not in ignored}
        if not row.surplus_fields:
            decimal = result.file_details.decimal_commas
            assert {c: normalize(c, t) for c, t in row.cells.items() if c not in decimal} == {
                c: text for c, t in expected_cells.items() if c not in decimal and (text := normalize(c, t))
            }
        assert not row.cut
    return result


@settings(deadline=None, max_examples=150)
@given(lines=rows, table_format=table_formats)
@example([["\0"] * len(COLUMNS)], TableFormat(quoting=csv.QUOTE_ALL))
@example([["a", *[""] * (len(COLUMNS) - 1)]], TableFormat())
def test_parse_any_table_loses_no_value_silently(lines: list[list[str]], table_format: TableFormat) -> None:
    check_parsed(lines, table_format)


@settings(deadline=None, max_examples=150)
@given(lines=rows, table_format=table_formats)
def test_parse_products_with_any_text_are_read_unless_a_value_contains_rows(
    lines: list[list[str]], table_format: TableFormat
) -> None:
    for number, row in enumerate(lines, 1):
        for column, value in (("sku", f"S{number}"), ("vendor_product_id", f"P{number}"), ("product_name", "Mug")):
            row[table_format.order.index(column)] = value
    result = check_parsed(lines, table_format)
    if isinstance(result, FileRejection):
        # A value that is a header may make another delimiter equally likely.
        if result.code != "AMBIGUOUS_DELIMITER":
            assert "whole rows" in result.reason
            assert any(
                value.count("\n") + value.count("\r") and table_format.delimiter in value
                for row in lines
                for value in row
            )
    else:
        commented = [row for row in lines if row[0].lstrip().startswith(COMMENT_SIGNS)]
        assert len(result.rows) == len(lines) or commented


@settings(deadline=None, max_examples=100)
@given(
    texts=st.lists(
        st.lists(st.sampled_from([*"ab ,.;\n", "soft, warm", "12 cm", ", 3 pieces"]), max_size=40)
        .map("".join)
        .filter(lambda text: text.strip() not in PLACEHOLDERS),
        min_size=1,
        max_size=5,
    ),
    column=st.sampled_from(["description", "product_name", "brand"]),
    order=st.permutations(COLUMNS),
)
def test_parse_multiline_text_is_read(texts: list[str], column: str, order: Sequence[str]) -> None:
    lines = []
    for number, text in enumerate(texts, 1):
        product = {
            "vendor_product_id": f"P-{number}",
            "product_name": "Mug",
            "category": "Kitchen",
            "sku": f"S-{number}",
        }
        product |= {"price": "1.50", "stock_quantity": "3", column: text}
        lines.append([product.get(column, "") for column in order])
    result = parse(write_table(lines, TableFormat(order)), "UPLOAD_1", "VEND001")
    assert not isinstance(result, FileRejection), result
    assert [row.cells.get(column, "") for row in result.rows] == [text.strip() for text in texts]
