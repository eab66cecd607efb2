"""A deployment with a prefix beside the first one, in the same account of the local stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onboarding.cli.main import main
from onboarding.deploy.checks import get_account, list_deployed_stacks
from onboarding.deploy.destroy import destroy
from onboarding.deploy.plan import STACKS, Plan
from onboarding.local.postgres import Postgres
from onboarding.local.processes import Ports
from onboarding.storage.database import open_connection
from tests.infra.conftest import Account, empty_account
from tests.infra.test_deploy import SENDER, rehearsal

STAGING = Plan(name_prefix="staging-")


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[tuple[Account, Account]]:
    """An account, and the same with another database server: each deployment has an RDS instance of its own."""
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


def names_in(account: Account) -> set[str]:
    """The names of what both deployments could have in common."""

    def of(service: str, operation: str, key: str, name: str | None = None) -> list[str]:
        pages = account.client(service).get_paginator(operation).paginate()
        return [item[name] if name else item for page in pages for item in page.get(key, [])]

    return {
        *of("lambda", "list_functions", "Functions", "FunctionName"),
        *of("dynamodb", "list_tables", "TableNames"),
        *of("secretsmanager", "list_secrets", "SecretList", "Name"),
        *of("sns", "list_topics", "Topics", "TopicArn"),
        *of("sqs", "list_queues", "QueueUrls"),
        *of("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        *of("logs", "describe_log_groups", "logGroups", "logGroupName"),
        *of("events", "list_rules", "Rules", "Name"),
        *of("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
        *(bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]),
    }


def vendors_of(account: Account) -> set[str]:
    with open_connection(account.postgres.url) as connection:
        return {vendor for (vendor,) in connection.execute("select vendor_id from vendors")}


def uploads_of(account: Account) -> int:
    with open_connection(account.postgres.url) as connection:
        [(count,)] = connection.execute("select count(*) from upload_history").fetchall()
    return int(count)


def test_deploy_with_prefix_does_not_change_the_first_deployment(
    accounts: tuple[Account, Account], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    production, staging = accounts
    client: Any = production.client
    progress: list[str] = []
    first = rehearsal(production, progress)
    # Each deployment ends with a file through its own bucket, up to its own notification.
    bucket = first.run()["Bucket"]
    before = names_in(production)
    second = rehearsal(staging, progress, name_prefix="staging-")
    assert [finding.text for finding in second.list_findings() if finding.blocks] == []
    staging_bucket = second.run()["Bucket"]
    assert (bucket, staging_bucket) == tuple(
        f"{prefix}ecommerce-product-uploads-{get_account(client)}" for prefix in ("", "staging-")
    )
    assert sum("the test file was processed" in line for line in progress) == 2
    assert (uploads_of(production), uploads_of(staging)) == (1, 1)
    assert list_deployed_stacks(client, STAGING) == [f"staging-product-onboarding-{name}" for name in STACKS]
    added = names_in(production) - before
    assert len(added) == len(before)
    assert all("staging-" in name for name in added), added

    # Commands reach the deployment whose bucket they are given.
    monkeypatch.chdir(tmp_path)
    for name, value in {"AWS_ENDPOINT_URL": production.emulator.url, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for place, vendor in ((bucket, "LIVE"), (staging_bucket, "TRIAL")):
        monkeypatch.setenv("S3_BUCKET_NAME", place)
        assert main(["vendors", "add", vendor, "--name", vendor, "--email", f"{vendor.lower()}@vendors.example"]) == 0
    assert vendors_of(production) - vendors_of(staging) == {"LIVE"}
    assert vendors_of(staging) - vendors_of(production) == {"TRIAL"}

    client("s3").put_object(Bucket=bucket, Key="uploads/VEND001/kept.txt", Body=b"kept")
    destroy(client, second.plan, progress.append, with_data=True, pause=0.02)
    assert list_deployed_stacks(client, STAGING) == []
    assert names_in(production) == before
    assert client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    progress.clear()
    first.run()
    assert sum("nothing to change" in line for line in progress) == len(STACKS)
    assert "LIVE" in vendors_of(production)
