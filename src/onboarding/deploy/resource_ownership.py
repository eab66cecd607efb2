"""Lookup of buckets, tables and secrets, with their ownership by tag.

Another application may use the name of a resource, so only resources with the deployment's tag are imported or deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from onboarding.cloudformation.stack_runner import MakeClient
from onboarding.deploy import buckets
from onboarding.deploy.plan import is_tagged


@dataclass(frozen=True, slots=True)
class ExistingResource:
    """An existing resource: its identifier for CloudFormation, and whether it has the deployment's tag."""

    identifier: dict[str, str]
    is_tagged: bool


def find_resource(client: MakeClient, resource_type: str, name: str) -> ExistingResource | None:
    """Return the resource with this name, or None if it does not exist or is being deleted.

    Raises DeployError for a bucket in another region.
    """
    return _FINDERS[resource_type](client, name)


def _find_bucket(client: MakeClient, name: str) -> ExistingResource | None:
    s3 = client("s3")
    if not buckets.bucket_exists(s3, name, client("sts").get_caller_identity()["Account"]):
        return None
    return ExistingResource({"BucketName": name}, is_tagged(buckets.get_tags(s3, name)))


def _find_table(client: MakeClient, name: str) -> ExistingResource | None:
    dynamodb = client("dynamodb")
    response = _call_or_none(dynamodb.describe_table, TableName=name)
    if response is None or response["Table"]["TableStatus"] == "DELETING":
        return None
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=response["Table"]["TableArn"])
    return ExistingResource({"TableName": name}, is_tagged([tag for page in pages for tag in page["Tags"]]))


def _find_secret(client: MakeClient, name: str) -> ExistingResource | None:
    response = _call_or_none(client("secretsmanager").describe_secret, SecretId=name)
    if response is None or "DeletedDate" in response:
        return None
    return ExistingResource({"Id": response["ARN"]}, is_tagged(response.get("Tags", [])))


def _call_or_none(operation: Callable[..., Any], **request: str) -> Any:
    """Return the response of an operation, or None if the resource does not exist."""
    try:
        return operation(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise


_FINDERS: Mapping[str, Callable[[MakeClient, str], ExistingResource | None]] = {
    "AWS::S3::Bucket": _find_bucket,
    "AWS::DynamoDB::Table": _find_table,
    "AWS::SecretsManager::Secret": _find_secret,
}
