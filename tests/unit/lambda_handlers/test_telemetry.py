"""What every function writes while it works: its log lines with their ids, and its metrics. Also when it fails."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from onboarding.aws.dead_letter_queues import RedriveResult
from onboarding.domain.resource_names import resource_name
from onboarding.lambda_handlers import csv_parser, error_processor, mailer, product_validator, telemetry, watchdog
from onboarding.notifications.email import UploadResult
from onboarding.pipeline import recovery as steps
from tests.support.postgres_fixtures import an_upload
from tests.support.running_pipeline import Pipeline, csv_of, product, until

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
        monkeypatch.setattr(module, "context", lambda: None)
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
def test_a_fault_escapes_and_leaves_a_line_that_says_whose(
    step: str, event: dict[str, Any], named: dict[str, Any], written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"onboarding.lambda_handlers.{step}", failing)
    module = import_module(f"onboarding.lambda_handlers.{step.split('.', maxsplit=1)[0]}")
    with pytest.raises(Fault):
        module.handler(event, None)
    line = written.line("call failed")
    assert {name: line[name] for name in named} == named
    assert (line["level"], line["exception_name"]) == ("ERROR", "Fault")


def test_an_upload_that_cannot_be_finished_leaves_a_line(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_processor, "finalize_upload", failing)
    monkeypatch.setattr(error_processor, "retry_transient", lambda *_: None)
    with pytest.raises(RuntimeError, match="none of 1 messages"):
        error_processor.handler(queue_event(message()), None)
    line = written.line("upload not finished")
    assert (line["upload_id"], line["vendor_id"], line["exception_name"]) == (UPLOAD_ID, "VEND001", "Fault")


def test_messages_that_cannot_be_sent_back_leave_a_line(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_processor, "finalize_upload", failing)
    monkeypatch.setattr(error_processor, "retry_transient", failing)
    with pytest.raises(Fault):
        error_processor.handler(queue_event(message()), None)
    assert written.line("call failed")["upload_ids"] == [UPLOAD_ID]


def test_what_the_watchdog_drove_on_is_told_beside_what_it_could_not(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drive(_: object, **__: object) -> Iterator[steps.RecoveryAction]:
        yield steps.RecoveryAction(UPLOAD_ID, "VEND001", "uploads/VEND001/a.csv", "resumed")
        raise ExceptionGroup("1 of 2 could not be driven on", [Fault()])

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
        ({}, ExceptionGroup("1 of 2 could not be driven on", [Fault()]), True),
        ({}, psycopg.OperationalError("the database is away"), False),
        ({"sweep": True}, None, False),
    ],
    ids=["scheduled", "some uploads fail", "no database", "sweep"],
)
def test_watchdog_tries_failed_upload_events_if_the_database_answers(
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


def test_only_messages_about_rows_count_as_errors(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_processor, "finalize_upload", lambda *_: an_upload())
    row = message(error_type="INVALID_PRICE")
    error_processor.handler(queue_event(row, row, message(event="upload_finished")), None)
    assert written.metrics()["ErrorsProcessed"] == [2.0]
    line = written.line("upload finished")
    assert (line["upload_id"], line["vendor_id"], line["status"]) == (UPLOAD_ID, "VEND001", "partial")


# The contract's list, to the letter.
COUNTED = {
    "csv-parser": {"CSVRecordsProcessed", "CSVRecordsSuccessful", "CSVProcessingTime"},
    "product-validator": {"ProductsValidated", "ProductsRejected", "ValidationProcessingTime"},
    "error-processor": {"ErrorsProcessed", "ErrorProcessingTime"},
}
SAID = {"csv-parser": "object staged", "product-validator": "batch judged", "error-processor": "upload finished"}


@pytest.mark.parametrize("function", COUNTED)
def test_a_function_writes_the_contracts_metrics_and_whose_upload_it_was(pipeline: Pipeline, function: str) -> None:
    rows = [product(f"told-{function}-1"), product(f"told-{function}-2", price="0")]
    upload = pipeline.run("VEND001", f"told-{function}.csv", csv_of(rows))
    logs = pipeline.endpoints.client("logs")

    def lines() -> list[dict[str, Any]]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{resource_name(function)}")
        written = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(text) for text in written if text.startswith("{") and upload.upload_id in text]

    def of(condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return until(lambda: next(filter(condition, lines()), None), f"{function}'s line")

    said = of(lambda line: line.get("message") == SAID[function])
    ids = [said.get(name) or said[f"{name}s"] for name in ("upload_id", "vendor_id")]
    assert ids in ([upload.upload_id, "VEND001"], [[upload.upload_id], ["VEND001"]])

    metrics = of(lambda line: "_aws" in line)
    [directive] = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == NAMESPACE
    assert {metric["Name"] for metric in directive["Metrics"]} == COUNTED[function]
    assert directive["Dimensions"] == [["service"]]
    assert COUNTED[function] | {"service"} <= metrics.keys()
    assert metrics["service"] == function
