"""Messages to the error queue and the topic: their format, the limits of SQS, retries."""

from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.validate import validate_parameters
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onboarding.cloudformation.templates import load_template
from onboarding.domain.models import Row, RowError, UploadStatus
from onboarding.domain.product_schema import COLUMNS
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.parser import MAX_CELL
from onboarding.notifications.email import UploadResult
from onboarding.notifications.events import (
    ATTEMPTS,
    RETRY_SECONDS,
    publish_quarantine,
    publish_result,
    retry_transient,
    send_completions,
    send_row_errors,
)
from onboarding.runtime import AppContext
from tests.support.postgres_fixtures import VALID_CELLS, input_shape, make_row, make_upload

PRICE = RowError("INVALID_PRICE", "price", "Price must be at least 0.01")
SKU = RowError("DUPLICATE_SKU", "sku", "Duplicate SKU: S already exists")

QUEUE_LIMIT = 256 * 1024
# SQS rejects a call with any other character in a message.
ALLOWED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


class QueueDouble:
    """Double of SQS with its limits. `failing` has, for each call, the indexes of the entries that fail."""

    def __init__(self, *failing: set[int]) -> None:
        self.failing = list(failing)
        self.calls: list[list[dict[str, Any]]] = []
        self.accepted: list[dict[str, Any]] = []

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        validate_parameters(call, input_shape("sqs", "SendMessageBatch"))
        assert call["QueueUrl"] == "http://queue"
        entries = call["Entries"]
        assert 1 <= len(entries) <= 10
        assert len({entry["Id"] for entry in entries}) == len(entries)
        assert sum(map(size, entries)) <= QUEUE_LIMIT
        assert all(ALLOWED.fullmatch(entry["MessageBody"]) for entry in entries)
        self.calls.append(list(entries))
        failing = self.failing.pop(0) if self.failing else set()
        self.accepted += [entry for index, entry in enumerate(entries) if index not in failing]
        failed = [entry["Id"] for index, entry in enumerate(entries) if index in failing]
        response: dict[str, Any] = {"Successful": [{"Id": e["Id"]} for e in entries if e["Id"] not in failed]}
        if failed:
            response["Failed"] = [{"Id": id_, "Code": "InternalError", "SenderFault": False} for id_ in failed]
        return response

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(entry["MessageBody"]) for entry in self.accepted]


def size(entry: dict[str, Any]) -> int:
    attributes = entry["MessageAttributes"].items()
    return len(entry["MessageBody"].encode()) + sum(
        len(name.encode()) + len(value["DataType"].encode()) + len(value["StringValue"].encode())
        for name, value in attributes
    )


class TopicDouble:
    """Double of SNS with its limits."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish(self, **call: Any) -> None:
        validate_parameters(call, input_shape("sns", "Publish"))
        assert len(call["Message"].encode()) <= QUEUE_LIMIT
        assert call["Subject"].isascii()
        assert call["Subject"].isprintable()
        assert len(call["Subject"]) < 100
        self.published.append(call)


def context_with(queue: QueueDouble | None = None, topic: TopicDouble | None = None) -> AppContext:
    settings = SimpleNamespace(queue_url="http://queue", topic="arn:aws:sns:us-east-1:123456789012:uploads")
    return cast("AppContext", SimpleNamespace(sqs=queue, sns=topic, settings=settings))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the pauses in seconds instead of sleeping."""
    made: list[float] = []
    monkeypatch.setattr("onboarding.notifications.events.time", SimpleNamespace(sleep=made.append, time=time.time))
    return made


# One message for each invalid row


def test_send_row_errors_message_equals_contract() -> None:
    queue = QueueDouble()
    send_row_errors(context_with(queue), [(make_row(5, price="-10.00"), [PRICE, SKU])])
    (entry,) = queue.accepted
    body = json.loads(entry["MessageBody"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", body.pop("timestamp"))
    assert body == {
        "upload_id": "UPLOAD_1",
        "vendor_id": "VEND001",
        "record_id": "REC_00005",
        "row_number": 5,
        "error_type": "INVALID_PRICE",
        "error_message": "Price must be at least 0.01; Duplicate SKU: S already exists",
        "product_data": {**VALID_CELLS, "price": "-10.00"},
    }
    assert entry["MessageAttributes"] == {
        "upload_id": {"DataType": "String", "StringValue": "UPLOAD_1"},
        "vendor_id": {"DataType": "String", "StringValue": "VEND001"},
        "error_type": {"DataType": "String", "StringValue": "INVALID_PRICE"},
    }


@pytest.mark.parametrize(("count", "calls"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (100, [10] * 10)])
def test_send_row_errors_many_rows_sends_ten_messages_per_call(count: int, calls: list[int]) -> None:
    queue = QueueDouble()
    send_row_errors(context_with(queue), [(make_row(number), [PRICE]) for number in range(1, count + 1)])
    # The calls are concurrent, so their order varies.
    assert sorted((len(call) for call in queue.calls), reverse=True) == calls
    assert sorted(body["row_number"] for body in queue.bodies()) == list(range(1, count + 1))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 14), max_size=40), st.sampled_from(["x", "\u00e4", "\N{PILE OF POO}", "\0", '"']))
def test_send_row_errors_large_rows_never_exceed_the_size_limit(widths: list[int], character: str) -> None:
    queue = QueueDouble()
    rows = [
        Row("UPLOAD_1", "VEND001", number, dict.fromkeys(COLUMNS[:width], character * MAX_CELL))
        for number, width in enumerate(widths, 1)
    ]
    send_row_errors(context_with(queue), [(row, [PRICE]) for row in rows])
    bodies = sorted(queue.bodies(), key=lambda body: body["row_number"])
    assert [(body["row_number"], body["product_data"]) for body in bodies] == [
        (row.row_number, row.cells) for row in rows
    ]


@pytest.mark.parametrize("character", ["\N{PILE OF POO}", "\0", "\x7f", '"', "\\", "\uffff", "\ufffe", "9", "\u2028"])
def test_send_row_errors_largest_message_fits(character: str) -> None:
    queue = QueueDouble()
    duplicates = {"sku": 9_999, "vendor_product_id": 9_999}
    row = Row("U" * 50, "V" * 50, 10_000, dict.fromkeys(COLUMNS, character * MAX_CELL), duplicates)
    errors = validate_row(row, ValidationContext(set(), set(), set()))
    assert len(errors) > 10
    send_row_errors(context_with(queue), [(row, errors)])
    (body,) = queue.bodies()
    assert body["product_data"] == row.cells


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8") | st.sampled_from("\0\x1f\x7f\ufffe\uffff\ufdd0\U0001ffff\u2028"), min_size=1)
)
def test_send_row_errors_any_text_has_only_allowed_characters(text: str) -> None:
    queue = QueueDouble()
    send_row_errors(context_with(queue), [(make_row(product_name=text), [PRICE])])
    (body,) = queue.bodies()
    assert body["product_data"]["product_name"] == text


def test_send_row_errors_only_failed_entries_are_retried(pauses: list[float]) -> None:
    queue = QueueDouble({0, 3, 9}, {1})
    send_row_errors(context_with(queue), [(make_row(number), [PRICE]) for number in range(1, 13)])
    assert sorted(len(call) for call in queue.calls) == [1, 2, 3, 10]
    assert sorted(body["row_number"] for body in queue.bodies()) == list(range(1, 13))
    assert len(pauses) == 2
    assert pauses[0] < pauses[1]


def test_send_row_errors_permanent_failure_raises(pauses: list[float]) -> None:
    queue = QueueDouble({0}, *[{0}] * ATTEMPTS)
    with pytest.raises(RuntimeError, match="SQS did not take 1 messages: InternalError"):
        send_row_errors(context_with(queue), [(make_row(1), [PRICE]), (make_row(2), [PRICE])])
    assert [len(call) for call in queue.calls] == [2] + [1] * (ATTEMPTS - 1)
    assert pauses == sorted(pauses)


# One message for each complete upload


def test_send_completions_message_names_its_upload() -> None:
    queue = QueueDouble()
    send_completions(context_with(queue), [("UPLOAD_1", "VEND001"), ("UPLOAD_2", "VEND002")])
    bodies = queue.bodies()
    assert all(re.fullmatch(r"[-\d]+T[:.\d]+Z", body.pop("timestamp")) for body in bodies)
    assert bodies == [
        {"event": "upload_finished", "upload_id": "UPLOAD_1", "vendor_id": "VEND001"},
        {"event": "upload_finished", "upload_id": "UPLOAD_2", "vendor_id": "VEND002"},
    ]
    assert [set(entry["MessageAttributes"]) for entry in queue.accepted] == [{"upload_id", "vendor_id"}] * 2


def test_send_completions_without_uploads_makes_no_call() -> None:
    queue = QueueDouble()
    send_completions(context_with(queue), [])
    assert queue.calls == []


# Results


@pytest.mark.parametrize("status", [UploadStatus.COMPLETED, UploadStatus.PARTIAL, UploadStatus.FAILED])
def test_publish_result_is_json_for_functions_and_text_for_people(status: UploadStatus) -> None:
    topic = TopicDouble()
    key = "errors/VEND001/UPLOAD_20241221_103045_0a1b2c3d_errors.csv"
    publish_result(context_with(topic=topic), make_upload(status=status), key)
    (call,) = topic.published
    assert call["TopicArn"] == "arn:aws:sns:us-east-1:123456789012:uploads"
    assert call["MessageStructure"] == "json"
    assert call["MessageAttributes"] == {
        "vendor_id": {"DataType": "String", "StringValue": "VEND001"},
        "status": {"DataType": "String", "StringValue": status.value},
    }
    forms = json.loads(call["Message"])
    assert UploadResult(**json.loads(forms["lambda"])) == UploadResult(
        upload_id="UPLOAD_20241221_103045_0a1b2c3d",
        vendor_id="VEND001",
        vendor_name="TechGear",
        vendor_email="contact@techgear.com",
        file_name="products.csv",
        status=status.value,
        total_records=100,
        valid_records=92,
        error_records=8,
        failure_reason=None,
        error_file_s3_key=key,
    )
    assert f"status: {status.value}\n" in forms["default"]
    assert f"error_file_s3_key: {key}" in forms["default"]
    assert "failure_reason" not in forms["default"]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=255))
def test_publish_result_any_file_name_is_accepted(name: str) -> None:
    topic = TopicDouble()
    publish_result(context_with(topic=topic), make_upload(file_name=name), None)
    forms = json.loads(topic.published[0]["Message"])
    assert json.loads(forms["lambda"])["file_name"] == name


@given(st.text())
@example("a.csv\nstatus: completed")
def test_publish_result_vendor_text_with_line_breaks_stays_on_its_line(text: str) -> None:
    def lines(name: str) -> int:
        topic = TopicDouble()
        ctx = context_with(topic=topic)
        publish_result(ctx, make_upload(file_name=name, vendor_name=name, failure_reason=name), None)
        publish_quarantine(ctx, name, name)
        return sum(len(json.loads(call["Message"])["default"].splitlines()) for call in topic.published)

    assert lines(text) == lines("x")


def test_publish_quarantine_goes_only_to_operators() -> None:
    topic = TopicDouble()
    publish_quarantine(context_with(topic=topic), "uploads/NOBODY/a.csv", "The vendor 'NOBODY' is not known")
    (call,) = topic.published
    assert call["MessageAttributes"]["status"]["StringValue"] == "quarantined"
    # The subscription of mailer filters for `completed`, `partial` and `failed`.
    assert call["MessageAttributes"]["status"]["StringValue"] not in set(UploadStatus)
    assert json.loads(call["Message"])["default"] == "The vendor 'NOBODY' is not known\nObject: uploads/NOBODY/a.csv"


def test_publish_quarantine_key_is_on_one_line() -> None:
    topic = TopicDouble()
    publish_quarantine(context_with(topic=topic), "uploads/NO\r\nHello operator,/a.csv", "The reason")
    text = json.loads(topic.published[0]["Message"])["default"]
    assert text.splitlines() == ["The reason", "Object: uploads/NO Hello operator,/a.csv"]


def test_publish_result_file_name_is_on_one_line() -> None:
    topic = TopicDouble()
    publish_result(context_with(topic=topic), make_upload(file_name="a\nstatus: x\u2028b.csv"), None)
    text = json.loads(topic.published[0]["Message"])["default"]
    assert "file_name: a status: x b.csv" in text.splitlines()


# Messages that failed

FAILOVER_SECONDS = 120
"""Maximum duration of a failover of RDS to its standby, from the documentation of AWS."""


def list_delays(receive_counts: list[int]) -> list[int]:
    """Return the retry delays in seconds of messages with these receive counts."""
    delays: list[int] = []

    def change_message_visibility_batch(**call: Any) -> dict[str, Any]:
        validate_parameters(call, input_shape("sqs", "ChangeMessageVisibilityBatch"))
        assert len(call["Entries"]) <= 10
        delays.extend(entry["VisibilityTimeout"] for entry in call["Entries"])
        return {}

    sqs = SimpleNamespace(change_message_visibility_batch=change_message_visibility_batch)
    ctx = cast("AppContext", SimpleNamespace(sqs=sqs, settings=SimpleNamespace(queue_url="http://queue")))
    records = [
        {"receiptHandle": "r", "attributes": {"ApproximateReceiveCount": str(count)}} for count in receive_counts
    ]
    retry_transient(ctx, records)
    return delays


def test_retry_transient_delays_cover_a_failover() -> None:
    template = load_template("pipeline", {}, "000000000000", "us-east-1")
    receives: int = template.resources_of_type("AWS::SQS::Queue")["ErrorQueue"]["RedrivePolicy"]["maxReceiveCount"]
    *retries, last = list_delays(list(range(1, receives + 1)))
    assert tuple(retries) == RETRY_SECONDS, "one delay for each retry"
    assert retries[0] < 60, "a report is due within a minute"
    assert sum(retries) > FAILOVER_SECONDS
    assert last == 0, "the message reaches the dead-letter queue without delay"


def test_retry_transient_many_messages_are_all_delayed() -> None:
    assert list_delays([1] * 25) == [RETRY_SECONDS[0]] * 25
