"""Tests of `onboarding deploy --dry-run` with accounts in which a deployment would fail or have unexpected effects."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import EndpointConnectionError

from onboarding.cli.main import main
from onboarding.config import Settings
from onboarding.deploy import account_checks
from onboarding.runtime import AppContext
from onboarding.web.app import bucket_origin
from tests.infra.stubbed_account import (
    BUCKET,
    DENIED,
    NUMBER,
    Response,
    Responses,
    healthy_account,
    install_responses,
    make_account_plan,
    make_concurrency_limits,
    make_error,
    make_identities,
    make_offer,
    make_sending_account,
    tagged_resources,
)

SENDER = "uploads@techmart.example"
BASE_IMAGE = "registry.example/python@sha256:" + "0" * 64


class Shell:
    """A shell for `onboarding deploy --dry-run`; `calls` are the requests to AWS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.calls: list[str] = []

    def dry_run(
        self, responses: Responses | None, *options: str, region: str = "us-east-1", expected: int = 0
    ) -> list[str]:
        """Return the lines that a dry run prints for an account with these responses; None does not stub boto3."""
        with self._monkeypatch.context() as patch:
            if responses is not None:
                self.calls = install_responses(patch, responses)
            command = ["deploy", "--email-sender", SENDER, "--base-image", BASE_IMAGE, "--region", region, "--dry-run"]
            code = main([*command, *options])
        captured = self._capsys.readouterr()
        lines = (captured.out + captured.err).splitlines()
        assert code == expected, lines
        assert not [line for line in lines if "Traceback" in line]
        return [line.strip() for line in lines]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    # Ignore the configuration of this machine.
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(account_checks, "find_builder", lambda: "docker")
    return Shell(monkeypatch, capsys)


def list_findings(lines: list[str]) -> list[str]:
    """Return the findings among the lines of a dry run."""
    start = next(number for number, line in enumerate(lines) if line == "Images are built with docker.")
    return [line for line in lines[start + 1 :] if not line.startswith(("The account is not ready", "Run the command"))]


def test_dry_run_healthy_account_has_no_findings(shell: Shell) -> None:
    lines = shell.dry_run(healthy_account())
    assert lines[0] == f"Account {NUMBER}, region us-east-1. This will create or update:"
    assert list_findings(lines) == []
    assert {call.partition(" ")[0] for call in shell.calls} >= {"freetier:GetAccountPlanState", "sqs:ListQueues"}


# -- Account plan ------------------------------------------------------------------------------------------------------
def test_dry_run_free_plan_account_is_stopped(shell: Shell) -> None:
    responses = healthy_account("eu-central-1") | {"freetier:GetAccountPlanState": make_account_plan("FREE")}
    [finding] = list_findings(shell.dry_run(responses, region="eu-central-1", expected=1))
    assert finding.startswith("STOP: The account is on AWS's Free plan")
    assert "7 days of backups" in finding
    assert "Upgrade to the Paid plan in the Billing and Cost Management console" in finding
    # The service exists only in this region.
    [call] = [call for call in shell.calls if call.startswith("freetier:")]
    assert "freetier.us-east-1." in call


@pytest.mark.parametrize(
    "response",
    [
        DENIED,
        make_error("ResourceNotFoundException", "no plan"),
        make_error("UnknownOperationException"),
        EndpointConnectionError(endpoint_url="https://freetier.us-east-1.amazonaws.com"),
    ],
)
def test_dry_run_unknown_account_plan_has_no_findings(shell: Shell, response: Exception) -> None:
    assert list_findings(shell.dry_run(healthy_account() | {"freetier:GetAccountPlanState": response})) == []


# -- Concurrency -------------------------------------------------------------------------------------------------------
def test_dry_run_account_with_10_concurrent_executions_is_explained(shell: Shell) -> None:
    [finding] = list_findings(
        shell.dry_run(healthy_account() | {"lambda:GetAccountSettings": make_concurrency_limits(10)})
    )
    assert "at most 10 functions at once" in finding
    assert "none of them can be reserved" in finding
    assert "one product-validator per shard of the stream" in finding
    assert "the API and the portal respond to some requests with an error" in finding
    assert "L-B99A9384" in finding


def test_dry_run_partial_reservations_are_listed(shell: Shell) -> None:
    [finding] = list_findings(
        shell.dry_run(healthy_account() | {"lambda:GetAccountSettings": make_concurrency_limits(120)})
    )
    assert "can reserve 20 concurrent executions of functions, and the pipeline needs 50" in finding
    assert (
        "CsvParserConcurrency=8, ProductValidatorConcurrency=8, ApiConcurrency=0, WebhookConcurrency=0, "
        "ExporterConcurrency=2; 0 is no" in finding
    )


def test_dry_run_explicit_reservation_above_the_limit_is_stopped(shell: Shell) -> None:
    responses = healthy_account() | {"lambda:GetAccountSettings": make_concurrency_limits(10)}
    [finding] = list_findings(shell.dry_run(responses, "--set", "ApiConcurrency=4", expected=1))
    assert finding.startswith("STOP: The account can reserve 0 concurrent executions of functions, fewer than")


# -- SES ---------------------------------------------------------------------------------------------------------------
def account_with_configuration_set(options: Response) -> Responses:
    """Return the responses of an account in which the sender's identity has a default configuration set."""
    return healthy_account() | {
        "sesv2:GetEmailIdentity": make_identities({"techmart.example": {"ConfigurationSetName": "my-first"}}),
        "sesv2:GetConfigurationSet": options,
    }


def test_dry_run_default_configuration_set_is_reported(shell: Shell) -> None:
    options = {
        "ConfigurationSetName": "my-first",
        "SendingOptions": {"SendingEnabled": True},
        "DeliveryOptions": {"TlsPolicy": "REQUIRE"},
    }
    [finding] = list_findings(shell.dry_run(account_with_configuration_set(options)))
    assert f"e-mails from {SENDER} through the identity's default configuration set my-first" in finding
    assert "sending enabled and TLS required" in finding


def test_dry_run_disabled_configuration_set_is_reported(shell: Shell) -> None:
    [finding] = list_findings(
        shell.dry_run(account_with_configuration_set({"SendingOptions": {"SendingEnabled": False}}))
    )
    assert "sending is disabled: no e-mail is sent" in finding


def test_dry_run_deleted_configuration_set_is_reported(shell: Shell) -> None:
    [finding] = list_findings(shell.dry_run(account_with_configuration_set(make_error("NotFoundException"))))
    assert "my-first, which does not exist: SES rejects every e-mail" in finding


def test_dry_run_paused_sending_is_reported(shell: Shell) -> None:
    paused = make_sending_account(SendingEnabled=False, EnforcementStatus="SHUTDOWN")
    [finding] = list_findings(shell.dry_run(healthy_account() | {"sesv2:GetAccount": paused}))
    assert "paused sending for this account in this region (status SHUTDOWN): no e-mail is sent" in finding


def test_dry_run_ses_account_under_review_is_reported(shell: Shell) -> None:
    [finding] = list_findings(
        shell.dry_run(healthy_account() | {"sesv2:GetAccount": make_sending_account(EnforcementStatus="PROBATION")})
    )
    assert "under review (status PROBATION)" in finding


def test_dry_run_sandbox_lists_addresses_to_verify(shell: Shell) -> None:
    quota = {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 0.0}
    sandbox = {"sesv2:GetAccount": make_sending_account(ProductionAccessEnabled=False, SendQuota=quota)}
    [finding] = list_findings(shell.dry_run(healthy_account() | sandbox, "--operator-email", "ops@elsewhere.example"))
    assert "at most 200 e-mails a day, and only to addresses and domains that are verified" in finding
    assert "request production access" in finding
    assert finding.endswith("That includes ops@elsewhere.example, which is not verified.")
    [finding] = list_findings(shell.dry_run(healthy_account() | sandbox, "--operator-email", "ops@techmart.example"))
    assert "ops@" not in finding


@pytest.mark.parametrize(
    "identity", ["uploads@a.shop.example.com", "a.shop.example.com", "shop.example.com", "example.com"]
)
def test_dry_run_sender_below_a_verified_domain_is_verified(shell: Shell, identity: str) -> None:
    responses = healthy_account() | {"sesv2:GetEmailIdentity": make_identities({identity: {}})}
    assert list_findings(shell.dry_run(responses, "--email-sender", "uploads@a.shop.example.com")) == []


def test_dry_run_unverified_sender_lists_possible_identities(shell: Shell) -> None:
    responses = healthy_account() | {
        "sesv2:GetEmailIdentity": make_identities(
            {"com": {}, "other.example.com": {}, "example.com": {"VerifiedForSendingStatus": False}}
        )
    }
    [finding] = list_findings(shell.dry_run(responses, "--email-sender", "uploads@shop.example.com"))
    assert "SES has verified none of uploads@shop.example.com, shop.example.com, example.com in this region" in finding


# -- Names -------------------------------------------------------------------------------------------------------------
def test_dry_run_names_of_other_applications_are_listed(shell: Shell) -> None:
    arn = f"arn:aws:sns:us-east-1:{NUMBER}"
    responses = healthy_account() | {
        "ecr:DescribeRepositories": {"repositories": [{"repositoryName": "csv-parser-lambda"}]},
        "lambda:ListFunctions": {"Functions": [{"FunctionName": "csv-parser"}, {"FunctionName": "my-csv-parser"}]},
        "logs:DescribeLogGroups": {
            "logGroups": [
                {"logGroupName": "/aws/lambda/csv-parser"},
                # RDS retains this group, and the deployment deletes it.
                {"logGroupName": "/aws/rds/instance/ecommerce-db/postgresql"},
            ]
        },
        "rds:DescribeDBInstances": {"DBInstances": [{"DBInstanceIdentifier": "ecommerce-db"}]},
        "sqs:ListQueues": {"QueueUrls": [f"https://sqs.us-east-1.amazonaws.com/{NUMBER}/product-validation-errors"]},
        "sns:ListTopics": {"Topics": [{"TopicArn": f"{arn}:product-upload-notifications"}]},
        "dynamodb:ListTables": {"TableNames": ["UploadRecords"]},
        "secretsmanager:ListSecrets": {"SecretList": [{"Name": "ecommerce/rds/credentials"}]},
        "s3:ListBuckets": {"Buckets": [{"Name": BUCKET}]},
        "s3:HeadBucket": {"BucketRegion": "us-east-1"},
        **tagged_resources({"Key": "application", "Value": "website"}),
    }
    conflicts, data = list_findings(shell.dry_run(responses, expected=1))
    assert conflicts.startswith("STOP: The account has resources with names that the deployment needs")
    assert (
        "image repository csv-parser-lambda, function csv-parser, log group /aws/lambda/csv-parser, "
        "database ecommerce-db, queue product-validation-errors, topic product-upload-notifications. " in conflicts
    )
    assert "--name-prefix" in conflicts
    assert data.startswith("STOP: The account has data of another application")
    assert f"table UploadRecords, secret ecommerce/rds/credentials, bucket {BUCKET}." in data
    assert "application=product-onboarding" in data


def test_dry_run_retained_data_has_no_findings(shell: Shell) -> None:
    responses = healthy_account() | {
        "dynamodb:ListTables": {"TableNames": ["UploadRecords"]},
        "secretsmanager:ListSecrets": {"SecretList": [{"Name": "ecommerce/rds/credentials"}]},
        "s3:ListBuckets": {"Buckets": [{"Name": BUCKET}]},
        "s3:HeadBucket": {"BucketRegion": "us-east-1"},
        **tagged_resources({"Key": "application", "Value": "product-onboarding"}),
    }
    assert list_findings(shell.dry_run(responses)) == []


def test_dry_run_secret_that_is_being_deleted_is_stopped(shell: Shell) -> None:
    secret = "ecommerce/rds/credentials"
    responses = healthy_account() | {
        "secretsmanager:ListSecrets": {"SecretList": [{"Name": secret}]},
        "secretsmanager:DescribeSecret": {"Name": secret, "DeletedDate": 0},
    }
    [finding] = list_findings(shell.dry_run(responses, expected=1))
    assert f"AWS is deleting secret {secret}. Restore" in finding


def test_dry_run_resources_of_its_stacks_have_no_findings(shell: Shell) -> None:
    def resources(request: dict[str, Any]) -> Response:
        statuses = {
            "product-onboarding-pipeline": [("CsvParser", "UPDATE_COMPLETE"), ("UploadRecords", "DELETE_COMPLETE")],
            "product-onboarding-database": [("Database", "CREATE_FAILED")],
        }.get(str(request["StackName"]), [])
        summaries = [
            {
                "LogicalResourceId": name,
                "ResourceType": "any",
                "ResourceStatus": status,
                "LastUpdatedTimestamp": 0,
            }
            for name, status in statuses
        ]
        return {"StackResourceSummaries": summaries}

    responses = healthy_account() | {
        "cloudformation:ListStackResources": resources,
        "lambda:ListFunctions": {"Functions": [{"FunctionName": "csv-parser"}]},
        "rds:DescribeDBInstances": {"DBInstances": [{"DBInstanceIdentifier": "ecommerce-db"}]},
        "dynamodb:ListTables": {"TableNames": ["UploadRecords"]},
        **tagged_resources(),
    }
    [finding] = list_findings(shell.dry_run(responses, expected=1))
    assert "table UploadRecords." in finding


def test_dry_run_bucket_of_another_account_is_stopped(shell: Shell) -> None:
    lines = list_findings(
        shell.dry_run(healthy_account() | {"s3:HeadBucket": make_error("403", "Forbidden")}, expected=1)
    )
    assert any(f"STOP: The bucket {BUCKET} belongs to another account" in line for line in lines)


def test_dry_run_bucket_in_another_region_is_stopped(shell: Shell) -> None:
    lines = list_findings(
        shell.dry_run(healthy_account() | {"s3:HeadBucket": {"BucketRegion": "eu-west-1"}}, expected=1)
    )
    assert any(f"STOP: the bucket {BUCKET} is in eu-west-1" in line for line in lines)


def test_dry_run_bucket_for_templates_of_another_account_is_stopped(shell: Shell) -> None:
    """The owner of a bucket could change templates, even if this account may use the bucket."""

    def owned_by_another(request: dict[str, Any]) -> Response:
        if "-cfn-" not in request["Bucket"]:
            return make_error("404", "Not Found")
        return (
            make_error("403", "Forbidden") if request.get("ExpectedBucketOwner") == NUMBER else {"BucketRegion": "here"}
        )

    [finding] = list_findings(shell.dry_run(healthy_account() | {"s3:HeadBucket": owned_by_another}, expected=1))
    assert f"STOP: The bucket product-onboarding-cfn-{NUMBER}-us-east-1 belongs to another account" in finding


# -- Running database --------------------------------------------------------------------------------------------------
def account_with_database(**parameters: str) -> Responses:
    """Return the responses for a deployment's database whose stack has these parameters."""
    moment = datetime(2026, 11, 28, tzinfo=UTC)
    all_parameters = {"NamePrefix": "", **parameters}
    stack = {
        "StackName": "product-onboarding-database",
        "CreationTime": moment,
        "StackStatus": "UPDATE_COMPLETE",
        "Tags": [{"Key": "application", "Value": "product-onboarding"}],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in all_parameters.items()],
    }
    resource = {
        "LogicalResourceId": "Database",
        "ResourceType": "any",
        "LastUpdatedTimestamp": moment,
        "ResourceStatus": "CREATE_COMPLETE",
    }

    def respond_for_database(response: Response) -> Any:
        missing_stack = make_error("ValidationError", "Stack does not exist")
        return lambda request: response if request["StackName"] == stack["StackName"] else missing_stack

    return {
        "cloudformation:DescribeStacks": respond_for_database({"Stacks": [stack]}),
        "cloudformation:ListStackResources": respond_for_database({"StackResourceSummaries": [resource]}),
        "rds:DescribeDBInstances": {"DBInstances": [{"DBInstanceIdentifier": "ecommerce-db"}]},
    }


def test_dry_run_instance_class_not_offered_is_stopped(shell: Shell) -> None:
    """Without the check the deployment would fail after the image was built and pushed."""
    responses = healthy_account() | account_with_database(InstanceClass="db.t4g.micro")
    responses["rds:DescribeOrderableDBInstanceOptions"] = {"OrderableDBInstanceOptions": []}
    assert list_findings(shell.dry_run(responses))[:1] == ["Changes to the running deployment:"]
    lines = list_findings(shell.dry_run(responses, "--instance-class", "db.t4g.smal", expected=1))
    assert "STOP: RDS does not offer PostgreSQL 18 on db.t4g.smal in this region." in lines[0]


def test_dry_run_instance_class_without_a_price_is_reported(shell: Shell) -> None:
    lines = shell.dry_run(healthy_account(), "--instance-class", "db.m7g.large")
    assert "The cost is not known: no price is known for db.m7g.large, only for db.t4g.micro" in "\n".join(lines)


# -- Snapshots ---------------------------------------------------------------------------------------------------------
def make_snapshot(status: str) -> dict[str, Any]:
    return {"DBSnapshots": [{"DBSnapshotIdentifier": "monday", "Status": status, "AllocatedStorage": 20}]}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (make_snapshot("available"), []),
        (make_snapshot("creating"), ["STOP: The snapshot monday cannot be used in its status creating."]),
        (make_error("DBSnapshotNotFound"), ["STOP: This region has no snapshot monday."]),
    ],
)
def test_dry_run_unusable_snapshot_is_stopped(shell: Shell, response: Response, expected: list[str]) -> None:
    responses = healthy_account() | {"rds:DescribeDBSnapshots": response}
    lines = list_findings(shell.dry_run(responses, "--snapshot", "monday", expected=1 if expected else 0))
    assert [line.partition(" Wait")[0] for line in lines] == expected


@pytest.mark.parametrize(("initial_snapshot", "code"), [("monday", 0), ("sunday", 1)])
def test_dry_run_snapshot_beside_a_database_is_stopped(shell: Shell, initial_snapshot: str, code: int) -> None:
    responses = healthy_account() | {
        **account_with_database(SnapshotId=initial_snapshot, InstanceClass="db.t4g.micro"),
        "rds:DescribeDBSnapshots": make_snapshot("available"),
    }
    lines = list_findings(shell.dry_run(responses, "--snapshot", "monday", expected=code))
    stop = "STOP: The deployment has a database, and only a new one can be created from the snapshot monday."
    assert [line.startswith(stop) for line in lines if line.startswith("STOP")] == [True] * code


# -- Regions and zones -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "af-south-1"])
@pytest.mark.parametrize("network", ["ipv6", "nat", "endpoints"])
def test_dry_run_shows_the_host_of_signed_urls(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, region: str, network: str
) -> None:
    lines = shell.dry_run(healthy_account(region), "--network", network, region=region)
    assert list_findings(lines) == []
    # The template sets these variables of the functions.
    monkeypatch.setenv("AWS_REGION", region)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true" if network == "ipv6" else "false")
    origin = bucket_origin(AppContext(Settings({"S3_BUCKET_NAME": BUCKET})))
    assert f"Browsers upload files to, and links in e-mails lead to, {origin}" in lines
    # In other regions the global host redirects or rejects requests of browsers.
    assert region in str(urlsplit(origin).hostname) or (region == "us-east-1" and network != "ipv6")


def test_dry_run_nat_in_eu_central_1_shows_the_regional_host(shell: Shell) -> None:
    lines = shell.dry_run(healthy_account("eu-central-1"), "--network", "nat", region="eu-central-1")
    assert "a VPC with two private subnets and a NAT gateway" in lines
    assert any(line.endswith(f" https://{BUCKET}.s3.eu-central-1.amazonaws.com") for line in lines)
    assert list_findings(lines) == []


@pytest.mark.parametrize(("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")])
def test_dry_run_region_of_another_partition_is_stopped(shell: Shell, region: str, partition: str) -> None:
    [finding] = list_findings(shell.dry_run(healthy_account(region), region=region, expected=1))
    assert finding.startswith(f"STOP: {region} is in the partition {partition}, and only commercial regions")


def test_dry_run_fewer_than_two_usable_zones_is_stopped(shell: Shell) -> None:
    responses = healthy_account() | {
        "rds:DescribeOrderableDBInstanceOptions": {
            "OrderableDBInstanceOptions": [make_offer("17.7", "us-east-1", "abc"), make_offer("18.1", "us-east-1", "b")]
        }
    }
    [finding] = list_findings(shell.dry_run(responses, expected=1))
    assert "STOP: The deployment needs two Availability Zones with PostgreSQL 18 on db.t4g.micro" in finding
    assert "this account has us-east-1b in this region" in finding


def test_dry_run_standby_not_offered_is_stopped(shell: Shell) -> None:
    options = [make_offer("17.7", "us-east-1", "abc"), make_offer("18.1", "us-east-1", "abc", MultiAZCapable=False)]
    responses = healthy_account() | {"rds:DescribeOrderableDBInstanceOptions": {"OrderableDBInstanceOptions": options}}
    assert list_findings(shell.dry_run(responses)) == []
    [finding] = list_findings(shell.dry_run(responses, "--multi-az", expected=1))
    assert "STOP: RDS does not offer PostgreSQL 18 on db.t4g.micro with a standby in this region" in finding


# -- Credentials, permissions, several problems ------------------------------------------------------------------------
def test_dry_run_several_problems_are_all_listed(shell: Shell) -> None:
    responses = healthy_account() | {
        "freetier:GetAccountPlanState": make_account_plan("FREE"),
        "lambda:GetAccountSettings": make_concurrency_limits(10),
        "lambda:ListFunctions": {"Functions": [{"FunctionName": "csv-parser"}]},
        "ec2:DescribeVpcs": {"Vpcs": [{"VpcId": f"vpc-{number}"} for number in range(5)]},
        "rds:DescribeOrderableDBInstanceOptions": {"OrderableDBInstanceOptions": []},
        "sesv2:GetEmailIdentity": make_identities({}),
        "sesv2:GetAccount": make_sending_account(ProductionAccessEnabled=False),
    }
    lines = list_findings(shell.dry_run(responses, expected=1))
    blocking = [line for line in lines if line.startswith("STOP: ")]
    for part in ("function csv-parser", "5 VPCs", "Free plan", "RDS does not offer"):
        assert sum(part in line for line in blocking) == 1, part
    for part in ("at most 10 functions", "SES has verified none", "sandbox"):
        assert sum(part in line for line in lines if line not in blocking) == 1, part


@pytest.mark.parametrize(
    ("operation", "subject"),
    [
        ("lambda:ListFunctions", "names in use"),
        ("cloudformation:ListStackResources", "names in use"),
        ("lambda:GetAccountSettings", "concurrency of functions"),
        ("ec2:DescribeVpcs", "VPCs"),
        ("ec2:DescribeVpcEndpointServices", "RDS offers"),
        ("rds:DescribeOrderableDBInstanceOptions", "RDS offers"),
        ("sesv2:GetEmailIdentity", "SES"),
        ("sesv2:GetAccount", "SES"),
    ],
)
def test_dry_run_denied_call_does_not_stop_other_checks(shell: Shell, operation: str, subject: str) -> None:
    responses = healthy_account() | {"freetier:GetAccountPlanState": make_account_plan("FREE"), operation: DENIED}
    lines = list_findings(shell.dry_run(responses, expected=1))
    assert f"Not checked: {subject}. Your credentials do not allow {operation.partition(':')[2]}" in " ".join(lines)
    assert sum("Free plan" in line for line in lines) == 1


def test_dry_run_failed_call_is_a_finding(shell: Shell) -> None:
    unreachable = EndpointConnectionError(endpoint_url="https://email.us-east-1.amazonaws.com")
    [finding] = list_findings(shell.dry_run(healthy_account() | {"sesv2:GetEmailIdentity": unreachable}, expected=1))
    assert finding.startswith("STOP: Could not check SES. Could not connect to the endpoint URL")
    unknown = make_error("OptInRequired", "The account is not signed up")
    [finding] = list_findings(shell.dry_run(healthy_account() | {"ec2:DescribeVpcs": unknown}, expected=1))
    assert (
        finding == "STOP: Could not check VPCs. AWS rejected DescribeVpcs: OptInRequired: The account is not signed up."
    )


def test_dry_run_without_credentials_is_reported(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    lines = shell.dry_run(None, expected=1)
    assert "No AWS credentials were found. Configure them as for the AWS CLI." in lines


def test_dry_run_unknown_region_is_reported(shell: Shell) -> None:
    responses: Responses = {
        "sts:GetCallerIdentity": EndpointConnectionError(endpoint_url="https://sts.eu-cental-1.amazonaws.com")
    }
    lines = shell.dry_run(responses, region="eu-cental-1", expected=1)
    assert lines[0].startswith("AWS cannot be reached. Check the region's name")


def test_dry_run_disabled_region_is_reported(shell: Shell) -> None:
    responses: Responses = {
        "sts:GetCallerIdentity": make_error("InvalidClientTokenId", "The security token is invalid")
    }
    lines = shell.dry_run(responses, region="af-south-1", expected=1)
    assert "that the region is enabled for the account" in lines[0]
