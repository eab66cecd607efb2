"""Webhook deliveries: signing in the Standard Webhooks format, sending to public addresses, recording each attempt.

This code runs outside the private network, where it reaches the Internet and not the database. It reads the table
`webhooks`, which the API fills, and writes the table `webhook-deliveries`.
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
"""Sort key of the item that holds a vendor's webhook address."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix that marks a secret
SECRET_BYTES = 32

TIMEOUT = urllib3.Timeout(connect=5, read=10)
DEADLINE = 12.0
"""Limit in seconds for a whole delivery: a server that sends a few bytes at a time stays within the other limits."""
KEPT = timedelta(days=90)

INTERNET_V6 = ipaddress.IPv6Network("2000::/3")
RESERVED_V6 = tuple(ipaddress.IPv6Network(network) for network in ("2001::/23", "2002::/16", "3fff::/20"))
"""Protocol assignments (Teredo among them), 6to4, documentation."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
RESERVED_V4 = tuple(ipaddress.IPv4Network(network) for network in ("192.0.0.0/24", "192.88.99.0/24"))
"""Protocol assignments and the 6to4 relay, which some versions of Python count as global."""

LATE = "no response in time"


class Refused(Exception):
    """A webhook must not use this address; the message states the reason."""


class NotDelivered(Exception):
    """The vendor's server did not accept the message; the delivery must be retried."""


@dataclass(frozen=True, slots=True)
class Address:
    """A vendor's webhook: its URL, and the secret that signs messages to it."""

    url: str
    secret: str


def generate_signing_secret() -> str:
    """Return a new secret in the form that the Standard Webhooks libraries read."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature_headers(secret: str, message_id: str, sent_at: datetime, body: str) -> dict[str, str]:
    """Return the headers by which a receiver verifies a message, and ignores repeated and outdated ones."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, sent_at, body),
    }


def get_address(ctx: AppContext, vendor_id: str) -> Address | None:
    """Return a vendor's webhook, or None if it has none."""
    key = {"vendor_id": {"S": vendor_id}, "entry": {"S": ADDRESS}}
    item = ctx.dynamodb.get_item(TableName=ctx.settings.webhooks_table, Key=key, ConsistentRead=True).get("Item")
    return Address(item["url"]["S"], item["secret"]["S"]) if item else None


def deliver(ctx: AppContext, vendor_id: str, event: str, subject: str, data: Mapping[str, Any]) -> bool:
    """Send an event to a vendor's webhook; return False if the vendor has none. Raises NotDelivered.

    Every attempt for a `subject` has the same message id, by which a receiver recognises a repetition.
    """
    address = get_address(ctx, vendor_id)
    if address is None:
        return False
    # The signed content joins id, timestamp and body with dots.
    message_id = f"{event.replace('.', '_')}:{subject}"
    body = json.dumps({"event": event, "id": message_id, **data}, ensure_ascii=False)
    started = time.monotonic()
    status, error = _send(address, message_id, body, private=ctx.settings.webhooks_may_be_private)
    _record(
        ctx,
        vendor_id,
        event=event,
        subject=subject,
        url=address.url,
        status=status,
        error=error,
        milliseconds=round((time.monotonic() - started) * 1000),
    )
    if error:
        raise NotDelivered(f"{event} {subject}: {error}")
    return True


def _send(address: Address, message_id: str, body: str, *, private: bool) -> tuple[int, str]:
    """Return the status (0 without a response) and, if the message was not accepted, the reason."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "product-onboarding-webhook",
        **signature_headers(address.secret, message_id, datetime.now(UTC), body),
    }
    result: Future[tuple[int, str]] = Future()

    def attempt() -> None:
        try:
            result.set_result(_attempt(address, headers, body.encode(), private=private))
        except BaseException as error:  # noqa: BLE001 - raised below by `result`
            result.set_exception(error)

    # Neither a name look-up nor a connection can be interrupted: after the deadline the thread is abandoned.
    Thread(target=attempt, daemon=True).start()
    try:
        return result.result(DEADLINE)
    except TimeoutError:
        return 0, LATE


def _attempt(address: Address, headers: Mapping[str, str], body: bytes, *, private: bool) -> tuple[int, str]:
    try:
        parts = parse_url(address.url, private=private)
        response = _post(parts, resolve_host(parts, private=private), headers, body)
    except (Refused, urllib3.exceptions.HTTPError, OSError) as error:
        return 0, _describe(error)
    return response.status, "" if 200 <= response.status < 300 else f"HTTP {response.status}"


def _describe(error: Exception) -> str:
    """Return why a delivery failed, in words for the vendor."""
    match error:
        case Refused():
            return str(error)
        case socket.gaierror():
            return "host name not found"
        case urllib3.exceptions.NewConnectionError():
            return "could not connect to the server"
        case urllib3.exceptions.TimeoutError():
            return LATE
        case urllib3.exceptions.SSLError():
            return f"TLS certificate not accepted: {error}"[:300]
        case urllib3.exceptions.ProtocolError(args=(_, http.client.HTTPException() as cause)) if not isinstance(
            cause, http.client.RemoteDisconnected
        ):
            # The response is not shown: the server may be one that only we can reach.
            return "the response is not HTTP"
        case _:
            return "the connection was lost"


def parse_url(url: str, *, private: bool) -> SplitResult:
    """Return the parts of a webhook's URL. Raises Refused."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Refused("it is not a valid URL") from error
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise Refused("it must begin with https://")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise Refused("it must have a host name and no user name")
    try:
        # The look-up encodes the name like this: no part may be empty or longer than 63 letters.
        parts.hostname.encode("idna")
    except UnicodeError as error:
        raise Refused("the host name is not valid") from error
    return parts


def resolve_host(parts: SplitResult, *, private: bool) -> str:
    """Return the IP address to connect to. Raises Refused unless all addresses of the host are public.

    A vendor could otherwise have us call servers that only we can reach.
    """
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = [str(info[4][0]) for info in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)]
    if not private and not all(map(is_public, addresses)):
        raise Refused("it points to a private network")
    # IPv4 first: not every network has IPv6 to the outside.
    return min(addresses, key=lambda address: ":" in address)


def is_public(address: str) -> bool:
    """Return whether an IP address is public, and does not embed one that is not."""
    known = ipaddress.ip_address(address)
    if isinstance(known, ipaddress.IPv6Address):
        known = known.ipv4_mapped or _behind_nat64(known) or known
    if isinstance(known, ipaddress.IPv6Address):
        # Other ranges embed IPv4 addresses, are not public, or are not assigned yet.
        return known in INTERNET_V6 and not any(known in network for network in RESERVED_V6) and known.is_global
    public = known.is_global and not (known.is_multicast or known.is_reserved)
    return public and not any(known in network for network in RESERVED_V4)


def _behind_nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None


def _post(parts: SplitResult, ip: str, headers: Mapping[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
    """Post to the address that was checked: a second look-up of the name could return another one."""
    assert parts.hostname is not None, "checked"  # noqa: S101
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
        # The body is not read, however long it is.
        response.close()
        return response


def _record(ctx: AppContext, vendor_id: str, **attempt: str | int) -> None:
    now = datetime.now(UTC)
    item: dict[str, Any] = {
        "vendor_id": {"S": vendor_id},
        "entry": {"S": f"{now.isoformat(timespec='milliseconds')}#{secrets.token_hex(3)}"},
        "at": {"S": now.isoformat(timespec="milliseconds")},
        "expires_at": {"N": str(int((now + KEPT).timestamp()))},
        **{name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in attempt.items()},
    }
    ctx.dynamodb.put_item(TableName=ctx.settings.webhook_deliveries_table, Item=item)
