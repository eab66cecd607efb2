"""Fix files as workbooks: they are corrected, also with LibreOffice, and uploaded again."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from onboarding.domain.models import Upload, UploadStatus
from onboarding.domain.product_schema import COLUMNS
from tests.support.running_pipeline import Pipeline, product

SOFFICE = shutil.which("soffice")


def make_workbook(rows: Sequence[Mapping[str, object]]) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    for values in (COLUMNS, *([row.get(column) for column in COLUMNS] for row in rows)):
        sheet.append(list(values))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def edit_workbook(content: bytes, edits: Mapping[int, Mapping[str, str]]) -> bytes:
    """Enter values into a fix file, by spreadsheet row in the uploaded file and column."""
    book = load_workbook(io.BytesIO(content))
    sheet = book["Products"]
    indexes = {str(cell.value): index for index, cell in enumerate(sheet[1])}
    for cells in sheet.iter_rows(min_row=2):
        for column, value in edits.get(int(str(cells[indexes["_row"]].value)), {}).items():
            cells[indexes[column]].value = value
    edited = io.BytesIO()
    book.save(edited)
    return edited.getvalue()


def upload_products(pipeline: Pipeline, vendor_id: str, prefix: str) -> Upload:
    """Upload a workbook of which three rows have an error: 2, 4 and 5."""
    rows: list[dict[str, object]] = [
        {**product(f"{prefix}-{number}"), "sku": f"00{number}-{prefix}", "vendor_product_id": f"{number:04}{prefix}"}
        for number in range(4)
    ]
    rows[0] |= {"price": "free", "sku": f"0012{prefix}"}
    rows[0]["vendor_product_id"] = "0012"
    rows[2] |= {"category": "Elektronics", "vendor_product_id": "8710398500012", "barcode": "8710398500012"}
    rows[3]["stock_quantity"] = None
    return pipeline.run(vendor_id, f"{prefix}-collection.xlsx", make_workbook(rows))


EDITS = {2: {"price": "19.99"}, 4: {"category": "Electronics"}, 5: {"stock_quantity": "7"}}


def test_workbook_corrected_in_its_fix_file_has_no_errors(pipeline: Pipeline) -> None:
    upload = upload_products(pipeline, "VEND002", "spring")
    assert (upload.valid_records, upload.error_records) == (1, 3)
    assert upload.fix_file_s3_key == f"errors/VEND002/{upload.upload_id}_fix.xlsx"
    names = [
        pipeline.s3.head_object(Bucket=pipeline.endpoints.bucket, Key=f"errors/VEND002/{upload.upload_id}_fix.{suffix}")
        for suffix in ("xlsx", "csv")
    ]
    assert [head["ContentDisposition"] for head in names] == [
        f'attachment; filename="spring-collection - fixes.{suffix}"; '
        f"filename*=UTF-8''spring-collection%20%E2%80%93%20fixes.{suffix}"
        for suffix in ("xlsx", "csv")
    ]
    fixed = pipeline.run(
        "VEND002",
        "spring-collection \u2013 fixes.xlsx",
        edit_workbook(pipeline.content(upload.fix_file_s3_key), EDITS),
    )
    assert (fixed.status, fixed.valid_records, fixed.error_records) == (UploadStatus.COMPLETED, 3, 0)
    assert [p["vendor_product_id"] for p in pipeline.products(fixed.upload_id)][:2] == ["0012", "8710398500012"]


@pytest.mark.skipif(SOFFICE is None, reason="needs LibreOffice: apt-get install libreoffice-calc")
def test_workbook_fix_file_saved_by_libreoffice_has_no_errors(pipeline: Pipeline, tmp_path: Path) -> None:
    upload = upload_products(pipeline, "VEND003", "office")
    fix_file = tmp_path / "fix.xlsx"
    fix_file.write_bytes(edit_workbook(pipeline.content(upload.fix_file_s3_key), EDITS))
    assert SOFFICE is not None
    subprocess.run(
        [
            SOFFICE,
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            *("--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "saved"), str(fix_file)),
        ],
        check=True,
        capture_output=True,
        timeout=240,
    )
    content = (tmp_path / "saved" / "fix.xlsx").read_bytes()
    sheet = load_workbook(io.BytesIO(content))["Products"]
    values = {cell.value for row in sheet.iter_rows() for cell in row}
    assert {"0012", "8710398500012", upload.upload_id} <= values
    fixed = pipeline.run("VEND003", "office saved.xlsx", content)
    assert (fixed.status, fixed.valid_records, fixed.error_records) == (UploadStatus.COMPLETED, 3, 0)
    assert [p["vendor_product_id"] for p in pipeline.products(fixed.upload_id)][:2] == ["0012", "8710398500012"]
