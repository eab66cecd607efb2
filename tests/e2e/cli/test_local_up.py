"""`onboarding local up` on a state directory in which something was under way."""

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
from onboarding.local.recovery import recover_uploads
from onboarding.local.stack import LocalStack
from onboarding.pipeline.ingest import IngestResult, S3ObjectVersion, ingest_object
from onboarding.pipeline.recovery import RecoveryAction
from onboarding.runtime import AppContext
from tests.integration.pipeline.test_recovery import Died, stopped_halfway
from tests.support.local_processes import make_state
from tests.support.running_pipeline import Pipeline, csv_of, product


@pytest.fixture
def state() -> Iterator[Path]:
    """A state directory outside pytest's own, which it closes to PostgreSQL's user whenever another pytest starts."""
    directory = make_state()
    yield directory
    shutil.rmtree(directory)


def left_under_way(state: Path, patch: pytest.MonkeyPatch, *names: str) -> list[S3ObjectVersion]:
    """The objects of uploads that were opened there and got no further."""
    with (
        LocalStack(state) as local,
        Pipeline(local.endpoints) as pipeline,
        environment_of(local.endpoints),
        closing(AppContext(Settings.from_environment())) as ctx,
    ):
        return [stopped_halfway(ctx, pipeline, name, 2, patch) for name in names]


def up(state: Path, patch: pytest.MonkeyPatch, *finishing: S3ObjectVersion) -> tuple[int, str]:
    """Start it, stop it once it is ready and these are finished: its exit code, and the last upload's id."""
    finished: list[Upload] = []

    def say_and_stop(text: str = "", *, stderr: bool = False, style: str | None = None) -> None:
        print_line(text, stderr=stderr, style=style)
        if text.startswith("Ready"):
            endpoints = read_endpoints(state)
            assert endpoints is not None
            with Pipeline(endpoints) as pipeline:
                finished.extend(pipeline.finished(pipeline.upload_id(source)) for source in finishing)
            signal.raise_signal(signal.SIGTERM)

    with patch.context() as watched:
        watched.setattr("onboarding.cli.local_stack.say", say_and_stop)
        code = main(["local", "up", "--state", str(state)])
    assert [upload.valid_records for upload in finished] == [2] * len(finishing)
    return code, finished[-1].upload_id


def test_what_was_under_way_is_brought_back_and_what_cannot_be_stops_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, cursed = left_under_way(state, monkeypatch, "one", "cursed")

    def take_in_all_but_one(ctx: AppContext, source: S3ObjectVersion, *, patience: timedelta) -> IngestResult:
        if source == cursed:
            raise Died("planted")
        return ingest_object(ctx, source, patience=patience)

    with monkeypatch.context() as broken:
        broken.setattr("onboarding.pipeline.ingest.take_in", take_in_all_but_one)
        code, upload_id = up(state, monkeypatch, one)
    told = capsys.readouterr()
    assert code == 0
    assert f"  resumed: {upload_id}\n" in told.out
    [fault] = told.err.splitlines()
    assert fault.startswith("  not recovered: upload UPLOAD_")
    assert fault.endswith("(Died: planted); the watchdog tries again")

    code, upload_id = up(state, monkeypatch, cursed)
    told = capsys.readouterr()
    assert (code, told.err) == (0, "")
    assert f"  resumed: {upload_id}\n" in told.out
    assert upload_id in fault


CONTROL = ("bell\x07.csv", "esc\x1b.csv", "cr\r.csv", "nonchar\ufffe.csv")


def test_up_keys_that_xml_cannot_hold_are_recovered(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such a key stopped every start. These were put, and nobody was told of them."""
    with LocalStack(state) as local, Pipeline(local.endpoints) as pipeline:
        bucket = local.endpoints.bucket
        pipeline.s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
        sources = [
            pipeline.put_key(f"uploads/VEND001/{name}", csv_of([product(f"xml-{n}"), product(f"xml-{n}-2")]))
            for n, name in enumerate(CONTROL)
        ]
        uploads = [pipeline.upload_id(source) for source in sources]
    code, _ = up(state, monkeypatch, *sources)
    told = capsys.readouterr()
    assert (code, told.err) == (0, "")
    assert {f"  found: {upload_id}" for upload_id in uploads} <= set(told.out.splitlines())


def test_up_is_ready_while_a_file_is_still_read(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [slow] = left_under_way(state, monkeypatch, "slow")
    reading, ready = threading.Event(), threading.Event()

    def take_in_once_ready(ctx: AppContext, source: S3ObjectVersion, *, patience: timedelta) -> IngestResult:
        reading.set()
        assert ready.wait(30)
        return ingest_object(ctx, source, patience=patience)

    def say_and_note(text: str = "", *, stderr: bool = False, style: str | None = None) -> None:
        print_line(text, stderr=stderr, style=style)
        if text.startswith("Ready"):
            assert reading.wait(30)
            ready.set()
        if text.startswith("Recovery finished"):
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr("onboarding.pipeline.ingest.take_in", take_in_once_ready)
        patch.setattr("onboarding.cli.local_stack.say", say_and_note)
        assert main(["local", "up", "--state", str(state)]) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    [done] = [line for line in lines if line.startswith("  resumed: UPLOAD_")]
    assert lines.index(done) > next(number for number, line in enumerate(lines) if line.startswith("Ready"))
    assert "slow" in slow.key


def test_bring_back_fault_of_one_part_does_not_stop_the_others(
    pipeline: Pipeline, ctx: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = stopped_halfway(ctx, pipeline, "among-faults", 2, monkeypatch)

    def broken(*_: object, **__: object) -> NoReturn:
        raise Died("planted")

    with monkeypatch.context() as patch:
        patch.setattr("onboarding.local.recovery.read_mails", broken)
        patch.setattr("onboarding.pipeline.recovery._listed", broken)
        found = list(recover_uploads(ctx, Path(pipeline.endpoints.inbox_dir)))
    faults = [fault for fault in found if isinstance(fault, Exception)]
    assert [(str(fault), fault.__notes__) for fault in faults] == [
        ("planted", ["the mails that were sent"]),
        ("planted", ["the list of objects and uploads"]),
    ]
    upload_id = pipeline.upload_id(source)
    assert upload_id in [driven.upload_id for driven in found if isinstance(driven, RecoveryAction)]
    pipeline.finished(upload_id)
