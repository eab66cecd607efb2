"""Imports of existing resources into a new stack, since CloudFormation cannot create what exists.

The update after the import gives the resources all their properties and creates all other resources.
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
"""Description of a stack after its import, which cannot set tags; the update after the import sets them."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """The template of a change set of the type IMPORT, and the resources that it imports."""

    template: str
    resources: list[dict[str, Any]]


def make_import_request(template: Template, identifiers: Mapping[str, Mapping[str, str]]) -> ImportRequest:
    """Return the request that imports resources of a template; `identifiers` are CloudFormation's, by logical name."""
    declared: dict[str, Any] = {}
    resources: list[dict[str, Any]] = []
    for logical_name, identifier in identifiers.items():
        resource_type = template.resource_type(logical_name)
        properties = template.resources_of_type(resource_type)[logical_name]
        name_property = NAME_PROPERTIES[resource_type]
        name = {name_property: template.evaluate(properties[name_property])}
        # Tables and secrets are imported with all properties, since the update adds each property that the import
        # omits: a stream cannot be added a second time, and a secret whose generation is added gets a new value.
        imported = name if resource_type == "AWS::S3::Bucket" else {**properties, **name}
        declared[logical_name] = {"Type": resource_type, "DeletionPolicy": "Retain", "Properties": imported}
        resources.append(
            {"ResourceType": resource_type, "LogicalResourceId": logical_name, "ResourceIdentifier": dict(identifier)}
        )
    return ImportRequest(json.dumps({"Description": IMPORT_DESCRIPTION, "Resources": declared}), resources)
