"""ASGI filter in front of the AWS emulator: accepts requests of programs and of the portal's pages, not of other pages.

The emulator accepts the key `test` with any signature and responds with `Access-Control-Allow-Origin: *`. It listens
only on the loopback address, but a browser on this machine can send it requests of any web page. Browsers send the
page's origin in `Origin`; where they omit it (images, links, GET forms), `Sec-Fetch-Site` shows that a page caused the
request. A page whose host name resolves to the loopback address (DNS rebinding) is detected by its `Host`.
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

    `hosts` are the accepted values of `Host`; `origin` is the portal's, and None refuses every page.
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
            return "in a browser, only the portal's pages can send requests"
        is_from_page = any(site != "none" for site in _values(scope, b"sec-fetch-site"))
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
        # Not from a page of the emulator itself, which can only be an object.
        and "same-origin" not in _values(scope, b"sec-fetch-site")
        # Browsers differ in the mode of downloads; no other page can read the response of either.
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
    """Remove the emulator's permission for all origins. The bucket's own CORS rules allow the portal."""

    async def send_without_wildcard(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", [])
            allowed = [(k, v) for k, v in headers if (k.lower(), v) != (b"access-control-allow-origin", b"*")]
            message = {**message, "headers": allowed}
        await send(message)

    return send_without_wildcard
