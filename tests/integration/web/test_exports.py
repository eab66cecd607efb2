"""Exports by the API: requests, progress, files, limits, and isolation of vendors."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from onboarding.domain.exports import MAX_PENDING_EXPORTS
from onboarding.domain.models import UploadStatus
from onboarding.domain.product_schema import COLUMNS
from onboarding.domain.resource_names import Function, resource_name
from tests.support.api_clients import key_client, new_key, signed_in, upload
from tests.support.isolation_attempts import running_app, send_to_app
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

ROWS = [
    product("ex-1", product_name="Exported mouse", brand="@home", price="12.50", weight_kg="0.25"),
    product("ex-2", product_name="Exported keyboard", description='Two lines,\n"quoted"', status="inactive"),
]


@pytest.fixture(scope="module")
def vendor(pipeline: Pipeline) -> Iterator[httpx.Client]:
    """Yield a client of the vendor EXPORTS, which has two products."""
    with closing(signed_in(pipeline, pipeline.vendor("EXPORTS"))) as client:
        assert upload(client, pipeline, csv_of(ROWS), "exports.csv").valid_records == 2
        yield client


def export(client: httpx.Client, **body: str) -> dict[str, Any]:
    """Request an export and wait until it is completed; return it."""
    response = client.post("/v1/exports", json=body)
    assert response.status_code == 202, response.text
    export_id = response.json()["export_id"]

    def get_completed() -> dict[str, Any] | None:
        result: dict[str, Any] = client.get(f"/v1/exports/{export_id}").json()
        return result if result["status"] == "completed" else None

    return wait_until(get_completed, f"the export {export_id}")


def download(client: httpx.Client, export_id: str) -> httpx.Response:
    response = client.get(f"/v1/exports/{export_id}/file")
    assert response.status_code == 303, response.text
    return httpx.get(response.headers["location"], trust_env=False)


def test_export_csv_has_the_products_and_a_name(vendor: httpx.Client) -> None:
    completed = export(vendor, format="csv", search="exported mou")
    response = download(vendor, completed["export_id"])
    [row] = csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline=""))
    assert list(row) == [*COLUMNS, "_version"]
    assert (row["brand"], row["price"], row["weight_kg"]) == ("'@home", "12.50", "0.250")
    assert response.headers["content-disposition"].startswith('attachment; filename="products_2')
    assert (completed["total_rows"], completed["written_rows"]) == (1, 1)
    assert completed["size_bytes"] == len(response.content)
    assert completed["expires_at"] > completed["completed_at"]
    assert completed["filter"] == {
        "search": "exported mou", "category": None, "status": None, "upload_id": None, "vendor_id": "EXPORTS",
    }  # fmt: skip
    assert vendor.get("/v1/exports").json()["items"][0] == completed


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_export_uploaded_unchanged_changes_nothing(vendor: httpx.Client, pipeline: Pipeline, file_format: str) -> None:
    content = download(vendor, export(vendor, format=file_format)["export_id"]).content
    result = upload(vendor, pipeline, content, f"products.{file_format}", mode="update", force=True)
    assert (result.status, result.unchanged_records, result.updated_records) == (UploadStatus.COMPLETED, 2, 0)


def test_export_filter_by_status_and_category(vendor: httpx.Client) -> None:
    assert export(vendor, format="csv", status="inactive")["total_rows"] == 1
    assert export(vendor, format="csv", category="Books")["total_rows"] == 0


def test_export_filter_by_upload_is_shown_as_its_file(vendor: httpx.Client, pipeline: Pipeline) -> None:
    rows = [{**ROWS[0], "vendor_product_id": "exp-named", "sku": "exp-named"}]
    uploaded = upload(vendor, pipeline, csv_of(rows), "named-file.csv", force=True)
    export(vendor, format="csv", upload_id=uploaded.upload_id)
    page = vendor.get("/exports", params={"upload_id": uploaded.upload_id}).text
    assert page.count("Upload: named-file.csv") == 2
    assert "Upload: UPLOAD_0" in vendor.get("/exports", params={"upload_id": "UPLOAD_0"}).text
    vendor.post(f"/v1/uploads/{uploaded.upload_id}/undo")


def test_export_repeated_request_returns_the_same_export(vendor: httpx.Client) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = vendor.post("/v1/exports", json={"format": "csv"}, headers=key).json()
    assert vendor.post("/v1/exports", json={"format": "csv"}, headers=key).json()["export_id"] == first["export_id"]
    other = vendor.post("/v1/exports", json={"format": "xlsx"}, headers=key)
    assert (other.status_code, other.json()["type"]) == (409, "/problems/conflict")
    wait_until(lambda: vendor.get(f"/v1/exports/{first['export_id']}").json()["completed_at"], "the export")


def test_export_unfinished_exports_are_limited(pipeline: Pipeline) -> None:
    with (
        closing(signed_in(pipeline, pipeline.vendor("EXPORTLIMIT"))) as client,
        running_app(pipeline) as app,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(type(app.state.pool.ctx), "start_function", lambda *_: None)
        for _ in range(MAX_PENDING_EXPORTS):
            assert send_to_app(app, client, "POST", "/v1/exports", json={}).status_code == 202
        response = send_to_app(app, client, "POST", "/v1/exports", json={})
        assert (response.status_code, response.json()["type"]) == (429, "/problems/too-many-requests")
        assert "2 exports are not finished yet" in response.json()["detail"]
        waiting = client.get("/v1/exports").json()["items"][0]
        response = client.get(f"/v1/exports/{waiting['export_id']}/file")
        assert (response.status_code, response.json()["detail"]) == (
            409, "There is no file: the export is not finished, or it failed."
        )  # fmt: skip
    pipeline.connection.execute("delete from exports where vendor_id = 'EXPORTLIMIT'")


def test_export_expired_file_is_gone(vendor: httpx.Client, pipeline: Pipeline) -> None:
    export_id = export(vendor, format="csv")["export_id"]
    pipeline.connection.execute(
        "update exports set completed_at = completed_at - interval '8 days' where export_id = %s", (export_id,)
    )
    response = vendor.get(f"/v1/exports/{export_id}/file")
    assert (response.status_code, response.json()["type"]) == (410, "/problems/gone")


def test_export_whose_event_was_lost_is_started_by_the_watchdog(vendor: httpx.Client, pipeline: Pipeline) -> None:
    export_id = f"E{uuid.uuid4().hex[:24]}"
    pipeline.connection.execute(
        "insert into exports (export_id, vendor_id, format, filters, created_by, total_rows, last_progress_at) "
        "values (%s, 'EXPORTS', 'csv', '{}', 'test', 2, now() - interval '6 minutes')",
        (export_id,),
    )
    response = pipeline.lambdas.invoke(FunctionName=resource_name(Function.WATCHDOG), Payload=b"{}")
    assert "FunctionError" not in response
    wait_until(lambda: vendor.get(f"/v1/exports/{export_id}").json()["status"] == "completed", "the export")
    assert vendor.get(f"/v1/exports/{export_id}").json()["written_rows"] == 2


@pytest.mark.parametrize(
    "body", [{"format": "pdf"}, {"status": "sold"}, {"search": "x" * 201}, {"vendor_id": "' or 1=1"}, {"search": "\0"}]
)
def test_export_invalid_request_is_refused(vendor: httpx.Client, body: dict[str, str]) -> None:
    assert vendor.post("/v1/exports", json=body).status_code == 422


def test_export_of_another_vendor_is_not_found(
    vendor: httpx.Client, vendor_b: httpx.Client, operator: httpx.Client
) -> None:
    export_id = export(vendor, format="csv")["export_id"]
    for client in (vendor_b, operator):
        assert client.get(f"/v1/exports/{export_id}").status_code == 404
        assert client.get(f"/v1/exports/{export_id}/file").status_code == 404
        assert export_id not in client.get("/v1/exports").text
    assert vendor_b.post("/v1/exports", json={"vendor_id": "EXPORTS"}).status_code == 404
    assert export(vendor_b, format="csv", search="Exported")["total_rows"] == 0


def test_export_of_operators_has_the_products_of_all_vendors(vendor: httpx.Client, operator: httpx.Client) -> None:
    completed = export(operator, format="csv", search="Exported")
    lines = csv.DictReader(io.StringIO(download(operator, completed["export_id"]).content.decode("utf-8-sig")))
    assert [line["vendor_id"] for line in lines] == ["EXPORTS", "EXPORTS"]
    assert completed["export_id"] not in vendor.get("/v1/exports").text
    assert export(operator, format="csv", vendor_id="EXPORTS")["total_rows"] == 2
    assert operator.post("/v1/exports", json={"vendor_id": "NOBODY"}).status_code == 404


def test_export_file_link_of_a_signed_out_browser_redirects_to_sign_in(pipeline: Pipeline) -> None:
    url = f"{pipeline.endpoints.portal_url}/v1/exports/E1/file"
    response = httpx.get(url, headers={"Accept": "text/html,*/*;q=0.8"}, trust_env=False)
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in")
    response = httpx.get(url, trust_env=False)
    assert (response.status_code, response.json()["type"]) == (401, "/problems/unauthenticated")


def test_export_key_needs_to_read_uploads(vendor: httpx.Client, pipeline: Pipeline) -> None:
    for scopes, status in ((["uploads:read"], 202), (["uploads:write"], 403)):
        with key_client(pipeline, new_key(vendor, *scopes)["key"]) as client:
            response = client.post("/v1/exports", json={"format": "csv", "category": "Books"})
            assert response.status_code == status
    wait_until(lambda: all(item["completed_at"] for item in vendor.get("/v1/exports").json()["items"]), "the exports")
