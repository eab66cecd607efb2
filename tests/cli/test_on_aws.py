"""Commands against AWS, where the environment names a bucket and a secret and the database cannot be reached.

The running pipeline stands in for it: found as AWS is found, with a secret that leads nowhere.
"""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import pytest

from onboarding import staging
from onboarding.cli.main import main
from onboarding.context import Context
from onboarding.intake import take_in
from tests.pipeline import Pipeline, csv_of, product

Captured = pytest.CaptureFixture[str]


class Died(BaseException):
    """What a killed function leaves behind, without a retry."""


@pytest.fixture
def aws(pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that docs/deploy.md tells an operator to set, and nothing else."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name in pipeline.endpoints.environment() or name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("ONBOARDING_STATE", raising=False)
    for name, value in pipeline.endpoints.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("S3_BUCKET_NAME", pipeline.endpoints.bucket)
    monkeypatch.setenv("RDS_SECRET_NAME", "nobody/outside/may/read/this")


@pytest.fixture
def stuck(ctx: Context, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> str:
    """An upload whose function died before it staged a row."""

    def die(*_: object) -> None:
        raise Died

    with pipeline.unannounced():
        source = pipeline.put_key(f"uploads/VEND001/{uuid.uuid4().hex}.csv", csv_of([product(uuid.uuid4().hex[:8])]))
    with monkeypatch.context() as broken:
        broken.setattr(staging, "stage", die)
        with pytest.raises(Died):
            take_in(ctx, source)
    return pipeline.upload_id(source)


def test_the_watchdog_runs_where_the_database_is(
    stuck: str, pipeline: Pipeline, request: pytest.FixtureRequest, capsys: Captured
) -> None:
    request.getfixturevalue("aws")
    assert main(["watchdog", "run", "--sweep"]) == 0
    assert stuck not in capsys.readouterr().out, "it has hardly stopped"
    assert main(["watchdog", "run", "--patience", "0"]) == 0
    assert f"resumed: {stuck}" in capsys.readouterr().out
    assert pipeline.finished(stuck).valid_records == 1


@pytest.mark.usefixtures("aws")
def test_the_watchdog_sweeps_when_told_to(pipeline: Pipeline, capsys: Captured) -> None:
    events = pipeline.s3.get_bucket_notification_configuration(Bucket=pipeline.endpoints.bucket)
    events.pop("ResponseMetadata")
    silent: dict[str, object] = {}
    pipeline.s3.put_bucket_notification_configuration(
        Bucket=pipeline.endpoints.bucket, NotificationConfiguration=silent
    )
    try:
        missed = pipeline.put_key("uploads/VEND001/missed.csv", csv_of([product("missed")]))
    finally:
        pipeline.s3.put_bucket_notification_configuration(
            Bucket=pipeline.endpoints.bucket, NotificationConfiguration=events
        )
    assert main(["watchdog", "run", "--sweep", "--patience", "0"]) == 0
    upload_id = pipeline.upload_id(missed)
    assert f"found: {upload_id}" in capsys.readouterr().out
    assert pipeline.finished(upload_id).valid_records == 1


@pytest.mark.usefixtures("aws")
def test_a_message_that_was_given_up_finds_its_queue(pipeline: Pipeline, capsys: Captured) -> None:
    upload = pipeline.run("VEND003", "given-up.csv", csv_of([product("given-up-on-aws")]))
    pipeline.connection.execute(
        "update upload_history set notified_at = null where upload_id = %s", (upload.upload_id,)
    )
    url = pipeline.sqs.get_queue_url(QueueName="product-validation-errors-dlq")["QueueUrl"]
    pipeline.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"upload_id": upload.upload_id}))
    assert main(["failures", "redrive", "product-validation-errors-dlq"]) == 0
    assert f"{upload.upload_id}: done" in capsys.readouterr().out
    assert pipeline.finished(upload.upload_id).notified_at is not None
