"""Stacks of a deployment: ownership, failed earlier attempts, retained data and deletion."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from onboarding.cloudformation.resource_imports import IMPORT_DESCRIPTION
from onboarding.cloudformation.stack_runner import DeployError, MakeClient, PrintLine, StackRunner, list_stack_resources
from onboarding.cloudformation.templates import Template
from onboarding.deploy.plan import TAG, is_tagged
from onboarding.deploy.retained_resources import delete_leftover_logs, find_retained

UNUSABLE_STATUSES = (
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "DELETE_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
    "IMPORT_ROLLBACK_FAILED",
)
"""Statuses of a stack whose creation, import or deletion failed. It cannot be updated, but deleted.

The deletion retains imported resources.
"""


def is_deployment(stack: Mapping[str, Any]) -> bool:
    """Return whether a stack belongs to a deployment: it has the tag, was created by an import, or is empty."""
    return (
        is_tagged(stack.get("Tags", []))
        or stack.get("Description") == IMPORT_DESCRIPTION
        or stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    )


def require_deployment(name: str, stack: Mapping[str, Any]) -> None:
    """Raise DeployError if a stack does not belong to a deployment."""
    if not is_deployment(stack):
        raise DeployError(
            f"the stack {name} exists without the tag {TAG}, so it belongs to another application and was not changed. "
            "Deploy beside it with a prefix for all names (--name-prefix)."
        )


class DeploymentStacks:
    """The stacks of deployments in one account and region. Templates are uploaded to `bucket`."""

    def __init__(
        self, client: MakeClient, bucket: str, tags: Mapping[str, str], print_line: PrintLine, pause: float = 3
    ) -> None:
        self._client = client
        self._cloudformation = client("cloudformation")
        self._print_line = print_line
        self._runner = StackRunner(client, bucket, print_line, partial(time.sleep, pause), tags)

    def apply(self, name: str, template: Template) -> dict[str, str]:
        """Create or update a stack and return its outputs. Raises DeployError with the reasons if it fails."""
        stack = self._runner.wait_until_stable(name)
        if stack is not None:
            require_deployment(name, stack)
        if stack is not None and stack["StackStatus"] in UNUSABLE_STATUSES:
            self._print_line(f"  {name}: an earlier attempt failed; deleting what remains of it")
            self.delete(name)
            stack = None
        elif stack is not None and stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
            self._print_line(f"  {name}: the rollback of an earlier update failed; continuing it")
            self._runner.continue_rollback(name)
        if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            retained = find_retained(self._client, template)
            if retained is not None:
                self._print_line(
                    f"  {name}: importing what an earlier deployment retained: {', '.join(retained.names)}"
                )
                self._runner.import_resources(name, retained.request)
                stack = self._runner.wait_until_stable(name)
        logical_names = {resource["LogicalResourceId"] for resource in list_stack_resources(self._cloudformation, name)}
        for group in delete_leftover_logs(self._client, template, logical_names):
            self._print_line(f"  {name}: deleted the log group {group} of a database that was deleted earlier")
        if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            self._runner.create(name, template.text, template.parameters)
        else:
            self._runner.update(name, template.text, template.parameters)
        return self._runner.outputs(name)

    def describe(self, name: str) -> dict[str, Any] | None:
        """Return CloudFormation's description of a stack, or None if it does not exist."""
        return self._runner.describe(name)

    def delete(self, name: str) -> None:
        """Delete a stack if it exists. Raises DeployError with the reasons if it fails."""
        stack = self._runner.wait_until_stable(name)
        if stack is None:
            return
        databases = self._unprotect_databases(name)
        earlier_snapshots = self._list_snapshots(databases)
        self._runner.delete(name, stack["StackId"])
        for snapshot in self._list_snapshots(databases) - earlier_snapshots:
            self._print_line(
                f"  {name}: the final snapshot {snapshot} remains and costs storage. If you do not need its data: "
                f"aws rds delete-db-snapshot --db-snapshot-identifier {snapshot}"
            )

    def _list_snapshots(self, databases: list[str]) -> set[str]:
        rds = self._client("rds")
        return {
            snapshot["DBSnapshotIdentifier"]
            for database in databases
            for snapshot in rds.describe_db_snapshots(DBInstanceIdentifier=database)["DBSnapshots"]
        }

    def _unprotect_databases(self, name: str) -> list[str]:
        """Turn off the deletion protection of a stack's databases and return their names.

        A database without the deployment's tag is not changed: a stack that failed to create one of that name lists it.
        """
        rds = self._client("rds")
        databases: list[str] = []
        for resource in list_stack_resources(self._cloudformation, name):
            if resource["ResourceType"] != "AWS::RDS::DBInstance" or not resource.get("PhysicalResourceId"):
                continue
            instance = {"DBInstanceIdentifier": resource["PhysicalResourceId"]}
            try:
                [database] = rds.describe_db_instances(**instance)["DBInstances"]
            except rds.exceptions.DBInstanceNotFoundFault:
                continue
            if not is_tagged(database.get("TagList", [])):
                continue
            databases.append(instance["DBInstanceIdentifier"])
            if database["DeletionProtection"]:
                self._print_line(
                    f"  {instance['DBInstanceIdentifier']}: deletion protection off; a final snapshot is created"
                )
                rds.modify_db_instance(**instance, DeletionProtection=False, ApplyImmediately=True)
        return databases
