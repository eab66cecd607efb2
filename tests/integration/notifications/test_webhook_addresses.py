"""Webhook addresses: only public ones are accepted, and errors do not show the response."""

from __future__ import annotations

import ipaddress
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.notifications import webhook
from onboarding.notifications.webhook import WebhookEndpoint, is_public

PRIVATE_V4 = (
    *("0.0.0.0", "10.0.0.5", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.3.1", "192.0.0.8", "192.0.0.170"),  # noqa: S104
    *("192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1"),
    "255.255.255.255",
)

EMBEDDED = (
    "::ffff:{}",
    "::ffff:0:{}",
    "::{}",
    "64:ff9b::{}",
    "64:ff9b:1::{}",
    "fe80::5efe:{}",
)
"""Ways to write an IPv4 address inside an IPv6 one."""


@pytest.mark.parametrize("address", PRIVATE_V4)
def test_is_public_private_ipv4_in_any_form_is_false(address: str) -> None:
    assert not is_public(address)
    for form in EMBEDDED:
        assert not is_public(form.format(address)), form
    number = int(ipaddress.IPv4Address(address))
    assert not is_public(str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1))), "6to4"


@pytest.mark.parametrize(
    "address",
    [
        *(
            "::",
            "::1",
            "100::1",
            "1fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ),
        *("2001::1", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:5db8:d70e::1", "3fff::1", "fe80::1%eth0"),
    ],
)
def test_is_public_ipv6_outside_the_internet_is_false(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("93.184.215.14", "1.1.1.1", "2606:2800:21f::1", "2a00:1450:4001::1", "2600:9000::1"),
        *("::ffff:93.184.215.14", "64:ff9b::93.184.215.14"),
    ],
)
def test_is_public_internet_address_is_true(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_is_public_ipv4_with_nat64_or_mapped_has_the_same_result(address: ipaddress.IPv4Address) -> None:
    public = is_public(str(address))
    assert is_public(f"::ffff:{address}") == is_public(f"64:ff9b::{address}") == public
    if public:
        assert address.is_global
    assert not is_public(f"::ffff:0:{address}")
    assert not is_public(f"::{address}")


@given(st.ip_addresses(v=6))
def test_is_public_any_public_ipv6_is_in_the_assigned_space(address: ipaddress.IPv6Address) -> None:
    if is_public(str(address)) and not address.ipv4_mapped and not str(address).startswith("64:ff9b::"):
        assert address in ipaddress.IPv6Network("2000::/3")
        assert address.sixtofour is None
        assert address.teredo is None


def test_attempt_server_without_http_does_not_show_its_response() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        threading.Thread(target=greet, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        status, error = webhook._attempt_delivery(WebhookEndpoint(url, "secret"), {}, b"{}", private=True)
    assert (status, error) == (0, "the response is not HTTP")


def test_attempt_server_closes_the_connection_returns_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_connection() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)

        threading.Thread(target=close_connection, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        assert webhook._attempt_delivery(WebhookEndpoint(url, "secret"), {}, b"{}", private=True) == (
            0,
            "the connection was lost",
        )
