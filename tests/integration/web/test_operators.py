"""Operators: access to all vendors, management of vendors and categories, resuming uploads and redriving events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from onboarding.domain.resource_names import resource_name
from onboarding.lambda_handlers.admin import AdminError, run_action
from onboarding.storage.audit_log import Actor
from onboarding.storage.database import DATABASE_UNAVAILABLE, Database
from tests.support.api_clients import browser, key_client, new_key, request_sign_in_token, signed_in
from tests.support.isolation_attempts import create_test_app, send_to_app
from tests.support.postgres_fixtures import fetch, open_database
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until


def test_operator_sees_every_vendor(pipeline: Pipeline, operator: httpx.Client) -> None:
    pipeline.vendor("VENDA")
    upload = pipeline.run("VENDA", "seen.csv", csv_of([product("seen"), product("seen-bad", price="-1")]))
    assert operator.get(f"/v1/uploads/{upload.upload_id}").json()["vendor_id"] == "VENDA"
    assert operator.get(f"/v1/uploads/{upload.upload_id}/errors").json()["items"][0]["row_number"] == 2
    of_a = operator.get("/v1/uploads", params={"vendor_id": "VENDA"}).json()["items"]
    assert {item["vendor_id"] for item in of_a} == {"VENDA"}
    overview = operator.get("/v1/operator/overview").json()
    assert overview["uploads"] >= 1
    assert overview["rows"] == overview["valid_rows"] + overview["error_rows"]
    chart = operator.get("/v1/operator/throughput", params={"minutes": 60, "buckets": 12}).json()["items"]
    assert len(chart) == 12
    assert sum(bucket["rows"] for bucket in chart) >= 2
    top = operator.get("/v1/operator/top-errors").json()["items"]
    assert "INVALID_PRICE" in {item["error_type"] for item in top}


def test_operator_creates_changes_and_suspends_a_vendor(pipeline: Pipeline, operator: httpx.Client) -> None:
    new_vendor = {"vendor_id": "NEWCO", "vendor_name": "New & Co", "email": "hello@newco.example"}
    created = operator.post("/v1/operator/vendors", json=new_vendor)
    assert (created.status_code, created.json()["quality"]) == (201, None)
    assert operator.post("/v1/operator/vendors", json=new_vendor).status_code == 409
    with closing(signed_in(pipeline, "hello@newco.example")) as client:
        assert client.get("/v1/session").json()["name"] == "New & Co"
    pipeline.run("NEWCO", "first.csv", csv_of([product("new-1"), product("new-2", price="-1")]))
    matches = operator.get("/v1/operator/vendors", params={"search": "NEW & co"}).json()["items"]
    items = {v["vendor_id"]: v for v in matches}
    assert set(items) == {"NEWCO"}
    assert operator.get("/v1/operator/vendors", params={"search": "hello@NEWCO"}).json()["items"] == matches
    qualities = operator.get("/v1/operator/vendor-quality", params={"limit": 100}).json()["items"]
    [quality] = [item for item in qualities if item["vendor_id"] == "NEWCO"]
    assert quality == {
        "vendor_id": "NEWCO",
        "vendor_name": "New & Co",
        "rows": 2,
        "valid_rows": 1,
        "fixed_rows": 0,
        "quality": 50.0,
        "quality_after_fixing": 50.0,
    }
    assert [v["quality"] for v in qualities] == sorted(v["quality"] for v in qualities)
    assert (items["NEWCO"]["rows"], items["NEWCO"]["valid_rows"], items["NEWCO"]["quality"]) == (2, 1, 50.0)
    changed = operator.patch("/v1/operator/vendors/NEWCO", json={"vendor_name": "Newco"}).json()
    assert (changed["vendor_name"], changed["email"]) == ("Newco", "hello@newco.example")
    assert operator.get("/v1/operator/vendors/NOSUCH").status_code == 404
    entries = operator.get("/v1/operator/audit-log", params={"vendor_id": "NEWCO"}).json()["items"]
    assert [entry["action"] for entry in entries if entry["actor"].startswith("operator:")] == [
        "vendor_updated",
        "vendor_created",
    ]


def test_vendors_are_listed_in_pages(pipeline: Pipeline, operator: httpx.Client) -> None:
    names = [f"PAGED{n}" for n in range(5)]
    for name in names:
        pipeline.vendor(name)
    vendor_ids, cursor = [], None
    while True:
        params = {"search": "paged", "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = operator.get("/v1/operator/vendors", params=params).json()
        assert len(page["items"]) <= 2
        vendor_ids += [vendor["vendor_id"] for vendor in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert vendor_ids == names
    assert operator.get("/v1/operator/vendors", params={"cursor": "AAAA"}).status_code == 400


def test_operator_revokes_keys_and_sessions_of_a_vendor(pipeline: Pipeline, operator: httpx.Client) -> None:
    email = pipeline.vendor("LEAKY")
    with closing(signed_in(pipeline, email)) as vendor, closing(signed_in(pipeline, email)) as elsewhere:
        key, other_key = new_key(vendor), new_key(vendor)
        items = operator.get("/v1/operator/vendors/LEAKY/keys").json()["items"]
        assert {item["key_id"] for item in items} == {key["key_id"], other_key["key_id"]}
        assert key["key"] not in json.dumps(items)
        with key_client(pipeline, key["key"]) as program, key_client(pipeline, other_key["key"]) as another:
            # The key belongs to another vendor than VENDA.
            assert operator.delete(f"/v1/operator/vendors/VENDA/keys/{key['key_id']}").status_code == 404
            assert program.get("/v1/session").status_code == 200
            assert operator.delete(f"/v1/operator/vendors/LEAKY/keys/{key['key_id']}").status_code == 204
            assert program.get("/v1/session").status_code == 401
            unused_token = request_sign_in_token(pipeline, email)
            assert operator.delete("/v1/operator/vendors/LEAKY/sessions").status_code == 204
            assert {client.get("/v1/session").status_code for client in (vendor, elsewhere)} == {401}
            assert another.get("/v1/session").status_code == 200, "only the requested key is revoked"
        with browser(pipeline) as client:
            assert client.post("/v1/session", json={"token": unused_token}).status_code == 410
    for path in ("keys", "keys/x", "sessions"):
        method = "GET" if path == "keys" else "DELETE"
        assert operator.request(method, f"/v1/operator/vendors/NOSUCH/{path}").status_code == 404
    entries = operator.get("/v1/operator/audit-log", params={"vendor_id": "LEAKY"}).json()["items"]
    actions = [entry["action"] for entry in entries if entry["actor"].startswith("operator:")]
    assert actions == ["signed_out_everywhere", "key_revoked"]


def test_vendor_email_change_ends_sessions_and_links(pipeline: Pipeline, operator: httpx.Client) -> None:
    email = pipeline.vendor("MOVED")
    with closing(signed_in(pipeline, email)) as vendor:
        unused_token = request_sign_in_token(pipeline, email)
        unchanged_email = {"email": email, "vendor_name": "Moved & Co"}
        assert operator.patch("/v1/operator/vendors/MOVED", json=unchanged_email).status_code == 200
        assert vendor.get("/v1/session").status_code == 200
        assert operator.patch("/v1/operator/vendors/MOVED", json={"email": "new@moved.example"}).status_code == 200
        assert vendor.get("/v1/session").status_code == 401
    with browser(pipeline) as client:
        assert client.post("/v1/session", json={"token": unused_token}).status_code == 410
    with closing(signed_in(pipeline, "new@moved.example")) as new_session:
        assert new_session.get("/v1/session").json()["vendor_id"] == "MOVED"


def test_operator_creates_and_changes_a_category(
    pipeline: Pipeline, operator: httpx.Client, vendor_a: httpx.Client
) -> None:
    category = operator.post("/v1/operator/categories", json={"category_name": "Garden Gnomes"}).json()
    assert operator.post("/v1/operator/categories", json={"category_name": "Garden Gnomes"}).status_code == 409
    assert "Garden Gnomes" in vendor_a.get("/v1/categories").json()["items"]
    operator.patch(f"/v1/operator/categories/{category['category_id']}", json={"is_active": False})
    assert "Garden Gnomes" not in vendor_a.get("/v1/categories").json()["items"]
    entry = operator.get("/v1/operator/audit-log").json()["items"][0]
    assert (entry["action"], entry["subject"]) == ("category_updated", "Garden Gnomes")
    assert operator.patch("/v1/operator/categories/9223372036854775807", json={"is_active": False}).status_code == 404
    pipeline.connection.execute("delete from product_categories where category_name = 'Garden Gnomes'")


def test_stalled_upload_is_listed_and_resumed(pipeline: Pipeline, operator: httpx.Client) -> None:
    upload = pipeline.run("VEND003", "stalled.csv", csv_of([product("stalled-1"), product("stalled-2")]))
    with pipeline.connection.transaction():
        pipeline.connection.execute("delete from products where upload_id = %s", (upload.upload_id,))
        pipeline.connection.execute(
            "update upload_history set status = 'processing', processing_completed_at = null, notified_at = null, "
            "valid_records = 0, created_records = 0, last_progress_at = now() - interval '1 hour' where upload_id = %s",
            (upload.upload_id,),
        )
    stalled = operator.get("/v1/operator/stalled-uploads", params={"minutes": 30}).json()["items"]
    assert [item["upload_id"] for item in stalled] == [upload.upload_id]
    assert operator.post(f"/v1/operator/uploads/{upload.upload_id}/resume").status_code == 202
    assert pipeline.finished(upload.upload_id).valid_records == 2
    assert operator.post(f"/v1/operator/uploads/{upload.upload_id}/resume").status_code == 409


def test_failed_events_are_listed_and_redriven(pipeline: Pipeline, operator: httpx.Client) -> None:
    upload = pipeline.run("VEND003", "failed.csv", csv_of([product("failed")]))
    record = {
        "s3": {
            "bucket": {"name": pipeline.endpoints.bucket},
            "object": {"key": upload.s3_key, "versionId": upload.s3_version_id},
        }
    }
    failure = {"requestPayload": {"Records": [record]}, "responsePayload": {"errorMessage": "the database was away"}}
    queue = pipeline.sqs.get_queue_url(QueueName=resource_name("csv-parser-failures"))["QueueUrl"]

    def waiting() -> int:
        queues = operator.get("/v1/operator/failures").json()["items"]
        return sum(item["waiting"] for item in queues if item["queue"] == "csv-parser-failures")

    with pipeline.without_schedules():
        pipeline.sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(failure))
        wait_until(lambda: waiting() == 1, "the failure to be listed")
        [event] = operator.get("/v1/operator/failures/csv-parser-failures").json()["items"]
        assert (event["subject"], event["error"]) == (upload.s3_key, "the database was away")
        redriven = operator.post("/v1/operator/failures/csv-parser-failures/redrive")
        assert (redriven.status_code, redriven.json()) == (202, {"queue": "csv-parser-failures", "waiting": 1})
        wait_until(lambda: waiting() == 0, "the failure to be redriven")
    assert operator.get("/v1/operator/failures/no-such-queue").status_code == 404


def test_viewer_may_not_change_anything(pipeline: Pipeline) -> None:
    pipeline.connection.execute(
        "insert into operators (email, name) values ('viewer@techmart.example', 'Viewer') on conflict do nothing"
    )
    with closing(signed_in(pipeline, "viewer@techmart.example")) as viewer:
        assert viewer.get("/v1/operator/overview").status_code == 200
        assert viewer.post("/v1/operator/categories", json={"category_name": "X"}).status_code == 403
        pipeline.connection.execute("update operators set status = 'suspended' where email like 'viewer@%'")
        assert viewer.get("/v1/operator/overview").status_code == 401


def test_api_function_on_aws_serves_the_same_app(pipeline: Pipeline) -> None:
    host = pipeline.endpoints.portal_url.removeprefix("http://")
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/v1/openapi.json",
        "rawQueryString": "",
        "headers": {"host": host},
        "requestContext": {"http": {"method": "GET", "path": "/v1/openapi.json", "sourceIp": "192.0.2.1"}},
        "isBase64Encoded": False,
    }
    response = pipeline.lambdas.invoke(FunctionName=resource_name("api"), Payload=json.dumps(event).encode())
    result = json.loads(response["Payload"].read())
    assert result["statusCode"] == 200, result
    with browser(pipeline) as client:
        assert json.loads(result["body"]) == client.get("/v1/openapi.json").json()
    # A request that needs the database, with the rights of the function's role.
    event["rawPath"] = event["requestContext"]["http"]["path"] = "/v1/uploads"  # type: ignore[index]
    event["headers"] = {"host": host, "authorization": "Bearer onb_nobody"}
    result = json.loads(
        pipeline.lambdas.invoke(FunctionName=resource_name("api"), Payload=json.dumps(event).encode())["Payload"].read()
    )
    assert result["statusCode"] == 401, result


@pytest.fixture
def database(pipeline: Pipeline) -> Iterator[Database]:
    """Yield the database of the local stack, as commands use it."""
    with closing(open_database(pipeline.endpoints.database_url)) as opened:
        yield opened


def test_operator_created_by_command_can_sign_in(pipeline: Pipeline, database: Database) -> None:
    email = "made@techmart.example"
    run_action(database, "add_operator", {"email": email, "name": "Made", "role": "admin"})
    with closing(signed_in(pipeline, email)) as client:
        assert client.get("/v1/session").json()["role"] == "admin"
        with pytest.raises(AdminError, match=r"Operator .* already exists"):
            run_action(database, "add_operator", {"email": email.upper(), "name": "Made", "role": "viewer"})
        run_action(database, "update_operator", {"email": email.upper(), "role": "viewer"})
        assert client.get("/v1/session").json()["role"] == "viewer"
        unused_token = request_sign_in_token(pipeline, email)
        run_action(database, "update_operator", {"email": email, "status": "suspended"})
        assert client.get("/v1/session").status_code == 401
        # Reactivating the operator restores neither the session nor the link.
        run_action(database, "update_operator", {"email": email, "status": "active"})
        assert client.get("/v1/session").status_code == 401
        assert client.post("/v1/session", json={"token": unused_token}).status_code == 410
        run_action(database, "update_operator", {"email": email, "status": "suspended"})
    entries = fetch(database, "select action, detail from audit_log where subject ilike %s order by entry_id", email)
    assert [(action, detail) for action, detail in entries if action != "signed_in"] == [
        ("operator_created", {"role": "admin"}),
        ("operator_updated", {"role": "viewer"}),
        *[("operator_updated", {"status": status}) for status in ("suspended", "active", "suspended")],
    ]
    items = run_action(database, "list_operators", {})["operators"]
    assert {"email": email, "name": "Made", "role": "viewer", "status": "suspended"} in items
    for arguments in (
        {"email": "x", "name": "x"},
        {"email": email, "name": " "},
        {"email": email, "name": "x", "role": "y"},
    ):
        with pytest.raises(AdminError):
            run_action(database, "add_operator", arguments)
    with pytest.raises(AdminError):
        run_action(database, "update_operator", {"email": "nobody@techmart.example", "status": "suspended"})


def test_update_vendor_command_ends_sessions_of_the_old_email(pipeline: Pipeline, database: Database) -> None:
    email = pipeline.vendor("MOVED1")
    pipeline.connection.execute("update vendors set phone = '+49 30 1' where vendor_id = 'MOVED1'")
    vendor = {"vendor_id": "MOVED1", "vendor_name": "Moved", "email": "elsewhere@vendors.example"}
    with closing(signed_in(pipeline, email)) as client:
        unused_token = request_sign_in_token(pipeline, email)
        with pytest.raises(AdminError, match="Vendor MOVED1 already exists"):
            run_action(database, "add_vendor", vendor)
        assert client.get("/v1/session").status_code == 200
        run_action(database, "update_vendor", {"vendor_id": "MOVED1", "email": vendor["email"]}, Actor("command:alice"))
        assert client.get("/v1/session").status_code == 401
        assert client.post("/v1/session", json={"token": unused_token}).status_code == 410
    assert fetch(database, "select email, phone from vendors where vendor_id = 'MOVED1'") == [
        (vendor["email"], "+49 30 1")
    ]
    query = "select actor, detail from audit_log where vendor_id = 'MOVED1' and action = 'vendor_updated'"
    assert fetch(database, query) == [("command:alice", {"email": vendor["email"]})]


def test_add_vendor_again_with_the_same_data_changes_nothing(pipeline: Pipeline, database: Database) -> None:
    vendor = {"vendor_id": "TWICE1", "vendor_name": "Twice", "email": "twice@vendors.example"}
    assert run_action(database, "add_vendor", vendor) == {"vendor_id": "TWICE1", "status": "active", "is_new": True}
    run_action(database, "update_vendor", {"vendor_id": "TWICE1", "status": "suspended"})
    assert run_action(database, "add_vendor", vendor) == {"vendor_id": "TWICE1", "status": "suspended", "is_new": False}
    actions = fetch(database, "select action from audit_log where vendor_id = 'TWICE1' order by entry_id")
    assert actions == [("vendor_created",), ("vendor_updated",)]


def test_audit_log_lists_entries_with_ids_beyond_32_bits(pipeline: Pipeline, operator: httpx.Client) -> None:
    entry_ids = [2**31, 2**40, 2**63 - 2]
    for entry_id in entry_ids:
        pipeline.connection.execute(
            "insert into audit_log (entry_id, actor, action, subject, ip) overriding system value "
            "values (%s, 'command:test', 'test', %s, '')",
            (entry_id, str(entry_id)),
        )
    try:
        subjects, cursor = [], None
        for _ in entry_ids:
            params = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
            page = operator.get("/v1/operator/audit-log", params=params).json()
            subjects += [entry["subject"] for entry in page["items"]]
            cursor = page["next"]
    finally:
        pipeline.connection.execute("delete from audit_log where entry_id >= %s", (2**31,))
    assert subjects == [str(entry_id) for entry_id in reversed(entry_ids)]


@pytest.mark.parametrize("email", ["<a@b.de>", "\u00fcn\u00efcode@ex\u00e4mple.com", "a..b@c.de", "a@localhost", "a@b"])
def test_invalid_email_addresses_are_rejected_everywhere(
    pipeline: Pipeline, database: Database, operator: httpx.Client, email: str
) -> None:
    new = {"vendor_id": "UNREACHED", "vendor_name": "Unreached", "email": email}
    assert operator.post("/v1/operator/vendors", json=new).status_code == 422
    assert operator.patch("/v1/operator/vendors/VEND001", json={"email": email}).status_code == 422
    for name, arguments in (
        ("add_vendor", new),
        ("update_vendor", {"vendor_id": "VEND001", "email": email}),
        ("add_operator", {"email": email, "name": "Unreached"}),
    ):
        with pytest.raises(AdminError, match="is not a valid e-mail address"):
            run_action(database, name, arguments)
    with browser(pipeline) as client:
        assert client.post("/v1/sign-in", json={"email": email}).status_code == 422


def test_internal_error_reveals_no_details(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_test_app(pipeline)

    def fail(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(app.state.pool, "run", fail)
    with browser(pipeline, Authorization="Bearer onb_x") as client:
        response = send_to_app(app, client, "GET", "/v1/uploads")
    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal-error")
    assert "hunter2" not in response.text


@pytest.mark.parametrize("exception", DATABASE_UNAVAILABLE)
def test_request_without_database_is_unavailable_with_retry_after(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, exception: type[Exception]
) -> None:
    app = create_test_app(pipeline)

    def fail(*_: object) -> None:
        raise exception("connection to server at 10.0.1.7 failed")

    monkeypatch.setattr(app.state.pool, "run", fail)
    with browser(pipeline) as client:
        response = send_to_app(app, client, "GET", "/v1/uploads", headers={"Authorization": "Bearer onb_x"})
        page = send_to_app(app, client, "GET", "/sign-in/x")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/unavailable")
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    for result in (response, page):
        assert result.headers["Retry-After"] == "60"
        assert "Try again in a minute" in result.text
        assert "10.0.1.7" not in result.text
