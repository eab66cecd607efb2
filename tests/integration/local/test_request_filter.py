"""Tests of the AWS emulator's request filter: it serves local programs and the portal's pages, and no other page."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from onboarding.local.request_filter import Message, Receive, RequestFilter, Scope, Send

PORT = 4566
HOST = f"127.0.0.1:{PORT}"
HOSTS = {HOST, f"localhost:{PORT}"}
PORTAL = "http://127.0.0.1:8000"
BROWSER = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


async def emulator(scope: Scope, _receive: Receive, send: Send) -> None:
    """Respond like the emulator, with CORS headers that allow every page."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    headers = [(b"access-control-allow-origin", b"*"), (b"Access-Control-Allow-Origin", PORTAL.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"served"})


def send_request(
    headers: dict[str, str] | list[tuple[str, str]],
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    kind: str = "http",
    origin: str | None = PORTAL,
) -> list[Message]:
    """Return the messages of the response to a request."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        return {"type": f"{kind}.connect"}

    pairs = headers.items() if isinstance(headers, dict) else headers
    scope: dict[str, Any] = {
        "type": kind,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in pairs],
    }
    if kind == "http":
        scope["method"] = method
    asyncio.run(RequestFilter(emulator, HOSTS, origin)(scope, receive, send))
    return messages


def is_served(*arguments: Any, **options: Any) -> bool:
    first = send_request(*arguments, **options)[0]
    assert (first["status"] in {200, 403}) if first["type"] == "http.response.start" else True
    return first["type"] == "websocket.accept" or first.get("status") == 200


@pytest.mark.parametrize("host", [HOST, f"localhost:{PORT}", f"LocalHost:{PORT}"])
def test_filter_own_host_is_served(host: str) -> None:
    assert is_served({"host": host})


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:4567",
        f"127.0.0.1.evil.example:{PORT}",
        f"localhost.evil.example:{PORT}",
        f"bucket.localhost:{PORT}",
        f"evil@127.0.0.1:{PORT}",
        f"0.0.0.0:{PORT}",
        "",
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_filter_foreign_host_is_rejected(host: str, kind: str) -> None:
    assert not is_served({"host": host}, kind=kind)


def test_filter_missing_or_repeated_host_is_rejected() -> None:
    assert not is_served({})
    assert not is_served([("host", HOST), ("host", "evil.example")])
    assert not is_served([("host", HOST), ("Host", HOST)])


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1:8001",
        "http://localhost:8000",
        "https://127.0.0.1:8000",
        f"http://{HOST}",
        f"{PORTAL}.evil.example",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "HEAD"])
def test_filter_foreign_origin_is_rejected(origin: str, method: str) -> None:
    assert not is_served({"host": HOST, "origin": origin}, method=method)
    assert not is_served([("host", HOST), ("origin", PORTAL), ("origin", origin)], method=method)
    assert not is_served({"host": HOST, "origin": origin}, kind="websocket")


def test_filter_portal_origin_is_served() -> None:
    assert is_served({"host": HOST, "origin": PORTAL, "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"})
    assert not is_served({"host": HOST, "origin": PORTAL}, origin=None)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin"])
@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/", "Action=CreateStack&StackName=x&X-Amz-Signature=0"),
        ("/_aws/execute-api/abc/reports/x", "Action=CreateStack"),
        ("/ecommerce-product-uploads-000000000000", "versions"),
        ("/2015-03-31/functions", ""),
        ("/_ministack/health", ""),
    ],
)
def test_filter_request_by_a_page_without_origin_is_rejected(site: str, path: str, query: str) -> None:
    headers = {"host": HOST, "sec-fetch-site": site}
    for mode in (BROWSER, {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}):
        assert not is_served(headers | mode, method="GET", path=path, query=query)


@pytest.mark.parametrize(
    ("path", "query"), [("/_aws/execute-api/abc/reports/token", ""), ("/bucket/errors/x.csv", "X-Amz-Signature=ab")]
)
def test_filter_followed_link_to_a_download_is_served(path: str, query: str) -> None:
    headers = {"host": HOST, "sec-fetch-site": "same-site"}
    assert is_served(headers | BROWSER, method="GET", path=path, query=query)
    assert not is_served(headers | BROWSER, method="POST", path=path, query=query)
    assert is_served(
        headers | {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty"}, method="GET", path=path, query=query
    )
    for override in ({"sec-fetch-dest": "iframe"}, {"sec-fetch-dest": "script"}, {"sec-fetch-mode": "cors"}):
        assert not is_served(headers | BROWSER | override, method="GET", path=path, query=query)


@pytest.mark.parametrize(
    ("path", "query"), [("/_aws/execute-api/abc/reports/token", ""), ("/2015-03-31/functions", "X-Amz-Signature=ab")]
)
def test_filter_request_by_an_object_opened_as_page_is_rejected(path: str, query: str) -> None:
    """An object of the bucket that a browser shows as a page could read the response."""
    headers = {"host": HOST, "sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty"}
    assert not is_served(headers, method="GET", path=path, query=query)


def test_filter_typed_address_is_served() -> None:
    assert is_served({"host": HOST, "sec-fetch-site": "none"} | BROWSER, method="GET", path="/_ministack/health")


def test_filter_response_allows_no_foreign_origin() -> None:
    for headers in ({"host": HOST}, {"host": HOST, "origin": PORTAL}):
        [start, _] = send_request(headers)
        assert start["headers"] == [(b"Access-Control-Allow-Origin", PORTAL.encode())]
    [start, body] = send_request({"host": HOST, "origin": "http://evil.example"})
    assert not any(name.lower().startswith(b"access-control") for name, _ in start["headers"])
    assert b"only the portal's pages" in body["body"]


def test_filter_lifespan_passes() -> None:
    scope_types: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        scope_types.append(scope["type"])

    asyncio.run(RequestFilter(app, HOSTS, PORTAL)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert scope_types == ["lifespan"]
