"""Handler of error-processor: batches of which some or all messages fail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from onboarding.lambda_handlers import error_processor


@pytest.fixture
def retried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the ids of the messages that are retried. Finalizing an upload fails if its id begins with FAILING."""
    message_ids: list[str] = []

    def finalize(_: object, upload_id: str) -> None:
        if upload_id.startswith("FAILING"):
            raise OSError("injected")

    def retry(_: object, records: Sequence[Any]) -> None:
        message_ids.extend(record["messageId"] for record in records)

    monkeypatch.setattr(error_processor, "get_context", lambda: None)
    monkeypatch.setattr(error_processor, "finalize_upload", finalize)
    monkeypatch.setattr(error_processor, "retry_transient", retry)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Test")
    return message_ids


def make_event(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]}


def make_body(upload_id: str) -> str:
    return json.dumps({"upload_id": upload_id})


def test_error_processor_failed_message_does_not_affect_others(retried: list[str]) -> None:
    response = error_processor.handler(make_event(make_body("FAILING"), make_body("VALID"), "malformed"), None)
    assert response == {"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "0"}]}
    assert retried == ["2", "0"]


@pytest.mark.parametrize(
    "bodies",
    [[make_body("FAILING")], [make_body("FAILING-1"), make_body("FAILING-2"), make_body("FAILING-1")], ["malformed"]],
)
def test_error_processor_batch_without_success_raises_and_is_retried(retried: list[str], bodies: list[str]) -> None:
    with pytest.raises(RuntimeError, match="messages could be processed"):
        error_processor.handler(make_event(*bodies), None)
    assert sorted(retried) == [str(number) for number in range(len(bodies))]
