"""The failure queues: what every retry failed on waits there, whole, until it is tried again.

The watchdog tries upload events again: no table knows of their files. What the other queues are about is resumed from
the history, so their messages are kept for operators.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
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
"""Each failure queue with the function that its events are for; None: its messages go back to the error queue.

These are short names, as operators use them.
"""

ERROR_QUEUE = Queue.ERRORS

RECEIVE_BATCH = 10
RETRY_SECONDS = 330
"""How long a message is ours while it is tried again: over a function's time limit."""

INGESTION_QUEUE = Queue.CSV_PARSER_FAILURES

AUTOMATIC_RETRY_SECONDS = 900
"""How long an upload event waits for its next automatic attempt. Its message is hidden meanwhile; the evaluation
periods of the queue's alarm cover that time."""

MAX_AUTOMATIC_AGE = timedelta(days=1)
"""Older upload events fail for a reason of their own, and are left to an operator."""

MAX_AUTOMATIC_EVENTS = 50
"""Upload events that one run of the watchdog tries; the next run continues."""

MAX_TOO_OLD = 50
"""Events older than `max_age` that one redrive receives: each costs two requests, in every run of the watchdog."""

LONG_POLL_SECONDS = 1
"""How long SQS waits for a message. With any wait it asks all of its servers; without one it asks some, and an answer
of nothing does not mean that a queue is empty."""

EMPTY_ANSWERS = 5
"""How many answers of nothing in a row are believed although the queue counts messages that nobody has taken."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One event that could not be handled: where it lies, since when (UTC), what it is about, what went wrong."""

    queue: str
    since: datetime
    about: str
    error: str


@dataclass(frozen=True, slots=True)
class RedriveResult:
    """What came of trying one event again; `error` is None when it went well. Else the event still waits."""

    queue: str
    about: str
    error: str | None


def count_failures(ctx: AppContext) -> dict[str, int]:
    """How many messages wait in each failure queue; those of an operator's redrive under way count too."""
    return {queue: count_failures_in(ctx, queue) for queue in RETRIED_BY}


def count_failures_in(ctx: AppContext, queue: str) -> int:
    """How many messages wait in one of them."""
    return _waiting_at(ctx, _url(ctx, queue))


def _waiting_at(ctx: AppContext, url: str, *, visible_only: bool = False) -> int:
    names: Any = ["ApproximateNumberOfMessages"]
    if not visible_only:
        names.append("ApproximateNumberOfMessagesNotVisible")
    attributes = ctx.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(value) for value in attributes.values())


def peek_failures(ctx: AppContext, queue: str) -> list[Failure]:
    """Up to ten of the messages in a failure queue, which stay there."""
    messages = _receive(ctx, _url(ctx, queue), seconds=0)
    return [Failure(queue, _sent(message), *describe_message(message["Body"])) for message in messages]


def redrive_uploads(ctx: AppContext, *, max_age: timedelta = MAX_AUTOMATIC_AGE) -> Iterator[RedriveResult]:
    """Try upload events again, as the watchdog does in each of its runs: `MAX_AUTOMATIC_EVENTS` of them at most."""
    if _waiting_at(ctx, _url(ctx, INGESTION_QUEUE), visible_only=True):
        with closing(redrive(ctx, INGESTION_QUEUE, hidden=AUTOMATIC_RETRY_SECONDS, max_age=max_age)) as tries:
            yield from islice(tries, MAX_AUTOMATIC_EVENTS)


def redrive(
    ctx: AppContext, queue: str, *, hidden: int = RETRY_SECONDS, max_age: timedelta = timedelta.max
) -> Generator[RedriveResult]:
    """Try every event of a failure queue again, one after another, unless it is older than `max_age`.

    An event that fails again stays, and is `hidden` for so many seconds. Ends when no message is left but those that
    another redrive is trying, those that failed again, and those that were sent since it began: `waiting_in` counts
    them. Ends also after `MAX_TOO_OLD` older events; the next redrive receives others.
    """
    url, began, empty = _url(ctx, queue), datetime.now(UTC), 0
    too_old: list[str] = []
    try:
        while empty < EMPTY_ANSWERS:
            # One at a time: a message must be ours as long as its function may take.
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
        # Not before the end of this run, which would receive them once more.
        for receipt in too_old:
            ctx.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)


def _tried(ctx: AppContext, queue: str, message: Any) -> tuple[str | None, bool]:
    """What went wrong, and whether the message must stay for it; an event that cannot even be tried does not keep the
    others waiting."""
    try:
        return _retry(ctx, queue, message)
    except Exception as fault:  # noqa: BLE001 - told to the operator who asked, and the message stays
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
    # The function put these items into the queue again, each by itself: this message has no more to tell.
    unprocessable = body.get("unprocessable") if isinstance(body, dict) else None
    return ("; ".join(map(str, unprocessable)) if unprocessable else None), False


def _event(ctx: AppContext, body: dict[str, Any]) -> Any:
    """The event that failed, out of what the queue holds."""
    if "requestPayload" in body:  # an asynchronous call, after its retries
        return body["requestPayload"]
    if body.get("source") == "aws.s3":  # a batch of the stream: kept as an object, of which the queue only knows
        kept = ctx.s3.get_object(Bucket=body["detail"]["bucket"]["name"], Key=body["detail"]["object"]["key"])
        with kept["Body"] as content:
            payload = json.loads(content.read())["payload"]
        return json.loads(payload) if isinstance(payload, str) else payload
    return {"Records": [{"Sns": body}]}  # a notification that could not be delivered


def describe_message(body: str) -> tuple[str, str]:
    """Return what a message of a failure queue is about, and what went wrong with it."""
    try:
        content = json.loads(body)
        error = content.get("responsePayload", {}).get("errorMessage", "") if "requestPayload" in content else ""
        return _about(content.get("requestPayload", content)), str(error)
    except (ValueError, AttributeError):
        return body[:200], "not a message of ours"


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
            # The event holds links, which open an account.
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
