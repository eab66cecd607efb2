"""What uploads created and changed, and what a dry run would change: API, page of the upload, and preview."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from onboarding.domain.models import Upload
from onboarding.domain.product_changes import VERSION
from tests.support.api_clients import upload
from tests.support.running_pipeline import Pipeline, csv_of, product

ARROW = '<span aria-hidden="true">→</span><span class="visually-hidden"> changed to </span>'


def create(client: httpx.Client, pipeline: Pipeline, prefix: str, count: int) -> Upload:
    rows = [product(f"{prefix}-{number}", price="10") for number in range(1, count + 1)]
    return upload(client, pipeline, csv_of(rows), f"{prefix}.csv")


def list_changes(client: httpx.Client, upload_id: str, **params: Any) -> dict[str, Any]:
    response = client.get(f"/v1/uploads/{upload_id}/changes", params=params)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


def change_file(prefix: str, *rows: Mapping[str, str]) -> bytes:
    columns = ("vendor_product_id", "price", "brand", "stock_quantity", VERSION)
    full_rows = [{"vendor_product_id": f"PROD-{prefix}-{n}", **row} for n, row in enumerate(rows, 1)]
    return csv_of([dict.fromkeys(columns, "") | row for row in full_rows], columns)


def test_changes_of_an_upload_are_listed_by_row_with_old_and_new_values(
    pipeline: Pipeline, vendor_a: httpx.Client, vendor_b: httpx.Client
) -> None:
    created = create(vendor_a, pipeline, "changes", 3)
    page = list_changes(vendor_a, created.upload_id, limit=2)
    assert [(item["row_number"], item["spreadsheet_row"], item["change_type"]) for item in page["items"]] == [
        (1, 2, "created"),
        (2, 3, "created"),
    ]
    [last] = list_changes(vendor_a, created.upload_id, limit=2, cursor=page["next"])["items"]
    assert (last["vendor_product_id"], last["changes"]) == ("PROD-changes-3", [])
    content = change_file("changes", {"price": "12.5", "brand": "(clear)"}, {"price": "10.00"}, {"stock_quantity": "7"})
    updated = upload(vendor_a, pipeline, content, "changes-2.csv", mode="update")
    items = list_changes(vendor_a, updated.upload_id)["items"]
    assert [(item["change_type"], item["changes"], item["price_move"]) for item in items] == [
        (
            "updated",
            [
                {"column": "brand", "old": "TechGear", "new": None},
                {"column": "price", "old": "10.00", "new": "12.50"},
            ],
            0.25,
        ),
        ("unchanged", [], None),
        ("updated", [{"column": "stock_quantity", "old": "150", "new": "7"}], None),
    ]
    only_unchanged = list_changes(vendor_a, updated.upload_id, change_type="unchanged")["items"]
    assert [item["row_number"] for item in only_unchanged] == [2]
    assert vendor_b.get(f"/v1/uploads/{updated.upload_id}/changes").status_code == 404
    html = vendor_a.get(f"/uploads/{updated.upload_id}").text
    assert f'href="/products?upload_id={updated.upload_id}"' in html
    assert f"Price: 10.00 {ARROW} 12.50" in html
    assert "(+25 %)" in html
    assert f"Brand: TechGear {ARROW} blank" in html
    assert f"Stock quantity: 150 {ARROW} 7" in html
    assert "PROD-changes-2" not in html
    assert vendor_a.get(f"/uploads/{created.upload_id}").text.count('<span class="badge">New</span>') == 3


def test_dry_run_lists_the_largest_relative_changes_of_prices_first(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    create(vendor_a, pipeline, "preview", 25)
    rows = [{"price": f"{10 + number / 10:.2f}"} if number % 2 else {"brand": f"B{number}"} for number in range(1, 26)]
    content = change_file("preview", *rows, {"vendor_product_id": "PROD-preview-3", "price": "1"})
    response = vendor_a.post("/v1/dry-runs", params={"mode": "update"}, content=content)
    assert response.status_code == 200, response.text
    result = response.json()
    assert (result["changed_products"], result["updated_records"], len(result["changes"])) == (25, 25, 20)
    assert [item["row_number"] for item in result["changes"]] == [*range(25, 0, -2), *range(2, 16, 2)]
    assert result["changes"][0]["changes"] == [{"column": "price", "old": "10.00", "new": "12.50"}]
    html = vendor_a.post("/preview", params={"mode": "update"}, content=content).text
    assert "20 of 25 changed products, the largest changes of prices first." in html
    assert re.findall(rf"Price: 10.00 {ARROW} ([0-9.]+) <span class=\"muted\">\(\+([0-9.]+) %\)", html)[:2] == [
        ("12.50", "25"),
        ("12.30", "23"),
    ]


def test_stale_row_is_shown_with_the_present_values_and_overwritten(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    create(vendor_a, pipeline, "stale", 2)
    versions = [{"price": str(20 + n), VERSION: "v1"} for n in range(2)]
    parent = upload(vendor_a, pipeline, change_file("stale", *versions), "stale-2.csv", mode="update")
    assert parent.error_records == 2
    address = f"/v1/uploads/{parent.upload_id}/corrections"
    [row, other] = vendor_a.get(address).json()["items"]
    assert row["cells"][VERSION] == "v1"
    assert row["errors"][0]["message"].endswith("it has price 10.00 now")
    change = change_file("stale", {"price": "11"})
    upload(vendor_a, pipeline, change, "stale-3.csv", mode="update")
    assert vendor_a.get(address).json()["items"][0]["errors"][0]["message"].endswith("it has price 11.00 now")
    html = vendor_a.get(f"/uploads/{parent.upload_id}").text
    assert "Version of the export" in html
    assert html.count(">Overwrite</button>") == 2
    assert "Overwrite these products" in html
    # As the buttons of a browser without JavaScript.
    fields = {"csrf_token": vendor_a.headers["X-CSRF-Token"], "version": ""}
    form = fields | {f"revision:{row['row_number']}": "0", "use": f"{row['row_number']}:{VERSION}:"}
    response = vendor_a.post(f"/uploads/{parent.upload_id}/corrections", data=form)
    assert response.status_code == 303, response.text
    [row, other] = vendor_a.get(address).json()["items"]
    assert (row["edited_cells"], row["errors"]) == ({VERSION: ""}, [])
    assert [error["error_type"] for error in other["errors"]] == ["STALE_ROW"]
    [group] = vendor_a.get(f"/v1/uploads/{parent.upload_id}/summary").json()["groups"]
    form = fields | {"group_id": str(group["id"]), "column": VERSION, "use": "overwrite"}
    form.pop("version")
    assert vendor_a.post(f"/uploads/{parent.upload_id}/corrections/fill", data=form).status_code == 303
    assert [item["edited_cells"] for item in vendor_a.get(address).json()["items"]] == 2 * [{VERSION: ""}]
    assert vendor_a.get(f"{address}/summary").json()["ready"] == 2
