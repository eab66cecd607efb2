"""What becomes of stacks that an earlier attempt left in a bad state, and what a stack begins with."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import MagicMock

import boto3
import pytest

from onboarding.deploy.adopt import import_request
from onboarding.deploy.plan import DeployError, Plan, template_text
from onboarding.deploy.stacks import UNUSABLE, Stacks
from onboarding.deploy.steps import Deployment, client_of
from tests.aws.doubles import validated


class CloudFormation:
    """One stack with a database that guards itself, which the local engine's stacks do not heed."""

    def __init__(self, status: str, *, mended: bool = True) -> None:
        self.status: str | None = status
        self.protected = True
        self.mended = mended
        self.done: list[str] = []
        self.clients = {name: MagicMock() for name in ("cloudformation", "rds", "s3", "sts")}
        api, rds = self.clients["cloudformation"], self.clients["rds"]
        api.describe_stacks.side_effect = self.describe_stacks
        api.delete_stack.side_effect = self.delete_stack
        api.continue_update_rollback.side_effect = self.continue_update_rollback
        api.execute_change_set.side_effect = self.execute_change_set
        api.create_change_set.return_value = {"Id": "arn:aws:cloudformation:us-east-1:123456789012:changeSet/deploy/1"}
        api.describe_change_set.return_value = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}
        resources = [
            {"ResourceType": "AWS::RDS::DBInstance", "PhysicalResourceId": "guarded"},
            {"ResourceType": "AWS::RDS::DBInstance"},
            {"ResourceType": "AWS::Logs::LogGroup", "PhysicalResourceId": "logs"},
        ]
        api.get_paginator.return_value.paginate.return_value = [
            {"StackResourceSummaries": resources, "StackEvents": []}
        ]
        rds.describe_db_instances.side_effect = lambda **_: {"DBInstances": [{"DeletionProtection": self.protected}]}
        rds.modify_db_instance.side_effect = self.modify_db_instance

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803
        if self.status is None:
            raise boto3.client("sts", region_name="us-east-1").exceptions.ClientError(
                {"Error": {"Code": "ValidationError"}}, "DescribeStacks"
            )
        return {"Stacks": [{"StackId": f"id-of-{StackName}", "StackStatus": self.status, "Outputs": []}]}

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.done.append("delete")
        self.status = "DELETE_FAILED" if self.protected else None

    def modify_db_instance(self, **asked: object) -> None:
        assert asked == {
            "DBInstanceIdentifier": "guarded",
            "DeletionProtection": False,
            "ApplyImmediately": True,
        }
        self.protected = False

    def continue_update_rollback(self, StackName: str) -> None:  # noqa: N803
        self.done.append("roll back")
        self.status = "UPDATE_ROLLBACK_COMPLETE" if self.mended else "UPDATE_ROLLBACK_FAILED"

    def execute_change_set(self, **_: object) -> None:
        kind = self.clients["cloudformation"].create_change_set.call_args.kwargs["ChangeSetType"]
        self.done.append(kind.lower())
        self.status = f"{kind}_COMPLETE"

    def apply(self) -> None:
        stacks = Stacks(validated(lambda service: self.clients[service]), "templates", {}, lambda _: None, pause=0)
        stacks.apply("database", "Resources: {}", {})


@pytest.mark.parametrize("status", UNUSABLE)
def test_a_first_attempt_that_failed_makes_way_for_the_next(status: str) -> None:
    """Though its database is there, and guards itself against being deleted."""
    stack = CloudFormation(status)
    stack.apply()
    assert stack.done == ["delete", "create"]


def test_an_update_that_was_taken_back_half_way_is_taken_back_first() -> None:
    stack = CloudFormation("UPDATE_ROLLBACK_FAILED")
    stack.apply()
    assert stack.done == ["roll back", "update"]


def test_an_update_that_cannot_be_taken_back_says_what_to_do() -> None:
    stack = CloudFormation("UPDATE_ROLLBACK_FAILED", mended=False)
    with pytest.raises(DeployError, match=r"cannot be taken back(.|\n)*continue the rollback"):
        stack.apply()
    assert stack.done == ["roll back"]


@pytest.mark.parametrize(
    ("template", "parameters", "secret"),
    [
        ("database", {}, "DatabaseSecret"),
        ("pipeline", {"PipelineSecretArn": "arn:of:the:database", "ApiSecretArn": "arn"}, "LinkSecret"),
    ],
)
def test_a_secret_that_was_kept_keeps_its_value(template: str, parameters: dict[str, str], secret: str) -> None:
    """An update that begins to generate it would give it another one."""
    clients = {name: MagicMock() for name in ("sts", "cloudformation", "s3", "dynamodb", "secretsmanager")}
    clients["sts"].get_caller_identity.return_value = {"Account": "123456789012"}
    for service in ("cloudformation", "s3"):
        clients[service].meta.region_name = "eu-west-1"
    clients["s3"].head_bucket.return_value = {"BucketRegion": "eu-west-1"}
    clients["secretsmanager"].describe_secret.return_value = {"ARN": "arn:of:the:secret"}
    asked = import_request(validated(lambda service: clients[service]), template_text(template), parameters)
    assert asked is not None
    imported = json.loads(asked.template)["Resources"]
    assert "GenerateSecretString" in imported[secret]["Properties"]
    identified = {one["LogicalResourceId"]: one["ResourceIdentifier"] for one in asked.resources}
    assert identified[secret] == {"Id": "arn:of:the:secret"}
    # The import has no parameters and no other resources to refer to.
    assert "Ref" not in json.dumps(imported)
    assert "Fn::" not in json.dumps(imported)


@pytest.mark.parametrize(
    ("given", "snapshot", "size"),
    [
        ({}, "", 20),
        ({}, "small", 20),
        ({}, "grown", 60),
        # A stack keeps its own, whatever has become of the snapshot since.
        ({"SnapshotId": "grown", "StorageGib": "60"}, "", 60),
        ({"SnapshotId": "gone", "StorageGib": "60"}, "gone", 60),
        ({"SnapshotId": "", "StorageGib": "30"}, "small", 30),
        ({"SnapshotId": "small", "StorageGib": "20"}, "grown", 60),
    ],
)
def test_a_database_is_as_large_as_the_snapshot_that_it_begins_with(
    given: dict[str, str], snapshot: str, size: int
) -> None:
    client = MagicMock()
    sizes = {"small": 20, "grown": 60}
    client("rds").describe_db_snapshots.side_effect = lambda DBSnapshotIdentifier: {  # noqa: N803
        "DBSnapshots": [{"AllocatedStorage": sizes[DBSnapshotIdentifier]}]
    }
    deployment = Deployment(client, Plan(snapshot=snapshot), lambda _: None)
    deployment._stacks = MagicMock()
    deployment._stacks.parameters.return_value = given
    asked = deployment._database(
        dict.fromkeys(("SubnetIds", "DatabaseSecurityGroupId", "LambdaSecurityGroupId"), ""), {}
    )
    assert asked["StorageGib"] == str(size)
    assert asked["SnapshotId"] == snapshot or given["SnapshotId"]


def test_a_call_waits_as_long_as_a_function_may_take_and_is_made_once() -> None:
    session = boto3.session.Session("key", "secret", region_name="us-east-1")
    config = client_of(session)("lambda").meta.config
    assert config.read_timeout > 300
    assert config.retries["total_max_attempts"] == 1
