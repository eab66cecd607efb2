"""`onboarding deploy --dry-run` against accounts that a deployment would fail in, or that would surprise afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import EndpointConnectionError

from onboarding.cli.main import main
from onboarding.config import Settings
from onboarding.deploy import checks
from onboarding.runtime import AppContext
from onboarding.web.app import bucket_origin
from tests.infra.stubbed_account import (
    BUCKET,
    DENIED,
    NUMBER,
    Answer,
    Answers,
    healthy,
    identities,
    install,
    limits,
    offer,
    plan,
    refusal,
    sending,
    tagged,
)

SENDER = "uploads@techmart.example"
BASE_IMAGE = "registry.example/python@sha256:" + "0" * 64


class Shell:
    """Runs dry runs and keeps what they print."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.calls: list[str] = []

    def dry_run(
        self, answers: Answers | None, *options: str, region: str = "us-east-1", expected: int = 0
    ) -> list[str]:
        """Return the lines that a dry run prints about such an account; None is boto3 as it is."""
        with self._monkeypatch.context() as patch:
            if answers is not None:
                self.calls = install(patch, answers)
            command = ["deploy", "--mail-sender", SENDER, "--base-image", BASE_IMAGE, "--region", region, "--dry-run"]
            code = main([*command, *options])
        printed = self._capsys.readouterr()
        lines = (printed.out + printed.err).splitlines()
        assert code == expected, lines
        assert not [line for line in lines if "Traceback" in line]
        return [line.strip() for line in lines]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    # Nothing of the machine's own configuration.
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(checks, "find_builder", lambda: "docker")
    return Shell(monkeypatch, capsys)


def findings(lines: list[str]) -> list[str]:
    """Return what the checks found, of the lines that a dry run printed."""
    start = next(number for number, line in enumerate(lines) if line == "Images are built with docker.")
    return [line for line in lines[start + 1 :] if not line.startswith(("The account is not ready", "Run the command"))]


def test_dry_run_healthy_account_has_no_findings(shell: Shell) -> None:
    lines = shell.dry_run(healthy())
    assert lines[0] == f"Account {NUMBER}, region us-east-1. This will create or update:"
    assert findings(lines) == []
    assert {call.partition(" ")[0] for call in shell.calls} >= {"freetier:GetAccountPlanState", "sqs:ListQueues"}


# -- Account plan ------------------------------------------------------------------------------------------------------
def test_dry_run_free_plan_account_is_stopped_before_rds_refuses(shell: Shell) -> None:
    answers = healthy("eu-central-1") | {"freetier:GetAccountPlanState": plan("FREE")}
    [finding] = findings(shell.dry_run(answers, region="eu-central-1", expected=1))
    assert finding.startswith("STOP: The account is on AWS's Free plan")
    assert "7 days of backups" in finding
    assert "Upgrade to the Paid plan in the Billing and Cost Management console" in finding
    # The service is in one region, whatever the deployment's is.
    [call] = [call for call in shell.calls if call.startswith("freetier:")]
    assert "freetier.us-east-1." in call


@pytest.mark.parametrize(
    "answer",
    [
        DENIED,
        refusal("ResourceNotFoundException", "no plan"),
        refusal("UnknownOperationException"),
        EndpointConnectionError(endpoint_url="https://freetier.us-east-1.amazonaws.com"),
    ],
)
def test_dry_run_unknown_account_plan_has_no_findings(shell: Shell, answer: Exception) -> None:
    assert findings(shell.dry_run(healthy() | {"freetier:GetAccountPlanState": answer})) == []


# -- Concurrency -------------------------------------------------------------------------------------------------------
def test_dry_run_account_with_10_concurrent_executions_is_explained(shell: Shell) -> None:
    [finding] = findings(shell.dry_run(healthy() | {"lambda:GetAccountSettings": limits(10)}))
    assert "at most 10 functions at once" in finding
    assert "none of them can be reserved" in finding
    assert "one product-validator per shard of the stream" in finding
    assert "the API and the portal respond to some requests with an error" in finding
    assert "L-B99A9384" in finding


def test_dry_run_partial_reservations_are_listed(shell: Shell) -> None:
    [finding] = findings(shell.dry_run(healthy() | {"lambda:GetAccountSettings": limits(120)}))
    assert "can reserve 20 concurrent executions of functions, and the pipeline needs 40" in finding
    assert (
        "CsvParserConcurrency=8, ProductValidatorConcurrency=8, ApiConcurrency=0, WebhookConcurrency=0; 0 is no"
        in finding
    )


def test_dry_run_named_reservation_above_the_limit_stops(shell: Shell) -> None:
    answers = healthy() | {"lambda:GetAccountSettings": limits(10)}
    [finding] = findings(shell.dry_run(answers, "--set", "ApiConcurrency=4", expected=1))
    assert finding.startswith("STOP: The account can reserve 0 concurrent executions of functions, fewer than")


# -- SES ---------------------------------------------------------------------------------------------------------------
def with_set(options: Answer) -> Answers:
    """An account whose sender's identity has a default configuration set."""
    return healthy() | {
        "sesv2:GetEmailIdentity": identities({"techmart.example": {"ConfigurationSetName": "my-first"}}),
        "sesv2:GetConfigurationSet": options,
    }


def test_dry_run_default_configuration_set_is_named(shell: Shell) -> None:
    options = {
        "ConfigurationSetName": "my-first",
        "SendingOptions": {"SendingEnabled": True},
        "DeliveryOptions": {"TlsPolicy": "REQUIRE"},
    }
    [finding] = findings(shell.dry_run(with_set(options)))
    assert f"e-mails from {SENDER} through the identity's default configuration set my-first" in finding
    assert "sending enabled and TLS required" in finding


def test_dry_run_disabled_configuration_set_is_named(shell: Shell) -> None:
    [finding] = findings(shell.dry_run(with_set({"SendingOptions": {"SendingEnabled": False}})))
    assert "sending is disabled: no e-mail is sent" in finding


def test_dry_run_deleted_configuration_set_is_named(shell: Shell) -> None:
    [finding] = findings(shell.dry_run(with_set(refusal("NotFoundException"))))
    assert "my-first, which does not exist: SES refuses every e-mail" in finding


def test_dry_run_paused_sending_is_reported(shell: Shell) -> None:
    paused = sending(SendingEnabled=False, EnforcementStatus="SHUTDOWN")
    [finding] = findings(shell.dry_run(healthy() | {"sesv2:GetAccount": paused}))
    assert "paused sending for this account in this region (status SHUTDOWN): no e-mail is sent" in finding


def test_dry_run_ses_account_under_review_is_reported(shell: Shell) -> None:
    [finding] = findings(shell.dry_run(healthy() | {"sesv2:GetAccount": sending(EnforcementStatus="PROBATION")}))
    assert "under review (status PROBATION)" in finding


def test_dry_run_sandbox_lists_addresses_to_verify(shell: Shell) -> None:
    quota = {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 0.0}
    sandbox = {"sesv2:GetAccount": sending(ProductionAccessEnabled=False, SendQuota=quota)}
    [finding] = findings(shell.dry_run(healthy() | sandbox, "--operator-email", "ops@elsewhere.example"))
    assert "at most 200 e-mails a day, and only to addresses and domains that are verified" in finding
    assert "request production access" in finding
    assert finding.endswith("That includes ops@elsewhere.example, which is not verified.")
    [finding] = findings(shell.dry_run(healthy() | sandbox, "--operator-email", "ops@techmart.example"))
    assert "ops@" not in finding


@pytest.mark.parametrize(
    "identity", ["uploads@a.shop.example.com", "a.shop.example.com", "shop.example.com", "example.com"]
)
def test_dry_run_sender_below_a_verified_domain_is_verified(shell: Shell, identity: str) -> None:
    answers = healthy() | {"sesv2:GetEmailIdentity": identities({identity: {}})}
    assert findings(shell.dry_run(answers, "--mail-sender", "uploads@a.shop.example.com")) == []


def test_dry_run_unverified_sender_lists_possible_identities(shell: Shell) -> None:
    answers = healthy() | {
        "sesv2:GetEmailIdentity": identities(
            {"com": {}, "other.example.com": {}, "example.com": {"VerifiedForSendingStatus": False}}
        )
    }
    [finding] = findings(shell.dry_run(answers, "--mail-sender", "uploads@shop.example.com"))
    assert "SES has verified none of uploads@shop.example.com, shop.example.com, example.com in this region" in finding


# -- Names -------------------------------------------------------------------------------------------------------------
def test_dry_run_names_of_other_applications_are_listed(shell: Shell) -> None:
    arn = f"arn:aws:sns:us-east-1:{NUMBER}"
    answers = healthy() | {
        "ecr:DescribeRepositories": {"repositories": [{"repositoryName": "csv-parser-lambda"}]},
        "lambda:ListFunctions": {"Functions": [{"FunctionName": "csv-parser"}, {"FunctionName": "my-csv-parser"}]},
        "logs:DescribeLogGroups": {
            "logGroups": [
                {"logGroupName": "/aws/lambda/csv-parser"},
                # RDS leaves it behind, and the deployment removes it.
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
        **tagged({"Key": "application", "Value": "website"}),
    }
    strangers, data = findings(shell.dry_run(answers, expected=1))
    assert strangers.startswith("STOP: The account has resources with names that the deployment needs")
    assert (
        "image repository csv-parser-lambda, function csv-parser, log group /aws/lambda/csv-parser, "
        "database ecommerce-db, queue product-validation-errors, topic product-upload-notifications. " in strangers
    )
    assert "--name-prefix" in strangers
    assert data.startswith("STOP: The account has data of another application")
    assert f"table UploadRecords, secret ecommerce/rds/credentials, bucket {BUCKET}." in data
    assert "application=product-onboarding" in data


def test_dry_run_retained_data_has_no_findings(shell: Shell) -> None:
    answers = healthy() | {
        "dynamodb:ListTables": {"TableNames": ["UploadRecords"]},
        "secretsmanager:ListSecrets": {"SecretList": [{"Name": "ecommerce/rds/credentials"}]},
        "s3:ListBuckets": {"Buckets": [{"Name": BUCKET}]},
        "s3:HeadBucket": {"BucketRegion": "us-east-1"},
        **tagged({"Key": "application", "Value": "product-onboarding"}),
    }
    assert findings(shell.dry_run(answers)) == []


def test_dry_run_secret_that_is_being_deleted_is_stopped(shell: Shell) -> None:
    secret = "ecommerce/rds/credentials"
    answers = healthy() | {
        "secretsmanager:ListSecrets": {"SecretList": [{"Name": secret}]},
        "secretsmanager:DescribeSecret": {"Name": secret, "DeletedDate": 0},
    }
    [finding] = findings(shell.dry_run(answers, expected=1))
    assert f"AWS is deleting secret {secret}. Restore" in finding


def test_dry_run_resources_of_its_stacks_have_no_findings(shell: Shell) -> None:
    def resources(request: dict[str, Any]) -> Answer:
        owned = {
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
            for name, status in owned
        ]
        return {"StackResourceSummaries": summaries}

    answers = healthy() | {
        "cloudformation:ListStackResources": resources,
        "lambda:ListFunctions": {"Functions": [{"FunctionName": "csv-parser"}]},
        "rds:DescribeDBInstances": {"DBInstances": [{"DBInstanceIdentifier": "ecommerce-db"}]},
        "dynamodb:ListTables": {"TableNames": ["UploadRecords"]},
        **tagged(),
    }
    [finding] = findings(shell.dry_run(answers, expected=1))
    assert "table UploadRecords." in finding


def test_dry_run_bucket_of_another_account_is_stopped(shell: Shell) -> None:
    lines = findings(shell.dry_run(healthy() | {"s3:HeadBucket": refusal("403", "Forbidden")}, expected=1))
    assert any(f"STOP: The bucket {BUCKET} belongs to another account" in line for line in lines)


def test_dry_run_bucket_in_another_region_is_stopped(shell: Shell) -> None:
    lines = findings(shell.dry_run(healthy() | {"s3:HeadBucket": {"BucketRegion": "eu-west-1"}}, expected=1))
    assert any(f"STOP: the bucket {BUCKET} is in eu-west-1" in line for line in lines)


def test_dry_run_bucket_for_templates_of_another_account_is_stopped(shell: Shell) -> None:
    """Its owner could change a template between upload and use. To be allowed to use such a bucket is not to own it."""

    def owned_by_another(request: dict[str, Any]) -> Answer:
        if "-cfn-" not in request["Bucket"]:
            return refusal("404", "Not Found")
        return refusal("403", "Forbidden") if request.get("ExpectedBucketOwner") == NUMBER else {"BucketRegion": "here"}

    [finding] = findings(shell.dry_run(healthy() | {"s3:HeadBucket": owned_by_another}, expected=1))
    assert f"STOP: The bucket product-onboarding-cfn-{NUMBER}-us-east-1 belongs to another account" in finding


# -- A database that runs --------------------------------------------------------------------------------------------
def with_database(**parameters: str) -> Answers:
    """The answers about a deployment's database whose stack has these parameters."""
    moment = datetime(2026, 11, 28, tzinfo=UTC)
    given = {"NamePrefix": "", **parameters}
    stack = {
        "StackName": "product-onboarding-database",
        "CreationTime": moment,
        "StackStatus": "UPDATE_COMPLETE",
        "Tags": [{"Key": "application", "Value": "product-onboarding"}],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    }
    resource = {
        "LogicalResourceId": "Database",
        "ResourceType": "any",
        "LastUpdatedTimestamp": moment,
        "ResourceStatus": "CREATE_COMPLETE",
    }

    def of_the_database(answer: Answer) -> Any:
        missing = refusal("ValidationError", "Stack does not exist")
        return lambda request: answer if request["StackName"] == stack["StackName"] else missing

    return {
        "cloudformation:DescribeStacks": of_the_database({"Stacks": [stack]}),
        "cloudformation:ListStackResources": of_the_database({"StackResourceSummaries": [resource]}),
        "rds:DescribeDBInstances": {"DBInstances": [{"DBInstanceIdentifier": "ecommerce-db"}]},
    }


def test_dry_run_instance_class_not_offered_is_stopped(shell: Shell) -> None:
    """The database would be found missing the class after the image was built and pushed."""
    answers = healthy() | with_database(InstanceClass="db.t4g.micro")
    answers["rds:DescribeOrderableDBInstanceOptions"] = {"OrderableDBInstanceOptions": []}
    assert findings(shell.dry_run(answers))[:1] == ["Changes to the running deployment:"]
    lines = findings(shell.dry_run(answers, "--instance-class", "db.t4g.smal", expected=1))
    assert "STOP: RDS does not offer PostgreSQL 18 on db.t4g.smal in this region." in lines[0]


def test_dry_run_instance_class_without_a_price_is_reported(shell: Shell) -> None:
    lines = shell.dry_run(healthy(), "--instance-class", "db.m7g.large")
    assert "The cost is not known: no price is known for db.m7g.large, only for db.t4g.micro" in "\n".join(lines)


# -- Snapshots ---------------------------------------------------------------------------------------------------------
def snapshot(status: str) -> dict[str, Any]:
    return {"DBSnapshots": [{"DBSnapshotIdentifier": "monday", "Status": status, "AllocatedStorage": 20}]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (snapshot("available"), []),
        (snapshot("creating"), ["STOP: The snapshot monday cannot be used in its status creating."]),
        (refusal("DBSnapshotNotFound"), ["STOP: This region has no snapshot monday."]),
    ],
)
def test_dry_run_unusable_snapshot_is_stopped(shell: Shell, answer: Answer, expected: list[str]) -> None:
    answers = healthy() | {"rds:DescribeDBSnapshots": answer}
    lines = findings(shell.dry_run(answers, "--snapshot", "monday", expected=1 if expected else 0))
    assert [line.partition(" Wait")[0] for line in lines] == expected


@pytest.mark.parametrize(("begun_with", "code"), [("monday", 0), ("sunday", 1)])
def test_dry_run_snapshot_beside_a_database_is_stopped(shell: Shell, begun_with: str, code: int) -> None:
    answers = healthy() | {
        **with_database(SnapshotId=begun_with, InstanceClass="db.t4g.micro"),
        "rds:DescribeDBSnapshots": snapshot("available"),
    }
    lines = findings(shell.dry_run(answers, "--snapshot", "monday", expected=code))
    stop = "STOP: The deployment has a database, and only a new one can be created from the snapshot monday."
    assert [line.startswith(stop) for line in lines if line.startswith("STOP")] == [True] * code


# -- Regions and zones -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "af-south-1"])
@pytest.mark.parametrize("network", ["ipv6", "nat", "endpoints"])
def test_dry_run_shows_the_host_of_signed_urls(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, region: str, network: str
) -> None:
    lines = shell.dry_run(healthy(region), "--network", network, region=region)
    assert findings(lines) == []
    # As the template sets the functions' environment.
    monkeypatch.setenv("AWS_REGION", region)
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true" if network == "ipv6" else "false")
    origin = bucket_origin(AppContext(Settings({"S3_BUCKET_NAME": BUCKET})))
    assert f"Browsers upload files to, and links in e-mails lead to, {origin}" in lines
    # Elsewhere the global host redirects browsers, or refuses them.
    assert region in str(urlsplit(origin).hostname) or (region == "us-east-1" and network != "ipv6")


def test_dry_run_nat_in_eu_central_1_shows_the_regional_host(shell: Shell) -> None:
    lines = shell.dry_run(healthy("eu-central-1"), "--network", "nat", region="eu-central-1")
    assert "a VPC with two private subnets and a NAT gateway" in lines
    assert any(line.endswith(f" https://{BUCKET}.s3.eu-central-1.amazonaws.com") for line in lines)
    assert findings(lines) == []


@pytest.mark.parametrize(("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")])
def test_dry_run_region_of_another_partition_is_stopped(shell: Shell, region: str, partition: str) -> None:
    [finding] = findings(shell.dry_run(healthy(region), region=region, expected=1))
    assert finding.startswith(f"STOP: {region} is in the partition {partition}, and only commercial regions")


def test_dry_run_fewer_than_two_usable_zones_is_stopped(shell: Shell) -> None:
    answers = healthy() | {
        "rds:DescribeOrderableDBInstanceOptions": {
            "OrderableDBInstanceOptions": [offer("17.7", "us-east-1", "abc"), offer("18.1", "us-east-1", "b")]
        }
    }
    [finding] = findings(shell.dry_run(answers, expected=1))
    assert "STOP: The deployment needs two Availability Zones with PostgreSQL 18 on db.t4g.micro" in finding
    assert "this account has us-east-1b in this region" in finding


def test_dry_run_local_stack_version_not_offered_is_stopped(shell: Shell) -> None:
    options = [offer("17.7", "us-east-1", "abc"), offer("18.1", "us-east-1", "abc", MultiAZCapable=False)]
    answers = healthy() | {"rds:DescribeOrderableDBInstanceOptions": {"OrderableDBInstanceOptions": options}}
    assert findings(shell.dry_run(answers)) == []
    [finding] = findings(shell.dry_run(answers, "--multi-az", expected=1))
    assert "STOP: RDS does not offer PostgreSQL 18 on db.t4g.micro with a standby in this region" in finding


# -- Credentials, rights, several problems at once ---------------------------------------------------------------------
def test_dry_run_several_problems_are_all_listed(shell: Shell) -> None:
    answers = healthy() | {
        "freetier:GetAccountPlanState": plan("FREE"),
        "lambda:GetAccountSettings": limits(10),
        "lambda:ListFunctions": {"Functions": [{"FunctionName": "csv-parser"}]},
        "ec2:DescribeVpcs": {"Vpcs": [{"VpcId": f"vpc-{number}"} for number in range(5)]},
        "rds:DescribeOrderableDBInstanceOptions": {"OrderableDBInstanceOptions": []},
        "sesv2:GetEmailIdentity": identities({}),
        "sesv2:GetAccount": sending(ProductionAccessEnabled=False),
    }
    lines = findings(shell.dry_run(answers, expected=1))
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
    answers = healthy() | {"freetier:GetAccountPlanState": plan("FREE"), operation: DENIED}
    lines = findings(shell.dry_run(answers, expected=1))
    assert f"Not checked: {subject}. Your credentials do not allow {operation.partition(':')[2]}" in " ".join(lines)
    assert sum("Free plan" in line for line in lines) == 1


def test_dry_run_failed_call_is_a_finding(shell: Shell) -> None:
    unreachable = EndpointConnectionError(endpoint_url="https://email.us-east-1.amazonaws.com")
    [finding] = findings(shell.dry_run(healthy() | {"sesv2:GetEmailIdentity": unreachable}, expected=1))
    assert finding.startswith("STOP: Could not check SES. Could not connect to the endpoint URL")
    unknown = refusal("OptInRequired", "The account is not signed up")
    [finding] = findings(shell.dry_run(healthy() | {"ec2:DescribeVpcs": unknown}, expected=1))
    assert (
        finding == "STOP: Could not check VPCs. AWS refused DescribeVpcs: OptInRequired: The account is not signed up."
    )


def test_dry_run_without_credentials_is_reported(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    lines = shell.dry_run(None, expected=1)
    assert "No AWS credentials were found. Configure them as for the AWS CLI." in lines


def test_dry_run_unknown_region_is_reported(shell: Shell) -> None:
    answers: Answers = {
        "sts:GetCallerIdentity": EndpointConnectionError(endpoint_url="https://sts.eu-cental-1.amazonaws.com")
    }
    lines = shell.dry_run(answers, region="eu-cental-1", expected=1)
    assert lines[0].startswith("AWS cannot be reached. Check the region's name")


def test_dry_run_disabled_region_is_reported(shell: Shell) -> None:
    answers: Answers = {"sts:GetCallerIdentity": refusal("InvalidClientTokenId", "The security token is invalid")}
    lines = shell.dry_run(answers, region="af-south-1", expected=1)
    assert "that the region is enabled for the account" in lines[0]
