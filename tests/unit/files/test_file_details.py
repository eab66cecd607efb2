"""File details: sentence for people, and JSON."""

from __future__ import annotations

from onboarding.files.models import FileDetails, one_line


def test_file_details_sentence_names_format_and_columns() -> None:
    detected = FileDetails(
        "csv", 3, {"Qty": "stock_quantity", "sku": "sku"}, ["Colour"], "Windows-1252", "semicolon", "CRLF",
        decimal_commas=["price"],
    )  # fmt: skip
    assert detected.sentence() == (
        "CSV, Windows-1252, semicolon, CRLF, header in line 3, decimal comma in price; read as: Qty = stock_quantity"
    )
    assert FileDetails("xlsx", 1, {"sku": "sku"}, sheet="Mugs").sentence() == "XLSX, sheet 'Mugs', header in line 1"


def test_file_details_from_json_tolerates_unknown_and_missing_fields() -> None:
    detected = FileDetails("xlsx", 3, {"Qty": "stock_quantity"}, ["Colour"], sheet="Mugs", jumps=[[2, 9]])
    newer = {**detected.as_json(), "hidden_rows": [4], "columns_of_old": {}}
    assert FileDetails.from_json(newer).as_json() == detected.as_json()
    older = {"format": "csv", "header_line": 2, "columns": {"sku": "sku"}}
    assert FileDetails.from_json(older) == FileDetails("csv", 2, {"sku": "sku"})
    assert FileDetails.from_json({}).line_of(1) == 2


def test_one_line_any_text_is_short_without_control_characters() -> None:
    assert one_line(" a\r\n\x00b\u2028 ") == "a b"
    assert one_line("vsc.\u202eslx \ud800.csv") == "vsc. slx  .csv"
    assert one_line("x" * 61) == "x" * 60 + "…"
