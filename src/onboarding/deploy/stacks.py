"""CloudFormation: one stack for each template, by change sets, with what happens told as it happens."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any

from botocore.exceptions import ClientError

from onboarding.deploy.adopt import IMPORTED, delete_leftover_logs, import_request
from onboarding.deploy.plan import TAG, DeployError, MakeClient, Say, is_tagged

CAPABILITIES = ["CAPABILITY_NAMED_IAM"]

# CloudFormation's words for a change set that changes nothing.
NOTHING_TO_DO = ("didn't contain changes", "no updates are to be performed", "submitted information didn't contain")

# A first creation or import that failed, or that nobody finished: such a stack holds nothing and cannot be updated.
# What an import was about stays when it is deleted.
UNUSABLE = (
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "DELETE_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
    "IMPORT_ROLLBACK_FAILED",
)


def describe_stack(cloudformation: Any, name: str) -> dict[str, Any] | None:
    """Return what CloudFormation says of a stack, or None if it is not there."""
    try:
        found: list[dict[str, Any]] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return found[0]


def stack_resources(cloudformation: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yield the resources of a stack that are not deleted; none if the stack does not exist."""
    try:
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=name):
            for resource in page["StackResourceSummaries"]:
                if resource["ResourceStatus"] != "DELETE_COMPLETE":
                    yield resource
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise


def is_deployment(stack: Mapping[str, Any]) -> bool:
    """Return whether a stack is a deployment's: it carries the tag, began with an import, or holds nothing yet."""
    return (
        is_tagged(stack.get("Tags", []))
        or stack.get("Description") == IMPORTED
        or stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    )


def require_deployment(name: str, stack: Mapping[str, Any]) -> None:
    """Raise DeployError if a stack is not a deployment's."""
    if not is_deployment(stack):
        raise DeployError(
            f"the stack {name} exists and does not carry the tag {TAG}, so it is another application's and was not "
            "changed. Deploy beside it with a prefix before every name (--name-prefix)."
        )


def stack_parameters(stack: Mapping[str, Any]) -> dict[str, str]:
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack.get("Parameters", [])}


def stack_outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


class Stacks:
    """The stacks of one account and region. Templates go through `bucket`, since a request carries 51,200 bytes."""

    def __init__(self, client: MakeClient, bucket: str, tags: Mapping[str, str], say: Say, pause: float = 3) -> None:
        self._cloudformation = client("cloudformation")
        self._client = client
        self._s3 = client("s3")
        self._bucket = bucket
        self._tags = [{"Key": key, "Value": value} for key, value in tags.items()]
        self._say = say
        self._pause = pause

    def apply(self, name: str, text: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Create the stack or bring it up to date; its outputs. Raises DeployError with the first reasons."""
        stack = self._settled(name)
        if stack is not None:
            require_deployment(name, stack)
        if stack is not None and stack["StackStatus"] in UNUSABLE:
            self._say(f"  {name}: an earlier attempt failed; removing what is left of it")
            self.delete(name)
            stack = None
        elif stack is not None and stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
            self._roll_back(name)
        if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            kept = import_request(self._client, text, parameters)
            if kept is not None:
                self._say(f"  {name}: taking over what an earlier deployment left: {', '.join(kept.names)}")
                self._change(name, "IMPORT", kept.template, {}, {"ResourcesToImport": kept.resources})
                stack = self._settled(name)
        exists = stack is not None and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
        held = {resource["LogicalResourceId"] for resource in stack_resources(self._cloudformation, name)}
        for group in delete_leftover_logs(self._client, text, parameters, held):
            self._say(f"  {name}: deleted the log group {group} of a database that was deleted earlier")
        self._change(name, "UPDATE" if exists else "CREATE", text, parameters, {})
        return self.outputs(name)

    def outputs(self, name: str) -> dict[str, str]:
        """What a stack tells. Raises DeployError if it is not there."""
        stack = self.describe(name)
        if stack is None:
            raise DeployError(f"the stack {name} is not there")
        return stack_outputs(stack)

    def describe(self, name: str) -> dict[str, Any] | None:
        return describe_stack(self._cloudformation, name)

    def delete(self, name: str) -> bool:
        """Delete a stack and wait; False if there was none. Raises DeployError if it cannot be deleted."""
        stack = self._settled(name)
        if stack is None:
            return False
        started = self._last_event(stack["StackId"])
        databases = self._unprotect(name)
        before = self._snapshots(databases)
        self._cloudformation.delete_stack(StackName=name)
        # By its id: the name is nobody's once it is gone.
        status = self._follow(name, stack["StackId"], started)
        if status not in {"DELETE_COMPLETE", None}:
            raise DeployError(f"{name} cannot be deleted ({status}):\n{self._reasons(stack['StackId'], started)}")
        for snapshot in self._snapshots(databases) - before:
            self._say(
                f"  {name}: the final snapshot {snapshot} stays and costs storage. Without data that you need: "
                f"aws rds delete-db-snapshot --db-snapshot-identifier {snapshot}"
            )
        return True

    def _snapshots(self, databases: list[str]) -> set[str]:
        rds = self._client("rds")
        return {
            snapshot["DBSnapshotIdentifier"]
            for database in databases
            for snapshot in rds.describe_db_snapshots(DBInstanceIdentifier=database)["DBSnapshots"]
        }

    def _unprotect(self, name: str) -> list[str]:
        """Turn off the deletion protection of a stack's databases; the names of those that are there.

        A database without the deployments' tag is left alone: a stack that could not create one names it too.
        """
        rds = self._client("rds")
        databases: list[str] = []
        for resource in stack_resources(self._cloudformation, name):
            if resource["ResourceType"] != "AWS::RDS::DBInstance" or not resource.get("PhysicalResourceId"):
                continue
            which = {"DBInstanceIdentifier": resource["PhysicalResourceId"]}
            try:
                [database] = rds.describe_db_instances(**which)["DBInstances"]
            except rds.exceptions.DBInstanceNotFoundFault:
                continue
            if not is_tagged(database.get("TagList", [])):
                continue
            databases.append(which["DBInstanceIdentifier"])
            if database["DeletionProtection"]:
                self._say(f"  {which['DBInstanceIdentifier']}: deletion protection off; a final snapshot is made")
                rds.modify_db_instance(**which, DeletionProtection=False, ApplyImmediately=True)
        return databases

    def _roll_back(self, name: str) -> None:
        """Take back an update that failed and could not be taken back then. Raises DeployError if it still cannot."""
        self._say(f"  {name}: an earlier update failed half way; taking back the rest of it")
        started = self._last_event(name)
        self._cloudformation.continue_update_rollback(StackName=name)
        status = self._follow(name, name, started)
        if status != "UPDATE_ROLLBACK_COMPLETE":
            raise DeployError(
                f"an earlier update of {name} cannot be taken back ({status}):\n{self._reasons(name, started)}\n"
                "Mend what is named, or have CloudFormation's console continue the rollback without it."
            )

    def _change(
        self, name: str, kind: str, text: str, parameters: Mapping[str, str], more: Mapping[str, object]
    ) -> None:
        key = f"templates/{name}.yaml"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=text.encode())
        change_set = f"{kind.lower()}-{time.time_ns()}"
        made = self._cloudformation.create_change_set(
            StackName=name,
            ChangeSetName=change_set,
            ChangeSetType=kind,
            TemplateURL=f"{self._s3.meta.endpoint_url}/{self._bucket}/{key}",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=CAPABILITIES,
            # An import may not bring tags; the update that follows does.
            **({} if kind == "IMPORT" else {"Tags": self._tags}),
            **more,
        )
        which = {"StackName": name, "ChangeSetName": made["Id"]}
        while True:
            described = self._cloudformation.describe_change_set(**which)
            if described["Status"] == "CREATE_COMPLETE":
                break
            if described["Status"] == "FAILED":
                reason = described.get("StatusReason", "")
                self._cloudformation.delete_change_set(**which)
                if any(words in reason.lower() for words in NOTHING_TO_DO):
                    self._say(f"  {name}: nothing to change")
                    return
                raise DeployError(f"{name} cannot be changed: {reason}")
            time.sleep(self._pause)
        if described["ExecutionStatus"] != "AVAILABLE":
            raise DeployError(f"{name}: CloudFormation made a change set and will not carry it out: {change_set}")
        started = self._last_event(name)
        self._cloudformation.execute_change_set(**which)
        status = self._follow(name, name, started)
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
            raise DeployError(f"{name} cannot be deployed ({status}):\n{self._reasons(name, started)}")

    def _settled(self, name: str) -> dict[str, Any] | None:
        """The stack once nothing is under way, such as an earlier run of ours that was interrupted."""
        told = False
        while True:
            stack = self.describe(name)
            if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
                return stack
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return stack
            if not told:
                self._say(f"  {name}: waiting for {stack['StackStatus']}")
                told = True
            time.sleep(self._pause)

    def _follow(self, name: str, which: str, after: datetime | None) -> str | None:
        """Tell what happens to a stack's resources until it settles; how it settled."""
        told: set[str] = set()
        while True:
            stack = self.describe(which)
            status = stack["StackStatus"] if stack else None
            for event in self._events(which, after) if stack else ():
                if event["EventId"] not in told and not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                    told.add(event["EventId"])
                    self._say(f"  {name}: {event['LogicalResourceId']} {event['ResourceStatus']}")
            # Between the call and its beginning a change set's stack still waits for review.
            if status is None or not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(self._pause)

    def _events(self, which: str, after: datetime | None) -> list[dict[str, Any]]:
        """Return the stack's events since `after`, the oldest first."""
        events = takewhile(lambda event: after is None or event["Timestamp"] > after, self._newest_events(which))
        return list(events)[::-1]

    def _newest_events(self, which: str) -> Iterator[dict[str, Any]]:
        """Yield a stack's events of the last 90 days, the newest first; reads no page before it is needed."""
        try:
            for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=which):
                yield from page["StackEvents"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise

    def _last_event(self, which: str) -> datetime | None:
        return next((event["Timestamp"] for event in self._newest_events(which)), None)

    def _reasons(self, which: str, after: datetime | None) -> str:
        failed = [event for event in self._events(which, after) if event["ResourceStatus"].endswith("_FAILED")]
        lines = [f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed]
        return "\n".join(dict.fromkeys(lines))
