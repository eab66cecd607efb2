"""ASGI filter in front of the AWS emulator that rejects requests from web pages other than the portal's.

The emulator accepts the key `test` with any signature and responds with `Access-Control-Allow-Origin: *`. It listens
only on the loopback address, but any web page can make a browser on this machine send requests to it. Browsers send the
page's origin in `Origin`; where they omit it (images, links, GET forms), `Sec-Fetch-Site` shows that a page caused the
request. A page whose host name resolves to the loopback address (DNS rebinding) is detected by the header `Host`.
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
"""The path prefix of the public API for report links."""


class RequestFilter:
    """The emulator's app behind the filter.

    `hosts` are the accepted values of `Host`, `origin` is the portal's. Without an origin all pages are rejected.
    """

    def __init__(self, app: App, hosts: Collection[str], origin: str | None) -> None:
        self._app = app
        self._hosts = hosts
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        elif reason := self._find_rejection(scope):
            await _reject(scope, receive, send, reason)
        else:
            await self._app(scope, receive, _remove_wildcard_origin(send))

    def _find_rejection(self, scope: Scope) -> str | None:
        """Return the reason for which the request is rejected, or None."""
        hosts = [host.lower() for host in _get_header_values(scope, b"host")]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return f"the host of a request must be one of {', '.join(sorted(self._hosts))}"
        origins = _get_header_values(scope, b"origin")
        if any(origin != self._origin for origin in origins):
            return "in a browser, only the portal's pages can send requests"
        is_from_page = any(site != "none" for site in _get_header_values(scope, b"sec-fetch-site"))
        if is_from_page and not origins and not _is_link_to_download(scope):
            return "a page can only link to error reports and to pre-signed URLs of objects"
        return None


def _is_link_to_download(scope: Scope) -> bool:
    """Return whether the request follows a link (or its redirect) to an error report or to a pre-signed URL.

    Requests to APIs with the operation in the query (`Action`) are excluded.
    """
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        # Not from a page of the emulator's own origin, such as an HTML file in the bucket: it could read the response.
        and "same-origin" not in _get_header_values(scope, b"sec-fetch-site")
        # Browsers use different modes for downloads. Pages of other origins cannot read the response in either.
        and _get_header_values(scope, b"sec-fetch-mode") in (["navigate"], ["no-cors"])
        and _get_header_values(scope, b"sec-fetch-dest") in (["document"], ["empty"])
        and "Action" not in query
        and (scope["path"].startswith(REPORT_LINKS) or "X-Amz-Signature" in query)
    )


def _get_header_values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


async def _reject(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    body = f"Rejected by the local stack: {reason}.\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _remove_wildcard_origin(send: Send) -> Send:
    """Return a `send` without the emulator's permission for all origins; the bucket's CORS rules allow the portal."""

    async def send_without_wildcard(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", [])
            allowed = [(k, v) for k, v in headers if (k.lower(), v) != (b"access-control-allow-origin", b"*")]
            message = {**message, "headers": allowed}
        await send(message)

    return send_without_wildcard
