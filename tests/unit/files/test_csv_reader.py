"""CSV files with quotes that join rows or are next to blanks, with other delimiters, and with misplaced headers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import REQUIRED
from onboarding.files.parser import ParsedFile, parse

HEADER = ",".join(REQUIRED)


def row(number: int) -> str:
    return f"P-{number},Mug,Kitchen,S-{number},{number}.50,{number}"


def parse_lines(*lines: str, required: Sequence[str] = REQUIRED) -> ParsedFile | FileRejection:
    return parse("\n".join([*lines, ""]).encode(), "UPLOAD_1", "VEND001", required=required)


def parse_rejected(*lines: str, required: Sequence[str] = REQUIRED) -> FileRejection:
    result = parse_lines(*lines, required=required)
    assert isinstance(result, FileRejection), result.rows
    return result


def values_of(*lines: str, required: Sequence[str] = REQUIRED) -> list[list[str]]:
    result = parse_lines(*lines, required=required)
    assert not isinstance(result, FileRejection), result
    return [list(r.cells.values()) for r in result.rows]


# Quotes that open in one row and close in another


@pytest.mark.parametrize("opened", range(6))
@pytest.mark.parametrize("closed", range(6))
@pytest.mark.parametrize("between", [0, 1, 200])
def test_parse_quote_that_joins_rows_between_any_columns_is_rejected(opened: int, closed: int, between: int) -> None:
    first, last = row(2).split(","), row(3 + between).split(",")
    first[opened] = f'"{first[opened]}'
    last[closed] = f'{last[closed]}"'
    lines = [HEADER, row(1), ",".join(first), *map(row, range(3, 3 + between)), ",".join(last), row(900)]
    result = parse_lines(*lines)
    if isinstance(result, FileRejection):
        assert result.code == "UNREADABLE_CSV"
        assert "line 3" in result.reason
        assert f"line {4 + between}" in result.reason
    else:
        # Without numbers, rows are not recognized; the values are in wrong columns, which is an error of the row.
        assert not between
        assert [r.surplus_fields != 0 for r in result.rows] == [False, True, False]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_parse_quote_that_joins_rows_with_any_delimiter_and_line_end_is_rejected(end: str, delimiter: str) -> None:
    lines = [HEADER, row(1), 'P-2,"Mug,Kitchen,S-2,2.50,2', 'P-3,Pipe 5",Kitchen,S-3,3.50,3', row(4)]
    result = parse((end.join(lines) + end).replace(",", delimiter).encode(), "UPLOAD_1", "VEND001")
    assert isinstance(result, FileRejection)
    assert result.code == "UNREADABLE_CSV"


def test_parse_quote_that_joins_rows_without_numbers_is_rejected() -> None:
    lines = ["vendor_product_id,product_name", 'P-1,"Retro mug', 'P-2,Pipe 5"', "P-3,Cup"]
    assert parse_rejected(*lines, required=["vendor_product_id"]).code == "UNREADABLE_CSV"


@pytest.mark.parametrize(
    "text",
    [
        "warm, soft",
        "one\ntwo",
        "soft, warm\nlight, blue\nlast, one",
        "1, 2\n3 pieces, of 4",
        "a,b,c,d,e,f\ng,h,i,j,k,l,m",
    ],
)
@pytest.mark.parametrize("position", ["first", "last", "middle"])
def test_parse_multiline_text_is_accepted(text: str, position: str) -> None:
    quoted_value = f'"{text}"'
    header = {"first": f"description,{HEADER}", "last": f"{HEADER},description"}.get(
        position, HEADER.replace("_name", "_name,description")
    )
    line = {"first": f"{quoted_value},{row(1)}", "last": f"{row(1)},{quoted_value}"}.get(
        position, row(1).replace("Mug", f"Mug,{quoted_value}")
    )
    (values,) = values_of(header, line)
    assert text in values


def test_parse_multiline_text_in_two_columns_is_accepted() -> None:
    lines = ["vendor_product_id,description", 'P-1,"Soft mug', 'warm, nice"', "P-3,Cup"]
    assert values_of(*lines, required=["vendor_product_id"]) == [["P-1", "Soft mug\nwarm, nice"], ["P-3", "Cup"]]


# Blanks around quotes


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
@pytest.mark.parametrize(("before", "after"), [("", " "), (" ", " "), ("  ", "\t"), ("", "   ")])
def test_parse_blanks_around_quotes_are_removed(delimiter: str, before: str, after: str) -> None:
    values = ["P-1", f'Mug{delimiter} "blue"\nand red', "Kitchen", "S-1", "1.50", "1"]
    quoted_value = (value.replace('"', '""') for value in values)
    line = f"{after}{delimiter}{before}".join(f'"{value}"' for value in quoted_value)
    assert values_of(HEADER.replace(",", delimiter), line + after, line.replace("-1", "-2")) == [
        values,
        [value.replace("-1", "-2") for value in values],
    ]


@pytest.mark.parametrize(
    "line", ['"P-1" x,Mug,Kitchen,S-1,1.50,1', '"P-1" ,"Mug,Kitchen,S-1,1.50,1', '"P-1" ,"a"b",K,S,1,1']
)
def test_parse_blanks_around_misplaced_quotes_are_rejected(line: str) -> None:
    assert parse_rejected(HEADER, line, row(2)).code == "UNREADABLE_CSV"


# Delimiters


@pytest.mark.parametrize("delimiter", ["^", "~", ":", "§", "¦", "!", "\x1f", "\x01", "::", "/", "\\"])
def test_parse_unsupported_delimiter_is_named(delimiter: str) -> None:
    result = parse_rejected(*(line.replace(",", delimiter) for line in (HEADER, row(1))))
    assert result.code == "UNKNOWN_DELIMITER"
    assert (delimiter[0] if delimiter.isprintable() else f"<U+{ord(delimiter):04X}>") in result.reason
    assert "comma, semicolon, tab, pipe" in result.reason


@pytest.mark.parametrize("gap", ["  ", "   ", " "])
def test_parse_delimiter_of_spaces_is_named_fixed_width(gap: str) -> None:
    result = parse_rejected(*(line.replace(",", gap) for line in (HEADER, row(1))))
    assert result.code == "UNKNOWN_DELIMITER"
    assert "spaces (fixed width)" in result.reason


def test_parse_title_with_two_names_is_not_a_header() -> None:
    assert parse_rejected("Price and stock of our shop", "as of today").code == "MISSING_COLUMNS"


@pytest.mark.parametrize("other", [",", ";", "\t", "|", "    "])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_parse_other_delimiter_in_some_rows_is_rejected_with_lines(delimiter: str, other: str) -> None:
    lines = [line.replace(",", delimiter) for line in (HEADER, row(1), row(2), row(3))]
    lines[2] = row(2).replace(",", other)
    result = parse_lines(*lines)
    assert isinstance(result, FileRejection) == (delimiter != other)
    if isinstance(result, FileRejection):
        assert result.code == "AMBIGUOUS_DELIMITER"
        assert "line 3 has" in result.reason


@pytest.mark.parametrize("quotes", ["''", "``", "“”", "„“", "«»"])
def test_parse_other_quotes_are_named(quotes: str) -> None:
    result = parse_rejected(
        *(",".join(quotes[0] + value + quotes[1] for value in line.split(",")) for line in (HEADER, row(1)))
    )
    assert result.code == "UNREADABLE_CSV"
    assert f"{quotes[0]}…{quotes[1]}" in result.reason


@pytest.mark.parametrize("tail", ["", ",,,,,"])
def test_parse_rows_quoted_as_a_whole_are_rejected_with_lines(tail: str) -> None:
    result = parse_rejected(HEADER, row(1), f'"{row(2)}"{tail}', f'"{row(3)}"{tail}')
    assert result.code == "QUOTED_LINES"
    assert result.reason.startswith("Lines 3, 4 are in quotes")


def test_parse_row_with_commas_in_one_value_is_accepted() -> None:
    assert values_of(f"description,{HEADER}", f'"a,b,c,d,e,f,g",{row(1)}')[0][0] == "a,b,c,d,e,f,g"


# Position of the header


def test_parse_header_below_searched_lines_is_named() -> None:
    result = parse_rejected(*["A title"] * 25, HEADER, row(1))
    assert result.code == "MISSING_COLUMNS"
    assert "no header line was found in the first 20 lines; line 26 looks like one" in result.reason


@pytest.mark.parametrize("before", [1, 5, 18])
def test_parse_header_between_rows_is_rejected(before: int) -> None:
    result = parse_rejected(*map(row, range(before)), HEADER, row(99))
    assert result.code == "ROWS_ABOVE_HEADER"
    assert f"in line {before + 1}" in result.reason


@pytest.mark.parametrize("rows", [1, 30])
def test_parse_second_header_is_rejected(rows: int) -> None:
    second = "sku,vendor_product_id,product_name,category,brand,price,stock_quantity"
    result = parse_rejected(HEADER, *map(row, range(rows)), second, "S,P,Mug,Kitchen,Acme,1,1")
    assert result.code == "SECOND_HEADER"
    assert f"Line {rows + 2} is another header" in result.reason
