"""Tests of two deployments in one account of the AWS emulator, one of them with a name prefix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onboarding.cli.main import main
from onboarding.deploy.account_checks import get_account, list_deployed_stacks
from onboarding.deploy.destroy import destroy
from onboarding.deploy.plan import STACKS, Plan
from onboarding.local.postgres import Postgres
from onboarding.local.processes import Ports
from onboarding.storage.database import open_connection
from tests.infra.conftest import Account, empty_account
from tests.infra.test_deploy import SENDER, make_rehearsal

STAGING = Plan(name_prefix="staging-")


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[tuple[Account, Account]]:
    """Yield an account, and the same account with another database server, since each deployment has its own."""
    state = tmp_path / "staging"
    state.mkdir(mode=0o755)
    with empty_account(tmp_path) as account:
        account.client("ses").verify_email_identity(EmailAddress=SENDER)
        postgres = Postgres(state, Ports(state / "ports.json").choose("postgres"))
        postgres.start(lambda: None)
        try:
            yield account, replace(account, postgres=postgres)
        finally:
            postgres.stop()


def list_names(account: Account) -> set[str]:
    """Return the names of all resources whose names two deployments could share."""

    def list_items(service: str, operation: str, key: str, name: str | None = None) -> list[str]:
        pages = account.client(service).get_paginator(operation).paginate()
        return [item[name] if name else item for page in pages for item in page.get(key, [])]

    return {
        *list_items("lambda", "list_functions", "Functions", "FunctionName"),
        *list_items("dynamodb", "list_tables", "TableNames"),
        *list_items("secretsmanager", "list_secrets", "SecretList", "Name"),
        *list_items("sns", "list_topics", "Topics", "TopicArn"),
        *list_items("sqs", "list_queues", "QueueUrls"),
        *list_items("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        *list_items("logs", "describe_log_groups", "logGroups", "logGroupName"),
        *list_items("events", "list_rules", "Rules", "Name"),
        *list_items("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
        *(bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]),
    }


def list_vendors(account: Account) -> set[str]:
    with open_connection(account.postgres.url) as connection:
        return {vendor for (vendor,) in connection.execute("select vendor_id from vendors")}


def count_uploads(account: Account) -> int:
    with open_connection(account.postgres.url) as connection:
        [(count,)] = connection.execute("select count(*) from upload_history").fetchall()
    return int(count)


def test_deploy_with_prefix_does_not_change_the_first_deployment(
    accounts: tuple[Account, Account], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    production, staging = accounts
    client: Any = production.client
    progress: list[str] = []
    first = make_rehearsal(production, progress)
    # Each deployment ends with a smoke test of its own bucket and notifications.
    bucket = first.run()["Bucket"]
    before = list_names(production)
    second = make_rehearsal(staging, progress, name_prefix="staging-")
    assert [finding.text for finding in second.list_findings() if finding.blocks] == []
    staging_bucket = second.run()["Bucket"]
    assert (bucket, staging_bucket) == tuple(
        f"{prefix}ecommerce-product-uploads-{get_account(client)}" for prefix in ("", "staging-")
    )
    assert sum("the test file was processed" in line for line in progress) == 2
    assert (count_uploads(production), count_uploads(staging)) == (1, 1)
    assert list_deployed_stacks(client, STAGING) == [f"staging-product-onboarding-{name}" for name in STACKS]
    added = list_names(production) - before
    assert len(added) == len(before)
    assert all("staging-" in name for name in added), added

    # Commands use the deployment whose bucket is in S3_BUCKET_NAME.
    monkeypatch.chdir(tmp_path)
    for name, value in {"AWS_ENDPOINT_URL": production.emulator.url, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for bucket_name, vendor in ((bucket, "LIVE"), (staging_bucket, "TRIAL")):
        monkeypatch.setenv("S3_BUCKET_NAME", bucket_name)
        assert main(["vendors", "add", vendor, "--name", vendor, "--email", f"{vendor.lower()}@vendors.example"]) == 0
    assert list_vendors(production) - list_vendors(staging) == {"LIVE"}
    assert list_vendors(staging) - list_vendors(production) == {"TRIAL"}

    client("s3").put_object(Bucket=bucket, Key="uploads/VEND001/file.txt", Body=b"x")
    destroy(client, second.plan, progress.append, with_data=True, pause=0.02)
    assert list_deployed_stacks(client, STAGING) == []
    assert list_names(production) == before
    assert client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    progress.clear()
    first.run()
    assert sum("nothing to change" in line for line in progress) == len(STACKS)
    assert "LIVE" in list_vendors(production)
