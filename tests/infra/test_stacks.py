"""What becomes of stacks that an earlier attempt left in a bad state, and what a stack begins with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from unittest.mock import MagicMock

import boto3
import pytest
from botocore.stub import Stubber

from onboarding.deploy import destroy
from onboarding.deploy.adopt import IMPORTED, delete_leftover_logs, import_request
from onboarding.deploy.plan import STACKS, DeployError, Plan, template_text
from onboarding.deploy.stacks import UNUSABLE, Stacks, is_deployment
from onboarding.deploy.steps import Deployment, client_of
from tests.infra.test_templates import of_type
from tests.support.validated_clients import validated

TAGS = [{"Key": "application", "Value": "product-onboarding"}]


def held(logical: str, kind: str, **more: str) -> dict[str, str]:
    """A resource of a stack, as CloudFormation lists it."""
    return {"LogicalResourceId": logical, "ResourceType": kind, "ResourceStatus": "CREATE_COMPLETE", **more}


class CloudFormation:
    """One stack with a database that guards itself, which the local engine's stacks do not heed."""

    def __init__(self, status: str, *, mended: bool = True) -> None:
        self.status: str | None = status
        self.protected = True
        self.mended = mended
        self.done: list[str] = []
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
            held("Database", "AWS::RDS::DBInstance", PhysicalResourceId="guarded"),
            held("NotMadeYet", "AWS::RDS::DBInstance"),
            held("OtherLogs", "AWS::Logs::LogGroup", PhysicalResourceId="logs"),
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

    def apply(self, text: str = "Resources: {}") -> None:
        stacks = Stacks(validated(lambda service: self.clients[service]), "templates", {}, lambda _: None, pause=0)
        stacks.apply("database", text, {})


@pytest.mark.parametrize("status", UNUSABLE)
def test_a_first_attempt_that_failed_makes_way_for_the_next(status: str) -> None:
    """Though its database is there, and guards itself against being deleted."""
    stack = CloudFormation(status)
    stack.apply()
    assert stack.done == ["delete", "create"]


def test_a_protected_database_of_another_application_stays_protected() -> None:
    """A first attempt that could not create its database has the name of the one that is there."""
    stack = CloudFormation("ROLLBACK_FAILED")
    stack.database_tags = []
    with pytest.raises(DeployError, match="cannot be deleted"):
        stack.apply()
    assert stack.protected
    stack.clients["rds"].modify_db_instance.assert_not_called()


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
    clients["s3"].get_bucket_tagging.return_value = {"TagSet": TAGS}
    table = {"TableStatus": "ACTIVE", "TableArn": "arn:of:the:table"}
    clients["dynamodb"].describe_table.return_value = {"Table": table}
    clients["dynamodb"].get_paginator.return_value.paginate.return_value = [{"Tags": TAGS}]
    clients["secretsmanager"].describe_secret.return_value = {"ARN": "arn:of:the:secret", "Tags": TAGS}
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
    network = dict.fromkeys(("SubnetIds", "DatabaseSecurityGroupId", "LambdaSecurityGroupId"), "")
    asked = deployment._database(given, network)
    assert asked["StorageGib"] == str(size)
    assert asked["SnapshotId"] == snapshot or given["SnapshotId"]


@pytest.mark.parametrize(("storage", "limit"), [("20", 100), ("79", 100), ("80", 101), ("100", 126)])
def test_storage_limit_of_a_large_database_leaves_room_to_grow(storage: str, limit: int) -> None:
    network = dict.fromkeys(("SubnetIds", "DatabaseSecurityGroupId", "LambdaSecurityGroupId"), "")
    asked = Deployment(MagicMock(), Plan(), lambda _: None)._database({"StorageGib": storage}, network)
    assert asked["MaxStorageGib"] == str(limit)


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", *UNUSABLE])
def test_apply_to_a_stack_without_the_tag_changes_nothing(status: str) -> None:
    stack = CloudFormation(status)
    stack.tags = []
    with pytest.raises(DeployError, match="database exists and does not carry the tag application=product-onboarding"):
        stack.apply()
    assert stack.done == []
    stack.clients["s3"].put_object.assert_not_called()


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ({"StackStatus": "IMPORT_COMPLETE", "Description": IMPORTED}, True),
        ({"StackStatus": "REVIEW_IN_PROGRESS"}, True),
        ({"StackStatus": "IMPORT_COMPLETE"}, False),
        ({"StackStatus": "UPDATE_COMPLETE", "Tags": [{"Key": "application", "Value": "another"}]}, False),
    ],
)
def test_is_deployment_of_a_stack_without_the_tag_needs_an_import_or_an_empty_stack(
    stack: dict[str, Any], *, expected: bool
) -> None:
    assert is_deployment(stack) is expected


def test_import_request_describes_the_stack_as_imported() -> None:
    clients = {name: MagicMock() for name in ("sts", "cloudformation", "secretsmanager")}
    clients["sts"].get_caller_identity.return_value = {"Account": "123456789012"}
    clients["secretsmanager"].describe_secret.return_value = {"ARN": "arn", "Tags": TAGS}
    text = "Resources: {Keys: {Type: AWS::SecretsManager::Secret, Properties: {Name: keys}}}"
    asked = import_request(lambda service: clients[service], text, {})
    assert asked is not None
    assert json.loads(asked.template)["Description"] == IMPORTED


def test_failed_first_attempt_leaves_a_snapshot_whose_name_is_told() -> None:
    stack = CloudFormation("ROLLBACK_FAILED")
    snapshots = [{"DBSnapshotIdentifier": "earlier"}]
    final = {"DBSnapshotIdentifier": "final-of-the-attempt"}
    stack.clients["rds"].describe_db_snapshots.side_effect = lambda **_: {
        "DBSnapshots": snapshots if stack.status else [*snapshots, final]
    }
    lines: list[str] = []
    Stacks(lambda service: stack.clients[service], "templates", {}, lines.append, pause=0).delete("database")
    [line] = [line for line in lines if "final snapshot final-of-the-attempt stays" in line]
    assert "aws rds delete-db-snapshot --db-snapshot-identifier final-of-the-attempt" in line
    assert not any("earlier" in line for line in lines)


@pytest.mark.parametrize(("databases", "expected"), [([], True), (["ecommerce-db"], False)])
def test_last_lines_of_destroy_name_no_snapshot_of_a_database_that_is_there(
    databases: list[str], monkeypatch: pytest.MonkeyPatch, *, expected: bool
) -> None:
    """It is another application's: the deployment's own is deleted by then."""
    monkeypatch.setattr(destroy, "find", lambda *_: None)
    client = MagicMock()
    client("s3").meta.region_name = "us-east-1"
    client("rds").describe_db_instances.return_value = {"DBInstances": databases}
    client("rds").describe_db_snapshots.return_value = {"DBSnapshots": [{"DBSnapshotIdentifier": "rds:theirs"}]}
    lines = "\n".join(destroy._remaining(client, Plan(), "123456789012"))
    assert ("rds:theirs" in lines) is expected
    assert ("Nothing stays that costs money." in lines) is not expected


def stubbed(service: str) -> tuple[Any, Stubber]:
    client: Any = boto3.session.Session("key", "secret", region_name="us-east-1").client(service)  # type: ignore[call-overload]
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber


def event(minute: int) -> dict[str, Any]:
    moment = datetime(2026, 11, 28, 8, minute, tzinfo=UTC)
    return {"StackId": "s", "StackName": "s", "EventId": str(minute), "Timestamp": moment}


def test_events_of_a_long_history_are_read_no_further_than_the_last_change() -> None:
    client, stubber = stubbed("cloudformation")
    # A second request would find no answer, and fail.
    page = {"StackEvents": [event(3), event(2), event(1)], "NextToken": "months of events"}
    stacks = Stacks(lambda service: client if service == "cloudformation" else MagicMock(), "", {}, print)
    stubber.add_response("describe_stack_events", page)
    assert stacks._last_event("s") == event(3)["Timestamp"]
    stubber.add_response("describe_stack_events", page)
    assert [found["EventId"] for found in stacks._events("s", event(1)["Timestamp"])] == ["2", "3"]
    stubber.assert_no_pending_responses()


LOGS = """
Resources:
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /aws/rds/instance/ecommerce-db/postgresql}}
  Others: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /aws/lambda/admin}}
"""
GROUP = {"logGroupName": "/aws/rds/instance/ecommerce-db/postgresql"}


def leftover_logs(databases: list[str], *, group: bool) -> list[str]:
    """What is deleted for a template with LOGS, where these databases and maybe a group of logs are there."""
    sts, stubbed_sts = stubbed("sts")
    rds, stubbed_rds = stubbed("rds")
    logs, stubbed_logs = stubbed("logs")
    clients = {"sts": sts, "rds": rds, "logs": logs, "cloudformation": stubbed("cloudformation")[0]}
    stubbed_sts.add_response("get_caller_identity", {"Account": "123456789012"})
    if databases:
        found = {"DBInstances": [{"DBInstanceIdentifier": name} for name in databases]}
        stubbed_rds.add_response("describe_db_instances", found, {"DBInstanceIdentifier": "ecommerce-db"})
    else:
        stubbed_rds.add_client_error("describe_db_instances", "DBInstanceNotFound")
        if group:
            stubbed_logs.add_response("delete_log_group", {}, GROUP)
        else:
            stubbed_logs.add_client_error("delete_log_group", "ResourceNotFoundException", expected_params=GROUP)
    deleted = list(delete_leftover_logs(lambda service: clients[service], LOGS, {}, set()))
    stubbed_logs.assert_no_pending_responses()
    return deleted


def test_log_group_of_a_deleted_database_is_deleted_before_a_create() -> None:
    assert leftover_logs([], group=True) == [GROUP["logGroupName"]]
    assert leftover_logs([], group=False) == []
    assert leftover_logs(["ecommerce-db"], group=True) == []


@pytest.mark.parametrize(
    ("status", "resources", "expected"),
    [
        ("ROLLBACK_COMPLETE", [], True),
        # The stack began with the import of secrets that an earlier deployment kept, and has no logs yet.
        ("IMPORT_COMPLETE", [held("Secret", "AWS::SecretsManager::Secret")], True),
        (
            "UPDATE_ROLLBACK_COMPLETE",
            [{**held("Logs", "AWS::Logs::LogGroup"), "ResourceStatus": "DELETE_COMPLETE"}],
            True,
        ),
        ("UPDATE_COMPLETE", [held("Logs", "AWS::Logs::LogGroup")], False),
    ],
)
def test_apply_deletes_leftover_logs_that_the_stack_would_create(
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


def test_apply_deletes_leftover_logs_after_an_import() -> None:
    """Of the secrets that `destroy` keeps: the usual way back to a database from its snapshot."""
    stack = CloudFormation("REVIEW_IN_PROGRESS")
    stack.resources = []
    stack.clients |= {"logs": MagicMock(), "secretsmanager": MagicMock()}
    stack.clients["sts"].get_caller_identity.return_value = {"Account": "123456789012"}
    secret = {"ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:keys", "Tags": TAGS}
    stack.clients["secretsmanager"].describe_secret.return_value = secret
    stack.clients["rds"].describe_db_instances.side_effect = lambda **_: {"DBInstances": []}
    stack.apply(f"{LOGS}  Keys: {{Type: AWS::SecretsManager::Secret, Properties: {{Name: keys}}}}\n")
    assert stack.done == ["import", "update"]
    stack.clients["logs"].delete_log_group.assert_called_once_with(**GROUP)


def test_a_call_waits_as_long_as_a_function_may_take_and_is_made_once() -> None:
    session = boto3.session.Session("key", "secret", region_name="us-east-1")
    config = client_of(session)("lambda").meta.config
    timeouts = [function["Timeout"] for name in STACKS for function in of_type(name, "AWS::Lambda::Function").values()]
    assert config.read_timeout > max(timeouts)
    assert config.retries["total_max_attempts"] == 1


def test_other_clients_wait_longer_when_they_are_throttled() -> None:
    session = boto3.session.Session("key", "secret", region_name="us-east-1")
    assert client_of(session)("cloudformation").meta.config.retries["mode"] == "adaptive"
