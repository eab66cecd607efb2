"""The file of a submission is read as exactly the rows that were checked, with any texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from onboarding.domain.corrections import RejectedRow
from onboarding.domain.models import FileRejection, Mode, RowError
from onboarding.domain.product_schema import COLUMNS, REQUIRED
from onboarding.domain.validation import validate_row
from onboarding.files.corrected_rows import build_corrections_file
from onboarding.files.models import FileDetails
from onboarding.files.parser import parse
from onboarding.pipeline.corrections import CorrectionContext, check_rows, list_ready_rows
from onboarding.pipeline.upload_parsing import list_required_columns
from tests.support.correction_paths import UploadOfMode, make_catalog, make_draft

UPLOAD_ID = "UPLOAD_20260101_100000_12345678"
HEADER = "vendor_product_id,product_name,category,sku,price,stock_quantity"
LINE = "P-1,Lamp,Books,S-1,5.00,3"
TEXTS = st.one_of(
    st.sampled_from([
        *COLUMNS, HEADER, HEADER.replace(",", ";"), LINE, f"a\n{LINE}\nb", f"a\n{LINE.replace(',', ';')}\nb",
        f"x\r\n{UPLOAD_ID};5;;;{LINE.replace(',', ';')}\r\ny", f"x\n{UPLOAD_ID},5,,,{LINE}\ny", "Total",
        "Sum: 3 products",
        "#", "# comment", "// x", "--", "===", "***", "=1+1", "'=1+1", "'", "''", "'a", "@x", "+1", "-1", "-", '"',
        '""',
        'say "x"', ', "x"', '; "x', ' "', "a, b", "a; b", "a|b", "a\tb", "sep=;", "_upload", "_row", "_errors",
        UPLOAD_ID,
        "\u200f\u05d0\u05d1", "e\u0301", "\u00e9", "\u200b=1", "\uff1d1", "\ufeff", "\u2028x\u2028y", "1,5", "12", "0",
        "0.5", "1.500", "n/a", "NULL", "(clear)", "12x8x4", "42", "End of file", "[EOF]", "x" * 90,
    ]),
    st.text(max_size=12),
    st.text(st.sampled_from("a1 ,;\"'=#\n\r\t|-_:.\u00a0"), max_size=30),
)  # fmt: skip
NUMBERS = {
    "price": st.sampled_from(["5", "12.50", "12", "1.500", "3.5", "1234.00"]),
    "compare_at_price": st.sampled_from(["", "15", "99.00", "1.500"]),
    "stock_quantity": st.sampled_from(["0", "3", "150"]),
    "weight_kg": st.sampled_from(["", "0", "1", "0.5", "1.250", "1.5000"]),
}  # fmt: skip


def make_columns() -> dict[str, st.SearchStrategy[str]]:
    texts: dict[str, st.SearchStrategy[str]] = {
        column: TEXTS if column in REQUIRED else st.one_of(st.just(""), TEXTS) for column in COLUMNS
    }
    return {**texts, **NUMBERS, "category": st.sampled_from(["Books", "Electronics"]), "image_url": st.just("")}


ROWS = st.lists(st.fixed_dictionaries(make_columns()), min_size=1, max_size=6)
PLAIN = {
    "vendor_product_id": "P",
    "product_name": "N",
    "category": "Books",
    "sku": "S",
    "price": "5",
    "stock_quantity": "1",
}


@settings(deadline=None, max_examples=100)
@given(ROWS, st.sampled_from(Mode))
# A price and a number in a text column are not one number with a decimal comma.
@example(
    [{**PLAIN, "sku": "S1", "vendor_product_id": "P1", "weight_kg": "0", "dimensions_cm": "5"}, {**PLAIN}], Mode.CREATE
)
# A text may name all columns with another delimiter, or contain whole lines of the file.
@example([{**PLAIN, "product_name": HEADER.replace(",", ";")}], Mode.CREATE)
@example([{**PLAIN, "description": f"a\n{',' * 9}5,3\nb"}], Mode.CREATE)
@example([{**PLAIN, "description": f"a\n{',' * 9}5,3\n{';' * 9}5;3\nb"}], Mode.CREATE)
# Three decimals are read by the other numbers of the file, which may not be ready.
@example([{**PLAIN, "price": "1.500"}, {**PLAIN, "price": "12.50", "sku": ""}], Mode.CREATE)
def test_submitted_file_has_the_rows_that_are_ready(cells: list[dict[str, str]], mode: Mode) -> None:
    error = RowError("INVALID_PRICE", "price", "?")
    rows = [RejectedRow(n, {}, {}, [error], draft=make_draft(edits(row))) for n, row in enumerate(cells, 1)]
    details = FileDetails("csv", 3, {})
    context = CorrectionContext.of_file(cast("Any", UploadOfMode(mode)), details, None, {})
    catalog = make_catalog(mode)
    ready_rows = list_ready_rows(rows, check_rows(lambda _: cast("Any", catalog), context, rows))
    if not ready_rows:
        return
    corrected_rows = context.build_rows(ready_rows, {row.row_number: row.edited_cells for row in ready_rows})
    content = build_corrections_file(UPLOAD_ID, corrected_rows)
    parsed = parse(content, "U", "V", required=list_required_columns(mode))
    assert not isinstance(parsed, FileRejection), parsed
    assert [row.cells for row in parsed.rows] == [row.cells for row in corrected_rows]
    assert [validate_row(row, catalog) for row in parsed.rows] == [[]] * len(ready_rows)
    assert parsed.corrected_rows is not None
    assert parsed.corrected_rows.upload_id == UPLOAD_ID
    assert parsed.corrected_rows.lines == [details.line_of(row.row_number) for row in ready_rows]


def edits(cells: Mapping[str, str]) -> dict[str, str]:
    return {column: text.strip() for column, text in cells.items()}
