"""Failure queues: events whose retries all failed, until they are redriven.

The watchdog redrives upload events, since their files have no row in a table yet. What the messages of the other queues
concern is resumed from the upload history, so operators decide about these messages.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from threading import Lock
from typing import Any

from onboarding.domain.resource_names import Function, Queue
from onboarding.runtime import AppContext

RETRIED_BY: dict[str, str | None] = {
    Queue.CSV_PARSER_FAILURES: Function.CSV_PARSER,
    Queue.PRODUCT_VALIDATOR_FAILURES: Function.PRODUCT_VALIDATOR,
    Queue.ERRORS_DLQ: None,
    Queue.MAILER_FAILURES: Function.MAILER,
    Queue.WEBHOOK_FAILURES: Function.WEBHOOK,
    Queue.EXPORTER_FAILURES: Function.EXPORTER,
    Queue.WATCHDOG_FAILURES: Function.WATCHDOG,
}
"""The failure queues by the short names that operators use, each with the function that handles its events.

Messages of the queue without a function return to the error queue.
"""

ERROR_QUEUE = Queue.ERRORS

RECEIVE_BATCH = 10
RETRY_SECONDS = 330
"""Seconds for which a message is hidden while it is redriven: longer than the time limit of a function."""

COUNT_SECONDS = 10
"""Maximum age of the counts of `MessageCounts`."""

INGESTION_QUEUE = Queue.CSV_PARSER_FAILURES

AUTOMATIC_RETRY_SECONDS = 900
"""Seconds between automatic attempts for an upload event. Its message is hidden in between; the alarm of the queue
evaluates a longer period."""

MAX_AUTOMATIC_AGE = timedelta(days=1)
"""Older upload events fail for a persistent reason; only operators redrive them."""

MAX_AUTOMATIC_EVENTS = 50
"""Maximum number of upload events that one run of the watchdog redrives."""

MAX_TOO_OLD = 50
"""Maximum number of events older than `max_age` that one redrive receives. Each takes two requests in every run."""

LONG_POLL_SECONDS = 1
"""Seconds for which SQS waits for a message. Without a wait it queries only some of its servers, so that an empty
response does not mean that the queue is empty."""

MAX_EMPTY_RESPONSES = 5
"""Consecutive empty responses after which a redrive ends although the queue still counts visible messages."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An event in a failure queue.

    `sent_at` is the time at which its message was sent (UTC), `subject` the upload, object or e-mail that it concerns:
    an id of an upload or export, an object key or a description.
    """

    queue: str
    sent_at: datetime
    subject: str
    error: str


@dataclass(frozen=True, slots=True)
class RedriveResult:
    """Result of redriving one event. `error` is None if it succeeded; otherwise the event is in the queue again."""

    queue: str
    subject: str
    error: str | None


def count_failures(ctx: AppContext) -> dict[str, int]:
    """Return the number of messages in each failure queue, including those that are being redriven."""
    return {queue: count_failures_in(ctx, queue) for queue in RETRIED_BY}


class MessageCounts:
    """The number of messages in each failure queue, at most `COUNT_SECONDS` old and shared by all threads.

    A count takes two requests to SQS for each queue, and each open overview page asks every few seconds.
    """

    def __init__(self, ctx: AppContext) -> None:
        self._ctx = ctx
        self._lock = Lock()
        self._counts: dict[str, int] = {}
        self._expires_at = -math.inf

    def get(self) -> dict[str, int]:
        """Return the counts. The first caller after they have expired fetches new ones; others wait for it."""
        with self._lock:
            if time.monotonic() >= self._expires_at:
                self._counts = count_failures(self._ctx)
                self._expires_at = time.monotonic() + COUNT_SECONDS
            return self._counts


def count_failures_in(ctx: AppContext, queue: str) -> int:
    """Return the number of messages in one failure queue, including those that are being redriven."""
    return _count_messages(ctx, _get_url(ctx, queue))


def _count_messages(ctx: AppContext, url: str, *, visible_only: bool = False) -> int:
    names: Any = ["ApproximateNumberOfMessages"]
    if not visible_only:
        names.append("ApproximateNumberOfMessagesNotVisible")
    attributes = ctx.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in attributes.values())


def peek_failures(ctx: AppContext, queue: str) -> list[Failure]:
    """Return up to ten messages of a failure queue without removing them."""
    messages = _receive(ctx, _get_url(ctx, queue), hidden=0)
    return [Failure(queue, _get_sent_at(message), *describe_message(message["Body"])) for message in messages]


def redrive_uploads(ctx: AppContext, *, max_age: timedelta = MAX_AUTOMATIC_AGE) -> Iterator[RedriveResult]:
    """Redrive up to `MAX_AUTOMATIC_EVENTS` upload events, as each run of the watchdog does."""
    if _count_messages(ctx, _get_url(ctx, INGESTION_QUEUE), visible_only=True):
        with closing(redrive(ctx, INGESTION_QUEUE, hidden=AUTOMATIC_RETRY_SECONDS, max_age=max_age)) as results:
            yield from islice(results, MAX_AUTOMATIC_EVENTS)


def redrive(
    ctx: AppContext, queue: str, *, hidden: int = RETRY_SECONDS, max_age: timedelta = timedelta.max
) -> Generator[RedriveResult]:
    """Redrive the events of a failure queue that are not older than `max_age`, one after another.

    An event that fails again stays in the queue, hidden for `hidden` seconds. The redrive ends when no visible message
    remains, and after `MAX_TOO_OLD` older events; the next redrive receives others. Messages that were sent after its
    start are skipped; `count_failures_in` includes them.
    """
    url, started_at, empty_responses = _get_url(ctx, queue), datetime.now(UTC), 0
    old_receipts: list[str] = []
    try:
        while empty_responses < MAX_EMPTY_RESPONSES:
            # One at a time: a message must stay hidden for as long as its function may run.
            messages = _receive(ctx, url, hidden=hidden, max_messages=1, wait=LONG_POLL_SECONDS)
            if not messages:
                if not _count_messages(ctx, url, visible_only=True):
                    return
                empty_responses += 1
                continue
            empty_responses = 0
            [message] = messages
            age = started_at - _get_sent_at(message)
            if age < timedelta(0):
                continue
            if age > max_age:
                old_receipts.append(message["ReceiptHandle"])
                if len(old_receipts) == MAX_TOO_OLD:
                    return
                continue
            subject, _ = describe_message(message["Body"])
            error, must_stay = _try_redrive(ctx, queue, message)
            if not must_stay:
                ctx.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            yield RedriveResult(queue, subject, error)
    finally:
        # At the end, since this redrive would receive visible messages again.
        for receipt in old_receipts:
            ctx.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)


def _try_redrive(ctx: AppContext, queue: str, message: Any) -> tuple[str | None, bool]:
    """Redrive a message; return its error and whether it must stay. An exception does not prevent further redrives."""
    try:
        return _redrive_message(ctx, queue, message)
    except Exception as error:  # noqa: BLE001 - returned to the operator, and the message stays
        return f"{type(error).__name__}: {error}", True


def _redrive_message(ctx: AppContext, queue: str, message: Any) -> tuple[str | None, bool]:
    function = RETRIED_BY[queue]
    if function is None:
        ctx.sqs.send_message(
            QueueUrl=_get_url(ctx, ERROR_QUEUE),
            MessageBody=message["Body"],
            MessageAttributes=message.get("MessageAttributes", {}),
        )
        return None, False
    event = _load_event(ctx, json.loads(message["Body"]))
    name = ctx.settings.resource_name(function)
    response = ctx.lambdas.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    result = json.loads(response["Payload"].read() or b"null")
    if function_error := response.get("FunctionError"):
        return str(result.get("errorMessage", function_error)), True
    # The function has stored each of these items in the queue again, so this message is no longer needed.
    unprocessable = result.get("unprocessable") if isinstance(result, dict) else None
    return ("; ".join(map(str, unprocessable)) if unprocessable else None), False


def _load_event(ctx: AppContext, body: dict[str, Any]) -> Any:
    """Return the failed event of a message's body."""
    if "requestPayload" in body:  # an asynchronous call, after its retries
        return body["requestPayload"]
    if body.get("source") == "aws.s3":  # a batch of the stream, stored as an object whose key is in the message
        response = ctx.s3.get_object(Bucket=body["detail"]["bucket"]["name"], Key=body["detail"]["object"]["key"])
        with response["Body"] as content:
            payload = json.loads(content.read())["payload"]
        return json.loads(payload) if isinstance(payload, str) else payload
    return {"Records": [{"Sns": body}]}  # a notification that could not be delivered


def describe_message(body: str) -> tuple[str, str]:
    """Return the subject and the error of a message in a failure queue."""
    try:
        content = json.loads(body)
        error = content.get("responsePayload", {}).get("errorMessage", "") if "requestPayload" in content else ""
        return _get_subject(content.get("requestPayload", content)), str(error)
    except (ValueError, AttributeError):
        return body[:200], "unknown message format"


def _get_subject(event: Any) -> str:
    match event:
        case {"upload_id": subject} | {"export_id": subject}:
            return str(subject)
        case {"Records": [{"s3": {"object": {"key": key}}}, *_]}:
            return str(key)
        case {"Records": [{"Sns": {"Message": message}}, *_]} | {"Type": "Notification", "Message": message}:
            return str(json.loads(message).get("upload_id"))
        case {"detail": {"object": {"key": key}}}:
            return str(key)
        case {"sign_in": {"address": address}}:
            # The rest of the event contains sign-in links.
            return f"the sign-in e-mail to {address}"
    return json.dumps(event)[:200]


def _receive(ctx: AppContext, url: str, *, hidden: int, max_messages: int = RECEIVE_BATCH, wait: int = 0) -> Any:
    return ctx.sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=max_messages,
        WaitTimeSeconds=wait,
        VisibilityTimeout=hidden,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["SentTimestamp"],
    ).get("Messages", [])


def _get_sent_at(message: Any) -> datetime:
    return datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)


def _get_url(ctx: AppContext, queue: str) -> str:
    return ctx.sqs.get_queue_url(QueueName=ctx.settings.resource_name(queue))["QueueUrl"]
