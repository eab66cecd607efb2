"""ASGI filter in front of the AWS emulator: serves programs of this machine and the portal's pages, no other page.

The emulator takes the key `test` with any signature and answers with `Access-Control-Allow-Origin: *`. It listens to
the loopback address alone, but a browser on this machine sends it requests of pages from anywhere. Browsers name the
page in `Origin`; where they leave that out (images, links, GET forms), `Sec-Fetch-Site` says that a page caused the
request. A page whose host name was made to lead to the loopback address (DNS rebinding) is known by its `Host`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

REPORT_LINKS = "/_aws/execute-api/"
"""Where the public API of the report links answers."""


class RequestFilter:
    """The emulator's app with the filter before it.

    `hosts` are what clients may call it, with the port; `origin` is the portal's, and None refuses every page.
    """

    def __init__(self, app: App, hosts: Collection[str], origin: str | None) -> None:
        self._app = app
        self._hosts = hosts
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        elif reason := self._refusal(scope):
            await _refuse(scope, receive, send, reason)
        else:
            await self._app(scope, receive, _without_wildcard(send))

    def _refusal(self, scope: Scope) -> str | None:
        """Return why the request is refused, or None."""
        hosts = [host.lower() for host in _values(scope, b"host")]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return f"the host of a request must be one of {', '.join(sorted(self._hosts))}"
        origins = _values(scope, b"origin")
        if any(origin != self._origin for origin in origins):
            return "only the portal's pages may send requests from a browser"
        by_a_page = any(site != "none" for site in _values(scope, b"sec-fetch-site"))
        if by_a_page and not origins and not _is_link_to_download(scope):
            return "a page may only link to reports and to signed addresses of objects"
        return None


def _is_link_to_download(scope: Scope) -> bool:
    """Whether somebody followed a link (or its redirect) to a report or to a signed address of an object.

    The APIs that take their operation from the query (`Action`) are never behind such a link.
    """
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        # An object that is a page: the emulator has no other.
        and "same-origin" not in _values(scope, b"sec-fetch-site")
        # Browsers do not agree on what a download is; its answer is readable to no other page.
        and _values(scope, b"sec-fetch-mode") in (["navigate"], ["no-cors"])
        and _values(scope, b"sec-fetch-dest") in (["document"], ["empty"])
        and "Action" not in query
        and (scope["path"].startswith(REPORT_LINKS) or "X-Amz-Signature" in query)
    )


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


async def _refuse(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    body = f"Refused by the local stack: {reason}.\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _without_wildcard(send: Send) -> Send:
    """Drop the emulator's permission for every page. The bucket's own CORS rules name the portal."""

    async def send_without_wildcard(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", [])
            kept = [(k, v) for k, v in headers if (k.lower(), v) != (b"access-control-allow-origin", b"*")]
            message = {**message, "headers": kept}
        await send(message)

    return send_without_wildcard
