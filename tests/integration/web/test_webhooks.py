"""Webhooks: signed in the Standard Webhooks format, retried and recorded, sent to public addresses only."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from onboarding.domain.resource_names import resource_name
from onboarding.notifications import webhook
from onboarding.notifications.webhook import (
    WebhookUrlError,
    build_signature_headers,
    generate_signing_secret,
    parse_url,
    resolve_host,
)
from onboarding.web.api import webhooks
from tests.support.http_server import serve
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until


class Receiver(BaseHTTPRequestHandler):
    """Request handler of a vendor's server."""

    requests: list[tuple[dict[str, str], bytes]]
    status = 200

    def do_POST(self) -> None:
        self.requests.append(
            ({k.lower(): v for k, v in self.headers.items()}, self.rfile.read(int(self.headers["Content-Length"])))
        )
        self.send_response(type(self).status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Write no log."""


@pytest.fixture
def server() -> Iterator[tuple[type[Receiver], str]]:
    class Own(Receiver):
        requests: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012 - one for each test

    with serve(Own) as url:
        yield Own, f"{url}/hook?from=onboarding"


def deliveries(client: httpx.Client, subject: str) -> list[dict[str, Any]]:
    items = client.get("/v1/webhook/deliveries").json()["items"]
    return [item for item in items if item["subject"] == subject]


def test_webhook_finished_upload_is_delivered_and_signed(
    pipeline: Pipeline, vendor_b: httpx.Client, server: tuple[type[Receiver], str]
) -> None:
    receiver, url = server
    secret = vendor_b.put("/v1/webhook", json={"url": url, "new_secret": True}).json()["secret"]
    assert "secret" not in vendor_b.get("/v1/webhook").json() or vendor_b.get("/v1/webhook").json()["secret"] is None
    upload = pipeline.run("VENDB", "hook.csv", csv_of([product("hook"), product("hook-bad", price="-1")]))
    wait_until(lambda: receiver.requests, "the webhook")
    headers, body = receiver.requests[0]
    message = Webhook(secret).verify(body, headers)
    assert (message["event"], message["id"]) == ("upload.finished", f"upload_finished:{upload.upload_id}")
    assert headers["webhook-id"] == message["id"]
    assert (message["upload"]["status"], message["upload"]["valid_records"], message["upload"]["error_records"]) == (
        "partial",
        1,
        1,
    )
    assert message["upload"]["parent_upload_id"] is None
    [delivery] = wait_until(lambda: deliveries(vendor_b, upload.upload_id), "the delivery to be recorded")
    assert (delivery["status"], delivery["error"]) == (200, "")
    assert vendor_b.delete("/v1/webhook").status_code == 204
    assert vendor_b.get("/v1/webhook").status_code == 404


def test_webhook_with_server_error_is_retried(
    pipeline: Pipeline, vendor_b: httpx.Client, server: tuple[type[Receiver], str]
) -> None:
    receiver, url = server
    receiver.status = 500
    vendor_b.put("/v1/webhook", json={"url": url})
    upload = pipeline.run("VENDB", "again.csv", csv_of([product("hook-again")]))
    wait_until(lambda: receiver.requests, "the first delivery")
    receiver.status = 204
    wait_until(lambda: len(deliveries(vendor_b, upload.upload_id)) > 1, "the delivery after it")
    first, *_, last = sorted(deliveries(vendor_b, upload.upload_id), key=lambda item: str(item["at"]))
    assert (first["status"], last["status"]) == (500, 204)
    assert {json.loads(body)["id"] for _, body in receiver.requests} == {f"upload_finished:{upload.upload_id}"}
    vendor_b.delete("/v1/webhook")


@pytest.mark.parametrize("status", [500, 302])
def test_webhook_with_error_status_is_recorded(
    vendor_b: httpx.Client, server: tuple[type[Receiver], str], status: int
) -> None:
    receiver, url = server
    receiver.status = status
    vendor_b.put("/v1/webhook", json={"url": url})
    started = vendor_b.post("/v1/webhook/test")
    assert started.status_code == 202
    [delivery] = wait_until(lambda: deliveries(vendor_b, started.json()["id"]), "the delivery to be recorded")
    assert (delivery["status"], delivery["error"]) == (status, f"HTTP {status}")
    requests = [body for _, body in receiver.requests if started.json()["id"] in body.decode()]
    assert len(requests) == 1, "a redirect is not followed"
    vendor_b.delete("/v1/webhook")


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1:9", "could not connect to the server"),
        ("[::1", "it is not a valid URL"),
        ("a..b", "the host name is not valid"),
    ],
)
def test_webhook_with_unreachable_server_records_the_reason(
    pipeline: Pipeline, vendor_b: httpx.Client, host: str, reason: str
) -> None:
    vendor_b.put("/v1/webhook", json={"url": "http://127.0.0.1:9/hook"})
    # A URL that was stored before the current rules.
    address = {":vendor": {"S": "VENDB"}, ":url": {"S": f"http://{host}/hook"}}
    pipeline.dynamodb.update_item(
        TableName=resource_name("webhooks"),
        Key={"vendor_id": {"S": "VENDB"}, "entry": {"S": "address"}},
        UpdateExpression="set #url = :url",
        ConditionExpression="vendor_id = :vendor",
        ExpressionAttributeNames={"#url": "url"},
        ExpressionAttributeValues=address,
    )
    started = vendor_b.post("/v1/webhook/test").json()
    [delivery] = wait_until(lambda: deliveries(vendor_b, started["id"]), "the delivery to be recorded")
    assert (delivery["status"], delivery["error"]) == (0, reason)
    vendor_b.delete("/v1/webhook")


def test_send_to_a_slow_server_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "DEADLINE", 0.2)
    stop = threading.Event()

    class SlowReceiver(Receiver):
        requests: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012 - one for each test

        def do_POST(self) -> None:
            # Send bytes without a line end: no timeout between two bytes, and no complete status line.
            while not stop.wait(0.02):
                self.wfile.write(b"x" * 1000)

    with serve(SlowReceiver) as url:
        try:
            address = webhook.WebhookEndpoint(f"{url}/", generate_signing_secret())
            assert webhook._send(address, "test:1", "{}", private=True) == (0, webhook.TIMED_OUT)
        finally:
            stop.set()


def test_webhook_tests_are_limited_per_hour(
    pipeline: Pipeline, vendor_b: httpx.Client, server: tuple[type[Receiver], str]
) -> None:
    _, url = server
    vendor_b.put("/v1/webhook", json={"url": url})
    delete = "delete from audit_log where vendor_id = 'VENDB' and action = 'webhook_tested'"
    pipeline.connection.execute(delete)
    started = [vendor_b.post("/v1/webhook/test") for _ in range(webhooks.MAX_TESTS)]
    assert {response.status_code for response in started} == {202}
    rejected = vendor_b.post("/v1/webhook/test")
    assert (rejected.status_code, rejected.json()["type"]) == (429, "/problems/too-many-requests")
    row = pipeline.connection.execute(
        "select array_agg(subject order by entry_id) from audit_log "
        "where vendor_id = 'VENDB' and action = 'webhook_tested'"
    ).fetchone()
    assert row == ([response.json()["id"] for response in started],)
    last = started[-1].json()["id"]
    wait_until(lambda: deliveries(vendor_b, last), "the last delivery to be recorded")
    pipeline.connection.execute(delete)
    vendor_b.delete("/v1/webhook")


def test_webhook_test_limit_applies_to_concurrent_requests(pipeline: Pipeline, vendor_b: httpx.Client) -> None:
    vendor_b.put("/v1/webhook", json={"url": "http://127.0.0.1:9/nobody"})
    delete = "delete from audit_log where vendor_id = 'VENDB' and action = 'webhook_tested'"
    pipeline.connection.execute(delete)
    with ThreadPoolExecutor(40) as pool:
        statuses = Counter(pool.map(lambda _: vendor_b.post("/v1/webhook/test").status_code, range(40)))
    assert statuses == {202: webhooks.MAX_TESTS, 429: 40 - webhooks.MAX_TESTS}
    pipeline.connection.execute(delete)
    vendor_b.delete("/v1/webhook")


def test_signature_headers_are_verified_by_the_receivers_library() -> None:
    secret, body = generate_signing_secret(), '{"name": "Ünïcode"}'
    headers = build_signature_headers(secret, "test:1", datetime.now(UTC), body)
    assert secret.startswith("whsec_")
    assert Webhook(secret).verify(body, headers) == {"name": "Ünïcode"}
    for other_secret, other_headers, other_body in (
        (generate_signing_secret(), headers, body),
        (secret, headers, body.replace("Ü", "U")),
        (secret, {**headers, "webhook-id": "test:2"}, body),
    ):
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Webhook(other_secret).verify(other_body, other_headers)


def test_signature_headers_of_an_old_message_are_rejected_as_a_replay() -> None:
    secret = generate_signing_secret()
    headers = build_signature_headers(secret, "test:1", datetime.now(UTC) - timedelta(hours=1), "{}")
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify("{}", headers)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "ftp://example.com",
        "https://",
        "https://user:pass@example.com/",
        "https://[::1",
        "//x",
        "https://a..b/",
        f"https://{'a' * 64}.example.com/",
        "https://.example.com/",
    ],
)
def test_parse_url_that_is_not_plain_https_is_rejected(url: str) -> None:
    with pytest.raises(WebhookUrlError):
        parse_url(url, private=False)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.5",
        "172.16.3.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "::1",
        "fd00::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
    ],
)
def test_resolve_host_with_a_private_address_is_rejected(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # A public address among the results does not change this.
    results = [(family, 1, 6, "", (address, 443)), (socket.AF_INET, 1, 6, "", ("93.184.215.14", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: results)
    parts = parse_url("https://rebind.example.com/x", private=False)
    with pytest.raises(WebhookUrlError, match="private network"):
        resolve_host(parts, private=False)
    assert resolve_host(parts, private=True)


def test_resolve_host_returns_the_ipv4_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results = [
        (socket.AF_INET6, 1, 6, "", ("2606:2800:21f::1", 443)),
        (socket.AF_INET, 1, 6, "", ("93.184.215.14", 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: results)
    assert resolve_host(parse_url("https://example.com/x", private=False), private=False) == "93.184.215.14"
