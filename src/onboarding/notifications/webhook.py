"""Webhook deliveries: signing in the Standard Webhooks format, sending to public addresses, recording each attempt.

This code runs outside the private network, where the Internet can be reached and the database cannot. It reads the
DynamoDB table `webhooks`, which the API fills, and writes the table `webhook-deliveries`.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import secrets
import socket
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3
from standardwebhooks import Webhook

from onboarding.runtime import AppContext

ADDRESS = "address"
"""Sort key of the item with a webhook endpoint."""

MARKETPLACE = "*"
"""Owner of the marketplace's webhook, in place of a vendor; no id of a vendor contains this character."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that marks a secret
SECRET_BYTES = 32

TIMEOUT = urllib3.Timeout(connect=5, read=10)
DEADLINE = 12.0
"""Time limit for a whole delivery in seconds: a server that sends a few bytes at a time stays within `TIMEOUT`."""

RETENTION = timedelta(days=90)
"""How long a delivery attempt is listed."""

INTERNET_V6 = ipaddress.IPv6Network("2000::/3")
RESERVED_V6 = tuple(ipaddress.IPv6Network(network) for network in ("2001::/23", "2002::/16", "3fff::/20"))
"""Protocol assignments (Teredo among them), 6to4, documentation."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
RESERVED_V4 = tuple(ipaddress.IPv4Network(network) for network in ("192.0.0.0/24", "192.88.99.0/24"))
"""Protocol assignments and the 6to4 relay, which some versions of Python count as global."""

TIMED_OUT = "no response in time"


class WebhookUrlError(Exception):
    """A webhook cannot use this URL; the message states the reason."""


class DeliveryFailed(Exception):
    """The receiver's server did not accept the message."""


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """A webhook endpoint: its URL, and the secret that signs messages to it."""

    url: str
    secret: str


def generate_signing_secret() -> str:
    """Return a new secret in the format of the Standard Webhooks libraries."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def build_signature_headers(secret: str, message_id: str, sent_at: datetime, body: str) -> dict[str, str]:
    """Return the headers with which a receiver verifies a message and ignores repeated and outdated messages."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, sent_at, body),
    }


def get_endpoint(ctx: AppContext, owner: str) -> WebhookEndpoint | None:
    """Return the webhook endpoint of a vendor or the marketplace, or None if there is none."""
    key = {"vendor_id": {"S": owner}, "entry": {"S": ADDRESS}}
    item = ctx.dynamodb.get_item(TableName=ctx.settings.webhooks_table, Key=key, ConsistentRead=True).get("Item")
    return WebhookEndpoint(item["url"]["S"], item["secret"]["S"]) if item else None


def deliver(ctx: AppContext, owner: str, event: str, subject: str, data: Mapping[str, Any]) -> bool:
    """Send an event to the webhook of a vendor or the marketplace; return False if there is none.

    Raises DeliveryFailed.
    Every attempt for the same `event` and `subject` has the same message id, so that a receiver can ignore repetitions.
    """
    endpoint = get_endpoint(ctx, owner)
    if endpoint is None:
        return False
    # No dot in the id: the signed content joins id, timestamp and body with dots.
    message_id = f"{event.replace('.', '_')}:{subject}"
    body = json.dumps({"event": event, "id": message_id, **data}, ensure_ascii=False)
    started = time.monotonic()
    status, error = _send(endpoint, message_id, body, private=ctx.settings.webhooks_may_be_private)
    _record(
        ctx,
        owner,
        event=event,
        subject=subject,
        url=endpoint.url,
        status=status,
        error=error,
        milliseconds=round((time.monotonic() - started) * 1000),
    )
    if error:
        raise DeliveryFailed(f"{event} {subject}: {error}")
    return True


def _send(endpoint: WebhookEndpoint, message_id: str, body: str, *, private: bool) -> tuple[int, str]:
    """Send a message; return the HTTP status (0 without a response) and, if it was not accepted, the reason."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "product-onboarding-webhook",
        **build_signature_headers(endpoint.secret, message_id, datetime.now(UTC), body),
    }
    result: Future[tuple[int, str]] = Future()

    def run() -> None:
        try:
            result.set_result(_attempt_delivery(endpoint, headers, body.encode(), private=private))
        except BaseException as error:  # noqa: BLE001 - `result` raises it below
            result.set_exception(error)

    # Name look-ups and connections cannot be interrupted: after the deadline the thread is abandoned.
    Thread(target=run, daemon=True).start()
    try:
        return result.result(DEADLINE)
    except TimeoutError:
        return 0, TIMED_OUT


def _attempt_delivery(
    endpoint: WebhookEndpoint, headers: Mapping[str, str], body: bytes, *, private: bool
) -> tuple[int, str]:
    try:
        parts = parse_url(endpoint.url, private=private)
        response = _post(parts, resolve_host(parts, private=private), headers, body)
    except (WebhookUrlError, urllib3.exceptions.HTTPError, OSError) as error:
        return 0, _describe(error)
    return response.status, "" if 200 <= response.status < 300 else f"HTTP {response.status}"


def _describe(error: Exception) -> str:
    """Return why a delivery failed, as a message for the vendor."""
    match error:
        case WebhookUrlError():
            return str(error)
        case socket.gaierror():
            return "host name not found"
        case urllib3.exceptions.NewConnectionError():
            return "could not connect to the server"
        case urllib3.exceptions.TimeoutError():
            return TIMED_OUT
        case urllib3.exceptions.SSLError():
            return f"TLS certificate not accepted: {error}"[:300]
        case urllib3.exceptions.ProtocolError(args=(_, http.client.HTTPException() as cause)) if not isinstance(
            cause, http.client.RemoteDisconnected
        ):
            # The response is not shown: the server may be internal to our network.
            return "the response is not HTTP"
        case _:
            return "the connection was lost"


def parse_url(url: str, *, private: bool) -> SplitResult:
    """Return the parts of a webhook's URL. Raises WebhookUrlError."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise WebhookUrlError("it is not a valid URL") from error
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise WebhookUrlError("it must begin with https://")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise WebhookUrlError("it must have a host name and no user name")
    try:
        # The name look-up uses this encoding: no label may be empty or longer than 63 characters.
        parts.hostname.encode("idna")
    except UnicodeError as error:
        raise WebhookUrlError("the host name is not valid") from error
    return parts


def resolve_host(parts: SplitResult, *, private: bool) -> str:
    """Return the IP address to connect to. Raises WebhookUrlError unless all addresses of the host are public.

    Otherwise a vendor could send requests to servers that are internal to our network.
    """
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = [str(info[4][0]) for info in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)]
    if not private and not all(map(is_public, addresses)):
        raise WebhookUrlError("it points to a private network")
    # IPv4 first: not every network has IPv6 to the outside.
    return min(addresses, key=lambda address: ":" in address)


def is_public(address: str) -> bool:
    """Return whether an IP address, or the IPv4 address embedded in it, is public."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or _extract_nat64(ip) or ip
    if isinstance(ip, ipaddress.IPv6Address):
        # The excluded ranges embed IPv4 addresses, are not public, or are not assigned yet.
        return ip in INTERNET_V6 and not any(ip in network for network in RESERVED_V6) and ip.is_global
    is_global = ip.is_global and not (ip.is_multicast or ip.is_reserved)
    return is_global and not any(ip in network for network in RESERVED_V4)


def _extract_nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None


def _post(parts: SplitResult, ip: str, headers: Mapping[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
    """Post to the IP address that was checked: a second name look-up could return another one."""
    assert parts.hostname is not None, "parse_url checks it"  # noqa: S101
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            ip, parts.port or 443, server_hostname=parts.hostname, assert_hostname=parts.hostname
        )
    else:
        pool = urllib3.HTTPConnectionPool(ip, parts.port or 80)
    with pool:
        response = pool.urlopen(
            "POST",
            path,
            body=body,
            headers={**headers, "Host": host},
            redirect=False,
            retries=False,
            timeout=TIMEOUT,
            preload_content=False,
        )
        # The body is not read: it may be long, and it is not needed.
        response.close()
        return response


def _record(ctx: AppContext, owner: str, **attempt: str | int) -> None:
    now = datetime.now(UTC)
    item: dict[str, Any] = {
        "vendor_id": {"S": owner},
        "entry": {"S": f"{now.isoformat(timespec='milliseconds')}#{secrets.token_hex(3)}"},
        "at": {"S": now.isoformat(timespec="milliseconds")},
        "expires_at": {"N": str(int((now + RETENTION).timestamp()))},
        **{name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in attempt.items()},
    }
    ctx.dynamodb.put_item(TableName=ctx.settings.webhook_deliveries_table, Item=item)
