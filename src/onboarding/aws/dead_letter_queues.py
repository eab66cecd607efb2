"""The failure queues: events whose retries all failed, stored until they are redriven.

The watchdog redrives upload events, because no table knows their files. The subjects of the other queues are resumed
from the upload history, so their messages are for operators.
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
    Queue.WATCHDOG_FAILURES: Function.WATCHDOG,
}
"""Failure queues, each with the function that handles its events; None: its messages return to the error queue.

These are the short names that operators use.
"""

ERROR_QUEUE = Queue.ERRORS

RECEIVE_BATCH = 10
RETRY_SECONDS = 330
"""How long a message is hidden while it is redriven: longer than a function's time limit."""

COUNT_SECONDS = 10
"""How old the numbers of `MessageCounts` may be."""

INGESTION_QUEUE = Queue.CSV_PARSER_FAILURES

AUTOMATIC_RETRY_SECONDS = 900
"""How long an upload event waits for its next automatic attempt. Its message is hidden meanwhile; the evaluation
periods of the queue's alarm cover that time."""

MAX_AUTOMATIC_AGE = timedelta(days=1)
"""Older upload events fail for a persistent reason and are left to an operator."""

MAX_AUTOMATIC_EVENTS = 50
"""Upload events that one run of the watchdog redrives; the next run continues."""

MAX_TOO_OLD = 50
"""Events older than `max_age` that one redrive receives: each takes two requests, in every run of the watchdog."""

LONG_POLL_SECONDS = 1
"""How long SQS waits for a message. With a wait it asks all of its servers; without one it asks some of them, and an
empty response does not mean that the queue is empty."""

EMPTY_ANSWERS = 5
"""Empty responses in a row after which a redrive ends although the queue still counts visible messages."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that could not be handled: its queue, the time it was sent (UTC), its subject and the error."""

    queue: str
    since: datetime
    about: str
    error: str


@dataclass(frozen=True, slots=True)
class RedriveResult:
    """The result of redriving one event. Unless `error` is None, the event stays in the queue."""

    queue: str
    about: str
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
        """Return the counts; the first caller after they expired fetches new ones, the others wait for it."""
        with self._lock:
            if time.monotonic() >= self._expires_at:
                self._counts = count_failures(self._ctx)
                self._expires_at = time.monotonic() + COUNT_SECONDS
            return self._counts


def count_failures_in(ctx: AppContext, queue: str) -> int:
    """Return the number of messages in one failure queue."""
    return _waiting_at(ctx, _url(ctx, queue))


def _waiting_at(ctx: AppContext, url: str, *, visible_only: bool = False) -> int:
    names: Any = ["ApproximateNumberOfMessages"]
    if not visible_only:
        names.append("ApproximateNumberOfMessagesNotVisible")
    attributes = ctx.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in attributes.values())


def peek_failures(ctx: AppContext, queue: str) -> list[Failure]:
    """Return up to ten messages of a failure queue without removing them."""
    messages = _receive(ctx, _url(ctx, queue), seconds=0)
    return [Failure(queue, _sent(message), *describe_message(message["Body"])) for message in messages]


def redrive_uploads(ctx: AppContext, *, max_age: timedelta = MAX_AUTOMATIC_AGE) -> Iterator[RedriveResult]:
    """Redrive up to `MAX_AUTOMATIC_EVENTS` upload events, as each run of the watchdog does."""
    if _waiting_at(ctx, _url(ctx, INGESTION_QUEUE), visible_only=True):
        with closing(redrive(ctx, INGESTION_QUEUE, hidden=AUTOMATIC_RETRY_SECONDS, max_age=max_age)) as tries:
            yield from islice(tries, MAX_AUTOMATIC_EVENTS)


def redrive(
    ctx: AppContext, queue: str, *, hidden: int = RETRY_SECONDS, max_age: timedelta = timedelta.max
) -> Generator[RedriveResult]:
    """Redrive the events of a failure queue that are not older than `max_age`, one after another.

    An event that fails again stays in the queue, hidden for `hidden` seconds. The redrive ends when only messages are
    left that another redrive handles, that failed again, or that were sent after its start (`waiting_in` counts them),
    or after `MAX_TOO_OLD` older events; the next redrive receives others.
    """
    url, began, empty = _url(ctx, queue), datetime.now(UTC), 0
    too_old: list[str] = []
    try:
        while empty < EMPTY_ANSWERS:
            # One at a time: a message must stay hidden for as long as its function may run.
            messages = _receive(ctx, url, seconds=hidden, at_most=1, wait=LONG_POLL_SECONDS)
            if not messages:
                if not _waiting_at(ctx, url, visible_only=True):
                    return
                empty += 1
                continue
            empty = 0
            [message] = messages
            age = began - _sent(message)
            if age < timedelta(0):
                continue
            if age > max_age:
                too_old.append(message["ReceiptHandle"])
                if len(too_old) == MAX_TOO_OLD:
                    return
                continue
            about, _ = describe_message(message["Body"])
            error, is_kept = _tried(ctx, queue, message)
            if not is_kept:
                ctx.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            yield RedriveResult(queue, about, error)
    finally:
        # Only at the end of this run, which would otherwise receive them again.
        for receipt in too_old:
            ctx.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)


def _tried(ctx: AppContext, queue: str, message: Any) -> tuple[str | None, bool]:
    """Return the error and whether the message must stay. An event that cannot be redriven blocks no others."""
    try:
        return _retry(ctx, queue, message)
    except Exception as fault:  # noqa: BLE001 - returned to the operator, and the message stays
        return f"{type(fault).__name__}: {fault}", True


def _retry(ctx: AppContext, queue: str, message: Any) -> tuple[str | None, bool]:
    function = RETRIED_BY[queue]
    if function is None:
        ctx.sqs.send_message(
            QueueUrl=_url(ctx, ERROR_QUEUE),
            MessageBody=message["Body"],
            MessageAttributes=message.get("MessageAttributes", {}),
        )
        return None, False
    event = _event(ctx, json.loads(message["Body"]))
    name = ctx.settings.resource_name(function)
    answer = ctx.lambdas.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    body = json.loads(answer["Payload"].read() or b"null")
    if fault := answer.get("FunctionError"):
        return str(body.get("errorMessage", fault)), True
    # The function put each of these items into the queue again, so this message is not needed any more.
    unprocessable = body.get("unprocessable") if isinstance(body, dict) else None
    return ("; ".join(map(str, unprocessable)) if unprocessable else None), False


def _event(ctx: AppContext, body: dict[str, Any]) -> Any:
    """Return the failed event from the body of its message."""
    if "requestPayload" in body:  # an asynchronous call, after its retries
        return body["requestPayload"]
    if body.get("source") == "aws.s3":  # a batch of the stream, stored as an object that the message names
        kept = ctx.s3.get_object(Bucket=body["detail"]["bucket"]["name"], Key=body["detail"]["object"]["key"])
        with kept["Body"] as content:
            payload = json.loads(content.read())["payload"]
        return json.loads(payload) if isinstance(payload, str) else payload
    return {"Records": [{"Sns": body}]}  # a notification that could not be delivered


def describe_message(body: str) -> tuple[str, str]:
    """Return the subject and the error of a message in a failure queue."""
    try:
        content = json.loads(body)
        error = content.get("responsePayload", {}).get("errorMessage", "") if "requestPayload" in content else ""
        return _about(content.get("requestPayload", content)), str(error)
    except (ValueError, AttributeError):
        return body[:200], "unknown message format"


def _about(event: Any) -> str:
    match event:
        case {"upload_id": upload_id}:
            return str(upload_id)
        case {"Records": [{"s3": {"object": {"key": key}}}, *_]}:
            return str(key)
        case {"Records": [{"Sns": {"Message": message}}, *_]} | {"Type": "Notification", "Message": message}:
            return str(json.loads(message).get("upload_id"))
        case {"detail": {"object": {"key": key}}}:
            return str(key)
        case {"sign_in": {"address": address}}:
            # The event itself contains sign-in links.
            return f"the sign-in mail to {address}"
    return json.dumps(event)[:200]


def _receive(ctx: AppContext, url: str, *, seconds: int, at_most: int = RECEIVE_BATCH, wait: int = 0) -> Any:
    return ctx.sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=at_most,
        WaitTimeSeconds=wait,
        VisibilityTimeout=seconds,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["SentTimestamp"],
    ).get("Messages", [])


def _sent(message: Any) -> datetime:
    return datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)


def _url(ctx: AppContext, queue: str) -> str:
    return ctx.sqs.get_queue_url(QueueName=ctx.settings.resource_name(queue))["QueueUrl"]
