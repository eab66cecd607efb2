"""Simulation of the event delivery between the functions: at least once, in any order.

A failed delivery is retried as often as the template configures; then it stays in the failure queue until redriven.
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
from tests.faults.catalog_mirror import CatalogMirror
from tests.faults.lambda_runtime import ENVIRONMENT, Call, Crash, InjectionPoint, Runtime
from tests.faults.mapped_files import VendorMappings
from tests.faults.upload_files import File

Control = Callable[[Call, InjectionPoint], str | None]

NO_EVENTS = ("watchdog", "cancel", "undo")
"""Calls that are not retried."""

EMAIL_LEASE = 61
"""Seconds until the first retry of an asynchronous call; the lease of an e-mail has expired by then."""


def no_fault(_: Call, __: InjectionPoint) -> None:
    """Control that injects no fault."""


def occurs(chance: random.Random, percent: int) -> bool:
    """Return True with this probability. An integer uses less entropy of Hypothesis than a float."""
    return chance.randint(1, 100) <= percent


class InvariantViolated(AssertionError):
    """An invariant does not hold."""


def violation(invariant: str, *details: object) -> InvariantViolated:
    """Return the exception for a violated invariant, with details for its message."""
    return InvariantViolated(" | ".join([invariant, *map(str, details)]))


@dataclass(eq=False)
class Delivery:
    """One event for a function, and its failed attempts. Queue messages count their own attempts."""

    function: str
    event: dict[str, Any]
    attempts: int = 0
    messages: Sequence[Message] = ()

    def copy(self) -> Delivery:
        return Delivery(self.function, self.event, self.attempts, self.messages)


@dataclass
class Simulation:
    """A runtime, and the deliveries between its functions."""

    runtime: Runtime
    batch: int = 10
    shuffles: bool = True
    pending: list[Delivery] = field(default_factory=list)
    failures: list[Delivery] = field(default_factory=list)
    handled: list[Delivery] = field(default_factory=list)
    uploads: dict[str, File] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    malformed_items: list[Item] = field(default_factory=list)
    email_windows: int = 0
    state_lost: bool = False
    interrupted: bool = False
    deadlocks_escaped: int = 0
    early_effects: list[str] = field(default_factory=list)
    watch: Control = no_fault
    """Control of every call, besides its own one, such as a change of mappings at an injection point."""
    mappings: VendorMappings = field(init=False)
    mirror: CatalogMirror = field(init=False)

    def __post_init__(self) -> None:
        self.mappings = VendorMappings(self.runtime)
        self.mirror = CatalogMirror(self.runtime)
        self.runtime.aws.observe_items = self._observe_items
        self.runtime.aws.observe_messages = self._observe_messages

    def _observe_messages(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Record messages about errors or completions that are not committed in the database."""
        rows = [body for body in bodies if "row_number" in body]
        columns = [[body[name] for body in rows] for name in ("upload_id", "row_number", "error_type")]
        uncommitted_query = """
            select count(*) from unnest(%s::text[], %s::int[], %s::text[]) as sent (upload_id, row_number, error_type)
            where sent.error_type is distinct from (
                select e.error_type from validation_errors e
                where (e.upload_id, e.row_number) = (sent.upload_id, sent.row_number)
                order by e.error_id limit 1
            )
        """
        if rows and (uncommitted := self.runtime.fetch(uncommitted_query, columns)[0][0]):
            self.early_effects.append(f"{uncommitted} messages of rows of {sorted(set(columns[0]))}")
        finished_ids = [body["upload_id"] for body in bodies if "row_number" not in body]
        unfinished = "select count(*) from upload_history where upload_id = any(%s) and status <> 'processing'"
        if finished_ids and self.runtime.fetch(unfinished, (finished_ids,))[0][0] != len(set(finished_ids)):
            self.early_effects.append(f"a message that {finished_ids} are finished")

    def _observe_items(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Record item statuses whose outcome is not committed in the database."""
        validated = [item for item in items if item["status"]["S"] != "pending_validation"]
        names, numbers = [i["upload_id"]["S"] for i in validated], [int(i["row_number"]["N"]) for i in validated]
        query = """
            select count(*) from unnest(%s::text[], %s::int[]) as sent (upload_id, row_number)
            where not exists (
                select from products p where (p.upload_id, p.row_number) = (sent.upload_id, sent.row_number)
            )
            and not exists (
                select from product_changes c where (c.upload_id, c.row_number) = (sent.upload_id, sent.row_number)
            )
            and not exists (
                select from validation_errors e where (e.upload_id, e.row_number) = (sent.upload_id, sent.row_number)
            )
            and not exists (
                select from upload_history h where h.upload_id = sent.upload_id and h.undone_at is not null
            )
        """
        if validated and (ahead := self.runtime.fetch(query, (names, numbers))[0][0]):
            self.early_effects.append(f"{ahead} items of {sorted(set(names))}")

    def put(self, key: str, file: File) -> str:
        """Put a file into the bucket; return the id of its upload."""
        aws = self.runtime.aws
        source = S3ObjectVersion(ENVIRONMENT["S3_BUCKET_NAME"], key, aws.put(key, file.content, file.metadata))
        s3_object = {"key": quote_plus(key), "versionId": source.version_id}
        event = {"Records": [{"s3": {"bucket": {"name": source.bucket}, "object": s3_object}}]}
        self.pending.append(Delivery("csv_parser", event))
        upload_id = source.upload_id(aws.objects[key][-1].last_modified)
        self.uploads[upload_id] = file
        return upload_id

    def insert_malformed_items(self, upload_id: str) -> None:
        """Insert malformed items into the stream, between the rows of an upload."""
        stream = self.runtime.aws.stream
        # Without times, so that each run stores equal objects.
        row = stream[0]["dynamodb"]["NewImage"] | {"created_at": {"S": "now"}, "expires_at": {"N": "1"}}
        beyond = len(self.uploads[upload_id].rows) + 1
        self.malformed_items = [
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
        for index, item in enumerate(self.malformed_items):
            stream.insert(index * 2, {"eventName": "INSERT", "dynamodb": {"NewImage": item}})

    def collect(self, chance: random.Random | None = None) -> None:
        """Turn the events of the services into deliveries, in batches of the usual or a random size."""
        aws = self.runtime.aws
        with aws.lock:
            while aws.stream:
                size = chance.randint(1, self.batch) if chance and self.shuffles else self.batch
                if chance and self.shuffles and occurs(chance, 30):
                    chance.shuffle(aws.stream)
                records, aws.stream[:size] = aws.stream[:size], []
                self.pending.append(Delivery("product_validator", {"Records": records}))
            while aws.queue:
                size = chance.randint(1, self.batch) if chance else self.batch
                messages, aws.queue[:size] = aws.queue[:size], []
                self.pending.append(_make_queue_delivery(messages))
            while aws.notifications:
                self.pending.append(Delivery("mailer", aws.notifications.pop(0)))

    def handle(self, delivery: Delivery, control: Control = no_fault) -> str | None:
        """Run the function of a delivery and schedule its retry after a failure; return the failure, if any."""
        try:
            return self._handle(delivery, control)
        finally:
            self.mirror.after_call()

    def _handle(self, delivery: Delivery, control: Control) -> str | None:
        if delivery.function == "mailer" and delivery.attempts:
            self.runtime.clock.advance(EMAIL_LEASE)

        def reach(call: Call, point: InjectionPoint) -> str | None:
            self.watch(call, point)
            return control(call, point)

        call = Call(delivery.function, delivery.event, reach)
        call.delivery = delivery
        if delivery.function not in NO_EVENTS:
            self.handled.append(delivery.copy())
        try:
            result = self.runtime.run(call)
        except (Exception, Crash) as fault:  # noqa: BLE001 - the event is retried after any error
            self._schedule_retry(delivery, fault)
            # Only an e-mail that was sent and not marked may be sent twice.
            self.email_windows += call.hits["after ses.send_email"] > 0 and not call.hits["after dynamodb.update_item"]
            return f"{type(fault).__name__}: {fault}"
        failed = (
            {entry["itemIdentifier"] for entry in (result or {}).get("batchItemFailures", [])}
            if delivery.messages
            else ()
        )
        if failed:
            self._redeliver([message for message in delivery.messages if message.message_id in failed])
        return None

    def _schedule_retry(self, delivery: Delivery, fault: BaseException) -> None:
        self.errors.append(f"{delivery.function}: {type(fault).__name__}: {fault}")
        if isinstance(fault, psycopg.errors.DeadlockDetected):
            self.deadlocks_escaped += 1
        if delivery.messages:
            self._redeliver(delivery.messages)
            return
        if delivery.function in NO_EVENTS:
            self.interrupted = True
            return
        wiring = self.runtime.aws.wiring
        limit = wiring.stream_attempts if delivery.function == "product_validator" else wiring.async_attempts
        retry = Delivery(delivery.function, delivery.event, delivery.attempts + 1)
        (self.failures if retry.attempts >= limit else self.pending).append(retry)

    def _redeliver(self, messages: Sequence[Message]) -> None:
        for message in messages:
            message.receives += 1
        limit = self.runtime.aws.wiring.receives
        for is_exhausted in (True, False):
            selected = [message for message in messages if (message.receives >= limit) == is_exhausted]
            if selected:
                (self.failures if is_exhausted else self.pending).append(_make_queue_delivery(selected))

    def deliver_all(self, control: Control = no_fault) -> None:
        """Deliver until nothing is pending."""
        for _ in range(2_000):
            self.collect()
            if not self.pending:
                return
            self.handle(self.pending.pop(0), control)
        raise InvariantViolated(f"all deliveries end | {self.errors[-3:]}")

    def recover(self, check: Callable[[], None] | None = None) -> None:
        """Deliver all retries without faults, then run the watchdog and redrive failures until nothing is pending.

        If no delivery failed permanently, no state was lost and nothing was interrupted, the retries must suffice:
        `check` is then called before the watchdog runs.
        """
        self.deliver_all()
        if check and not self.failures and not self.state_lost and not self.interrupted:
            check()
        for _ in range(10):
            failures, self.failures = self.failures, []
            self.pending += [Delivery(d.function, d.event, 0, d.messages) for d in failures]
            for message in (message for d in failures for message in d.messages):
                message.receives = 0
            # The watchdog makes products searchable that a transaction of a crashed call has kept from it until now.
            self.mirror.wait_for_transactions()
            # An interrupted sweep continues after its last object; the next one covers all of them.
            for event in ({}, {"sweep": True}, {"sweep": True}):
                self._run_watchdog(event)
            self.collect()
            is_resumed = bool(self.pending)
            self.deliver_all()
            if not is_resumed and not self.failures:
                self._check_search_is_current()
                return
        raise InvariantViolated(f"all deliveries end | {self.errors[-3:]}")

    def _check_search_is_current(self) -> None:
        later = """
            select e.product_ids from product_events e, product_search_position p
            where (e.transaction_id, e.event_id) > (p.transaction_id, p.event_id)
        """
        if events := self.runtime.fetch(later):
            raise violation("the watchdog brings the search index up to date", *events[:5])

    def _run_watchdog(self, event: dict[str, Any]) -> None:
        try:
            self.runtime.run(Call("watchdog", event, no_fault))
        except Exception as fault:
            raise InvariantViolated(f"the watchdog succeeds after the faults have stopped | {fault!r}") from fault

    def lose_state(self) -> None:
        """Lose staging table, stream, queue and pending deliveries, except those of the topic."""
        self.state_lost = True
        self.runtime.aws.lose_state()
        self.pending = [delivery for delivery in self.pending if delivery.function == "mailer"]
        self.failures = [delivery for delivery in self.failures if delivery.function == "mailer"]


def _make_queue_delivery(messages: Sequence[Message]) -> Delivery:
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
