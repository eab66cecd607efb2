"""Deployment of the pipeline's template to the AWS emulator at each start of the local stack."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from onboarding.cloudformation.code_placeholder import code_parameters, put_code_placeholder
from onboarding.cloudformation.resource_imports import make_import_request
from onboarding.cloudformation.stack_runner import DeployError, MakeClient, StackRunner, list_stack_resources
from onboarding.cloudformation.templates import Template, load_template
from onboarding.local.processes import Check, LocalError, pause

if TYPE_CHECKING:
    from collections.abc import Mapping

STACK = "onboarding"


def deploy_template(client: MakeClient, parameters: Mapping[str, str], check: Check) -> dict[str, str]:
    """Deploy the pipeline's template to the emulator and return the stack's outputs.

    The emulator keeps only the objects in buckets between runs, so existing buckets are imported. Raises LocalError
    with the reasons if a resource cannot be created.
    """
    account = client("sts").get_caller_identity()["Account"]
    bucket = f"{STACK}-code-{account}"
    cloudformation = client("cloudformation")
    template = load_template(
        "pipeline", {**parameters, **code_parameters(bucket)}, account, cloudformation.meta.region_name
    )
    s3 = client("s3")
    bucket_names = {item["Name"] for item in s3.list_buckets()["Buckets"]}
    _ensure_bucket(s3, bucket)
    put_code_placeholder(s3, bucket)
    # SES rejects a sender that is not verified.
    client("ses").verify_email_identity(EmailAddress=template.parameter_value("EmailSender"))
    names = {
        logical_name: template.evaluate(properties["BucketName"])
        for logical_name, properties in template.resources_of_type("AWS::S3::Bucket").items()
    }
    existing_buckets = {
        logical_name: {"BucketName": name} for logical_name, name in names.items() if name in bucket_names
    }
    runner = StackRunner(client, bucket, lambda _: None, partial(pause, check))
    try:
        if existing_buckets:
            runner.import_resources(STACK, make_import_request(template, existing_buckets))
            runner.update(STACK, template.text, template.parameters)
        else:
            runner.create(STACK, template.text, template.parameters)
        outputs = runner.outputs(STACK)
    except DeployError as error:
        raise LocalError(f"the template cannot be deployed: {error}") from error
    _set_time_to_live(client("dynamodb"), cloudformation, template)
    return outputs


def _ensure_bucket(s3: Any, name: str) -> None:
    try:
        s3.create_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise


def _set_time_to_live(dynamodb: Any, cloudformation: Any, template: Template) -> None:
    """Set the tables' time to live, which the emulator's CloudFormation silently ignores.

    It also ignores backups, lifecycles and concurrency limits, which are not needed on one machine.
    """
    tables = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in list_stack_resources(cloudformation, STACK)
    }
    for logical_name, properties in template.resources_of_type("AWS::DynamoDB::Table").items():
        if logical_name in tables and "TimeToLiveSpecification" in properties:
            dynamodb.update_time_to_live(
                TableName=tables[logical_name], TimeToLiveSpecification=properties["TimeToLiveSpecification"]
            )
