"""Messages to the error queue: format, limits of SQS, retries."""

from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.validate import validate_parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.aws.error_queue import ATTEMPTS, RETRY_SECONDS, retry_transient, send_completions, send_row_errors
from onboarding.cloudformation.templates import load_template
from onboarding.domain.models import Row, RowError
from onboarding.domain.product_schema import COLUMNS
from onboarding.domain.validation import validate_row
from onboarding.domain.validation_context import ValidationContext
from onboarding.files.row_builder import MAX_CELL
from onboarding.runtime import AppContext
from tests.support.postgres_fixtures import VALID_CELLS, input_shape, make_row

PRICE = RowError("INVALID_PRICE", "price", "Price must be at least 0.01")
SKU = RowError("DUPLICATE_SKU", "sku", "Duplicate SKU: S already exists")

MAX_MESSAGE_BYTES = 256 * 1024

# SQS rejects a call with any other character.
ALLOWED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


class Queue:
    """Double of SQS with its limits. `failing` has the positions of the entries that each call rejects."""

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
        assert sum(map(size, entries)) <= MAX_MESSAGE_BYTES
        assert all(ALLOWED.fullmatch(entry["MessageBody"]) for entry in entries)
        self.calls.append(list(entries))
        failing = self.failing.pop(0) if self.failing else set()
        self.accepted += [entry for position, entry in enumerate(entries) if position not in failing]
        failed_ids = [entry["Id"] for position, entry in enumerate(entries) if position in failing]
        response: dict[str, Any] = {"Successful": [{"Id": e["Id"]} for e in entries if e["Id"] not in failed_ids]}
        if failed_ids:
            response["Failed"] = [{"Id": id_, "Code": "InternalError", "SenderFault": False} for id_ in failed_ids]
        return response

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(entry["MessageBody"]) for entry in self.accepted]


def size(entry: dict[str, Any]) -> int:
    attributes = entry["MessageAttributes"].items()
    return len(entry["MessageBody"].encode()) + sum(
        len(name.encode()) + len(value["DataType"].encode()) + len(value["StringValue"].encode())
        for name, value in attributes
    )


def context_with(queue: Queue) -> AppContext:
    return cast("AppContext", SimpleNamespace(sqs=queue, settings=SimpleNamespace(queue_url="http://queue")))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the pauses by a list of their seconds."""
    seconds: list[float] = []
    monkeypatch.setattr("onboarding.aws.error_queue.time", SimpleNamespace(sleep=seconds.append, time=time.time))
    return seconds


# Row errors


def test_send_row_errors_message_has_the_format_of_the_contract() -> None:
    queue = Queue()
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
def test_send_row_errors_sends_ten_messages_a_call(count: int, calls: list[int]) -> None:
    queue = Queue()
    send_row_errors(context_with(queue), [(make_row(number), [PRICE]) for number in range(1, count + 1)])
    assert sorted(map(len, queue.calls), reverse=True) == calls
    assert sorted(body["row_number"] for body in queue.bodies()) == list(range(1, count + 1))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 14), max_size=40), st.sampled_from(["x", "\u00e4", "\N{PILE OF POO}", "\0", '"']))
def test_send_row_errors_no_call_exceeds_the_size_limit(widths: list[int], character: str) -> None:
    queue = Queue()
    rows = [
        Row("UPLOAD_1", "VEND001", number, dict.fromkeys(COLUMNS[:width], character * MAX_CELL))
        for number, width in enumerate(widths, 1)
    ]
    send_row_errors(context_with(queue), [(row, [PRICE]) for row in rows])
    # Calls are concurrent, so their order varies.
    assert {body["row_number"]: body["product_data"] for body in queue.bodies()} == {
        row.row_number: row.cells for row in rows
    }
    assert len(queue.accepted) == len(rows)


@pytest.mark.parametrize("character", ["\N{PILE OF POO}", "\0", "\x7f", '"', "\\", "\uffff", "\ufffe", "9", "\u2028"])
def test_send_row_errors_largest_message_fits(character: str) -> None:
    queue = Queue()
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
def test_send_row_errors_any_text_is_accepted(text: str) -> None:
    queue = Queue()
    send_row_errors(context_with(queue), [(make_row(product_name=text), [PRICE])])
    (body,) = queue.bodies()
    assert body["product_data"]["product_name"] == text


def test_send_row_errors_only_failed_entries_are_retried(pauses: list[float]) -> None:
    queue = Queue({0, 3, 9}, {1})
    send_row_errors(context_with(queue), [(make_row(number), [PRICE]) for number in range(1, 13)])
    assert [len(call) for call in queue.calls] == [10, 3, 1, 2]
    assert sorted(body["row_number"] for body in queue.bodies()) == list(range(1, 13))
    assert len(pauses) == 2
    assert pauses[0] < pauses[1]


def test_send_row_errors_permanent_failure_raises(pauses: list[float]) -> None:
    queue = Queue({0}, *[{0}] * ATTEMPTS)
    with pytest.raises(RuntimeError, match=f"SQS rejected 1 messages after {ATTEMPTS} attempts: InternalError"):
        send_row_errors(context_with(queue), [(make_row(1), [PRICE]), (make_row(2), [PRICE])])
    assert [len(call) for call in queue.calls] == [2] + [1] * (ATTEMPTS - 1)
    assert pauses == sorted(pauses)


# Completions


def test_send_completions_message_names_its_upload() -> None:
    queue = Queue()
    send_completions(context_with(queue), [("UPLOAD_1", "VEND001"), ("UPLOAD_2", "VEND002")])
    bodies = queue.bodies()
    assert all(re.fullmatch(r"[-\d]+T[:.\d]+Z", body.pop("timestamp")) for body in bodies)
    assert bodies == [
        {"event": "upload_finished", "upload_id": "UPLOAD_1", "vendor_id": "VEND001"},
        {"event": "upload_finished", "upload_id": "UPLOAD_2", "vendor_id": "VEND002"},
    ]
    assert [set(entry["MessageAttributes"]) for entry in queue.accepted] == [{"upload_id", "vendor_id"}] * 2


def test_send_completions_without_uploads_makes_no_call() -> None:
    queue = Queue()
    send_completions(context_with(queue), [])
    assert queue.calls == []


# Retries

FAILOVER_SECONDS = 120
"""Maximum duration of a failover of an RDS instance with a standby, by the documentation of AWS."""


def get_delays(receive_counts: list[int]) -> list[int]:
    """Return the delays of failed messages with these receive counts."""
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
    *retries, last = get_delays(list(range(1, receives + 1)))
    assert tuple(retries) == RETRY_SECONDS, "one delay for each retry"
    assert retries[0] < 60, "a report is due within a minute"
    assert sum(retries) > FAILOVER_SECONDS
    assert last == 0, "the alarm of the dead-letter queue is not delayed"


def test_retry_transient_accepts_any_number_of_messages() -> None:
    assert get_delays([1] * 25) == [RETRY_SECONDS[0]] * 25
