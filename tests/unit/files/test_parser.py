"""Parser: rows, warnings and file details of accepted files, and reasons of rejected files."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain.models import FileRejection, Row
from onboarding.domain.product_schema import COLUMNS, DEFAULT_CATEGORIES, REQUIRED
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.models import FileDetails, Table
from onboarding.files.parser import MAX_BYTES, MAX_ROWS, ParsedFile, check_size, parse, parse_table
from onboarding.files.row_builder import MAX_CELL
from tests.support.postgres_fixtures import make_row
from tests.support.vendor_files import MEN, WOMEN, build_clothing_file

OFFLINE = ValidationContext(DEFAULT_CATEGORIES, set(), set(), catalog_known=False)
REQUIRED_HEADER = ",".join(REQUIRED)
SAMPLE = (
    "PROD0001,Wireless Mouse - Model 651,Computer Accessories,Mice & Keyboards,Ergonomic wireless mouse...,"
    "CA-VEND001-0001,TechGear,19.99,,150,piece,0.25,12x8x4,https://images.example.com/mouse.jpg"
)
HEADER = ",".join(COLUMNS[: len(SAMPLE.split(","))])


def parse_accepted(content: bytes | str) -> ParsedFile:
    result = parse(content.encode() if isinstance(content, str) else content, "UPLOAD_1", "VEND001")
    assert not isinstance(result, FileRejection), result
    return result


def parse_rows(content: bytes | str) -> list[Row]:
    return parse_accepted(content).rows


def parse_rejected(content: bytes | str) -> FileRejection:
    result = parse(content.encode() if isinstance(content, str) else content, "UPLOAD_1", "VEND001")
    assert isinstance(result, FileRejection), result.rows[:3]
    return result


def make_line(number: int, **changes: str) -> str:
    """Return a line with the required columns; identifiers differ by number."""
    cells = dict(zip(REQUIRED, (f"P{number}", "Mouse", "Books", f"S{number}", "1.00", "5"), strict=True))
    return ",".join({**cells, **changes}.values())


def make_file(*lines: str, end: str = "\n") -> str:
    return end.join([REQUIRED_HEADER, *lines, ""])


def test_parse_sample_row_of_the_contract_is_valid() -> None:
    (row,) = parse_rows(f"{HEADER}\n{SAMPLE}\n")
    assert row == make_row()


# Rejected files


@pytest.mark.parametrize("content", ["", "\ufeff", "\n", "\r\n\r\n", "  \n \t\n", "\ufeff \n"])
def test_parse_empty_file_is_rejected(content: str) -> None:
    assert parse_rejected(content) == FileRejection(
        "EMPTY_FILE", "The file is empty; it needs a header line and at least one product row"
    )


@pytest.mark.parametrize("tail", ["", "\n", "\r\n", "\n\n\n", "\n,,,,,\n", "\n  \n ,, \n"])
def test_parse_header_without_rows_is_rejected(tail: str) -> None:
    assert parse_rejected(REQUIRED_HEADER + tail).code == "NO_ROWS"


@pytest.mark.parametrize("column", REQUIRED)
def test_parse_header_without_required_column_is_rejected(column: str) -> None:
    other_columns = [name for name in COLUMNS if name != column]
    rejection = parse_rejected(f"{','.join(other_columns)}\n{SAMPLE}\n")
    assert rejection.code == "MISSING_COLUMNS"
    assert rejection.reason == f"Missing required columns: {column}; the header line has: {', '.join(other_columns)}"


def test_parse_file_without_header_is_rejected() -> None:
    rejection = parse_rejected(SAMPLE)
    assert rejection.code == "MISSING_COLUMNS"
    assert rejection.reason.startswith(f"Missing required columns: {', '.join(REQUIRED)}; ")


@pytest.mark.parametrize("column", [column for column in COLUMNS if column not in REQUIRED])
def test_parse_file_without_optional_columns_is_accepted(column: str) -> None:
    other_columns = [name for name in COLUMNS if name != column]
    values = ["active" if name == "status" else f"v{i}" for i, name in enumerate(other_columns)]
    (row,) = parse_rows(f"{','.join(other_columns)}\n{','.join(values)}\n")
    assert set(row.cells) == set(other_columns)


def test_parse_column_named_twice_is_rejected() -> None:
    rejection = parse_rejected(f"{REQUIRED_HEADER},sku,SKU,price\n{make_line(1)},a,b,c\n")
    assert rejection == FileRejection(
        "DUPLICATE_COLUMNS",
        "The header line names a column more than once: price (as 'price' and 'price'), "
        "sku (as 'sku' and 'sku' and 'SKU')",
    )


def test_parse_unknown_column_named_twice_is_accepted() -> None:
    (row,) = parse_rows(f"note,{REQUIRED_HEADER},note\nx,{make_line(1)},y\n")
    assert set(row.cells) == set(REQUIRED)


@pytest.mark.parametrize(
    ("lines", "begins", "closed"),
    [
        ((make_line(1), '"P2"x,Mouse,Books,S2,1.00,5'), 3, "there"),
        ((make_line(1), 'P2,"17"" screen" wide,Books,S2,1.00,5', make_line(3)), 3, "there"),
        ((make_line(1), 'P2,"Mouse,Books,S2,1.00,5', make_line(3), 'P4,"Mug",Books,S4,1.00,5'), 3, "in line 5"),
        ((make_line(1, product_name='"a\n\nb"'), '"P2"x,Mouse,Books,S2,1.00,5'), 5, "there"),
        (("", "", '"P2"x,Mouse,Books,S2,1.00,5'), 4, "there"),
    ],
)
def test_parse_stray_quote_is_rejected_with_its_line(lines: Sequence[str], begins: int, closed: str) -> None:
    assert parse_rejected(make_file(*lines)) == FileRejection(
        "UNREADABLE_CSV",
        f"A quote in the row that begins in line {begins} is closed {closed}, but the value continues after it; "
        'write a quote inside a quoted value twice ("")',
    )


@pytest.mark.parametrize(("above", "begins"), [("", 3), ("\n\n", 5), ("sep=,\n", 4)])
def test_parse_unclosed_quote_is_rejected_with_its_first_line(above: str, begins: int) -> None:
    lines = (make_line(1), 'P2,"Mouse,Books,S2,1.00,5', *(make_line(n) for n in range(3, 30)))
    assert parse_rejected(above + make_file(*lines)) == FileRejection(
        "UNREADABLE_CSV",
        f"A quote in the row that begins in line {begins} is never closed; close it or delete it",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("spaces", [" ", "   "])
def test_parse_spaces_before_a_quote_are_removed(spaces: str, encoding: str) -> None:
    names = ("P1", 'Mug, ""big""', "Books", "S1", "1.00", "5")
    text = (
        f",{spaces}".join(f'"{name}"' for name in REQUIRED) + "\n" + f",{spaces}".join(f'"{n}"' for n in names) + "\n"
    )
    (row,) = parse_rows(text.encode(encoding))
    assert list(row.cells.values()) == ["P1", 'Mug, "big"', "Books", "S1", "1.00", "5"]


def test_parse_spaces_of_other_lines_stay_in_the_table() -> None:
    table = parse_table(
        make_file(make_line(1, product_name=' "Mug"', category=" Books"), make_line(2, category=" Books ")).encode()
    )
    assert isinstance(table, Table)
    assert [list(row[1:3]) for row in table.rows] == [["Mug", "Books"], ["Mouse", " Books "]]


@pytest.mark.parametrize(
    "name", [' "best" mug', ' "best', ' 17" and "x"', ' "" x'], ids=["continued", "open", "inside", "empty"]
)
def test_parse_quote_after_a_space_inside_a_value_is_unchanged(name: str) -> None:
    rows = parse_rows(make_file(make_line(1, product_name=name), make_line(2, sku=' "S2"'), make_line(3)))
    assert [row.cells["sku"] for row in rows] == ["S1", '"S2"' if name != ' 17" and "x"' else "S2", "S3"]
    assert rows[0].cells["product_name"] == name.strip()


def test_parse_quote_after_a_space_does_not_join_rows() -> None:
    rows = parse_rows(
        make_file(make_line(1, product_name=' "best mug'), make_line(2, product_name='17"'), make_line(3))
    )
    assert [row.cells["product_name"] for row in rows] == ['"best mug', '17"', "Mouse"]


def test_parse_quote_inside_an_unquoted_value_is_unchanged() -> None:
    (row,) = parse_rows(make_file('P1,17" screen,Books,S1,1.00,5'))
    assert row.cells["product_name"] == '17" screen'


def test_parse_more_rows_than_allowed_is_rejected() -> None:
    lines = [make_line(number) for number in range(1, MAX_ROWS + 1)]
    rows = parse_rows(make_file(*lines))
    assert (MAX_ROWS, len(rows), rows[-1].row_number) == (10_000, 10_000, 10_000)
    assert parse_rejected(make_file(*lines, make_line(MAX_ROWS + 1))) == FileRejection(
        "TOO_MANY_ROWS", "The file has 10,001 product rows; the limit is 10,000 a file"
    )


def test_parse_blank_lines_do_not_count_as_rows() -> None:
    lines = [make_line(number) for number in range(1, MAX_ROWS + 1)]
    assert len(parse_rows(make_file(*lines, "", ",,,,,", ""))) == MAX_ROWS


def test_parse_file_over_the_size_limit_is_rejected() -> None:
    assert MAX_BYTES == 10 * 1024 * 1024
    assert check_size(MAX_BYTES) is None
    rejection = check_size(MAX_BYTES + 1)
    assert rejection is not None
    assert (rejection.code, "the limit is 10 MB" in rejection.reason) == ("FILE_TOO_LARGE", True)


# Notations of the same content


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_parse_line_ends_and_byte_order_mark_change_nothing(end: str, mark: str, last: bool) -> None:
    lines = [make_line(1), make_line(2, product_name='"Mug, ""big"""')]
    content = mark + make_file(*lines, end=end)
    assert parse_rows(content if last else content.removesuffix(end)) == parse_rows(make_file(*lines))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_parse_quoted_line_breaks_keep_values_and_row_numbers(end: str) -> None:
    rows = parse_rows(make_file(make_line(1, product_name=f'"one{end}two, and{end}{end}three"'), make_line(2), end=end))
    assert [row.row_number for row in rows] == [1, 2]
    assert rows[0].cells["product_name"] == f"one{end}two, and{end}{end}three"
    assert rows[1].cells["sku"] == "S2"


def test_parse_white_space_around_a_value_is_removed() -> None:
    (row,) = parse_rows(make_file('  P1 ,"  Mouse\t",\u00a0Books\u2003, S1 , 1.00, 5 '))
    assert row.cells == dict(zip(REQUIRED, ("P1", "Mouse", "Books", "S1", "1.00", "5"), strict=True))


def test_parse_header_names_ignore_case_and_spaces() -> None:
    (row,) = parse_rows(f" Vendor Product ID ,PRODUCT_NAME,Category,SKU,Price, Stock Quantity\n{make_line(1)}\n")
    assert set(row.cells) == set(REQUIRED)


def test_parse_columns_in_any_order_with_unknown_ones_are_accepted() -> None:
    (row,) = parse_rows("colour,stock_quantity,price,,sku,category,product_name,vendor_product_id\nred,5,1,?,S,C,N,P\n")
    assert row.cells == {
        "stock_quantity": "5",
        "price": "1",
        "sku": "S",
        "category": "C",
        "product_name": "N",
        "vendor_product_id": "P",
    }


def test_parse_values_are_returned_as_written() -> None:
    (row,) = parse_rows(make_file("0001,e\u0301 \u00e9,Books,007,010.00,+5"))
    assert [row.cells[column] for column in REQUIRED] == ["0001", "e\u0301 \u00e9", "Books", "007", "010.00", "+5"]


def test_parse_blank_values_are_omitted() -> None:
    (row,) = parse_rows(make_file('P1,"  ",Books,"",,5'))
    assert row.cells == {"vendor_product_id": "P1", "category": "Books", "stock_quantity": "5"}


@pytest.mark.parametrize("tail", ["\n\n", ",,,,,\n", " , , , , ,\n,,,,,\n\n", ",,,,,,,,,,,,\n", "   \n"])
def test_parse_blank_lines_at_the_end_are_not_rows(tail: str) -> None:
    assert [row.row_number for row in parse_rows(make_file(make_line(1)) + tail)] == [1]


@pytest.mark.parametrize("line", ["", ",,,,,", "   ", "\t", ' , "" ,,, , ', '""', '"",""', ' "", ""', ",,,,,,,,,"])
def test_parse_blank_line_between_rows_is_not_a_row(line: str) -> None:
    rows = parse_rows(make_file(make_line(1), line, make_line(2)))
    assert [(row.row_number, row.line, row.cells["sku"]) for row in rows] == [(1, 2, "S1"), (2, 4, "S2")]


# Rows with more or fewer values than the header


@pytest.mark.parametrize(
    ("line", "difference"),
    [
        (make_line(1), 0),
        (make_line(1) + ",", 0),
        (make_line(1) + ",, ,", 0),
        (make_line(1) + ",x", 1),
        (make_line(1) + ",,x", 2),
        ("P1,Mouse,Books,S1,1.00", -1),
        ("P1", -5),
    ],
)
def test_parse_row_of_another_width_has_surplus_fields(line: str, difference: int) -> None:
    rows = parse_rows(make_file(line, make_line(2)))
    assert [row.surplus_fields for row in rows] == [difference, 0]


def test_parse_row_of_another_width_is_not_compared_for_duplicates() -> None:
    rows = parse_rows(make_file(make_line(1) + ",x", make_line(1), make_line(1)))
    assert [row.duplicate_of for row in rows] == [{}, {}, {"sku": 3, "vendor_product_id": 3}]


# Duplicate identifiers in a file


def test_parse_first_of_equal_rows_wins() -> None:
    rows = parse_rows(
        make_file(
            make_line(1), make_line(2), make_line(3, sku="S1"), make_line(4, vendor_product_id="P2"), make_line(1)
        )
    )
    assert [row.duplicate_of for row in rows] == [
        {},
        {},
        {"sku": 2},
        {"vendor_product_id": 3},
        {"sku": 2, "vendor_product_id": 2},
    ]


def test_parse_identifiers_compare_case_sensitively() -> None:
    rows = parse_rows(
        make_file(make_line(1, sku="a1"), make_line(2, sku="A1"), make_line(3, sku="01"), make_line(4, sku="1"))
    )
    assert [row.duplicate_of for row in rows] == [{}, {}, {}, {}]


def test_parse_blank_identifiers_are_not_duplicates() -> None:
    rows = parse_rows(make_file(make_line(1, sku=""), make_line(2, sku=""), make_line(3, vendor_product_id=" ")))
    assert [row.duplicate_of for row in rows] == [{}, {}, {}]


def test_parse_identifiers_compare_without_white_space() -> None:
    rows = parse_rows(make_file(make_line(1), make_line(2, sku=" S1 ")))
    assert rows[1].duplicate_of == {"sku": 2}


identifiers = st.sampled_from(["A", "B", "C", "", "a"])


@settings(deadline=None)
@given(st.lists(st.tuples(identifiers, identifiers), min_size=1, max_size=20))
def test_parse_any_identifiers_have_the_duplicates_of_pairwise_comparison(pairs: list[tuple[str, str]]) -> None:
    rows = parse_rows(make_file(*(make_line(0, sku=sku, vendor_product_id=name) for sku, name in pairs)))
    for number, (row, pair) in enumerate(zip(rows, pairs, strict=True)):
        for column, position in (("sku", 0), ("vendor_product_id", 1)):
            earlier = [i for i in range(number) if pairs[i][position] == pair[position] != ""]
            assert row.duplicate_of.get(column) == (earlier[0] + 2 if earlier else None)


def test_parse_damaged_identifiers_are_not_duplicates() -> None:
    rows = parse_rows(
        make_file(
            make_line(1, sku="8.71E+12"), make_line(2, sku="8.71E+12"), make_line(3, sku="S1"), make_line(4, sku="S1")
        )
    )
    assert [row.duplicate_of for row in rows] == [{}, {}, {}, {"sku": 4}]


# Long cells


def test_parse_cell_over_the_limit_is_truncated() -> None:
    whole, longer = "x" * MAX_CELL, "y" * (MAX_CELL + 1)
    rows = parse_rows(make_file(make_line(1, product_name=whole), make_line(2, product_name=longer)))
    assert (rows[0].cells["product_name"], rows[0].cut) == (whole, {})
    assert (rows[1].cells["product_name"], rows[1].cut) == ("y" * MAX_CELL, {"product_name": MAX_CELL + 1})


def test_parse_truncated_cells_are_not_compared() -> None:
    rows = parse_rows(make_file(make_line(1, sku="z" * MAX_CELL + "1"), make_line(2, sku="z" * MAX_CELL + "2")))
    assert [row.duplicate_of for row in rows] == [{}, {}]
    assert [row.cut for row in rows] == [{"sku": MAX_CELL + 1}] * 2


def test_parse_cell_as_large_as_the_file_is_read() -> None:
    (row,) = parse_rows(make_file(make_line(1, product_name="w" * 300_000)))
    assert row.cut == {"product_name": 300_000}


# File details and warnings


def test_parse_rows_have_their_spreadsheet_rows() -> None:
    result = parse_accepted(
        "\n\n" + make_file(make_line(1), "", make_line(2, product_name='"two\nlines"'), make_line(3))
    )
    assert result.file_details.header_line == 3
    assert [row.line for row in result.rows] == [4, 6, 7]


def test_parse_file_details_are_detected() -> None:
    result = parse_accepted(
        "Artikelnummer;Titel;Kategorie;Produkt-ID;Preis;Menge;Farbe\r\nS1;Mug;Kitchen;P1;19,99;5;red\r\n"
    )
    assert result.file_details == FileDetails(
        "csv",
        1,
        {
            "Artikelnummer": "sku",
            "Titel": "product_name",
            "Kategorie": "category",
            "Produkt-ID": "vendor_product_id",
            "Preis": "price",
            "Menge": "stock_quantity",
        },
        ["Farbe"],
        "UTF-8",
        "semicolon",
        "CRLF",
        None,
        ["price"],
        uncertain=["price"],
    )
    assert [(warning.code, warning.column) for warning in result.warnings] == [("UNKNOWN_COLUMN", "Farbe")]
    assert result.rows[0].cells["price"] == "19.99"
    assert result.table.rows[0][4] == "19,99"


def test_parse_decimal_comma_applies_only_to_its_column() -> None:
    header = f"{REQUIRED_HEADER};weight_kg".replace(",", ";")
    (first, second) = parse_rows(f"{header}\nP1;a;Books;S1;1,50;2,5;0.5\nP2;b;Books;S2;2;3;1\n")
    assert (first.cells["price"], first.cells["weight_kg"]) == ("1.50", "0.5")
    # A quantity has no decimals: its comma is an error.
    assert first.cells["stock_quantity"] == "2,5"
    assert second.cells["price"] == "2"


def test_parse_point_between_thousands_keeps_decimal_commas() -> None:
    result = parse_accepted(
        make_file(*(make_line(n, price=f'"{p}"') for n, p in enumerate(("899,00", "1.299", "12,50"), 1)))
    )
    assert [row.cells["price"] for row in result.rows] == ["899.00", "1.299", "12.50"]
    assert [row.unclear for row in result.rows] == [(), ("price",), ()]
    assert result.warnings == []
    assert [
        (error.error_type, error.message, error.hint) for row in result.rows for error in validate_row(row, OFFLINE)
    ] == [
        (
            "INVALID_PRICE",
            "Price can be read in two ways: its point may stand before decimals or between thousands; found '1.299'",
            "Did you mean 1299?",
        )
    ]


@pytest.mark.parametrize("other", ["0,5", "1,250"])
def test_parse_weight_with_unclear_comma_is_an_error(other: str) -> None:
    lines = [f'{make_line(n)},"{weight}"' for n, weight in enumerate(("1.250", other, "0.75", "3"), 1)]
    result = parse_accepted(f"{REQUIRED_HEADER},weight_kg\n" + "\n".join(lines))
    errors = {row.row_number: error for row in result.rows for error in validate_row(row, OFFLINE)}
    assert errors[1].error_type == "INVALID_WEIGHT"
    assert errors[1].hint == "Did you mean 1250 or 1.25?"
    assert errors.keys() == {1, 2}


def test_parse_weight_with_point_without_commas_is_clear() -> None:
    (row,) = parse_rows(f"{REQUIRED_HEADER},weight_kg\n{make_line(1)},1.250\n")
    assert (row.cells["weight_kg"], row.unclear) == ("1.250", ())
    assert validate_row(row, OFFLINE) == []


def test_parse_row_of_another_width_does_not_decide_commas() -> None:
    result = parse_accepted(make_file(make_line(1, price='"1,50"'), "P2,b,Books,x,S2,1.50,1"))
    assert result.rows[0].cells["price"] == "1.50"
    assert result.rows[1].surplus_fields == 1


def test_parse_fix_file_unclear_comma_stays_unclear() -> None:
    line = '1,x,,price,P1,Mug,Books,S1,"1,50",5,"1,250"'
    result = parse_accepted(f"_row,_errors,_hint,_decimal_comma,{REQUIRED_HEADER},weight_kg\n{line}\n")
    assert result.file_details.decimal_commas == ["price"]
    assert result.rows[0].cells["weight_kg"] == "1,250"
    assert [warning.code for warning in result.warnings] == ["UNCLEAR_COMMAS"]


def test_parse_contradicting_commas_warning_names_rows() -> None:
    result = parse_accepted(make_file(*(make_line(n, price="1.50" if n == 7 else '"1,50"') for n in range(1, 13))))
    (warning,) = result.warnings
    assert (warning.code, warning.row_number, warning.column) == ("MIXED_DECIMALS", 7, "price")
    assert warning.message == (
        "price has a decimal comma in rows 2, 3, 4, 5, 6, 7, 9, 10, 11, 12 and 1 more, and a decimal point in row 8; "
        "numbers with a comma were not read as numbers. Write all of them in the same way: the fewest "
        "changes are in row 8"
    )


def test_parse_unclear_commas_warning_names_rows() -> None:
    result = parse_accepted(make_file(*(make_line(n, price='"1,500"' if n in (2, 3) else "2") for n in range(1, 5))))
    (warning,) = result.warnings
    assert (warning.code, warning.row_number) == ("UNCLEAR_COMMAS", 2)
    assert "price in rows 3, 4 may be a decimal comma or a thousands separator" in warning.message


def test_parse_fix_file_restores_values_without_its_columns() -> None:
    result = parse_accepted(f"_row,_errors,_hint,{REQUIRED_HEADER}\n7,x,," + make_line(1, product_name="'=1+1"))
    assert result.file_details.fix_file
    assert result.file_details.unknown == []
    assert result.warnings == []
    assert result.rows[0].cells["product_name"] == "=1+1"
    assert result.table.header == REQUIRED_HEADER.split(",")
    assert list(result.table.rows[0]) == make_line(1, product_name="=1+1").split(",")


@pytest.mark.parametrize("name", ["_note", "_row", "_errors", "_hint", "_decimal_comma", "_"])
def test_parse_column_with_underscore_is_unknown(name: str) -> None:
    result = parse_accepted(f"{name},{REQUIRED_HEADER}\nprice," + make_line(1, product_name="'=1+1"))
    assert not result.file_details.fix_file
    assert result.rows[0].cells["product_name"] == "'=1+1"
    assert [warning.code for warning in result.warnings] == ["UNKNOWN_COLUMN", "LEADING_APOSTROPHE"]
    assert (result.file_details.unknown, result.table.header[0], result.table.rows[0][0]) == ([name], name, "price")
    assert result.file_details.decimal_commas == []


def test_parse_fix_file_keeps_columns_of_the_vendor() -> None:
    result = parse_accepted(f"_row,_errors,_hint,_row,_note,{REQUIRED_HEADER}\n7,x,,shelf,'=1,{make_line(1)}\n")
    assert result.file_details.fix_file
    assert result.file_details.unknown == ["_row", "_note"]
    assert result.table.header == ["_row", "_note", *REQUIRED]
    assert result.table.rows[0][:2] == ["shelf", "=1"]


def test_parse_requires_only_the_required_columns() -> None:
    content = b"vendor_product_id,price\nP1,5\n"
    result = parse(content, "UPLOAD_1", "VEND001", required=["vendor_product_id"])
    assert isinstance(result, ParsedFile)
    assert result.rows[0].cells == {"vendor_product_id": "P1", "price": "5"}
    assert isinstance(parse(content, "UPLOAD_1", "VEND001"), FileRejection)


def test_table_of_returns_every_value_as_written() -> None:
    content = f" SKU ,{REQUIRED_HEADER.replace('sku', 'x')},\n s1 , P1,'=1,,?,1.50,5 ,\n,,\n"
    table = parse_table(content.encode())
    assert isinstance(table, Table)
    assert table.header == [" SKU ", *REQUIRED_HEADER.replace("sku", "x").split(","), ""]
    assert table.rows == [[" s1 ", " P1", "'=1", "", "?", "1.50", "5 ", ""]]
    assert table.lines == [2]


@pytest.mark.no_cover
def test_parse_file_of_maximum_size_uses_bounded_memory() -> None:
    line = make_line(1, product_name="n" * 950)
    content = make_file(*[line] * MAX_ROWS).encode()
    assert len(content) > 9_500_000
    tracemalloc.start()
    result = parse(content, "UPLOAD_1", "VEND001")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(result, ParsedFile)
    assert peak < 4 * MAX_BYTES


# Properties

POSSIBLE_CODES = {
    "AMBIGUOUS_COLUMNS",
    "ROWS_ABOVE_HEADER",
    "SECOND_HEADER",
    "ENCRYPTED_WORKBOOK",
    "OLD_EXCEL",
    "TOO_MANY_COLUMNS",
    "UNKNOWN_DELIMITER",
    "AMBIGUOUS_DELIMITER",
    "DUPLICATE_COLUMNS",
    "EMPTY_FILE",
    "MISSING_COLUMNS",
    "NOT_A_TABLE",
    "NO_ROWS",
    "QUOTED_LINES",
    "UNKNOWN_ENCODING",
    "UNREADABLE_CSV",
    "UNREADABLE_XLSX",
}


@settings(deadline=None, max_examples=150)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.lists(st.sampled_from([b",", b'"', b"\n", b"\r", b"x", b" ", b"\0", b"\xff", b"sku"]), max_size=60).map(
            lambda parts: REQUIRED_HEADER.encode() + b"\n" + b"".join(parts)
        ),
    )
)
def test_parse_any_bytes_return_rows_or_a_rejection(content: bytes) -> None:
    result = parse(content, "UPLOAD_1", "VEND001")
    if isinstance(result, FileRejection):
        assert result.code in POSSIBLE_CODES
        assert result.reason
    else:
        assert [row.row_number for row in result.rows] == list(range(1, len(result.rows) + 1))
        assert all(value == value.strip() != "" for row in result.rows for value in row.cells.values())
        assert all(set(row.cells) <= set(COLUMNS) for row in result.rows)


# Row numbers in messages


def test_parse_duplicate_identifier_message_names_the_spreadsheet_row() -> None:
    """The title, the blank lines and the value of two lines shift data row 1 to row 4, and data row 3 to row 7."""
    rows = [make_line(1), make_line(2, product_name='"two\nlines"'), "", make_line(3, sku="S2")]
    result = parse_accepted("\n".join(["Spring collection", "", REQUIRED_HEADER, *rows]))
    assert [row.line for row in result.rows] == [4, 5, 7]
    assert result.rows[2].duplicate_of == {"sku": 5}
    [error] = validate_row(result.rows[2], ValidationContext({"Books"}, set(), set(), catalog_known=False))
    assert error.message == "Duplicate SKU: S2 already exists in row 5 of this file"
    assert error.hint == "Row 5 has the same SKU"


def test_parse_file_with_own_categories_has_one_error_in_each_row() -> None:
    rows = parse_rows(build_clothing_file())
    errors = [(row.cells["category"], [error.error_type for error in validate_row(row, OFFLINE)]) for row in rows]
    assert errors == [("Men", ["INVALID_CATEGORY"])] * MEN + [("Women", ["INVALID_CATEGORY"])] * WOMEN
