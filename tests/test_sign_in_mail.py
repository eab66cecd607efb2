"""The mail with sign-in links: what it says, and when it is not sent."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from onboarding.context import Context
from onboarding.failures import describe_message
from onboarding.sign_in_mail import SignInMail, send_sign_in_mail

LINK = ("TechGear", "https://portal.example/sign-in/secret")


def sent(mail: SignInMail) -> list[dict[str, Any]]:
    mails: list[dict[str, Any]] = []
    ctx = SimpleNamespace(
        settings=SimpleNamespace(mail_sender="uploads@techmart.example"),
        ses=SimpleNamespace(send_email=lambda **said: mails.append(said)),
    )
    assert send_sign_in_mail(cast("Context", ctx), mail) == bool(mails)
    return mails


def test_send_sign_in_mail_names_each_account_and_its_link() -> None:
    [mail] = sent(SignInMail("a@b.example", [LINK, ("Sample operator", "https://portal.example/x")], time.time() + 60))
    assert mail["Destination"] == {"ToAddresses": ["a@b.example"]}
    text = mail["Message"]["Body"]["Text"]["Data"]
    assert "TechGear:\nhttps://portal.example/sign-in/secret\n" in text
    assert "Sample operator:\nhttps://portal.example/x\n" in text


@pytest.mark.parametrize(
    "mail",
    [SignInMail("a@b.example", [], time.time() + 60), SignInMail("a@b.example", [LINK], time.time() - 1)],
    ids=["no-account", "expired"],
)
def test_send_sign_in_mail_without_a_link_that_works_sends_nothing(mail: SignInMail) -> None:
    assert sent(mail) == []


def test_failed_sign_in_mail_is_listed_without_its_link() -> None:
    event = SignInMail("a@b.example", [LINK], 0).event()
    about, _ = describe_message(json.dumps({"requestPayload": event}))
    assert about == "the sign-in mail to a@b.example"
    # As the function reads it.
    assert SignInMail(**json.loads(json.dumps(event))["sign_in"]).address == "a@b.example"
