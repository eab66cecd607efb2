"""Log lines and metrics of the handlers, also after errors."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import nullcontext
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from onboarding.aws.dead_letter_queues import RedriveResult
from onboarding.lambda_handlers import csv_parser, error_processor, mailer, product_validator, telemetry, watchdog
from onboarding.notifications.email import UploadResult
from onboarding.pipeline import recovery as steps
from tests.support.postgres_fixtures import make_upload

NAMESPACE = "EcommerceProductOnboarding"
UPLOAD_ID = "UPLOAD_20241221_103045_0a1b2c3d"


class Fault(Exception):
    """One of ours."""


class Written:
    """What a handler wrote to standard output, line by line."""

    def __init__(self, log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
        self._log, self._capsys = log, capsys

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def line(self, message: str) -> dict[str, Any]:
        """The one line with this message."""
        [found] = [line for line in self.logged() if line["message"] == message]
        return found

    def metrics(self) -> dict[str, Any]:
        """The one metric line."""
        [line] = self._capsys.readouterr().out.splitlines()
        metrics: dict[str, Any] = json.loads(line)
        return metrics


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Written:
    log = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", log)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tested")
    for module in (csv_parser, error_processor, mailer, product_validator, watchdog):
        monkeypatch.setattr(module, "get_context", lambda: None)
    return Written(log, capsys)


def failing(*_: object) -> None:
    raise Fault


def s3_event(key: str) -> dict[str, Any]:
    return {"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": key, "versionId": "v"}}}]}


def stream_event(*rows: tuple[str, str]) -> dict[str, Any]:
    images = [{"upload_id": {"S": upload_id}, "vendor_id": {"S": vendor_id}} for upload_id, vendor_id in rows]
    return {"Records": [{"dynamodb": {"NewImage": image}} for image in images]}


def queue_event(*bodies: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [{"messageId": str(n), "body": json.dumps(body)} for n, body in enumerate(bodies)]}


def message(**more: str) -> dict[str, Any]:
    return {"upload_id": UPLOAD_ID, "vendor_id": "VEND001", **more}


# A call that fails


@pytest.mark.parametrize(
    ("step", "event", "named"),
    [
        (
            "csv_parser.take_in",
            s3_event("uploads/VEND001/my+file.csv"),
            {"s3_key": "uploads/VEND001/my file.csv", "vendor_id": "VEND001"},
        ),
        (
            "product_validator.judge",
            stream_event(("UPLOAD_2", "VEND002"), ("UPLOAD_1", "VEND001"), ("UPLOAD_2", "VEND002")),
            {"upload_ids": ["UPLOAD_1", "UPLOAD_2"], "vendor_ids": ["VEND001", "VEND002"]},
        ),
        (
            "mailer.send",
            {"Records": [{"Sns": {"Message": json.dumps(dict.fromkeys(UploadResult.__slots__, "") | message())}}]},
            message(),
        ),
    ],
    ids=["csv-parser", "product-validator", "mailer"],
)
def test_handler_error_is_raised_and_logged_with_its_ids(
    step: str, event: dict[str, Any], named: dict[str, Any], written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"onboarding.lambda_handlers.{step}", failing)
    module = import_module(f"onboarding.lambda_handlers.{step.split('.', maxsplit=1)[0]}")
    with pytest.raises(Fault):
        module.handler(event, None)
    line = written.line("call failed")
    assert {name: line[name] for name in named} == named
    assert (line["level"], line["exception_name"]) == ("ERROR", "Fault")


def test_error_processor_failed_upload_is_logged(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_processor, "finalize_upload", failing)
    monkeypatch.setattr(error_processor, "retry_transient", lambda *_: None)
    with pytest.raises(RuntimeError, match="none of 1 messages"):
        error_processor.handler(queue_event(message()), None)
    line = written.line("upload not finished")
    assert (line["upload_id"], line["vendor_id"], line["exception_name"]) == (UPLOAD_ID, "VEND001", "Fault")


def test_error_processor_failed_retry_is_logged(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_processor, "finalize_upload", failing)
    monkeypatch.setattr(error_processor, "retry_transient", failing)
    with pytest.raises(Fault):
        error_processor.handler(queue_event(message()), None)
    assert written.line("call failed")["upload_ids"] == [UPLOAD_ID]


def test_watchdog_logs_resumed_uploads_beside_failed_ones(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    def drive(_: object, **__: object) -> Iterator[steps.RecoveryAction]:
        yield steps.RecoveryAction(UPLOAD_ID, "VEND001", "uploads/VEND001/a.csv", "resumed")
        raise ExceptionGroup("1 of 2 could not be resumed", [Fault()])

    monkeypatch.setattr(watchdog, "resume_stalled_uploads", drive)
    monkeypatch.setattr(watchdog, "redrive_uploads", lambda _: iter([]))
    with pytest.raises(ExceptionGroup):
        watchdog.handler({}, None)
    line = written.line("upload resumed")
    assert (line["upload_id"], line["vendor_id"]) == (UPLOAD_ID, "VEND001")
    assert written.metrics()["UploadsResumed"] == [1.0]


@pytest.mark.parametrize(
    ("event", "fault", "tries_again"),
    [
        ({}, None, True),
        ({}, ExceptionGroup("1 of 2 could not be resumed", [Fault()]), True),
        ({}, psycopg.OperationalError("the database is away"), False),
        ({"sweep": True}, None, False),
    ],
    ids=["scheduled", "some uploads fail", "no database", "sweep"],
)
def test_watchdog_redrives_upload_events_if_the_database_responds(
    event: dict[str, Any], fault: Exception | None, tries_again: bool, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drive(_: object, **__: object) -> Iterator[steps.RecoveryAction]:
        if fault is not None:
            raise fault
        yield from ()

    tried = RedriveResult("csv-parser-failures", "uploads/VEND001/a.csv", None)
    for name in ("drive", "sweep"):
        monkeypatch.setattr(watchdog, name, drive)
    monkeypatch.setattr(watchdog, "redrive_uploads", lambda _: iter([tried]))
    with nullcontext() if fault is None else pytest.raises(type(fault)):
        watchdog.handler(event, None)
    lines = [line["about"] for line in written.logged() if line["message"] == "failure tried again"]
    assert lines == ([tried.about] if tries_again else [])


@pytest.mark.parametrize(("driven_for", "attempts"), [(0, 2), (60, 1), (250, 0)])
def test_watchdog_starts_no_attempt_after_its_time(
    driven_for: int, attempts: int, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0]

    def drive(_: object, **__: object) -> Iterator[steps.RecoveryAction]:
        clock[0] += driven_for
        yield from ()

    def redrive_uploads(_: object) -> Iterator[RedriveResult]:
        for number in range(3):
            clock[0] += 150
            yield RedriveResult("csv-parser-failures", str(number), None)

    monkeypatch.setattr(watchdog, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(watchdog, "resume_stalled_uploads", drive)
    monkeypatch.setattr(watchdog, "redrive_uploads", redrive_uploads)
    watchdog.handler({}, None)
    assert clock[0] == driven_for + 150 * attempts
    tried = [line["about"] for line in written.logged() if line["message"] == "failure tried again"]
    assert tried == [str(number) for number in range(attempts)]


# What is counted


def test_error_processor_counts_only_row_messages(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_processor, "finalize_upload", lambda *_: make_upload())
    row = message(error_type="INVALID_PRICE")
    error_processor.handler(queue_event(row, row, message(event="upload_finished")), None)
    assert written.metrics()["ErrorsProcessed"] == [2.0]
    line = written.line("upload finished")
    assert (line["upload_id"], line["vendor_id"], line["status"]) == (UPLOAD_ID, "VEND001", "partial")
