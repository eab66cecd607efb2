"""Tests of stacks: failed earlier attempts, imports, deletion, events and failure reasons."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from unittest.mock import MagicMock

import boto3
import pytest
from botocore.stub import Stubber

from onboarding.cloudformation.resource_imports import IMPORT_DESCRIPTION
from onboarding.cloudformation.stack_runner import DeployError, StackRunner
from onboarding.cloudformation.templates import Template, load_template
from onboarding.deploy import destroy
from onboarding.deploy.deployment_steps import Deployment, make_client_factory
from onboarding.deploy.plan import STACKS, Plan
from onboarding.deploy.retained_resources import delete_leftover_logs, find_retained
from onboarding.deploy.stack_ownership import UNUSABLE_STATUSES, DeploymentStacks, is_deployment
from tests.infra.test_templates import of_type
from tests.support.validated_clients import validated

TAGS = [{"Key": "application", "Value": "product-onboarding"}]


def make_resource(logical: str, kind: str, **more: str) -> dict[str, str]:
    """Return a resource of a stack as CloudFormation lists it."""
    return {"LogicalResourceId": logical, "ResourceType": kind, "ResourceStatus": "CREATE_COMPLETE", **more}


class CloudFormation:
    """A fake of CloudFormation with one stack and its protected database, a feature that the AWS emulator lacks."""

    def __init__(self, status: str, *, rollback_succeeds: bool = True) -> None:
        self.status: str | None = status
        self.protected = True
        self.rollback_succeeds = rollback_succeeds
        self.operations: list[str] = []
        self.tags = TAGS
        self.database_tags = TAGS
        self.clients = {name: MagicMock() for name in ("cloudformation", "rds", "s3", "sts")}
        api, rds = self.clients["cloudformation"], self.clients["rds"]
        api.describe_stacks.side_effect = self.describe_stacks
        api.delete_stack.side_effect = self.delete_stack
        api.continue_update_rollback.side_effect = self.continue_update_rollback
        api.execute_change_set.side_effect = self.execute_change_set
        api.create_change_set.return_value = {"Id": "arn:aws:cloudformation:us-east-1:123456789012:changeSet/deploy/1"}
        api.describe_change_set.return_value = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}
        self.resources = [
            make_resource("Database", "AWS::RDS::DBInstance", PhysicalResourceId="protected"),
            make_resource("NotCreatedYet", "AWS::RDS::DBInstance"),
            make_resource("OtherLogs", "AWS::Logs::LogGroup", PhysicalResourceId="logs"),
        ]
        api.get_paginator.return_value.paginate.side_effect = lambda **_: [
            {"StackResourceSummaries": self.resources, "StackEvents": []}
        ]
        rds.describe_db_instances.side_effect = lambda **_: {
            "DBInstances": [{"DeletionProtection": self.protected, "TagList": self.database_tags}]
        }
        rds.modify_db_instance.side_effect = self.modify_db_instance

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803
        if self.status is None:
            raise boto3.client("sts", region_name="us-east-1").exceptions.ClientError(
                {"Error": {"Code": "ValidationError"}}, "DescribeStacks"
            )
        stack = {"StackId": f"id-of-{StackName}", "StackStatus": self.status, "Outputs": [], "Tags": self.tags}
        return {"Stacks": [stack]}

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.operations.append("delete")
        self.status = "DELETE_FAILED" if self.protected else None

    def modify_db_instance(self, **request: object) -> None:
        assert request == {
            "DBInstanceIdentifier": "protected",
            "DeletionProtection": False,
            "ApplyImmediately": True,
        }
        self.protected = False

    def continue_update_rollback(self, StackName: str) -> None:  # noqa: N803
        self.operations.append("roll back")
        self.status = "UPDATE_ROLLBACK_COMPLETE" if self.rollback_succeeds else "UPDATE_ROLLBACK_FAILED"

    def execute_change_set(self, **_: object) -> None:
        kind = self.clients["cloudformation"].create_change_set.call_args.kwargs["ChangeSetType"]
        self.operations.append(kind.lower())
        self.status = f"{kind}_COMPLETE"

    def apply(self, text: str = "Resources: {}") -> None:
        stacks = DeploymentStacks(
            validated(lambda service: self.clients[service]), "templates", {}, lambda _: None, pause=0
        )
        stacks.apply("database", Template(text, account="123456789012"))


@pytest.mark.parametrize("status", UNUSABLE_STATUSES)
def test_apply_failed_first_attempt_is_deleted_and_created_again(status: str) -> None:
    """The stack has a database with deletion protection."""
    stack = CloudFormation(status)
    stack.apply()
    assert stack.operations == ["delete", "create"]


def test_apply_database_of_another_application_stays_protected() -> None:
    """A failed first attempt lists the existing database of the same name."""
    stack = CloudFormation("ROLLBACK_FAILED")
    stack.database_tags = []
    with pytest.raises(DeployError, match="cannot be deleted"):
        stack.apply()
    assert stack.protected
    stack.clients["rds"].modify_db_instance.assert_not_called()


def test_apply_failed_rollback_is_continued_first() -> None:
    stack = CloudFormation("UPDATE_ROLLBACK_FAILED")
    stack.apply()
    assert stack.operations == ["roll back", "update"]


def test_apply_rollback_that_fails_again_reports_what_to_do() -> None:
    stack = CloudFormation("UPDATE_ROLLBACK_FAILED", rollback_succeeds=False)
    with pytest.raises(DeployError, match=r"cannot be rolled back(.|\n)*continue the rollback"):
        stack.apply()
    assert stack.operations == ["roll back"]


@pytest.mark.parametrize(
    ("template", "parameters", "secret"),
    [
        ("database", {}, "DatabaseSecret"),
        ("pipeline", {"PipelineSecretArn": "arn:of:the:database", "ApiSecretArn": "arn"}, "LinkSecret"),
    ],
)
def test_find_retained_secret_keeps_its_value(template: str, parameters: dict[str, str], secret: str) -> None:
    """An update that adds the generation of a secret would replace its value."""
    clients = {name: MagicMock() for name in ("sts", "cloudformation", "s3", "dynamodb", "secretsmanager")}
    clients["sts"].get_caller_identity.return_value = {"Account": "123456789012"}
    for service in ("cloudformation", "s3"):
        clients[service].meta.region_name = "eu-west-1"
    clients["s3"].head_bucket.return_value = {"BucketRegion": "eu-west-1"}
    clients["s3"].get_bucket_tagging.return_value = {"TagSet": TAGS}
    table = {"TableStatus": "ACTIVE", "TableArn": "arn:of:the:table"}
    clients["dynamodb"].describe_table.return_value = {"Table": table}
    clients["dynamodb"].get_paginator.return_value.paginate.return_value = [{"Tags": TAGS}]
    clients["secretsmanager"].describe_secret.return_value = {"ARN": "arn:of:the:secret", "Tags": TAGS}
    resource_import = find_retained(
        validated(lambda service: clients[service]), load_template(template, parameters, "123456789012", "eu-west-1")
    )
    assert resource_import is not None
    imported = json.loads(resource_import.request.template)["Resources"]
    assert "GenerateSecretString" in imported[secret]["Properties"]
    identifiers = {
        resource["LogicalResourceId"]: resource["ResourceIdentifier"] for resource in resource_import.request.resources
    }
    assert identifiers[secret] == {"Id": "arn:of:the:secret"}
    # The import has no parameters and no other resources to refer to.
    assert "Ref" not in json.dumps(imported)
    assert "Fn::" not in json.dumps(imported)


@pytest.mark.parametrize(
    ("running", "snapshot", "size"),
    [
        ({}, "", 20),
        ({}, "small", 20),
        ({}, "grown", 60),
        # A stack keeps its storage, even if its snapshot is deleted.
        ({"SnapshotId": "grown", "StorageGib": "60"}, "", 60),
        ({"SnapshotId": "deleted", "StorageGib": "60"}, "deleted", 60),
        ({"SnapshotId": "", "StorageGib": "30"}, "small", 30),
        ({"SnapshotId": "small", "StorageGib": "20"}, "grown", 60),
    ],
)
def test_database_parameters_storage_is_at_least_that_of_the_snapshot(
    running: dict[str, str], snapshot: str, size: int
) -> None:
    client = MagicMock()
    sizes = {"small": 20, "grown": 60}
    client("rds").describe_db_snapshots.side_effect = lambda DBSnapshotIdentifier: {  # noqa: N803
        "DBSnapshots": [{"AllocatedStorage": sizes[DBSnapshotIdentifier]}]
    }
    deployment = Deployment(client, Plan(snapshot=snapshot), lambda _: None)
    network = dict.fromkeys(("SubnetIds", "DatabaseSecurityGroupId", "LambdaSecurityGroupId"), "")
    parameters = deployment._database_parameters(running, network)
    assert parameters["StorageGib"] == str(size)
    assert parameters["SnapshotId"] == snapshot or running["SnapshotId"]


@pytest.mark.parametrize(("storage", "limit"), [("20", 100), ("79", 100), ("80", 101), ("100", 126)])
def test_database_parameters_storage_limit_leaves_headroom(storage: str, limit: int) -> None:
    network = dict.fromkeys(("SubnetIds", "DatabaseSecurityGroupId", "LambdaSecurityGroupId"), "")
    parameters = Deployment(MagicMock(), Plan(), lambda _: None)._database_parameters({"StorageGib": storage}, network)
    assert parameters["MaxStorageGib"] == str(limit)


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", *UNUSABLE_STATUSES])
def test_apply_stack_without_the_tag_is_not_changed(status: str) -> None:
    stack = CloudFormation(status)
    stack.tags = []
    with pytest.raises(DeployError, match="database exists without the tag application=product-onboarding"):
        stack.apply()
    assert stack.operations == []
    stack.clients["s3"].put_object.assert_not_called()


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ({"StackStatus": "IMPORT_COMPLETE", "Description": IMPORT_DESCRIPTION}, True),
        ({"StackStatus": "REVIEW_IN_PROGRESS"}, True),
        ({"StackStatus": "IMPORT_COMPLETE"}, False),
        ({"StackStatus": "UPDATE_COMPLETE", "Tags": [{"Key": "application", "Value": "another"}]}, False),
    ],
)
def test_is_deployment_of_a_stack_without_the_tag_needs_an_import_or_an_empty_stack(
    stack: dict[str, Any], *, expected: bool
) -> None:
    assert is_deployment(stack) is expected


def test_find_retained_request_has_the_import_description() -> None:
    clients = {name: MagicMock() for name in ("sts", "cloudformation", "secretsmanager")}
    clients["sts"].get_caller_identity.return_value = {"Account": "123456789012"}
    clients["secretsmanager"].describe_secret.return_value = {"ARN": "arn", "Tags": TAGS}
    text = "Resources: {Keys: {Type: AWS::SecretsManager::Secret, Properties: {Name: keys}}}"
    resource_import = find_retained(lambda service: clients[service], Template(text))
    assert resource_import is not None
    assert json.loads(resource_import.request.template)["Description"] == IMPORT_DESCRIPTION


def test_delete_final_snapshot_is_reported() -> None:
    stack = CloudFormation("ROLLBACK_FAILED")
    snapshots = [{"DBSnapshotIdentifier": "earlier"}]
    final = {"DBSnapshotIdentifier": "final-of-the-attempt"}
    stack.clients["rds"].describe_db_snapshots.side_effect = lambda **_: {
        "DBSnapshots": snapshots if stack.status else [*snapshots, final]
    }
    lines: list[str] = []
    DeploymentStacks(lambda service: stack.clients[service], "templates", {}, lines.append, pause=0).delete("database")
    [line] = [line for line in lines if "final snapshot final-of-the-attempt remains" in line]
    assert "aws rds delete-db-snapshot --db-snapshot-identifier final-of-the-attempt" in line
    assert not any("earlier" in line for line in lines)


@pytest.mark.parametrize(("databases", "expected"), [([], True), (["ecommerce-db"], False)])
def test_list_remaining_snapshots_of_an_existing_database_are_omitted(
    databases: list[str], monkeypatch: pytest.MonkeyPatch, *, expected: bool
) -> None:
    """The deployment's own database is deleted before, so an existing one is another application's."""
    monkeypatch.setattr(destroy, "find_resource", lambda *_: None)
    client = MagicMock()
    client("s3").meta.region_name = "us-east-1"
    client("rds").describe_db_instances.return_value = {"DBInstances": databases}
    client("rds").describe_db_snapshots.return_value = {"DBSnapshots": [{"DBSnapshotIdentifier": "rds:foreign"}]}
    lines = "\n".join(destroy._list_remaining(client, Plan(), "123456789012"))
    assert ("rds:foreign" in lines) is expected
    assert ("No remaining resource costs money." in lines) is not expected


def make_stubbed_client(service: str) -> tuple[Any, Stubber]:
    client: Any = boto3.session.Session("key", "secret", region_name="us-east-1").client(service)  # type: ignore[call-overload]
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber


def make_event(minute: int) -> dict[str, Any]:
    moment = datetime(2026, 11, 28, 8, minute, tzinfo=UTC)
    return {"StackId": "s", "StackName": "s", "EventId": str(minute), "Timestamp": moment}


def test_events_long_history_is_read_only_to_the_last_event() -> None:
    client, stubber = make_stubbed_client("cloudformation")
    # A request for a second page would fail, since the stub has no response for it.
    page = {"StackEvents": [make_event(3), make_event(2), make_event(1)], "NextToken": "months of events"}
    clients: dict[str, Any] = {"cloudformation": client, "s3": MagicMock()}
    runner = StackRunner(clients.__getitem__, "", print, lambda: None)
    stubber.add_response("describe_stack_events", page)
    assert runner._last_event_id("s") == "3"
    stubber.add_response("describe_stack_events", page)
    assert [item["EventId"] for item in runner._events_after("1", "s")] == ["2", "3"]
    stubber.assert_no_pending_responses()


LOGS = """
Resources:
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /aws/rds/instance/ecommerce-db/postgresql}}
  Others: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /aws/lambda/admin}}
"""
GROUP = {"logGroupName": "/aws/rds/instance/ecommerce-db/postgresql"}


def delete_logs(databases: list[str], *, group: bool) -> list[str]:
    """Return the deleted groups of the template LOGS, with these databases and, if `group`, an existing log group."""
    rds, stubbed_rds = make_stubbed_client("rds")
    logs, stubbed_logs = make_stubbed_client("logs")
    clients = {"rds": rds, "logs": logs}
    if databases:
        response = {"DBInstances": [{"DBInstanceIdentifier": name} for name in databases]}
        stubbed_rds.add_response("describe_db_instances", response, {"DBInstanceIdentifier": "ecommerce-db"})
    else:
        stubbed_rds.add_client_error("describe_db_instances", "DBInstanceNotFound")
        if group:
            stubbed_logs.add_response("delete_log_group", {}, GROUP)
        else:
            stubbed_logs.add_client_error("delete_log_group", "ResourceNotFoundException", expected_params=GROUP)
    deleted = list(delete_leftover_logs(lambda service: clients[service], Template(LOGS), set()))
    stubbed_logs.assert_no_pending_responses()
    return deleted


def test_delete_leftover_logs_of_a_deleted_database_are_deleted() -> None:
    assert delete_logs([], group=True) == [GROUP["logGroupName"]]
    assert delete_logs([], group=False) == []
    assert delete_logs(["ecommerce-db"], group=True) == []


@pytest.mark.parametrize(
    ("status", "resources", "expected"),
    [
        ("ROLLBACK_COMPLETE", [], True),
        # The stack began with the import of secrets that an earlier deployment retained, and has no logs yet.
        ("IMPORT_COMPLETE", [make_resource("Secret", "AWS::SecretsManager::Secret")], True),
        (
            "UPDATE_ROLLBACK_COMPLETE",
            [{**make_resource("Logs", "AWS::Logs::LogGroup"), "ResourceStatus": "DELETE_COMPLETE"}],
            True,
        ),
        ("UPDATE_COMPLETE", [make_resource("Logs", "AWS::Logs::LogGroup")], False),
    ],
)
def test_apply_leftover_logs_are_deleted_before_creation(
    status: str, resources: list[dict[str, str]], *, expected: bool
) -> None:
    stack = CloudFormation(status)
    stack.resources = resources
    stack.clients["logs"] = MagicMock()
    stack.clients["sts"].get_caller_identity.return_value = {"Account": "123456789012"}
    stack.protected = False
    stack.clients["rds"].describe_db_instances.side_effect = lambda **_: {"DBInstances": []}
    stack.apply(LOGS)
    assert stack.clients["logs"].delete_log_group.called is expected


def test_apply_leftover_logs_are_deleted_after_an_import() -> None:
    """A database that is restored from its snapshot is created after the import of its retained secrets."""
    stack = CloudFormation("REVIEW_IN_PROGRESS")
    stack.resources = []
    stack.clients |= {"logs": MagicMock(), "secretsmanager": MagicMock()}
    stack.clients["sts"].get_caller_identity.return_value = {"Account": "123456789012"}
    secret = {"ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:keys", "Tags": TAGS}
    stack.clients["secretsmanager"].describe_secret.return_value = secret
    stack.clients["rds"].describe_db_instances.side_effect = lambda **_: {"DBInstances": []}
    stack.apply(f"{LOGS}  Keys: {{Type: AWS::SecretsManager::Secret, Properties: {{Name: keys}}}}\n")
    assert stack.operations == ["import", "update"]
    stack.clients["logs"].delete_log_group.assert_called_once_with(**GROUP)


def test_lambda_client_waits_for_the_longest_function_without_retries() -> None:
    session = boto3.session.Session("key", "secret", region_name="us-east-1")
    config = make_client_factory(session)("lambda").meta.config
    timeouts = [function["Timeout"] for name in STACKS for function in of_type(name, "AWS::Lambda::Function").values()]
    assert config.read_timeout > max(timeouts)
    assert config.retries["total_max_attempts"] == 1


def test_clients_retry_adaptively() -> None:
    session = boto3.session.Session("key", "secret", region_name="us-east-1")
    assert make_client_factory(session)("cloudformation").meta.config.retries["mode"] == "adaptive"


def test_failure_reasons_invalid_template_include_validation_errors() -> None:
    client, stubber = make_stubbed_client("cloudformation")
    failure = {
        "LogicalResourceId": "s",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": "Call DescribeEvents",
    }
    stubber.add_response("describe_stack_events", {"StackEvents": [{**make_event(1), **failure}]})
    error = {"LogicalResourceId": "Topic", "ValidationStatusReason": "the topic already exists"}
    stubber.add_response("describe_events", {"OperationEvents": [error, {"LogicalResourceId": "Queue"}]})
    clients: dict[str, Any] = {"cloudformation": client, "s3": MagicMock()}
    runner = StackRunner(clients.__getitem__, "", print, lambda: None)
    assert runner._failure_reasons("s", None) == "  s: Call DescribeEvents\n  Topic: the topic already exists"
