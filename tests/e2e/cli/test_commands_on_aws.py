"""Commands on AWS, where the environment names a bucket and the database cannot be reached.

The local stack replaces AWS: the environment has its AWS endpoint and its bucket, but no state directory.
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
    """Ends a function without a retry, like a kill."""


@pytest.fixture
def aws(pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set only the environment variables of docs/deploy.md."""
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
    """Create the function `admin`, which the local stack lacks, with the settings and role of `csv-parser`."""
    endpoints = pipeline.endpoints
    lambdas: Any = endpoints.client("lambda")
    parser = lambdas.get_function_configuration(FunctionName="csv-parser")
    code = {"S3Bucket": f"onboarding-code-{endpoints.bucket.rsplit('-', 1)[-1]}", "S3Key": "functions.zip"}
    settings = {name: parser[name] for name in ("Runtime", "Role", "Timeout", "MemorySize")}
    # The owner of the tables, as on AWS.
    settings["Environment"] = {
        "Variables": {**parser["Environment"]["Variables"], "RDS_SECRET_NAME": endpoints.secret_name}
    }
    handler = "onboarding.lambda_handlers.admin.handler"
    iam: Any = endpoints.client("iam")
    policy = {"RoleName": parser["Role"].rsplit("/", 1)[-1], "PolicyName": "admin-reads-the-owners-secret"}
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    iam.put_role_policy(**policy, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    lambdas.create_function(FunctionName=resource_name("admin"), Handler=handler, Code=code, **settings)
    yield
    lambdas.delete_function(FunctionName=resource_name("admin"))
    iam.delete_role_policy(**policy)


@pytest.fixture
def stalled_upload_id(ctx: AppContext, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the ID of an upload whose function died before it staged a row."""

    def die(*_: object) -> None:
        raise Died

    with pipeline.without_bucket_notifications():
        source = pipeline.put_key(f"uploads/VEND001/{uuid.uuid4().hex}.csv", csv_of([product(uuid.uuid4().hex[:8])]))
    with monkeypatch.context() as context:
        context.setattr(staging_table, "stage_rows", die)
        with pytest.raises(Died):
            ingest_object(ctx, source)
    return pipeline.upload_id(source)


def test_watchdog_run_on_aws_resumes_stalled_upload(
    stalled_upload_id: str, pipeline: Pipeline, request: pytest.FixtureRequest, capsys: Captured
) -> None:
    request.getfixturevalue("aws")
    assert main(["watchdog", "run", "--sweep"]) == 0
    assert stalled_upload_id not in capsys.readouterr().out, "too recent"
    assert main(["watchdog", "run", "--patience", "0"]) == 0
    assert f"resumed: {stalled_upload_id}" in capsys.readouterr().out
    assert pipeline.finished(stalled_upload_id).valid_records == 1


@pytest.mark.usefixtures("aws")
def test_watchdog_run_on_aws_sweep_ingests_missed_object(pipeline: Pipeline, capsys: Captured) -> None:
    events = pipeline.s3.get_bucket_notification_configuration(Bucket=pipeline.endpoints.bucket)
    events.pop("ResponseMetadata")
    pipeline.s3.put_bucket_notification_configuration(Bucket=pipeline.endpoints.bucket, NotificationConfiguration={})
    try:
        missed = pipeline.put_key("uploads/VEND001/missed.csv", csv_of([product("missed")]))
    finally:
        pipeline.s3.put_bucket_notification_configuration(
            Bucket=pipeline.endpoints.bucket, NotificationConfiguration=events
        )
    assert main(["watchdog", "run", "--sweep", "--patience", "0"]) == 0
    upload_id = pipeline.upload_id(missed)
    assert f"ingested: {upload_id}" in capsys.readouterr().out
    assert pipeline.finished(upload_id).valid_records == 1


@pytest.mark.usefixtures("aws")
def test_failures_redrive_on_aws_dead_letter_is_sent_back(pipeline: Pipeline, capsys: Captured) -> None:
    upload = pipeline.run("VEND003", "dead-letter.csv", csv_of([product("dead-letter-on-aws")]))
    pipeline.connection.execute(
        "update upload_history set notified_at = null where upload_id = %s", (upload.upload_id,)
    )
    url = pipeline.sqs.get_queue_url(QueueName="product-validation-errors-dlq")["QueueUrl"]
    pipeline.sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"upload_id": upload.upload_id}))
    assert main(["failures", "redrive", "product-validation-errors-dlq"]) == 0
    assert f"{upload.upload_id}: sent back" in capsys.readouterr().out
    assert pipeline.finished(upload.upload_id).notified_at is not None


@pytest.mark.usefixtures("aws", "admin_function")
def test_upload_on_aws_is_followed_listed_displayed_reported_and_undone(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "on-aws.csv"
    path.write_bytes(csv_of([product("on-aws-1"), product("on-aws-2", price="0")]))
    assert main(["validate", str(path), "--vendor", "VEND002", "--json"]) == 2
    result = json.loads(capsys.readouterr().out)
    assert (result["offline"], result["valid_records"], result["error_records"]) == (False, 1, 1)

    assert main(["upload", str(path), "--vendor", "VEND002", "--wait", "--json"]) == 2
    upload_id = json.loads(capsys.readouterr().out)["upload_id"]
    assert main(["uploads", "list", "--vendor", "VEND002", "--status", "partial", "--json"]) == 0
    assert upload_id in [upload["upload_id"] for upload in json.loads(capsys.readouterr().out)["uploads"]]
    assert main(["uploads", "show", upload_id, "--json"]) == 0
    upload = json.loads(capsys.readouterr().out)
    assert (upload["valid_records"], upload["error_types"]) == (1, {"INVALID_PRICE": 1})
    assert main(["report", upload_id, "-o", str(tmp_path / "report.csv")]) == 0
    assert "INVALID_PRICE" in (tmp_path / "report.csv").read_text(encoding="utf-8-sig")
    capsys.readouterr()
    assert main(["uploads", "undo", upload_id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] == 1


@pytest.mark.usefixtures("aws", "admin_function")
def test_upload_on_aws_mapping_is_stored_used_and_deleted(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "mapped-on-aws.csv"
    path.write_text(
        "ART,product_name,category,price,stock_quantity\nmapped-on-aws,Kite,Books,9.90,8\n", encoding="utf-8"
    )
    options = (str(path), "--vendor", "VEND003", "--map", "ART=vendor_product_id,sku")
    assert main(["validate", *options]) == 0
    assert main(["upload", *options, "--save-mapping", "On AWS", "--wait"]) == 0
    capsys.readouterr()
    assert main(["mappings", "show", "On AWS", "--vendor", "VEND003", "--json"]) == 0
    columns = json.loads(capsys.readouterr().out)["document"]["columns"]
    assert columns == {"ART": {"columns": ["vendor_product_id", "sku"]}}
    assert main(["mappings", "delete", "On AWS", "--vendor", "VEND003"]) == 0
    assert main(["mappings", "delete", "On AWS", "--vendor", "VEND003"]) == 1
    assert "VEND003 has no mapping 'On AWS'" in capsys.readouterr().err


@pytest.mark.usefixtures("aws", "admin_function")
def test_template_on_aws_has_the_active_categories(tmp_path: Path, ctx: AppContext) -> None:
    names = run_action(ctx.database, "list_active_categories", {})["categories"]
    assert main(["template", "--xlsx", "-o", str(tmp_path / "template.xlsx")]) == 0
    assert [cell.value for cell in load_workbook(tmp_path / "template.xlsx")["_Categories"]["A"]] == names


@pytest.mark.usefixtures("aws", "admin_function")
def test_upload_on_aws_unknown_vendor_is_rejected_before_the_upload(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "unknown.csv"
    path.write_bytes(csv_of([product("unknown-vendor")]))
    assert main(["upload", str(path), "--vendor", "NOBODY", "--wait"]) == 1
    assert "The vendor 'NOBODY' is not known" in capsys.readouterr().err


@pytest.mark.usefixtures("aws", "admin_function")
def test_validate_on_aws_file_too_large_for_a_call_prints_advice(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "random.csv"
    path.write_bytes(random.Random(1).randbytes(6_000_000))  # noqa: S311 - bytes that cannot be compressed
    assert main(["validate", str(path), "--vendor", "VEND001"]) == 1
    assert "Use --offline, or upload the file" in capsys.readouterr().err
