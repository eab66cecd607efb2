"""Log lines and metrics of the handlers, with and without errors."""

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
from onboarding.pipeline.recovery import RecoveryAction
from tests.support.postgres_fixtures import make_upload

NAMESPACE = "EcommerceProductOnboarding"
UPLOAD_ID = "UPLOAD_20241221_103045_0a1b2c3d"


class Fault(Exception):
    """Injected exception."""


class HandlerOutput:
    """Log lines and metrics that a handler wrote."""

    def __init__(self, log: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
        self._log, self._capsys = log, capsys

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def line(self, message: str) -> dict[str, Any]:
        """Return the only log line with this message."""
        [line] = [line for line in self.logged() if line["message"] == message]
        return line

    def metrics(self) -> dict[str, Any]:
        """Return the only metric line."""
        [line] = self._capsys.readouterr().out.splitlines()
        metrics: dict[str, Any] = json.loads(line)
        return metrics


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> HandlerOutput:
    log = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", log)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tested")
    for module in (csv_parser, error_processor, mailer, product_validator, watchdog):
        monkeypatch.setattr(module, "get_context", lambda: None)
    return HandlerOutput(log, capsys)


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


# Failed calls


@pytest.mark.parametrize(
    ("use_case", "event", "ids"),
    [
        (
            "csv_parser.ingest_object",
            s3_event("uploads/VEND001/my+file.csv"),
            {"s3_key": "uploads/VEND001/my file.csv", "vendor_id": "VEND001"},
        ),
        (
            "product_validator.validate_batch",
            stream_event(("UPLOAD_2", "VEND002"), ("UPLOAD_1", "VEND001"), ("UPLOAD_2", "VEND002")),
            {"upload_ids": ["UPLOAD_1", "UPLOAD_2"], "vendor_ids": ["VEND001", "VEND002"]},
        ),
        (
            "mailer.send_result_email",
            {"Records": [{"Sns": {"Message": json.dumps(dict.fromkeys(UploadResult.__slots__, "") | message())}}]},
            message(),
        ),
    ],
    ids=("csv-parser", "product-validator", "mailer"),
)
def test_handler_error_is_raised_and_logged_with_its_ids(
    use_case: str, event: dict[str, Any], ids: dict[str, Any], output: HandlerOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"onboarding.lambda_handlers.{use_case}", failing)
    module = import_module(f"onboarding.lambda_handlers.{use_case.split('.', maxsplit=1)[0]}")
    with pytest.raises(Fault):
        module.handler(event, None)
    line = output.line("call failed")
    assert {name: line[name] for name in ids} == ids
    assert (line["level"], line["exception_name"]) == ("ERROR", "Fault")


def test_error_processor_failed_upload_is_logged(output: HandlerOutput, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_processor, "finalize_upload", failing)
    monkeypatch.setattr(error_processor, "retry_transient", lambda *_: None)
    with pytest.raises(RuntimeError, match="none of 1 messages"):
        error_processor.handler(queue_event(message()), None)
    line = output.line("upload not finalized")
    assert (line["upload_id"], line["vendor_id"], line["exception_name"]) == (UPLOAD_ID, "VEND001", "Fault")


def test_error_processor_failed_retry_is_logged(output: HandlerOutput, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_processor, "finalize_upload", failing)
    monkeypatch.setattr(error_processor, "retry_transient", failing)
    with pytest.raises(Fault):
        error_processor.handler(queue_event(message()), None)
    assert output.line("call failed")["upload_ids"] == [UPLOAD_ID]


def test_watchdog_some_uploads_fail_logs_the_resumed_ones(
    output: HandlerOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resume(_: object, **__: object) -> Iterator[RecoveryAction]:
        yield RecoveryAction(UPLOAD_ID, "VEND001", "uploads/VEND001/a.csv", "resumed")
        raise ExceptionGroup("1 of 2 could not be resumed", [Fault()])

    monkeypatch.setattr(watchdog, "resume_stalled_uploads", resume)
    monkeypatch.setattr(watchdog, "redrive_uploads", lambda _: iter([]))
    with pytest.raises(ExceptionGroup):
        watchdog.handler({}, None)
    line = output.line("upload resumed")
    assert (line["upload_id"], line["vendor_id"]) == (UPLOAD_ID, "VEND001")
    assert output.metrics()["UploadsResumed"] == [1.0]


@pytest.mark.parametrize(
    ("event", "fault", "is_redriven"),
    [
        ({}, None, True),
        ({}, ExceptionGroup("1 of 2 could not be resumed", [Fault()]), True),
        ({}, psycopg.OperationalError("the database is unavailable"), False),
        ({"sweep": True}, None, False),
    ],
    ids=["scheduled", "some uploads fail", "no database", "sweep"],
)
def test_watchdog_database_available_redrives_upload_events(
    event: dict[str, Any],
    fault: Exception | None,
    is_redriven: bool,
    output: HandlerOutput,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resume(_: object, **__: object) -> Iterator[RecoveryAction]:
        if fault is not None:
            raise fault
        yield from ()

    result = RedriveResult("csv-parser-failures", "uploads/VEND001/a.csv", None)
    for name in ("resume_stalled_uploads", "ingest_missed_objects"):
        monkeypatch.setattr(watchdog, name, resume)
    monkeypatch.setattr(watchdog, "delete_replaced_events", lambda _: 0)
    monkeypatch.setattr(watchdog, "redrive_uploads", lambda _: iter([result]))
    with nullcontext() if fault is None else pytest.raises(type(fault)):
        watchdog.handler(event, None)
    lines = [line["subject"] for line in output.logged() if line["message"] == "event redriven"]
    assert lines == ([result.subject] if is_redriven else [])


@pytest.mark.parametrize(("resume_seconds", "attempts"), [(0, 2), (60, 1), (250, 0)])
def test_watchdog_after_its_time_limit_redrives_no_more_events(
    resume_seconds: int, attempts: int, output: HandlerOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0]

    def resume(_: object, **__: object) -> Iterator[RecoveryAction]:
        clock[0] += resume_seconds
        yield from ()

    def redrive_uploads(_: object) -> Iterator[RedriveResult]:
        for number in range(3):
            clock[0] += 150
            yield RedriveResult("csv-parser-failures", str(number), None)

    monkeypatch.setattr(watchdog, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(watchdog, "resume_stalled_uploads", resume)
    monkeypatch.setattr(watchdog, "redrive_uploads", redrive_uploads)
    watchdog.handler({}, None)
    assert clock[0] == resume_seconds + 150 * attempts
    redriven = [line["subject"] for line in output.logged() if line["message"] == "event redriven"]
    assert redriven == [str(number) for number in range(attempts)]


# Counts


def test_error_processor_completion_message_is_not_counted(
    output: HandlerOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_processor, "finalize_upload", lambda *_: make_upload())
    row = message(error_type="INVALID_PRICE")
    error_processor.handler(queue_event(row, row, message(event="upload_finished")), None)
    assert output.metrics()["ErrorsProcessed"] == [2.0]
    line = output.line("upload finalized")
    assert (line["upload_id"], line["vendor_id"], line["status"]) == (UPLOAD_ID, "VEND001", "partial")
