"""Middleware for all requests: host and size checks, security headers and the request log."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onboarding.files.parser import MAX_BYTES
from onboarding.web.auth import Principal
from onboarding.web.errors import Problem, problem_response
from onboarding.web.request_log import logger

MAX_BODY = MAX_BYTES + 64 * 1024
"""The file of a dry run with the form around it; all other requests are smaller."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # A URL can contain the token of an e-mailed link. (With no-referrer, forms would have the origin "null".)
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex",
}


def content_security_policy(bucket_origin: str) -> str:
    """Return the Content-Security-Policy: own files, uploads to the bucket, no inline scripts or styles."""
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
    """Checks the host and size of a request, adds security headers to the response, and writes the request log.

    It is the outermost layer of the application.
    """

    def __init__(self, app: ASGIApp, *, portal_url: str, bucket_origin: str) -> None:
        self.app = app
        parts = urlsplit(portal_url)
        self._host = parts.netloc.lower()
        self._headers = {**HEADERS, "Content-Security-Policy": content_security_policy(bucket_origin)}
        if parts.scheme == "https":
            self._headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        received = 0

        async def limited_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise Problem("too-large", f"A request may have up to {MAX_BODY:,} bytes.")
            return message

        async def secured_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                # All responses except static files depend on the principal and the current data.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            problem = self._check_headers(Headers(scope=scope))
            if problem is not None:
                await problem_response(problem.kind, problem.detail)(scope, receive, secured_send)
            else:
                await self.app(scope, limited_receive, secured_send)
        finally:
            self._log(scope, status, time.perf_counter() - started)

    def _check_headers(self, headers: Headers) -> Problem | None:
        # DNS rebinding: an attacker's host name may resolve to this address.
        if headers.get("host", "").lower() != self._host:
            return Problem("bad-request", "This host name is not served.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            return Problem("too-large", f"A request may have up to {MAX_BODY:,} bytes.")
        return None

    @staticmethod
    def _log(scope: Scope, status: int, seconds: float) -> None:
        """Log a request with its route and not its path, because paths contain tokens."""
        principal: Principal | None = scope.get("state", {}).get("principal")
        route = getattr(scope.get("route"), "path", None)
        fields = {
            "method": scope["method"],
            "route": route,
            "status": status,
            "milliseconds": round(seconds * 1000),
            "actor": principal and principal.actor,
            "vendor_id": principal and principal.vendor_id,
            "ip": (scope.get("client") or ("", 0))[0],
        }
        logger.info("request", extra=fields)
