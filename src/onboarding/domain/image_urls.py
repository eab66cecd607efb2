"""Validation of image URLs: one public web address, with the reason and a hint for any other text."""

from __future__ import annotations

import html
import ipaddress
import re

from onboarding.domain.text import quoted

_MAX_HINT_LENGTH = 200

# Matches most addresses at once: no separators, character references or percent signs.
_COMMON_URL = re.compile(r"https?://(?:[A-Za-z0-9-]+\.)+(?P<last>[A-Za-z]+)/[\w/.=?@!$*()+~-]*", re.ASCII)
# The host has two or more labels, the last of which begins with a letter; two hexadecimal digits follow a percent sign.
_VALID = re.compile(
    r"https?://(?:[^\W_][\w-]*\.)+(?P<last>[^\W\d_][\w-]*)(?::[0-9]{1,5})?"
    r"(?:[/?#][^\s\"<>\\{}%]*(?:%[0-9A-Fa-f]{2}[^\s\"<>\\{}%]*)*)?",
    re.IGNORECASE,
)
_NOT_PUBLIC = frozenset(
    ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "private", "test", "invalid")
)
_HOST = re.compile(r"https?://(?P<host>\[[^\]/]*\]|[^/?#\s:]*)", re.IGNORECASE)
_WITHIN = re.compile(r"https?://[^\s\"'<>\\|\[\](){},;]+", re.IGNORECASE)
# Also two addresses without a separator: a scheme directly after a letter or digit begins a second address.
_SEPARATED = re.compile(r"(?:[\s,;|>\"']|::)(?:https?:)?//|[a-z0-9]https?://", re.IGNORECASE)
_SEPARATORS = (",", ";", "|")
_BETWEEN_ADDRESSES = re.compile(r"[\s,;|]+(?=https?://)", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:[a-z]{2,6}|#[0-9]{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)
_WITHOUT_SCHEME = re.compile(r"(?://)?(?P<rest>(?:[a-z0-9-]+\.)+[a-z]{2,}(?::[0-9]+)?/\S*|www\.\S+)", re.IGNORECASE)
_MISSPELLED_SCHEME = re.compile(
    r"h{0,2}t{1,3}p{1,2}(?P<s>s?)\s?[:;]?\s?/{0,3}(?P<rest>[a-z0-9-]+\.[^\s/]+/\S*)", re.IGNORECASE
)
_FILE = re.compile(
    r"(?:file:|[a-z]:[\\/]|\\\\|[~.]{0,2}/(?!/)).*|[^/:]+\.(?:jpe?g|png|gif|webp|bmp|tiff?|svg|avif|heic)",
    re.IGNORECASE | re.DOTALL,
)


def is_public_url(text: str) -> bool:
    """Return whether a text is exactly one web address with a public host name or IP address."""
    match = _COMMON_URL.fullmatch(text)
    if match is not None:
        return match["last"].lower() not in _NOT_PUBLIC
    match = _VALID.fullmatch(text)
    if match is not None:
        has_several_addresses = text.endswith(_SEPARATORS) or _SEPARATED.search(text) is not None
        return not (
            has_several_addresses
            or match["last"].lower() in _NOT_PUBLIC
            or not text.isprintable()
            or _has_reference(text)
        )
    # Few addresses have an IP address as host, so this comes last.
    host = _get_host(text)
    return _is_public_ip(host) and is_public_url(text.replace(host, "host.example", 1))


def split_addresses(text: str) -> list[str]:
    """Return the web addresses of a list of them; a text that is not such a list is returned as a whole."""
    return _BETWEEN_ADDRESSES.split(text)


def explain_invalid_url(text: str) -> tuple[str, str]:
    """Return why a text is not a public web address, to follow `which `, and a hint; both may be blank."""
    addresses = _WITHIN.findall(text)
    if addresses and text.startswith(addresses[0]) and _SEPARATED.search(text):
        return "has several addresses", f"Enter one address{_format_example(addresses[0])}"
    if text.endswith(_SEPARATORS):
        return "ends with a separator", _suggest_address(text.rstrip("".join(_SEPARATORS)))
    if len(addresses) == 1 and not text.startswith(addresses[0]):
        return "has other text around the address", _suggest_address(addresses[0])
    if _has_reference(text):
        return "has an HTML character reference", _suggest_address(html.unescape(text))
    if text[:5].casefold() == "data:":
        return "is the image itself, not its address", "Put the image on a web server, and enter its address"
    if not _get_host(text):
        for pattern in (_WITHOUT_SCHEME, _MISSPELLED_SCHEME):
            if match := pattern.fullmatch(text):
                scheme = "http" if pattern is _MISSPELLED_SCHEME and not match["s"] else "https"
                return "does not begin with https://", _suggest_address(f"{scheme}://{match['rest']}")
    if _FILE.fullmatch(text):
        return "is a file on a computer or server", "Put the image on a web server, and enter its address"
    return _explain_invalid_part(text)


def _explain_invalid_part(text: str) -> tuple[str, str]:
    """Return the reason and the hint for a text that begins like an address."""
    host = _get_host(text)
    rest = text.partition("://")[2]
    if host.casefold() in {"http", "https"}:
        return "has https:// twice", _suggest_address(rest)
    if not text.isprintable() or " " in text:
        visible = "".join("%20" if c == " " else c for c in text if c.isprintable())
        return "has a space or an invisible character", _suggest_address(visible)
    if not host:
        return "", ""
    if "@" in host or "@" in re.split("[/?#]", rest)[0]:
        return "has a user name or a password", "Enter an address that everybody can open"
    labels = host.casefold().rstrip(".").split(".")
    if len(labels) == 1 or labels[-1] in _NOT_PUBLIC or (labels[-1].isdecimal() and not _is_public_ip(host)):
        return f"has the host {quoted(host)}, which is not on the Internet", "Enter an address that everybody can open"
    if "{" in text or "}" in text:
        return "has a placeholder in braces", "Replace the placeholder with its value"
    if _VALID.fullmatch(f"https://{host}") is None and not _is_public_ip(host):
        return f"has the host {quoted(host)}, which is not a valid host name", ""
    if "%" in text:
        return "has a % that does not begin two hexadecimal digits", ""
    return "", ""


def _get_host(text: str) -> str:
    """Return the host of an address; blank if the text does not begin with http:// or https://."""
    match = _HOST.match(text)
    return match["host"] if match else ""


def _is_public_ip(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_global


def _has_reference(text: str) -> bool:
    return (
        any(html.unescape(reference) != reference for reference in _REFERENCE.findall(text)) if "&" in text else False
    )


def _suggest_address(address: str) -> str:
    return f"Did you mean '{address}'?" if _is_suggestible(address) else ""


def _format_example(address: str) -> str:
    return f", such as {address}" if _is_suggestible(address) else ""


def _is_suggestible(address: str) -> bool:
    return len(address) <= _MAX_HINT_LENGTH and is_public_url(address)
