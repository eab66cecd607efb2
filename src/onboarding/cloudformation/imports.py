"""Imports of existing resources: a resource that exists cannot be created, so a new stack begins with its import.

The update that follows gives the resources all their properties and creates everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onboarding.cloudformation.templates import Template

NAME_PROPERTIES = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::SecretsManager::Secret": "Name",
}
"""The types of resources that outlive their stack, each with the property that names the resource."""

IMPORT_DESCRIPTION = "Resources that an earlier deployment of product-onboarding retained"
"""Identifies a stack that begins with an import, which cannot give it tags. The update that follows does."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """The template of a change set of the type IMPORT, and the resources that it imports."""

    template: str
    resources: list[dict[str, Any]]


def import_request(template: Template, identifiers: Mapping[str, Mapping[str, str]]) -> ImportRequest:
    """Return the request that imports resources of a template, by logical name with their CloudFormation identifier."""
    declared: dict[str, Any] = {}
    resources: list[dict[str, Any]] = []
    for logical_name, identifier in identifiers.items():
        resource_type = template.resource_type(logical_name)
        properties = template.resources_of_type(resource_type)[logical_name]
        name_property = NAME_PROPERTIES[resource_type]
        named = {name_property: template.evaluate(properties[name_property])}
        # Tables and secrets with the properties that they were deployed with, since the update adds what the import
        # leaves out: a stream can be added only once, and a secret that begins to be generated gets a new value.
        described = named if resource_type == "AWS::S3::Bucket" else {**properties, **named}
        declared[logical_name] = {"Type": resource_type, "DeletionPolicy": "Retain", "Properties": described}
        resources.append(
            {"ResourceType": resource_type, "LogicalResourceId": logical_name, "ResourceIdentifier": dict(identifier)}
        )
    return ImportRequest(json.dumps({"Description": IMPORT_DESCRIPTION, "Resources": declared}), resources)
