"""CSV: quotes that join rows or stand between blanks, and other delimiters than that of the header."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import REQUIRED
from onboarding.files.parser import ParsedFile, parse

HEADER = ",".join(REQUIRED)


def row(number: int) -> str:
    return f"P-{number},Mug,Kitchen,S-{number},{number}.50,{number}"


def read(*lines: str, required: Sequence[str] = REQUIRED) -> ParsedFile | FileRejection:
    return parse("\n".join([*lines, ""]).encode(), "UPLOAD_1", "VEND001", required=required)


def refusal(*lines: str, required: Sequence[str] = REQUIRED) -> FileRejection:
    found = read(*lines, required=required)
    assert isinstance(found, FileRejection), found.rows
    return found


def values_of(*lines: str, required: Sequence[str] = REQUIRED) -> list[list[str]]:
    found = read(*lines, required=required)
    assert not isinstance(found, FileRejection), found
    return [list(r.cells.values()) for r in found.rows]


# A quote opens in one row and closes in another


@pytest.mark.parametrize("opened", range(6))
@pytest.mark.parametrize("closed", range(6))
@pytest.mark.parametrize("between", [0, 1, 200])
def test_swallowed_rows_from_any_column_to_any_other_are_told(opened: int, closed: int, between: int) -> None:
    first, last = row(2).split(","), row(3 + between).split(",")
    first[opened] = f'"{first[opened]}'
    last[closed] = f'{last[closed]}"'
    lines = [HEADER, row(1), ",".join(first), *map(row, range(3, 3 + between)), ",".join(last), row(900)]
    found = read(*lines)
    if isinstance(found, FileRejection):
        assert found.code == "UNREADABLE_CSV"
        assert "line 3" in found.reason
        assert f"line {4 + between}" in found.reason
    else:
        # No numbers tell that these were rows; the values stand under the wrong columns, which is told.
        assert not between
        assert [r.surplus_fields != 0 for r in found.rows] == [False, True, False]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_swallowed_rows_of_any_writing_are_told(end: str, mark: str) -> None:
    lines = [HEADER, row(1), 'P-2,"Mug,Kitchen,S-2,2.50,2', 'P-3,Pipe 5",Kitchen,S-3,3.50,3', row(4)]
    found = parse((end.join(lines) + end).replace(",", mark).encode(), "UPLOAD_1", "VEND001")
    assert isinstance(found, FileRejection)
    assert found.code == "UNREADABLE_CSV"


def test_swallowed_rows_without_numbers_are_told_by_their_identifiers() -> None:
    lines = ["vendor_product_id,product_name", 'P-1,"Retro mug', 'P-2,Pipe 5"', "P-3,Cup"]
    assert refusal(*lines, required=["vendor_product_id"]).code == "UNREADABLE_CSV"


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
@pytest.mark.parametrize("place", ["first", "last", "middle"])
def test_swallowed_rows_text_in_several_lines_is_none(text: str, place: str) -> None:
    quoted = f'"{text}"'
    header = {"first": f"description,{HEADER}", "last": f"{HEADER},description"}.get(
        place, HEADER.replace("_name", "_name,description")
    )
    line = {"first": f"{quoted},{row(1)}", "last": f"{row(1)},{quoted}"}.get(
        place, row(1).replace("Mug", f"Mug,{quoted}")
    )
    (values,) = values_of(header, line)
    assert text in values


def test_swallowed_rows_text_of_two_columns_is_none() -> None:
    lines = ["vendor_product_id,description", 'P-1,"Soft mug', 'warm, nice"', "P-3,Cup"]
    assert values_of(*lines, required=["vendor_product_id"]) == [["P-1", "Soft mug\nwarm, nice"], ["P-3", "Cup"]]


# Blanks around quotes


@pytest.mark.parametrize("mark", [",", ";", "|"])
@pytest.mark.parametrize(("before", "behind"), [("", " "), (" ", " "), ("  ", "\t"), ("", "   ")])
def test_blanks_around_quotes_are_no_part_of_a_value(mark: str, before: str, behind: str) -> None:
    values = ["P-1", f'Mug{mark} "blue"\nand red', "Kitchen", "S-1", "1.50", "1"]
    quoted = (value.replace('"', '""') for value in values)
    line = f"{behind}{mark}{before}".join(f'"{value}"' for value in quoted)
    assert values_of(HEADER.replace(",", mark), line + behind, line.replace("-1", "-2")) == [
        values,
        [value.replace("-1", "-2") for value in values],
    ]


@pytest.mark.parametrize(
    "line", ['"P-1" x,Mug,Kitchen,S-1,1.50,1', '"P-1" ,"Mug,Kitchen,S-1,1.50,1', '"P-1" ,"a"b",K,S,1,1']
)
def test_blanks_around_quotes_that_part_no_value_are_told(line: str) -> None:
    assert refusal(HEADER, line, row(2)).code == "UNREADABLE_CSV"


# Delimiters


@pytest.mark.parametrize("mark", ["^", "~", ":", "§", "¦", "!", "\x1f", "\x01", "::", "/", "\\"])
def test_delimiter_that_is_not_supported_is_named(mark: str) -> None:
    found = refusal(*(line.replace(",", mark) for line in (HEADER, row(1))))
    assert found.code == "UNKNOWN_DELIMITER"
    assert (mark[0] if mark.isprintable() else f"<U+{ord(mark):04X}>") in found.reason
    assert "comma, semicolon, tab, pipe" in found.reason


@pytest.mark.parametrize("gap", ["  ", "   ", " "])
def test_delimiter_of_spaces_is_told_as_fixed_width(gap: str) -> None:
    found = refusal(*(line.replace(",", gap) for line in (HEADER, row(1))))
    assert found.code == "UNKNOWN_DELIMITER"
    assert "spaces (fixed width)" in found.reason


def test_delimiter_title_of_two_names_is_no_header() -> None:
    assert refusal("Price and stock of our shop", "as of today").code == "MISSING_COLUMNS"


@pytest.mark.parametrize("other", [",", ";", "\t", "|", "    "])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiter_of_some_rows_alone_is_told_with_their_lines(mark: str, other: str) -> None:
    lines = [line.replace(",", mark) for line in (HEADER, row(1), row(2), row(3))]
    lines[2] = row(2).replace(",", other)
    found = read(*lines)
    assert isinstance(found, FileRejection) == (mark != other)
    if isinstance(found, FileRejection):
        assert found.code == "AMBIGUOUS_DELIMITER"
        assert "line 3 has" in found.reason


@pytest.mark.parametrize("quotes", ["''", "``", "“”", "„“", "«»"])
def test_quotes_of_another_kind_are_named(quotes: str) -> None:
    found = refusal(
        *(",".join(quotes[0] + value + quotes[1] for value in line.split(",")) for line in (HEADER, row(1)))
    )
    assert found.code == "UNREADABLE_CSV"
    assert f"{quotes[0]}…{quotes[1]}" in found.reason


@pytest.mark.parametrize("tail", ["", ",,,,,"])
def test_rows_quoted_whole_are_told_with_their_lines(tail: str) -> None:
    found = refusal(HEADER, row(1), f'"{row(2)}"{tail}', f'"{row(3)}"{tail}')
    assert found.code == "QUOTED_LINES"
    assert found.reason.startswith("Lines 3, 4 stand in quotes")


def test_rows_with_commas_in_one_value_are_not_quoted_whole() -> None:
    assert values_of(f"description,{HEADER}", f'"a,b,c,d,e,f,g",{row(1)}')[0][0] == "a,b,c,d,e,f,g"


# The header among the lines


def test_header_below_the_lines_searched_is_named() -> None:
    found = refusal(*["A title"] * 25, HEADER, row(1))
    assert found.code == "MISSING_COLUMNS"
    assert "no header line was found in the first 20 lines; line 26 looks like one" in found.reason


@pytest.mark.parametrize("before", [1, 5, 18])
def test_header_sorted_into_the_rows_is_told(before: int) -> None:
    found = refusal(*map(row, range(before)), HEADER, row(99))
    assert found.code == "ROWS_ABOVE_HEADER"
    assert f"in line {before + 1}" in found.reason


@pytest.mark.parametrize("rows", [1, 30])
def test_header_of_a_second_table_is_told(rows: int) -> None:
    second = "sku,vendor_product_id,product_name,category,brand,price,stock_quantity"
    found = refusal(HEADER, *map(row, range(rows)), second, "S,P,Mug,Kitchen,Acme,1,1")
    assert found.code == "SECOND_HEADER"
    assert f"Line {rows + 2} is another header" in found.reason
