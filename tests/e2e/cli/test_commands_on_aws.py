"""Commands against AWS, where the environment names a bucket and the database cannot be reached.

The running pipeline stands in for it: found as AWS is found, and nothing says where the database is.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from onboarding.aws import staging_table
from onboarding.cli.main import main
from onboarding.domain.resource_names import resource_name
from onboarding.lambda_handlers.admin import run_action
from onboarding.pipeline.ingest import ingest_object
from onboarding.runtime import AppContext
from tests.support.running_pipeline import Pipeline, csv_of, product

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


@pytest.fixture(scope="module")
def admin_function(pipeline: Pipeline) -> Iterator[None]:
    """The function `admin`, which the local stack has no need of: with the settings and rights of another one."""
    endpoints = pipeline.endpoints
    lambdas: Any = endpoints.client("lambda")
    known = lambdas.get_function_configuration(FunctionName="csv-parser")
    code = {"S3Bucket": f"onboarding-code-{endpoints.bucket.rsplit('-', 1)[-1]}", "S3Key": "functions.zip"}
    same = {name: known[name] for name in ("Runtime", "Role", "Timeout", "MemorySize")}
    # The owner of the tables, as on AWS.
    same["Environment"] = {"Variables": {**known["Environment"]["Variables"], "RDS_SECRET_NAME": endpoints.secret_name}}
    handler = "onboarding.lambda_handlers.admin.handler"
    iam: Any = endpoints.client("iam")
    policy = {"RoleName": known["Role"].rsplit("/", 1)[-1], "PolicyName": "admin-reads-the-owners-secret"}
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    iam.put_role_policy(**policy, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    lambdas.create_function(FunctionName=resource_name("admin"), Handler=handler, Code=code, **same)
    yield
    lambdas.delete_function(FunctionName=resource_name("admin"))
    iam.delete_role_policy(**policy)


@pytest.fixture
def stuck(ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> str:
    """An upload whose function died before it staged a row."""

    def die(*_: object) -> None:
        raise Died

    with pipeline.without_bucket_notifications():
        source = pipeline.put_key(f"uploads/VEND001/{uuid.uuid4().hex}.csv", csv_of([product(uuid.uuid4().hex[:8])]))
    with monkeypatch.context() as broken:
        broken.setattr(staging_table, "stage_rows", die)
        with pytest.raises(Died):
            ingest_object(ctx, source)
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
    assert f"{upload.upload_id}: sent back" in capsys.readouterr().out
    assert pipeline.finished(upload.upload_id).notified_at is not None


@pytest.mark.usefixtures("aws", "admin_function")
def test_upload_on_aws_is_followed_listed_shown_reported_and_undone(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "on-aws.csv"
    path.write_bytes(csv_of([product("on-aws-1"), product("on-aws-2", price="0")]))
    assert main(["validate", str(path), "--vendor", "VEND002", "--json"]) == 2
    dry = json.loads(capsys.readouterr().out)
    assert (dry["offline"], dry["valid_records"], dry["error_records"]) == (False, 1, 1)

    assert main(["upload", str(path), "--vendor", "VEND002", "--wait", "--json"]) == 2
    upload_id = json.loads(capsys.readouterr().out)["upload_id"]
    assert main(["uploads", "list", "--vendor", "VEND002", "--status", "partial", "--json"]) == 0
    assert upload_id in [upload["upload_id"] for upload in json.loads(capsys.readouterr().out)["uploads"]]
    assert main(["uploads", "show", upload_id, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["valid_records"], shown["error_types"]) == (1, {"INVALID_PRICE": 1})
    assert main(["report", upload_id, "-o", str(tmp_path / "report.csv")]) == 0
    assert "INVALID_PRICE" in (tmp_path / "report.csv").read_text(encoding="utf-8-sig")
    capsys.readouterr()
    assert main(["uploads", "undo", upload_id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == 1


@pytest.mark.usefixtures("aws", "admin_function")
def test_template_on_aws_has_the_active_categories(tmp_path: Path, ctx: AppContext) -> None:
    names = run_action(ctx.database, "active_categories", {})["categories"]
    assert main(["template", "--xlsx", "-o", str(tmp_path / "template.xlsx")]) == 0
    assert [cell.value for cell in load_workbook(tmp_path / "template.xlsx")["_Categories"]["A"]] == names


@pytest.mark.usefixtures("aws", "admin_function")
def test_upload_of_unknown_vendor_on_aws_is_refused_before_the_file_is_sent(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "nobodys.csv"
    path.write_bytes(csv_of([product("nobodys")]))
    assert main(["upload", str(path), "--vendor", "NOBODY", "--wait"]) == 1
    assert "The vendor 'NOBODY' is not known" in capsys.readouterr().err


@pytest.mark.usefixtures("aws", "admin_function")
def test_validate_on_aws_file_that_no_call_can_carry_says_what_to_do(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "random.csv"
    path.write_bytes(random.Random(1).randbytes(6_000_000))  # noqa: S311 - bytes that cannot be packed
    assert main(["validate", str(path), "--vendor", "VEND001"]) == 1
    assert "Use --offline, or upload the file" in capsys.readouterr().err
