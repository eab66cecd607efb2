"""Webhooks as they are sent: signed, to addresses of the Internet alone, each attempt recorded.

This runs outside the private network, where whole Internet can be reached and the database cannot: what it needs is in
the table `webhooks`, where the API puts it. It writes to `webhook-deliveries` alone.
"""

from __future__ import annotations

import hmac
import http.client
import ipaddress
import json
import socket
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Thread
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3

from onboarding.runtime import AppContext
from onboarding.web.tokens import generate_secret

ADDRESS = "address"
"""The entry of a vendor that says where to send to."""

TIMEOUT = urllib3.Timeout(connect=5, read=10)
DEADLINE = 12.0
"""Seconds that a delivery may take in all: a server that sends a little now and then keeps to every other limit."""
KEPT = timedelta(days=90)

INTERNET_V6 = ipaddress.IPv6Network("2000::/3")
RESERVED_V6 = tuple(ipaddress.IPv6Network(network) for network in ("2001::/23", "2002::/16", "3fff::/20"))
"""Protocol assignments (Teredo among them), 6to4, documentation."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
RESERVED_V4 = tuple(ipaddress.IPv4Network(network) for network in ("192.0.0.0/24", "192.88.99.0/24"))
"""Protocol assignments and the 6to4 relay, which some versions of Python count among the Internet's."""

LATE = "the server did not answer in time"


class Refused(Exception):
    """The address is not one that a webhook may lead to."""


class NotDelivered(Exception):
    """The vendor's server did not take it; to be tried again."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a vendor is told of things."""

    url: str
    secret: str


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """What the header `Onboarding-Signature` says; the receiver computes the same and compares."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def get_address(ctx: AppContext, vendor_id: str) -> Address | None:
    key = {"vendor_id": {"S": vendor_id}, "entry": {"S": ADDRESS}}
    item = ctx.dynamodb.get_item(TableName=ctx.settings.webhooks_table, Key=key, ConsistentRead=True).get("Item")
    return Address(item["url"]["S"], item["secret"]["S"]) if item else None


def deliver(ctx: AppContext, vendor_id: str, event: str, subject: str, data: Mapping[str, Any]) -> bool:
    """Tell a vendor of an event, if it wants to hear; whether it did. Raises `NotDelivered` for another try.

    `subject` names the event for good: a receiver that sees it twice has seen it once.
    """
    address = get_address(ctx, vendor_id)
    if address is None:
        return False
    body = json.dumps({"event": event, "id": f"{event}:{subject}", **data}, ensure_ascii=False).encode()
    started = time.monotonic()
    status, error = _send(address, event, body, private=ctx.settings.webhooks_may_be_private)
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


def _send(address: Address, event: str, body: bytes, *, private: bool) -> tuple[int, str]:
    """The status and, if it was not taken, why."""
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "product-onboarding-webhook",
        "Onboarding-Event": event,
        "Onboarding-Signature": signature(address.secret, timestamp, body),
    }
    told: Future[tuple[int, str]] = Future()

    def attempt() -> None:
        try:
            told.set_result(_attempt(address, headers, body, private=private))
        except BaseException as error:  # noqa: BLE001 - raised below, where the result is asked for
            told.set_exception(error)

    # Neither the look-up of a name nor a connection can be ended from outside, so it is left to itself.
    Thread(target=attempt, daemon=True).start()
    try:
        return told.result(DEADLINE)
    except TimeoutError:
        return 0, LATE


def _attempt(address: Address, headers: Mapping[str, str], body: bytes, *, private: bool) -> tuple[int, str]:
    try:
        parts = parse_url(address.url, private=private)
        answer = _post(parts, resolve_host(parts, private=private), headers, body)
    except (Refused, urllib3.exceptions.HTTPError, OSError) as error:
        return 0, _describe(error)
    return answer.status, "" if 200 <= answer.status < 300 else f"the server answered {answer.status}"


def _describe(error: Exception) -> str:
    """Why nothing came of it, for the vendor, who knows its server and not our libraries."""
    match error:
        case Refused():
            return str(error)
        case socket.gaierror():
            return "the host's name could not be found"
        case urllib3.exceptions.NewConnectionError():
            return "no connection to the server could be made"
        case urllib3.exceptions.TimeoutError():
            return LATE
        case urllib3.exceptions.SSLError():
            return f"the server's certificate was not accepted: {error}"[:300]
        case urllib3.exceptions.ProtocolError(args=(_, http.client.HTTPException() as cause)) if not isinstance(
            cause, http.client.RemoteDisconnected
        ):
            # What it said instead is not shown: it may be a server that only we can reach.
            return "the server does not speak HTTP"
        case _:
            return "the connection to the server broke"


def parse_url(url: str, *, private: bool) -> SplitResult:
    """An address in its parts. Raises `Refused` for one that no webhook may have."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Refused("this is not an address") from error
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise Refused("the address must begin with https://")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise Refused("the address must name a host, and no user")
    try:
        # As it will be when the name is looked up: no part is empty or over 63 letters.
        parts.hostname.encode("idna")
    except UnicodeError as error:
        raise Refused("this is not a host's name") from error
    return parts


def resolve_host(parts: SplitResult, *, private: bool) -> str:
    """The IP address to connect to. Every one that the name has must be of the Internet, or it is refused: else a
    vendor could have us ask what only we can reach."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = [info[4][0] for info in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)]
    if not private and not all(is_public(str(address)) for address in found):
        raise Refused("the address leads to a private network")
    # IPv4 first: not every network that we run in has IPv6 to the outside.
    return min(map(str, found), key=lambda address: ":" in address)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the Internet's, directly and not inside an address of another kind."""
    known = ipaddress.ip_address(address)
    if isinstance(known, ipaddress.IPv6Address):
        known = known.ipv4_mapped or _behind_nat64(known) or known
    if isinstance(known, ipaddress.IPv6Address):
        # What lies outside holds IPv4 addresses in other forms, or is not for the Internet, or not assigned yet.
        return known in INTERNET_V6 and not any(known in network for network in RESERVED_V6) and known.is_global
    public = known.is_global and not (known.is_multicast or known.is_reserved)
    return public and not any(known in network for network in RESERVED_V4)


def _behind_nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None


def _post(parts: SplitResult, ip: str, headers: Mapping[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
    """Post to the very address that was checked: asking the name again could give another one."""
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
        answer = pool.urlopen(
            "POST",
            path,
            body=body,
            headers={**headers, "Host": host},
            redirect=False,
            retries=False,
            timeout=TIMEOUT,
            preload_content=False,
        )
        # What it says beside the status is not for us, however much it is.
        answer.close()
        return answer


def _record(ctx: AppContext, vendor_id: str, **said: str | int) -> None:
    now = datetime.now(UTC)
    item: dict[str, Any] = {
        "vendor_id": {"S": vendor_id},
        "entry": {"S": f"{now.isoformat(timespec='milliseconds')}#{generate_secret()[:6]}"},
        "at": {"S": now.isoformat(timespec="milliseconds")},
        "expires_at": {"N": str(int((now + KEPT).timestamp()))},
        **{name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in said.items()},
    }
    ctx.dynamodb.put_item(TableName=ctx.settings.webhook_deliveries_table, Item=item)
