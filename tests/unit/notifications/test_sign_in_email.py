"""E-mails with sign-in links: their text, and the cases without an e-mail."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from onboarding.aws.dead_letter_queues import describe_message
from onboarding.notifications.sign_in_email import SignInEmail, send_sign_in_email
from onboarding.runtime import AppContext

LINK = ("TechGear", "https://portal.example/sign-in/secret")


def send(email: SignInEmail) -> list[dict[str, Any]]:
    """Send an e-mail; return the parameters of the calls to SES."""
    calls: list[dict[str, Any]] = []
    ctx = SimpleNamespace(
        settings=SimpleNamespace(email_sender="uploads@techmart.example"),
        ses=SimpleNamespace(send_email=lambda **params: calls.append(params)),
    )
    assert send_sign_in_email(cast("AppContext", ctx), email) == bool(calls)
    return calls


def test_send_sign_in_email_with_two_accounts_lists_both_links() -> None:
    [email] = send(
        SignInEmail("a@b.example", [LINK, ("Sample operator", "https://portal.example/x")], time.time() + 60)
    )
    assert email["Destination"] == {"ToAddresses": ["a@b.example"]}
    text = email["Message"]["Body"]["Text"]["Data"]
    assert "TechGear:\nhttps://portal.example/sign-in/secret\n" in text
    assert "Sample operator:\nhttps://portal.example/x\n" in text


@pytest.mark.parametrize(
    "email",
    [SignInEmail("a@b.example", [], time.time() + 60), SignInEmail("a@b.example", [LINK], time.time() - 1)],
    ids=["no-account", "expired"],
)
def test_send_sign_in_email_without_valid_link_sends_nothing(email: SignInEmail) -> None:
    assert send(email) == []


def test_describe_message_of_sign_in_email_omits_its_link() -> None:
    event = SignInEmail("a@b.example", [LINK], 0).event()
    subject, _ = describe_message(json.dumps({"requestPayload": event}))
    assert subject == "the sign-in e-mail to a@b.example"
    # As the handler of mailer reads it.
    assert SignInEmail(**json.loads(json.dumps(event))["sign_in"]).address == "a@b.example"
