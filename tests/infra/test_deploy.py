"""Tests of `onboarding deploy` and `onboarding destroy` with an empty account of the AWS emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import boto3
import pytest
from botocore.exceptions import ClientError

from onboarding.cli import deploy as deploy_commands
from onboarding.cli.main import main
from onboarding.cloudformation.stack_runner import DeployError
from onboarding.cloudformation.templates import load_template
from onboarding.deploy import account_checks, buckets
from onboarding.deploy.account_checks import get_account, list_deployed_stacks
from onboarding.deploy.deployment_steps import Deployment, make_client_factory
from onboarding.deploy.destroy import destroy
from onboarding.deploy.lambda_calls import call_admin
from onboarding.deploy.parameters import CHOICES, complete_plan
from onboarding.deploy.plan import STACKS, Plan
from onboarding.deploy.retained_resources import find_retained, list_retained
from onboarding.domain.resource_names import resource_name
from onboarding.storage.database import open_connection
from onboarding.storage.database_roles import LOGINS
from tests.infra.conftest import Account, empty_account

SENDER = "uploads@techmart.example"
BASE_IMAGE = "registry.example/python@sha256:" + "0" * 64


class Rehearsal(Deployment):
    """A deployment with a separate database, since the emulator's RDS runs none."""

    account: Account

    def migrate(self) -> None:
        name = resource_name("ecommerce/rds/credentials", self.plan.name_prefix)
        secret = json.dumps(self.account.credentials)
        self.client("secretsmanager").put_secret_value(SecretId=name, SecretString=secret)
        super().migrate()

    def run(self) -> dict[str, str]:
        outputs = super().run()
        # AWS copies a stack's tags to its buckets; the emulator does not.
        tags = [{"Key": key, "Value": value} for key, value in self.plan.tags.items()]
        s3 = self.client("s3")
        for bucket in s3.list_buckets()["Buckets"]:
            s3.put_bucket_tagging(Bucket=bucket["Name"], Tagging={"TagSet": tags})
        return outputs


def make_rehearsal(account: Account, progress: list[str], **changed: object) -> Rehearsal:
    """Return a deployment to the account that appends its output to `progress`."""
    plan = Plan(
        stage="local",
        packaging="Zip",
        ssl_mode="prefer",
        pipeline_parameters={"PublicUrl": account.emulator.url},
        **{"email_sender": SENDER, **changed},  # type: ignore[arg-type]
    )
    deployment = Rehearsal(account.client, plan, progress.append, pause=0.02)
    deployment.account = account
    return deployment


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with empty_account(tmp_path_factory.mktemp("account")) as empty:
        empty.client("ses").verify_email_identity(EmailAddress=SENDER)
        yield empty


def count_versions(account: Account, bucket: str) -> int:
    response = account.client("s3").list_object_versions(Bucket=bucket)
    return len(response.get("Versions", []))


def get_login(account: Account, secret: str) -> str:
    """Return the database role in a secret."""
    text = account.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    return str(json.loads(text)["username"])


def test_deploy_and_destroy_empty_account_round_trip(account: Account) -> None:
    progress: list[str] = []
    deployment = make_rehearsal(account, progress)
    assert [finding.text for finding in deployment.list_findings() if finding.blocks] == []

    outputs = deployment.run()
    bucket = outputs["Bucket"]
    assert list_deployed_stacks(account.client, Plan()) == [Plan().stack_name(name) for name in STACKS]
    assert any("the test file was processed" in line for line in progress)
    for name in STACKS:
        [stack] = account.client("cloudformation").describe_stacks(StackName=Plan().stack_name(name))["Stacks"]
        assert {tag["Key"]: tag["Value"] for tag in stack["Tags"]} == {
            "application": "product-onboarding",
            "stage": "local",
        }
    assert {name: get_login(account, resource_name(name)) for name in LOGINS} == LOGINS
    # Only the history of the smoke test remains.
    assert count_versions(account, bucket) == 0
    with open_connection(account.postgres.url) as connection:
        assert connection.execute("select count(*) from products").fetchone() == (0,)
        assert connection.execute("select status from vendors where vendor_id = 'SMOKE'").fetchone() == ("suspended",)

    progress.clear()
    deployment.run()
    assert sum("nothing to change" in line for line in progress) == len(STACKS)
    assert "  nothing to do" in progress

    account.client("s3").put_object(Bucket=bucket, Key="uploads/VEND001/file.txt", Body=b"x")
    # AWS does not delete a policy that is attached to identities, here those of vendors.
    iam = account.client("iam")
    arn = outputs["VendorPolicyArn"]
    trusted = {"Version": "2012-10-17", "Statement": []}
    iam.create_user(UserName="vendor-1")
    iam.attach_user_policy(UserName="vendor-1", PolicyArn=arn)
    iam.create_role(RoleName="vendor-2", AssumeRolePolicyDocument=json.dumps(trusted))
    iam.attach_role_policy(RoleName="vendor-2", PolicyArn=arn)
    iam.create_group(GroupName="vendors")
    iam.attach_group_policy(GroupName="vendors", PolicyArn=arn)
    progress.clear()
    destroy(account.client, deployment.plan, progress.append, with_data=False, pause=0.02)
    remaining = "\n".join(progress[progress.index("These remaining resources cost money:") :])
    for part in (
        "secrets (0.40 USD a month each): ecommerce/rds/credentials",
        "UploadRecords",
        f"--delete-data --confirm-account {get_account(account.client)}",
        "aws rds delete-db-snapshot --db-snapshot-identifier",
    ):
        assert part in remaining
    assert list_deployed_stacks(account.client, Plan()) == []
    assert iam.list_attached_user_policies(UserName="vendor-1")["AttachedPolicies"] == []
    for identity in ("the user vendor-1", "the role vendor-2", "the group vendors"):
        assert f"  detached the policy for vendors' own identities from {identity}" in progress
    assert count_versions(account, bucket) == 1
    [snapshot] = account.client("rds").describe_db_snapshots(DBInstanceIdentifier="ecommerce-db")["DBSnapshots"]

    # The AWS emulator cannot import secrets.
    for secret in ("ecommerce/rds/credentials", *map(resource_name, LOGINS)):
        account.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    progress.clear()
    make_rehearsal(account, progress, snapshot=snapshot["DBSnapshotIdentifier"]).run()
    assert any("importing what" in line and bucket in line and "UploadRecords" in line for line in progress)
    assert count_versions(account, bucket) == 1

    progress.clear()
    # The stack of a restored database keeps the snapshot's name, since a change would replace the database.
    deployment.run()
    assert sum("nothing to change" in line for line in progress) == len(STACKS)

    destroy(account.client, deployment.plan, progress.append, with_data=True, pause=0.02)
    assert account.client("s3").list_buckets()["Buckets"] == []
    assert account.client("dynamodb").list_tables()["TableNames"] == []


@pytest.mark.usefixtures("credentials")
def test_destroy_data_in_another_region_is_retained(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of buckets are global, so the command sees the bucket from every region."""
    number = get_account(account.client)
    bucket = f"ecommerce-product-uploads-{number}"
    s3 = account.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="uploads/VEND001/live.csv", Body=b"live")
    elsewhere = make_client_factory(boto3.session.Session(region_name="eu-west-1"))
    try:
        command = ["destroy", "--region", "eu-west-1", "--delete-data", "--yes"]
        assert main(command) == 1
        assert "permanently deletes, in eu-west-1:" in capsys.readouterr().err
        assert main([*command, "--confirm-account", number]) == 1
        assert f"the bucket {bucket} is in us-east-1, and this command is for eu-west-1" in capsys.readouterr().err
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1

        blocking = [
            finding for finding in account_checks.run_checks(elsewhere, Plan(email_sender=SENDER)) if finding.blocks
        ]
        assert any(bucket in finding.text for finding in blocking)
        with pytest.raises(DeployError, match="a deployment is in one region"):
            find_retained(elsewhere, load_template("pipeline", {}, number, "us-east-1"))
    finally:
        buckets.empty_bucket(s3, bucket)
        s3.delete_bucket(Bucket=bucket)


def test_destroy_resources_of_another_application_are_retained(account: Account) -> None:
    number = get_account(account.client)
    table, secret, bucket = "UploadRecords", "ecommerce/rds/credentials", f"ecommerce-product-uploads-{number}"
    plan = Plan(stage="local")
    template_bucket = buckets.deploy_bucket_name(plan, number, "us-east-1")
    topic_template = "Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: foreign}}}"
    dynamodb, secrets, s3 = (account.client(name) for name in ("dynamodb", "secretsmanager", "s3"))
    sns, cloudformation = account.client("sns"), account.client("cloudformation")
    key = {"AttributeName": "id"}
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{**key, "KeyType": "HASH"}],
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    secrets.create_secret(Name=secret, SecretString="foreign")
    for name in (bucket, template_bucket):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="uploads/foreign.csv", Body=b"foreign")
    cloudformation.create_stack(StackName=plan.stack_name("pipeline"), TemplateBody=topic_template)
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=plan.stack_name("pipeline"), WaiterConfig={"Delay": 0}
    )
    try:
        assert list_deployed_stacks(account.client, plan) == []
        with pytest.raises(DeployError, match=r"ecommerce-product-uploads-.*UploadRecords.*nothing was imported"):
            find_retained(account.client, plan.template("pipeline", number, "us-east-1"))
        with pytest.raises(DeployError, match="ecommerce/rds/credentials: exists without the tag"):
            find_retained(account.client, plan.template("database", number, "us-east-1"))
        with pytest.raises(DeployError, match=f"the bucket {template_bucket} exists"):
            buckets.ensure_deploy_bucket(s3, number, plan)

        lines: list[str] = []
        destroy(account.client, plan, lines.append, with_data=True, pause=0.02)
        for name in (f"table {table}", f"secret {secret}", f"bucket {bucket}", f"bucket {template_bucket}"):
            assert any(f"{name} is kept: it lacks the tag" in line for line in lines), name
        stack = lines.index(f"Stack {plan.stack_name('pipeline')}")
        assert "lacks the tag" in lines[stack + 1]
        # The last lines list the deployment's remaining resources, also a snapshot of an earlier test.
        assert not any("--delete-data" in line for line in lines)
        assert dynamodb.describe_table(TableName=table)["Table"]["KeySchema"][0]["AttributeName"] == "id"
        assert secrets.get_secret_value(SecretId=secret)["SecretString"] == "foreign"
        assert [count_versions(account, name) for name in (bucket, template_bucket)] == [1, 1]
        assert any(topic["TopicArn"].endswith(":foreign") for topic in sns.list_topics()["Topics"])
    finally:
        cloudformation.delete_stack(StackName=plan.stack_name("pipeline"))
        dynamodb.delete_table(TableName=table)
        secrets.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
        for name in (bucket, template_bucket):
            buckets.empty_bucket(s3, name)
            s3.delete_bucket(Bucket=name)


def test_list_retained_has_buckets_tables_and_secrets() -> None:
    names = {name for _, name in list_retained(Plan(), "123456789012", "eu-west-1")}
    assert {"ecommerce-product-uploads-123456789012", "UploadRecords", "ecommerce/rds/credentials"} <= names


def test_deploy_bucket_policy_denies_plain_http() -> None:
    s3 = MagicMock()
    s3.meta.region_name, s3.meta.partition = "eu-west-1", "aws"
    s3.head_bucket.side_effect = ClientError({"Error": {"Code": "404"}}, "HeadBucket")
    name = buckets.ensure_deploy_bucket(s3, "123456789012", Plan())
    [statement] = json.loads(s3.put_bucket_policy.call_args.kwargs["Policy"])["Statement"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]


@pytest.mark.usefixtures("credentials")
def test_call_admin_failed_action_reports_the_reason(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress: list[str] = []
    outputs = make_rehearsal(account, progress).run()
    assert "  its e-mail was sent" in progress
    with pytest.raises(DeployError, match="There is no vendor NOBODY"):
        call_admin(account.client("lambda"), "update_vendor", prefix="", vendor_id="NOBODY", status="suspended")
    with pytest.raises(DeployError, match="There is no action drop_all"):
        call_admin(account.client("lambda"), "drop_all", prefix="")
    # Without a local stack, commands call the admin function.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S3_BUCKET_NAME", outputs["Bucket"])
    assert main(["vendors", "suspend", "NOBODY"]) == 1
    assert capsys.readouterr().err == "There is no vendor NOBODY\n"


def test_deploy_unverified_sender_warns(account: Account) -> None:
    progress: list[str] = []
    account.client("ses").delete_identity(Identity=SENDER)
    try:
        make_rehearsal(account, progress).run()
    finally:
        account.client("ses").verify_email_identity(EmailAddress=SENDER)
    [warning] = [line for line in progress if "WARNING" in line]
    assert "Email address is not verified" in warning


@pytest.mark.usefixtures("credentials")
def test_deploy_changes_are_listed_and_reused_by_the_next_deployment(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress: list[str] = []
    changed = make_rehearsal(account, progress, multi_az=True, operator_email="ops@techmart.example")
    assert [str(change) for change in changed.list_changes()] == [
        "database: MultiAz false → true",
        "pipeline: OperatorEmail none → ops@techmart.example",
    ]
    changed.run()
    [database] = account.client("rds").describe_db_instances(DBInstanceIdentifier="ecommerce-db")["DBInstances"]
    assert database["MultiAZ"] is True

    plan = complete_plan(account.client, dict.fromkeys(CHOICES), {})
    assert replace(plan, packaging="Zip", ssl_mode="prefer") == changed.plan
    assert changed.list_changes() == []

    monkeypatch.setattr(account_checks, "find_builder", lambda: "docker")
    capsys.readouterr()
    assert main(["deploy", "--dry-run"]) == 0
    output = capsys.readouterr().out
    assert "with a standby in a second zone" in output
    assert "About 33." in output
    assert "MultiAz" not in output
    assert main(["deploy", "--dry-run", "--network", "nat", "--no-multi-az", "--set", "ApiConcurrency=4"]) == 0
    output = capsys.readouterr().out
    assert "About 56." in output
    assert "database: MultiAz true → false (no standby replaces the database if its zone fails)" in output
    assert "network: Outbound ipv6 → nat" in output
    assert "pipeline: ApiConcurrency 24 → 4" in output


@pytest.fixture
def credentials(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the AWS clients of commands connect to the account."""
    for name, value in {
        "AWS_ENDPOINT_URL": account.emulator.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("credentials")
def test_dry_run_lists_resources_and_cost(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(account_checks, "find_builder", lambda: "docker")
    # The AWS emulator does not implement the offers of RDS.
    monkeypatch.setattr(account_checks, "_check_database", lambda *_: iter(()))
    before = account.client("cloudformation").list_stacks()["StackSummaries"]
    settings = ("--set", "ProductValidatorConcurrency=16", "--set", "StreamParallelization=4")
    command = ["deploy", "--email-sender", SENDER, "--base-image", BASE_IMAGE, "--dry-run"]
    assert main([*command, "--network", "nat", "--no-multi-az", *settings]) == 0
    output = capsys.readouterr().out
    assert "a VPC with two private subnets and a NAT gateway" in output
    assert "About 56." in output
    assert "content changes over time" not in output
    assert account.client("cloudformation").list_stacks()["StackSummaries"] == before

    monkeypatch.setattr(account_checks, "find_builder", lambda: None)
    assert main(command) == 1
    assert "STOP: No docker, podman or buildah is installed" in capsys.readouterr().out

    monkeypatch.setattr(account_checks, "find_builder", lambda: "docker")
    assert main(["deploy", "--email-sender", SENDER, "--dry-run"]) == 0
    assert "public.ecr.aws/lambda/python:3.13, whose content changes" in capsys.readouterr().out


@pytest.mark.usefixtures("credentials")
def test_deploy_unknown_parameter_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "--email-sender", SENDER, "--set", "Nothing=1", "--dry-run"]) == 1
    assert "the template has no parameter Nothing" in capsys.readouterr().err
    # The setting would apply to one template only.
    assert main(["deploy", "--email-sender", SENDER, "--set", "NamePrefix=staging-", "--dry-run"]) == 1
    assert "--set: NamePrefix is set by --name-prefix" in capsys.readouterr().err


@pytest.mark.usefixtures("credentials")
def test_deploy_name_prefix_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(account_checks, "find_builder", lambda: "docker")
    monkeypatch.setattr(account_checks, "_check_database", lambda *_: iter(()))
    assert main(["deploy", "--email-sender", SENDER, "--name-prefix", "staging-", "--dry-run"]) == 0
    assert "All names begin with staging-" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["deploy", "--email-sender", SENDER, "--dry-run"], ["destroy", "--yes"]])
@pytest.mark.parametrize("prefix", ["staging", "Staging-", "two-words-"])
def test_deploy_malformed_name_prefix_is_rejected(
    command: list[str], prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--name-prefix", prefix]) == 1
    assert "up to 11 lowercase letters and digits" in capsys.readouterr().err


@pytest.mark.usefixtures("credentials")
def test_destroy_delete_data_with_name_prefix_lists_its_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["destroy", "--name-prefix", "staging-", "--delete-data", "--yes"]) == 1
    names = [line.strip() for line in capsys.readouterr().err.splitlines() if line.startswith("  ")]
    assert "staging-UploadRecords" in names
    assert all(name.startswith("staging-") for name in names)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--public-url", "https://onboarding.example.com/shop"),
        ("--public-url", "https://onboarding.example.com//"),
        ("--public-url", "onboarding.example.com"),
        ("--set", "PortalOrigin=https://onboarding.example.com/"),
    ],
)
def test_deploy_public_url_with_a_path_is_rejected(
    option: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        deploy_commands, "make_client_factory", MagicMock(side_effect=AssertionError("no client is needed"))
    )
    assert main(["deploy", "--email-sender", SENDER, option, value, "--dry-run"]) == 1
    assert "it must be a scheme and a host without a path" in capsys.readouterr().err


def test_deploy_public_url_trailing_slash_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    complete_plan = MagicMock(side_effect=DeployError("enough"))
    monkeypatch.setattr(deploy_commands, "get_account", lambda _: "123456789012")
    monkeypatch.setattr(deploy_commands, "complete_plan", complete_plan)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert main(["deploy", "--email-sender", SENDER, "--public-url", "https://onboarding.example.com/", "--yes"]) == 1
    [(_, _, settings)] = [call.args for call in complete_plan.call_args_list]
    assert settings == {"PublicUrl": "https://onboarding.example.com"}


@pytest.mark.usefixtures("credentials")
def test_destroy_delete_data_without_confirmation_keeps_data(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["destroy", "--delete-data", "--yes"]) == 1
    output = capsys.readouterr().err
    assert f"--confirm-account {get_account(account.client)}" in output
    assert "UploadRecords" in output
    assert main(["destroy", "--delete-data", "--confirm-account", "1", "--yes"]) == 1
