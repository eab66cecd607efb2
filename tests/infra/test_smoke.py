"""The mail of the smoke test: waited for, and its absence warned of with the reason."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import MagicMock

import pytest

from onboarding.deploy.smoke import _mail_result

UPLOAD_ID = "UPLOAD_20241221_103045_0a1b2c3d"
OUTPUTS = {"MailClaimsTable": "MailClaims", "MailerFailuresUrl": "https://sqs.example/mailer-failures"}
DENIED = "User is not authorized to perform ses:SendEmail on resource identity/techmart.example"


def message(upload_id: str, error: str) -> dict[str, str]:
    """Return a message as Lambda puts it into the failure queue after the last try."""
    event = {"Records": [{"Sns": {"Message": json.dumps({"upload_id": upload_id})}}]}
    return {"Body": json.dumps({"requestPayload": event, "responsePayload": {"errorMessage": error}})}


def mail_result(claims: list[dict[str, Any]], messages: list[dict[str, str]], timeout: float = 60) -> str:
    """Return the line about the mail; the claim stands as in `claims`, one for each look at it."""
    clients = {"dynamodb": MagicMock(), "sqs": MagicMock()}
    clients["dynamodb"].get_item.side_effect = claims
    clients["sqs"].receive_message.return_value = {"Messages": messages} if messages else {}
    line = _mail_result(clients.__getitem__, OUTPUTS, UPLOAD_ID, timeout, 0)
    assert clients["dynamodb"].get_item.call_count == len(claims)
    return line


CLAIMED = {"Item": {"upload_id": {"S": UPLOAD_ID}, "lease_until": {"N": "1"}}}
SENT = {"Item": {**CLAIMED["Item"], "sent_at": {"N": "1"}}}


def test_smoke_mail_that_is_marked_as_sent_is_waited_for() -> None:
    assert mail_result([{}, CLAIMED, SENT], [message("UPLOAD_OTHER", DENIED)]) == "  its mail was sent"


def test_smoke_mail_that_was_given_up_is_warned_of_with_the_reason() -> None:
    line = mail_result([CLAIMED], [message("UPLOAD_OTHER", "another fault"), message(UPLOAD_ID, DENIED)])
    assert line.startswith("  WARNING: the mail about the file was not sent")
    assert DENIED in line
    assert "onboarding failures redrive mailer-failures" in line


def test_smoke_mail_that_was_given_up_without_a_reason_is_warned_of() -> None:
    assert "without a reason" in mail_result([{}], [message(UPLOAD_ID, "")])


@pytest.mark.parametrize("messages", [[], [message("UPLOAD_OTHER", DENIED)]])
def test_smoke_mail_that_does_not_come_is_warned_of(messages: list[dict[str, str]]) -> None:
    line = mail_result([{}], messages, timeout=-1)
    assert "neither sent nor given up" in line
    assert DENIED not in line
