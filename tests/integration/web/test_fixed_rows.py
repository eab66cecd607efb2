"""Fixed rows in the API, the portal and the figures for operators."""

from __future__ import annotations

import re
from contextlib import closing

import httpx
import pytest

from onboarding.domain.models import Upload
from tests.support.api_clients import signed_in
from tests.support.running_pipeline import Pipeline, csv_of, product


def fix_of(parent: Upload, *rows: tuple[int, str]) -> bytes:
    """Return a fix file with these spreadsheet rows and prices."""
    lines = [
        {"_upload": parent.upload_id, "_row": str(row), "_errors": ""} | product(f"fixed-{row}", price=price)
        for row, price in rows
    ]
    return csv_of(lines, lines[0])


@pytest.fixture(scope="module")
def uploads(pipeline: Pipeline) -> tuple[Upload, Upload]:
    """Return an upload of eight rows of the vendor FIXES, four of them rejected, and one that fixes two of these."""
    pipeline.vendor("FIXES")
    rows = [product(f"fixed-{n + 2}", price="x" if n < 4 else "1") for n in range(8)]
    parent = pipeline.run("FIXES", "spring.csv", csv_of(rows))
    fix = pipeline.run("FIXES", "fix.csv", fix_of(parent, (2, "2"), (3, "3"), (4, "y")))
    return parent, fix


def text_of(html: str) -> str:
    """Return the text of a page, with one space between words."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_corrected_upload_has_the_number_of_fixed_rows(pipeline: Pipeline, uploads: tuple[Upload, Upload]) -> None:
    parent, fix = uploads
    with closing(signed_in(pipeline, "fixes@vendors.example")) as client:
        items = {item["upload_id"]: item for item in client.get("/v1/uploads").json()["items"]}
        names = ("error_records", "fixed_records", "parent_upload_id", "parent_file_name")
        assert [items[parent.upload_id][name] for name in names] == [4, 2, None, None]
        assert [items[fix.upload_id][name] for name in names] == [1, 0, parent.upload_id, "spring.csv"]
        for path in ("/", "/uploads"):
            page = client.get(path).text
            assert "4 , 2 fixed" in text_of(page)
            assert f'<a href="/uploads/{parent.upload_id}">Corrects spring.csv</a>' in page


def test_fixed_rows_change_the_version_of_the_upload(
    pipeline: Pipeline, vendor_a: httpx.Client, uploads: tuple[Upload, Upload]
) -> None:
    pipeline.vendor("VENDA")
    parent = pipeline.run("VENDA", "one.csv", csv_of([product("fixed-one", price="x")]))
    before = vendor_a.get(f"/v1/uploads/{parent.upload_id}").json()
    fix = pipeline.run("VENDA", "one-fix.csv", fix_of(parent, (2, "5")).replace(b"fixed-2", b"fixed-one"))
    after = vendor_a.get(f"/v1/uploads/{parent.upload_id}").json()
    assert (before["fixed_records"], after["fixed_records"]) == (0, 1)
    assert before["version"] != after["version"]
    assert "1 , all fixed" in text_of(vendor_a.get("/uploads").text)
    assert vendor_a.post(f"/v1/uploads/{fix.upload_id}/undo").status_code == 200
    assert vendor_a.get(f"/v1/uploads/{parent.upload_id}").json()["fixed_records"] == 0


def test_quality_is_without_correcting_uploads_and_with_their_rows(
    operator: httpx.Client, uploads: tuple[Upload, Upload]
) -> None:
    [vendor] = operator.get("/v1/operator/vendors", params={"search": "FIXES"}).json()["items"]
    names = ("uploads", "rows", "valid_rows", "fixed_rows", "quality", "quality_after_fixing")
    assert [vendor[name] for name in names] == [2, 8, 4, 2, 50.0, 75.0]
    qualities = operator.get("/v1/operator/vendor-quality", params={"limit": 100}).json()["items"]
    [quality] = [item for item in qualities if item["vendor_id"] == "FIXES"]
    assert [quality[name] for name in names[1:]] == [8, 4, 2, 50.0, 75.0]
    page = text_of(operator.get("/operator/vendors/FIXES").text)
    assert "First pass, 90 days 50.0 % After fixing, 90 days 75.0 %" in page
    assert "50.0 % 75.0 %" in text_of(operator.get("/operator/vendors", params={"search": "FIXES"}).text)


def test_overview_counts_original_uploads(
    pipeline: Pipeline, operator: httpx.Client, uploads: tuple[Upload, Upload]
) -> None:
    before = operator.get("/v1/operator/overview").json()
    bucket_before = operator.get("/v1/operator/throughput", params={"minutes": 129_600, "buckets": 1}).json()["items"][
        0
    ]
    pipeline.run("FIXES", "again.csv", fix_of(uploads[0], (4, "4"), (5, "z")))
    after = operator.get("/v1/operator/overview").json()
    names = ("uploads", "valid_rows", "error_rows", "original_valid_rows", "original_error_rows", "fixed_rows")
    assert [after[name] - before[name] for name in names] == [1, 1, 1, 0, 0, 1]
    bucket = operator.get("/v1/operator/throughput", params={"minutes": 129_600, "buckets": 1}).json()["items"][0]
    bucket_names = ("rows", "error_rows", "original_rows", "original_error_rows")
    assert [bucket[name] - bucket_before[name] for name in bucket_names] == [2, 1, 0, 0]
    page = text_of(operator.get("/operator").text)
    assert re.search(r"First pass, 24 hours [\d.]+ % After fixing, 24 hours [\d.]+ %", page)
