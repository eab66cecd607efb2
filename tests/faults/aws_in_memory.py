"""In-memory double of AWS: the calls that the pipeline makes, with the semantics that it relies on.

Filters and retries are read from the CloudFormation template. `double_contract` compares the double with the emulator.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, BinaryIO

from botocore.errorfactory import ClientExceptionsFactory
from botocore.session import get_session

from onboarding.cloudformation.templates import load_template
from tests.faults.dynamodb_expressions import apply_update, evaluate_condition, matches_pattern

Item = dict[str, Any]
Response = dict[str, Any]

KEYS = {"UploadRecords": ("upload_id", "record_id"), "product-onboarding-email-claims": ("upload_id",)}
WRITTEN_AT = datetime(2024, 12, 21, 10, 30, 45, tzinfo=UTC)


@cache
def exceptions_of(service: str) -> Any:
    """Return the exception classes of a service's client."""
    return ClientExceptionsFactory().create_client_exceptions(get_session().get_service_model(service))


def make_client_error(service: str, operation: str, code: str, message: str = "injected") -> Exception:
    """Return the exception that a client raises for an error response."""
    kind = exceptions_of(service).from_code(code)
    return kind({"Error": {"Code": code, "Message": message}}, operation)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Wiring:
    """Settings of the triggers in the template."""

    stream_filters: list[dict[str, Any]]
    stream_attempts: int
    mailer_filter: dict[str, list[str]]
    async_attempts: int
    receives: int

    @classmethod
    @cache
    def of_template(cls) -> Wiring:
        template = load_template("pipeline", {}, "000000000000", "us-east-1")
        mapping = template.resources_of_type("AWS::Lambda::EventSourceMapping")["ProductValidatorFromTable"]
        queue = template.resources_of_type("AWS::SQS::Queue")["ErrorQueue"]
        mailer = template.resources_of_type("AWS::SNS::Subscription")["MailerFromTopic"]
        retries = template.resources_of_type("AWS::Lambda::EventInvokeConfig")["MailerRetries"]
        return cls(
            stream_filters=[json.loads(entry["Pattern"]) for entry in mapping["FilterCriteria"]["Filters"]],
            stream_attempts=1 + mapping["MaximumRetryAttempts"],
            mailer_filter=mailer["FilterPolicy"],
            async_attempts=1 + retries["MaximumRetryAttempts"],
            receives=queue["RedrivePolicy"]["maxReceiveCount"],
        )


def get_published_subject(message: str) -> str:
    """Return the upload of a publication, or the key of an object without a vendor."""
    forms = json.loads(message)
    result = json.loads(forms["lambda"])
    return str(result.get("upload_id") or result.get("s3_key"))


@dataclass
class Stored:
    """One version of an object."""

    version_id: str
    content: bytes
    last_modified: datetime
    metadata: dict[str, str]


@dataclass
class Message:
    """One message of the queue; `receives` counts how often it was handed out."""

    body: str
    attributes: dict[str, Any]
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    receives: int = 0


@dataclass
class FailedEvent:
    """One message of a failure queue, hidden until a time."""

    body: str
    sent: float
    visible_at: float
    receipt: str = field(default_factory=lambda: str(uuid.uuid4()))


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content

    def __enter__(self) -> _Body:
        return self

    def __exit__(self, *_: object) -> None:
        return


class Aws:
    """Every service's state, and its calls as methods named `<service>_<operation>`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.wiring = Wiring.of_template()
        self.objects: dict[str, list[Stored]] = {}
        self.tables: dict[str, dict[tuple[str, ...], Item]] = {name: {} for name in KEYS}
        self.stream: list[dict[str, Any]] = []
        self.queue: list[Message] = []
        self.failed_events: dict[str, list[FailedEvent]] = {}
        self.clock: Callable[[], float] = time.time
        self.sent: list[dict[str, Any]] = []
        self.notifications: list[dict[str, Any]] = []
        self.filtered_out: list[dict[str, Any]] = []
        self.emails: list[dict[str, Any]] = []
        self.secrets: dict[str, dict[str, Any]] = {}
        self.published: Counter[str] = Counter()
        # Publications whose transaction did not commit: they are repeated.
        self.unmarked: Counter[str] = Counter()
        self.observe_items: Callable[[list[Item]], None] = lambda _: None
        self.observe_messages: Callable[[list[dict[str, Any]]], None] = lambda _: None

    def lose_state(self) -> None:
        """Lose the staging table, its stream and the queue."""
        with self.lock:
            self.tables["UploadRecords"].clear()
            self.stream.clear()
            self.queue.clear()

    # S3

    def put(self, key: str, content: bytes, metadata: dict[str, str] | None = None) -> str:
        versions = self.objects.setdefault(key, [])
        version_id = hashlib.sha256(f"{key}\n{len(versions)}".encode()).hexdigest()[:16]
        versions.append(Stored(version_id, content, WRITTEN_AT + timedelta(seconds=len(self.objects)), metadata or {}))
        return version_id

    def s3_put_object(self, *, Bucket: str, Key: str, Body: BinaryIO | bytes, **_: Any) -> Response:  # noqa: N803
        return {"VersionId": self.put(Key, Body if isinstance(Body, bytes) else Body.read())}

    def s3_get_object(self, *, Bucket: str, Key: str, VersionId: str | None = None) -> Response:  # noqa: N803
        versions = self.objects.get(Key, [])
        matching = [stored for stored in versions if VersionId in (None, stored.version_id)]
        if not matching:
            raise make_client_error("s3", "GetObject", "NoSuchVersion" if VersionId else "NoSuchKey")
        return {
            "Body": _Body(matching[-1].content),
            "ContentLength": len(matching[-1].content),
            "LastModified": matching[-1].last_modified,
            "VersionId": matching[-1].version_id,
            "Metadata": matching[-1].metadata,
        }

    def s3_list_object_versions(
        self,
        *,
        Bucket: str,  # noqa: N803
        Prefix: str = "",  # noqa: N803
        KeyMarker: str | None = None,  # noqa: N803
        VersionIdMarker: str | None = None,  # noqa: N803
    ) -> Response:
        listed = [
            {
                "Key": key,
                "VersionId": stored.version_id,
                "LastModified": stored.last_modified,
                "Size": len(stored.content),
            }
            for key, versions in sorted(self.objects.items())
            if key.startswith(Prefix)
            for stored in versions
        ]
        keys = [(version["Key"], version["VersionId"]) for version in listed]
        after = keys.index((KeyMarker, VersionIdMarker)) + 1 if KeyMarker else 0
        return {"Versions": listed[after:]}

    # DynamoDB

    def dynamodb_batch_write_item(self, *, RequestItems: dict[str, Any]) -> Response:  # noqa: N803
        for name, requests in RequestItems.items():
            if not 1 <= len(requests) <= 25:
                raise make_client_error("dynamodb", "BatchWriteItem", "ValidationException", "1 to 25 items a call")
            keys = [self._key(name, request["PutRequest"]["Item"]) for request in requests]
            if len(set(keys)) != len(keys):
                raise make_client_error(
                    "dynamodb", "BatchWriteItem", "ValidationException", "item keys contain duplicates"
                )
            self.observe_items([request["PutRequest"]["Item"] for request in requests])
            for request in requests:
                self._put(name, request["PutRequest"]["Item"])
        return {"UnprocessedItems": {}}

    def dynamodb_put_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Item: Item,  # noqa: N803
        ConditionExpression: str | None = None,  # noqa: N803
        ExpressionAttributeValues: Item | None = None,  # noqa: N803
    ) -> Response:
        stored_item = self.tables[TableName].get(self._key(TableName, Item), {})
        if ConditionExpression and not evaluate_condition(
            ConditionExpression, stored_item, ExpressionAttributeValues or {}
        ):
            raise make_client_error("dynamodb", "PutItem", "ConditionalCheckFailedException")
        self._put(TableName, Item)
        return {}

    def dynamodb_get_item(self, *, TableName: str, Key: Item, **_: Any) -> Response:  # noqa: N803
        item = self.tables[TableName].get(self._key(TableName, Key))
        return {"Item": dict(item)} if item is not None else {}

    def dynamodb_update_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Key: Item,  # noqa: N803
        UpdateExpression: str,  # noqa: N803
        ExpressionAttributeValues: Item,  # noqa: N803
    ) -> Response:
        stored_item = self.tables[TableName].get(self._key(TableName, Key), Key)
        self._put(TableName, apply_update(UpdateExpression, stored_item, ExpressionAttributeValues))
        return {}

    def dynamodb_delete_item(self, *, TableName: str, Key: Item) -> Response:  # noqa: N803
        self.tables[TableName].pop(self._key(TableName, Key), None)
        return {}

    def _key(self, table: str, item: Item) -> tuple[str, ...]:
        return tuple(item[name]["S"] for name in KEYS[table])

    def _put(self, table: str, item: Item) -> None:
        key = self._key(table, item)
        image: Item = json.loads(json.dumps(item))
        record = {
            "eventName": "MODIFY" if key in self.tables[table] else "INSERT",
            "dynamodb": {"NewImage": image},
        }
        # As in DynamoDB: writing an identical item is no change and creates no stream record.
        changed = self.tables[table].get(key) != item
        self.tables[table][key] = image
        if table == "UploadRecords" and changed and any(matches_pattern(f, record) for f in self.wiring.stream_filters):
            self.stream.append(record)

    # SQS

    def sqs_send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> Response:  # noqa: N803
        names = [entry["Id"] for entry in Entries]
        if not 1 <= len(names) <= 10 or len(set(names)) != len(names):
            raise make_client_error("sqs", "SendMessageBatch", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
        bodies = [json.loads(entry["MessageBody"]) for entry in Entries]
        self.observe_messages(bodies)
        self.sent += bodies
        self.queue += [Message(entry["MessageBody"], entry["MessageAttributes"]) for entry in Entries]
        return {"Successful": [{"Id": name} for name in names]}

    def sqs_change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> Response:  # noqa: N803
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def sqs_get_queue_url(self, *, QueueName: str) -> Response:  # noqa: N803
        return {"QueueUrl": f"http://{QueueName}"}

    def sqs_send_message(self, *, QueueUrl: str, MessageBody: str) -> Response:  # noqa: N803
        # The code compares the time of sending with the real time.
        self.failed_events.setdefault(QueueUrl, []).append(FailedEvent(MessageBody, time.time(), self.clock()))
        return {}

    def sqs_get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> Response:  # noqa: N803
        events = self.failed_events.get(QueueUrl, [])
        visible = sum(event.visible_at <= self.clock() for event in events)
        counts = {
            "ApproximateNumberOfMessages": visible,
            "ApproximateNumberOfMessagesNotVisible": len(events) - visible,
        }
        return {"Attributes": {name: str(counts[name]) for name in AttributeNames}}

    def sqs_receive_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MaxNumberOfMessages: int,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
        **_: Any,
    ) -> Response:
        now = self.clock()
        events = [event for event in self.failed_events.get(QueueUrl, []) if event.visible_at <= now]
        for event in events[:MaxNumberOfMessages]:
            event.visible_at = now + VisibilityTimeout
        messages = [
            {
                "Body": event.body,
                "ReceiptHandle": event.receipt,
                "Attributes": {"SentTimestamp": str(int(event.sent * 1000))},
            }
            for event in events[:MaxNumberOfMessages]
        ]
        return {"Messages": messages} if messages else {}

    def sqs_change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> Response:
        for event in self.failed_events[QueueUrl]:
            if event.receipt == ReceiptHandle:
                event.visible_at = self.clock() + VisibilityTimeout
        return {}

    def sqs_delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Response:  # noqa: N803
        events = self.failed_events[QueueUrl]
        self.failed_events[QueueUrl] = [event for event in events if event.receipt != ReceiptHandle]
        return {}

    # SNS and SES

    def sns_publish(
        self,
        *,
        TopicArn: str,  # noqa: N803
        Message: str,  # noqa: N803
        MessageAttributes: dict[str, Any],  # noqa: N803
        **_: Any,
    ) -> Response:
        forms = json.loads(Message)
        event = {"Records": [{"Sns": {"Message": forms.get("lambda", forms["default"])}}]}
        policy = self.wiring.mailer_filter
        is_subscribed = all(
            MessageAttributes.get(name, {}).get("StringValue") in values for name, values in policy.items()
        )
        (self.notifications if is_subscribed else self.filtered_out).append(event)
        self.published[get_published_subject(Message)] += 1
        return {"MessageId": str(uuid.uuid4())}

    def ses_send_email(self, *, Source: str, Destination: dict[str, Any], Message: dict[str, Any]) -> Response:  # noqa: N803
        self.emails.append(
            {
                "to": Destination["ToAddresses"],
                "subject": Message["Subject"]["Data"],
                "text": Message["Body"]["Text"]["Data"],
            }
        )
        return {"MessageId": str(uuid.uuid4())}
