"""The pipeline on a moto server, which validates requests independently of the local stack.

The resources are created from the pipeline's template with their own requests: moto's CloudFormation cannot create the
stacks, since it lacks secrets, alarms, the HTTP API and IPv6 networks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from moto.server import ThreadedMotoServer

from onboarding.deploy.smoke_test import run_smoke_test
from onboarding.domain.models import Upload, UploadStatus
from onboarding.storage import uploads
from onboarding.storage.database import Database
from tests.support.api_clients import post_form
from tests.support.http_scenarios import make_http_event, webhook_server
from tests.support.moto_account import HOST, MotoAccount, get_resource_name, moto_account
from tests.support.running_pipeline import csv_of, product

ADDRESS = "contact@techgear.com"


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def account(moto_url: str, database_url: str, database: Database) -> Iterator[MotoAccount]:
    with moto_account(moto_url, database_url) as account:
        yield account


def get_upload(database: Database, upload_id: str) -> Upload:
    upload = database.run(lambda connection: uploads.get_upload(connection, upload_id))
    assert upload is not None
    return upload


def test_moto_valid_and_invalid_rows_are_recorded_and_reported(account: MotoAccount, database: Database) -> None:
    rows = [product("moto-1"), product("moto-2", price="-10.00"), product("moto-3", category="Spaceships")]
    upload_id = account.put("uploads/VEND001/März & more.csv", csv_of(rows))
    account.run()
    upload = get_upload(database, upload_id)
    assert (upload.status, upload.valid_records, upload.error_records) == (UploadStatus.PARTIAL, 1, 2)
    report = account.content(upload.error_file_s3_key).splitlines()
    assert report[0].startswith("Row Number,Vendor Product ID,SKU,Product Name,Error Type,Error Message")
    assert [line.split(",")[4] for line in report[1:]] == ["INVALID_PRICE", "INVALID_CATEGORY"]
    key = {"upload_id": {"S": upload_id}, "record_id": {"S": "REC_00002"}}
    item = account.dynamodb.get_item(TableName=account.table, Key=key)["Item"]
    assert (item["status"], item["error_reason"]) == ({"S": "error"}, {"S": "INVALID_PRICE"})
    [email] = account.emails
    assert email.subject == "Product Upload Complete - März & more.csv (33.3% Success)"
    assert email.destinations["ToAddresses"] == [ADDRESS]
    [link] = re.findall(rf"https://{HOST}(/reports/\S+)", email.body)[:1]
    event = {"pathParameters": {"token": link.rsplit("/", 1)[-1]}}
    address = account.call("report-link", event)["headers"]["location"]
    assert "INVALID_PRICE" in httpx.get(address, trust_env=False).text


def test_moto_empty_file_is_rejected(account: MotoAccount, database: Database) -> None:
    upload_id = account.put("uploads/VEND001/empty.csv", b"")
    account.run()
    upload = get_upload(database, upload_id)
    assert (upload.status, upload.failure_code) == (UploadStatus.FAILED, "EMPTY_FILE")
    [email] = account.emails
    assert upload_id in email.body


def test_moto_file_of_unknown_vendor_is_quarantined(account: MotoAccount, database: Database) -> None:
    account.put("uploads/NOBODY/products.csv", csv_of([product("moto-nobody")]))
    account.run()
    [(key,)] = database.run(lambda c: c.execute("select s3_key from quarantined_objects").fetchall())
    assert key == "uploads/NOBODY/products.csv"
    assert account.emails == []


def test_moto_file_with_several_batches_is_recorded_completely(account: MotoAccount, database: Database) -> None:
    rows = [product(f"moto-many-{number}", price="-1" if number % 20 == 0 else "1") for number in range(1, 251)]
    upload_id = account.put("uploads/VEND001/many.csv", csv_of(rows))
    account.run()
    upload = get_upload(database, upload_id)
    assert (upload.valid_records, upload.error_records) == (238, 12)
    assert len(account.emails) == 1


def test_moto_redelivered_events_change_nothing(account: MotoAccount, database: Database) -> None:
    upload_id = account.put("uploads/VEND001/again.csv", csv_of([product("again-1"), product("again-2", price="0")]))
    [(function, event)] = account.events
    account.run()
    account.events.append((function, event))
    body = json.dumps({"upload_id": upload_id, "vendor_id": "VEND001"})
    account.sqs.send_message(QueueUrl=account.queue_url, MessageBody=body)
    account.run()
    upload = get_upload(database, upload_id)
    assert (upload.valid_records, upload.error_records) == (1, 1)
    assert len(account.emails) == 1


def test_moto_malformed_message_is_retried(account: MotoAccount) -> None:
    account.sqs.send_message(QueueUrl=account.queue_url, MessageBody="malformed")
    with pytest.raises(RuntimeError, match="none of 1 messages"):
        account.run()
    assert account.count_messages(account.queue_url) == 1


def test_moto_watchdog_resumes_an_upload_without_its_items(account: MotoAccount, database: Database) -> None:
    upload_id = account.put("uploads/VEND001/stalled.csv", csv_of([product("stalled-1"), product("stalled-2")]))
    [(function, event)] = account.events
    account.events.clear()
    account.call(function, event)
    # Discard the records of the stream.
    account._stream_records()
    result = account.call("watchdog", {"patience": 0})
    assert [action["outcome"] for action in result["recovered"]] == ["resumed"]
    account.run()
    assert get_upload(database, upload_id).status is UploadStatus.COMPLETED


def test_moto_watchdog_sweep_ingests_an_object_without_an_event(account: MotoAccount, database: Database) -> None:
    upload_id = account.put("uploads/VEND001/missed.csv", csv_of([product("missed")]))
    account.events.clear()
    account.call("watchdog", {"sweep": True, "patience": -timedelta(hours=1).total_seconds()})
    account.run()
    assert get_upload(database, upload_id).status is UploadStatus.COMPLETED


def test_moto_redrive_empties_the_failure_queue(account: MotoAccount, database: Database) -> None:
    upload_id = account.put("uploads/VEND001/failed.csv", csv_of([product("failed")]))
    [(_, event)] = account.events
    account.events.clear()
    url = account.queue_urls["CsvParserFailures"]
    account.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"requestPayload": event}))
    account.call("watchdog", {"redrive": "csv-parser-failures"})
    account.run()
    assert account.count_messages(url) == 0
    assert get_upload(database, upload_id).status is UploadStatus.COMPLETED


def call_api(account: MotoAccount, method: str, path: str, content: Any = None, **headers: str) -> Any:
    """Send a request to the function `api`, and return its response."""
    all_headers = {"host": HOST, "content-type": "application/json", "origin": f"https://{HOST}", **headers}
    response = account.call(
        "api", make_http_event(method, path, all_headers, None if content is None else json.dumps(content))
    )
    assert response["statusCode"] < 300, response
    return response


def sign_in(account: MotoAccount) -> dict[str, str]:
    """Sign in with the link in the sign-in e-mail, and return the headers of the session."""
    call_api(account, "POST", "/v1/sign-in", {"email": ADDRESS})
    account.run()
    [token] = re.findall(r"/sign-in/(\S+)", account.emails[-1].body)
    response = call_api(account, "POST", "/v1/session", {"token": token})
    cookies = "; ".join(cookie.split(";")[0] for cookie in response["cookies"])
    return {"cookie": cookies, "x-csrf-token": json.loads(response["body"])["csrf_token"]}


def test_moto_upload_session_accepts_its_form(account: MotoAccount, database: Database) -> None:
    vendor = sign_in(account)
    upload_session = json.loads(
        call_api(account, "POST", "/v1/upload-sessions", {"file_name": "form.csv"}, **vendor)["body"]
    )
    assert post_form(upload_session, csv_of([product("form")])).status_code == 201
    queued = json.loads(
        call_api(account, "GET", f"/v1/upload-sessions/{upload_session['upload_session_id']}", **vendor)["body"]
    )
    assert queued["phase"] == "queued"
    account.run()
    upload_id = json.loads(
        call_api(account, "GET", f"/v1/upload-sessions/{upload_session['upload_session_id']}", **vendor)["body"]
    )["upload"]["upload_id"]
    assert get_upload(database, upload_id).status is UploadStatus.COMPLETED


def test_moto_webhook_of_a_vendor_is_called(account: MotoAccount, database: Database) -> None:
    vendor = sign_in(account)
    with webhook_server() as url:
        call_api(account, "PUT", "/v1/webhook", {"url": url}, **vendor)
        account.put("uploads/VEND001/webhook.csv", csv_of([product("webhook")]))
        account.run()
    [delivery] = json.loads(call_api(account, "GET", "/v1/webhook/deliveries", **vendor)["body"])["items"]
    assert (delivery["event"], delivery["status"]) == ("upload.finished", 204)


def test_moto_smoke_test_removes_its_data(account: MotoAccount) -> None:
    output: list[str] = []
    outputs = {
        "Bucket": account.bucket,
        "EmailClaimsTable": get_resource_name("AWS::DynamoDB::Table", "EmailClaims", "TableName"),
        "MailerFailuresUrl": account.queue_urls["MailerFailures"],
    }
    with ThreadPoolExecutor(1) as aside:
        smoke = aside.submit(run_smoke_test, account.client, outputs, output.append, timeout=60, pause=0.01)
        while not smoke.done():
            account.run()
        smoke.result()
    assert any("the test file was processed" in line for line in output)
    assert "  its e-mail was sent" in output
    assert "Versions" not in account.s3.list_object_versions(Bucket=account.bucket)


def test_moto_export_is_written_with_its_name(account: MotoAccount) -> None:
    account.put("uploads/VEND001/exported.csv", csv_of([product("exported-1"), product("exported-2")]))
    account.run()
    headers = sign_in(account)
    response = call_api(account, "POST", "/v1/exports", {"search": "exported"}, **headers)
    account.run()
    export = json.loads(response["body"])
    completed = json.loads(call_api(account, "GET", f"/v1/exports/{export['export_id']}", **headers)["body"])
    assert (completed["status"], completed["written_rows"]) == ("completed", 2)
    key = f"exports/VEND001/{export['export_id']}.xlsx"
    written = account.s3.head_object(Bucket=account.bucket, Key=key)
    assert written["ContentLength"] == completed["size_bytes"]
    assert written["ContentDisposition"].startswith('attachment; filename="products_')
