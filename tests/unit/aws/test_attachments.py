"""Names of files for users, as the header `Content-Disposition`."""

from __future__ import annotations

from email.message import Message

import pytest

from onboarding.aws.attachments import format_attachment


@pytest.mark.parametrize(
    ("name", "ascii_name"),
    [
        ("products.csv", "products.csv"),
        ("spring-collection \u2013 fixes.xlsx", "spring-collection - fixes.xlsx"),
        ("Größe \u2013 fixes.csv", "Gro_e - fixes.csv"),
        ("商品.csv", "__.csv"),
        ('a"b\\c%d\r\n.csv', "a_b_c_d__.csv"),
    ],
)
def test_format_attachment_has_the_name_in_ascii_and_in_full(name: str, ascii_name: str) -> None:
    header = format_attachment(name)
    assert header.isascii()
    assert header.isprintable()
    assert f'filename="{ascii_name}"' in header
    message = Message()
    message["Content-Disposition"] = header.replace(f'filename="{ascii_name}"; ', "")
    assert message.get_filename() == name
