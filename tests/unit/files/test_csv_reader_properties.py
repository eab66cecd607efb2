"""Any CSV file of a writer is parsed exactly, rejected, or has its skipped lines named."""

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
from onboarding.domain.numbers import strip_trailing_zeros
from onboarding.domain.placeholders import PLACEHOLDERS
from onboarding.domain.product_schema import COLUMNS, IDENTIFIERS, NUMBER_COLUMNS, REQUIRED
from onboarding.files.parser import ParsedFile, parse, table_of
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
class Writing:
    """How a table is written."""

    order: Sequence[str] = COLUMNS
    end: str = "\n"
    mark: str = ","
    quoting: int = csv.QUOTE_MINIMAL
    begin: str = ""


writings = st.builds(
    Writing,
    order=st.permutations(COLUMNS),
    end=st.sampled_from(["\r\n", "\n"]),
    mark=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    begin=st.sampled_from(["", "\ufeff"]),
)


def written(lines: Sequence[Sequence[str]], how: Writing) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=how.mark, lineterminator=how.end, quoting=how.quoting)  # type: ignore[arg-type]
    writer.writerows([how.order, *lines])
    return (how.begin + text.getvalue()).encode()


def stored(column: str, value: str) -> str:
    """A value as it is compared and stored: composed if it identifies, blank for a placeholder, no needless zeros."""
    text = value.strip()
    if text in PLACEHOLDERS and column not in REQUIRED:
        return ""
    if column in IDENTIFIERS:
        return unicodedata.normalize("NFC", text)
    if column in NUMBER_COLUMNS:
        return strip_trailing_zeros(text, NUMBER_COLUMNS[column].decimals)
    return text


def cells_of(order: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    return {column: value.strip() for column, value in zip(order, row, strict=True) if value.strip()}


def lines_named(found: ParsedFile | FileRejection) -> set[int]:
    """Return the lines that a warning or a refusal says it skipped."""
    texts = (
        [w.message for w in found.warnings if w.code in SKIPPED] if isinstance(found, ParsedFile) else [found.reason]
    )
    named: set[int] = set()
    for numbers in re.findall(r"Lines? ([0-9, -]+) (?:repeat|have|has|begin)", " ".join(texts)):
        for run in numbers.split(","):
            first, _, last = run.strip().partition("-")
            named |= set(range(int(first), int(last or first) + 1))
    return named


def check(lines: list[list[str]], how: Writing) -> ParsedFile | FileRejection:
    if how.end == "\n":
        # The writer leaves a lone carriage return unquoted then, and so ends the line there.
        lines = [[value.replace("\r", "\n") for value in row] for row in lines]
    content = written(lines, how)
    found = parse(content, "UPLOAD_1", "VEND001")
    expected = {number: wanted for number, row in enumerate(lines, 2) if (wanted := cells_of(how.order, row))}
    skipped = lines_named(found)
    if isinstance(found, FileRejection):
        assert found.code in {"AMBIGUOUS_DELIMITER", "UNREADABLE_CSV", "QUOTED_LINES", "SECOND_HEADER", "NO_ROWS"}, (
            found
        )
        assert found.code != "NO_ROWS" or skipped == expected.keys()
        return found
    assert table_of(content) == found.table
    assert {row.line for row in found.rows} == expected.keys() - skipped
    assert [row.row_number for row in found.rows] == list(range(1, len(found.rows) + 1))
    for row in found.rows:
        assert row.line is not None
        wanted = expected[row.line]
        if not row.surplus_fields:
            decimal = found.detected.decimal_commas
            assert {c: stored(c, t) for c, t in row.cells.items() if c not in decimal} == {
                c: text for c, t in wanted.items() if c not in decimal and (text := stored(c, t))
            }
        assert not row.cut
    return found


@settings(deadline=None, max_examples=150)
@given(lines=rows, how=writings)
@example([["\0"] * len(COLUMNS)], Writing(quoting=csv.QUOTE_ALL))
@example([["a", *[""] * (len(COLUMNS) - 1)]], Writing())
def test_parse_whatever_a_writer_writes_nothing_is_lost_silently(lines: list[list[str]], how: Writing) -> None:
    check(lines, how)


@settings(deadline=None, max_examples=150)
@given(lines=rows, how=writings)
def test_parse_products_with_any_text_come_back_unless_a_value_holds_a_whole_row(
    lines: list[list[str]], how: Writing
) -> None:
    for number, row in enumerate(lines, 1):
        for column, value in (("sku", f"S{number}"), ("vendor_product_id", f"P{number}"), ("product_name", "Mug")):
            row[how.order.index(column)] = value
    found = check(lines, how)
    if isinstance(found, FileRejection):
        assert "whole rows" in found.reason or found.code == "AMBIGUOUS_DELIMITER"
        assert any(value.count("\n") + value.count("\r") and how.mark in value for row in lines for value in row)
    else:
        commented = [row for row in lines if row[0].lstrip().startswith(COMMENT_SIGNS)]
        assert len(found.rows) == len(lines) or commented


@settings(deadline=None, max_examples=100)
@given(
    texts=st.lists(
        st.lists(st.sampled_from([*"ab ,.;\n", "soft, warm", "12 cm", ", 3 pieces"]), max_size=40)
        .map("".join)
        .filter(lambda text: text.strip() not in PLACEHOLDERS),
        min_size=1,
        max_size=5,
    ),
    place=st.sampled_from(["description", "product_name", "brand"]),
    order=st.permutations(COLUMNS),
)
def test_parse_prose_in_several_lines_is_read(texts: list[str], place: str, order: Sequence[str]) -> None:
    lines = []
    for number, text in enumerate(texts, 1):
        product = {
            "vendor_product_id": f"P-{number}",
            "product_name": "Mug",
            "category": "Kitchen",
            "sku": f"S-{number}",
        }
        product |= {"price": "1.50", "stock_quantity": "3", place: text}
        lines.append([product.get(column, "") for column in order])
    found = parse(written(lines, Writing(order)), "UPLOAD_1", "VEND001")
    assert not isinstance(found, FileRejection), found
    assert [row.cells.get(place, "") for row in found.rows] == [text.strip() for text in texts]
