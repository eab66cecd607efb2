"""Check for existing resources of other applications that have names of the deployment's resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from onboarding.cloudformation.resource_imports import NAME_PROPERTIES
from onboarding.cloudformation.stack_runner import MakeClient, list_stack_resources
from onboarding.deploy.check_findings import Finding
from onboarding.deploy.plan import STACKS, Plan
from onboarding.deploy.resource_ownership import find_resource


@dataclass(frozen=True, slots=True)
class Listing:
    """Call that lists the names of a resource type. An account can use each name once."""

    noun: str
    property: str
    service: str
    operation: str
    names: str
    """JMESPath of the names in the responses."""
    separator: str = ""
    """Character before the name in an ARN or a URL."""
    request: dict[str, Any] = field(default_factory=dict)


LISTINGS = {
    "AWS::ECR::Repository": Listing(
        "image repository", "RepositoryName", "ecr", "describe_repositories", "repositories[].repositoryName"
    ),
    "AWS::Lambda::Function": Listing(
        "function", "FunctionName", "lambda", "list_functions", "Functions[].FunctionName"
    ),
    "AWS::Logs::LogGroup": Listing(
        "log group", "LogGroupName", "logs", "describe_log_groups", "logGroups[].logGroupName"
    ),
    "AWS::RDS::DBInstance": Listing(
        "database", "DBInstanceIdentifier", "rds", "describe_db_instances", "DBInstances[].DBInstanceIdentifier"
    ),
    # Without a limit SQS returns the first 1,000 queues without a token for the next page.
    "AWS::SQS::Queue": Listing("queue", "QueueName", "sqs", "list_queues", "QueueUrls[]", "/", {"MaxResults": 1000}),
    "AWS::SNS::Topic": Listing("topic", "TopicName", "sns", "list_topics", "Topics[].TopicArn", ":"),
    "AWS::DynamoDB::Table": Listing("table", "TableName", "dynamodb", "list_tables", "TableNames[]"),
    # The name of a deleted secret is in use until its recovery period ends.
    "AWS::SecretsManager::Secret": Listing(
        "secret", "Name", "secretsmanager", "list_secrets", "SecretList[].Name", "", {"IncludePlannedDeletion": True}
    ),
    "AWS::S3::Bucket": Listing("bucket", "BucketName", "s3", "list_buckets", "Buckets[].Name"),
}

RDS_LOGS = "/aws/rds/instance/"
"""Prefix of log groups that RDS creates. The deployment deletes the group of a deleted database."""


def check_names(client: MakeClient, plan: Plan, account: str) -> Iterator[Finding]:
    """Yield findings about existing resources that prevent the deployment from creating its own."""
    missing = _list_names_to_create(client, plan, account)
    existing = {
        resource_type: sorted(names & _list_existing_names(client, listing))
        for resource_type, listing in LISTINGS.items()
        if (names := missing.get(resource_type, set()))
    }
    conflicts = _format_list({key: names for key, names in existing.items() if key not in NAME_PROPERTIES})
    if conflicts:
        yield Finding(
            "The account has resources with names that the deployment needs, and they are not part of it: "
            f"{conflicts}. CloudFormation cannot create them a second time. Remove or rename them, or deploy beside "
            "them with a prefix for all names (--name-prefix).",
            blocks=True,
        )
    foreign, deleting = _find_not_importable(
        client, {key: names for key, names in existing.items() if key in NAME_PROPERTIES}
    )
    if foreign:
        yield Finding(
            f"The account has data of another application under names that the deployment needs: {foreign}. They lack "
            f"the tag application={plan.tags['application']}, so they can be neither created nor imported. Rename "
            "them, or deploy beside them with a prefix for all names (--name-prefix).",
            blocks=True,
        )
    if deleting:
        yield Finding(f"AWS is deleting {deleting}. Restore them, or wait until they are deleted.", blocks=True)


def _find_not_importable(client: MakeClient, existing: dict[str, list[str]]) -> tuple[str, str]:
    """Return the resources of other applications, and those that are being deleted, both as text."""
    resources = {key: [(name, find_resource(client, key, name)) for name in names] for key, names in existing.items()}
    foreign = {key: [name for name, item in items if item and not item.is_tagged] for key, items in resources.items()}
    deleting = {key: [name for name, item in items if item is None] for key, items in resources.items()}
    return _format_list(foreign), _format_list(deleting)


def _list_names_to_create(client: MakeClient, plan: Plan, account: str) -> dict[str, set[str]]:
    """Return the names of the templates' resources that no stack has yet, by type."""
    region = client("s3").meta.region_name
    missing: dict[str, set[str]] = {}
    deployed: set[tuple[str, str]] = set()
    for stack in STACKS:
        template = plan.template(stack, account, region)
        resources = list_stack_resources(client("cloudformation"), plan.stack_name(stack))
        logical_names = {resource["LogicalResourceId"] for resource in resources}
        for resource_type, listing in LISTINGS.items():
            for logical_name, properties in template.resources_of_type(resource_type).items():
                name = template.evaluate(properties[listing.property])
                if logical_name in logical_names:
                    deployed.add((resource_type, name))
                elif not name.startswith(RDS_LOGS):
                    missing.setdefault(resource_type, set()).add(name)
    # Two templates declare the same secrets, each for its own stage.
    return {key: {name for name in names if (key, name) not in deployed} for key, names in missing.items()}


def _list_existing_names(client: MakeClient, listing: Listing) -> set[str]:
    service = client(listing.service)
    # Only this region's buckets: `checks` reports those of other regions.
    region = {"BucketRegion": service.meta.region_name} if listing.service == "s3" else {}
    pages = service.get_paginator(listing.operation).paginate(**listing.request, **region)
    names = (name for name in pages.search(listing.names) if name is not None)
    return {name.rpartition(listing.separator)[2] if listing.separator else name for name in names}


def _format_list(resources: dict[str, list[str]]) -> str:
    return ", ".join(f"{LISTINGS[key].noun} {name}" for key, names in resources.items() for name in names)
