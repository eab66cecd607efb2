"""Retained resources of an earlier deployment (buckets, tables, secrets), for import into a new stack."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from onboarding.cloudformation.resource_imports import NAME_PROPERTIES, ImportRequest, make_import_request
from onboarding.cloudformation.stack_runner import DeployError, MakeClient
from onboarding.cloudformation.templates import Template
from onboarding.deploy.plan import STACKS, TAG, Plan
from onboarding.deploy.resource_ownership import find_resource


@dataclass(frozen=True, slots=True)
class RetainedResources:
    """Names of a template's retained resources, and the request that imports them."""

    names: list[str]
    request: ImportRequest


def find_retained(client: MakeClient, template: Template) -> RetainedResources | None:
    """Return the resources of a template that an earlier deployment retained, or None if there are none.

    Raises DeployError if one of them does not have the deployment's tag.
    """
    names: list[str] = []
    identifiers: dict[str, dict[str, str]] = {}
    untagged: list[str] = []
    for resource_type, name_property in NAME_PROPERTIES.items():
        for logical_name, properties in template.resources_of_type(resource_type).items():
            if not template.is_created(logical_name):
                continue
            name = template.evaluate(properties[name_property])
            resource = find_resource(client, resource_type, name)
            if resource is None:
                continue
            if not resource.is_tagged:
                untagged.append(name)
            names.append(name)
            identifiers[logical_name] = resource.identifier
    if untagged:
        raise DeployError(
            f"{', '.join(untagged)}: exists without the tag {TAG}, so nothing was imported. If it belongs to another "
            "application, deploy beside it with --name-prefix; if an earlier deployment of this product retained it, "
            "add that tag."
        )
    return RetainedResources(names, make_import_request(template, identifiers)) if names else None


def list_retained(plan: Plan, account: str, region: str) -> list[tuple[str, str]]:
    """Return the type and name of all resources that are retained when a deployment's stacks are deleted."""
    retained: list[tuple[str, str]] = []
    for stack in STACKS:
        template = plan.template(stack, account, region)
        for resource_type, name_property in NAME_PROPERTIES.items():
            retained += [
                (resource_type, template.evaluate(properties[name_property]))
                for properties in template.resources_of_type(resource_type).values()
            ]
    return list(dict.fromkeys(retained))


def delete_leftover_logs(client: MakeClient, template: Template, logical_names: Container[str]) -> Iterator[str]:
    """Delete log groups that RDS recreated for a deleted database, and yield their names.

    CloudFormation cannot create a group that exists. The groups of the stack's resources (`logical_names`) and those of
    existing databases are not deleted.
    """
    for logical_name, properties in template.resources_of_type("AWS::Logs::LogGroup").items():
        if logical_name in logical_names:
            continue
        name = template.evaluate(properties["LogGroupName"])
        database = re.fullmatch(r"/aws/rds/instance/([^/]+)/\w+", name)
        if database is None or database_exists(client, database[1]):
            continue
        try:
            client("logs").delete_log_group(logGroupName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
        else:
            yield name


def database_exists(client: MakeClient, name: str) -> bool:
    """Return whether RDS has a database instance of this name."""
    try:
        return bool(client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "DBInstanceNotFound":
            return False
        raise
