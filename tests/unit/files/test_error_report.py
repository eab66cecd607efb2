"""Error report: columns and lines of the contract, and formula escaping."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onboarding.domain.models import ReportedRow, RowError
from onboarding.domain.product_schema import COLUMNS
from onboarding.files.error_report import HEADER, report_key, write_report
from onboarding.files.formula_escaping import escape_formula, unescape_formula
from tests.support.postgres_fixtures import make_upload

HEADER_LINE = "Row Number,Vendor Product ID,SKU,Product Name,Error Type,Error Message,Price,Stock Quantity"


def build_report(errors: Iterable[ReportedRow]) -> bytes:
    file = io.BytesIO()
    write_report(file, errors)
    return file.getvalue()


def read_lines(report: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(report.decode("utf-8-sig"), newline=""), strict=True))


def make_error(row_number: int, message: str = "Price must be at least 0.01", **cells: str) -> ReportedRow:
    return ReportedRow(row_number, RowError("INVALID_PRICE", "price", message), cells)


def test_write_report_contract_example_has_header_and_line() -> None:
    report = build_report(
        [
            make_error(
                5,
                vendor_product_id="PROD0005",
                sku="SKU-005",
                product_name="Invalid Product",
                price="-10.00",
                stock_quantity="100",
            )
        ]
    )
    assert report.decode("utf-8-sig").splitlines() == [
        HEADER_LINE,
        "5,PROD0005,SKU-005,Invalid Product,INVALID_PRICE,Price must be at least 0.01,-10.00,100",
    ]


def test_write_report_non_ascii_text_has_byte_order_mark() -> None:
    assert build_report([]) == HEADER_LINE.encode() + b"\r\n"
    assert build_report([make_error(1, "Café")]).startswith(b"\xef\xbb\xbf" + HEADER_LINE.encode() + b"\r\n")


def test_write_report_several_errors_have_a_line_each_in_order() -> None:
    lines = read_lines(build_report([make_error(2, "a"), make_error(2, "b"), make_error(7, "c")]))
    assert [(line[0], line[5]) for line in lines[1:]] == [("2", "a"), ("2", "b"), ("7", "c")]


def test_write_report_blank_cells_are_blank() -> None:
    assert read_lines(build_report([make_error(3, "Message")]))[1] == [
        "3",
        "",
        "",
        "",
        "INVALID_PRICE",
        "Message",
        "",
        "",
    ]


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        '=HYPERLINK("http://evil","x")',
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "-",
        "+",
        "-cmd|' /C calc'!A0",
        "-10.00.1",
        "'quoted",
        "'=1",
        "\n=1+1",
        " =1+1",
        "\u00a0=1+1",
        "\u200b=1+1",
        "\ufeff=1+1",
        "\u3000\u2060@SUM(1)",
        "\uff1d1+1",
        "\uff0b1+1",
        "\uff0d1+1",
        "\uff20SUM(1)",
        "\ufe66A1",
        "=\u0338A1",
        "\u200b\uff1dA1",
        "\x1f=1",
    ],
)
def test_escape_formula_formula_is_escaped(value: str) -> None:
    assert escape_formula(value) == f"'{value}"


@pytest.mark.parametrize(
    "value",
    [
        "-10.00",
        "+5",
        "-0",
        "007",
        "19.99",
        "",
        "Mouse",
        "a=b",
        "1-2",
        "e@mail",
        "O'Neill",
        "5PROD",
        "\u2212 5",
        " x",
        "\u200b5",
    ],
)
def test_escape_formula_other_value_is_unchanged(value: str) -> None:
    assert escape_formula(value) == value


@settings(deadline=None, max_examples=150)
@given(st.text("=+-@'\t\r\n\"0123456789.,ab\u00e9\u200b\u00a0\uff1d\uff0d\u0338", max_size=12) | st.text(max_size=20))
@example("'")
@example("''=")
def test_unescape_formula_any_value_is_restored(value: str) -> None:
    escaped = escape_formula(value)
    assert escaped.removeprefix("'") == value
    assert unescape_formula(escaped) == value
    if escaped and escaped[0] in "=+-@\t\r":
        # Only a plain number may start like a formula.
        assert escaped[0] in "+-"
        assert escaped[1] in "0123456789"
        assert set(escaped[1:]) <= set("0123456789.,")


texts = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 10_000),
            texts.filter(bool),
            st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, texts.filter(bool))),
        ),
        max_size=5,
    )
)
def test_write_report_any_rows_can_be_read_back(errors: list[tuple[int, str, dict[str, Any]]]) -> None:
    report = build_report(
        ReportedRow(number, RowError("INVALID_PRICE", "price", text), cells) for number, text, cells in errors
    )
    header, *lines = read_lines(report)
    assert tuple(header) == HEADER == tuple(HEADER_LINE.split(","))
    columns = ("vendor_product_id", "sku", "product_name", "price", "stock_quantity")
    rows = [[value.removeprefix("'") for value in line] for line in lines]
    assert rows == [
        [
            str(number),
            *(cells.get(c, "") for c in columns[:3]),
            "INVALID_PRICE",
            text,
            *(cells.get(c, "") for c in columns[3:]),
        ]
        for number, text, cells in errors
    ]


def test_report_key_has_vendor_and_upload() -> None:
    assert report_key(make_upload()) == "errors/VEND001/UPLOAD_20241221_103045_0a1b2c3d_errors.csv"
