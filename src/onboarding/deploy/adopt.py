"""What an earlier deployment left on purpose (buckets, tables, secrets) becomes part of a new stack again.

A resource that exists cannot be created. So a new stack begins with an import of those that are there; the update that
follows gives them their properties and makes the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from onboarding.deploy.ownership import find
from onboarding.deploy.plan import STACKS, TAG, DeployError, MakeClient, template_text
from onboarding.local.template import Template

NAMES = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::SecretsManager::Secret": "Name",
}
"""By resource type, for everything that outlives its stack, the property that names it."""


IMPORTED = "Resources that an earlier deployment of product-onboarding kept"
"""Describes a stack that begins with an import, which cannot give it tags. The update that follows does."""


@dataclass(frozen=True, slots=True)
class Import:
    """A change set's template and list of resources to import, and their names for people."""

    template: str
    resources: list[dict[str, Any]]
    names: list[str]


def import_request(client: MakeClient, text: str, parameters: Mapping[str, str]) -> Import | None:
    """What of the template's kept resources exists already; None if nothing does.

    Raises DeployError if one of them does not carry the deployments' tag.
    """
    template = _template(client, text, parameters)
    declared: dict[str, Any] = {}
    resources: list[dict[str, Any]] = []
    names: list[str] = []
    untagged: list[str] = []
    for kind, naming in NAMES.items():
        for logical, properties in template.of_type(kind).items():
            if not template.made(logical):
                continue
            name = template.value(properties[naming])
            existing = find(client, kind, name)
            if existing is None:
                continue
            if not existing.tagged:
                untagged.append(name)
            # Tables and secrets as they were deployed: what an import leaves out the update would add. A stream can be
            # added once, and a secret that begins to be generated gets a new value.
            described = {naming: name} if kind == "AWS::S3::Bucket" else {**properties, naming: name}
            declared[logical] = {"Type": kind, "DeletionPolicy": "Retain", "Properties": described}
            resources.append(
                {"ResourceType": kind, "LogicalResourceId": logical, "ResourceIdentifier": existing.identifier}
            )
            names.append(name)
    if untagged:
        raise DeployError(
            f"{', '.join(untagged)}: exists already and does not carry the tag {TAG}, so nothing was imported. "
            "If it belongs to another application, deploy beside it with --name-prefix; if an earlier deployment of "
            "this product left it, give it that tag."
        )
    if not resources:
        return None
    return Import(json.dumps({"Description": IMPORTED, "Resources": declared}), resources, names)


def kept(account: str, region: str, prefix: str) -> list[tuple[str, str]]:
    """Type and name of everything that outlives the stacks whose names begin with `prefix`."""
    found: list[tuple[str, str]] = []
    for stack in STACKS:
        template = Template(template_text(stack), {"NamePrefix": prefix}, account, region)
        for kind, name in NAMES.items():
            found += [(kind, template.value(properties[name])) for properties in template.of_type(kind).values()]
    return list(dict.fromkeys(found))


def delete_leftover_logs(
    client: MakeClient, text: str, parameters: Mapping[str, str], held: Container[str]
) -> Iterator[str]:
    """Delete the log groups of deleted databases, which RDS creates again, and yield their names.

    CloudFormation cannot create a group that exists. `held` has the logical names of the resources that the stack has:
    those groups, and the logs of a database that is there, are not touched.
    """
    template = _template(client, text, parameters)
    for logical, properties in template.of_type("AWS::Logs::LogGroup").items():
        if logical in held:
            continue
        name = template.value(properties["LogGroupName"])
        database = re.fullmatch(r"/aws/rds/instance/([^/]+)/\w+", name)
        if database is None or has_database(client, database[1]):
            continue
        try:
            client("logs").delete_log_group(logGroupName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
        else:
            yield name


def has_database(client: MakeClient, name: str) -> bool:
    """Return whether RDS has a database instance of this name."""
    try:
        return bool(client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "DBInstanceNotFound":
            return False
        raise


def _template(client: MakeClient, text: str, parameters: Mapping[str, str]) -> Template:
    account = client("sts").get_caller_identity()["Account"]
    return Template(text, parameters, account, client("cloudformation").meta.region_name)
