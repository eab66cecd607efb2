"""Addresses of images: exactly one web address that everybody can open, and why another text is none. Pure."""

from __future__ import annotations

import html
import ipaddress
import re

from onboarding.domain.text import quoted

_LONGEST_HINT = 200

# Most addresses: without what may separate two of them, and without references and percent signs.
_USUAL = re.compile(r"https?://(?:[A-Za-z0-9-]+\.)+(?P<last>[A-Za-z]+)/[\w/.=?@!$*()+~-]*", re.ASCII)
# A host of two or more names, of which the last begins with a letter; a percent sign begins two hexadecimal digits.
_GOOD = re.compile(
    r"https?://(?:[^\W_][\w-]*\.)+(?P<last>[^\W\d_][\w-]*)(?::[0-9]{1,5})?"
    r"(?:[/?#][^\s\"<>\\{}%]*(?:%[0-9A-Fa-f]{2}[^\s\"<>\\{}%]*)*)?",
    re.IGNORECASE,
)
_NOT_PUBLIC = frozenset(
    ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "private", "test", "invalid")
)
_HOST = re.compile(r"https?://(?P<host>\[[^\]/]*\]|[^/?#\s:]*)", re.IGNORECASE)
_WITHIN = re.compile(r"https?://[^\s\"'<>\\|\[\](){},;]+", re.IGNORECASE)
# Two addresses without a sign between them as well: none has a second scheme right behind a letter or digit.
_SEPARATED = re.compile(r"(?:[\s,;|>\"']|::)(?:https?:)?//|[a-z0-9]https?://", re.IGNORECASE)
_BETWEEN_ADDRESSES = (",", ";", "|")
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
    """Whether a text is one web address, of a host that the Internet may know."""
    found = _USUAL.fullmatch(text)
    if found is not None:
        return found["last"].lower() not in _NOT_PUBLIC
    found = _GOOD.fullmatch(text)
    if found is not None:
        several = text.endswith(_BETWEEN_ADDRESSES) or _SEPARATED.search(text) is not None
        return not (several or found["last"].lower() in _NOT_PUBLIC or not text.isprintable() or _has_reference(text))
    # Hosts by number are few.
    host = _host_of(text)
    return _is_public_number(host) and is_public_url(text.replace(host, "host.example", 1))


def explain_invalid_url(text: str) -> tuple[str, str]:
    """Why a text is not such an address, as the end of `it …`, and a hint; both may be blank."""
    addresses = _WITHIN.findall(text)
    if addresses and text.startswith(addresses[0]) and _SEPARATED.search(text):
        return "has several addresses", f"Enter one address{_such_as(addresses[0])}"
    if text.endswith(_BETWEEN_ADDRESSES):
        return "ends as a list of addresses does", _did_you_mean(text.rstrip("".join(_BETWEEN_ADDRESSES)))
    if len(addresses) == 1 and not text.startswith(addresses[0]):
        return "has other text around the address", _did_you_mean(addresses[0])
    if _has_reference(text):
        return "has a character in the notation of HTML", _did_you_mean(html.unescape(text))
    if text[:5].casefold() == "data:":
        return "is the image itself, not its address", "Put the image on a web server, and enter its address"
    if not _host_of(text):
        for pattern in (_WITHOUT_SCHEME, _MISSPELLED_SCHEME):
            if found := pattern.fullmatch(text):
                scheme = "http" if pattern is _MISSPELLED_SCHEME and not found["s"] else "https"
                return "does not begin with https://", _did_you_mean(f"{scheme}://{found['rest']}")
    if _FILE.fullmatch(text):
        return "is a file on a computer or server", "Put the image on a web server, and enter its address"
    return _fault_of_parts(text)


def _fault_of_parts(text: str) -> tuple[str, str]:
    host = _host_of(text)
    rest = text.partition("://")[2]
    if host.casefold() in {"http", "https"}:
        return "has https:// twice", _did_you_mean(rest)
    if not text.isprintable() or " " in text:
        visible = "".join("%20" if c == " " else c for c in text if c.isprintable())
        return "has a space or an invisible character", _did_you_mean(visible)
    if not host:
        return "", ""
    if "@" in host or "@" in re.split("[/?#]", rest)[0]:
        return "has a user name or a password", "Enter an address that everybody can open"
    labels = host.casefold().rstrip(".").split(".")
    if len(labels) == 1 or labels[-1] in _NOT_PUBLIC or (labels[-1].isdecimal() and not _is_public_number(host)):
        return f"leads to {quoted(host)}, which is not on the Internet", "Enter an address that everybody can open"
    if "{" in text or "}" in text:
        return "has a placeholder in braces", "Replace the placeholder by its value"
    if _GOOD.fullmatch(f"https://{host}") is None and not _is_public_number(host):
        return f"has the host {quoted(host)}, which is no host name", ""
    if "%" in text:
        return "has a % that does not begin two hexadecimal digits", ""
    return "", ""


def _host_of(text: str) -> str:
    found = _HOST.match(text)
    return found["host"] if found else ""


def _is_public_number(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_global


def _has_reference(text: str) -> bool:
    return any(html.unescape(found) != found for found in _REFERENCE.findall(text)) if "&" in text else False


def _did_you_mean(address: str) -> str:
    good = len(address) <= _LONGEST_HINT and is_public_url(address)
    return f"Did you mean '{address}'?" if good else ""


def _such_as(address: str) -> str:
    good = len(address) <= _LONGEST_HINT and is_public_url(address)
    return f", such as {address}" if good else ""
