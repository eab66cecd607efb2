"""Tests of the AWS emulator's patches: listings of any key, reported failures and bounded memory."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import socket
from collections.abc import Iterator
from importlib import import_module
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.local import emulator_patches
from onboarding.local.delivered_emails import read_emails
from onboarding.local.smtp_inbox import Inbox

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
VERSIONING = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def load_service(name: str) -> ModuleType:
    """Return a new copy of a service of the emulator, which shares no state with other copies."""
    spec = import_module(f"ministack.services.{name}").__spec__
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class S3:
    """A patched S3 that stores its objects in `directory`, and the keys of its events."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("S3_PERSIST", "1")
        patch.setenv("S3_DATA_DIR", str(directory))
        self.module: Any = load_service("s3")
        emulator_patches.list_any_key(self.module)
        emulator_patches.report_unstored_objects(self.module)
        self.event_keys: list[str] = []
        patch.setattr(self.module, "_fire_s3_event_async", lambda _, key, *__, **___: self.event_keys.append(key))
        self.request("PUT", "/bucket")
        self.request("PUT", "/bucket", VERSIONING, versioning="")

    def request(self, method: str, path: str, body: bytes = b"", **query: str) -> tuple[int, bytes]:
        parameters = {name.replace("_", "-"): [value] for name, value in query.items()}
        status, _, response_body = asyncio.run(self.module.handle_request(method, path, {}, body, parameters))
        return status, response_body

    def list_versions(self, **query: str) -> Element:
        status, body = self.request("GET", "/bucket", b"", versions="", **query)
        assert status == 200
        return fromstring(body)  # noqa: S314 - the emulator's own response

    def list_keys(self) -> list[str]:
        return [
            unquote(element.text or "") for element in self.list_versions(encoding_type="url").iter(f"{NAMESPACE}Key")
        ]


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3:
    return S3(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def shared_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with pytest.MonkeyPatch.context() as patch:
        yield S3(tmp_path_factory.mktemp("s3"), patch)


KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20).filter(
    lambda key: not key.startswith("/") and key.strip("/. ") != ""
)


@given(key=KEYS)
@settings(max_examples=200, deadline=None)
def test_list_versions_any_key_is_unchanged(shared_s3: S3, key: str) -> None:
    assert shared_s3.request("PUT", f"/bucket/{key}", b"x")[0] == 200
    assert key in shared_s3.list_keys()
    assert shared_s3.request("DELETE", f"/bucket/{key}")[0] == 204
    # Without the encoding the response is also valid XML.
    assert shared_s3.list_versions().tag == f"{NAMESPACE}ListVersionsResult"


def test_list_versions_pages_by_keys_that_xml_cannot_contain(s3: S3) -> None:
    keys = ["a\x07.csv", "b\x1b&<>.csv", "c\ufffe.csv", "d\r\n.csv", "e+%41 ä.csv"]
    for key in keys:
        s3.request("PUT", f"/bucket/{key}", b"x")
    listed_keys, markers = [], {"key_marker": "", "version_id_marker": ""}
    while True:
        page = s3.list_versions(encoding_type="url", max_keys="1", **markers)
        assert page.findtext(f"{NAMESPACE}EncodingType") == "url"
        listed_keys.append(unquote(page.findtext(f"{NAMESPACE}Version/{NAMESPACE}Key") or ""))
        if page.findtext(f"{NAMESPACE}IsTruncated") == "false":
            break
        marker = page.findtext(f"{NAMESPACE}NextKeyMarker") or ""
        markers = {
            "key_marker": unquote(marker),
            "version_id_marker": page.findtext(f"{NAMESPACE}NextVersionIdMarker") or "",
        }
        assert marker == quote(listed_keys[-1], safe="/")
    assert listed_keys == keys


def test_get_object_missing_key_that_xml_cannot_contain_is_readable(s3: S3) -> None:
    status, body = s3.request("GET", "/bucket/\x1b\ufffe")
    assert status == 404
    assert fromstring(body).findtext("Code") == "NoSuchKey"  # noqa: S314


def fail_writes(patch: pytest.MonkeyPatch, code: int = errno.ENOSPC, writes: int = 0) -> None:
    """Make writes to disk fail with an error code after this number of successful writes."""
    fsync, remaining = os.fsync, iter(range(writes))

    def fsync_or_fail(descriptor: int) -> None:
        if next(remaining, None) is None:
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    patch.setattr(os, "fsync", fsync_or_fail)


@pytest.mark.parametrize("writes", [0, 1])
def test_put_object_full_disk_is_reported(s3: S3, tmp_path: Path, writes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fail_writes(patch, writes=writes)
        status, body = s3.request("PUT", "/bucket/new.csv", b"content")
    error = fromstring(body)  # noqa: S314
    assert (status, error.findtext("Code")) == (507, "InsufficientStorage")
    assert error.findtext("Message") == f"The disk that holds {tmp_path} is full: nothing was stored"
    assert s3.event_keys == []
    assert s3.request("GET", "/bucket/new.csv")[0] == 404
    assert s3.list_keys() == []
    assert not [path for path in tmp_path.rglob("new.csv*") if path.is_file()]
    assert s3.request("PUT", "/bucket/new.csv", b"content")[0] == 200
    assert (s3.event_keys, s3.request("GET", "/bucket/new.csv")) == (["new.csv"], (200, b"content"))


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_put_object_full_disk_keeps_the_previous_version(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    assert s3.request("PUT", "/bucket/old.csv", b"before")[0] == 200
    with pytest.MonkeyPatch.context() as patch:
        fail_writes(patch, writes=writes)
        assert s3.request("PUT", "/bucket/old.csv", b"after")[0] == 507
    for instance in (s3, S3(tmp_path, monkeypatch)):
        if writes < 2:  # after two writes the disk has the new content, and only memory has the old one
            assert instance.request("GET", "/bucket/old.csv") == (200, b"before")
        assert instance.list_keys() == ["old.csv"]
    assert s3.request("GET", "/bucket/old.csv") == (200, b"before")


def test_put_object_unwritable_disk_reports_the_reason(s3: S3) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fail_writes(patch, errno.EIO)
        status, body = s3.request("PUT", "/bucket/new.csv", b"content")
    assert status == 507
    assert b"The object cannot be written ([Errno 5]" in body


def send_email(ses: Any) -> tuple[int, bytes]:
    parameters = {
        "Action": ["SendEmail"],
        "Source": ["us@example.com"],
        "Destination.ToAddresses.member.1": ["them@example.com"],
        "Message.Subject.Data": ["Hello"],
        "Message.Body.Text.Data": ["Text"],
    }
    status, _, body = asyncio.run(ses.handle_request("POST", "/", {}, b"", parameters))
    return status, body


def test_send_email_response_follows_the_inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox(tmp_path / "inbox")
    inbox.start()
    try:
        monkeypatch.setenv("SMTP_HOST", f"127.0.0.1:{inbox.port}")
        ses: Any = load_service("ses")
        emulator_patches.report_undelivered_emails(ses)
        asyncio.run(
            ses.handle_request(
                "POST", "/", {}, b"", {"Action": ["VerifyEmailIdentity"], "EmailAddress": ["us@example.com"]}
            )
        )
        assert send_email(ses)[0] == 200
        assert [email.subject for email in read_emails(inbox.directory)] == ["Hello"]
        shutil.rmtree(inbox.directory)
        response_without_directory = send_email(ses)
    finally:
        inbox.stop()
    # The second response is that of a stopped inbox.
    for status, body in (response_without_directory, send_email(ses)):
        assert status == 400
        assert b"<Code>MessageRejected</Code><Message>The inbox did not accept the e-mail: " in body


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "post"])
def test_inbox_http_request_is_rejected(tmp_path: Path, method: str) -> None:
    smtp_session = (
        b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nSubject: Forged\r\n\r\n.\r\nQUIT\r\n"
    )
    inbox = Inbox(tmp_path)
    inbox.start()
    try:
        with socket.create_connection(("127.0.0.1", inbox.port)) as connection:
            connection.sendall(f"{method} / HTTP/1.1\r\nHost: x\r\n\r\n".encode() + smtp_session)
            response = b"".join(iter(lambda: connection.recv(4096), b""))
    except ConnectionResetError:
        response = b""
    finally:
        inbox.stop()
    assert b"250" not in response
    assert read_emails(tmp_path) == []


def test_notification_calls_its_function_with_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    sns: Any = load_service("sns")
    invocations: list[tuple[Any, Any]] = []
    lambda_svc = SimpleNamespace(
        _get_func_record_for_ref=lambda arn: ({"name": arn}, {"config": 1}, arn),
        _execution_record_for_config=lambda function, _config: function,
        invoke_async_with_retry=lambda record, event: invocations.append((record, event)),
    )
    emulator_patches.retry_notifications(sns, lambda_svc)
    sns._deliver_to_lambda("arn", json.dumps({"Message": "m"}), "topic", "subscription", "id", "m", {})
    [(record, event)] = invocations
    assert record == {"name": "arn"}
    assert event["Records"][0]["Sns"] == {"Message": "m"}


class Staging:
    """A patched DynamoDB with one stream that one function reads."""

    def __init__(self, items: int) -> None:
        self.module: Any = load_service("dynamodb")
        self.polled_ids: list[str] = []
        self.position = 0
        self.lambda_svc: Any = SimpleNamespace(
            _poll_dynamodb_streams=self._poll, _iter_all_esms=self._mappings, _dynamodb_stream_positions={}
        )
        self.request(
            "CreateTable",
            TableName="UploadRecords",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("upload_id", "record_id")],
            KeySchema=[
                {"AttributeName": "upload_id", "KeyType": "HASH"},
                {"AttributeName": "record_id", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        emulator_patches.bound_memory(self.lambda_svc, self.module, items)

    def request(self, operation: str, **request: Any) -> Any:
        headers = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
        _, _, body = asyncio.run(self.module.handle_request("POST", "/", headers, json.dumps(request).encode(), {}))
        return json.loads(body)

    def put_item(self, record: str, status: str) -> None:
        item = {"upload_id": {"S": "U"}, "record_id": {"S": record}, "status": {"S": status}}
        self.request("PutItem", TableName="UploadRecords", Item=item)

    def list_statuses(self) -> dict[str, str]:
        items = self.request("Scan", TableName="UploadRecords")["Items"]
        return {item["record_id"]["S"]: item["status"]["S"] for item in items}

    def count_records(self) -> int:
        return len(self.module.stream_live_records("UploadRecords"))

    def _poll(self) -> bool:
        """Read one record, and return whether there was one, like the emulator's poller."""
        batch = self.module.stream_records_since("UploadRecords", self.position, 1)
        self.polled_ids += [record["dynamodb"]["Keys"]["record_id"]["S"] for record in batch]
        self.position += len(batch)
        self.lambda_svc._dynamodb_stream_positions["m"] = self.position
        return bool(batch)

    def _mappings(self) -> list[tuple[str, str, dict[str, str]]]:
        source = "arn:aws:dynamodb:us-east-1:000000000000:table/UploadRecords/stream/2024"
        return [("000000000000", "us-east-1", {"UUID": "m", "EventSourceArn": source})]


def test_bound_memory_read_records_are_dropped() -> None:
    staging = Staging(items=100)
    for number in range(5):
        staging.put_item(f"R{number}", "pending_validation")
    staging.lambda_svc._poll_dynamodb_streams()
    assert staging.count_records() == 4
    staging.put_item("R5", "pending_validation")
    while staging.lambda_svc._poll_dynamodb_streams():
        pass
    assert staging.count_records() == 0
    assert staging.polled_ids == [f"R{number}" for number in range(6)]
    assert len(staging.list_statuses()) == 6


def test_bound_memory_oldest_processed_items_are_dropped() -> None:
    staging = Staging(items=2)
    for number in range(5):
        staging.put_item(f"R{number}", "pending_validation")
    for number in range(4):
        staging.put_item(f"R{number}", "error" if number % 2 else "validated")
    # R0 is staged again: pending items are never dropped, even the oldest.
    staging.put_item("R0", "pending_validation")
    while staging.lambda_svc._poll_dynamodb_streams():
        pass
    assert staging.list_statuses() == {
        "R0": "pending_validation",
        "R2": "validated",
        "R3": "error",
        "R4": "pending_validation",
    }
