"""Detection of lines below the header that are not products, and of rows that resemble them."""

from __future__ import annotations

import pytest

from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import REQUIRED, REQUIRED_TO_CHANGE
from onboarding.files.parser import ParsedFile, parse, parse_table

HEADER = ",".join(REQUIRED)


def row(number: int) -> str:
    return f"P{number},Mug,Kitchen,S{number},{number}.50,{number}"


def parse_valid(*lines: str, header: str = HEADER) -> ParsedFile:
    content = "\n".join([header, *lines, ""]).encode()
    result = parse(content, "UPLOAD_1", "VEND001")
    assert not isinstance(result, FileRejection), result
    assert parse_table(content) == result.table
    return result


@pytest.mark.parametrize(
    "line",
    [
        "Total,,,,4.00,3", "Subtotal:,,,,4.00,3", ",,,Summe,4.00,3", ",Grand total,,,4.00,", "TOTAL", ",,,,0,0",
        ",,,,-,0", ",,,,0.00,#N/A", "---,---,---,---,---,---", "======", HEADER, HEADER.upper(),
        HEADER.replace("_", " "),
    ],
)  # fmt: skip
def test_skipped_lines_non_product_between_rows_is_named_and_not_counted(line: str) -> None:
    result = parse_valid(row(1), line, row(2))
    assert [(r.row_number, r.line, r.cells["sku"]) for r in result.rows] == [(1, 2, "S1"), (2, 4, "S2")]
    assert [warning.code for warning in result.warnings] in (["NOT_PRODUCTS"], ["REPEATED_HEADER"])
    assert "Line 3 " in result.warnings[0].message
    assert [result.file_details.line_of(n) for n in (1, 2)] == [2, 4]


@pytest.mark.parametrize(
    "line",
    [
        ",Итого,,,4.00 €,3", "Totales,,,,$4.00,3", "Average,,,,2.00,1.5", "0,0,0,0,0,0", ",#N/A,#N/A,,#N/A,0",
        ",FALSE,,,0,FALSE",
        "(2 rows)", "2 rows in set (0.00 sec)", "Exported 2024-03-01 by ERP", "Printed by John, 2024-01-01",
        "*** END ***", "EOF", ",,,,4.00,3", ",,Kitchen,,0,0", ",,Kitchen,,,", "Total", "# end of file",
    ],
)  # fmt: skip
def test_skipped_lines_footer_is_named_and_not_counted(line: str) -> None:
    result = parse_valid(row(1), line)
    assert [r.cells["sku"] for r in result.rows] == ["S1"]
    (warning,) = result.warnings
    assert warning.code in {"NOT_PRODUCTS", "COMMENTED_LINES"}
    assert warning.message.startswith("Line 3 ")


@pytest.mark.parametrize(
    "line",
    [
        "P2", "P2,Artic", "P2,Mug,Kitchen,S2", ",Mug,,,,", "P2,,,,,", ",,,S2,0,0", "Total,Mug,Kitchen,S2,2.50,2",
        "P2,Total,Kitchen,S2,2.50,2", "P2,Title,Brand,S2,2.50,2", "-,-,-,-,-,-", "#NV,Mug,Kitchen,S2,2.50,2",
        ",,Kitchen,,2.50,2", "P2,Mug,Kitchen,S2,ask for price,", "P2,mandatory,optional,S2,1,1",
        '"P2,Red mug,Kitchen,S2,2.50",2',
    ],
)  # fmt: skip
@pytest.mark.parametrize("last", [True, False])
def test_skipped_lines_incomplete_row_remains_a_row(line: str, last: bool) -> None:
    result = parse_valid(row(1), line, *([] if last else [row(3)]))
    assert [r.line for r in result.rows] == ([2, 3] if last else [2, 3, 4])
    assert result.warnings == []


@pytest.mark.parametrize(
    "line",
    [
        "text,varchar(200),varchar(100),text,number,int(11)", "M,M,M,M,M,O", "1,2,3,4,5,6",
        "e.g. A1,e.g. Red mug,e.g. Kitchen,e.g. S1,e.g. 19.99,e.g. 10",
        "Your own ID,Name of the product,One of our list,Must be unique,Price incl. VAT in EUR,Whole number",
    ],
)  # fmt: skip
def test_skipped_lines_instruction_below_header_is_not_a_row(line: str) -> None:
    result = parse_valid(line, row(1), row(2))
    assert [r.cells["sku"] for r in result.rows] == ["S1", "S2"]
    assert [warning.code for warning in result.warnings] == ["REPEATED_HEADER"]


@pytest.mark.parametrize("count", [2, 3, 40])
def test_skipped_lines_several_numbered_in_advance_are_not_rows(count: int) -> None:
    result = parse_valid(row(1), *(f"P{n},,,,," for n in range(2, 2 + count)))
    assert len(result.rows) == (1 if count > 2 else 3)
    assert [warning.code for warning in result.warnings] == (["NOT_PRODUCTS"] if count > 2 else [])


def test_skipped_lines_identifier_and_stock_at_end_are_rows() -> None:
    assert len(parse_valid(row(1), *(f"P{n},,,,,0" for n in range(2, 9))).rows) == 8


@pytest.mark.parametrize("sign", [";", "%", "/*"])
def test_skipped_lines_other_comment_signs_are_comments(sign: str) -> None:
    result = parse_valid(row(1), f"{sign} discontinued", f"{sign}{row(2)}", row(3))
    assert [r.cells["sku"] for r in result.rows] == ["S1", "S3"]
    assert [warning.code for warning in result.warnings] == ["COMMENTED_LINES"]


def test_skipped_lines_row_with_joined_values_is_not_an_instruction() -> None:
    header = "image_url,stock_quantity,description,category,price,product_name,vendor_product_id,sku"
    result = parse_valid('https://a.example/1.jpg,"1,Good and cheap",Kitchen,1.50,Mug,P1,S1', header=header)
    assert [r.surplus_fields for r in result.rows] == [-1]


def test_skipped_lines_identifiers_with_spaces_single_value_is_a_short_row() -> None:
    result = parse_valid("P 1,Mug,Kitchen,S1,1.50,1", "P 2")
    assert [r.surplus_fields for r in result.rows] == [0, -5]


def test_skipped_lines_names_in_first_column_single_value_is_a_short_row() -> None:
    result = parse_valid(
        "Mug,P1,Kitchen,S1,1.50,1", "Blue mug", header="product_name,vendor_product_id,category,sku,price,qty"
    )
    assert [r.surplus_fields for r in result.rows] == [0, -5]


def test_skipped_lines_of_several_kinds_are_named_as_ranges() -> None:
    result = parse_valid(row(1), *[",,,,0,0"] * 30, HEADER, row(2), "Total,,,,1,1", "", "(2 rows)")
    assert [(warning.code, warning.message.partition(" have ")[0]) for warning in result.warnings] == [
        ("NOT_PRODUCTS", "Lines 3-32, 35, 37"),
        ("REPEATED_HEADER", "Line 33 repeats or explains the header; it was not read as a product"),
    ]


def test_skipped_lines_fix_file_has_none() -> None:
    content = f"_row,_errors,_hint,{HEADER}\n2,x,,Total,,,,4.00,3\n3,x,,,,,,0,0\n4,x,,{HEADER}\n5,x,,#P,a,b,c,1,1\n"
    result = parse(content.encode(), "UPLOAD_1", "VEND001")
    assert isinstance(result, ParsedFile), result
    assert len(result.rows) == 4
    assert result.warnings == []


def test_skipped_lines_no_rows_rejection_names_skipped_lines() -> None:
    result = parse(f"{HEADER}\n,,,,0,0\n,,,,0,0\n".encode(), "UPLOAD_1", "VEND001")
    assert isinstance(result, FileRejection)
    assert result.code == "NO_ROWS"
    assert "Lines 2-3 have no product" in result.reason


def test_skipped_lines_too_many_rows_rejection_names_lines_without_product() -> None:
    content = "\n".join([HEADER, row(1), *[",,,,0,0"] * 20_000]).encode()
    result = parse(content, "UPLOAD_1", "VEND001")
    assert isinstance(result, FileRejection)
    assert result.code == "TOO_MANY_ROWS"
    assert "Many lines have no product, such as line" in result.reason


def test_skipped_lines_required_columns_do_not_change_rows() -> None:
    content = "\n".join([HEADER, HEADER, row(1), "#P2", "Total,,,,1,1", "P3,Mug"]).encode()
    create = parse(content, "UPLOAD_1", "VEND001", required=REQUIRED)
    update = parse(content, "UPLOAD_1", "VEND001", required=REQUIRED_TO_CHANGE)
    assert isinstance(create, ParsedFile)
    assert isinstance(update, ParsedFile)
    assert create.table == update.table == parse_table(content)
    assert [r.line for r in create.rows] == [3, 6]
