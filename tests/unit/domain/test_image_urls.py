"""Validation of image URLs: bounded processing time and valid suggestions."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.domain.image_urls import explain_invalid_url, is_public_url

EXPENSIVE_TEXTS = (
    "https://" + "a." * 1_200, "https://" + "a" * 2_400, "https://a.b/" + "%" * 2_400, "h" * 2_400, "&" * 2_400,
    "x." * 1_200 + "/ ", "~" * 2_400, "&a;" * 800, "1." * 1_200, "t" * 2_400, " " * 2_400, "." * 2_400,
    "https://" * 300,
    "https://a.b/" + "," * 2_400, "https://[" + ":" * 2_400,
)  # fmt: skip


@pytest.mark.parametrize("text", EXPENSIVE_TEXTS, ids=range(len(EXPENSIVE_TEXTS)))
def test_explain_invalid_url_expensive_text_takes_bounded_time(text: str) -> None:
    start = time.process_time()
    for _ in range(100):
        is_public_url(text)
        explain_invalid_url(text)
    assert time.process_time() - start < 2


PARTS = (
    "https://", "http:", "//", "/", "a.example", "localhost", "10.0.0.1", "[::1]", "@", ":", "%", "%20", " ", "&amp;",
    ",", "\n", "x.jpg", "<", '"', "{", "www.", "\u200b",
)  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=8).map("".join))
def test_explain_invalid_url_suggested_address_is_valid(text: str) -> None:
    if is_public_url(text):
        return
    _, hint = explain_invalid_url(text)
    suggestion = hint.removeprefix("Did you mean '").removesuffix("'?").removeprefix("Enter one address, such as ")
    assert "://" not in suggestion or is_public_url(suggestion)
