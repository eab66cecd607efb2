"""What every request passes: the host it names, the size it has, the headers of its answer, and its line in the log."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onboarding.files.parser import MAX_BYTES
from onboarding.web.auth import Principal
from onboarding.web.errors import Problem, response
from onboarding.web.request_log import logger

MAX_BODY = MAX_BYTES + 64 * 1024
"""A dry run's file with what a form puts around it; nothing else comes near."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # An address may hold the token of a mailed link. (With no-referrer, forms would come with the origin "null".)
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex",
}


def policy(bucket_origin: str) -> str:
    """The pages' policy for content: own files, and the bucket to upload to. No inline script, no inline style."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "font-src 'self'",
            f"connect-src 'self' {bucket_origin}",
            f"form-action 'self' {bucket_origin}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class SecurityMiddleware:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, *, portal_url: str, bucket_origin: str) -> None:
        self.app = app
        parts = urlsplit(portal_url)
        self._host = parts.netloc.lower()
        self._headers = {**HEADERS, "Content-Security-Policy": policy(bucket_origin)}
        if parts.scheme == "https":
            self._headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise Problem("too-large", f"A request may have {MAX_BODY:,} bytes at most.")
            return message

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                # Whatever is not a static file belongs to one principal at one moment.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            refusal = self._refusal(Headers(scope=scope))
            if refusal is not None:
                await response(refusal.kind, refusal.detail)(scope, receive, guarded)
            else:
                await self.app(scope, bounded, guarded)
        finally:
            self._log(scope, status, time.perf_counter() - started)

    def _refusal(self, headers: Headers) -> Problem | None:
        # A name that an attacker's server gives this address (DNS rebinding) is not ours.
        if headers.get("host", "").lower() != self._host:
            return Problem("bad-request", "This address is not served here.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            return Problem("too-large", f"A request may have {MAX_BODY:,} bytes at most.")
        return None

    @staticmethod
    def _log(scope: Scope, status: int, seconds: float) -> None:
        """One line for each request. The route, never the path: paths hold tokens."""
        principal: Principal | None = scope.get("state", {}).get("principal")
        route = getattr(scope.get("route"), "path", None)
        said = {
            "method": scope["method"],
            "route": route,
            "status": status,
            "milliseconds": round(seconds * 1000),
            "actor": principal and principal.actor,
            "vendor_id": principal and principal.vendor_id,
            "ip": (scope.get("client") or ("", 0))[0],
        }
        logger.info("request", extra=said)
