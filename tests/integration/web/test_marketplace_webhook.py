"""Webhook of the marketplace: one event after each upload, undo or block that changed products."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from onboarding.storage.product_feed import FeedPosition
from onboarding.web import product_events
from tests.support.api_clients import upload
from tests.support.http_server import serve
from tests.support.isolation_attempts import running_app
from tests.support.running_pipeline import Pipeline, csv_of, product, wait_until

PATH = "/v1/operator/webhook"


class Receiver(BaseHTTPRequestHandler):
    """Request handler of a server of the marketplace."""

    requests: list[tuple[dict[str, str], bytes]]
    status = 200

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.requests.append((headers, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Write no log."""


@pytest.fixture
def server(operator: httpx.Client) -> Iterator[tuple[type[Receiver], str]]:
    """Yield a server that receives the events, and the secret that signs them."""

    class Own(Receiver):
        requests: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012 - one for each test

    with serve(Own) as url:
        response = operator.put(PATH, json={"url": f"{url}/hook", "new_secret": True})
        assert response.status_code == 200, response.text
        yield Own, response.json()["secret"]
        assert operator.delete(PATH).status_code == 204


def list_messages(receiver: type[Receiver]) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in receiver.requests]


def list_cursors(receiver: type[Receiver]) -> list[FeedPosition]:
    return [FeedPosition.parse(message["cursor"]) for message in list_messages(receiver)]


def test_webhook_of_the_marketplace_is_notified_of_uploads_that_change_products(
    pipeline: Pipeline, vendor_a: httpx.Client, operator: httpx.Client, server: tuple[type[Receiver], str]
) -> None:
    receiver, secret = server
    rows = [product("news-1"), product("news-2", price="x")]
    first = upload(vendor_a, pipeline, csv_of(rows), "news.csv")
    wait_until(lambda: receiver.requests, "the first event")
    headers, body = receiver.requests[0]
    message = Webhook(secret).verify(body, headers)
    assert message == {
        "event": "products.changed",
        "id": f"products_changed:{message['cursor']}",
        "cursor": message["cursor"],
    }
    assert headers["webhook-id"] == message["id"]
    # The events of the upload are at this position or before.
    query = (
        "select max((transaction_id, event_id))::text from product_events "
        "where product_ids && array(select product_id from products where vendor_id = 'VENDA')"
    )
    assert pipeline.connection.execute(query).fetchone() == (f"({message['cursor'].replace('-', ',')})",)
    # Neither an upload of which no row was accepted is an event, nor one that confirms the products.
    upload(vendor_a, pipeline, csv_of([product("news-3", price="x")]), "news-invalid.csv")
    unchanged = upload(vendor_a, pipeline, csv_of(rows[:1]), "news-unchanged.csv", mode="update", force=True)
    assert unchanged.unchanged_records == 1
    last = upload(vendor_a, pipeline, csv_of([product("news-4")]), "news-last.csv")
    wait_until(lambda: len(receiver.requests) > 1, "the second event")
    assert vendor_a.post(f"/v1/uploads/{last.upload_id}/undo").status_code == 200
    wait_until(lambda: len(receiver.requests) > 2, "the event of the undo")
    # A repeated undo changes nothing.
    assert vendor_a.post(f"/v1/uploads/{last.upload_id}/undo").status_code == 200
    assert vendor_a.post(f"/v1/uploads/{first.upload_id}/undo").status_code == 200
    wait_until(lambda: len(receiver.requests) > 3, "the event of the other undo")
    cursors = list_cursors(receiver)
    assert len(cursors) == 4
    assert cursors == sorted(set(cursors))
    items = wait_until(
        lambda: [
            item for item in operator.get(f"{PATH}/deliveries").json()["items"] if item["subject"] == str(cursors[3])
        ],
        "the delivery to be recorded",
    )
    assert [(item["event"], item["status"], item["error"]) for item in items] == [("products.changed", 200, "")]
    # Vendors see neither the webhook nor its deliveries.
    assert vendor_a.get(PATH).status_code == 404
    assert "products.changed" not in vendor_a.get("/v1/webhook/deliveries").text


def test_webhook_of_the_marketplace_that_fails_does_not_delay_the_webhook_of_the_vendor(
    pipeline: Pipeline, vendor_b: httpx.Client, operator: httpx.Client, server: tuple[type[Receiver], str]
) -> None:
    receiver, _ = server
    receiver.status = 500

    class OfVendor(Receiver):
        requests: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012 - one for each test

    with serve(OfVendor) as url:
        vendor_b.put("/v1/webhook", json={"url": url})
        upload(vendor_b, pipeline, csv_of([product("news-failed")]), "news-failed.csv")
        wait_until(lambda: OfVendor.requests, "the event of the vendor")
        vendor_b.delete("/v1/webhook")
    assert [message["event"] for message in list_messages(OfVendor)] == ["upload.finished"]
    assert [message["event"] for message in list_messages(receiver)] == ["products.changed"]
    [cursor] = list_cursors(receiver)
    items = operator.get(f"{PATH}/deliveries").json()["items"]
    assert [item["error"] for item in items if item["subject"] == str(cursor)] == ["HTTP 500"]


def test_webhook_of_the_marketplace_test_message_is_sent(
    operator: httpx.Client, server: tuple[type[Receiver], str]
) -> None:
    receiver, secret = server
    started = operator.post(f"{PATH}/test")
    assert started.status_code == 202
    wait_until(lambda: receiver.requests, "the test message")
    headers, body = receiver.requests[0]
    assert Webhook(secret).verify(body, headers) == {"event": "test", "id": f"test:{started.json()['id']}"}


def test_webhook_of_the_marketplace_is_set_listed_and_removed(operator: httpx.Client) -> None:
    url = "https://marketplace.example/hook"
    assert operator.get(PATH).status_code == 404
    assert operator.post(f"{PATH}/test").status_code == 404
    assert operator.put(PATH, json={"url": "ftp://marketplace.example"}).status_code == 400
    created = operator.put(PATH, json={"url": url}).json()
    assert created["secret"].startswith("whsec_")
    changed = operator.put(PATH, json={"url": f"{url}/2"}).json()
    assert (changed["url"], changed["secret"]) == (f"{url}/2", None)
    assert operator.get(PATH).json()["secret"] is None
    replaced = operator.put(PATH, json={"url": url, "new_secret": True}).json()
    assert replaced["secret"] not in {None, created["secret"]}
    assert [operator.delete(PATH).status_code for _ in range(2)] == [204, 204]
    assert operator.get(PATH).status_code == 404
    entries = operator.get("/v1/operator/audit-log").json()["items"]
    actions = [entry["action"] for entry in entries if entry["vendor_id"] is None and "webhook" in entry["action"]]
    assert actions[:4] == ["webhook_removed", "webhook_set", "webhook_set", "webhook_set"]


def test_notify_products_changed_that_fails_does_not_fail_the_request(
    pipeline: Pipeline, operator: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.put(PATH, json={"url": "https://marketplace.example/hook"})
    calls = []

    def start_function(name: str, event: object) -> None:
        calls.append(name)
        raise OSError("no connection")

    with running_app(pipeline) as app:
        monkeypatch.setattr(app.state.pool.ctx, "start_function", start_function)
        product_events.notify_products_changed(app.state.pool)
    assert calls == ["webhook"]
    operator.delete(PATH)


def test_webhook_of_the_marketplace_is_notified_of_an_undo_whose_products_remain_searchable(
    pipeline: Pipeline, vendor_a: httpx.Client, server: tuple[type[Receiver], str]
) -> None:
    receiver, _ = server
    undone = upload(vendor_a, pipeline, csv_of([product("news-undone")]), "news-undone.csv")
    wait_until(lambda: receiver.requests, "the event of the upload")
    pipeline.connection.execute("alter function refresh_product_search rename to later")
    try:
        assert vendor_a.post(f"/v1/uploads/{undone.upload_id}/undo").status_code == 200
    finally:
        pipeline.connection.execute("alter function later rename to refresh_product_search")
    wait_until(lambda: len(receiver.requests) > 1, "the event of the undo")
