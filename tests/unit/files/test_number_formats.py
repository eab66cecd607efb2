"""Number formats: text of numeric cells in text, number and identifier columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.files.currencies import detect_currency
from onboarding.files.date_formats import is_date_code, iso_to_serial
from onboarding.files.number_formats import BUILT_IN, MAX_FORMAT_CODE, parse_number_format
from onboarding.files.numeric_cells import (
    NumberText,
    format_for_identifier_column,
    format_for_number_column,
    format_for_text_column,
    format_general,
)


def text_column(value: object, code: str) -> str:
    return format_for_text_column(repr(value), parse_number_format(code), uses_1904_epoch=False)


def number_column(value: object, code: str, unit: str = "") -> NumberText:
    return format_for_number_column(repr(value), parse_number_format(code), unit, uses_1904_epoch=False)


def identifier_column(value: object, code: str) -> str:
    return format_for_identifier_column(repr(value), parse_number_format(code), uses_1904_epoch=False)


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (5, "General", "5"),
        (5.0, "General", "5"),
        (0.1 + 0.2, "General", "0.3"),
        (-0.0, "General", "0"),
        (4006381333931, "General", "4006381333931"),
        (1234567890123456, "General", "1.23456789012346E+15"),
        (1234567890123456, "0", "1.23456789012346E+15"),
        (1234567890123456, '"SKU-"0', "1.23456789012346E+15"),
        (-1234567890123450, "0.00", "-1.23456789012345E+15"),
        (123456789012345, "0", "123456789012345"),
        (1e-12, "General", "1E-12"),
        (123, "00000", "00123"),
        (123456, "00000", "123456"),
        (19.989, "0.00", "19.99"),
        (0.125, "0.00", "0.13"),
        (1234.5, "#,##0.00", "1234.50"),
        (1234567, "#\\ ##0", "1234567"),
        (-5, "0.00", "-5.00"),
        (-0.001, "0.00", "0.00"),
        (0.5, ".00", ".50"),
        (6652.79, ".00", "6652.79"),
        (-6652.79, ".#", "-6652.8"),
        (12, '.00" kg"', "12.00 kg"),
        (0.19, "0%", "19%"),
        (0.195, "0.0%", "19.5%"),
        (8.71e12, "0.00E+00", "8.71E+12"),
        (8.71e12, "0", "8710000000000"),
        (1500000, "0,", "1500"),
        (19.9, "0.##", "19.9"),
        (20, "0.##", "20"),
        (12, '"SKU-"00000', "SKU-00012"),
        (123456789, "000-000-000", "123-456-789"),
        (12345678901, "000-000-000", "12345-678-901"),
        (1234, "000-000-000", "000-001-234"),
        (0, "000-000-000", "000-000-000"),
        (1234, "###-000", "1-234"),
        (12, "###-000", "-012"),
        (5, "0#", "05"),
        (0.00000000001, "General", "1E-11"),
        (100.0, "General", "100"),
        (12.5, '0.0" kg"', "12.5 kg"),
        (1.5, "[$€-407] #,##0.00", "1.50"),
        (1.5, '#,##0.00\\ "€"', "1.50"),
        (-5.5, '_-* #,##0.00_-;\\-* #,##0.00_-;_-* "-"??_-;_-@_-', "-5.50"),
        (0, '_-* #,##0.00_-;\\-* #,##0.00_-;_-* "-"??_-;_-@_-', "0"),
        (-5, "0.00;[Red](0.00)", "(5.00)"),
        (7, "@", "7"),
        (7, ";;;", "7"),
        (7, "", "7"),
        (7, "[>5]0.0;General", "7.0"),
        (4, "[>5]0.0;General", "4"),
        (4, "[<=4]0.0;[>9]0.00;0", "4.0"),
        (5, "[<=4]0.0;[>9]0.00;0", "5"),
        (250, 'General" g"', "250 g"),
        (5, "[$kg] 0", "kg 5"),
        (0.5, "# ?/?", "0.5"),
    ],
)
def test_format_for_text_column_number_is_displayed_text(value: object, code: str, text: str) -> None:
    assert text_column(value, code) == text


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (45363, "yyyy-mm-dd", "2024-03-12"),
        (45353, "dd.mm.yyyy", "02.03.2024"),
        (45353, "d/m/yy", "2/3/24"),
        (45363, "d-mmm", "12-Mar"),
        (45363, "mmm-yy", "Mar-24"),
        (45363 + 785 / 1440, "yyyy-mm-dd hh:mm", "2024-03-12 13:05"),
        (45363, "mm-dd-yy", "2024-03-12"),
        (45363 + 3723 / 86400, "mm-dd-yy", "2024-03-12 01:02:03"),
        (184 / 1440, "h:mm", "03:04:00"),
        (1.25, "[h]:mm", "30:00:00"),
        (59, "yyyy-mm-dd", "1900-02-28"),
        (60, "dd/mm/yyyy", "1900-02-29"),
        (61, "yyyy-mm-dd", "1900-03-01"),
        (-1, "yyyy-mm-dd", "#VALUE!"),
        (2958466, "yyyy-mm-dd", "#VALUE!"),
        (1e300, "[h]:mm", "#VALUE!"),
        (45363, "dd\\-mm\\-yyyy;@", "12-03-2024"),
        (45363, "[$-407]d/ mmmm yyyy", "12/ March 2024"),
    ],
)
def test_format_for_text_column_date_is_displayed_text(value: object, code: str, text: str) -> None:
    assert text_column(value, code) == text


def test_format_for_text_column_1904_date_system_shifts_dates() -> None:
    assert format_for_text_column("43901", parse_number_format("yyyy-mm-dd"), uses_1904_epoch=True) == "2024-03-12"
    assert format_for_text_column("60", parse_number_format("yyyy-mm-dd"), uses_1904_epoch=True) == "1904-03-01"


@pytest.mark.parametrize(("code", "text"), [(code, BUILT_IN[code]) for code in (14, 22, 27, 36, 45, 50, 58, 81)])
def test_is_date_code_built_in_date_formats_are_dates(code: int, text: str) -> None:
    assert is_date_code(text), code


@pytest.mark.parametrize(
    "code", ["General", "0.00", "[Red]0", '0" days"', "0\\d", "[$-409]0", '"h"0', "_d0", "[>5]0;0", "@"]
)
def test_is_date_code_quoted_or_escaped_letters_are_not_dates(code: str) -> None:
    assert not is_date_code(code)


@pytest.mark.parametrize(
    ("value", "code", "text", "currency", "displayed"),
    [
        (-19.99, "0.00;[Red]0.00", "-19.99", "", ""),
        (-5, "0.00;[Red](0.00)", "-5.00", "", ""),
        (-5, "#,##0_);(#,##0)", "-5", "", ""),
        (-5, "[<0]0;0", "-5", "", ""),
        (19.99, "0", "19.99", "", "20"),
        (19.994, "0.00", "19.994", "", "19.99"),
        (19.989999999999998, "0.00", "19.99", "", ""),
        (2.5, "#,##0", "2.5", "", "3"),
        (1234.5, "#,##0,", "1234.5", "", "1"),
        (20, "0.00", "20.00", "", ""),
        (7, "00000", "7", "", ""),
        (0, '0;-0;"none"', "0", "", ""),
        (7, ";;;", "7", "", ""),
        (8.71e12, "0.00E+00", "8710000000000", "", ""),
        (1e15, "0.00", "1E+15", "", ""),
        (0.5, "# ?/?", "0.5", "", ""),
        (250, 'General" g"', "250 g", "", ""),
        (0.25, '0.00" kg"', "0.25", "", ""),
        (0.25, '0.00" KG"', "0.25", "", ""),
        (250, '0" kg net"', "250 kg net", "", ""),
        (0.19, "0%", "19%", "", ""),
        (0.195, "0%", "19.5%", "", "20"),
        (5, "0\\%", "5%", "", ""),
        (12, '"SKU-"000', "SKU-12", "", ""),
        (1.5, '#,##0.00 "€"', "1.50", "€", ""),
        (1.5, "[$€-407] 0.00", "1.50", "€", ""),
        (1.5, "[$XYZ-407] 0.00", "1.50", "XYZ", ""),
        (1.5, "[$XYZ] 0.00", "XYZ 1.50", "", ""),
        (-1.5, '"$"0.00;[Red]\\-"$"0.00', "-1.50", "$", ""),
        (1.5, '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-', "1.50", "€", ""),
        (1.5, '0.00" €/kg"', "1.50 €/kg", "", ""),
        (12.5, "d.m", "1900-01-12 12:00:00", "", ""),
        (45424, "yyyy", "2024-05-12", "", ""),
    ],
)
def test_format_for_number_column_returns_value_currency_and_displayed(
    value: object, code: str, text: str, currency: str, displayed: str
) -> None:
    assert number_column(value, code, "kg") == NumberText(text, currency, displayed)


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (12345, "0.00", "12345"),
        (4006381333931, "#,##0.00", "4006381333931"),
        (123, "00000", "00123"),
        (123, "00000.00", "00123"),
        (42, '"SKU-"0000.00', "SKU-0042"),
        (90.75, "0.000", "90.750"),
        (12.345, "0.00", "12.345"),
        (12.5, '"A"0', "12.5"),
        (12345, "0,", "12345"),
        (-5, "0;0", "-5"),
        (8.71e12, "0.00E+00", "8.71E+12"),
        (12, '"$"0.00', "12"),
        (12, '"R"0000', "R0012"),
        (0.19, "0%", "19%"),
        (45363, "d-mmm", "12-Mar"),
        (45363, "dddd", "2024-03-12"),
        (1234567, "yyyy", "########"),
        (1234567890123456, "0", "1.23456789012346E+15"),
    ],
)
def test_format_for_identifier_column_keeps_all_digits(value: object, code: str, text: str) -> None:
    assert identifier_column(value, code) == text


@pytest.mark.parametrize(
    ("text", "currency"),
    [("€", "€"), ("EUR", "€"), ("Rs.", "₹"), ("kr.", "kr"), ("US$", "$"), ("R$", "R$"), ("€€", "€"), ("€$", ""),
     ("kg", ""), ("", ""), ("€/kg", "")],
)  # fmt: skip
def test_detect_currency_all_spellings_return_one_currency(text: str, currency: str) -> None:
    assert detect_currency(text) == currency


@pytest.mark.parametrize("raw", ["", "x", "1_000", "NaN", "inf", "0x1", "1,5", "--1", "1e", "\u0661", "1" * 65])
def test_format_general_not_a_number_raises_value_error(raw: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any message
        format_general(raw)


def test_format_general_number_too_large_for_a_cell_returns_error_value() -> None:
    assert format_general("1E999999") == "#NUM!"


def test_iso_to_serial_date_or_time_returns_serial() -> None:
    assert iso_to_serial("2024-03-12T00:00:00Z") == 45363
    assert iso_to_serial("12:00:00") == 0.5


FORMAT_CODES = st.text(st.sampled_from('0#?.,;[]"\\ %_*E+-/@$€dmyhskrg<>=19General'), max_size=MAX_FORMAT_CODE)


@given(st.floats(allow_nan=False, allow_infinity=False), FORMAT_CODES)
def test_format_for_columns_any_number_and_format_return_text(value: float, code: str) -> None:
    for text in (text_column(value, code), number_column(value, code).text, identifier_column(value, code)):
        assert text


@given(
    st.decimals(min_value=0, max_value=999_999, places=2),
    st.sampled_from(["0", "0.0", "#,##0", "0.00", "00", "#,##0,"]),
)
def test_format_for_number_column_plain_format_keeps_the_value(value: object, code: str) -> None:
    text = format_for_number_column(str(value), parse_number_format(code), "", uses_1904_epoch=False).text
    assert float(text) == float(str(value))
