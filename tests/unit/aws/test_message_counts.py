"""Cached numbers of messages in the failure queues."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from onboarding.aws.dead_letter_queues import COUNT_SECONDS, RETRIED_BY, MessageCounts
from onboarding.runtime import AppContext


class Sqs:
    """Double of SQS that returns the number of requests so far as the number of messages."""

    def __init__(self) -> None:
        self.requests = 0

    def get_queue_url(self, **_: Any) -> dict[str, str]:
        return {"QueueUrl": "url"}

    def get_queue_attributes(self, **_: Any) -> dict[str, dict[str, str]]:
        self.requests += 1
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.requests)}}


def test_message_counts_repeated_are_cached_until_they_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    sqs, now = Sqs(), [100.0]
    monkeypatch.setattr("onboarding.aws.dead_letter_queues.time", SimpleNamespace(monotonic=lambda: now[0]))
    settings = SimpleNamespace(resource_name=lambda name: name)
    counts = MessageCounts(cast("AppContext", SimpleNamespace(sqs=sqs, settings=settings)))
    first = counts.get()
    assert list(first) == list(RETRIED_BY)
    now[0] += COUNT_SECONDS - 1
    assert counts.get() == first
    assert sqs.requests == len(RETRIED_BY)
    now[0] += 1
    assert counts.get() != first
    assert sqs.requests == 2 * len(RETRIED_BY)
