"""What an earlier deployment left on purpose (buckets, tables, secrets) becomes part of a new stack again.

A resource that exists cannot be created. So a new stack begins with an import of those that are there; the update that
follows gives them their properties and makes the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from onboarding.deploy.buckets import is_there
from onboarding.deploy.plan import STACKS, MakeClient, template_text
from onboarding.local.template import Template

NAMES = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::SecretsManager::Secret": "Name",
}
"""By resource type, for everything that outlives its stack, the property that names it."""

Found = tuple[dict[str, Any], dict[str, str]]
"""The properties that describe a resource to CloudFormation for its import, and what identifies it."""


@dataclass(frozen=True, slots=True)
class Import:
    """A change set's template and list of resources to import, and their names for people."""

    template: str
    resources: list[dict[str, Any]]
    names: list[str]


def import_request(client: MakeClient, text: str, parameters: Mapping[str, str]) -> Import | None:
    """What of the template's kept resources exists already; None if nothing does."""
    identity = client("sts").get_caller_identity()
    region = client("cloudformation").meta.region_name
    template = Template(text, parameters, identity["Account"], region)
    declared: dict[str, Any] = {}
    resources: list[dict[str, Any]] = []
    names: list[str] = []
    for resource_type, find in FINDERS.items():
        for logical, properties in template.of_type(resource_type).items():
            if not template.made(logical):
                continue
            found = find(client, template, properties)
            if found is None:
                continue
            described, identifier = found
            declared[logical] = {"Type": resource_type, "DeletionPolicy": "Retain", "Properties": described}
            resources.append(
                {"ResourceType": resource_type, "LogicalResourceId": logical, "ResourceIdentifier": identifier}
            )
            names.append(template.value(described[NAMES[resource_type]]))
    return Import(json.dumps({"Resources": declared}), resources, names) if resources else None


def kept(account: str, region: str, prefix: str) -> list[tuple[str, str]]:
    """Type and name of everything that outlives the stacks whose names begin with `prefix`."""
    found: list[tuple[str, str]] = []
    for stack in STACKS:
        template = Template(template_text(stack), {"NamePrefix": prefix}, account, region)
        for kind, name in NAMES.items():
            found += [(kind, template.value(properties[name])) for properties in template.of_type(kind).values()]
    return list(dict.fromkeys(found))


def _bucket(client: MakeClient, template: Template, properties: Mapping[str, Any]) -> Found | None:
    name = template.value(properties["BucketName"])
    return ({"BucketName": name}, {"BucketName": name}) if is_there(client("s3"), name) else None


def _table(client: MakeClient, template: Template, properties: Mapping[str, Any]) -> Found | None:
    name = template.value(properties["TableName"])
    if _ask(client("dynamodb").describe_table, TableName=name) is None:
        return None
    # All of it, as it was deployed: what an import leaves out the update would add. A stream can be added once, and a
    # secret that begins to be generated gets a new value.
    return {**properties, "TableName": name}, {"TableName": name}


def _secret(client: MakeClient, template: Template, properties: Mapping[str, Any]) -> Found | None:
    name = template.value(properties["Name"])
    answer = _ask(client("secretsmanager").describe_secret, SecretId=name)
    return None if answer is None else ({**properties, "Name": name}, {"Id": answer["ARN"]})


def _ask(call: Callable[..., Any], **request: str) -> Any:
    """What AWS answers, or None if there is no such thing."""
    try:
        return call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise


FINDERS: dict[str, Callable[[MakeClient, Template, Mapping[str, Any]], Found | None]] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::DynamoDB::Table": _table,
    "AWS::SecretsManager::Secret": _secret,
}
"""By resource type, how to find one."""
