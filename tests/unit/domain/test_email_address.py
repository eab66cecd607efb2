"""Validation of e-mail addresses that SES supports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.domain.email_address import normalize_email_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("contact@techgear.com", "contact@techgear.com"),
        (" Contact@TechGear.COM ", "Contact@techgear.com"),
        ("o'neill+orders@shop.example", "o'neill+orders@shop.example"),
        ("a@ex\u00e4mple.com", "a@xn--exmple-cua.com"),
        ("a@xn--exmple-cua.com", "a@xn--exmple-cua.com"),
    ],
)
def test_normalize_email_address_valid_address_is_returned_in_sending_form(text: str, address: str) -> None:
    assert normalize_email_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "nobody", "a@b", "a@localhost", "<a@b.de>", "A <a@b.de>", "a@b.de, c@d.de", "a@b.de c@d.de"),
        *("a..b@c.de", ".a@b.de", "a.@b.de", "a@b..de", "a@-b.de", "a@b.de.", "a@[127.0.0.1]", '"a b"@c.de'),
        *("\u00fcn\u00efcode@ex\u00e4mple.com", "a@b.de\r\nBcc: c@d.de", "a@b.local", "a@b.test", "x" * 65 + "@b.de"),
        *("a@" + "b" * 250 + ".de", "a\u202e@b.de", "a@b\u3002de\x00"),
    ],
)
def test_normalize_email_address_other_text_raises(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        normalize_email_address(text)


@given(st.emails() | st.text())
def test_normalize_email_address_result_is_ascii_on_one_line_and_normalized(text: str) -> None:
    try:
        address = normalize_email_address(text)
    except ValueError:
        return
    assert address.isascii()
    assert address.isprintable()
    assert " " not in address
    assert len(address) <= 255
    assert normalize_email_address(address) == address
