"""Groups of errors in the preview, on the pages of an upload, in its e-mail and over the API."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx

from tests.support.api_clients import upload
from tests.support.running_pipeline import Pipeline, csv_of, product

VALID_ROWS = (
    "24 valid rows are not imported because the file is accepted only as a whole. Fix the other rows, then upload all "
    "rows again"
)


def text_of(page: httpx.Response) -> str:
    """Return the text of a page without tags, with single spaces."""
    assert page.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]*>", "", page.text)).split())


def test_valid_rows_of_an_all_or_nothing_file_are_named_once(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    rows = [product(f"named-once-{n}") for n in range(26)]
    rows[24]["price"] = rows[25]["price"] = "free"
    content = csv_of(rows)
    preview = text_of(vendor_a.post("/preview", params={"on_error": "reject_file"}, content=content))
    assert preview.index("price free") < preview.index(VALID_ROWS)

    finished = upload(vendor_a, pipeline, content, on_error="reject_file")
    url = f"/uploads/{finished.upload_id}"
    groups = vendor_a.get(f"/v1{url}/summary", params={"top": 1}).json()["groups"]
    assert [(group["error_type"], group["rows"]) for group in groups] == [("INVALID_PRICE", 2), ("FILE_REJECTED", 24)]
    page = text_of(vendor_a.get(url))
    assert page.count("24 rows without errors are imported together with the fixed rows.") == 1
    assert "The row is valid" not in page
    assert len(vendor_a.get(f"/v1{url}/errors").json()["items"]) == 26
    assert pipeline.email(finished.upload_id).text.count(VALID_ROWS) == 1


def test_different_values_are_one_group_with_examples(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    rows = [
        product(f"values-{n}", price=f"x{n}", category="Elektronics" if n < 20 else "Electronics") for n in range(50)
    ]
    content = csv_of(rows)
    expected = "price, different values, such as x0 and x1 Invalid price Expected: a number from"
    assert f"50 rows {expected}" in text_of(vendor_a.post("/preview", content=content))

    finished = upload(vendor_a, pipeline, content)
    url = f"/uploads/{finished.upload_id}"
    summary = vendor_a.get(f"/v1{url}/summary").json()
    prices, categories = summary["groups"]
    assert (prices["value"], prices["distinct_values"], prices["examples"]) == ("", 50, ["x0", "x1"])
    assert (categories["value"], categories["distinct_values"]) == ("Elektronics", 1)
    assert list_rows(vendor_a, url, prices) == list(range(1, 51))
    assert list_rows(vendor_a, url, categories) == list(range(1, 21))
    assert f"50 rows P{expected[1:]}" in text_of(vendor_a.get(url))
    [sentence] = re.findall(r"- (50 rows: .*)\n", pipeline.email(finished.upload_id).text)
    assert sentence == prices["sentence"]


def list_rows(client: httpx.Client, url: str, group: dict[str, Any]) -> list[int]:
    response = client.get(f"/v1{url}/errors", params={"group": group["id"]})
    return [error["row_number"] for error in response.json()["items"]]


def test_repeated_catalog_in_mode_create_advises_mode_update(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    content = csv_of([product(f"repeated-{n}") for n in range(30)])
    upload(vendor_a, pipeline, content)
    summary = vendor_a.post(
        "/v1/dry-runs", params={"force": True}, content=content, headers={"Content-Type": "text/csv"}
    ).json()["summary"]
    advice = "to change existing products, upload the file in mode update or upsert"
    assert [group["sentence"] for group in summary["groups"]] == [
        f"30 rows: {column}, different values, such as '{prefix}-repeated-0' and '{prefix}-repeated-1': "
        f"duplicate {name}, {advice}"
        for column, prefix, name in (("sku", "SKU", "SKU"), ("vendor_product_id", "PROD", "vendor product ID"))
    ]
