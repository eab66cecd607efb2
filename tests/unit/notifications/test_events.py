"""Notifications of finished uploads and quarantined objects."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.validate import validate_parameters
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onboarding.domain.models import UploadStatus
from onboarding.notifications.email import UploadResult
from onboarding.notifications.events import publish_quarantine, publish_result
from onboarding.runtime import AppContext
from tests.support.postgres_fixtures import input_shape, make_upload

MAX_MESSAGE_BYTES = 256 * 1024


class Topic:
    """Double of SNS with its limits."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    def publish(self, **call: Any) -> None:
        validate_parameters(call, input_shape("sns", "Publish"))
        assert len(call["Message"].encode()) <= MAX_MESSAGE_BYTES
        assert call["Subject"].isascii()
        assert call["Subject"].isprintable()
        assert len(call["Subject"]) < 100
        self.published.append(call)


def context_with(topic: Topic) -> AppContext:
    return cast(
        "AppContext",
        SimpleNamespace(sns=topic, settings=SimpleNamespace(topic="arn:aws:sns:us-east-1:123456789012:uploads")),
    )


@pytest.mark.parametrize("status", [UploadStatus.COMPLETED, UploadStatus.PARTIAL, UploadStatus.FAILED])
def test_publish_result_is_json_for_functions_and_text_for_people(status: UploadStatus) -> None:
    topic = Topic()
    key = "errors/VEND001/UPLOAD_20241221_103045_0a1b2c3d_errors.csv"
    publish_result(context_with(topic), make_upload(status=status), key)
    (call,) = topic.published
    assert call["TopicArn"] == "arn:aws:sns:us-east-1:123456789012:uploads"
    assert call["MessageStructure"] == "json"
    assert call["MessageAttributes"] == {
        "vendor_id": {"DataType": "String", "StringValue": "VEND001"},
        "status": {"DataType": "String", "StringValue": status.value},
    }
    forms = json.loads(call["Message"])
    assert UploadResult.from_message(json.loads(forms["lambda"])) == UploadResult(
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


def test_publish_result_of_correcting_upload_names_the_corrected_one() -> None:
    topic = Topic()
    publish_result(context_with(topic), make_upload(parent_upload_id="UPLOAD_1"), None, correction="It corrects a.csv.")
    forms = json.loads(topic.published[0]["Message"])
    result = UploadResult.from_message(json.loads(forms["lambda"]))
    assert (result.parent_upload_id, result.correction) == ("UPLOAD_1", "It corrects a.csv.")
    assert "parent_upload_id: UPLOAD_1" in forms["default"]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=255))
def test_publish_result_any_file_name_is_accepted(name: str) -> None:
    topic = Topic()
    publish_result(context_with(topic), make_upload(file_name=name), None)
    forms = json.loads(topic.published[0]["Message"])
    assert json.loads(forms["lambda"])["file_name"] == name


@given(st.text())
@example("a.csv\nstatus: completed")
def test_publish_result_vendor_text_with_line_breaks_stays_on_its_line(text: str) -> None:
    def lines(name: str) -> int:
        topic = Topic()
        ctx = context_with(topic)
        publish_result(ctx, make_upload(file_name=name, vendor_name=name, failure_reason=name), None)
        publish_quarantine(ctx, name, name)
        return sum(len(json.loads(call["Message"])["default"].splitlines()) for call in topic.published)

    assert lines(text) == lines("x")


def test_publish_quarantine_goes_only_to_operators() -> None:
    topic = Topic()
    publish_quarantine(context_with(topic), "uploads/NOBODY/a.csv", "The vendor 'NOBODY' is not known")
    (call,) = topic.published
    assert call["MessageAttributes"]["status"]["StringValue"] == "quarantined"
    # The filter of the mailer accepts `completed`, `partial` and `failed`.
    assert call["MessageAttributes"]["status"]["StringValue"] not in set(UploadStatus)
    assert json.loads(call["Message"])["default"] == "The vendor 'NOBODY' is not known\nObject: uploads/NOBODY/a.csv"


def test_publish_quarantine_key_is_on_one_line() -> None:
    topic = Topic()
    publish_quarantine(context_with(topic), "uploads/NO\r\nHello operator,/a.csv", "The reason")
    text = json.loads(topic.published[0]["Message"])["default"]
    assert text.splitlines() == ["The reason", "Object: uploads/NO Hello operator,/a.csv"]


def test_publish_result_file_name_is_on_one_line() -> None:
    topic = Topic()
    publish_result(context_with(topic), make_upload(file_name="a\nstatus: x\u2028b.csv"), None)
    text = json.loads(topic.published[0]["Message"])["default"]
    assert "file_name: a status: x b.csv" in text.splitlines()
