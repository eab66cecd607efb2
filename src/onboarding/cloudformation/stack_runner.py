"""Runner for CloudFormation stacks: change sets, waiting, events, outputs and failure reasons."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any

from botocore.exceptions import ClientError

from onboarding.cloudformation.resource_imports import ImportRequest

CAPABILITIES = ["CAPABILITY_NAMED_IAM"]

UNCHANGED_REASONS = ("didn't contain changes", "no updates are to be performed", "submitted information didn't contain")
"""CloudFormation's reasons, in lower case, for a change set that changes nothing."""

COMPLETE_STATUSES = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")

MakeClient = Callable[[str], Any]
"""Function that returns the boto3 client of a service."""

PrintLine = Callable[[str], None]
"""Function that prints a line about the progress."""


class DeployError(Exception):
    """The deployment cannot continue; the message has the reason and, if possible, the next step."""


def describe_stack(cloudformation: Any, name: str) -> dict[str, Any] | None:
    """Return CloudFormation's description of a stack, or None if it does not exist."""
    try:
        stacks: list[dict[str, Any]] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return stacks[0]


def list_stack_resources(cloudformation: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yield the resources of a stack that are not deleted; none if the stack does not exist."""
    try:
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=name):
            for resource in page["StackResourceSummaries"]:
                if resource["ResourceStatus"] != "DELETE_COMPLETE":
                    yield resource
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise


def stack_parameters(stack: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters in the description of a stack."""
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack.get("Parameters", [])}


def stack_outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """Return the outputs in the description of a stack."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


class StackRunner:
    """Changes and deletes stacks of one account and region, one at a time, and waits for the result.

    Templates are uploaded to `bucket`, since a request can contain at most 51,200 bytes of a template. `wait` is called
    between two requests for the state of a stack; its exceptions are propagated.
    """

    def __init__(
        self,
        client: MakeClient,
        bucket: str,
        print_line: PrintLine,
        wait: Callable[[], None],
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._cloudformation = client("cloudformation")
        self._s3 = client("s3")
        self._bucket = bucket
        self._print_line = print_line
        self._wait = wait
        self._tags = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]

    def describe(self, name: str) -> dict[str, Any] | None:
        """Return CloudFormation's description of a stack, or None if it does not exist."""
        return describe_stack(self._cloudformation, name)

    def outputs(self, name: str) -> dict[str, str]:
        """Return a stack's outputs. Raises DeployError if it does not exist."""
        stack = self.describe(name)
        if stack is None:
            raise DeployError(f"the stack {name} does not exist")
        return stack_outputs(stack)

    def create(self, name: str, text: str, parameters: Mapping[str, str]) -> None:
        """Create a stack from a template. Raises DeployError with the reasons if it fails."""
        self._change(name, "CREATE", text, Parameters=_parameter_list(parameters), Tags=self._tags)

    def update(self, name: str, text: str, parameters: Mapping[str, str]) -> None:
        """Update a stack to a template, if that changes anything. Raises DeployError with the reasons if it fails."""
        self._change(name, "UPDATE", text, Parameters=_parameter_list(parameters), Tags=self._tags)

    def import_resources(self, name: str, request: ImportRequest) -> None:
        """Create a stack, without tags, from existing resources. Raises DeployError with the reasons if it fails."""
        self._change(name, "IMPORT", request.template, ResourcesToImport=request.resources)

    def delete(self, name: str, stack_id: str) -> None:
        """Delete a stack. Raises DeployError with the reasons if it fails."""
        last_event = self._last_event_id(stack_id)
        self._cloudformation.delete_stack(StackName=name)
        # By its ID: a deleted stack cannot be found by its name.
        status = self._follow(name, stack_id, last_event)
        if status not in {"DELETE_COMPLETE", None}:
            raise DeployError(f"{name} cannot be deleted ({status}):\n{self._failure_reasons(stack_id, last_event)}")

    def continue_rollback(self, name: str) -> None:
        """Continue the failed rollback of an update. Raises DeployError with the reasons if it fails again."""
        last_event = self._last_event_id(name)
        self._cloudformation.continue_update_rollback(StackName=name)
        status = self._follow(name, name, last_event)
        if status != "UPDATE_ROLLBACK_COMPLETE":
            raise DeployError(
                f"an earlier update of {name} cannot be rolled back ({status}):\n"
                f"{self._failure_reasons(name, last_event)}\n"
                "Fix the named resources, or continue the rollback without them in the CloudFormation console."
            )

    def wait_until_stable(self, name: str) -> dict[str, Any] | None:
        """Wait until no operation runs on a stack, such as one of an interrupted deployment; return its description."""
        is_printed = False
        while True:
            stack = self.describe(name)
            if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
                return stack
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return stack
            if not is_printed:
                self._print_line(f"  {name}: waiting for {stack['StackStatus']}")
                is_printed = True
            self._wait()

    def _change(self, name: str, change_type: str, text: str, **request: object) -> None:
        key = f"templates/{name}.yaml"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=text.encode())
        change_set_name = f"{change_type.lower()}-{time.time_ns()}"
        created = self._cloudformation.create_change_set(
            StackName=name,
            ChangeSetName=change_set_name,
            ChangeSetType=change_type,
            TemplateURL=f"{self._s3.meta.endpoint_url}/{self._bucket}/{key}",
            Capabilities=CAPABILITIES,
            **request,
        )
        change_set = {"StackName": name, "ChangeSetName": created["Id"]}
        while True:
            description = self._cloudformation.describe_change_set(**change_set)
            if description["Status"] == "CREATE_COMPLETE":
                break
            if description["Status"] == "FAILED":
                reason = description.get("StatusReason", "")
                self._cloudformation.delete_change_set(**change_set)
                if any(words in reason.lower() for words in UNCHANGED_REASONS):
                    self._print_line(f"  {name}: nothing to change")
                    return
                raise DeployError(f"{name} cannot be changed: {reason}")
            self._wait()
        if description["ExecutionStatus"] != "AVAILABLE":
            raise DeployError(f"{name}: CloudFormation does not execute the change set {change_set_name}")
        last_event = self._last_event_id(name)
        self._cloudformation.execute_change_set(**change_set)
        status = self._follow(name, name, last_event)
        if status not in COMPLETE_STATUSES:
            raise DeployError(f"{name} cannot be deployed ({status}):\n{self._failure_reasons(name, last_event)}")

    def _follow(self, name: str, stack: str, last_event: str | None) -> str | None:
        """Print a stack's events until its operation ends; return its status, or None if it no longer exists.

        `stack` is its name or ID. Only events after `last_event` are printed.
        """
        printed: set[str] = set()
        while True:
            description = self.describe(stack)
            status = description["StackStatus"] if description else None
            for event in self._events_after(last_event, stack) if description else ():
                if event["EventId"] not in printed and not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                    printed.add(event["EventId"])
                    self._print_line(f"  {name}: {event['LogicalResourceId']} {event['ResourceStatus']}")
            # A new stack is in review until the execution of its change set starts.
            if status is None or not status.endswith("_IN_PROGRESS"):
                return status
            self._wait()

    def _events_after(self, last_event: str | None, stack: str) -> list[dict[str, Any]]:
        """Return a stack's events after the one with the ID `last_event`, the oldest first."""
        events = takewhile(lambda event: event["EventId"] != last_event, self._newest_events(stack))
        return list(events)[::-1]

    def _newest_events(self, stack: str) -> Iterator[dict[str, Any]]:
        """Yield a stack's events of the last 90 days, the newest first, reading one page at a time."""
        try:
            for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
                yield from page["StackEvents"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise

    def _last_event_id(self, stack: str) -> str | None:
        return next((str(event["EventId"]) for event in self._newest_events(stack)), None)

    def _failure_reasons(self, stack: str, last_event: str | None) -> str:
        events: Iterable[dict[str, Any]] = self._events_after(last_event, stack)
        lines = [
            f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for event in events
            if event["ResourceStatus"].endswith("_FAILED")
        ]
        # CloudFormation reports errors in the template by another operation, which its reason names.
        if any("DescribeEvents" in line for line in lines):
            lines += self._validation_errors(stack)
        return "\n".join(dict.fromkeys(lines))

    def _validation_errors(self, stack: str) -> list[str]:
        return [
            f"  {event.get('LogicalResourceId')}: {event['ValidationStatusReason']}"
            for page in self._cloudformation.get_paginator("describe_events").paginate(StackName=stack)
            for event in page["OperationEvents"]
            if event.get("ValidationStatusReason")
        ]


def _parameter_list(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
