"""Batches of messages of which some or all fail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from onboarding.lambda_handlers import error_processor


@pytest.fixture
def retried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages that are to come again soon. Uploads whose id begins with BAD cannot be finished."""
    soon: list[str] = []

    def finish(_: object, upload_id: str) -> None:
        if upload_id.startswith("BAD"):
            raise OSError("planted")

    def retry_soon(_: object, records: Sequence[Any]) -> None:
        soon.extend(record["messageId"] for record in records)

    monkeypatch.setattr(error_processor, "get_context", lambda: None)
    monkeypatch.setattr(error_processor, "finalize_upload", finish)
    monkeypatch.setattr(error_processor, "retry_transient", retry_soon)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Test")
    return soon


def batch(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]}


def about(upload_id: str) -> str:
    return json.dumps({"upload_id": upload_id})


def test_error_processor_failed_message_does_not_affect_others(retried: list[str]) -> None:
    answer = error_processor.handler(batch(about("BAD"), about("GOOD"), "not ours"), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "0"}]}
    assert retried == ["2", "0"]


@pytest.mark.parametrize("bodies", [[about("BAD")], [about("BAD-1"), about("BAD-2"), about("BAD-1")], ["not ours"]])
def test_error_processor_batch_without_success_fails_and_is_retried_soon(retried: list[str], bodies: list[str]) -> None:
    with pytest.raises(RuntimeError, match="messages could be processed"):
        error_processor.handler(batch(*bodies), None)
    assert sorted(retried) == [str(number) for number in range(len(bodies))]
