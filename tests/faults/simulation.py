"""What lies between the functions: events that wait, come again after a failure, and end in a failure queue.

Everything is at least once and in no order. A delivery that fails comes again as often as the template says; then it
lies among the failures until somebody has it tried again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import psycopg

from onboarding.aws.staging_table import Item, record_id
from onboarding.pipeline.ingest import S3ObjectVersion
from tests.faults.aws_in_memory import Message
from tests.faults.lambda_runtime import ENVIRONMENT, Call, Crash, Place, Runtime
from tests.faults.upload_files import File

Control = Callable[[Call, Place], str | None]

NO_EVENTS = ("watchdog", "cancel", "undo")
"""What starts these does not come again."""

MAIL_LEASE = 61
"""Seconds until the first retry of an asynchronous call; a mail's lease is over by then."""


def undisturbed(_: Call, __: Place) -> None:
    """The control of a call that nothing happens to."""


def happens(chance: random.Random, percent: int) -> bool:
    """One decision. Of a whole number: a choice of Hypothesis's that takes little room."""
    return chance.randint(1, 100) <= percent


class LawBroken(AssertionError):
    """The product did what it must not do."""


@dataclass(eq=False)
class Delivery:
    """One event on its way to a function, and how often that failed. Messages of the queue count for themselves."""

    function: str
    event: dict[str, Any]
    attempts: int = 0
    messages: Sequence[Message] = ()

    def copy(self) -> Delivery:
        return Delivery(self.function, self.event, self.attempts, self.messages)


@dataclass
class World:
    """A runtime with the deliveries between its functions."""

    runtime: Runtime
    batch: int = 10
    shuffles: bool = True
    waiting: list[Delivery] = field(default_factory=list)
    failures: list[Delivery] = field(default_factory=list)
    handled: list[Delivery] = field(default_factory=list)
    uploads: dict[str, File] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    garbage: list[Item] = field(default_factory=list)
    mail_windows: int = 0
    forgetful: bool = False
    interrupted: bool = False
    deadlocks_escaped: int = 0
    premature: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runtime.aws.witness_items = self._witness_items
        self.runtime.aws.witness_messages = self._witness_messages

    def _witness_messages(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Whoever tells of an error or an end must have it in the database, for all to see."""
        rows = [body for body in bodies if "row_number" in body]
        columns = [[body[name] for body in rows] for name in ("upload_id", "row_number", "error_type")]
        untrue = """
            select count(*) from unnest(%s::text[], %s::int[], %s::text[]) as given (upload_id, row_number, error_type)
            where given.error_type is distinct from (
                select e.error_type from validation_errors e
                where (e.upload_id, e.row_number) = (given.upload_id, given.row_number)
                order by e.error_id limit 1
            )
        """
        if rows and (ahead := self.runtime.ask(untrue, columns)[0][0]):
            self.premature.append(f"{ahead} messages of rows of {sorted(set(columns[0]))}")
        ended = [body["upload_id"] for body in bodies if "row_number" not in body]
        unfinished = "select count(*) from upload_history where upload_id = any(%s) and status <> 'processing'"
        if ended and self.runtime.ask(unfinished, (ended,))[0][0] != len(set(ended)):
            self.premature.append(f"a message that {ended} are finished")

    def _witness_items(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Whoever gives an item a status must have the outcome in the database, for all to see."""
        judged = [item for item in items if item["status"]["S"] != "pending_validation"]
        names, numbers = [i["upload_id"]["S"] for i in judged], [int(i["row_number"]["N"]) for i in judged]
        query = """
            select count(*) from unnest(%s::text[], %s::int[]) as given (upload_id, row_number)
            where not exists (
                select from products p where (p.upload_id, p.row_number) = (given.upload_id, given.row_number)
            )
            and not exists (
                select from product_changes c where (c.upload_id, c.row_number) = (given.upload_id, given.row_number)
            )
            and not exists (
                select from validation_errors e where (e.upload_id, e.row_number) = (given.upload_id, given.row_number)
            )
            and not exists (
                select from upload_history h where h.upload_id = given.upload_id and h.undone_at is not null
            )
        """
        if judged and (ahead := self.runtime.ask(query, (names, numbers))[0][0]):
            self.premature.append(f"{ahead} items of {sorted(set(names))}")

    def put(self, key: str, file: File) -> str:
        """A vendor puts a file into the bucket; returns the id that its upload gets."""
        aws = self.runtime.aws
        source = S3ObjectVersion(ENVIRONMENT["S3_BUCKET_NAME"], key, aws.put(key, file.content, file.metadata))
        described = {"key": quote_plus(key), "versionId": source.version_id}
        event = {"Records": [{"s3": {"bucket": {"name": source.bucket}, "object": described}}]}
        self.waiting.append(Delivery("csv_parser", event))
        upload_id = source.upload_id(aws.objects[key][-1].last_modified)
        self.uploads[upload_id] = file
        return upload_id

    def litter(self, upload_id: str) -> None:
        """Put items that are no rows of this upload or any other into the stream, between and around its rows."""
        stream = self.runtime.aws.stream
        # Without times, so that each run keeps the same objects.
        row = stream[0]["dynamodb"]["NewImage"] | {"created_at": {"S": "now"}, "expires_at": {"N": "1"}}
        beyond = len(self.uploads[upload_id].rows) + 1
        self.garbage = [
            {},
            {name: value for name, value in row.items() if name != "product_data"},
            {**row, "product_data": {"L": []}},
            {**row, "row_number": {"N": "1.5"}},
            {**row, "row_number": {"N": str(beyond)}, "record_id": {"S": record_id(beyond)}},
            {**row, "row_number": {"N": str(10**12)}, "record_id": {"S": record_id(10**12)}},
            {**row, "record_id": {"S": "REC_00002"}},
            {**row, "vendor_id": {"S": "VEND003"}},
            {**row, "upload_id": {"S": "UPLOAD_20241221_103045_unknown"}},
            {**row, "upload_id": {"S": "\x00"}},
        ]
        for place, item in enumerate(self.garbage):
            stream.insert(place * 2, {"eventName": "INSERT", "dynamodb": {"NewImage": item}})

    def collect(self, chance: random.Random | None = None) -> None:
        """Turn what the services have to tell into deliveries: batches of the usual size, or of any by chance."""
        aws = self.runtime.aws
        with aws.lock:
            while aws.stream:
                size = chance.randint(1, self.batch) if chance and self.shuffles else self.batch
                if chance and self.shuffles and happens(chance, 30):
                    chance.shuffle(aws.stream)
                records, aws.stream[:size] = aws.stream[:size], []
                self.waiting.append(Delivery("product_validator", {"Records": records}))
            while aws.queue:
                size = chance.randint(1, self.batch) if chance else self.batch
                messages, aws.queue[:size] = aws.queue[:size], []
                self.waiting.append(_of_queue(messages))
            while aws.notifications:
                self.waiting.append(Delivery("mailer", aws.notifications.pop(0)))

    def handle(self, delivery: Delivery, control: Control = undisturbed) -> str | None:
        """Hand an event to its function and see to what comes of it; the fault, if there was one."""
        if delivery.function == "mailer" and delivery.attempts:
            self.runtime.clock.advance(MAIL_LEASE)
        call = Call(delivery.function, delivery.event, control)
        call.delivery = delivery
        if delivery.function not in NO_EVENTS:
            self.handled.append(delivery.copy())
        try:
            result = self.runtime.run(call)
        except (Exception, Crash) as fault:  # noqa: BLE001 - whatever it is, the event comes again
            self._failed(delivery, fault)
            # The mail is out and the claim does not say so: the one window.
            self.mail_windows += call.hits["after ses.send_email"] > 0 and not call.hits["after dynamodb.update_item"]
            return f"{type(fault).__name__}: {fault}"
        failed = (
            {entry["itemIdentifier"] for entry in (result or {}).get("batchItemFailures", [])}
            if delivery.messages
            else ()
        )
        if failed:
            self._again([message for message in delivery.messages if message.message_id in failed])
        return None

    def _failed(self, delivery: Delivery, fault: BaseException) -> None:
        self.errors.append(f"{delivery.function}: {type(fault).__name__}: {fault}")
        if isinstance(fault, psycopg.errors.DeadlockDetected):
            self.deadlocks_escaped += 1
        if delivery.messages:
            self._again(delivery.messages)
            return
        if delivery.function in NO_EVENTS:
            self.interrupted = True
            return
        wiring = self.runtime.aws.wiring
        limit = wiring.stream_attempts if delivery.function == "product_validator" else wiring.async_attempts
        again = Delivery(delivery.function, delivery.event, delivery.attempts + 1)
        (self.failures if again.attempts >= limit else self.waiting).append(again)

    def _again(self, messages: Sequence[Message]) -> None:
        for message in messages:
            message.receives += 1
        limit = self.runtime.aws.wiring.receives
        for spent in (True, False):
            some = [message for message in messages if (message.receives >= limit) == spent]
            if some:
                (self.failures if spent else self.waiting).append(_of_queue(some))

    def quiet(self, control: Control = undisturbed) -> None:
        """Deliver until nothing waits."""
        for _ in range(2_000):
            self.collect()
            if not self.waiting:
                return
            self.handle(self.waiting.pop(0), control)
        raise LawBroken(f"everything comes to rest | {self.errors[-3:]}")

    def settle(self, check: Callable[[], None] | None = None) -> None:
        """The faults have stopped: retries come to their end, then the watchdog looks after what is left.

        As long as nothing was given up, forgotten or broken off the retries alone must do, so `check` is called
        before it too.
        """
        self.quiet()
        if check and not self.failures and not self.forgetful and not self.interrupted:
            check()
        for _ in range(10):
            given_up, self.failures = self.failures, []
            self.waiting += [Delivery(d.function, d.event, 0, d.messages) for d in given_up]
            for message in (message for d in given_up for message in d.messages):
                message.receives = 0
            # A sweep that was broken off goes on behind the object at which it was: the next one has all of them.
            for event in ({}, {"sweep": True}, {"sweep": True}):
                self._watch(event)
            self.collect()
            driven = bool(self.waiting)
            self.quiet()
            if not driven and not self.failures:
                return
        raise LawBroken(f"everything comes to rest | {self.errors[-3:]}")

    def _watch(self, event: dict[str, Any]) -> None:
        try:
            self.runtime.run(Call("watchdog", event, undisturbed))
        except Exception as fault:
            raise LawBroken(f"the watchdog does its work once the faults have stopped | {fault!r}") from fault

    def forget(self) -> None:
        """Staging, stream, queue and whatever was on its way are gone; only the topic delivers what it took."""
        self.forgetful = True
        self.runtime.aws.forget()
        self.waiting = [delivery for delivery in self.waiting if delivery.function == "mailer"]
        self.failures = [delivery for delivery in self.failures if delivery.function == "mailer"]


def _of_queue(messages: Sequence[Message]) -> Delivery:
    records = [
        {
            "messageId": message.message_id,
            "receiptHandle": message.message_id,
            "body": message.body,
            "attributes": {"ApproximateReceiveCount": str(message.receives + 1)},
            "messageAttributes": message.attributes,
        }
        for message in messages
    ]
    return Delivery("error_processor", {"Records": records}, messages=list(messages))
