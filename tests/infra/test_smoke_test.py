"""Tests of the smoke test's e-mail: the wait for it, and the warning with the reason if it was not sent."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import MagicMock

import pytest

from onboarding.deploy.smoke_test import _wait_for_email

UPLOAD_ID = "UPLOAD_20241221_103045_0a1b2c3d"
OUTPUTS = {"EmailClaimsTable": "EmailClaims", "MailerFailuresUrl": "https://sqs.example/mailer-failures"}
DENIED = "User is not authorized to perform ses:SendEmail on resource identity/techmart.example"


def make_message(upload_id: str, error: str) -> dict[str, str]:
    """Return a message that Lambda sends to the failure queue after the last retry."""
    event = {"Records": [{"Sns": {"Message": json.dumps({"upload_id": upload_id})}}]}
    return {"Body": json.dumps({"requestPayload": event, "responsePayload": {"errorMessage": error}})}


def wait_for_email(claims: list[dict[str, Any]], messages: list[dict[str, str]], timeout: float = 60) -> str:
    """Return the line about the e-mail; `claims` are the responses to the requests for its claim."""
    clients = {"dynamodb": MagicMock(), "sqs": MagicMock()}
    clients["dynamodb"].get_item.side_effect = claims
    clients["sqs"].receive_message.return_value = {"Messages": messages} if messages else {}
    line = _wait_for_email(clients.__getitem__, OUTPUTS, UPLOAD_ID, timeout, 0)
    assert clients["dynamodb"].get_item.call_count == len(claims)
    return line


CLAIMED = {"Item": {"upload_id": {"S": UPLOAD_ID}, "lease_until": {"N": "1"}}}
SENT = {"Item": {**CLAIMED["Item"], "sent_at": {"N": "1"}}}


def test_wait_for_email_claim_becomes_sent_reports_it() -> None:
    assert wait_for_email([{}, CLAIMED, SENT], [make_message("UPLOAD_OTHER", DENIED)]) == "  its e-mail was sent"


def test_wait_for_email_message_in_failure_queue_warns_with_its_reason() -> None:
    line = wait_for_email([CLAIMED], [make_message("UPLOAD_OTHER", "another failure"), make_message(UPLOAD_ID, DENIED)])
    assert line.startswith("  WARNING: the e-mail about the test file was not sent")
    assert DENIED in line
    assert "onboarding failures redrive mailer-failures" in line


def test_wait_for_email_message_without_reason_warns() -> None:
    assert "has no reason" in wait_for_email([{}], [make_message(UPLOAD_ID, "")])


@pytest.mark.parametrize("messages", [[], [make_message("UPLOAD_OTHER", DENIED)]])
def test_wait_for_email_timeout_warns(messages: list[dict[str, str]]) -> None:
    line = wait_for_email([{}], messages, timeout=-1)
    assert "neither was sent nor failed" in line
    assert DENIED not in line
