"""`onboarding local up` on a state directory with uploads in progress."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from onboarding.cli.main import main
from onboarding.cli.output import print_line
from onboarding.cli.target import environment_of
from onboarding.config import Settings
from onboarding.domain.models import Upload
from onboarding.local.endpoints import read_endpoints
from onboarding.local.restart_recovery import recover_uploads
from onboarding.local.stack import LocalStack
from onboarding.pipeline.ingest import IngestResult, S3ObjectVersion, ingest_object
from onboarding.pipeline.recovery import RecoveryAction
from onboarding.runtime import AppContext
from tests.integration.pipeline.test_recovery import ProcessEnded, open_without_staging
from tests.support.local_processes import make_state
from tests.support.running_pipeline import Pipeline, csv_of, product


@pytest.fixture
def state() -> Iterator[Path]:
    """Yield a state directory outside pytest's, whose permissions another pytest process resets."""
    directory = make_state()
    yield directory
    shutil.rmtree(directory)


def interrupt_uploads(state: Path, patch: pytest.MonkeyPatch, *names: str) -> list[S3ObjectVersion]:
    """Return the objects of uploads that were opened in this state directory and did not continue."""
    with (
        LocalStack(state) as local_stack,
        Pipeline(local_stack.endpoints) as pipeline,
        environment_of(local_stack.endpoints),
        closing(AppContext(Settings.from_environment())) as ctx,
    ):
        return [open_without_staging(ctx, pipeline, name, 2, patch) for name in names]


def run_until_finished(state: Path, patch: pytest.MonkeyPatch, *sources: S3ObjectVersion) -> tuple[int, str]:
    """Run the local stack until the uploads of these objects finish; return the exit code and the last upload's ID."""
    finished_uploads: list[Upload] = []

    def print_and_stop(text: str = "", *, stderr: bool = False, style: str | None = None) -> None:
        print_line(text, stderr=stderr, style=style)
        if text.startswith("Ready"):
            endpoints = read_endpoints(state)
            assert endpoints is not None
            with Pipeline(endpoints) as pipeline:
                finished_uploads.extend(pipeline.finished(pipeline.upload_id(source)) for source in sources)
            signal.raise_signal(signal.SIGTERM)

    with patch.context() as context:
        context.setattr("onboarding.cli.local_stack.print_line", print_and_stop)
        code = main(["local", "up", "--state", str(state)])
    assert [upload.valid_records for upload in finished_uploads] == [2] * len(sources)
    return code, finished_uploads[-1].upload_id


def test_up_failed_recovery_of_one_upload_does_not_stop_the_others(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    succeeding, failing = interrupt_uploads(state, monkeypatch, "good", "failing")

    def ingest_all_but_one(ctx: AppContext, source: S3ObjectVersion, *, patience: timedelta) -> IngestResult:
        if source == failing:
            raise ProcessEnded("injected")
        return ingest_object(ctx, source, patience=patience)

    with monkeypatch.context() as context:
        context.setattr("onboarding.pipeline.ingest.ingest_object", ingest_all_but_one)
        code, upload_id = run_until_finished(state, monkeypatch, succeeding)
    captured = capsys.readouterr()
    assert code == 0
    assert f"  resumed: {upload_id}\n" in captured.out
    [error] = captured.err.splitlines()
    assert error.startswith("  not recovered: upload UPLOAD_")
    assert error.endswith("(ProcessEnded: injected); the watchdog tries again")

    code, upload_id = run_until_finished(state, monkeypatch, failing)
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, "")
    assert f"  resumed: {upload_id}\n" in captured.out
    assert upload_id in error


NAMES_NOT_IN_XML = ("bell\x07.csv", "esc\x1b.csv", "cr\r.csv", "nonchar\ufffe.csv")


def test_up_keys_that_xml_cannot_hold_are_recovered(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The objects have no upload, and their keys cannot be listed as plain XML."""
    with LocalStack(state) as local_stack, Pipeline(local_stack.endpoints) as pipeline:
        bucket = local_stack.endpoints.bucket
        pipeline.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
        sources = [
            pipeline.put_key(f"uploads/VEND001/{name}", csv_of([product(f"xml-{n}"), product(f"xml-{n}-2")]))
            for n, name in enumerate(NAMES_NOT_IN_XML)
        ]
        uploads = [pipeline.upload_id(source) for source in sources]
    code, _ = run_until_finished(state, monkeypatch, *sources)
    captured = capsys.readouterr()
    assert (code, captured.err) == (0, "")
    assert {f"  ingested: {upload_id}" for upload_id in uploads} <= set(captured.out.splitlines())


def test_up_is_ready_while_a_file_is_still_read(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [slow_source] = interrupt_uploads(state, monkeypatch, "slow")
    reading, ready = threading.Event(), threading.Event()

    def ingest_once_ready(ctx: AppContext, source: S3ObjectVersion, *, patience: timedelta) -> IngestResult:
        reading.set()
        assert ready.wait(30)
        return ingest_object(ctx, source, patience=patience)

    def print_and_signal(text: str = "", *, stderr: bool = False, style: str | None = None) -> None:
        print_line(text, stderr=stderr, style=style)
        if text.startswith("Ready"):
            assert reading.wait(30)
            ready.set()
        if text.startswith("Recovery finished"):
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr("onboarding.pipeline.ingest.ingest_object", ingest_once_ready)
        patch.setattr("onboarding.cli.local_stack.print_line", print_and_signal)
        assert main(["local", "up", "--state", str(state)]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    [recovered] = [line for line in lines if line.startswith("  resumed: UPLOAD_")]
    assert lines.index(recovered) > next(number for number, line in enumerate(lines) if line.startswith("Ready"))
    assert "slow" in slow_source.key


def test_recover_uploads_failure_of_one_step_does_not_stop_the_others(
    pipeline: Pipeline, ctx: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_without_staging(ctx, pipeline, "among-failures", 2, monkeypatch)

    def fail(*_: object, **__: object) -> NoReturn:
        raise ProcessEnded("injected")

    with monkeypatch.context() as patch:
        patch.setattr("onboarding.local.restart_recovery.read_emails", fail)
        patch.setattr("onboarding.pipeline.recovery._list_missed_objects", fail)
        results = list(recover_uploads(ctx, Path(pipeline.endpoints.inbox_dir)))
    errors = [result for result in results if isinstance(result, Exception)]
    assert [(str(error), error.__notes__) for error in errors] == [
        ("injected", ["lost e-mails"]),
        ("injected", ["objects without an upload"]),
    ]
    upload_id = pipeline.upload_id(source)
    assert upload_id in [result.upload_id for result in results if isinstance(result, RecoveryAction)]
    pipeline.finished(upload_id)
