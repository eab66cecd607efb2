"""Deploys the template with CloudFormation to the local engine, which starts empty but for its buckets' objects."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from onboarding.local.processes import Check, LocalError, pause
from onboarding.local.template import Template, pipeline_text

if TYPE_CHECKING:
    from collections.abc import Mapping

STACK = "onboarding"
CODE_KEY = "functions.zip"
TEMPLATE_KEY = "pipeline.yaml"
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]

MakeClient = Callable[[str], Any]
"""A service's name to a boto3 client of the engine."""


def deploy(
    client: MakeClient, url: str, parameters: Mapping[str, str], check: Check, text: str | None = None
) -> dict[str, str]:
    """Deploy the pipeline to the engine at `url` and return the stack's outputs.

    Raises LocalError with the first reason if a resource cannot be made.
    """
    identity = client("sts").get_caller_identity()
    account = identity["Account"]
    code = f"{STACK}-code-{account}"
    cloudformation = client("cloudformation")
    template = Template(
        text if text is not None else pipeline_text(),
        {**parameters, "CodeBucket": code, "CodeKey": CODE_KEY},
        account,
        cloudformation.meta.region_name,
    )
    s3 = client("s3")
    _store_code(s3, code, template)
    # A sender that nobody has verified may not send.
    client("ses").verify_email_identity(EmailAddress=template.parameter("MailSender"))

    existing = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    buckets = {name: template.value(item["BucketName"]) for name, item in template.of_type("AWS::S3::Bucket").items()}
    kept = {name: bucket for name, bucket in buckets.items() if bucket in existing}
    request = {
        "StackName": STACK,
        # By its place in a bucket, since a request carries no more than 51,200 bytes of template.
        "TemplateURL": f"{url}/{code}/{TEMPLATE_KEY}",
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in template.parameters.items()],
        "Capabilities": CAPABILITIES,
    }
    if kept:
        _adopt(cloudformation, kept, check)
        cloudformation.update_stack(**request)
        outputs = _wait(cloudformation, "UPDATE_COMPLETE", check)
    else:
        cloudformation.create_stack(**request)
        outputs = _wait(cloudformation, "CREATE_COMPLETE", check)
    _set_expiry(client("dynamodb"), cloudformation, template)
    return outputs


def _store_code(s3: Any, bucket: str, template: Template) -> None:
    """The functions' code and the template, in a bucket beside the stack.

    The zip is a placeholder: functions run in the engine's own interpreter, where this package is installed.
    """
    placeholder = io.BytesIO()
    with zipfile.ZipFile(placeholder, "w") as archive:
        archive.writestr("README", "The functions' code is the installed package `onboarding`.\n")
    try:
        s3.create_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    s3.put_object(Bucket=bucket, Key=CODE_KEY, Body=placeholder.getvalue())
    s3.put_object(Bucket=bucket, Key=TEMPLATE_KEY, Body=template.text.encode())


def _adopt(cloudformation: Any, buckets: Mapping[str, str], check: Check) -> None:
    """Make a stack of the buckets that the engine kept: a bucket that exists cannot be created, but imported.

    The update that follows gives them all their properties, and makes everything else.
    """
    resources = {
        logical: {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": bucket}}
        for logical, bucket in buckets.items()
    }
    change_set = {"StackName": STACK, "ChangeSetName": "kept-buckets"}
    cloudformation.create_change_set(
        **change_set,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps({"Resources": resources}),
        ResourcesToImport=[
            {
                "ResourceType": "AWS::S3::Bucket",
                "LogicalResourceId": logical,
                "ResourceIdentifier": {"BucketName": bucket},
            }
            for logical, bucket in buckets.items()
        ],
    )
    while True:
        described = cloudformation.describe_change_set(**change_set)
        if described["Status"] == "CREATE_COMPLETE":
            break
        if described["Status"] == "FAILED":
            raise LocalError(f"the kept buckets cannot be taken over: {described.get('StatusReason')}")
        pause(check)
    cloudformation.execute_change_set(**change_set)
    _wait(cloudformation, "IMPORT_COMPLETE", check)


def _wait(cloudformation: Any, wanted: str, check: Check) -> dict[str, str]:
    """Wait for the stack to settle in the wanted status; its outputs."""
    while True:
        [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        status = stack["StackStatus"]
        if status == wanted:
            return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        # The change set's stack waits for review until its execution begins.
        if not status.endswith("_IN_PROGRESS"):
            raise LocalError(f"the template cannot be deployed ({status}):\n{_reasons(cloudformation)}")
        pause(check)


def _reasons(cloudformation: Any) -> str:
    """Why resources failed, the first failure first."""
    events = [event for page in _pages(cloudformation, "describe_stack_events", "StackEvents") for event in page]
    failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("_FAILED")]
    lines = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed]
    # What is wrong with the template itself is told in events of another kind.
    found = [event for page in _pages(cloudformation, "describe_events", "OperationEvents") for event in page]
    lines += [
        f"{event.get('LogicalResourceId')}: {event['ValidationStatusReason']}"
        for event in found
        if event.get("ValidationStatusReason")
    ]
    return "\n".join(dict.fromkeys(lines))


def _pages(cloudformation: Any, operation: str, key: str) -> list[Any]:
    return [page.get(key, []) for page in cloudformation.get_paginator(operation).paginate(StackName=STACK)]


def _set_expiry(dynamodb: Any, cloudformation: Any, template: Template) -> None:
    """Give the tables their time to live, which the engine's CloudFormation leaves out without a word.

    What else it leaves out (backups, lifecycles, concurrency limits) does nothing for an engine on one machine.
    """
    tables = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in _pages(cloudformation, "list_stack_resources", "StackResourceSummaries")
        for resource in page
    }
    for logical, properties in template.of_type("AWS::DynamoDB::Table").items():
        if logical in tables and "TimeToLiveSpecification" in properties:
            dynamodb.update_time_to_live(
                TableName=tables[logical], TimeToLiveSpecification=properties["TimeToLiveSpecification"]
            )
