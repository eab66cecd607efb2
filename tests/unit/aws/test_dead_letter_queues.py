"""Redrive of failure queues, and the output of its command."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from onboarding.aws import dead_letter_queues
from onboarding.cli import failed_events as commands
from onboarding.cli.main import main
from onboarding.config import Settings
from onboarding.domain.resource_names import UPLOAD_BUCKET
from onboarding.runtime import AppContext

QUEUE = "watchdog-failures"
STAGING = {"S3_BUCKET_NAME": f"staging-{UPLOAD_BUCKET}-123456789012"}
"""The environment of a second deployment in an account."""
Captured = pytest.CaptureFixture[str]


class Sqs:
    """Double of SQS with one queue. Responses may be empty although the queue has messages, as those of SQS."""

    def __init__(
        self, *bodies: dict[str, Any], empty_responses: int = 0, in_flight: int = 0, name: str = QUEUE
    ) -> None:
        self.name = name
        self.hidden_for: list[int] = []
        self.visible = [self.message(body) for body in bodies]
        self.taken: dict[str, dict[str, Any]] = {}
        self.empty_responses = empty_responses
        self.in_flight = in_flight
        self.waits: list[int] = []

    def message(self, body: dict[str, Any], sent: datetime | None = None) -> dict[str, Any]:
        sent = sent or datetime.now(UTC) - timedelta(hours=1)
        return {
            "Body": json.dumps(body),
            "ReceiptHandle": str(id(body)),
            "Attributes": {"SentTimestamp": str(int(sent.timestamp() * 1000))},
        }

    def get_queue_url(self, QueueName: str) -> dict[str, str]:  # noqa: N803 - boto3's name
        assert QueueName.startswith("staging-product-")
        return {"QueueUrl": QueueName.removeprefix("staging-product-onboarding-")}

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        is_queue = QueueUrl == self.name
        counts = {
            "ApproximateNumberOfMessages": len(self.visible) if is_queue else 0,
            "ApproximateNumberOfMessagesNotVisible": len(self.taken) + self.in_flight if is_queue else 0,
        }
        return {"Attributes": {name: str(counts[name]) for name in AttributeNames}}

    def receive_message(
        self,
        QueueUrl: str,  # noqa: N803
        WaitTimeSeconds: int,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        self.waits.append(WaitTimeSeconds)
        if self.empty_responses:
            self.empty_responses -= 1
            return {}
        if QueueUrl != self.name or not self.visible:
            return {}
        message = self.visible.pop(0)
        self.hidden_for.append(VisibilityTimeout)
        self.taken[message["ReceiptHandle"]] = message
        return {"Messages": [message]}

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        del self.taken[ReceiptHandle]

    def change_message_visibility(self, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:  # noqa: N803
        assert (QueueUrl, VisibilityTimeout) == (self.name, 0)
        self.visible.append(self.taken.pop(ReceiptHandle))


def event(number: int, **response: Any) -> dict[str, Any]:
    """Return a failed event of the watchdog, with the response of the function to its redrive."""
    return {"requestPayload": {"upload_id": f"UPLOAD_{number}", "response": response}}


class Lambdas:
    """Double of Lambda whose functions respond with the response in their event."""

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName in {"staging-csv-parser", "staging-product-onboarding-watchdog"}
        response = json.loads(Payload)["response"]
        error = {"FunctionError": "Unhandled"} if "errorMessage" in response else {}
        return {**error, "Payload": io.BytesIO(json.dumps(response).encode())}


def context_with(sqs: Sqs) -> AppContext:
    return cast("AppContext", SimpleNamespace(sqs=sqs, lambdas=Lambdas(), settings=Settings(STAGING)))


def test_redrive_empty_responses_before_the_queue_is_empty_continues() -> None:
    sqs = Sqs(event(1), event(2), event(3), empty_responses=3)
    assert [redriven.error for redriven in dead_letter_queues.redrive(context_with(sqs), QUEUE)] == [None] * 3
    assert sqs.visible == []
    assert all(sqs.waits), "without a wait SQS queries only some of its servers"


def test_redrive_queue_that_never_returns_its_messages_ends() -> None:
    sqs = Sqs(event(1), empty_responses=1000)
    assert list(dead_letter_queues.redrive(context_with(sqs), QUEUE)) == []


def test_redrive_item_that_is_unprocessable_again_is_an_error_and_deleted() -> None:
    sqs = Sqs(event(1, unprocessable=["there is no upload UPLOAD_1"]))
    [redriven] = dead_letter_queues.redrive(context_with(sqs), QUEUE)
    assert redriven.error == "there is no upload UPLOAD_1"
    assert (sqs.visible, sqs.taken) == ([], {})


def test_redrive_message_sent_since_its_start_is_skipped() -> None:
    sqs = Sqs(event(1))
    sqs.visible.append(sqs.message(event(2), datetime.now(UTC) + timedelta(minutes=1)))
    assert [redriven.subject for redriven in dead_letter_queues.redrive(context_with(sqs), QUEUE)] == ["UPLOAD_1"]
    assert dead_letter_queues.count_failures_in(context_with(sqs), QUEUE) == 1


@pytest.mark.parametrize(
    ("sqs", "code", "output"),
    [
        (Sqs(), 0, "There was nothing to redrive. The failure queues are empty."),
        (Sqs(event(1)), 0, "1 redriven. The failure queues are empty."),
        (
            Sqs(event(1), event(2, errorMessage="no such bucket")),
            1,
            "2 redriven. 1 failed again; you can redrive it again in 6 minutes.",
        ),
        (
            Sqs(in_flight=2),
            1,
            "There was nothing to redrive. About 2 more are being redriven by another command or arrived meanwhile",
        ),
    ],
    ids=["empty", "done", "failed again", "in flight"],
)
def test_redrive_command_prints_remaining_messages_and_sets_exit_code(
    sqs: Sqs, code: int, output: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    @contextmanager
    def pipeline(_: object) -> Iterator[AppContext]:
        yield context_with(sqs)

    monkeypatch.setattr(commands, "connect", pipeline)
    assert main(["failures", "redrive", QUEUE]) == code
    assert output in capsys.readouterr().out


def upload_events(*bodies: dict[str, Any]) -> Sqs:
    return Sqs(*bodies, name=dead_letter_queues.INGESTION_QUEUE)


def test_redrive_uploads_event_that_succeeds_is_deleted_and_one_that_fails_is_hidden() -> None:
    sqs = upload_events(event(1), event(2, errorMessage="the database is unavailable"))
    results = list(dead_letter_queues.redrive_uploads(context_with(sqs)))
    assert [(result.subject, result.error) for result in results] == [
        ("UPLOAD_1", None),
        ("UPLOAD_2", "the database is unavailable"),
    ]
    assert [message["Body"] for message in sqs.taken.values()] == [
        json.dumps(event(2, errorMessage="the database is unavailable"))
    ]
    assert sqs.hidden_for == [dead_letter_queues.AUTOMATIC_RETRY_SECONDS] * 2


def test_redrive_uploads_event_older_than_a_day_stays_visible() -> None:
    sqs = upload_events(event(1))
    old_message = sqs.message(event(2), datetime.now(UTC) - dead_letter_queues.MAX_AUTOMATIC_AGE - timedelta(minutes=1))
    sqs.visible.insert(0, old_message)
    assert [result.subject for result in dead_letter_queues.redrive_uploads(context_with(sqs))] == ["UPLOAD_1"]
    assert (sqs.visible, sqs.taken) == ([old_message], {})


def test_redrive_uploads_many_older_events_end_the_run_but_not_the_next() -> None:
    sqs = upload_events(event(1))
    sent_at = datetime.now(UTC) - dead_letter_queues.MAX_AUTOMATIC_AGE - timedelta(minutes=1)
    older = [event(number) for number in range(2, dead_letter_queues.MAX_TOO_OLD + 5)]
    sqs.visible[:0] = [sqs.message(body, sent_at) for body in older]
    assert list(dead_letter_queues.redrive_uploads(context_with(sqs))) == []
    assert len(sqs.hidden_for) == dead_letter_queues.MAX_TOO_OLD
    assert [result.subject for result in dead_letter_queues.redrive_uploads(context_with(sqs))] == ["UPLOAD_1"]
    assert (len(sqs.visible), sqs.taken) == (dead_letter_queues.MAX_TOO_OLD + 3, {})


def test_redrive_uploads_more_events_than_the_limit_remain_for_the_next_run() -> None:
    bodies = [event(number) for number in range(dead_letter_queues.MAX_AUTOMATIC_EVENTS + 3)]
    sqs = upload_events(*bodies)
    assert len(list(dead_letter_queues.redrive_uploads(context_with(sqs)))) == dead_letter_queues.MAX_AUTOMATIC_EVENTS
    assert (len(sqs.visible), sqs.taken) == (3, {})
    assert len(list(dead_letter_queues.redrive_uploads(context_with(sqs)))) == 3


def test_describe_message_of_an_export_names_it() -> None:
    body = {"requestPayload": {"export_id": "E1"}, "responsePayload": {"errorMessage": "no space left"}}
    assert dead_letter_queues.describe_message(json.dumps(body)) == ("E1", "no space left")


def test_redrive_uploads_empty_queue_is_not_polled() -> None:
    sqs = upload_events()
    assert list(dead_letter_queues.redrive_uploads(context_with(sqs))) == []
    assert sqs.waits == []
