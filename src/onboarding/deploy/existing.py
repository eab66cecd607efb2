"""Resources of the account that have the names of the deployment's resources and do not belong to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from onboarding.deploy.adopt import NAMES
from onboarding.deploy.findings import Finding
from onboarding.deploy.ownership import find
from onboarding.deploy.plan import STACKS, MakeClient, Plan, template_text
from onboarding.deploy.stacks import stack_resources
from onboarding.local.template import Template


@dataclass(frozen=True, slots=True)
class Listing:
    """How to list the names of a resource type that an account has once."""

    noun: str
    property: str
    service: str
    operation: str
    names: str
    """Where the answers have the names, as JMESPath."""
    separator: str = ""
    """What is before the name in an ARN or a URL."""
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
    # Without a limit SQS answers the first 1,000 queues and not that there are more.
    "AWS::SQS::Queue": Listing("queue", "QueueName", "sqs", "list_queues", "QueueUrls[]", "/", {"MaxResults": 1000}),
    "AWS::SNS::Topic": Listing("topic", "TopicName", "sns", "list_topics", "Topics[].TopicArn", ":"),
    "AWS::DynamoDB::Table": Listing("table", "TableName", "dynamodb", "list_tables", "TableNames[]"),
    # A secret's name is taken until the end of its days of recovery.
    "AWS::SecretsManager::Secret": Listing(
        "secret", "Name", "secretsmanager", "list_secrets", "SecretList[].Name", "", {"IncludePlannedDeletion": True}
    ),
    "AWS::S3::Bucket": Listing("bucket", "BucketName", "s3", "list_buckets", "Buckets[].Name"),
}

RDS_LOGS = "/aws/rds/instance/"
"""Where RDS itself makes log groups, also that of a deleted database: the deployment deletes it first."""


def findings(client: MakeClient, plan: Plan, account: str) -> Iterator[Finding]:
    """Yield the resources that stand in the way of those that the deployment would create."""
    missing = _not_deployed(client, plan, account)
    taken = {
        kind: sorted(names & _existing(client, listing))
        for kind, listing in LISTINGS.items()
        if (names := missing.get(kind, set()))
    }
    strangers = _listed({kind: names for kind, names in taken.items() if kind not in NAMES})
    if strangers:
        yield Finding(
            "The account has resources with names that the deployment needs, and they are not part of it: "
            f"{strangers}. CloudFormation cannot create them a second time. Remove or rename them, or deploy beside "
            "them with a prefix before every name (--name-prefix).",
            blocks=True,
        )
    foreign, deleting = _not_adopted(client, {kind: names for kind, names in taken.items() if kind in NAMES})
    if foreign:
        yield Finding(
            f"The account has data of another application under names that the deployment needs: {foreign}. They lack "
            f"the tag application={plan.tags['application']}, so they can be neither created nor taken over. Rename "
            "them, or deploy beside them with a prefix before every name (--name-prefix).",
            blocks=True,
        )
    if deleting:
        yield Finding(f"AWS is deleting {deleting}. Restore them, or wait until they are gone.", blocks=True)


def _not_adopted(client: MakeClient, kept: dict[str, list[str]]) -> tuple[str, str]:
    """Return the data that is another application's, and that which is being deleted."""
    resources = {kind: [(name, find(client, kind, name)) for name in names] for kind, names in kept.items()}
    foreign = {kind: [name for name, item in items if item and not item.tagged] for kind, items in resources.items()}
    deleting = {kind: [name for name, item in items if item is None] for kind, items in resources.items()}
    return _listed(foreign), _listed(deleting)


def _not_deployed(client: MakeClient, plan: Plan, account: str) -> dict[str, set[str]]:
    """Return the names of the templates' resources that the stacks do not have, by type."""
    region = client("s3").meta.region_name
    missing: dict[str, set[str]] = {}
    deployed: set[tuple[str, str]] = set()
    for stack in STACKS:
        template = Template(template_text(stack), {"NamePrefix": plan.name_prefix}, account, region)
        resources = stack_resources(client("cloudformation"), plan.stack_name(stack))
        there = {resource["LogicalResourceId"] for resource in resources}
        for kind, listing in LISTINGS.items():
            for logical, properties in template.of_type(kind).items():
                name = template.value(properties[listing.property])
                if logical in there:
                    deployed.add((kind, name))
                elif not name.startswith(RDS_LOGS):
                    missing.setdefault(kind, set()).add(name)
    # Two templates declare the same secrets, each for its own stage.
    return {kind: {name for name in names if (kind, name) not in deployed} for kind, names in missing.items()}


def _existing(client: MakeClient, listing: Listing) -> set[str]:
    service = client(listing.service)
    # Buckets are listed for all regions otherwise, and those elsewhere are another check's.
    region = {"BucketRegion": service.meta.region_name} if listing.service == "s3" else {}
    pages = service.get_paginator(listing.operation).paginate(**listing.request, **region)
    names = (found for found in pages.search(listing.names) if found is not None)
    return {name.rpartition(listing.separator)[2] if listing.separator else name for name in names}


def _listed(resources: dict[str, list[str]]) -> str:
    return ", ".join(f"{LISTINGS[kind].noun} {name}" for kind, names in resources.items() for name in names)
