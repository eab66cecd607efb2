"""Uploads over the API: upload sessions, progress, errors, cancelling and undoing."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from onboarding.domain.models import UploadStatus
from onboarding.files.parser import MAX_BYTES
from onboarding.storage.database import Database
from onboarding.web import upload_queries
from onboarding.web.api.upload_sessions import sanitise_file_name
from tests.support.api_clients import post_form, upload
from tests.support.isolation_attempts import running_app, send_to_app
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until


def test_upload_session_form_leads_to_a_result(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    rows = [product(f"session-{n}") for n in range(5)]
    rows[1]["price"] = "-1"
    rows[3] |= {"price": "x", "category": "Elektronics"}
    response = vendor_a.post("/v1/upload-sessions", json={"file_name": "my products.csv"})
    assert response.status_code == 201
    upload_session = response.json()
    assert upload_session["file_name"] == "my_products.csv"
    assert vendor_a.get(upload_session["status_url"]).json()["phase"] == "waiting"
    # A blank line is not a data row, but has a row number in a spreadsheet.
    lines = csv_of(rows).splitlines(keepends=True)
    assert post_form(upload_session, b"".join([*lines[:4], b"\n", *lines[4:]])).status_code == 201

    def opened() -> dict[str, Any] | None:
        body = vendor_a.get(upload_session["status_url"]).json()
        assert body["phase"] in {"queued", "opened"}
        opened_upload: dict[str, Any] | None = body["upload"]
        return opened_upload

    upload_id = wait_until(opened, "the upload of the session")["upload_id"]
    body: dict[str, Any] = {"version": None, "phase": None}
    phases = []
    while body["phase"] != "done":
        body = vendor_a.get(f"/v1/uploads/{upload_id}", params={"wait": 20, "version": body["version"]}).json()
        phases.append(body["phase"])
    assert sorted(phases, key=["reading", "checking", "reporting", "done"].index) == phases
    assert {name: body[name] for name in ("total_records", "valid_records", "error_records", "waiting_records")} == {
        "total_records": 5,
        "valid_records": 3,
        "error_records": 2,
        "waiting_records": 0,
    }
    assert (body["status"], body["has_report"], body["has_fix_file"]) == ("partial", True, True)
    assert body["file_name"] == "my_products.csv"

    errors = vendor_a.get(f"/v1/uploads/{upload_id}/errors").json()
    assert [(e["row_number"], e["spreadsheet_row"], e["column"], e["value"]) for e in errors["items"]] == [
        (2, 3, "price", "-1"),
        (4, 6, "price", "x"),
        (4, 6, "category", "Elektronics"),
    ]
    assert errors["items"][2]["hint"] == "Did you mean 'Electronics'?"
    assert errors["items"][0]["row"]["sku"] == "SKU-session-1"
    only = vendor_a.get(f"/v1/uploads/{upload_id}/errors", params={"column": "category"}).json()
    assert [e["row_number"] for e in only["items"]] == [4]
    only = vendor_a.get(f"/v1/uploads/{upload_id}/errors", params={"error_type": "INVALID_PRICE", "limit": 1}).json()
    assert [e["row_number"] for e in only["items"]] == [2]
    next_page = vendor_a.get(
        f"/v1/uploads/{upload_id}/errors", params={"error_type": "INVALID_PRICE", "cursor": only["next"]}
    ).json()
    assert [e["row_number"] for e in next_page["items"]] == [4]
    assert next_page["next"] is None
    file_details = vendor_a.get(f"/v1/uploads/{upload_id}/file-details").json()
    assert (file_details["details"]["format"], file_details["details"]["delimiter"]) == ("csv", "comma")
    summary = vendor_a.get(f"/v1/uploads/{upload_id}/summary").json()
    assert sum(group["rows"] for group in summary["groups"]) == 3

    products = vendor_a.get(f"/v1/uploads/{upload_id}/products", params={"limit": 2}).json()
    assert [(p["row_number"], p["price"]) for p in products["items"]] == [(1, "19.99"), (3, "19.99")]
    next_products = vendor_a.get(f"/v1/uploads/{upload_id}/products", params={"cursor": products["next"]}).json()
    assert [p["row_number"] for p in next_products["items"]] == [5]

    report = vendor_a.get(f"/v1/uploads/{upload_id}/report")
    assert report.status_code == 303
    assert b"INVALID_PRICE" in httpx.get(report.headers["location"], trust_env=False).content
    fix = httpx.get(vendor_a.get(f"/v1/uploads/{upload_id}/fix-file").headers["location"], trust_env=False)
    assert len(fix.text.splitlines()) == 3
    assert "my_products%20%E2%80%93%20fixes.csv" in fix.headers["content-disposition"]


def test_fix_file_of_either_format_is_downloaded(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    finished = pipeline.run("VENDA", "either.csv", csv_of([product("either", price="x")]))
    url = f"/v1/uploads/{finished.upload_id}/fix-file"

    def download(file_format: str) -> httpx.Response:
        response = vendor_a.get(url, params={"format": file_format})
        assert response.status_code == 303
        return httpx.get(response.headers["location"], trust_env=False)

    assert download("csv").content == httpx.get(vendor_a.get(url).headers["location"], trust_env=False).content
    assert download("xlsx").content.startswith(b"PK")
    assert 'filename="either - fixes.xlsx"' in download("xlsx").headers["content-disposition"]
    assert vendor_a.get(url, params={"format": "pdf"}).status_code == 422
    page = vendor_a.get(f"/uploads/{finished.upload_id}").text
    assert f'{url}?format=xlsx" download>Download as Excel workbook<' in page


def test_fix_file_of_an_earlier_version_has_one_format(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    finished = pipeline.run("VENDA", "earlier.csv", csv_of([product("earlier", price="x")]))
    url = f"/v1/uploads/{finished.upload_id}/fix-file"
    pipeline.s3.delete_object(Bucket=pipeline.endpoints.bucket, Key=f"errors/VENDA/{finished.upload_id}_fix.xlsx")
    assert vendor_a.get(url, params={"format": "csv"}).status_code == 303
    response = vendor_a.get(url, params={"format": "xlsx"})
    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")
    page = vendor_a.get(f"/uploads/{finished.upload_id}").text
    assert f'{url}" download' in page
    assert "?format=" not in page


def test_upload_session_form_for_another_key_or_size_is_rejected(vendor_a: httpx.Client) -> None:
    upload_session = vendor_a.post("/v1/upload-sessions", json={"file_name": "form.csv"}).json()
    key = upload_session["form"]["fields"]["key"]
    assert key == f"uploads/VENDA/{upload_session['upload_session_id']}/form.csv"
    for other in ("uploads/VENDB/x/form.csv", f"{key}/../../../VENDB/form.csv", "errors/VENDA/x.csv"):
        assert post_form(upload_session, b"x", key=other).status_code == 403
    assert post_form(upload_session, b"x", **{"x-amz-meta-force": "true"}).status_code == 403
    assert post_form(upload_session, b"").status_code in {400, 403}
    assert post_form(upload_session, b"x" * (MAX_BYTES + 1)).status_code in {400, 403}


def test_upload_session_used_twice_rejects_the_second_file(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    upload_session = vendor_a.post("/v1/upload-sessions", json={"file_name": "once.csv"}).json()
    key = upload_session["form"]["fields"]["key"]
    for number in (1, 2, 3):
        assert post_form(upload_session, csv_of([product(f"session-{number}")])).status_code == 201
    query = (
        "select upload_id, failure_code, failure_reason from upload_history "
        "where s3_key = %s and notified_at is not null"
    )

    def list_outcomes() -> list[tuple[str, str | None, str | None]]:
        rows = pipeline.connection.execute(query, (key,)).fetchall()
        return [(str(row[0]), row[1], row[2]) for row in rows] if len(rows) == 3 else []

    outcomes = wait_until(list_outcomes, "all three files to have an outcome")
    [(accepted_id, _, _)] = [outcome for outcome in outcomes if outcome[1] is None]
    for upload_id, code, reason in outcomes:
        if upload_id != accepted_id:
            assert code == "UPLOAD_SESSION_USED"
            assert accepted_id in str(reason)
    assert len(pipeline.products(accepted_id)) == 1
    assert vendor_a.get(upload_session["status_url"]).json()["upload"]["upload_id"] == accepted_id


def test_create_upload_session_repeated_with_idempotency_key_returns_the_same(
    vendor_a: httpx.Client, vendor_b: httpx.Client
) -> None:
    headers = {"Idempotency-Key": "order-4711"}
    request = {"file_name": "same.csv"}
    first = vendor_a.post("/v1/upload-sessions", json=request, headers=headers).json()
    repeated = vendor_a.post("/v1/upload-sessions", json=request, headers=headers).json()
    assert repeated["upload_session_id"] == first["upload_session_id"]
    assert repeated["form"]["fields"]["key"] == first["form"]["fields"]["key"]
    assert vendor_a.post("/v1/upload-sessions", json={"file_name": "other.csv"}, headers=headers).status_code == 409
    assert (
        vendor_b.post("/v1/upload-sessions", json=request, headers=headers).json()["upload_session_id"]
        != first["upload_session_id"]
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("products.csv", "products.csv"),
        ("../../errors/VENDB/x.CSV", "x.csv"),
        ("C:\\files\\my products (2).csv", "my_products_(2).csv"),
        ("...csv", "file.csv"),
        ("%2e%2e%2fx.csv", "2e_2e_2fx.csv"),
        ("Größe ½.csv", "Größe_½.csv"),
        ("spring \u2013 fixes.xlsx", "spring_fixes.xlsx"),
        ("<img src=x onerror=alert(1)>.csv", "img_src_x_onerror_alert(1).csv"),
        ("é" * 200 + ".csv", "é" * 75 + ".csv"),
    ],
)
def test_sanitised_file_name_is_safe_in_an_object_key(name: str, expected: str) -> None:
    assert sanitise_file_name(name) == expected


def test_uploads_are_paged_and_filtered(pipeline: Pipeline, vendor_b: httpx.Client) -> None:
    for number in range(3):
        pipeline.run("VENDB", f"page-{number}.csv", csv_of([product(f"page-{number}", price="1" if number else "-1")]))
    upload_ids: list[str] = []
    cursor = None
    while True:
        body = vendor_b.get("/v1/uploads", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        upload_ids += [item["upload_id"] for item in body["items"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert len(upload_ids) == len(set(upload_ids)) >= 3
    failed_uploads = vendor_b.get("/v1/uploads", params={"status": "failed"}).json()["items"]
    assert {item["status"] for item in failed_uploads} == {"failed"}
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert vendor_b.get("/v1/uploads", params={"since": tomorrow}).json()["items"] == []
    assert (
        vendor_b.get("/v1/uploads", params={"until": tomorrow, "limit": 1}).json()["items"][0]["upload_id"]
        == upload_ids[0]
    )


def test_show_upload_with_wait_returns_on_the_first_change(pipeline: Pipeline, vendor_b: httpx.Client) -> None:
    upload = pipeline.run("VENDB", "wait.csv", csv_of([product("wait")]))
    finished = vendor_b.get(f"/v1/uploads/{upload.upload_id}", params={"wait": 20})
    assert finished.json()["phase"] == "done"
    assert finished.elapsed.total_seconds() < 20, "a finished upload does not change"
    pipeline.connection.execute(
        "update upload_history set notified_at = null where upload_id = %s", (upload.upload_id,)
    )
    responses: list[httpx.Response] = []

    def wait(seconds: float) -> None:
        responses.append(vendor_b.get(f"/v1/uploads/{upload.upload_id}", params={"wait": seconds}))

    wait(1)
    thread = threading.Thread(target=wait, args=(20,))
    thread.start()
    time.sleep(0.6)
    pipeline.connection.execute(
        "update upload_history set notified_at = now() where upload_id = %s", (upload.upload_id,)
    )
    thread.join()
    unchanged, changed = responses
    assert (unchanged.json()["phase"], changed.json()["phase"]) == ("reporting", "done")
    assert unchanged.elapsed.total_seconds() >= 1, "it waited for the requested time"


def test_dry_run_reports_the_outcome_of_an_upload(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    content = csv_of([product("dry-1"), product("dry-2", price="-1")]).replace(b"PROD-dry-2", b"\n\nPROD-dry-2")
    raw_response = vendor_a.post("/v1/dry-runs", content=content, headers={"Content-Type": "text/csv"})
    form = vendor_a.post("/v1/dry-runs", files={"file": ("dry.csv", content)})
    assert raw_response.json() == form.json()
    body = raw_response.json()
    assert (body["status"], body["total_records"], body["valid_records"], body["error_records"]) == (
        "partial",
        2,
        1,
        1,
    )
    assert body["error_types"] == {"INVALID_PRICE": 1}
    assert [row["outcome"] for row in body["rows"]] == ["created", None]
    assert (body["file_details"]["details"]["delimiter"], body["file_details"]["warnings"]) == ("comma", [])
    [group] = body["summary"]["groups"]
    assert (group["column"], group["value"], group["rows"], group["first_row"]) == ("price", "-1", 1, 2)
    page = vendor_a.post("/preview", content=content).text
    assert group["message"] in page, "the page contains the same result"
    assert [(error["row_number"], error["spreadsheet_row"]) for error in body["errors"]] == [(2, 5)]
    assert "(spreadsheet row 5)" in page
    assert 'data-rows="2"' in page
    rejected = vendor_a.post("/v1/dry-runs", content=b"", headers={"Content-Type": "text/csv"}).json()
    assert rejected["failure_code"] == "EMPTY_FILE"
    count = pipeline.connection.execute("select count(*) from products where sku like 'SKU-dry-%'").fetchone()
    assert count == (0,)


def test_dry_run_over_its_size_limit_is_too_large(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    content = csv_of([product("large-1")])
    with running_app(pipeline, DRY_RUN_BYTES=str(len(content))) as app:
        assert send_to_app(app, vendor_a, "POST", "/v1/dry-runs", content=content).status_code == 200
        responses = [
            send_to_app(app, vendor_a, "POST", "/v1/dry-runs", content=content + b"\n"),
            send_to_app(app, vendor_a, "POST", "/v1/dry-runs", files={"file": ("large.csv", content + b"\n")}),
        ]
        assert f'data-preview-bytes="{len(content)}"' in send_to_app(app, vendor_a, "GET", "/").text
    for response in responses:
        assert (response.status_code, response.json()["type"]) == (413, "/problems/too-large")
        assert f"{len(content):,} bytes" in response.json()["detail"]


def test_cancelled_upload_has_an_outcome_for_every_row(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    upload = pipeline.run("VENDA", "cancel.csv", csv_of([product(f"cancel-{n}") for n in range(3)]))
    response = vendor_a.post(f"/v1/uploads/{upload.upload_id}/cancel")
    assert response.status_code == 409
    # The state in which two of three rows are not validated yet.
    with pipeline.connection.transaction():
        pipeline.connection.execute("delete from products where upload_id = %s and row_number > 1", (upload.upload_id,))
        pipeline.connection.execute(
            "update upload_history set status = 'processing', processing_completed_at = null, notified_at = null, "
            "valid_records = 1, created_records = 1 where upload_id = %s",
            (upload.upload_id,),
        )
    assert vendor_a.post(f"/v1/uploads/{upload.upload_id}/cancel").status_code == 200
    body = vendor_a.get(f"/v1/uploads/{upload.upload_id}").json()
    assert (body["status"], body["valid_records"], body["error_records"]) == ("partial", 1, 2)
    errors = vendor_a.get(f"/v1/uploads/{upload.upload_id}/errors").json()["items"]
    assert [(e["row_number"], e["error_type"]) for e in errors] == [(2, "CANCELLED"), (3, "CANCELLED")]
    assert vendor_a.post(f"/v1/uploads/{upload.upload_id}/cancel").status_code == 200, "repeating it changes nothing"
    pipeline.finished(upload.upload_id)


def test_cancel_upload_finished_in_the_meantime_conflicts(
    pipeline: Pipeline, vendor_a: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = pipeline.run("VENDA", "raced.csv", csv_of([product("raced-1")]))
    states = iter([replace(finished, status=UploadStatus.PROCESSING), finished, finished])
    monkeypatch.setattr(upload_queries, "get_visible_upload", lambda *_: next(states))
    with running_app(pipeline) as app:
        rejected = send_to_app(app, vendor_a, "POST", f"/v1/uploads/{finished.upload_id}/cancel")
    assert (rejected.status_code, rejected.json()["type"]) == (409, "/problems/conflict")
    query = "select count(*) from audit_log where action = 'upload_cancelled' and subject = %s"
    assert pipeline.connection.execute(query, (finished.upload_id,)).fetchone() == (0,)


def test_revoke_links_of_a_processing_upload_disables_them(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    finished = pipeline.run("VENDA", "early.csv", csv_of([product("early-1"), product("early-2", price="x")]))
    [link, *_] = re.findall(r"http\S+/reports/\S+", pipeline.email(finished.upload_id).text)
    # The state before the files are written.
    pipeline.connection.execute(
        "update upload_history set error_file_s3_key = null, fix_file_s3_key = null where upload_id = %s",
        (finished.upload_id,),
    )
    assert vendor_a.get(f"/v1/uploads/{finished.upload_id}/links").json()["revoked_at"] is None
    assert vendor_a.delete(f"/v1/uploads/{finished.upload_id}/links").status_code == 204
    assert vendor_a.get(f"/v1/uploads/{finished.upload_id}/links").json()["revoked_at"] is not None
    assert httpx.get(link, trust_env=False, timeout=30).status_code == 410


def test_undo_upload_removes_its_products(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    finished = upload(vendor_a, pipeline, csv_of([product("undo-1"), product("undo-2")]))
    undone = vendor_a.post(f"/v1/uploads/{finished.upload_id}/undo").json()
    assert (undone["removed"], undone["restored"], undone["skipped"]) == (2, 0, [])
    assert pipeline.products(finished.upload_id) == []
    assert vendor_a.post(f"/v1/uploads/{finished.upload_id}/undo").json() == undone
    assert vendor_a.get(f"/v1/uploads/{finished.upload_id}").json()["undone_at"] == undone["undone_at"]


def test_upload_session_options_apply_to_the_upload(pipeline: Pipeline, vendor_a: httpx.Client) -> None:
    finished = upload(vendor_a, pipeline, csv_of([product("opt", price="-1")]), mode="upsert", on_error="reject_file")
    body = vendor_a.get(f"/v1/uploads/{finished.upload_id}").json()
    assert (body["mode"], body["on_error"]) == ("upsert", "reject_file")


def test_template_lists_the_active_categories(vendor_a: httpx.Client) -> None:
    names = vendor_a.get("/v1/categories").json()["items"]
    assert "Computer Accessories" in names
    response = vendor_a.get("/v1/template.csv")
    assert response.headers["content-disposition"] == 'attachment; filename="products.csv"'
    with_own_sku = response.content.replace(b"CA-VEND001-0001", b"MINE-1")
    for content, errors in ((response.content, 1), (with_own_sku, 0)):
        body = vendor_a.post("/v1/dry-runs", content=content, headers={"Content-Type": "text/csv"}).json()
        assert body["error_records"] == errors
    assert vendor_a.get("/v1/template.xlsx").content[:2] == b"PK"


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\n", "\r", "\t", "\x7f", "\x9b", "\ufffe", "\uffff"])
def test_upload_session_file_name_with_control_character_is_rejected(vendor_a: httpx.Client, character: str) -> None:
    rejected = vendor_a.post("/v1/upload-sessions", json={"file_name": f"products{character}.csv"})
    assert (rejected.status_code, rejected.headers["content-type"]) == (422, "application/problem+json")
    assert "file_name" in rejected.text


def test_upload_page_without_rejected_rows_uses_one_transaction_besides_authentication(
    pipeline: Pipeline, vendor_a: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = pipeline.run("VENDA", "page.csv", csv_of([product("one-transaction-1"), product("one-transaction-2")]))
    with running_app(pipeline) as app:
        database = app.state.pool.ctx.database
        works: list[Any] = []

        def run(work: Any) -> Any:
            works.append(work)
            return Database.run(database, work)

        monkeypatch.setattr(database, "run", run)
        assert send_to_app(app, vendor_a, "GET", f"/uploads/{upload.upload_id}").status_code == 200
    assert len(works) == 2


def test_upload_session_body_without_valid_json_is_a_bad_request(vendor_a: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    response = vendor_a.post("/v1/upload-sessions", content=b"{nope", headers=headers)
    problem = response.json()
    assert (response.status_code, problem["type"], "errors" in problem) == (400, "/problems/bad-request", False)
    assert problem["detail"].startswith("The body is not valid JSON: ")


@pytest.mark.parametrize("name", ["status", "since", "until"])
def test_history_page_with_an_invalid_filter_names_the_filter(vendor_a: httpx.Client, name: str) -> None:
    response = vendor_a.get("/uploads", params={name: "nope"}, headers={"Accept": "text/html"})
    assert response.status_code == 422
    assert f"Please check: {name}." in response.text


def test_sign_in_with_an_invalid_address_explains_the_address(vendor_a: httpx.Client) -> None:
    response = vendor_a.post("/v1/sign-in", json={"email": "nope"})
    [field] = response.json()["errors"]
    assert (response.status_code, field["location"], field["field"]) == (422, "body", "email")
    assert field["message"].startswith("An email address")
