"""Buckets, tables and secrets of an account, and whether a deployment made them.

A name proves nothing: another application may use it. So only what carries the deployments' tag is imported or deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from onboarding.deploy import buckets
from onboarding.deploy.plan import MakeClient, is_tagged


@dataclass(frozen=True, slots=True)
class Existing:
    """A resource that is there: what identifies it to CloudFormation, and whether it carries the tag."""

    identifier: dict[str, str]
    tagged: bool


def find(client: MakeClient, kind: str, name: str) -> Existing | None:
    """Return the resource with this name, or None if there is none or it is being deleted.

    Raises DeployError for a bucket in another region.
    """
    return _FINDERS[kind](client, name)


def _bucket(client: MakeClient, name: str) -> Existing | None:
    s3 = client("s3")
    if not buckets.is_there(s3, name, client("sts").get_caller_identity()["Account"]):
        return None
    return Existing({"BucketName": name}, is_tagged(buckets.tags_of(s3, name)))


def _table(client: MakeClient, name: str) -> Existing | None:
    dynamodb = client("dynamodb")
    response = _ask(dynamodb.describe_table, TableName=name)
    if response is None or response["Table"]["TableStatus"] == "DELETING":
        return None
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=response["Table"]["TableArn"])
    return Existing({"TableName": name}, is_tagged([tag for page in pages for tag in page["Tags"]]))


def _secret(client: MakeClient, name: str) -> Existing | None:
    response = _ask(client("secretsmanager").describe_secret, SecretId=name)
    if response is None or "DeletedDate" in response:
        return None
    return Existing({"Id": response["ARN"]}, is_tagged(response.get("Tags", [])))


def _ask(call: Callable[..., Any], **request: str) -> Any:
    """Return what AWS answers, or None if there is no such resource."""
    try:
        return call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise


_FINDERS: Mapping[str, Callable[[MakeClient, str], Existing | None]] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::DynamoDB::Table": _table,
    "AWS::SecretsManager::Secret": _secret,
}
