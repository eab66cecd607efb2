"""Rows with more or fewer values than the header."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.domain.models import FileRejection
from onboarding.domain.product_schema import REQUIRED
from onboarding.files.parser import ParsedFile, parse

HEADER = ",".join(REQUIRED)


def row(number: int) -> str:
    return f"P{number},Mug,Kitchen,S{number},{number}.50,{number}"


def parse_valid(header: str, *lines: str) -> ParsedFile:
    result = parse("\n".join([header, *lines, ""]).encode(), "UPLOAD_1", "VEND001")
    assert not isinstance(result, FileRejection), result
    return result


def list_surplus_fields(header: str, *lines: str) -> list[int]:
    return [r.surplus_fields for r in parse_valid(header, *lines).rows]


def test_row_widths_row_without_last_optional_columns_is_read_with_warning() -> None:
    result = parse_valid(
        f"{HEADER},brand,unit", f"{row(1)},Acme,piece", f"{row(2)},Acme", row(3), row(4).rpartition(",")[0]
    )
    assert [r.surplus_fields for r in result.rows] == [0, 0, 0, -3]
    assert [(w.code, w.row_number) for w in result.warnings] == [("SHORT_ROWS", 2)]
    assert "rows 3, 4 end before" in result.warnings[0].message


def test_row_widths_row_without_last_required_column_is_an_error() -> None:
    assert list_surplus_fields(f"brand,unit,{HEADER}", "a,b," + row(1), "a,b," + row(2).rpartition(",")[0]) == [0, -1]


@pytest.mark.parametrize("index", range(1, len(REQUIRED) + 1))
def test_row_widths_misplaced_text_in_unnamed_column_is_an_error(index: int) -> None:
    names = [*REQUIRED[:index], "", *REQUIRED[index:]]
    valid = [*row(1).split(",")[:index], "", *row(1).split(",")[index:]]
    misplaced = [*row(2).split(",")[:index], "large", *row(2).split(",")[index:]]
    result = parse_valid(",".join(names), ",".join(valid), ",".join(misplaced))
    assert [r.surplus_fields for r in result.rows] == [0, 1]
    assert [w.code for w in result.warnings] == ["UNNAMED_COLUMN"]
    assert "in row 3" in result.warnings[0].message


@pytest.mark.parametrize(("filled", "rows", "errors"), [(1, 1, 1), (2, 2, 0), (9, 10, 0), (8, 10, 8), (1, 10, 1)])
def test_row_widths_unnamed_column_with_values_in_nearly_every_row_is_accepted(
    filled: int, rows: int, errors: int
) -> None:
    lines = [f"{row(n)},{'x' if n <= filled else ''}" for n in range(1, rows + 1)]
    assert sum(map(bool, list_surplus_fields(f"{HEADER},", *lines))) == errors


OPTIONAL = f"{HEADER},weight_kg,brand"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # Another row has a surplus value at the same position.
        ([f"{row(1)},0,5", f"{row(2)},1,25,Acme"], [1, 1]),
        ([f"{row(1)},3,5", f"{row(2)},1,25,Acme"], [1, 1]),
        # No product weighs 0, and no brand is named 5.
        ([f"{row(1)},0,5"], [1]),
        ([f"{row(1)},0,5,", f"{row(2)},1.5,Acme", f"{row(3)},1.5,Acme"], [1, 0, 0]),
        # A row is wider than others, by a blank value.
        (["P1,Mug,Kitchen,S1,19,90,5,,", f"{row(2)},1.5,Acme", f"{row(3)},1.5,Acme"], [1, 0, 0]),
        # A row is shorter, and another one has a surplus value.
        (["P1,Mug,Kitchen,S1,19,90,5", "P2,Mug,Kitchen,S2,20,50,2,1.5,Acme"], [-1, 1]),
        # Whole numbers alone are not evidence.
        (["P1,Mug,Kitchen,S1,19,90,1,Acme", "P2,Mug,Kitchen,S2,20,50,2,Acme"], [0, 0]),
        ([f"{row(1)},1,555", f"{row(2)},2,Acme"], [0, 0]),
        (["P1,Mug,Kitchen,S1,19,90", "P2,Mug,Kitchen,S2,20,50,2,Acme"], [0, 0]),
        (["P1,Mug,Kitchen,S1,19,90,1,Acme", "P2,Mug, big,Kitchen,S2,20,50,2,Acme"], [0, 1]),
    ],
)
def test_row_widths_row_with_unquoted_decimal_comma_is_an_error(lines: list[str], expected: list[int]) -> None:
    assert list_surplus_fields(OPTIONAL, *lines) == expected


def test_row_widths_delimiter_semicolon_ignores_decimal_commas() -> None:
    assert list_surplus_fields(OPTIONAL.replace(",", ";"), f"{row(1)},0,5".replace(",", ";")) == [0]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, -1, -2, -3]), min_size=1, max_size=12))
def test_row_widths_any_widths_keep_rows_and_columns(changes: list[int]) -> None:
    lines = []
    for number, change in enumerate(changes, 1):
        values = [*row(number).split(","), "1.5", "Acme"]
        lines.append(",".join([*values, *["x"] * change] if change >= 0 else values[:change]))
    result = parse_valid(OPTIONAL, *lines)
    assert [r.row_number for r in result.rows] == list(range(1, len(changes) + 1))
    for r, change in zip(result.rows, changes, strict=True):
        assert r.surplus_fields == (change if change > 0 or change < -2 else 0)
        if not r.surplus_fields:
            assert r.cells.get("weight_kg") == ("1.5" if change > -2 else None)
            assert r.cells.get("brand") == ("Acme" if change > -1 else None)


def test_row_widths_number_shifted_into_text_column_is_an_error() -> None:
    header = f"{HEADER},description"
    rows = ["P1,Mug,Kitchen,S1,19,99,5,", "P2,Mug,Kitchen,S2,24,50,7,", "P3,Mug,Kitchen,S3,3,7,"]
    assert list_surplus_fields(header, *rows) == [1, 1, 0]
    assert list_surplus_fields(f"{HEADER},description,brand", *(line.rstrip(",") for line in rows)) == [-1, -1, 0]
    assert list_surplus_fields(f"{HEADER},weight_kg,brand,unit", "P1,Mug,Kitchen,S1,19,99,5,0,25,,",
                   "P2,Mug,Kitchen,S2,24,50,7,1,5,,") == [1, 1]  # fmt: skip
    # A single one may be text, unless another row has a surplus value at the same position.
    assert list_surplus_fields(header, rows[0], rows[2]) == [0, 0]
    assert list_surplus_fields(header, rows[0], "P2,Mug,Kitchen,S2,24,50,7,blue", rows[2]) == [1, 1, 0]


@pytest.mark.parametrize(
    ("column", "values"),
    [("brand", ["4711", "4711"]), ("unit", ["6", "12"]), ("brand", ["501", "Acme"]), ("weight_kg", ["5", "7"])],
)
def test_row_widths_whole_prices_before_numbers_are_read(column: str, values: list[str]) -> None:
    rows = [f"P{n},Mug,Kitchen,S{n},{n}9,{n}5,{value}" for n, value in enumerate(values, 1)]
    assert list_surplus_fields(f"{HEADER},{column}", *rows) == [0, 0]


def test_row_widths_weight_of_0_before_number_and_address_is_read() -> None:
    rows = [f"P{n},Mug,Kitchen,S{n},{n}.50,1,0,3{n},https://a.example/1.jpg" for n in (1, 2)]
    assert list_surplus_fields(f"{HEADER},weight_kg,dimensions_cm,image_url", *rows) == [0, 0]
    # A single dimension is a number too.
    assert list_surplus_fields(f"{HEADER},weight_kg,dimensions_cm,image_url", f"{row(1)},0,30,", f"{row(2)},1,30,") == [
        0,
        0,
    ]


def test_row_widths_numbers_in_text_column_with_decimal_points_are_read() -> None:
    rows = [f"P{n},Mug,Kitchen,S{n},{price},1{n},50{n}" for n, price in enumerate(("19", "20", "19.50"), 1)]
    assert list_surplus_fields(f"{HEADER},brand", *rows) == [0, 0, 0]
