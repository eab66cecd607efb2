"""`onboarding local up` on a state directory in which something was under way."""

from __future__ import annotations

import signal
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from onboarding.cli.connect import environment_of
from onboarding.cli.console import say
from onboarding.cli.main import main
from onboarding.config import Settings
from onboarding.context import Context
from onboarding.intake import Intake, Object, take_in
from onboarding.local.endpoints import read_endpoints
from onboarding.local.up import LocalEngine
from onboarding.model import Upload
from tests.pipeline import Pipeline
from tests.test_watchdog import Died, stopped_halfway


def left_under_way(state: Path, patch: pytest.MonkeyPatch, *names: str) -> list[Object]:
    """The objects of uploads that were opened there and got no further."""
    with (
        LocalEngine(state) as local,
        Pipeline(local.endpoints) as pipeline,
        environment_of(local.endpoints),
        closing(Context(Settings.from_environment())) as ctx,
    ):
        return [stopped_halfway(ctx, pipeline, name, 2, patch) for name in names]


def up(state: Path, patch: pytest.MonkeyPatch, finishing: Object) -> tuple[int, str]:
    """Start it, stop it once it is ready and this one is finished: its exit code, and the upload's id."""
    finished: list[Upload] = []

    def say_and_stop(text: str = "", *, stderr: bool = False, style: str | None = None) -> None:
        say(text, stderr=stderr, style=style)
        if text.startswith("Ready"):
            endpoints = read_endpoints(state)
            assert endpoints is not None
            with Pipeline(endpoints) as pipeline:
                finished.append(pipeline.finished(pipeline.upload_id(finishing)))
            signal.raise_signal(signal.SIGTERM)

    with patch.context() as watched:
        watched.setattr("onboarding.cli.engine.say", say_and_stop)
        code = main(["local", "up", "--state", str(state)])
    [upload] = finished
    assert upload.valid_records == 2
    return code, upload.upload_id


def test_what_was_under_way_is_brought_back_and_what_cannot_be_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, cursed = left_under_way(tmp_path, monkeypatch, "one", "cursed")

    def take_in_all_but_one(ctx: Context, source: Object, *, patience: timedelta) -> Intake:
        if source == cursed:
            raise Died("planted")
        return take_in(ctx, source, patience=patience)

    with monkeypatch.context() as broken:
        broken.setattr("onboarding.intake.take_in", take_in_all_but_one)
        code, upload_id = up(tmp_path, monkeypatch, one)
    told = capsys.readouterr()
    assert code == 0
    assert f"  resumed: {upload_id}\n" in told.out
    [fault] = told.err.splitlines()
    assert fault.startswith("  not brought back: upload UPLOAD_")
    assert fault.endswith("(Died: planted); the watchdog tries again")

    code, upload_id = up(tmp_path, monkeypatch, cursed)
    told = capsys.readouterr()
    assert (code, told.err) == (0, "")
    assert f"  resumed: {upload_id}\n" in told.out
    assert upload_id in fault
