"""Report links: valid for seven days and one report, verified with the current and the former keys."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.notifications.report_links import (
    DAYS_VALID,
    LinkExpired,
    LinkInvalid,
    sign_report_link,
    verify_report_link,
)
from tests.support.doc_pages import DOCS, rows, section

REPORT = "errors/VEND001/UPLOAD_20241221_103045_0a1b2c3d_errors.csv"
KEYS = {"current": "k" * 32}
KEYS_BEFORE = {"current": "OLD"}
DAY = 86_400


class Clock:
    """Double of the module `time` that is set manually."""

    def __init__(self) -> None:
        self.now = 1_734_777_045

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the time of the signatures."""
    stopped = Clock()
    monkeypatch.setattr("itsdangerous.timed.time", SimpleNamespace(time=stopped.time))
    return stopped


def test_verify_report_link_valid_token_returns_its_report() -> None:
    assert verify_report_link(sign_report_link(REPORT, KEYS), KEYS) == REPORT


def test_verify_report_link_after_seven_days_is_expired(clock: Clock) -> None:
    token = sign_report_link(REPORT, KEYS)
    assert DAYS_VALID == 7
    clock.now += 7 * DAY
    assert verify_report_link(token, KEYS) == REPORT
    clock.now += 1
    with pytest.raises(LinkExpired):
        verify_report_link(token, KEYS)


def test_verify_report_link_signed_earlier_is_expired(clock: Clock) -> None:
    clock.now = int(time.time()) - 6 * DAY
    token = sign_report_link(REPORT, KEYS)
    clock.now += 8 * DAY
    with pytest.raises(LinkExpired):
        verify_report_link(token, KEYS)


def test_verify_report_link_changed_expired_token_is_invalid(clock: Clock) -> None:
    token = sign_report_link(REPORT, KEYS)
    clock.now += 8 * DAY
    with pytest.raises(LinkInvalid):
        verify_report_link("x" + token, KEYS)


def test_verify_report_link_any_changed_character_is_invalid() -> None:
    token = sign_report_link(REPORT, KEYS)
    # The last character of the signature has two unused bits.
    for index in range(len(token) - 1):
        changed = token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]
        with pytest.raises((LinkInvalid, LinkExpired)):
            verify_report_link(changed, KEYS)
        with pytest.raises(LinkInvalid):
            verify_report_link(token[:index], KEYS)


def test_verify_report_link_with_other_report_is_invalid() -> None:
    other_token = sign_report_link("errors/VEND002/UPLOAD_1_errors.csv", {"current": "x" * 32})
    with pytest.raises(LinkInvalid):
        verify_report_link(other_token, KEYS)
    payload, rest = sign_report_link(REPORT, KEYS).split(".", 1)
    other_payload = other_token.split(".", 1)[0]
    assert payload != other_payload
    with pytest.raises(LinkInvalid):
        verify_report_link(f"{other_payload}.{rest}", KEYS)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_verify_report_link_other_text_is_invalid(text: str) -> None:
    with pytest.raises(LinkInvalid):
        verify_report_link(text, KEYS)


def test_verify_report_link_signed_with_former_key_is_accepted() -> None:
    old = sign_report_link(REPORT, {"current": "old" * 11})
    rotated = {"previous": "old" * 11, "current": "new" * 11}
    assert verify_report_link(old, rotated) == REPORT
    new = sign_report_link(REPORT, rotated)
    assert verify_report_link(new, {"current": "new" * 11}) == REPORT
    with pytest.raises(LinkInvalid):
        verify_report_link(new, {"current": "old" * 11})
    with pytest.raises(LinkInvalid):
        verify_report_link(old, {"current": "new" * 11})


def test_sign_report_link_with_several_keys_uses_the_current_key() -> None:
    token = sign_report_link(REPORT, {"current": "new" * 11, "a": "old" * 11, "z": "older" * 8})
    assert verify_report_link(token, {"current": "new" * 11}) == REPORT


def test_sign_report_link_any_key_is_url_safe() -> None:
    token = sign_report_link("errors/VEND\u00fc 1/a b&c=d/e_errors.csv", KEYS)
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert verify_report_link(token, KEYS) == "errors/VEND\u00fc 1/a b&c=d/e_errors.csv"


def test_verify_report_link_during_documented_key_rotation_stays_valid(clock: Clock) -> None:
    page = section(DOCS / "operations.md", "## Rotate the link keys")
    steps = [KEYS_BEFORE, *(json.loads(row[1].strip("` ").replace(", …", "")) for row in rows(page))]
    assert len(steps) == 4
    # Functions cache the keys: the signing or the verifying function may be one step behind.
    for before, after in pairwise(steps):
        for signing, reading in ((before, after), (after, before)):
            assert verify_report_link(sign_report_link(REPORT, signing), reading) == REPORT
    # All links of the old key have expired before the key is removed.
    token = sign_report_link(REPORT, steps[1])
    clock.now += 7 * DAY + 3600
    with pytest.raises(LinkExpired):
        verify_report_link(token, steps[2])
    with pytest.raises(LinkInvalid):
        # The reason for the first pause of the rotation.
        verify_report_link(sign_report_link(REPORT, {"current": "NEW"}), KEYS_BEFORE)
